/* SPDX-License-Identifier: MIT */
#include "model/heat.h"
#include "view/gauge.h"
#include "view/times.h"
#include "widget/format.h"
#include "widget/graph.h"

enum { GAUGE_COLS = 19, GAUGE_ROWS = 3, GAUGE_ROWS_MAX = 8, ACROSS_MAX = 6, TITLE_COLS = 12 };

static void draw_percentiles(
	struct cn_canvas *canvas, int row, int cols, const char *title, const uint32_t *counts)
{
	static const struct {
		const char *label;
		unsigned int per_mille;
	} marks[] = { { "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "max", 1000 } };
	const uint64_t total = cn_histogram_total(counts, ROUSE_HISTOGRAM_BUCKETS);
	char text[CN_FORMAT_BYTES];
	int col = 1;

	cn_canvas_text(canvas, row, col, TITLE_COLS, CN_STYLE_HEADER, title);
	col += TITLE_COLS;
	for (size_t i = 0; total && i < sizeof marks / sizeof marks[0]; i++) {
		const uint64_t ns =
			cn_histogram_percentile(counts, ROUSE_HISTOGRAM_BUCKETS, marks[i].per_mille);

		if (col + 12 > cols)
			return;
		cn_canvas_text(canvas, row, col, 3, CN_STYLE_DIM, marks[i].label);
		cn_canvas_printf(canvas, row, col + 4, 8, CN_STYLE_STRONG, "<%s", cn_format_ns(text, ns));
		col += 13;
	}
	if (total)
		cn_canvas_printf(canvas, row, col, cols - col - 1, CN_STYLE_DIM, "of %s", cn_format_count(text, total));
	else
		cn_canvas_text(canvas, row, col, cols - col - 1, CN_STYLE_DIM, "none since the look before");
}

static int draw_times(const struct cn_scene *scene, const struct cn_runtime *runtime, struct cn_canvas *canvas,
	struct cn_box box)
{
	const struct cn_heat *heat = cn_model_heat(scene->model, runtime->index);
	uint64_t ns;
	const struct cn_histogram *look = heat ? cn_heat_look(heat, 0, &ns) : NULL;

	if (runtime->level == 0) {
		cn_canvas_text(canvas, box.row, 1, box.cols - 2, CN_STYLE_DIM,
			"Level 0: the runtime takes no stamps, so no times are known.");
		return 1;
	}
	if (!look)
		return 0;
	draw_percentiles(canvas, box.row, box.cols, "wake to run", look->delay);
	draw_percentiles(canvas, box.row + 1, box.cols, "polls", look->poll);
	return 2;
}

/* The most telling first: a small screen shows no more than those. */
static void draw_gauges(const struct cn_scene *scene, const struct cn_runtime *runtime, struct cn_canvas *canvas,
	struct cn_box box)
{
	const struct cn_gauge gauges[] = {
		{ "busy", &runtime->series.busy, CN_STYLE_GRAPH, CN_GAUGE_SHARE },
		{ "polls/s", &runtime->series.polls, CN_STYLE_GRAPH, CN_GAUGE_COUNT },
		{ "delay p99", &runtime->series.delay, CN_STYLE_GRAPH_OTHER, CN_GAUGE_NS },
		{ "tasks", &runtime->series.tasks, CN_STYLE_GRAPH, CN_GAUGE_COUNT },
		{ "wakes/s", &runtime->series.wakes, CN_STYLE_GRAPH, CN_GAUGE_COUNT },
		{ "local queues", &runtime->series.local, CN_STYLE_GRAPH_OTHER, CN_GAUGE_COUNT },
		{ "findings", cn_findings_history(scene->findings), CN_STYLE_LIKELY, CN_GAUGE_COUNT },
		{ "spawns/s", &runtime->series.spawned, CN_STYLE_GRAPH, CN_GAUGE_COUNT },
		{ "global queue", &runtime->series.inject, CN_STYLE_GRAPH_OTHER, CN_GAUGE_COUNT },
		{ "stolen/s", &runtime->series.stolen, CN_STYLE_GRAPH, CN_GAUGE_COUNT },
		{ "timers", &runtime->series.timers, CN_STYLE_GRAPH_OTHER, CN_GAUGE_COUNT },
		{ "blocking queue", &runtime->series.blocking, CN_STYLE_GRAPH_OTHER, CN_GAUGE_COUNT },
	};
	const int n = (int)(sizeof gauges / sizeof gauges[0]), fit = (box.cols - 1) / GAUGE_COLS;
	const int across = fit > ACROSS_MAX ? ACROSS_MAX : fit < 1 ? 1 : fit >= 4 && box.cols < 110 ? 3 : fit;
	const int lines_all = (n + across - 1) / across;
	const int lines = box.rows / GAUGE_ROWS < lines_all ? box.rows / GAUGE_ROWS : lines_all;
	const int height = lines < 1 ? 0 : box.rows / lines < GAUGE_ROWS_MAX ? box.rows / lines : GAUGE_ROWS_MAX;
	const int cols = (box.cols - 1) / across;

	for (int i = 0; i < n && i / across < lines; i++)
		cn_gauge_draw(canvas,
			(struct cn_box){ box.row + i / across * height, 1 + i % across * cols, height, cols - 2 },
			&gauges[i]);
}

void cn_dashboard_draw(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_runtime *runtime = cn_scene_runtime(scene);
	int used;

	if (!runtime || cn_target_is_core(cn_model_target(scene->model))) {
		cn_canvas_wrap(canvas, (struct cn_box){ box.row + 1, 2, box.rows - 1, box.cols - 4 }, CN_STYLE_DIM,
			runtime ? "A core file is of one moment: nothing goes on in it." : "Nothing has been read yet.");
		return;
	}
	used = draw_times(scene, runtime, canvas, box);
	/* A blank line between, where there is one to spare. */
	used += box.rows > 12;
	draw_gauges(scene, runtime, canvas, (struct cn_box){ box.row + used, 0, box.rows - used, box.cols });
}
