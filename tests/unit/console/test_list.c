/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "view/list.h"

#include <stdlib.h>
#include <string.h>

static const struct cn_order up = { .descending = false }, down = { .descending = true };

static void fill(struct cn_list *list, const uint64_t *keys, size_t n)
{
	cn_list_clear(list);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(cn_list_add(list, (struct cn_entry){ .key = keys[i], .id = 100 + i, .index = i }), 0);
}

static uint64_t current(const struct cn_list *list)
{
	struct cn_entry entry;

	return cn_list_current(list, &entry) ? entry.id : 0;
}

static void the_cursor_stays_on_its_id_when_the_order_changes(void **state)
{
	static const uint64_t before[] = { 5, 4, 3, 2, 1 }, after[] = { 1, 2, 9, 8, 7 };
	struct cn_list list = { 0 };

	(void)state;
	fill(&list, before, 5);
	cn_list_place(&list, &down, 5);
	cn_list_move(&list, 2);
	cn_list_place(&list, &down, 5);
	assert_int_equal(current(&list), 102);
	fill(&list, after, 5);
	cn_list_place(&list, &down, 5);
	assert_int_equal(current(&list), 102);
	assert_int_equal(list.cursor, 0);
	cn_list_place(&list, &up, 5);
	assert_int_equal(current(&list), 102);
	assert_int_equal(list.cursor, 4);
	cn_list_fini(&list);
}

static void what_is_first_stands_before_the_order(void **state)
{
	struct cn_list list = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		const struct cn_entry entry = { .key = i, .id = 100 + i, .index = i, .first = i % 40 == 7 };

		assert_int_equal(cn_list_add(&list, entry), 0);
	}
	cn_list_place(&list, &down, 5);
	assert_int_equal(list.entries[0].id, 187);
	assert_int_equal(list.entries[1].id, 147);
	assert_int_equal(list.entries[2].id, 107);
	assert_int_equal(list.entries[3].id, 199);
	cn_list_place(&list, &up, 5);
	assert_int_equal(list.entries[0].id, 107);
	assert_int_equal(list.entries[3].id, 100);
	cn_list_fini(&list);
}

static void the_cursor_keeps_its_line_on_the_screen(void **state)
{
	uint64_t keys[1000];
	struct cn_list list = { 0 };

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		keys[i] = i;
	fill(&list, keys, 1000);
	cn_list_place(&list, &up, 20);
	cn_list_move(&list, 500);
	cn_list_place(&list, &up, 20);
	cn_list_move(&list, 9); /* past the last line */
	cn_list_place(&list, &up, 20);
	cn_list_move(&list, -9);
	cn_list_place(&list, &up, 20);
	assert_int_equal(list.cursor - list.top, 10);
	keys[500] = 250; /* ties with 250, and the lower id goes first */
	fill(&list, keys, 1000);
	cn_list_place(&list, &up, 20);
	assert_int_equal(current(&list), 600);
	assert_int_equal(list.cursor, 251);
	assert_int_equal(list.cursor - list.top, 10);
	cn_list_fini(&list);
}

static void an_untouched_cursor_stays_on_the_first_line(void **state)
{
	static const uint64_t before[] = { 5, 4, 3 }, after[] = { 1, 2, 9 };
	struct cn_list list = { 0 };

	(void)state;
	fill(&list, before, 3);
	cn_list_place(&list, &down, 3);
	assert_int_equal(current(&list), 100);
	fill(&list, after, 3);
	cn_list_place(&list, &down, 3);
	assert_int_equal(current(&list), 102);
	cn_list_fini(&list);
}

static void a_row_that_goes_leaves_the_cursor_to_the_next(void **state)
{
	static const uint64_t keys[] = { 1, 2, 3, 4 };
	struct cn_list list = { 0 };

	(void)state;
	fill(&list, keys, 4);
	cn_list_place(&list, &up, 4);
	cn_list_move(&list, 3);
	cn_list_place(&list, &up, 4);
	assert_int_equal(current(&list), 103);
	fill(&list, keys, 3); /* 103 is gone, and it was the last */
	cn_list_place(&list, &up, 4);
	assert_int_equal(current(&list), 102);
	fill(&list, keys, 4); /* and does not jump back */
	cn_list_place(&list, &up, 4);
	assert_int_equal(current(&list), 102);
	cn_list_fini(&list);
}

static void the_cursor_stops_at_both_ends(void **state)
{
	static const uint64_t keys[] = { 1, 2, 3 };
	struct cn_list list = { 0 };

	(void)state;
	cn_list_place(&list, &up, 4);
	assert_int_equal(current(&list), 0);
	fill(&list, keys, 3);
	cn_list_move(&list, -5);
	cn_list_place(&list, &up, 2);
	assert_int_equal(current(&list), 100);
	cn_list_move_to(&list, SIZE_MAX);
	cn_list_place(&list, &up, 2);
	assert_int_equal(current(&list), 102);
	assert_int_equal(list.top, 1);
	cn_list_fini(&list);
}

static int by_index_backwards(const void *arg, size_t a, size_t b)
{
	(void)arg;
	return a > b ? -1 : a < b;
}

static void equal_keys_are_settled_by_tie_then_by_id(void **state)
{
	static const uint64_t keys[] = { 7, 7, 7 };
	const struct cn_order tied = { .tie = by_index_backwards };
	struct cn_list list = { 0 };

	(void)state;
	fill(&list, keys, 3);
	cn_list_place(&list, &tied, 3);
	assert_int_equal(list.entries[0].id, 102);
	cn_list_place(&list, &up, 3);
	assert_int_equal(list.entries[0].id, 100);
	cn_list_place(&list, &down, 3);
	assert_int_equal(list.entries[0].id, 100);
	cn_list_fini(&list);
}

static int compare_entries(const void *a, const void *b)
{
	const struct cn_entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Any window of any list holds what a full sort would put there. */
static void every_window_equals_that_of_a_full_sort(void **state)
{
	uint64_t random = test_seed();

	(void)state;
	for (int round = 0; round < 300; round++) {
		const size_t n = 1 + test_random(&random) % 600, rows = 1 + test_random(&random) % 40;
		const uint64_t spread = 1 + test_random(&random) % 700;
		struct cn_entry *sorted = calloc(n, sizeof *sorted);
		struct cn_list list = { 0 };

		assert_non_null(sorted);
		for (size_t i = 0; i < n; i++) {
			sorted[i] = (struct cn_entry){ .key = test_random(&random) % spread, .id = i + 1, .index = i };
			assert_int_equal(cn_list_add(&list, sorted[i]), 0);
		}
		qsort(sorted, n, sizeof *sorted, compare_entries);
		cn_list_move_to(&list, test_random(&random) % n);
		cn_list_place(&list, &up, rows);
		for (size_t i = list.top; i < list.top + rows && i < n; i++)
			assert_int_equal(list.entries[i].id, sorted[i].id);
		assert_in_range(list.cursor, list.top, list.top + rows - 1);
		free(sorted);
		cn_list_fini(&list);
	}
}

/* A key puts nothing in order that is so already; what comes then, and another order, does. */
static void every_key_finds_what_a_full_sort_would_put_there(void **state)
{
	uint64_t random = test_seed();
	struct cn_list list = { 0 };

	(void)state;
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(
			cn_list_add(&list, (struct cn_entry){ .key = i * 7919 % 5003, .id = i + 1, .index = i }), 0);
	for (int key = 0; key < 500; key++) {
		const struct cn_order *order = key % 50 < 40 ? &up : &down;

		if (key % 100 == 99) {
			const struct cn_entry least = { .key = 0, .id = list.n + 1, .index = list.n };

			assert_int_equal(cn_list_add(&list, least), 0);
		}
		if (test_random(&random) % 8)
			cn_list_move(&list, (ptrdiff_t)(test_random(&random) % 60) - 25);
		else
			cn_list_move_to(&list, test_random(&random) % list.n);
		cn_list_place(&list, order, 24);
		assert_int_equal(list.entries[list.cursor].id, list.selected);
		for (size_t i = list.top; i + 1 < list.top + 24; i++) {
			const struct cn_entry *a = &list.entries[i], *b = a + 1;

			assert_true(a->key == b->key ? a->id < b->id : (a->key < b->key) == !order->descending);
		}
		for (size_t i = 0, before = 0; i <= list.n; i++) {
			const struct cn_entry *top = &list.entries[list.top];

			if (i == list.n)
				assert_int_equal(before, list.top);
			else if (list.entries[i].key == top->key)
				before += list.entries[i].id < top->id;
			else
				before += (list.entries[i].key < top->key) == !order->descending;
		}
	}
	cn_list_fini(&list);
}

TEST_MAIN(cmocka_unit_test(the_cursor_stays_on_its_id_when_the_order_changes),
	cmocka_unit_test(what_is_first_stands_before_the_order),
	cmocka_unit_test(the_cursor_keeps_its_line_on_the_screen),
	cmocka_unit_test(an_untouched_cursor_stays_on_the_first_line),
	cmocka_unit_test(a_row_that_goes_leaves_the_cursor_to_the_next),
	cmocka_unit_test(the_cursor_stops_at_both_ends), cmocka_unit_test(equal_keys_are_settled_by_tie_then_by_id),
	cmocka_unit_test(every_window_equals_that_of_a_full_sort),
	cmocka_unit_test(every_key_finds_what_a_full_sort_would_put_there));
