/* SPDX-License-Identifier: MIT */
/* What waits behind user code that does not end is run by others; and stamps that a change of level must not mix. */
#include "test.h"

#include <errno.h>
#include <rouse/rouse.h>

#include "sched/runtime.h"

static int done;

static bool is_set(void *flag)
{
	return __atomic_load_n((int *)flag, __ATOMIC_ACQUIRE);
}

static struct rouse_runtime *two_workers(uint64_t long_poll_ns)
{
	struct rouse_runtime *runtime;

	done = 0;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2, .long_poll_ns = long_poll_ns), &runtime), 0);
	return runtime;
}

ROUSE_ASYNC(sets, int, ROUSE_NO_FIELDS);
ROUSE_BODY(sets)
{
	ROUSE_BEGIN;
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	ROUSE_END;
}

/* ---- a FINALLY part that waits for the task in its own worker's LIFO slot */
ROUSE_ASYNC(waits_in_finally, int, bool panic; bool *ret_seen; struct rouse_sleep sleep;);
ROUSE_BODY(waits_in_finally)
{
	ROUSE_BEGIN;
	if (self->panic)
		rouse_panic("as told");
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 3600 * ROUSE_S));
	ROUSE_FINALLY:
	(void)rouse_spawn_detached(sets);
	*self->ret_seen = rs_self.worker->record->current_task == rouse_task_id(rouse_task_current());
	(void)test_eventually(is_set, &done);
	ROUSE_END;
}

static void a_long_finally_is_seen_and_does_not_hold_its_workers_tasks(void **state)
{
	(void)state;
	for (int panic = 0; panic < 2; panic++) {
		struct rouse_runtime *runtime = two_workers(ROUSE_MS);
		bool seen = false;
		struct rouse_task *task = rouse_spawn_on(runtime, waits_in_finally, .panic = panic, .ret_seen = &seen);

		if (!panic)
			rouse_task_abort(task);
		rouse_task_detach(task);
		assert_int_equal(rouse_block_until_idle(runtime), 0);
		assert_true(done);
		assert_true(seen);
		rouse_runtime_free(runtime);
	}
}

/* ---- one timer falls due while the LIFO slot is taken: its task lies in the ring behind that one */
static struct rouse_poll once_poll(struct rouse_future *f, struct rouse_context *cx);
struct once {
	struct rouse_future future;
	int64_t result;
	struct rouse_waker waker;
};
ROUSE_LEAF(once, once_poll, NULL);

static struct rouse_waker sleeper; /* a reference to the task that waits */
static int pending;

static struct rouse_poll once_poll(struct rouse_future *f, struct rouse_context *cx)
{
	(void)f;
	if (pending)
		return rouse_ready();
	sleeper = rouse_waker_clone(&cx->waker);
	__atomic_store_n(&pending, 1, __ATOMIC_RELEASE);
	return rouse_pending();
}

ROUSE_ASYNC(sets_when_woken, int, struct once once;);
ROUSE_BODY(sets_when_woken)
{
	ROUSE_BEGIN;
	self->once.future.type = &once_rouse_type;
	ROUSE_AWAIT_ONLY(&self->once);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	ROUSE_END;
}

ROUSE_ASYNC(waits_for_it, bool, ROUSE_NO_FIELDS);
ROUSE_BODY(waits_for_it)
{
	ROUSE_BEGIN;
	ROUSE_RETURN(test_eventually(is_set, &done));
	ROUSE_END;
}

/* Arms a timer on the sleeper's behalf and lets it pass; what it spawns then lies in the LIFO slot. */
ROUSE_ASYNC(lets_a_timer_pass, bool, bool ran; int64_t rc; struct rouse_sleep sleep; struct rouse_join join;);
ROUSE_BODY(lets_a_timer_pass)
{
	ROUSE_BEGIN;
	struct rouse_context on_behalf = *cx;
	const uint64_t until = rouse_now_ns() + 2 * ROUSE_MS;

	on_behalf.waker = sleeper;
	on_behalf.task = NULL;
	(void)rouse_future_poll(&rouse_sleep_until(&self->sleep, until)->future, &on_behalf);
	while (rouse_now_ns() <= until)
		;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn(waits_for_it), &self->ran));
	ROUSE_RETURN(self->ran);
	ROUSE_FINALLY:
	rouse_future_drop(&self->sleep.future);
	ROUSE_END;
}

/* No watchdog to the rescue here. */
static void a_timers_task_behind_the_lifo_slot_is_announced(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = two_workers(3600 * ROUSE_S);
	bool ran = false;

	pending = 0;
	rouse_task_detach(rouse_spawn_on(runtime, sets_when_woken));
	assert_true(test_eventually(is_set, &pending));
	assert_int_equal(rouse_block_on(runtime, &ran, lets_a_timer_pass), 0);
	assert_true(ran);
	rouse_waker_drop(&sleeper);
	rouse_runtime_free(runtime);
}

/* -------------------------------------------------------------------- level */
ROUSE_ASYNC(changes_level, int, struct rouse_runtime *runtime; uint64_t before; struct rouse_yield yield;);
ROUSE_BODY(changes_level)
{
	ROUSE_BEGIN;
	rouse_runtime_set_level(self->runtime, 0);
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield)); /* stamped: the worker notices at its next turn */
	self->before = rouse_task_current()->scheduled_ticks;
	const uint64_t until = rs_ticks() + rs_ns_to_ticks(ROUSE_MS);

	while (rs_ticks() < until)
		;
	rouse_runtime_set_level(self->runtime, 1);
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield)); /* not stamped, but by now it counts */
	ROUSE_RETURN(rouse_task_current()->scheduled_ticks - self->before < rs_ns_to_ticks(ROUSE_MS));
	ROUSE_END;
}

static void a_level_that_rises_finds_no_old_stamps(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;
	int fresh = 0;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true, .level = 2), &runtime), 0);
	assert_int_equal(rouse_block_on(runtime, &fresh, changes_level, .runtime = runtime), 0);
	assert_true(fresh);
	rouse_runtime_free(runtime);
}

/* --------------------------------------------------------------------- errno */
ROUSE_ASYNC(takes_one, int, int argument;);
ROUSE_BODY(takes_one)
{
	ROUSE_BEGIN;
	ROUSE_END;
}

static int spoils_errno(void)
{
	errno = EBADF;
	return 1;
}

static void why_a_spawn_failed_survives_its_arguments(void **state)
{
	(void)state;
	assert_null(rouse_spawn(takes_one, .argument = spoils_errno()));
	assert_int_equal(errno, ROUSE_ENORUNTIME);
}

TEST_MAIN(cmocka_unit_test(a_long_finally_is_seen_and_does_not_hold_its_workers_tasks),
	cmocka_unit_test(a_timers_task_behind_the_lifo_slot_is_announced),
	cmocka_unit_test(a_level_that_rises_finds_no_old_stamps), cmocka_unit_test(why_a_spawn_failed_survives_its_arguments));
