/* SPDX-License-Identifier: MIT */
/*
 * A thread from outside wakes a task, and no worker is told: whoever wakes
 * believes that one of them is searching. The word that says so is made to lie
 * (internals of the runtime). A timer wakes a worker by and by, which then finds
 * the task: it is not lost, only late, every time.
 *
 * row: A32
 * finds: slow-wakeup suspect
 * task: listener
 * companions: missed-unpark
 * looks: 16
 * healthy: 0
 * line: at once
 * core: no, rates are seen from look to look
 */
#include <pthread.h>

#include "sched/runtime.h"
#include "zoo.h"

static struct rouse_notify *news;

ROUSE_ASYNC(listener, int,
	struct rouse_notified notified;);
ROUSE_BODY(listener)
{
	ROUSE_BEGIN;
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, news));
	ROUSE_END;
}

ROUSE_ASYNC(clockwork, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(clockwork)
{
	ROUSE_BEGIN;
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 150 * ROUSE_MS));
	ROUSE_END;
}

static void *tell(void *arg)
{
	(void)arg;
	for (;;) {
		zoo_block_for(40 * ROUSE_MS);
		rouse_notify_one(news);
	}
	return NULL;
}

static void make(void)
{
	news = ZOO_MADE(rouse_notify_new("news"));
}

static void start_listener(void)
{
	ZOO_MUST(rouse_spawn_detached(listener)); /* fault */
}

static void start_clockwork(void)
{
	ZOO_MUST(rouse_spawn_detached(clockwork));
}

static void lie(void)
{
	pthread_t thread;

	while (rs_load(&zoo_runtime->idle.sleepers, RS_ACQUIRE) < zoo_runtime->n_workers ||
		rs_load(&zoo_runtime->idle.searching, RS_ACQUIRE))
		zoo_block_for(ROUSE_MS);
	if (!ZOO_TWIN)
		rs_fetch_add(&zoo_runtime->idle.searching, 1u, RS_ACQ_REL);
	ZOO_MUST(-pthread_create(&thread, NULL, tell, NULL));
	pthread_detach(thread);
}

static void nothing(void)
{
}

ZOO_THEN(ZOO_WORKERS(2), make, lie, nothing, start_listener, start_clockwork)
