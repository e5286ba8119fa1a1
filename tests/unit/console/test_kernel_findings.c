/* SPDX-License-Identifier: MIT */
/* What the kernel says of polls, and what is found by it: blocking calls, page faults, want of a CPU. */
#include "test.h"

#include "stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "model/kernel.h"

enum { WORKER = 100, PC = 0x4000, KERNEL_PC = 0x5000, IN_50MS = 25 /* 2^25 to 2^26 ns: 50 ms in the middle */ };

/* What has been counted until now, of the spawn site and of worker 0 alike. */
struct counted {
	uint64_t blocked_ns, run_queue_ns, preempted_ns, fault_ns, faults;
};

static void apply(struct cn_model *model, Rouse__V1__Frame *frame)
{
	assert_true(cn_kernel_apply(model, frame) >= 0);
}

static void put_sums(struct cn_model *model, struct counted counted)
{
	uint32_t by[] = { 2, 3, 1 }, worker[] = { WORKER, WORKER, WORKER }, site[] = { SPAWN_SITE, 0, SPAWN_SITE };
	uint64_t id[] = { SPAWN_SITE, WORKER, 20 };
	uint64_t blocked[] = { counted.blocked_ns, counted.blocked_ns, counted.blocked_ns };
	uint64_t queue[] = { counted.run_queue_ns, counted.run_queue_ns, counted.run_queue_ns };
	uint64_t preempted[] = { counted.preempted_ns, counted.preempted_ns, counted.preempted_ns };
	uint64_t fault[] = { counted.fault_ns, counted.fault_ns, counted.fault_ns };
	uint64_t faults[] = { counted.faults, counted.faults, counted.faults };
	Rouse__V1__KernelSums rows = ROUSE__V1__KERNEL_SUMS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	rows.n_by = rows.n_id = rows.n_worker = rows.n_site = 3;
	rows.n_blocked_ns = rows.n_run_queue_ns = rows.n_preempted_ns = rows.n_fault_ns = rows.n_faults = 3;
	rows.by = by;
	rows.id = id;
	rows.worker = worker;
	rows.site = site;
	rows.blocked_ns = blocked;
	rows.run_queue_ns = queue;
	rows.preempted_ns = preempted;
	rows.fault_ns = fault;
	rows.faults = faults;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SUMS;
	frame.kernel_sums = &rows;
	apply(model, &frame);
}

static void end_round(struct cn_model *model, uint64_t now_ns, int32_t status)
{
	Rouse__V1__Kernel round = ROUSE__V1__KERNEL__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t groups[] = { CN_KERNEL_SCHED, CN_KERNEL_FAULTS };
	int32_t statuses[] = { status, status };

	round.since_ns = 1;
	round.mono_ns = now_ns;
	round.n_group = round.n_status = 2;
	round.group = groups;
	round.status = statuses;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL;
	frame.kernel = &round;
	apply(model, &frame);
}

/* A second passes, in which that was counted, of a poll time of 50 ms each. */
static void second(struct stage *stage, int at, struct counted each, uint32_t polls)
{
	uint64_t n = (uint64_t)at;

	stage->polls[IN_50MS] = polls * (uint32_t)at;
	stage->workers[0].counters.busy_ticks = (uint64_t)polls * n * 50 * MS;
	put_sums(stage->model, (struct counted){ n * each.blocked_ns, n * each.run_queue_ns, n * each.preempted_ns,
				       n * each.fault_ns, n * each.faults });
	end_round(stage->model, n * S, 0);
	stage_look(stage, n * S);
}

/* A task at rest, on a worker at rest. */
static void set_up(struct stage *stage)
{
	stage_worker(stage, ROUSE_WORKER_PARKED);
	stage_task(stage, 20);
	stage_look(stage, 1);
}

static void seconds(struct stage *stage, int n, struct counted each, uint32_t polls)
{
	set_up(stage);
	for (int i = 1; i <= n; i++)
		second(stage, i, each, polls);
}

static struct cn_block block(uint64_t begin_ns, uint64_t ns)
{
	return (struct cn_block){ .begin_ns = begin_ns,
		.blocked_ns = ns,
		.task = 20,
		.site = SPAWN_SITE,
		.tid = WORKER,
		.kind = CN_BLOCK_CALL,
		.call = SYS_read,
		.waker = 77,
		.waker_kind = CN_WAKER_OWN,
		.waker_name = "flusher",
		.file = "app.log" };
}

/* ---------------------------------------------------------- blocking calls */

static void two_blocks_of_ten_milliseconds_are_told_with_call_file_and_waker(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;
	struct cn_block longest = block(1 * S, 30 * MS), other = block(1 * S + 500 * MS, 10 * MS);

	longest.stack = (struct cn_stack){ .n = 2, .pc = { KERNEL_PC, PC } };
	seconds(stage, 2, (struct counted){ .blocked_ns = 20 * MS }, 10);
	stage_silent(stage);
	cn_model_put_symbol(
		stage->model, &(struct cn_symbol){ .pc = KERNEL_PC, .function = "schedule", .module = "[kernel]" });
	cn_model_put_symbol(stage->model,
		&(struct cn_symbol){ .pc = PC, .function = "flush", .file = "log.c", .line = 30, .module = "app" });
	cn_kernel_put_block(stage->model, &longest);
	cn_kernel_put_block(stage->model, &other);
	second(stage, 3, (struct counted){ .blocked_ns = 20 * MS }, 10);
	f = stage_finding(stage, CN_FINDING_BLOCKING_CALL);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->n_tasks, 1);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->line, SPAWN_LINE);
	assert_non_null(
		strstr(f->evidence, "blocked 2 times for 40.0ms in all, task 20 for 30.0ms in read on app.log at "
				    "flush (log.c:30); thread 77 (flusher) ended it"));
}

static void shorter_blocks_and_a_single_one_are_not_told(void **state)
{
	struct stage *stage = *state;
	struct cn_block ones[] = { block(1 * S, 30 * MS), block(1 * S, 10 * MS - 1), block(1 * S, 10 * MS - 1) };

	for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++)
		cn_kernel_put_block(stage->model, &ones[i]);
	seconds(stage, 3, (struct counted){ .blocked_ns = 20 * MS }, 10);
	stage_silent(stage);
}

static void blocks_of_long_ago_are_over(void **state)
{
	struct stage *stage = *state;
	struct cn_block ones[] = { block(1 * S, 30 * MS), block(1 * S, 30 * MS) };

	cn_kernel_put_block(stage->model, &ones[0]);
	cn_kernel_put_block(stage->model, &ones[1]);
	seconds(stage, 11, (struct counted){ .blocked_ns = 20 * MS }, 10);
	assert_non_null(stage_finding(stage, CN_FINDING_BLOCKING_CALL));
	second(stage, 12, (struct counted){ .blocked_ns = 20 * MS }, 10);
	stage_silent(stage);
}

static void ten_thousand_tasks_of_one_site_are_one_finding(void **state)
{
	struct stage *stage = *state;
	size_t n = 0;

	set_up(stage);
	for (uint64_t i = 0; i < 300; i++) {
		struct cn_block one = block(1 * S, 20 * MS + i);

		one.task = 20 + i;
		stage_task(stage, one.task);
		cn_kernel_put_block(stage->model, &one);
	}
	for (int i = 1; i <= 2; i++)
		second(stage, i, (struct counted){ .blocked_ns = 20 * MS }, 10);
	for (size_t i = 0; i < cn_findings_count(stage->findings); i++)
		n += cn_findings_at(stage->findings, i)->active;
	assert_int_equal(n, 1);
	assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKING_CALL)->n_tasks, CN_FINDING_TASKS);
	assert_non_null(strstr(stage_finding(stage, CN_FINDING_BLOCKING_CALL)->evidence, "blocked 300 times"));
}

static void a_lock_whose_owner_may_have_wanted_a_cpu_is_the_machine(void **state)
{
	struct stage *stage = *state;
	struct cn_block one = block(2 * S, 30 * MS);

	one.call = SYS_futex;
	for (int i = 0; i < 3; i++)
		cn_kernel_put_block(stage->model, &one);
	stage_thread(stage, 0);
	set_up(stage);
	for (int i = 1; i <= 3; i++) {
		stage->threads[0].run_queue_ns += 600 * MS;
		second(stage, i, (struct counted){ .blocked_ns = 20 * MS }, 10);
	}
	stage_silent(stage);
	second(stage, 4, (struct counted){ .blocked_ns = 20 * MS }, 10);
	assert_non_null(stage_finding(stage, CN_FINDING_BLOCKING_CALL));
}

static void a_fifth_of_the_time_blocked_is_told_without_single_blocks(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	seconds(stage, 4, (struct counted){ .blocked_ns = 101 * MS }, 10);
	f = stage_finding(stage, CN_FINDING_BLOCKING_CALL);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->tasks[0], 20);
	assert_non_null(
		strstr(f->evidence, "blocked for 303ms, about 20% of the 1.50s that they took, in the last 3.00s"));
	stage_again(state);
	stage = *state;
	seconds(stage, 4, (struct counted){ .blocked_ns = 99 * MS }, 10);
	stage_silent(stage);
	stage_again(state);
	stage = *state; /* most of the time, but little of it */
	seconds(stage, 4, (struct counted){ .blocked_ns = 33 * MS }, 1);
	stage_silent(stage);
}

static void what_grew_in_one_round_only_is_not_told(void **state)
{
	struct stage *stage = *state;

	seconds(stage, 2, (struct counted){ .blocked_ns = 400 * MS }, 10);
	stage_silent(stage);
}

static void what_is_over_is_not_told_any_more(void **state)
{
	struct stage *stage = *state;

	seconds(stage, 4, (struct counted){ .blocked_ns = 400 * MS }, 10);
	assert_non_null(stage_finding(stage, CN_FINDING_BLOCKING_CALL));
	for (uint64_t i = 5; i < 10; i++) {
		end_round(stage->model, i * S, 0);
		stage_look(stage, i * S);
	}
	stage_silent(stage);
}

static void a_kernel_that_does_not_measure_says_nothing(void **state)
{
	struct stage *stage = *state;

	set_up(stage);
	for (int i = 1; i < 5; i++) {
		put_sums(stage->model, (struct counted){ .blocked_ns = (uint64_t)i * S });
		end_round(stage->model, (uint64_t)i * S, -1);
		stage_look(stage, (uint64_t)i * S);
	}
	stage_silent(stage);
}

/* One cause is told once for sure. */
static void long_polls_that_the_kernel_explains_are_only_suspected(void **state)
{
	struct stage *stage = *state;
	struct cn_block one = block(1 * S, 200 * MS);

	stage->long_polls = 5;
	cn_kernel_put_block(stage->model, &one);
	cn_kernel_put_block(stage->model, &one);
	seconds(stage, 2, (struct counted){ .blocked_ns = 1 }, 1);
	assert_int_equal(stage_finding(stage, CN_FINDING_BLOCKING_CALL)->class, CN_LIKELY);
	assert_int_equal(stage_finding(stage, CN_FINDING_LONG_POLLS)->class, CN_SUSPECT);
}

/* -------------------------------------------------------------- page faults */

static void a_fifth_of_the_time_in_page_faults_is_told(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	seconds(stage, 4, (struct counted){ .fault_ns = 101 * MS, .faults = 5 }, 10);
	f = stage_finding(stage, CN_FINDING_PAGE_FAULTS);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->line, SPAWN_LINE);
	assert_non_null(strstr(f->evidence, "15 page faults in them, 5 a second"));
	assert_null(stage_finding(stage, CN_FINDING_BLOCKING_CALL));
	stage_again(state);
	stage = *state;
	seconds(stage, 4, (struct counted){ .fault_ns = 99 * MS, .faults = 5 }, 10);
	stage_silent(stage);
	stage_again(state);
	stage = *state; /* three rounds of 16 ms: less than 50 */
	seconds(stage, 4, (struct counted){ .fault_ns = 16 * MS }, 1);
	stage_silent(stage);
}

static void many_faults_that_need_not_wait_are_suspected(void **state)
{
	struct stage *stage = *state;

	seconds(stage, 4, (struct counted){ .faults = 160000 }, 10); /* 160 ms of 500 */
	assert_int_equal(stage_finding(stage, CN_FINDING_PAGE_FAULTS)->class, CN_SUSPECT);
	stage_again(state);
	stage = *state;
	seconds(stage, 4, (struct counted){ .faults = 140000 }, 10);
	stage_silent(stage);
	stage_again(state);
	stage = *state;
	seconds(stage, 4, (struct counted){ .faults = 9999 }, 0);
	stage_silent(stage);
}

/* ---------------------------------------------------------- wait for a CPU */

static void polls_that_wait_for_a_cpu_are_the_machines_fault(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	seconds(stage, 4, (struct counted){ .run_queue_ns = 60 * MS, .preempted_ns = 91 * MS }, 10);
	f = stage_finding(stage, CN_FINDING_CPU_WAIT);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->worker, 0);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->line, SPAWN_LINE);
	assert_non_null(strstr(f->evidence, "waited for a CPU for 453ms"));
	assert_non_null(strstr(f->evidence, "273ms of it preempted, 180ms after they had been blocked"));
	assert_non_null(strstr(f->evidence, "most of all worker 0"));
	assert_null(stage_finding(stage, CN_FINDING_BLOCKING_CALL));
}

static void less_than_a_third_or_a_fifth_of_a_second_is_nothing(void **state)
{
	struct stage *stage = *state;

	seconds(stage, 4, (struct counted){ .run_queue_ns = 58 * MS, .preempted_ns = 90 * MS }, 10);
	stage_silent(stage);
	stage_again(state);
	stage = *state;
	seconds(stage, 4, (struct counted){ .preempted_ns = 66 * MS }, 1);
	stage_silent(stage);
}

/* -------------------------------------------------------- blocks that go on */

static struct cn_block wait_for_lock(uint32_t worker, uint64_t task, uint32_t owner, const char *name)
{
	struct cn_block wait = { .begin_ns = 1500 * MS,
		.blocked_ns = 2500 * MS,
		.task = task,
		.site = SPAWN_SITE,
		.tid = WORKER + worker,
		.kind = CN_BLOCK_CALL,
		.call = SYS_futex,
		.owner = owner };

	snprintf(wait.owner_name, sizeof wait.owner_name, "%s", name);
	return wait;
}

/* Both workers are in polls since 1 s, and task 22 is queued since 2 s; the kernel says at 4 s what they wait for. */
static void all_in_futex(struct stage *stage, const struct cn_block *a, const struct cn_block *b)
{
	struct task_row *queued;

	stage_worker(stage, ROUSE_WORKER_POLLING)->local_depth = 1;
	stage_worker(stage, ROUSE_WORKER_POLLING);
	for (uint32_t i = 0; i < 2; i++) {
		stage_polls(stage, i, 20 + i, 1 * S);
		*stage_thread(stage, i) =
			(struct thread_row){ .tid = WORKER + i, .state = 'S', .cpu_ns = 1, .syscall = SYS_futex + 1 };
	}
	queued = stage_task(stage, 22);
	queued->state = ROUSE_TASK_SCHEDULED;
	queued->enqueue_ns = 2 * S;
	stage->queued[0] = 22;
	stage->n_queued = 1;
	stage_look(stage, 4 * S);
	assert_int_equal(cn_kernel_put_wait(stage->model, a), 0);
	assert_int_equal(cn_kernel_put_wait(stage->model, b), 0);
	end_round(stage->model, 4 * S, 0);
	stage_look(stage, 4 * S + 100 * MS);
}

static void workers_behind_the_lock_of_a_thread_that_polls_nothing_wait_for_no_task(void **state)
{
	struct stage *stage = *state;
	struct cn_block a = wait_for_lock(0, 20, 77, "keeper"), b = wait_for_lock(1, 21, 77, "keeper");
	const struct cn_finding *f;

	all_in_futex(stage, &a, &b);
	f = stage_finding(stage, CN_FINDING_STUCK_QUEUE);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_null(stage_finding(stage, CN_FINDING_NESTED_BLOCK));
	assert_non_null(strstr(f->evidence, "blocked in futex for 2.50s: thread 77 (keeper), no worker, has the lock"));
}

static void a_worker_whose_own_thread_has_the_lock_is_nested(void **state)
{
	struct stage *stage = *state;
	struct cn_block a = wait_for_lock(0, 20, WORKER, "self"), b = wait_for_lock(1, 21, 77, "keeper");
	struct cn_block before = wait_for_lock(0, 20, 0, "");
	const struct cn_finding *f;

	before.blocked_ns = 40 * MS;
	before.waker = 78;
	before.waker_kind = CN_WAKER_OWN;
	snprintf(before.waker_name, sizeof before.waker_name, "flusher");
	cn_kernel_put_block(stage->model, &before);
	a.begin_ns = 0;
	all_in_futex(stage, &a, &b);
	f = stage_finding(stage, CN_FINDING_NESTED_BLOCK);
	assert_non_null(f);
	assert_null(stage_finding(stage, CN_FINDING_STUCK_QUEUE));
	assert_non_null(strstr(f->evidence, "blocked in futex for more than 2.50s: its own thread 100 has the lock, since an "
					    "earlier poll (so was one before, for 40.0ms; thread 78 (flusher) ended it)"));
}

static void what_an_earlier_poll_or_another_task_waited_for_is_not_held_against_this_one(void **state)
{
	struct stage *stage = *state;
	struct cn_block a = wait_for_lock(0, 20, 77, "keeper"), b = wait_for_lock(1, 23, 77, "keeper");
	const struct cn_finding *f;

	a.blocked_ns = 3 * S + 1; /* since before the poll began */
	all_in_futex(stage, &a, &b);
	f = stage_finding(stage, CN_FINDING_NESTED_BLOCK);
	assert_non_null(f);
	assert_null(strstr(f->evidence, "keeper"));
	stage_again(state);
	stage = *state;
	a.blocked_ns = 3 * S;
	b.task = 21;
	all_in_futex(stage, &a, &b);
	assert_non_null(stage_finding(stage, CN_FINDING_STUCK_QUEUE));
	end_round(stage->model, 5 * S, 0); /* which does not tell of them any more */
	stage_look(stage, 5 * S);
	assert_non_null(stage_finding(stage, CN_FINDING_NESTED_BLOCK));
}

TEST_MAIN(STAGED(workers_behind_the_lock_of_a_thread_that_polls_nothing_wait_for_no_task),
	STAGED(a_worker_whose_own_thread_has_the_lock_is_nested),
	STAGED(what_an_earlier_poll_or_another_task_waited_for_is_not_held_against_this_one),
	STAGED(two_blocks_of_ten_milliseconds_are_told_with_call_file_and_waker),
	STAGED(shorter_blocks_and_a_single_one_are_not_told), STAGED(blocks_of_long_ago_are_over),
	STAGED(ten_thousand_tasks_of_one_site_are_one_finding),
	STAGED(a_lock_whose_owner_may_have_wanted_a_cpu_is_the_machine),
	STAGED(a_fifth_of_the_time_blocked_is_told_without_single_blocks),
	STAGED(what_grew_in_one_round_only_is_not_told), STAGED(what_is_over_is_not_told_any_more),
	STAGED(a_kernel_that_does_not_measure_says_nothing),
	STAGED(long_polls_that_the_kernel_explains_are_only_suspected),
	STAGED(a_fifth_of_the_time_in_page_faults_is_told), STAGED(many_faults_that_need_not_wait_are_suspected),
	STAGED(polls_that_wait_for_a_cpu_are_the_machines_fault),
	STAGED(less_than_a_third_or_a_fifth_of_a_second_is_nothing));
