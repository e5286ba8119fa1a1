/* SPDX-License-Identifier: MIT */
/*
 * Plain data that sched.bpf.c and the loader share.
 */
#ifndef BL_OFF_CPU_H
#define BL_OFF_CPU_H

#include "record.h"

/* How a thread can be off its CPU: name, JSON member, words. */
#define BL_OFF_KINDS(X)                                                                                                \
	X(BLOCKED, "blocked", "it waited for something in a system call, or was stopped")                              \
	X(RUN_QUEUE, "run_queue", "it had been woken, and waited for a CPU")                                           \
	X(PREEMPTED, "preempted", "it could have run on, and another thread had its CPU")                              \
	X(FAULT, "fault", "it touched a page that was not there, and waited for it")
enum bl_off_kind {
#define X(name, member, text) BL_OFF_##name,
	BL_OFF_KINDS(X)
#undef X
		BL_OFF_KIND_MAX
};

/* Stretches off the CPU; one of blocked and one of run queue are often one absence. */
struct bl_off {
	__u64 ns[BL_OFF_KIND_MAX];
	__u64 times[BL_OFF_KIND_MAX];
	__u64 longest_ns; /* of one stretch */
	__u32 longest_kind;
	__u32 reserved;
};

struct bl_off_task {
	struct bl_off off;
	__u32 runtime; /* index, in the order of the pages in memory */
	__u32 site;    /* where it was spawned; 0 = not known */
};

/* Key of the sums by spawn site. */
#define BL_SITE_KEY(RUNTIME, SITE) ((__u64)(RUNTIME) << 32 | (SITE))

/*
 * One for each worker record that was found. The first part is the loader's,
 * the second one belongs to the scheduler programs.
 */
struct bl_off_worker {
	__u64 known_ns;   /* from when on no switch of its thread is missed */
	__u64 start_task; /* what it polled just after that, 0 = nothing */
	__u32 start_site;
	__u32 seen; /* a switch or wake-up of its thread was */

	__u64 task;    /* it left its CPU in a poll of */
	__u64 left_ns; /* then; 0 = it is on one, or has no task */
	__u64 woken_ns;
	__u32 site;
	__u32 kind; /* how it left: BLOCKED, PREEMPTED or FAULT */
	struct bl_off off;
};

/* Of all workers. Each by itself is exact. */
struct bl_sched_totals {
	__u64 switches;   /* of worker threads: off a CPU, or onto one */
	__u64 wakeups;    /* of theirs */
	__u64 unreadable; /* the record could not be read as its thread left: that absence is nobody's */
	__u64 created;    /* task entries made; those that are not there at the end were evicted */
	__u64 lost_tasks; /* stretches that found no room by task, */
	__u64 lost_sites; /* and by spawn site; they stand in the worker's sum */
	__u64 blocks;     /* absences that were to be told one by one, */
	__u64 lost_blocks; /* and those that found no room in the ring */
};

/* How a single one is told: as KernelBlocks in rouse.proto. */
enum bl_block_kind { BL_BLOCK_CALL = 1, BL_BLOCK_FAULT, BL_BLOCK_OTHER };
enum bl_waker_kind { BL_WAKER_UNKNOWN, BL_WAKER_OWN, BL_WAKER_FOREIGN, BL_WAKER_INTERRUPT };

/* Which thread was the current one as a worker's thread was woken last: that ended its absence. */
#define BL_WAKER_FRAMES 32
struct bl_waker {
	__u32 kind; /* as far as the programs can tell */
	__u32 own;  /* it is the target's */
	__u32 tid;  /* as the target has it, of others as we have it; 0 = an idle CPU */
	__u32 reserved;
	char name[16];
	__u64 kernel_pc[BL_WAKER_FRAMES]; /* where it was, if kind is UNKNOWN; 0 = no more */
};

/* glibc's mutex: its futex has this value while others wait for it, and so far behind it stands the thread that has it. */
#define BL_MUTEX_CONTENDED 2
#define BL_MUTEX_OWNER 8

/* Cut off behind what was copied of the stack. */
struct bl_block {
	__u64 begin_ns, blocked_ns;
	__u64 run_queue_ns; /* after that */
	__u64 task;
	__u64 arguments[3];
	__u32 site;
	__u32 tid; /* of the worker, as the target has it */
	__u32 kind;
	__u32 number; /* of the system call */
	__u32 owner;  /* where the owner of a pthread mutex would stand; 0 = it waited for none */
	struct bl_waker waker;
	struct bl_sample_state state;
};

#endif
