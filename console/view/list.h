/* SPDX-License-Identifier: MIT */
/*
 * Which rows a table shows, in which order, and which one the cursor is on.
 *
 * The cursor belongs to an id, not to a place: when the order changes it stays
 * on the same task, and the table scrolls so that the task keeps its line on
 * the screen. Until it is moved for the first time it belongs to the first line.
 * When its row goes, the row that takes its place inherits it.
 *
 * A million rows are refreshed many times a minute, of which thirty are seen.
 * So nothing is sorted but these: one pass finds where the cursor's row would
 * stand, quickselect brings the rows of the window to their places, and only
 * and some pages around it are put in order, once for all keys until the rows
 * change. Keys are compared as integers; `tie` settles what they
 * cannot, and the id settles the rest, so that an order is total and stable.
 */
#ifndef CN_VIEW_LIST_H
#define CN_VIEW_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cn_entry {
	uint64_t key;
	uint64_t id;
	uint32_t index; /* of the row in its source */
	bool first;     /* before all that are not, whatever the order */
};

struct cn_order {
	bool descending;
	/* Below 0, 0, above 0 for the sources' rows; NULL = keys tell all. Descending turns it round as well. */
	int (*tie)(const void *arg, size_t a, size_t b);
	const void *arg;
};

struct cn_list {
	struct cn_entry *entries;
	size_t n, capacity;
	size_t top, cursor; /* as last placed */
	uint64_t selected;  /* id; counts when `bound` */
	bool bound;         /* the cursor belongs to an id */
	bool moved;         /* `cursor` was set by a key: the id follows it */
	size_t ordered_from, ordered_to; /* these are in their places, so that a key next to them finds them there */
	struct cn_order order;           /* in that order */
};

void cn_list_fini(struct cn_list *list);
/* Empties it; the cursor stays. */
void cn_list_clear(struct cn_list *list);
int cn_list_add(struct cn_list *list, struct cn_entry entry);
/* Puts [top, top + rows) in order and the cursor in sight. */
void cn_list_place(struct cn_list *list, const struct cn_order *order, size_t rows);
/* Moves the cursor; takes effect with the next place. */
void cn_list_move(struct cn_list *list, ptrdiff_t by);
void cn_list_move_to(struct cn_list *list, size_t row);
/* Onto an id, wherever it stands. */
void cn_list_select(struct cn_list *list, uint64_t id);
/* What the cursor is on; false when there is nothing. */
bool cn_list_current(const struct cn_list *list, struct cn_entry *ret_entry);

#endif
