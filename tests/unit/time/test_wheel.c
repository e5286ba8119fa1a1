/* SPDX-License-Identifier: MIT */
/* The wheel alone, on a fake clock: its time is whatever rs_wheel_fire() is given. */
#include "../sync/counting.h"

#include <pthread.h>
#include <rouse/time.h>
#include <stdlib.h>

#include "time/wheel.h"

enum { START = 1000000000 };

struct fixture {
	struct rouse_worker_record record;
	struct rs_resource resource;
	struct rs_wheel *wheel;
};

static void open_wheel(struct fixture *f, uint64_t now_ns)
{
	*f = (struct fixture){ .record.index = 3, .resource.serial = 77 };
	assert_int_equal(rs_wheel_new(&f->record, &f->resource, now_ns, &f->wheel), 0);
}

static bool arm(struct fixture *f, struct rouse_sleep *sleep, uint64_t deadline_ns, struct counting *counting)
{
	struct rouse_context cx = counting_context(counting);
	bool earlier;

	rouse_sleep_until(sleep, deadline_ns);
	assert_true(rs_wheel_arm(f->wheel, sleep, &cx, &earlier));
	return earlier;
}

static void fires_at_the_deadline_and_not_a_nanosecond_before(void **state)
{
	static const uint64_t in[] = { 1, 65535, 65536, 65537, 4194304, 4194303, 268435456, 17179869184, 1099511627776,
		70368744177664, 4503599627370496, 288230376151711744 };
	struct counting counting = { 0 };
	struct rouse_sleep sleep;
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
		uint64_t deadline = START + in[i];

		open_wheel(&f, START);
		counting.wakes = 0;
		arm(&f, &sleep, deadline, &counting);
		assert_int_equal(rs_wheel_next(f.wheel), deadline);
		assert_int_equal(rs_wheel_fire(f.wheel, deadline - 1), 0);
		assert_int_equal(counting.wakes, 0);
		assert_int_equal(rs_wheel_next(f.wheel), deadline);
		assert_int_equal(rs_wheel_validate(f.wheel), 0);
		assert_int_equal(rs_wheel_fire(f.wheel, deadline), 1);
		assert_int_equal(counting.wakes, 1);
		assert_int_equal(counting.refs, 0);
		assert_true(rs_wheel_next(f.wheel) == UINT64_MAX);
		rs_wheel_free(f.wheel);
	}
}

static void a_sleep_for_ever_never_fires(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep;
	struct fixture f;

	(void)state;
	open_wheel(&f, START);
	arm(&f, &sleep, UINT64_MAX, &counting);
	assert_true(rs_wheel_next(f.wheel) == UINT64_MAX);
	assert_int_equal(rs_wheel_fire(f.wheel, UINT64_MAX - 1), 0);
	rs_wheel_disarm(f.wheel, &sleep);
	assert_int_equal(counting.wakes + counting.refs, 0);
	assert_int_equal(rs_wheel_validate(f.wheel), 0);
	rs_wheel_free(f.wheel);
}

static void only_an_insertion_before_all_others_is_told_as_earlier(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep[4];
	struct fixture f;

	(void)state;
	open_wheel(&f, START);
	assert_true(arm(&f, &sleep[0], START + 500000000, &counting));
	assert_false(arm(&f, &sleep[1], START + 500000001, &counting));
	assert_true(arm(&f, &sleep[2], START + 499999999, &counting));
	assert_false(arm(&f, &sleep[3], START + 499999999, &counting));
	assert_int_equal(rs_wheel_fire(f.wheel, START + 500000001), 4);
	rs_wheel_free(f.wheel);
}

static void readers_see_counts_owner_and_next_deadline(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep[3];
	struct fixture f;

	(void)state;
	open_wheel(&f, START);
	assert_int_equal(f.record.timers, 77);
	assert_int_equal(f.resource.owner, 3);
	assert_true(f.record.next_deadline == UINT64_MAX);
	for (uint64_t i = 0; i < 3; i++)
		arm(&f, &sleep[i], START + ROUSE_S * (i + 1), &counting);
	assert_int_equal(f.resource.value, 3);
	assert_int_equal(f.record.next_deadline, START + 1 * ROUSE_S);
	assert_int_equal(sleep[0].wait.resource, 77);
	assert_int_equal(sleep[0].wait.arg, START + 1 * ROUSE_S);
	rs_wheel_disarm(f.wheel, &sleep[0]);
	assert_int_equal(f.record.next_deadline, START + 2 * ROUSE_S);
	rs_wheel_fire(f.wheel, START + 2 * ROUSE_S);
	assert_int_equal(f.resource.value, 1);
	assert_int_equal(f.resource.side_a, 1);
	assert_int_equal(f.record.counters.timers_armed, 3);
	assert_int_equal(f.record.counters.timers_fired, 1);
	assert_int_equal(f.record.next_deadline, START + 3 * ROUSE_S);
	rs_wheel_disarm(f.wheel, &sleep[2]);
	rs_wheel_free(f.wheel);
}

static void poll_by_another_task_replaces_the_waker(void **state)
{
	struct counting first = { 0 }, second = { 0 };
	struct rouse_context cx = counting_context(&second);
	struct rouse_sleep sleep;
	struct fixture f;
	bool earlier;

	(void)state;
	open_wheel(&f, START);
	arm(&f, &sleep, START + 10, &first);
	assert_true(rs_wheel_arm(f.wheel, &sleep, &cx, &earlier));
	assert_false(earlier);
	assert_int_equal(first.refs, 0);
	assert_int_equal(f.resource.value, 1);
	rs_wheel_fire(f.wheel, START + 10);
	assert_int_equal(first.wakes, 0);
	assert_int_equal(second.wakes, 1);
	assert_int_equal(second.refs, 0);
	assert_false(rs_wheel_arm(f.wheel, &sleep, &cx, &earlier)); /* it has fired */
	assert_int_equal(second.refs, 0);
	rs_wheel_free(f.wheel);
}

static void a_removed_first_deadline_costs_one_look_in_vain(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep[2];
	struct fixture f;

	(void)state;
	open_wheel(&f, START);
	arm(&f, &sleep[0], START + 70000000, &counting); /* the same slot, level 2 */
	arm(&f, &sleep[1], START + 70000100, &counting);
	rs_wheel_disarm(f.wheel, &sleep[0]);
	assert_in_range(rs_wheel_next(f.wheel), START + 1, START + 70000100);
	assert_int_equal(rs_wheel_fire(f.wheel, rs_wheel_next(f.wheel)), 0);
	assert_int_equal(rs_wheel_next(f.wheel), START + 70000100);
	assert_int_equal(rs_wheel_fire(f.wheel, START + 70000100), 1);
	rs_wheel_free(f.wheel);
}

static void an_overdue_sleep_fires_in_the_next_turn(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep[2];
	struct fixture f;

	(void)state;
	open_wheel(&f, START);
	arm(&f, &sleep[0], START + 10 * ROUSE_S, &counting);
	assert_int_equal(rs_wheel_fire(f.wheel, START + 10 * ROUSE_S), 1);
	assert_true(arm(&f, &sleep[1], START, &counting));
	assert_int_equal(rs_wheel_validate(f.wheel), 0);
	assert_int_equal(rs_wheel_fire(f.wheel, START + 9 * ROUSE_S), 1); /* by a clock that was read earlier */
	assert_int_equal(counting.wakes, 2);
	rs_wheel_free(f.wheel);
}

enum { MANY = 40 }; /* more than a batch */

static struct {
	struct fixture f;
	struct rouse_sleep sleep[MANY + 1];
	struct counting counting[MANY + 1];
	int order[MANY + 1];
	int woken;
} many;

static void remember(struct counting *counting)
{
	many.order[many.woken++] = (int)(counting - many.counting);
}

static void after_a_long_stop_sleeps_end_in_the_order_of_their_deadlines(void **state)
{
	(void)state;
	many.woken = 0;
	open_wheel(&many.f, START);
	for (int i = 0; i < MANY; i++) {
		int mixed = i * 17 % MANY;

		many.counting[mixed] = (struct counting){ .on_wake = remember };
		arm(&many.f, &many.sleep[mixed], START + 7000000 * (uint64_t)(mixed + 1), &many.counting[mixed]);
	}
	assert_int_equal(rs_wheel_fire(many.f.wheel, START + 10000000000), MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(many.order[i], i);
	rs_wheel_free(many.f.wheel);
}

/* The first wake happens when a batch is full: the rest is due, but not yet granted. */
static void remove_last_and_insert(struct counting *counting)
{
	struct counting *extra = &many.counting[MANY];

	if (counting != &many.counting[0])
		return;
	rs_wheel_disarm(many.f.wheel, &many.sleep[MANY - 1]);
	assert_int_equal(rs_wheel_validate(many.f.wheel), 0);
	arm(&many.f, &many.sleep[MANY], START, extra); /* long overdue: fires in the next turn */
}

static void a_due_sleep_can_be_removed_and_one_inserted_while_others_are_woken(void **state)
{
	(void)state;
	open_wheel(&many.f, START);
	for (int i = 0; i <= MANY; i++)
		many.counting[i] = (struct counting){ .on_wake = remove_last_and_insert };
	for (int i = 0; i < MANY; i++)
		arm(&many.f, &many.sleep[i], START + 1000, &many.counting[i]);
	assert_int_equal(rs_wheel_fire(many.f.wheel, START + 1000), MANY - 1);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(many.counting[i].wakes, i < MANY - 1);
		assert_int_equal(many.counting[i].refs, 0);
	}
	assert_int_equal(rs_wheel_validate(many.f.wheel), 0);
	assert_true(rs_wheel_next(many.f.wheel) <= START + 1000);
	assert_int_equal(rs_wheel_fire(many.f.wheel, START + 1000), 1);
	assert_int_equal(many.counting[MANY].wakes, 1);
	rs_wheel_free(many.f.wheel);
}

static void free_ends_the_sleeps_that_are_left(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep[2];
	struct fixture f;

	(void)state;
	open_wheel(&f, START);
	arm(&f, &sleep[0], START + 5, &counting);
	arm(&f, &sleep[1], UINT64_MAX, &counting);
	rs_wheel_free(f.wheel);
	assert_int_equal(counting.wakes, 2);
	assert_int_equal(counting.refs, 0);
	assert_ready(&sleep[0], &counting, -ROUSE_ESHUTDOWN);
	assert_ready(&sleep[1], &counting, -ROUSE_ESHUTDOWN);
}

/* ------------------------------------------- against a list as the oracle */

enum { SLEEPS = 300, STEPS = 20000 };

struct oracle {
	struct fixture f;
	struct rouse_sleep sleep[SLEEPS];
	struct counting counting[SLEEPS];
	uint64_t deadline[SLEEPS]; /* 0: not armed */
	uint64_t now;
	uint64_t random;
};

static uint64_t some_duration(struct oracle *o)
{
	uint64_t bits = test_random(&o->random) % 50;

	return test_random(&o->random) & ((2ull << bits) - 1);
}

static uint64_t earliest(const struct oracle *o)
{
	uint64_t min = UINT64_MAX;

	for (int i = 0; i < SLEEPS; i++)
		if (o->deadline[i] && o->deadline[i] < min)
			min = o->deadline[i];
	return min;
}

static void fire_and_compare(struct oracle *o)
{
	uint32_t due = 0;

	for (int i = 0; i < SLEEPS; i++)
		due += o->deadline[i] && o->deadline[i] <= o->now;
	assert_int_equal(rs_wheel_fire(o->f.wheel, o->now), due);
	for (int i = 0; i < SLEEPS; i++) {
		bool fires = o->deadline[i] && o->deadline[i] <= o->now;

		assert_int_equal(o->counting[i].wakes, fires);
		o->counting[i].wakes = 0;
		if (fires)
			o->deadline[i] = 0;
		assert_int_equal(o->counting[i].refs, o->deadline[i] != 0);
	}
	assert_true(rs_wheel_next(o->f.wheel) > o->now);
}

static void step(struct oracle *o, bool with_removal)
{
	uint32_t i = (uint32_t)(test_random(&o->random) % SLEEPS);
	uint64_t what = test_random(&o->random) % 8;

	if (what < 5 && !o->deadline[i]) {
		o->deadline[i] = o->now + 1 + some_duration(o);
		arm(&o->f, &o->sleep[i], o->deadline[i], &o->counting[i]);
	} else if (what < 6 && with_removal && o->deadline[i]) {
		rs_wheel_disarm(o->f.wheel, &o->sleep[i]);
		o->deadline[i] = 0;
	} else if (what == 6) {
		o->now += some_duration(o);
		fire_and_compare(o);
	} else if (what == 7 && rs_wheel_next(o->f.wheel) != UINT64_MAX) {
		if (rs_wheel_next(o->f.wheel) > o->now)
			o->now = rs_wheel_next(o->f.wheel);
		fire_and_compare(o);
	}
	assert_int_equal(rs_wheel_validate(o->f.wheel), 0);
	if (with_removal)
		assert_true(rs_wheel_next(o->f.wheel) <= earliest(o));
	else
		assert_int_equal(rs_wheel_next(o->f.wheel), earliest(o));
}

static void run_against_oracle(bool with_removal)
{
	struct oracle *o = calloc(1, sizeof *o);

	assert_non_null(o);
	o->random = test_seed();
	o->now = START + test_random(&o->random) % (1ull << 50);
	open_wheel(&o->f, o->now);
	for (int i = 0; i < STEPS; i++)
		step(o, with_removal);
	for (int i = 0; i < SLEEPS; i++)
		if (o->deadline[i])
			rs_wheel_disarm(o->f.wheel, &o->sleep[i]);
	assert_int_equal(o->f.resource.value, 0);
	assert_true(rs_wheel_next(o->f.wheel) == UINT64_MAX);
	rs_wheel_free(o->f.wheel);
	free(o);
}

static void fires_exactly_what_a_sorted_list_would_and_knows_the_next(void **state)
{
	(void)state;
	run_against_oracle(false);
}

static void stays_true_to_the_list_when_sleeps_are_removed(void **state)
{
	(void)state;
	run_against_oracle(true);
}

/* --------------------------------------------------------------- threads */

enum { THREADS = 3, ROUNDS = 4000, OWN = 16 };

static struct {
	struct fixture f;
	uint64_t now; /* atomic: a clock that the firing thread moves */
	int done;     /* atomic */
} shared;

/* Arms and disarms its own sleeps; counts how its sleeps ended. */
static void *arm_and_disarm(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg, removed = 0;
	struct counting counting[OWN] = { 0 };
	struct rouse_sleep sleep[OWN];
	bool armed[OWN] = { 0 };

	for (int n = 0; n < ROUNDS; n++) {
		uint32_t i = (uint32_t)(test_random(&random) % OWN);

		if (!armed[i]) {
			uint64_t now = rs_load(&shared.now, RS_SEQ_CST);

			arm(&shared.f, &sleep[i], now + test_random(&random) % 200000, &counting[i]);
			armed[i] = true;
		} else {
			if (rs_wait_state(&sleep[i].wait) == ROUSE_WAIT_WAITING)
				rs_wheel_disarm(shared.f.wheel, &sleep[i]);
			removed += rs_wait_state(&sleep[i].wait) == ROUSE_WAIT_IDLE;
			armed[i] = false;
			while (rs_load(&counting[i].refs, RS_SEQ_CST))
				; /* granted: the wake is on its way, and uses `counting` */
		}
	}
	for (uint32_t i = 0; i < OWN; i++) {
		if (!armed[i])
			continue;
		rs_wheel_disarm(shared.f.wheel, &sleep[i]);
		removed += rs_wait_state(&sleep[i].wait) == ROUSE_WAIT_IDLE;
		while (rs_load(&counting[i].refs, RS_SEQ_CST))
			;
	}
	rs_fetch_add(&shared.done, 1, RS_SEQ_CST);
	return (void *)(uintptr_t)removed;
}

static void armed_equals_fired_plus_removed_with_threads_racing(void **state)
{
	uint64_t seed = test_seed(), fired = 0, removed = 0;
	pthread_t threads[THREADS];

	(void)state;
	shared.now = START;
	open_wheel(&shared.f, START);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, arm_and_disarm, (void *)(uintptr_t)(seed + i)), 0);
	while (rs_load(&shared.done, RS_SEQ_CST) < THREADS)
		fired += rs_wheel_fire(shared.f.wheel, rs_fetch_add(&shared.now, 1000ull, RS_SEQ_CST));
	for (int i = 0; i < THREADS; i++) {
		void *answer;

		pthread_join(threads[i], &answer);
		removed += (uintptr_t)answer;
	}
	assert_int_equal(rs_wheel_validate(shared.f.wheel), 0);
	assert_int_equal(shared.f.resource.value, 0);
	assert_int_equal(shared.f.record.counters.timers_fired, fired);
	assert_int_equal(shared.f.record.counters.timers_armed, fired + removed);
	rs_wheel_free(shared.f.wheel);
}

TEST_MAIN(cmocka_unit_test(fires_at_the_deadline_and_not_a_nanosecond_before),
	cmocka_unit_test(a_sleep_for_ever_never_fires),
	cmocka_unit_test(only_an_insertion_before_all_others_is_told_as_earlier),
	cmocka_unit_test(readers_see_counts_owner_and_next_deadline),
	cmocka_unit_test(poll_by_another_task_replaces_the_waker),
	cmocka_unit_test(a_removed_first_deadline_costs_one_look_in_vain),
	cmocka_unit_test(an_overdue_sleep_fires_in_the_next_turn),
	cmocka_unit_test(after_a_long_stop_sleeps_end_in_the_order_of_their_deadlines),
	cmocka_unit_test(a_due_sleep_can_be_removed_and_one_inserted_while_others_are_woken),
	cmocka_unit_test(free_ends_the_sleeps_that_are_left),
	cmocka_unit_test(fires_exactly_what_a_sorted_list_would_and_knows_the_next),
	cmocka_unit_test(stays_true_to_the_list_when_sleeps_are_removed),
	cmocka_unit_test(armed_equals_fired_plus_removed_with_threads_racing));
