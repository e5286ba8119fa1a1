/* SPDX-License-Identifier: MIT */
/*
 * One process and its workers, followed by a group of BPF programs that has
 * included worker_of.h: which threads they are, when new ones come, and when
 * the process ends. What the groups have in common.
 *
 *     bl_follow_open(&follow, pid, why);
 *     ... open and load the skeleton ...
 *     bl_follow_mark(&follow, targets, threads, &measuring, places, why);
 *     bl_follow_attach(&follow, programs, n, false, "cannot attach to ...", why);
 *     while ((rc = bl_follow_wait(&follow, 100)) == 0)
 *             ;
 *     bl_follow_stop(&follow);     then nothing is written any more
 *     bl_follow_close(&follow);
 */
#ifndef BL_FOLLOW_H
#define BL_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/loader.h"
#include "loader/records.h"
#include "record.h"

struct bpf_link;
struct bpf_map;
struct bpf_program;

enum bl_end { BL_GOES_ON = 0, BL_EXITED = 1, BL_REPLACED = 2 /* it called exec */ };

/** A worker, in its slot. */
struct bl_followed {
	uint32_t runtime, index;
	uint32_t tid; /* as the target has it */
};

/** One of the programs: times it ran on this machine, for whomever, and ns in all; 0 if that was not measured. */
struct bl_cost {
	const char *program;
	uint64_t runs, ns;
};

enum { BL_PROGRAMS_MAX = 2, BL_LINKS_MAX = 3 }; /* programs whose costs are told, and that are attached */

struct bl_follow {
	int pid, pidfd, stats_fd;
	uint64_t stack_start; /* another one: the process has called exec */
	uint64_t pages[BL_RUNTIMES_MAX];
	size_t n_pages, n_workers;
	struct bl_followed workers[BL_WORKERS_MAX];
	uint32_t unfollowed; /* beyond BL_WORKERS_MAX */
	uint32_t late;       /* threads that were found after the beginning: what they did before was missed */
	uint64_t begin_ns, end_ns;

	/* Of the group's skeleton. */
	volatile uint32_t *measuring;
	struct bl_place *places;
	int threads_fd;
	/* Called for a thread from which on the programs know it. NULL is fine. */
	void (*known)(void *arg, uint32_t slot);
	void *arg;

	struct bpf_program *programs[BL_LINKS_MAX];
	struct bpf_link *links[BL_LINKS_MAX];
	size_t n_programs;
	struct bl_record records[BL_WORKERS_MAX]; /* scratch */
};

/* A thread of the process. */
struct bl_thread {
	uint32_t tid;    /* as the target has it */
	uint32_t os_tid; /* as we have it */
	bool sleeps;     /* it is not runnable */
};

uint64_t bl_now_ns(void);

/* Finds the process and its runtime, and that tracing is permitted. To be closed in any case. 0, or as bl_sched_open().
 */
int bl_follow_open(struct bl_follow *follow, int pid, struct bl_why *why);
/* Tells the loaded programs whom to follow; measuring and places are those of the skeleton's bss. */
int bl_follow_mark(struct bl_follow *follow, const struct bpf_map *targets, const struct bpf_map *threads,
	volatile uint32_t *measuring, struct bl_place *places, struct bl_why *why);
/* From here on it is measured, also by the kernel what that costs (`costs`, needs CAP_SYS_ADMIN). */
int bl_follow_attach(struct bl_follow *follow, struct bpf_program *const *programs, size_t n, bool costs,
	const char *failed, struct bl_why *why);
/* Waits so long, or until the process ends, and looks for new workers. enum bl_end, or a negative error. */
int bl_follow_wait(struct bl_follow *follow, int timeout_ms);
/* Ends the measuring and detaches; afterwards no program runs any more. */
void bl_follow_stop(struct bl_follow *follow);
/* Costs of each program, and how often the kernel left one out. Before bl_follow_close(). */
void bl_follow_costs(const struct bl_follow *follow, struct bl_cost *costs, uint64_t *ret_missed);
void bl_follow_close(struct bl_follow *follow);

/* The workers' threads as the system has them now, by slot; those that are gone are 0. */
void bl_follow_threads(const struct bl_follow *follow, struct bl_thread threads[BL_WORKERS_MAX]);

#endif
