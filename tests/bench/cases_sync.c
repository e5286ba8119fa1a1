/* SPDX-License-Identifier: MIT */
/* Tokio's sync_notify.rs and sync_semaphore.rs; and the mutex, for which it has none. */
#include "bench.h"

/* ----------------------------------------------------------------- notify */

struct herd {
	struct rouse_notify *notify;
	struct bench_countdown ended;
	uint64_t count;
	bool stop;
};

ROUSE_ASYNC(listener, int, struct herd *herd; struct rouse_notified notified;);
ROUSE_BODY(listener)
{
	ROUSE_BEGIN;
	while (!__atomic_load_n(&self->herd->stop, __ATOMIC_RELAXED)) {
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, self->herd->notify));
		__atomic_fetch_add(&self->herd->count, 1, __ATOMIC_RELAXED);
	}
	bench_one(&self->herd->ended);
	ROUSE_RETURN(0);
	ROUSE_END;
}

static bool herd_ended(struct herd *herd)
{
	return __atomic_load_n(&herd->ended.left, __ATOMIC_ACQUIRE) == 0;
}

/* This thread notifies without a pause until the tasks have counted up to 500, and that so many times. */
static struct bench_done notify(struct rouse_runtime *runtime, uint64_t tasks, void (*call)(struct rouse_notify *))
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct herd herd = { .notify = rouse_notify_new("bench") };

	bench_must(herd.notify != NULL, "notify");
	bench_countdown_init(&herd.ended, tasks);
	for (uint64_t i = 0; i < tasks; i++)
		bench_must(rouse_spawn_detached(listener, .herd = &herd) == 0, "spawn");
	bench_begin();
	for (int i = 0; i < BENCH_COUNT_ROUNDS; i++) {
		__atomic_store_n(&herd.count, 0, __ATOMIC_RELAXED);
		do
			call(herd.notify);
		while (__atomic_load_n(&herd.count, __ATOMIC_RELAXED) < BENCH_COUNTS);
	}
	bench_end();
	__atomic_store_n(&herd.stop, true, __ATOMIC_RELAXED);
	while (!herd_ended(&herd))
		rouse_notify_all(herd.notify);
	bench_wait(&herd.ended);
	rouse_notify_free(herd.notify);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = (uint64_t)BENCH_COUNT_ROUNDS * BENCH_COUNTS };
}

#define NOTIFY(N)                                                                                  \
	static struct bench_done notify_one_##N(struct rouse_runtime *runtime)                     \
	{                                                                                          \
		return notify(runtime, N, rouse_notify_one);                                       \
	}                                                                                          \
	static struct bench_done notify_waiters_##N(struct rouse_runtime *runtime)                 \
	{                                                                                          \
		return notify(runtime, N, rouse_notify_all);                                       \
	}
NOTIFY(10)
NOTIFY(50)
NOTIFY(100)
NOTIFY(200)
NOTIFY(500)

/* -------------------------------------------------------------- semaphore */

ROUSE_ASYNC(acquire_once, int, struct rouse_semaphore *semaphore; struct rouse_semaphore_acquire acquire; int rc;);
ROUSE_BODY(acquire_once)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_semaphore_acquire(&self->acquire, self->semaphore, 1));
	bench_must(self->rc == 0 && rouse_semaphore_release(self->semaphore, 1) == 0, "semaphore");
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(acquire_in_turn, int, struct rouse_semaphore *semaphore; struct rouse_semaphore_acquire acquire; int i, rc;);
ROUSE_BODY(acquire_in_turn)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < BENCH_PERMITS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_semaphore_acquire(&self->acquire, self->semaphore, 1));
		bench_must(self->rc == 0 && rouse_semaphore_release(self->semaphore, 1) == 0, "semaphore");
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(acquire_by_tasks, int, struct rouse_semaphore *semaphore; struct rouse_task *tasks[BENCH_PERMITS]; int i, rc;
	struct rouse_join join;);
ROUSE_BODY(acquire_by_tasks)
{
	ROUSE_BEGIN;
	for (int i = 0; i < BENCH_PERMITS; i++) {
		self->tasks[i] = rouse_spawn(acquire_once, .semaphore = self->semaphore);
		bench_must(self->tasks[i] != NULL, "spawn");
	}
	for (self->i = 0; self->i < BENCH_PERMITS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->tasks[self->i], NULL));
		bench_must(self->rc == 0, "join");
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(acquire_side_by_side, int, struct rouse_semaphore *semaphore; struct acquire_once one[BENCH_PERMITS];);
ROUSE_BODY(acquire_side_by_side)
{
	ROUSE_BEGIN;
#define ONE(I) ROUSE_CALL(&self->one[I], acquire_once, .semaphore = self->semaphore)
	ROUSE_JOIN_ALL(ONE(0), ONE(1), ONE(2), ONE(3), ONE(4), ONE(5));
#undef ONE
	ROUSE_RETURN(0);
	ROUSE_END;
}

#define SEMAPHORE(NAME, FUNCTION, PERMITS)                                                         \
	static struct bench_done NAME(struct rouse_runtime *runtime)                               \
	{                                                                                          \
		struct rouse_guard guard = rouse_enter(runtime);                                   \
		struct rouse_semaphore *semaphore = rouse_semaphore_new("bench", PERMITS);         \
		bench_must(semaphore != NULL, "semaphore");                                        \
		bench_begin();                                                                     \
		for (int i = 0; i < BENCH_BLOCK_ONS; i++)                                          \
			bench_must(rouse_block_on(runtime, NULL, FUNCTION, .semaphore = semaphore) == 0, "block on"); \
		bench_end();                                                                       \
		rouse_semaphore_free(semaphore);                                                   \
		rouse_leave(&guard);                                                               \
		return (struct bench_done){ .ops = (uint64_t)BENCH_BLOCK_ONS * BENCH_PERMITS };    \
	}
SEMAPHORE(uncontended_multi, acquire_in_turn, 10)
SEMAPHORE(uncontended_tasks, acquire_by_tasks, 10)
SEMAPHORE(uncontended_single, acquire_side_by_side, 10)
SEMAPHORE(contended_tasks, acquire_by_tasks, 5)
SEMAPHORE(contended_single, acquire_side_by_side, 5)

/* ------------------------------------------------------------------ mutex */

struct locked {
	struct rouse_mutex *mutex;
	uint64_t count;
	struct bench_countdown ended;
};

/* Locks, counts, and unlocks; with `hold` it lets the others run while it has the lock. */
ROUSE_ASYNC(locker, int, struct locked *locked; int n, i, rc; bool hold; struct rouse_mutex_lock lock;
	struct rouse_yield yield;);
ROUSE_BODY(locker)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < self->n; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_mutex_lock(&self->lock, self->locked->mutex));
		bench_must(self->rc == 0, "lock");
		self->locked->count++;
		if (self->hold)
			ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
		bench_must(rouse_mutex_unlock(self->locked->mutex) == 0, "unlock");
	}
	bench_one(&self->locked->ended);
	ROUSE_RETURN(0);
	ROUSE_END;
}

static struct bench_done lock(struct rouse_runtime *runtime, uint64_t tasks, int n, bool hold)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct locked locked = { .mutex = rouse_mutex_new("bench") };

	bench_must(locked.mutex != NULL, "mutex");
	bench_countdown_init(&locked.ended, tasks);
	bench_begin();
	for (uint64_t i = 0; i < tasks; i++)
		bench_must(rouse_spawn_detached(locker, .locked = &locked, .n = n, .hold = hold) == 0, "spawn");
	bench_wait(&locked.ended);
	bench_end();
	bench_must(locked.count == tasks * (uint64_t)n, "mutual exclusion");
	rouse_mutex_free(locked.mutex);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = tasks * (uint64_t)n };
}

static struct bench_done lock_alone(struct rouse_runtime *runtime)
{
	return lock(runtime, 1, BENCH_LOCKERS * BENCH_LOCKS, false);
}

static struct bench_done lock_contended(struct rouse_runtime *runtime)
{
	return lock(runtime, BENCH_LOCKERS, BENCH_LOCKS, false);
}

static struct bench_done lock_held(struct rouse_runtime *runtime)
{
	return lock(runtime, BENCH_LOCKERS, BENCH_LOCK_YIELDS, true);
}

const struct bench_case bench_sync_cases[] = {
	{ "sync_notify/notify_one_10", notify_one_10, false, false },
	{ "sync_notify/notify_one_50", notify_one_50, false, false },
	{ "sync_notify/notify_one_100", notify_one_100, false, false },
	{ "sync_notify/notify_one_200", notify_one_200, false, false },
	{ "sync_notify/notify_one_500", notify_one_500, false, false },
	{ "sync_notify/notify_waiters_10", notify_waiters_10, false, false },
	{ "sync_notify/notify_waiters_50", notify_waiters_50, false, false },
	{ "sync_notify/notify_waiters_100", notify_waiters_100, false, false },
	{ "sync_notify/notify_waiters_200", notify_waiters_200, false, false },
	{ "sync_notify/notify_waiters_500", notify_waiters_500, false, false },
	{ "sync_semaphore/uncontended_multi", uncontended_multi, false, false },
	{ "sync_semaphore/uncontended_concurrent_multi", uncontended_tasks, false, false },
	{ "sync_semaphore/uncontended_concurrent_single", uncontended_single, true, false },
	{ "sync_semaphore/contention_concurrent_multi", contended_tasks, false, false },
	{ "sync_semaphore/contention_concurrent_single", contended_single, true, false },
	{ "sync_mutex/x_uncontended", lock_alone, false, false },
	{ "sync_mutex/x_contended8", lock_contended, false, false },
	{ "sync_mutex/x_contended8_hold_yield", lock_held, false, false },
	{ NULL, NULL, false, false },
};
