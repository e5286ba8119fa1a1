/* SPDX-License-Identifier: MIT */
/*
 * A worker's loop: LIFO slot, ring, global queue, then (park.c) other workers,
 * then sleep.
 *
 * Fairness. At most three LIFO polls in a row, so that two tasks that wake
 * each other cannot starve the ring. Every INJECT_TURNS turns the global queue
 * is looked at first, and a fair share of it is moved to the ring, where it can
 * be stolen again. Every MAINTAIN_TURNS turns, or after MAINTAIN_NS, timers
 * and the reactor are looked at.
 */
#include "sched/runtime.h"

#include "sched/poll.h"
#include "task/panic.h"

#include <unistd.h>

enum { MAX_LIFO_POLLS = 3, INJECT_TURNS = 31, MAINTAIN_TURNS = 61, MAINTAIN_NS = 200000, PULL_MAX = 64 };
enum { FEW = 8, HELP_NS = 20000 };

void rs_worker_set_state(struct rs_worker *w, enum rouse_worker_state state)
{
	RS_PUT(&w->record->state, (uint32_t)state);
	if (w->level)
		RS_PUT(&w->record->state_since, w->edge);
}

/* -------------------------------------------------------------- pushing */

/* Out of the way of the pushes that find room. */
static __attribute__((noinline)) void push_full(struct rs_worker *w, struct rouse_task *task)
{
	struct rs_batch overflow;

	rs_queue_push_full_owner(&w->queue, task, &overflow);
	if (!overflow.n)
		return;
	rs_bump(&w->record->counters.overflows, 1u);
	rs_inject_push_any(&w->runtime->inject, overflow);
}

static void push(struct rs_worker *w, struct rouse_task *task)
{
	if (!rs_queue_try_push_owner(&w->queue, task))
		push_full(w, task);
}

void rs_worker_push(struct rs_worker *w, struct rouse_task *task)
{
	push(w, task);
	if (!w->in_driver)
		rs_notify(w->runtime);
}

void rs_worker_push_again(struct rs_worker *w, struct rouse_task *task)
{
	bool alone = rs_queue_depth(&w->queue) == 0 && !rs_load(&w->queue.lifo, RS_RELAXED);

	push(w, task);
	if (!alone)
		rs_notify(w->runtime);
}

void rs_worker_push_lifo(struct rs_worker *w, struct rouse_task *task)
{
	/* A push into an empty slot wakes nobody: this worker runs it next, or the watchdog has it rescued. */
	struct rouse_task *displaced = rs_queue_swap_lifo(&w->queue, task);

	if (displaced)
		rs_worker_push(w, displaced);
}

void rs_inject_task(struct rouse_runtime *runtime, struct rouse_task *task)
{
	if (rs_visit_late(runtime))
		return; /* the shutdown will find it; the queues are read no more */
	RS_COUNT(runtime, remote_schedules, 1);
	RS_PUT(&task->link, NULL);
	rs_inject_push_any(&runtime->inject, (struct rs_batch){ task, task, 1 });
	rs_notify(runtime);
}

void rs_notify(struct rouse_runtime *runtime)
{
	int chosen = rs_idle_choose(&runtime->idle);

	if (chosen >= 0)
		rs_worker_unpark(&runtime->workers[chosen]);
}

void rs_notify_any(struct rouse_runtime *runtime)
{
	int chosen = rs_idle_choose_any(&runtime->idle);

	if (chosen >= 0)
		rs_worker_unpark(&runtime->workers[chosen]);
}

/* -------------------------------------------------------------- popping */

struct rouse_task *rs_worker_pull(struct rs_worker *w)
{
	struct rouse_runtime *runtime = w->runtime;
	int64_t depth = (int64_t)rs_load(runtime->inject.depth, RS_RELAXED);
	uint32_t room = rs_queue_room_owner(&w->queue);
	uint32_t share = depth > 0 ? (uint32_t)((uint64_t)depth / runtime->n_workers) + 1 : 1;

	if (share > room + 1)
		share = room + 1;
	struct rs_batch batch = rs_inject_pop_any(&runtime->inject, share < PULL_MAX ? share : PULL_MAX);

	if (!batch.n)
		return NULL;
	RS_PUT(&w->record->in_transit, UINT64_MAX);
	for (struct rouse_task *t = batch.first->link, *next; t; t = next) {
		next = t->link;
		push(w, t);
	}
	RS_PUT(&w->record->in_transit, 0);
	rs_bump(&w->record->counters.inject_polls, 1u);
	/* What stays, here or there, may have been missed by a worker that was falling asleep. */
	if (rs_queue_depth(&w->queue) || rs_inject_maybe_any(&runtime->inject))
		rs_notify(runtime);
	return batch.first;
}

/* From the LIFO slot or the ring. */
static struct rouse_task *own_task(struct rs_worker *w)
{
	struct rouse_task *task;

	if (w->lifo_polls < MAX_LIFO_POLLS && (task = rs_queue_take_lifo(&w->queue))) {
		w->lifo_polls++;
		rs_bump(&w->record->counters.lifo_polls, 1u);
		return task;
	}
	w->lifo_polls = 0;
	if ((task = rs_queue_pop_owner(&w->queue)))
		return task;
	if ((task = rs_queue_take_lifo(&w->queue)))
		rs_bump(&w->record->counters.lifo_polls, 1u);
	return task;
}

static struct rouse_task *next_task(struct rs_worker *w)
{
	struct rouse_task *task;

	if (w->tick >= w->inject_tick) {
		w->inject_tick = w->tick + INJECT_TURNS;
		if ((task = rs_worker_pull(w)))
			return task;
	}
	task = own_task(w);
	return task ? task : rs_worker_pull(w);
}

/* ---------------------------------------------------------- maintenance */

/* Whether another worker would find anything when this one has taken its next task. */
static bool has_more_than_next(const struct rs_worker *w)
{
	uint32_t n = rs_queue_depth(&w->queue);

	return n > 1 || (n && rs_load(&w->queue.lifo, RS_RELAXED));
}

/* Tasks made ready in one go are announced once. Nobody is woken for a single one: this worker runs it next. */
static void announce(struct rs_worker *w)
{
	w->in_driver = false;
	if (w->level)
		w->edge = rs_ticks(); /* what was done meanwhile is no task's, and wakes came before the polls they lead to */
	if (has_more_than_next(w))
		rs_notify(w->runtime);
}

/* What this makes ready is to be announced. Without a deadline the clock is not read. */
static uint32_t fire_timers(struct rs_worker *w)
{
	struct rs_wheel *foreign = w->runtime->foreign_wheel;
	uint64_t now_ns;

	if (rs_wheel_next(w->wheel) == UINT64_MAX && rs_wheel_next(foreign) == UINT64_MAX)
		return 0;
	now_ns = rs_mono_ns();
	w->in_driver = true;
	uint32_t fired = rs_wheel_fire(w->wheel, now_ns) + rs_wheel_fire(foreign, now_ns);

	w->in_driver = false;
	return fired;
}

/*
 * What a worker that woke for timers has to do is done, mostly, before another
 * one is awake to help: four of ten wake-ups of sleeping tasks were such. So a few
 * tasks are announced only if one is still there after HELP_NS. (If a poll does
 * not end at all, that is the watchdog's, as with the LIFO slot.)
 */
static void announce_later(struct rs_worker *w)
{
	uint64_t now = rs_ticks();

	if (w->level)
		w->edge = now;
	w->notice_ticks = now + rs_ns_to_ticks(HELP_NS);
	w->owes_notice = true;
}

static void pay_notice(struct rs_worker *w)
{
	bool helps = has_more_than_next(w);

	if (helps && (w->level ? w->edge : rs_ticks()) < w->notice_ticks)
		return;
	w->owes_notice = false;
	if (helps)
		rs_notify(w->runtime);
}

uint32_t rs_worker_fire_timers(struct rs_worker *w, bool alone)
{
	uint32_t fired = fire_timers(w);

	if (alone && fired && rs_queue_depth(&w->queue) <= FEW)
		announce_later(w);
	else
		announce(w);
	return fired;
}

static void look_at_reactor(struct rs_worker *w)
{
	struct rouse_runtime *runtime = w->runtime;

	if (!rs_reactor_count(runtime->reactor) || !rs_lock_try(&runtime->driver_lock))
		return;
	w->in_driver = true;
	bool busy = rs_queue_depth(&w->queue) != 0;
	int n = rs_reactor_turn(runtime->reactor, 0, busy ? RS_REACTOR_SOME : RS_REACTOR_EVENTS);

	rs_lock_drop(&runtime->driver_lock);
	rs_bump(&w->record->counters.driver_turns, 1u);
	if (n > 0)
		rs_bump(&w->record->counters.io_events, (uint64_t)n);
	announce(w);
}

/* When it is due again. At L0 the edge stands still, so that only turns count. */
static void maintained(struct rs_worker *w)
{
	w->maintain_tick = w->tick + MAINTAIN_TURNS;
	w->maintain_edge = w->edge + rs_ns_to_ticks(MAINTAIN_NS);
}

void rs_worker_maintain(struct rs_worker *w)
{
	maintained(w);
	if (fire_timers(w))
		announce(w);
	look_at_reactor(w);
}

/* ----------------------------------------------------------------- loop */

static __attribute__((noinline)) void take_level(struct rs_worker *w, uint32_t level)
{
	bool stamps = level && !w->level; /* from here on */

	w->level = level;
	if (!stamps)
		return;
	w->edge = rs_ticks();
	maintained(w);
}

static void begin_turn(struct rs_worker *w)
{
	uint32_t level = rs_load(&w->runtime->level, RS_RELAXED);

	if (level != w->level)
		take_level(w, level);
	w->tick++;
	if (w->tick >= w->maintain_tick || w->edge > w->maintain_edge)
		rs_worker_maintain(w);
	if (w->owes_notice)
		pay_notice(w);
}

static void turn(struct rs_worker *w)
{
	begin_turn(w);
	struct rouse_task *task = next_task(w);

	if (!task && !(task = rs_worker_find(w)))
		return;
	if (w->searching)
		rs_worker_end_search(w); /* it was woken to search, and has found */
	rs_poll_task(w, task);
}

/* A borrower's turn: what is here already, or comes of it. False: there is nothing more. */
static bool turn_lent(struct rs_worker *w)
{
	begin_turn(w);
	struct rouse_task *task = own_task(w);

	if (task)
		rs_poll_task(w, task);
	return task;
}

/*
 * What lies below this function's frame is the runtime's own between polls: the
 * caller has stored the registers that its callers want kept, above. Readers
 * that search the program's memory leave that part out.
 */
static __attribute__((noinline)) void loop(struct rs_worker *w, bool (*done)(void *arg), void *arg)
{
	RS_PUT(&w->record->stack, (uint64_t)(uintptr_t)__builtin_frame_address(0));
	while (rs_load(&w->runtime->state, RS_ACQUIRE) < ROUSE_RUNTIME_STOPPING && !(done && done(arg)))
		if (!w->lent)
			turn(w);
		else if (!turn_lent(w))
			break;
}

/* This thread is the worker meanwhile. */
static void run(struct rs_worker *w, bool (*done)(void *arg), void *arg)
{
	struct rs_catch catcher = { .outer = rs_self.catcher };
	struct rs_thread outer = rs_self;

	__builtin_unwind_init(); /* stores them */
	rs_self.runtime = w->runtime;
	rs_self.worker = w;
	rs_self.catcher = &catcher;
	if (setjmp(catcher.at)) {
		rs_self.catcher = &catcher;
		rs_poll_panicked(w, catcher.panic);
	}
	loop(w, done, arg);
	rs_self.runtime = outer.runtime;
	rs_self.worker = NULL;
	rs_self.catcher = outer.catcher;
}

static void begin(struct rs_worker *w)
{
	RS_PUT(&w->record->tid, (uint32_t)(rs_self.id ? rs_self.id : rs_thread_id()));
	w->level = rs_load(&w->runtime->level, RS_RELAXED);
	w->edge = rs_ticks();
	maintained(w);
}

void rs_worker_run(struct rs_worker *w, bool (*done)(void *arg), void *arg)
{
	begin(w);
	rs_worker_set_state(w, ROUSE_WORKER_POLLING);
	run(w, done, arg);
	RS_PUT(&w->record->stack, 0);
	rs_worker_set_state(w, ROUSE_WORKER_STOPPED);
}

/* All goes to the ring: from there others can take it. */
static void put_down(struct rs_worker *w)
{
	RS_PUT(&w->record->in_transit, UINT64_MAX);
	struct rouse_task *task = rs_queue_take_lifo(&w->queue);

	if (task)
		push(w, task);
	RS_PUT(&w->record->in_transit, 0);
	w->lifo_polls = 0;
}

void rs_worker_run_lent(struct rs_worker *w, bool (*done)(void *arg), void *arg)
{
	uint32_t tid = w->record->tid;
	uint64_t stack = w->record->stack;

	begin(w);
	rs_worker_end_sleep(w, false);
	rs_worker_set_state(w, ROUSE_WORKER_POLLING);
	run(w, done, arg);
	put_down(w);
	w->slept_since = w->level ? w->edge : 0;
	RS_PUT(&w->record->stack, stack);
	rs_store(&w->record->tid, tid, RS_RELEASE);
	rs_worker_set_state(w, ROUSE_WORKER_PARKED);
}
