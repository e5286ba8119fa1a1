/* SPDX-License-Identifier: MIT */
/* Timers: made and dropped, and how late they wake. */
#include "bench.h"

#include <stdlib.h>

ROUSE_ASYNC(canceller, int, struct bench_countdown *countdown; int i; struct rouse_sleep sleep;);
ROUSE_BODY(canceller)
{
	ROUSE_BEGIN;
	for (int i = 0; i < BENCH_TIMER_OPS; i++) {
		rouse_sleep(&self->sleep, ROUSE_S);
		bench_must(!rouse_future_poll(&self->sleep.future, cx).ready, "a timer that waits");
		rouse_future_drop(&self->sleep.future);
	}
	bench_one(self->countdown);
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* Eight tasks: register a timer of one second by polling it once, drop it. */
static struct bench_done timer_cancel(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, BENCH_TIMER_TASKS);
	for (int i = 0; i < BENCH_TIMER_TASKS; i++)
		bench_must(rouse_spawn_detached(canceller, .countdown = &countdown) == 0, "spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = (uint64_t)BENCH_TIMER_TASKS * BENCH_TIMER_OPS };
}

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

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A hundred tasks, each sleeping ten times, 1.0 to 2.0 ms; ns is the median lateness. */
static struct bench_done sleep_lateness(struct rouse_runtime *runtime)
{
	static double late[BENCH_SLEEPERS][BENCH_SLEEPS];
	enum { N = BENCH_SLEEPERS * BENCH_SLEEPS };
	struct rouse_guard guard = rouse_enter(runtime);
	struct bench_countdown countdown;

	bench_countdown_init(&countdown, BENCH_SLEEPERS);
	for (uint64_t i = 0; i < BENCH_SLEEPERS; i++)
		bench_must(rouse_spawn_detached(sleeper, .countdown = &countdown,
				   .span_ns = ROUSE_MS + i * 10 * ROUSE_US, .late = late[i]) == 0, "spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	qsort(late, N, sizeof late[0][0], by_value);
	return (struct bench_done){ .ops = N, .ns = late[BENCH_SLEEPERS / 2][0] };
}

const struct bench_case bench_time_cases[] = {
	{ "timer_cancel", timer_cancel },
	{ "sleep_lateness", sleep_lateness },
	{ NULL, NULL },
};
