/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Events that happen to the current thread, counted by the task that it polls,
 * by spawn site and by worker. Included once in a group: it has maps.
 *
 * A task is polled by one worker at a time, and it is that worker's thread that
 * counts; a worker's count is its own thread's. Spawn sites have one for each
 * CPU. All that uses this runs where its thread cannot leave its CPU, and each
 * group by one program only: so nothing is counted in the middle of a count.
 *
 * Loss: a record that is not in memory leaves an event to nobody; task entries
 * are the least recently used of too many. Each is counted.
 */
#ifndef BL_COUNT_OF_H
#define BL_COUNT_OF_H

#include "counted.h"
#include "worker_of.h"

struct bl_counted_totals totals;
__u64 workers[BL_WORKERS_MAX]; /* by slot */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384); /* the loader says how many */
	__type(key, __u64);
	__type(value, struct bl_counted_task);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} sites SEC(".maps");

#define count(MEMBER) ((void)__sync_fetch_and_add(&totals.MEMBER, 1))

static __always_inline struct bl_counted_task *entry_of(__u64 id, __u32 runtime, __u32 site)
{
	struct bl_counted_task none = {};
	struct bl_counted_task *task = bpf_map_lookup_elem(&tasks, &id);

	if (task)
		return task;
	none.runtime = runtime;
	none.site = site;
	if (bpf_map_update_elem(&tasks, &id, &none, BPF_NOEXIST))
		return 0;
	count(created);
	return bpf_map_lookup_elem(&tasks, &id);
}

static __always_inline __u64 *site_of(__u32 runtime, __u32 site)
{
	__u64 key = BL_COUNTED_KEY(runtime, site);
	__u64 none = 0;
	__u64 *found = bpf_map_lookup_elem(&sites, &key);

	if (found)
		return found;
	bpf_map_update_elem(&sites, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sites, &key);
}

/* What the worker of that slot polls, 0 = nothing, or it cannot be told. The thread must be the current one. */
static __always_inline __u64 polled(__u32 slot, __u32 tid, __u32 *ret_site)
{
	struct bl_record_head head;

	*ret_site = 0;
	if (bpf_probe_read_user(&head, sizeof(head), (void *)places[slot].record)) {
		count(unreadable);
		return 0;
	}
	if (head.tid != tid || !head.current_task) {
		count(outside);
		return 0;
	}
	*ret_site = spawn_site(&head);
	return head.current_task;
}

static __always_inline void count_event(__u32 slot, __u64 id, __u32 site)
{
	__u32 runtime = places[slot].runtime;
	struct bl_counted_task *task = entry_of(id, runtime, site);
	__u64 *at_site = site_of(runtime, site);

	count(counted);
	workers[slot]++;
	if (task)
		task->count++;
	else
		count(lost_tasks);
	if (at_site)
		(*at_site)++;
	else
		count(lost_sites);
}

#endif
