/* SPDX-License-Identifier: MIT */
/*
 * A task has waited for a lock for longer than it should; its owner sleeps. In
 * the twin the one who waits is a daemon, which may.
 *
 * row: -
 * finds: pending-long suspect
 * task: waiter
 * options: --threshold pending-long=1s
 */
#include "zoo.h"

static struct rouse_mutex *mutex;
static struct rouse_notify *is_held;

ROUSE_ASYNC(owner, int,
	union { struct rouse_mutex_lock lock; struct rouse_sleep sleep; };);
ROUSE_BODY(owner)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, mutex));
	rouse_notify_one(is_held);
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 3600 * ROUSE_S));
	ROUSE_RETURN(0);
	ROUSE_FINALLY: (void)rouse_mutex_unlock(mutex);
	ROUSE_END;
}

ROUSE_ASYNC(waiter, int,
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; };);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, is_held));
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, mutex)); /* fault */
	ROUSE_RETURN(0);
	ROUSE_FINALLY: (void)rouse_mutex_unlock(mutex);
	ROUSE_END;
}

static void make(void)
{
	mutex = ZOO_MADE(rouse_mutex_new("mutex"));
	is_held = ZOO_MADE(rouse_notify_new("is_held"));
}

static void start_owner(void)
{
	ZOO_MUST(rouse_spawn_detached(owner));
}

static void start_waiter(void)
{
#ifdef TWIN
	ZOO_MUST(rouse_spawn_daemon("waiter", waiter));
#else
	ZOO_MUST(rouse_spawn_detached(waiter));
#endif
}

ZOO(ZOO_WORKERS(2), make, start_owner, start_waiter)
