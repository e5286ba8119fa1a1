/* SPDX-License-Identifier: MIT */
/**
 * sched.h - off-CPU time within polls: the kernel's side of one rouse process.
 *
 * Needs no probe, no agent and no preparation; the process feels nothing but
 * some 60 ns more at each switch of its worker threads. What is measured is
 * described in ../sched.bpf.c.
 *
 *     bl_sched_open(pid, NULL, &sched, &why);
 *     while ((rc = bl_sched_wait(sched, 100)) == 0 && !enough)
 *             ;
 *     bl_sched_stop(sched, &result, &why);
 *     bl_sched_close(sched);
 *
 * Not thread-safe. Nothing stays attached when the caller dies: the links are
 * its descriptors.
 */
#ifndef BL_LOADER_SCHED_H
#define BL_LOADER_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/follow.h"
#include "off_cpu.h"

struct bl_sched_opts {
	size_t size;    /* sizeof(struct bl_sched_opts) */
	uint32_t tasks; /* entries by task; default 16384 */
	bool costs;     /* also measure what the programs cost; needs CAP_SYS_ADMIN, and costs itself */

	/* Absences that wait for something so long are told one by one; 0 = none is. */
	uint64_t block_ns;
	uint32_t ring_bytes;                                 /* for them: a power of two, at least four pages */
	int (*block)(void *arg, void *record, size_t bytes); /* a struct bl_block, cut off behind its stack */
	void *arg;
};

struct bl_sched;

/**
 * Attaches to process `pid`. *ret_sched is freed with bl_sched_close(). Errors:
 * -ESRCH no such process; -ENOENT no rouse runtime in it; -EPROTO one of
 * another version; -EPERM not permitted; -EOPNOTSUPP the kernel lacks what is
 * needed; others as they come.
 */
int bl_sched_open(int pid, const struct bl_sched_opts *opts, struct bl_sched **ret_sched, struct bl_why *why);
/** Detaches, at once. NULL is fine. */
void bl_sched_close(struct bl_sched *sched);

/** Waits so long, or until the process ends, and looks for new workers. enum bl_end, or a negative error. */
int bl_sched_wait(struct bl_sched *sched, int timeout_ms);

/** Hands out the blocks that have come, to opts.block. 0, or a negative error, also of that. */
int bl_sched_drain(struct bl_sched *sched);

struct bl_sched_task {
	uint64_t id;
	struct bl_off_task task;
};
struct bl_sched_site {
	uint32_t runtime;
	uint32_t site;
	struct bl_off off;
};
struct bl_sched_worker {
	uint32_t runtime, index, tid;
	struct bl_off off;
	uint64_t in_progress; /* the task in whose poll it was off its CPU at the end, 0 = none */
	/* If it waited there for something, and has not been woken: */
	uint64_t since_ns; /* since then, or since it is followed; 0 = it did not */
	bool had_begun;    /* before that */
	uint32_t site, kind; /* where the task was spawned; BL_OFF_BLOCKED or FAULT */
	uint32_t os_tid;     /* its thread as we have it */
};

struct bl_sched_result {
	uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC: switches in between were counted */
	struct bl_sched_task *tasks;
	struct bl_sched_site *sites;
	struct bl_sched_worker *workers;
	const struct bl_followed *followed; /* the same ones */
	size_t n_tasks, n_sites, n_workers;
	struct bl_sched_totals totals;
	uint64_t evicted;            /* task entries, with their time; it is in the sums by site and worker */
	uint64_t missed;             /* runs that the kernel left out, because it was in the same program already */
	uint32_t unfollowed_workers; /* beyond BL_WORKERS_MAX */
	uint32_t late_workers;       /* whose threads were found after the beginning: what they did before is missing */
	struct bl_cost costs[BL_PROGRAMS_MAX];
};

/**
 * What there is so far, while it goes on being measured; as often as wanted.
 * Absences in progress count up to now. The tables are of slightly different
 * moments, so sums agree among them only about; a row may be a little less than
 * it was at the last look, where what went on then has just ended. The result
 * is as that of bl_sched_stop(), and holds until the next look.
 */
int bl_sched_gather(struct bl_sched *sched, const struct bl_sched_result **ret_result, struct bl_why *why);

/** Does the absence of the worker in that slot that has lasted since then go on? */
bool bl_sched_waits_since(const struct bl_sched *sched, uint32_t slot, uint64_t since_ns);

/**
 * Ends the measuring and gathers what there is; absences that go on count up
 * to now. Once. *ret_result lives as long as `sched`. 0 or a negative error.
 */
int bl_sched_stop(struct bl_sched *sched, const struct bl_sched_result **ret_result, struct bl_why *why);

#endif
