/* SPDX-License-Identifier: MIT */
/*
 * Now and then a poll rests as a thread does, for a fifth of a second.
 *
 * row: A19
 * finds: long-polls likely
 * task: blocker
 * alone: where CPUs are short, long polls are the machine's
 * core: weaker, how long threads waited for a CPU is not in it
 * companions: blocked-worker
 */
#include "zoo.h"

ROUSE_ASYNC(blocker, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(blocker)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 500 * ROUSE_MS)); /* fault */
		zoo_block_for((ZOO_TWIN ? 1 : 200) * ROUSE_MS);
	}
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(blocker));
}

ZOO(ZOO_WORKERS(2), NULL, start)
