/* SPDX-License-Identifier: MIT */
#include "loader/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void clear(struct bl_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		free(table->rows[i].text);
	table->n = 0;
}

void bl_rows_begin(struct bl_rows *rows)
{
	struct bl_table old = rows->before;

	rows->before = rows->now;
	rows->now = old;
	clear(&rows->now);
}

int bl_rows_add(struct bl_rows *rows, const struct bl_row *row)
{
	struct bl_table *table = &rows->now;

	if (table->n == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		struct bl_row *more = realloc(table->rows, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		table->rows = more;
		table->room = room;
	}
	table->rows[table->n] = *row;
	table->rows[table->n++].text = NULL;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct bl_row *one = a, *other = b;

	if (one->by != other->by)
		return one->by < other->by ? -1 : 1;
	if (one->runtime != other->runtime)
		return one->runtime < other->runtime ? -1 : 1;
	return (one->id > other->id) - (one->id < other->id);
}

static void go_on(struct bl_row *row, struct bl_row *before)
{
	row->changed = false;
	for (int i = 0; i < BL_ROW_SUMS; i++) {
		if (row->values[i] < before->values[i])
			row->values[i] = before->values[i];
		row->changed |= row->values[i] != before->values[i];
	}
	row->longer = row->values[BL_ROW_LONGEST] > before->values[BL_ROW_LONGEST];
	row->changed |= row->longer;
	if (row->longer)
		return;
	row->values[BL_ROW_LONGEST] = before->values[BL_ROW_LONGEST];
	row->values[BL_ROW_WHAT] = before->values[BL_ROW_WHAT];
	row->text = before->text;
	before->text = NULL;
}

void bl_rows_end(struct bl_rows *rows)
{
	struct bl_table *now = &rows->now, *before = &rows->before;
	size_t at = 0;

	if (now->n)
		qsort(now->rows, now->n, sizeof(*now->rows), compare);
	for (size_t i = 0; i < now->n; i++) {
		struct bl_row *row = &now->rows[i];

		row->changed = row->longer = true;
		while (at < before->n && compare(&before->rows[at], row) < 0)
			at++;
		if (at < before->n && compare(&before->rows[at], row) == 0)
			go_on(row, &before->rows[at]);
	}
}

void bl_rows_fini(struct bl_rows *rows)
{
	clear(&rows->now);
	clear(&rows->before);
	free(rows->now.rows);
	free(rows->before.rows);
	*rows = (struct bl_rows){ 0 };
}
