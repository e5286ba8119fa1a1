/* SPDX-License-Identifier: MIT */
/* Tasks that wait: what they take of memory, and something to look at (tests/bench/million.py). */
#include "bench.h"

#include <stdio.h>
#include <unistd.h>

struct crowd {
	struct rouse_semaphore *semaphore;
	struct bench_countdown waiting, ended;
	uint64_t n;
};

ROUSE_ASYNC(waiter, int, struct crowd *crowd; struct rouse_semaphore_acquire acquire;);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	bench_one(&self->crowd->waiting);
	ROUSE_AWAIT_ONLY(rouse_semaphore_acquire(&self->acquire, self->crowd->semaphore, 1));
	ROUSE_RETURN(0);
	ROUSE_FINALLY: bench_one(&self->crowd->ended);
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

/* Inside the runtime. Returns when all wait. */
static void gather(struct crowd *crowd, uint64_t n)
{
	crowd->n = n;
	crowd->semaphore = rouse_semaphore_new("crowd", 0);
	bench_must(crowd->semaphore != NULL, "semaphore");
	bench_countdown_init(&crowd->waiting, n);
	bench_countdown_init(&crowd->ended, n);
	for (uint64_t i = 0; i < n; i++)
		bench_must(rouse_spawn_detached(waiter, .crowd = crowd) == 0, "spawn");
	bench_wait(&crowd->waiting);
}

static void dismiss(struct crowd *crowd)
{
	bench_must(rouse_semaphore_release(crowd->semaphore, (uint32_t)crowd->n) == 0, "release");
	bench_wait(&crowd->ended);
	rouse_semaphore_free(crowd->semaphore);
}

/* "ns" is bytes of resident memory for each task, all in: its frame, and whatever the runtime keeps. Once a process. */
static struct bench_done parked(struct rouse_runtime *runtime, uint64_t n)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct crowd crowd;
	double before = resident_bytes(), bytes;

	bench_begin();
	gather(&crowd, n);
	bench_end();
	bytes = (resident_bytes() - before) / (double)n;
	dismiss(&crowd);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = n, .ns = bytes };
}

static struct bench_done parked_1m(struct rouse_runtime *runtime)
{
	return parked(runtime, 1000000);
}

static struct bench_done parked_10m(struct rouse_runtime *runtime)
{
	return parked(runtime, 10000000);
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

/* ----------------------------------------------------- many that change */

struct churn {
	uint64_t start_ns, period_ns;
	bool stop;
	struct bench_countdown ended;
};

/* Wakes once a period, in a moment of its own. */
ROUSE_ASYNC(churner, int, struct churn *churn; uint64_t next_ns; struct rouse_sleep sleep;);
ROUSE_BODY(churner)
{
	ROUSE_BEGIN;
	while (!__atomic_load_n(&self->churn->stop, __ATOMIC_ACQUIRE)) {
		ROUSE_AWAIT_ONLY(rouse_sleep_until(&self->sleep, self->next_ns));
		self->next_ns += self->churn->period_ns;
	}
	bench_one(&self->churn->ended);
	ROUSE_RETURN(0);
	ROUSE_END;
}

void bench_churn(struct rouse_runtime *runtime, uint64_t n, uint64_t per_second)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct churn churn = { .period_ns = n * ROUSE_S / per_second };

	bench_must(n > 0 && n <= UINT32_MAX && churn.period_ns, "a number of tasks");
	bench_countdown_init(&churn.ended, n);
	churn.start_ns = rouse_now_ns() + ROUSE_S;
	for (uint64_t i = 0; i < n; i++)
		bench_must(rouse_spawn_detached(churner, .churn = &churn,
				   .next_ns = churn.start_ns + i * churn.period_ns / n) == 0, "spawn");
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	__atomic_store_n(&churn.stop, true, __ATOMIC_RELEASE);
	bench_wait(&churn.ended);
	rouse_leave(&guard);
}

const struct bench_case bench_memory_cases[] = {
	{ "memory/parked_1m", parked_1m, false, true },
	{ "memory/parked_10m", parked_10m, false, true },
	{ NULL, NULL, false, false },
};
