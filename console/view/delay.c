/* SPDX-License-Identifier: MIT */
#include "view/delay.h"
#include "model/events.h"
#include "widget/format.h"
#include "widget/graph.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { WORKERS_MAX = 64 };

struct sleep {
	uint64_t from_ns, to_ns;
};

/* The last sleep of a worker that began before the poll: what of it lies after the wake was waited for. */
static uint64_t asleep_ns(const struct sleep *sleep, uint64_t wake_ns, uint64_t poll_ns)
{
	const uint64_t from = sleep->from_ns > wake_ns ? sleep->from_ns : wake_ns;
	const uint64_t to = sleep->to_ns < poll_ns ? sleep->to_ns : poll_ns;

	return to > from ? to - from : 0;
}

static void count(struct cn_delay *delay, const struct sleep *sleeps, uint64_t wake_ns, const struct cn_event *poll)
{
	const uint64_t ns = poll->ns - wake_ns;
	const uint64_t unpark_ns =
		poll->worker < WORKERS_MAX ? asleep_ns(&sleeps[poll->worker], wake_ns, poll->ns) : 0;

	delay->polls++;
	delay->unpark_ns += unpark_ns;
	delay->queue_ns += ns - unpark_ns;
	delay->longest_ns = ns > delay->longest_ns ? ns : delay->longest_ns;
	if (poll->worker < WORKERS_MAX)
		delay->workers |= 1ull << poll->worker;
}

/* Both lists are in order of time: side by side, so that at each poll the sleeps are those known by then. */
static void walk(struct cn_delay *delay, const struct cn_event_list *own, const struct cn_event_list *parks)
{
	struct sleep sleeps[WORKERS_MAX] = { { 0 } };
	uint64_t wake_ns = 0;
	size_t p = 0;

	for (size_t i = 0; i < own->n; i++) {
		const struct cn_event *event = own->at[i];

		for (; p < parks->n && parks->at[p]->ns <= event->ns; p++)
			if (parks->at[p]->worker < WORKERS_MAX)
				sleeps[parks->at[p]->worker] =
					(struct sleep){ parks->at[p]->ns, cn_event_end_ns(parks->at[p]) };
		if (event->kind != ROUSE_EVENT_POLL) {
			/* The first wake counts: others find it in a queue. */
			wake_ns = wake_ns ? wake_ns : event->ns;
		} else {
			if (wake_ns)
				count(delay, sleeps, wake_ns, event);
			wake_ns = 0;
		}
	}
}

int cn_delay_of(const struct cn_model *model, const struct cn_task *task, struct cn_delay *ret_delay)
{
	const struct cn_event_filter own = { .task = task->id,
		.kinds = 1u << ROUSE_EVENT_WAKE | 1u << ROUSE_EVENT_SPAWN | 1u << ROUSE_EVENT_POLL };
	const struct cn_event_filter parks = { .runtime = task->runtime + 1u, .kinds = 1u << ROUSE_EVENT_PARK };
	struct cn_event_list own_list = { 0 }, park_list = { 0 };
	struct cn_delay delay = { 0 };
	int rc = cn_events_list(model, &own, &own_list);

	if (rc == 0)
		rc = cn_events_list(model, &parks, &park_list);
	if (rc == 0)
		walk(&delay, &own_list, &park_list);
	cn_event_list_fini(&own_list);
	cn_event_list_fini(&park_list);
	*ret_delay = delay;
	return rc;
}

/* --------------------------------------------------------------------- draw */

static void draw_part(struct cn_page *page, const char *label, uint64_t ns, const struct cn_delay *delay,
	const char *what)
{
	const uint64_t all = delay->queue_ns + delay->unpark_ns;
	char mean[CN_FORMAT_BYTES], share[CN_FORMAT_BYTES];

	cn_canvas_text(&page->paper, page->row, 2, 8, CN_STYLE_DIM, label);
	cn_canvas_right(&page->paper, page->row, 10, 7, CN_STYLE_PLAIN, cn_format_ns(mean, ns / delay->polls));
	cn_canvas_right(&page->paper, page->row, 17, 6, CN_STYLE_PLAIN, cn_format_share(share, ns, all));
	cn_canvas_text(&page->paper, page->row, 25, page->paper.cols - 26, CN_STYLE_DIM, what);
	page->row++;
}

/*
 * What threads of workers that polled it have waited for a CPU since the look
 * before: of that time no more can be the kernel's, be it in a queue or at the
 * end of a sleep.
 */
static void draw_kernel(struct cn_page *page, const struct cn_scene *scene, const struct cn_task *task,
	const struct cn_delay *delay)
{
	const struct cn_runtime *runtime = cn_model_runtime(scene->model, task->runtime);
	uint64_t cpu_ns, queue_ns, span_ns = 0, sum_ns = 0;
	char time[CN_FORMAT_BYTES], span[CN_FORMAT_BYTES];
	bool known = false;

	for (uint32_t i = 0; runtime && i < runtime->n_workers; i++) {
		const struct cn_worker *worker = &runtime->workers[i];
		const struct cn_thread *thread = cn_model_thread(scene->model, task->runtime, worker->tid);

		if (worker->foreign || worker->index >= WORKERS_MAX || !(delay->workers >> worker->index & 1))
			continue;
		if (thread && cn_thread_delta(scene->model, task->runtime, thread, &cpu_ns, &queue_ns, &span_ns)) {
			sum_ns += queue_ns;
			known = true;
		}
	}
	cn_canvas_text(&page->paper, page->row, 2, 8, CN_STYLE_DIM, "kernel");
	if (known)
		cn_canvas_printf(&page->paper, page->row, 11, page->paper.cols - 12, CN_STYLE_PLAIN,
			"at most %s in the last %s, which its workers waited for a CPU",
			cn_format_ns(time, sum_ns), cn_format_ns(span, span_ns));
	else
		cn_canvas_text(&page->paper, page->row, 11, page->paper.cols - 12, CN_STYLE_DIM,
			"not known: the system does not say what its workers waited for a CPU");
	page->row++;
}

void cn_page_delay(struct cn_page *page, const struct cn_scene *scene, const struct cn_task *task)
{
	struct cn_delay delay;
	char title[128], count_text[CN_FORMAT_BYTES], longest[CN_FORMAT_BYTES];

	if (!cn_events_newest(scene->model) || cn_delay_of(scene->model, task, &delay) || !delay.polls)
		return;
	snprintf(title, sizeof title, "from wake to poll, at most: mean of %s, the longest %s",
		cn_format_count(count_text, delay.polls), cn_format_ns(longest, delay.longest_ns));
	cn_page_heading(page, title);
	draw_part(page, "queue", delay.queue_ns, &delay, "a worker was awake, and at other things");
	draw_part(page, "unpark", delay.unpark_ns, &delay, "the worker slept, and had to wake up");
	draw_kernel(page, scene, task, &delay);
	cn_bar_draw(&page->paper, page->row, 2, page->paper.cols - 4, delay.queue_ns, delay.unpark_ns,
		delay.queue_ns + delay.unpark_ns, CN_STYLE_SCHEDULED);
	page->row++;
}
