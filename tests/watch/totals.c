/* SPDX-License-Identifier: MIT */
/*
 * totals - tasks that end in each way, and some that live on. The program
 * prints what its runtime has counted, and stays until its stdin is closed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <rouse/rouse.h>

enum { TASKS = 1000, PANICS = 7, LIVE = 20 };

ROUSE_ASYNC(returns, int, struct rouse_yield yield;);
ROUSE_BODY(returns)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(panics, int, struct rouse_yield yield;);
ROUSE_BODY(panics)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	rouse_panic("as it should");
	ROUSE_END;
}

ROUSE_ASYNC(waits, int, struct rouse_sleep sleep;);
ROUSE_BODY(waits)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 3600 * ROUSE_S));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(workload, int,
	unsigned int i;
	int64_t rc;
	struct rouse_task *task;
	struct rouse_join join;);
ROUSE_BODY(workload)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < LIVE; self->i++)
		if (rouse_spawn_detached(waits))
			ROUSE_RETURN(1);
	for (self->i = 0; self->i < TASKS; self->i++) {
		if (self->i % 100 == 0)
			self->task = rouse_spawn(waits);
		else
			self->task = self->i % 100 <= PANICS ? rouse_spawn(panics) : rouse_spawn(returns);
		if (!self->task)
			ROUSE_RETURN(1);
		if (self->i % 100 == 0)
			rouse_task_abort(self->task);
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->task, NULL));
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* The panics are meant. */
static void say_nothing(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

int main(void)
{
	struct rouse_runtime *runtime;
	struct rouse_totals totals;
	int failed = 1;
	char byte;

	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "totals", .log = say_nothing), &runtime))
		return 1;
	if (rouse_block_on(runtime, &failed, workload) == 0 && !failed) {
		rouse_runtime_totals(runtime, &totals);
		printf("spawned=%" PRIu64 " completed=%" PRIu64 " cancelled=%" PRIu64 " panicked=%" PRIu64 " live=%" PRIu64 "\n",
			totals.spawned, totals.completed, totals.cancelled, totals.panicked, totals.live);
		fflush(stdout);
		while (read(STDIN_FILENO, &byte, 1) > 0)
			continue;
	}
	rouse_runtime_shutdown(runtime, ROUSE_S, NULL, NULL);
	rouse_runtime_free(runtime);
	return failed;
}
