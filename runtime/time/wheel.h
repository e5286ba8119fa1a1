/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical timer wheel, one per worker (and one for foreign threads).
 * Under its own lock, so that a drop may come from another thread; usually
 * uncontended. `next_deadline` is published for the parking code.
 */
#ifndef RS_TIME_WHEEL_H
#define RS_TIME_WHEEL_H

#include <rouse/async.h>
#include <stdio.h>

#include "task/wait.h"

struct rs_wheel;

/*
 * `record`: where next_deadline is published and timers are counted; `resource`:
 * of kind TIMERS, value = armed, its lock is the wheel's. Both borrowed. 0 or -ENOMEM.
 */
int rs_wheel_new(struct rouse_worker_record *record, struct rs_resource *resource, uint64_t now_ns,
	struct rs_wheel **ret_wheel);
/* Sleeps that are still in it are woken and end with -ROUSE_ESHUTDOWN. NULL is fine. */
void rs_wheel_free(struct rs_wheel *wheel);

/* The earliest moment at which rs_wheel_fire() has something to do; UINT64_MAX = never. Any thread, no lock. */
uint64_t rs_wheel_next(const struct rs_wheel *wheel);
/* Wakes everything due at now_ns. Any thread. Returns how many fired. */
uint32_t rs_wheel_fire(struct rs_wheel *wheel, uint64_t now_ns);

/*
 * Puts a sleep with the deadline wait.arg in, or renews the waker of one that
 * is in already. *ret_earlier: rs_wheel_next() has become earlier. False: it
 * has fired meanwhile.
 */
bool rs_wheel_arm(struct rs_wheel *wheel, struct rouse_sleep *sleep, struct rouse_context *cx, bool *ret_earlier);
/* Takes a sleep out, if it is in. Any thread. */
void rs_wheel_disarm(struct rs_wheel *wheel, struct rouse_sleep *sleep);

/* 0, or -EINVAL: a sleep in a wrong slot, a bitmap, bound or count that is not true. */
int rs_wheel_validate(struct rs_wheel *wheel);
void rs_wheel_dump(struct rs_wheel *wheel, FILE *out);

/*
 * What the scheduler provides to the sleep future: the wheel for a timer made
 * on this thread (its worker's, or the runtime's foreign one; NULL: no runtime
 * here), and a call after an insertion made rs_wheel_next() earlier, so that a
 * sleeping driver can be told (nothing to do on a running worker).
 */
struct rs_wheel *rs_wheel_current(struct rouse_context *cx);
void rs_wheel_earlier(struct rs_wheel *wheel, struct rouse_context *cx);

#endif
