/* SPDX-License-Identifier: MIT */
/*
 * The task cell, seen from inside: struct rouse_cell_record with types. Who
 * writes which field is said in rouse/layout.h. Readers outside look at any
 * time, so fields they see are written by relaxed atomic stores (RS_PUT).
 */
#ifndef RS_TASK_CELL_H
#define RS_TASK_CELL_H

#include <rouse/task.h>

#include "task/state.h"

struct rouse_task {
	uint64_t state;
	uint64_t id;
	struct rouse_future *future;
	struct rouse_task *link; /* queues; after a panic: struct rouse_panic_record */
	uint64_t edge_ticks;
	uint64_t enqueue_ticks;
	uint64_t last_waker;
	uint32_t polls;
	uint32_t wakes;
	uint64_t busy_ticks;
	uint64_t scheduled_ticks;
	uint64_t spawned_ticks;
	uint64_t parent;
	uint32_t self_wakes;
	uint32_t spawn_site;
	uint16_t worker;
	uint8_t kind;
	uint8_t reserved;
	uint32_t name_offset;
	struct rouse_waker join_waker;
};

#define RS_SAME_OFFSET_(FIELD)                                                                     \
	_Static_assert(offsetof(struct rouse_task, FIELD) == offsetof(struct rouse_cell_record, FIELD), #FIELD)
RS_SAME_OFFSET_(state);
RS_SAME_OFFSET_(id);
RS_SAME_OFFSET_(future);
RS_SAME_OFFSET_(link);
RS_SAME_OFFSET_(edge_ticks);
RS_SAME_OFFSET_(enqueue_ticks);
RS_SAME_OFFSET_(last_waker);
RS_SAME_OFFSET_(polls);
RS_SAME_OFFSET_(wakes);
RS_SAME_OFFSET_(busy_ticks);
RS_SAME_OFFSET_(scheduled_ticks);
RS_SAME_OFFSET_(spawned_ticks);
RS_SAME_OFFSET_(parent);
RS_SAME_OFFSET_(self_wakes);
RS_SAME_OFFSET_(spawn_site);
RS_SAME_OFFSET_(worker);
RS_SAME_OFFSET_(kind);
RS_SAME_OFFSET_(name_offset);
RS_SAME_OFFSET_(join_waker);
_Static_assert(sizeof(struct rouse_task) == ROUSE_CELL_BYTES, "the cell is two cache lines");
_Static_assert(sizeof(struct rouse_future) == sizeof(struct rouse_future_record), "frame head");
_Static_assert(sizeof(struct rouse_wait) == sizeof(struct rouse_wait_record), "wait node");
_Static_assert(offsetof(struct rouse_wait, state) == offsetof(struct rouse_wait_record, state), "wait state");

#define RS_PUT(P, V) rs_store((P), (V), RS_RELAXED)

extern const struct rouse_waker_vtable rs_task_waker_vtable;
/*
 * The poll that ends now leaves the task without a waker: writes down where its
 * last one went, if it went in this very poll. By who polls it, before it rests.
 */
void rs_task_stranded_owner(struct rouse_task *task);

struct rouse_runtime *rs_task_runtime(const struct rouse_task *task);
/* The task goes into a queue: the caller won idle -> scheduled. `source`: who, when no task runs on this thread. */
void rs_task_schedule(struct rouse_task *task, enum rouse_wake_source source);
/* Wakes by a reference that is given back, with a source for last_waker. */
void rs_task_wake(struct rouse_task *task, bool consume, enum rouse_wake_source source) __attribute__((nonnull));
void rs_task_free(struct rouse_task *task);
/* Ends the task whose RUNNING the caller owns: counts, wakes the joiner, frees. */
void rs_task_finish(struct rouse_task *task, uint64_t outcome);

#endif
