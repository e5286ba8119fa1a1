/* SPDX-License-Identifier: MIT */
/*
 * Where the time of polls went: what the kernel has summed, joined to what the
 * model knows of tasks, spawn sites and workers.
 */
#ifndef CN_CLI_PROBE_SCHED_H
#define CN_CLI_PROBE_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/paint.h"
#include "loader/sched.h"
#include "source/session.h"

/* A task, a spawn site or a worker. */
struct cn_split_row {
	uint64_t id;                /* of the task; index of the worker */
	const struct cn_task *task; /* NULL: none, or it has ended */
	uint32_t runtime, site;     /* in the model */
	uint32_t tid;
	uint32_t polls; /* in the window; of sites: of the tasks that live */
	uint64_t cpu_ns;
	bool cpu_known; /* of sites: of all its tasks, else cpu_ns is that of those that live */
	struct bl_off off;
	uint64_t in_progress; /* workers: the task in whose poll it is off its CPU */
};

struct cn_splits {
	const struct cn_session *session;
	const struct bl_sched_result *result;
	struct cn_split_row *tasks, *sites, *workers; /* those with most time first; workers by index */
	size_t n_tasks, n_sites, n_workers;
	enum bl_end end;
	uint64_t clock_error_ns; /* how much the window of CPU time can differ from that of off-CPU time */
	size_t limit;            /* rows to print */
	bool verbose;            /* with the costs */
};

uint64_t cn_off_total(const struct bl_off *off);
/* Anything that is not in the rows. */
bool cn_splits_lossy(const struct cn_splits *splits);
void cn_splits_json(const struct cn_splits *splits);
void cn_splits_print(const struct cn_splits *splits, const struct cn_paint *paint);

/* rouse probe --sched; argv[0] is the verb. Answers the exit code. */
int cn_probe_sched_main(int argc, char **argv);

#endif
