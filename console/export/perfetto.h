/* SPDX-License-Identifier: MIT */
/*
 * Ring events (level 2) as a trace for ui.perfetto.dev:
 *
 *     process
 *       worker N      a thread: polls, by the name of their task, with its spawn site; sleeps; lost events as such;
 *                     instants "wake NAME" inside the poll that woke
 *       other threads likewise, of those that are no workers: instants alone
 *       tasks         a track each: scheduled, running, waiting
 *       counters      live tasks, global queue, queue of each worker: one value a look
 *
 * A flow leads from each wake to the poll that follows from it. Where events
 * were lost, nothing is said of tasks until the next event of theirs.
 *
 *     cn_trace_new(&trace);
 *     after each look: cn_trace_take(trace, model);
 *     cn_trace_write(trace, model, out);
 *     cn_trace_free(trace);
 */
#ifndef CN_EXPORT_PERFETTO_H
#define CN_EXPORT_PERFETTO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/model.h"

enum {
	CN_TRACE_EVENTS = 1 << 20, /* of more, the later ones are counted and left out */
	CN_TRACE_TASKS = 1000,     /* tracks of tasks; polls of others are seen on the workers' tracks alone */
};

struct cn_trace;

struct cn_trace_stats {
	uint64_t events;
	uint64_t lost;     /* overwritten before they were read, in the program or here */
	uint64_t left_out; /* beyond CN_TRACE_EVENTS */
	uint64_t tasks;    /* that something happened to */
	uint64_t tracks;   /* of tasks */
	uint64_t flows;    /* wakes that led to a poll */
	uint64_t first_ns, last_ns;
};

/* 0 or -ENOMEM. */
int cn_trace_new(struct cn_trace **ret_trace);
void cn_trace_free(struct cn_trace *trace);
/* What has come since the last time, names of tasks that live now, and values of counters. 0 or -ENOMEM. */
int cn_trace_take(struct cn_trace *trace, const struct cn_model *model);
/* Once, at the end: 0, -ENOMEM, or as the stream fails. */
int cn_trace_write(struct cn_trace *trace, const struct cn_model *model, FILE *out);
void cn_trace_stats(const struct cn_trace *trace, struct cn_trace_stats *ret_stats);

#endif
