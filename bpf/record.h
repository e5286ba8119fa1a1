/* SPDX-License-Identifier: MIT */
/*
 * Which memory of a target says what its workers poll. Plain data that all
 * groups of BPF programs and the loader share.
 */
#ifndef BL_RECORD_H
#define BL_RECORD_H

#include <linux/types.h>

#define BL_WORKERS_MAX 256 /* more than that of one process are not followed, and counted */

/* One for each worker record that was found: a slot, filled by the loader. */
struct bl_place {
	__u64 record;  /* its address in the target, 0 = slot not used */
	__u32 runtime; /* index, in the order of the pages in memory */
	__u32 index;   /* of the worker in it */
};

/* The head of struct rouse_worker_record and two members of struct rouse_cell_record: rouse/layout.h. */
struct bl_record_head {
	__u32 tid;
	__u32 index;
	__u32 state;
	__u32 flags;
	__u64 current_task;
	__u64 current_cell;
};
/* What there is to tell where a thread is: a part of a record, its last one. Cut off behind stack_bytes. */
#define BL_KERNEL_FRAMES 24
#define BL_STACK_BYTES 8192
#define BL_REGISTERS 17
struct bl_sample_state {
	__u64 registers[BL_REGISTERS];     /* user's, by DWARF number; if has_registers */
	__u64 kernel_pc[BL_KERNEL_FRAMES]; /* innermost first, 0 = no more */
	__u32 has_registers;
	__u32 stack_bytes;
	__u8 stack[BL_STACK_BYTES]; /* copied from the user's stack pointer up */
};

#define BL_CELL_ID 8
#define BL_CELL_SPAWN_SITE 100

#endif
