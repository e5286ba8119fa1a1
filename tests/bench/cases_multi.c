/* SPDX-License-Identifier: MIT */
/* Tokio's rt_multi_threaded.rs and remote_spawn.rs, and what they leave out: spawning and joining by a task. */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

/* ------------------------------------------------------------------ spawn */

ROUSE_ASYNC(counted, int, struct bench_countdown *countdown;);
ROUSE_BODY(counted)
{
	ROUSE_BEGIN;
	bench_one(self->countdown);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(spawner, int, struct bench_countdown *countdown;);
ROUSE_BODY(spawner)
{
	ROUSE_BEGIN;
	for (int i = 0; i < BENCH_SPAWNS; i++)
		bench_must(rouse_spawn_detached(counted, .countdown = self->countdown) == 0, "spawn");
	ROUSE_RETURN(0);
	ROUSE_END;
}

static struct bench_done spawn_many_local(struct rouse_runtime *runtime)
{
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, BENCH_SPAWNS);
	bench_must(rouse_block_on(runtime, NULL, spawner, .countdown = &countdown) == 0, "block on");
	bench_wait(&countdown);
	return (struct bench_done){ .ops = BENCH_SPAWNS };
}

static struct bench_done spawn_from_worker(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, BENCH_SPAWNS);
	bench_must(rouse_spawn_detached(spawner, .countdown = &countdown) == 0, "spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = BENCH_SPAWNS };
}

/* ------------------------------------------------------------------- join */

ROUSE_ASYNC(nothing, int, ROUSE_NO_FIELDS);
ROUSE_BODY(nothing)
{
	ROUSE_BEGIN;
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(join_in_order, int, struct rouse_task **tasks; int n, i, rc; struct rouse_join join;);
ROUSE_BODY(join_in_order)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < self->n; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->tasks[self->i], NULL));
		bench_must(self->rc == 0, "join");
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* By a thread that is no worker: n tasks spawned, then joined in order. */
static void spawn_and_join(struct rouse_runtime *runtime, int n)
{
	static struct rouse_task *tasks[BENCH_SPAWNS];

	for (int i = 0; i < n; i++) {
		tasks[i] = rouse_spawn_on(runtime, nothing);
		bench_must(tasks[i] != NULL, "spawn");
	}
	bench_must(rouse_block_on(runtime, NULL, join_in_order, .tasks = tasks, .n = n) == 0, "block on");
}

static struct bench_done spawn_many_remote_idle(struct rouse_runtime *runtime)
{
	spawn_and_join(runtime, BENCH_SPAWNS);
	return (struct bench_done){ .ops = BENCH_SPAWNS };
}

ROUSE_ASYNC(spawn_join_task, int, struct rouse_task *tasks[BENCH_SPAWNS_FEW]; struct bench_countdown *countdown;
	struct join_in_order all; int rc;);
ROUSE_BODY(spawn_join_task)
{
	ROUSE_BEGIN;
	for (int i = 0; i < BENCH_SPAWNS_FEW; i++) {
		self->tasks[i] = rouse_spawn(nothing);
		bench_must(self->tasks[i] != NULL, "spawn");
	}
	ROUSE_AWAIT(self->rc, ROUSE_CALL(&self->all, join_in_order, .tasks = self->tasks, .n = BENCH_SPAWNS_FEW));
	bench_one(self->countdown);
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

static struct bench_done spawn_join(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, 1);
	bench_must(rouse_spawn_detached(spawn_join_task, .countdown = &countdown) == 0, "spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = BENCH_SPAWNS_FEW };
}

/* -------------------------------------------------- spawn to busy workers */

/* Ten microseconds of a poll, as Tokio's benchmark spends them. */
static void stall(void)
{
	uint64_t start = rouse_now_ns();

	while (rouse_now_ns() - start < BENCH_STALL_NS)
		sched_yield();
}

struct busy {
	bool stop;
	struct bench_countdown ended;
};

static bool stopped(const struct busy *busy)
{
	return __atomic_load_n(&busy->stop, __ATOMIC_RELAXED);
}

ROUSE_ASYNC(stalling, int, struct busy *busy; struct rouse_yield yield;);
ROUSE_BODY(stalling)
{
	ROUSE_BEGIN;
	while (!stopped(self->busy)) {
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
		stall();
	}
	bench_one(&self->busy->ended);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(stalling_chain, int, struct busy *busy;);
ROUSE_BODY(stalling_chain)
{
	ROUSE_BEGIN;
	if (stopped(self->busy)) {
		bench_one(&self->busy->ended);
	} else {
		stall();
		bench_must(rouse_spawn_detached(stalling_chain, .busy = self->busy) == 0, "spawn");
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* Starting and ending what keeps the workers busy is not timed. */
static void busy_begin(struct busy *busy, uint32_t n)
{
	busy->stop = false;
	bench_countdown_init(&busy->ended, n);
}

static void busy_end(struct busy *busy)
{
	__atomic_store_n(&busy->stop, true, __ATOMIC_RELAXED);
	bench_wait(&busy->ended);
}

static struct bench_done spawn_many_remote_busy1(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct busy busy;

	busy_begin(&busy, 2 * bench_workers);
	for (uint32_t i = 0; i < 2 * bench_workers; i++)
		bench_must(rouse_spawn_detached(stalling, .busy = &busy) == 0, "spawn");
	bench_begin();
	spawn_and_join(runtime, BENCH_SPAWNS_FEW);
	bench_end();
	busy_end(&busy);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = BENCH_SPAWNS_FEW };
}

static struct bench_done spawn_many_remote_busy2(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct busy busy;

	busy_begin(&busy, bench_workers);
	for (uint32_t i = 0; i < bench_workers; i++)
		bench_must(rouse_spawn_detached(stalling_chain, .busy = &busy) == 0, "spawn");
	bench_begin();
	spawn_and_join(runtime, BENCH_SPAWNS_FEW);
	bench_end();
	busy_end(&busy);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = BENCH_SPAWNS_FEW };
}

/* ------------------------------------------------------------------ yield */

ROUSE_ASYNC(yielder, int, struct bench_countdown *countdown; int i; struct rouse_yield yield;);
ROUSE_BODY(yielder)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < BENCH_YIELDS; self->i++)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	bench_one(self->countdown);
	ROUSE_RETURN(0);
	ROUSE_END;
}

static struct bench_done yield_many(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, BENCH_YIELDERS);
	for (int i = 0; i < BENCH_YIELDERS; i++)
		bench_must(rouse_spawn_detached(yielder, .countdown = &countdown) == 0, "spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = (uint64_t)BENCH_YIELDERS * BENCH_YIELDS };
}

/* -------------------------------------------------------------- ping-pong */

ROUSE_ASYNC(partner, int, struct rouse_oneshot *ping; struct rouse_oneshot *pong; uint64_t value;
	struct rouse_oneshot_recv recv; int rc;);
ROUSE_BODY(partner)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_oneshot_recv(&self->recv, self->ping, &self->value));
	bench_must(self->rc == 0 && rouse_oneshot_send(self->pong, 1) == 0, "pong");
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(pinger, int, struct bench_countdown *countdown; struct rouse_oneshot *pong; uint64_t value;
	struct rouse_oneshot_recv recv; int rc;);
ROUSE_BODY(pinger)
{
	struct rouse_oneshot *ping;

	ROUSE_BEGIN;
	ping = rouse_oneshot_new(NULL);
	self->pong = rouse_oneshot_new(NULL);
	bench_must(ping && self->pong, "oneshot");
	bench_must(rouse_spawn_detached(partner, .ping = ping, .pong = self->pong) == 0, "spawn");
	bench_must(rouse_oneshot_send(ping, 1) == 0, "ping");
	ROUSE_AWAIT(self->rc, rouse_oneshot_recv(&self->recv, self->pong, &self->value));
	bench_must(self->rc == 0, "pong");
	bench_one(self->countdown);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(ping_pong_root, int, struct bench_countdown *countdown;);
ROUSE_BODY(ping_pong_root)
{
	ROUSE_BEGIN;
	for (int i = 0; i < BENCH_PINGS; i++)
		bench_must(rouse_spawn_detached(pinger, .countdown = self->countdown) == 0, "spawn");
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* One task spawns 1 000; each makes two oneshots and a partner, sends one, awaits the other. */
static struct bench_done ping_pong(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, BENCH_PINGS);
	bench_must(rouse_spawn_detached(ping_pong_root, .countdown = &countdown) == 0, "spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = BENCH_PINGS };
}

/* ---------------------------------------------------------- chained spawn */

ROUSE_ASYNC(chain, int, struct bench_countdown *countdown; int n;);
ROUSE_BODY(chain)
{
	ROUSE_BEGIN;
	if (self->n == 0)
		bench_one(self->countdown);
	else
		bench_must(rouse_spawn_detached(chain, .countdown = self->countdown, .n = self->n - 1) == 0, "spawn");
	ROUSE_RETURN(0);
	ROUSE_END;
}

static struct bench_done chained_spawn(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, 1);
	bench_must(rouse_spawn_detached(chain, .countdown = &countdown, .n = BENCH_CHAIN) == 0, "spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = BENCH_CHAIN };
}

/* ------------------------------------------------- threads that are no workers */

enum { THREADS_MAX = 2 };

struct remote {
	struct rouse_runtime *runtime;
	pthread_barrier_t *start;
	struct rouse_task **tasks;
	int n;
};

static void *spawn_remotely(void *arg)
{
	const struct remote *remote = arg;

	pthread_barrier_wait(remote->start);
	for (int i = 0; i < remote->n; i++) {
		remote->tasks[i] = rouse_spawn_on(remote->runtime, nothing);
		bench_must(remote->tasks[i] != NULL, "spawn");
	}
	return NULL;
}

static struct bench_done spawn_by_threads(struct rouse_runtime *runtime, int threads)
{
	static struct rouse_task *tasks[BENCH_REMOTE_SPAWNS];
	struct remote remote[THREADS_MAX];
	pthread_t thread[THREADS_MAX];
	pthread_barrier_t start;

	bench_must(pthread_barrier_init(&start, NULL, (unsigned)threads + 1) == 0, "barrier");
	for (int i = 0; i < threads; i++) {
		const int n = BENCH_REMOTE_SPAWNS / threads;

		remote[i] = (struct remote){ runtime, &start, tasks + i * n, n };
		bench_must(pthread_create(&thread[i], NULL, spawn_remotely, &remote[i]) == 0, "thread");
	}
	bench_begin();
	pthread_barrier_wait(&start);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	bench_must(rouse_block_on(runtime, NULL, join_in_order, .tasks = tasks, .n = BENCH_REMOTE_SPAWNS) == 0, "block on");
	bench_end();
	pthread_barrier_destroy(&start);
	return (struct bench_done){ .ops = BENCH_REMOTE_SPAWNS };
}

static struct bench_done threads_1(struct rouse_runtime *runtime)
{
	return spawn_by_threads(runtime, 1);
}

static struct bench_done threads_2(struct rouse_runtime *runtime)
{
	return spawn_by_threads(runtime, 2);
}

const struct bench_case bench_multi_cases[] = {
	{ "rt_multi_threaded/spawn_many_local", spawn_many_local, false, false },
	{ "rt_multi_threaded/spawn_many_remote_idle", spawn_many_remote_idle, false, false },
	{ "rt_multi_threaded/spawn_many_remote_busy1", spawn_many_remote_busy1, false, false },
	{ "rt_multi_threaded/spawn_many_remote_busy2", spawn_many_remote_busy2, false, false },
	{ "rt_multi_threaded/yield_many", yield_many, false, false },
	{ "rt_multi_threaded/ping_pong", ping_pong, false, false },
	{ "rt_multi_threaded/chained_spawn", chained_spawn, false, false },
	{ "rt_multi_threaded/x_spawn_from_worker", spawn_from_worker, false, false },
	{ "rt_multi_threaded/x_spawn_join", spawn_join, false, false },
	{ "remote_spawn/threads_1", threads_1, false, false },
	{ "remote_spawn/threads_2", threads_2, false, false },
	{ NULL, NULL, false, false },
};
