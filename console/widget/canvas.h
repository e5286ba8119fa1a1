/* SPDX-License-Identifier: MIT */
/*
 * A grid of cells that widgets draw into. Nothing here knows a terminal:
 * term/ shows a canvas through curses, view/batch.c prints it, tests compare
 * it. Drawing outside the grid is clipped, so that no widget has to check.
 *
 * Text comes as UTF-8 from a target that may be hostile. Whatever is not
 * printable (controls, C1, broken sequences, bidirectional overrides, and in
 * the ASCII charset all that is not ASCII) becomes one replacement sign: no
 * cell can hold a byte that a terminal would obey.
 */
#ifndef CN_WIDGET_CANVAS_H
#define CN_WIDGET_CANVAS_H

#include "widget/glyph.h"
#include "widget/style.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cn_cell {
	uint32_t text;  /* code point, 0 = the right half of the wide one before it */
	uint32_t mark;  /* one combining character over it, or 0 */
	uint8_t style;  /* enum cn_style */
	bool selected;  /* in the row under the cursor: shown over any style */
	uint16_t hot;   /* what a click on it means, 0 = nothing; drawing over it takes that away */
};

struct cn_canvas {
	int rows, cols;
	enum cn_charset charset;
	struct cn_cell *cells;
};

/* A rectangle of a canvas. */
struct cn_box {
	int row, col, rows, cols;
};

int cn_canvas_init(struct cn_canvas *canvas, int rows, int cols, enum cn_charset charset);
void cn_canvas_fini(struct cn_canvas *canvas);
/* To blanks; cells are lost. 0 or -ENOMEM, then nothing has changed. */
int cn_canvas_resize(struct cn_canvas *canvas, int rows, int cols);
void cn_canvas_clear(struct cn_canvas *canvas);
struct cn_box cn_canvas_box(const struct cn_canvas *canvas);
/* The cell, or NULL outside. */
struct cn_cell *cn_canvas_at(const struct cn_canvas *canvas, int row, int col);

/*
 * Each draws at most `width` columns and answers how many it used. Text that
 * does not fit ends in an ellipsis.
 */
int cn_canvas_text(struct cn_canvas *canvas, int row, int col, int width, enum cn_style style, const char *utf8);
int cn_canvas_printf(struct cn_canvas *canvas, int row, int col, int width, enum cn_style style, const char *format,
	...) __attribute__((format(printf, 6, 7)));
/* Against the right edge of [col, col + width). */
void cn_canvas_right(struct cn_canvas *canvas, int row, int col, int width, enum cn_style style, const char *utf8);
/* The end of a path is what tells: cut on the left. */
int cn_canvas_tail(struct cn_canvas *canvas, int row, int col, int width, enum cn_style style, const char *utf8);
void cn_canvas_put(struct cn_canvas *canvas, int row, int col, enum cn_style style, uint32_t code_point);
void cn_canvas_glyph(struct cn_canvas *canvas, int row, int col, enum cn_style style, enum cn_glyph glyph);
void cn_canvas_fill(struct cn_canvas *canvas, struct cn_box box, enum cn_style style, uint32_t code_point);
void cn_canvas_rule(struct cn_canvas *canvas, int row, int col, int width);
/* Text over as many rows as it needs, broken at blanks; answers the rows used. */
int cn_canvas_wrap(struct cn_canvas *canvas, struct cn_box box, enum cn_style style, const char *utf8);
void cn_canvas_hot(struct cn_canvas *canvas, int row, int col, int width, unsigned int hot);
void cn_canvas_select(struct cn_canvas *canvas, int row, int col, int width);

/* Columns that text would use. */
int cn_canvas_width(const struct cn_canvas *canvas, const char *utf8);

/* The rows as text without trailing blanks, or as letters of styles (selected: capitals' own line of '^'). */
void cn_canvas_print(const struct cn_canvas *canvas, FILE *out);
void cn_canvas_print_styles(const struct cn_canvas *canvas, FILE *out);

#endif
