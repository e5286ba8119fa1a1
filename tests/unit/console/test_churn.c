/* SPDX-License-Identifier: MIT */
/* Workers that are woken for next to nothing. */
#include "test.h"

#include "stage.h"

#include <string.h>

/* What worker 1 does in each second; worker 0 has the work. */
struct pace {
	uint64_t parks, in_vain, busy_ns, events, timers;
};
static const struct pace churn = { .parks = 4000, .in_vain = 1000, .busy_ns = 400000 };

static void set_up(struct stage *stage)
{
	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_look(stage, 1 * S);
}

static void seconds(struct stage *stage, uint64_t from, uint64_t n, struct pace pace)
{
	for (uint64_t i = 0; i < n; i++) {
		struct rouse_counters *c = &stage->workers[1].counters;

		stage->workers[0].counters.parks += 4000; /* each for a timer of its own */
		stage->workers[0].counters.timers_fired += 4000;
		c->parks += pace.parks;
		c->empty_wakes += pace.in_vain;
		c->busy_ticks += pace.busy_ns;
		c->io_events += pace.events;
		c->timers_fired += pace.timers;
		stage->polls[10] += 5000;
		stage_look(stage, (from + i) * S);
	}
}

static void a_worker_woken_for_nothing_in_five_looks_is_suspected(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	set_up(stage);
	seconds(stage, 2, 4, churn);
	stage_silent(stage);
	seconds(stage, 6, 1, churn);
	f = stage_finding(stage, CN_FINDING_PARK_CHURN);
	assert_non_null(f);
	assert_int_equal(f->class, CN_SUSPECT);
	assert_int_equal(f->worker, 1);
	assert_int_equal(f->line, SPAWN_LINE);
	assert_non_null(strstr(f->evidence, "worker 1 was woken 4000 times a second by others, 1000 of them for nothing, "
					    "and polled for 100ns a wake-up, in the last of 5 looks"));
	assert_non_null(strstr(f->evidence, "most polls, 5000 a second"));
}

static void what_each_healthy_load_lacks_is_not_told(void **state)
{
	static const struct pace paces[] = {
		{ .parks = 999, .in_vain = 999 },                                  /* seldom */
		{ .parks = 4000, .in_vain = 399 },                                 /* hardly in vain */
		{ .parks = 4000, .in_vain = 1000, .busy_ns = 4000 * 1000 },        /* 1 us a wake-up */
		{ .parks = 4000, .in_vain = 1000, .busy_ns = 400, .events = 1001 }, /* for what came */
		{ .parks = 4000, .in_vain = 1000, .busy_ns = 400, .timers = 1001 },
	};

	for (size_t i = 0; i < sizeof paces / sizeof paces[0]; i++) {
		struct stage *stage = *state;

		set_up(stage);
		seconds(stage, 2, 12, paces[i]);
		stage_silent(stage);
		stage_again(state);
	}
}

static void one_look_without_it_begins_anew(void **state)
{
	struct stage *stage = *state;

	set_up(stage);
	seconds(stage, 2, 4, churn);
	seconds(stage, 6, 1, (struct pace){ 0 });
	seconds(stage, 7, 4, churn);
	stage_silent(stage);
}

static void once_told_it_is_over_at_half_of_it(void **state)
{
	const struct pace half = { .parks = 500, .in_vain = 100 }, less = { .parks = 499, .in_vain = 100 };
	struct stage *stage = *state;

	set_up(stage);
	seconds(stage, 2, 6, half);
	stage_silent(stage);
	seconds(stage, 8, 5, churn);
	seconds(stage, 13, 3, half);
	assert_non_null(stage_finding(stage, CN_FINDING_PARK_CHURN));
	seconds(stage, 16, 1, less);
	stage_silent(stage);
	seconds(stage, 17, 6, half);
	stage_silent(stage);
}

static void nothing_is_known_without_time_stamps(void **state)
{
	struct stage *stage = *state;

	stage->begin.level = 1; /* that is 0 */
	set_up(stage);
	seconds(stage, 2, 8, churn);
	stage_silent(stage);
}

TEST_MAIN(STAGED(a_worker_woken_for_nothing_in_five_looks_is_suspected), STAGED(what_each_healthy_load_lacks_is_not_told),
	STAGED(one_look_without_it_begins_anew), STAGED(once_told_it_is_over_at_half_of_it),
	STAGED(nothing_is_known_without_time_stamps));
