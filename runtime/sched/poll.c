/* SPDX-License-Identifier: MIT */
/*
 * One turn of one task: begin, poll, and rest, reschedule or finish.
 *
 * At L1 and above the clock is read once per poll edge: the end of one poll is
 * the start of the next one on this worker. All that is written about a task
 * is written before the state word lets go of it.
 */
#include "sched/poll.h"

#include "task/panic.h"
#include "trace/probes.h"

#include <stdlib.h>

enum { BUDGET = 128 };

/*
 * What depends on the level is made once for each: the level is a constant in
 * all that is marked so, and what a level does not record costs it no branch.
 */
#define BY_LEVEL static inline __attribute__((always_inline))

static struct rouse_histogram_pair *histograms(const struct rs_worker *w, const struct rouse_task *task)
{
	uint8_t index = w->sites[task->spawn_site].histogram;

	return index ? &w->histograms[index - 1] : NULL;
}

static void stamp_begin(struct rs_worker *w, struct rouse_task *task)
{
	uint64_t edge = w->edge, since = task->enqueue_ticks;
	uint64_t delay = since && edge > since ? edge - since : 0;

	RS_PUT(&task->scheduled_ticks, task->scheduled_ticks + delay);
	RS_PUT(&w->record->poll_start, edge);
	struct rouse_histogram_pair *h = histograms(w, task);

	if (h)
		rs_histogram_add(&h->delay, rs_ticks_to_ns(delay));
}

static void move(struct rs_worker *w, struct rouse_task *task)
{
	if (task->worker != UINT16_MAX)
		rs_bump(&w->record->counters.migrations, 1u);
	RS_PUT(&task->worker, (uint16_t)w->index);
}

BY_LEVEL void begin(struct rs_worker *w, struct rouse_task *task, const uint32_t level)
{
	struct rouse_worker_record *record = w->record;
	uint32_t polls = task->polls + 1;

	if (task->worker != (uint16_t)w->index)
		move(w, task);
	RS_PUT(&task->polls, polls);
	rs_bump(&record->counters.polls, 1u);
	if (level)
		stamp_begin(w, task);
	RS_PUT(&record->current_cell, (uint64_t)(uintptr_t)task);
	RS_PUT(&record->current_task, task->id);
	rs_self.task = task;
	rs_self.self_woken = false;
	w->forced_yield = 0;
	rs_probe_poll_start(task->id, polls);
}

BY_LEVEL void stamp_end(struct rs_worker *w, struct rouse_task *task, const uint32_t level)
{
	uint64_t began = w->edge, now = rs_ticks(), spent = now - began;
	struct rouse_histogram_pair *h = histograms(w, task);

	w->edge = now;
	RS_PUT(&task->busy_ticks, task->busy_ticks + spent);
	RS_PUT(&task->edge_ticks, now);
	rs_bump(&w->record->counters.busy_ticks, spent);
	if (h)
		rs_histogram_add(&h->poll, rs_ticks_to_ns(spent));
	if (level > 1)
		rs_emit_owner(w, ROUSE_EVENT_POLL, began, task->id, task->polls, spent);
}

BY_LEVEL void end(struct rs_worker *w, struct rouse_task *task, bool ready, const uint32_t level)
{
	struct rouse_worker_record *record = w->record;

	rs_probe_poll_end(task->id, task->polls, ready);
	if (level)
		stamp_end(w, task, level);
	RS_PUT(&record->current_task, 0);
	RS_PUT(&record->current_cell, 0);
	rs_self.task = NULL;
}

/* Notified while it ran: the poller stamps for whoever it was. */
BY_LEVEL void reschedule(struct rs_worker *w, struct rouse_task *task, const uint32_t level)
{
	struct rouse_counters *c = &w->record->counters;
	uint64_t waker = ROUSE_WAKE_WHILE_RUNNING;

	RS_PUT(&task->wakes, task->wakes + 1);
	rs_bump(&c->wakes, 1u);
	if (rs_self.self_woken) {
		waker = task->id;
		RS_PUT(&task->self_wakes, task->self_wakes + 1);
		rs_bump(&c->self_wakes, 1u);
	}
	RS_PUT(&task->last_waker, waker);
	RS_PUT(&task->enqueue_ticks, level ? w->edge : 0); /* not an old stamp, should the level rise before the poll */
	if (level > 1)
		rs_emit_owner(w, ROUSE_EVENT_WAKE, w->edge, task->id, task->polls, waker);
	rs_probe_wake(task->id, waker, task->polls);
	rs_worker_push_again(w, task);
}

/* The frames go, innermost first; a FINALLY that panics is recorded, and the rest goes on. */
uint64_t rs_drop_future(struct rouse_task *task, uint64_t outcome)
{
	struct rs_catch here = { .outer = rs_self.catcher };
	struct rouse_task *previous = rs_self.task;
	volatile uint64_t result = outcome;

	rs_self.task = task;
	if (setjmp(here.at)) {
		struct rouse_panic_record *first = (struct rouse_panic_record *)(void *)task->link;

		if (first)
			free(here.panic);
		else
			RS_PUT(&task->link, (struct rouse_task *)(void *)here.panic);
		here.panic = NULL;
		result = ROUSE_PANICKED;
	}
	rs_self.catcher = &here;
	rouse_future_drop(task->future);
	rs_self.catcher = here.outer;
	rs_self.task = previous;
	return result;
}

/* User code runs as in a poll: the watchdog shall see when it does not end, and others take what waits behind it. */
static uint64_t drop_seen(struct rs_worker *w, struct rouse_task *task, uint64_t outcome)
{
	if (w->level)
		RS_PUT(&w->record->poll_start, w->edge);
	RS_PUT(&w->record->current_cell, (uint64_t)(uintptr_t)task);
	RS_PUT(&w->record->current_task, task->id);
	outcome = rs_drop_future(task, outcome);
	RS_PUT(&w->record->current_task, 0);
	RS_PUT(&w->record->current_cell, 0);
	return outcome;
}

static void cancel(struct rs_worker *w, struct rouse_task *task)
{
	RS_PUT(&task->link, NULL);
	uint64_t outcome = drop_seen(w, task, ROUSE_CANCELLED);

	if (w->level)
		w->edge = rs_ticks();
	rs_task_finish(task, outcome);
}

BY_LEVEL void poll(struct rs_worker *w, struct rouse_task *task, const uint32_t level)
{
	RS_PUT(&task->link, NULL);
	/* Before S1, which releases it: who sees the task RUNNING must not take the end of its last poll for the start. */
	if (level)
		RS_PUT(&task->edge_ticks, w->edge);
	if (rs_state_begin(&task->state) == RS_CANCEL) {
		cancel(w, task);
		return;
	}
	begin(w, task, level);
	struct rouse_context cx = { { task, &rs_task_waker_vtable }, task, w, BUDGET, 0 };
	struct rouse_poll p = task->future->type->poll(task->future, &cx);

	end(w, task, p.ready, level);
	if (p.ready) {
		task->future->at = &rouse_site_done;
		rs_task_finish(task, 0);
		return;
	}
	/* Nobody could wake it: only handles are left, if anything is, so the word stays as it is. */
	if (!(rs_load(&task->state, RS_RELAXED) & (ROUSE_WAKER_MASK | ROUSE_NOTIFIED | ROUSE_CANCELLED)))
		rs_task_stranded_owner(task);
	enum rs_next next = rs_state_rest(&task->state);

	if (next == RS_SCHEDULE)
		reschedule(w, task, level);
	else if (next == RS_CANCEL)
		cancel(w, task);
}

void rs_poll_task(struct rs_worker *w, struct rouse_task *task)
{
	if (w->level == 1)
		poll(w, task, 1);
	else if (w->level)
		poll(w, task, 2);
	else
		poll(w, task, 0);
}

void rs_poll_panicked(struct rs_worker *w, struct rouse_panic_record *panic)
{
	struct rouse_task *task = rs_self.task;

	end(w, task, true, w->level);
	RS_PUT(&task->link, (struct rouse_task *)(void *)panic);
	rs_task_finish(task, drop_seen(w, task, ROUSE_PANICKED));
}
