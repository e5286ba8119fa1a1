/* SPDX-License-Identifier: MIT */
/* The runtime's own numbers over time: what waits where, and how fast it goes. */
#include "view/gauge.h"
#include "view/ui.h"
#include "widget/format.h"
#include "widget/graph.h"

enum { GRAPH_ROWS = 2, GRAPH_ROWS_MAX = 5, GAUGE_COLS = 26, TABLE_ROWS_MAX = 12 };

static const char *value_text(char out[CN_FORMAT_BYTES], const struct cn_gauge *gauge, uint32_t value)
{
	switch (gauge->unit) {
	case CN_GAUGE_NS:
		return cn_format_ns(out, value);
	case CN_GAUGE_SHARE:
		return cn_format_share(out, value, 1000);
	default:
		return cn_format_count(out, value);
	}
}

void cn_gauge_draw(struct cn_canvas *canvas, struct cn_box box, const struct cn_gauge *gauge)
{
	uint32_t samples[CN_HISTORY_SAMPLES], top = 0;
	const size_t n = cn_history_copy(gauge->history, samples, CN_HISTORY_SAMPLES);
	char now[CN_FORMAT_BYTES], most[CN_FORMAT_BYTES], text[64];
	int col = box.col;

	for (size_t i = 0; i < n; i++)
		top = samples[i] > top ? samples[i] : top;
	col += 1 + cn_canvas_text(canvas, box.row, col, box.cols, CN_STYLE_HEADER, gauge->title);
	if (n == 0)
		return;
	col += cn_canvas_text(canvas, box.row, col, box.col + box.cols - col, CN_STYLE_STRONG,
		value_text(now, gauge, samples[n - 1]));
	snprintf(text, sizeof text, "max %s", value_text(most, gauge, top));
	if (col + cn_canvas_width(canvas, text) < box.col + box.cols)
		cn_canvas_right(canvas, box.row, box.col + box.cols - 10, 10, CN_STYLE_DIM, text);
	cn_spark_draw(canvas, (struct cn_box){ box.row + 1, box.col, box.rows - 1, box.cols }, samples, n,
		gauge->unit == CN_GAUGE_SHARE ? 1000 : 0, gauge->style);
}

/* How tall each row of gauges may be, the table below having what it needs; 0 = there is no room. */
static int gauge_height(const struct cn_runtime *runtime, int rows, int lines)
{
	const int table = (int)(runtime->n_workers < TABLE_ROWS_MAX ? runtime->n_workers : TABLE_ROWS_MAX) + 2;
	const int height = (rows - table) / lines;

	return height < 1 + GRAPH_ROWS ? 0 : height < 1 + GRAPH_ROWS_MAX ? height : 1 + GRAPH_ROWS_MAX;
}

int cn_gauges_draw(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_runtime *runtime = cn_scene_runtime(scene);
	const int fit = box.cols / GAUGE_COLS, across = fit >= 6 ? 6 : fit >= 3 ? 3 : fit;
	int height, cols, n = 0;

	if (!runtime || across < 1)
		return 0;
	const struct cn_gauge gauges[] = {
		{ "global queue", &runtime->series.inject, CN_STYLE_GRAPH_OTHER, CN_GAUGE_COUNT },
		{ "blocking queue", &runtime->series.blocking, CN_STYLE_GRAPH_OTHER, CN_GAUGE_COUNT },
		{ "timers", &runtime->series.timers, CN_STYLE_GRAPH_OTHER, CN_GAUGE_COUNT },
		{ "tasks", &runtime->series.tasks, CN_STYLE_GRAPH, CN_GAUGE_COUNT },
		{ "polls/s", &runtime->series.polls, CN_STYLE_GRAPH, CN_GAUGE_COUNT },
		{ "spawns/s", &runtime->series.spawned, CN_STYLE_GRAPH, CN_GAUGE_COUNT },
	};
	const int lines = ((int)(sizeof gauges / sizeof gauges[0]) + across - 1) / across;

	height = gauge_height(runtime, box.rows, lines);
	if (!height)
		return 0;
	cols = (box.cols - 2) / across;
	for (; n < (int)(sizeof gauges / sizeof gauges[0]); n++)
		cn_gauge_draw(canvas,
			(struct cn_box){ box.row + n / across * height, 1 + n % across * cols, height, cols - 2 },
			&gauges[n]);
	return lines * height;
}
