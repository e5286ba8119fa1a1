/* SPDX-License-Identifier: MIT */
/* What kernel.c and blocks.c keep of the kernel's stream. */
#ifndef CN_MODEL_KERNEL_PRIVATE_H
#define CN_MODEL_KERNEL_PRIVATE_H

#include "model/kernel.h"
#include "model/private.h"

enum { CN_BLOCKS_NEWEST = 512, CN_BLOCKS_LONGEST = 64 };

struct cn_wait_row {
	uint64_t key;
	uint64_t round; /* that told of it */
	struct cn_block wait;
};

struct cn_kernel_state {
	struct cn_kernel shown;
	struct cn_slots tasks, sites, workers;
	struct cn_slots calls;
	struct cn_slots waits; /* of struct cn_wait_row, by worker */
	struct cn_slots stacks;
	struct cn_slots tasks_before, workers_before;
	struct cn_block newest[CN_BLOCKS_NEWEST]; /* number n at n % CN_BLOCKS_NEWEST */
	struct cn_block longest[CN_BLOCKS_LONGEST];
	uint64_t n_blocks;
	uint64_t ended[CN_RUNTIMES_MAX]; /* tasks, as it began */
};

/* Of a spawn site or a worker's thread. */
static inline uint64_t cn_kernel_key(size_t runtime, uint32_t id)
{
	return ((uint64_t)runtime + 1) << 32 | id;
}

/* Makes it, if it is not there. 0 or -ENOMEM. */
int cn_kernel_state_of(struct cn_model *model);

#endif
