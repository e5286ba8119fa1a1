/* SPDX-License-Identifier: MIT */
/*
 * A thread in rouse_block_on() is a worker that would sleep else: which thread
 * polls, what it leaves behind, and what the worker's own thread does meanwhile.
 */
#include "test.h"

#include "base/clock.h"
#include "sched/runtime.h"

#include <pthread.h>
#include <rouse/rouse.h>
#include <sched.h>
#include <unistd.h>

static struct rouse_runtime *rt;

/* Two workers of which one sleeps in the driver, and one where it can be lent. */
static uint32_t await_lendable(void)
{
	for (;;) {
		for (uint32_t i = 0; i < rt->n_workers; i++)
			if (rs_load(&rt->workers[i].parker, RS_ACQUIRE) == RS_PARKER_PARKED &&
				rs_load(&rt->idle.sleepers, RS_ACQUIRE) == rt->n_workers &&
				rs_load(&rt->idle.loans[i], RS_ACQUIRE) == RS_LOAN_NONE)
				return i;
		sched_yield();
	}
}

static int two_workers(void **state)
{
	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2, .long_poll_ns = 2 * ROUSE_MS), &rt), 0);
	return 0;
}

static int ended(void **state)
{
	(void)state;
	assert_null(rs_idle_validate_any(&rt->idle));
	rouse_runtime_free(rt);
	return 0;
}

ROUSE_ASYNC(says_thread, int, uint32_t *named;);
ROUSE_BODY(says_thread)
{
	ROUSE_BEGIN;
	*self->named = rs_load(&rs_self.worker->record->tid, RS_RELAXED);
	ROUSE_RETURN((int)gettid());
	ROUSE_END;
}

static void the_caller_polls_and_is_named_meanwhile(void **state)
{
	uint32_t i = await_lendable(), own = rs_load(&rt->workers[i].record->tid, RS_RELAXED), named = 0;
	uint64_t stack = rs_load(&rt->workers[i].record->stack, RS_RELAXED);
	uint64_t parks = rs_load(&rt->workers[i].record->counters.parks, RS_RELAXED);
	int tid = 0;

	(void)state;
	assert_int_equal(rouse_block_on(rt, &tid, says_thread, .named = &named), 0);
	assert_int_equal(tid, gettid());
	assert_int_equal(named, gettid());
	assert_null(rs_self.worker);
	assert_null(rs_self.runtime);
	/* All is as it was: its own thread has slept through it. */
	assert_int_equal(rs_load(&rt->workers[i].record->tid, RS_RELAXED), own);
	assert_int_equal(rs_load(&rt->workers[i].record->stack, RS_RELAXED), stack);
	assert_int_equal(rs_load(&rt->workers[i].record->state, RS_RELAXED), ROUSE_WORKER_PARKED);
	assert_int_equal(rs_load(&rt->workers[i].record->counters.parks, RS_RELAXED), parks);
	assert_int_equal(rs_load(&rt->workers[i].record->counters.polls, RS_RELAXED), 1);
}

/* ------------------------------------------------------- what is left behind */

static uint32_t children;

ROUSE_ASYNC(child, int, ROUSE_NO_FIELDS);
ROUSE_BODY(child)
{
	ROUSE_BEGIN;
	__atomic_fetch_add(&children, 1, __ATOMIC_RELEASE);
	ROUSE_END;
}

ROUSE_ASYNC(leaves_a_child, int, ROUSE_NO_FIELDS);
ROUSE_BODY(leaves_a_child)
{
	ROUSE_BEGIN;
	ROUSE_RETURN(rouse_spawn_detached(child));
	ROUSE_END;
}

/* In the LIFO slot, from which nobody else takes it: a hang if it is not handed over. */
static void a_child_that_is_left_runs(void **state)
{
	(void)state;
	children = 0;
	(void)await_lendable();
	assert_int_equal(rouse_block_on(rt, NULL, leaves_a_child), 0);
	while (!__atomic_load_n(&children, __ATOMIC_ACQUIRE))
		sched_yield();
}

ROUSE_ASYNC(sleeper, int, struct rouse_sleep sleep;);
ROUSE_BODY(sleeper)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_MS));
	ROUSE_END;
}

/* Its wheel's own thread sleeps without a deadline: a hang if it is not told. Nor is that a wake-up in vain. */
static void a_deadline_that_is_left_is_met(void **state)
{
	uint64_t vain = 0;

	(void)state;
	for (int n = 0; n < 8; n++) {
		(void)await_lendable();
		assert_int_equal(rouse_block_on(rt, NULL, sleeper), 0);
	}
	for (uint32_t i = 0; i < 2; i++)
		vain += rs_load(&rt->workers[i].record->counters.empty_wakes, RS_RELAXED);
	assert_int_equal(vain, 0);
}

/* --------------------------------------------- the worker's own thread wakes */

ROUSE_ASYNC(holds, int, uint32_t *go;);
ROUSE_BODY(holds)
{
	ROUSE_BEGIN;
	while (!__atomic_load_n(self->go, __ATOMIC_ACQUIRE))
		sched_yield();
	ROUSE_END;
}

ROUSE_ASYNC(yields, int, uint32_t *go; struct rouse_yield yield;);
ROUSE_BODY(yields)
{
	ROUSE_BEGIN;
	while (!__atomic_load_n(self->go, __ATOMIC_ACQUIRE))
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_END;
}

ROUSE_ASYNC(joins, int, uint32_t *go; int64_t rc; struct rouse_join join;);
ROUSE_BODY(joins)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn(yields, .go = self->go), NULL));
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

struct blocked {
	pthread_t thread;
	uint32_t go;
	int rc;
};

#define BLOCK(FUNCTION)                                                                            \
	static void *block_on_##FUNCTION(void *arg)                                                \
	{                                                                                          \
		struct blocked *b = arg;                                                           \
		b->rc = rouse_block_on(rt, NULL, FUNCTION, .go = &b->go);                          \
		return NULL;                                                                       \
	}
BLOCK(holds)
BLOCK(yields)
BLOCK(joins)

static void finish(struct blocked *b)
{
	__atomic_store_n(&b->go, 1, __ATOMIC_RELEASE);
	pthread_join(b->thread, NULL);
	assert_int_equal(b->rc, 0);
}

static void await_loan(uint32_t worker, enum rs_loan loan)
{
	while (rs_load(&rt->idle.loans[worker], RS_ACQUIRE) != loan)
		sched_yield();
}

/* Lent, and in a poll. */
static void await_poll(uint32_t worker)
{
	while (!rs_load(&rt->workers[worker].record->current_task, RS_ACQUIRE))
		sched_yield();
	assert_int_equal(rs_load(&rt->idle.loans[worker], RS_ACQUIRE), RS_LOAN_LENT);
}

static void its_own_thread_waits_for_the_worker(void **state)
{
	struct blocked b = { .rc = -1 };
	uint32_t i = await_lendable();

	(void)state;
	assert_int_equal(pthread_create(&b.thread, NULL, block_on_holds, &b), 0);
	await_loan(i, RS_LOAN_LENT);
	rs_worker_unpark(&rt->workers[i]);
	await_loan(i, RS_LOAN_AWAITED);
	assert_null(rs_idle_validate_any(&rt->idle));
	finish(&b);
	(void)await_lendable(); /* it sleeps again */
	assert_int_equal(rs_load(&rt->idle.loans[i], RS_ACQUIRE), RS_LOAN_NONE);
}

/* And the one in the driver is not lent: it has events to deliver. */
static void a_push_is_for_who_is_not_lent(void **state)
{
	struct blocked b = { .rc = -1 };
	uint32_t i = await_lendable(), named;
	int tid = 0;

	(void)state;
	assert_int_equal(pthread_create(&b.thread, NULL, block_on_holds, &b), 0);
	await_loan(i, RS_LOAN_LENT);
	assert_int_equal(rouse_block_on(rt, &tid, says_thread, .named = &named), 0);
	assert_int_equal(tid, rs_load(&rt->workers[1 - i].record->tid, RS_RELAXED));
	assert_int_equal(rs_load(&rt->idle.loans[i], RS_ACQUIRE), RS_LOAN_LENT);
	finish(&b);
}

/* The other worker is stuck as well: what is pushed waits in the global queue until the loan ends, and no longer. */
static void what_is_pushed_meanwhile_runs_after(void **state)
{
	struct blocked b = { .rc = -1 }, other = { .rc = -1 };
	uint32_t i = await_lendable();

	(void)state;
	children = 0;
	assert_int_equal(pthread_create(&b.thread, NULL, block_on_holds, &b), 0);
	await_loan(i, RS_LOAN_LENT);
	assert_int_equal(pthread_create(&other.thread, NULL, block_on_holds, &other), 0);
	while (!rs_load(&rt->workers[1 - i].record->current_task, RS_ACQUIRE))
		sched_yield();
	struct rouse_guard guard = rouse_enter(rt);

	assert_int_equal(rouse_spawn_detached(child), 0);
	rouse_leave(&guard);
	finish(&b);
	while (!__atomic_load_n(&children, __ATOMIC_ACQUIRE))
		sched_yield();
	assert_int_equal(other.rc, -1); /* it was still at it */
	finish(&other);
}

/* ------------------------------------------------- a loan ends before its task */

static void its_own_thread_waits_for_one_turn(void **state)
{
	struct blocked b = { .rc = -1 };
	uint32_t i = await_lendable();

	(void)state;
	assert_int_equal(pthread_create(&b.thread, NULL, block_on_yields, &b), 0);
	await_loan(i, RS_LOAN_LENT);
	rs_worker_unpark(&rt->workers[i]);
	await_loan(i, RS_LOAN_NONE);
	finish(&b);
}

/* Both workers have something to do for ever. */
static void a_task_from_outside_is_not_kept_waiting(void **state)
{
	struct blocked b = { .rc = -1 }, other = { .rc = -1 };
	uint32_t i = await_lendable();

	(void)state;
	children = 0;
	assert_int_equal(pthread_create(&b.thread, NULL, block_on_yields, &b), 0);
	await_loan(i, RS_LOAN_LENT);
	assert_int_equal(pthread_create(&other.thread, NULL, block_on_holds, &other), 0);
	while (!rs_load(&rt->workers[1 - i].record->current_task, RS_ACQUIRE))
		sched_yield();
	struct rouse_guard guard = rouse_enter(rt);

	assert_int_equal(rouse_spawn_detached(child), 0);
	rouse_leave(&guard);
	while (!__atomic_load_n(&children, __ATOMIC_ACQUIRE))
		sched_yield();
	finish(&b);
	finish(&other);
}

/* What it joins goes on for ever, and is for the workers to poll. */
static void a_caller_is_not_kept_by_other_tasks(void **state)
{
	struct blocked b = { .rc = -1 };
	uint32_t i = await_lendable();

	(void)state;
	assert_int_equal(pthread_create(&b.thread, NULL, block_on_joins, &b), 0);
	while (rs_load(&rt->workers[i].record->counters.polls, RS_RELAXED) < 3)
		sched_yield();
	await_loan(i, RS_LOAN_NONE);
	finish(&b);
}

static void the_watchdog_sees_a_borrowers_long_poll(void **state)
{
	struct blocked b = { .rc = -1 };
	uint32_t i = await_lendable();
	struct rouse_worker_record *record = rt->workers[i].record;

	(void)state;
	assert_int_equal(pthread_create(&b.thread, NULL, block_on_holds, &b), 0);
	while (!rs_load(&record->counters.long_polls, RS_RELAXED))
		sched_yield();
	assert_int_equal(rs_load(&rt->idle.loans[i], RS_ACQUIRE), RS_LOAN_LENT);
	assert_int_not_equal(rs_load(&record->tid, RS_RELAXED), gettid());
	assert_int_equal(rs_load(&record->state, RS_RELAXED), ROUSE_WORKER_POLLING);
	finish(&b);
}

/* ---------------------------------------------------------------- the end */

static void *shut_down(void *rc)
{
	*(int *)rc = rouse_runtime_shutdown(rt, 30 * ROUSE_S, NULL, NULL);
	return NULL;
}

static void a_shutdown_waits_for_a_lent_worker(void **state)
{
	struct blocked b = { .rc = -1 };
	uint32_t i = await_lendable();
	pthread_t stopper;
	int rc = -1;

	(void)state;
	assert_int_equal(pthread_create(&b.thread, NULL, block_on_holds, &b), 0);
	await_poll(i); /* one that was not begun would be cancelled */
	assert_int_equal(pthread_create(&stopper, NULL, shut_down, &rc), 0);
	await_loan(i, RS_LOAN_AWAITED);
	assert_int_equal(rs_load(&rt->workers[i].gone, RS_ACQUIRE), 0);
	finish(&b);
	pthread_join(stopper, NULL);
	assert_int_equal(rc, 0);
	assert_int_equal(rouse_block_on(rt, NULL, child), -ROUSE_ESHUTDOWN);
}

ROUSE_ASYNC(panics, int, ROUSE_NO_FIELDS);
ROUSE_BODY(panics)
{
	ROUSE_BEGIN;
	rouse_panic("on purpose");
	ROUSE_END;
}

static void a_panic_ends_the_task_and_not_the_loan(void **state)
{
	uint32_t i = await_lendable();

	(void)state;
	assert_int_equal(rouse_block_on(rt, NULL, panics), -ROUSE_EPANIC);
	assert_null(rs_self.worker);
	assert_null(rs_self.catcher);
	assert_int_equal(rs_load(&rt->idle.loans[i], RS_ACQUIRE), RS_LOAN_NONE);
	assert_int_equal(rouse_block_on(rt, NULL, child), 0);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, two_workers, ended)
TEST_MAIN(T(the_caller_polls_and_is_named_meanwhile), T(a_child_that_is_left_runs), T(a_deadline_that_is_left_is_met),
	T(its_own_thread_waits_for_the_worker), T(a_push_is_for_who_is_not_lent), T(what_is_pushed_meanwhile_runs_after),
	T(its_own_thread_waits_for_one_turn), T(a_task_from_outside_is_not_kept_waiting),
	T(a_caller_is_not_kept_by_other_tasks), T(the_watchdog_sees_a_borrowers_long_poll), T(a_shutdown_waits_for_a_lent_worker),
	T(a_panic_ends_the_task_and_not_the_loan));
