/* SPDX-License-Identifier: MIT */
/* Leaf futures driven by hand: a waker that counts, and a context for it. */
#ifndef TEST_COUNTING_H
#define TEST_COUNTING_H

#include "test.h"

#include <rouse/future.h>

#include "base/atomic.h"

/* `refs` is back at 0 when every waker was consumed: nothing leaked, nothing dropped twice. */
struct counting {
	int wakes;
	int refs;
	void (*on_wake)(struct counting *counting);
	void *arg;
};

static void *counting_clone(void *data)
{
	rs_fetch_add(&((struct counting *)data)->refs, 1, RS_SEQ_CST);
	return data;
}

static void counting_wake_by_ref(void *data)
{
	struct counting *counting = data;

	rs_fetch_add(&counting->wakes, 1, RS_SEQ_CST);
	if (counting->on_wake)
		counting->on_wake(counting);
}

static void counting_drop(void *data)
{
	rs_fetch_sub(&((struct counting *)data)->refs, 1, RS_SEQ_CST);
}

static void counting_wake(void *data)
{
	counting_wake_by_ref(data);
	counting_drop(data);
}

static const struct rouse_waker_vtable counting_vtable = { counting_clone, counting_wake, counting_wake_by_ref,
	counting_drop };

static inline struct rouse_context counting_context(struct counting *counting)
{
	return (struct rouse_context){ .waker = { counting, &counting_vtable } };
}

/* Polls any future with this waker. */
static inline bool poll_with(struct rouse_future *future, struct counting *counting)
{
	struct rouse_context cx = counting_context(counting);

	return rouse_future_poll(future, &cx).ready;
}

#define assert_ready(FUTURE, COUNTING, RESULT)                                                     \
	do {                                                                                       \
		__typeof__(FUTURE) future_ = (FUTURE);                                             \
		assert_true(poll_with(&future_->future, (COUNTING)));                              \
		assert_int_equal(future_->result, (RESULT));                                       \
	} while (0)
#define assert_pending(FUTURE, COUNTING) assert_false(poll_with(&(FUTURE)->future, (COUNTING)))

#endif
