/* SPDX-License-Identifier: MIT */
/*
 * The global queue: where foreign threads put tasks, and full rings overflow.
 *
 * Pushing is lock-free: a chain is put on top of the `incoming` stack by one
 * compare-and-swap. Popping takes a try-lock, turns what came in into first-in
 * order behind what is there, and takes a batch from the front. All that stays
 * is takeable by the next worker; a worker that fails the try-lock goes on
 * searching, because the lock's holder is just making work for it.
 *
 * I1  push (release) pairs with the take-all exchange (acquire).
 */
#ifndef RS_SCHED_INJECT_H
#define RS_SCHED_INJECT_H

#include "base/lock.h"
#include "sched/queue.h"

struct rs_inject {
	struct rouse_task *incoming; /* newest first; atomic */
	uint64_t pad0[7];
	struct rs_lock lock;
	struct rouse_task *first, *last; /* oldest first; under the lock */
	uint64_t *depth;                 /* a gauge, in the page */
};

void rs_inject_push_any(struct rs_inject *inject, struct rs_batch batch);
/* Takes at most `max` of the oldest. n = 0: empty, or another worker is at it. */
struct rs_batch rs_inject_pop_any(struct rs_inject *inject, uint32_t max);
/*
 * Whether there is something. False although something was pushed before means
 * that another worker has it in its hands: it will notify for what it leaves.
 */
bool rs_inject_maybe_any(const struct rs_inject *inject);

/* NULL, or what is wrong (inject_dump.c). Any thread; while somebody pushes, the gauge may lag. */
const char *rs_inject_validate_any(struct rs_inject *inject);
void rs_inject_dump_any(struct rs_inject *inject, FILE *out);

#endif
