/* SPDX-License-Identifier: MIT */
/*
 * A wrapper saves polls: its inner future was polled and has a waker, has it
 * not? It has that of the task which polled it first; now another one waits.
 *
 * row: A4
 * finds: stale-waker proven
 * task: second
 * root: the waker in it would wake
 */
#include "zoo.h"

struct wrapper {
	struct rouse_future future;
	int64_t result;
	bool polled;
	struct rouse_notified inner;
};

static struct rouse_poll wrapper_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct wrapper *wrapper = (struct wrapper *)future;

	if (wrapper->polled && !ZOO_TWIN)
		return rouse_pending();
	wrapper->polled = true;
	wrapper->future.awaiting = &wrapper->inner.future; /* so that readers see what it waits for */
	return rouse_future_poll(&wrapper->inner.future, cx);
}

static void wrapper_drop(struct rouse_future *future)
{
	rouse_future_drop(&((struct wrapper *)future)->inner.future);
}

ROUSE_LEAF(wrapper, wrapper_poll, wrapper_drop);

static struct rouse_notify *event;
static struct wrapper shared;

ROUSE_ASYNC(second, int, ROUSE_NO_FIELDS);
ROUSE_BODY(second)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(&shared); /* fault */
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(first, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(first)
{
	ROUSE_BEGIN;
	shared = (struct wrapper){ .future = ROUSE_FUTURE_INIT(wrapper) };
	rouse_notified(&shared.inner, event);
	(void)rouse_future_poll(&shared.future, cx);
	ZOO_MUST(rouse_spawn_detached(second));
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_S));
	ROUSE_END;
}

static void make(void)
{
	event = ZOO_MADE(rouse_notify_new("event"));
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(first));
}

ZOO(ZOO_WORKERS(2), make, start)
