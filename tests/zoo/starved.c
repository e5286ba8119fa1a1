/* SPDX-License-Identifier: MIT */
/*
 * A task from outside stands in the global queue, and the only worker never
 * looks there, for its own tasks always come first. By itself the runtime is
 * fair, and looks every 31 polls: the count of these is held back (internals
 * of the runtime).
 *
 * row: A25
 * finds: starved likely
 * task: outsider
 * looks: 24
 * healthy: 0 100
 * line: at once
 * core: no, rates are seen from look to look
 * root: LIKELY runnable, but passed over
 */
#include "sched/runtime.h"
#include "zoo.h"

static int unfair;

ROUSE_ASYNC(insider, int,
	struct rouse_yield yield;);
ROUSE_BODY(insider)
{
	ROUSE_BEGIN;
	for (;;) {
		zoo_block_for(5 * ROUSE_MS);
		if (__atomic_load_n(&unfair, __ATOMIC_ACQUIRE))
			rs_self.worker->tick = 1;
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	}
	ROUSE_END;
}

/* On one line, for compilers differ in which of several they name. */
ROUSE_ASYNC(outsider, int, struct rouse_sleep sleep;); /* fault */
ROUSE_BODY(outsider)
{
	ROUSE_BEGIN;
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_S));
	ROUSE_END;
}

static void start_insider(void)
{
	ZOO_MUST(rouse_spawn_detached(insider));
}

static void spawn_outsider(void)
{
	__atomic_store_n(&unfair, !ZOO_TWIN, __ATOMIC_RELEASE);
	ZOO_MUST(rouse_spawn_detached(outsider));
}

ZOO_THEN(ZOO_WORKERS(1), NULL, NULL, spawn_outsider, start_insider, start_insider)
