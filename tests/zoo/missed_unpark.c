/* SPDX-License-Identifier: MIT */
/*
 * Work is queued, and all workers sleep: whoever queued it believed that one
 * of them was searching. The word that says so is made to lie (internals of the
 * runtime). Any timer would wake a worker, which then finds the task: nothing
 * healthy may be around.
 *
 * row: A7
 * finds: missed-unpark proven
 * task: late
 * healthy: 0
 * line: at once
 * core: weaker, what a thread had in hand when it was stopped is not known
 * root: PROVEN work queued, all workers parked
 */
#include "sched/runtime.h"
#include "zoo.h"

ROUSE_ASYNC(late, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(late)
{
	ROUSE_BEGIN;
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_S));
	ROUSE_END;
}

static void nothing(void)
{
}

static void spawn_late(void)
{
	while (rs_load(&zoo_runtime->idle.sleepers, RS_ACQUIRE) < zoo_runtime->n_workers ||
		rs_load(&zoo_runtime->idle.searching, RS_ACQUIRE))
		zoo_block_for(ROUSE_MS);
	if (!ZOO_TWIN)
		rs_fetch_add(&zoo_runtime->idle.searching, 1u, RS_ACQ_REL);
	ZOO_MUST(rouse_spawn_detached(late));
}

/* The main task comes after this, and would be the first to be late: so at a line, not when ready. */
ZOO_THEN(ZOO_WORKERS(2), NULL, NULL, spawn_late, nothing)
