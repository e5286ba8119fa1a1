/* SPDX-License-Identifier: MIT */
/*
 * A poll computes without end. The twin computes as much, in parts, and lets
 * others go first between them.
 *
 * row: A20
 * finds: busy-worker likely
 * task: cruncher
 * alone: it burns
 * core: no, that it computes is seen by the CPU time between two looks
 * root: (computes|waits for a CPU|would run)
 */
#include "zoo.h"

ROUSE_ASYNC(cruncher, int,
	union { struct rouse_sleep sleep; struct rouse_yield yield; };);
ROUSE_BODY(cruncher)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 50 * ROUSE_MS)); /* fault */
	for (;;) {
		zoo_burn_for(ROUSE_MS);
		if (ZOO_TWIN)
			ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	}
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(cruncher));
}

ZOO(ZOO_WORKERS(2), NULL, start)
