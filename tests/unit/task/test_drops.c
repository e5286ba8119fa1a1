/* SPDX-License-Identifier: MIT */
/* Who dropped the last waker of a task at rest, as the page tells it. */
#include "test.h"

#include <pthread.h>
#include <rouse/rouse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched/runtime.h"

static struct rouse_runtime *runtime;

static int start(void **state)
{
	(void)state;
	return rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime);
}

static int stop(void **state)
{
	(void)state;
	rouse_runtime_free(runtime);
	return 0;
}

static uint64_t drops(void)
{
	return rs_load(&runtime->page->drops, RS_ACQUIRE);
}

static const struct rouse_drop_record *record_of(uint64_t n)
{
	const struct rouse_page *page = runtime->page;

	return (const struct rouse_drop_record *)(const void *)((const char *)page + page->off_drops) +
	       n % page->drop_capacity;
}

static uint64_t this_thread(void)
{
	return 1ull << 63 | (uint64_t)gettid();
}

/* Pending for ever; leaves a clone of its waker at *keep, if that is not NULL, and drops another. */
struct leaf {
	struct rouse_future future;
	int64_t result;
	struct rouse_waker *keep;
};
static struct rouse_poll leaf_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct leaf *leaf = (struct leaf *)f;
	struct rouse_waker other = rouse_waker_clone(&cx->waker);

	if (leaf->keep && !leaf->keep->vtable)
		*leaf->keep = rouse_waker_clone(&cx->waker);
	rouse_waker_drop(&other);
	return rouse_pending();
}
ROUSE_LEAF(leaf, leaf_poll, NULL);

ROUSE_ASYNC(rests, int, struct rouse_waker *keep; struct leaf leaf;);
ROUSE_BODY(rests)
{
	ROUSE_BEGIN;
	self->leaf = (struct leaf){ .future = ROUSE_FUTURE_INIT(leaf), .keep = self->keep };
	ROUSE_AWAIT_ONLY(&self->leaf);
	ROUSE_END;
}

/* Lets the current-thread runtime work off what is ready. */
ROUSE_ASYNC(turn, int, int n; struct rouse_yield yield;);
ROUSE_BODY(turn)
{
	ROUSE_BEGIN;
	for (self->n = 0; self->n < 8; self->n++)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_END;
}

static void settle(void)
{
	assert_int_equal(rouse_block_on(runtime, NULL, turn), 0);
}

/* A task at rest, whose only waker is in *waker. */
static struct rouse_task *resting(struct rouse_waker *waker)
{
	struct rouse_task *task;

	*waker = (struct rouse_waker){ 0, 0 };
	task = rouse_spawn_on(runtime, rests, .keep = waker);
	assert_non_null(task);
	settle();
	assert_non_null(waker->vtable);
	return task;
}

static void end(struct rouse_task *task)
{
	rouse_task_abort(task);
	rouse_task_detach(task);
	settle();
}

__attribute__((noinline)) static void drop_here(struct rouse_waker *waker)
{
	rouse_waker_drop(waker);
	__asm__ volatile("" ::: "memory"); /* so that it is no tail call, which would not be here */
}

static void the_last_drop_is_told_by_whom_when_and_from_where(void **state)
{
	struct rouse_waker waker;
	struct rouse_task *task = resting(&waker);
	uint64_t before = rs_ticks();

	(void)state;
	assert_int_equal(drops(), 0); /* the one that was dropped during the poll does not count */
	drop_here(&waker);
	assert_int_equal(drops(), 1);
	const struct rouse_drop_record *record = record_of(0);

	assert_int_equal(record->task, rouse_task_id(task));
	assert_int_equal(record->by, this_thread());
	assert_in_range(record->ticks, before, rs_ticks());
	assert_in_range(record->pc, (uintptr_t)drop_here, (uintptr_t)drop_here + 1024);
	end(task);
	assert_int_equal(drops(), 1);
}

/* Clones and drops in its own poll, and keeps none. */
static void the_last_drop_in_its_own_poll_is_told_when_that_ends(void **state)
{
	struct rouse_task *task = rouse_spawn_on(runtime, rests, .keep = NULL);

	(void)state;
	assert_non_null(task);
	settle();
	assert_int_equal(drops(), 1);
	assert_int_equal(record_of(0)->task, rouse_task_id(task));
	assert_int_equal(record_of(0)->by, rouse_task_id(task));
	assert_in_range(record_of(0)->pc, (uintptr_t)leaf_poll, (uintptr_t)leaf_poll + 2048);
	end(task);
	assert_int_equal(drops(), 1);
}

ROUSE_ASYNC(drops_it, int, struct rouse_waker *waker;);
ROUSE_BODY(drops_it)
{
	ROUSE_BEGIN;
	(void)cx;
	rouse_waker_drop(self->waker);
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void a_task_that_drops_it_is_named(void **state)
{
	struct rouse_waker waker;
	struct rouse_task *task = resting(&waker);
	struct rouse_task *culprit = rouse_spawn_on(runtime, drops_it, .waker = &waker);
	uint64_t id = rouse_task_id(culprit);

	(void)state;
	rouse_task_detach(culprit);
	settle();
	assert_int_equal(drops(), 1);
	assert_int_equal(record_of(0)->task, rouse_task_id(task));
	assert_int_equal(record_of(0)->by, id);
	end(task);
}

static void only_the_last_of_several_counts(void **state)
{
	struct rouse_waker first, second, third;
	struct rouse_task *task = resting(&first);

	(void)state;
	second = rouse_waker_clone(&first);
	third = rouse_waker_clone(&first);
	rouse_waker_drop(&second);
	rouse_waker_drop(&first);
	assert_int_equal(drops(), 0);
	/* As does one through the table of functions, which anybody may call. */
	third.vtable->drop(third.data);
	assert_int_equal(drops(), 1);
	assert_int_equal(record_of(0)->task, rouse_task_id(task));
	end(task);
}

static void a_drop_after_a_wake_or_after_the_end_is_ordinary(void **state)
{
	struct rouse_waker waker, other;
	struct rouse_task *task = resting(&waker);

	(void)state;
	other = rouse_waker_clone(&waker);
	rouse_waker_wake_by_ref(&waker); /* it is to run: it will see to a waker of its own */
	rouse_waker_drop(&waker);
	rouse_waker_drop(&other);
	settle();
	assert_int_equal(drops(), 0);
	assert_non_null(waker.vtable); /* as it did */
	rouse_task_abort(task);
	settle();
	rouse_waker_drop(&waker);
	rouse_task_detach(task);
	assert_int_equal(drops(), 0);
}

ROUSE_ASYNC(sleeps, int, struct rouse_sleep sleep;);
ROUSE_BODY(sleeps)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 3600 * ROUSE_S));
	ROUSE_END;
}

static void tasks_that_a_shutdown_cancels_are_not_told_of(void **state)
{
	struct rouse_runtime *other;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &other), 0);
	struct rouse_runtime *mine = runtime;

	runtime = other;
	struct rouse_task *task = rouse_spawn_on(other, sleeps);

	assert_non_null(task);
	settle();
	rouse_task_detach(task);
	assert_int_equal(rouse_runtime_shutdown(other, 5 * ROUSE_S, NULL, NULL), 0);
	assert_int_equal(drops(), 0);
	rouse_runtime_free(other);
	runtime = mine;
}

/* A wait node of a leaf outside holds the waker; cancelling it from elsewhere is a drop like any other. */
static struct rouse_wait shared_wait;
struct waits {
	struct rouse_future future;
	int64_t result;
};
static struct rouse_poll waits_poll(struct rouse_future *f, struct rouse_context *cx)
{
	(void)f;
	rouse_wait_register(&shared_wait, cx);
	return rouse_pending();
}
ROUSE_LEAF(waits, waits_poll, NULL);

ROUSE_ASYNC(rests_in_a_node, int, struct waits waits;);
ROUSE_BODY(rests_in_a_node)
{
	ROUSE_BEGIN;
	self->waits = (struct waits){ .future = ROUSE_FUTURE_INIT(waits) };
	ROUSE_AWAIT_ONLY(&self->waits);
	ROUSE_END;
}

static void a_wait_node_cancelled_from_elsewhere_counts(void **state)
{
	struct rouse_task *task = rouse_spawn_on(runtime, rests_in_a_node);

	(void)state;
	settle();
	assert_int_equal(drops(), 0);
	rouse_wait_cancel(&shared_wait);
	assert_int_equal(drops(), 1);
	assert_int_equal(record_of(0)->task, rouse_task_id(task));
	end(task);
}

static void the_table_goes_round(void **state)
{
	struct rouse_waker waker;
	uint64_t last = 0;

	(void)state;
	for (uint32_t i = 0; i < ROUSE_DROPS + 3; i++) {
		struct rouse_task *task = resting(&waker);

		last = rouse_task_id(task);
		rouse_waker_drop(&waker);
		end(task);
	}
	assert_int_equal(drops(), ROUSE_DROPS + 3);
	assert_int_equal(record_of(2)->task, last);
	for (uint32_t i = 0; i < ROUSE_DROPS; i++)
		assert_int_not_equal(record_of(i)->task, 0);
}

static void in_a_fork_there_is_nothing_to_drop(void **state)
{
	struct rouse_waker waker;
	struct rouse_task *task = resting(&waker);
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		rouse_waker_drop(&waker);
		_exit(waker.vtable ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(drops(), 0);
	rouse_waker_drop(&waker);
	assert_int_equal(drops(), 1);
	end(task);
}

/* ------------------------------------------------------------ many at once */

enum { THREADS = 4, EACH = 40 };

struct dropper {
	struct rouse_waker wakers[EACH];
	struct rouse_task *tasks[EACH];
	uint64_t self;
};

static void *drop_all(void *arg)
{
	struct dropper *dropper = arg;

	dropper->self = this_thread();
	for (int i = 0; i < EACH; i++)
		rouse_waker_drop(&dropper->wakers[i]);
	return NULL;
}

static uint64_t dropper_of(const struct dropper *droppers, uint64_t task)
{
	for (int i = 0; i < THREADS; i++)
		for (int k = 0; k < EACH; k++)
			if (rouse_task_id(droppers[i].tasks[k]) == task)
				return droppers[i].self;
	return 0;
}

static void threads_that_drop_at_once_do_not_mix_their_records(void **state)
{
	static struct dropper droppers[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		for (int k = 0; k < EACH; k++)
			droppers[i].tasks[k] = resting(&droppers[i].wakers[k]);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, drop_all, &droppers[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(drops(), THREADS * EACH);
	for (uint64_t n = 0; n < THREADS * EACH; n++) {
		assert_int_equal(record_of(n)->by, dropper_of(droppers, record_of(n)->task));
		for (uint64_t m = 0; m < n; m++)
			assert_int_not_equal(record_of(m)->task, record_of(n)->task);
	}
	for (int i = 0; i < THREADS; i++)
		for (int k = 0; k < EACH; k++)
			end(droppers[i].tasks[k]);
}

static bool somebody_waits_for_the_table(void *arg)
{
	(void)arg;
	return rs_load(&runtime->drops_lock.word, RS_RELAXED) == 2;
}

static void *drop_one(void *waker)
{
	rouse_waker_drop(waker);
	return NULL;
}

/* Stopped between the drop and its record: another writes, and the runtime's memory may not go. */
static void who_writes_a_record_waits_its_turn_and_keeps_the_runtime(void **state)
{
	struct rouse_waker waker;
	struct rouse_task *task = resting(&waker);
	pthread_t thread;

	(void)state;
	rs_lock_take(&runtime->drops_lock);
	assert_int_equal(pthread_create(&thread, NULL, drop_one, &waker), 0);
	assert_true(test_eventually(somebody_waits_for_the_table, NULL));
	assert_int_equal(drops(), 0);
	assert_int_equal(rs_load(&runtime->page->foreign_in_transit, RS_SEQ_CST), 1); /* a shutdown waits for it */
	rs_lock_drop(&runtime->drops_lock);
	pthread_join(thread, NULL);
	assert_int_equal(drops(), 1);
	assert_int_equal(rs_load(&runtime->page->foreign_in_transit, RS_SEQ_CST), 0);
	end(task);
}

/* ---------------------------------------- while the runtime goes, memory and all */

struct race {
	struct rouse_waker waker;
	uint32_t go;
};

static void *drop_when_told(void *arg)
{
	struct race *race = arg;

	rs_fetch_add(&race->go, 1u, RS_SEQ_CST);
	while (rs_load(&race->go, RS_ACQUIRE) < 2)
		rs_pause();
	rouse_waker_drop(&race->waker);
	return NULL;
}

/* The waker is the last reference there is: with it the cell may go, and with that the runtime's memory. */
static void a_drop_races_the_end_of_the_runtime(void **state)
{
	const char *slow = getenv("ROUSE_TEST_SLOWDOWN");
	int rounds = slow && strtol(slow, NULL, 10) > 1 ? 20 : 200;
	struct rouse_runtime *mine = runtime;

	(void)state;
	for (int i = 0; i < rounds; i++) {
		struct race race = { .go = 0 };
		pthread_t thread;

		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime), 0);
		rouse_task_detach(resting(&race.waker));
		assert_int_equal(pthread_create(&thread, NULL, drop_when_told, &race), 0);
		while (rs_load(&race.go, RS_ACQUIRE) < 1)
			rs_pause();
		rs_fetch_add(&race.go, 1u, RS_SEQ_CST);
		rouse_runtime_free(runtime);
		pthread_join(thread, NULL);
	}
	runtime = mine;
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, start, stop)
TEST_MAIN(T(the_last_drop_is_told_by_whom_when_and_from_where),
	T(the_last_drop_in_its_own_poll_is_told_when_that_ends), T(a_task_that_drops_it_is_named),
	T(only_the_last_of_several_counts), T(a_drop_after_a_wake_or_after_the_end_is_ordinary),
	T(tasks_that_a_shutdown_cancels_are_not_told_of), T(a_wait_node_cancelled_from_elsewhere_counts),
	T(the_table_goes_round), T(in_a_fork_there_is_nothing_to_drop),
	T(threads_that_drop_at_once_do_not_mix_their_records),
	T(who_writes_a_record_waits_its_turn_and_keeps_the_runtime), T(a_drop_races_the_end_of_the_runtime));
