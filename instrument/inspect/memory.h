/* SPDX-License-Identifier: MIT */
/*
 * The target's memory: one function that reads bytes at an address, with a
 * budget. A hostile target can point anywhere and at everything; what it can
 * cost per look is what is granted here.
 */
#ifndef RI_MEMORY_H
#define RI_MEMORY_H

#include <rouse/inspect.h>

struct ri_memory {
	rouse_read_fn read;
	void *arg;
	uint64_t bytes_left;
	uint64_t reads_left;
};

/* A piece of the target that has been read already: served from here, not read again. */
struct ri_window {
	uint64_t address;
	size_t bytes;
	const uint8_t *data;
};

/* Begins a look: a new budget. */
void ri_memory_refill(struct ri_memory *memory);
/* All of it, or -EFAULT (not readable, wraps around), -EDQUOT (over budget), or what the reader said. */
int ri_memory_read(struct ri_memory *memory, uint64_t address, void *buffer, size_t bytes);
/* The same, out of `window` when it lies there. */
int ri_memory_fetch(struct ri_memory *memory, const struct ri_window *window, uint64_t address, void *buffer,
	size_t bytes);

/* Where an address lies in the window, or NULL if not all `bytes` are there. */
static inline const uint8_t *ri_window_at(const struct ri_window *window, uint64_t address, size_t bytes)
{
	uint64_t offset = address - window->address;

	if (address < window->address || offset > window->bytes || bytes > window->bytes - offset)
		return NULL;
	return window->data + offset;
}

/* A process as a reader: process_vm_readv, or /proc/PID/mem where that is filtered. */
struct ri_process {
	int pid;
	int tid;             /* by which its memory is reached: ri_proc_memory_tid() */
	int mem_fd;          /* -1 while not needed */
	uint64_t start_time; /* tells a reused pid */
};
int ri_process_open(struct ri_process *process, int pid);
/* Its memory is reached by another thread if the one so far has ended. 0, or -ESRCH: it is another process, or gone. */
int ri_process_renew(struct ri_process *process);
void ri_process_close(struct ri_process *process);
/* rouse_read_fn; arg is the struct ri_process. */
int ri_process_read(void *process, uint64_t address, void *buffer, size_t bytes);

#endif
