/* SPDX-License-Identifier: MIT */
/*
 * Threads that are not workers of the runtime they deal with: main, blocking
 * threads, workers of another runtime. They share one record of counters
 * (atomic adds), one slab shard (locked), and take one of a few event rings for
 * as long as they live, or until they deal with another runtime; who finds none
 * counts its events as lost. A thread may outlive the runtime whose ring it has,
 * so it remembers a serial, not an address, which the next one might get.
 */
#include "sched/runtime.h"

#include <pthread.h>
#include <unistd.h>

_Thread_local struct rs_thread rs_self __attribute__((tls_model("initial-exec")));

uint64_t rs_thread_id(void)
{
	return rs_self.id = RS_THREAD_ID | (uint64_t)gettid();
}

/* ------------------------------------------------------------------ rings */

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* for its destructor's sake */
static bool have_key;

static void leave_ring(void)
{
	if (rs_self.ring)
		rs_runtime_return_ring(rs_self.ring_serial, rs_self.ring);
	rs_self.ring = NULL;
}

static void at_thread_exit(void *unused)
{
	(void)unused;
	leave_ring();
}

static void make_key(void)
{
	have_key = pthread_key_create(&key, at_thread_exit) == 0;
}

static struct rouse_ring *claim_ring(struct rouse_runtime *runtime)
{
	pthread_once(&key_once, make_key);
	if (have_key)
		(void)pthread_setspecific(key, &key);
	for (uint32_t i = runtime->n_workers; i < runtime->page->ring_count; i++) {
		struct rouse_ring *ring = rs_page_ring(runtime->page, i);
		uint32_t none = 0;

		/* Acquire: the former owner's records come before ours. Pairs with rs_runtime_return_ring. */
		if (rs_cas(&ring->tid, &none, (uint32_t)gettid(), RS_ACQUIRE, RS_RELAXED))
			return ring;
	}
	return NULL;
}

static struct rouse_ring *foreign_ring(struct rouse_runtime *runtime)
{
	if (rs_self.ring_serial != runtime->serial)
		leave_ring();
	if (!rs_self.ring) {
		rs_self.ring = claim_ring(runtime);
		rs_self.ring_serial = runtime->serial;
	}
	return rs_self.ring;
}

void rs_emit(struct rouse_runtime *runtime, enum rouse_event_kind kind, uint64_t ticks, uint64_t task, uint32_t arg32,
	uint64_t arg)
{
	struct rs_worker *w = rs_worker_here(runtime);

	if (w) {
		rs_emit_owner(w, kind, ticks, task, arg32, arg);
		return;
	}
	struct rouse_ring *ring = foreign_ring(runtime);

	if (!ring) {
		rs_fetch_add(&runtime->page->foreign_lost, 1ull, RS_RELAXED);
		return;
	}
	rs_ring_emit(ring, kind, ticks, task, (uint16_t)ring->worker, arg32, arg);
	RS_COUNT_AS(w, runtime, emitted, 1);
}

/* ---------------------------------------------------------------- transit */

/*
 * A foreign thread has no part in the order of a shutdown: it may wake a task
 * that this cancels, and its last reference may be all that kept the memory it
 * is still using. So it counts while it is at such things:
 *
 *   visitor                            shutdown, then destroy
 *   V1  count + 1                      V3  state = STOPPING
 *   V2  STOPPING? nothing is           V4  wait for a count of 0;
 *       published or pushed                what is there now is all there is
 *   V5  free the slot (id = 0), ...    V6  no slot is in use
 *   V7  count - 1                      V8  wait for a count of 0; unmap
 *
 * V1 to V4 are sequentially consistent: V2 sees V3, or V4 sees V1. Who comes
 * after V4 has a reference, and gives it back at V5 at the earliest: V6
 * (acquire) has seen V1 then, and V8 waits for the thread's last step.
 */
void rs_foreign_count_in(struct rouse_runtime *runtime)
{
	rs_fetch_add(&runtime->page->foreign_in_transit, 1ull, RS_SEQ_CST); /* V1 */
}

void rs_foreign_count_out(struct rouse_runtime *runtime)
{
	rs_fetch_sub(&runtime->page->foreign_in_transit, 1ull, RS_RELEASE); /* V7 */
}

bool rs_visit_late(const struct rouse_runtime *runtime)
{
	return rs_load(&runtime->state, RS_SEQ_CST) >= ROUSE_RUNTIME_STOPPING; /* V2 */
}

/* ---------------------------------------------------------- pool threads */

void rs_thread_enter(struct rouse_runtime *runtime)
{
	rs_self.runtime = rs_self.serves = runtime;
}

void rs_thread_leave(void)
{
	leave_ring();
	rs_self.runtime = rs_self.serves = NULL;
}

/* ------------------------------------------- what drivers ask of the scheduler */

struct rs_wheel *rs_wheel_current(struct rouse_context *cx)
{
	struct rs_worker *w = cx->worker;

	if (w)
		return w->wheel;
	return rs_self.runtime ? rs_self.runtime->foreign_wheel : NULL;
}

void rs_wheel_earlier(struct rs_wheel *wheel, struct rouse_context *cx)
{
	struct rouse_runtime *runtime = rs_self.runtime;

	/* A running worker looks at its own wheel before it sleeps; a foreign thread must tell the driver. */
	if (!cx->worker && runtime && wheel == runtime->foreign_wheel)
		rs_reactor_poke(runtime->reactor);
}

struct rs_reactor *rs_reactor_current(void)
{
	return rs_self.runtime ? rs_self.runtime->reactor : NULL;
}

struct rs_reactor *rs_reactor_of(const struct rs_resource *resource)
{
	return resource->runtime->reactor;
}

struct rs_pool *rs_pool_current(void)
{
	return rs_self.runtime ? rs_self.runtime->pool : NULL;
}
