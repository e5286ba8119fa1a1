/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical timer wheel, one per worker (and one for foreign threads).
 * Under its own lock, so that a drop may come from another thread; usually
 * uncontended. `next_deadline` is published for the parking code.
 */
#ifndef RS_TIME_WHEEL_H
#define RS_TIME_WHEEL_H

#include "task/wait.h"

struct rs_wheel;

/* `record`: where next_deadline is published and timers are counted; `resource`: of kind TIMERS, value = armed. */
int rs_wheel_new(struct rouse_worker_record *record, struct rs_resource *resource, uint64_t now_ns,
	struct rs_wheel **ret_wheel);
void rs_wheel_free(struct rs_wheel *wheel);

/* The earliest moment at which rs_wheel_fire() has something to do; UINT64_MAX = never. Any thread, no lock. */
uint64_t rs_wheel_next(const struct rs_wheel *wheel);
/* Wakes everything due at now_ns. Any thread. Returns how many fired. */
uint32_t rs_wheel_fire(struct rs_wheel *wheel, uint64_t now_ns);

/*
 * What the scheduler provides to the sleep future: the wheel for a timer made
 * on this thread (its worker's, or the runtime's foreign one; NULL: no runtime
 * here), and a call after an insertion made rs_wheel_next() earlier, so that a
 * sleeping driver can be told (nothing to do on a running worker).
 */
struct rs_wheel *rs_wheel_current(struct rouse_context *cx);
void rs_wheel_earlier(struct rs_wheel *wheel, struct rouse_context *cx);

#endif
