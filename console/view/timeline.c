/* SPDX-License-Identifier: MIT */
#include "view/timeline.h"
#include "export/text.h"
#include "view/events.h"
#include "view/strips.h"
#include "widget/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { LABEL_COLS = 5, DETAIL_ROWS = 4, LEAST_ROWS = DETAIL_ROWS + 2, LEAST_COLS = 30, SITES_MAX = 64 };
#define SPAN_NS 10000000000ull
#define SPAN_LEAST_NS 100000ull
#define SPAN_MOST_NS 120000000000ull

/* What a frame is drawn from; made for it and freed with it. */
struct frame {
	const struct cn_scene *scene;
	const struct cn_runtime *runtime;
	struct cn_window window;
	struct cn_spawns spawns;
	struct cn_strip_cell *cells; /* of the workers in sight, one after the other */
	uint32_t first, n;           /* workers in sight */
	uint32_t sites[CN_TIMELINE_COLORS];
	uint32_t n_sites;
};

static const uint8_t colors[CN_TIMELINE_COLORS] = { CN_STYLE_GRAPH, CN_STYLE_GOOD, CN_STYLE_SCHEDULED,
	CN_STYLE_SITE, CN_STYLE_GRAPH_OTHER, CN_STYLE_NAME };

/* ----------------------------------------------------------------- filling */

static const struct cn_strip_cell *strip_of(const struct frame *frame, uint32_t worker)
{
	return &frame->cells[(size_t)(worker - frame->first) * frame->window.cells];
}

static uint32_t real_workers(const struct cn_runtime *runtime)
{
	return runtime->n_workers && runtime->workers[runtime->n_workers - 1].foreign ? runtime->n_workers - 1
										      : runtime->n_workers;
}

static int fill_worker(struct frame *frame, uint32_t worker, struct cn_event_list *list)
{
	const struct cn_window *window = &frame->window;
	const struct cn_event_filter filter = { .from_ns = window->from_ns,
		.to_ns = window->from_ns + window->span_ns,
		.worker = frame->runtime->workers[worker].index + 1,
		.runtime = frame->runtime->index + 1,
		.kinds = 1u << ROUSE_EVENT_POLL | 1u << ROUSE_EVENT_PARK | 1u << CN_EVENT_GAP };
	int rc = cn_events_list(frame->scene->model, &filter, list);

	if (rc)
		return rc;
	return cn_strip_fill(frame->scene->model, &frame->spawns, &frame->runtime->workers[worker], list,
		cn_events_known(frame->scene->model, frame->runtime->index, frame->runtime->workers[worker].index),
		window, &frame->cells[(size_t)(worker - frame->first) * window->cells]);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The sites that have most of the picture get colours, in an order that does not change as time goes on. */
static void choose_colors(struct frame *frame)
{
	struct {
		uint32_t site;
		uint64_t ns;
	} sums[SITES_MAX];
	uint32_t n = 0;

	for (size_t i = 0; i < (size_t)frame->n * frame->window.cells; i++) {
		const struct cn_strip_cell *cell = &frame->cells[i];
		uint32_t k = 0;

		while (k < n && sums[k].site != cell->site)
			k++;
		if (!cell->site || k == SITES_MAX)
			continue;
		if (k == n) {
			sums[n].site = cell->site;
			sums[n++].ns = 0;
		}
		sums[k].ns += cell->site_ns;
	}
	while (frame->n_sites < CN_TIMELINE_COLORS && n) {
		uint32_t most = 0;

		for (uint32_t k = 1; k < n; k++)
			most = sums[k].ns > sums[most].ns ? k : most;
		frame->sites[frame->n_sites++] = sums[most].site;
		sums[most] = sums[--n];
	}
	qsort(frame->sites, frame->n_sites, sizeof frame->sites[0], by_number);
}

static int fill(struct frame *frame)
{
	struct cn_event_list list = { 0 };
	int rc = cn_spawns_build(frame->scene->model, frame->runtime->index, &frame->spawns);

	frame->cells = calloc((size_t)frame->n * frame->window.cells + 1, sizeof *frame->cells);
	if (!frame->cells)
		rc = -ENOMEM;
	for (uint32_t i = 0; i < frame->n && rc == 0; i++)
		rc = fill_worker(frame, frame->first + i, &list);
	cn_event_list_fini(&list);
	if (rc == 0)
		choose_colors(frame);
	return rc;
}

/* -------------------------------------------------------------------- cells */

static int color_of(const struct frame *frame, uint32_t site)
{
	for (uint32_t i = 0; i < frame->n_sites; i++)
		if (site && frame->sites[i] == site)
			return (int)i;
	return -1;
}

/* Letters where there are no colours to rely on: a site's letter, a small one for less than half of the time. */
static void draw_poll(const struct frame *frame, struct cn_canvas *canvas, int row, int col,
	const struct cn_strip_cell *cell, uint64_t cell_ns)
{
	const int color = color_of(frame, cell->site);
	const enum cn_style style = color < 0 ? CN_STYLE_PLAIN : (enum cn_style)colors[color];
	const uint64_t eighths = cell_ns ? (cell->poll_ns * 8 + cell_ns - 1) / cell_ns : 8;

	if (canvas->charset == CN_CHARSET_ASCII && color >= 0)
		cn_canvas_put(canvas, row, col, style, (uint32_t)((eighths >= 4 ? 'A' : 'a') + color));
	else
		cn_canvas_put(canvas, row, col, style,
			cn_glyph_block(canvas->charset, eighths > 8 ? 8 : (unsigned int)eighths));
}

static void draw_cell(
	const struct frame *frame, struct cn_canvas *canvas, int row, int col, const struct cn_strip_cell *cell, uint32_t i)
{
	const uint64_t ns = cn_window_cell_ns(&frame->window, i + 1) - cn_window_cell_ns(&frame->window, i);

	if (cell->part_ns[CN_STRIP_GAP] * 2 > ns || (cell->part_ns[CN_STRIP_GAP] && !cell->poll_ns))
		cn_canvas_glyph(canvas, row, col, CN_STYLE_SUSPECT, CN_GLYPH_LIGHT);
	else if (cell->poll_ns)
		draw_poll(frame, canvas, row, col, cell, ns);
	else if (!cell->known)
		return;
	else if (cell->part_ns[CN_STRIP_DRIVER])
		cn_canvas_glyph(canvas, row, col, CN_STYLE_DIM, CN_GLYPH_HLINE);
	else if (cell->part_ns[CN_STRIP_PARKED])
		cn_canvas_glyph(canvas, row, col, CN_STYLE_DIM, CN_GLYPH_DOT);
	else
		cn_canvas_put(canvas, row, col, CN_STYLE_DIM, '~');
}

/* ------------------------------------------------------------------- cursor */

static uint32_t cursor_cell(const struct cn_timeline *timeline, const struct cn_window *window)
{
	uint32_t cell = window->cells - 1;

	while (timeline->end_ns && cell && cn_window_cell_ns(window, cell) > timeline->cursor_ns)
		cell--;
	return cell;
}

static const char *state_of(const struct cn_strip_cell *cell)
{
	if (cell->part_ns[CN_STRIP_GAP])
		return "not known, for records were overwritten before they were read";
	if (!cell->known)
		return "not known, for nothing was recorded here";
	if (cell->part_ns[CN_STRIP_DRIVER])
		return "in the driver, asleep until there is I/O or a timer is due";
	return cell->part_ns[CN_STRIP_PARKED] ? "parked, asleep until there is work" : "looks for work";
}

/* Who made it runnable, and how long that was before: of a wake stamped with its waker's poll, at most that. */
static void wake_text(const struct frame *frame, const struct cn_event *poll, char *out, size_t bytes)
{
	const struct cn_event_filter filter = { .task = poll->task,
		.kinds = 1u << ROUSE_EVENT_WAKE | 1u << ROUSE_EVENT_SPAWN,
		.to_ns = poll->ns + 1 };
	struct cn_event_list list = { 0 };
	char who[160], time[CN_FORMAT_BYTES];

	*out = 0;
	if (cn_events_list(frame->scene->model, &filter, &list) == 0 && list.n) {
		const struct cn_event *wake = list.at[list.n - 1];

		cn_format_ns(time, poll->ns - wake->ns);
		if (wake->kind == ROUSE_EVENT_WAKE)
			snprintf(out, bytes, "woken at most %s before, by %s", time,
				cn_waker_text(who, sizeof who, frame->scene, wake->arg));
		else
			snprintf(out, bytes, "spawned %s before", time);
	}
	cn_event_list_fini(&list);
}

static void draw_poll_detail(struct cn_timeline *timeline, const struct frame *frame, struct cn_canvas *canvas,
	struct cn_box box, const struct cn_event *poll, size_t polls)
{
	char who[200], time[CN_FORMAT_BYTES], site[160], text[512], count[CN_FORMAT_BYTES];
	int col = 2;

	timeline->task = poll->task;
	col += 2 + cn_canvas_text(canvas, box.row, col, box.cols - col - 1, CN_STYLE_NAME,
			   cn_who_text(who, sizeof who, frame->scene, poll->task));
	snprintf(text, sizeof text, "poll %" PRIu32 ": %s", poll->arg32, cn_format_ns(time, poll->arg));
	col += 1 + cn_canvas_text(canvas, box.row, col, box.cols - col - 1, CN_STYLE_STRONG, text);
	snprintf(text, sizeof text, "on worker %u%s%s", poll->worker, polls > 1 ? ", the longest of " : "",
		polls > 1 ? cn_format_count(count, polls) : "");
	cn_canvas_text(canvas, box.row, col, box.cols - col - 1, CN_STYLE_PLAIN, text);
	wake_text(frame, poll, text, sizeof text);
	col = 2 + cn_canvas_text(canvas, box.row + 1, 2, box.cols - 3, CN_STYLE_PLAIN, text);
	cn_site_text(site, sizeof site, frame->scene, frame->runtime->index,
		cn_spawn_site(frame->scene->model, &frame->spawns, poll->task));
	if (*site)
		cn_canvas_printf(canvas, box.row + 1, col, box.cols - col - 1, CN_STYLE_SITE, "%sspawned at %s",
			col > 2 ? "; " : "", site);
}

static void draw_detail(
	struct cn_timeline *timeline, const struct frame *frame, struct cn_canvas *canvas, struct cn_box box)
{
	const uint32_t at = cursor_cell(timeline, &frame->window);
	const struct cn_strip_cell *cell = &strip_of(frame, timeline->worker)[at];
	const struct cn_worker *worker = &frame->runtime->workers[timeline->worker];
	const struct cn_event_filter filter = { .from_ns = cn_window_cell_ns(&frame->window, at),
		.to_ns = cn_window_cell_ns(&frame->window, at + 1),
		.worker = worker->index + 1,
		.runtime = frame->runtime->index + 1,
		.kinds = 1u << ROUSE_EVENT_POLL };
	const struct cn_event *longest = NULL;
	struct cn_event_list list = { 0 };
	char who[200];

	timeline->task = 0;
	if (cn_events_list(frame->scene->model, &filter, &list) == 0)
		for (size_t i = 0; i < list.n; i++)
			longest = !longest || list.at[i]->arg > longest->arg ? list.at[i] : longest;
	if (longest) {
		draw_poll_detail(timeline, frame, canvas, box, longest, list.n);
	} else if (cell->poll_ns) {
		timeline->task = worker->current_task;
		cn_canvas_printf(canvas, box.row, 2, box.cols - 3, CN_STYLE_NAME, "%s is being polled now",
			cn_who_text(who, sizeof who, frame->scene, worker->current_task));
	} else {
		cn_canvas_printf(canvas, box.row, 2, box.cols - 3, CN_STYLE_DIM, "worker %" PRIu32 ": %s",
			worker->index, state_of(cell));
	}
	cn_event_list_fini(&list);
}

/* --------------------------------------------------------------------- draw */

static void draw_axis(const struct frame *frame, struct cn_canvas *canvas, int row, int cols)
{
	const uint64_t now_ns = frame->runtime->now_ns;
	char time[CN_FORMAT_BYTES], text[CN_FORMAT_BYTES + 4];
	const int parts = (cols - LABEL_COLS) / 14 < 1 ? 1 : (cols - LABEL_COLS) / 14;

	cn_canvas_text(canvas, row, 1, LABEL_COLS - 1, CN_STYLE_HEADER, "WRK");
	for (int i = 0; i < parts; i++) {
		const uint32_t cell = (uint32_t)((uint64_t)frame->window.cells * (uint64_t)i / (uint64_t)parts);
		const uint64_t ns = cn_window_cell_ns(&frame->window, cell);

		snprintf(text, sizeof text, "-%s", cn_format_ns(time, now_ns > ns ? now_ns - ns : 0));
		cn_canvas_glyph(canvas, row, LABEL_COLS + (int)cell, CN_STYLE_FRAME, CN_GLYPH_VLINE);
		cn_canvas_text(canvas, row, LABEL_COLS + (int)cell + 1, 9, CN_STYLE_HEADER, text);
	}
	if (frame->window.from_ns + frame->window.span_ns == now_ns)
		cn_canvas_right(canvas, row, LABEL_COLS + (int)frame->window.cells - 4, 4, CN_STYLE_HEADER, "now");
}

static void draw_rows(
	const struct cn_timeline *timeline, const struct frame *frame, struct cn_canvas *canvas, struct cn_box box)
{
	const uint32_t at = cursor_cell(timeline, &frame->window);

	for (uint32_t i = 0; i < frame->n; i++) {
		const uint32_t worker = frame->first + i;
		const bool here = worker == timeline->worker;

		cn_canvas_printf(canvas, box.row + (int)i, 1, LABEL_COLS - 1, here ? CN_STYLE_STRONG : CN_STYLE_NAME,
			"%" PRIu32, frame->runtime->workers[worker].index);
		if (here && !frame->scene->printed)
			cn_canvas_glyph(canvas, box.row + (int)i, 0, CN_STYLE_STRONG, CN_GLYPH_CURSOR);
		for (uint32_t cell = 0; cell < frame->window.cells; cell++)
			draw_cell(frame, canvas, box.row + (int)i, LABEL_COLS + (int)cell,
				&strip_of(frame, worker)[cell], cell);
		if (here && !frame->scene->printed)
			cn_canvas_select(canvas, box.row + (int)i, LABEL_COLS + (int)at, 1);
	}
}

static void draw_signs(struct cn_canvas *canvas, int row, int col, int cols)
{
	static const struct {
		enum cn_glyph glyph;
		const char *text;
	} signs[] = { { CN_GLYPH_DOT, "parked" }, { CN_GLYPH_HLINE, "in the driver" }, { CN_GLYPH_LIGHT, "lost" } };

	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
		cn_canvas_glyph(canvas, row, col, CN_STYLE_DIM, signs[i].glyph);
		col += 4 + cn_canvas_text(canvas, row, col + 2, cols - col - 3, CN_STYLE_DIM, signs[i].text);
	}
	cn_canvas_text(canvas, row, col, cols - col - 1, CN_STYLE_DIM, "~ looks for work");
}

/* What the colours mean, and the signs where there is room. */
/* "serve", or "serve:120" where one function spawns at several lines. */
static const char *site_name(char *out, size_t bytes, const struct frame *frame, uint32_t index)
{
	const struct cn_site *site = cn_model_site(frame->scene->model, frame->runtime->index, index);
	uint32_t same = 0;
	char name[160];

	cn_text_safe(name, sizeof name, cn_model_string(frame->scene->model, frame->runtime->index, site->name),
		frame->scene->ascii);
	if (!*name)
		return cn_site_text(out, bytes, frame->scene, frame->runtime->index, index);
	for (uint32_t i = 0; i < frame->n_sites; i++)
		same += cn_model_site(frame->scene->model, frame->runtime->index, frame->sites[i])->name == site->name;
	snprintf(out, bytes, same > 1 ? "%s:%" PRIu32 : "%s", name, site->line);
	return out;
}

static void draw_legend(const struct frame *frame, struct cn_canvas *canvas, int row, int cols)
{
	int col = 2;

	for (uint32_t i = 0; i < frame->n_sites && col < cols - 12; i++) {
		char name[180];

		cn_canvas_put(canvas, row, col, (enum cn_style)colors[i],
			frame->scene->ascii ? 'A' + i : cn_glyph(canvas->charset, CN_GLYPH_FULL));
		col += 2;
		col += 2 + cn_canvas_text(canvas, row, col, cols - col - 1 < 28 ? cols - col - 1 : 28, CN_STYLE_PLAIN,
				   site_name(name, sizeof name, frame, frame->sites[i]));
	}
	if (cols - col > 60)
		draw_signs(canvas, row, col, cols);
}

static void draw_rule(
	const struct cn_timeline *timeline, const struct frame *frame, struct cn_canvas *canvas, int row, int cols)
{
	char span[CN_FORMAT_BYTES], cell[CN_FORMAT_BYTES], text[96];

	cn_canvas_rule(canvas, row, 0, cols);
	snprintf(text, sizeof text, " %s, a column %s%s ", cn_format_ns(span, frame->window.span_ns),
		cn_format_ns(cell, frame->window.span_ns / frame->window.cells),
		timeline->end_ns ? "; held, G goes on" : "");
	cn_canvas_text(canvas, row, 2, cols - 4, CN_STYLE_TITLE, text);
}

/* Why there is nothing to draw. NULL: there is. */
static const char *reason(const struct cn_scene *scene, const struct cn_runtime *runtime, struct cn_box box)
{
	if (box.rows < LEAST_ROWS || box.cols < LEAST_COLS)
		return "This screen is too small for a timeline: it needs 30 columns and 6 rows for it.";
	if (!runtime || !real_workers(runtime))
		return "No workers: the runtime has stopped, or nothing has been read yet.";
	if (cn_events_newest(scene->model))
		return NULL;
	return cn_events_hint(scene);
}

static uint64_t shown_end(const struct cn_timeline *timeline, const struct cn_runtime *runtime)
{
	return timeline->end_ns && timeline->end_ns < runtime->now_ns ? timeline->end_ns : runtime->now_ns;
}

void cn_timeline_draw(
	struct cn_timeline *timeline, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_runtime *runtime = cn_scene_runtime(scene);
	const char *why = reason(scene, runtime, box);
	struct frame frame = { .scene = scene, .runtime = runtime };
	const int room = box.rows - DETAIL_ROWS - 1;
	uint64_t end_ns;

	timeline->shown_cols = 0;
	timeline->task = 0;
	if (why) {
		cn_canvas_wrap(canvas, (struct cn_box){ box.row + 1, box.col + 2, box.rows - 1, box.cols - 4 },
			CN_STYLE_DIM, why);
		return;
	}
	end_ns = shown_end(timeline, runtime);
	if (!timeline->span_ns)
		timeline->span_ns = SPAN_NS;
	frame.window = (struct cn_window){ .span_ns = timeline->span_ns < end_ns ? timeline->span_ns : end_ns,
		.cells = (uint32_t)(box.cols - LABEL_COLS - 1) };
	frame.window.from_ns = end_ns - frame.window.span_ns;
	if (timeline->worker >= real_workers(runtime))
		timeline->worker = real_workers(runtime) - 1;
	if (timeline->top > timeline->worker)
		timeline->top = timeline->worker;
	if (timeline->top + (uint32_t)room <= timeline->worker)
		timeline->top = timeline->worker - (uint32_t)room + 1;
	frame.first = timeline->top;
	frame.n = real_workers(runtime) - frame.first;
	frame.n = frame.n > (uint32_t)room ? (uint32_t)room : frame.n;
	timeline->shown_end_ns = end_ns;
	timeline->shown_cols = (int)frame.window.cells;
	if (fill(&frame) == 0) {
		draw_axis(&frame, canvas, box.row, box.cols);
		draw_rows(timeline, &frame, canvas, (struct cn_box){ box.row + 1, 0, room, box.cols });
		draw_rule(timeline, &frame, canvas, box.row + box.rows - DETAIL_ROWS, box.cols);
		draw_detail(timeline, &frame, canvas,
			(struct cn_box){ box.row + box.rows - DETAIL_ROWS + 1, 0, DETAIL_ROWS - 1, box.cols });
		draw_legend(&frame, canvas, box.row + box.rows - 1, box.cols);
	} else {
		cn_canvas_text(canvas, box.row + 1, 2, box.cols - 3, CN_STYLE_LIKELY, "There is no memory to draw it.");
	}
	cn_spawns_free(&frame.spawns);
	free(frame.cells);
}

/* --------------------------------------------------------------------- keys */

static void hold(struct cn_timeline *timeline)
{
	if (timeline->end_ns)
		return;
	timeline->end_ns = timeline->shown_end_ns;
	timeline->cursor_ns = timeline->end_ns - 1;
}

/* By columns; past an edge the window follows. */
static void go(struct cn_timeline *timeline, int columns, uint64_t now_ns)
{
	const uint64_t cell_ns = timeline->span_ns / (uint64_t)timeline->shown_cols + 1;
	const uint64_t by_ns = (uint64_t)(columns < 0 ? -columns : columns) * cell_ns;
	uint64_t from_ns;

	if (columns > 0 && !timeline->end_ns)
		return;
	hold(timeline);
	if (columns < 0)
		timeline->cursor_ns -= by_ns < timeline->cursor_ns ? by_ns : timeline->cursor_ns;
	else
		timeline->cursor_ns = timeline->cursor_ns + by_ns < now_ns ? timeline->cursor_ns + by_ns : now_ns - 1;
	from_ns = timeline->end_ns > timeline->span_ns ? timeline->end_ns - timeline->span_ns : 0;
	if (timeline->cursor_ns < from_ns)
		timeline->end_ns -= from_ns - timeline->cursor_ns;
	else if (timeline->cursor_ns >= timeline->end_ns)
		timeline->end_ns = timeline->cursor_ns + 1;
}

/* Around the cursor, which keeps its place on the screen. */
static void zoom(struct cn_timeline *timeline, bool in, uint64_t now_ns)
{
	const uint64_t span_ns = in ? timeline->span_ns / 2 : timeline->span_ns * 2;
	uint64_t right_ns;

	if (span_ns < SPAN_LEAST_NS || span_ns > SPAN_MOST_NS)
		return;
	if (timeline->end_ns) {
		right_ns = timeline->end_ns > timeline->cursor_ns ? timeline->end_ns - timeline->cursor_ns : 0;
		right_ns = in ? right_ns / 2 + 1 : right_ns * 2;
		timeline->end_ns = timeline->cursor_ns + right_ns < now_ns ? timeline->cursor_ns + right_ns : now_ns;
	}
	timeline->span_ns = span_ns;
}

bool cn_timeline_act(struct cn_timeline *timeline, const struct cn_scene *scene, enum cn_action action)
{
	const struct cn_runtime *runtime = cn_scene_runtime(scene);

	if (!runtime || !timeline->shown_cols)
		return false;
	switch (action) {
	case CN_ACTION_SORT_LEFT:
		go(timeline, -1, runtime->now_ns);
		return true;
	case CN_ACTION_SORT_RIGHT:
		go(timeline, 1, runtime->now_ns);
		return true;
	case CN_ACTION_PAGE_UP:
		go(timeline, -timeline->shown_cols / 2, runtime->now_ns);
		return true;
	case CN_ACTION_PAGE_DOWN:
		go(timeline, timeline->shown_cols / 2, runtime->now_ns);
		return true;
	case CN_ACTION_UP:
		timeline->worker -= timeline->worker > 0;
		return true;
	case CN_ACTION_DOWN:
		timeline->worker++; /* the next frame keeps it within bounds */
		return true;
	case CN_ACTION_ZOOM_IN:
	case CN_ACTION_ZOOM_OUT:
		zoom(timeline, action == CN_ACTION_ZOOM_IN, runtime->now_ns);
		return true;
	case CN_ACTION_LAST:
		timeline->end_ns = 0;
		return true;
	default:
		return false;
	}
}
