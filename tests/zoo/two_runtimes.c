/* SPDX-License-Identifier: MIT */
/*
 * The process has a second runtime, and the trouble is there: its task waits
 * for a lock whose owner has ended. The first one is well.
 *
 * row: A12, in one of two runtimes
 * finds: dead-owner proven
 * task: waiter
 * why: waiter
 * runtime: second
 * root: has ended$
 */
#include "zoo.h"

static struct rouse_runtime *second;
static struct rouse_mutex *mutex;

ROUSE_ASYNC(waiter, int,
	union { struct rouse_mutex_lock lock; struct rouse_sleep sleep; };);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, mutex));
		(void)rouse_mutex_unlock(mutex);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 50 * ROUSE_MS));
	}
	ROUSE_END;
}

ROUSE_ASYNC(hasty, int,
	struct rouse_mutex_lock lock;);
ROUSE_BODY(hasty)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, mutex));
	ZOO_MUST(rouse_spawn_detached(waiter));
	if (ZOO_TWIN)
		(void)rouse_mutex_unlock(mutex);
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void make(void)
{
	struct rouse_guard guard;

	ZOO_MUST(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1, .name = "second"), &second));
	guard = rouse_enter(second);
	mutex = ZOO_MADE(rouse_mutex_new("mutex")); /* fault: mutex */
	rouse_leave(&guard);
}

static void start(void)
{
	rouse_task_detach(ZOO_MADE(rouse_spawn_on(second, hasty)));
}

ZOO(ZOO_WORKERS(1), make, start)
