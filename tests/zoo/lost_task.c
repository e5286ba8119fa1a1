/* SPDX-License-Identifier: MIT */
/*
 * A task is marked scheduled, and stands in no queue: who marked it never
 * pushed it. Done by hand (internals of the runtime), for the runtime does not.
 *
 * row: A6
 * finds: lost-task proven
 * task: waiter
 * core: weaker, what a thread had in hand when it was stopped is not known
 */
#include "base/clock.h"
#include "task/cell.h"
#include "zoo.h"

static struct rouse_notify *event;
static struct rouse_task *waiting;

ROUSE_ASYNC(waiter, int,
	struct rouse_notified notified;);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, event)); /* fault */
	ROUSE_END;
}

static void make(void)
{
	event = ZOO_MADE(rouse_notify_new("event"));
}

static void start(void)
{
	waiting = ZOO_MADE(rouse_spawn(waiter));
}

/* All that a wake does, but for the push. */
static void wake_half(struct rouse_task *task)
{
	RS_PUT(&task->wakes, task->wakes + 1);
	RS_PUT(&task->last_waker, (uint64_t)ROUSE_WAKE_FOREIGN);
	RS_PUT(&task->enqueue_ticks, rs_ticks());
	rs_fetch_add(&task->state, ROUSE_NOTIFIED + ROUSE_STAMP_ONE, RS_ACQ_REL);
}

static void wake(void)
{
	zoo_until_pending(waiting, 1);
	if (ZOO_TWIN)
		rouse_notify_one(event);
	else
		wake_half(waiting);
}

ZOO_THEN(ZOO_WORKERS(2), make, wake, NULL, start)
