/* SPDX-License-Identifier: MIT */
/* The await chain of a task, read from its frames. */
#ifndef RI_CHAIN_H
#define RI_CHAIN_H

#include "inspect/look.h"

enum { RI_CHAIN_NODES = 256, RI_CHAIN_DEPTH = 64 };
_Static_assert((int)RI_CHAIN_NODES <= (int)RI_ROWS, "a task's await frames are never split over two messages");

struct ri_node {
	uint64_t address;
	struct rouse_future_record record;
	struct rouse_wait_record wait; /* read from wait_address, if that is not 0 */
	uint64_t wait_address;
	uint32_t type; /* site index, 0 = unknown */
	uint32_t parent;
	uint32_t depth;
};

struct ri_chain {
	uint32_t n;
	bool whole;    /* nothing was unknown, unreadable or cut */
	bool cut;      /* a limit was hit */
	bool strayed;  /* something was read outside the window: the cell must be looked at once more */
	struct ri_node nodes[RI_CHAIN_NODES];
};

/* Follows the frames of the task whose cell was read as `cell`. Always at least the root, if it can be read. */
void ri_chain_walk(struct rouse_inspect *inspect, const struct ri_runtime *runtime, const struct ri_window *window,
	const struct rouse_cell_record *cell, struct ri_chain *chain);

/*
 * Counts the wakers of the task that its own frames hold, the nodes it waits
 * with aside: pairs {cell, task vtable} anywhere in them. Conservative: bytes
 * that only look like a waker are counted too.
 */
uint32_t ri_chain_own_wakers(struct rouse_inspect *inspect, const struct ri_runtime *runtime,
	const struct ri_window *window, uint64_t cell_address, struct ri_chain *chain);

/* The id of the task whose waker this is: 0 = none, UINT64_MAX = not a task of this runtime. */
uint64_t ri_waker_task(struct rouse_inspect *inspect, const struct ri_runtime *runtime, const struct ri_window *window,
	uint64_t data, uint64_t vtable);

#endif
