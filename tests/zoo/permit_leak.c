/* SPDX-License-Identifier: MIT */
/*
 * A task takes one of two permits and ends without giving it back; another
 * wants both.
 *
 * row: A13
 * finds: permit-leak proven
 * task: greedy
 * why: greedy
 * root: has ended without giving them back
 */
#include "zoo.h"

static struct rouse_semaphore *permits;
static struct rouse_notify *is_taken;

ROUSE_ASYNC(leaky, int,
	struct rouse_semaphore_acquire acquire;);
ROUSE_BODY(leaky)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_semaphore_acquire(&self->acquire, permits, 1));
	rouse_notify_one(is_taken);
	if (ZOO_TWIN)
		(void)rouse_semaphore_release(permits, 1);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(greedy, int,
	union { struct rouse_notified notified; struct rouse_semaphore_acquire acquire; struct rouse_sleep sleep; };);
ROUSE_BODY(greedy)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, is_taken));
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_semaphore_acquire(&self->acquire, permits, 2));
		(void)rouse_semaphore_release(permits, 2);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 50 * ROUSE_MS));
	}
	ROUSE_END;
}

static void make(void)
{
	permits = ZOO_MADE(rouse_semaphore_new_owned("permits", 2)); /* fault: permits */
	is_taken = ZOO_MADE(rouse_notify_new("is_taken"));
}

static void start_leaky(void)
{
	ZOO_MUST(rouse_spawn_detached(leaky));
}

static void start_greedy(void)
{
	ZOO_MUST(rouse_spawn_detached(greedy));
}

ZOO(ZOO_WORKERS(2), make, start_leaky, start_greedy)
