/* SPDX-License-Identifier: MIT */
/*
 * Waiting: how a leaf future keeps its waker with a resource, and how the
 * resource hands something to the longest waiter. Lists are guarded by the
 * resource's lock; wakers are called after it is dropped.
 *
 *   register (poll)        grant (resource)             cancel (drop)
 *   IDLE -> WAITING        WAITING -> GRANTED           WAITING -> IDLE
 *                          unlinked, waker taken out    unlinked, waker dropped
 *                                                       GRANTED: the caller gives the thing back
 *
 * A WAITING node holds one waker reference of its task. Between grant and
 * wake the task is in no list and no queue: this thread's in_transit word
 * says so (set by rs_wait_grant_locked, cleared by rs_wake_granted).
 */
#ifndef RS_TASK_WAIT_H
#define RS_TASK_WAIT_H

#include <stdio.h>

#include "task/resource.h"

struct rs_waitlist {
	struct rouse_wait *head; /* longest waiter */
	struct rouse_wait *tail;
};

/* Prepares a node (state IDLE). Part of every leaf future's constructor. */
void rs_wait_init(struct rouse_wait *wait, enum rouse_op op);

/*
 * Appends the node, or, if it is WAITING already, only sees to it that it
 * holds this context's waker (another task may poll the future now). Owner of
 * the future, with the list's lock held. `serial`: what readers shall see.
 */
void rs_wait_register_locked(struct rs_waitlist *list, struct rouse_wait *wait, struct rouse_context *cx,
	uint64_t serial);
/* The same for a resource with room for one waiter and no list. */
void rs_wait_register_single_locked(struct rouse_wait *wait, struct rouse_context *cx, uint64_t serial);

/* Takes the node out, marks it GRANTED, answers its waker: to be passed to rs_wake_granted() after unlocking. */
struct rouse_waker rs_wait_grant_locked(struct rs_waitlist *list, struct rouse_wait *wait);
struct rouse_waker rs_wait_grant_single_locked(struct rouse_wait *wait);
/* Wakes a granted waiter. `source` says who for last_waker when no task runs here (enum rouse_wake_source). */
void rs_wake_granted(struct rouse_waker *waker, enum rouse_wake_source source);

/*
 * Takes a WAITING node out on drop: true; the waker is then to be passed to
 * rouse_waker_drop() after unlocking (*ret_waker). False: it was not WAITING.
 */
bool rs_wait_cancel_locked(struct rs_waitlist *list, struct rouse_wait *wait, struct rouse_waker *ret_waker);
bool rs_wait_cancel_single_locked(struct rouse_wait *wait, struct rouse_waker *ret_waker);

/* NULL, or what is wrong with a list of waiters for `serial` (wait_dump.c). */
const char *rs_waitlist_validate_locked(const struct rs_waitlist *list, uint64_t serial);
void rs_waitlist_dump_locked(const struct rs_waitlist *list, FILE *out);

static inline enum rouse_wait_state rs_wait_state(const struct rouse_wait *wait)
{
	return (enum rouse_wait_state)rs_load(&wait->state, RS_ACQUIRE);
}

/* Many to wake at once: collect under the lock, wake outside, 32 at a time. */
struct rs_wake_batch {
	uint32_t n;
	struct rouse_waker wakers[32];
};
static inline bool rs_wake_batch_full(const struct rs_wake_batch *batch)
{
	return batch->n == 32;
}
static inline void rs_wake_batch_add(struct rs_wake_batch *batch, struct rouse_waker waker)
{
	batch->wakers[batch->n++] = waker;
}
void rs_wake_batch_flush(struct rs_wake_batch *batch, enum rouse_wake_source source);

/*
 * Cooperation: each leaf operation that could be ready for ever spends one
 * unit. False: the budget of this poll is used up, the task has been asked to
 * run again; answer PENDING.
 */
bool rs_coop_spend(struct rouse_context *cx);

#endif
