/* SPDX-License-Identifier: MIT */
/* The pool of threads on which blocking jobs run. */
#ifndef RS_SCHED_BLOCKING_H
#define RS_SCHED_BLOCKING_H

#include "task/wait.h"

struct rs_pool;

/* Gauges (queued, threads, idle, limit) are kept in `page`. The runtime is entered on each of its threads. */
int rs_pool_new(struct rouse_runtime *runtime, struct rouse_page *page, uint32_t limit, uint64_t keep_ns,
	struct rs_pool **ret_pool);
/*
 * No new jobs; queued ones end with -ROUSE_ESHUTDOWN; waits for running ones
 * until deadline_ns (CLOCK_MONOTONIC). 0, or -ETIMEDOUT after naming the
 * threads still busy to `survivor`. Idempotent.
 */
int rs_pool_shutdown(struct rs_pool *pool, uint64_t deadline_ns, void (*survivor)(void *arg, uint64_t task_id,
	const char *name, const char *what), void *arg);
/* After a shutdown that answered 0. */
void rs_pool_free(struct rs_pool *pool);

/* The pool of the current runtime, or NULL (scheduler). */
struct rs_pool *rs_pool_current(void);
/* Called on a pool thread around its life, so that it is a foreign thread of the runtime (scheduler). */
void rs_thread_enter(struct rouse_runtime *runtime);
void rs_thread_leave(void);
/* Runs fn(arg) catching a panic: 0 with *ret_result, or -ROUSE_EPANIC (task/panic.c). */
int rs_catch_panic(int64_t (*fn)(void *arg), void *arg, int64_t *ret_result);

#endif
