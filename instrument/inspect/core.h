/* SPDX-License-Identifier: MIT */
/*
 * A core file as a target: its memory, and what else was written into it.
 *
 * Read by <elf.h> and pread, not by libelf or a mapping of the file: three
 * structures are needed of it, a file that is cut or shrinks is then a short
 * read and not a signal, and every number can be bounded where it is used.
 * A core is as hostile as a process.
 */
#ifndef RI_CORE_H
#define RI_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/procfs.h>

#include "crash/note.h"
#include "inspect/procfs.h"

/* A piece of memory, by address. */
struct ri_core_segment {
	uint64_t address;
	uint64_t bytes;  /* of the program's memory */
	uint64_t stored; /* of these in the file, from the first; never more than bytes */
	uint64_t offset; /* of the file */
	uint32_t flags;  /* PF_R, PF_W, PF_X, as it was mapped */
	bool is_stack;   /* its low end is that of a thread's stack */
};

/* Where an object file was mapped. */
struct ri_core_file {
	uint64_t start, end;
	uint64_t offset;  /* of that file, bytes */
	const char *path; /* hostile; lives as long as the core */
};

struct ri_core_thread {
	int tid;    /* as the program had it */
	int signal; /* it was to take, 0 = none */
	uint64_t cpu_ns;
	uint64_t pc, sp;
	uint64_t own;            /* its descriptor, which the C library keeps above its stack; 0 = not known */
	uint32_t syscall;        /* 1 + its number, 0 = in none, or not known */
	uint64_t argument;       /* its first */
	bool computes;           /* surely in none: it was in its own code */
	bool slept;              /* in one, until it was stopped for this core */
	elf_gregset_t registers; /* laid out as struct user_regs_struct */
};

struct ri_core {
	int fd;
	uint64_t bytes;   /* of the file */
	uint64_t missing; /* bytes of memory, or of notes, that should be in the file and are behind its end */
	struct ri_core_segment *segments; /* by address; none is empty */
	size_t n_segments;
	int pid;                        /* 0: not told */
	char program[32];               /* "": not told; hostile */
	uint64_t main_stack;            /* an address in it, high up; 0: not told */
	struct ri_core_thread *threads; /* as written: whoever took the signal is first */
	size_t n_threads;
	struct ri_core_file *files;
	size_t n_files;
	bool has_files; /* a list of files is there, be it empty */
	bool is_own;    /* written by the program itself, which says: */
	struct ri_crash_note own;
	char *paths;
};

/*
 * -ENOEXEC: not a core file; -ENOTSUP: of another machine; -EBADMSG: damaged
 * beyond use; -ESRCH: no such file; -EACCES; -ENOMEM. A file that is only cut is fine.
 */
int ri_core_open(const char *path, struct ri_core **ret_core);
/* The same; takes fd, also when it fails. */
int ri_core_open_fd(int fd, struct ri_core **ret_core);
void ri_core_close(struct ri_core *core);

/* rouse_read_fn; arg is the struct ri_core. What the file does not hold is -EFAULT. */
int ri_core_read(void *core, uint64_t address, void *buffer, size_t bytes);

/* All threads that were written; borrowed. */
size_t ri_core_threads(const struct ri_core *core, const struct ri_core_thread **ret_threads);

/* As ri_proc_mappings(): by name, or, where no mapping has it, segments that begin with the magic of a page. */
int ri_core_mappings(struct ri_core *core, struct ri_mapping *mappings, size_t capacity);

/* Nothing is missing that should be there, and all of it is of one moment. */
bool ri_core_is_whole(const struct ri_core *core);
/* What has to be said of it, as one line; "": nothing. */
void ri_core_note(const struct ri_core *core, char *text, size_t bytes);

/* NULL: none holds that address. */
struct ri_core_segment *ri_core_segment_at(const struct ri_core *core, uint64_t address);
/* Marks the segments that are stacks, once all notes and segments are known. */
void ri_core_mark_stacks(struct ri_core *core);
/* Takes in the notes of one PT_NOTE: unknown and malformed ones are passed over. 0 or -ENOMEM. */
int ri_core_take_notes(struct ri_core *core, const uint8_t *notes, size_t bytes);

#endif
