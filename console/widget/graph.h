/* SPDX-License-Identifier: MIT */
/* Shapes of numbers: over time, by size, as a share. Each is a pure function of box and samples. */
#ifndef CN_WIDGET_GRAPH_H
#define CN_WIDGET_GRAPH_H

#include "widget/canvas.h"

/*
 * The newest sample (the last) at the right edge, two to a column; older ones
 * than fit are not drawn. Zero is a dot on the base line, so that an idle series
 * differs from none, and whatever is not zero stands above it, however small.
 * `top`: the value that fills the box, 0 = the largest drawn.
 */
void cn_spark_draw(struct cn_canvas *canvas, struct cn_box box, const uint32_t *samples, size_t n, uint32_t top,
	enum cn_style style);
/* The samples that a sparkline of so many columns can show. */
size_t cn_spark_samples(int cols);

/*
 * A bar of `width` columns of which part/whole is filled; other, if any, is
 * drawn behind it in a lighter sign.
 */
void cn_bar_draw(struct cn_canvas *canvas, int row, int col, int width, uint64_t part, uint64_t other, uint64_t whole,
	enum cn_style style);

/*
 * Counts of durations in power-of-two buckets of nanoseconds (as in
 * rouse/layout.h), drawn as columns over a time axis that takes the last row of
 * the box. Buckets at both ends that are empty are left out; the rest is merged
 * when the box is narrow.
 */
void cn_histogram_draw(struct cn_canvas *canvas, struct cn_box box, const uint32_t *counts, size_t buckets,
	enum cn_style style);

uint64_t cn_histogram_total(const uint32_t *counts, size_t buckets);
/*
 * The duration that `per_mille` of the counts do not exceed: the upper end of
 * its bucket, so an upper bound, at most twice the true value. 0 when empty.
 */
uint64_t cn_histogram_percentile(const uint32_t *counts, size_t buckets, unsigned int per_mille);

#endif
