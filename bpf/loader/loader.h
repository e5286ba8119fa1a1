/* SPDX-License-Identifier: MIT */
/**
 * loader.h - a rouse program seen by the kernel: the bpf source.
 *
 * Attaches to the USDT probes of one process, which needs no agent and no
 * preparation, and hands out frames of proto/rouse/v1: Hello (source "bpf"),
 * Events, PollVerdicts, Lost. A probe hit costs the target about 400 ns while
 * this lasts; afterwards nothing.
 *
 *     bl_open(pid, NULL, &source, &why);
 *     while ((rc = bl_poll(source, 100, frame, arg)) == 0)
 *             ;
 *     bl_close(source);
 *
 * or, to miss nothing, with a program started for it:
 *
 *     bl_start(argv, 1, &pid, &why);    held before its first instruction
 *     bl_open(pid, NULL, &source, &why);
 *     bl_go(pid);
 *
 * Nothing here is thread-safe; bl_start, bl_go and bl_kill must be called by
 * one thread (ptrace knows only that one as the tracer).
 */
#ifndef BL_LOADER_H
#define BL_LOADER_H

#include <stddef.h>
#include <stdint.h>

/** What went wrong, to what, and what to do next: one line, no newline. Set whenever a call that takes it fails. */
struct bl_why {
	char text[512];
};

struct bl_opts {
	size_t size;           /* sizeof(struct bl_opts) */
	uint64_t long_poll_ns; /* from when on a poll gets a verdict; default 10 ms */
	size_t ring_bytes;     /* a power of two, at least a page; default 16 MiB */
};

struct bl_source;

/**
 * Attaches to process `pid`. *ret_source is freed with bl_close(). Blocks for
 * some tens of milliseconds. Errors: -ESRCH no such process; -ENOENT no rouse
 * runtime in it (or one built without probes); -EPERM not permitted;
 * -EOPNOTSUPP the kernel lacks what is needed; others as they come.
 */
int bl_open(int pid, const struct bl_opts *opts, struct bl_source **ret_source, struct bl_why *why);

/**
 * Detaches. That takes the kernel about 100 ms a probe, whoever closes the last
 * descriptor; a child process that lives that long waits for it, not the caller.
 * NULL is fine.
 */
void bl_close(struct bl_source *source);

/** Takes one encoded Frame, without the length prefix; borrows it. Answers 0 to go on, or a negative error. */
typedef int (*bl_frame_fn)(void *arg, const uint8_t *bytes, size_t n);

/**
 * Waits for records, at most timeout_ms and never longer than 20 ms, and hands
 * out what there is; Hello comes with the first call, even if nothing happened.
 * Answers 0: more may come; 1: the process has ended and everything was handed
 * out; or a negative error, the callback's included.
 */
int bl_poll(struct bl_source *source, int timeout_ms, bl_frame_fn frame, void *arg);

/**
 * For who stops before the process ends: hands out what is there now, and what
 * was lost after the last record. 0 or a negative error, the callback's included.
 */
int bl_finish(struct bl_source *source, bl_frame_fn frame, void *arg);

/** Exact since bl_open(), also when records were lost: emitted = delivered + lost, once the process has ended. */
struct bl_counts {
	uint64_t spawned;
	uint64_t wakes;
	uint64_t polls;     /* begun */
	uint64_t completed; /* ended, whichever way */
	uint64_t long_polls;
	uint64_t emitted;
	uint64_t delivered;
	uint64_t lost;
};
void bl_counts(const struct bl_source *source, struct bl_counts *ret_counts);

/* --------------------------------------------------------------- a program */

/**
 * Starts argv[0] (found by PATH) with standard output on `out_fd`, and holds it
 * at its entry point: the dynamic linker has run, main and the program's own
 * constructors have not. To be followed by bl_go() or bl_kill(); the caller
 * waits for the child. A program that execs another or forks is not followed.
 * Errors: those of exec; -EOPNOTSUPP on machines other than x86-64.
 */
int bl_start(char *const argv[], int out_fd, int *ret_pid, struct bl_why *why);
/** Lets it run. 0, or -ESRCH if it is gone. */
int bl_go(int pid);
/** Ends it without having let it run, and reaps it. */
void bl_kill(int pid);

#endif
