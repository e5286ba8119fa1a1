/* SPDX-License-Identifier: MIT */
/* Tokio's rt_current_thread.rs, spawn.rs and spawn_blocking.rs, and two tasks that wake each other. */
#include "bench.h"

/* ------------------------------------------------------ a current thread */

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

ROUSE_ASYNC(spawn_many, int, struct rouse_task *tasks[BENCH_SPAWNS_FEW]; struct join_in_order all; int rc;);
ROUSE_BODY(spawn_many)
{
	ROUSE_BEGIN;
	for (int i = 0; i < BENCH_SPAWNS_FEW; i++) {
		self->tasks[i] = rouse_spawn(nothing);
		bench_must(self->tasks[i] != NULL, "spawn");
	}
	ROUSE_AWAIT(self->rc, ROUSE_CALL(&self->all, join_in_order, .tasks = self->tasks, .n = BENCH_SPAWNS_FEW));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

static struct bench_done spawn_many_local(struct rouse_runtime *runtime)
{
	bench_must(rouse_block_on(runtime, NULL, spawn_many) == 0, "block on");
	return (struct bench_done){ .ops = BENCH_SPAWNS_FEW };
}

/* Outside of block_on, which then joins them. */
static void spawn_outside(struct rouse_runtime *runtime)
{
	static struct rouse_task *tasks[BENCH_SPAWNS_FEW];

	for (int i = 0; i < BENCH_SPAWNS_FEW; i++) {
		tasks[i] = rouse_spawn_on(runtime, nothing);
		bench_must(tasks[i] != NULL, "spawn");
	}
	bench_must(rouse_block_on(runtime, NULL, join_in_order, .tasks = tasks, .n = BENCH_SPAWNS_FEW) == 0, "block on");
}

static struct bench_done spawn_many_remote_idle(struct rouse_runtime *runtime)
{
	spawn_outside(runtime);
	return (struct bench_done){ .ops = BENCH_SPAWNS_FEW };
}

ROUSE_ASYNC(endless, int, const bool *stop;);
ROUSE_BODY(endless)
{
	ROUSE_BEGIN;
	if (!*self->stop)
		bench_must(rouse_spawn_detached(endless, .stop = self->stop) == 0, "spawn");
	ROUSE_RETURN(0);
	ROUSE_END;
}

static struct bench_done spawn_many_remote_busy(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	bool stop = false;

	bench_must(rouse_spawn_detached(endless, .stop = &stop) == 0, "spawn");
	bench_begin();
	spawn_outside(runtime);
	bench_end();
	stop = true;
	bench_must(rouse_block_until_idle(runtime) == 0, "the end of all tasks");
	rouse_leave(&guard);
	return (struct bench_done){ .ops = BENCH_SPAWNS_FEW };
}

/* ------------------------------------------------------------------ yield */

ROUSE_ASYNC(yielder, int, int i, yields; struct rouse_yield yield;);
ROUSE_BODY(yielder)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < self->yields; self->i++)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* Spawns as many as `n` that yield, and joins them. */
ROUSE_ASYNC(spawn_yielding, int, struct rouse_task *tasks[BENCH_YIELDERS]; int n, yields, rc; struct join_in_order all;);
ROUSE_BODY(spawn_yielding)
{
	ROUSE_BEGIN;
	for (int i = 0; i < self->n; i++) {
		self->tasks[i] = rouse_spawn(yielder, .yields = self->yields);
		bench_must(self->tasks[i] != NULL, "spawn");
	}
	ROUSE_AWAIT(self->rc, ROUSE_CALL(&self->all, join_in_order, .tasks = self->tasks, .n = self->n));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

static struct bench_done yield_many(struct rouse_runtime *runtime)
{
	bench_must(rouse_block_on(runtime, NULL, spawn_yielding, .n = BENCH_YIELDERS, .yields = BENCH_YIELDS) == 0,
		"block on");
	return (struct bench_done){ .ops = (uint64_t)BENCH_YIELDERS * BENCH_YIELDS };
}

/* Two tasks that wake each other: an operation is one wake-up, and the poll it leads to. */
ROUSE_ASYNC(waking, int, struct rouse_notify *mine; struct rouse_notify *other; int i; struct rouse_notified notified;);
ROUSE_BODY(waking)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < BENCH_PAIR_WAKES; self->i++) {
		rouse_notify_one(self->other);
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, self->mine));
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(two_waking, int, struct rouse_notify *a; struct rouse_notify *b; struct rouse_task *tasks[2]; int rc;
	struct join_in_order all;);
ROUSE_BODY(two_waking)
{
	ROUSE_BEGIN;
	self->tasks[0] = rouse_spawn(waking, .mine = self->a, .other = self->b);
	self->tasks[1] = rouse_spawn(waking, .mine = self->b, .other = self->a);
	bench_must(self->tasks[0] && self->tasks[1], "spawn");
	ROUSE_AWAIT(self->rc, ROUSE_CALL(&self->all, join_in_order, .tasks = self->tasks, .n = 2));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

static struct bench_done wake_pair(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct rouse_notify *a = rouse_notify_new("a"), *b = rouse_notify_new("b");

	bench_must(a && b, "notify");
	bench_must(rouse_block_on(runtime, NULL, two_waking, .a = a, .b = b) == 0, "block on");
	rouse_notify_free(a);
	rouse_notify_free(b);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = 2ull * BENCH_PAIR_WAKES };
}

/* --------------------------------------------------------------- spawn.rs */

static struct bench_done spawn_1(struct rouse_runtime *runtime)
{
	bench_must(rouse_block_on(runtime, NULL, spawn_yielding, .n = 1, .yields = 1) == 0, "block on");
	return (struct bench_done){ .ops = 1 };
}

static struct bench_done spawn_10(struct rouse_runtime *runtime)
{
	bench_must(rouse_block_on(runtime, NULL, spawn_yielding, .n = 10, .yields = 1) == 0, "block on");
	return (struct bench_done){ .ops = 10 };
}

/* ------------------------------------------------------- spawn_blocking.rs */

static int64_t no_job(void *arg)
{
	(void)arg;
	return 0;
}

ROUSE_ASYNC(eight_jobs, int, struct rouse_blocking job[8];);
ROUSE_BODY(eight_jobs)
{
	ROUSE_BEGIN;
#define JOB(I) rouse_blocking(&self->job[I], no_job, NULL)
	ROUSE_JOIN_ALL(JOB(0), JOB(1), JOB(2), JOB(3), JOB(4), JOB(5), JOB(6), JOB(7));
#undef JOB
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* Batches of 16, which is two joins of eight: as many as one takes. */
ROUSE_ASYNC(batches, int, struct bench_countdown *countdown; int i; struct eight_jobs first, second;);
ROUSE_BODY(batches)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < BENCH_BATCHES; self->i++)
		ROUSE_JOIN_ALL(ROUSE_CALL(&self->first, eight_jobs), ROUSE_CALL(&self->second, eight_jobs));
	bench_one(self->countdown);
	ROUSE_RETURN(0);
	ROUSE_END;
}

static struct bench_done run_jobs(struct rouse_runtime *runtime, int tasks)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, (uint64_t)tasks);
	for (int i = 0; i < tasks; i++)
		bench_must(rouse_spawn_detached(batches, .countdown = &countdown) == 0, "spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = (uint64_t)tasks * BENCH_BATCHES * 16 };
}

static struct bench_done concurrency_1(struct rouse_runtime *runtime)
{
	return run_jobs(runtime, 1);
}

static struct bench_done concurrency_4(struct rouse_runtime *runtime)
{
	return run_jobs(runtime, 4);
}

const struct bench_case bench_spawn_cases[] = {
	{ "rt_current_thread/spawn_many_local", spawn_many_local, true, false },
	{ "rt_current_thread/spawn_many_remote_idle", spawn_many_remote_idle, true, false },
	{ "rt_current_thread/spawn_many_remote_busy", spawn_many_remote_busy, true, false },
	{ "rt_current_thread/x_yield_many", yield_many, true, false },
	{ "rt_current_thread/x_wake_pair", wake_pair, true, false },
	{ "spawn/basic_scheduler_spawn", spawn_1, true, false },
	{ "spawn/basic_scheduler_spawn10", spawn_10, true, false },
	{ "spawn/threaded_scheduler_spawn", spawn_1, false, false },
	{ "spawn/threaded_scheduler_spawn10", spawn_10, false, false },
	{ "spawn_blocking/concurrency_1", concurrency_1, false, false },
	{ "spawn_blocking/concurrency_4", concurrency_4, false, false },
	{ NULL, NULL, false, false },
};
