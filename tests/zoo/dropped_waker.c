/* SPDX-License-Identifier: MIT */
/*
 * A future gives its waker to somebody who drops it on an error path, and
 * forgets to call it.
 *
 * row: A2
 * finds: dropped-waker proven
 * task: client
 * root: nobody: \w+ \(\d+\) dropped its last waker
 */
#include "zoo.h"

struct reply {
	struct rouse_future future;
	int64_t result;
	bool asked;
};

/* Takes the waker. */
static void ask(struct rouse_waker waker)
{
	if (ZOO_TWIN)
		zoo_bell(waker);
	else
		rouse_waker_drop(&waker);
}

static struct rouse_poll reply_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct reply *reply = (struct reply *)future;

	if (reply->asked)
		return rouse_ready();
	reply->asked = true;
	ask(rouse_waker_clone(&cx->waker));
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
