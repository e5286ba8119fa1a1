/* SPDX-License-Identifier: MIT */
/*
 * Where the workers of a process keep what they do: its worker records, found
 * and read from outside, so that BPF programs can read them from inside.
 */
#ifndef BL_RECORDS_H
#define BL_RECORDS_H

#include <stddef.h>
#include <stdint.h>

enum { BL_RUNTIMES_MAX = 16 };

struct bl_record {
	uint64_t address; /* of the struct rouse_worker_record in the target */
	uint64_t page;    /* of its runtime */
	uint32_t index;
	uint32_t tid; /* as the target knows it */
};

/*
 * The records of all workers that have a thread, of all runtimes. Their number
 * (fills at most `capacity`), 0 = there is no runtime now; or -ESRCH no such process, -EPERM, -EPROTO: it has
 * a runtime, of another layout version. All that is read is checked.
 */
int bl_records_find(int pid, struct bl_record *records, size_t capacity);
/* What the worker of that record polls, 0 = nothing, and where that was spawned (0 = not known). 0 or -errno. */
int bl_record_task(int pid, uint64_t address, uint64_t *ret_task, uint32_t *ret_site);
/* Of its memory. 0 or -errno. */
int bl_records_peek(int pid, uint64_t address, void *buffer, size_t bytes);
/* The addresses where pages are mapped, in a text of /proc/PID/maps; cuts it up. */
size_t bl_pages_in(char *maps, uint64_t *pages, size_t capacity);

#endif
