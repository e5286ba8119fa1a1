/* SPDX-License-Identifier: MIT */
/*
 * A program to be probed. Runs the commands of its arguments, or else those of
 * standard input, one a line, answers "done" to each, and prints the runtime's
 * own totals last.
 *
 *     load N     N tasks that yield twice; every fifth is aborted, every seventh panics
 *     block MS   a poll that sleeps in the kernel
 *     spin MS    a poll that uses that much CPU time
 */
#include <rouse/rouse.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

ROUSE_ASYNC(yielder, int,
	uint64_t number;
	struct rouse_yield yield;);
ROUSE_BODY(yielder)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	if (self->number % 7 == 0)
		rouse_panic("number %" PRIu64, self->number);
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(load, int,
	uint64_t n;
	uint64_t i;
	struct rouse_yield yield;);
ROUSE_BODY(load)
{
	ROUSE_BEGIN;
	for (; self->i < self->n; self->i++) {
		struct rouse_task *task = rouse_spawn(yielder, .number = self->i);

		if (self->i % 5 == 0)
			rouse_task_abort(task);
		rouse_task_detach(task);
		if (self->i % 100 == 99)
			ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(block, int,
	uint64_t ms;);
ROUSE_BODY(block)
{
	struct timespec time = { (time_t)(self->ms / 1000), (long)(self->ms % 1000 * 1000000) };

	ROUSE_BEGIN;
	while (nanosleep(&time, &time) != 0)
		;
	ROUSE_RETURN(0);
	ROUSE_END;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * ROUSE_S + (uint64_t)t.tv_nsec;
}

ROUSE_ASYNC(spin, int,
	uint64_t ms;);
ROUSE_BODY(spin)
{
	uint64_t end = cpu_ns() + self->ms * ROUSE_MS;

	ROUSE_BEGIN;
	while (cpu_ns() < end)
		;
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static int command(struct rouse_runtime *runtime, const char *verb, uint64_t number)
{
	int rc = -1;

	if (strcmp(verb, "load") == 0)
		rc = rouse_block_on(runtime, NULL, load, .n = number);
	else if (strcmp(verb, "block") == 0)
		rc = rouse_block_on(runtime, NULL, block, .ms = number);
	else if (strcmp(verb, "spin") == 0)
		rc = rouse_block_on(runtime, NULL, spin, .ms = number);
	if (rc == 0)
		rc = rouse_block_until_idle(runtime);
	printf(rc == 0 ? "done\n" : "failed: %s\n", verb);
	fflush(stdout);
	return rc;
}

static int commands(struct rouse_runtime *runtime, int argc, char **argv)
{
	char verb[16];
	uint64_t number;
	int rc = 0;

	for (int i = 1; i + 1 < argc && rc == 0; i += 2)
		rc = command(runtime, argv[i], strtoull(argv[i + 1], NULL, 10));
	while (argc == 1 && rc == 0 && scanf("%15s %" SCNu64, verb, &number) == 2)
		rc = command(runtime, verb, number);
	return rc;
}

int main(int argc, char **argv)
{
	struct rouse_runtime *runtime;
	struct rouse_totals totals;
	int rc;

	rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2, .log = quiet), &runtime);
	if (rc < 0) {
		fprintf(stderr, "probed: %s\n", rouse_strerror(rc));
		return 1;
	}
	rc = commands(runtime, argc, argv);
	rouse_runtime_totals(runtime, &totals);
	printf("totals spawned=%" PRIu64 " wakes=%" PRIu64 " polls=%" PRIu64 " completed=%" PRIu64 " cancelled=%" PRIu64
	       " panicked=%" PRIu64 " live=%" PRIu64 "\n", totals.spawned, totals.wakes, totals.polls, totals.completed,
		totals.cancelled, totals.panicked, totals.live);
	rouse_runtime_free(runtime);
	return rc < 0;
}
