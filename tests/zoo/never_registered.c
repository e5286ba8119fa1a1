/* SPDX-License-Identifier: MIT */
/*
 * A future answers PENDING on a path on which it forgot to store the waker.
 *
 * row: A1
 * finds: never-registered proven
 * task: client
 * root: nobody: no waker of this task was ever given out
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
