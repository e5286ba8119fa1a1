/* SPDX-License-Identifier: MIT */
/* Tasks: from the slot to the queue, through wakes, to the end. */
#include "base/futex.h"
#include "sched/runtime.h"
#include "trace/probes.h"
#include "trace/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255 };

struct rouse_runtime *rs_task_runtime(const struct rouse_task *task)
{
	return rs_chunk_of(task)->runtime;
}

/* ------------------------------------------------------------- scheduling */

static void push(struct rouse_runtime *runtime, struct rs_worker *w, struct rouse_task *task)
{
	if (!w)
		rs_inject_task(runtime, task);
	else if (w->in_driver)
		rs_worker_push(w, task);
	else
		rs_worker_push_lifo(w, task);
}

void rs_task_schedule(struct rouse_task *task, enum rouse_wake_source source)
{
	struct rouse_runtime *runtime = rs_task_runtime(task);
	struct rs_worker *w = rs_worker_here(runtime);
	uint32_t level = w ? w->level : rs_load(&runtime->level, RS_RELAXED);
	/* Within a poll its edge is close enough, and free: delays are "at most" by that poll. */
	uint64_t now = !level ? 0 : w && !w->in_driver ? w->edge : rs_ticks();
	uint64_t waker = rs_self.task ? rs_self.task->id : (uint64_t)source;

	RS_PUT(&task->enqueue_ticks, now);
	RS_PUT(&task->last_waker, waker);
	RS_PUT(&task->wakes, task->wakes + 1);
	RS_COUNT_AS(w, runtime, wakes, 1);
	if (level > 1)
		rs_emit(runtime, ROUSE_EVENT_WAKE, now, task->id, task->polls, waker);
	rs_probe_wake(task->id, waker, task->polls);
	push(runtime, w, task);
}

/* Apart, so that a task which wakes itself saves no registers for it. */
static __attribute__((noinline)) void wake(struct rouse_task *task, bool consume, enum rouse_wake_source source)
{
	struct rouse_runtime *runtime = rs_task_runtime(task);
	bool visiting = rs_visit_begin(runtime);

	switch (rs_state_wake(&task->state, consume)) {
	case RS_SCHEDULE:
		rs_task_schedule(task, source);
		break;
	case RS_FREE:
		rs_task_free(task);
		break;
	default:
		break;
	}
	rs_visit_end(runtime, visiting);
}

void rs_task_wake(struct rouse_task *task, bool consume, enum rouse_wake_source source)
{
	if (rs_forked)
		return;
	if (rs_self.task == task) {
		rs_self.self_woken = true;
		if (!consume) {
			rs_state_wake_self(&task->state);
			return;
		}
	}
	wake(task, consume, source);
}

/* --------------------------------------------------------------- spawning */

static int spawn_error(const struct rouse_runtime *runtime)
{
	if (rs_forked)
		return ROUSE_EFORKED;
	if (!runtime)
		return ROUSE_ENORUNTIME;
	return rs_load(&runtime->state, RS_ACQUIRE) >= ROUSE_RUNTIME_STOPPING ? ROUSE_ESHUTDOWN : 0;
}

/* Frames too large for a slot live beside it; the name always lies behind what is in the slot. */
static struct rouse_task *take_cell(struct rouse_runtime *runtime, size_t frame_bytes, const char *name)
{
	size_t name_bytes = name ? strnlen(name, NAME_MAX_BYTES) + 1 : 0;
	bool inside = sizeof(struct rouse_task) + frame_bytes + name_bytes <= RS_SLOT_MAX;
	size_t used = sizeof(struct rouse_task) + (inside ? frame_bytes : 0);
	void *outside = inside ? NULL : aligned_alloc(64, (frame_bytes + 63) & ~(size_t)63);

	if (!inside && !outside)
		return NULL;
	struct rs_shard *shard = rs_shard_enter(runtime);
	struct rouse_task *task = rs_slab_take_owner(shard, ROUSE_CHUNK_TASK, used + name_bytes);
	uint64_t id = task ? rs_slab_next_id_owner(shard) : 0;

	rs_shard_leave(shard);
	if (!task) {
		free(outside);
		return NULL;
	}
	if (name) {
		memcpy((char *)task + used, name, name_bytes - 1);
		((char *)task)[used + name_bytes - 1] = 0;
		RS_PUT(&task->name_offset, (uint32_t)used);
	}
	RS_PUT(&task->future, inside ? (struct rouse_future *)(void *)(task + 1) : outside);
	/* Not yet visible: readers skip a cell whose id is 0. rouse_prepared_ stores it. */
	task->enqueue_ticks = id;
	return task;
}

/* Where a frame is built that finds no cell. What its arguments' expressions do to errno must not matter. */
struct scratch {
	_Alignas(64) int error;
};

void *rouse_prepare_(const struct rouse_task_spec *spec, const struct rouse_future_type *type, struct rouse_task **ret_task)
{
	struct rouse_runtime *runtime = spec->runtime ? spec->runtime : rs_self.runtime;
	int error = spawn_error(runtime);
	struct rouse_task *task = error ? NULL : take_cell(runtime, type->bytes, spec->name);

	*ret_task = task;
	if (!task) {
		struct scratch *scratch = aligned_alloc(64, (sizeof *scratch + type->bytes + 63) & ~(size_t)63);

		if (!scratch)
			rouse_panic("no memory for the arguments of %s", type->name);
		scratch->error = error ? error : ENOMEM;
		return scratch + 1;
	}
	task->state = ROUSE_CREATED | ROUSE_JOIN_INTEREST | ROUSE_HANDLE_ONE;
	task->parent = rs_self.task ? rs_self.task->id : 0;
	task->spawn_site = rs_site_index(spec->site);
	task->worker = UINT16_MAX;
	task->kind = (uint8_t)spec->kind;
	return task->future;
}

/* From here on readers see the task, and a shutdown cancels it. */
static void publish(struct rouse_runtime *runtime, struct rouse_task *task)
{
	uint64_t id = task->enqueue_ticks;
	uint32_t level = rs_load(&runtime->level, RS_RELAXED);

	RS_PUT(&task->enqueue_ticks, 0);
	RS_PUT(&task->spawned_ticks, level ? rs_ticks() : 0);
	rs_store(&task->id, id, RS_RELEASE);
	RS_COUNT(runtime, spawned, 1);
	if (level > 1)
		rs_emit(runtime, ROUSE_EVENT_SPAWN, task->spawned_ticks, id, task->spawn_site, task->parent);
	rs_probe_spawn(id, task->spawn_site, task->parent);
}

struct rouse_task *rouse_prepared_(struct rouse_task *task, void *frame)
{
	if (!task) {
		struct scratch *scratch = (struct scratch *)frame - 1;
		int error = scratch->error;

		rouse_future_drop(frame);
		free(scratch);
		errno = error;
		return NULL;
	}
	struct rouse_runtime *runtime = rs_task_runtime(task);
	bool visiting = rs_visit_begin(runtime), late = visiting && rs_visit_late(runtime);

	if (!late)
		publish(runtime, task);
	rs_visit_end(runtime, visiting);
	if (!late)
		return task;
	rouse_future_drop(frame);
	rs_task_free(task);
	errno = ROUSE_ESHUTDOWN;
	return NULL;
}

static void enqueue_new(struct rouse_runtime *runtime, struct rouse_task *task, uint64_t now)
{
	RS_PUT(&task->enqueue_ticks, now);
	RS_PUT(&task->last_waker, (uint64_t)ROUSE_WAKE_SPAWN);
	push(runtime, rs_worker_here(runtime), task);
}

struct rouse_task *rouse_task_start(struct rouse_task *task)
{
	if (!task || rs_forked)
		return task;
	struct rouse_runtime *runtime = rs_task_runtime(task);
	bool visiting = rs_visit_begin(runtime);

	if (rs_state_start(&task->state) == RS_SCHEDULE)
		enqueue_new(runtime, task, task->spawned_ticks ? rs_ticks() : 0);
	rs_visit_end(runtime, visiting);
	return task;
}

/*
 * It was published some instructions ago, so that one stamp does for both. On a
 * worker nobody else has the cell yet; elsewhere a shutdown may.
 */
struct rouse_task *rouse_task_start_new_(struct rouse_task *task)
{
	if (!task)
		return NULL;
	struct rouse_runtime *runtime = rs_task_runtime(task);

	if (!rs_worker_here(runtime))
		return rouse_task_start(task);
	rs_store(&task->state, ROUSE_NOTIFIED | ROUSE_JOIN_INTEREST | (ROUSE_HANDLE_ONE + ROUSE_STAMP_ONE), RS_RELAXED);
	enqueue_new(runtime, task, task->spawned_ticks);
	return task;
}

/*
 * Nobody else has the cell yet, but for a shutdown: no reference is made at
 * all, and its state moves by plain stores from here on.
 */
int rouse_task_start_detached_(struct rouse_task *task)
{
	if (!task)
		return -errno;
	struct rouse_runtime *runtime = rs_task_runtime(task);
	bool visiting = rs_visit_begin(runtime), late = visiting && rs_visit_late(runtime);

	if (!late) {
		rs_store(&task->state, ROUSE_NOTIFIED + ROUSE_STAMP_ONE, RS_RELAXED);
		enqueue_new(runtime, task, task->spawned_ticks);
	}
	rs_visit_end(runtime, visiting);
	if (late)
		rouse_task_detach(task);
	return 0;
}

/* ----------------------------------------------------------------- handles */

struct rouse_task *rouse_task_ref(struct rouse_task *task)
{
	if (!rs_state_ref(&task->state, ROUSE_HANDLE_ONE, ROUSE_HANDLE_MASK))
		rouse_panic("task %llu has too many handles", (unsigned long long)task->id);
	return task;
}

static void unref_handle(struct rouse_task *task)
{
	if (rs_state_unref(&task->state, ROUSE_HANDLE_ONE) == RS_FREE)
		rs_task_free(task);
}

void rouse_task_detach(struct rouse_task *task)
{
	if (!task || rs_forked)
		return;
	if (rs_load(&task->state, RS_RELAXED) & ROUSE_CREATED)
		rouse_task_abort(task);
	unref_handle(task);
}

void rouse_task_abort(struct rouse_task *task)
{
	if (rs_forked)
		return;
	struct rouse_runtime *runtime = rs_task_runtime(task);
	bool visiting = rs_visit_begin(runtime);

	if (rs_state_abort(&task->state) == RS_SCHEDULE)
		rs_task_schedule(task, ROUSE_WAKE_ABORT);
	rs_visit_end(runtime, visiting);
}

uint64_t rouse_task_id(const struct rouse_task *task)
{
	return task->id;
}

enum rouse_task_state rouse_task_get_state(const struct rouse_task *task)
{
	return rouse_state_of(rs_load(&task->state, RS_ACQUIRE));
}

const char *rouse_task_name(const struct rouse_task *task)
{
	return task->name_offset ? (const char *)task + task->name_offset : task->future->type->name;
}

struct rouse_task *rouse_task_current(void)
{
	return rs_self.task;
}

/* ------------------------------------------------------------------ ending */

static void wake_idle_waiters(struct rouse_runtime *runtime)
{
	struct rouse_totals totals;

	/* Pairs with the heavy fence in rouse_block_until_idle: it sees our count, or we see it waiting. */
	rs_fence_light();
	if (!rs_load(&runtime->idle_waiters, RS_RELAXED))
		return;
	/* Two tasks end last, on two workers: one of them must see both counts. Each counts, fences, sums. */
	rs_fence(RS_SEQ_CST);
	rouse_runtime_totals(runtime, &totals);
	if (totals.live)
		return;
	rs_fetch_add(&runtime->idle_epoch, 1u, RS_RELEASE);
	rs_futex_wake(&runtime->idle_epoch, INT32_MAX);
}

void rs_task_finish(struct rouse_task *task, uint64_t outcome)
{
	struct rouse_runtime *runtime = rs_task_runtime(task);
	uint32_t state = rouse_state_of(ROUSE_COMPLETE | outcome);
	bool join;

	if (outcome == 0)
		RS_COUNT(runtime, completed, 1);
	else if (outcome == ROUSE_CANCELLED)
		RS_COUNT(runtime, cancelled, 1);
	else
		RS_COUNT(runtime, panicked, 1);
	if (rs_load(&runtime->level, RS_RELAXED) > 1)
		rs_emit(runtime, ROUSE_EVENT_COMPLETE, task->edge_ticks, task->id, state, 0);
	rs_probe_complete(task->id, state);
	if (rs_state_finish(&task->state, outcome, &join) == RS_FREE) {
		rs_task_free(task);
	} else if (join) {
		struct rouse_waker waker = task->join_waker;

		rouse_waker_wake(&waker);
		unref_handle(task);
	}
	wake_idle_waiters(runtime);
}

void rs_task_free(struct rouse_task *task)
{
	if (rs_forked)
		return;
	struct rouse_runtime *runtime = rs_task_runtime(task);
	struct rs_worker *w = rs_worker_here(runtime);
	bool visiting = rs_visit_begin(runtime);

	if (rs_load(&task->state, RS_RELAXED) & ROUSE_PANICKED)
		free(task->link);
	if (task->future != (struct rouse_future *)(void *)(task + 1))
		free(task->future);
	rs_store(&task->id, 0ull, RS_RELEASE); /* V5 */
	rs_slab_give_any(task, w ? &w->shard : NULL);
	rs_visit_end(runtime, visiting);
}
