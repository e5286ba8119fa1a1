/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What a group sums up, by task and by spawn site. Included once in a group,
 * which says first what of:
 *
 *     SUMS_TOTALS     its totals, with `created`, `lost_tasks` and `lost_sites`
 *     SUMS_TASK       a task's entry, with `runtime` and `site`
 *     SUMS_SITE_KEY   names a spawn site; SUMS_SITE is what is summed there
 *
 * A task is polled by one worker at a time, and it is that worker's thread that
 * adds to its entry; of too many the least recently used goes. Spawn sites have
 * a sum for each CPU. What finds no room is counted in the totals.
 */
#ifndef BL_SUMS_OF_H
#define BL_SUMS_OF_H

#include "worker_of.h"

SUMS_TOTALS totals;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384); /* the loader says how many */
	__type(key, __u64);
	__type(value, SUMS_TASK);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, SUMS_SITE_KEY);
	__type(value, SUMS_SITE);
} sites SEC(".maps");

#define count(MEMBER) ((void)__sync_fetch_and_add(&totals.MEMBER, 1))

/* NULL, and counted: it found no room. */
static __always_inline SUMS_TASK *entry_of(__u64 id, __u32 runtime, __u32 site)
{
	SUMS_TASK none = { 0 };
	SUMS_TASK *task = bpf_map_lookup_elem(&tasks, &id);

	if (task)
		return task;
	none.runtime = runtime;
	none.site = site;
	if (bpf_map_update_elem(&tasks, &id, &none, BPF_NOEXIST) == 0) {
		count(created);
		task = bpf_map_lookup_elem(&tasks, &id);
	}
	if (!task)
		count(lost_tasks);
	return task;
}

/* Likewise. */
static __always_inline SUMS_SITE *site_of(SUMS_SITE_KEY key)
{
	SUMS_SITE none = { 0 };
	SUMS_SITE *site = bpf_map_lookup_elem(&sites, &key);

	if (site)
		return site;
	bpf_map_update_elem(&sites, &key, &none, BPF_NOEXIST);
	site = bpf_map_lookup_elem(&sites, &key);
	if (!site)
		count(lost_sites);
	return site;
}

#endif
