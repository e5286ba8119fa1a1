/* SPDX-License-Identifier: MIT */
/* Text with meaning, on a terminal in colours, elsewhere plain. */
#ifndef CN_CLI_PAINT_H
#define CN_CLI_PAINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "term/term.h"
#include "widget/glyph.h"
#include "widget/style.h"

struct cn_paint {
	FILE *out;
	enum cn_depth asked; /* as --color said */
	enum cn_depth depth; /* MONO: no escape sequence at all */
	enum cn_charset charset;
	int columns;
};

/* Decides by --color, NO_COLOR, TERM, and whether stdout is a terminal. */
void cn_paint_init(struct cn_paint *paint, FILE *out, enum cn_depth asked, bool ascii);
void cn_paint(const struct cn_paint *paint, enum cn_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void cn_paint_glyph(const struct cn_paint *paint, enum cn_style style, enum cn_glyph glyph);
/* Text of the target, made safe, cut or filled to so many columns (negative: to the right). */
void cn_paint_cell(const struct cn_paint *paint, enum cn_style style, int width, const char *text);
/* Words over as many lines as they need. `used` columns of the first are taken; the others are indented. */
void cn_paint_words(const struct cn_paint *paint, enum cn_style style, int used, int indent, const char *text);

#endif
