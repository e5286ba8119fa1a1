/* SPDX-License-Identifier: MIT */
/*
 * A future keeps its waker where only it can reach it: in itself.
 *
 * row: A3
 * finds: held-by-itself likely
 * task: client
 * root: only itself: its
 */
#include "zoo.h"

struct reply {
	struct rouse_future future;
	int64_t result;
	struct rouse_waker waker;
};

static struct rouse_poll reply_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct reply *reply = (struct reply *)future;

	if (reply->waker.vtable) {
		rouse_waker_drop(&reply->waker);
		return rouse_ready();
	}
	reply->waker = rouse_waker_clone(&cx->waker);
	if (ZOO_TWIN)
		zoo_bell(rouse_waker_clone(&cx->waker));
	return rouse_pending();
}

static void reply_drop(struct rouse_future *future)
{
	rouse_waker_drop(&((struct reply *)future)->waker);
}

ROUSE_LEAF(reply, reply_poll, reply_drop);

ROUSE_ASYNC(client, int,
	struct reply reply;);
ROUSE_BODY(client)
{
	ROUSE_BEGIN;
	for (;;) {
		self->reply = (struct reply){ .future = ROUSE_FUTURE_INIT(reply) };
		ROUSE_AWAIT_ONLY(&self->reply); /* fault */
	}
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(client));
}

ZOO(ZOO_WORKERS(2), NULL, start)
