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
 *
 * A sleeper's worker may be lent to a thread outside (loan.c), which is that
 * worker until it gives it back:
 *
 *   borrower                           its own thread
 *   L1  NONE -> LENT, if it sleeps     L3  awake, for whatever reason: lent?
 *   L2  works: it alone touches            LENT -> AWAITED, and waits
 *       the worker
 *   R1  -> NONE
 *   R2  look at all queues once        L4  NONE: it takes itself off the stack,
 *       more; wakes somebody               and is that worker again
 *
 * L1, L3, R1, L4 and each choice are made under the lock: so at most one thread
 * is a worker, and each finds what the other one left. A lent worker stays on
 * the stack, counted, but is not chosen. So whoever pushes meanwhile and finds
 * only lent sleepers has been under the lock before R1: R2 sees what it pushed
 * without a fence. Who pushes later sees the sleeper, for whom nothing has
 * changed since its E3.
 */
#ifndef RS_SCHED_IDLE_H
#define RS_SCHED_IDLE_H

#include <stdio.h>

#include "base/lock.h"

struct rs_worker;

enum rs_loan { RS_LOAN_NONE = 0, RS_LOAN_LENT, RS_LOAN_AWAITED };

struct rs_idle {
	uint32_t sleepers;  /* atomic; workers on the stack */
	uint32_t searching; /* atomic */
	uint32_t workers;
	struct rs_lock lock;
	uint32_t stack[64]; /* sleeping workers' indices, last in first out; under the lock */
	uint32_t loans[64]; /* enum rs_loan, by worker; futexes; written under the lock */
};

/* May this worker search? At most half of them do. On true it counts as searching. */
bool rs_idle_try_search(struct rs_idle *idle);
/* Stops searching; true if it was the last. */
bool rs_idle_end_search(struct rs_idle *idle);
/* E3. `searching`: it was. */
void rs_idle_sleep(struct rs_idle *idle, uint32_t worker, bool searching);
/*
 * L3, L4. Waits until the worker is not lent any more, and takes it off the
 * stack. False: it was chosen meanwhile, and counts as searching.
 */
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
/* Chooses a sleeper even if somebody searches; -1: nobody sleeps whose worker is not lent. */
int rs_idle_choose_any(struct rs_idle *idle);

/*
 * L1. A sleeper for whom asleep(arg, index), called under the lock, is true: between two calls of rs_idle_sleep and
 * rs_idle_cancel its thread will not touch the worker any more. -1: there is none.
 */
int rs_idle_borrow(struct rs_idle *idle, bool (*asleep)(void *arg, uint32_t worker), void *arg);
/* Whether the worker's own thread waits for it. Borrower. */
bool rs_idle_awaited(const struct rs_idle *idle, uint32_t worker);
/* R1. Borrower. */
void rs_idle_return(struct rs_idle *idle, uint32_t worker);

/* NULL, or what is wrong (idle_dump.c). Any thread, at any time. */
const char *rs_idle_validate_any(struct rs_idle *idle);
void rs_idle_dump_any(struct rs_idle *idle, FILE *out);

#endif
