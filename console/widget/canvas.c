/* SPDX-License-Identifier: MIT */
#include "widget/canvas.h"
#include "widget/utf8.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PRINTF_BYTES = 1024 };

static const struct cn_cell blank = { .text = ' ', .style = CN_STYLE_PLAIN };

int cn_canvas_init(struct cn_canvas *canvas, int rows, int cols, enum cn_charset charset)
{
	*canvas = (struct cn_canvas){ .charset = charset };
	return cn_canvas_resize(canvas, rows, cols);
}

void cn_canvas_fini(struct cn_canvas *canvas)
{
	free(canvas->cells);
	*canvas = (struct cn_canvas){ .charset = canvas->charset };
}

int cn_canvas_resize(struct cn_canvas *canvas, int rows, int cols)
{
	struct cn_cell *cells;

	assert(rows >= 0 && cols >= 0);
	cells = calloc((size_t)rows * (size_t)cols + 1, sizeof *cells);
	if (!cells)
		return -ENOMEM;
	free(canvas->cells);
	canvas->cells = cells;
	canvas->rows = rows;
	canvas->cols = cols;
	cn_canvas_clear(canvas);
	return 0;
}

void cn_canvas_clear(struct cn_canvas *canvas)
{
	for (int i = 0; i < canvas->rows * canvas->cols; i++)
		canvas->cells[i] = blank;
}

struct cn_box cn_canvas_box(const struct cn_canvas *canvas)
{
	return (struct cn_box){ 0, 0, canvas->rows, canvas->cols };
}

struct cn_cell *cn_canvas_at(const struct cn_canvas *canvas, int row, int col)
{
	if (row < 0 || row >= canvas->rows || col < 0 || col >= canvas->cols)
		return NULL;
	return &canvas->cells[row * canvas->cols + col];
}

/* Half a wide character must not stay behind when the other half is drawn over. */
static void break_wide(struct cn_canvas *canvas, int row, int col)
{
	struct cn_cell *cell = cn_canvas_at(canvas, row, col);
	struct cn_cell *next = cn_canvas_at(canvas, row, col + 1);

	if (cell && cell->text == 0)
		cn_canvas_at(canvas, row, col - 1)->text = ' ';
	if (next && next->text == 0)
		next->text = ' ';
}

/* What stands for a code point in this charset, and how wide that is; marks are 0 wide. */
static uint32_t shown(const struct cn_canvas *canvas, uint32_t code, int *ret_width)
{
	int width = code == CN_UTF8_BROKEN ? -1 : cn_utf8_width(code);

	if (width < 0 || (canvas->charset == CN_CHARSET_ASCII && code >= 0x7f)) {
		*ret_width = 1;
		return cn_glyph(canvas->charset, CN_GLYPH_REPLACEMENT);
	}
	*ret_width = width;
	return code;
}

static void put_wide(struct cn_canvas *canvas, int row, int col, enum cn_style style, uint32_t code, int width)
{
	for (int i = 0; i < width; i++) {
		struct cn_cell *cell = cn_canvas_at(canvas, row, col + i);

		if (!cell)
			continue;
		break_wide(canvas, row, col + i);
		*cell = (struct cn_cell){ .text = i ? 0 : code, .style = (uint8_t)style };
	}
	/* Cut by an edge: half a character is none. */
	if (width == 2 && (!cn_canvas_at(canvas, row, col) || !cn_canvas_at(canvas, row, col + 1)))
		for (int i = 0; i < 2; i++)
			if (cn_canvas_at(canvas, row, col + i))
				cn_canvas_at(canvas, row, col + i)->text = ' ';
}

void cn_canvas_put(struct cn_canvas *canvas, int row, int col, enum cn_style style, uint32_t code)
{
	int width;
	const uint32_t text = shown(canvas, code, &width);

	if (width > 0)
		put_wide(canvas, row, col, style, text, width);
}

static void add_mark(struct cn_canvas *canvas, int row, int col, uint32_t mark)
{
	struct cn_cell *cell = cn_canvas_at(canvas, row, col);

	if (cell && cell->text == 0)
		cell = cn_canvas_at(canvas, row, col - 1);
	if (cell && !cell->mark && cell->text != ' ')
		cell->mark = mark;
}

int cn_canvas_width(const struct cn_canvas *canvas, const char *utf8)
{
	int sum = 0, width;

	while (*utf8) {
		shown(canvas, cn_utf8_next(&utf8), &width);
		sum += width;
	}
	return sum;
}

int cn_canvas_text(struct cn_canvas *canvas, int row, int col, int width, enum cn_style style, const char *utf8)
{
	int used = 0, step;

	if (width <= 0)
		return 0;
	while (*utf8) {
		const char *from = utf8;
		const uint32_t code = shown(canvas, cn_utf8_next(&utf8), &step);

		if (step == 0) {
			add_mark(canvas, row, col + used - 1, code);
			continue;
		}
		/* The last column is for the ellipsis unless all the rest fits. */
		if (used + step >= width && used + cn_canvas_width(canvas, from) > width) {
			cn_canvas_glyph(canvas, row, col + used, style, CN_GLYPH_ELLIPSIS);
			return used + 1;
		}
		put_wide(canvas, row, col + used, style, code, step);
		used += step;
	}
	return used;
}

int cn_canvas_printf(
	struct cn_canvas *canvas, int row, int col, int width, enum cn_style style, const char *format, ...)
{
	char text[PRINTF_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return cn_canvas_text(canvas, row, col, width, style, text);
}

void cn_canvas_right(struct cn_canvas *canvas, int row, int col, int width, enum cn_style style, const char *utf8)
{
	const int want = cn_canvas_width(canvas, utf8);

	cn_canvas_text(canvas, row, want < width ? col + width - want : col, width, style, utf8);
}

int cn_canvas_tail(struct cn_canvas *canvas, int row, int col, int width, enum cn_style style, const char *utf8)
{
	int want = cn_canvas_width(canvas, utf8), step;

	if (width <= 0)
		return 0;
	if (want <= width)
		return cn_canvas_text(canvas, row, col, width, style, utf8);
	while (want > width - 1) {
		shown(canvas, cn_utf8_next(&utf8), &step);
		want -= step;
	}
	cn_canvas_glyph(canvas, row, col, style, CN_GLYPH_ELLIPSIS);
	return 1 + cn_canvas_text(canvas, row, col + 1, width - 1, style, utf8);
}

void cn_canvas_glyph(struct cn_canvas *canvas, int row, int col, enum cn_style style, enum cn_glyph glyph)
{
	put_wide(canvas, row, col, style, cn_glyph(canvas->charset, glyph), 1);
}

void cn_canvas_fill(struct cn_canvas *canvas, struct cn_box box, enum cn_style style, uint32_t code)
{
	for (int row = box.row; row < box.row + box.rows; row++)
		for (int col = box.col; col < box.col + box.cols; col++)
			cn_canvas_put(canvas, row, col, style, code);
}

void cn_canvas_rule(struct cn_canvas *canvas, int row, int col, int width)
{
	for (int i = 0; i < width; i++)
		cn_canvas_glyph(canvas, row, col + i, CN_STYLE_FRAME, CN_GLYPH_HLINE);
}

/* Bytes of `text` that fill at most `width` columns, ending at a blank where there is one. */
static size_t line_bytes(const struct cn_canvas *canvas, const char *text, int width)
{
	const char *at = text;
	size_t broken = 0;
	int used = 0, step;

	while (*at && *at != '\n') {
		const char *from = at;

		shown(canvas, cn_utf8_next(&at), &step);
		if (used + step > width)
			return broken ? broken : from > text ? (size_t)(from - text) : (size_t)(at - text);
		if (*from == ' ')
			broken = (size_t)(from - text);
		used += step;
	}
	return (size_t)(at - text);
}

int cn_canvas_wrap(struct cn_canvas *canvas, struct cn_box box, enum cn_style style, const char *utf8)
{
	int used = 0;

	while (*utf8 && used < box.rows && box.cols > 0) {
		char line[PRINTF_BYTES];
		size_t n = line_bytes(canvas, utf8, box.cols);

		/* The last row shows that there is more. */
		if (used == box.rows - 1)
			n = strcspn(utf8, "\n");
		if (n >= sizeof line)
			n = sizeof line - 1;
		memcpy(line, utf8, n);
		line[n] = 0;
		cn_canvas_text(canvas, box.row + used++, box.col, box.cols, style, line);
		utf8 += n;
		while (*utf8 == ' ' || *utf8 == '\n')
			utf8++;
	}
	return used;
}

void cn_canvas_hot(struct cn_canvas *canvas, int row, int col, int width, unsigned int hot)
{
	for (int i = 0; i < width; i++) {
		struct cn_cell *cell = cn_canvas_at(canvas, row, col + i);

		if (cell)
			cell->hot = (uint16_t)hot;
	}
}

void cn_canvas_select(struct cn_canvas *canvas, int row, int col, int width)
{
	for (int i = 0; i < width; i++) {
		struct cn_cell *cell = cn_canvas_at(canvas, row, col + i);

		if (cell)
			cell->selected = true;
	}
}

static int row_end(const struct cn_canvas *canvas, int row)
{
	int end = canvas->cols;

	while (end > 0 && canvas->cells[row * canvas->cols + end - 1].text == ' ')
		end--;
	return end;
}

void cn_canvas_print(const struct cn_canvas *canvas, FILE *out)
{
	for (int row = 0; row < canvas->rows; row++) {
		const int end = row_end(canvas, row);

		for (int col = 0; col < end; col++) {
			const struct cn_cell *cell = cn_canvas_at(canvas, row, col);
			char bytes[8];
			size_t n = 0;

			if (cell->text)
				n = cn_utf8_put(bytes, cell->text);
			if (cell->mark)
				n += cn_utf8_put(bytes + n, cell->mark);
			fwrite(bytes, 1, n, out);
		}
		fputc('\n', out);
	}
}

void cn_canvas_print_styles(const struct cn_canvas *canvas, FILE *out)
{
	for (int row = 0; row < canvas->rows; row++) {
		bool selected = false;
		int end = canvas->cols;

		for (int col = 0; col < canvas->cols; col++)
			selected |= cn_canvas_at(canvas, row, col)->selected;
		while (end > 0 && cn_canvas_at(canvas, row, end - 1)->style == CN_STYLE_PLAIN)
			end--;
		fputs(selected ? "> " : "  ", out);
		for (int col = 0; col < end; col++)
			fputc(cn_style_letter(cn_canvas_at(canvas, row, col)->style), out);
		fputc('\n', out);
	}
}
