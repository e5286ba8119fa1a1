/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Whose thread it is, and what its worker polls: what every group of programs
 * asks that follows one process. Included once in a group: it has maps.
 *
 * The loader has marked the target's leader by its pidfd; from the first thread
 * of it that is seen, its number is known. Thread ids are those of the target's
 * own pid namespace, the innermost of a thread's numbers, as its worker records
 * have them. A record is the target's memory: it can be read only while one of
 * the target's threads is the current one, and no fault can be taken here.
 */
#ifndef BL_WORKER_OF_H
#define BL_WORKER_OF_H

#include "vmlinux/vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "record.h"

#define PID_LEVELS_MAX 32 /* MAX_PID_NS_LEVEL */

volatile __u32 measuring; /* by the loader: 1 from when all is attached until the end */
int kernel_tgid;          /* the target's, in the initial namespace; 0 = not seen yet */
struct bl_place places[BL_WORKERS_MAX];

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} targets SEC(".maps");

struct { /* thread id of the target -> its worker's slot */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BL_WORKERS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} threads SEC(".maps");

static __always_inline bool is_target(struct task_struct *thread)
{
	if (kernel_tgid)
		return thread->tgid == kernel_tgid;
	if (!bpf_task_storage_get(&targets, thread->group_leader, 0, 0))
		return false;
	kernel_tgid = thread->tgid;
	return true;
}

/* As the thread's own namespace numbers it; 0 if that cannot be told. */
static __always_inline __u32 thread_id(struct task_struct *thread)
{
	struct pid *pid = thread->thread_pid;
	struct upid number;
	__u32 level;

	if (!pid)
		return 0;
	level = pid->level;
	if (level > PID_LEVELS_MAX)
		return 0;
	if (bpf_probe_read_kernel(&number, sizeof(number),
		    (void *)__builtin_preserve_access_index(&pid->numbers[0]) +
			    level * bpf_core_type_size(struct upid)))
		return 0;
	return number.nr;
}

/* Its worker's slot, BL_WORKERS_MAX if it is none of the workers that are followed. */
static __always_inline __u32 worker_of(struct task_struct *thread, __u32 *ret_tid)
{
	__u32 *slot;

	if (!is_target(thread))
		return BL_WORKERS_MAX;
	*ret_tid = thread_id(thread);
	slot = bpf_map_lookup_elem(&threads, ret_tid);
	return slot ? *slot : BL_WORKERS_MAX;
}

/* Where the task was spawned, if its cell still says that it is this task's. */
static __always_inline __u32 spawn_site(const struct bl_record_head *head)
{
	__u64 id;
	__u32 site;

	if (bpf_probe_read_user(&id, sizeof(id), (void *)(head->current_cell + BL_CELL_ID)) || id != head->current_task)
		return 0;
	if (bpf_probe_read_user(&site, sizeof(site), (void *)(head->current_cell + BL_CELL_SPAWN_SITE)))
		return 0;
	return site;
}

#endif
