/* SPDX-License-Identifier: MIT */
/*
 * Plain data that syscalls.bpf.c and the loader share.
 */
#ifndef BL_CALLS_H
#define BL_CALLS_H

#include "record.h"

/* System calls that have ended. */
struct bl_calls {
	__u64 calls;
	__u64 ns;
	__u64 longest_ns;
	__u64 longest_argument; /* its first one: often a file descriptor */
	__u32 longest_number;
	__u32 reserved;
};

struct bl_calls_task {
	struct bl_calls calls;
	__u32 runtime; /* index, in the order of the pages in memory */
	__u32 site;    /* where it was spawned; 0 = not known */
};

/* The sums by spawn site are by number as well. */
struct bl_calls_key {
	__u32 runtime;
	__u32 site;
	__u32 number;
	__u32 reserved;
};

/* By slot. Written by the worker's own thread, and so exact. */
struct bl_calls_worker {
	__u64 task;       /* the last one that called; its call goes on while entered_ns is not 0 */
	__u64 entered_ns; /* 0: in no call, or in none of a poll */
	__u64 argument;
	__u32 site;
	__u32 number;
	__u64 outside; /* calls in no poll: nobody's */
	__u32 seen;    /* a call of its thread was, entering or leaving */
	__u32 tid;     /* the thread in that call; a worker's may change */
	struct bl_calls sum;
};

/* Of all workers. */
struct bl_calls_totals {
	__u64 unreadable;   /* the record could not be read as a call began: that call is nobody's */
	__u64 end_missed;   /* another call began on that worker, and the end of this one was not seen */
	__u64 began_before; /* calls in polls that ended, and had begun before anybody looked */
	__u64 created;      /* task entries made; those that are not there at the end were evicted */
	__u64 lost_tasks;   /* calls that found no room by task, */
	__u64 lost_sites;   /* and by spawn site and number; they stand in the worker's sum */
};

#endif
