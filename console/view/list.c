/* SPDX-License-Identifier: MIT */
#include "view/list.h"

#include <errno.h>
#include <stdlib.h>

enum { AROUND = 256 }; /* rows before and behind the window */

void cn_list_fini(struct cn_list *list)
{
	free(list->entries);
	*list = (struct cn_list){ 0 };
}

void cn_list_clear(struct cn_list *list)
{
	list->n = list->ordered_from = list->ordered_to = 0;
}

int cn_list_add(struct cn_list *list, struct cn_entry entry)
{
	if (list->n == list->capacity) {
		const size_t capacity = list->capacity ? 2 * list->capacity : 64;
		struct cn_entry *entries = reallocarray(list->entries, capacity, sizeof *entries);

		if (!entries)
			return -ENOMEM;
		list->entries = entries;
		list->capacity = capacity;
	}
	list->entries[list->n++] = entry;
	list->ordered_from = list->ordered_to = 0;
	return 0;
}

/* ------------------------------------------------------------------ order */

static int compare(const struct cn_entry *a, const struct cn_entry *b, const struct cn_order *order)
{
	int by = a->key < b->key ? -1 : a->key > b->key;

	if (a->first != b->first)
		return a->first ? -1 : 1;
	if (by == 0 && order->tie)
		by = order->tie(order->arg, a->index, b->index);
	if (by != 0)
		return order->descending ? -by : by;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int compare_r(const void *a, const void *b, void *order)
{
	return compare(a, b, order);
}

static void swap(struct cn_entry *a, struct cn_entry *b)
{
	const struct cn_entry kept = *a;

	*a = *b;
	*b = kept;
}

/*
 * Hoare's partition around the median of three. Afterwards [from, ret) sorts
 * before, or equal to, [ret, to); both are smaller than [from, to).
 */
static size_t partition(struct cn_entry *e, size_t from, size_t to, const struct cn_order *order)
{
	const size_t middle = from + (to - from) / 2, last = to - 1;
	size_t i = from, k = last;
	struct cn_entry pivot;

	if (compare(&e[middle], &e[from], order) < 0)
		swap(&e[middle], &e[from]);
	if (compare(&e[last], &e[from], order) < 0)
		swap(&e[last], &e[from]);
	if (compare(&e[last], &e[middle], order) < 0)
		swap(&e[last], &e[middle]);
	pivot = e[middle];
	for (;;) {
		while (compare(&e[i], &pivot, order) < 0)
			i++;
		while (compare(&pivot, &e[k], order) < 0)
			k--;
		if (i >= k)
			return k + 1;
		swap(&e[i++], &e[k--]);
	}
}

/* Brings the entry that belongs to `place` there, smaller ones before it. */
static void quickselect(struct cn_entry *e, size_t n, size_t place, const struct cn_order *order)
{
	size_t from = 0, to = n;

	while (to - from > 2) {
		const size_t cut = partition(e, from, to, order);

		if (place < cut)
			to = cut;
		else
			from = cut;
	}
	if (to - from == 2 && compare(&e[from + 1], &e[from], order) < 0)
		swap(&e[from], &e[from + 1]);
}

static bool is_ordered(const struct cn_list *list, const struct cn_order *order)
{
	return list->ordered_to && list->order.descending == order->descending && list->order.tie == order->tie;
}

static void order_window(struct cn_list *list, size_t from, size_t to, const struct cn_order *order)
{
	if (is_ordered(list, order) && list->ordered_from <= from && to <= list->ordered_to)
		return;
	from = from > AROUND ? from - AROUND : 0;
	to = list->n - to > AROUND ? to + AROUND : list->n;
	if (from > 0)
		quickselect(list->entries, list->n, from, order);
	if (to < list->n)
		quickselect(list->entries + from, list->n - from, to - from, order);
	qsort_r(list->entries + from, to - from, sizeof *list->entries, compare_r, (void *)order);
	list->ordered_from = from;
	list->ordered_to = to;
	list->order = *order;
}

/* ----------------------------------------------------------------- cursor */

/* Where the selected id stands now, or n when it is gone. */
static size_t find_selected(const struct cn_list *list, const struct cn_order *order)
{
	size_t at, before = 0;

	for (at = 0; at < list->n && list->entries[at].id != list->selected; at++)
		;
	if (at == list->n)
		return list->n;
	for (size_t i = 0; i < list->n; i++)
		before += compare(&list->entries[i], &list->entries[at], order) < 0;
	return before;
}

/* Nothing has come since it was placed there. */
static bool is_selected(const struct cn_list *list, const struct cn_order *order)
{
	return is_ordered(list, order) && list->cursor >= list->ordered_from && list->cursor < list->ordered_to &&
	       list->entries[list->cursor].id == list->selected;
}

static void follow_cursor(struct cn_list *list, const struct cn_order *order)
{
	const size_t line = list->cursor >= list->top ? list->cursor - list->top : 0;
	size_t at;

	if (list->moved || (list->bound && is_selected(list, order)))
		return;
	if (!list->bound) {
		list->cursor = list->top = 0;
		return;
	}
	at = find_selected(list, order);
	if (at == list->n) {
		list->moved = true; /* gone: whoever stands here now inherits the cursor */
		return;
	}
	list->cursor = at;
	list->top = at > line ? at - line : 0;
}

void cn_list_place(struct cn_list *list, const struct cn_order *order, size_t rows)
{
	size_t last;

	follow_cursor(list, order);
	if (list->n == 0 || rows == 0) {
		list->cursor = list->top = 0;
		return;
	}
	if (list->cursor >= list->n)
		list->cursor = list->n - 1;
	last = list->n > rows ? list->n - rows : 0;
	if (list->top > last)
		list->top = last;
	if (list->cursor < list->top)
		list->top = list->cursor;
	if (list->cursor >= list->top + rows)
		list->top = list->cursor - rows + 1;
	order_window(list, list->top, list->top + rows < list->n ? list->top + rows : list->n, order);
	if (list->moved) {
		list->selected = list->entries[list->cursor].id;
		list->bound = true;
		list->moved = false;
	}
}

void cn_list_move(struct cn_list *list, ptrdiff_t by)
{
	if (by < 0 && (size_t)-by > list->cursor)
		cn_list_move_to(list, 0);
	else
		cn_list_move_to(list, list->cursor + (size_t)by);
}

void cn_list_move_to(struct cn_list *list, size_t row)
{
	list->cursor = row;
	list->moved = true;
}

void cn_list_select(struct cn_list *list, uint64_t id)
{
	list->selected = id;
	list->bound = true;
	list->moved = false;
}

bool cn_list_current(const struct cn_list *list, struct cn_entry *ret_entry)
{
	if (list->cursor >= list->n)
		return false;
	*ret_entry = list->entries[list->cursor];
	return true;
}
