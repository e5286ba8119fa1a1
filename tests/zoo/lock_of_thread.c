/* SPDX-License-Identifier: MIT */
/*
 * Both workers wait for a mutex that a thread has which is no worker, and tasks
 * are queued behind them. The twin waits for it in the blocking pool.
 *
 * row: A26, as the kernel sees it
 * finds: stuck-queue likely
 * task: waiter
 * companions: blocking-call blocked-worker late-timers nested-block
 * kernel: sched
 * evidence: blocked in futex for .*: thread \d+ \(keeper\), no worker, has the lock
 * root: blocked in futex
 * core: no, the kernel is asked while it runs
 */
#include <pthread.h>
#include <semaphore.h>

#include "zoo.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t is_kept;
static struct rouse_notify *event;
static int running;

static void *keep(void *arg)
{
	pthread_mutex_lock(&lock);
	sem_post(&is_kept);
	zoo_rest();
	pthread_mutex_unlock(&lock);
	return arg;
}

static int64_t take(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	return 0;
}

ROUSE_ASYNC(waiter, int,
	union { struct rouse_sleep sleep; struct rouse_blocking blocking; };);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS)); /* fault */
	__atomic_add_fetch(&running, 1, __ATOMIC_RELEASE);
	if (ZOO_TWIN)
		ROUSE_AWAIT_ONLY(rouse_blocking(&self->blocking, take, NULL));
	else
		(void)take(NULL);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(queued, int,
	struct rouse_notified notified;);
ROUSE_BODY(queued)
{
	ROUSE_BEGIN;
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, event));
	ROUSE_END;
}

static void make(void)
{
	pthread_t keeper;

	event = ZOO_MADE(rouse_notify_new("event"));
	sem_init(&is_kept, 0, 0);
	ZOO_MUST(-pthread_create(&keeper, NULL, keep, NULL));
	pthread_setname_np(keeper, "keeper");
	pthread_detach(keeper);
	sem_wait(&is_kept);
}

static void start_waiter(void)
{
	ZOO_MUST(rouse_spawn_detached(waiter));
}

static void start_queued(void)
{
	ZOO_MUST(rouse_spawn_detached(queued));
}

static void wake(void)
{
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) < 2)
		zoo_block_for(ROUSE_MS);
	rouse_notify_one(event);
}

ZOO_THEN(ZOO_WORKERS(2), make, wake, NULL, start_waiter, start_waiter, start_queued)
