/* SPDX-License-Identifier: MIT */
/*
 * Plain data that faults.bpf.c, profile.bpf.c and the loader share: events that
 * are only counted.
 */
#ifndef BL_COUNTED_H
#define BL_COUNTED_H

#include "record.h"

struct bl_counted_task {
	__u64 count;
	__u32 runtime; /* index, in the order of the pages in memory */
	__u32 site;    /* where it was spawned; 0 = not known */
};

/* Key of the counts by spawn site. */
#define BL_COUNTED_KEY(RUNTIME, SITE) ((__u64)(RUNTIME) << 32 | (SITE))

/* Of all workers. Each by itself is exact. */
struct bl_counted_totals {
	__u64 counted;    /* in polls: what stands in the workers' counts */
	__u64 outside;    /* in no poll: nobody's */
	__u64 unreadable; /* the record could not be read: nobody's */
	__u64 created;    /* task entries made; those that are not there at the end were evicted */
	__u64 lost_tasks; /* events that found no room by task, */
	__u64 lost_sites; /* and by spawn site; they stand in the worker's count */
	__u64 emitted;    /* events that were to be told one by one, */
	__u64 lost;       /* and those that found no room in the ring */
};

/* One sample, cut off behind what was copied of the stack. */
struct bl_sample {
	__u64 ns;
	__u64 task; /* 0 = in no poll */
	__u32 site;
	__u32 tid; /* of the worker, as the target has it */
	struct bl_sample_state state;
};

#endif
