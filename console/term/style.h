/* SPDX-License-Identifier: MIT */
#ifndef CN_TERM_STYLE_H
#define CN_TERM_STYLE_H

#include "term/term.h"

/* How a meaning looks. Colours are curses' numbers, -1 = the terminal's own. */
struct cn_look {
	short foreground, background;
	bool bold, dim, underline, reverse;
};

/* name, what it is for */
#define CN_THEMES(X)                                                                                                   \
	X(DARK, "dark", "middle tones, which read on dark and on light grounds")                                       \
	X(LIGHT, "light", "dark tones for a light ground")                                                             \
	X(CONTRAST, "high-contrast", "the brightest tones, bold, nothing grey")                                        \
	X(TOKIO, "tokio", "the colours of tokio-console where both show the same")                                     \
	X(MONO, "mono", "no colours: bold, underlined, reversed, and signs")
enum cn_theme_base {
#define X(name, text, help) CN_THEME_##name,
	CN_THEMES(X)
#undef X
	CN_THEME_COUNT
};

/* A theme, and what is to look otherwise in it: own[] where `set`; colours there are those of 256. */
struct cn_theme {
	enum cn_theme_base base;
	bool set[CN_STYLE_COUNT];
	struct cn_look own[CN_STYLE_COUNT];
};

/* 0 or -EINVAL. */
int cn_theme_parse(const char *text, enum cn_theme_base *ret_base);
const char *cn_theme_name(unsigned int base);
const char *cn_theme_help(unsigned int base);
/*
 * "bold 208", "bright-red on 17", "underline": attributes (bold dim underline
 * reverse), a colour (0 to 255, a name, default), and one behind `on`. 0 or -EINVAL.
 */
int cn_look_parse(const char *text, struct cn_look *ret_look);
/* The nearest of the first 16 of 256 colours. */
short cn_colour_of_16(short colour);

struct cn_look cn_theme_look(
	const struct cn_theme *theme, enum cn_style style, bool selected, enum cn_depth depth);
/* The theme of all that follows; the program's, so it is set once, before anything is drawn. */
void cn_style_use(const struct cn_theme *theme);
struct cn_look cn_style_look(enum cn_style style, bool selected, enum cn_depth depth);

#endif
