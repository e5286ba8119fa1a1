/* SPDX-License-Identifier: MIT */
#include "widget/graph.h"
#include "widget/format.h"

enum { DOTS = 4 /* rows of dots in a cell */ };

size_t cn_spark_samples(int cols)
{
	return cols > 0 ? 2 * (size_t)cols : 0;
}

/* Height in dots of `value` in a box `height` dots high: 1 for zero, 2 and up for the rest. */
static unsigned int spark_height(uint32_t value, uint32_t top, unsigned int height)
{
	if (value == 0)
		return 1;
	if (value >= top)
		return height;
	return 2 + (unsigned int)((uint64_t)value * (height - 2) / top);
}

static unsigned int dots_in_row(unsigned int height, unsigned int rows_below)
{
	const unsigned int below = rows_below * DOTS;

	return height <= below ? 0 : height - below < DOTS ? height - below : DOTS;
}

static uint32_t largest(const uint32_t *samples, size_t n)
{
	uint32_t max = 0;

	for (size_t i = 0; i < n; i++)
		max = samples[i] > max ? samples[i] : max;
	return max;
}

void cn_spark_draw(struct cn_canvas *canvas, struct cn_box box, const uint32_t *samples, size_t n, uint32_t top,
	enum cn_style style)
{
	const size_t fit = cn_spark_samples(box.cols);
	const unsigned int height = (unsigned int)box.rows * DOTS;

	if (box.rows <= 0 || n == 0)
		return;
	if (n > fit) {
		samples += n - fit;
		n = fit;
	}
	if (top == 0)
		top = largest(samples, n);
	for (int col = box.cols - 1; col >= 0; col--) {
		/* Position 2 * col of `fit` holds the left sample. */
		const size_t gap = fit - n, at = 2 * (size_t)col;
		const unsigned int left = at < gap ? 0 : spark_height(samples[at - gap], top, height);
		const unsigned int right = at + 1 < gap ? 0 : spark_height(samples[at + 1 - gap], top, height);

		for (int row = 0; row < box.rows; row++) {
			const unsigned int below = (unsigned int)(box.rows - 1 - row);

			cn_canvas_put(canvas, box.row + row, box.col + col, style,
				cn_glyph_dots(canvas->charset, dots_in_row(left, below), dots_in_row(right, below)));
		}
	}
}

void cn_bar_draw(struct cn_canvas *canvas, int row, int col, int width, uint64_t part, uint64_t other, uint64_t whole,
	enum cn_style style)
{
	for (int i = 0; i < width; i++) {
		/* A column is filled when the share reaches past its middle; the first one as soon as there is any. */
		const double here = whole ? (i + 0.5) * (double)whole / width : 0;
		const bool filled = whole && ((double)part > here || (i == 0 && part));
		const bool behind = whole && (double)part + (double)other > here;

		cn_canvas_glyph(canvas, row, col + i,
			filled   ? style
			: behind ? CN_STYLE_GRAPH_OTHER
				 : CN_STYLE_DIM,
			filled   ? CN_GLYPH_FULL
			: behind ? CN_GLYPH_LIGHT
				 : CN_GLYPH_DOT);
	}
}

/* ------------------------------------------------------------- histograms */

uint64_t cn_histogram_total(const uint32_t *counts, size_t buckets)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < buckets; i++)
		sum += counts[i];
	return sum;
}

static uint64_t bucket_end(size_t bucket)
{
	return 1ull << (bucket < 62 ? bucket + 1 : 63);
}

uint64_t cn_histogram_percentile(const uint32_t *counts, size_t buckets, unsigned int per_mille)
{
	const uint64_t total = cn_histogram_total(counts, buckets);
	/* The rank, rounded up, at least the first. */
	const uint64_t rank = total * per_mille / 1000 + (total * per_mille % 1000 != 0);
	uint64_t seen = 0;

	for (size_t i = 0; i < buckets; i++) {
		seen += counts[i];
		if (counts[i] && seen >= rank)
			return bucket_end(i);
	}
	return 0;
}

/* Which buckets are drawn, and how. */
struct span {
	size_t first, n; /* buckets */
	size_t merged;   /* buckets a column */
	int width;       /* canvas columns a column */
	int columns;
};

static struct span find_span(const uint32_t *counts, size_t buckets, int cols)
{
	struct span span = { .merged = 1, .width = 1 };
	size_t last = 0;

	span.first = buckets;
	for (size_t i = 0; i < buckets; i++)
		if (counts[i]) {
			last = i;
			if (span.first == buckets)
				span.first = i;
		}
	if (span.first == buckets || cols <= 0)
		return (struct span){ 0 };
	span.n = last - span.first + 1;
	while ((span.n + span.merged - 1) / span.merged > (size_t)cols)
		span.merged++;
	span.columns = (int)((span.n + span.merged - 1) / span.merged);
	span.width = cols / span.columns;
	if (span.width > 4)
		span.width = 4;
	return span;
}

static uint64_t merged_count(const uint32_t *counts, const struct span *span, int column)
{
	uint64_t sum = 0;

	for (size_t k = 0; k < span->merged; k++) {
		const size_t i = (size_t)column * span->merged + k;

		if (i < span->n)
			sum += counts[span->first + i];
	}
	return sum;
}

/* The lower ends of the buckets, as many as find room between each other. */
static void draw_axis(struct cn_canvas *canvas, struct cn_box box, const struct span *span)
{
	const int row = box.row + box.rows - 1;
	int free_from = 0;

	for (int column = 0; column < span->columns; column++) {
		const size_t bucket = span->first + (size_t)column * span->merged;
		const int at = column * span->width;
		char text[CN_FORMAT_BYTES];
		int width;

		cn_format_ns(text, bucket ? 1ull << bucket : 0);
		width = cn_canvas_width(canvas, text);
		if (at < free_from || at + width > box.cols)
			continue;
		cn_canvas_text(canvas, row, box.col + at, width, CN_STYLE_DIM, text);
		free_from = at + width + 2;
	}
}

void cn_histogram_draw(
	struct cn_canvas *canvas, struct cn_box box, const uint32_t *counts, size_t buckets, enum cn_style style)
{
	const struct span span = find_span(counts, buckets, box.cols);
	const int rows = box.rows - 1;
	uint64_t top = 0;

	if (span.columns == 0 || rows <= 0)
		return;
	for (int column = 0; column < span.columns; column++) {
		const uint64_t count = merged_count(counts, &span, column);

		top = count > top ? count : top;
	}
	for (int column = 0; column < span.columns; column++) {
		const uint64_t count = merged_count(counts, &span, column);
		/* One eighth at least for what is there at all. */
		const unsigned int eighths =
			count ? 1 + (unsigned int)((double)count / (double)top * (rows * 8 - 1)) : 0;

		for (int row = 0; row < rows; row++) {
			const unsigned int below = (unsigned int)(rows - 1 - row) * 8;
			const unsigned int here = eighths > below ? eighths - below : 0;

			for (int i = 0; i < (span.width > 1 ? span.width - 1 : 1); i++)
				cn_canvas_put(canvas, box.row + row, box.col + column * span.width + i, style,
					cn_glyph_block(canvas->charset, here));
		}
	}
	draw_axis(canvas, box, &span);
}
