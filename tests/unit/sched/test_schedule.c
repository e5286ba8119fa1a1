/* SPDX-License-Identifier: MIT */
/* What a scheduler must not do: starve, strand work behind a stuck worker, leave the reactor alone. */
#include "test.h"

#include <rouse/rouse.h>
#include <unistd.h>

static int flag, other_flag;

static int reset(void **state)
{
	(void)state;
	flag = other_flag = 0;
	return 0;
}

static bool is_set(int *what)
{
	return __atomic_load_n(what, __ATOMIC_ACQUIRE);
}
static void set(int *what)
{
	__atomic_store_n(what, 1, __ATOMIC_RELEASE);
}

ROUSE_ASYNC(sets, int, int *what;);
ROUSE_BODY(sets)
{
	ROUSE_BEGIN;
	set(self->what);
	ROUSE_END;
}

/* Spawns into its own LIFO slot, then does not let go of its worker until that child has run. */
ROUSE_ASYNC(stuck_with_child, int, ROUSE_NO_FIELDS);
ROUSE_BODY(stuck_with_child)
{
	ROUSE_BEGIN;
	rouse_spawn_detached(sets, .what = &flag);
	while (!is_set(&flag))
		usleep(200);
	ROUSE_END;
}

static void task_behind_a_stuck_worker_is_rescued(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2, .long_poll_ns = 2 * ROUSE_MS), &runtime), 0);
	assert_int_equal(rouse_block_on(runtime, NULL, stuck_with_child), 0);
	rouse_runtime_free(runtime);
}

/* The same for a timer: it is in the stuck worker's wheel. */
ROUSE_ASYNC(sleeps_then_sets, int, struct rouse_sleep sleep;);
ROUSE_BODY(sleeps_then_sets)
{
	ROUSE_BEGIN;
	set(&other_flag);
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 5 * ROUSE_MS));
	set(&flag);
	ROUSE_END;
}
ROUSE_ASYNC(stuck_with_timer, int, struct rouse_yield yield;);
ROUSE_BODY(stuck_with_timer)
{
	ROUSE_BEGIN;
	rouse_spawn_detached(sleeps_then_sets);
	while (!is_set(&other_flag))
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	while (!is_set(&flag))
		usleep(200);
	ROUSE_END;
}

static void timer_of_a_stuck_worker_fires(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2, .long_poll_ns = 2 * ROUSE_MS), &runtime), 0);
	assert_int_equal(rouse_block_on(runtime, NULL, stuck_with_timer), 0);
	rouse_runtime_free(runtime);
}

/* Two tasks that wake each other through the LIFO slot, for ever, until a third has had its turn. */
ROUSE_ASYNC(ping, int, struct rouse_notify *mine, *theirs; struct rouse_notified wait;);
ROUSE_BODY(ping)
{
	ROUSE_BEGIN;
	while (!is_set(&flag)) {
		rouse_notify_one(self->theirs);
		ROUSE_AWAIT_ONLY(rouse_notified(&self->wait, self->mine));
	}
	rouse_notify_one(self->theirs);
	ROUSE_END;
}
ROUSE_ASYNC(ping_pong_beside_others, int, struct rouse_notify *a, *b; struct rouse_task *one, *two; struct rouse_join join;);
ROUSE_BODY(ping_pong_beside_others)
{
	ROUSE_BEGIN;
	self->a = rouse_notify_new("a");
	self->b = rouse_notify_new("b");
	self->one = rouse_spawn(ping, .mine = self->a, .theirs = self->b);
	self->two = rouse_spawn(ping, .mine = self->b, .theirs = self->a);
	ROUSE_AWAIT_ONLY(rouse_join(&self->join, rouse_spawn(sets, .what = &flag), NULL));
	ROUSE_AWAIT_ONLY(rouse_join(&self->join, self->one, NULL));
	ROUSE_AWAIT_ONLY(rouse_join(&self->join, self->two, NULL));
	ROUSE_FINALLY:
	rouse_notify_free(self->a);
	rouse_notify_free(self->b);
	ROUSE_END;
}

static void lifo_ping_pong_does_not_starve_the_ring(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &runtime), 0);
	assert_int_equal(rouse_block_on(runtime, NULL, ping_pong_beside_others), 0);
	rouse_runtime_free(runtime);
}

/* A worker that always has something in its ring still serves the global queue and its timers. */
ROUSE_ASYNC(yields_until, int, struct rouse_yield yield;);
ROUSE_BODY(yields_until)
{
	ROUSE_BEGIN;
	while (!is_set(&flag))
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_END;
}

static void busy_worker_serves_the_global_queue(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &runtime), 0);
	for (int i = 0; i < 3; i++)
		rouse_task_detach(rouse_spawn_on(runtime, yields_until));
	rouse_task_detach(rouse_spawn_on(runtime, sets, .what = &flag));
	assert_int_equal(rouse_block_until_idle(runtime), 0);
	rouse_runtime_free(runtime);
}

static void busy_worker_serves_its_timers(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;

	for (int level = 1; level <= 3; level++) {
		reset(NULL);
		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1, .level = level), &runtime), 0);
		rouse_task_detach(rouse_spawn_on(runtime, sleeps_then_sets));
		rouse_task_detach(rouse_spawn_on(runtime, yields_until));
		assert_int_equal(rouse_block_until_idle(runtime), 0);
		rouse_runtime_free(runtime);
	}
}

/* More tasks than a ring holds, spawned by one poll: nothing is lost on the way over the global queue. */
ROUSE_ASYNC(counts, int, int *n;);
ROUSE_BODY(counts)
{
	ROUSE_BEGIN;
	__atomic_fetch_add(self->n, 1, __ATOMIC_RELAXED);
	ROUSE_END;
}
ROUSE_ASYNC(floods, int, int *n; int i;);
ROUSE_BODY(floods)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < 5000; self->i++)
		rouse_spawn_detached(counts, .n = self->n);
	ROUSE_END;
}

static void overflowing_a_ring_loses_nothing(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;

	for (uint32_t workers = 1; workers <= 4; workers++) {
		int n = 0;

		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = workers), &runtime), 0);
		rouse_task_detach(rouse_spawn_on(runtime, floods, .n = &n));
		assert_int_equal(rouse_block_until_idle(runtime), 0);
		assert_int_equal(__atomic_load_n(&n, __ATOMIC_RELAXED), 5000);
		rouse_runtime_free(runtime);
	}
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, reset)
TEST_MAIN(TEST(task_behind_a_stuck_worker_is_rescued), TEST(timer_of_a_stuck_worker_fires),
	TEST(lifo_ping_pong_does_not_starve_the_ring), TEST(busy_worker_serves_the_global_queue),
	TEST(busy_worker_serves_its_timers), TEST(overflowing_a_ring_loses_nothing));
