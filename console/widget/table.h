/* SPDX-License-Identifier: MIT */
/*
 * A table: columns that give way to each other, a row of titles, and the rows
 * that are in sight. It asks for the text of the cells it draws and for no
 * others, so a million rows cost as much as twenty.
 *
 * Fitting. Every column has a least width and a rank. While the least widths do
 * not fit, the column of the highest rank goes (of equals the rightmost). What
 * is left over then goes to the columns that want more, by rank, the one of
 * rank 0 first: at 80 columns the name is readable because the name is rank 0.
 * When all have what they want, those of rank 0 take up to as much again.
 */
#ifndef CN_WIDGET_TABLE_H
#define CN_WIDGET_TABLE_H

#include "widget/canvas.h"

enum { CN_TABLE_COLUMNS_MAX = 48, CN_TABLE_TEXT_BYTES = 512, CN_TABLE_SAMPLES = 128 };

enum cn_align { CN_LEFT, CN_RIGHT, CN_TAIL /* left, but cut on the left */ };

struct cn_column {
	const char *title;
	uint8_t least, want; /* columns; want may be the larger */
	uint8_t rank;        /* 0 = never dropped */
	uint8_t align;       /* enum cn_align */
};

struct cn_columns {
	int at[CN_TABLE_COLUMNS_MAX];    /* from the box's left edge */
	int width[CN_TABLE_COLUMNS_MAX]; /* 0 = not shown */
};

/* Columns over `cols` canvas columns, one blank between them. Pure. */
void cn_table_fit(const struct cn_column *columns, size_t n, int cols, struct cn_columns *ret_columns);

struct cn_text {
	char text[CN_TABLE_TEXT_BYTES];
	enum cn_style style;
	int glyph; /* enum cn_glyph before the text, -1 = none */
	/* A sparkline instead of text, when there are samples; `full` as in cn_spark_draw(). */
	size_t n_samples;
	uint32_t full;
	uint32_t samples[CN_TABLE_SAMPLES];
};

struct cn_table {
	const struct cn_column *columns;
	size_t n_columns;
	int sorted;      /* column, -1 = none */
	bool descending;
	/* Row `row` of the table (0 = the first of all), column `column`. */
	void (*cell)(void *arg, size_t row, size_t column, struct cn_text *ret_text);
	/* Is that row marked? NULL = none is. */
	bool (*marked)(void *arg, size_t row);
	void *arg;
	size_t rows;
	size_t top;      /* first row in sight */
	size_t cursor;   /* selected row; SIZE_MAX = none */
	unsigned int hot_title, hot_row; /* what a click means: of the first title, and of the first row in sight; 0 = nothing */
	const char *mark; /* text to point out wherever it stands, NULL = none */
};

/* Titles on the box's first row, rows below. */
void cn_table_draw(struct cn_canvas *canvas, struct cn_box box, const struct cn_table *table);

#endif
