/* SPDX-License-Identifier: MIT */
/*
 * The target's memory: one function that reads bytes at an address, with a
 * budget. A hostile target can point anywhere and at everything; what it can
 * cost per look is what is granted here.
 */
#ifndef RI_MEMORY_H
#define RI_MEMORY_H

#include <rouse/inspect.h>

/* A mapping in which the program may have written. */
struct ri_region {
	uint64_t address;
	uint64_t bytes;
	bool readable; /* else what it may hold cannot be seen */
	bool shared;   /* with others: its pages may have been written through them */
	bool guarded;  /* nothing can be right below it: its low end is that of a stack, if it holds one */
};
/* Fills in at most `capacity`, by address: their number, which may be larger, or -errno. */
typedef int (*ri_regions_fn)(void *arg, struct ri_region *regions, size_t capacity);
/* The next run of pages in [address, end) in which anything was ever written: 1, 0 = there is none, or -errno. */
typedef int (*ri_held_fn)(void *arg, uint64_t address, uint64_t end, uint64_t *ret_from, uint64_t *ret_to);

/* A thread of the target: what of it is not in memory. */
enum { RI_HAND_WORDS = 40 };
struct ri_hand {
	uint32_t tid; /* as the program has it */
	uint32_t os_tid;
	char name[16];
	bool sleeps; /* in the kernel: sp and words are those it goes on with */
	bool whole;  /* words are all its registers */
	int syscall; /* number, -1 = none or not known */
	uint64_t sp; /* 0 = not known */
	uint32_t n_words;
	uint64_t words[RI_HAND_WORDS]; /* registers, as far as they are known; of a system call its arguments */
};
/* Fills in at most `capacity`: their number, which may be larger, or -errno. */
typedef int (*ri_hands_fn)(void *arg, struct ri_hand *threads, size_t capacity);
/* The same thread once more: 0 or -errno. */
typedef int (*ri_hand_fn)(void *arg, struct ri_hand *thread);

struct ri_memory {
	rouse_read_fn read;
	void *arg; /* of all functions */
	/* For searches (references.h). What is NULL is not known, and no search complete. */
	ri_regions_fn regions;
	ri_hands_fn hands;
	ri_held_fn held;     /* NULL: every page may hold something */
	ri_hand_fn hand;     /* NULL: the target stands still */
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
	int pagemap_fd;      /* -1 while not needed, or not to be had */
	uint64_t start_time; /* tells a reused pid */
};
int ri_process_open(struct ri_process *process, int pid);
/* Its memory is reached by another thread if the one so far has ended. 0, or -ESRCH: it is another process, or gone. */
int ri_process_renew(struct ri_process *process);
void ri_process_close(struct ri_process *process);
/* rouse_read_fn; arg is the struct ri_process. */
int ri_process_read(void *process, uint64_t address, void *buffer, size_t bytes);

#endif
