/* SPDX-License-Identifier: MIT */
/*
 * One worker is busy with a full queue, and the other sleeps: whoever pushes
 * believes that somebody is searching. The word that says so is made to lie
 * (internals of the runtime), for by itself it shares. A timer would wake the
 * sleeper: nothing healthy may be around.
 *
 * row: A27
 * finds: imbalance likely
 * task: piece
 * looks: 24
 * healthy: 0
 * line: at once
 * core: no, rates are seen from look to look
 */
#include "sched/runtime.h"
#include "zoo.h"

ROUSE_ASYNC(piece, int,
	struct rouse_yield yield;);
ROUSE_BODY(piece)
{
	ROUSE_BEGIN;
	for (;;) {
		zoo_block_for(5 * ROUSE_MS);
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	}
	ROUSE_END;
}

ROUSE_ASYNC(divider, int, ROUSE_NO_FIELDS);
ROUSE_BODY(divider)
{
	ROUSE_BEGIN;
	for (int i = 0; i < 64; i++)
		ZOO_MUST(rouse_spawn_detached(piece)); /* fault */
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void nothing(void)
{
}

static void divide(void)
{
	while (rs_load(&zoo_runtime->idle.sleepers, RS_ACQUIRE) < zoo_runtime->n_workers ||
		rs_load(&zoo_runtime->idle.searching, RS_ACQUIRE))
		zoo_block_for(ROUSE_MS);
	if (!ZOO_TWIN)
		rs_fetch_add(&zoo_runtime->idle.searching, 1u, RS_ACQ_REL);
	ZOO_MUST(rouse_spawn_detached(divider));
	if (!ZOO_TWIN)
		rs_notify_any(zoo_runtime);
}

/* A poll that the machine makes long would have the watchdog send the sleeper to help. */
ZOO_THEN(ROUSE_RUNTIME_OPTS(.workers = 2, .long_poll_ns = 10 * ROUSE_S), NULL, NULL, divide, nothing)
