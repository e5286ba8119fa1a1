/* SPDX-License-Identifier: MIT */
/*
 * The waker is put into a record on the heap, which is cleared and freed: it
 * still counts, but nobody has it any more. In the twin a foreign thread keeps
 * the record, and calls.
 *
 * row: A3
 * finds: leaked-waker likely
 * task: client
 * recording: no, memory is searched only on demand
 * looks: 24
 * root: LIKELY waker leaked
 */
#include <stdlib.h>
#include <string.h>

#include "zoo.h"

struct request {
	struct rouse_waker waker;
	uint64_t number;
};

struct reply {
	struct rouse_future future;
	int64_t result;
	bool asked;
};

/* Takes the request. */
static void submit(struct request *request)
{
	if (ZOO_TWIN)
		zoo_bell(request->waker);
	explicit_bzero(request, sizeof *request);
	free(request);
}

static struct rouse_poll reply_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct reply *reply = (struct reply *)future;
	struct request *request;

	if (reply->asked)
		return rouse_ready();
	reply->asked = true;
	request = ZOO_MADE(malloc(sizeof *request));
	*request = (struct request){ .waker = rouse_waker_clone(&cx->waker) };
	submit(request);
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

ZOO_BY_ITSELF(ZOO_WORKERS(2), NULL, start)
