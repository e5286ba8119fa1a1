/* SPDX-License-Identifier: MIT */
/*
 * The runtime is shut down, and a blocking job does not look at the flag that
 * tells it to end. The twin's job does; then there is no runtime left to look at.
 *
 * row: A18
 * finds: shutdown-hang likely
 * task: -
 * twin: ends
 */
#include "zoo.h"

static int running, stop;

static int64_t job(void *arg)
{
	(void)arg;
	__atomic_store_n(&running, 1, __ATOMIC_RELEASE);
	while (!ZOO_TWIN || !__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		zoo_block_for(10 * ROUSE_MS);
	return 0;
}

ROUSE_ASYNC(employer, int,
	struct rouse_blocking blocking;);
ROUSE_BODY(employer)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_blocking(&self->blocking, job, NULL));
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(employer));
}

static void shut_down(void)
{
	while (!__atomic_load_n(&running, __ATOMIC_ACQUIRE))
		zoo_block_for(ROUSE_MS);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	ZOO_MUST(rouse_runtime_shutdown(zoo_runtime, 3600 * ROUSE_S, NULL, NULL));
	zoo_end();
}

ZOO_THEN(ZOO_WORKERS(2), NULL, shut_down, NULL, start)
