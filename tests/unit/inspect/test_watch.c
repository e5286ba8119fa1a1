/* SPDX-License-Identifier: MIT */
/* Histograms of watched tasks, made of events that arrive in any order. */
#include "test.h"

#include <string.h>

#include "drain/watch.h"
#include "inspect/page.h"

static const struct rouse_clock_anchor clock_1ns = { .mult = 1ull << 32 };
static struct ri_watches watches;

static int setup(void **state)
{
	const uint64_t tasks[] = { 50, 60 };

	(void)state;
	return ri_watches_set(&watches, tasks, 2);
}

static int teardown(void **state)
{
	(void)state;
	ri_watches_fini(&watches);
	return 0;
}

static void feed(enum rouse_event_kind kind, uint64_t task, uint64_t ticks, uint32_t arg32, uint64_t arg)
{
	const struct rouse_event event = { .ticks = ticks, .task = task, .kind = kind, .arg32 = arg32, .arg = arg };

	ri_watches_feed(&watches, &clock_1ns, &event);
}

static const struct rouse_histogram *delays(size_t i)
{
	return &watches.watches[i].histograms.delay;
}

static uint32_t total(const struct rouse_histogram *h)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < ROUSE_HISTOGRAM_BUCKETS; i++)
		sum += h->count[i];
	return sum;
}

static void a_wake_and_the_poll_it_led_to_make_a_delay(void **state)
{
	(void)state;
	feed(ROUSE_EVENT_WAKE, 50, 1000, 4, 0);
	feed(ROUSE_EVENT_POLL, 50, 1000 + 1024, 5, 300);
	assert_int_equal(delays(0)->count[10], 1);
	assert_int_equal(total(delays(0)), 1);
	assert_int_equal(watches.watches[0].histograms.poll.count[8], 1);
	assert_int_equal(total(delays(1)), 0);
}

static void the_poll_may_arrive_before_its_wake(void **state)
{
	(void)state;
	feed(ROUSE_EVENT_POLL, 50, 5000, 5, 10);
	feed(ROUSE_EVENT_POLL, 50, 9000, 6, 10);
	feed(ROUSE_EVENT_WAKE, 50, 8990, 5, 0);
	feed(ROUSE_EVENT_WAKE, 50, 4936, 4, 0);
	assert_int_equal(delays(0)->count[3], 1);
	assert_int_equal(delays(0)->count[6], 1);
	assert_int_equal(total(delays(0)), 2);
}

static void a_wake_during_a_poll_leads_to_the_next_one(void **state)
{
	(void)state;
	feed(ROUSE_EVENT_WAKE, 50, 1000, 1, 0);
	feed(ROUSE_EVENT_WAKE, 50, 1500, 2, 0); /* poll 2 is in progress */
	feed(ROUSE_EVENT_POLL, 50, 1001, 2, 1000);
	assert_int_equal(delays(0)->count[0], 1);
	assert_int_equal(total(delays(0)), 1);
	feed(ROUSE_EVENT_POLL, 50, 2012, 3, 1);
	assert_int_equal(delays(0)->count[9], 1);
}

static void the_first_wake_counts(void **state)
{
	(void)state;
	feed(ROUSE_EVENT_WAKE, 50, 1000, 1, 0);
	feed(ROUSE_EVENT_WAKE, 50, 1900, 1, 0);
	feed(ROUSE_EVENT_POLL, 50, 2000, 2, 1);
	assert_int_equal(delays(0)->count[9], 1);
}

static void the_spawn_leads_to_the_first_poll(void **state)
{
	(void)state;
	feed(ROUSE_EVENT_SPAWN, 60, 1000, 33, 0);
	feed(ROUSE_EVENT_POLL, 60, 1000 + (1 << 20), 1, 1);
	assert_int_equal(delays(1)->count[20], 1);
}

static void a_wake_whose_poll_was_lost_spoils_nothing(void **state)
{
	(void)state;
	feed(ROUSE_EVENT_WAKE, 50, 1000, 1, 0);
	feed(ROUSE_EVENT_WAKE, 50, 700000, 1 + RI_WATCH_POLLS, 0); /* the same place, another poll */
	feed(ROUSE_EVENT_POLL, 50, 700001, 2 + RI_WATCH_POLLS, 1);
	assert_int_equal(total(delays(0)), 1);
	assert_int_equal(delays(0)->count[0], 1);
}

static void a_delay_beyond_all_buckets_is_in_the_last(void **state)
{
	(void)state;
	feed(ROUSE_EVENT_WAKE, 50, 1, 1, 0);
	feed(ROUSE_EVENT_POLL, 50, UINT64_MAX, 2, UINT64_MAX);
	assert_int_equal(delays(0)->count[ROUSE_HISTOGRAM_BUCKETS - 1], 1);
	assert_int_equal(watches.watches[0].histograms.poll.count[ROUSE_HISTOGRAM_BUCKETS - 1], 1);
}

static void those_still_watched_keep_what_they_have(void **state)
{
	const uint64_t others[] = { 60, 70 };

	(void)state;
	feed(ROUSE_EVENT_POLL, 60, 5, 1, 1);
	assert_int_equal(ri_watches_set(&watches, others, 2), 0);
	assert_int_equal(watches.n, 2);
	assert_int_equal(watches.watches[0].task, 60);
	assert_int_equal(total(&watches.watches[0].histograms.poll), 1);
	assert_int_equal(watches.watches[1].task, 70);
	feed(ROUSE_EVENT_POLL, 50, 5, 1, 1);
	assert_int_equal(total(&watches.watches[1].histograms.poll), 0);
	assert_int_equal(ri_watches_set(&watches, NULL, 0), 0);
	assert_int_equal(watches.n, 0);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(a_wake_and_the_poll_it_led_to_make_a_delay), TEST(the_poll_may_arrive_before_its_wake),
	TEST(a_wake_during_a_poll_leads_to_the_next_one), TEST(the_first_wake_counts),
	TEST(the_spawn_leads_to_the_first_poll), TEST(a_wake_whose_poll_was_lost_spoils_nothing),
	TEST(a_delay_beyond_all_buckets_is_in_the_last), TEST(those_still_watched_keep_what_they_have));
