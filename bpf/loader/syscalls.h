/* SPDX-License-Identifier: MIT */
/**
 * syscalls.h - system calls within polls: the kernel's side of one rouse process.
 *
 * Needs no probe, no agent and no preparation. What is measured is described in
 * ../syscalls.bpf.c. It is used like sched.h:
 *
 *     bl_syscalls_open(pid, NULL, &calls, &why);
 *     while ((rc = bl_syscalls_wait(calls, 100)) == 0 && !enough)
 *             ;
 *     bl_syscalls_stop(calls, &result, &why);
 *     bl_syscalls_close(calls);
 *
 * Not thread-safe. Nothing stays attached when the caller dies: the links are
 * its descriptors.
 */
#ifndef BL_LOADER_SYSCALLS_H
#define BL_LOADER_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calls.h"
#include "loader/follow.h"

struct bl_syscalls_opts {
	size_t size;    /* sizeof(struct bl_syscalls_opts) */
	uint32_t tasks; /* entries by task; default 16384 */
	bool costs;     /* also measure what the programs cost; needs CAP_SYS_ADMIN, and costs itself */
};

struct bl_syscalls;

/** Attaches to process `pid`. *ret_calls is freed with bl_syscalls_close(). Errors: as bl_sched_open(). */
int bl_syscalls_open(int pid, const struct bl_syscalls_opts *opts, struct bl_syscalls **ret_calls, struct bl_why *why);
/** Detaches, at once. NULL is fine. */
void bl_syscalls_close(struct bl_syscalls *calls);
/** Waits so long, or until the process ends, and looks for new workers. enum bl_end, or a negative error. */
int bl_syscalls_wait(struct bl_syscalls *calls, int timeout_ms);

/**
 * A sum of calls. One that went on at the end counts, with its time so far:
 * not_ended says how many of them do, and longest_ended that it is not the longest.
 */
struct bl_call_sum {
	struct bl_calls calls;
	uint32_t not_ended;
	bool longest_ended;
};
struct bl_call_task {
	uint64_t id;
	uint32_t runtime, site;
	struct bl_call_sum sum;
};
struct bl_call_site {
	uint32_t runtime, site;
	uint32_t number; /* of the system call */
	struct bl_call_sum sum;
};
/** What a worker does at the end. */
enum bl_call_now {
	BL_CALL_NONE,  /* it is in no call of a poll */
	BL_CALL_SEEN,  /* in one that was seen beginning; it is in the sums */
	BL_CALL_BEFORE /* in one that has gone on since before anybody looked; it is in no sum */
};
struct bl_call_worker {
	uint32_t os_tid;  /* its thread as we have it, 0 = gone */
	uint64_t outside; /* calls in no poll */
	struct bl_call_sum sum;
	enum bl_call_now now;
	uint64_t task, ns; /* of the call now; ns so far, 0 = not known */
	uint64_t argument;
	uint32_t site, number;
};

struct bl_syscalls_result {
	uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC: calls that began in between were counted */
	struct bl_call_task *tasks;
	struct bl_call_site *sites;
	struct bl_call_worker *workers;
	const struct bl_followed *followed; /* the same workers */
	size_t n_tasks, n_sites, n_workers;
	struct bl_calls_totals totals;
	uint64_t evicted;            /* task entries, with their calls; those are in the sums by site and worker */
	uint64_t missed;             /* runs that the kernel left out, because it was in the same program already */
	uint32_t unfollowed_workers; /* beyond BL_WORKERS_MAX */
	uint32_t late_workers; /* whose threads were found after the beginning: what they called before is missing */
	struct bl_cost costs[BL_PROGRAMS_MAX];
};

/**
 * What there is so far, while it goes on being measured, as bl_sched_gather();
 * calls that go on count up to now. Those from before anybody looked are not
 * looked for.
 */
int bl_syscalls_gather(struct bl_syscalls *calls, const struct bl_syscalls_result **ret_result, struct bl_why *why);

/** Ends the measuring and gathers what there is. Once. *ret_result lives as long as `calls`. 0 or a negative error. */
int bl_syscalls_stop(struct bl_syscalls *calls, const struct bl_syscalls_result **ret_result, struct bl_why *why);

#endif
