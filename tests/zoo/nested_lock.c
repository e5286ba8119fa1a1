/* SPDX-License-Identifier: MIT */
/*
 * A task keeps a mutex of threads over an await, and another one on the same
 * worker wants it: the worker's thread waits for itself. The twin releases it
 * before it awaits.
 *
 * row: A24, as the kernel sees it
 * finds: nested-block likely
 * task: waiter
 * companions: blocking-call blocked-worker stuck-queue late-timers
 * kernel: sched
 * evidence: blocked in futex for .*: its own thread \d+ has the lock
 * root: blocked in futex
 * core: no, the kernel is asked while it runs
 */
#include <pthread.h>

#include "zoo.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

ROUSE_ASYNC(queued, int, ROUSE_NO_FIELDS);
ROUSE_BODY(queued)
{
	ROUSE_BEGIN;
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(keeper, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(keeper)
{
	ROUSE_BEGIN;
	for (;;) {
		pthread_mutex_lock(&lock);
		if (ZOO_TWIN)
			pthread_mutex_unlock(&lock);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS));
		if (!ZOO_TWIN)
			pthread_mutex_unlock(&lock);
	}
	ROUSE_END;
}

ROUSE_ASYNC(waiter, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 30 * ROUSE_MS)); /* fault */
		ZOO_MUST(rouse_spawn_detached(queued));
		pthread_mutex_lock(&lock);
		pthread_mutex_unlock(&lock);
	}
	ROUSE_END;
}

static void start_keeper(void)
{
	ZOO_MUST(rouse_spawn_detached(keeper));
}

static void start_waiter(void)
{
	ZOO_MUST(rouse_spawn_detached(waiter));
}

ZOO(ZOO_WORKERS(1), NULL, start_keeper, start_waiter)
