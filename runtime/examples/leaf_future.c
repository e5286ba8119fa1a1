/* SPDX-License-Identifier: MIT */
/*
 * leaf_future - a leaf future written by hand: a delay backed by a thread.
 *
 * Async functions wait by awaiting other futures. At the bottom of each chain
 * stands a leaf, which waits for something that is no future: here, a thread
 * that sleeps. (A thread for each delay is a wasteful way to keep time; it is
 * an honest model of any event that comes from elsewhere.)
 *
 *       delay (in a task's frame)          shared, counted          timer thread
 *     +---------------------------+      +------------------+      +------------+
 *     | future | when | shared ---+----->| lock, elapsed,   |<-----| sleeps     |
 *     +---------------------------+      | waker, 2 owners  |      +------------+
 *
 * Three things make a leaf right, and each is shown below:
 *
 *   1. Pending is a promise. The waker is stored before the answer is given,
 *      under the lock that the thread takes before it wakes: no wake is lost
 *      between the look and the answer.
 *   2. The waker is that of the *last* poller. A future may be polled by one
 *      task and then by another; will_wake tells whether the stored waker is
 *      still the right one. A leaf that keeps the first one wakes somebody
 *      who no longer cares, and its real task sleeps for ever.
 *   3. Nobody else writes into a frame. A frame ends when its task is
 *      cancelled; the thread does not. What both use is counted and apart.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rouse/rouse.h>

/* What the future and the thread share. The last of the two frees it. */
struct shared {
	pthread_mutex_t lock;
	unsigned owners;
	bool elapsed;
	unsigned replaced; /* how often another task took over */
	uint64_t when_ns;
	struct rouse_waker waker;
};

struct delay {
	struct rouse_future future;
	int64_t result; /* 0, or why no thread could be had */
	uint64_t when_ns;
	struct shared *shared; /* NULL before the first poll, and after the end */
};

static void shared_unref(struct shared *shared)
{
	bool last;

	pthread_mutex_lock(&shared->lock);
	last = --shared->owners == 0;
	pthread_mutex_unlock(&shared->lock);
	if (!last)
		return;
	rouse_waker_drop(&shared->waker);
	pthread_mutex_destroy(&shared->lock);
	free(shared);
}

static void *timer_thread(void *arg)
{
	struct shared *shared = arg;
	struct timespec until = { .tv_sec = (time_t)(shared->when_ns / ROUSE_S),
		.tv_nsec = (long)(shared->when_ns % ROUSE_S) };
	struct rouse_waker waker;

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL))
		continue; /* a signal came */
	pthread_mutex_lock(&shared->lock);
	shared->elapsed = true;
	waker = shared->waker;
	shared->waker = (struct rouse_waker){ 0 };
	pthread_mutex_unlock(&shared->lock);
	/* Called outside the lock: the woken task may be polling us already. An empty waker does nothing. */
	rouse_waker_wake(&waker);
	shared_unref(shared);
	return NULL;
}

static int start_thread(struct delay *delay)
{
	struct shared *shared = calloc(1, sizeof *shared);
	pthread_t thread;
	int rc;

	if (!shared)
		return -ENOMEM;
	pthread_mutex_init(&shared->lock, NULL);
	shared->owners = 2;
	shared->when_ns = delay->when_ns;
	rc = pthread_create(&thread, NULL, timer_thread, shared);
	if (rc) {
		pthread_mutex_destroy(&shared->lock);
		free(shared);
		return -rc;
	}
	pthread_detach(thread);
	delay->shared = shared;
	return 0;
}

/* Stores the context's waker unless the stored one would wake the same task. True: the delay is over. */
static bool look_or_register(struct shared *shared, const struct rouse_context *cx)
{
	struct rouse_waker old = { 0 };
	bool elapsed;

	pthread_mutex_lock(&shared->lock);
	elapsed = shared->elapsed;
	if (!elapsed && !rouse_waker_will_wake(&shared->waker, &cx->waker)) {
		old = shared->waker;
		shared->waker = rouse_waker_clone(&cx->waker);
		shared->replaced += old.vtable != NULL;
	}
	pthread_mutex_unlock(&shared->lock);
	rouse_waker_drop(&old);
	return elapsed;
}

static void delay_drop(struct rouse_future *future)
{
	struct delay *delay = (struct delay *)future;
	struct rouse_waker waker;

	if (!delay->shared)
		return;
	/* Take the waker along: a thread that still runs shall not keep a cancelled task's memory. */
	pthread_mutex_lock(&delay->shared->lock);
	waker = delay->shared->waker;
	delay->shared->waker = (struct rouse_waker){ 0 };
	pthread_mutex_unlock(&delay->shared->lock);
	rouse_waker_drop(&waker);
	shared_unref(delay->shared);
	delay->shared = NULL;
}

static struct rouse_poll delay_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct delay *delay = (struct delay *)future;

	if (!delay->shared) {
		delay->result = start_thread(delay);
		if (!delay->shared)
			return rouse_ready();
	}
	if (!look_or_register(delay->shared, cx))
		return rouse_pending();
	delay_drop(future);
	return rouse_ready();
}

ROUSE_LEAF(delay, delay_poll, delay_drop);

static struct delay *delay(struct delay *storage, uint64_t ns)
{
	*storage = (struct delay){ .future = ROUSE_FUTURE_INIT(delay), .when_ns = rouse_now_ns() + ns };
	return storage;
}

/* ------------------------------------------------- two tasks, one future */

/* Polls the delay once, by hand, and leaves it pending: now it holds this task's waker. */
ROUSE_ASYNC(task_a, int,
	struct delay *delay;);
ROUSE_BODY(task_a)
{
	ROUSE_BEGIN;
	printf("task A: polled it once: %s\n",
		rouse_future_poll(&self->delay->future, cx).ready ? "ready" : "pending");
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* Takes over and awaits the same future to its end. */
ROUSE_ASYNC(task_b, int,
	struct delay *delay;
	int64_t rc;);
ROUSE_BODY(task_b)
{
	ROUSE_BEGIN;
	puts("task B: takes over");
	ROUSE_AWAIT(self->rc, self->delay);
	printf("task B: woken, delay ended with %d\n", (int)self->rc);
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

/* Looks at the shared state from outside, for the demonstration only. */
static unsigned times_replaced(struct shared *shared)
{
	unsigned n;

	pthread_mutex_lock(&shared->lock);
	n = shared->replaced;
	pthread_mutex_unlock(&shared->lock);
	return n;
}

ROUSE_ASYNC(app, int,
	int64_t rc;
	struct delay delay; /* stays here while A and then B poll it: a future never moves after its first poll */
	struct shared *shared;
	struct rouse_join join;
	struct rouse_timeout timeout;);
ROUSE_BODY(app)
{
	ROUSE_BEGIN;
	delay(&self->delay, 100 * ROUSE_MS);
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn(task_a, .delay = &self->delay), NULL));
	self->shared = self->delay.shared;
	if (self->rc || !self->shared)
		ROUSE_RETURN(1);
	pthread_mutex_lock(&self->shared->lock);
	self->shared->owners++; /* ours, to look at it afterwards */
	pthread_mutex_unlock(&self->shared->lock);
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn(task_b, .delay = &self->delay), NULL));
	if (self->rc)
		ROUSE_RETURN(1);
	printf("the waker was replaced %u time(s)\n", times_replaced(self->shared));

	/* Dropped while its thread still sleeps: the thread wakes nobody and frees what is left. */
	ROUSE_AWAIT(self->rc, rouse_timeout(&self->timeout, 20 * ROUSE_MS, delay(&self->delay, 300 * ROUSE_MS)));
	printf("gave up early: %s\n", self->rc == -ETIMEDOUT ? "yes" : "no");
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	if (self->shared)
		shared_unref(self->shared);
	rouse_future_drop(&self->delay.future);
	ROUSE_END;
}

int main(void)
{
	return ROUSE_MAIN(app);
}
