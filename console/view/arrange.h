/* SPDX-License-Identifier: MIT */
/* Which columns of a table are shown, and in which order: the user's wish, where there is one. Pure. */
#ifndef CN_VIEW_ARRANGE_H
#define CN_VIEW_ARRANGE_H

#include "widget/table.h"

/* The rank of a column that is shown only if it is asked for. */
enum { CN_RANK_ASKED = UINT8_MAX };
/* Left to the table: while there is room, by rank. */
enum cn_shown { CN_SHOWN_WITH_ROOM, CN_SHOWN_ALWAYS, CN_SHOWN_NEVER };

struct cn_arrangement {
	uint8_t n;
	uint8_t order[CN_TABLE_COLUMNS_MAX]; /* columns, from the left */
	uint8_t shown[CN_TABLE_COLUMNS_MAX]; /* enum cn_shown, by column */
};

void cn_arrange_init(struct cn_arrangement *arrangement, const struct cn_column *columns, size_t n);
/* Where the column stands. */
int cn_arrange_place(const struct cn_arrangement *arrangement, int column);
/* One place to the right (1) or to the left (-1), if there is one. */
void cn_arrange_move(struct cn_arrangement *arrangement, int column, int by);
/*
 * "name,age,polls": these and no others, in this order; "+p99,-at": as it is,
 * but with the one and without the other. 0, or -EINVAL with the word that is
 * no column, or stands there twice, in `ret_wrong`; then nothing has changed.
 */
int cn_arrange_parse(struct cn_arrangement *arrangement, const struct cn_column *columns, const char *list,
	char ret_wrong[32]);
/* The title in small letters, - for blanks: what a list names a column by. */
const char *cn_arrange_word(char out[32], const struct cn_column *column);

/*
 * The columns as a table takes them, in their order: what is never shown has
 * least 0, and what always is goes last when there is no room. `columns` are in
 * their own order, with least 0 where there is nothing to show.
 */
void cn_arrange(const struct cn_arrangement *arrangement, const struct cn_column *columns,
	struct cn_column ret_columns[CN_TABLE_COLUMNS_MAX]);

#endif
