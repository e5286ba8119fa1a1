/* SPDX-License-Identifier: MIT */
/*
 * Who sleeps and who searches: an eventcount for workers.
 *
 *   push side                          park side
 *   E1  make the task visible          E3  sleepers + 1, searching - 1
 *       light fence                        heavy fence
 *   E2  load sleepers, searching       E4  look at all queues once more
 *
 * Either the pusher sees the sleeper (E2 after E3) and wakes one, or the
 * sleeper sees the task (E4 after E1): the fences forbid both to miss. The
 * push side pays two plain loads; the price is in E3 (membarrier). While a
 * worker is searching nobody needs to be woken: it will find the task, or do
 * E3 and E4 itself. A woken worker counts as searching from the moment it is
 * chosen, so that a burst of pushes wakes one, who wakes the next (INV-4).
 */
#ifndef RS_SCHED_IDLE_H
#define RS_SCHED_IDLE_H

#include <stdio.h>

#include "base/lock.h"

struct rs_worker;

struct rs_idle {
	uint32_t sleepers;  /* atomic; workers on the stack */
	uint32_t searching; /* atomic */
	uint32_t workers;
	struct rs_lock lock;
	uint32_t stack[64]; /* sleeping workers' indices, last in first out; under the lock */
};

/* May this worker search? At most half of them do. On true it counts as searching. */
bool rs_idle_try_search(struct rs_idle *idle);
/* Stops searching; true if it was the last. */
bool rs_idle_end_search(struct rs_idle *idle);
/* E3. `searching`: it was. */
void rs_idle_sleep(struct rs_idle *idle, uint32_t worker, bool searching);
/* Takes the worker off the stack. False: it was chosen meanwhile, and counts as searching. */
bool rs_idle_cancel(struct rs_idle *idle, uint32_t worker);
/* Chooses a sleeper, which counts as searching, unless somebody searches: its index, or -1. */
int rs_idle_choose_sleeper(struct rs_idle *idle);
/* E2, then, if it is needed, the same. */
static inline int rs_idle_choose(struct rs_idle *idle)
{
	rs_fence_light(); /* E2: pairs with the heavy fence of E3 */
	if (rs_load(&idle->sleepers, RS_RELAXED) == 0 || rs_load(&idle->searching, RS_RELAXED) != 0)
		return -1;
	return rs_idle_choose_sleeper(idle);
}
/* Chooses a sleeper even if somebody searches; -1: nobody sleeps. */
int rs_idle_choose_any(struct rs_idle *idle);

/* NULL, or what is wrong (idle_dump.c). Any thread, at any time. */
const char *rs_idle_validate_any(struct rs_idle *idle);
void rs_idle_dump_any(struct rs_idle *idle, FILE *out);

#endif
