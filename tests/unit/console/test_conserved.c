/* SPDX-License-Identifier: MIT */
/* What the scheduler must not lose: a woken task, a worker's wake-up, the eye on sockets. */
#include "test.h"

#include "stage.h"

#include <string.h>

enum { NOBODY = 9999 }; /* a queue that holds only it is known, and holds none of ours */

static struct task_row *scheduled(struct stage *stage)
{
	struct task_row *task = stage_task(stage, 20);

	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_worker(stage, ROUSE_WORKER_DRIVER);
	stage->begin.driver_worker = 2;
	task->state = ROUSE_TASK_SCHEDULED;
	task->enqueue_ns = 1 * S;
	stage->queued[0] = NOBODY;
	stage->n_queued = 1;
	return task;
}

static void looks(struct stage *stage, uint64_t from_s, uint64_t to_s)
{
	for (uint64_t s = from_s; s <= to_s; s++)
		stage_look(stage, s * S);
}

/* -------------------------------------------------------------- lost tasks */

static void a_woken_task_in_no_queue_is_proven_at_the_third_time(void **state)
{
	struct stage *stage = *state;

	scheduled(stage);
	looks(stage, 2, 4);
	assert_non_null(stage_finding(stage, CN_FINDING_LOST_TASK));
	assert_int_equal(stage_finding(stage, CN_FINDING_LOST_TASK)->class, CN_INCOMPLETE);
	looks(stage, 5, 6);
	assert_int_equal(stage_finding(stage, CN_FINDING_LOST_TASK)->class, CN_PROVEN);
	assert_int_equal(stage_finding(stage, CN_FINDING_LOST_TASK)->tasks[0], 20);
}

static void a_task_in_a_queue_is_not_lost(void **state)
{
	struct stage *stage = *state;

	scheduled(stage);
	stage->queued[0] = 20;
	looks(stage, 2, 8);
	assert_null(stage_finding(stage, CN_FINDING_LOST_TASK));
	stage_again(state);
	stage = *state;
	scheduled(stage);
	stage->begin.inject_depth = 1; /* that may be it */
	looks(stage, 2, 8);
	assert_null(stage_finding(stage, CN_FINDING_LOST_TASK));
}

static void where_queues_are_not_known_nothing_is_lost(void **state)
{
	struct stage *stage = *state;

	scheduled(stage);
	stage->n_queued = 0;
	looks(stage, 2, 8);
	stage_silent(stage);
}

static void a_task_that_moves_is_not_lost(void **state)
{
	struct stage *stage = *state;
	struct task_row *task = scheduled(stage);

	for (uint64_t s = 2; s < 9; s++) {
		task->stamp++;
		stage_look(stage, s * S);
	}
	assert_null(stage_finding(stage, CN_FINDING_LOST_TASK));
}

static void a_task_in_somebodys_hand_is_not_proven_lost(void **state)
{
	struct stage *stage = *state;

	scheduled(stage);
	stage->workers[0].in_transit = 20;
	looks(stage, 2, 8);
	assert_int_equal(stage_finding(stage, CN_FINDING_LOST_TASK)->class, CN_INCOMPLETE);
}

/* A machine may keep a thread off its CPU for any number of looks, with what it carries. */
static void several_in_the_hand_of_a_worker_that_stands_still_may_have_it(void **state)
{
	struct stage *stage = *state;

	scheduled(stage);
	stage->workers[0].in_transit = UINT64_MAX;
	looks(stage, 2, 8);
	assert_int_equal(stage_finding(stage, CN_FINDING_LOST_TASK)->class, CN_INCOMPLETE);
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_LOST_TASK)->evidence, "in hand is not known"));
	stage_again(state);
	stage = *state;
	scheduled(stage);
	stage->workers[0].in_transit = UINT64_MAX;
	for (uint64_t s = 2; s <= 8; s++, stage->workers[0].counters.polls++) /* it has let go meanwhile */
		stage_look(stage, s * S);
	assert_int_equal(stage_finding(stage, CN_FINDING_LOST_TASK)->class, CN_PROVEN);
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_LOST_TASK)->evidence, "no thread has it in hand"));
}

/* ---------------------------------------------------------- missed unparks */

static void queued_with_all_workers_parked_is_proven(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	scheduled(stage);
	stage->queued[0] = 20;
	looks(stage, 3, 5);
	f = stage_finding(stage, CN_FINDING_MISSED_UNPARK);
	assert_non_null(f);
	assert_int_equal(f->class, CN_PROVEN);
	assert_int_equal(f->tasks[0], 20);
	assert_null(stage_finding(stage, CN_FINDING_LOST_TASK));
}

static void a_worker_that_is_awake_will_find_it(void **state)
{
	static const uint32_t awake[] = { ROUSE_WORKER_SEARCHING, ROUSE_WORKER_POLLING };

	for (size_t i = 0; i < sizeof awake / sizeof awake[0]; i++) {
		struct stage *stage = *state;

		scheduled(stage);
		stage->queued[0] = 20;
		stage->workers[0].state = awake[i];
		looks(stage, 3, 6);
		assert_null(stage_finding(stage, CN_FINDING_MISSED_UNPARK));
		stage_again(state);
	}
}

static void a_worker_that_polled_meanwhile_is_awake_enough(void **state)
{
	struct stage *stage = *state;

	scheduled(stage);
	stage->queued[0] = 20;
	for (uint64_t s = 3; s < 7; s++) {
		stage->workers[0].counters.polls++;
		stage_look(stage, s * S);
	}
	assert_null(stage_finding(stage, CN_FINDING_MISSED_UNPARK));
}

static void a_call_may_take_a_while(void **state)
{
	struct stage *stage = *state;

	scheduled(stage)->enqueue_ns = 2 * S + 1;
	stage->queued[0] = 20;
	looks(stage, 2, 3);
	assert_null(stage_finding(stage, CN_FINDING_MISSED_UNPARK));
}

/* It was stopped half a second after the push: that is all the time its workers had. */
static void a_stopped_program_is_given_no_time(void **state)
{
	struct stage *stage = *state;

	scheduled(stage);
	stage->queued[0] = 20;
	stage->begin.stopped = true;
	stage->begin.watchdog_ns = 1 * S + 500 * MS;
	looks(stage, 100, 104);
	assert_null(stage_finding(stage, CN_FINDING_MISSED_UNPARK));
	stage->begin.watchdog_ns = 3 * S;
	looks(stage, 105, 108);
	assert_non_null(stage_finding(stage, CN_FINDING_MISSED_UNPARK));
}

/* ------------------------------------------------------------------ driver */

static void reader(struct stage *stage, uint32_t state)
{
	stage_task(stage, 20);
	stage_waits(stage, 20, ROUSE_OP_READ, 50);
	stage_resource(stage, 50, ROUSE_RESOURCE_SOCKET);
	stage_worker(stage, state);
}

static void sockets_that_nobody_watches_are_proven_if_somebody_could(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	reader(stage, ROUSE_WORKER_PARKED);
	looks(stage, 2, 3);
	f = stage_finding(stage, CN_FINDING_DRIVER_UNOWNED);
	assert_non_null(f);
	assert_int_equal(f->class, CN_PROVEN);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->line, AWAIT_LINE);
}

static void with_every_worker_in_a_poll_they_are_suspect(void **state)
{
	struct stage *stage = *state;

	reader(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 21, 1 * S);
	looks(stage, 2, 3);
	assert_non_null(stage_finding(stage, CN_FINDING_DRIVER_UNOWNED));
	assert_int_equal(stage_finding(stage, CN_FINDING_DRIVER_UNOWNED)->class, CN_SUSPECT);
}

static void a_driver_that_is_owned_or_turns_is_fine(void **state)
{
	struct stage *stage = *state;

	reader(stage, ROUSE_WORKER_DRIVER);
	stage->begin.driver_worker = 1;
	looks(stage, 2, 9);
	assert_null(stage_finding(stage, CN_FINDING_DRIVER_UNOWNED));
	stage_again(state);
	stage = *state;
	reader(stage, ROUSE_WORKER_POLLING);
	for (uint64_t s = 2; s < 9; s++) {
		stage->workers[0].counters.driver_turns++;
		stage_look(stage, s * S);
	}
	assert_null(stage_finding(stage, CN_FINDING_DRIVER_UNOWNED));
}

static void nobody_need_watch_what_nobody_waits_for(void **state)
{
	struct stage *stage = *state;

	stage_task(stage, 20);
	stage_waits(stage, 20, ROUSE_OP_NOTIFIED, 50);
	stage_resource(stage, 50, ROUSE_RESOURCE_NOTIFY);
	stage_worker(stage, ROUSE_WORKER_PARKED);
	looks(stage, 2, 9);
	stage_silent(stage);
}

TEST_MAIN(STAGED(a_woken_task_in_no_queue_is_proven_at_the_third_time), STAGED(a_task_in_a_queue_is_not_lost),
	STAGED(where_queues_are_not_known_nothing_is_lost), STAGED(a_task_that_moves_is_not_lost),
	STAGED(a_task_in_somebodys_hand_is_not_proven_lost),
	STAGED(several_in_the_hand_of_a_worker_that_stands_still_may_have_it),
	STAGED(queued_with_all_workers_parked_is_proven),
	STAGED(a_worker_that_is_awake_will_find_it), STAGED(a_worker_that_polled_meanwhile_is_awake_enough),
	STAGED(a_call_may_take_a_while), STAGED(a_stopped_program_is_given_no_time),
	STAGED(sockets_that_nobody_watches_are_proven_if_somebody_could),
	STAGED(with_every_worker_in_a_poll_they_are_suspect), STAGED(a_driver_that_is_owned_or_turns_is_fine),
	STAGED(nobody_need_watch_what_nobody_waits_for));
