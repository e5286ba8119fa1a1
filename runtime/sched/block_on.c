/* SPDX-License-Identifier: MIT */
/*
 * Blocking a thread on a task. The task is an ordinary one: it is seen like any
 * other, and runs on any worker. If one sleeps, this thread is that worker until
 * the task has to wait (loan.c); on a current-thread runtime, until it has ended.
 */
#include "base/futex.h"
#include "sched/runtime.h"
#include "task/join.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BLOCKED = 0, ASLEEP, WOKEN }; /* the word of struct rouse_blocked_record */

/* A waker that wakes a thread. Lives on that thread's stack; the exchange is its last use, if the thread is awake. */
static void *thread_clone(void *data)
{
	return data;
}
static void thread_wake_by_ref(void *data)
{
	if (rs_exchange((uint32_t *)data, (uint32_t)WOKEN, RS_ACQ_REL) == ASLEEP)
		rs_futex_wake(data, 1);
}
static void thread_drop(void *data)
{
	(void)data;
}
static const struct rouse_waker_vtable thread_vtable = { thread_clone, thread_wake_by_ref, thread_wake_by_ref, thread_drop };

static int door(const struct rouse_runtime *runtime)
{
	if (rs_forked)
		return -ROUSE_EFORKED;
	if (!runtime)
		return -ROUSE_ENORUNTIME;
	return rs_self.worker ? -EDEADLK : 0;
}

/* Runs the current-thread runtime on this thread. -EBUSY: another thread does. */
static int drive(struct rouse_runtime *runtime, bool (*done)(void *arg), void *arg)
{
	bool idle = false;

	if (!rs_cas(&runtime->busy, &idle, true, RS_ACQUIRE, RS_RELAXED))
		return -EBUSY;
	rs_worker_run(&runtime->workers[0], done, arg);
	rs_store(&runtime->busy, false, RS_RELEASE);
	return 0;
}

static bool task_ended(void *arg)
{
	struct rouse_task *task = arg;

	return rs_load(&task->state, RS_ACQUIRE) & ROUSE_COMPLETE;
}

/*
 * A thread that asks for one small task after the other need not sleep each
 * time. Its probe is long enough for a sleeping worker to wake: from then on
 * the worker, too, finds the next task while it still watches.
 */
static void watch(const uint32_t *word)
{
	static _Thread_local struct rs_spin spin;
	uint32_t span = rs_spin_begin(&spin, RS_SPIN_MAX_NS);

	if (!span)
		return;
	uint64_t until = rs_mono_ns() + span;

	while (rs_load(word, RS_ACQUIRE) != WOKEN && rs_mono_ns() < until)
		for (int i = 0; i < RS_SPIN_PAUSES; i++)
			rs_pause();
	rs_spin_end(&spin, rs_load(word, RS_ACQUIRE) == WOKEN);
}

static void sleep_until_woken(uint32_t *word)
{
	uint32_t blocked = BLOCKED;

	watch(word);
	if (rs_cas(word, &blocked, (uint32_t)ASLEEP, RS_ACQUIRE, RS_ACQUIRE))
		while (rs_load(word, RS_ACQUIRE) != WOKEN)
			(void)rs_futex_wait(word, ASLEEP, UINT64_MAX);
}

static int wait_for(struct rouse_task *task)
{
	struct rouse_blocked_record here = { .magic = 0 };
	struct rouse_waker waker = { &here.word, &thread_vtable };

	/* A pointer that the caller keeps in a register would be seen by no reader while this thread sleeps. */
	__builtin_unwind_init();
	int rc = rs_join_register(task, &waker);

	if (rc < 0)
		return rc;
	rs_store(&here.magic, ROUSE_BLOCKED_MAGIC, RS_RELEASE);
	if (rc == 0)
		sleep_until_woken(&here.word);
	rs_store(&here.magic, 0ull, RS_RELAXED);
	return 0;
}

/* The task, started, until it has ended. */
static int see_through(struct rouse_runtime *runtime, struct rouse_task *task)
{
	if (runtime->current_thread) {
		rouse_task_start(task);
		return drive(runtime, task_ended, task);
	}
	if (!rs_loan_run(runtime, task))
		rouse_task_start(task);
	if (rs_forked)
		return -ROUSE_EFORKED;
	return task_ended(task) ? 0 : wait_for(task);
}

int rouse_block_on_(struct rouse_runtime *runtime, void *result, struct rouse_task *task)
{
	if (!task)
		return -errno;
	int rc = door(runtime);

	if (!rc)
		rc = see_through(runtime, task);
	if (!rc)
		rc = task_ended(task) ? rs_join_outcome(task, result) : -ROUSE_ESHUTDOWN;
	rouse_task_detach(task);
	return rc;
}

/* ------------------------------------------------------------- until idle */

static uint64_t live(struct rouse_runtime *runtime)
{
	struct rouse_totals totals;

	rouse_runtime_totals(runtime, &totals);
	return totals.live;
}

static bool all_ended(void *arg)
{
	return live(arg) == 0;
}

int rouse_block_until_idle(struct rouse_runtime *runtime)
{
	int rc = door(runtime);

	if (rc)
		return rc;
	if (runtime->current_thread)
		return drive(runtime, all_ended, runtime);
	rs_fetch_add(&runtime->idle_waiters, 1u, RS_RELAXED);
	rs_fence_heavy(); /* pairs with the light fence at the end of every task */
	for (;;) {
		uint32_t epoch = rs_load(&runtime->idle_epoch, RS_ACQUIRE);

		if (live(runtime) == 0 || rs_load(&runtime->state, RS_ACQUIRE) == ROUSE_RUNTIME_STOPPED)
			break;
		(void)rs_futex_wait(&runtime->idle_epoch, epoch, UINT64_MAX);
	}
	rs_fetch_sub(&runtime->idle_waiters, 1u, RS_RELAXED);
	return 0;
}

/* ------------------------------------------------------------------- main */

enum { EXIT_NO_RUNTIME = 1, EXIT_PANICKED = 101 };

static void say_panic(struct rouse_task *task)
{
	const struct rouse_panic_record *p = (const struct rouse_panic_record *)(const void *)task->link;

	if (p)
		fprintf(stderr, "rouse: the main task panicked at %s:%u: %s\n",
			(const char *)(uintptr_t)p->file_address, p->line, (const char *)(p + 1));
	else
		fprintf(stderr, "rouse: the main task panicked\n");
}

int rouse_main_(const struct rouse_site *site, struct rouse_future *future)
{
	struct rouse_runtime *runtime;
	struct rouse_task *task;
	int rc = rouse_runtime_new(NULL, &runtime), result = 0;

	if (rc) {
		fprintf(stderr, "rouse: cannot start: %s\n", rouse_strerror(rc));
		rouse_future_drop(future);
		return EXIT_NO_RUNTIME;
	}
	const struct rouse_task_spec spec = { runtime, NULL, site, ROUSE_KIND_MAIN };
	void *frame = rouse_prepare_(&spec, future->type, &task);

	memcpy(frame, future, future->type->bytes);
	task = rouse_prepared_(task, frame);
	if (task)
		rouse_task_ref(task);
	rc = rouse_block_on_(runtime, future->type->result_bytes == sizeof result ? &result : NULL, task);
	if (task && rc == -ROUSE_EPANIC)
		say_panic(task);
	else if (rc)
		fprintf(stderr, "rouse: the main task ended: %s\n", rouse_strerror(rc));
	rouse_task_detach(task);
	rouse_runtime_free(runtime);
	return rc == -ROUSE_EPANIC ? EXIT_PANICKED : rc ? EXIT_NO_RUNTIME : result;
}
