/* SPDX-License-Identifier: MIT */
/*
 * wedged - both workers are blocked in a poll that does not end. One of those
 * tasks holds a lock that another waits for, and a third is queued behind all.
 * "wedged" is said when this stands; it is undone when stdin is closed.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <rouse/rouse.h>

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int wedged;
	bool free;
} stage = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* Blocks the thread, as no task should. */
static void wedge(void)
{
	pthread_mutex_lock(&stage.lock);
	stage.wedged++;
	pthread_cond_broadcast(&stage.changed);
	while (!stage.free)
		pthread_cond_wait(&stage.changed, &stage.lock);
	pthread_mutex_unlock(&stage.lock);
}

static void wait_until_wedged(unsigned int n)
{
	pthread_mutex_lock(&stage.lock);
	while (stage.wedged < n)
		pthread_cond_wait(&stage.changed, &stage.lock);
	pthread_mutex_unlock(&stage.lock);
}

static void take_out(void)
{
	pthread_mutex_lock(&stage.lock);
	stage.free = true;
	pthread_cond_broadcast(&stage.changed);
	pthread_mutex_unlock(&stage.lock);
}

ROUSE_ASYNC(holder, int,
	struct rouse_mutex *mutex;
	struct rouse_mutex_lock lock;);
ROUSE_BODY(holder)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->mutex));
	wedge();
	ROUSE_RETURN(rouse_mutex_unlock(self->mutex));
	ROUSE_END;
}

ROUSE_ASYNC(waiter, int,
	struct rouse_mutex *mutex;
	struct rouse_mutex_lock lock;);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->mutex));
	ROUSE_RETURN(rouse_mutex_unlock(self->mutex));
	ROUSE_END;
}

ROUSE_ASYNC(hog, int, ROUSE_NO_FIELDS);
ROUSE_BODY(hog)
{
	ROUSE_BEGIN;
	wedge();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(queued, int, ROUSE_NO_FIELDS);
ROUSE_BODY(queued)
{
	ROUSE_BEGIN;
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* One after the other, so that no task is kept from its place by another. */
static int set_up(struct rouse_mutex *mutex)
{
	struct rouse_task *task;

	if (!mutex || rouse_spawn_detached(holder, .mutex = mutex))
		return 1;
	wait_until_wedged(1);
	task = rouse_spawn(waiter, .mutex = mutex);
	if (!task)
		return 1;
	while (rouse_task_get_state(task) != ROUSE_TASK_PENDING)
		sched_yield();
	rouse_task_detach(task);
	if (rouse_spawn_detached(hog))
		return 1;
	wait_until_wedged(2);
	return rouse_spawn_detached(queued) ? 1 : 0;
}

int main(void)
{
	struct rouse_runtime *runtime;
	struct rouse_mutex *mutex;
	struct rouse_guard guard;
	char byte;
	int failed;

	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "wedged", .workers = 2), &runtime))
		return 1;
	guard = rouse_enter(runtime);
	mutex = rouse_mutex_new("the lock");
	failed = set_up(mutex);
	if (!failed) {
		puts("wedged");
		fflush(stdout);
		while (read(STDIN_FILENO, &byte, 1) > 0)
			continue;
	}
	take_out();
	if (rouse_block_until_idle(runtime))
		failed = 1;
	rouse_leave(&guard);
	rouse_mutex_free(mutex);
	rouse_runtime_free(runtime);
	return failed;
}
