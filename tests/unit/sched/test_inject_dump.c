/* SPDX-License-Identifier: MIT */
/* A global queue with two tasks in order and two just in, broken in every way that has a name. */
#include "test.h"

#include "dumped.h"
#include "sched/inject.h"

enum { N = 5 };

static struct rs_inject inject;
static struct rouse_task tasks[N];
static uint64_t depth;

static void push(uint32_t i)
{
	tasks[i] = (struct rouse_task){ .id = 16 + i, .state = ROUSE_NOTIFIED };
	rs_inject_push_any(&inject, (struct rs_batch){ &tasks[i], &tasks[i], 1 });
}

static int fill(void **state)
{
	(void)state;
	inject = (struct rs_inject){ .depth = &depth };
	depth = 0;
	for (uint32_t i = 0; i < 3; i++)
		push(i);
	(void)rs_inject_pop_any(&inject, 1); /* task 0 goes; 1 and 2 are in order now */
	push(3);
	push(4);
	return 0;
}
#define T(NAME) cmocka_unit_test_setup(NAME, fill)

static void print(void *what, FILE *out)
{
	rs_inject_dump_any(what, out);
}

static void what_push_and_pop_leave_is_valid(void **state)
{
	(void)state;
	assert_null(rs_inject_validate_any(&inject));
	assert_dumped(print, &inject,
		"global queue: 4 tasks\n"
		"  oldest first: task 17: notified wakers 0 handles 0 stamp 0\n"
		"  oldest first: task 18: notified wakers 0 handles 0 stamp 0\n"
		"  newest first: task 20: notified wakers 0 handles 0 stamp 0\n"
		"  newest first: task 19: notified wakers 0 handles 0 stamp 0\n");
	while (rs_inject_pop_any(&inject, 1).n)
		assert_null(rs_inject_validate_any(&inject));
	assert_int_equal(depth, 0);
}

static void a_gauge_that_is_not_true_is_named(void **state)
{
	(void)state;
	depth = 5;
	assert_string_equal(rs_inject_validate_any(&inject), "fewer tasks than the gauge says");
	depth = 3;
	assert_string_equal(rs_inject_validate_any(&inject), "more tasks than the gauge says, or a circle");
}

static void a_circle_is_named_and_not_walked_for_ever(void **state)
{
	(void)state;
	tasks[2].link = &tasks[1];
	assert_string_equal(rs_inject_validate_any(&inject), "more tasks than the gauge says, or a circle");
	assert_dump_has(print, &inject, "global queue: 4 tasks\n");
	tasks[2].link = NULL;
	tasks[3].link = &tasks[4];
	assert_string_equal(rs_inject_validate_any(&inject), "more tasks than the gauge says, or a circle");
}

static void a_lost_end_is_named(void **state)
{
	(void)state;
	inject.last = &tasks[1];
	assert_string_equal(rs_inject_validate_any(&inject), "the last task is not the end of the chain");
	inject.first = NULL;
	assert_string_equal(rs_inject_validate_any(&inject), "the last task is not the end of the chain");
}

static void a_task_that_has_no_business_here_is_named(void **state)
{
	(void)state;
	tasks[4].state = 0;
	assert_string_equal(rs_inject_validate_any(&inject), "a queued task that is not scheduled (INV-1)");
	tasks[1].id = 0;
	assert_string_equal(rs_inject_validate_any(&inject), "a task that was freed while queued");
}

TEST_MAIN(T(what_push_and_pop_leave_is_valid), T(a_gauge_that_is_not_true_is_named),
	T(a_circle_is_named_and_not_walked_for_ever), T(a_lost_end_is_named),
	T(a_task_that_has_no_business_here_is_named));
