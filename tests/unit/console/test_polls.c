/* SPDX-License-Identifier: MIT */
/* Polls that last: what their threads do, and whose fault it is. */
#include "test.h"

#include "stage.h"

#include <string.h>
#include <sys/syscall.h>

/* What the system counts for a thread in a second, and where it stands. */
struct doing {
	uint64_t cpu_ns, run_queue_ns;
	char state;
	int syscall; /* + 1 */
	uint64_t argument;
};

/* Two looks, a second apart, at a poll that began `age` before the second. */
static void polling(struct stage *stage, uint64_t age, struct doing doing)
{
	struct thread_row *thread;

	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 20, 10 * S - age);
	thread = stage_thread(stage, 0);
	thread->state = (uint32_t)doing.state;
	thread->syscall = (uint32_t)doing.syscall;
	thread->argument = doing.argument;
	stage_look(stage, 9 * S);
	thread->cpu_ns += doing.cpu_ns;
	thread->run_queue_ns += doing.run_queue_ns;
	stage_look(stage, 10 * S);
}

static void a_thread_that_has_its_cpu_all_the_time_computes(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	polling(stage, 3 * S, (struct doing){ .cpu_ns = 800 * MS, .run_queue_ns = 10 * MS, .state = 'R' });
	f = stage_finding(stage, CN_FINDING_BUSY_WORKER);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->worker, 0);
	assert_int_equal(f->since_ns, 7 * S);
	assert_non_null(strstr(f->evidence, "had a CPU for 800ms of the last 1.00s"));
	assert_null(stage_finding(stage, CN_FINDING_BLOCKED_WORKER));
}

/* What has just been seen for the first time is named when it can be. */
static void what_a_thread_that_runs_does_is_told_by_the_second_look(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 20, 1 * S);
	stage_thread(stage, 0);
	stage_look(stage, 9 * S);
	stage_silent(stage);
	stage->threads[0].cpu_ns += 1 * S;
	stage_look(stage, 10 * S);
	assert_non_null(stage_finding(stage, CN_FINDING_BUSY_WORKER));
}

/* When looks are late, one follows the other at once: nothing can be counted in between. */
static void or_by_one_that_is_long_enough_after_it(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 20, 1 * S);
	stage_thread(stage, 0);
	stage_look(stage, 9 * S);
	stage_look(stage, 9 * S + 5 * MS);
	stage_silent(stage);
	stage->threads[0].cpu_ns += 1 * S;
	stage_look(stage, 10 * S);
	assert_non_null(stage_finding(stage, CN_FINDING_BUSY_WORKER));
}

static void one_that_sleeps_in_a_call_is_blocked_and_the_socket_is_named(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	stage_resource(stage, 60, ROUSE_RESOURCE_SOCKET)->value = 8;
	stage_resource(stage, 61, ROUSE_RESOURCE_SOCKET)->value = 7;
	polling(stage, 3 * S,
		(struct doing){ .cpu_ns = 200 * MS, .state = 'S', .syscall = SYS_read + 1, .argument = 7 });
	f = stage_finding(stage, CN_FINDING_BLOCKED_WORKER);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->resource, 61);
	assert_non_null(strstr(f->evidence, "sleeps in read(7)"));
	assert_null(stage_finding(stage, CN_FINDING_BUSY_WORKER));
}

static void a_lock_of_threads_is_called_that(void **state)
{
	struct stage *stage = *state;

	stage_resource(stage, 61, ROUSE_RESOURCE_SOCKET)->value = 7;
	polling(stage, 3 * S, (struct doing){ .state = 'S', .syscall = SYS_futex + 1, .argument = 7 });
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->evidence, "futex"));
	assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->resource, 0); /* an address, no descriptor */
}

/* It waits for a CPU, or was woken just now: what it does is told when it has got one, or sleeps again. */
static void one_that_would_run_and_has_had_little_of_a_cpu_is_told_by_another_look(void **state)
{
	static const uint64_t cpu[] = { 300 * MS, 0 };
	struct stage *stage;

	for (int i = 0; i < 2; i++) {
		stage = *state;
		polling(stage, 3 * S, (struct doing){ .cpu_ns = cpu[i], .state = 'R' });
		stage_silent(stage);
		stage->threads[0].state = 'S';
		stage->threads[0].syscall = SYS_futex + 1;
		stage_look(stage, 11 * S);
		assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->class, CN_LIKELY);
		stage_again(state);
	}
	stage = *state;
	polling(stage, 3 * S, (struct doing){ .state = 'R' });
	stage->threads[0].run_queue_ns += 1900 * MS; /* now it is counted */
	stage->threads[0].cpu_ns += 100 * MS;
	stage_look(stage, 11 * S);
	assert_null(stage_finding(stage, CN_FINDING_BLOCKED_WORKER));
}

/* Not in a call, not on a CPU: it is not plain what it does. */
static void half_and_half_is_suspected_without_a_reason(void **state)
{
	struct stage *stage = *state;

	polling(stage, 3 * S, (struct doing){ .cpu_ns = 500 * MS, .state = 'S' });
	assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->class, CN_SUSPECT);
	assert_null(strstr(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->evidence, "computes"));
}

/* What the thread did before the poll is not the poll's. */
static void a_poll_that_began_since_the_last_look_is_not_judged_by_all_of_it(void **state)
{
	struct stage *stage = *state;

	stage->long_polls = 2;
	polling(stage, 900 * MS, (struct doing){ .cpu_ns = 950 * MS, .state = 'R' });
	assert_null(stage_finding(stage, CN_FINDING_BUSY_WORKER));
	assert_non_null(stage_finding(stage, CN_FINDING_BLOCKED_WORKER));
}

static void a_thread_that_waits_for_a_cpu_is_nobodys_fault(void **state)
{
	struct stage *stage = *state;

	/* It had a tenth of the time: of its 5 s it can have run for 0.5. */
	polling(stage, 5 * S, (struct doing){ .cpu_ns = 100 * MS, .run_queue_ns = 900 * MS, .state = 'R' });
	stage_silent(stage);
	stage_again(state);
	stage = *state;
	stage->long_polls = 5; /* on such a machine that says nothing either */
	polling(stage, 900 * MS, (struct doing){ .cpu_ns = 100 * MS, .run_queue_ns = 800 * MS, .state = 'R' });
	assert_null(stage_finding(stage, CN_FINDING_BLOCKED_WORKER));
	assert_null(stage_finding(stage, CN_FINDING_BUSY_WORKER));
}

static void but_one_that_has_run_for_a_second_of_its_own_is_suspect(void **state)
{
	struct stage *stage = *state;

	polling(stage, 9 * S, (struct doing){ .cpu_ns = 200 * MS, .run_queue_ns = 800 * MS, .state = 'R' });
	assert_int_equal(stage_finding(stage, CN_FINDING_BUSY_WORKER)->class, CN_SUSPECT);
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_BUSY_WORKER)->evidence, "overloaded"));
	stage_again(state);
	stage = *state; /* and for two, on whichever machine */
	polling(stage, 9 * S, (struct doing){ .cpu_ns = 250 * MS, .run_queue_ns = 750 * MS, .state = 'R' });
	assert_int_equal(stage_finding(stage, CN_FINDING_BUSY_WORKER)->class, CN_LIKELY);
}

/* Its wait for a CPU at this moment is not counted yet. */
static void one_that_wants_a_cpu_now_computes_at_half_of_the_time(void **state)
{
	struct stage *stage = *state;

	polling(stage, 3 * S, (struct doing){ .cpu_ns = 400 * MS, .run_queue_ns = 100 * MS, .state = 'R' });
	assert_int_equal(stage_finding(stage, CN_FINDING_BUSY_WORKER)->class, CN_LIKELY);
	stage_again(state);
	stage = *state;
	polling(stage, 3 * S, (struct doing){ .cpu_ns = 400 * MS, .run_queue_ns = 99 * MS, .state = 'R' });
	assert_null(stage_finding(stage, CN_FINDING_BUSY_WORKER));
}

static void what_its_thread_does_has_to_be_plain(void **state)
{
	static const struct {
		struct doing doing;
		enum cn_class class;
	} cases[] = {
		{ { .cpu_ns = 10 * MS, .state = 'S', .syscall = SYS_read + 1 }, CN_LIKELY },
		{ { .cpu_ns = 300 * MS, .state = 'S', .syscall = SYS_read + 1 }, CN_LIKELY }, /* now, at least */
		{ { .cpu_ns = 300 * MS, .state = 'S' }, CN_SUSPECT },
		{ { .cpu_ns = 10 * MS, .state = 'D' }, CN_SUSPECT }, /* in no system call: a page fault */
		{ { .cpu_ns = 10 * MS, .state = 'D', .syscall = SYS_fsync + 1 }, CN_LIKELY },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct stage *stage = *state;

		polling(stage, 3 * S, cases[i].doing);
		assert_non_null(stage_finding(stage, CN_FINDING_BLOCKED_WORKER));
		assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->class, cases[i].class);
		stage_again(state);
	}
}

/* Four polls of at least 134 ms. */
/* Nothing moves there, and time on a CPU is often not written; but whether it slept is. */
static void in_a_core_a_thread_is_blocked_if_it_slept(void **state)
{
	static const struct {
		char state;
		enum cn_class class;
	} cases[] = { { 'S', CN_LIKELY }, { 0, CN_SUSPECT }, { 'R', CN_SUSPECT } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct stage *stage = *state;
		const struct cn_finding *f;

		look_hello(stage->model, "core");
		stage_worker(stage, ROUSE_WORKER_POLLING);
		stage_polls(stage, 0, 20, 7 * S);
		stage_thread(stage, 0)->state = (uint32_t)cases[i].state;
		stage->threads[0].syscall = SYS_futex + 1;
		stage->threads[0].cpu_ns = 0;
		stage_look(stage, 10 * S);
		stage_look(stage, 10 * S);
		f = stage_finding(stage, CN_FINDING_BLOCKED_WORKER);
		assert_non_null(f);
		assert_int_equal(f->class, cases[i].class);
		assert_int_equal(strstr(f->evidence, "futex") != NULL, cases[i].state == 'S');
		stage_again(state);
	}
}

static void long_polls_of_threads_that_got_no_cpu_are_the_machine(void **state)
{
	struct stage *stage = *state;

	stage->long_polls = 4;
	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_task(stage, 20);
	stage_thread(stage, 0)->run_queue_ns = 270 * MS;
	stage->threads[0].cpu_ns = 1 * S;
	stage_look(stage, 9 * S);
	stage_silent(stage);
	stage->threads[0].run_queue_ns = 260 * MS; /* not enough for those polls */
	stage_look(stage, 10 * S);
	assert_int_equal(stage_finding(stage, CN_FINDING_LONG_POLLS)->class, CN_LIKELY);
	stage->threads[0].run_queue_ns = 5 * S; /* little, in so long a time */
	stage->threads[0].cpu_ns = 20 * S;
	stage_look(stage, 11 * S);
	assert_int_equal(stage_finding(stage, CN_FINDING_LONG_POLLS)->class, CN_LIKELY);
}

/* Long before, the machine was busy. These polls became long while nobody waited for a CPU. */
static void but_not_those_that_were_seen_to_become_long_while_cpus_were_free(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_task(stage, 20);
	stage_thread(stage, 0)->run_queue_ns = 100 * S;
	stage->threads[0].cpu_ns = 1 * S;
	for (uint64_t i = 0; i < 5; i++) {
		stage->long_polls = (uint32_t)i;
		stage->threads[0].run_queue_ns += 10 * MS;
		stage->threads[0].cpu_ns += 10 * MS;
		stage_look(stage, (9 + i) * S);
		/* of the first look nobody knows how long they waited before it */
		assert_int_equal(stage_finding(stage, CN_FINDING_LONG_POLLS) != NULL, i >= 3);
	}
	stage_again(state);
	stage = *state; /* the same, but with a wait that is long enough for each */
	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_task(stage, 20);
	stage_thread(stage, 0)->run_queue_ns = 100 * S;
	stage->threads[0].cpu_ns = 1 * S;
	for (uint64_t i = 0; i < 5; i++) {
		stage->long_polls = (uint32_t)i;
		stage->threads[0].run_queue_ns += 70 * MS;
		stage->threads[0].cpu_ns += 10 * MS;
		stage_look(stage, (9 + i) * S);
	}
	stage_silent(stage);
}

static void just_below_a_second_nothing_is_said(void **state)
{
	struct stage *stage = *state;

	polling(stage, S - 1, (struct doing){ .state = 'S', .syscall = SYS_read + 1 });
	stage_silent(stage);
}

static void thresholds_can_be_set(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(cn_threshold_set(&stage->opts, "poll-surely=500ms"), 0);
	polling(stage, 600 * MS, (struct doing){ .state = 'S' });
	assert_non_null(stage_finding(stage, CN_FINDING_BLOCKED_WORKER));
}

/* --------------------------------------------------------- whose time it is */

static void time_ends_when_the_program_was_stopped(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 20, 5 * S);
	stage->begin = (struct look_opts){ .stopped = true, .watchdog_ns = 5 * S + 900 * MS };
	stage_look(stage, 100 * S);
	stage_silent(stage);
	stage->begin.watchdog_ns = 7 * S; /* it was stuck already */
	stage_look(stage, 101 * S);
	assert_non_null(stage_finding(stage, CN_FINDING_BLOCKED_WORKER));
}

static void time_begins_anew_when_it_goes_on(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 20, 5 * S);
	stage->begin = (struct look_opts){ .stopped = true, .watchdog_ns = 5 * S + 900 * MS };
	stage_look(stage, 100 * S);
	stage->begin = (struct look_opts){ .watchdog_ns = 101 * S };
	stage_look(stage, 101 * S);
	stage_silent(stage);
	stage->begin.watchdog_ns = 102 * S - 1;
	stage_look(stage, 102 * S - 1);
	stage_silent(stage);
	stage->begin.watchdog_ns = 102 * S;
	stage_look(stage, 102 * S);
	assert_non_null(stage_finding(stage, CN_FINDING_BLOCKED_WORKER));
}

/* A frozen container, a machine that swaps: its own watchdog did not run either. */
static void nothing_is_late_while_the_watchdog_did_not_run(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 20, 5 * S);
	stage->begin.watchdog_ns = 5 * S + 50 * MS;
	stage_look(stage, 9 * S);
	stage_silent(stage);
}

/* Looked at in the middle of the stores that begin a poll, its stamp is still that of the end of its last one. */
static void a_task_that_no_worker_polls_was_at_most_so_since_the_look_before(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 20, 1 * S);
	stage->workers[0].current_task = 0;
	stage_look(stage, 9 * S);
	stage_silent(stage);
	stage_task(stage, 20)->polls++; /* another poll, seen in the same way */
	stage_look(stage, 11 * S);
	stage_silent(stage);
	stage_look(stage, 13 * S); /* the same one */
	assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->class, CN_LIKELY);
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->evidence, "for 2.00s"));
}

/* ... and its worker has come further when that is read. A task that is cancelled at rest has such a stamp, too. */
static void a_poll_is_as_old_as_its_worker_says_if_its_task_says_older(void **state)
{
	struct stage *stage = *state;

	stage_worker(stage, ROUSE_WORKER_POLLING);
	stage_polls(stage, 0, 20, 1 * S);
	stage->workers[0].poll_start_ns = 8900 * MS;
	stage_look(stage, 9 * S);
	stage_silent(stage);
	stage->workers[0].poll_start_ns = 7900 * MS;
	stage_look(stage, 9200 * MS);
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_BLOCKED_WORKER)->evidence, "for 1.30s"));
}

TEST_MAIN(STAGED(a_task_that_no_worker_polls_was_at_most_so_since_the_look_before),
	STAGED(a_poll_is_as_old_as_its_worker_says_if_its_task_says_older),
	STAGED(what_a_thread_that_runs_does_is_told_by_the_second_look),
	STAGED(or_by_one_that_is_long_enough_after_it), STAGED(a_thread_that_has_its_cpu_all_the_time_computes),
	STAGED(one_that_sleeps_in_a_call_is_blocked_and_the_socket_is_named), STAGED(a_lock_of_threads_is_called_that),
	STAGED(one_that_would_run_and_has_had_little_of_a_cpu_is_told_by_another_look),
	STAGED(half_and_half_is_suspected_without_a_reason),
	STAGED(a_poll_that_began_since_the_last_look_is_not_judged_by_all_of_it),
	STAGED(a_thread_that_waits_for_a_cpu_is_nobodys_fault),
	STAGED(but_one_that_has_run_for_a_second_of_its_own_is_suspect),
	STAGED(one_that_wants_a_cpu_now_computes_at_half_of_the_time), STAGED(what_its_thread_does_has_to_be_plain),
	STAGED(in_a_core_a_thread_is_blocked_if_it_slept),
	STAGED(long_polls_of_threads_that_got_no_cpu_are_the_machine),
	STAGED(but_not_those_that_were_seen_to_become_long_while_cpus_were_free),
	STAGED(just_below_a_second_nothing_is_said), STAGED(thresholds_can_be_set),
	STAGED(time_ends_when_the_program_was_stopped), STAGED(time_begins_anew_when_it_goes_on),
	STAGED(nothing_is_late_while_the_watchdog_did_not_run));
