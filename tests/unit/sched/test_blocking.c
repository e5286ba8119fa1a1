/* SPDX-License-Identifier: MIT */
/* The blocking pool, its futures polled by hand. pthread_create is wrapped, so that it can fail. */
#include "../sync/counting.h"

#include <errno.h>
#include <pthread.h>
#include <rouse/rouse.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "sched/runtime.h"

static int create_error; /* what pthread_create shall answer, 0: the real answer */

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	return create_error ? create_error : __real_pthread_create(id, attr, fn, arg);
}

static struct rouse_runtime *runtime;
static struct rouse_guard guard;

static void open_runtime(uint32_t limit, uint64_t keep_ns)
{
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true, .blocking_limit = limit,
		.blocking_keep_ns = keep_ns), &runtime), 0);
	guard = rouse_enter(runtime);
}

static void close_runtime(void)
{
	rouse_leave(&guard);
	rouse_runtime_free(runtime);
}

/* As an outside reader sees them. */
#define gauge(NAME) rs_load(&runtime->page->blocking_##NAME, RS_SEQ_CST)

/* ------------------------------------------------------------------- jobs */

/* One job under control: it says that it runs, and waits for leave to end. */
struct job {
	struct rouse_blocking blocking;
	struct counting counting;
	struct rs_resource *record;
	sem_t begun, may_end;
	int ran;
	uint32_t tid;
};

static int64_t run_controlled(void *arg)
{
	struct job *job = arg;

	rs_fetch_add(&job->ran, 1, RS_SEQ_CST);
	job->tid = (uint32_t)gettid();
	sem_post(&job->begun);
	sem_wait(&job->may_end);
	return 42;
}

static void submit(struct job *job, rouse_blocking_fn fn)
{
	memset(job, 0, sizeof *job);
	sem_init(&job->begun, 0, 0);
	sem_init(&job->may_end, 0, 0);
	assert_pending(rouse_blocking(&job->blocking, fn, job), &job->counting);
	job->record = job->blocking.job;
}

static bool is_woken(void *arg)
{
	return rs_load(&((struct job *)arg)->counting.refs, RS_SEQ_CST) == 0;
}

static void finish(struct job *job, int64_t result)
{
	sem_post(&job->may_end);
	assert_true(test_eventually(is_woken, job));
	assert_int_equal(job->counting.wakes, 1);
	assert_ready(&job->blocking, &job->counting, result);
	assert_int_equal(job->record->serial, 0);
}

static bool one_is_idle(void *arg)
{
	(void)arg;
	return gauge(idle) == 1;
}

static bool none_is_left(void *arg)
{
	(void)arg;
	return gauge(threads) == 0;
}

static bool is_freed(void *arg)
{
	return rs_load(&((struct job *)arg)->record->serial, RS_SEQ_CST) == 0;
}

/* ------------------------------------------------------------------ tests */

static void a_job_answers_and_its_record_and_the_gauges_follow_it(void **state)
{
	static struct job first, second;

	(void)state;
	open_runtime(1, 0);
	uint64_t before = rs_ticks();

	assert_int_equal(gauge(limit), 1);
	submit(&first, run_controlled);
	submit(&second, run_controlled);
	sem_wait(&first.begun);
	assert_int_equal(first.record->kind, ROUSE_RESOURCE_BLOCKING_JOB);
	assert_int_equal(first.record->value, 1);
	assert_int_equal(first.record->owner, first.tid);
	assert_in_range(first.record->owner_since, before, rs_ticks());
	assert_int_equal(first.record->side_a, (uintptr_t)run_controlled);
	assert_int_equal(second.record->side_a, (uintptr_t)run_controlled); /* also while it is queued */
	assert_int_equal(second.record->owner, 0);
	assert_int_equal(second.record->value, 0);
	assert_int_equal(gauge(queued), 1);
	assert_int_equal(gauge(threads), 1);
	assert_int_equal(first.blocking.wait.resource, first.record->serial);
	assert_pending(&second.blocking, &second.counting);
	finish(&first, 42);
	finish(&second, 42);
	assert_int_equal(first.tid, second.tid);
	assert_true(test_eventually(one_is_idle, NULL));
	assert_int_equal(gauge(queued), 0);
	close_runtime();
}

static void an_idle_thread_is_used_again_and_leaves_when_its_time_is_up(void **state)
{
	static struct job first, second;

	(void)state;
	open_runtime(8, 0);
	submit(&first, run_controlled);
	finish(&first, 42);
	assert_true(test_eventually(one_is_idle, NULL));
	submit(&second, run_controlled);
	assert_int_equal(gauge(idle), 0);
	finish(&second, 42);
	assert_int_equal(first.tid, second.tid);
	assert_true(test_eventually(one_is_idle, NULL));
	assert_int_equal(rs_pool_shutdown(runtime->pool, UINT64_MAX, NULL, NULL), 0);
	assert_int_equal(gauge(idle), 0);
	close_runtime();

	open_runtime(8, 1);
	submit(&first, run_controlled);
	submit(&second, run_controlled);
	finish(&first, 42);
	finish(&second, 42);
	assert_true(test_eventually(none_is_left, NULL));
	assert_int_equal(gauge(idle), 0);
	submit(&first, run_controlled);
	finish(&first, 42);
	close_runtime();
}

static void at_once_run_as_many_as_the_limit_allows(void **state)
{
	static struct job jobs[5];

	(void)state;
	open_runtime(3, 0);
	for (int i = 0; i < 5; i++)
		submit(&jobs[i], run_controlled);
	for (int i = 0; i < 3; i++)
		sem_wait(&jobs[i].begun);
	assert_int_equal(gauge(threads), 3);
	assert_int_equal(gauge(queued), 2);
	for (int i = 0; i < 5; i++)
		finish(&jobs[i], 42);
	close_runtime();
}

static void a_job_dropped_before_it_began_never_runs(void **state)
{
	static struct job first, second, third;

	(void)state;
	open_runtime(1, 0);
	submit(&first, run_controlled);
	submit(&second, run_controlled);
	submit(&third, run_controlled);
	sem_wait(&first.begun);
	assert_int_equal(gauge(queued), 2);
	rouse_future_drop(&second.blocking.future);
	assert_int_equal(second.counting.refs + second.counting.wakes, 0);
	assert_int_equal(second.record->serial, 0);
	assert_int_equal(gauge(queued), 1);
	finish(&first, 42);
	finish(&third, 42);
	assert_int_equal(second.ran, 0);
	close_runtime();
}

static void a_job_dropped_while_it_runs_ends_alone(void **state)
{
	static struct job job;

	(void)state;
	open_runtime(1, 0);
	submit(&job, run_controlled);
	sem_wait(&job.begun);
	rouse_future_drop(&job.blocking.future);
	assert_int_equal(job.counting.refs, 0);
	assert_int_not_equal(job.record->serial, 0);
	sem_post(&job.may_end);
	assert_true(test_eventually(is_freed, &job));
	assert_int_equal(job.counting.wakes, 0);
	close_runtime();
}

static void a_job_dropped_when_it_is_done_is_freed(void **state)
{
	static struct job job;

	(void)state;
	open_runtime(1, 0);
	submit(&job, run_controlled);
	sem_post(&job.may_end);
	assert_true(test_eventually(is_woken, &job));
	rouse_future_drop(&job.blocking.future);
	assert_int_equal(job.record->serial, 0);
	close_runtime();
}

static void poll_by_another_task_replaces_the_waker(void **state)
{
	static struct job job;
	struct counting first = { 0 };

	(void)state;
	open_runtime(1, 0);
	memset(&job, 0, sizeof job);
	sem_init(&job.begun, 0, 0);
	sem_init(&job.may_end, 0, 0);
	assert_pending(rouse_blocking(&job.blocking, run_controlled, &job), &first);
	job.record = job.blocking.job;
	assert_pending(&job.blocking, &job.counting);
	assert_int_equal(first.refs, 0);
	finish(&job, 42);
	assert_int_equal(first.wakes, 0);
	close_runtime();
}

static int64_t panic(void *arg)
{
	(void)arg;
	rouse_panic("on purpose");
}

static void a_panic_ends_the_job_and_not_the_thread(void **state)
{
	static struct job first, second;

	(void)state;
	open_runtime(1, 0);
	submit(&first, panic);
	submit(&second, run_controlled);
	finish(&first, -ROUSE_EPANIC);
	finish(&second, 42);
	close_runtime();
}

/* Answers a bit for each thing that is as it should be. */
static int64_t look_around(void *arg)
{
	char name[16] = "";
	sigset_t mask;

	(void)arg;
	prctl(PR_GET_NAME, name);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	return (strcmp(name, "rouse-blocking") == 0) | (sigismember(&mask, SIGINT) && sigismember(&mask, SIGUSR1)) << 1 |
	       (rouse_runtime_current() == runtime) << 2;
}

static void its_threads_are_named_deaf_to_signals_and_inside_the_runtime(void **state)
{
	static struct job job;

	(void)state;
	open_runtime(1, 0);
	submit(&job, look_around);
	finish(&job, 7);
	close_runtime();
}

static void without_a_thread_to_be_had_the_job_is_refused(void **state)
{
	struct counting counting = { 0 };
	struct rouse_blocking blocking;

	(void)state;
	open_runtime(4, 0);
	create_error = EAGAIN;
	assert_ready(rouse_blocking(&blocking, look_around, NULL), &counting, -EAGAIN);
	create_error = 0;
	assert_int_equal(counting.refs, 0);
	assert_int_equal(gauge(queued), 0);
	assert_int_equal(gauge(threads), 0);
	close_runtime();
}

static void without_another_thread_the_job_waits_for_those_there_are(void **state)
{
	static struct job first, second;

	(void)state;
	open_runtime(4, 0);
	submit(&first, run_controlled);
	sem_wait(&first.begun);
	create_error = EAGAIN;
	submit(&second, run_controlled);
	create_error = 0;
	finish(&first, 42);
	finish(&second, 42);
	assert_int_equal(first.tid, second.tid);
	close_runtime();
}

static void outside_any_runtime_the_result_says_so(void **state)
{
	struct counting counting = { 0 };
	struct rouse_blocking blocking;

	(void)state;
	assert_ready(rouse_blocking(&blocking, look_around, NULL), &counting, -ROUSE_ENORUNTIME);
	assert_int_equal(counting.refs, 0);
}

/* --------------------------------------------------------------- shutdown */

static struct {
	int n;
	char what[80];
} survivors;

static void note_survivor(void *arg, uint64_t task_id, const char *name, const char *what)
{
	assert_ptr_equal(arg, &survivors);
	assert_int_equal(task_id, 0);
	assert_string_equal(name, "rouse-blocking");
	snprintf(survivors.what, sizeof survivors.what, "%s", what);
	survivors.n++;
}

static void shutdown_ends_what_is_queued_and_names_what_goes_on(void **state)
{
	static struct job running, queued;
	struct counting counting = { 0 };
	struct rouse_blocking late;
	char tid[16];

	(void)state;
	open_runtime(1, 0);
	survivors.n = 0;
	submit(&running, run_controlled);
	submit(&queued, run_controlled);
	sem_wait(&running.begun);
	assert_int_equal(rs_pool_shutdown(runtime->pool, rs_mono_ns(), note_survivor, &survivors), -ETIMEDOUT);
	assert_int_equal(survivors.n, 1);
	snprintf(tid, sizeof tid, "%u", running.tid);
	assert_non_null(strstr(survivors.what, tid));
	assert_int_equal(queued.counting.wakes, 1);
	assert_ready(&queued.blocking, &queued.counting, -ROUSE_ESHUTDOWN);
	assert_int_equal(queued.ran, 0);
	assert_ready(rouse_blocking(&late, look_around, NULL), &counting, -ROUSE_ESHUTDOWN);
	finish(&running, 42);
	assert_int_equal(rs_pool_shutdown(runtime->pool, UINT64_MAX, note_survivor, &survivors), 0);
	assert_int_equal(survivors.n, 1);
	assert_int_equal(gauge(threads), 0);
	close_runtime();
}

static void shutdown_does_not_need_time_for_idle_threads(void **state)
{
	static struct job first, second;

	(void)state;
	open_runtime(4, 0);
	submit(&first, run_controlled);
	submit(&second, run_controlled);
	finish(&first, 42);
	finish(&second, 42);
	assert_int_equal(rs_pool_shutdown(runtime->pool, 0, note_survivor, &survivors), 0);
	assert_int_equal(rs_pool_shutdown(runtime->pool, 0, note_survivor, &survivors), 0);
	assert_int_equal(gauge(idle), 0);
	close_runtime();
}

static void a_future_may_outlive_the_runtime(void **state)
{
	static struct job job;

	(void)state;
	open_runtime(1, 0);
	submit(&job, run_controlled);
	sem_post(&job.may_end);
	assert_true(test_eventually(is_woken, &job));
	close_runtime();
	assert_ready(&job.blocking, &job.counting, 42);
}

TEST_MAIN(cmocka_unit_test(a_job_answers_and_its_record_and_the_gauges_follow_it),
	cmocka_unit_test(an_idle_thread_is_used_again_and_leaves_when_its_time_is_up),
	cmocka_unit_test(at_once_run_as_many_as_the_limit_allows),
	cmocka_unit_test(a_job_dropped_before_it_began_never_runs),
	cmocka_unit_test(a_job_dropped_while_it_runs_ends_alone),
	cmocka_unit_test(a_job_dropped_when_it_is_done_is_freed),
	cmocka_unit_test(poll_by_another_task_replaces_the_waker),
	cmocka_unit_test(a_panic_ends_the_job_and_not_the_thread),
	cmocka_unit_test(its_threads_are_named_deaf_to_signals_and_inside_the_runtime),
	cmocka_unit_test(without_a_thread_to_be_had_the_job_is_refused),
	cmocka_unit_test(without_another_thread_the_job_waits_for_those_there_are),
	cmocka_unit_test(outside_any_runtime_the_result_says_so),
	cmocka_unit_test(shutdown_ends_what_is_queued_and_names_what_goes_on),
	cmocka_unit_test(shutdown_does_not_need_time_for_idle_threads),
	cmocka_unit_test(a_future_may_outlive_the_runtime));
