/* SPDX-License-Identifier: MIT */
/*
 * A task computes, and has to share its CPU with threads that do nothing else:
 * most of what its polls take, they wait. The twin has no such threads.
 *
 * row: A22
 * finds: cpu-wait likely
 * task: computer
 * kernel: sched
 * alone: it takes a CPU from others
 * core: no, the kernel is asked while it runs
 */
#include <pthread.h>
#include <sched.h>

#include "zoo.h"

enum { HOGS = 4 };

static void *hog(void *arg)
{
	(void)arg;
	for (;;)
		zoo_burn_for(ROUSE_S);
	return NULL;
}

/* On the only worker: it stays where it is, and those that it starts stay there too. */
static void share_cpu(void)
{
	pthread_t thread;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	ZOO_MUST(sched_setaffinity(0, sizeof one, &one));
	for (int i = 0; !ZOO_TWIN && i < HOGS; i++)
		ZOO_MUST(-pthread_create(&thread, NULL, hog, NULL));
}

ROUSE_ASYNC(computer, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(computer)
{
	ROUSE_BEGIN;
	share_cpu();
	for (;;) {
		zoo_burn_for((ZOO_TWIN ? 2 : 20) * ROUSE_MS);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 5 * ROUSE_MS));
	}
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(computer)); /* fault */
}

ZOO(ZOO_WORKERS(1), NULL, start)
