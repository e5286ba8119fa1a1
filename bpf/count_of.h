/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Events that happen to the current thread, counted by the task that it polls,
 * by spawn site and by worker. Included once in a group: it has maps.
 *
 * A worker's count is its own thread's. All that uses this runs where its thread
 * cannot leave its CPU, and each group by one program only: so nothing is
 * counted in the middle of a count.
 *
 * Loss: a record that is not in memory leaves an event to nobody, and is counted.
 */
#ifndef BL_COUNT_OF_H
#define BL_COUNT_OF_H

#include "counted.h"

#define SUMS_TOTALS struct bl_counted_totals
#define SUMS_TASK struct bl_counted_task
#define SUMS_SITE_KEY __u64
#define SUMS_SITE __u64
#include "sums_of.h"

__u64 workers[BL_WORKERS_MAX]; /* by slot */

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
	__u64 *at_site = site_of(BL_COUNTED_KEY(runtime, site));

	count(counted);
	workers[slot]++;
	if (task)
		task->count++;
	if (at_site)
		(*at_site)++;
}

#endif
