/* SPDX-License-Identifier: MIT */
/*
 * Going to sleep against being given work, over and over, from outside: a
 * push that is seen by neither side would hang. And the watchdog's arithmetic.
 */
#include "test.h"

#include "base/clock.h"
#include "sched/runtime.h"

#include <rouse/rouse.h>
#include <sched.h>
#include <string.h>
#include <stdlib.h>

enum { PAUSE_STEP = 50 }; /* ticks */

static uint32_t ran;

ROUSE_ASYNC(runs, int, ROUSE_NO_FIELDS);
ROUSE_BODY(runs)
{
	ROUSE_BEGIN;
	__atomic_fetch_add(&ran, 1, __ATOMIC_RELEASE);
	ROUSE_END;
}

static void await_runs(uint32_t n)
{
	while (__atomic_load_n(&ran, __ATOMIC_ACQUIRE) != n)
		sched_yield();
}

/*
 * The worker spins for a while, then lies down. Pushing a little earlier when
 * it had lain down already, a little later when it had not, keeps the pushes
 * at the moment between its last look and its sleep.
 */
static void no_push_is_lost_while_a_worker_lies_down(void **state)
{
	struct rouse_runtime *rt;
	uint32_t rounds = getenv("ROUSE_TEST_SLOWDOWN") ? 2000 : 40000;
	uint64_t pause = 0, parks = 0;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &rt), 0);
	ran = 0;
	for (uint32_t i = 1; i <= rounds; i++) {
		uint64_t until = rs_ticks() + pause, now_parks;

		while (rs_ticks() < until)
			;
		assert_int_equal(rouse_task_start_detached_(ROUSE_PREPARE_(rt, NULL, ROUSE_KIND_TASK, runs, .rouse_end_ = 0)), 0);
		await_runs(i);
		now_parks = rs_load(&rt->workers[0].record->counters.parks, RS_RELAXED);
		if (now_parks == parks)
			pause += PAUSE_STEP;
		else
			pause -= pause < PAUSE_STEP ? pause : PAUSE_STEP;
		parks = now_parks;
	}
	rouse_runtime_free(rt);
}

/* One poll that the watchdog looks at many times. */
ROUSE_ASYNC(stays, int, struct rouse_runtime *rt; uint64_t last, looks;);
ROUSE_BODY(stays)
{
	ROUSE_BEGIN;
	while (self->looks < 8) {
		uint64_t now = __atomic_load_n(&self->rt->page->watchdog_ticks, __ATOMIC_RELAXED);

		/* Those before the poll has become a long one do not count. */
		if (now != self->last &&
			__atomic_load_n(&self->rt->workers[0].record->counters.long_polls, __ATOMIC_RELAXED))
			self->looks++;
		self->last = now;
		sched_yield();
	}
	ROUSE_END;
}

static void a_long_poll_is_counted_once(void **state)
{
	struct rouse_runtime *rt;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1, .long_poll_ns = 2 * ROUSE_MS), &rt), 0);
	assert_int_equal(rouse_block_on(rt, NULL, stays, .rt = rt), 0);
	assert_int_equal(__atomic_load_n(&rt->workers[0].record->counters.long_polls, __ATOMIC_RELAXED), 1);
	rouse_runtime_free(rt);
}

ROUSE_ASYNC(sleeper, int, uint64_t deadline_ns; struct rouse_sleep sleep;);
ROUSE_BODY(sleeper)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep_until(&self->sleep, self->deadline_ns));
	ROUSE_END;
}

/* A worker that sleeps may not wake for timers again within an hour: the test would hang if this held for the first. */
static void a_timer_on_its_own_is_met_whatever_the_slack(void **state)
{
	struct rouse_runtime *rt;

	(void)state;
	assert_int_equal(
		rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1, .timer_slack_ns = 3600 * ROUSE_S), &rt), 0);
	assert_int_equal(rouse_block_on(rt, NULL, sleeper, .deadline_ns = rouse_now_ns() + ROUSE_MS), 0);
	rouse_runtime_free(rt);
}

enum { SLEEPERS = 32 };

/* One deadline each 2 ms, all armed before the worker can sleep. */
ROUSE_ASYNC(spawn_sleepers, int, ROUSE_NO_FIELDS);
ROUSE_BODY(spawn_sleepers)
{
	ROUSE_BEGIN;
	for (uint64_t i = 1, now = rouse_now_ns(); i <= SLEEPERS; i++)
		ROUSE_ASSERT(rouse_spawn_detached(sleeper, .deadline_ns = now + 2 * i * ROUSE_MS) == 0);
	ROUSE_END;
}

/* The first of them wakes the worker, and with it ends the wait for a second one: 100 ms. */
static uint64_t parks_for_sleepers(uint64_t slack_ns)
{
	struct rouse_runtime *rt;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1, .timer_slack_ns = slack_ns), &rt), 0);
	assert_int_equal(rouse_block_on(rt, NULL, spawn_sleepers), 0);
	assert_int_equal(rouse_block_until_idle(rt), 0);
	struct rouse_counters *c = &rt->workers[0].record->counters;
	uint64_t parks = __atomic_load_n(&c->parks, __ATOMIC_RELAXED);

	assert_int_equal(__atomic_load_n(&c->timers_fired, __ATOMIC_RELAXED), SLEEPERS);
	rouse_runtime_free(rt);
	return parks;
}

static void deadlines_within_the_slack_end_together(void **state)
{
	(void)state;
	assert_true(parks_for_sleepers(100 * ROUSE_MS) < SLEEPERS / 2);
}

enum { MEETING = 3 };
static struct {
	struct rouse_waker wakers[MEETING];
	uint32_t there, begun; /* atomic */
} meeting;

/* Leaves its waker to the thread that arms the timers, and is ready once it is woken. */
struct invitation {
	struct rouse_future future;
	int64_t result;
	bool sent;
};

static struct rouse_poll invitation_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct invitation *self = (struct invitation *)f;

	if (self->sent)
		return rouse_ready();
	self->sent = true;
	uint32_t i = rs_fetch_add(&meeting.there, 1u, RS_RELAXED);

	meeting.wakers[i] = rouse_waker_clone(&cx->waker);
	rs_fetch_add(&meeting.begun, 1u, RS_RELEASE);
	return rouse_pending();
}
ROUSE_LEAF(invitation, invitation_poll, NULL);

/* Whoever is first is busy for a while, and ends; the second holds its worker until there is a third. */
ROUSE_ASYNC(guest, int, struct invitation invitation;);
ROUSE_BODY(guest)
{
	ROUSE_BEGIN;
	self->invitation = (struct invitation){ .future = ROUSE_FUTURE_INIT(invitation) };
	ROUSE_AWAIT_ONLY(&self->invitation);
	if (rs_fetch_add(&meeting.begun, 1u, RS_ACQ_REL) == MEETING)
		for (uint64_t until = rouse_now_ns() + ROUSE_MS; rouse_now_ns() < until;)
			;
	else
		while (rs_load(&meeting.begun, RS_ACQUIRE) < 2 * MEETING)
			rs_pause();
	ROUSE_END;
}

/*
 * Timers of a thread that is no worker lie in one wheel: whoever fires them has
 * all three in its ring. False: this thread was so slow that they were not armed together.
 */
static bool meet(struct rouse_runtime *rt)
{
	struct rouse_sleep sleeps[MEETING];
	uint64_t deadline_ns = rouse_now_ns() + 5 * ROUSE_MS;
	struct rouse_guard guard = rouse_enter(rt);
	bool together = true;

	memset(&meeting, 0, sizeof meeting);
	for (int i = 0; i < MEETING; i++)
		assert_int_equal(rouse_spawn_detached(guest), 0);
	while (rs_load(&meeting.begun, RS_ACQUIRE) < MEETING)
		sched_yield();
	for (int i = 0; i < MEETING; i++) {
		struct rouse_context cx = { .waker = meeting.wakers[i] };

		if (rouse_future_poll(&rouse_sleep_until(&sleeps[i], deadline_ns)->future, &cx).ready) {
			rouse_waker_wake_by_ref(&meeting.wakers[i]);
			together = false;
		}
	}
	assert_int_equal(rouse_block_until_idle(rt), 0);
	assert_int_equal(rs_load(&meeting.begun, RS_RELAXED), 2 * MEETING);
	for (int i = 0; i < MEETING; i++) {
		rouse_future_drop(&sleeps[i].future);
		rouse_waker_drop(&meeting.wakers[i]);
	}
	rouse_leave(&guard);
	return together;
}

/* The other worker is told when the first task turns out to be slow, with stamps or without. No watchdog sees this. */
static void few_tasks_that_timers_woke_are_shared_once_one_is_slow(void **state)
{
	(void)state;
	for (int level = 1; level <= 2; level++) {
		struct rouse_runtime *rt;

		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2, .level = level,
					 .long_poll_ns = 3600 * ROUSE_S), &rt), 0);
		while (!meet(rt))
			;
		rouse_runtime_free(rt);
	}
}

/* Until the only worker has woken so often, and sleeps again: what it counts of that it has counted. */
static void await_sleep(struct rouse_runtime *rt, uint64_t parks)
{
	struct rs_worker *w = &rt->workers[0];
	uint32_t parker;

	do {
		sched_yield();
		parker = rs_load(&w->parker, RS_ACQUIRE);
	} while (rs_load(&w->record->counters.parks, RS_RELAXED) < parks ||
		 (parker != RS_PARKER_PARKED && parker != RS_PARKER_DRIVER));
}

static void wakes_for_nothing_are_counted_and_those_for_a_task_are_not(void **state)
{
	struct rouse_runtime *rt;
	struct rouse_counters *c;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &rt), 0);
	c = &rt->workers[0].record->counters;
	await_sleep(rt, 0);
	for (uint64_t i = 1; i <= 100; i++) {
		rs_notify_any(rt);
		await_sleep(rt, i);
	}
	assert_int_equal(rs_load(&c->empty_wakes, RS_RELAXED), rs_load(&c->parks, RS_RELAXED));
	for (uint32_t i = 1; i <= 10; i++) {
		struct rouse_guard guard = rouse_enter(rt);

		ran = 0;
		assert_int_equal(rouse_spawn_detached(runs), 0);
		rouse_leave(&guard);
		await_runs(1);
		await_sleep(rt, 100 + i);
		assert_int_equal(rs_load(&c->empty_wakes, RS_RELAXED) + i, rs_load(&c->parks, RS_RELAXED));
	}
	rouse_runtime_free(rt);
}

static void a_wake_for_a_timer_is_not_for_nothing(void **state)
{
	struct rouse_runtime *rt;
	struct rouse_counters *c;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &rt), 0);
	c = &rt->workers[0].record->counters;
	for (int i = 0; i < 20; i++) { /* given to a worker that sleeps: one that is about to may be told too late */
		await_sleep(rt, 0);
		assert_int_equal(rouse_block_on(rt, NULL, sleeper, .deadline_ns = rouse_now_ns() + ROUSE_MS), 0);
	}
	await_sleep(rt, 1);
	assert_true(rs_load(&c->timers_fired, RS_RELAXED) > 0);
	assert_int_equal(rs_load(&c->empty_wakes, RS_RELAXED), 0);
	rouse_runtime_free(rt);
}

TEST_MAIN(cmocka_unit_test(wakes_for_nothing_are_counted_and_those_for_a_task_are_not),
	cmocka_unit_test(a_wake_for_a_timer_is_not_for_nothing), cmocka_unit_test(no_push_is_lost_while_a_worker_lies_down),
	cmocka_unit_test(a_long_poll_is_counted_once),
	cmocka_unit_test(a_timer_on_its_own_is_met_whatever_the_slack),
	cmocka_unit_test(deadlines_within_the_slack_end_together),
	cmocka_unit_test(few_tasks_that_timers_woke_are_shared_once_one_is_slow));
