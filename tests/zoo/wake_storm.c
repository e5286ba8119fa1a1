/* SPDX-License-Identifier: MIT */
/*
 * A task asks again and again whether something has come, instead of waiting
 * for it.
 *
 * row: A29
 * finds: wake-storm likely
 * task: impatient
 * alone: it burns
 * core: no, rates are seen from look to look
 */
#include "zoo.h"

static int has_come; /* it never does */

ROUSE_ASYNC(impatient, int,
	union { struct rouse_yield yield; struct rouse_sleep sleep; };);
ROUSE_BODY(impatient)
{
	ROUSE_BEGIN;
	while (!__atomic_load_n(&has_come, __ATOMIC_ACQUIRE)) {
		if (ZOO_TWIN)
			ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 10 * ROUSE_MS));
		else
			ROUSE_AWAIT_ONLY(rouse_yield(&self->yield)); /* fault */
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(impatient));
}

ZOO(ZOO_WORKERS(2), NULL, start)
