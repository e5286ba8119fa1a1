/* SPDX-License-Identifier: MIT */
/*
 * What a task's cell says about it (wakes, busy and waiting time), and what
 * keeps tasks fair to each other: the budget, the moving start of a select.
 */
#include "test.h"

#include "base/clock.h"
#include "task/cell.h"

#include <rouse/rouse.h>
#include <string.h>

static struct rouse_runtime *runtime;

static int start(void **state)
{
	(void)state;
	return rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true, .level = 1 + 1), &runtime);
}

static int stop(void **state)
{
	(void)state;
	rouse_runtime_free(runtime);
	return 0;
}

/* ------------------------------------------------------------------ counts */

ROUSE_ASYNC(yields, int, int n, i; struct rouse_yield yield;);
ROUSE_BODY(yields)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < self->n; self->i++)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_END;
}

ROUSE_ASYNC(joins, int, struct rouse_task *task; struct rouse_join join; int64_t rc;);
ROUSE_BODY(joins)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->task, NULL));
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

/* Runs a task to its end; the handle that is kept keeps its cell. */
static void run(struct rouse_task *task)
{
	assert_non_null(task);
	assert_int_equal(rouse_block_on(runtime, NULL, joins, .task = rouse_task_ref(task)), 0);
}

static void a_wake_while_it_runs_is_counted_once(void **state)
{
	(void)state;
	struct rouse_task *task = rouse_spawn_on(runtime, yields, .n = 5);

	run(task);
	assert_int_equal(task->polls, 6);
	assert_int_equal(task->wakes, 5);
	assert_int_equal(task->self_wakes, 5);
	rouse_task_detach(task);
}

/* -------------------------------------------------------------------- time */

ROUSE_ASYNC(works, int, uint64_t ticks, until;);
ROUSE_BODY(works)
{
	ROUSE_BEGIN;
	self->until = rs_ticks() + self->ticks;
	while (rs_ticks() < self->until)
		;
	ROUSE_END;
}

static void busy_time_is_that_of_its_polls(void **state)
{
	(void)state;
	uint64_t before = rs_ticks(), ticks = rs_ns_to_ticks(ROUSE_MS);
	struct rouse_task *task = rouse_spawn_on(runtime, works, .ticks = ticks);

	run(task);
	assert_in_range(task->busy_ticks, ticks, rs_ticks() - before);
	rouse_task_detach(task);
}

static void scheduled_time_counts_from_the_first_wake(void **state)
{
	(void)state;
	uint64_t before = rs_ticks(), ticks = rs_ns_to_ticks(ROUSE_MS);
	struct rouse_task *ahead = rouse_spawn_on(runtime, works, .ticks = ticks);
	struct rouse_task *behind = rouse_spawn_on(runtime, yields, .n = 0);

	run(ahead);
	run(behind);
	assert_in_range(behind->scheduled_ticks, ticks, rs_ticks() - before);
	rouse_task_detach(ahead);
	rouse_task_detach(behind);
}

/* ---------------------------------------------------------------- fairness */

static bool other_ran;

ROUSE_ASYNC(runs, int, ROUSE_NO_FIELDS);
ROUSE_BODY(runs)
{
	ROUSE_BEGIN;
	other_ran = true;
	ROUSE_END;
}

/* Its semaphore always has a permit: without the budget it would never let go. */
ROUSE_ASYNC(never_waits, int, struct rouse_semaphore *semaphore; struct rouse_semaphore_acquire acquire;);
ROUSE_BODY(never_waits)
{
	ROUSE_BEGIN;
	self->semaphore = rouse_semaphore_new("permits", 1);
	rouse_spawn_detached(runs);
	while (!other_ran) {
		ROUSE_AWAIT_ONLY(rouse_semaphore_acquire(&self->acquire, self->semaphore, 1));
		rouse_semaphore_release(self->semaphore, 1);
	}
	ROUSE_FINALLY: rouse_semaphore_free(self->semaphore);
	ROUSE_END;
}

static void what_is_always_ready_yields_in_the_end(void **state)
{
	(void)state;
	other_ran = false;
	assert_int_equal(rouse_block_on(runtime, NULL, never_waits), 0);
	assert_true(other_ran);
}

struct ready_now {
	struct rouse_future future;
	int64_t result;
	int polls;
};
static struct rouse_poll ready_now_poll(struct rouse_future *f, struct rouse_context *cx)
{
	(void)cx;
	((struct ready_now *)f)->polls++;
	return rouse_ready();
}
ROUSE_LEAF(ready_now, ready_now_poll, NULL);

ROUSE_ASYNC(selects, int, int i, which, won[2]; struct ready_now one, two; struct rouse_yield yield;);
ROUSE_BODY(selects)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < 8; self->i++) {
		self->one = self->two = (struct ready_now){ .future = ROUSE_FUTURE_INIT(ready_now) };
		ROUSE_SELECT(self->which, &self->one, &self->two);
		self->won[self->which]++;
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	}
	ROUSE_RETURN(self->won[0] < self->won[1] ? self->won[0] : self->won[1]);
	ROUSE_END;
}

static void a_select_of_ready_arms_starves_none(void **state)
{
	(void)state;
	int least = 0;

	assert_int_equal(rouse_block_on(runtime, &least, selects), 0);
	assert_true(least >= 2);
}

/* ------------------------------------------------------------------ panics */

static struct ready_now polled_twice;

ROUSE_ASYNC(polls_twice, int, ROUSE_NO_FIELDS);
ROUSE_BODY(polls_twice)
{
	ROUSE_BEGIN;
	polled_twice = (struct ready_now){ .future = ROUSE_FUTURE_INIT(ready_now) };
	ROUSE_ASSERT(rouse_future_poll(&polled_twice.future, cx).ready);
	(void)rouse_future_poll(&polled_twice.future, cx);
	ROUSE_END;
}

static void polling_what_has_ended_is_a_panic(void **state)
{
	(void)state;
	assert_int_equal(rouse_block_on(runtime, NULL, polls_twice), -ROUSE_EPANIC);
	assert_int_equal(polled_twice.polls, 1);
}

ROUSE_ASYNC(panics_twice, int, ROUSE_NO_FIELDS);
ROUSE_BODY(panics_twice)
{
	ROUSE_BEGIN;
	rouse_panic("the first");
	ROUSE_FINALLY: rouse_panic("the second");
	ROUSE_END;
}

ROUSE_ASYNC(joins_for_message, int, char *message; struct rouse_join join; int64_t rc;);
ROUSE_BODY(joins_for_message)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn(panics_twice), NULL));
	memcpy(self->message, self->join.message, sizeof self->join.message);
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

static void the_first_panic_is_the_one_that_is_told(void **state)
{
	(void)state;
	char message[96] = "";
	int rc = 0;

	assert_int_equal(rouse_block_on(runtime, &rc, joins_for_message, .message = message), 0);
	assert_int_equal(rc, -ROUSE_EPANIC);
	assert_string_equal(message, "the first");
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, start, stop)
TEST_MAIN(T(a_wake_while_it_runs_is_counted_once), T(busy_time_is_that_of_its_polls),
	T(scheduled_time_counts_from_the_first_wake), T(what_is_always_ready_yields_in_the_end),
	T(a_select_of_ready_arms_starves_none), T(polling_what_has_ended_is_a_panic),
	T(the_first_panic_is_the_one_that_is_told));
