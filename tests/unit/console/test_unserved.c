/* SPDX-License-Identifier: MIT */
/* What is there and not given, held and not given back, taken the wrong way round, or backed up. */
#include "test.h"

#include "waits.h"

#include <string.h>

static void expect(struct play *play, enum cn_finding_code code, enum cn_class class, uint64_t task)
{
	const struct cn_finding *f = play_out(play, code);

	assert_non_null(f);
	assert_int_equal(f->class, class);
	if (task)
		assert_int_equal(f->tasks[0], task);
}

/* -------------------------------------------------------------- lost wakes */

static void one_waiter(struct play *play, uint32_t op, struct thing thing)
{
	thing.serial = 50;
	play->actors[0] = (struct actor){ .id = 20, .waits = { { .op = op, .on = 50, .arg = 2 } } };
	play->things[0] = thing;
}

static void what_is_there_with_its_waiter_asleep_is_proven(void **state)
{
	static const struct {
		uint32_t op;
		struct thing thing;
	} cases[] = {
		{ ROUSE_OP_LOCK, { .kind = ROUSE_RESOURCE_MUTEX, .flags = ROUSE_RESOURCE_OWNED, .value = 1 } },
		{ ROUSE_OP_ACQUIRE, { .kind = ROUSE_RESOURCE_SEMAPHORE, .value = 2, .capacity = 4 } },
		{ ROUSE_OP_NOTIFIED, { .kind = ROUSE_RESOURCE_NOTIFY, .value = 1 } },
		{ ROUSE_OP_ONESHOT_RECV, { .kind = ROUSE_RESOURCE_ONESHOT, .value = 1, .side_a = 1 } },
		{ ROUSE_OP_ONESHOT_RECV, { .kind = ROUSE_RESOURCE_ONESHOT, .side_a = 0 } },
		{ ROUSE_OP_RECV,
			{ .kind = ROUSE_RESOURCE_MPSC, .value = 3, .capacity = 4, .side_a = 1, .last_a = 20 } },
		{ ROUSE_OP_SEND, { .kind = ROUSE_RESOURCE_MPSC, .value = 3, .capacity = 4, .side_a = 1 } },
		{ ROUSE_OP_BLOCKING, { .kind = ROUSE_RESOURCE_BLOCKING_JOB, .value = 2 } },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct play *play = *state;

		one_waiter(play, cases[i].op, cases[i].thing);
		expect(play, CN_FINDING_LOST_WAKE, CN_PROVEN, 20);
		assert_int_equal(play_finding(play, CN_FINDING_LOST_WAKE)->resource, 50);
		assert_int_equal(play_finding(play, CN_FINDING_LOST_WAKE)->line, 200);
		play_end(state);
		play_begin(state);
	}
}

static void what_is_not_there_is_waited_for(void **state)
{
	static const struct {
		uint32_t op;
		struct thing thing;
	} cases[] = {
		{ ROUSE_OP_LOCK,
			{ .kind = ROUSE_RESOURCE_MUTEX, .flags = ROUSE_RESOURCE_OWNED, .owner = CN_THREAD_ID | 7 } },
		{ ROUSE_OP_ACQUIRE, { .kind = ROUSE_RESOURCE_SEMAPHORE, .value = 1, .capacity = 4 } },
		{ ROUSE_OP_NOTIFIED, { .kind = ROUSE_RESOURCE_NOTIFY } },
		{ ROUSE_OP_ONESHOT_RECV, { .kind = ROUSE_RESOURCE_ONESHOT, .side_a = 1 } },
		{ ROUSE_OP_RECV, { .kind = ROUSE_RESOURCE_MPSC, .capacity = 4, .side_a = 1 } },
		{ ROUSE_OP_SEND, { .kind = ROUSE_RESOURCE_MPSC, .value = 4, .capacity = 4, .side_a = 1 } },
		{ ROUSE_OP_BLOCKING, { .kind = ROUSE_RESOURCE_BLOCKING_JOB, .value = 1 } },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct play *play = *state;

		one_waiter(play, cases[i].op, cases[i].thing);
		play_look(play, 6);
		assert_null(play_finding(play, CN_FINDING_LOST_WAKE));
		play_end(state);
		play_begin(state);
	}
}

/* Of two things that it waits for, the second is there. */
static void what_is_there_for_one_arm_is_found(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20,
		.waits = { { .op = ROUSE_OP_NOTIFIED, .on = 51 }, { .op = ROUSE_OP_ACQUIRE, .on = 50, .arg = 2 } } };
	play->things[0] =
		(struct thing){ .serial = 50, .kind = ROUSE_RESOURCE_SEMAPHORE, .value = 2, .capacity = 4 };
	play->things[1] = (struct thing){ .serial = 51, .kind = ROUSE_RESOURCE_NOTIFY };
	expect(play, CN_FINDING_LOST_WAKE, CN_PROVEN, 20);
}

/* It waits for something that may still come, but nothing could wake it. */
static void a_waiter_without_a_waker_is_found(void **state)
{
	struct play *play = *state;

	one_waiter(play, ROUSE_OP_NOTIFIED, (struct thing){ .kind = ROUSE_RESOURCE_NOTIFY });
	play->actors[0].wakers = 1; /* none */
	play_look(play, 4);
	assert_true(play_finding(play, CN_FINDING_NEVER_REGISTERED) || play_finding(play, CN_FINDING_DROPPED_WAKER));
}

static void a_joiner_of_an_ended_task_should_have_been_woken(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { { .op = ROUSE_OP_JOIN, .on = 21 } } };
	play->actors[1] = (struct actor){ .id = 21, .state = ROUSE_TASK_COMPLETE };
	expect(play, CN_FINDING_LOST_WAKE, CN_PROVEN, 20);
}

/* Two permits are free; the longest waiter wants three. */
static void permits_lie_there_for_who_wants_more(void **state)
{
	struct play *play = *state;

	one_waiter(
		play, ROUSE_OP_ACQUIRE, (struct thing){ .kind = ROUSE_RESOURCE_SEMAPHORE, .value = 2, .capacity = 4 });
	play->actors[1] = (struct actor){ .id = 21, .waits = { { .op = ROUSE_OP_ACQUIRE, .on = 50, .arg = 3 } } };
	play_look(play, 6);
	assert_null(play_finding(play, CN_FINDING_LOST_WAKE));
}

/* Somebody has been given it, and only has to run. */
static void a_grant_on_its_way_is_no_lost_wake(void **state)
{
	struct play *play = *state;

	one_waiter(play, ROUSE_OP_SEND,
		(struct thing){ .kind = ROUSE_RESOURCE_MPSC, .value = 3, .capacity = 4, .side_a = 1 });
	play->actors[1] = (struct actor){
		.id = 21, .state = ROUSE_TASK_SCHEDULED, .waits = { { .op = ROUSE_OP_SEND, .on = 50, .granted = true } }
	};
	play_look(play, 6);
	assert_null(play_finding(play, CN_FINDING_LOST_WAKE));
}

static void a_waiter_in_somebodys_hand_is_incomplete(void **state)
{
	struct play *play = *state;

	one_waiter(play, ROUSE_OP_NOTIFIED, (struct thing){ .kind = ROUSE_RESOURCE_NOTIFY, .value = 1 });
	play->in_transit = 20;
	expect(play, CN_FINDING_LOST_WAKE, CN_INCOMPLETE, 20);
}

static void a_look_that_was_not_whole_proves_nothing(void **state)
{
	struct play *play = *state;

	one_waiter(play, ROUSE_OP_NOTIFIED, (struct thing){ .kind = ROUSE_RESOURCE_NOTIFY, .value = 1 });
	play->incomplete = true;
	expect(play, CN_FINDING_LOST_WAKE, CN_INCOMPLETE, 20);
}

static void a_value_that_has_just_come_proves_nothing(void **state)
{
	struct play *play = *state;

	one_waiter(play, ROUSE_OP_RECV, (struct thing){ .kind = ROUSE_RESOURCE_MPSC, .capacity = 4, .side_a = 1 });
	play_look(play, 3);
	play->things[0].value = 1;
	play_look(play, 1);
	assert_null(play_finding(play, CN_FINDING_LOST_WAKE));
}

/* ------------------------------------------------------------------ permits */

static struct thing semaphore_of(uint64_t holder, uint32_t flags)
{
	return (struct thing){ .serial = 50,
		.kind = ROUSE_RESOURCE_SEMAPHORE,
		.flags = flags,
		.value = 1,
		.capacity = 3,
		.side_b = 9,
		.last_b = 7,
		.holders = { { holder, 2, 1 * S } } };
}

static void permits_of_an_ended_task_are_leaked(void **state)
{
	struct play *play = *state;

	play->things[0] = semaphore_of(99, ROUSE_RESOURCE_OWNED);
	expect(play, CN_FINDING_PERMIT_LEAK, CN_PROVEN, 0);
	assert_int_equal(play_finding(play, CN_FINDING_PERMIT_LEAK)->owner, 99);
	assert_non_null(strstr(play_finding(play, CN_FINDING_PERMIT_LEAK)->evidence, "2 of 3 permits"));
}

static void of_a_semaphore_that_anybody_may_release_they_are_likely(void **state)
{
	struct play *play = *state;

	play->things[0] = semaphore_of(99, 0);
	expect(play, CN_FINDING_PERMIT_LEAK, CN_LIKELY, 0);
}

static void permits_of_the_living_are_not(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { { .op = ROUSE_OP_SLEEP } } };
	play->things[0] = semaphore_of(20, ROUSE_RESOURCE_OWNED);
	play_look(play, 4);
	assert_null(play_finding(play, CN_FINDING_PERMIT_LEAK));
	play->things[0] = semaphore_of(CN_THREAD_ID | 7, ROUSE_RESOURCE_OWNED);
	play_look(play, 4);
	assert_null(play_finding(play, CN_FINDING_PERMIT_LEAK));
}

static void permits_that_are_not_accounted_for_say_nothing(void **state)
{
	struct play *play = *state;

	play->things[0] = semaphore_of(99, ROUSE_RESOURCE_UNTRACKED);
	play_look(play, 4);
	assert_null(play_finding(play, CN_FINDING_PERMIT_LEAK));
	play->things[0] = semaphore_of(99, 0);
	play->things[0].last_b = 0; /* a counter, perhaps */
	play_look(play, 4);
	assert_null(play_finding(play, CN_FINDING_PERMIT_LEAK));
}

/* --------------------------------------------------------------- futurelock */

static void handed_mutex(struct play *play)
{
	play->actors[0] = (struct actor){ .id = 20, .edge_ns = 50 * S, .waits = { { .op = ROUSE_OP_SLEEP } } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { { .op = ROUSE_OP_LOCK, .on = 50 } } };
	play->things[0] = (struct thing){ .serial = 50,
		.kind = ROUSE_RESOURCE_MUTEX,
		.flags = ROUSE_RESOURCE_OWNED | ROUSE_RESOURCE_HANDED,
		.owner = 20,
		.since_ns = 40 * S };
}

static void a_lock_that_its_owner_never_looked_at_is_likely(void **state)
{
	struct play *play = *state;

	handed_mutex(play);
	expect(play, CN_FINDING_FUTURELOCK, CN_LIKELY, 20);
	assert_int_equal(play_finding(play, CN_FINDING_FUTURELOCK)->resource, 50);
}

static void a_lock_that_has_just_been_handed_over_is_none(void **state)
{
	struct play *play = *state;

	handed_mutex(play);
	play->actors[0].edge_ns = 30 * S; /* not polled since */
	play_look(play, 4);
	assert_null(play_finding(play, CN_FINDING_FUTURELOCK));
	play->actors[0].edge_ns = 50 * S;
	play->things[0].flags = ROUSE_RESOURCE_OWNED; /* it has looked, and holds it */
	play_look(play, 4);
	assert_null(play_finding(play, CN_FINDING_FUTURELOCK));
}

static void who_waits_for_the_lock_that_its_other_future_has_is_proven(void **state)
{
	struct play *play = *state;

	handed_mutex(play);
	play->actors[0].waits[0] = (struct wait){ .op = ROUSE_OP_LOCK, .on = 50 };
	expect(play, CN_FINDING_FUTURELOCK, CN_PROVEN, 20);
}

/* Its next poll looks at both futures. */
static void who_waits_for_it_beside_that_other_future_is_not(void **state)
{
	struct play *play = *state;

	handed_mutex(play);
	play->actors[0].waits[0] = (struct wait){ .op = ROUSE_OP_LOCK, .on = 50 };
	play->actors[0].waits[1] = (struct wait){ .op = ROUSE_OP_LOCK, .on = 50, .granted = true };
	expect(play, CN_FINDING_FUTURELOCK, CN_LIKELY, 20);
}

/* ------------------------------------------------------------- lost wakers */

static void lost_waker(struct play *play)
{
	play->actors[0] = (struct actor){ .id = 20, .waits = { { .op = ROUSE_OP_CUSTOM, .granted = true } } };
	play->found[0] = (struct found){ .id = 20 };
	play->wanted = true;
}

static void a_waker_that_stands_nowhere_is_leaked(void **state)
{
	struct play *play = *state;

	lost_waker(play);
	play_look(play, 8);
	assert_non_null(play_finding(play, CN_FINDING_LEAKED_WAKER));
	assert_int_equal(play_finding(play, CN_FINDING_LEAKED_WAKER)->class, CN_LIKELY);
	assert_int_equal(play_finding(play, CN_FINDING_LEAKED_WAKER)->tasks[0], 20);
}

static void a_waker_that_stands_somewhere_is_not(void **state)
{
	struct play *play = *state;

	lost_waker(play);
	play->found[0] = (struct found){ .id = 20, .places = { { 0, 1 } }, .n = 1 };
	play_look(play, 8);
	assert_null(play_finding(play, CN_FINDING_LEAKED_WAKER));
	lost_waker(play);
	play->actors[0].stamp = 9;
	play->found[0] = (struct found){ .id = 20, .places = { { 33, 1 } }, .n = 1 }; /* another task's frame */
	play_look(play, 8);
	assert_null(play_finding(play, CN_FINDING_LEAKED_WAKER));
}

static void a_waker_given_to_something_known_is_not_searched_for(void **state)
{
	struct play *play = *state;

	lost_waker(play);
	play->actors[0].waits[0] = (struct wait){ .op = ROUSE_OP_NOTIFIED, .on = 50 };
	play->things[0] = (struct thing){ .serial = 50, .kind = ROUSE_RESOURCE_NOTIFY };
	play_look(play, 8);
	assert_false(play_wants(play, 20));
}

/* ------------------------------------------------------------------- orders */

#define HELD(SERIAL, OWNER, SINCE)                                                                                     \
	{                                                                                                              \
		.serial = (SERIAL), .kind = ROUSE_RESOURCE_MUTEX, .flags = ROUSE_RESOURCE_OWNED, .owner = (OWNER),     \
		.since_ns = (SINCE)                                                                                    \
	}
#define FREE(SERIAL)                                                                                                   \
	{                                                                                                              \
		.serial = (SERIAL), .kind = ROUSE_RESOURCE_MUTEX, .flags = ROUSE_RESOURCE_OWNED, .value = 1            \
	}

static void asleep(struct play *play)
{
	for (uint64_t i = 0; i < 2; i++)
		play->actors[i] = (struct actor){ .id = 20 + i, .waits = { { .op = ROUSE_OP_SLEEP } } };
}

static void locks(struct play *play, struct thing a, struct thing b, int looks)
{
	play->things[0] = a;
	play->things[1] = b;
	play_look(play, looks);
}

static void two_orders_by_two_tasks_are_likely(void **state)
{
	struct play *play = *state;

	asleep(play);
	locks(play, (struct thing)HELD(50, 20, 10 * S), (struct thing)HELD(51, 20, 20 * S), 3);
	assert_null(play_finding(play, CN_FINDING_LOCK_ORDER));
	locks(play, (struct thing)HELD(50, 21, 40 * S), (struct thing)HELD(51, 21, 30 * S), 3);
	assert_non_null(play_finding(play, CN_FINDING_LOCK_ORDER));
	assert_int_equal(play_finding(play, CN_FINDING_LOCK_ORDER)->class, CN_LIKELY);
	assert_int_equal(play_finding(play, CN_FINDING_LOCK_ORDER)->n_tasks, 2);
}

static void one_order_is_none(void **state)
{
	struct play *play = *state;

	asleep(play);
	locks(play, (struct thing)HELD(50, 20, 10 * S), (struct thing)HELD(51, 20, 20 * S), 3);
	locks(play, (struct thing)HELD(50, 21, 30 * S), (struct thing)HELD(51, 21, 40 * S), 3);
	assert_null(play_finding(play, CN_FINDING_LOCK_ORDER));
}

/* Taken in one poll: both have its edge as their stamp. */
static void equal_stamps_have_no_order(void **state)
{
	struct play *play = *state;

	asleep(play);
	locks(play, (struct thing)HELD(50, 20, 20 * S), (struct thing)HELD(51, 20, 10 * S), 3);
	locks(play, (struct thing)HELD(50, 21, 30 * S), (struct thing)HELD(51, 21, 30 * S), 3);
	assert_null(play_finding(play, CN_FINDING_LOCK_ORDER));
}

static void one_task_alone_meets_nobody(void **state)
{
	struct play *play = *state;

	asleep(play);
	locks(play, (struct thing)HELD(50, 20, 10 * S), (struct thing)HELD(51, 20, 20 * S), 3);
	locks(play, (struct thing)HELD(50, 20, 40 * S), (struct thing)HELD(51, 20, 30 * S), 3);
	assert_null(play_finding(play, CN_FINDING_LOCK_ORDER));
}

static void a_third_lock_keeps_them_apart(void **state)
{
	struct play *play = *state;

	asleep(play);
	play->things[2] = (struct thing)HELD(52, 20, 5 * S);
	locks(play, (struct thing)HELD(50, 20, 10 * S), (struct thing)HELD(51, 20, 20 * S), 3);
	play->things[2] = (struct thing)HELD(52, 21, 25 * S);
	locks(play, (struct thing)HELD(50, 21, 40 * S), (struct thing)HELD(51, 21, 30 * S), 3);
	assert_null(play_finding(play, CN_FINDING_LOCK_ORDER));
}

/* The record may show a new owner with an old time, once. */
static void an_owner_seen_once_has_no_order(void **state)
{
	struct play *play = *state;

	asleep(play);
	locks(play, (struct thing)HELD(50, 20, 10 * S), (struct thing)HELD(51, 20, 20 * S), 3);
	locks(play, (struct thing)HELD(50, 21, 40 * S), (struct thing)HELD(51, 21, 30 * S), 1);
	locks(play, (struct thing)FREE(50), (struct thing)FREE(51), 3);
	assert_null(play_finding(play, CN_FINDING_LOCK_ORDER));
}

/* They have met: that is a ring, and told as such. */
static void who_waits_for_each_other_is_in_no_danger_of_it(void **state)
{
	struct play *play = *state;

	asleep(play);
	play->actors[0].waits[0] = (struct wait){ .op = ROUSE_OP_LOCK, .on = 51, .since_ns = 60 * S };
	play->actors[1].waits[0] = (struct wait){ .op = ROUSE_OP_LOCK, .on = 50, .since_ns = 60 * S };
	locks(play, (struct thing)HELD(50, 20, 50 * S), (struct thing)HELD(51, 21, 50 * S), 4);
	assert_non_null(play_finding(play, CN_FINDING_WAIT_CYCLE));
	assert_null(play_finding(play, CN_FINDING_LOCK_ORDER));
}

/* One was aborted, and the other seen to wait for a moment more: what was told as a ring is over, and not told anew. */
static void nor_when_the_ring_that_was_told_is_over(void **state)
{
	struct play *play = *state;

	asleep(play);
	play->actors[0].waits[0] = (struct wait){ .op = ROUSE_OP_LOCK, .on = 51, .since_ns = 60 * S };
	play->actors[1].waits[0] = (struct wait){ .op = ROUSE_OP_LOCK, .on = 50, .since_ns = 60 * S };
	locks(play, (struct thing)HELD(50, 20, 50 * S), (struct thing)HELD(51, 21, 50 * S), 4);
	play->actors[0] = (struct actor){ .id = 20, .stamp = 9, .waits = { { .op = ROUSE_OP_SLEEP } } };
	play_look(play, 1);
	assert_null(play_finding(play, CN_FINDING_LOCK_ORDER));
	play->actors[1] = (struct actor){ .id = 21, .stamp = 9, .waits = { { .op = ROUSE_OP_SLEEP } } };
	locks(play, (struct thing)FREE(50), (struct thing)FREE(51), 3);
	assert_null(play_finding(play, CN_FINDING_LOCK_ORDER));
}

/* They have met, but too briefly for a ring to be told: the danger is. */
static void but_a_ring_that_was_not_told_leaves_its_orders(void **state)
{
	struct play *play = *state;

	asleep(play);
	play->actors[0].waits[0] = (struct wait){ .op = ROUSE_OP_LOCK, .on = 51, .since_ns = 60 * S };
	play->actors[1].waits[0] = (struct wait){ .op = ROUSE_OP_LOCK, .on = 50, .since_ns = 60 * S };
	locks(play, (struct thing)HELD(50, 20, 50 * S), (struct thing)HELD(51, 21, 50 * S), 1);
	assert_null(play_finding(play, CN_FINDING_WAIT_CYCLE));
	play->actors[0] = (struct actor){ .id = 20, .stamp = 9, .waits = { { .op = ROUSE_OP_SLEEP } } };
	play_look(play, 1);
	assert_non_null(play_finding(play, CN_FINDING_LOCK_ORDER));
}

static void waiting_for_one_while_holding_the_other_is_an_order(void **state)
{
	struct play *play = *state;

	asleep(play);
	locks(play, (struct thing)HELD(50, 20, 10 * S), (struct thing)HELD(51, 20, 20 * S), 3);
	play->actors[1].waits[0] = (struct wait){ .op = ROUSE_OP_LOCK, .on = 50, .since_ns = 60 * S };
	play->actors[1].stamp = 7;
	locks(play, (struct thing)HELD(50, 20, 55 * S), (struct thing)HELD(51, 21, 50 * S), 1);
	assert_non_null(play_finding(play, CN_FINDING_LOCK_ORDER));
}

/* ----------------------------------------------------------- back-pressure */

static struct thing full(uint64_t serial, uint64_t receiver)
{
	return (struct thing){ .serial = serial,
		.kind = ROUSE_RESOURCE_MPSC,
		.value = 4,
		.capacity = 4,
		.side_a = 1,
		.side_b = 1,
		.last_b = receiver };
}

static void the_first_consumer_that_does_not_send_is_named(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { { .op = ROUSE_OP_SEND, .on = 50 } } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { { .op = ROUSE_OP_SEND, .on = 51 } } };
	play->actors[2] = (struct actor){ .id = 22, .waits = { { .op = ROUSE_OP_SLEEP } } };
	play->things[0] = full(50, 21);
	play->things[1] = full(51, 22);
	expect(play, CN_FINDING_BACK_PRESSURE, CN_LIKELY, 22);
	assert_int_equal(play_finding(play, CN_FINDING_BACK_PRESSURE)->resource, 51);
	assert_int_equal(play_finding(play, CN_FINDING_BACK_PRESSURE)->line, 220);
	assert_int_equal(cn_findings_count(play->findings), 1); /* once, however many wait */
}

static void a_sender_that_has_just_begun_to_wait_is_none(void **state)
{
	struct play *play = *state;

	play->actors[0] =
		(struct actor){ .id = 20, .waits = { { .op = ROUSE_OP_SEND, .on = 50, .since_ns = 102 * S } } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { { .op = ROUSE_OP_SLEEP } } };
	play->things[0] = full(50, 21);
	play_look(play, 4); /* at 103 s it has waited for a second */
	assert_null(play_finding(play, CN_FINDING_BACK_PRESSURE));
	play_look(play, 2);
	assert_non_null(play_finding(play, CN_FINDING_BACK_PRESSURE));
	assert_int_equal(play_finding(play, CN_FINDING_BACK_PRESSURE)->class, CN_SUSPECT);
	play_look(play, 8); /* ten seconds: surely */
	assert_int_equal(play_finding(play, CN_FINDING_BACK_PRESSURE)->class, CN_LIKELY);
}

#define T(name) cmocka_unit_test_setup_teardown(name, play_begin, play_end)
TEST_MAIN(T(what_is_there_with_its_waiter_asleep_is_proven), T(what_is_not_there_is_waited_for),
	T(what_is_there_for_one_arm_is_found), T(a_waiter_without_a_waker_is_found),
	T(a_joiner_of_an_ended_task_should_have_been_woken), T(permits_lie_there_for_who_wants_more),
	T(a_grant_on_its_way_is_no_lost_wake), T(a_waiter_in_somebodys_hand_is_incomplete),
	T(a_look_that_was_not_whole_proves_nothing), T(a_value_that_has_just_come_proves_nothing),
	T(permits_of_an_ended_task_are_leaked), T(of_a_semaphore_that_anybody_may_release_they_are_likely),
	T(permits_of_the_living_are_not), T(permits_that_are_not_accounted_for_say_nothing),
	T(a_lock_that_its_owner_never_looked_at_is_likely), T(a_lock_that_has_just_been_handed_over_is_none),
	T(who_waits_for_the_lock_that_its_other_future_has_is_proven),
	T(who_waits_for_it_beside_that_other_future_is_not), T(a_waker_that_stands_nowhere_is_leaked),
	T(a_waker_that_stands_somewhere_is_not), T(a_waker_given_to_something_known_is_not_searched_for),
	T(two_orders_by_two_tasks_are_likely), T(one_order_is_none), T(equal_stamps_have_no_order),
	T(one_task_alone_meets_nobody), T(a_third_lock_keeps_them_apart), T(an_owner_seen_once_has_no_order),
	T(who_waits_for_each_other_is_in_no_danger_of_it), T(nor_when_the_ring_that_was_told_is_over),
	T(but_a_ring_that_was_not_told_leaves_its_orders), T(waiting_for_one_while_holding_the_other_is_an_order),
	T(the_first_consumer_that_does_not_send_is_named), T(a_sender_that_has_just_begun_to_wait_is_none));
