/* SPDX-License-Identifier: MIT */
/*
 * Shutting down, in an order that needs no cooperation from tasks:
 *
 *   1. state = STOPPING: no spawn, no new resource; every worker leaves its
 *      loop after the poll it is in. Wait for them, until the deadline.
 *   2. Workers gone, and foreign threads that were in the middle of a spawn or
 *      a wake (foreign.c): this thread owns every future. Cancel each task that
 *      has not ended, by scanning the chunks; FINALLY parts run here.
 *   3. The blocking pool: queued jobs end, running ones are waited for.
 *   4. Resources are orphaned: what the program still holds says so when used.
 *
 * One thread at a time does this; another that wants to waits, then finds it done.
 *
 * Whoever is still in a poll or a job when the deadline passes is named, and
 * left with everything it may touch in place.
 */
#include "base/futex.h"
#include "sched/poll.h"
#include "sched/runtime.h"
#include "trace/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <rouse/hooks.h>

struct report {
	struct rouse_runtime *runtime;
	rouse_survivor_fn survivor;
	void *arg;
	uint32_t n;
};

static void name_survivor(void *arg, uint64_t task_id, const char *name, const char *what)
{
	struct report *report = arg;

	report->n++;
	if (report->survivor)
		report->survivor(report->arg, task_id, name, what);
	else
		rs_runtime_log(report->runtime, "still alive at the end of shutdown: %s (%llu): %s", name,
			(unsigned long long)task_id, what);
}

/* Looks now, whenever the last task ends, and every millisecond. False: it got too late. */
static bool eventually(struct rouse_runtime *runtime, bool (*is_so)(struct rouse_runtime *), uint64_t deadline_ns)
{
	while (!is_so(runtime)) {
		if (rs_mono_ns() >= deadline_ns)
			return false;
		(void)rs_futex_wait(&runtime->idle_epoch, rs_load(&runtime->idle_epoch, RS_RELAXED),
			rs_mono_ns() + ROUSE_MS);
	}
	return true;
}

static bool claim(struct rouse_runtime *runtime)
{
	bool nobody = false;

	return rs_cas(&runtime->stopping, &nobody, true, RS_ACQUIRE, RS_RELAXED);
}

static bool nobody_drives(struct rouse_runtime *runtime)
{
	return !rs_load(&runtime->busy, RS_ACQUIRE);
}

static bool nobody_visits(struct rouse_runtime *runtime)
{
	return !rs_load(&runtime->page->foreign_in_transit, RS_SEQ_CST); /* V4, V8 in foreign.c */
}

/* -------------------------------------------------------------- 1: workers */

/* Its last store says that it is leaving; after that the join is a matter of moments. */
static void join_worker(struct rs_worker *w, uint64_t deadline_ns, struct report *report)
{
	if (!w->started)
		return;
	while (!rs_load(&w->gone, RS_ACQUIRE) && rs_mono_ns() < deadline_ns)
		(void)rs_futex_wait(&w->gone, 0, deadline_ns);
	if (rs_load(&w->gone, RS_ACQUIRE)) {
		pthread_join(w->thread, NULL);
		w->started = false;
		return;
	}
	name_survivor(report, rs_load(&w->record->current_task, RS_RELAXED), "a task being polled",
		"its poll does not end");
}

static void stop_workers(struct rouse_runtime *runtime, uint64_t deadline_ns, struct report *report)
{
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		rs_worker_unpark(&runtime->workers[i]);
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		join_worker(&runtime->workers[i], deadline_ns, report);
	if (!eventually(runtime, nobody_drives, deadline_ns))
		name_survivor(report, rs_load(&runtime->workers[0].record->current_task, RS_RELAXED),
			"a task being polled", "its poll does not end");
	if (!eventually(runtime, nobody_visits, deadline_ns))
		name_survivor(report, 0, "a thread outside", "it does not come to the end of a wake-up");
}

/* ---------------------------------------------------------------- 2: tasks */

static void cancel(void *arg, void *slot)
{
	struct rouse_task *task = slot;
	uint64_t *found = arg;

	if (rs_load(&task->state, RS_ACQUIRE) & ROUSE_COMPLETE)
		return;
	++*found;
	RS_PUT(&task->link, NULL); /* it may hang in a queue, which nobody reads any more */
	rs_task_finish(task, rs_drop_future(task, ROUSE_CANCELLED));
}

/* A FINALLY may not spawn (state says so), but may wake: those tasks are found by the same scan. */
static void cancel_all(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = rouse_enter(runtime);
	uint64_t found = 0;

	rs_slab_each(runtime->page, ROUSE_CHUNK_TASK, cancel, &found);
	rouse_leave(&guard);
}

/* ------------------------------------------------------------ 4: resources */

static void orphan(void *arg, void *slot)
{
	struct rs_resource *r = slot;

	(void)arg;
	rs_lock_take(&r->lock);
	rs_record(&r->flags, (uint8_t)(r->flags | ROUSE_RESOURCE_ORPHANED));
	rs_lock_drop(&r->lock);
}

static int shut_down(struct rouse_runtime *runtime, uint64_t deadline_ns, struct report *report)
{
	uint32_t state = ROUSE_RUNTIME_ACTIVE;

	/* A second call after a time-out tries again; one after success has nothing to do. */
	if (rs_cas(&runtime->state, &state, (uint32_t)ROUSE_RUNTIME_STOPPING, RS_SEQ_CST, RS_ACQUIRE)) /* V3 */
		RS_PUT(&runtime->page->stopping_ticks, rs_ticks());
	else if (state == ROUSE_RUNTIME_STOPPED)
		return 0;
	RS_PUT(&runtime->page->state, (uint32_t)ROUSE_RUNTIME_STOPPING);
	stop_workers(runtime, deadline_ns, report);
	if (report->n == 0)
		cancel_all(runtime);
	if (rs_pool_shutdown(runtime->pool, deadline_ns, name_survivor, report) < 0 || report->n)
		return -ETIMEDOUT;
	rs_watchdog_stop(runtime);
	rs_slab_each(runtime->page, ROUSE_CHUNK_RESOURCE, orphan, NULL);
	rs_store(&runtime->state, (uint32_t)ROUSE_RUNTIME_STOPPED, RS_RELEASE);
	RS_PUT(&runtime->page->state, (uint32_t)ROUSE_RUNTIME_STOPPED);
	rs_fetch_add(&runtime->idle_epoch, 1u, RS_RELEASE);
	rs_futex_wake(&runtime->idle_epoch, INT32_MAX);
	if (rs_hooks() && rs_hooks()->runtime_stopped)
		rs_hooks()->runtime_stopped();
	return 0;
}

int rouse_runtime_shutdown(struct rouse_runtime *runtime, uint64_t deadline_ns, rouse_survivor_fn survivor, void *arg)
{
	uint64_t now = rs_mono_ns();
	struct report report = { runtime, survivor, arg, 0 };

	if (rs_forked)
		return -ROUSE_EFORKED;
	if (rs_self.worker || rs_self.task || rs_self.serves == runtime) /* a task without a worker: in cancel_all */
		return -EDEADLK;
	deadline_ns = deadline_ns > UINT64_MAX - now ? UINT64_MAX : now + deadline_ns;
	if (!eventually(runtime, claim, deadline_ns))
		return -ETIMEDOUT;
	int rc = shut_down(runtime, deadline_ns, &report);

	rs_store(&runtime->stopping, false, RS_RELEASE);
	return rc;
}

/* ----------------------------------------------------------------- memory */

static void count_slot(void *arg, void *slot)
{
	(void)slot;
	++*(uint64_t *)arg;
}

/* What the program still holds (handles, wakers, resources) must stay readable for as long as it is held. */
static uint64_t still_held(struct rouse_runtime *runtime)
{
	uint64_t n = 0;

	rs_slab_each(runtime->page, ROUSE_CHUNK_TASK, count_slot, &n);
	rs_slab_each(runtime->page, ROUSE_CHUNK_RESOURCE, count_slot, &n);
	return n;
}

/* Runtimes whose memory stays: reachable, so that leak checkers know that it is meant. */
static struct rouse_runtime *kept;

static void keep(struct rouse_runtime *runtime, uint64_t held)
{
	rs_runtime_log(runtime, "%llu tasks or resources outlive their runtime: its memory stays",
		(unsigned long long)held);
	runtime->next = rs_load(&kept, RS_RELAXED);
	while (!rs_cas(&kept, &runtime->next, runtime, RS_RELEASE, RS_RELAXED))
		;
}

void rs_runtime_destroy(struct rouse_runtime *runtime)
{
	rs_runtime_unregister(runtime);
	for (uint32_t i = 0; i < runtime->n_workers && runtime->workers; i++) {
		rs_wheel_free(runtime->workers[i].wheel);
		rs_resource_free(runtime->workers[i].wheel_resource);
	}
	rs_wheel_free(runtime->foreign_wheel);
	rs_resource_free(runtime->foreign_wheel_resource);
	rs_pool_free(runtime->pool);
	rs_reactor_free(runtime->reactor);
	if (runtime->page) {
		uint64_t held = still_held(runtime);

		rs_sites_forget(runtime->page);
		if (held) {
			keep(runtime, held);
			return;
		}
		(void)eventually(runtime, nobody_visits, UINT64_MAX);
		rs_slab_unmap_all(runtime->page);
		rs_page_free(runtime->page);
	}
	free(runtime->workers);
	free(runtime);
}

void rouse_runtime_free(struct rouse_runtime *runtime)
{
	if (!runtime || rs_forked || rs_fetch_sub(&runtime->refs, 1u, RS_ACQ_REL) != 1)
		return;
	if (rouse_runtime_shutdown(runtime, 5 * ROUSE_S, NULL, NULL) == 0)
		rs_runtime_destroy(runtime);
}
