/* SPDX-License-Identifier: MIT */
/* Columns as a user wants them. */
#include "test.h"

#include "view/arrange.h"

#include <errno.h>
#include <string.h>

static const struct cn_column columns[] = {
	{ "STATE", 1, 9, 4, CN_LEFT },
	{ "NAME", 12, 40, 0, CN_LEFT },
	{ "AGE", 6, 6, 3, CN_RIGHT },
	{ "WAITS FOR", 8, 8, 1, CN_LEFT },
	{ "P99", 6, 6, CN_RANK_ASKED, CN_RIGHT },
	{ "", 6, 6, 2, CN_LEFT },
};
enum { STATE, NAME, AGE, WAITS, P99, GRAPH, N };

/* The titles that are shown in so many columns of the terminal, from the left. */
static void check(const struct cn_arrangement *arrangement, int cols, const char *want)
{
	struct cn_column shown[CN_TABLE_COLUMNS_MAX];
	char have[256] = "";
	struct cn_columns fit;

	cn_arrange(arrangement, columns, shown);
	cn_table_fit(shown, N, cols, &fit);
	for (int i = 0; i < N; i++)
		if (fit.width[i]) {
			strcat(have, *have ? " " : "");
			strcat(have, *shown[i].title ? shown[i].title : "-");
		}
	assert_string_equal(have, want);
}

static void without_a_wish_ranks_decide_and_some_are_not_shown(void **state)
{
	struct cn_arrangement arrangement;

	(void)state;
	cn_arrange_init(&arrangement, columns, N);
	check(&arrangement, 200, "STATE NAME AGE WAITS FOR -");
	check(&arrangement, 30, "NAME WAITS FOR -");
}

static void what_is_asked_for_outlasts_what_is_not(void **state)
{
	struct cn_arrangement arrangement;
	char wrong[32];

	(void)state;
	cn_arrange_init(&arrangement, columns, N);
	assert_int_equal(cn_arrange_parse(&arrangement, columns, "+p99,-waits-for", wrong), 0);
	check(&arrangement, 200, "STATE NAME AGE P99 -");
	check(&arrangement, 21, "NAME P99");
	assert_int_equal(cn_arrange_parse(&arrangement, columns, "-p99,+waits-for", wrong), 0);
	check(&arrangement, 23, "NAME WAITS FOR");
}

static void a_list_is_what_is_shown_and_in_its_order(void **state)
{
	struct cn_arrangement arrangement;
	char wrong[32];

	(void)state;
	cn_arrange_init(&arrangement, columns, N);
	assert_int_equal(cn_arrange_parse(&arrangement, columns, "age,name,p99", wrong), 0);
	check(&arrangement, 200, "AGE NAME P99");
	cn_arrange_move(&arrangement, NAME, -1);
	check(&arrangement, 200, "NAME AGE P99");
	cn_arrange_move(&arrangement, NAME, -1);
	check(&arrangement, 200, "NAME AGE P99");
	assert_int_equal(cn_arrange_place(&arrangement, AGE), 1);
}

static void a_list_with_a_mistake_changes_nothing(void **state)
{
	static const struct {
		const char *list, *wrong;
	} lists[] = { { "name,aeg", "aeg" }, { "name,name", "name" }, { "name,,age", "" }, { "name,+age", "age" },
		{ "+p99,-nothing", "nothing" } };
	struct cn_arrangement arrangement, before;
	char wrong[32];

	(void)state;
	cn_arrange_init(&arrangement, columns, N);
	before = arrangement;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		assert_int_equal(cn_arrange_parse(&arrangement, columns, lists[i].list, wrong), -EINVAL);
		assert_string_equal(wrong, lists[i].wrong);
		assert_memory_equal(&arrangement, &before, sizeof before);
	}
}

TEST_MAIN(cmocka_unit_test(without_a_wish_ranks_decide_and_some_are_not_shown),
	cmocka_unit_test(what_is_asked_for_outlasts_what_is_not),
	cmocka_unit_test(a_list_is_what_is_shown_and_in_its_order),
	cmocka_unit_test(a_list_with_a_mistake_changes_nothing));
