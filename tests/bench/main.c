/* SPDX-License-Identifier: MIT */
/*
 * rouse_bench: takes samples of the cases, on demand.
 *
 * Reads `CASE LEVEL MILLISECONDS` lines and answers each with
 * `NS_PER_OP CPU_NS_PER_OP SWITCHES_PER_1000_OPS OPS`, or `-` for a case it
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
	bench_spawn_cases,
	bench_channel_cases,
	bench_time_cases,
	bench_net_cases,
};

/* ---------------------------------------------------------- for the cases */

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

struct usage {
	double wall_ns, cpu_ns, switches;
};

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

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void sample(struct rouse_runtime *runtime, const struct bench_case *c, double span_ms)
{
	static double own[OWN_MAX];
	size_t n_own = 0;
	double ops = 0, ns;

	c->iterate(runtime); /* warm */
	struct usage start = usage_now(), end;
	do {
		struct bench_done done = c->iterate(runtime);

		ops += (double)done.ops;
		if (done.ns != 0 && n_own < OWN_MAX)
			own[n_own++] = done.ns;
		end = usage_now();
	} while (end.wall_ns - start.wall_ns < span_ms * 1e6);
	ns = (end.wall_ns - start.wall_ns) / ops;
	if (n_own) {
		qsort(own, n_own, sizeof own[0], by_value);
		ns = own[n_own / 2];
	}
	printf("%.1f %.1f %.2f %.0f\n", ns, (end.cpu_ns - start.cpu_ns) / ops,
		(end.switches - start.switches) * 1e3 / ops, ops);
}

static void usage_error(void)
{
	fputs("usage: rouse_bench WORKERS [CASE LEVEL MILLISECONDS]   (or such lines on stdin)\n"
	      "       rouse_bench WORKERS hold TASKS   (so many waiting tasks, until stdin ends)\n"
	      "       rouse_bench WORKERS wedge TASKS  (the same, and every worker spins in a poll)\ncases:",
		stderr);
	for (size_t i = 0; i < sizeof case_lists / sizeof case_lists[0]; i++)
		for (const struct bench_case *c = case_lists[i]; c->name; c++)
			fprintf(stderr, " %s", c->name);
	fputc('\n', stderr);
	exit(2);
}

static void answer(struct rouse_runtime *runtime, const char *line)
{
	char name[64] = "";
	int level = 1, ms = 100;
	const struct bench_case *c;

	if (sscanf(line, "%63s %d %d", name, &level, &ms) < 1 || !(c = find_case(name))) {
		puts("-");
	} else {
		bench_must(rouse_runtime_set_level(runtime, level) == 0, "setting the level");
		sample(runtime, c, ms);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct rouse_runtime *runtime;
	char line[256];
	long workers = argc > 1 ? strtol(argv[1], NULL, 10) : 0;

	bool wedge = argc == 4 && strcmp(argv[2], "wedge") == 0;
	bool hold = argc == 4 && strcmp(argv[2], "hold") == 0;

	if (workers < 1 || workers > 64 || (argc != 2 && argc != 5 && !hold && !wedge))
		usage_error();
	int rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "bench", .workers = (uint32_t)workers), &runtime);
	if (rc < 0) {
		fprintf(stderr, "rouse_bench: cannot make a runtime: %s\n", rouse_strerror(rc));
		return 1;
	}
	if (argc == 5) {
		snprintf(line, sizeof line, "%s %s %s", argv[2], argv[3], argv[4]);
		answer(runtime, line);
	} else if (argc == 4) {
		bench_hold(runtime, strtoull(argv[3], NULL, 10), wedge ? (uint32_t)workers : 0);
	} else {
		while (fgets(line, sizeof line, stdin))
			answer(runtime, line);
	}
	rouse_runtime_free(runtime);
	return 0;
}
