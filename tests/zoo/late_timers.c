/* SPDX-License-Identifier: MIT */
/*
 * On a runtime of one thread a poll does not end, and a timer that has been due
 * for long is not fired.
 *
 * row: A36
 * finds: late-timers suspect
 * task: punctual
 * companions: blocked-worker stuck-queue
 */
#include "zoo.h"

ROUSE_ASYNC(punctual, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(punctual)
{
	ROUSE_BEGIN;
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 300 * ROUSE_MS)); /* fault */
	ROUSE_END;
}

ROUSE_ASYNC(blocker, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(blocker)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS));
		zoo_block_for(ZOO_TWIN ? ROUSE_MS : 3600 * ROUSE_S);
	}
	ROUSE_END;
}

static void start_punctual(void)
{
	ZOO_MUST(rouse_spawn_detached(punctual));
}

static void start_blocker(void)
{
	ZOO_MUST(rouse_spawn_detached(blocker));
}

ZOO(ZOO_CURRENT_THREAD, NULL, start_punctual, start_blocker)
