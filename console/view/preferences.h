/* SPDX-License-Identifier: MIT */
/* What a user would have otherwise than it comes: the settings that only the screen knows. */
#ifndef CN_VIEW_PREFERENCES_H
#define CN_VIEW_PREFERENCES_H

#include "view/ui.h"

/* A column by which a table is ordered, +1 so that 0 = as it comes. */
struct cn_sort_wish {
	int column;
	bool descending;
};

struct cn_preferences {
	enum cn_view view;       /* to begin with */
	bool no_mouse;           /* the terminal keeps it */
	bool hide_ended;         /* tasks that have ended are no rows */
	bool reattach;           /* a program that has ended and comes back is opened again by itself */
	struct cn_sort_wish sort[CN_VIEW_COUNT];
	struct cn_arrangement columns[CN_VIEW_COUNT]; /* n 0 = as they come */
};

/* "tasks": the word of a view, as its title in small letters; 0 or -EINVAL. */
int cn_view_parse(const char *text, enum cn_view *ret_view);
const char *cn_view_word(unsigned int view);
/* The table of a view, NULL for one that is none. */
const struct cn_sheet_kind *cn_view_sheet(unsigned int view);
/* The column's title in small letters, - for blanks. */
const char *cn_column_word(char out[32], const struct cn_column *column);
/* "busy", "-busy" (the largest first): 0 or -EINVAL (the view is no table, or has no such column). */
int cn_sort_parse(const char *text, unsigned int view, struct cn_sort_wish *ret_wish);

/* "name,busy,polls", "+p99,-at" (see cn_arrange_parse()): 0 or -EINVAL, likewise. */
int cn_columns_parse(const char *text, unsigned int view, struct cn_arrangement *ret_columns);

/* After cn_ui_init(). */
void cn_ui_prefer(struct cn_ui *ui, const struct cn_preferences *preferences);

#endif
