/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand tasks of one function, spawned at one line, wait for replies.
 * One of the replies was forgotten.
 *
 * row: A1, one sick among 10,000
 * finds: never-registered proven
 * task: client
 * healthy: 0
 * root: nobody: no waker of this task was ever given out
 */
#include "zoo.h"

enum { CLIENTS = 10000 };

struct reply {
	struct rouse_future future;
	int64_t result;
	bool is_forgotten;
	struct rouse_sleep inner;
};

static struct rouse_poll reply_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct reply *reply = (struct reply *)future;

	if (reply->is_forgotten)
		return rouse_pending();
	reply->future.awaiting = &reply->inner.future;
	return rouse_future_poll(&reply->inner.future, cx);
}

static void reply_drop(struct rouse_future *future)
{
	if (future->awaiting)
		rouse_future_drop(future->awaiting);
}

ROUSE_LEAF(reply, reply_poll, reply_drop);

ROUSE_ASYNC(client, int,
	unsigned int number;
	struct reply reply;);
ROUSE_BODY(client)
{
	ROUSE_BEGIN;
	for (;;) {
		self->reply = (struct reply){ .future = ROUSE_FUTURE_INIT(reply),
			.is_forgotten = !ZOO_TWIN && self->number == 7777 };
		rouse_sleep(&self->reply.inner, (1000 + self->number % 1000) * ROUSE_MS);
		ROUSE_AWAIT_ONLY(&self->reply); /* fault */
	}
	ROUSE_END;
}

static void start(void)
{
	for (unsigned int i = 0; i < CLIENTS; i++)
		ZOO_MUST(rouse_spawn_detached(client, .number = i));
}

ZOO(ZOO_WORKERS(2), NULL, start)
