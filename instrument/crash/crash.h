/* SPDX-License-Identifier: MIT */
/*
 * The hook's parts, in the order of a crash:
 *
 *     hook.c   handler: claims, opens /proc/self, makes the writer, resends the signal
 *     stop.c   writer: seizes all other threads, reads their registers
 *     maps.c   writer: what is mapped, and what of it is wanted first
 *     image.c  writer: headers, notes, memory, headers again
 *
 * The writer is a process of its own that shares this memory: only another
 * process may ptrace our threads, and one without a copy of the memory is made
 * at once, however large it is. Everything here is async-signal-safe: no
 * allocation, no lock, no stdio; all room is in one struct that was mapped
 * beforehand, and costs nothing until it is touched.
 */
#ifndef RI_CRASH_CRASH_H
#define RI_CRASH_CRASH_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/procfs.h>
#include <ucontext.h>

enum {
	RI_CRASH_MAPPINGS = 65000, /* all fit into an ELF header's count, and the kernel's limit is close */
	RI_CRASH_THREADS = 8192,
	RI_CRASH_NAMES = 8 << 20,
	RI_CRASH_TEXT = 64 << 10,
	RI_CRASH_STACK = 256 << 10,
	RI_CRASH_PAGE = 4096
};

/* What is written first, if not all can be. */
enum ri_crash_rank { RI_CRASH_NOT, RI_CRASH_PAGES, RI_CRASH_CRASHED, RI_CRASH_CHUNKS, RI_CRASH_HEAD, RI_CRASH_REST };

struct ri_crash_mapping {
	uint64_t start, end;
	uint64_t offset; /* in its file */
	uint64_t stored; /* bytes from the start that are in the core; set last */
	uint64_t at;     /* in the core */
	uint64_t used;   /* bytes resident or swapped; the whole of it if that is not known */
	uint64_t anonymous;
	uint32_t flags; /* PF_* */
	uint32_t name;  /* offset into names, 0 = none */
	uint8_t rank;
	bool shared, has_file, dont_dump, uses_known;
};

struct ri_crash_thread {
	int tid;
	int signal; /* that it was about to take */
	bool stopped;
	elf_gregset_t registers;
};

struct ri_crash {
	/* since the installation */
	char path[PATH_MAX]; /* DIR/PROGRAM, then .PID.core */
	size_t stem;
	int pid;
	uint64_t max_bytes;
	int on_demand;  /* the signal, 0 = none */
	uint32_t asked; /* files written for it */
	struct sigaction before[NSIG];
	/* of this crash */
	const siginfo_t *info;
	const ucontext_t *context;
	int tid;
	int maps_fd, task_fd, pagemap_fd, auxv_fd, out_fd;
	uint32_t go;  /* the writer may begin */
	int error;    /* errno of what ended the writing, 0 = none */
	bool written; /* the file can be opened */
	/* the writer's */
	uint32_t went_on;
	uint64_t left_out, budget;
	uint64_t sp;
	size_t n_threads, n_mappings, n_names, n_text;
	struct ri_crash_thread threads[RI_CRASH_THREADS];
	struct ri_crash_mapping mappings[RI_CRASH_MAPPINGS];
	uint64_t pages[RI_CRASH_TEXT / 8];
	char text[RI_CRASH_TEXT];
	char names[RI_CRASH_NAMES];
	char stack[RI_CRASH_STACK] __attribute__((aligned(64)));
};

/* Stops all threads but the one that crashed, for at most 2 s; counts in went_on those that it cannot. */
void ri_crash_stop(struct ri_crash *crash);
void ri_crash_release(struct ri_crash *crash);
/* The registers of the thread that crashed, as the kernel lays them out in a core; their stack pointer. */
uint64_t ri_crash_registers(const ucontext_t *context, elf_gregset_t registers);

/* Fills mappings, each with its rank. False: they cannot be read. */
bool ri_crash_maps(struct ri_crash *crash);
/* Copies memory of this process, which may not be there. */
bool ri_crash_peek(uint64_t address, void *buffer, size_t bytes);

/* Writes out_fd, and sets written and error. */
void ri_crash_write(struct ri_crash *crash);

#endif
