/* SPDX-License-Identifier: MIT */
/*
 * A task is aborted while it blocks in a poll: it would end with that poll,
 * which does not end.
 *
 * row: A11
 * finds: cancel-pending likely
 * task: stubborn
 * companions: blocked-worker
 * core: no, its rule wants to see that nothing moves between two looks
 * root: blocked in clock_nanosleep
 */
#include "zoo.h"

static struct rouse_task *task;
static int running;

ROUSE_ASYNC(stubborn, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(stubborn)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS)); /* fault */
		__atomic_store_n(&running, 1, __ATOMIC_RELEASE);
		if (!ZOO_TWIN)
			zoo_block_for(3600 * ROUSE_S);
	}
	ROUSE_END;
}

static void start(void)
{
	task = ZOO_MADE(rouse_spawn(stubborn));
}

static void abort_it(void)
{
	while (!__atomic_load_n(&running, __ATOMIC_ACQUIRE))
		zoo_block_for(ROUSE_MS);
	rouse_task_abort(task);
	rouse_task_detach(task);
}

ZOO_THEN(ZOO_WORKERS(2), NULL, abort_it, NULL, start)
