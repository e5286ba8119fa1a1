/* SPDX-License-Identifier: MIT */
/*
 * On the only worker a poll waits, as a thread does, for what a task behind it
 * in the queue would do. The twin has two workers.
 *
 * row: A24
 * finds: nested-block likely
 * task: waiter
 * companions: blocked-worker stuck-queue late-timers
 * root: blocked in futex
 */
#include <pthread.h>

#include "zoo.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned int done;

ROUSE_ASYNC(helper, int, ROUSE_NO_FIELDS);
ROUSE_BODY(helper)
{
	ROUSE_BEGIN;
	pthread_mutex_lock(&lock);
	done++;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(waiter, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 50 * ROUSE_MS)); /* fault */
	ZOO_MUST(rouse_spawn_detached(helper));
	pthread_mutex_lock(&lock);
	while (!done)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_S));
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(waiter));
}

ZOO(ZOO_WORKERS(1 + ZOO_TWIN), NULL, start)
