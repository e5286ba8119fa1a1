/* SPDX-License-Identifier: MIT */
/*
 * A task spawns twenty that do nothing, one by one, several thousand times a
 * second: the other worker is woken for each, and gets little or none of it. The
 * twin does what they would.
 *
 * row: A31
 * finds: park-churn suspect
 * task: -
 * looks: 10
 * alone: it takes the machine's time to wake so often
 * healthy: 0
 * core: no, rates are seen from look to look
 */
#include "zoo.h"

static int done;

ROUSE_ASYNC(trifle, int, ROUSE_NO_FIELDS);
ROUSE_BODY(trifle)
{
	ROUSE_BEGIN;
	__atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(pedant, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(pedant)
{
	ROUSE_BEGIN;
	for (;;) {
		for (int i = 0; i < 20; i++) {
			if (ZOO_TWIN)
				__atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
			else
				ZOO_MUST(rouse_spawn_detached(trifle)); /* fault */
		}
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 200 * ROUSE_US));
	}
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(pedant));
}

ZOO(ZOO_WORKERS(2), NULL, start)
