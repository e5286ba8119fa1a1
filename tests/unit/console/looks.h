/* SPDX-License-Identifier: MIT */
/*
 * Looks made by hand: a test says what is there, this makes the frames that a
 * target would send, has them validated, and applies them to a model.
 *
 *     struct look look = look_at(model, 1 * S);
 *     look_task(&look, (struct task_row){ .id = 20, .state = ROUSE_TASK_PENDING, .polls = 1 });
 *     look_end(&look);
 */
#ifndef LOOKS_H
#define LOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rouse.pb-c.h>

#include "diagnose/chain.h"
#include "diagnose/finding.h"
#include "model/model.h"

#define MS 1000000ull
#define S 1000000000ull

#define TASK_ROW(X)                                                                                \
	X(uint64_t, id)                                                                            \
	X(uint32_t, state)                                                                         \
	X(uint32_t, flags)                                                                         \
	X(uint32_t, stamp)                                                                         \
	X(uint32_t, waker_refs)                                                                    \
	X(uint32_t, handle_refs)                                                                   \
	X(uint32_t, name)                                                                          \
	X(uint32_t, spawn_site)                                                                    \
	X(uint32_t, kind)                                                                          \
	X(uint64_t, parent)                                                                        \
	X(uint64_t, spawned_ns)                                                                    \
	X(uint64_t, edge_ns)                                                                       \
	X(uint64_t, enqueue_ns)                                                                    \
	X(uint64_t, last_waker)                                                                    \
	X(uint32_t, polls)                                                                         \
	X(uint32_t, wakes)                                                                         \
	X(uint32_t, self_wakes)                                                                    \
	X(uint64_t, busy_ns)                                                                       \
	X(uint64_t, scheduled_ns)                                                                  \
	X(uint32_t, worker)                                                                        \
	X(uint32_t, valid)                                                                         \
	X(uint32_t, own_wakers)                                                                    \
	X(uint32_t, frame_bytes)
#define AWAIT_ROW(X)                                                                               \
	X(uint64_t, task)                                                                          \
	X(uint32_t, depth_index)                                                                   \
	X(uint32_t, parent)                                                                        \
	X(uint32_t, type)                                                                          \
	X(uint32_t, at)                                                                            \
	X(uint32_t, op)                                                                            \
	X(uint32_t, wait_state)                                                                    \
	X(uint64_t, resource)                                                                      \
	X(uint64_t, since_ns)                                                                      \
	X(uint64_t, arg)                                                                           \
	X(uint32_t, poll)                                                                          \
	X(uint64_t, waker_task)
#define RESOURCE_ROW(X)                                                                            \
	X(uint64_t, serial)                                                                        \
	X(uint32_t, kind)                                                                          \
	X(uint32_t, flags)                                                                         \
	X(uint32_t, site)                                                                          \
	X(uint32_t, name)                                                                          \
	X(uint64_t, owner)                                                                         \
	X(uint64_t, owner_since_ns)                                                                \
	X(uint64_t, creator)                                                                       \
	X(uint64_t, created_ns)                                                                    \
	X(uint64_t, value)                                                                         \
	X(uint64_t, capacity)                                                                      \
	X(uint64_t, side_a)                                                                        \
	X(uint64_t, side_b)                                                                        \
	X(uint64_t, last_user_a)                                                                   \
	X(uint64_t, last_user_b)                                                                   \
	X(uint32_t, granted)
#define SITE_ROW(X)                                                                                \
	X(uint32_t, id)                                                                            \
	X(uint32_t, kind)                                                                          \
	X(uint32_t, name)                                                                          \
	X(uint32_t, file)                                                                          \
	X(uint32_t, line)                                                                          \
	X(uint32_t, frame_bytes)                                                                   \
	X(uint32_t, op)
#define WORKER_ROW(X)                                                                              \
	X(uint32_t, index)                                                                         \
	X(uint32_t, tid)                                                                           \
	X(uint32_t, state)                                                                         \
	X(uint64_t, current_task)                                                                  \
	X(uint64_t, poll_start_ns)                                                                 \
	X(uint64_t, in_transit)                                                                    \
	X(uint64_t, state_since_ns)                                                                \
	X(uint32_t, local_depth)                                                                   \
	X(uint64_t, lifo_task)                                                                     \
	X(uint32_t, timers)                                                                        \
	X(uint64_t, next_deadline_ns)

#define X(TYPE, NAME) TYPE NAME;
struct task_row {
	TASK_ROW(X)
};
struct await_row {
	AWAIT_ROW(X)
};
struct resource_row {
	RESOURCE_ROW(X)
};
struct site_row {
	SITE_ROW(X)
};
struct worker_row {
	WORKER_ROW(X)
	struct rouse_counters counters;
};
#undef X

enum { LOOK_WORKERS_MAX = 4, LOOK_AWAITS_MAX = 128 };

/* One generation on its way. */
struct look {
	struct cn_model *model;
	uint32_t runtime;
	bool incomplete; /* set before look_end() */
	uint64_t in_transit; /* of worker 0 */
	uint64_t current_task;
	uint32_t tid; /* of worker 0 */
	struct rouse_counters counters; /* of worker 0 */
	uint32_t tasks;
	uint64_t lost_events, emitted_events;
	struct worker_row workers[LOOK_WORKERS_MAX]; /* if there are any, in place of that worker 0 */
	uint32_t n_workers;
};

/* How a look begins; look_at() takes the usual: runtime 0, keyframe, level 1. */
struct look_opts {
	uint32_t runtime;
	bool changes_only;
	bool stopped;
	uint32_t level; /* + 1; 0 = 1 */
	uint32_t state; /* 0 = active */
	uint64_t foreign_in_transit;
	uint64_t inject_depth;
	uint64_t blocking_queued, blocking_threads, blocking_idle, blocking_limit;
	uint64_t watchdog_ns, stopping_ns;
	uint32_t driver_worker;
};
struct look look_at(struct cn_model *model, uint64_t now_ns);
struct look look_with(struct cn_model *model, uint64_t now_ns, struct look_opts opts);
void look_string(struct look *look, uint32_t index, const char *text);
void look_site(struct look *look, struct site_row row);
void look_task(struct look *look, struct task_row row);
/* Rows of one task, root first; depth_index and task are filled in. */
void look_awaits(struct look *look, uint64_t task, struct await_row *rows, size_t n);
void look_resource(struct look *look, struct resource_row row);
void look_histogram(struct look *look, uint32_t site, const uint32_t poll[ROUSE_HISTOGRAM_BUCKETS]);
void look_histograms(struct look *look, uint32_t site, const uint32_t poll[ROUSE_HISTOGRAM_BUCKETS],
	const uint32_t delay[ROUSE_HISTOGRAM_BUCKETS]);
/* One frame of a ring's records, in the order in which they were written. */
struct event_row {
	uint64_t ns;
	uint32_t kind;
	uint64_t task;
	uint32_t arg32;
	uint64_t arg;
};
void look_events(struct look *look, uint32_t ring, uint32_t worker, uint64_t lost_before, const struct event_row *rows,
	size_t n);
void look_removed(struct look *look, uint64_t task, uint64_t resource);
void look_end(struct look *look);
/* Any frame: validated, applied; answers what cn_model_apply() did. */
int look_apply(struct cn_model *model, const Rouse__V1__Frame *frame);
int look_hello(struct cn_model *model, const char *source);

/* The finding with that code, NULL if there is none. */
const struct cn_finding *finding_of(const struct cn_findings *findings, enum cn_finding_code code);

#endif
