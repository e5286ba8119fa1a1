/* SPDX-License-Identifier: MIT */
/*
 * Where everything is: a pure function of the terminal's size and of how many
 * findings want to be seen. Boxes never overlap and never leave the screen; a
 * box without rows is not shown.
 *
 *     title     program, runtime, source, how honest the picture is
 *     totals    tasks by state, findings by class
 *     alerts    the strongest findings, one a row
 *     tabs      the views
 *     body      the table, or the page over it
 *     preview   tall screens: the row under the cursor, in more words
 *     bar       keys, or what is being typed
 */
#ifndef CN_VIEW_LAYOUT_H
#define CN_VIEW_LAYOUT_H

#include "widget/canvas.h"

enum { CN_LEAST_ROWS = 8, CN_LEAST_COLS = 32 };

struct cn_layout {
	bool too_small;
	struct cn_box title, totals, alerts, tabs, body, preview, bar;
};

struct cn_layout cn_layout(int rows, int cols, size_t alerts);

#endif
