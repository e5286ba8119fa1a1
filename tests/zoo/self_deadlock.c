/* SPDX-License-Identifier: MIT */
/*
 * A task waits for the permit that it holds itself. In the twin there are two.
 *
 * row: A14
 * finds: self-deadlock proven
 * task: twice
 * root: back to where it stood: a ring
 */
#include "zoo.h"

static struct rouse_semaphore *permits;

ROUSE_ASYNC(twice, int,
	union { struct rouse_semaphore_acquire acquire; struct rouse_sleep sleep; };);
ROUSE_BODY(twice)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_semaphore_acquire(&self->acquire, permits, 1));
		ROUSE_AWAIT_ONLY(rouse_semaphore_acquire(&self->acquire, permits, 1)); /* fault */
		(void)rouse_semaphore_release(permits, 2);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 50 * ROUSE_MS));
	}
	ROUSE_END;
}

static void make(void)
{
	permits = ZOO_MADE(rouse_semaphore_new_owned("permits", 1 + ZOO_TWIN));
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(twice));
}

ZOO(ZOO_WORKERS(2), make, start)
