/* SPDX-License-Identifier: MIT */
/*
 * As futurelock, but what the task awaits instead is the same lock, by a second
 * future: it waits behind itself, for ever. The twin awaits the first one.
 *
 * row: A10
 * finds: futurelock proven
 * task: dabbler
 * root: back to where it stood: a ring
 */
#include "zoo.h"

static struct rouse_mutex *mutex;
static struct rouse_notify *is_held, *is_queued;

ROUSE_ASYNC(dabbler, int,
	struct rouse_mutex_lock lock;
	union { struct rouse_notified notified; struct rouse_sleep sleep; struct rouse_mutex_lock again; };);
ROUSE_BODY(dabbler)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, is_held));
	rouse_mutex_lock(&self->lock, mutex);
	(void)rouse_future_poll(&self->lock.future, cx);
	rouse_notify_one(is_queued);
	if (ZOO_TWIN)
		ROUSE_AWAIT_ONLY(&self->lock);
	else
		ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->again, mutex)); /* fault */
	(void)rouse_mutex_unlock(mutex);
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS));
	ROUSE_FINALLY: rouse_future_drop(&self->lock.future);
	(void)rouse_mutex_unlock(mutex);
	ROUSE_END;
}

ROUSE_ASYNC(holder, int,
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; };);
ROUSE_BODY(holder)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, mutex));
	rouse_notify_one(is_held);
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, is_queued));
	ROUSE_RETURN(0);
	ROUSE_FINALLY: (void)rouse_mutex_unlock(mutex);
	ROUSE_END;
}

static void make(void)
{
	mutex = ZOO_MADE(rouse_mutex_new("mutex"));
	is_held = ZOO_MADE(rouse_notify_new("is_held"));
	is_queued = ZOO_MADE(rouse_notify_new("is_queued"));
}

static void start_dabbler(void)
{
	ZOO_MUST(rouse_spawn_detached(dabbler));
}

static void start_holder(void)
{
	ZOO_MUST(rouse_spawn_detached(holder));
}

ZOO(ZOO_WORKERS(2), make, start_dabbler, start_holder)
