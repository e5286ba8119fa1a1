/* SPDX-License-Identifier: MIT */
/*
 * A window of task cells: read, read again, then told.
 *
 * The second reading follows the first at once, before any chain is walked:
 * frames in the window were read between the two readings of their cell, so a
 * cell that has the same state word (its stamp counts every transition) and
 * the same number of polls in both vouches for them. Frames elsewhere are read
 * later, so their cell is looked at a third time.
 *
 * A cell whose 128 bytes are as they were when its row was last sent, and that
 * does not run, has not been polled or woken since: neither has its chain
 * changed. A window full of such cells costs one read and one pass of hashing.
 */
#include "inspect/chain.h"

#include <string.h>

#include "inspect/publish.h"

struct slot {
	struct rouse_cell_record cell; /* as of the first look */
	uint64_t address;
	bool valid;
};

static struct rouse_cell_record cell_in(const uint8_t *window, size_t offset)
{
	struct rouse_cell_record cell;

	memcpy(&cell, window + offset, sizeof cell);
	return cell;
}

static bool same_state(const struct rouse_cell_record *a, const struct rouse_cell_record *b)
{
	return a->state == b->state && a->polls == b->polls && a->id == b->id;
}

/* The task's own name: NUL-terminated, from the cell on. */
static uint32_t name_of(struct rouse_inspect *inspect, struct ri_runtime *runtime, const struct ri_window *window,
	const struct slot *slot)
{
	enum { NAME_MAX_BYTES = 255, SMALLEST_PAGE = 4096 };
	uint64_t address = slot->address + slot->cell.name_offset;
	char name[NAME_MAX_BYTES];
	size_t bytes = sizeof name;

	if (!slot->cell.name_offset)
		return 0;
	/* Behind the name may be nothing at all: not over the end of the window, nor of a page. */
	if (ri_window_at(window, address, 1)) {
		size_t left = (size_t)(window->address + window->bytes - address);
		bytes = left < bytes ? left : bytes;
	} else {
		size_t left = SMALLEST_PAGE - address % SMALLEST_PAGE;
		bytes = left < bytes ? left : bytes;
	}
	if (ri_memory_fetch(&inspect->memory, window, address, name, bytes) < 0)
		return 0;
	return ri_strings_index(&runtime->strings, name, strnlen(name, bytes));
}

static void await_row(struct rouse_inspect *inspect, const struct ri_runtime *runtime, const struct ri_window *window,
	const struct slot *slot, const struct ri_node *node, uint32_t index)
{
	const struct rouse_site_entry *type = ri_sites_entry(&runtime->sites, node->type);
	const struct rouse_wait_record *wait = &node->wait;
	struct ri_await_row row = { .task = slot->cell.id,
		.depth_index = index,
		.parent = node->parent,
		.type = node->type,
		.at = ri_sites_find(&runtime->sites, node->record.at),
		.op = type ? type->op : 0 };

	if (node->wait_address) {
		row.op = wait->op ? wait->op : row.op;
		row.wait_state = wait->state;
		row.resource = wait->resource;
		row.since_ns = ri_clock_ns(&runtime->page.anchor, wait->since_ticks);
		row.arg = wait->arg;
		row.poll = wait->poll;
		row.waker_task = wait->waker_vtable == runtime->page.task_waker_vtable &&
						 wait->waker_data == slot->address ?
					 slot->cell.id :
					 ri_waker_task(inspect, runtime, window, wait->waker_data, wait->waker_vtable);
	}
	ri_await_put(&inspect->awaits, &row);
}

static void task_row(struct rouse_inspect *inspect, const struct ri_runtime *runtime, const struct slot *slot,
	uint32_t name, uint32_t frame_bytes, uint32_t own_wakers)
{
	const struct rouse_cell_record *cell = &slot->cell;
	const struct rouse_clock_anchor *clock = &runtime->page.anchor;

	ri_task_put(&inspect->tasks,
		&(struct ri_task_row){
			.id = cell->id,
			.state = rouse_state_of(cell->state),
			.flags = (uint32_t)(cell->state & ROUSE_STATE_FLAGS),
			.stamp = (uint32_t)(cell->state >> ROUSE_STAMP_SHIFT),
			.waker_refs = (uint32_t)((cell->state & ROUSE_WAKER_MASK) >> ROUSE_WAKER_SHIFT),
			.handle_refs = (uint32_t)((cell->state & ROUSE_HANDLE_MASK) >> ROUSE_HANDLE_SHIFT),
			.name = name,
			.spawn_site = cell->spawn_site,
			.kind = cell->kind,
			.parent = cell->parent,
			.spawned_ns = ri_clock_ns(clock, cell->spawned_ticks),
			.edge_ns = ri_clock_ns(clock, cell->edge_ticks),
			.enqueue_ns = ri_clock_ns(clock, cell->enqueue_ticks),
			.last_waker = cell->last_waker,
			.polls = cell->polls,
			.wakes = cell->wakes,
			.self_wakes = cell->self_wakes,
			.busy_ns = ri_clock_duration_ns(clock, cell->busy_ticks),
			.scheduled_ns = ri_clock_duration_ns(clock, cell->scheduled_ticks),
			.worker = cell->worker,
			.valid = slot->valid,
			.own_wakers = own_wakers,
			.frame_bytes = frame_bytes,
		});
}

/* What was read outside the window came later than the second look: a third one. */
static bool still_same(struct rouse_inspect *inspect, struct ri_runtime *runtime, const struct slot *slot)
{
	struct rouse_cell_record now;

	return ri_workers_sample(inspect, runtime) == 0 &&
	       ri_memory_read(&inspect->memory, slot->address, &now, sizeof now) == 0 &&
	       same_state(&slot->cell, &now);
}

static int send_task(struct rouse_inspect *inspect, struct ri_runtime *runtime, const struct ri_window *window,
	struct slot *slot)
{
	struct ri_chain chain;
	uint32_t own_wakers = 0;
	bool rests = !(slot->cell.state & (ROUSE_RUNNING | ROUSE_COMPLETE));
	int rc = 0;

	ri_chain_walk(inspect, runtime, window, &slot->cell, &chain);
	if (rests && (slot->cell.state & ROUSE_WAKER_MASK))
		own_wakers = ri_chain_own_wakers(inspect, runtime, window, slot->address, &chain);
	slot->valid = slot->valid && chain.whole && (!chain.strayed || still_same(inspect, runtime, slot));
	if (chain.cut)
		inspect->look.complete = false;
	if (inspect->tasks.n == RI_ROWS || inspect->awaits.n + chain.n > RI_ROWS)
		rc = ri_publish_rows(inspect, runtime);
	if (rc < 0)
		return rc;
	const struct rouse_site_entry *root =
		chain.n ? ri_sites_entry(&runtime->sites, chain.nodes[0].type) : NULL;

	task_row(inspect, runtime, slot, name_of(inspect, runtime, window, slot), root ? root->frame_bytes : 0,
		own_wakers);
	for (uint32_t i = 0; i < chain.n; i++)
		await_row(inspect, runtime, window, slot, &chain.nodes[i], i);
	return 0;
}

/*
 * First pass: who is there, who has gone, who has changed. Answers the number
 * of rows to send; a digest of 0 means none for that slot.
 */
static int sift(struct rouse_inspect *inspect, struct ri_chunk *chunk, uint32_t first, uint32_t n)
{
	uint32_t stride = chunk->entry.stride;
	int changed = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct rouse_cell_record cell = cell_in(inspect->first_look, (size_t)i * stride);
		struct ri_seen *seen = &chunk->seen[first + i];
		uint64_t gone = seen->id != cell.id ? seen->id : 0;

		inspect->digests[i] = 0;
		if (gone && !inspect->look.keyframe) {
			int rc = ri_publish_removal(inspect, false, gone);

			if (rc < 0)
				return rc;
		}
		if (!cell.id) {
			*seen = (struct ri_seen){ 0 };
			continue;
		}
		if (!(cell.state & ROUSE_COMPLETE))
			inspect->look.tasks++;
		uint64_t digest = ri_digest(&cell, sizeof cell);

		if (inspect->look.keyframe || digest != seen->digest || (cell.state & ROUSE_RUNNING)) {
			inspect->digests[i] = digest;
			changed++;
		}
	}
	return changed;
}

int ri_tasks_window(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct ri_chunk *chunk, uint32_t first,
	uint32_t n)
{
	uint32_t stride = chunk->entry.stride;
	struct ri_window window = { chunk->entry.address + (uint64_t)first * stride, (size_t)n * stride,
		inspect->first_look };
	int rc;

	if (ri_memory_read(&inspect->memory, window.address, inspect->first_look, window.bytes) < 0)
		return RI_UNREADABLE;
	rc = sift(inspect, chunk, first, n);
	if (rc <= 0)
		return rc;
	if (ri_workers_sample(inspect, runtime) < 0 ||
		ri_memory_read(&inspect->memory, window.address, inspect->second_look, window.bytes) < 0)
		return RI_UNREADABLE;
	rc = 0;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		struct ri_seen *seen = &chunk->seen[first + i];

		if (!inspect->digests[i])
			continue;
		struct slot slot = { .cell = cell_in(inspect->first_look, (size_t)i * stride),
			.address = window.address + (uint64_t)i * stride };
		struct rouse_cell_record again = cell_in(inspect->second_look, (size_t)i * stride);
		bool same = same_state(&slot.cell, &again);

		inspect->look.torn += !same;
		slot.valid = same && !(slot.cell.state & ROUSE_RUNNING);
		rc = send_task(inspect, runtime, &window, &slot);
		/* A row that could not be trusted is sent again, changed or not. */
		*seen = (struct ri_seen){ slot.cell.id, slot.valid ? inspect->digests[i] : 0 };
	}
	return rc;
}
