/* SPDX-License-Identifier: MIT */
#include "widget/graph.h"
#include "widget/table.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum { GAP = 1, MARGIN = 1 /* the column of the cursor sign */ };

/* ---------------------------------------------------------------- fitting */

static int least_sum(const struct cn_column *columns, size_t n, const struct cn_columns *fit)
{
	int sum = MARGIN - GAP;

	for (size_t i = 0; i < n; i++)
		if (fit->width[i])
			sum += columns[i].least + GAP;
	return sum;
}

/* The column that goes next, or n when only those that must stay are left. */
static size_t next_to_go(const struct cn_column *columns, size_t n, const struct cn_columns *fit)
{
	size_t worst = n;

	for (size_t i = 0; i < n; i++)
		if (fit->width[i] && columns[i].rank && (worst == n || columns[i].rank >= columns[worst].rank))
			worst = i;
	return worst;
}

/* The column that gets the next spare ones: wants more (`times` what it says), and has the lowest rank. */
static size_t next_to_grow(const struct cn_column *columns, size_t n, const struct cn_columns *fit, int times)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if (fit->width[i] && fit->width[i] < columns[i].want * times && (times == 1 || columns[i].rank == 0) &&
			(best == n || columns[i].rank < columns[best].rank))
			best = i;
	return best;
}

void cn_table_fit(const struct cn_column *columns, size_t n, int cols, struct cn_columns *ret)
{
	int spare, at = MARGIN;
	size_t i;

	assert(n <= CN_TABLE_COLUMNS_MAX);
	memset(ret, 0, sizeof *ret);
	for (i = 0; i < n; i++)
		ret->width[i] = columns[i].least;
	while (least_sum(columns, n, ret) > cols && (i = next_to_go(columns, n, ret)) < n)
		ret->width[i] = 0;
	spare = cols - least_sum(columns, n, ret);
	for (int times = 1; times <= 2; times++)
		while (spare > 0 && (i = next_to_grow(columns, n, ret, times)) < n) {
			int more = columns[i].want * times - ret->width[i];

			more = more < spare ? more : spare;
			ret->width[i] += more;
			spare -= more;
		}
	for (i = 0; i < n; i++) {
		/* Columns that must stay are cut where the box ends. */
		if (at + ret->width[i] > cols)
			ret->width[i] = cols > at ? cols - at : 0;
		ret->at[i] = at;
		if (ret->width[i])
			at += ret->width[i] + GAP;
	}
}

/* ---------------------------------------------------------------- drawing */

static void heat(struct cn_canvas *canvas, int row, int col, int width, const struct cn_table *table, size_t place)
{
	if (table->hot_title)
		cn_canvas_hot(canvas, row, col, width, table->hot_title + (unsigned int)place);
}

static void draw_titles(
	struct cn_canvas *canvas, struct cn_box box, const struct cn_table *table, const struct cn_columns *fit)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct cn_column *column = &table->columns[i];
		const bool sorted = table->sorted == (int)i;
		const enum cn_style style = sorted ? CN_STYLE_SORTED : CN_STYLE_HEADER;
		const int at = box.col + fit->at[i], width = fit->width[i];
		int used = cn_canvas_width(canvas, column->title) + sorted, from = at;

		if (!width)
			continue;
		if (width == 1) {
			cn_canvas_put(canvas, box.row, at, style, (unsigned char)column->title[0]);
			heat(canvas, box.row, at, 1, table, i);
			continue;
		}
		if (used > width)
			used = width;
		if (column->align == CN_RIGHT)
			from = at + width - used;
		cn_canvas_text(canvas, box.row, from, used - sorted, style, column->title);
		if (sorted)
			cn_canvas_glyph(canvas, box.row, from + used - 1, style,
				table->descending ? CN_GLYPH_SORT_DOWN : CN_GLYPH_SORT_UP);
		heat(canvas, box.row, at, width, table, i);
	}
}

static void mark_match(struct cn_canvas *canvas, int row, int col, int width, const char *mark)
{
	const int n = (int)strlen(mark);

	for (int i = 0; n && i + n <= width; i++) {
		int k = 0;

		/* Searches are typed in ASCII; what is not, is simply not pointed out. */
		while (k < n) {
			const struct cn_cell *cell = cn_canvas_at(canvas, row, col + i + k);
			const char have[2] = { cell && cell->text < 0x7f ? (char)cell->text : 0, 0 };
			const char want[2] = { mark[k], 0 };

			if (!have[0] || strcasecmp(have, want) != 0)
				break;
			k++;
		}
		for (int j = 0; k == n && j < n; j++)
			cn_canvas_at(canvas, row, col + i + j)->style = CN_STYLE_MATCH;
	}
}

static void draw_cell(
	struct cn_canvas *canvas, int row, int at, int width, enum cn_align align, const struct cn_text *cell)
{
	if (cell->n_samples) {
		cn_spark_draw(canvas, (struct cn_box){ row, at, 1, width }, cell->samples, cell->n_samples, cell->full,
			cell->style);
		return;
	}
	if (cell->glyph >= 0) {
		cn_canvas_glyph(canvas, row, at, cell->style, (enum cn_glyph)cell->glyph);
		at += 2;
		width -= 2;
	}
	if (align == CN_RIGHT)
		cn_canvas_right(canvas, row, at, width, cell->style, cell->text);
	else if (align == CN_TAIL)
		cn_canvas_tail(canvas, row, at, width, cell->style, cell->text);
	else
		cn_canvas_text(canvas, row, at, width, cell->style, cell->text);
}

/* The signs left of a row: the cursor's, the mark's, or that of both. */
static void draw_margin(struct cn_canvas *canvas, struct cn_box box, int at, const struct cn_table *table, size_t row)
{
	const bool marked = table->marked && table->marked(table->arg, row), here = row == table->cursor;

	if (marked)
		cn_canvas_glyph(canvas, at, box.col, here ? CN_STYLE_STRONG : CN_STYLE_MATCH,
			here ? CN_GLYPH_MARK_HERE : CN_GLYPH_MARK);
	else if (here)
		cn_canvas_glyph(canvas, at, box.col, CN_STYLE_STRONG, CN_GLYPH_CURSOR);
	if (here)
		cn_canvas_select(canvas, at, box.col, box.cols);
}

void cn_table_draw(struct cn_canvas *canvas, struct cn_box box, const struct cn_table *table)
{
	struct cn_columns fit;

	cn_table_fit(table->columns, table->n_columns, box.cols, &fit);
	if (box.rows <= 0)
		return;
	draw_titles(canvas, box, table, &fit);
	for (int line = 1; line < box.rows && table->top + (size_t)line - 1 < table->rows; line++) {
		const size_t row = table->top + (size_t)line - 1;
		const int at = box.row + line;

		for (size_t i = 0; i < table->n_columns; i++) {
			struct cn_text cell;

			if (!fit.width[i])
				continue;
			cell.text[0] = 0;
			cell.style = CN_STYLE_PLAIN;
			cell.glyph = -1;
			cell.n_samples = 0;
			table->cell(table->arg, row, i, &cell);
			draw_cell(canvas, at, box.col + fit.at[i], fit.width[i], (enum cn_align)table->columns[i].align,
				&cell);
			if (table->mark)
				mark_match(canvas, at, box.col + fit.at[i], fit.width[i], table->mark);
		}
		draw_margin(canvas, box, at, table, row);
		if (table->hot_row)
			cn_canvas_hot(canvas, at, box.col, box.cols, table->hot_row + (unsigned int)line - 1);
	}
}
