/* SPDX-License-Identifier: MIT */
/*
 * One thread outside the workers. It sees polls that go on for too long (the
 * same task and poll count for long_poll_ns), has an idle worker take what a
 * stuck one holds, keeps the reactor from being left alone, and renews the
 * clock anchor. It takes no lock of the workers and never touches a task.
 */
#include "base/futex.h"
#include "sched/runtime.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>

enum { IDLE_PERIOD_NS = 100000000, SHORTEST_PERIOD_NS = 1000000 };

struct look {
	uint64_t task, polls, since_ns;
	bool counted;
};

static bool is_long(struct rouse_runtime *runtime, struct rs_worker *w, struct look *last, uint64_t now_ns)
{
	struct rouse_worker_record *r = w->record;
	uint64_t task = rs_load(&r->current_task, RS_RELAXED), polls = rs_load(&r->counters.polls, RS_RELAXED);

	if (!task || task != last->task || polls != last->polls) {
		*last = (struct look){ task, polls, now_ns, false };
		return false;
	}
	if (now_ns - last->since_ns < runtime->long_poll_ns)
		return false;
	if (!last->counted)
		rs_bump(&r->counters.long_polls, 1u);
	last->counted = true;
	return true;
}

/* A worker in a long poll: is there anything that waits behind it? */
static bool holds_work(struct rs_worker *w, uint64_t now_ns)
{
	return rs_queue_depth(&w->queue) || rs_load(&w->queue.lifo, RS_RELAXED) || rs_wheel_next(w->wheel) <= now_ns;
}

/* Nobody waits for descriptors, or for the timers of foreign threads, which are the driver's to fire. */
static bool driver_deserted(struct rouse_runtime *runtime, uint64_t now_ns)
{
	return !rs_load(&runtime->page->driver_worker, RS_RELAXED) &&
	       (rs_reactor_count(runtime->reactor) || rs_wheel_next(runtime->foreign_wheel) <= now_ns);
}

/* One round. True if some worker is awake. */
static bool look_round(struct rouse_runtime *runtime, struct look *looks)
{
	uint64_t now_ns = rs_mono_ns();
	bool awake = false, rescue = false, stuck = false;

	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		struct rs_worker *w = &runtime->workers[i];
		uint32_t state = rs_load(&w->record->state, RS_RELAXED);
		bool is_stuck = is_long(runtime, w, &looks[i], now_ns);

		awake |= state == ROUSE_WORKER_POLLING || state == ROUSE_WORKER_SEARCHING;
		RS_PUT(&w->record->flags, is_stuck ? (uint32_t)RS_WORKER_LONG_POLL : 0);
		stuck |= is_stuck;
		rescue |= is_stuck && holds_work(w, now_ns);
	}
	if (rescue || (stuck && driver_deserted(runtime, now_ns)))
		rs_notify_any(runtime);
	rs_clock_anchor(&runtime->page->anchor);
	RS_PUT(&runtime->page->watchdog_ticks, rs_ticks());
	return awake;
}

static void *run(void *arg)
{
	struct rouse_runtime *runtime = arg;
	struct look looks[RS_MAX_WORKERS] = { { 0 } };
	uint64_t busy_period = runtime->long_poll_ns / 2;

	if (busy_period < SHORTEST_PERIOD_NS)
		busy_period = SHORTEST_PERIOD_NS;
	prctl(PR_SET_NAME, "rouse-watchdog");
	RS_PUT(&runtime->page->watchdog_tid, (uint32_t)gettid());
	while (!rs_load(&runtime->watchdog_word, RS_ACQUIRE)) {
		bool awake = look_round(runtime, looks);
		uint64_t period = awake || busy_period > IDLE_PERIOD_NS ? busy_period : IDLE_PERIOD_NS;

		(void)rs_futex_wait(&runtime->watchdog_word, 0, rs_mono_ns() + period);
	}
	return NULL;
}

int rs_watchdog_start(struct rouse_runtime *runtime)
{
	/* From here on it owes looks: that one never came to any is to be seen, too. */
	RS_PUT(&runtime->page->watchdog_ticks, rs_ticks());
	int error = pthread_create(&runtime->watchdog, NULL, run, runtime);

	runtime->watchdog_started = error == 0;
	return -error;
}

void rs_watchdog_stop(struct rouse_runtime *runtime)
{
	if (!runtime->watchdog_started)
		return;
	rs_store(&runtime->watchdog_word, 1u, RS_RELEASE);
	rs_futex_wake(&runtime->watchdog_word, 1);
	pthread_join(runtime->watchdog, NULL);
	runtime->watchdog_started = false;
}
