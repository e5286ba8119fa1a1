/* SPDX-License-Identifier: MIT */
/* Shutdown against what is still queued, still held, and still on its way from other threads. */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <rouse/rouse.h>
#include <stdlib.h>

#include "sched/runtime.h"

static struct rouse_runtime *undriven(void)
{
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime), 0);
	return runtime;
}

ROUSE_ASYNC(ends_badly, int, ROUSE_NO_FIELDS);
ROUSE_BODY(ends_badly)
{
	ROUSE_BEGIN;
	ROUSE_FINALLY:
	rouse_panic("on the way out");
	ROUSE_END;
}

/* They hang in the global queue by the word that will hold the panic. */
static void queued_tasks_may_panic_while_they_are_cancelled(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = undriven();
	struct rouse_totals totals;

	for (int i = 0; i < 3; i++)
		assert_int_equal(rouse_task_start_detached_(ROUSE_PREPARE_(runtime, NULL, ROUSE_KIND_TASK, ends_badly,
			.rouse_end_ = 0)), 0);
	assert_int_equal(rouse_runtime_shutdown(runtime, 5 * ROUSE_S, NULL, NULL), 0);
	rouse_runtime_totals(runtime, &totals);
	assert_int_equal(totals.panicked, 3);
	assert_int_equal(totals.live, 0);
	rouse_runtime_free(runtime);
}

/* ---------------------------------------------------- two shutdowns at once */

static int in_finally, go_on, finallies;

static bool is_set(void *flag)
{
	return __atomic_load_n((int *)flag, __ATOMIC_ACQUIRE);
}

ROUSE_ASYNC(ends_when_told, int, ROUSE_NO_FIELDS);
ROUSE_BODY(ends_when_told)
{
	ROUSE_BEGIN;
	ROUSE_FINALLY:
	__atomic_fetch_add(&finallies, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&in_finally, 1, __ATOMIC_RELEASE);
	(void)test_eventually(is_set, &go_on);
	ROUSE_END;
}

static void *shut_down(void *runtime)
{
	return (void *)(intptr_t)rouse_runtime_shutdown(runtime, 60 * ROUSE_S, NULL, NULL);
}

static void a_second_shutdown_waits_for_the_first(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = undriven();
	struct rouse_totals totals;
	pthread_t first;
	void *rc;

	rouse_task_detach(rouse_task_start(ROUSE_PREPARE_(runtime, NULL, ROUSE_KIND_TASK, ends_when_told, .rouse_end_ = 0)));
	assert_int_equal(pthread_create(&first, NULL, shut_down, runtime), 0);
	assert_true(test_eventually(is_set, &in_finally));
	assert_int_equal(rouse_runtime_shutdown(runtime, 0, NULL, NULL), -ETIMEDOUT);
	__atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
	assert_int_equal(rouse_runtime_shutdown(runtime, 60 * ROUSE_S, NULL, NULL), 0);
	pthread_join(first, &rc);
	assert_int_equal((intptr_t)rc, 0);
	assert_int_equal(finallies, 1);
	rouse_runtime_totals(runtime, &totals);
	assert_int_equal(totals.cancelled, 1);
	rouse_runtime_free(runtime);
}

static void note_survivor(void *arg, uint64_t task_id, const char *name, const char *what)
{
	(void)arg;
	fprintf(stderr, "%s (%llu): %s\n", name, (unsigned long long)task_id, what);
}

static int job_begun;

static int64_t ends_when_posted(void *arg)
{
	__atomic_store_n(&job_begun, 1, __ATOMIC_RELEASE);
	(void)test_eventually(is_set, arg);
	return 0;
}

static int may_end;

ROUSE_ASYNC(waits_for_a_job, int, struct rouse_blocking blocking;);
ROUSE_BODY(waits_for_a_job)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_blocking(&self->blocking, ends_when_posted, &may_end));
	ROUSE_END;
}

ROUSE_ASYNC(turn, int, struct rouse_yield yield;);
ROUSE_BODY(turn)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_END;
}

/* Who reads "stopping since" wants to know how long it has been at it, not when somebody asked last. */
static void a_second_try_does_not_move_when_it_began(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = undriven();
	struct rouse_task *task = rouse_spawn_on(runtime, waits_for_a_job);
	uint64_t before = rs_ticks();

	assert_int_equal(rouse_block_on(runtime, NULL, turn), 0);
	assert_int_equal(runtime->page->stopping_ticks, 0);
	assert_true(test_eventually(is_set, &job_begun));
	assert_int_equal(rouse_runtime_shutdown(runtime, 0, note_survivor, NULL), -ETIMEDOUT);
	uint64_t began = runtime->page->stopping_ticks;

	assert_in_range(began, before, rs_ticks());
	assert_int_equal(rouse_runtime_shutdown(runtime, 0, note_survivor, NULL), -ETIMEDOUT);
	assert_int_equal(runtime->page->stopping_ticks, began);
	__atomic_store_n(&may_end, 1, __ATOMIC_RELEASE);
	assert_int_equal(rouse_runtime_shutdown(runtime, 60 * ROUSE_S, NULL, NULL), 0);
	assert_int_equal(runtime->page->stopping_ticks, began);
	rouse_task_detach(task);
	rouse_runtime_free(runtime);
}

/* --------------------------------------- other threads, while it goes down */

enum { SPAWNERS = 3 };

static int rounds(int n)
{
	const char *slow = getenv("ROUSE_TEST_SLOWDOWN");

	return slow && atoi(slow) > 1 ? n / 8 : n;
}

static uint64_t dropped;

ROUSE_ASYNC(counts_its_end, int, struct rouse_yield yield;);
ROUSE_BODY(counts_its_end)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_FINALLY:
	__atomic_fetch_add(&dropped, 1, __ATOMIC_RELAXED);
	ROUSE_END;
}

struct spawner {
	struct rouse_runtime *runtime; /* a handle */
	uint64_t built, spawned;
};

static void *spawn_until_refused(void *arg)
{
	struct spawner *s = arg;
	struct rouse_guard guard = rouse_enter(s->runtime);

	for (;;) {
		struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 1);
		bool detached = s->built++ % 2;
		struct rouse_task *task = detached ? NULL : rouse_spawn(counts_its_end);

		rouse_semaphore_free(semaphore);
		if (detached ? rouse_spawn_detached(counts_its_end) != 0 : !task)
			break;
		if (task)
			rouse_task_abort(task);
		rouse_task_detach(task);
		s->spawned++;
	}
	rouse_leave(&guard);
	rouse_runtime_free(s->runtime);
	return NULL;
}

static void must_not_speak(void *arg, const char *line)
{
	*(int *)arg += 1;
	fprintf(stderr, "%s\n", line);
}

/* Every task spawned is ended by somebody, every one refused is dropped, nothing is left to keep the memory for. */
static void spawns_race_a_shutdown(void **state)
{
	(void)state;
	for (int round = rounds(160); round > 0; round--) {
		struct spawner spawners[SPAWNERS] = { { 0 } };
		pthread_t threads[SPAWNERS];
		struct rouse_runtime *runtime;
		struct rouse_totals totals;
		uint64_t built = 0, spawned = 0;
		int lines = 0;

		dropped = 0;
		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1, .current_thread = round % 4 == 0,
			.log = must_not_speak, .log_arg = &lines), &runtime), 0);
		for (int i = 0; i < SPAWNERS; i++) {
			spawners[i].runtime = rouse_runtime_ref(runtime);
			assert_int_equal(pthread_create(&threads[i], NULL, spawn_until_refused, &spawners[i]), 0);
		}
		assert_int_equal(rouse_runtime_shutdown(runtime, 60 * ROUSE_S, NULL, NULL), 0);
		for (int i = 0; i < SPAWNERS; i++) {
			pthread_join(threads[i], NULL);
			built += spawners[i].built;
			spawned += spawners[i].spawned;
		}
		rouse_runtime_totals(runtime, &totals);
		assert_int_equal(totals.spawned, spawned);
		assert_int_equal(totals.live, 0);
		assert_int_equal(dropped, built);
		rouse_runtime_free(runtime);
		assert_int_equal(lines, 0);
	}
}

/* ---- a thread wakes a task whose end lets main free the runtime, while it is still on its way out */
ROUSE_ASYNC(receives, int, struct rouse_oneshot *oneshot; int64_t rc; uint64_t value; struct rouse_oneshot_recv recv;);
ROUSE_BODY(receives)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_oneshot_recv(&self->recv, self->oneshot, &self->value));
	ROUSE_RETURN((int)self->value);
	ROUSE_END;
}

static void *send_seven(void *oneshot)
{
	(void)rouse_oneshot_send(oneshot, 7);
	return NULL;
}

static void a_wake_from_outside_may_be_the_last_thing_before_the_free(void **state)
{
	(void)state;
	for (int round = rounds(400); round > 0; round--) {
		struct rouse_runtime *runtime;
		pthread_t thread;
		int got = 0;

		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &runtime), 0);
		struct rouse_guard guard = rouse_enter(runtime);
		struct rouse_oneshot *oneshot = rouse_oneshot_new(NULL);

		rouse_leave(&guard);
		assert_int_equal(pthread_create(&thread, NULL, send_seven, oneshot), 0);
		assert_int_equal(rouse_block_on(runtime, &got, receives, .oneshot = oneshot), 0);
		assert_int_equal(got, 7);
		rouse_runtime_free(runtime);
		pthread_join(thread, NULL);
	}
}

/* ---- the last handle of a task goes while its runtime is freed */
static void *detach(void *task)
{
	rouse_task_detach(task);
	return NULL;
}

static void quiet(void *arg, const char *line)
{
	(void)arg, (void)line;
}

static void a_handle_may_go_while_its_runtime_is_freed(void **state)
{
	(void)state;
	for (int round = rounds(400); round > 0; round--) {
		struct rouse_runtime *runtime;
		pthread_t thread;

		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true, .log = quiet), &runtime), 0);
		struct rouse_task *task = rouse_spawn_on(runtime, counts_its_end);

		assert_int_equal(pthread_create(&thread, NULL, detach, task), 0);
		rouse_runtime_free(runtime);
		pthread_join(thread, NULL);
	}
}

TEST_MAIN(cmocka_unit_test(queued_tasks_may_panic_while_they_are_cancelled),
	cmocka_unit_test(a_second_shutdown_waits_for_the_first),
	cmocka_unit_test(a_second_try_does_not_move_when_it_began), cmocka_unit_test(spawns_race_a_shutdown),
	cmocka_unit_test(a_wake_from_outside_may_be_the_last_thing_before_the_free),
	cmocka_unit_test(a_handle_may_go_while_its_runtime_is_freed));
