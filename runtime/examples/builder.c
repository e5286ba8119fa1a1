/* SPDX-License-Identifier: MIT */
/*
 * builder - what ROUSE_MAIN() does, written out.
 *
 * Describe a runtime, build it, run one async function on it to its end, shut
 * it down. Do this when you want to choose the number of workers or the name
 * that the console shows, or to look at the totals when all is over.
 */
#include <inttypes.h>
#include <stdio.h>

#include <rouse/rouse.h>

ROUSE_ASYNC(square, int64_t,
	int64_t number;
	struct rouse_yield yield;);
ROUSE_BODY(square)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield)); /* let the others go first, for politeness */
	ROUSE_RETURN(self->number * self->number);
	ROUSE_END;
}

#define SQUARES 4

ROUSE_ASYNC(sum_of_squares, int64_t,
	struct rouse_task *tasks[SQUARES];
	int64_t square, sum, rc;
	int i;
	struct rouse_join join;);
ROUSE_BODY(sum_of_squares)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < SQUARES; self->i++)
		self->tasks[self->i] = rouse_spawn(square, .number = self->i + 1);
	for (self->i = 0; self->i < SQUARES; self->i++) {
		if (!self->tasks[self->i])
			continue;
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->tasks[self->i], &self->square));
		if (self->rc == 0)
			self->sum += self->square;
	}
	ROUSE_RETURN(self->sum);
	ROUSE_END;
}

static void survivor(void *arg, uint64_t task_id, const char *name, const char *what)
{
	(void)arg;
	fprintf(stderr, "builder: task %" PRIu64 " (%s) is still alive: %s\n", task_id, name, what);
}

int main(void)
{
	struct rouse_runtime *runtime;
	struct rouse_totals totals;
	int64_t sum;
	int rc;

	rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "builder", .workers = 2), &runtime);
	if (rc) {
		fprintf(stderr, "builder: cannot make a runtime: %s\n", rouse_strerror(rc));
		return 1;
	}
	rc = rouse_block_on(runtime, &sum, sum_of_squares);
	if (rc == 0)
		printf("1 + 4 + 9 + 16 = %" PRId64 "\n", sum);
	else
		fprintf(stderr, "builder: %s\n", rouse_strerror(rc));

	rouse_runtime_shutdown(runtime, 5 * ROUSE_S, survivor, NULL);
	rouse_runtime_totals(runtime, &totals);
	printf("%" PRIu64 " tasks, %" PRIu64 " completed\n", totals.spawned, totals.completed);
	rouse_runtime_free(runtime);
	return rc ? 1 : 0;
}
