/* SPDX-License-Identifier: MIT */
/* What /proc says about one thread. */
#ifndef RI_PROCTHREAD_H
#define RI_PROCTHREAD_H

#include <stdbool.h>
#include <stdint.h>

enum { RI_THREAD_NAME = 16 };

struct ri_proc_thread {
	char name[RI_THREAD_NAME];
	char state;            /* R S D T t Z X */
	uint64_t cpu_ns;       /* ever */
	uint64_t run_queue_ns; /* ever */
	uint32_t syscall;      /* 1 + number, 0 = in none, or not known */
	uint64_t argument;     /* its first */
	uint64_t pc;           /* 0 = not known: it runs, or we may not know */
};

/*
 * Reads it for thread `tid` of process `pid`, both as we number them: 0 or
 * -ESRCH. What may not be read of it, or is not there, is 0.
 *
 * Three small files, opened anew each time: about 5 us. Kept open they would
 * cost 2 us, and three descriptors a thread, which in the agent are the
 * program's.
 */
int ri_proc_thread(int pid, uint32_t tid, struct ri_proc_thread *ret_thread);
/* Its name alone: 0 or -ESRCH. */
int ri_proc_thread_name(int pid, uint32_t tid, char ret_name[RI_THREAD_NAME]);

/* The pieces, for texts from elsewhere: false if it is not such a text. */
bool ri_parse_thread_stat(const char *text, struct ri_proc_thread *thread);
void ri_parse_schedstat(const char *text, struct ri_proc_thread *thread);
void ri_parse_syscall(const char *text, struct ri_proc_thread *thread);

#endif
