/* SPDX-License-Identifier: MIT */
/*
 * Every request starts a task, which then waits for something that never comes.
 * In the twin it waits for 100 ms at most.
 *
 * row: A35
 * finds: task-leak likely
 * task: request
 * looks: 56
 * core: no, growth is seen from look to look
 */
#include "zoo.h"

static struct rouse_notify *answer;

ROUSE_ASYNC(request, int,
	struct rouse_notified notified;
	struct rouse_timeout timeout;);
ROUSE_BODY(request)
{
	ROUSE_BEGIN;
	rouse_notified(&self->notified, answer);
	ROUSE_AWAIT_ONLY(rouse_timeout(&self->timeout, ZOO_TWIN ? 100 * ROUSE_MS : 3600 * ROUSE_S, &self->notified));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(server, int,
	int rc;
	struct rouse_sleep sleep;);
ROUSE_BODY(server)
{
	ROUSE_BEGIN;
	for (;;) {
		self->rc = rouse_spawn_detached(request); /* fault */
		/* It serves until it is dropped, and so into the beginning of the end. */
		ZOO_MUST(self->rc == -ROUSE_ESHUTDOWN ? 0 : self->rc);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 5 * ROUSE_MS));
	}
	ROUSE_END;
}

static void make(void)
{
	answer = ZOO_MADE(rouse_notify_new("answer"));
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(server));
}

ZOO(ZOO_WORKERS(2), make, start)
