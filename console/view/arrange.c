/* SPDX-License-Identifier: MIT */
#include "view/arrange.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void cn_arrange_init(struct cn_arrangement *arrangement, const struct cn_column *columns, size_t n)
{
	*arrangement = (struct cn_arrangement){ .n = (uint8_t)n };
	for (size_t i = 0; i < n; i++) {
		arrangement->order[i] = (uint8_t)i;
		arrangement->shown[i] = columns[i].rank == CN_RANK_ASKED ? CN_SHOWN_NEVER : CN_SHOWN_WITH_ROOM;
	}
}

int cn_arrange_place(const struct cn_arrangement *arrangement, int column)
{
	int place = 0;

	while (place < arrangement->n && arrangement->order[place] != column)
		place++;
	return place;
}

void cn_arrange_move(struct cn_arrangement *arrangement, int column, int by)
{
	const int from = cn_arrange_place(arrangement, column), to = from + by;

	if (from == arrangement->n || to < 0 || to >= arrangement->n)
		return;
	arrangement->order[from] = arrangement->order[to];
	arrangement->order[to] = (uint8_t)column;
}

/* ------------------------------------------------------------------- lists */

const char *cn_arrange_word(char out[32], const struct cn_column *column)
{
	size_t n = 0;

	for (; column->title[n] && n + 1 < 32; n++)
		out[n] = column->title[n] == ' ' ? '-' : (char)tolower((unsigned char)column->title[n]);
	out[n] = 0;
	return out;
}

static int find(const struct cn_column *columns, size_t n, const char *text, size_t bytes)
{
	char word[32];

	for (size_t i = 0; i < n; i++) {
		cn_arrange_word(word, &columns[i]);
		if (*word && strlen(word) == bytes && strncmp(word, text, bytes) == 0)
			return (int)i;
	}
	return -1;
}

/* Those that are named first, in their order; the others behind them. */
static void put_first(struct cn_arrangement *arrangement, const uint8_t *named, uint8_t n)
{
	uint8_t at = n;
	uint8_t order[CN_TABLE_COLUMNS_MAX];

	memcpy(order, named, n);
	for (uint8_t i = 0; i < arrangement->n; i++)
		if (!memchr(named, arrangement->order[i], n))
			order[at++] = arrangement->order[i];
	memcpy(arrangement->order, order, at);
}

int cn_arrange_parse(
	struct cn_arrangement *arrangement, const struct cn_column *columns, const char *list, char ret_wrong[32])
{
	struct cn_arrangement next = *arrangement;
	uint8_t named[CN_TABLE_COLUMNS_MAX], n = 0;
	bool changes = *list == '+' || *list == '-';

	for (uint8_t i = 0; !changes && i < next.n; i++)
		next.shown[i] = CN_SHOWN_NEVER;
	for (size_t bytes; *list; list += bytes + (list[bytes] == ',')) {
		const char sign = *list;
		int column;

		if (sign == '+' || sign == '-')
			list++;
		bytes = strcspn(list, ",");
		column = find(columns, next.n, list, bytes);
		if (column < 0 || memchr(named, column, n) || (!changes && (sign == '+' || sign == '-'))) {
			snprintf(ret_wrong, 32, "%.*s", (int)(bytes < 31 ? bytes : 31), list);
			return -EINVAL;
		}
		named[n++] = (uint8_t)column;
		next.shown[column] = changes && sign == '-' ? CN_SHOWN_NEVER : CN_SHOWN_ALWAYS;
	}
	if (!changes)
		put_first(&next, named, n);
	*arrangement = next;
	return 0;
}

/* ------------------------------------------------------------------ showing */

void cn_arrange(const struct cn_arrangement *arrangement, const struct cn_column *columns,
	struct cn_column ret_columns[CN_TABLE_COLUMNS_MAX])
{
	for (uint8_t place = 0; place < arrangement->n; place++) {
		const uint8_t column = arrangement->order[place];
		struct cn_column *shown = &ret_columns[place];

		*shown = columns[column];
		if (arrangement->shown[column] == CN_SHOWN_NEVER)
			shown->least = shown->want = 0;
		else if (arrangement->shown[column] == CN_SHOWN_ALWAYS)
			shown->rank = shown->rank ? 1 : 0;
		else if (shown->rank)
			shown->rank = (uint8_t)(shown->rank + (shown->rank < CN_RANK_ASKED));
	}
}
