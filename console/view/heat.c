/* SPDX-License-Identifier: MIT */
#include "model/heat.h"
#include "view/times.h"
#include "widget/format.h"
#include "widget/graph.h"

#include <inttypes.h>

enum { LABEL_COLS = 8, BESIDE_COLS = 100, STACKED_ROWS = 12, LEAST_ROWS = 4, SHADES = 4 };

/* One of the two halves of the picture. */
struct pane {
	const char *title;
	bool delay;
	enum cn_style style, late; /* of buckets from late_ns on */
	uint64_t late_ns;          /* 0 = none is late */
	struct cn_box box;
};

/* What is drawn: buckets [first, first + rows * merged), `looks` columns. */
struct scale {
	size_t first, merged;
	int rows, looks;
	uint64_t most; /* in one cell */
	uint64_t total;
};

static const uint32_t *counts_of(const struct cn_heat *heat, const struct pane *pane, size_t back)
{
	uint64_t ns;
	const struct cn_histogram *look = cn_heat_look(heat, back, &ns);

	return !look ? NULL : pane->delay ? look->delay : look->poll;
}

static uint64_t cell_count(const uint32_t *counts, const struct scale *scale, int row)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < scale->merged; i++) {
		const size_t bucket = scale->first + (size_t)row * scale->merged + i;

		sum += bucket < ROUSE_HISTOGRAM_BUCKETS ? counts[bucket] : 0;
	}
	return sum;
}

static struct scale scale_of(const struct cn_heat *heat, const struct pane *pane)
{
	struct scale scale = { .first = ROUSE_HISTOGRAM_BUCKETS };
	const int cols = pane->box.cols - LABEL_COLS - 1, rows = pane->box.rows - 2;
	size_t last = 0;

	scale.looks = cols < (int)heat->n ? cols : (int)heat->n;
	for (int back = 0; back < scale.looks; back++) {
		const uint32_t *counts = counts_of(heat, pane, (size_t)back);

		for (size_t i = 0; i < ROUSE_HISTOGRAM_BUCKETS; i++) {
			scale.total += counts[i];
			if (!counts[i])
				continue;
			scale.first = i < scale.first ? i : scale.first;
			last = i > last ? i : last;
		}
	}
	if (!scale.total || rows < 1)
		return scale;
	scale.merged = (last - scale.first) / (size_t)rows + 1;
	scale.rows = (int)((last - scale.first) / scale.merged) + 1;
	for (int back = 0; back < scale.looks; back++)
		for (int row = 0; row < scale.rows; row++) {
			const uint64_t n = cell_count(counts_of(heat, pane, (size_t)back), &scale, row);

			scale.most = n > scale.most ? n : scale.most;
		}
	return scale;
}

/* By powers: one slow poll among a million has to be seen. 1 to SHADES. */
static int shade(uint64_t n, uint64_t most)
{
	int have = 0, of = 0;

	for (; n > 1; n >>= 1)
		have++;
	for (; most > 1; most >>= 1)
		of++;
	return of ? 1 + have * (SHADES - 1) / of : SHADES;
}

static void draw_row(struct cn_canvas *canvas, const struct cn_heat *heat, const struct pane *pane,
	const struct scale *scale, int row)
{
	static const uint8_t glyphs[SHADES] = { CN_GLYPH_LIGHT, CN_GLYPH_SHADE, CN_GLYPH_DARK, CN_GLYPH_FULL };
	const size_t bucket = scale->first + (size_t)row * scale->merged, end = bucket + scale->merged;
	const int at = pane->box.row + 1 + (scale->rows - 1 - row), right = pane->box.col + pane->box.cols - 1;
	const bool late = pane->late_ns && (1ull << bucket) >= pane->late_ns;
	char time[CN_FORMAT_BYTES], text[CN_FORMAT_BYTES + 1];

	snprintf(text, sizeof text, "<%s", cn_format_ns(time, 1ull << end));
	cn_canvas_right(canvas, at, pane->box.col, LABEL_COLS - 1, late ? pane->late : CN_STYLE_DIM, text);
	for (int back = 0; back < scale->looks; back++) {
		const uint64_t n = cell_count(counts_of(heat, pane, (size_t)back), scale, row);

		if (n)
			cn_canvas_glyph(canvas, at, right - 1 - back, late ? pane->late : pane->style,
				(enum cn_glyph)glyphs[shade(n, scale->most) - 1]);
	}
}

static void draw_axis(
	struct cn_canvas *canvas, const struct cn_heat *heat, const struct pane *pane, const struct scale *scale)
{
	const int row = pane->box.row + 1 + scale->rows, right = pane->box.col + pane->box.cols - 1;
	char time[CN_FORMAT_BYTES], text[CN_FORMAT_BYTES + 1];
	uint64_t newest = 0, oldest = 0;

	(void)cn_heat_look(heat, 0, &newest);
	cn_canvas_right(canvas, row, right - 4, 4, CN_STYLE_HEADER, "now");
	if (scale->looks < 12 || !cn_heat_look(heat, (size_t)scale->looks - 1, &oldest))
		return;
	snprintf(text, sizeof text, "-%s", cn_format_ns(time, newest - oldest));
	cn_canvas_text(canvas, row, right - scale->looks, 8, CN_STYLE_HEADER, text);
}

static void draw_pane(struct cn_canvas *canvas, const struct cn_heat *heat, const struct pane *pane)
{
	const struct scale scale = scale_of(heat, pane);
	char most[CN_FORMAT_BYTES];
	int col = pane->box.col + 1;

	col += 2 + cn_canvas_text(canvas, pane->box.row, col, pane->box.cols - 2, CN_STYLE_TITLE, pane->title);
	if (!scale.total) {
		cn_canvas_text(canvas, pane->box.row + 1, pane->box.col + 1, pane->box.cols - 2, CN_STYLE_DIM,
			heat->n ? "none in this time" : "the second look will tell");
		return;
	}
	cn_canvas_printf(canvas, pane->box.row, col, pane->box.col + pane->box.cols - col - 1, CN_STYLE_DIM,
		"a column a look; the fullest cell has %s", cn_format_count(most, scale.most));
	for (int row = 0; row < scale.rows; row++)
		draw_row(canvas, heat, pane, &scale, row);
	draw_axis(canvas, heat, pane, &scale);
}

void cn_heat_draw(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_runtime *runtime = cn_scene_runtime(scene);
	const struct cn_heat *heat = runtime ? cn_model_heat(scene->model, runtime->index) : NULL;
	const bool beside = box.cols >= BESIDE_COLS, stacked = !beside && box.rows >= STACKED_ROWS;
	struct pane polls = { "polls", false, CN_STYLE_GRAPH, CN_STYLE_LIKELY, runtime ? runtime->long_poll_ns : 0, box };
	struct pane delays = { "wake to run", true, CN_STYLE_GRAPH_OTHER, CN_STYLE_LIKELY, 0, box };
	const char *why = !heat				    ? "Nothing has been read yet."
			  : cn_target_is_core(cn_model_target(scene->model)) ? "A core file is of one moment."
			  : runtime->level == 0 ? "Level 0: the runtime takes no stamps, so no times are known."
			  : box.rows < LEAST_ROWS ? "This screen is too small for a heat map."
						  : NULL;

	if (why) {
		cn_canvas_wrap(
			canvas, (struct cn_box){ box.row + 1, 2, box.rows - 1, box.cols - 4 }, CN_STYLE_DIM, why);
		return;
	}
	if (beside) {
		polls.box.cols = box.cols / 2;
		delays.box.cols = box.cols - polls.box.cols;
		delays.box.col = polls.box.cols;
	} else if (stacked) {
		polls.box.rows = box.rows / 2;
		delays.box.row = box.row + polls.box.rows;
		delays.box.rows = box.rows - polls.box.rows;
	}
	draw_pane(canvas, heat, &polls);
	if (beside || stacked)
		draw_pane(canvas, heat, &delays);
}
