/* SPDX-License-Identifier: MIT */
/*
 * A model as metrics, for Prometheus and whoever else scrapes them: OpenMetrics
 * 1.0, or the older text format (0.0.4), which differs in names of families.
 *
 * How many series. None has the id or the name of a task, so their number is
 * bounded by the program's making and not by its load: per runtime some 50, 30
 * a worker, one a kind of resource that there is, one a finding, and 30 a spawn
 * site, of which CN_METRICS_SITES are told apart; the others are one more,
 * called "(others)". Spawn sites keep their place, so no series ever goes back.
 *
 * Values of labels come from the target: made safe as for a terminal (no
 * controls, whole UTF-8), then escaped.
 */
#ifndef CN_EXPORT_METRICS_H
#define CN_EXPORT_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "diagnose/finding.h"
#include "model/model.h"

enum { CN_METRICS_SITES = 128 }; /* of a runtime: as many as it keeps histograms of */

/* What the three are called in labels. */
#define CN_METRICS_RUNTIME "runtime, runtime_index"
#define CN_METRICS_WORKER CN_METRICS_RUNTIME ", worker"
#define CN_METRICS_SITE CN_METRICS_RUNTIME ", spawned"

/* symbol, type, family (without _total and _info), unit, labels, help; those of workers follow from ROUSE_COUNTERS */
#define CN_METRICS(X)                                                                                                  \
	X(target, INFO, "rouse_target", "", "program, pid, version, source", "What is looked at, and by which source") \
	X(age, GAUGE, "rouse_look_age_seconds", "seconds", "", "Time since the newest look began")                     \
	X(complete, GAUGE, "rouse_look_complete", "", "", "1 if nothing was left out of the newest looks, else 0")     \
	X(lost_looks, COUNTER, "rouse_lost_looks", "", "", "Looks that were due and did not reach us")                 \
	X(looks, COUNTER, "rouse_looks", "", CN_METRICS_RUNTIME, "Looks that were taken")                              \
	X(torn, GAUGE, "rouse_look_torn_rows", "", CN_METRICS_RUNTIME,                                                 \
		"Rows that changed while the newest look read them")                                                   \
	X(stopped, GAUGE, "rouse_stopped", "", CN_METRICS_RUNTIME, "1 if the process was stopped, else 0")             \
	X(level, GAUGE, "rouse_tracing_level", "", CN_METRICS_RUNTIME, "What is recorded: 0 counts, 1 stamps, 2 events") \
	X(emitted, COUNTER, "rouse_ring_events", "", CN_METRICS_RUNTIME, "Ring events that were written")              \
	X(lost, COUNTER, "rouse_ring_events_lost", "", CN_METRICS_RUNTIME,                                             \
		"Ring events that were overwritten before the agent read them")                                        \
	X(tasks, GAUGE, "rouse_tasks", "", CN_METRICS_RUNTIME ", state", "Tasks by state")                             \
	X(live, GAUGE, "rouse_live_tasks", "", CN_METRICS_RUNTIME, "Tasks that have not ended")                        \
	X(inject, GAUGE, "rouse_global_queue_tasks", "", CN_METRICS_RUNTIME, "Tasks in the global queue")              \
	X(blocking_jobs, GAUGE, "rouse_blocking_queued_jobs", "", CN_METRICS_RUNTIME,                                  \
		"Jobs that wait for a thread of the blocking pool")                                                    \
	X(blocking_threads, GAUGE, "rouse_blocking_threads", "", CN_METRICS_RUNTIME ", state",                         \
		"Threads of the blocking pool: busy, idle, and how many more there may be (spare)")                    \
	X(worker_state, GAUGE, "rouse_worker_state", "", CN_METRICS_WORKER ", state",                                  \
		"1 for the state the worker is in, else 0")                                                            \
	X(local, GAUGE, "rouse_local_queue_tasks", "", CN_METRICS_WORKER,                                              \
		"Tasks in the worker's ring and LIFO slot")                                                            \
	X(timers, GAUGE, "rouse_timers", "", CN_METRICS_WORKER, "Timers armed in the worker's wheel")                  \
	X(delay, HISTOGRAM, "rouse_scheduling_delay_seconds", "seconds", CN_METRICS_SITE,                              \
		"From a task's first wake, or its spawn, to the poll; needs level 1")                                  \
	X(poll, HISTOGRAM, "rouse_poll_duration_seconds", "seconds", CN_METRICS_SITE,                                  \
		"How long polls took; needs level 1")                                                                  \
	X(resources, GAUGE, "rouse_resources", "", CN_METRICS_RUNTIME ", kind", "Resources by kind")                   \
	X(waiters, GAUGE, "rouse_resource_waiters", "", CN_METRICS_RUNTIME ", kind", "Tasks that wait for such")       \
	X(findings, GAUGE, "rouse_findings", "", "code, class", "What is wrong in the newest look (`rouse check`)")

enum cn_metrics_format { CN_METRICS_OPENMETRICS, CN_METRICS_TEXT };

struct cn_metrics_from {
	const struct cn_model *model;
	const struct cn_findings *findings;
	uint64_t now_ns; /* cn_session_now_ns() */
};

/* All of them. 0, -ENOMEM; an error of the stream is the caller's to see. */
int cn_metrics_write(FILE *out, enum cn_metrics_format format, const struct cn_metrics_from *from);
/* What an HTTP answer calls it. */
const char *cn_metrics_content_type(enum cn_metrics_format format);
/* The table, a line each: for help. */
void cn_metrics_help(FILE *out);

#endif
