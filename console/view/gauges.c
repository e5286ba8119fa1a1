/* SPDX-License-Identifier: MIT */
/* The runtime's own numbers over time: what waits where, and how fast it goes. */
#include "view/ui.h"
#include "widget/format.h"
#include "widget/graph.h"

enum { GAUGE_ROWS = 2, GAUGE_COLS = 26, ROWS_LEFT_TO_TABLE = 7 };

struct gauge {
	const char *title;
	const struct cn_history *history;
	enum cn_style style;
};

static void draw_gauge(struct cn_canvas *canvas, struct cn_box box, const struct gauge *gauge)
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
	cn_canvas_text(canvas, box.row, col, box.col + box.cols - col, CN_STYLE_STRONG,
		cn_format_count(now, samples[n - 1]));
	snprintf(text, sizeof text, "max %s", cn_format_count(most, top));
	cn_canvas_right(canvas, box.row, box.col + box.cols - 10, 10, CN_STYLE_DIM, text);
	cn_spark_draw(canvas, (struct cn_box){ box.row + 1, box.col, box.rows - 1, box.cols }, samples, n, 0, gauge->style);
}

int cn_gauges_draw(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_runtime *runtime = cn_scene_runtime(scene);
	const int across = box.cols / GAUGE_COLS > 6 ? 6 : box.cols / GAUGE_COLS > 4 ? 3 : box.cols / GAUGE_COLS;
	int height, used;

	if (!runtime || across < 1 || box.rows - (1 + GAUGE_ROWS) * ((6 + across - 1) / across) < ROWS_LEFT_TO_TABLE)
		return 0;
	/* Tall screens have room for tall graphs. */
	height = 1 + GAUGE_ROWS + (box.rows > 30 ? 2 : 0);
	{
		const struct gauge gauges[] = {
			{ "global queue", &runtime->series.inject, CN_STYLE_GRAPH_OTHER },
			{ "blocking queue", &runtime->series.blocking, CN_STYLE_GRAPH_OTHER },
			{ "timers", &runtime->series.timers, CN_STYLE_GRAPH_OTHER },
			{ "tasks", &runtime->series.tasks, CN_STYLE_GRAPH },
			{ "polls/s", &runtime->series.polls, CN_STYLE_GRAPH },
			{ "spawns/s", &runtime->series.spawned, CN_STYLE_GRAPH },
		};
		const int n = sizeof gauges / sizeof gauges[0], cols = (box.cols - 2) / across;

		for (int i = 0; i < n; i++)
			draw_gauge(canvas,
				(struct cn_box){ box.row + i / across * height, 1 + i % across * cols, height, cols - 2 },
				&gauges[i]);
		used = (n + across - 1) / across * height;
	}
	return used;
}
