/* SPDX-License-Identifier: MIT */
/**
 * rouse/crash.h - a program that dies leaves what the console opens.
 *
 * With ROUSE_RECORD=DIR in the environment (not in setuid programs), or after
 * rouse_record_on_crash(), a program that takes SIGSEGV, SIGBUS, SIGILL,
 * SIGFPE or SIGABRT (so also abort(), and a panic outside of any task) first
 * writes DIR/PROGRAM.PID.core, readable by its user alone, and says so on
 * stderr. The file is an ELF core: `rouse dump FILE`, `rouse why FILE TASK`,
 * `rouse FILE`, and gdb. It holds the runtime's page with the last events of
 * all rings (of programs at level 2), the tasks, the memory that the program
 * can write, its threads with registers. Of kernels' cores it differs in this:
 * it needs no ulimit and no core_pattern, it is bounded, and pages without
 * content take no room on the disk.
 *
 * Then the signal takes its course as if nothing had been here: the handler
 * that was there before, or the default action, with the exit status and the
 * core of the kernel that belong to it.
 *
 * How: the handler runs on an alternate stack, takes no lock, allocates
 * nothing, and has a process that shares the memory stop all threads by ptrace
 * and write. Where ptrace is forbidden the threads go on meanwhile; the file
 * says so, and nothing is PROVEN from it. Memory is handed to the kernel by its
 * address, and what cannot be read is left out. Memory marked MADV_DONTDUMP is
 * never written, nor is memory shared with others. Only the first crash of a
 * process is written, and nothing in a child made by fork().
 */
#ifndef ROUSE_CRASH_H
#define ROUSE_CRASH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROUSE_CRASH_API __attribute__((visibility("default")))

/** Zero members mean the default. */
struct rouse_crash_opts {
	size_t size;
	const char *dir;    /* an existing folder; NULL: the working directory of now. Borrowed during the call */
	uint64_t max_bytes; /* of memory that a file may hold; default 256 MiB. What is left out is said in the file */
	int signal;         /* at this signal write a file (PROGRAM.PID.N.core), too, and go on. 0: none is taken */
};
/**
 * Takes those signals, once a process: 0, -EALREADY, -EINVAL, -ENAMETOOLONG,
 * or -errno of the folder or of memory. Any thread; blocks for no one. Call it
 * before runtimes are made: their threads then get an alternate stack each, as
 * does the caller, without which the overflow of a stack cannot be recorded.
 * A program that handles one of these signals in its ordinary course sets its
 * handler after this call, and need not call the one before it.
 */
ROUSE_CRASH_API int rouse_record_on_crash(const struct rouse_crash_opts *opts);

#ifdef __cplusplus
}
#endif
#endif
