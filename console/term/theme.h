/* SPDX-License-Identifier: MIT */
/* The built-in themes, as tables: meaning to colour. style.c reads them. */
#ifndef CN_TERM_THEME_H
#define CN_TERM_THEME_H

#include "term/style.h"

enum cn_attribute { CN_BOLD = 1, CN_DIM = 2, CN_UNDERLINE = 4, CN_REVERSE = 8 };

struct cn_scheme {
	short few;           /* of 8; bold stands for bright */
	short more;          /* of 16 */
	short many;          /* of 256 */
	unsigned char with;  /* attributes when there is colour */
	unsigned char alone; /* attributes when there is none */
	bool set;            /* else the first theme's stands */
};

struct cn_schemes {
	const struct cn_scheme *of; /* CN_STYLE_COUNT */
	short selected;             /* ground of the selected row, of 256 */
	short selected_text;        /* for what has the terminal's own colour, which may be unreadable there */
};

const struct cn_schemes *cn_theme_schemes(enum cn_theme_base base);

#endif
