/* SPDX-License-Identifier: MIT */
/* Tokio's time_now.rs and time_timeout.rs; timers registered and dropped, and how late they wake. */
#include "bench.h"

#include <stdlib.h>

/* -------------------------------------------------------------------- now */

ROUSE_ASYNC(ask_time, uint64_t, ROUSE_NO_FIELDS);
ROUSE_BODY(ask_time)
{
	ROUSE_BEGIN;
	ROUSE_RETURN(rouse_now_ns());
	ROUSE_END;
}

static struct bench_done now_in_block_on(struct rouse_runtime *runtime)
{
	uint64_t now;

	for (int i = 0; i < BENCH_BLOCK_ONS; i++)
		bench_must(rouse_block_on(runtime, &now, ask_time) == 0, "block on");
	return (struct bench_done){ .ops = BENCH_BLOCK_ONS };
}

/* -------------------------------------------- timers that are never awaited */

ROUSE_ASYNC(at_once, int, ROUSE_NO_FIELDS);
ROUSE_BODY(at_once)
{
	ROUSE_BEGIN;
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* A timeout around what is ready: its timer is never registered. */
ROUSE_ASYNC(timing_out, int, int i, rc; struct rouse_timeout timeout; struct at_once child;);
ROUSE_BODY(timing_out)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < BENCH_TIMER_OPS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_timeout(&self->timeout, ROUSE_S, ROUSE_CALL(&self->child, at_once)));
		bench_must(self->rc == 0, "timeout");
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* A sleep that is made and dropped before its first poll. */
ROUSE_ASYNC(dropping, int, struct rouse_sleep sleep;);
ROUSE_BODY(dropping)
{
	ROUSE_BEGIN;
	for (int i = 0; i < BENCH_TIMER_OPS; i++)
		rouse_future_drop(&rouse_sleep(&self->sleep, ROUSE_S)->future);
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* A sleep that is registered by one poll, then dropped. */
ROUSE_ASYNC(cancelling, int, struct rouse_sleep sleep;);
ROUSE_BODY(cancelling)
{
	ROUSE_BEGIN;
	for (int i = 0; i < BENCH_TIMER_OPS; i++) {
		rouse_sleep(&self->sleep, ROUSE_S);
		bench_must(!rouse_future_poll(&self->sleep.future, cx).ready, "a timer that waits");
		rouse_future_drop(&self->sleep.future);
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* block_on of one task, or of one that spawns eight and joins them. */
#define TIMERS(FUNCTION)                                                                           \
	static struct bench_done FUNCTION##_1(struct rouse_runtime *runtime)                       \
	{                                                                                          \
		bench_must(rouse_block_on(runtime, NULL, FUNCTION) == 0, "block on");              \
		return (struct bench_done){ .ops = BENCH_TIMER_OPS };                              \
	}                                                                                          \
	ROUSE_ASYNC(FUNCTION##_all, int, struct rouse_task *tasks[BENCH_TIMER_TASKS]; int i, rc;   \
		struct rouse_join join;);                                                          \
	ROUSE_BODY(FUNCTION##_all)                                                                 \
	{                                                                                          \
		ROUSE_BEGIN;                                                                       \
		for (int i = 0; i < BENCH_TIMER_TASKS; i++) {                                      \
			self->tasks[i] = rouse_spawn(FUNCTION);                                    \
			bench_must(self->tasks[i] != NULL, "spawn");                               \
		}                                                                                  \
		for (self->i = 0; self->i < BENCH_TIMER_TASKS; self->i++) {                        \
			ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->tasks[self->i], NULL)); \
			bench_must(self->rc == 0, "join");                                         \
		}                                                                                  \
		ROUSE_RETURN(0);                                                                   \
		ROUSE_END;                                                                         \
	}                                                                                          \
	static struct bench_done FUNCTION##_8(struct rouse_runtime *runtime)                       \
	{                                                                                          \
		bench_must(rouse_block_on(runtime, NULL, FUNCTION##_all) == 0, "block on");        \
		return (struct bench_done){ .ops = (uint64_t)BENCH_TIMER_TASKS * BENCH_TIMER_OPS }; \
	}
TIMERS(timing_out)
TIMERS(dropping)
TIMERS(cancelling)

/* --------------------------------------------------------------- lateness */

ROUSE_ASYNC(sleeper, int, struct bench_countdown *countdown; uint64_t span_ns; double *late; uint64_t deadline_ns;
	int i; struct rouse_sleep sleep;);
ROUSE_BODY(sleeper)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < BENCH_SLEEPS; self->i++) {
		self->deadline_ns = rouse_now_ns() + self->span_ns;
		ROUSE_AWAIT_ONLY(rouse_sleep_until(&self->sleep, self->deadline_ns));
		self->late[self->i] = (double)rouse_now_ns() - (double)self->deadline_ns;
	}
	bench_one(self->countdown);
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* A hundred tasks, each sleeping ten times, 1.0 to 2.0 ms. */
static struct bench_done sleepers_100(struct rouse_runtime *runtime)
{
	static double late[BENCH_SLEEPERS_FEW][BENCH_SLEEPS];
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, BENCH_SLEEPERS_FEW);
	bench_begin();
	for (uint64_t i = 0; i < BENCH_SLEEPERS_FEW; i++)
		bench_must(rouse_spawn_detached(sleeper, .countdown = &countdown,
				   .span_ns = ROUSE_MS + i * 10 * ROUSE_US, .late = late[i]) == 0, "spawn");
	bench_wait(&countdown);
	bench_end();
	rouse_leave(&guard);
	return bench_times(late[0], (size_t)BENCH_SLEEPERS_FEW * BENCH_SLEEPS);
}

ROUSE_ASYNC(one_of_many, int, struct bench_countdown *countdown; uint64_t deadline_ns; double *late;
	struct rouse_sleep sleep;);
ROUSE_BODY(one_of_many)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep_until(&self->sleep, self->deadline_ns));
	*self->late = (double)rouse_now_ns() - (double)self->deadline_ns;
	bench_one(self->countdown);
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* One deadline every 10 us, the first so far ahead that all are registered by then. */
static struct bench_done sleepers_100k(struct rouse_runtime *runtime)
{
	static double late[BENCH_SLEEPERS];
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;
	uint64_t first = rouse_now_ns() + 500 * ROUSE_MS;

	bench_countdown_init(&countdown, BENCH_SLEEPERS);
	bench_begin();
	for (uint64_t i = 0; i < BENCH_SLEEPERS; i++)
		bench_must(rouse_spawn_detached(one_of_many, .countdown = &countdown,
				   .deadline_ns = first + i * 10 * ROUSE_US, .late = &late[i]) == 0, "spawn");
	bench_wait(&countdown);
	bench_end();
	rouse_leave(&guard);
	return bench_times(late, BENCH_SLEEPERS);
}

const struct bench_case bench_time_cases[] = {
	{ "time/now_current_thread", now_in_block_on, true, false },
	{ "time/single_thread_timeout", timing_out_1, true, false },
	{ "time/multi_thread_timeout-8", timing_out_8, false, false },
	{ "time/single_thread_sleep", dropping_1, true, false },
	{ "time/multi_thread_sleep-8", dropping_8, false, false },
	{ "time/x_single_register_cancel", cancelling_1, true, false },
	{ "time/x_multi_register_cancel-8", cancelling_8, false, false },
	{ "time/x_sleepers_100", sleepers_100, false, false },
	{ "time/x_sleepers_100k", sleepers_100k, false, true },
	{ NULL, NULL, false, false },
};
