/* SPDX-License-Identifier: MIT */
/* Many that are woken for one, and broadcasts that look much like it. */
#include "test.h"

#include "stage.h"

#include <string.h>

/* What each of those that wait does in a second. */
struct habit {
	uint32_t members, looks;
	uint32_t wakes, polls;
	uint64_t busy_ns;
	uint32_t waker_polls;
	uint64_t waker; /* 0 = task 20 */
	uint32_t op;    /* 0 = notified */
};

static const struct cn_finding *run(struct stage *stage, struct habit habit)
{
	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_resource(stage, 60, ROUSE_RESOURCE_NOTIFY);
	stage_waits(stage, 20, ROUSE_OP_SLEEP, 0)->arg = 1000 * S;
	for (uint64_t look = 1; look <= habit.looks; look++) {
		for (uint64_t i = 0; i < habit.members; i++) {
			struct task_row *task = stage_task(stage, 100 + i);

			stage_waits(stage, 100 + i, habit.op ? habit.op : ROUSE_OP_NOTIFIED, 60)->since_ns = look * S;
			task->wakes += habit.wakes;
			task->polls += habit.polls;
			task->stamp += 4 * habit.polls;
			task->busy_ns += habit.busy_ns;
			task->edge_ns = look * S - 1;
			task->last_waker = habit.waker ? habit.waker : 20;
		}
		stage_task(stage, 20)->polls += habit.waker_polls;
		stage_task(stage, 20)->stamp += 4 * habit.waker_polls;
		stage_look(stage, look * S);
	}
	return stage_finding(stage, CN_FINDING_THUNDERING);
}

/* 200 wakes a second, each a poll of 1 us. */
static struct habit herd(uint32_t members, uint32_t looks)
{
	return (struct habit){
		.members = members, .looks = looks, .wakes = 200, .polls = 200, .busy_ns = 200000, .waker_polls = 200
	};
}

static void many_that_look_and_wait_again_are_a_herd(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f = run(stage, herd(16, 3));

	assert_non_null(f);
	assert_int_equal(f->class, CN_SUSPECT);
	assert_int_equal(f->n_tasks, 16);
	assert_int_equal(f->tasks[0], 100);
	assert_int_equal(f->resource, 60);
	assert_int_equal(f->owner, 20);
	assert_int_equal(f->line, AWAIT_LINE);
	assert_non_null(strstr(f->evidence, "16 tasks wait"));
	assert_non_null(strstr(f->evidence, "200 times a second, and wait again after 1.00us"));
	stage_again(state);
	assert_int_equal(run(*state, herd(16, 12))->class, CN_LIKELY);
}

static void fifteen_are_not_many(void **state)
{
	struct stage *stage = *state;

	assert_null(run(stage, herd(15, 12)));
	stage_again(state);
	stage = *state;
	for (uint64_t i = 0; i < 10; i++) /* with others that only wait */
		stage_waits(stage, 300 + i, ROUSE_OP_NOTIFIED, 60);
	assert_null(run(stage, herd(15, 12)));
}

static void receivers_of_a_broadcast_are_none(void **state)
{
	static const struct habit healthy[] = {
		/* they do something with it */
		{ .members = 100, .wakes = 200, .polls = 200, .busy_ns = 200 * 2001, .waker_polls = 200 },
		/* they wait elsewhere on the way */
		{ .members = 100, .wakes = 400, .polls = 400, .busy_ns = 200000, .waker_polls = 200 },
		/* once for each frame of a screen */
		{ .members = 100, .wakes = 75, .polls = 75, .busy_ns = 75000, .waker_polls = 200 },
		/* they go on by themselves in between */
		{ .members = 100, .wakes = 200, .polls = 250, .busy_ns = 200000, .waker_polls = 300 },
		/* a thread outside, of which nothing is known */
		{ .members = 100,
			.wakes = 200,
			.polls = 200,
			.busy_ns = 200000,
			.waker_polls = 200,
			.waker = ROUSE_WAKE_FOREIGN },
		/* each gets something of its own: a channel */
		{ .members = 100,
			.wakes = 200,
			.polls = 200,
			.busy_ns = 200000,
			.waker_polls = 200,
			.op = ROUSE_OP_RECV },
	};

	for (size_t i = 0; i < sizeof healthy / sizeof healthy[0]; i++) {
		struct habit habit = healthy[i];

		habit.looks = 12;
		assert_null(run(*state, habit));
		stage_again(state);
	}
}

TEST_MAIN(STAGED(many_that_look_and_wait_again_are_a_herd), STAGED(fifteen_are_not_many),
	STAGED(receivers_of_a_broadcast_are_none));
