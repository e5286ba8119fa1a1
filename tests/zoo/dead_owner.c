/* SPDX-License-Identifier: MIT */
/*
 * A task returns early, and keeps a lock for ever.
 *
 * row: A12
 * finds: dead-owner proven
 * task: waiter
 * why: waiter
 * root: has ended$
 */
#include "zoo.h"

static struct rouse_mutex *mutex;
static struct rouse_notify *is_held;

ROUSE_ASYNC(hasty, int,
	struct rouse_mutex_lock lock;);
ROUSE_BODY(hasty)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, mutex));
	rouse_notify_one(is_held);
	ROUSE_RETURN(-1);
	ROUSE_FINALLY:
	if (ZOO_TWIN)
		(void)rouse_mutex_unlock(mutex);
	ROUSE_END;
}

ROUSE_ASYNC(waiter, int,
	union { struct rouse_notified notified; struct rouse_mutex_lock lock; struct rouse_sleep sleep; };);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, is_held));
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, mutex));
		(void)rouse_mutex_unlock(mutex);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 50 * ROUSE_MS));
	}
	ROUSE_END;
}

static void make(void)
{
	mutex = ZOO_MADE(rouse_mutex_new("mutex")); /* fault: mutex */
	is_held = ZOO_MADE(rouse_notify_new("is_held"));
}

static void start_hasty(void)
{
	ZOO_MUST(rouse_spawn_detached(hasty));
}

static void start_waiter(void)
{
	ZOO_MUST(rouse_spawn_detached(waiter));
}

ZOO(ZOO_WORKERS(2), make, start_hasty, start_waiter)
