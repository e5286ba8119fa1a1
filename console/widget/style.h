/* SPDX-License-Identifier: MIT */
/*
 * What a cell means, not how it looks: term/style.c gives each meaning a colour
 * for every depth of colour, and attributes that carry it without any. The
 * letter names the meaning in dumps of a canvas's styles.
 */
#ifndef CN_WIDGET_STYLE_H
#define CN_WIDGET_STYLE_H

#define CN_STYLES(X)                                                                                                   \
	X(PLAIN, '.')                                                                                                  \
	X(DIM, 'd')       /* what is there, but not the point */                                                       \
	X(STRONG, 's')                                                                                                 \
	X(TITLE, 'T')     /* the name of the program, of a section */                                                  \
	X(FRAME, '-')     /* rules and tree lines */                                                                   \
	X(HEADER, 'H')    /* column titles */                                                                          \
	X(SORTED, 'S')    /* the title of the column that orders the table */                                          \
	X(TAB, 't')                                                                                                    \
	X(TAB_HERE, '@')                                                                                               \
	X(KEY, 'k')       /* a key's name in the bar */                                                                \
	X(BAR, 'b')       /* the bar around it */                                                                      \
	X(BADGE, 'B')     /* PAUSED and other things that must not be missed */                                        \
	X(NAME, 'n')                                                                                                   \
	X(SITE, 'l')                                                                                                   \
	X(RUNNING, 'r')                                                                                                \
	X(SCHEDULED, 'q')                                                                                              \
	X(PENDING, 'p')                                                                                                \
	X(DONE, 'e')                                                                                                   \
	X(GOOD, 'g')                                                                                                   \
	X(PROVEN, '!')                                                                                                 \
	X(LIKELY, '~')                                                                                                 \
	X(SUSPECT, '?')                                                                                                \
	X(GRAPH, '*')                                                                                                  \
	X(GRAPH_OTHER, '+')                                                                                            \
	X(MATCH, 'm')     /* what a search has found */

enum cn_style {
#define X(name, letter) CN_STYLE_##name,
	CN_STYLES(X)
#undef X
	CN_STYLE_COUNT
};

char cn_style_letter(enum cn_style style);

#endif
