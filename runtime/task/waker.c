/* SPDX-License-Identifier: MIT */
/*
 * Wakers. Those of tasks are a cell and one shared vtable, recognised and
 * handled directly; all others go through their own functions.
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

	/* Under the lock of what the task waits for, often: no place to panic. */
	if (!rs_state_ref(&task->state, ROUSE_WAKER_ONE, ROUSE_WAKER_MASK))
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

static void task_drop(void *data)
{
	struct rouse_task *task = data;

	if (rs_state_unref(&task->state, ROUSE_WAKER_ONE) == RS_FREE)
		rs_task_free(task);
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

void rouse_waker_drop(struct rouse_waker *waker)
{
	struct rouse_waker w = *waker;

	*waker = (struct rouse_waker){ 0, 0 };
	if (w.vtable)
		w.vtable->drop(w.data);
}
