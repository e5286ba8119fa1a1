/* SPDX-License-Identifier: MIT */
/* The graph of waits beyond locks and joins: ways out, permits, channels. */
#include "test.h"

#include "waits.h"

#include <string.h>

#define LOCK(SERIAL)                                                                                                   \
	{                                                                                                              \
		.op = ROUSE_OP_LOCK, .on = (SERIAL)                                                                    \
	}
#define JOIN(TASK)                                                                                                     \
	{                                                                                                              \
		.op = ROUSE_OP_JOIN, .on = (TASK)                                                                      \
	}
#define ACQUIRE(SERIAL, N)                                                                                             \
	{                                                                                                              \
		.op = ROUSE_OP_ACQUIRE, .on = (SERIAL), .arg = (N)                                                     \
	}
#define SEND(SERIAL)                                                                                                   \
	{                                                                                                              \
		.op = ROUSE_OP_SEND, .on = (SERIAL)                                                                    \
	}
#define RECV(SERIAL)                                                                                                   \
	{                                                                                                              \
		.op = ROUSE_OP_RECV, .on = (SERIAL)                                                                    \
	}
#define SLEEP                                                                                                          \
	{                                                                                                              \
		.op = ROUSE_OP_SLEEP                                                                                   \
	}
#define MUTEX(SERIAL, OWNER)                                                                                           \
	{                                                                                                              \
		.serial = (SERIAL), .kind = ROUSE_RESOURCE_MUTEX, .flags = ROUSE_RESOURCE_OWNED, .owner = (OWNER)      \
	}

static struct thing semaphore(uint64_t serial, uint32_t flags, uint64_t capacity, uint64_t holder, uint64_t permits)
{
	return (struct thing){ .serial = serial,
		.kind = ROUSE_RESOURCE_SEMAPHORE,
		.flags = flags,
		.value = capacity - permits,
		.capacity = capacity,
		.side_b = 9,
		.last_b = 7,
		.holders = { { holder, permits, 1 * S } } };
}

static struct thing channel(uint64_t serial, uint64_t value, uint64_t last_sender, uint64_t last_receiver)
{
	return (struct thing){ .serial = serial,
		.kind = ROUSE_RESOURCE_MPSC,
		.value = value,
		.capacity = 4,
		.side_a = 1,
		.side_b = 1,
		.last_a = last_sender,
		.last_b = last_receiver };
}

/* ------------------------------------------------------------------ selects */

/* Each waits for either of two locks that the other has: no arm of any leads out. A knot. */
static void a_select_of_dead_ends_is_no_way_out(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { LOCK(51), LOCK(52) } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { LOCK(50) } };
	play->actors[2] = (struct actor){ .id = 22, .waits = { LOCK(50) } };
	play->things[0] = (struct thing)MUTEX(50, 20);
	play->things[1] = (struct thing)MUTEX(51, 21);
	play->things[2] = (struct thing)MUTEX(52, 22);
	assert_non_null(play_out(play, CN_FINDING_WAIT_CYCLE));
	assert_int_equal(play_finding(play, CN_FINDING_WAIT_CYCLE)->class, CN_PROVEN);
}

/* One of the two owners sleeps, and will unlock. */
static void a_select_with_a_living_arm_is_one(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { LOCK(51), LOCK(52) } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { LOCK(50) } };
	play->actors[2] = (struct actor){ .id = 22, .waits = { SLEEP } };
	play->things[0] = (struct thing)MUTEX(50, 20);
	play->things[1] = (struct thing)MUTEX(51, 21);
	play->things[2] = (struct thing)MUTEX(52, 22);
	assert_non_null(play_out(play, CN_FINDING_WAIT_CYCLE));
	assert_int_equal(play_finding(play, CN_FINDING_WAIT_CYCLE)->class, CN_LIKELY); /* a ring, with a way out */
}

static void all_of_several_is_dead_when_one_is(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { SLEEP, LOCK(51) }, .all = true };
	play->actors[1] = (struct actor){ .id = 21, .waits = { JOIN(20) } };
	play->things[0] = (struct thing)MUTEX(51, 21);
	assert_non_null(play_out(play, CN_FINDING_WAIT_CYCLE));
	assert_int_equal(play_finding(play, CN_FINDING_WAIT_CYCLE)->class, CN_PROVEN);
}

/* ------------------------------------------------------------------ permits */

static void ring_over_a_semaphore(struct play *play, uint32_t flags)
{
	play->actors[0] = (struct actor){ .id = 20, .waits = { ACQUIRE(50, 1) } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { LOCK(51) } };
	play->things[0] = semaphore(50, flags, 2, 21, 2);
	play->things[1] = (struct thing)MUTEX(51, 20);
}

static void permits_of_an_owned_semaphore_prove_a_ring(void **state)
{
	struct play *play = *state;

	ring_over_a_semaphore(play, ROUSE_RESOURCE_OWNED);
	assert_non_null(play_out(play, CN_FINDING_WAIT_CYCLE));
	assert_int_equal(play_finding(play, CN_FINDING_WAIT_CYCLE)->class, CN_PROVEN);
	assert_non_null(strstr(play_finding(play, CN_FINDING_WAIT_CYCLE)->evidence, "semaphore thing"));
}

static void permits_that_anybody_may_release_make_it_likely(void **state)
{
	struct play *play = *state;

	ring_over_a_semaphore(play, 0);
	assert_non_null(play_out(play, CN_FINDING_WAIT_CYCLE));
	assert_int_equal(play_finding(play, CN_FINDING_WAIT_CYCLE)->class, CN_LIKELY);
}

/* Never was a permit released by who had taken it: it may count events, or free places. */
static void a_semaphore_that_may_be_a_counter_makes_no_edge(void **state)
{
	struct play *play = *state;

	ring_over_a_semaphore(play, 0);
	play->things[0].last_b = 0;
	assert_null(play_out(play, CN_FINDING_WAIT_CYCLE));
	play->things[0].last_b = 7;
	play->things[0].side_b = 1; /* more than there were at first */
	assert_null(play_out(play, CN_FINDING_WAIT_CYCLE));
}

static void holders_that_are_not_all_make_no_edge(void **state)
{
	struct play *play = *state;

	ring_over_a_semaphore(play, ROUSE_RESOURCE_UNTRACKED);
	assert_null(play_out(play, CN_FINDING_WAIT_CYCLE));
	play->things[0].flags = ROUSE_RESOURCE_SHARED; /* others than the holders release */
	assert_null(play_out(play, CN_FINDING_WAIT_CYCLE));
}

/* The other permit is held by one that sleeps: it will do. */
static void a_living_holder_of_enough_is_a_way_out(void **state)
{
	struct play *play = *state;

	ring_over_a_semaphore(play, ROUSE_RESOURCE_OWNED);
	play->things[0].holders[0].permits = 1;
	play->things[0].holders[1] = (struct holding){ 22, 1, 1 * S };
	play->actors[2] = (struct actor){ .id = 22, .waits = { SLEEP } };
	assert_null(play_out(play, CN_FINDING_WAIT_CYCLE));
	play->actors[0].waits[0].arg = 2; /* both are needed: the sleeper's alone is not enough */
	play->actors[0].stamp = 6;
	assert_non_null(play_out(play, CN_FINDING_WAIT_CYCLE));
}

static void a_thread_that_holds_permits_is_a_way_out(void **state)
{
	struct play *play = *state;

	ring_over_a_semaphore(play, ROUSE_RESOURCE_OWNED);
	play->things[0].holders[0].task = CN_THREAD_ID | 4711;
	assert_null(play_out(play, CN_FINDING_WAIT_CYCLE));
}

static void permits_of_its_own_are_a_self_deadlock(void **state)
{
	struct play *play = *state;
	const struct cn_finding *f;

	play->actors[0] = (struct actor){ .id = 20, .waits = { ACQUIRE(50, 2) } };
	play->things[0] = semaphore(50, ROUSE_RESOURCE_OWNED, 3, 20, 2);
	f = play_out(play, CN_FINDING_SELF_DEADLOCK);
	assert_non_null(f);
	assert_int_equal(f->class, CN_PROVEN);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->resource, 50);
	assert_int_equal(f->line, 200);
	assert_null(play_finding(play, CN_FINDING_WAIT_CYCLE));
	assert_null(play_finding(play, CN_FINDING_PENDING_LONG));
}

static void more_permits_than_there_are_never_come(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { ACQUIRE(50, 5) } };
	play->things[0] = semaphore(50, ROUSE_RESOURCE_OWNED, 3, 0, 0);
	assert_non_null(play_out(play, CN_FINDING_SELF_DEADLOCK));
	assert_non_null(strstr(play_finding(play, CN_FINDING_SELF_DEADLOCK)->evidence, "never be as many"));
}

static void waiting_behind_others_permits_is_none(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { ACQUIRE(50, 2) } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { SLEEP } };
	play->things[0] = semaphore(50, ROUSE_RESOURCE_OWNED, 2, 21, 2);
	assert_null(play_out(play, CN_FINDING_SELF_DEADLOCK));
}

/* ----------------------------------------------------------------- channels */

/* Each is full, and its receiver waits to send to the other. */
static void two_full_channels_are_a_likely_ring(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { SEND(50) } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { SEND(51) } };
	play->things[0] = channel(50, 4, 20, 21);
	play->things[1] = channel(51, 4, 21, 20);
	assert_non_null(play_out(play, CN_FINDING_WAIT_CYCLE));
	assert_int_equal(play_finding(play, CN_FINDING_WAIT_CYCLE)->class, CN_LIKELY);
	assert_null(play_finding(play, CN_FINDING_BACK_PRESSURE)); /* there is no consumer at its end */
}

/* Two actors that wait for each other's messages: idle, or stuck? Only memory tells. */
static void idle_actors(struct play *play)
{
	play->actors[0] = (struct actor){ .id = 20, .waits = { RECV(50) } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { RECV(51) } };
	play->things[0] = channel(50, 0, 21, 20);
	play->things[1] = channel(51, 0, 20, 21);
	play->wanted = true;
}

static void receivers_whose_channels_stand_only_in_each_others_frames(void **state)
{
	struct play *play = *state;

	idle_actors(play);
	play->found[0] = (struct found){ .id = 50, .places = { { 20, 1 }, { 21, 1 } }, .n = 2 };
	play->found[1] = (struct found){ .id = 51, .places = { { 20, 1 }, { 21, 1 } }, .n = 2 };
	play_look(play, 6);
	assert_non_null(play_finding(play, CN_FINDING_WAIT_CYCLE));
	assert_int_equal(play_finding(play, CN_FINDING_WAIT_CYCLE)->class, CN_LIKELY);
	assert_null(play_finding(play, CN_FINDING_PEERLESS));
}

static void a_channel_that_stands_elsewhere_is_alive(void **state)
{
	struct play *play = *state;

	idle_actors(play);
	play->found[0] = (struct found){ .id = 50, .places = { { 20, 1 }, { 21, 1 }, { 0, 1 } }, .n = 3 };
	play->found[1] = (struct found){ .id = 51, .places = { { 20, 1 }, { 21, 1 } }, .n = 2 };
	for (int i = 0; i < 8 && !play_wants(play, 50); i++)
		play_look(play, 1);
	assert_true(play_wants(play, 50));
	play_look(play, 1); /* brings what was found */
	assert_false(play_wants(play, 50)); /* once is enough */
	play_look(play, 6);
	assert_int_equal(cn_findings_count(play->findings), 0);
}

static void one_search_is_not_enough(void **state)
{
	struct play *play = *state;

	idle_actors(play);
	play->wanted = false;
	play_look(play, 4);
	assert_true(play_wants(play, 50));
	play->found[0] = (struct found){ .id = 50, .places = { { 20, 1 }, { 21, 1 } }, .n = 2 };
	play->found[1] = (struct found){ .id = 51, .places = { { 20, 1 }, { 21, 1 } }, .n = 2 };
	play_look(play, 1);
	assert_int_equal(cn_findings_count(play->findings), 0);
	play_look(play, 2);
	assert_non_null(play_finding(play, CN_FINDING_WAIT_CYCLE));
}

static void a_search_that_was_not_whole_says_nothing(void **state)
{
	struct play *play = *state;

	idle_actors(play);
	play->found[0] = (struct found){ .id = 50, .places = { { 20, 1 } }, .n = 1, .partial = true };
	play->found[1] = (struct found){ .id = 51, .places = { { 21, 1 } }, .n = 1, .partial = true };
	play_look(play, 10);
	assert_int_equal(cn_findings_count(play->findings), 0);
	assert_false(play_wants(play, 50)); /* it has been tried often enough */
}

/* Who sent last is about to do so again: memory is left in peace. */
static void servers_whose_clients_live_are_not_searched_for(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { RECV(50) } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { SLEEP } };
	play->things[0] = channel(50, 0, 21, 20);
	play_look(play, 6);
	assert_false(play_wants(play, 50));
	play->actors[0].kind = ROUSE_KIND_DAEMON;
	play->things[0].last_a = 0;
	play_look(play, 6);
	assert_false(play_wants(play, 50)); /* it is meant to wait */
}

static void a_receiver_with_the_only_sender_is_peerless(void **state)
{
	struct play *play = *state;
	const struct cn_finding *f;

	play->actors[0] = (struct actor){ .id = 20, .waits = { RECV(50) } };
	play->things[0] = channel(50, 0, 0, 20);
	play->found[0] = (struct found){ .id = 50, .places = { { 20, 2 } }, .n = 1 };
	play->wanted = true;
	play_look(play, 6);
	f = play_finding(play, CN_FINDING_PEERLESS);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->line, 200);
	assert_int_equal(f->resource, 50);
}

/* The sender has a lock that was given to it beside the one that it waits for: it is about to run. */
static void a_receiver_whose_sender_was_granted_something_is_not(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { RECV(50) } };
	play->actors[1] = (struct actor){ .id = 21,
		.waits = { LOCK(51), { .op = ROUSE_OP_LOCK, .on = 52, .granted = true } } };
	play->things[0] = channel(50, 0, 0, 20);
	play->things[1] = (struct thing)MUTEX(51, 20);
	play->things[2] = (struct thing)MUTEX(52, 20);
	play->found[0] = (struct found){ .id = 50, .places = { { 20, 1 }, { 21, 1 } }, .n = 2 };
	play->wanted = true;
	play_look(play, 8);
	assert_null(play_finding(play, CN_FINDING_PEERLESS));
}

static void a_receiver_whose_sender_sleeps_is_not(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { RECV(50) } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { SLEEP } };
	play->things[0] = channel(50, 0, 0, 20);
	play->found[0] = (struct found){ .id = 50, .places = { { 20, 2 }, { 21, 1 } }, .n = 2 };
	play->wanted = true;
	play_look(play, 6);
	assert_int_equal(cn_findings_count(play->findings), 0);
}

/* Behind one without a waker, and behind one that waits for that one: neither is a ring, both are explained. */
static void who_waits_behind_the_dead_is_not_told_again(void **state)
{
	struct play *play = *state;

	play->actors[0] = (struct actor){ .id = 20, .waits = { LOCK(50) } };
	play->actors[1] = (struct actor){ .id = 21, .waits = { JOIN(20) } };
	play->actors[2] =
		(struct actor){ .id = 22, .waits = { { .op = ROUSE_OP_CUSTOM, .granted = true } }, .wakers = 1 };
	play->things[0] = (struct thing)MUTEX(50, 22);
	assert_non_null(play_out(play, CN_FINDING_NEVER_REGISTERED));
	assert_int_equal(cn_findings_count(play->findings), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, play_begin, play_end)
TEST_MAIN(T(a_select_of_dead_ends_is_no_way_out), T(a_select_with_a_living_arm_is_one),
	T(all_of_several_is_dead_when_one_is), T(permits_of_an_owned_semaphore_prove_a_ring),
	T(permits_that_anybody_may_release_make_it_likely), T(a_semaphore_that_may_be_a_counter_makes_no_edge),
	T(holders_that_are_not_all_make_no_edge), T(a_living_holder_of_enough_is_a_way_out),
	T(a_thread_that_holds_permits_is_a_way_out), T(permits_of_its_own_are_a_self_deadlock),
	T(more_permits_than_there_are_never_come), T(waiting_behind_others_permits_is_none),
	T(two_full_channels_are_a_likely_ring), T(receivers_whose_channels_stand_only_in_each_others_frames),
	T(a_channel_that_stands_elsewhere_is_alive), T(one_search_is_not_enough),
	T(a_search_that_was_not_whole_says_nothing), T(servers_whose_clients_live_are_not_searched_for),
	T(a_receiver_with_the_only_sender_is_peerless), T(a_receiver_whose_sender_sleeps_is_not),
	T(a_receiver_whose_sender_was_granted_something_is_not),
	T(who_waits_behind_the_dead_is_not_told_again));
