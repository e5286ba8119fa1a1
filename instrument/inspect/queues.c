/* SPDX-License-Identifier: MIT */
/*
 * Which tasks the workers' queues hold. A queue that moves while it is read is
 * a sample: what was popped meanwhile may still be told, what was pushed may
 * not. No look at the cells is needed for most: they were read in this very
 * look, in chunks that are known.
 */
#include "inspect/hidden.h"
#include "inspect/look.h"

#include <stddef.h>
#include <stdlib.h>

/* --------------------------------------------------- from address to task */

static int by_address(const void *a, const void *b)
{
	const struct ri_span *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static bool sort_spans(struct ri_runtime *runtime)
{
	struct ri_span *spans;

	if (runtime->n_spans || !runtime->chunk_count)
		return true;
	spans = ri_hidden_grow(runtime->spans, runtime->chunk_count * sizeof *spans);
	if (!spans)
		return false;
	for (uint32_t i = 0; i < runtime->chunk_count; i++)
		spans[i] = (struct ri_span){ runtime->chunks[i].entry.address, i };
	qsort(spans, runtime->chunk_count, sizeof *spans, by_address);
	runtime->spans = spans;
	runtime->n_spans = runtime->chunk_count;
	return true;
}

/* The last chunk that begins at or before `address`. */
static const struct ri_chunk *chunk_before(const struct ri_runtime *runtime, uint64_t address)
{
	uint32_t low = 0, high = runtime->n_spans;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (runtime->spans[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &runtime->chunks[runtime->spans[low - 1].chunk] : NULL;
}

/* What the slot at this address held when its window was read; 0: there is none, or it was free then. */
static uint64_t seen_at(struct ri_runtime *runtime, uint64_t address)
{
	const struct ri_chunk *chunk = sort_spans(runtime) ? chunk_before(runtime, address) : NULL;

	if (!chunk || !chunk->seen || chunk->entry.kind != ROUSE_CHUNK_TASK)
		return 0;
	uint64_t offset = address - chunk->entry.address, slot = offset / chunk->entry.stride;

	return offset % chunk->entry.stride == 0 && slot < chunk->entry.cells ? chunk->seen[slot].id : 0;
}

uint64_t ri_task_at(struct rouse_inspect *inspect, struct ri_runtime *runtime, uint64_t address)
{
	uint64_t id = seen_at(runtime, address), head[2];

	_Static_assert(offsetof(struct rouse_cell_record, id) == sizeof head[0], "cell");
	if (id || ri_memory_read(&inspect->memory, address, head, sizeof head) < 0)
		return id;
	return head[1];
}

/* ------------------------------------------------------------------ queues */

static int put(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct ri_queue_batch *batch, uint32_t worker,
	uint64_t cell)
{
	uint64_t task = cell ? ri_task_at(inspect, runtime, cell) : 0;
	int rc = task && batch->n == RI_ROWS ? ri_out_queues(&inspect->out, batch) : 0;

	if (task && rc == 0)
		ri_queue_put(batch, &(struct ri_queue_row){ task, worker });
	return rc;
}

/* Head and tail were not read at once: what lies between them may be more than there are slots. */
static int send_queue(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct ri_queue_batch *batch,
	uint32_t worker)
{
	struct rouse_queue_record queue;
	int rc = 0;

	if (!inspect->look.queues[worker])
		return 0;
	if (ri_memory_read(&inspect->memory, inspect->look.queues[worker], &queue, sizeof queue) < 0) {
		inspect->look.complete = false;
		return 0;
	}
	uint32_t depth = queue.tail - (uint32_t)queue.head;

	depth = depth < ROUSE_QUEUE_SLOTS ? depth : ROUSE_QUEUE_SLOTS;
	for (uint32_t i = queue.tail - depth; i != queue.tail && rc == 0; i++)
		rc = put(inspect, runtime, batch, worker, queue.slots[i % ROUSE_QUEUE_SLOTS]);
	return rc < 0 ? rc : put(inspect, runtime, batch, worker, queue.lifo);
}

int ri_queues_send(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	struct ri_queue_batch batch;
	int rc = 0;

	batch.n = 0;
	for (uint32_t i = 0; i < runtime->page.workers && rc == 0; i++)
		rc = send_queue(inspect, runtime, &batch, i);
	return rc < 0 ? rc : ri_out_queues(&inspect->out, &batch);
}
