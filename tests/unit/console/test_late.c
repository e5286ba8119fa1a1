/* SPDX-License-Identifier: MIT */
/* What does not come: timers, ends of runtimes and of aborted tasks, threads of the blocking pool, whole looks. */
#include "test.h"

#include "stage.h"

#include <string.h>
#include <sys/syscall.h>

/* ------------------------------------------------------------------ timers */

static void sleeping(struct stage *stage, uint64_t deadline)
{
	if (!stage->n_workers)
		stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_waits(stage, 20, ROUSE_OP_SLEEP, 0)->arg = deadline;
	stage_look(stage, 4 * S);
	stage_look(stage, 5 * S);
}

static void a_sleep_overdue_by_a_second_is_late(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	sleeping(stage, 4 * S + 1);
	stage_silent(stage);
	stage_again(state);
	stage = *state;
	sleeping(stage, 4 * S);
	f = stage_finding(stage, CN_FINDING_LATE_TIMERS);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->line, AWAIT_LINE);
	assert_int_equal(f->since_ns, 4 * S);
	assert_non_null(strstr(f->evidence, "nobody is in the driver"));
}

static void the_poll_that_keeps_it_late_is_told(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 21, 1 * S);
	sleeping(stage, 2 * S);
	f = stage_finding(stage, CN_FINDING_LATE_TIMERS);
	assert_non_null(f);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->owner, 21);
	assert_non_null(strstr(f->evidence, "worker 0 has been in a poll of a_task (21) for 4.00s"));
	assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->class, CN_LIKELY);
}

/* It was woken, and has not got a CPU yet. */
static void timers_are_not_late_while_a_worker_waits_for_a_cpu_to_fire_them(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_DRIVER);
	stage_thread(stage, 0)->state = 'R';
	sleeping(stage, 2 * S);
	stage_silent(stage);
	stage->threads[0].state = 'S';
	stage_look(stage, 6 * S);
	assert_int_equal(stage_finding(stage, CN_FINDING_LATE_TIMERS)->class, CN_LIKELY);
}

static void timers_are_not_late_in_a_stopped_or_overloaded_program_or_when_they_move(void **state)
{
	struct stage *stage = *state;

	stage->begin = (struct look_opts){ .stopped = true, .watchdog_ns = 2 * S };
	sleeping(stage, 2 * S);
	stage_silent(stage);
	stage_again(state);
	stage = *state;
	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_thread(stage, 0)->state = 'S'; /* at this moment; it wanted a CPU for most of the look */
	stage_waits(stage, 20, ROUSE_OP_SLEEP, 0)->arg = 2 * S;
	stage_look(stage, 4 * S);
	stage->threads[0].run_queue_ns += 600 * MS;
	stage_look(stage, 5 * S);
	stage_silent(stage);
	stage_again(state);
	stage = *state;
	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_waits(stage, 20, ROUSE_OP_SLEEP, 0)->arg = 2 * S;
	stage_look(stage, 4 * S);
	stage_task(stage, 20)->stamp++;
	stage_look(stage, 5 * S);
	stage_silent(stage);
	stage_again(state);
	stage = *state;
	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_waits(stage, 20, ROUSE_OP_RECV, 0)->arg = 2 * S; /* no deadline */
	stage_look(stage, 4 * S);
	stage_look(stage, 5 * S);
	assert_null(stage_finding(stage, CN_FINDING_LATE_TIMERS));
}

/* ---------------------------------------------------------------- shutdown */

static void stopping(struct stage *stage, uint64_t since)
{
	stage->begin = (struct look_opts){ .state = ROUSE_RUNTIME_STOPPING, .stopping_ns = since };
	if (!stage->n_workers)
		stage_worker(stage, ROUSE_WORKER_POLLING);
}

static void a_poll_that_keeps_a_shutdown_is_named(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	stopping(stage, 3 * S);
	stage_polls(stage, 0, 20, 1 * S);
	stage_look(stage, 4 * S);
	stage_look(stage, 5 * S - 1);
	assert_null(stage_finding(stage, CN_FINDING_SHUTDOWN_HANG));
	stage_look(stage, 5 * S);
	f = stage_finding(stage, CN_FINDING_SHUTDOWN_HANG);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->since_ns, 3 * S);
	assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->class, CN_SUSPECT);
}

static void so_are_a_job_and_threads_that_are_not_ours(void **state)
{
	struct stage *stage = *state;
	struct resource_row *job = stage_resource(stage, 60, ROUSE_RESOURCE_BLOCKING_JOB);

	stopping(stage, 1 * S);
	job->value = 1;
	job->owner = 555;
	job->creator = 20;
	job->owner_since_ns = 1 * S;
	stage_look(stage, 4 * S);
	stage_look(stage, 5 * S);
	assert_int_equal(stage_finding(stage, CN_FINDING_SHUTDOWN_HANG)->resource, 60);
	assert_int_equal(stage_finding(stage, CN_FINDING_SHUTDOWN_HANG)->tasks[0], 20);
	assert_int_equal(stage_finding(stage, CN_FINDING_SHUTDOWN_HANG)->line, MADE_LINE);
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_SHUTDOWN_HANG)->evidence, "thread 555"));
	stage_again(state);
	stage = *state;
	stopping(stage, 1 * S);
	stage_look(stage, 4 * S);
	stage_look(stage, 5 * S);
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_SHUTDOWN_HANG)->evidence, "program's own"));
}

/* A million tasks take their time to be cancelled. */
static void a_shutdown_that_gets_on_is_none(void **state)
{
	struct stage *stage = *state;

	stopping(stage, 1 * S);
	for (uint64_t now = 2; now < 20; now++) {
		stage_look(stage, now * S);
		stage->workers[0].counters.cancelled += 1000;
	}
	stage_silent(stage);
}

/* ------------------------------------------------------------------ cancel */

static void an_aborted_task_whose_poll_goes_on_is_pending_cancel(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_polls(stage, 0, 20, 1 * S);
	stage_look(stage, 3 * S);
	stage_task(stage, 20)->flags = ROUSE_CANCELLED;
	stage_task(stage, 20)->stamp++;
	stage_look(stage, 4 * S);
	stage_look(stage, 5 * S - 1);
	assert_null(stage_finding(stage, CN_FINDING_CANCEL_PENDING));
	stage_look(stage, 5 * S);
	f = stage_finding(stage, CN_FINDING_CANCEL_PENDING);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->tasks[0], 20);
	assert_non_null(strstr(f->evidence, "is running"));
	assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->class, CN_SUSPECT);
}

static void one_that_stays_in_its_queue_is_told_unless_a_poll_explains_it(void **state)
{
	struct task_row *task;

	for (int with_poll = 0; with_poll < 2; with_poll++) {
		struct stage *stage = *state;

		stage_worker(stage, ROUSE_WORKER_PARKED);
		if (with_poll)
			stage_polls(stage, 0, 21, 1 * S);
		task = stage_task(stage, 20);
		task->state = ROUSE_TASK_SCHEDULED;
		task->flags = ROUSE_CANCELLED;
		task->last_waker = ROUSE_WAKE_ABORT;
		task->enqueue_ns = 4 * S;
		stage_look(stage, 4 * S + 500 * MS);
		stage_look(stage, 5 * S - 1);
		assert_null(stage_finding(stage, CN_FINDING_CANCEL_PENDING));
		stage_look(stage, 5 * S);
		assert_int_equal(stage_finding(stage, CN_FINDING_CANCEL_PENDING) != NULL, !with_poll);
		stage_again(state);
	}
}

/* -------------------------------------------------------------------- pool */

/* Two threads, both with a job since then; a third job is queued since 1 s. */
static void pool(struct stage *stage, uint64_t since_a, uint64_t since_b)
{
	stage->begin = (struct look_opts){ .blocking_queued = 1, .blocking_threads = 2, .blocking_limit = 2 };
	stage_worker(stage, ROUSE_WORKER_PARKED);
	for (uint64_t i = 0; i < 3; i++) {
		struct resource_row *job = stage_resource(stage, 60 + i, ROUSE_RESOURCE_BLOCKING_JOB);

		job->creator = 20 + i;
		job->created_ns = 1 * S;
		job->owner_since_ns = i == 0 ? since_a : i == 1 ? since_b : 0;
		job->owner = i < 2 ? 500 + i : 0;
		job->value = i < 2;
		stage_waits(stage, 20 + i, ROUSE_OP_BLOCKING, 60 + i);
	}
}

static void a_pool_that_holds_the_same_jobs_is_exhausted(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	pool(stage, 2 * S, 1 * S);
	stage_look(stage, 2 * S);
	stage_look(stage, 3 * S - 1);
	stage_silent(stage);
	stage_look(stage, 3 * S);
	assert_int_equal(stage_finding(stage, CN_FINDING_POOL_EXHAUSTED)->class, CN_SUSPECT);
	stage_look(stage, 5 * S);
	f = stage_finding(stage, CN_FINDING_POOL_EXHAUSTED);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->n_tasks, 2);
	assert_int_equal(f->tasks[0], 21); /* the oldest first */
	assert_int_equal(f->tasks[1], 20);
	assert_int_equal(f->resource, 61);
	assert_int_equal(f->line, AWAIT_LINE);
	assert_non_null(strstr(f->evidence, "on thread 501"));
}

static void a_busy_pool_that_gets_on_is_not(void **state)
{
	struct stage *stage = *state;

	pool(stage, 1 * S, 1 * S);
	stage_look(stage, 4 * S);
	stage->resources[1].owner_since_ns = 4 * S + 500 * MS; /* the next job */
	stage_look(stage, 5 * S);
	stage_look(stage, 5 * S + 400 * MS);
	stage_silent(stage);
	stage_again(state);
	stage = *state;
	pool(stage, 1 * S, 1 * S);
	stage->begin.blocking_idle = 1;
	stage_look(stage, 4 * S);
	stage_look(stage, 5 * S);
	stage_silent(stage);
	stage->begin = (struct look_opts){ .blocking_queued = 1, .blocking_threads = 2, .blocking_limit = 3 };
	stage_look(stage, 6 * S);
	stage_silent(stage);
	stage->begin = (struct look_opts){ .blocking_threads = 2, .blocking_limit = 2 }; /* all busy, nobody waits */
	stage_look(stage, 7 * S);
	stage_silent(stage);
}

static void a_job_behind_it_is_not_also_pending_for_long(void **state)
{
	struct stage *stage = *state;

	pool(stage, 1 * S, 1 * S);
	stage_look(stage, 99 * S);
	stage_look(stage, 100 * S);
	assert_non_null(stage_finding(stage, CN_FINDING_POOL_EXHAUSTED));
	assert_null(stage_finding(stage, CN_FINDING_PENDING_LONG));
	stage->begin.blocking_limit = 3;
	stage_look(stage, 101 * S);
	assert_int_equal(stage_finding(stage, CN_FINDING_PENDING_LONG)->tasks[0], 22);
}

/* A lock is not given because its owner's poll does not end: that is what is told. */
static void nor_is_who_waits_for_a_task_in_a_long_poll(void **state)
{
	struct stage *stage = *state;
	struct resource_row *mutex = stage_resource(stage, 60, ROUSE_RESOURCE_MUTEX);

	mutex->flags = ROUSE_RESOURCE_OWNED;
	mutex->owner = 20;
	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_polls(stage, 0, 20, 1 * S);
	stage_waits(stage, 21, ROUSE_OP_LOCK, 60);
	stage_look(stage, 99 * S);
	stage_look(stage, 100 * S);
	assert_non_null(stage_finding(stage, CN_FINDING_BLOCKED_WORKER));
	assert_null(stage_finding(stage, CN_FINDING_PENDING_LONG));
}

/* -------------------------------------------------------------------- looks */

static void a_look_that_is_not_whole_twice_is_told(void **state)
{
	struct stage *stage = *state;

	stage->incomplete = true;
	stage_look(stage, 1 * S);
	stage_silent(stage);
	stage->incomplete = false;
	stage_look(stage, 2 * S);
	stage->incomplete = true;
	stage_look(stage, 3 * S);
	stage_silent(stage);
	stage_look(stage, 4 * S);
	assert_int_equal(stage_finding(stage, CN_FINDING_INCOMPLETE_LOOK)->class, CN_SUSPECT);
}

static void in_a_core_file_once(void **state)
{
	struct stage *stage = *state;

	look_hello(stage->model, "core");
	stage->begin = (struct look_opts){ .stopped = true, .watchdog_ns = 1 };
	stage_look(stage, 50 * S); /* nobody expects a watchdog there */
	stage_silent(stage);
	stage->incomplete = true;
	stage_look(stage, 51 * S);
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_INCOMPLETE_LOOK)->evidence, "not all of the memory"));
}

static void a_watchdog_that_has_gone_is_told(void **state)
{
	struct stage *stage = *state;

	stage->begin.watchdog_ns = 1 * S;
	stage_look(stage, 6 * S);
	stage_look(stage, 6 * S + 20 * MS); /* and twice the time of a long poll */
	stage_silent(stage);
	stage->begin.watchdog_ns += 300; /* no other beat: the clock's rate was corrected */
	stage_look(stage, 6 * S + 20 * MS + 301);
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_INCOMPLETE_LOOK)->evidence, "watchdog"));
	stage->begin.stopped = true;
	stage_look(stage, 8 * S);
	stage_silent(stage);
}

static void events_lost_now_and_then_are_what_rings_are_for(void **state)
{
	struct stage *stage = *state;

	for (uint64_t now = 1; now < 8; now++) {
		stage_look(stage, now * S);
		stage->emitted_events += 1000;
		stage->lost_events += now == 3 ? 500 : 10;
	}
	stage_silent(stage);
	for (uint64_t now = 8; now < 11; now++) {
		stage->emitted_events += 1000;
		stage->lost_events += 11;
		stage_look(stage, now * S);
	}
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_INCOMPLETE_LOOK)->evidence, "events are lost"));
}

TEST_MAIN(STAGED(a_sleep_overdue_by_a_second_is_late), STAGED(the_poll_that_keeps_it_late_is_told),
	STAGED(timers_are_not_late_while_a_worker_waits_for_a_cpu_to_fire_them),
	STAGED(timers_are_not_late_in_a_stopped_or_overloaded_program_or_when_they_move),
	STAGED(a_poll_that_keeps_a_shutdown_is_named), STAGED(so_are_a_job_and_threads_that_are_not_ours),
	STAGED(a_shutdown_that_gets_on_is_none), STAGED(an_aborted_task_whose_poll_goes_on_is_pending_cancel),
	STAGED(one_that_stays_in_its_queue_is_told_unless_a_poll_explains_it),
	STAGED(a_pool_that_holds_the_same_jobs_is_exhausted), STAGED(a_busy_pool_that_gets_on_is_not),
	STAGED(a_job_behind_it_is_not_also_pending_for_long), STAGED(nor_is_who_waits_for_a_task_in_a_long_poll),
	STAGED(a_look_that_is_not_whole_twice_is_told), STAGED(in_a_core_file_once),
	STAGED(a_watchdog_that_has_gone_is_told), STAGED(events_lost_now_and_then_are_what_rings_are_for));
