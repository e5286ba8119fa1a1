/* SPDX-License-Identifier: MIT */
#include "inspect/references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inspect/hidden.h"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void ri_references_free(struct ri_references *references)
{
	if (!references)
		return;
	ri_hidden_free(references->slots);
	ri_hidden_free(references);
}

/* ------------------------------------------------------- what is asked for */

static bool is_wished(const struct ri_look *look, uint64_t id)
{
	for (size_t i = 0; i < look->opts.n_detail; i++)
		if (look->detail[i] == id)
			return true;
	return false;
}

/* What is not asked for any more is forgotten: asked for again, it is searched for at once. */
static void forget(const struct ri_look *look, struct ri_references *references)
{
	for (size_t i = 0; i < RI_DETAIL_MAX; i++)
		if (references->past[i].id && !is_wished(look, references->past[i].id))
			references->past[i].id = 0;
}

static bool is_due(const struct ri_references *references, uint64_t id, uint64_t now)
{
	for (size_t i = 0; i < RI_DETAIL_MAX; i++)
		if (references->past[i].id == id)
			return references->past[i].searches < RI_SEARCHES_AT_ONCE ||
			       now - references->past[i].last_ns >= RI_SEARCH_AGAIN_NS;
	return true;
}

static void remember(struct ri_references *references, uint64_t id, uint64_t now)
{
	size_t at = RI_DETAIL_MAX;

	for (size_t i = 0; i < RI_DETAIL_MAX; i++) {
		if (references->past[i].id == id) {
			at = i;
			break;
		}
		if (!references->past[i].id)
			at = i;
	}
	if (at == RI_DETAIL_MAX)
		return;
	if (references->past[at].id != id)
		references->past[at].searches = 0;
	references->past[at].id = id;
	references->past[at].last_ns = now;
	references->past[at].searches++;
}

/* ----------------------------------------------------------------- needles */

static void add_needle(struct ri_references *references, const struct ri_chunk *chunk, uint32_t slot)
{
	bool is_task = chunk->entry.kind == ROUSE_CHUNK_TASK;

	references->needles[references->n_needles++] = (struct ri_needle){ .id = chunk->seen[slot].id,
		.address = chunk->entry.address + (uint64_t)slot * chunk->entry.stride,
		.bytes = is_task ? 1 : chunk->entry.stride,
		.is_task = is_task };
}

static bool is_needle(const struct ri_references *references, uint64_t id)
{
	for (size_t i = 0; i < references->n_needles; i++)
		if (references->needles[i].id == id)
			return true;
	return false;
}

/* What has a descriptor: what is wished of it is what the kernel knows, and memory need not be searched. */
static bool is_descriptor(const struct ri_look *look, uint64_t id)
{
	for (size_t i = 0; i < look->n_descriptors; i++)
		if (look->descriptors[i].serial == id)
			return true;
	return false;
}

/* The slots of what is wished and due, as this look has seen them. */
static void find_needles(const struct ri_look *look, const struct ri_runtime *runtime, struct ri_references *references)
{
	uint64_t wished[RI_DETAIL_MAX], lowest = UINT64_MAX, highest = 0, now = clock_ns(CLOCK_MONOTONIC);
	size_t n = 0;

	references->n_needles = 0;
	for (size_t i = 0; i < look->opts.n_detail; i++) {
		uint64_t id = look->detail[i];

		if (!id || is_descriptor(look, id) || !is_due(references, id, now))
			continue;
		wished[n++] = id;
		lowest = id < lowest ? id : lowest;
		highest = id > highest ? id : highest;
	}
	for (uint32_t i = 0; n && i < runtime->chunk_count; i++) {
		const struct ri_chunk *chunk = &runtime->chunks[i];

		for (uint32_t slot = 0; chunk->seen && slot < chunk->entry.cells; slot++) {
			uint64_t id = chunk->seen[slot].id;

			if (id < lowest || id > highest)
				continue;
			for (size_t k = 0; k < n; k++)
				if (wished[k] == id && !is_needle(references, id))
					add_needle(references, chunk, slot);
		}
	}
}

static void span_needles(struct ri_references *references)
{
	uint64_t low = UINT64_MAX, high = 0;

	for (size_t i = 0; i < references->n_needles; i++) {
		const struct ri_needle *needle = &references->needles[i];

		low = needle->address < low ? needle->address : low;
		high = needle->address + needle->bytes > high ? needle->address + needle->bytes : high;
	}
	references->low = low;
	references->span = high - low;
}

/* Is it still what was asked for, at the end of the search? */
static bool still_there(struct rouse_inspect *inspect, const struct ri_needle *needle)
{
	uint64_t id, at = needle->address + (needle->is_task ? offsetof(struct rouse_cell_record, id) : 0);

	return ri_memory_read(&inspect->memory, at, &id, sizeof id) == 0 && id == needle->id;
}

/* ------------------------------------------------------------------- slots */

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct ri_slots *)a)->address, y = ((const struct ri_slots *)b)->address;

	return (x > y) - (x < y);
}

/* A hostile directory may have chunks that overlap: the first one has the place. */
static int sort_slots(const struct ri_runtime *runtime, struct ri_references *references)
{
	size_t n = 0, kept = 0;

	ri_hidden_free(references->slots);
	references->n_slots = 0;
	references->slots = ri_hidden_alloc((runtime->chunk_count + 1) * sizeof *references->slots);
	if (!references->slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < runtime->chunk_count; i++) {
		const struct rouse_chunk_entry *entry = &runtime->chunks[i].entry;

		if (entry->kind && entry->cells)
			references->slots[n++] = (struct ri_slots){ entry->address,
				entry->address + (uint64_t)entry->stride * entry->cells, entry->stride, entry->kind };
	}
	qsort(references->slots, n, sizeof *references->slots, by_address);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || references->slots[i].address >= references->slots[kept - 1].end)
			references->slots[kept++] = references->slots[i];
	references->n_slots = kept;
	return 0;
}

/* -------------------------------------------------------------- the course */

int ri_references_begin(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	struct ri_references *references = inspect->references;
	int rc;

	if (references) {
		references->active = false;
		forget(&inspect->look, references);
	}
	if (!inspect->look.opts.n_detail)
		return 1;
	if (!references)
		references = inspect->references = ri_hidden_alloc(sizeof *references);
	if (!references)
		return -ENOMEM;
	find_needles(&inspect->look, runtime, references);
	if (!references->n_needles)
		return 1;
	rc = sort_slots(runtime, references);
	if (rc < 0)
		return rc;
	span_needles(references);
	references->vtable = runtime->page.task_waker_vtable;
	references->bytes_left = RI_SEARCH_BYTES_MAX;
	references->ns_left = RI_SEARCH_NS_MAX;
	references->n_places = references->last_place = references->n_loose = references->hits = references->n_boxed =
		0;
	ri_memory_refill(&inspect->memory);
	ri_haystack_begin(inspect, references);
	references->active = true;
	return 1;
}

static int put_row(struct rouse_inspect *inspect, struct ri_reference_batch *batch, const struct ri_reference_row *row)
{
	ri_reference_put(batch, row);
	return batch->n == RI_ROWS ? ri_out_references(&inspect->out, batch) : 0;
}

/* One row for each place; one that says so if there is none. */
static int send_needle(struct rouse_inspect *inspect, const struct ri_references *references, uint32_t index,
	struct ri_reference_batch *batch)
{
	struct ri_reference_row row = { .id = references->needles[index].id, .complete = references->complete };
	int rc = 0;
	bool any = false;

	for (size_t i = 0; i < references->n_places && rc == 0; i++) {
		if (references->places[i].needle != index)
			continue;
		any = true;
		row.task = references->places[i].task;
		row.count = references->places[i].count;
		rc = put_row(inspect, batch, &row);
	}
	return any || rc < 0 ? rc : put_row(inspect, batch, &row);
}

static int finish(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct ri_references *references)
{
	struct ri_reference_batch batch;
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int rc = 0;

	references->active = false;
	ri_haystack_end(inspect, references);
	ri_needles_settle(inspect, runtime, references);
	batch.n = 0;
	for (uint32_t i = 0; i < references->n_needles && rc == 0; i++) {
		remember(references, references->needles[i].id, now);
		if (still_there(inspect, &references->needles[i]))
			rc = send_needle(inspect, references, i, &batch);
	}
	return rc < 0 ? rc : ri_out_references(&inspect->out, &batch);
}

int ri_references_step(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	struct ri_references *references = inspect->references;
	uint64_t begun = clock_ns(CLOCK_THREAD_CPUTIME_ID), spent;
	bool more;

	if (!references || !references->active)
		return 0;
	more = ri_haystack_step(inspect, runtime, references);
	spent = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
	references->ns_left -= spent < references->ns_left ? spent : references->ns_left;
	if (more && references->ns_left)
		return 1;
	return finish(inspect, runtime, references);
}
