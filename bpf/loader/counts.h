/* SPDX-License-Identifier: MIT */
/*
 * What the programs of count_of.h have counted: page faults, samples.
 */
#ifndef BL_COUNTS_H
#define BL_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "counted.h"
#include "loader/follow.h"

struct bpf_map;

struct bl_count_task {
	uint64_t id;
	struct bl_counted_task task;
};
struct bl_count_site {
	uint32_t runtime, site;
	uint64_t count;
};

struct bl_counts_result {
	struct bl_count_task *tasks;
	struct bl_count_site *sites;
	const uint64_t *workers; /* by slot */
	const struct bl_followed *followed;
	size_t n_tasks, n_sites, n_workers;
	struct bl_counted_totals totals;
	uint64_t evicted; /* task entries */
	uint64_t missed;  /* runs that the kernel left out */
	int cpus;
};

/* Of maps `tasks` and `sites`; the rest is the caller's. The tables are made at the first look. 0 or -errno. */
int bl_counts_gather(struct bl_counts_result *result, const struct bpf_map *tasks, const struct bpf_map *sites);
void bl_counts_fini(struct bl_counts_result *result);

#endif
