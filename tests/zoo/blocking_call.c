/* SPDX-License-Identifier: MIT */
/*
 * Twenty times a second a poll rests as a thread does, for 20 ms: too short for
 * a clock to tell what it did. The twin sleeps as a task does.
 *
 * row: A19, as the kernel sees it
 * finds: blocking-call likely
 * task: napper
 * kernel: sched
 * evidence: clock_nanosleep
 * core: no, the kernel is asked while it runs
 */
#include <time.h>

#include "zoo.h"

ROUSE_ASYNC(napper, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(napper)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 30 * ROUSE_MS));
		if (ZOO_TWIN)
			ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 20 * ROUSE_MS));
		else
			nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
	}
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(napper)); /* fault */
}

ZOO(ZOO_WORKERS(2), NULL, start)
