/* SPDX-License-Identifier: MIT */
/*
 * A lock future is polled once by hand, queues up, and is then left lying while
 * its task awaits other things. When its turn comes the lock is handed to a
 * future that nobody polls, and others wait. The twin drops the future.
 *
 * row: A10
 * finds: futurelock likely
 * task: dabbler
 */
#include "zoo.h"

static struct rouse_mutex *mutex;
static struct rouse_notify *is_held, *is_queued;

ROUSE_ASYNC(dabbler, int,
	struct rouse_mutex_lock lock;
	union { struct rouse_notified notified; struct rouse_sleep sleep; };);
ROUSE_BODY(dabbler)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, is_held));
	rouse_mutex_lock(&self->lock, mutex);
	(void)rouse_future_poll(&self->lock.future, cx);
	rouse_notify_one(is_queued);
	if (ZOO_TWIN)
		rouse_future_drop(&self->lock.future);
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS)); /* fault */
	ROUSE_FINALLY: rouse_future_drop(&self->lock.future);
	ROUSE_END;
}

ROUSE_ASYNC(user, int,
	bool is_first;
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; struct rouse_sleep sleep; };);
ROUSE_BODY(user)
{
	ROUSE_BEGIN;
	for (;; self->is_first = false) {
		ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, mutex));
		if (self->is_first) {
			rouse_notify_one(is_held);
			ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, is_queued));
		}
		(void)rouse_mutex_unlock(mutex);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 50 * ROUSE_MS));
	}
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

static void start_user(void)
{
	ZOO_MUST(rouse_spawn_detached(user, .is_first = true));
}

ZOO(ZOO_WORKERS(2), make, start_dabbler, start_user)
