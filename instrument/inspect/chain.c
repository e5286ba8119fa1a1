/* SPDX-License-Identifier: MIT */
/*
 * Frames point to what they await, so the chain is a tree of structs in the
 * target's memory; torn, stale or hostile at worst. It is walked breadth
 * first: a node is read when it is appended, and the list of nodes is its own
 * queue, so that parents stand before their children. A frame counts once; a
 * second pointer to it (a cycle), an unknown type, a frame that cannot be
 * read, or too many of them end the walk there and mark the chain not whole.
 *
 * Most frames lie in the slot of their task's cell and have come with the
 * window; only boxed ones cost a read.
 */
#include "inspect/chain.h"

#include <errno.h>
#include <string.h>

static int fetch(struct rouse_inspect *inspect, const struct ri_window *window, struct ri_chain *chain,
	uint64_t address, void *buffer, size_t bytes)
{
	if (!ri_window_at(window, address, bytes))
		chain->strayed = true;
	return ri_memory_fetch(&inspect->memory, window, address, buffer, bytes);
}

static bool is_known_node(const struct ri_chain *chain, uint64_t address)
{
	for (uint32_t i = 0; i < chain->n; i++)
		if (chain->nodes[i].address == address)
			return true;
	return false;
}

/* Reads a frame head, and a leaf's wait node; false: the chain ends here. */
static bool append(struct rouse_inspect *inspect, const struct ri_runtime *runtime, const struct ri_window *window,
	struct ri_chain *chain, uint64_t address, uint32_t parent, uint32_t depth)
{
	if (chain->n == RI_CHAIN_NODES || depth >= RI_CHAIN_DEPTH) {
		chain->cut = true;
		return false;
	}
	struct ri_node *node = &chain->nodes[chain->n];

	if (is_known_node(chain, address) ||
		fetch(inspect, window, chain, address, &node->record, sizeof node->record) < 0)
		return false;
	node->address = address;
	node->parent = parent;
	node->depth = depth;
	node->wait_address = 0;
	node->type = ri_sites_find(&runtime->sites, node->record.type);
	const struct rouse_site_entry *type = ri_sites_entry(&runtime->sites, node->type);

	chain->n++;
	if (!ri_site_is_type(type)) {
		node->type = 0;
		return false;
	}
	if (type->node_offset) {
		if (fetch(inspect, window, chain, address + type->node_offset, &node->wait, sizeof node->wait) < 0)
			return false;
		node->wait_address = address + type->node_offset;
	}
	return true;
}

void ri_chain_walk(struct rouse_inspect *inspect, const struct ri_runtime *runtime, const struct ri_window *window,
	const struct rouse_cell_record *cell, struct ri_chain *chain)
{
	chain->n = 0;
	chain->cut = chain->strayed = false;
	chain->whole = cell->future && append(inspect, runtime, window, chain, cell->future, 0, 0);
	/* What an ended future still points to is gone. */
	if (cell->state & ROUSE_COMPLETE)
		return;
	for (uint32_t i = 0; chain->whole && i < chain->n; i++) {
		uint64_t child = chain->nodes[i].record.awaiting;

		while (child) {
			uint32_t at = chain->n;

			if (!append(inspect, runtime, window, chain, child, i, chain->nodes[i].depth + 1)) {
				chain->whole = false;
				break;
			}
			child = chain->nodes[at].record.sibling;
		}
	}
}

uint64_t ri_waker_task(struct rouse_inspect *inspect, const struct ri_runtime *runtime, const struct ri_window *window,
	uint64_t data, uint64_t vtable)
{
	uint64_t head[2]; /* state, id */

	if (!vtable)
		return 0;
	if (vtable != runtime->page.task_waker_vtable)
		return UINT64_MAX;
	if (ri_memory_fetch(&inspect->memory, window, data, head, sizeof head) < 0)
		return 0;
	return head[1];
}

/* ------------------------------------------------------------- own wakers */

/* Is this the waker of a node by which the task waits? Those are counted by what it waits for. */
static bool is_waiting(const struct ri_chain *chain, uint64_t waker_address)
{
	for (uint32_t i = 0; i < chain->n; i++) {
		const struct ri_node *node = &chain->nodes[i];

		if (node->wait_address && node->wait.state == ROUSE_WAIT_WAITING &&
			waker_address == node->wait_address + offsetof(struct rouse_wait_record, waker_data))
			return true;
	}
	return false;
}

static uint32_t scan(const struct ri_chain *chain, const uint8_t *bytes, size_t n, uint64_t address, uint64_t cell,
	uint64_t vtable)
{
	uint32_t found = 0;
	uint64_t pair[2];

	for (size_t i = (0 - address) & 7; n >= sizeof pair && i <= n - sizeof pair; i += 8) {
		memcpy(pair, bytes + i, sizeof pair);
		if (pair[0] == cell && pair[1] == vtable && !is_waiting(chain, address + i))
			found++;
	}
	return found;
}

uint32_t ri_chain_own_wakers(struct rouse_inspect *inspect, const struct ri_runtime *runtime,
	const struct ri_window *window, uint64_t cell_address, struct ri_chain *chain)
{
	size_t left = sizeof inspect->scratch; /* a limit for all frames of one task */
	uint64_t start = 0, size = 0;          /* the last range scanned: embedded children follow their parent */
	uint32_t found = 0;

	for (uint32_t i = 0; i < chain->n; i++) {
		const struct rouse_site_entry *type = ri_sites_entry(&runtime->sites, chain->nodes[i].type);
		uint64_t address = chain->nodes[i].address;

		if (!type || (address >= start && address - start < size))
			continue;
		size_t bytes = type->frame_bytes < left ? type->frame_bytes : left;
		const uint8_t *data = ri_window_at(window, address, bytes);

		if (!data && fetch(inspect, window, chain, address, inspect->scratch, bytes) == 0)
			data = inspect->scratch;
		if (data)
			found += scan(chain, data, bytes, address, cell_address, runtime->page.task_waker_vtable);
		left -= bytes;
		start = address;
		size = type->frame_bytes;
	}
	return found;
}
