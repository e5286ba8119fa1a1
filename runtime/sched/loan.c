/* SPDX-License-Identifier: MIT */
/*
 * A worker that sleeps, lent to a thread outside which wants one task run:
 * rouse_block_on(). To have it run by a worker's own thread costs two hand-overs,
 * some 10 us and more; a thread that is the worker itself needs none.
 *
 * What makes a worker is its queue, slab, wheel, ring and record, and each has
 * one writer. They are lent together, so all that holds for a worker holds here,
 * and its record names the borrower's thread meanwhile. Only one that sleeps on its
 * futex is lent: in the driver it would have events to deliver. The protocol is
 * in idle.h; the worker's own thread waits in rs_idle_cancel() if it wakes.
 *
 * A borrower is there for its task. It takes nothing from the global queue and
 * steals nothing, so what it runs beside has come of that task, or of timers and
 * descriptors that it has looked at. It gives back
 *
 *   - when the task has ended, or this worker has nothing to run,
 *   - when others were polled many times in a row,
 *   - when something waits in the global queue, or the worker's own thread waits.
 *
 * What is left is in the ring then, and announced; for a deadline that its own
 * thread does not know of, that is woken.
 *
 * A shutdown waits for the worker's own thread, which waits for the borrower; for
 * what the borrower does after R1, it waits as for any visitor (foreign.c).
 */
#include "sched/runtime.h"

#include <pthread.h>

enum { OTHERS_MAX = 32, INJECT_TURNS = 31 };

struct loan {
	struct rs_worker *worker;
	struct rouse_task *task;
	uint32_t turns;
	uint32_t others; /* turns in a row that were not the task's */
	uint32_t polls;  /* the task's, as of the last turn */
};

static bool sleeps_on_futex(void *arg, uint32_t worker)
{
	const struct rouse_runtime *runtime = arg;

	/* Acquire: all that it has done as this worker. Pairs with lie_down() in park.c. */
	return rs_load(&runtime->workers[worker].parker, RS_ACQUIRE) == RS_PARKER_PARKED;
}

/* Before each turn, on the thread that is the worker. */
static bool is_over(void *arg)
{
	struct loan *loan = arg;
	struct rouse_runtime *runtime = loan->worker->runtime;

	if (loan->turns++ == 0) {
		rouse_task_start(loan->task);
		return false;
	}
	if (rs_forked || rs_load(&loan->task->state, RS_ACQUIRE) & ROUSE_COMPLETE)
		return true;
	uint32_t polls = rs_load(&loan->task->polls, RS_RELAXED);

	loan->others = polls == loan->polls ? loan->others + 1 : 0;
	loan->polls = polls;
	return loan->others > OTHERS_MAX || rs_idle_awaited(&runtime->idle, loan->worker->index) ||
	       (loan->turns % INJECT_TURNS == 0 && rs_inject_maybe_any(&runtime->inject));
}

static void give_back(struct rs_worker *w)
{
	struct rouse_runtime *runtime = w->runtime;
	uint64_t next = rs_wheel_next(w->wheel);
	bool earlier = next < w->sleeps_until_ns, visiting = rs_visit_begin(runtime);

	w->lent = false;
	if (earlier) {
		w->sleeps_until_ns = next;
		w->renewed = true;
	}
	rs_idle_return(&runtime->idle, w->index);
	if (earlier)
		rs_worker_unpark(w);
	if (rs_anything(runtime)) /* R2 */
		rs_notify(runtime);
	rs_visit_end(runtime, visiting);
}

bool rs_loan_run(struct rouse_runtime *runtime, struct rouse_task *task)
{
	int lent = rs_idle_borrow(&runtime->idle, sleeps_on_futex, runtime), before;

	if (lent < 0)
		return false;
	struct loan loan = { .worker = &runtime->workers[lent], .task = task };

	/* A thread that was cancelled in a poll would keep the worker for ever. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	loan.worker->lent = true;
	rs_worker_run_lent(loan.worker, is_over, &loan);
	if (!rs_forked)
		give_back(loan.worker);
	pthread_setcancelstate(before, NULL);
	if (!loan.turns)
		rouse_task_start(task); /* the runtime stops: it is for the shutdown to end it */
	return true;
}
