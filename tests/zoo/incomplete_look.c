/* SPDX-License-Identifier: MIT */
/*
 * The watchdog of the runtime has stopped looking (internals of the runtime):
 * clocks and long polls are out of date, and who looks must know.
 *
 * row: A42
 * finds: incomplete-look suspect
 * task: -
 * looks: 26
 * line: at once
 * core: no, in a core nobody looks any more
 */
#include "sched/runtime.h"
#include "zoo.h"

static void nothing(void)
{
}

static void stop_watchdog(void)
{
	if (!ZOO_TWIN)
		rs_watchdog_stop(zoo_runtime);
}

ZOO_THEN(ZOO_WORKERS(2), NULL, NULL, stop_watchdog, nothing)
