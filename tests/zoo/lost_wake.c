/* SPDX-License-Identifier: MIT */
/*
 * Permits are there, and the one who waits for them sleeps. The runtime does
 * not lose wakes by itself: the record of the semaphore is written by hand
 * (internals of the runtime), as an overwritten or buggy object would look.
 *
 * row: A5
 * finds: lost-wake proven
 * task: waiter
 * root: PROVEN ready, and its waiter asleep
 */
#include "task/resource.h"
#include "zoo.h"

static struct rouse_semaphore *tickets;
static struct rouse_task *waiting;

ROUSE_ASYNC(waiter, int,
	union { struct rouse_semaphore_acquire acquire; struct rouse_sleep sleep; };);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_semaphore_acquire(&self->acquire, tickets, 1)); /* fault */
		(void)rouse_semaphore_release(tickets, 1);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS));
	}
	ROUSE_END;
}

static void make(void)
{
	tickets = ZOO_MADE(rouse_semaphore_new("tickets", 0));
}

static void start(void)
{
	waiting = ZOO_MADE(rouse_spawn(waiter));
}

static void give(void)
{
	struct rs_resource *resource = (struct rs_resource *)(void *)tickets; /* what it begins with */

	zoo_until_pending(waiting, 1);
	rouse_task_detach(waiting);
	if (ZOO_TWIN)
		(void)rouse_semaphore_release(tickets, 1);
	else
		rs_record(&resource->value, 1u);
}

ZOO_THEN(ZOO_WORKERS(2), make, give, NULL, start)
