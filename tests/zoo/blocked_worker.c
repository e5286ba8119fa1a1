/* SPDX-License-Identifier: MIT */
/*
 * A poll rests as a thread does, and its worker with it. The twin has a thread
 * of the blocking pool do that.
 *
 * row: A19
 * finds: blocked-worker likely
 * task: blocker
 * root: blocked in clock_nanosleep
 */
#include "zoo.h"

static int64_t rest(void *arg)
{
	(void)arg;
	zoo_block_for(ZOO_TWIN ? 300 * ROUSE_MS : 3600 * ROUSE_S);
	return 0;
}

ROUSE_ASYNC(blocker, int,
	union { struct rouse_sleep sleep; struct rouse_blocking blocking; };);
ROUSE_BODY(blocker)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 50 * ROUSE_MS)); /* fault */
		if (ZOO_TWIN)
			ROUSE_AWAIT_ONLY(rouse_blocking(&self->blocking, rest, NULL));
		else
			(void)rest(NULL);
	}
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(blocker));
}

ZOO(ZOO_WORKERS(2), NULL, start)
