/* SPDX-License-Identifier: MIT */
/* Sums from round to round. */
#include "loader/rows.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

static void add(struct bl_rows *rows, uint32_t by, uint64_t id, uint64_t sum, uint64_t longest, uint64_t what)
{
	struct bl_row row = { .by = by, .id = id };

	row.values[0] = sum;
	row.values[BL_ROW_LONGEST] = longest;
	row.values[BL_ROW_WHAT] = what;
	assert_int_equal(bl_rows_add(rows, &row), 0);
}

static void first_round_is_all_news_and_in_order(void **state)
{
	struct bl_rows rows = { 0 };

	(void)state;
	bl_rows_begin(&rows);
	for (uint64_t id = 1000; id > 0; id--)
		add(&rows, 1 + id % 2, id, id, 0, 0);
	bl_rows_end(&rows);
	assert_int_equal(rows.now.n, 1000);
	for (size_t i = 0; i < rows.now.n; i++) {
		assert_true(rows.now.rows[i].changed);
		assert_int_equal(rows.now.rows[i].by, i < 500 ? 1 : 2);
		assert_int_equal(rows.now.rows[i].id, i < 500 ? 2 * (i + 1) : 2 * (i - 500) + 1);
	}
	bl_rows_fini(&rows);
}

static void what_stays_is_no_news_and_what_shrinks_stays(void **state)
{
	struct bl_rows rows = { 0 };

	(void)state;
	bl_rows_begin(&rows);
	for (uint64_t id = 1; id <= 4; id++)
		add(&rows, 1, id, 10, 7, id);
	bl_rows_end(&rows);
	bl_rows_begin(&rows);
	add(&rows, 1, 1, 10, 7, 1);
	add(&rows, 1, 2, 11, 7, 99); /* as long as before: the one before stays */
	add(&rows, 1, 3, 9, 3, 99);
	add(&rows, 1, 5, 1, 1, 1); /* 4 is gone */
	bl_rows_end(&rows);
	assert_int_equal(rows.now.n, 4);
	assert_false(rows.now.rows[0].changed);
	assert_true(rows.now.rows[1].changed);
	assert_false(rows.now.rows[1].longer);
	assert_int_equal(rows.now.rows[1].values[BL_ROW_WHAT], 2);
	assert_false(rows.now.rows[2].changed);
	assert_int_equal(rows.now.rows[2].values[0], 10);
	assert_int_equal(rows.now.rows[2].values[BL_ROW_LONGEST], 7);
	assert_int_equal(rows.now.rows[2].values[BL_ROW_WHAT], 3);
	assert_true(rows.now.rows[3].changed);
	bl_rows_fini(&rows);
}

static void text_goes_on_until_there_is_a_longer_one(void **state)
{
	struct bl_rows rows = { 0 };

	(void)state;
	bl_rows_begin(&rows);
	add(&rows, 1, 1, 1, 7, 3);
	bl_rows_end(&rows);
	rows.now.rows[0].text = strdup("a file");
	bl_rows_begin(&rows);
	add(&rows, 1, 1, 2, 7, 3);
	bl_rows_end(&rows);
	assert_string_equal(rows.now.rows[0].text, "a file");
	bl_rows_begin(&rows);
	add(&rows, 1, 1, 3, 8, 4);
	bl_rows_end(&rows);
	assert_true(rows.now.rows[0].longer);
	assert_null(rows.now.rows[0].text);
	bl_rows_fini(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_round_is_all_news_and_in_order),
		cmocka_unit_test(what_stays_is_no_news_and_what_shrinks_stays),
		cmocka_unit_test(text_goes_on_until_there_is_a_longer_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
