/* SPDX-License-Identifier: MIT */
/*
 * The clock's promises: ticks never go back, both conversions agree, and the
 * anchor, read as an outside reader reads it, gives CLOCK_MONOTONIC.
 */
#include "test.h"

#include "base/atomic.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>

/* A rate that is 10 ppm wrong is off by 10 us after a second; a wrong one is off by all of it. */
static const uint64_t SLACK_NS = 5000000;

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* As layout.h says: mono_ns(ticks) = anchor_ns + ((ticks - anchor_ticks) * mult >> 32), signed. */
static uint64_t by_anchor(const struct rouse_clock_anchor *anchor, uint64_t ticks)
{
	__extension__ typedef __int128 wide;
	wide delta = (wide)(int64_t)(ticks - anchor->ticks) * (wide)anchor->mult;

	return anchor->mono_ns + (uint64_t)(int64_t)(delta >> 32);
}

static void ticks_never_go_back(void **state)
{
	uint64_t last;

	(void)state;
	rs_clock_init();
	last = rs_ticks();
	for (int i = 0; i < 100000; i++) {
		uint64_t now = rs_ticks();

		assert_true(now >= last);
		last = now;
	}
}

static void conversions_undo_each_other(void **state)
{
	static const uint64_t spans[] = { 0, 1, 999, 1000000, 1000000000, 86400ull * 1000000000, 1ull << 60 };

	(void)state;
	rs_clock_init();
	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
		assert_true(distance(rs_ticks_to_ns(rs_ns_to_ticks(spans[i])), spans[i]) <= 2 + spans[i] / 1000000000);
}

struct reading {
	uint64_t ticks, ns, width;
};

/* The narrowest of many: the kernel's time between two tick counts. */
static struct reading read_both(void)
{
	struct reading best = { 0, 0, UINT64_MAX };

	for (int i = 0; i < 1000; i++) {
		uint64_t before = rs_ticks(), ns = rs_mono_ns(), after = rs_ticks();

		if (after - before < best.width)
			best = (struct reading){ before + (after - before) / 2, ns, after - before };
	}
	return best;
}

/* Over 50 ms: a rate that is wrong by a thousandth would be told from one that is right. */
static void ticks_convert_to_the_time_the_kernel_counted(void **state)
{
	struct reading first, last;

	(void)state;
	rs_clock_init();
	first = read_both();
	do
		last = read_both();
	while (last.ns - first.ns < 50000000);

	uint64_t kernel = last.ns - first.ns, ours = rs_ticks_to_ns(last.ticks - first.ticks);
	uint64_t doubt = rs_ticks_to_ns(first.width + last.width);

	assert_true(distance(ours, kernel) <= kernel / 1000 + doubt);
}

static void anchor_gives_monotonic_time(void **state)
{
	struct rouse_clock_anchor anchor = { 0 };
	uint64_t before, ticks, after;

	(void)state;
	rs_clock_init();
	rs_clock_anchor(&anchor);
	assert_int_equal(anchor.kind, rs_clock_is_tsc ? ROUSE_CLOCK_TSC : ROUSE_CLOCK_MONOTONIC);
	before = rs_mono_ns();
	ticks = rs_ticks();
	after = rs_mono_ns();
	assert_in_range(by_anchor(&anchor, ticks), before - SLACK_NS, after + SLACK_NS);
	assert_in_range(by_anchor(&anchor, anchor.ticks - rs_ns_to_ticks(1000000000)),
		anchor.mono_ns - 1000000000 - SLACK_NS, anchor.mono_ns - 1000000000 + SLACK_NS);
}

static void renewing_moves_the_sequence_by_two(void **state)
{
	struct rouse_clock_anchor anchor = { 0 };
	uint64_t first_ticks;

	(void)state;
	rs_clock_init();
	rs_clock_anchor(&anchor);
	assert_int_equal(anchor.seq, 2);
	first_ticks = anchor.ticks;
	rs_clock_anchor(&anchor);
	assert_int_equal(anchor.seq, 4);
	assert_true(anchor.ticks > first_ticks);
}

struct shared {
	struct rouse_clock_anchor anchor;
	bool stop;
};

static void *renew(void *arg)
{
	struct shared *shared = arg;

	while (!rs_load(&shared->stop, RS_RELAXED))
		rs_clock_anchor(&shared->anchor);
	return NULL;
}

/* What a reader outside does; false: the writer was in between. */
static bool read_anchor(const struct rouse_clock_anchor *from, struct rouse_clock_anchor *ret)
{
	ret->seq = rs_load(&from->seq, RS_ACQUIRE);
	ret->ticks = rs_load(&from->ticks, RS_ACQUIRE);
	ret->mono_ns = rs_load(&from->mono_ns, RS_ACQUIRE);
	ret->mult = rs_load(&from->mult, RS_ACQUIRE);
	return ret->seq % 2 == 0 && rs_load(&from->seq, RS_RELAXED) == ret->seq;
}

static void a_reader_never_mixes_two_anchors(void **state)
{
	struct shared shared = { .stop = false };
	struct rouse_clock_anchor first, now;
	pthread_t thread;
	int whole = 0;

	(void)state;
	rs_clock_init();
	rs_clock_anchor(&shared.anchor);
	first = shared.anchor;
	assert_int_equal(pthread_create(&thread, NULL, renew, &shared), 0);
	while (whole < 2000) {
		if (!read_anchor(&shared.anchor, &now))
			continue;
		whole++;
		assert_true(distance(by_anchor(&first, now.ticks), now.mono_ns) < SLACK_NS);
	}
	rs_store(&shared.stop, true, RS_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

TEST_MAIN(cmocka_unit_test(ticks_never_go_back), cmocka_unit_test(conversions_undo_each_other),
	cmocka_unit_test(ticks_convert_to_the_time_the_kernel_counted),
	cmocka_unit_test(anchor_gives_monotonic_time), cmocka_unit_test(renewing_moves_the_sequence_by_two),
	cmocka_unit_test(a_reader_never_mixes_two_anchors));
