/* SPDX-License-Identifier: MIT */
/* A runtime to make objects on, whose tasks never run, and a way to act as one task or another. */
#ifndef TEST_IN_RUNTIME_H
#define TEST_IN_RUNTIME_H

#include "counting.h"

#include <errno.h>
#include <rouse/rouse.h>

#include "sched/runtime.h"
#include "sync/leaf.h"

static struct rouse_runtime *test_runtime;
static struct rouse_guard test_guard;

static inline int enter_runtime(void **state)
{
	(void)state;
	int rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true, .level = 2), &test_runtime);

	if (!rc)
		test_guard = rouse_enter(test_runtime);
	return rc;
}

static inline int leave_runtime(void **state)
{
	(void)state;
	rouse_leave(&test_guard);
	rouse_runtime_free(test_runtime);
	return 0;
}

static struct rouse_task test_tasks[8];

enum { FIRST_ID = 1000 };

/* From here on this thread polls task number n, whose id is FIRST_ID + n. */
static inline void as_task(int n)
{
	test_tasks[n].id = FIRST_ID + (uint64_t)n;
	rs_self.task = &test_tasks[n];
}

static inline void as_nobody(void)
{
	rs_self.task = NULL;
}

static inline int start_as_nobody(void **state)
{
	(void)state;
	as_nobody();
	return 0;
}

/* Polls with an empty budget: the operation must not happen, and the task must have been asked to come again. */
static inline void assert_yields_without_budget(struct rouse_future *future)
{
	struct counting counting = { 0 };
	struct rouse_context cx = counting_context(&counting);

	cx.task = &test_tasks[0];
	cx.worker = &test_runtime->workers[0];
	assert_false(rouse_future_poll(future, &cx).ready);
	assert_int_equal(counting.wakes, 1);
	assert_int_equal(counting.refs, 0);
}

#define T(NAME) cmocka_unit_test_setup(NAME, start_as_nobody)

#endif
