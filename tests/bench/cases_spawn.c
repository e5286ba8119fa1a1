/* SPDX-License-Identifier: MIT */
/* Spawning, joining, yielding, and two tasks that wake each other. */
#include "bench.h"

#include <stdio.h>
#include <unistd.h>

/* ------------------------------------------------------------------ spawn */

ROUSE_ASYNC(counted, int, struct bench_countdown *countdown;);
ROUSE_BODY(counted)
{
	ROUSE_BEGIN;
	bench_one(self->countdown);
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* 10 000 tasks spawned by a thread that is no worker. */
static struct bench_done spawn_outside(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, BENCH_SPAWNS);
	for (int i = 0; i < BENCH_SPAWNS; i++)
		bench_must(rouse_spawn_detached(counted, .countdown = &countdown) == 0, "spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = BENCH_SPAWNS };
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

/* 10 000 tasks spawned by a task. */
static struct bench_done spawn_worker(struct rouse_runtime *runtime)
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

ROUSE_ASYNC(joiner, int, struct bench_countdown *countdown; struct rouse_task *tasks[BENCH_JOINS]; int i, rc;
	struct rouse_join join;);
ROUSE_BODY(joiner)
{
	ROUSE_BEGIN;
	for (int i = 0; i < BENCH_JOINS; i++) {
		self->tasks[i] = rouse_spawn(nothing);
		bench_must(self->tasks[i] != NULL, "spawn");
	}
	for (self->i = 0; self->i < BENCH_JOINS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->tasks[self->i], NULL));
		bench_must(self->rc == 0, "join");
	}
	bench_one(self->countdown);
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* A task spawns 1 000 tasks, then joins them in order. */
static struct bench_done spawn_join(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, 1);
	bench_must(rouse_spawn_detached(joiner, .countdown = &countdown) == 0, "spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = BENCH_JOINS };
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

/* ----------------------------------------------------------------- memory */

ROUSE_ASYNC(waiter, int, struct bench_countdown *waiting; struct bench_countdown *ended;
	struct rouse_semaphore *semaphore; struct rouse_semaphore_acquire acquire;);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	bench_one(self->waiting);
	ROUSE_AWAIT_ONLY(rouse_semaphore_acquire(&self->acquire, self->semaphore, 1));
	ROUSE_RETURN(0);
	ROUSE_FINALLY: bench_one(self->ended);
	ROUSE_END;
}

static double resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	bench_must(file && fscanf(file, "%*d %ld", &pages) == 1, "reading statm");
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

struct crowd {
	struct rouse_semaphore *semaphore;
	struct bench_countdown waiting, ended;
	uint64_t n;
};

/* Inside the runtime. Returns when all wait. */
static void gather(struct crowd *crowd, uint64_t n)
{
	crowd->n = n;
	crowd->semaphore = rouse_semaphore_new("crowd", 0);
	bench_must(crowd->semaphore != NULL, "semaphore");
	bench_countdown_init(&crowd->waiting, n);
	bench_countdown_init(&crowd->ended, n);
	for (uint64_t i = 0; i < n; i++)
		bench_must(rouse_spawn_detached(waiter, .waiting = &crowd->waiting, .ended = &crowd->ended,
				   .semaphore = crowd->semaphore) == 0, "spawn");
	bench_wait(&crowd->waiting);
}

static void dismiss(struct crowd *crowd)
{
	bench_must(rouse_semaphore_release(crowd->semaphore, (uint32_t)crowd->n) == 0, "release");
	bench_wait(&crowd->ended);
	rouse_semaphore_free(crowd->semaphore);
}

/* 200 000 tasks wait for a semaphore: "ns" is bytes of memory for each, its future not counted. */
static struct bench_done task_memory(struct rouse_runtime *runtime)
{
	static double before; /* of the first iteration: what it has grown to is used again */
	struct rouse_guard guard = rouse_enter(runtime);
	struct crowd crowd;
	double bytes;

	if (before == 0)
		before = resident_bytes();
	gather(&crowd, BENCH_LIVE);
	bytes = (resident_bytes() - before) / BENCH_LIVE - (double)sizeof(struct waiter);
	dismiss(&crowd);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = BENCH_LIVE, .ns = bytes };
}

/* As a worker is wedged: a poll that does not return. */
ROUSE_ASYNC(spinner, int, struct bench_countdown *started; struct bench_countdown *ended; const bool *stop;);
ROUSE_BODY(spinner)
{
	ROUSE_BEGIN;
	bench_one(self->started);
	while (!__atomic_load_n(self->stop, __ATOMIC_ACQUIRE))
		continue;
	bench_one(self->ended);
	ROUSE_RETURN(0);
	ROUSE_END;
}

void bench_hold(struct rouse_runtime *runtime, uint64_t n, uint32_t spinning)
{
	struct bench_countdown started, ended;
	bool stop = false;
	struct rouse_guard guard = rouse_enter(runtime);
	struct crowd crowd;

	bench_must(n > 0 && n <= UINT32_MAX, "a number of tasks");
	gather(&crowd, n);
	bench_countdown_init(&started, spinning);
	bench_countdown_init(&ended, spinning);
	for (uint32_t i = 0; i < spinning; i++)
		bench_must(rouse_spawn_detached(spinner, .started = &started, .ended = &ended, .stop = &stop) == 0,
			"spawn");
	if (spinning)
		bench_wait(&started);
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	if (spinning)
		bench_wait(&ended);
	dismiss(&crowd);
	rouse_leave(&guard);
}

const struct bench_case bench_spawn_cases[] = {
	{ "spawn_outside", spawn_outside },
	{ "spawn_worker", spawn_worker },
	{ "spawn_join", spawn_join },
	{ "yield", yield_many },
	{ "ping_pong", ping_pong },
	{ "chained_spawn", chained_spawn },
	{ "task_memory", task_memory },
	{ NULL, NULL },
};
