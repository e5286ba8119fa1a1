/* SPDX-License-Identifier: MIT */
/*
 * Plain data that events.bpf.c and the loader share.
 */
#ifndef BL_EVENTS_H
#define BL_EVENTS_H

#include <linux/types.h>

#define BL_PROVIDER "rouse"

/*
 * The probes of provider "rouse": program in events.bpf.c, probe, arguments,
 * what it says. The loader attaches what stands here; tests check it against
 * README.md and the notes of a linked program.
 */
#define BL_PROBES(X)                                                                               \
	X(task_spawn, "task__spawn", "task, site, parent", "a task was started")                   \
	X(task_wake, "task__wake", "task, waker, polls", "a wake scheduled a task")                \
	X(task_poll_start, "task__poll__start", "task, poll", "a poll begins on this thread")      \
	X(task_poll_end, "task__poll__end", "task, poll, ready", "it ends")                        \
	X(task_complete, "task__complete", "task, state", "a task has ended")

/*  kind     ns     task       arg32        arg              */
enum bl_kind {
	BL_SPAWN = 1, /* now    new task   spawn site   parent           */
	BL_WAKE,      /* now    woken      its polls    task id or source */
	BL_POLL,      /* start  task       poll         duration         */
	BL_COMPLETE,  /* now    task       state        -                */
	BL_VERDICT    /* start  task       poll         duration; a struct bl_verdict */
};

struct bl_record {
	__u64 ns; /* CLOCK_MONOTONIC */
	__u64 task;
	__u64 arg;
	__u32 kind;
	__u32 tid; /* as the target's pid namespace numbers it */
	__u32 arg32;
	__u32 lost; /* records lost before this one was reserved, mod 2^32 */
};

/* A poll that took long, sent after its BL_POLL. The rest of it was on a CPU. */
struct bl_verdict {
	struct bl_record record;
	__u64 blocked_ns;   /* neither running nor runnable */
	__u64 run_queue_ns; /* runnable, waiting for a CPU */
};

/* Exact whatever happens to the records: probe hits, and records by fate. */
struct bl_totals {
	__u64 spawned;
	__u64 wakes;
	__u64 polls; /* begun */
	__u64 completed; /* ended, whichever way */
	__u64 long_polls;
	__u64 submitted;
	__u64 lost;
};

#endif
