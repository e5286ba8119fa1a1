/* SPDX-License-Identifier: MIT */
/*
 * What a click means: whoever draws something that can be clicked on writes it
 * into the cells (cn_canvas_hot()), so what is drawn over it takes it away.
 */
#ifndef CN_VIEW_MOUSE_H
#define CN_VIEW_MOUSE_H

/* A kind, and which one of that kind. */
enum cn_hot {
	CN_HOT_NONE = 0,
	CN_HOT_ACTION = 0x1000, /* enum cn_action: a key in the bar */
	CN_HOT_VIEW = 0x2000,   /* enum cn_view: a tab, a row of the menu of views */
	CN_HOT_COLUMN = 0x3000, /* place of a column's title in a table */
	CN_HOT_ROW = 0x4000,    /* row of a table, from the first in sight */
	CN_HOT_CHOICE = 0x5000, /* column in a menu of columns */
	CN_HOT_KIND = 0xf000,
	CN_HOT_WHICH = 0x0fff
};

#endif
