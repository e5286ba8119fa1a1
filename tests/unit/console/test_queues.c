/* SPDX-License-Identifier: MIT */
/* Queues that are not served, or not fairly. */
#include "test.h"

#include "stage.h"

#include <string.h>
#include <sys/syscall.h>

/* Both workers are in polls since 1 s, and task 22 is queued behind them since 2 s; looks at 4 and 5 s. */
static void all_in_polls(struct stage *stage, int syscall_a, int syscall_b)
{
	struct task_row *queued;

	stage_worker(stage, ROUSE_WORKER_POLLING)->local_depth = 1;
	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 20, 1 * S);
	stage_polls(stage, 1, 21, 1 * S);
	*stage_thread(stage, 0) = (struct thread_row){
		.tid = 100, .state = 'S', .cpu_ns = 1, .syscall = (uint32_t)syscall_a + 1
	};
	*stage_thread(stage, 1) = (struct thread_row){
		.tid = 101, .state = 'S', .cpu_ns = 1, .syscall = (uint32_t)syscall_b + 1
	};
	queued = stage_task(stage, 22);
	queued->state = ROUSE_TASK_SCHEDULED;
	queued->enqueue_ns = 2 * S;
	stage->queued[0] = 22;
	stage->n_queued = 1;
}

static void two_looks(struct stage *stage)
{
	stage_look(stage, 4 * S);
	stage_look(stage, 5 * S);
}

/* One cause, one LIKELY. */
static void assert_polls_are_suspect(struct stage *stage)
{
	const struct cn_finding *poll = stage_finding(stage, CN_FINDING_BLOCKED_WORKER);

	assert_non_null(poll);
	assert_int_equal(poll->class, CN_SUSPECT);
	assert_int_equal(cn_findings_at_least(stage->findings, CN_LIKELY, true), 1);
}

static void a_queue_behind_polls_that_last_is_stuck(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	all_in_polls(stage, SYS_futex, SYS_nanosleep);
	two_looks(stage);
	f = stage_finding(stage, CN_FINDING_STUCK_QUEUE);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->n_tasks, 2);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->tasks[1], 21);
	assert_int_equal(f->owner, 22);
	assert_non_null(strstr(f->evidence, "1 task is queued"));
	assert_non_null(strstr(f->evidence, "(22) for 3.00s"));
	assert_non_null(strstr(f->evidence, "nanosleep"));
	assert_null(stage_finding(stage, CN_FINDING_NESTED_BLOCK));
	assert_polls_are_suspect(stage);
}

static void if_they_all_sleep_in_futex_it_may_be_what_they_wait_for(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	all_in_polls(stage, SYS_futex, SYS_futex);
	two_looks(stage);
	f = stage_finding(stage, CN_FINDING_NESTED_BLOCK);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->tasks[0], 20);
	assert_null(stage_finding(stage, CN_FINDING_STUCK_QUEUE));
	assert_polls_are_suspect(stage);
}

static void a_worker_that_is_free_or_an_empty_queue_is_neither(void **state)
{
	struct stage *stage = *state;

	all_in_polls(stage, SYS_futex, SYS_futex);
	stage_worker(stage, ROUSE_WORKER_PARKED);
	two_looks(stage);
	assert_null(stage_finding(stage, CN_FINDING_NESTED_BLOCK));
	assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->class, CN_LIKELY);
	stage_again(state);
	stage = *state;
	all_in_polls(stage, SYS_futex, SYS_nanosleep);
	stage->workers[0].local_depth = 0;
	two_looks(stage);
	assert_null(stage_finding(stage, CN_FINDING_STUCK_QUEUE));
	assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->class, CN_LIKELY);
}

static void a_task_that_has_only_just_been_queued_is_not_stuck(void **state)
{
	struct stage *stage = *state;

	all_in_polls(stage, SYS_futex, SYS_nanosleep);
	stage_task(stage, 22)->enqueue_ns = 4 * S + 1;
	two_looks(stage);
	assert_null(stage_finding(stage, CN_FINDING_STUCK_QUEUE));
	stage_again(state);
	stage = *state;
	all_in_polls(stage, SYS_futex, SYS_nanosleep);
	stage_look(stage, 4 * S);
	stage_task(stage, 22)->stamp++; /* it moved */
	stage_look(stage, 5 * S);
	assert_null(stage_finding(stage, CN_FINDING_STUCK_QUEUE));
}

/* ----------------------------------------------------------------- starved */

/* Task 20 is queued since 1 s while the worker makes `polls` polls in each second, up to `end`. */
static const struct cn_finding *passed_over(struct stage *stage, uint64_t polls, uint64_t others, uint64_t end)
{
	struct task_row *task = stage_task(stage, 20);

	task->state = ROUSE_TASK_SCHEDULED;
	task->enqueue_ns = 1 * S;
	stage_waits(stage, 20, ROUSE_OP_RECV, 0)->wait_state = ROUSE_WAIT_IDLE;
	for (uint64_t i = 0; i < others; i++) { /* a queue that is short by and by */
		struct task_row *other = stage_task(stage, 100 + i);

		other->state = ROUSE_TASK_SCHEDULED;
		other->enqueue_ns = 1 * S;
	}
	if (!stage->n_workers)
		stage_worker(stage, ROUSE_WORKER_SEARCHING)->local_depth = 1;
	stage->queued[0] = 20;
	stage->n_queued = 1;
	for (uint64_t now = 1 * S; now <= end; now += 500 * MS) {
		stage_look(stage, now);
		stage->workers[0].counters.polls += polls / 2;
		for (uint64_t i = 0; i < others; i++)
			stage_task(stage, 100 + i)->state = ROUSE_TASK_PENDING;
	}
	return stage_finding(stage, CN_FINDING_STARVED);
}

static void a_task_that_a_thousand_polls_pass_by_is_starved(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f = passed_over(stage, 1000, 0, 3 * S);

	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->line, AWAIT_LINE);
	assert_int_equal(f->since_ns, 1 * S);
	assert_non_null(strstr(f->evidence, "for 2.00s; 2000 polls"));
}

static void not_before_two_seconds_nor_after_few_polls(void **state)
{
	assert_null(passed_over(*state, 1000, 0, 2 * S + 500 * MS));
	stage_again(state);
	assert_null(passed_over(*state, 2, 0, 3 * S)); /* 4, and it takes four times two */
	stage_again(state);
	assert_non_null(passed_over(*state, 4, 0, 3 * S));
}

/* In a fair queue of a thousand it would have its turn after a thousand polls. */
static void a_long_queue_that_is_served_in_turn_starves_nobody(void **state)
{
	struct stage *stage = *state;

	assert_null(passed_over(stage, 1500, 1000, 3 * S));
	stage_silent(stage);
}

static void a_worker_in_a_long_poll_or_a_busy_machine_explains_it(void **state)
{
	struct stage *stage = *state;
	struct thread_row *thread;

	stage_worker(stage, ROUSE_WORKER_SEARCHING)->local_depth = 1;
	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 1, 21, 1 * S);
	assert_null(passed_over(stage, 1000, 0, 3 * S));
	stage_again(state);
	stage = *state;
	stage_worker(stage, ROUSE_WORKER_SEARCHING)->local_depth = 1;
	thread = stage_thread(stage, 0);
	passed_over(stage, 1000, 0, 3 * S);
	assert_non_null(stage_finding(stage, CN_FINDING_STARVED));
	thread->run_queue_ns += 300 * MS; /* of the last 500 */
	stage_look(stage, 3 * S + 500 * MS);
	stage_silent(stage);
}

static void a_task_that_moves_is_not_starved(void **state)
{
	struct stage *stage = *state;

	passed_over(stage, 1000, 0, 3 * S);
	stage_task(stage, 20)->stamp += 3;
	stage_look(stage, 4 * S);
	assert_null(stage_finding(stage, CN_FINDING_STARVED));
}

/* --------------------------------------------------------------- imbalance */

static void share(struct stage *stage, uint32_t looks, uint64_t busy_per_look)
{
	for (uint32_t i = 1; i <= looks; i++) {
		stage_look(stage, i * S);
		stage->workers[0].counters.busy_ticks += busy_per_look;
	}
}

static void one_with_a_queue_and_one_asleep_for_long_is_imbalance(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	stage_worker(stage, ROUSE_WORKER_POLLING)->local_depth = 32;
	stage_worker(stage, ROUSE_WORKER_PARKED);
	share(stage, 5, 900 * MS);
	stage_silent(stage);
	stage_look(stage, 6 * S);
	f = stage_finding(stage, CN_FINDING_IMBALANCE);
	assert_non_null(f);
	assert_int_equal(f->class, CN_SUSPECT);
	assert_int_equal(f->worker, 0);
	assert_non_null(strstr(f->evidence, "32 tasks"));
}

static void a_small_queue_or_a_worker_that_steals_is_none(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_POLLING)->local_depth = 31;
	stage_worker(stage, ROUSE_WORKER_PARKED);
	share(stage, 12, 950 * MS);
	stage_silent(stage);
	stage_again(state);
	stage = *state;
	stage_worker(stage, ROUSE_WORKER_POLLING)->local_depth = 200;
	stage_worker(stage, ROUSE_WORKER_PARKED);
	for (uint32_t i = 1; i <= 12; i++) {
		stage_look(stage, i * S);
		stage->workers[0].counters.busy_ticks += 950 * MS;
		stage->workers[1].counters.stolen++;
	}
	stage_silent(stage);
	stage_again(state);
	stage = *state;
	stage_worker(stage, ROUSE_WORKER_POLLING)->local_depth = 200;
	stage_worker(stage, ROUSE_WORKER_PARKED);
	share(stage, 12, 500 * MS); /* it has a queue, and still time to spare */
	stage_silent(stage);
}

TEST_MAIN(STAGED(a_queue_behind_polls_that_last_is_stuck), STAGED(if_they_all_sleep_in_futex_it_may_be_what_they_wait_for),
	STAGED(a_worker_that_is_free_or_an_empty_queue_is_neither),
	STAGED(a_task_that_has_only_just_been_queued_is_not_stuck),
	STAGED(a_task_that_a_thousand_polls_pass_by_is_starved), STAGED(not_before_two_seconds_nor_after_few_polls),
	STAGED(a_long_queue_that_is_served_in_turn_starves_nobody),
	STAGED(a_worker_in_a_long_poll_or_a_busy_machine_explains_it), STAGED(a_task_that_moves_is_not_starved),
	STAGED(one_with_a_queue_and_one_asleep_for_long_is_imbalance),
	STAGED(a_small_queue_or_a_worker_that_steals_is_none));
