/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "widget/table.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const struct cn_column columns[] = {
	{ "STATE", 1, 9, 1, CN_LEFT },
	{ "NAME", 12, 40, 0, CN_LEFT },
	{ "AGE", 6, 6, 3, CN_RIGHT },
	{ "POLLS", 5, 5, 5, CN_RIGHT },
	{ "SITE", 8, 30, 4, CN_TAIL },
};
enum { N = sizeof columns / sizeof columns[0] };

static void columns_never_overlap_or_leave_the_box_at_any_width(void **state)
{
	(void)state;
	for (int cols = 0; cols <= 300; cols++) {
		struct cn_columns fit;
		int end = 0;

		cn_table_fit(columns, N, cols, &fit);
		for (int i = 0; i < N; i++) {
			if (!fit.width[i])
				continue;
			assert_true(fit.at[i] > end || i == 0);
			assert_true(fit.at[i] >= 1);
			end = fit.at[i] + fit.width[i];
			assert_true(end <= cols);
			assert_true(fit.width[i] <= columns[i].want * (columns[i].rank ? 1 : 2));
			/* Only what must stay is ever narrower than it should be. */
			assert_true(fit.width[i] >= columns[i].least || columns[i].rank == 0);
		}
	}
}

static void columns_give_way_by_rank_and_the_name_never(void **state)
{
	int gone[N];

	(void)state;
	for (int i = 0; i < N; i++)
		gone[i] = -1;
	for (int cols = 0; cols <= 300; cols++) {
		struct cn_columns fit;

		cn_table_fit(columns, N, cols, &fit);
		for (int i = 0; i < N; i++)
			if (!fit.width[i])
				gone[i] = cols;
	}
	assert_true(gone[3] >= gone[4] && gone[4] >= gone[2] && gone[2] >= gone[0]);
	assert_true(gone[1] <= 1);
}

static void the_name_takes_more_when_all_others_have_what_they_want(void **state)
{
	(void)state;
	for (int cols = 0; cols <= 300; cols++) {
		struct cn_columns fit;

		cn_table_fit(columns, N, cols, &fit);
		for (int i = 0; i < N; i++)
			assert_true(fit.width[1] <= columns[1].want || fit.width[i] >= columns[i].want);
	}
}

static void a_column_that_is_there_stays_when_the_box_grows(void **state)
{
	struct cn_columns before = { 0 }, fit;

	(void)state;
	for (int cols = 1; cols <= 300; cols++) {
		cn_table_fit(columns, N, cols, &fit);
		for (int i = 0; i < N; i++)
			assert_true(!before.width[i] || fit.width[i]);
		before = fit;
	}
}

static size_t asked_low, asked_high;

static void cell(void *arg, size_t row, size_t column, struct cn_text *ret)
{
	(void)arg;
	asked_low = row < asked_low ? row : asked_low;
	asked_high = row > asked_high ? row : asked_high;
	snprintf(ret->text, sizeof ret->text, "%zu.%zu", row, column);
}

static void only_rows_in_sight_are_asked_for(void **state)
{
	const struct cn_table table = { .columns = columns,
		.n_columns = N,
		.sorted = -1,
		.cell = cell,
		.rows = 1000000,
		.top = 500000,
		.cursor = 500001 };
	struct cn_canvas canvas;

	(void)state;
	asked_low = SIZE_MAX;
	asked_high = 0;
	assert_int_equal(cn_canvas_init(&canvas, 5, 80, CN_CHARSET_ASCII), 0);
	cn_table_draw(&canvas, cn_canvas_box(&canvas), &table);
	assert_int_equal(asked_low, 500000);
	assert_int_equal(asked_high, 500003);
	assert_false(cn_canvas_at(&canvas, 1, 40)->selected);
	assert_true(cn_canvas_at(&canvas, 2, 40)->selected);
	cn_canvas_fini(&canvas);
}

static void the_sorted_column_says_which_way(void **state)
{
	const struct cn_table table = { .columns = columns,
		.n_columns = N,
		.sorted = 2,
		.descending = true,
		.cell = cell,
		.rows = 1,
		.cursor = SIZE_MAX,
		.mark = "0.3" };
	struct cn_canvas canvas;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	assert_int_equal(cn_canvas_init(&canvas, 2, 70, CN_CHARSET_ASCII), 0);
	cn_table_draw(&canvas, cn_canvas_box(&canvas), &table);
	cn_canvas_print(&canvas, out);
	cn_canvas_print_styles(&canvas, out);
	fclose(out);
	assert_string_equal(text, " STATE  NAME                                       AGEv POLLS SITE\n"
				  " 0.0    0.1                                         0.2   0.3 0.4\n"
				  "  .HHHHH..HHHH.......................................SSSS.HHHHH.HHHH\n"
				  "  ..........................................................mmm\n");
	free(text);
	cn_canvas_fini(&canvas);
}

TEST_MAIN(cmocka_unit_test(columns_never_overlap_or_leave_the_box_at_any_width),
	cmocka_unit_test(columns_give_way_by_rank_and_the_name_never),
	cmocka_unit_test(the_name_takes_more_when_all_others_have_what_they_want),
	cmocka_unit_test(a_column_that_is_there_stays_when_the_box_grows),
	cmocka_unit_test(only_rows_in_sight_are_asked_for), cmocka_unit_test(the_sorted_column_says_which_way));
