/* SPDX-License-Identifier: MIT */
/* Runtimes: doors and their errors, entering, several at once, blocking, shutdown, fork. */
#include "test.h"

#include <errno.h>
#include <rouse/rouse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rouse_runtime *new_runtime(uint32_t workers)
{
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = workers), &runtime), 0);
	return runtime;
}

ROUSE_ASYNC(answer, int, int value;);
ROUSE_BODY(answer)
{
	ROUSE_BEGIN;
	ROUSE_RETURN(self->value);
	ROUSE_END;
}

static void quiet(void *arg, const char *line)
{
	(void)arg, (void)line;
}

static void bad_options_are_refused(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = NULL;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1000), &runtime), -EINVAL);
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.level = 9), &runtime), -EINVAL);
	assert_null(runtime);
}

static void environment_sets_the_workers(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;

	setenv("ROUSE_WORKER_THREADS", "3", 1);
	runtime = new_runtime(0);
	unsetenv("ROUSE_WORKER_THREADS");
	int result = 0;

	assert_int_equal(rouse_block_on(runtime, &result, answer, .value = 3), 0);
	assert_int_equal(result, 3);
	rouse_runtime_free(runtime);
}

/* ------------------------------------------------------------------- enter */

static void entering_nests_and_restores(void **state)
{
	(void)state;
	struct rouse_runtime *a = new_runtime(1), *b = new_runtime(1);

	assert_null(rouse_runtime_current());
	struct rouse_guard outer = rouse_enter(a);
	struct rouse_guard inner = rouse_enter(b);

	assert_ptr_equal(rouse_runtime_current(), b);
	rouse_leave(&inner);
	assert_ptr_equal(rouse_runtime_current(), a);
	assert_int_equal(rouse_spawn_detached(answer, .value = 1), 0);
	rouse_leave(&outer);
	assert_null(rouse_runtime_current());
	assert_int_equal(rouse_block_until_idle(a), 0);
	struct rouse_totals totals;

	rouse_runtime_totals(a, &totals);
	assert_int_equal(totals.completed, 1);
	rouse_runtime_free(a);
	rouse_runtime_free(b);
}

ROUSE_ASYNC(asks, int, struct rouse_runtime *expected; struct rouse_task *child; struct rouse_join join; int got; int64_t rc;);
ROUSE_BODY(asks)
{
	ROUSE_BEGIN;
	ROUSE_ASSERT(rouse_runtime_current() == self->expected);
	self->child = rouse_spawn(answer, .value = 11);
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->child, &self->got));
	ROUSE_RETURN(self->rc ? -1 : self->got);
	ROUSE_END;
}

static void tasks_spawn_into_their_own_runtime(void **state)
{
	(void)state;
	struct rouse_runtime *a = new_runtime(2), *b = new_runtime(1);
	int result = 0;

	assert_int_equal(rouse_block_on(a, &result, asks, .expected = a), 0);
	assert_int_equal(result, 11);
	assert_int_equal(rouse_block_on(b, &result, asks, .expected = b), 0);
	assert_int_equal(result, 11);
	rouse_runtime_free(a);
	rouse_runtime_free(b);
}

/* A task of one runtime awaits a task of another. */
ROUSE_ASYNC(asks_other, int, struct rouse_runtime *other; struct rouse_join join; int got; int64_t rc;);
ROUSE_BODY(asks_other)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn_on(self->other, answer, .value = 5), &self->got));
	ROUSE_RETURN(self->got);
	ROUSE_END;
}

static void runtimes_await_each_other(void **state)
{
	(void)state;
	struct rouse_runtime *a = new_runtime(1), *b = new_runtime(1);
	int result = 0;

	for (int i = 0; i < 100; i++)
		assert_int_equal(rouse_block_on(a, &result, asks_other, .other = b), 0);
	assert_int_equal(result, 5);
	rouse_runtime_free(a);
	rouse_runtime_free(b);
}

/* ---------------------------------------------------------------- block_on */

ROUSE_ASYNC(blocks, int, struct rouse_runtime *runtime;);
ROUSE_BODY(blocks)
{
	ROUSE_BEGIN;
	ROUSE_RETURN(rouse_block_on(self->runtime, NULL, answer, .value = 1));
	ROUSE_END;
}

static void blocking_on_a_worker_is_always_an_error(void **state)
{
	(void)state;
	struct rouse_runtime *a = new_runtime(2), *b = new_runtime(1);
	int result = 0;

	assert_int_equal(rouse_block_on(a, &result, blocks, .runtime = a), 0);
	assert_int_equal(result, -EDEADLK);
	assert_int_equal(rouse_block_on(a, &result, blocks, .runtime = b), 0);
	assert_int_equal(result, -EDEADLK);
	rouse_runtime_free(a);
	rouse_runtime_free(b);
}

static void current_thread_runs_on_the_caller(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;
	int result = 0;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime), 0);
	for (int i = 0; i < 50; i++)
		rouse_task_detach(rouse_spawn_on(runtime, answer, .value = i));
	assert_int_equal(rouse_block_on(runtime, &result, asks, .expected = runtime), 0);
	assert_int_equal(result, 11);
	assert_int_equal(rouse_block_until_idle(runtime), 0);
	struct rouse_totals totals;

	rouse_runtime_totals(runtime, &totals);
	assert_int_equal(totals.completed, 52);
	assert_int_equal(totals.live, 0);
	rouse_runtime_free(runtime);
}

/* ---------------------------------------------------------------- shutdown */

static int finallies;

ROUSE_ASYNC(sleeps, int, struct rouse_sleep sleep; struct rouse_mutex *mutex;);
ROUSE_BODY(sleeps)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 3600 * ROUSE_S));
	ROUSE_FINALLY:
	__atomic_fetch_add(&finallies, 1, __ATOMIC_RELAXED);
	errno = 0;
	if (rouse_spawn(answer, .value = 1) || errno != ROUSE_ESHUTDOWN)
		rouse_panic("spawned while shutting down");
	ROUSE_END;
}

static void shutdown_cancels_and_runs_finally(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = new_runtime(2);
	struct rouse_totals totals;

	finallies = 0;
	for (int i = 0; i < 1000; i++)
		rouse_task_detach(rouse_spawn_on(runtime, sleeps));
	assert_int_equal(rouse_runtime_shutdown(runtime, 5 * ROUSE_S, NULL, NULL), 0);
	assert_int_equal(finallies, 1000);
	rouse_runtime_totals(runtime, &totals);
	assert_int_equal(totals.spawned, 1000);
	assert_int_equal(totals.cancelled, 1000);
	assert_int_equal(totals.live, 0);
	errno = 0;
	assert_null(rouse_spawn_on(runtime, answer, .value = 1));
	assert_int_equal(errno, ROUSE_ESHUTDOWN);
	assert_int_equal(rouse_runtime_shutdown(runtime, ROUSE_S, NULL, NULL), 0);
	rouse_runtime_free(runtime);
}

static int release, entered;

ROUSE_ASYNC(holds_its_worker, int, ROUSE_NO_FIELDS);
ROUSE_BODY(holds_its_worker)
{
	ROUSE_BEGIN;
	__atomic_store_n(&entered, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&release, __ATOMIC_ACQUIRE))
		usleep(100);
	ROUSE_END;
}

struct survivors {
	uint64_t id;
	int n;
};

static void survivor(void *arg, uint64_t id, const char *name, const char *what)
{
	struct survivors *s = arg;

	(void)name, (void)what;
	s->id = id;
	s->n++;
}

static bool is_set(void *flag)
{
	return __atomic_load_n((int *)flag, __ATOMIC_ACQUIRE);
}

static void shutdown_names_what_does_not_end(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = new_runtime(1);
	struct survivors survivors = { 0, 0 };
	struct rouse_task *task = rouse_spawn_on(runtime, holds_its_worker);

	assert_true(test_eventually(is_set, &entered));
	assert_int_equal(rouse_runtime_shutdown(runtime, 20 * ROUSE_MS, survivor, &survivors), -ETIMEDOUT);
	assert_int_equal(survivors.n, 1);
	assert_int_equal(survivors.id, rouse_task_id(task));
	__atomic_store_n(&release, 1, __ATOMIC_RELEASE);
	assert_int_equal(rouse_runtime_shutdown(runtime, 5 * ROUSE_S, NULL, NULL), 0);
	assert_int_equal(rouse_task_get_state(task), ROUSE_TASK_COMPLETE);
	rouse_task_detach(task);
	rouse_runtime_free(runtime);
}

static void what_outlives_its_runtime_says_so(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1, .log = quiet), &runtime), 0);
	struct rouse_guard guard = rouse_enter(runtime);
	struct rouse_semaphore *semaphore = rouse_semaphore_new("left over", 3);
	struct rouse_task *task = rouse_spawn(sleeps);

	rouse_leave(&guard);
	rouse_runtime_free(runtime);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), -ROUSE_EORPHAN);
	assert_int_equal(rouse_task_get_state(task), ROUSE_TASK_CANCELLED);
	rouse_task_abort(task);
	rouse_task_detach(task);
	rouse_semaphore_free(semaphore);
}

static void a_handle_keeps_the_runtime(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = new_runtime(1), *handle = rouse_runtime_ref(runtime);
	int result = 0;

	rouse_runtime_free(runtime);
	assert_int_equal(rouse_block_on(handle, &result, answer, .value = 4), 0);
	assert_int_equal(result, 4);
	rouse_runtime_free(handle);
}

/* -------------------------------------------------------------------- fork */

static void child_finds_the_runtime_dead_and_says_so(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = new_runtime(2), *second;
	int status = 0, result = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int bad = 0;

		errno = 0;
		bad |= rouse_spawn_on(runtime, answer, .value = 1) != NULL || errno != ROUSE_EFORKED;
		bad |= rouse_block_on(runtime, NULL, answer, .value = 1) != -ROUSE_EFORKED;
		bad |= rouse_runtime_new(NULL, &second) != -ROUSE_EFORKED;
		bad |= rouse_runtime_shutdown(runtime, 0, NULL, NULL) != -ROUSE_EFORKED;
		rouse_runtime_free(runtime);
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(rouse_block_on(runtime, &result, answer, .value = 6), 0);
	assert_int_equal(result, 6);
	rouse_runtime_free(runtime);
}

static void errors_have_texts(void **state)
{
	(void)state;
	assert_string_equal(rouse_strerror(-ROUSE_EPANIC), "the task panicked");
	assert_string_equal(rouse_strerror(-EDEADLK), strerror(EDEADLK));
	assert_string_equal(rouse_strerror(-99999), "unknown error");
}

TEST_MAIN(cmocka_unit_test(bad_options_are_refused), cmocka_unit_test(environment_sets_the_workers),
	cmocka_unit_test(entering_nests_and_restores), cmocka_unit_test(tasks_spawn_into_their_own_runtime),
	cmocka_unit_test(runtimes_await_each_other), cmocka_unit_test(blocking_on_a_worker_is_always_an_error),
	cmocka_unit_test(current_thread_runs_on_the_caller), cmocka_unit_test(shutdown_cancels_and_runs_finally),
	cmocka_unit_test(shutdown_names_what_does_not_end), cmocka_unit_test(what_outlives_its_runtime_says_so),
	cmocka_unit_test(a_handle_keeps_the_runtime), cmocka_unit_test(child_finds_the_runtime_dead_and_says_so),
	cmocka_unit_test(errors_have_texts));
