/* SPDX-License-Identifier: MIT */
/*
 * Two troubles in one program, of which neither may hide the other: a future
 * that stores no waker, and a lock whose owner has ended.
 *
 * row: A1 and A12 at once
 * finds: never-registered proven
 * task: client
 * finds: dead-owner proven
 * task: waiter
 * why: waiter
 */
#include "zoo.h"

struct reply {
	struct rouse_future future;
	int64_t result;
	bool asked;
};

static struct rouse_poll reply_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct reply *reply = (struct reply *)future;

	if (reply->asked)
		return rouse_ready();
	reply->asked = true;
	if (ZOO_TWIN)
		zoo_bell(rouse_waker_clone(&cx->waker));
	return rouse_pending();
}

ROUSE_LEAF(reply, reply_poll, NULL);

static struct rouse_mutex *mutex;

ROUSE_ASYNC(client, int,
	struct reply reply;);
ROUSE_BODY(client)
{
	ROUSE_BEGIN;
	for (;;) {
		self->reply = (struct reply){ .future = ROUSE_FUTURE_INIT(reply) };
		ROUSE_AWAIT_ONLY(&self->reply); /* fault: client */
	}
	ROUSE_END;
}

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
	mutex = ZOO_MADE(rouse_mutex_new("mutex")); /* fault: mutex */
}

static void start_client(void)
{
	ZOO_MUST(rouse_spawn_detached(client));
}

static void start_hasty(void)
{
	ZOO_MUST(rouse_spawn_detached(hasty));
}

ZOO(ZOO_WORKERS(2), make, start_client, start_hasty)
