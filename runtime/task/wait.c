/* SPDX-License-Identifier: MIT */
#include "task/wait.h"

#include "sched/runtime.h"

static void unlink_locked(struct rs_waitlist *list, struct rouse_wait *wait)
{
	if (wait->prev)
		wait->prev->next = wait->next;
	else
		list->head = wait->next;
	if (wait->next)
		wait->next->prev = wait->prev;
	else
		list->tail = wait->prev;
	wait->next = wait->prev = NULL;
}

static void put_waker(struct rouse_wait *wait, struct rouse_waker waker)
{
	RS_PUT(&wait->waker.data, waker.data);
	RS_PUT(&wait->waker.vtable, waker.vtable);
}

/* Outside readers trust the other members only while they see WAITING, so it is stored last. */
static void arm(struct rouse_wait *wait, struct rouse_context *cx, uint64_t serial)
{
	put_waker(wait, rouse_waker_clone(&cx->waker));
	RS_PUT(&wait->resource, serial);
	RS_PUT(&wait->since_ticks, rs_stamp());
	RS_PUT(&wait->poll, cx->task ? cx->task->polls : 0);
	rs_store(&wait->state, (uint8_t)ROUSE_WAIT_WAITING, RS_RELEASE);
}

/* A waker of the same task is as good as a clone; another's must be replaced. */
static void rearm(struct rouse_wait *wait, struct rouse_context *cx)
{
	RS_PUT(&wait->poll, cx->task ? cx->task->polls : 0);
	if (rouse_waker_will_wake(&wait->waker, &cx->waker))
		return;
	struct rouse_waker old = wait->waker;

	put_waker(wait, rouse_waker_clone(&cx->waker));
	rouse_waker_drop(&old);
}

void rs_wait_init(struct rouse_wait *wait, enum rouse_op op)
{
	*wait = (struct rouse_wait){ .op = (uint8_t)op };
}

void rs_wait_register_single_locked(struct rouse_wait *wait, struct rouse_context *cx, uint64_t serial)
{
	if (wait->state == ROUSE_WAIT_WAITING)
		rearm(wait, cx);
	else
		arm(wait, cx, serial);
}

void rs_wait_register_locked(struct rs_waitlist *list, struct rouse_wait *wait, struct rouse_context *cx, uint64_t serial)
{
	bool waiting = wait->state == ROUSE_WAIT_WAITING;

	rs_wait_register_single_locked(wait, cx, serial);
	if (waiting)
		return;
	wait->next = NULL;
	wait->prev = list->tail;
	if (list->tail)
		list->tail->next = wait;
	else
		list->head = wait;
	list->tail = wait;
}

struct rouse_waker rs_wait_grant_single_locked(struct rouse_wait *wait)
{
	struct rouse_waker waker = wait->waker;

	if (waker.vtable == &rs_task_waker_vtable) {
		struct rouse_task *task = waker.data;

		rs_transit_begin(rs_task_runtime(task), task->id);
	}
	put_waker(wait, (struct rouse_waker){ 0, 0 });
	/* Release: the waiter's acquire load of its own state sees what was granted. Its last touch here. */
	rs_store(&wait->state, (uint8_t)ROUSE_WAIT_GRANTED, RS_RELEASE);
	return waker;
}

struct rouse_waker rs_wait_grant_locked(struct rs_waitlist *list, struct rouse_wait *wait)
{
	unlink_locked(list, wait);
	return rs_wait_grant_single_locked(wait);
}

bool rs_wait_cancel_single_locked(struct rouse_wait *wait, struct rouse_waker *ret_waker)
{
	if (wait->state != ROUSE_WAIT_WAITING)
		return false;
	*ret_waker = wait->waker;
	put_waker(wait, (struct rouse_waker){ 0, 0 });
	rs_store(&wait->state, (uint8_t)ROUSE_WAIT_IDLE, RS_RELAXED);
	return true;
}

bool rs_wait_cancel_locked(struct rs_waitlist *list, struct rouse_wait *wait, struct rouse_waker *ret_waker)
{
	if (!rs_wait_cancel_single_locked(wait, ret_waker))
		return false;
	unlink_locked(list, wait);
	return true;
}

/* ------------------------------------------------ for leaf futures outside */

void rouse_wait_register(struct rouse_wait *wait, struct rouse_context *cx)
{
	RS_PUT(&wait->op, (uint8_t)ROUSE_OP_CUSTOM);
	rs_wait_register_single_locked(wait, cx, 0);
}

struct rouse_waker rouse_wait_take(struct rouse_wait *wait)
{
	struct rouse_waker waker = wait->waker;

	if (wait->state != ROUSE_WAIT_WAITING)
		return (struct rouse_waker){ 0, 0 };
	put_waker(wait, (struct rouse_waker){ 0, 0 });
	rs_store(&wait->state, (uint8_t)ROUSE_WAIT_GRANTED, RS_RELEASE);
	return waker;
}

void rouse_wait_cancel(struct rouse_wait *wait)
{
	struct rouse_waker waker;

	if (rs_wait_cancel_single_locked(wait, &waker))
		rouse_waker_drop(&waker);
}

/* ------------------------------------------------------------------ waking */

void rs_wake_granted(struct rouse_waker *waker, enum rouse_wake_source source)
{
	if (waker->vtable != &rs_task_waker_vtable) {
		rouse_waker_wake(waker);
		return;
	}
	struct rouse_task *task = waker->data;
	struct rouse_runtime *runtime = rs_task_runtime(task);

	*waker = (struct rouse_waker){ 0, 0 };
	rs_task_wake(task, true, source);
	rs_transit_end(runtime);
}

void rs_wake_batch_flush(struct rs_wake_batch *batch, enum rouse_wake_source source)
{
	for (uint32_t i = 0; i < batch->n; i++)
		rs_wake_granted(&batch->wakers[i], source);
	batch->n = 0;
}

bool rs_coop_spend(struct rouse_context *cx)
{
	if (!cx->task)
		return true; /* an executor of the user's own */
	if (cx->budget) {
		cx->budget--;
		return true;
	}
	struct rs_worker *worker = cx->worker;

	if (!worker->forced_yield) {
		worker->forced_yield = 1;
		rs_bump(&worker->record->counters.forced_yields, 1u);
	}
	rouse_waker_wake_by_ref(&cx->waker);
	return false;
}
