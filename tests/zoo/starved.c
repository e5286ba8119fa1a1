/* SPDX-License-Identifier: MIT */
/*
 * A task from outside stands in the global queue, at which the only worker
 * looks every 31 polls; and its own tasks, which wake each other at once, take
 * 90 ms each. No poll is very long; but whoever comes from outside waits for
 * seconds.
 *
 * row: A25
 * finds: starved likely
 * task: outsider
 * looks: 24
 * companions: late-timers
 * healthy: 0
 * line: again and again
 */
#include "zoo.h"

ROUSE_ASYNC(insider, int,
	struct rouse_yield yield;);
ROUSE_BODY(insider)
{
	ROUSE_BEGIN;
	for (;;) {
		zoo_burn_for((ZOO_TWIN ? 1 : 90) * ROUSE_MS);
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	}
	ROUSE_END;
}

ROUSE_ASYNC(outsider, int, ROUSE_NO_FIELDS); /* fault */
ROUSE_BODY(outsider)
{
	ROUSE_BEGIN;
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void start_insider(void)
{
	ZOO_MUST(rouse_spawn_detached(insider));
}

static void spawn_outsider(void)
{
	ZOO_MUST(rouse_spawn_detached(outsider));
}

ZOO_THEN(ZOO_WORKERS(1), NULL, NULL, spawn_outsider, start_insider, start_insider)
