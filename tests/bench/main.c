/* SPDX-License-Identifier: MIT */
/*
 * rouse_bench: takes samples of the cases, on demand.
 *
 * Reads `CASE LEVEL MILLISECONDS` lines and answers each with
 * `NS_PER_OP CPU_NS_PER_OP SWITCHES_PER_1000_OPS OPS P99`, or `-` for a case it
 * does not have. The peers speak the same, so that one driver (compare.py)
 * can keep them all running and take samples in turn: what changes on the
 * machine while it measures then touches all of them alike.
 *
 * CPU time is reported beside time, always: a runtime that spins can look fast.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const struct bench_case *const case_lists[] = {
	bench_multi_cases,
	bench_spawn_cases,
	bench_channel_cases,
	bench_sync_cases,
	bench_time_cases,
	bench_net_cases,
	bench_memory_cases,
};

/* ---------------------------------------------------------- for the cases */

uint32_t bench_workers;

void bench_countdown_init(struct bench_countdown *countdown, uint64_t n)
{
	countdown->left = n;
	bench_must(sem_init(&countdown->done, 0, 0) == 0, "semaphore");
}

void bench_one(struct bench_countdown *countdown)
{
	if (__atomic_sub_fetch(&countdown->left, 1, __ATOMIC_ACQ_REL) == 0)
		sem_post(&countdown->done);
}

void bench_wait(struct bench_countdown *countdown)
{
	while (sem_wait(&countdown->done) < 0)
		;
	sem_destroy(&countdown->done);
}

void bench_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "rouse_bench: %s failed\n", what);
	exit(1);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct bench_done bench_times(double *times, size_t n)
{
	qsort(times, n, sizeof times[0], by_value);
	return (struct bench_done){ .ops = n, .ns = times[n / 2], .p99 = times[n * 99 / 100] };
}

/* -------------------------------------------------------------- stopwatch */

struct usage {
	double wall_ns, cpu_ns, switches;
};

static struct {
	struct usage began, sum;
	bool used;
} stopwatch;

static double clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct usage usage_now(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (struct usage){ clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_PROCESS_CPUTIME_ID), (double)r.ru_nvcsw };
}

static void add_since(struct usage *sum, const struct usage *began)
{
	struct usage now = usage_now();

	sum->wall_ns += now.wall_ns - began->wall_ns;
	sum->cpu_ns += now.cpu_ns - began->cpu_ns;
	sum->switches += now.switches - began->switches;
}

void bench_begin(void)
{
	stopwatch.used = true;
	stopwatch.began = usage_now();
}

void bench_end(void)
{
	add_since(&stopwatch.sum, &stopwatch.began);
}

/* --------------------------------------------------------------- sampling */

enum { OWN_MAX = 4096 };

static const struct bench_case *find_case(const char *name)
{
	for (size_t i = 0; i < sizeof case_lists / sizeof case_lists[0]; i++)
		for (const struct bench_case *c = case_lists[i]; c->name; c++)
			if (strcmp(c->name, name) == 0)
				return c;
	return NULL;
}

static struct bench_done iterate(struct rouse_runtime *runtime, const struct bench_case *c, struct usage *sum)
{
	struct usage began = usage_now();

	stopwatch.used = false;
	stopwatch.sum = (struct usage){ 0 };
	struct bench_done done = c->iterate(runtime);

	if (stopwatch.used) {
		sum->wall_ns += stopwatch.sum.wall_ns;
		sum->cpu_ns += stopwatch.sum.cpu_ns;
		sum->switches += stopwatch.sum.switches;
	} else {
		add_since(sum, &began);
	}
	return done;
}

static void sample(struct rouse_runtime *runtime, const struct bench_case *c, double span_ms)
{
	static double own[OWN_MAX], tail[OWN_MAX];
	struct usage sum = { 0 };
	size_t n = 0;
	double ops = 0, ns, end_ns;

	if (!c->once)
		c->iterate(runtime); /* warm */
	end_ns = clock_ns(CLOCK_MONOTONIC) + span_ms * 1e6;
	do {
		struct bench_done done = iterate(runtime, c, &sum);

		ops += (double)done.ops;
		if (done.ns != 0 && n < OWN_MAX) {
			own[n] = done.ns;
			tail[n++] = done.p99;
		}
	} while (!c->once && clock_ns(CLOCK_MONOTONIC) < end_ns);
	ns = sum.wall_ns / ops;
	if (n) {
		ns = bench_times(own, n).ns;
		qsort(tail, n, sizeof tail[0], by_value);
	}
	printf("%.1f %.1f %.2f %.0f %.1f\n", ns, sum.cpu_ns / ops, sum.switches * 1e3 / ops, ops, n ? tail[n / 2] : 0.0);
}

static void usage_error(void)
{
	fputs("usage: rouse_bench WORKERS|current [CASE LEVEL MILLISECONDS]   (or such lines on stdin)\n"
	      "       rouse_bench WORKERS|current fixed CASE LEVEL ITERATIONS   (for callgrind and perf)\n"
	      "       rouse_bench WORKERS hold TASKS   (so many waiting tasks, until stdin ends)\n"
	      "       rouse_bench WORKERS wedge TASKS  (the same, and every worker spins in a poll)\n"
	      "       rouse_bench WORKERS churn TASKS  (that sleep; 200 000 of them wake each second)\n"
	      "       rouse_bench list\n",
		stderr);
	exit(2);
}

static bool is_crowd(const char *mode)
{
	return strcmp(mode, "hold") == 0 || strcmp(mode, "wedge") == 0 || strcmp(mode, "churn") == 0;
}

static int list_cases(void)
{
	for (size_t i = 0; i < sizeof case_lists / sizeof case_lists[0]; i++)
		for (const struct bench_case *c = case_lists[i]; c->name; c++)
			printf("%s %s\n", c->current ? "current" : "workers", c->name);
	return 0;
}

static void answer(struct rouse_runtime *runtime, bool current, const char *line)
{
	char name[64] = "";
	int level = 1, ms = 100;
	const struct bench_case *c;

	if (sscanf(line, "%63s %d %d", name, &level, &ms) < 1 || !(c = find_case(name)) || c->current != current) {
		puts("-");
	} else {
		bench_must(rouse_runtime_set_level(runtime, level) == 0, "setting the level");
		sample(runtime, c, ms);
	}
	fflush(stdout);
}

static void run_fixed(struct rouse_runtime *runtime, bool current, char **argv)
{
	const struct bench_case *c = find_case(argv[3]);

	if (!c || c->current != current)
		usage_error();
	bench_must(rouse_runtime_set_level(runtime, atoi(argv[4])) == 0, "setting the level");
	for (long n = strtol(argv[5], NULL, 10); n > 0; n--)
		printf("%llu\n", (unsigned long long)c->iterate(runtime).ops);
}

static void serve(struct rouse_runtime *runtime, bool current, int argc, char **argv)
{
	char line[256];

	if (argc == 6) {
		run_fixed(runtime, current, argv);
	} else if (argc == 5) {
		snprintf(line, sizeof line, "%s %s %s", argv[2], argv[3], argv[4]);
		answer(runtime, current, line);
	} else if (argc == 4 && strcmp(argv[2], "churn") == 0) {
		bench_churn(runtime, strtoull(argv[3], NULL, 10), 200000);
	} else if (argc == 4) {
		bench_hold(runtime, strtoull(argv[3], NULL, 10), strcmp(argv[2], "wedge") == 0 ? bench_workers : 0);
	} else {
		while (fgets(line, sizeof line, stdin))
			answer(runtime, current, line);
	}
}

int main(int argc, char **argv)
{
	struct rouse_runtime *runtime;
	bool current = argc > 1 && strcmp(argv[1], "current") == 0;
	long workers = argc > 1 ? strtol(argv[1], NULL, 10) : 0;

	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list_cases();
	if ((!current && (workers < 1 || workers > 64)) || argc > 6 || argc == 3 ||
		(argc == 4 && (current || !is_crowd(argv[2]))) ||
		(argc == 6 && strcmp(argv[2], "fixed")))
		usage_error();
	int rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "bench", .workers = (uint32_t)workers,
				   .current_thread = current), &runtime);
	if (rc < 0) {
		fprintf(stderr, "rouse_bench: cannot make a runtime: %s\n", rouse_strerror(rc));
		return 1;
	}
	bench_workers = current ? 1 : (uint32_t)workers;
	serve(runtime, current, argc, argv);
	rouse_runtime_free(runtime);
	return 0;
}
