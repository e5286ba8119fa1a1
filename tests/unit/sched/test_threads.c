/* SPDX-License-Identifier: MIT */
/* Threads that are not workers: the event rings they take, keep and give back, and what a blocking job may not ask. */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <rouse/rouse.h>
#include <stdio.h>
#include <string.h>

#include "sched/runtime.h"

ROUSE_ASYNC(nothing, int, ROUSE_NO_FIELDS);
ROUSE_BODY(nothing)
{
	ROUSE_BEGIN;
	ROUSE_END;
}

/* Never driven: all events are of foreign threads. */
static struct rouse_runtime *traced(void)
{
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true, .level = 3), &runtime), 0);
	return runtime;
}

static void *spawn_one(void *runtime)
{
	rouse_task_detach(rouse_spawn_on(runtime, nothing));
	return NULL;
}

static void assert_none_lost(struct rouse_runtime *runtime, uint64_t emitted)
{
	assert_int_equal(runtime->page->foreign_lost, 0);
	assert_int_equal(rs_page_worker(runtime->page, runtime->n_workers)->counters.emitted, emitted);
}

static void threads_give_their_rings_back(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = traced();
	pthread_t thread;

	for (int i = 0; i < 3 * RS_FOREIGN_RINGS; i++) {
		assert_int_equal(pthread_create(&thread, NULL, spawn_one, runtime), 0);
		pthread_join(thread, NULL);
	}
	assert_none_lost(runtime, (uint64_t)3 * RS_FOREIGN_RINGS);
	rouse_runtime_free(runtime);
}

/* One thread's life, in which this one makes and frees the runtimes, often at the same address. */
struct baton {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct rouse_runtime *runtime; /* NULL: done with it */
	bool over;
};

static void pass(struct baton *b, struct rouse_runtime *runtime, bool over)
{
	pthread_mutex_lock(&b->lock);
	b->runtime = runtime;
	b->over = over;
	pthread_cond_broadcast(&b->moved);
	while (!over && b->runtime)
		pthread_cond_wait(&b->moved, &b->lock);
	pthread_mutex_unlock(&b->lock);
}

static void *spawn_when_told(void *arg)
{
	struct baton *b = arg;

	pthread_mutex_lock(&b->lock);
	while (!b->over) {
		if (b->runtime)
			spawn_one(b->runtime);
		b->runtime = NULL;
		pthread_cond_broadcast(&b->moved);
		pthread_cond_wait(&b->moved, &b->lock);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

static void a_thread_outlives_the_runtimes_it_has_traced(void **state)
{
	(void)state;
	struct baton baton = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, false };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, spawn_when_told, &baton), 0);
	for (int i = 0; i < 8; i++) {
		struct rouse_runtime *runtime = traced();

		pass(&baton, runtime, false);
		assert_none_lost(runtime, 1);
		rouse_runtime_free(runtime);
	}
	pass(&baton, NULL, true);
	pthread_join(thread, NULL);
}

static void one_thread_traces_two_runtimes_in_turn(void **state)
{
	(void)state;
	struct rouse_runtime *a = traced(), *b = traced();

	for (int i = 0; i < 2 * RS_FOREIGN_RINGS; i++) {
		spawn_one(a);
		spawn_one(b);
	}
	assert_none_lost(a, (uint64_t)2 * RS_FOREIGN_RINGS);
	assert_none_lost(b, (uint64_t)2 * RS_FOREIGN_RINGS);
	rouse_runtime_free(a);
	rouse_runtime_free(b);
}

static void freeing_one_runtime_does_not_leave_another(void **state)
{
	(void)state;
	struct rouse_runtime *a = traced(), *b = traced();
	struct rouse_guard guard = rouse_enter(b);

	spawn_one(a);
	rouse_runtime_free(a);
	assert_ptr_equal(rouse_runtime_current(), b);
	rouse_leave(&guard);
	rouse_runtime_free(b);
}

/* ------------------------------------------------------------ blocking jobs */

static int64_t shut_down(void *runtime)
{
	return rouse_runtime_shutdown(runtime, 10 * ROUSE_MS, NULL, NULL);
}

ROUSE_ASYNC(asks, int, void *runtime; struct rouse_blocking job; int64_t rc;);
ROUSE_BODY(asks)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_blocking(&self->job, shut_down, self->runtime));
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

static void a_blocking_job_cannot_shut_its_own_runtime_down(void **state)
{
	(void)state;
	struct rouse_runtime *a, *b;
	int result = 0;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &a), 0);
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &b), 0);
	assert_int_equal(rouse_block_on(a, &result, asks, .runtime = a), 0);
	assert_int_equal(result, -EDEADLK);
	assert_int_equal(rouse_block_on(a, &result, asks, .runtime = b), 0);
	assert_int_equal(result, 0);
	rouse_runtime_free(b);
	rouse_runtime_free(a);
}

/* -------------------------------------------------------------------- names */

static bool is_called(uint32_t tid, const char *name)
{
	char path[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/self/task/%u/comm", (unsigned int)tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(comm, sizeof comm, file))
		comm[0] = 0;
	fclose(file);
	comm[strcspn(comm, "\n")] = 0;
	return strcmp(comm, name) == 0;
}

static bool all_are_named(void *arg)
{
	struct rouse_runtime *runtime = arg;

	return is_called(rs_load(&rs_page_worker(runtime->page, 0)->tid, RS_RELAXED), "rouse-worker-0") &&
	       is_called(rs_load(&rs_page_worker(runtime->page, 11)->tid, RS_RELAXED), "rouse-worker-11") &&
	       is_called(rs_load(&runtime->page->watchdog_tid, RS_RELAXED), "rouse-watchdog");
}

/* By these names tools tell a runtime's threads from the program's. (Of the blocking pool: test_blocking.c.) */
static void workers_and_watchdog_are_named(void **state)
{
	struct rouse_runtime *runtime;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 12), &runtime), 0);
	assert_true(test_eventually(all_are_named, runtime));
	rouse_runtime_free(runtime);
}

TEST_MAIN(cmocka_unit_test(threads_give_their_rings_back),
	cmocka_unit_test(a_thread_outlives_the_runtimes_it_has_traced),
	cmocka_unit_test(one_thread_traces_two_runtimes_in_turn),
	cmocka_unit_test(freeing_one_runtime_does_not_leave_another),
	cmocka_unit_test(a_blocking_job_cannot_shut_its_own_runtime_down),
	cmocka_unit_test(workers_and_watchdog_are_named));
