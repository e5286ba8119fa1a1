/* SPDX-License-Identifier: MIT */
/*
 * What a process calls its threads, and what its descriptors are: looked up when
 * something is told of them, so they may have changed since.
 */
#ifndef BL_NAMES_H
#define BL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BL_NAME_BYTES 16
#define BL_FILE_BYTES 112

struct bl_thread_name {
	uint32_t tid; /* as the target has it */
	char name[BL_NAME_BYTES];
};

/* The target's threads, looked at anew at most every 100 ms. */
struct bl_names {
	struct bl_thread_name *threads;
	size_t n, room;
	uint64_t looked_ns;
};

/* False: there is no such thread now. */
bool bl_names_thread(struct bl_names *names, int pid, uint32_t tid, char ret_name[BL_NAME_BYTES]);
/* What the descriptor that this system call takes first is: "" if it takes none, or that is not known. */
void bl_names_file(int pid, uint32_t number, uint64_t argument, char ret_file[BL_FILE_BYTES]);
void bl_names_fini(struct bl_names *names);

#endif
