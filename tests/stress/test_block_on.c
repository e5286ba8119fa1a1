/* SPDX-License-Identifier: MIT */
/*
 * Many threads block on tasks, over and over, while others spawn, and in the end
 * while the runtime is shut down: workers are lent to them all the time.
 *
 *     each call's result is its own task's, or it says that there is none
 *     calls that succeeded + calls cancelled or refused = calls
 *     bodies begun = bodies ended;  spawned = completed + cancelled
 *     no worker is two threads at once (each notes who it is, around its polls)
 */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <rouse/rouse.h>
#include <stdlib.h>

#include "sched/runtime.h"

enum { CALLERS = 6, CALLS = 3000, ROUNDS = 6 };

static struct rouse_runtime *runtime;
static uint64_t begun, ended, answered, refused;
static uint64_t inside[RS_MAX_WORKERS]; /* by worker: threads in a stretch of a poll */
static uint64_t doubles, lent;
static bool go_on;

static void add(uint64_t *what, uint64_t n)
{
	__atomic_fetch_add(what, n, __ATOMIC_RELAXED);
}

/* What only one thread may do at a time, if a worker is one thread. */
static void as_worker(void)
{
	uint64_t *here = &inside[rs_self.worker->index];

	add(&lent, rs_self.worker->lent);
	if (__atomic_fetch_add(here, 1, __ATOMIC_RELAXED))
		add(&doubles, 1);
	for (int i = 0; i < 20; i++)
		rs_pause();
	__atomic_fetch_sub(here, 1, __ATOMIC_RELAXED);
}

ROUSE_ASYNC(leaf, int, uint64_t pause; union { struct rouse_yield yield; struct rouse_sleep sleep; };);
ROUSE_BODY(leaf)
{
	ROUSE_BEGIN;
	as_worker();
	if (self->pause)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, self->pause));
	else
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	as_worker();
	ROUSE_FINALLY:
	add(&ended, 1);
	ROUSE_END;
}

static struct rouse_task *new_leaf(uint64_t random)
{
	add(&begun, 1);
	return rouse_spawn(leaf, .pause = random % 8 ? 0 : random % (50 * ROUSE_US));
}

/* Answers its own number, after as much as is drawn. */
ROUSE_ASYNC(asked, uint64_t, uint64_t number, random; int64_t rc;
	union { struct rouse_yield yield; struct rouse_sleep sleep; struct rouse_join join; };);
ROUSE_BODY(asked)
{
	ROUSE_BEGIN;
	as_worker();
	switch (self->random % 5) {
	case 0:
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
		break;
	case 1:
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, new_leaf(self->random / 5), NULL));
		break;
	case 2:
		rouse_task_detach(new_leaf(self->random / 5)); /* is left behind */
		break;
	case 3:
		if (self->random % 16 == 0)
			ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, self->random % (80 * ROUSE_US)));
		break;
	default:
		break;
	}
	as_worker();
	ROUSE_RETURN(self->number);
	ROUSE_FINALLY:
	add(&ended, 1);
	ROUSE_END;
}

static void *caller(void *arg)
{
	uint64_t random = test_seed() ^ (uint64_t)(uintptr_t)arg;
	int calls = getenv("ROUSE_TEST_SLOWDOWN") ? CALLS / 10 : CALLS;

	for (int i = 0; i < calls; i++) {
		uint64_t number = test_random(&random), answer = ~number;

		add(&begun, 1);
		int rc = rouse_block_on(runtime, &answer, asked, .number = number, .random = test_random(&random));

		if (rc == 0 && answer == number)
			add(&answered, 1);
		else if (rc == -ECANCELED || rc == -ROUSE_ESHUTDOWN)
			add(&refused, 1);
	}
	return NULL;
}

/* Foreign pushes, which lent workers do not take. */
static void *spawner(void *unused)
{
	uint64_t random = test_seed();
	struct rouse_guard guard = rouse_enter(runtime);

	(void)unused;
	while (__atomic_load_n(&go_on, __ATOMIC_RELAXED)) {
		rouse_task_detach(new_leaf(test_random(&random)));
		(void)rouse_runtime_set_level(runtime, (int)(test_random(&random) % 3));
		for (uint64_t n = test_random(&random) % 2000; n; n--)
			rs_pause();
	}
	rouse_leave(&guard);
	return NULL;
}

static void one_round(uint32_t workers, bool stop_in_the_middle)
{
	struct rouse_totals totals;
	pthread_t threads[CALLERS + 1];
	uint64_t calls = (uint64_t)CALLERS * (getenv("ROUSE_TEST_SLOWDOWN") ? CALLS / 10 : CALLS);

	begun = ended = answered = refused = 0;
	go_on = true;
	(void)test_seed(); /* drawn before the threads ask for it */
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = workers), &runtime), 0);
	for (uint64_t i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, caller, (void *)(uintptr_t)i), 0);
	assert_int_equal(pthread_create(&threads[CALLERS], NULL, spawner, NULL), 0);
	if (stop_in_the_middle) {
		while (__atomic_load_n(&answered, __ATOMIC_RELAXED) < calls / 4)
			rs_pause();
		assert_int_equal(rouse_runtime_shutdown(runtime, 60 * ROUSE_S, NULL, NULL), 0);
	}
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&go_on, false, __ATOMIC_RELAXED);
	pthread_join(threads[CALLERS], NULL);
	assert_int_equal(rouse_block_until_idle(runtime), 0);
	assert_null(rs_idle_validate_any(&runtime->idle));
	assert_int_equal(rouse_runtime_shutdown(runtime, 60 * ROUSE_S, NULL, NULL), 0);
	rouse_runtime_totals(runtime, &totals);
	assert_int_equal(answered + refused, calls);
	if (!stop_in_the_middle)
		assert_int_equal(refused, 0);
	assert_int_equal(ended, begun);
	assert_int_equal(totals.live, 0);
	assert_int_equal(totals.spawned, totals.completed + totals.cancelled);
	assert_int_equal(doubles, 0);
	for (uint32_t i = 0; i < workers; i++) {
		assert_null(rs_shard_validate_owner(&runtime->workers[i].shard));
		assert_int_equal(rs_wheel_validate(runtime->workers[i].wheel), 0);
	}
	rouse_runtime_free(runtime);
}

static void each_call_is_answered_once(void **state)
{
	(void)state;
	for (uint32_t workers = 1; workers <= 4; workers++)
		one_round(workers, false);
	assert_true(lent > 0); /* else nothing of this was seen */
}

static void a_shutdown_in_the_middle_answers_all(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++)
		one_round(2 + (uint32_t)i % 3, true);
}

TEST_MAIN(cmocka_unit_test(each_call_is_answered_once), cmocka_unit_test(a_shutdown_in_the_middle_answers_all));
