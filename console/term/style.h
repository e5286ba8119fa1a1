/* SPDX-License-Identifier: MIT */
#ifndef CN_TERM_STYLE_H
#define CN_TERM_STYLE_H

#include "term/term.h"

/* How a meaning looks. Colours are curses' numbers, -1 = the terminal's own. */
struct cn_look {
	short foreground, background;
	bool bold, dim, underline, reverse;
};

struct cn_look cn_style_look(enum cn_style style, bool selected, enum cn_depth depth);

#endif
