/* SPDX-License-Identifier: MIT */
/* What /proc says about a process. */
#ifndef RI_PROCFS_H
#define RI_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A mapping of the memfd of a runtime, from its first byte. */
struct ri_mapping {
	uint64_t address;
	uint64_t bytes;
};

/* Mappings named /memfd:rouse, by address: their number (at most `capacity` are stored), or -ESRCH, -EACCES. */
int ri_proc_mappings(int pid, struct ri_mapping *mappings, size_t capacity);

struct ri_proc_stat {
	char program[32];
	char state; /* R S D T t Z X */
	uint64_t start_time;
	bool has_memory; /* not in a zombie's hands, nor (any more) in those of a thread that is on its way out */
};
int ri_proc_stat(int pid, struct ri_proc_stat *ret_stat);
/*
 * A thread by which the memory of process `pid` can be reached: the process
 * itself, or, when its main thread has ended and others go on, one of those.
 * All of /proc/PID and process_vm_readv() work by it. A kernel thread, which
 * has none, stands for itself. -ESRCH: the process has ended.
 */
int ri_proc_memory_tid(int pid);
/* Stopped by a signal or a tracer, or dead. By a thread that still lives, if the main one does not. */
bool ri_proc_is_stopped(int tid);
/*
 * The thread of process `pid` that is `ns_tid` to itself (in its own PID
 * namespace), as we number it: a tid, or -ESRCH there is none, -EACCES.
 */
int ri_proc_os_tid(int pid, int ns_tid);
/* The other way round: what our number `tid` is to itself; 0: it has gone. */
int ri_proc_ns_tid(int pid, int tid);

#endif
