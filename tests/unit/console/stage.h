/* SPDX-License-Identifier: MIT */
/*
 * A runtime that is looked at again and again: a test sets the rows up, and
 * changes what moves between the looks.
 *
 *     stage_task(stage, 20)->state = ROUSE_TASK_RUNNING;
 *     stage_look(stage, 1 * S);
 *     stage_look(stage, 2 * S);
 *     f = stage_finding(stage, CN_FINDING_BUSY_WORKER);
 */
#ifndef STAGE_H
#define STAGE_H

#include "tables.h"

enum { STAGE_TASKS = 4096, STAGE_ROWS = 32, SPAWN_LINE = 10, AWAIT_LINE = 77, MADE_LINE = 33, LEAF_LINE = 5 };
/* Sites that every task and resource has unless it says otherwise, with the lines above. */
enum { SPAWN_SITE = 1, AWAIT_SITE, MADE_SITE, LEAF_SITE };

struct stage {
	struct cn_model *model;
	struct cn_findings *findings;
	struct cn_diagnose_opts opts;
	struct look_opts begin;
	struct task_row tasks[STAGE_TASKS];
	struct await_row awaits[STAGE_TASKS]; /* its only leaf; op 0 = it waits for nothing */
	size_t n_tasks;
	struct resource_row resources[STAGE_ROWS];
	size_t n_resources;
	struct worker_row workers[LOOK_WORKERS_MAX];
	uint32_t n_workers;
	struct thread_row threads[STAGE_ROWS];
	size_t n_threads;
	uint64_t queued[STAGE_ROWS]; /* sent if there are any */
	size_t n_queued;
	uint32_t long_polls; /* of the spawn site, in its histogram */
	uint32_t polls[ROUSE_HISTOGRAM_BUCKETS],
		delays[ROUSE_HISTOGRAM_BUCKETS]; /* the same, if there are no long ones */
	uint64_t lost_events, emitted_events;
	struct socket_row socket; /* sent if has_socket */
	bool has_socket;
	bool incomplete;
};

int stage_open(void **state);
int stage_close(void **state);
/* As if nothing had been seen, and nothing set up. */
void stage_again(void **state);

/* A pending task of one waker, spawned 1 ns after the begin of time. */
struct task_row *stage_task(struct stage *stage, uint64_t id);
/* What it waits for: made if it is the first, in ROUSE_WAIT_WAITING. */
struct await_row *stage_waits(struct stage *stage, uint64_t id, uint32_t op, uint64_t resource);
/* One more. */
struct resource_row *stage_resource(struct stage *stage, uint64_t serial, uint32_t kind);
struct worker_row *stage_worker(struct stage *stage, uint32_t state);
/* The thread of that worker. */
struct thread_row *stage_thread(struct stage *stage, uint32_t worker);
/* Worker `worker` polls task `id` since then. */
void stage_polls(struct stage *stage, uint32_t worker, uint64_t id, uint64_t since_ns);

void stage_look(struct stage *stage, uint64_t now_ns);
/* One of the newest look, NULL if there is none. */
const struct cn_finding *stage_finding(const struct stage *stage, enum cn_finding_code code);
void stage_silent(const struct stage *stage);

#define STAGED(name) cmocka_unit_test_setup_teardown(name, stage_open, stage_close)

#endif
