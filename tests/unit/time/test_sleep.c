/* SPDX-License-Identifier: MIT */
/*
 * The sleep future and intervals. The clock and the scheduler's answers are
 * wrapped (see meson.build): time moves when a test says so.
 */
#include "../sync/counting.h"

#include <rouse/time.h>
#include <time.h>

#include "sched/runtime.h"

static struct {
	uint64_t now; /* 0: the real clock */
	struct rouse_worker_record record;
	struct rs_resource resource;
	struct rs_wheel *wheel; /* NULL: no runtime here */
	int earlier;
} fake;

int __real_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	if (!fake.now)
		return __real_clock_gettime(clock, ret_time);
	*ret_time = (struct timespec){ (time_t)(fake.now / ROUSE_S), (long)(fake.now % ROUSE_S) };
	return 0;
}

struct rs_wheel *__wrap_rs_wheel_current(struct rouse_context *cx);
struct rs_wheel *__wrap_rs_wheel_current(struct rouse_context *cx)
{
	(void)cx;
	return fake.wheel;
}

void __wrap_rs_wheel_earlier(struct rs_wheel *wheel, struct rouse_context *cx);
void __wrap_rs_wheel_earlier(struct rs_wheel *wheel, struct rouse_context *cx)
{
	(void)cx;
	assert_ptr_equal(wheel, fake.wheel);
	fake.earlier++;
}

static int open_fake(void **state)
{
	(void)state;
	fake.now = 1000 * ROUSE_S;
	fake.earlier = 0;
	fake.record = (struct rouse_worker_record){ 0 };
	fake.resource = (struct rs_resource){ .serial = 5 };
	return rs_wheel_new(&fake.record, &fake.resource, fake.now, &fake.wheel);
}

static int close_fake(void **state)
{
	(void)state;
	rs_wheel_free(fake.wheel);
	fake.wheel = NULL;
	fake.now = 0;
	return 0;
}

static uint32_t advance(uint64_t ns)
{
	fake.now += ns;
	return fake.wheel ? rs_wheel_fire(fake.wheel, fake.now) : 0;
}

static void a_sleep_counts_from_its_first_poll(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep;

	(void)state;
	rouse_sleep(&sleep, 100);
	advance(1000);
	assert_pending(&sleep, &counting);
	assert_int_equal(fake.earlier, 1);
	assert_int_equal(sleep.wait.arg, fake.now + 100);
	assert_int_equal(advance(99), 0);
	assert_pending(&sleep, &counting);
	assert_int_equal(advance(1), 1);
	assert_int_equal(counting.wakes, 1);
	assert_ready(&sleep, &counting, 0);
	assert_int_equal(counting.refs, 0);
	assert_int_equal(fake.earlier, 1);
}

static void what_is_due_already_never_enters_the_wheel(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep;

	(void)state;
	assert_ready(rouse_sleep(&sleep, 0), &counting, 0);
	assert_ready(rouse_sleep_until(&sleep, fake.now), &counting, 0);
	assert_ready(rouse_sleep_until(&sleep, 0), &counting, 0);
	assert_int_equal(fake.record.counters.timers_armed, 0);
}

static void a_poll_without_budget_does_not_shift_the_deadline(void **state)
{
	struct rs_worker worker = { .record = &fake.record };
	struct counting counting = { 0 };
	struct rouse_context cx = counting_context(&counting);
	struct rouse_task task = { .id = 100 };
	struct rouse_sleep sleep;

	(void)state;
	cx.task = &task;
	cx.worker = &worker;
	assert_false(rouse_future_poll(&rouse_sleep(&sleep, 0)->future, &cx).ready);
	assert_int_equal(counting.wakes, 1);
	assert_int_equal(fake.record.counters.timers_armed, 0);
	assert_ready(&sleep, &counting, 0);
}

static void a_duration_beyond_all_time_is_for_ever(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep;

	(void)state;
	assert_pending(rouse_sleep(&sleep, UINT64_MAX), &counting);
	assert_int_equal(advance(UINT64_MAX / 2), 0);
	rouse_future_drop(&sleep.future);
	assert_int_equal(counting.refs, 0);
}

static void drop_takes_a_pending_sleep_out(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep, unpolled;

	(void)state;
	rouse_future_drop(&rouse_sleep(&unpolled, 10)->future);
	assert_pending(rouse_sleep(&sleep, 10), &counting);
	assert_int_equal(fake.resource.value, 1);
	rouse_future_drop(&sleep.future);
	rouse_future_drop(&sleep.future);
	assert_int_equal(fake.resource.value, 0);
	assert_int_equal(counting.refs, 0);
	assert_int_equal(advance(10), 0);
	assert_int_equal(counting.wakes, 0);
}

static void drop_after_it_fired_but_before_it_was_polled_is_harmless(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep;

	(void)state;
	assert_pending(rouse_sleep(&sleep, 10), &counting);
	assert_int_equal(advance(10), 1);
	rouse_future_drop(&sleep.future);
	assert_int_equal(rs_wheel_validate(fake.wheel), 0);
	assert_int_equal(counting.refs, 0);
}

static void poll_by_another_task_moves_the_waker(void **state)
{
	struct counting first = { 0 }, second = { 0 };
	struct rouse_sleep sleep;

	(void)state;
	assert_pending(rouse_sleep(&sleep, 10), &first);
	assert_pending(&sleep, &second);
	assert_int_equal(advance(10), 1);
	assert_int_equal(first.wakes + first.refs, 0);
	assert_int_equal(second.wakes, 1);
	assert_ready(&sleep, &second, 0);
}

static void outside_any_runtime_the_result_says_so(void **state)
{
	struct counting counting = { 0 };
	struct rouse_sleep sleep;

	(void)state;
	rs_wheel_free(fake.wheel);
	fake.wheel = NULL;
	assert_ready(rouse_sleep(&sleep, 10), &counting, -ROUSE_ENORUNTIME);
	assert_ready(rouse_sleep(&sleep, 0), &counting, -ROUSE_ENORUNTIME);
	assert_int_equal(counting.refs, 0);
}

/* --------------------------------------------------------------- intervals */

/* Waits for a tick; answers how long it took. */
static uint64_t tick(struct rouse_interval *interval, struct counting *counting)
{
	uint64_t before = fake.now;
	struct rouse_sleep sleep;

	rouse_interval_tick(&sleep, interval);
	if (!poll_with(&sleep.future, counting)) {
		advance(rs_wheel_next(fake.wheel) - fake.now);
		assert_ready(&sleep, counting, 0);
	}
	return fake.now - before;
}

static void the_first_tick_is_at_once_then_one_a_period(void **state)
{
	struct counting counting = { 0 };
	struct rouse_interval interval;

	(void)state;
	rouse_interval_init(&interval, 100, ROUSE_MISSED_BURST);
	assert_int_equal(tick(&interval, &counting), 0);
	assert_int_equal(tick(&interval, &counting), 100);
	advance(30); /* work between ticks does not shift them */
	assert_int_equal(tick(&interval, &counting), 70);
	assert_int_equal(tick(&interval, &counting), 100);
}

static void missed_ticks_burst(void **state)
{
	struct counting counting = { 0 };
	struct rouse_interval interval;

	(void)state;
	rouse_interval_init(&interval, 100, ROUSE_MISSED_BURST);
	tick(&interval, &counting);
	advance(350);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tick(&interval, &counting), 0);
	assert_int_equal(tick(&interval, &counting), 50);
}

static void missed_ticks_delay_the_others(void **state)
{
	struct counting counting = { 0 };
	struct rouse_interval interval;

	(void)state;
	rouse_interval_init(&interval, 100, ROUSE_MISSED_DELAY);
	tick(&interval, &counting);
	advance(350);
	assert_int_equal(tick(&interval, &counting), 0);
	assert_int_equal(tick(&interval, &counting), 100);
}

static void missed_ticks_are_skipped_in_step(void **state)
{
	struct counting counting = { 0 };
	struct rouse_interval interval;

	(void)state;
	rouse_interval_init(&interval, 100, ROUSE_MISSED_SKIP);
	tick(&interval, &counting);
	advance(350);
	assert_int_equal(tick(&interval, &counting), 0);
	assert_int_equal(tick(&interval, &counting), 50);
	assert_int_equal(tick(&interval, &counting), 100);
	advance(200); /* exactly on a tick: that one is missed too */
	assert_int_equal(tick(&interval, &counting), 0);
	assert_int_equal(tick(&interval, &counting), 100);
}

/* As in a select whose other arm wins again and again. */
static void a_dropped_tick_is_not_lost(void **state)
{
	struct counting counting = { 0 };
	struct rouse_interval interval;
	struct rouse_sleep sleep;

	(void)state;
	rouse_interval_init(&interval, 100, ROUSE_MISSED_BURST);
	tick(&interval, &counting);
	for (int i = 0; i < 9; i++) {
		assert_pending(rouse_interval_tick(&sleep, &interval), &counting);
		advance(10);
		rouse_future_drop(&sleep.future);
	}
	assert_int_equal(tick(&interval, &counting), 10);
	assert_int_equal(counting.refs, 0);
}

static void a_period_of_nothing_still_moves(void **state)
{
	struct counting counting = { 0 };
	struct rouse_interval interval;

	(void)state;
	rouse_interval_init(&interval, 0, ROUSE_MISSED_SKIP);
	advance(5);
	tick(&interval, &counting);
	assert_true(interval.next_ns > fake.now);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, open_fake, close_fake)
TEST_MAIN(T(a_sleep_counts_from_its_first_poll), T(what_is_due_already_never_enters_the_wheel),
	T(a_poll_without_budget_does_not_shift_the_deadline), T(a_duration_beyond_all_time_is_for_ever),
	T(drop_takes_a_pending_sleep_out),
	T(drop_after_it_fired_but_before_it_was_polled_is_harmless), T(poll_by_another_task_moves_the_waker),
	T(outside_any_runtime_the_result_says_so), T(the_first_tick_is_at_once_then_one_a_period),
	T(missed_ticks_burst), T(missed_ticks_delay_the_others), T(missed_ticks_are_skipped_in_step),
	T(a_dropped_tick_is_not_lost), T(a_period_of_nothing_still_moves));
