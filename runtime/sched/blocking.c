/* SPDX-License-Identifier: MIT */
/*
 * Threads for work that blocks. One lock guards everything here: a job costs
 * microseconds anyway, and so each move of a job or a thread is one step.
 *
 *     job      queued ----> running ----> done        (resource value 0, 1, 2)
 *               |  dropped:   |  dropped:   |  taken by its future,
 *               v  freed      v  abandoned  v  or abandoned: freed
 *
 *     thread   started -> runs jobs -> idle -> (keep-alive over) exits
 *                            ^          |
 *                            +-- hired -+
 *
 * A submitter that finds an idle thread hires it: takes it off `idle` at once
 * and leaves a notice, which whichever thread wakes first consumes. So `idle`
 * never counts a thread twice, and a burst of jobs starts as many threads as it
 * needs. (The scheme is Tokio's.) A thread that exits joins the one that exited
 * before it; the last is joined by the shutdown.
 *
 * A job and its result live in a resource slot, never in the frame of the
 * future: a running job outlives a dropped future. Each job keeps the pool's
 * memory, so that a future may be polled or dropped when its runtime has gone.
 */
#include "sched/blocking.h"

#include "base/clock.h"
#include "sched/runtime.h"

#include <errno.h>
#include <pthread.h>
#include <rouse/runtime.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum job_state { QUEUED = 0, RUNNING = 1, DONE = 2 };

struct job {
	struct rs_resource resource; /* value: enum job_state; owner: thread id; side_a: address of fn */
	struct rs_pool *pool;        /* shared */
	struct job *next, *prev;     /* while queued */
	rouse_blocking_fn fn;
	void *arg;
	int64_t result;
	struct rouse_wait *waiter;
	bool abandoned; /* its future has gone: the thread frees it */
};

/* On the stack of its thread. */
struct thread {
	struct thread *next, *prev;
	uint32_t tid;
	const struct job *job; /* running */
};

struct rs_pool {
	pthread_mutex_t lock; /* guards all below, and all jobs */
	pthread_cond_t work;
	pthread_cond_t exit;
	struct rouse_runtime *runtime; /* borrowed; used by the threads only */
	struct rouse_page *page;
	struct job *first, *last;
	struct thread *all;
	uint32_t queued, threads, busy, idle, limit;
	uint32_t hired; /* notices left for idle threads */
	uint32_t refs;  /* the runtime, jobs */
	uint64_t keep_ns;
	bool stopping;
	bool has_exited;
	pthread_t exited; /* last thread that did, not yet joined */
};

static void publish_locked(const struct rs_pool *pool)
{
	rs_record(&pool->page->blocking_queued, (uint64_t)pool->queued);
	rs_record(&pool->page->blocking_threads, (uint64_t)pool->threads);
	rs_record(&pool->page->blocking_idle, (uint64_t)pool->idle);
}

static void unref_unlock(struct rs_pool *pool)
{
	bool last = --pool->refs == 0;

	pthread_mutex_unlock(&pool->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->exit);
	free(pool);
}

static void count_job_locked(struct rs_pool *pool, int32_t n)
{
	pool->queued += (uint32_t)n;
	publish_locked(pool);
}

static void enqueue_locked(struct rs_pool *pool, struct job *job)
{
	job->prev = pool->last;
	if (pool->last)
		pool->last->next = job;
	else
		pool->first = job;
	pool->last = job;
	count_job_locked(pool, 1);
}

static void dequeue_locked(struct rs_pool *pool, struct job *job)
{
	if (job->prev)
		job->prev->next = job->next;
	else
		pool->first = job->next;
	if (job->next)
		job->next->prev = job->prev;
	else
		pool->last = job->prev;
	job->next = job->prev = NULL;
	count_job_locked(pool, -1);
}

/* Ends a job. Called with the lock, which is dropped; the job may be gone afterwards. */
static void complete_unlock(struct rs_pool *pool, struct job *job, int64_t result)
{
	struct rouse_waker waker = { 0, 0 };

	job->result = result;
	rs_record(&job->resource.value, (uint64_t)DONE);
	if (job->abandoned) {
		pool->refs--; /* never the last: the runtime has one as long as there are threads */
		pthread_mutex_unlock(&pool->lock);
		rs_resource_free(&job->resource);
		return;
	}
	if (job->waiter)
		waker = rs_wait_grant_single_locked(job->waiter);
	pthread_mutex_unlock(&pool->lock);
	rs_wake_granted(&waker, ROUSE_WAKE_BLOCKING);
}

/* ---------------------------------------------------------------- threads */

static void run_locked(struct rs_pool *pool, struct thread *self, struct job *job)
{
	int64_t result = 0;

	dequeue_locked(pool, job);
	pool->busy++;
	self->job = job;
	rs_record(&job->resource.owner, (uint64_t)self->tid);
	rs_record(&job->resource.owner_since, rs_stamp());
	rs_record(&job->resource.value, (uint64_t)RUNNING); /* last: who runs it is known by then */
	pthread_mutex_unlock(&pool->lock);

	int rc = rs_catch_panic(job->fn, job->arg, &result);

	pthread_mutex_lock(&pool->lock);
	self->job = NULL;
	pool->busy--;
	complete_unlock(pool, job, rc ? rc : result);
	pthread_mutex_lock(&pool->lock);
}

static int wait_locked(struct rs_pool *pool, pthread_cond_t *cond, uint64_t deadline_ns)
{
	struct timespec until = { (time_t)(deadline_ns / ROUSE_S), (long)(deadline_ns % ROUSE_S) };

	return deadline_ns == UINT64_MAX ? pthread_cond_wait(cond, &pool->lock)
					 : pthread_cond_timedwait(cond, &pool->lock, &until);
}

static uint64_t after(uint64_t ns)
{
	uint64_t now = rs_mono_ns();

	return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

/* True: hired, by somebody who has already taken us off `idle`. */
static bool idle_locked(struct rs_pool *pool)
{
	uint64_t deadline = after(pool->keep_ns);
	int rc;

	pool->idle++;
	publish_locked(pool);
	do {
		rc = wait_locked(pool, &pool->work, deadline);
		if (pool->hired) {
			pool->hired--;
			return true;
		}
	} while (!pool->stopping && rc != ETIMEDOUT);
	pool->idle--;
	return false;
}

static void enlist_locked(struct rs_pool *pool, struct thread *self)
{
	self->next = pool->all;
	if (pool->all)
		pool->all->prev = self;
	pool->all = self;
}

/* The queue is empty. From here to the unlock is one step: a job submitted later finds this thread gone. */
static void leave_unlock(struct rs_pool *pool, struct thread *self)
{
	bool join = pool->has_exited;
	pthread_t before = pool->exited;

	if (self->prev)
		self->prev->next = self->next;
	else
		pool->all = self->next;
	if (self->next)
		self->next->prev = self->prev;
	rs_thread_leave();
	pool->exited = pthread_self();
	pool->has_exited = true;
	pool->threads--;
	publish_locked(pool);
	pthread_cond_signal(&pool->exit);
	pthread_mutex_unlock(&pool->lock);
	if (join)
		pthread_join(before, NULL);
}

static void *thread_main(void *arg)
{
	struct rs_pool *pool = arg;
	struct thread self = { .tid = (uint32_t)gettid() };

	prctl(PR_SET_NAME, ROUSE_POOL_THREAD_NAME);
	rs_thread_begins();
	rs_thread_enter(pool->runtime);
	pthread_mutex_lock(&pool->lock);
	enlist_locked(pool, &self);
	do {
		while (pool->first)
			run_locked(pool, &self, pool->first);
	} while (!pool->stopping && idle_locked(pool));
	leave_unlock(pool, &self);
	rs_thread_ends();
	return NULL;
}

static int start_thread_locked(struct rs_pool *pool)
{
	sigset_t before;
	pthread_t id;

	rs_block_signals(&before);
	int rc = -pthread_create(&id, NULL, thread_main, pool);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!rc)
		pool->threads++;
	publish_locked(pool);
	return rc;
}

/* Sees to it that a thread will come for the job just queued. -EAGAIN: there is none and none can be made. */
static int hire_locked(struct rs_pool *pool)
{
	if (pool->idle) {
		pool->idle--;
		pool->hired++;
		publish_locked(pool);
		pthread_cond_signal(&pool->work);
		return 0;
	}
	if (pool->threads < pool->limit && start_thread_locked(pool) < 0 && !pool->threads)
		return -EAGAIN;
	return 0;
}

/* ------------------------------------------------------------- the future */

static struct rouse_poll end(struct rouse_blocking *self, int64_t result)
{
	rs_store(&self->wait.state, (uint8_t)ROUSE_WAIT_IDLE, RS_RELAXED);
	self->job = NULL;
	self->result = result;
	return rouse_ready();
}

static struct rouse_poll submit(struct rouse_blocking *self, struct rouse_context *cx)
{
	static uint32_t index;
	static const struct rouse_site site = {
		"rouse_blocking", __FILE__, __LINE__, ROUSE_SITE_RESOURCE, NULL, &index };
	ROUSE_REGISTER_SITE_(site_ref, site);
	struct rs_pool *pool = rs_pool_current();
	struct job *job = pool ? rs_resource_new(sizeof *job, ROUSE_RESOURCE_BLOCKING_JOB, NULL, &site) : NULL;
	int rc = 0;

	if (!job)
		return end(self, pool ? -errno : -ROUSE_ENORUNTIME);
	job->pool = pool;
	job->fn = self->fn;
	job->arg = self->arg;
	rs_record(&job->resource.side_a, (uint64_t)(uintptr_t)self->fn);
	pthread_mutex_lock(&pool->lock);
	pool->refs++;
	if (pool->stopping) {
		rc = -ROUSE_ESHUTDOWN;
	} else {
		enqueue_locked(pool, job);
		rc = hire_locked(pool);
		if (rc)
			dequeue_locked(pool, job);
	}
	if (rc) {
		unref_unlock(pool);
		rs_resource_free(&job->resource);
		return end(self, rc);
	}
	self->job = job;
	job->waiter = &self->wait;
	rs_wait_register_single_locked(&self->wait, cx, job->resource.serial);
	pthread_mutex_unlock(&pool->lock);
	return rouse_pending();
}

static struct rouse_poll blocking_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_blocking *self = (struct rouse_blocking *)f;
	struct job *job = self->job;

	if (!job)
		return submit(self, cx);
	if (rs_resource_check(&job->resource) == -ROUSE_EFORKED)
		return end(self, -ROUSE_EFORKED);
	pthread_mutex_lock(&job->pool->lock);
	if (job->resource.value != DONE) {
		rs_wait_register_single_locked(&self->wait, cx, job->resource.serial);
		pthread_mutex_unlock(&job->pool->lock);
		return rouse_pending();
	}
	int64_t result = job->result;

	unref_unlock(job->pool);
	rs_resource_free(&job->resource);
	return end(self, result);
}

static void blocking_drop(struct rouse_future *f)
{
	struct rouse_blocking *self = (struct rouse_blocking *)f;
	struct job *job = self->job;
	struct rouse_waker waker = { 0, 0 };

	self->job = NULL;
	if (!job || rs_resource_check(&job->resource) == -ROUSE_EFORKED)
		return;
	struct rs_pool *pool = job->pool;

	pthread_mutex_lock(&pool->lock);
	(void)rs_wait_cancel_single_locked(&self->wait, &waker);
	job->waiter = NULL;
	if (job->resource.value == RUNNING) {
		job->abandoned = true;
		pthread_mutex_unlock(&pool->lock);
	} else {
		if (job->resource.value == QUEUED)
			dequeue_locked(pool, job);
		unref_unlock(pool);
		rs_resource_free(&job->resource);
	}
	rouse_waker_drop(&waker);
}

ROUSE_TYPE_(rouse_blocking, ROUSE_SITE_LEAF, blocking_poll, blocking_drop, offsetof(struct rouse_blocking, wait),
	ROUSE_OP_BLOCKING);

struct rouse_blocking *rouse_blocking(struct rouse_blocking *storage, rouse_blocking_fn fn, void *arg)
{
	*storage = (struct rouse_blocking){ .future = ROUSE_FUTURE_INIT(rouse_blocking), .fn = fn, .arg = arg };
	rs_wait_init(&storage->wait, ROUSE_OP_BLOCKING);
	return storage;
}

/* --------------------------------------------------------------- the pool */

int rs_pool_new(struct rouse_runtime *runtime, struct rouse_page *page, uint32_t limit, uint64_t keep_ns,
	struct rs_pool **ret_pool)
{
	struct rs_pool *pool = calloc(1, sizeof *pool);
	pthread_condattr_t attr;

	if (!pool)
		return -ENOMEM;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->work, &attr);
	pthread_cond_init(&pool->exit, &attr);
	pthread_condattr_destroy(&attr);
	pool->runtime = runtime;
	pool->page = page;
	pool->limit = limit;
	pool->keep_ns = keep_ns;
	pool->refs = 1;
	rs_record(&page->blocking_limit, (uint64_t)limit);
	*ret_pool = pool;
	return 0;
}

/* The busy thread with the lowest thread id above `above`; false: none. Copied, so that no callback runs locked. */
static bool next_busy(struct rs_pool *pool, uint32_t above, uint32_t *ret_tid, uint64_t *ret_task)
{
	const struct thread *found = NULL;

	pthread_mutex_lock(&pool->lock);
	for (const struct thread *t = pool->all; t; t = t->next)
		if (t->job && t->tid > above && (!found || t->tid < found->tid))
			found = t;
	if (found) {
		*ret_tid = found->tid;
		*ret_task = found->job->resource.creator;
	}
	pthread_mutex_unlock(&pool->lock);
	return found;
}

/* Threads without a job leave at once: the deadline is for the busy ones. */
static bool wait_for_threads_locked(struct rs_pool *pool, uint64_t deadline_ns)
{
	while (pool->threads) {
		bool late = rs_mono_ns() >= deadline_ns;

		if (late && pool->busy)
			return false;
		(void)wait_locked(pool, &pool->exit, late ? UINT64_MAX : deadline_ns);
	}
	return true;
}

int rs_pool_shutdown(struct rs_pool *pool, uint64_t deadline_ns, void (*survivor)(void *arg, uint64_t task_id,
	const char *name, const char *what), void *arg)
{
	char what[64];
	uint32_t tid = 0;
	uint64_t task;

	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->work);
	while (pool->first) {
		struct job *job = pool->first;

		dequeue_locked(pool, job);
		complete_unlock(pool, job, -ROUSE_ESHUTDOWN);
		pthread_mutex_lock(&pool->lock);
	}
	bool left = wait_for_threads_locked(pool, deadline_ns);
	bool join = left && pool->has_exited;
	pthread_t last = pool->exited;

	if (join)
		pool->has_exited = false;
	pthread_mutex_unlock(&pool->lock);
	if (join)
		pthread_join(last, NULL);
	if (left)
		return 0;
	while (next_busy(pool, tid, &tid, &task)) {
		snprintf(what, sizeof what, "its blocking job does not end, on thread %u", (unsigned int)tid);
		survivor(arg, task, "rouse-blocking", what);
	}
	return -ETIMEDOUT;
}

void rs_pool_free(struct rs_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	unref_unlock(pool);
}
