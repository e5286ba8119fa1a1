/* SPDX-License-Identifier: MIT */
/*
 * Two jobs that do not end have both threads of the blocking pool; a third has
 * none. The twin's pool has one more.
 *
 * row: A23
 * finds: pool-exhausted likely
 * task: hog
 * root: LIKELY blocking pool exhausted
 */
#include "zoo.h"

static int running;

static int64_t endless(void *arg)
{
	(void)arg;
	__atomic_add_fetch(&running, 1, __ATOMIC_RELEASE);
	zoo_rest();
	return 0;
}

static int64_t quick(void *arg)
{
	(void)arg;
	return 0;
}

ROUSE_ASYNC(hog, int,
	struct rouse_blocking blocking;);
ROUSE_BODY(hog)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_blocking(&self->blocking, endless, NULL)); /* fault */
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(third, int,
	union { struct rouse_blocking blocking; struct rouse_sleep sleep; };);
ROUSE_BODY(third)
{
	ROUSE_BEGIN;
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) < 2)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_MS));
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_blocking(&self->blocking, quick, NULL));
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS));
	}
	ROUSE_END;
}

static void start_hog(void)
{
	ZOO_MUST(rouse_spawn_detached(hog));
}

static void start_third(void)
{
	ZOO_MUST(rouse_spawn_detached(third));
}

ZOO(ROUSE_RUNTIME_OPTS(.workers = 2, .blocking_limit = 2 + ZOO_TWIN), NULL, start_hog, start_hog, start_third)
