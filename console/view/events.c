/* SPDX-License-Identifier: MIT */
#include "view/events.h"
#include "model/events.h"
#include "view/block.h"
#include "widget/format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_SHOWN = 40 };

const char *cn_events_hint(const struct cn_scene *scene)
{
	const struct cn_runtime *runtime = cn_scene_runtime(scene);
	const char *source = cn_model_target(scene->model)->source;

	if (cn_target_is_core(cn_model_target(scene->model)))
		return "No events: this program was not at level 2 (with ROUSE_LEVEL=2 the last ones are in its memory, and "
		       "in a core).";
	if (!cn_model_keeps_events(scene->model))
		return "No events: press e to record them (raises the program's level to 2 while this console looks).";
	if (strcmp(source, "memory") == 0 && runtime && runtime->level < 2)
		return "The program writes no events, and without an agent its level stays as it is: start it with "
		       "ROUSE_LEVEL=2, or with ROUSE_LISTEN=1.";
	return "Events are recorded; none has come yet.";
}

/* An event or a block: what stands in one line. */
struct line {
	uint64_t ns;
	const struct cn_event *event; /* NULL: it is a block */
	const struct cn_block *block;
};

static int newest_first(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	/* A wake and the poll that it led to may bear the same time: the poll is the later one. */
	if (x->event && y->event)
		return x->event->number > y->event->number ? -1 : 1;
	return !y->event - !x->event;
}

/* The number of lines; none without memory. */
static size_t gather(const struct cn_scene *scene, uint64_t task, const struct cn_event_list *list, struct line **ret)
{
	const struct cn_block *block;
	struct line *lines;
	size_t n = list->n, blocks = 0;

	while (cn_kernel_block(scene->model, blocks))
		blocks++;
	lines = malloc((n + blocks + 1) * sizeof *lines);
	*ret = lines;
	if (!lines)
		return 0;
	for (size_t i = 0; i < n; i++)
		lines[i] = (struct line){ list->at[i]->ns, list->at[i], NULL };
	for (size_t i = 0; (block = cn_kernel_block(scene->model, i)); i++)
		if (block->task == task)
			lines[n++] = (struct line){ block->begin_ns, NULL, block };
	qsort(lines, n, sizeof *lines, newest_first);
	return n;
}

static const char *event_text(char *out, size_t bytes, const struct cn_scene *scene, const struct cn_event *event)
{
	char who[200], site[160], time[CN_FORMAT_BYTES];

	switch ((enum rouse_event_kind)event->kind) {
	case ROUSE_EVENT_SPAWN:
		cn_site_text(site, sizeof site, scene, event->runtime, event->arg32);
		snprintf(out, bytes, "spawned by %s%s%s",
			event->arg ? cn_who_text(who, sizeof who, scene, event->arg) : "no task", *site ? " at " : "",
			site);
		return out;
	case ROUSE_EVENT_POLL:
		snprintf(out, bytes, "poll %" PRIu32 " took %s on worker %u", event->arg32,
			cn_format_ns(time, event->arg), event->worker);
		return out;
	case ROUSE_EVENT_WAKE:
		if (event->arg == event->task)
			snprintf(out, bytes, "woken by itself");
		else
			snprintf(out, bytes, "woken by %s", cn_waker_text(who, sizeof who, scene, event->arg));
		return out;
	case ROUSE_EVENT_COMPLETE:
		snprintf(out, bytes, "ended: %s", cn_task_state_name(event->arg32));
		return out;
	default:
		snprintf(out, bytes, "event %u", event->kind);
		return out;
	}
}

static enum cn_style event_style(const struct cn_runtime *runtime, const struct cn_event *event)
{
	if (event->kind == ROUSE_EVENT_WAKE)
		return CN_STYLE_SCHEDULED;
	if (event->kind != ROUSE_EVENT_POLL)
		return CN_STYLE_STRONG;
	return runtime && runtime->long_poll_ns && event->arg > runtime->long_poll_ns ? CN_STYLE_LIKELY
										      : CN_STYLE_PLAIN;
}

static void draw_line(struct cn_page *page, const struct cn_scene *scene, uint64_t now_ns, const struct line *line)
{
	struct cn_canvas *paper = &page->paper;
	const int col = 12, width = paper->cols - col - 1;
	char text[512], time[CN_FORMAT_BYTES], age[CN_FORMAT_BYTES + 1], waker[200];

	snprintf(age, sizeof age, "-%s", cn_format_ns(time, now_ns > line->ns ? now_ns - line->ns : 0));
	cn_canvas_right(paper, page->row, 2, 8, CN_STYLE_DIM, age);
	if (line->event) {
		event_text(text, sizeof text, scene, line->event);
		cn_canvas_text(paper, page->row++, col, width,
			event_style(cn_model_runtime(scene->model, line->event->runtime), line->event), text);
		return;
	}
	cn_block_waker(waker, sizeof waker, scene, line->block);
	cn_block_what(text, sizeof text, scene, line->block);
	cn_canvas_printf(paper, page->row++, col, width, CN_STYLE_SUSPECT, "  blocked %s in %.200s%s%s",
		cn_format_ns(time, line->block->blocked_ns), text, *waker ? ", ended by " : "", waker);
}

void cn_page_events(struct cn_page *page, const struct cn_scene *scene, uint64_t id)
{
	const struct cn_event_filter filter = { .task = id };
	const struct cn_task *task = cn_model_task(scene->model, id);
	const struct cn_runtime *runtime = cn_model_runtime(scene->model, task ? task->runtime : 0);
	struct cn_event_list list = { 0 };
	struct line *lines = NULL;
	uint64_t now_ns;
	size_t n = 0;

	cn_page_heading(page, "events, the newest first");
	if (cn_events_list(scene->model, &filter, &list) == 0)
		n = gather(scene, id, &list, &lines);
	/* Rings are read after the look's own moment. */
	now_ns = runtime ? runtime->now_ns : scene->now_ns;
	now_ns = n && lines[0].ns > now_ns ? lines[0].ns : now_ns;
	for (size_t i = 0; i < n && i < LINES_SHOWN; i++)
		draw_line(page, scene, now_ns, &lines[i]);
	if (n > LINES_SHOWN)
		page->row += cn_canvas_printf(&page->paper, page->row, 2, page->paper.cols - 3, CN_STYLE_DIM,
				     "and %zu older ones", n - LINES_SHOWN) > 0;
	if (!list.n)
		cn_page_text(page, 0, CN_STYLE_DIM,
			cn_events_newest(scene->model) ? "Nothing has happened to it since events are recorded."
						       : cn_events_hint(scene));
	free(lines);
	cn_event_list_fini(&list);
}
