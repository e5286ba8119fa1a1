/* SPDX-License-Identifier: MIT */
/*
 * mini_executor - an executor from scratch, in one file.
 *
 * rouse's futures do not need rouse's scheduler: a future is polled with a
 * context, and a context is little more than a waker. This program brings its
 * own waker, its own queue and its own timers, and runs async functions on
 * them with nothing but rouse/future.h and rouse/async.h.
 *
 *          spawn                       poll
 *     ------------> [ ready queue ] ----------> task ---> ready: its slot is free
 *                        ^                       |
 *                        |  wake                 +-----> pending: somebody has a waker
 *                        +----- waker <----------- timer list (the leaf futures)
 *
 * What a real runtime adds: many threads, a timer wheel instead of a list, a
 * reactor for sockets. What stays: a pending task costs nothing until the one
 * who has its waker calls it.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <rouse/async.h>

#define MAX_TASKS 16
#define MS 1000000ull

/* ---------------------------------------------------------- the executor */

/*
 * A slot of the task table. It is in use while anybody refers to it: the
 * executor until the future has ended, and every waker. So a waker that
 * outlives its task is harmless: it finds no future to run.
 */
struct task {
	struct executor *executor;
	struct rouse_future *future; /* NULL once it has ended */
	struct task *next_ready;
	unsigned references;
	bool queued;
};

struct executor {
	pthread_mutex_t lock; /* wakers come from any thread */
	pthread_cond_t work;
	struct task tasks[MAX_TASKS];
	struct task *ready_head;
	struct task *ready_tail;
	struct timer *timers; /* soonest first; the executor's thread only */
	unsigned live;
};

/* Where leaf futures find their executor. */
static _Thread_local struct executor *current;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static void push_ready_locked(struct executor *executor, struct task *task)
{
	if (task->queued || !task->future)
		return; /* already queued: one poll serves both wakes */
	task->queued = true;
	task->next_ready = NULL;
	if (executor->ready_tail)
		executor->ready_tail->next_ready = task;
	else
		executor->ready_head = task;
	executor->ready_tail = task;
	pthread_cond_signal(&executor->work);
}

static struct task *pop_ready_locked(struct executor *executor)
{
	struct task *task = executor->ready_head;

	if (!task)
		return NULL;
	executor->ready_head = task->next_ready;
	if (!executor->ready_head)
		executor->ready_tail = NULL;
	task->queued = false;
	return task;
}

/* ------------------------------------------------------------- the waker */

/* Its data is the task. Four functions are all that the rest of the world sees of an executor. */

static void *waker_clone(void *data)
{
	struct task *task = data;

	pthread_mutex_lock(&task->executor->lock);
	task->references++;
	pthread_mutex_unlock(&task->executor->lock);
	return task;
}

static void waker_wake_by_ref(void *data)
{
	struct task *task = data;

	pthread_mutex_lock(&task->executor->lock);
	push_ready_locked(task->executor, task);
	pthread_mutex_unlock(&task->executor->lock);
}

static void waker_drop(void *data)
{
	struct task *task = data;

	pthread_mutex_lock(&task->executor->lock);
	task->references--;
	pthread_mutex_unlock(&task->executor->lock);
}

static void waker_wake(void *data)
{
	waker_wake_by_ref(data);
	waker_drop(data);
}

static const struct rouse_waker_vtable task_waker = {
	.clone = waker_clone, .wake = waker_wake, .wake_by_ref = waker_wake_by_ref, .drop = waker_drop
};

/* ------------------------------------------------------- the leaf future */

/* Ready at a deadline. Linked into the executor's list from its first poll to its end. */
struct timer {
	struct rouse_future future;
	int64_t result;
	uint64_t deadline_ns;
	struct executor *executor; /* set while it is in the list */
	struct timer *next;
	struct rouse_waker waker;
};

static void timer_link(struct timer *timer)
{
	struct timer **at = &current->timers;

	while (*at && (*at)->deadline_ns <= timer->deadline_ns)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
	timer->executor = current;
}

static void timer_unlink(struct timer *timer)
{
	struct timer **at = &timer->executor->timers;

	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	timer->executor = NULL;
	rouse_waker_drop(&timer->waker);
}

static void timer_drop(struct rouse_future *future)
{
	struct timer *timer = (struct timer *)future;

	if (timer->executor)
		timer_unlink(timer);
}

static struct rouse_poll timer_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct timer *timer = (struct timer *)future;

	if (now_ns() >= timer->deadline_ns) {
		timer_drop(future);
		timer->result = 0;
		return rouse_ready();
	}
	/* Pending is a promise: a waker is stored, and it is that of the task which polls now. */
	if (!rouse_waker_will_wake(&timer->waker, &cx->waker)) {
		rouse_waker_drop(&timer->waker);
		timer->waker = rouse_waker_clone(&cx->waker);
	}
	if (!timer->executor)
		timer_link(timer);
	return rouse_pending();
}

ROUSE_LEAF(timer, timer_poll, timer_drop);

static struct timer *timer_after(struct timer *timer, uint64_t ns)
{
	*timer = (struct timer){ .future = ROUSE_FUTURE_INIT(timer), .deadline_ns = now_ns() + ns };
	return timer;
}

/* ------------------------------------------------------ running it all */

/* Borrows the future until it has ended. False: the table is full. */
static bool spawn(struct executor *executor, struct rouse_future *future)
{
	struct task *free_slot = NULL;

	pthread_mutex_lock(&executor->lock);
	for (struct task *task = executor->tasks; task < executor->tasks + MAX_TASKS && !free_slot; task++)
		if (task->references == 0)
			free_slot = task;
	if (free_slot) {
		*free_slot = (struct task){ .executor = executor, .future = future, .references = 1 };
		executor->live++;
		push_ready_locked(executor, free_slot);
	}
	pthread_mutex_unlock(&executor->lock);
	return free_slot != NULL;
}

static void run_one(struct executor *executor, struct task *task)
{
	struct rouse_context cx = { .waker = { .data = task, .vtable = &task_waker } };

	if (!rouse_future_poll(task->future, &cx).ready)
		return;
	pthread_mutex_lock(&executor->lock);
	task->future = NULL;
	task->references--;
	executor->live--;
	pthread_mutex_unlock(&executor->lock);
}

/* Nothing is ready: sleeps until a waker is called, or the next timer is due. */
static void wait_locked(struct executor *executor)
{
	uint64_t due;
	struct timespec until;

	if (!executor->timers) {
		pthread_cond_wait(&executor->work, &executor->lock);
		return;
	}
	due = executor->timers->deadline_ns;
	until.tv_sec = (time_t)(due / (1000 * MS));
	until.tv_nsec = (long)(due % (1000 * MS));
	pthread_cond_clockwait(&executor->work, &executor->lock, CLOCK_MONOTONIC, &until);
}

static void fire_timers(struct executor *executor)
{
	uint64_t now = now_ns();

	for (struct timer *timer = executor->timers; timer && timer->deadline_ns <= now; timer = timer->next)
		rouse_waker_wake_by_ref(&timer->waker);
}

/* Runs until every task has ended. */
static void run(struct executor *executor)
{
	current = executor;
	while (executor->live) {
		struct task *task;

		pthread_mutex_lock(&executor->lock);
		task = pop_ready_locked(executor);
		if (!task)
			wait_locked(executor);
		pthread_mutex_unlock(&executor->lock);
		if (task)
			run_one(executor, task);
		fire_timers(executor);
	}
	current = NULL;
}

/* ----------------------------------------------------- the user's program */

ROUSE_ASYNC(countdown, int,
	int number; unsigned ms;
	struct timer timer;);
ROUSE_BODY(countdown)
{
	ROUSE_BEGIN;
	printf("Task %d: Starting\n", self->number);
	ROUSE_AWAIT_ONLY(timer_after(&self->timer, self->ms * MS));
	printf("Task %d: Done (after %ums)\n", self->number, self->ms);
	ROUSE_RETURN(0);
	ROUSE_END;
}

int main(void)
{
	struct executor executor = { .lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER };
	struct countdown first = { .future = ROUSE_FUTURE_INIT(countdown), .number = 1, .ms = 100 };
	struct countdown second = { .future = ROUSE_FUTURE_INIT(countdown), .number = 2, .ms = 50 };

	if (!spawn(&executor, &first.future) || !spawn(&executor, &second.future))
		return 1;
	run(&executor);
	return 0;
}
