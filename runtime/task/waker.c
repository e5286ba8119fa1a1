/* SPDX-License-Identifier: MIT */
/*
 * Wakers. Those of tasks are a cell and one shared vtable, recognised and
 * handled directly; all others go through their own functions.
 *
 * A task whose last waker is dropped while it rests waits for ever, unless it is
 * aborted. Nothing that is still there tells who did it: so that is written into
 * the page (struct rouse_drop_record). All other drops pay nothing for it: they
 * are told apart by the state word before it moves. A task that drops its own
 * last waker while it runs is noted by its thread, and written down only if the
 * poll then ends without another.
 */
#include "sched/runtime.h"
#include "task/panic.h"

static struct rouse_task *as_task(const struct rouse_waker *waker)
{
	return waker->vtable == &rs_task_waker_vtable ? waker->data : NULL;
}

static void *task_clone(void *data)
{
	struct rouse_task *task = data;

	bool made = rs_self.task == task ? rs_state_ref_self(&task->state)
					 : rs_state_ref(&task->state, ROUSE_WAKER_ONE, ROUSE_WAKER_MASK);

	/* Under the lock of what the task waits for, often: no place to panic. */
	if (!made)
		rs_die("task %llu has too many wakers", (unsigned long long)task->id);
	return data;
}

static void task_wake(void *data)
{
	rs_task_wake(data, true, ROUSE_WAKE_FOREIGN);
}

static void task_wake_by_ref(void *data)
{
	rs_task_wake(data, false, ROUSE_WAKE_FOREIGN);
}

/* Readers may come at any time: `task` says that the rest is whole. Each store is ordered after the one before. */
static void write_drop(struct rouse_runtime *runtime, uint64_t task, uint64_t by, const void *caller)
{
	struct rouse_page *page = runtime->page;

	rs_lock_take(&runtime->drops_lock);
	uint64_t n = page->drops;
	struct rouse_drop_record *record =
		(struct rouse_drop_record *)((char *)page + page->off_drops) + n % page->drop_capacity;

	rs_store(&record->task, 0ull, RS_RELAXED);
	rs_store(&record->ticks, rs_ticks(), RS_RELEASE);
	rs_store(&record->by, by, RS_RELEASE);
	rs_store(&record->pc, (uint64_t)(uintptr_t)caller, RS_RELEASE);
	rs_store(&record->task, task, RS_RELEASE);
	rs_store(&page->drops, n + 1, RS_RELEASE);
	rs_lock_drop(&runtime->drops_lock);
}

/* A task that is being dropped in a shutdown rests as well, and gives back its own wakers: that strands nobody. */
static bool would_strand(const struct rouse_task *task, uint64_t seen)
{
	return rs_state_is_stranded(seen - ROUSE_WAKER_ONE) && rs_self.task != task;
}

/*
 * The last waker of a task at rest, for all that has been seen. Without it there
 * is nothing that keeps the cell, or the runtime's memory: what is needed of both
 * is taken before, and the visit ends after. False: it is not so any more.
 */
static bool drop_last(struct rouse_task *task, uint64_t *seen, const void *caller)
{
	struct rouse_runtime *runtime = rs_task_runtime(task);
	uint64_t id = task->id;
	bool visiting = rs_visit_begin(runtime), dropped = false;
	enum rs_next next; /* not to free: it has not ended */

	while (!dropped && would_strand(task, *seen))
		dropped = rs_state_unref_seen(&task->state, seen, &next);
	if (dropped)
		write_drop(runtime, id, rs_self_id(), caller);
	rs_visit_end(runtime, visiting);
	return dropped;
}

void rs_task_stranded_owner(struct rouse_task *task)
{
	if (rs_self.dropped.task == task->id && rs_self.dropped.poll == task->polls)
		write_drop(rs_task_runtime(task), task->id, task->id, rs_self.dropped.caller);
}

static void drop(struct rouse_task *task, const void *caller)
{
	enum rs_next next = RS_NOTHING;

	if (rs_forked)
		return;
	uint64_t seen = rs_load(&task->state, RS_RELAXED);

	if (rs_self.task == task) {
		rs_self.dropped.task = task->id;
		rs_self.dropped.poll = task->polls;
		rs_self.dropped.caller = caller;
	}
	do {
		if (would_strand(task, seen) && drop_last(task, &seen, caller))
			return;
	} while (!rs_state_unref_seen(&task->state, &seen, &next));
	if (next == RS_FREE)
		rs_task_free(task);
}

static void task_drop(void *data)
{
	drop(data, __builtin_return_address(0));
}

const struct rouse_waker_vtable rs_task_waker_vtable = { task_clone, task_wake, task_wake_by_ref, task_drop };

struct rouse_waker rouse_waker_clone(const struct rouse_waker *waker)
{
	struct rouse_waker copy = *waker;

	if (as_task(waker))
		task_clone(waker->data);
	else if (waker->vtable)
		copy.data = waker->vtable->clone(waker->data);
	return copy;
}

void rouse_waker_wake(struct rouse_waker *waker)
{
	struct rouse_waker w = *waker;

	*waker = (struct rouse_waker){ 0, 0 };
	if (as_task(&w))
		rs_task_wake(w.data, true, ROUSE_WAKE_FOREIGN);
	else if (w.vtable)
		w.vtable->wake(w.data);
}

void rouse_waker_wake_by_ref(const struct rouse_waker *waker)
{
	if (as_task(waker))
		rs_task_wake(waker->data, false, ROUSE_WAKE_FOREIGN);
	else if (waker->vtable)
		waker->vtable->wake_by_ref(waker->data);
}

/* Never inlined, so that the return address is its caller's. */
__attribute__((noinline)) void rouse_waker_drop(struct rouse_waker *waker)
{
	struct rouse_waker w = *waker;

	*waker = (struct rouse_waker){ 0, 0 };
	if (as_task(&w))
		drop(w.data, __builtin_return_address(0));
	else if (w.vtable)
		w.vtable->drop(w.data);
}
