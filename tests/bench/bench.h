/* SPDX-License-Identifier: MIT */
/*
 * The benchmark's cases. Each is a function that does one iteration of a fixed
 * piece of work on a runtime, is called by a thread that is no worker, and
 * answers how many operations that was. The same work, in the same sizes, is
 * written for Tokio and Go under peers/. A case that has the name of one of
 * Tokio's own benchmarks (benches/ there) does what that does; cases.py says
 * of each in a line what it is.
 */
#ifndef ROUSE_BENCH_H
#define ROUSE_BENCH_H

#include <rouse/rouse.h>

#include <semaphore.h>

/* Sizes shared by all peers. */
enum {
	BENCH_SPAWNS = 10000,
	BENCH_SPAWNS_FEW = 1000,
	BENCH_REMOTE_SPAWNS = 12800,
	BENCH_STALL_NS = 10000,
	BENCH_YIELDERS = 200,
	BENCH_YIELDS = 1000,
	BENCH_PINGS = 1000,
	BENCH_CHAIN = 1000,
	BENCH_PAIR_WAKES = 10000,
	BENCH_BATCHES = 100,
	BENCH_SENDERS = 5,
	BENCH_SENDS = 1000,
	BENCH_REQUESTS = 1000,
	BENCH_COUNTS = 500,
	BENCH_COUNT_ROUNDS = 20,
	BENCH_PERMITS = 6, /* how many tasks or acquires */
	BENCH_LOCKERS = 8,
	BENCH_LOCKS = 1000,
	BENCH_LOCK_YIELDS = 200,
	BENCH_BLOCK_ONS = 1000,
	BENCH_TIMER_TASKS = 8,
	BENCH_TIMER_OPS = 1000,
	BENCH_SLEEPERS_FEW = 100,
	BENCH_SLEEPS = 10,
	BENCH_SLEEPERS = 100000,
	BENCH_ECHO_MAX = 4096
};

struct bench_done {
	uint64_t ops;
	double ns;  /* this iteration's own figure, where that is not time / ops; else 0 */
	double p99; /* the 99th percentile beside it, if there is one */
};

struct bench_case {
	const char *name;
	struct bench_done (*iterate)(struct rouse_runtime *runtime);
	bool current; /* for a current-thread runtime, else for one with workers */
	bool once;    /* long enough: a sample is one iteration, without one to warm up */
};

extern const struct bench_case bench_multi_cases[];
extern const struct bench_case bench_spawn_cases[];
extern const struct bench_case bench_channel_cases[];
extern const struct bench_case bench_sync_cases[];
extern const struct bench_case bench_time_cases[];
extern const struct bench_case bench_net_cases[];
extern const struct bench_case bench_memory_cases[]; /* each list ends with a NULL name */

/*
 * Something to look at: n tasks that wait, and so many more whose poll spins.
 * Says "ready" on stdout, and ends them when stdin ends.
 */
void bench_hold(struct rouse_runtime *runtime, uint64_t n, uint32_t spinning);
/* The same with tasks that sleep, of which so many wake each second, evenly. */
void bench_churn(struct rouse_runtime *runtime, uint64_t n, uint64_t per_second);

/* The last of n calls of bench_one() releases the one who waits. */
struct bench_countdown {
	uint64_t left;
	sem_t done;
};
void bench_countdown_init(struct bench_countdown *countdown, uint64_t n);
void bench_one(struct bench_countdown *countdown);
void bench_wait(struct bench_countdown *countdown);

/* How many workers the runtime was made with. */
extern uint32_t bench_workers;

/* What is measured of an iteration that has preparations: from begin to end. Without these calls it is all of it. */
void bench_begin(void);
void bench_end(void);

/* Sorts the times that an iteration took, and answers their median and 99th percentile. */
struct bench_done bench_times(double *times, size_t n);

/* A benchmark that fails has no figure: says what failed and exits. */
void bench_must(bool ok, const char *what);

#endif
