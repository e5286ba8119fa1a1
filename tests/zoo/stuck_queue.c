/* SPDX-License-Identifier: MIT */
/*
 * Both workers block in polls, and tasks are queued behind them.
 *
 * row: A26
 * finds: stuck-queue likely
 * task: blocker
 * companions: blocked-worker late-timers nested-block
 */
#include "zoo.h"

static int running;

static int64_t rest(void *arg)
{
	(void)arg;
	zoo_rest();
	return 0;
}

ROUSE_ASYNC(blocker, int,
	union { struct rouse_sleep sleep; struct rouse_blocking blocking; };);
ROUSE_BODY(blocker)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS)); /* fault */
	__atomic_add_fetch(&running, 1, __ATOMIC_RELEASE);
	if (ZOO_TWIN)
		ROUSE_AWAIT_ONLY(rouse_blocking(&self->blocking, rest, NULL));
	else
		(void)rest(NULL);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(queued, int,
	struct rouse_notified notified;
	struct rouse_notify *event;);
ROUSE_BODY(queued)
{
	ROUSE_BEGIN;
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, self->event));
	ROUSE_END;
}

static struct rouse_notify *event;

static void make(void)
{
	event = ZOO_MADE(rouse_notify_new("event"));
}

static void start_blocker(void)
{
	ZOO_MUST(rouse_spawn_detached(blocker));
}

static void start_queued(void)
{
	ZOO_MUST(rouse_spawn_detached(queued, .event = event));
}

static void wake(void)
{
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) < 2)
		zoo_block_for(ROUSE_MS);
	rouse_notify_one(event);
}

ZOO_THEN(ZOO_WORKERS(2), make, wake, NULL, start_blocker, start_blocker, start_queued)
