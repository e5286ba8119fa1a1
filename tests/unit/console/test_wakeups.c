/* SPDX-License-Identifier: MIT */
/* Tasks that are polled late, and whether anything was before them. */
#include "test.h"

#include "stage.h"

#include <string.h>

enum { LATE = 26 /* 67 ms or more */, SOON = 15 };

/* In each second so many wakes were served late, and so many soon; worker 0 did that meanwhile. */
struct pace {
	uint32_t late, soon;
	uint64_t busy_ns, run_queue_ns;
};

static void set_up(struct stage *stage)
{
	stage_worker(stage, ROUSE_WORKER_DRIVER);
	stage_thread(stage, 0);
	stage_task(stage, 20);
	stage_look(stage, 1 * S);
}

static void seconds(struct stage *stage, uint64_t from, int n, struct pace pace)
{
	for (uint64_t i = 0; i < (uint64_t)n; i++) {
		stage->delays[LATE] += pace.late;
		stage->delays[SOON] += pace.soon;
		stage->workers[0].counters.busy_ticks += pace.busy_ns;
		stage->threads[0].run_queue_ns += pace.run_queue_ns;
		stage_look(stage, (from + i) * S);
	}
}

static void wakes_served_late_by_idle_workers_are_suspected(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	set_up(stage);
	seconds(stage, 2, 3, (struct pace){ .late = 3, .soon = 200, .busy_ns = 30 * MS, .run_queue_ns = 10 * MS });
	stage_silent(stage);
	seconds(stage, 5, 1, (struct pace){ .late = 3, .soon = 200, .busy_ns = 30 * MS, .run_queue_ns = 10 * MS });
	f = stage_finding(stage, CN_FINDING_SLOW_WAKEUP);
	assert_non_null(f);
	assert_int_equal(f->class, CN_SUSPECT);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->line, SPAWN_LINE);
	assert_non_null(strstr(f->evidence, "9 of 609 wakes"));
	assert_non_null(strstr(f->evidence, "in polls for more than 60.0ms"));
	seconds(stage, 6, 11, (struct pace){ .late = 3, .soon = 200 });
	assert_int_equal(stage_finding(stage, CN_FINDING_SLOW_WAKEUP)->class, CN_LIKELY);
	seconds(stage, 17, 1, (struct pace){ .soon = 200 });
	stage_silent(stage);
}

static void what_others_explain_is_not_told(void **state)
{
	static const struct pace paces[] = {
		{ .late = 3, .busy_ns = 34 * MS },      /* a burst: all of it may have been before them */
		{ .late = 3, .run_queue_ns = 34 * MS }, /* the machine was late */
		{ .late = 3, .soon = 300 },             /* less than one in a hundred */
		{ .soon = 300 },
	};

	for (size_t i = 0; i < sizeof paces / sizeof paces[0]; i++) {
		struct stage *stage = *state;

		set_up(stage);
		seconds(stage, 2, 10, paces[i]);
		stage_silent(stage);
		stage_again(state);
	}
}

static void where_threads_are_not_known_nothing_is_told(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_DRIVER);
	stage_task(stage, 20);
	for (uint64_t i = 1; i < 10; i++) {
		stage->delays[LATE] += 3;
		stage_look(stage, i * S);
	}
	stage_silent(stage);
}

static void a_poll_that_lasts_keeps_them(void **state)
{
	struct stage *stage = *state;

	set_up(stage);
	stage_polls(stage, 0, 21, 1 * S + 900 * MS);
	seconds(stage, 2, 1, (struct pace){ .late = 3 });
	stage_polls(stage, 0, 21, 2 * S + 900 * MS);
	seconds(stage, 3, 1, (struct pace){ .late = 3 });
	stage_polls(stage, 0, 21, 3 * S + 900 * MS);
	seconds(stage, 4, 1, (struct pace){ .late = 3 });
	assert_null(stage_finding(stage, CN_FINDING_SLOW_WAKEUP));
}

TEST_MAIN(STAGED(wakes_served_late_by_idle_workers_are_suspected), STAGED(what_others_explain_is_not_told),
	STAGED(where_threads_are_not_known_nothing_is_told), STAGED(a_poll_that_lasts_keeps_them));
