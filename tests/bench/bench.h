/* SPDX-License-Identifier: MIT */
/*
 * The benchmark's cases. Each is a function that runs one iteration of a fixed
 * piece of work on a runtime, is called by a thread that is no worker, and
 * answers how many operations that was. The same work, in the same sizes, is
 * written for Tokio and Go under peers/; the sizes follow Tokio's own
 * benchmarks, so that its published figures can be compared too.
 */
#ifndef ROUSE_BENCH_H
#define ROUSE_BENCH_H

#include <rouse/rouse.h>

#include <semaphore.h>

/* Sizes shared by all peers. */
enum {
	BENCH_SPAWNS = 10000,
	BENCH_JOINS = 1000,
	BENCH_YIELDERS = 200,
	BENCH_YIELDS = 1000,
	BENCH_PINGS = 1000,
	BENCH_CHAIN = 1000,
	BENCH_LIVE = 200000,
	BENCH_SENDERS = 5,
	BENCH_SENDS = 1000,
	BENCH_REQUESTS = 1000,
	BENCH_TIMER_TASKS = 8,
	BENCH_TIMER_OPS = 1000,
	BENCH_SLEEPERS = 100,
	BENCH_SLEEPS = 10,
	BENCH_ECHO_BYTES = 64
};

struct bench_done {
	uint64_t ops;
	double ns; /* this iteration's own figure, where that is not time / ops; else 0 */
};

struct bench_case {
	const char *name;
	struct bench_done (*iterate)(struct rouse_runtime *runtime);
};

extern const struct bench_case bench_spawn_cases[];
extern const struct bench_case bench_channel_cases[];
extern const struct bench_case bench_time_cases[];
extern const struct bench_case bench_net_cases[]; /* each list ends with a NULL name */

/*
 * Something to look at: n tasks that wait, and so many more whose poll spins.
 * Says "ready" on stdout, and ends them when stdin ends.
 */
void bench_hold(struct rouse_runtime *runtime, uint64_t n, uint32_t spinning);

/* The last of n calls of bench_one() releases the one who waits. */
struct bench_countdown {
	uint64_t left;
	sem_t done;
};
void bench_countdown_init(struct bench_countdown *countdown, uint64_t n);
void bench_one(struct bench_countdown *countdown);
void bench_wait(struct bench_countdown *countdown);

/* A benchmark that fails has no figure: says what failed and exits. */
void bench_must(bool ok, const char *what);

#endif
