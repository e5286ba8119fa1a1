/* SPDX-License-Identifier: MIT */
/*
 * Words against needles. Nearly every word fails the first comparison, with
 * the range that all needles lie in; what passes is looked at closely, which
 * costs a read of the slot it stands in, if it is not the one known already.
 */
#include "inspect/references.h"

#include <stdlib.h>
#include <string.h>

static void count(struct ri_references *references, uint32_t needle, uint64_t task)
{
	struct ri_place *places = references->places;
	size_t at = references->last_place; /* the same again, nearly always */

	if (at >= references->n_places || places[at].needle != needle || places[at].task != task)
		for (at = 0; at < references->n_places; at++)
			if (places[at].needle == needle && places[at].task == task)
				break;
	if (at < references->n_places) {
		places[at].count++;
		references->last_place = at;
		return;
	}
	if (references->n_places == RI_PLACES_MAX) {
		references->complete = false;
		return;
	}
	references->places[references->n_places++] = (struct ri_place){ needle, task, 1 };
}

/* -------------------------------------------------------------- in a slot */

static const struct ri_slots *slots_at(const struct ri_references *references, uint64_t address)
{
	size_t low = 0, high = references->n_slots;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (references->slots[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < references->n_slots && references->slots[low].address <= address ? &references->slots[low] : NULL;
}

/* Nothing behind the frame, and the name, has belonged to anybody since the slot was taken. */
static uint64_t end_of_frame(struct rouse_inspect *inspect, const struct ri_runtime *runtime, uint64_t slot,
	uint64_t end, const struct rouse_cell_record *cell)
{
	const struct rouse_site_entry *entry;
	uint64_t type;

	if (cell->future < slot + sizeof *cell || cell->future >= end) /* only cell and name are here */
		return cell->future ? slot + sizeof *cell : end;
	if (ri_memory_read(&inspect->memory, cell->future, &type, sizeof type) < 0)
		return end;
	entry = ri_sites_entry(&runtime->sites, ri_sites_find(&runtime->sites, type));
	if (!ri_site_is_type(entry) || entry->frame_bytes < sizeof(struct rouse_future_record) ||
		entry->frame_bytes > end - cell->future)
		return end;
	return cell->future + entry->frame_bytes;
}

/* What a find in this slot means: whose it is, and where the slot ends to mean anything. */
static void know_slot(struct rouse_inspect *inspect, const struct ri_runtime *runtime, struct ri_references *references,
	const struct ri_slots *slots, uint64_t slot)
{
	struct rouse_cell_record cell;
	uint64_t end = slot + slots->stride, serial;

	references->known_slot = slot;
	references->known_end = end;
	references->known_task = 0;
	if (slots->kind == ROUSE_CHUNK_RESOURCE) {
		if (ri_memory_read(&inspect->memory, slot, &serial, sizeof serial) == 0 && !serial)
			references->known_end = slot;
		return;
	}
	if (ri_memory_read(&inspect->memory, slot, &cell, sizeof cell) < 0)
		return;
	if (!cell.id) {
		references->known_end = slot;
		return;
	}
	references->known_end = end_of_frame(inspect, runtime, slot, end, &cell);
	references->known_task = cell.state & ROUSE_COMPLETE ? 0 : cell.id;
}

/* The needle stands at `address`. */
static void found(struct rouse_inspect *inspect, const struct ri_runtime *runtime, struct ri_references *references,
	uint32_t index, uint64_t address)
{
	const struct ri_needle *needle = &references->needles[index];
	const struct ri_slots *slots;

	if (!needle->is_task && address - needle->address < needle->bytes)
		return; /* its own slot */
	if (++references->hits > RI_HITS_MAX) {
		references->complete = false;
		return;
	}
	slots = slots_at(references, address);
	if (slots) {
		uint64_t slot = address - (address - slots->address) % slots->stride;

		if (slot != references->known_slot)
			know_slot(inspect, runtime, references, slots, slot);
		if (address < references->known_end)
			count(references, index, references->known_task);
		return;
	}
	if (references->n_loose == RI_LOOSE_MAX) {
		count(references, index, 0);
		return;
	}
	references->loose[references->n_loose].address = address;
	references->loose[references->n_loose++].needle = index;
}

/* --------------------------------------------------------------- the scan */

/* Notes frames that lie outside of the slots of this piece. */
static void note_boxed(struct rouse_inspect *inspect, struct ri_references *references, const struct ri_slots *slots,
	const uint8_t *bytes, uint64_t address, uint64_t end)
{
	struct rouse_cell_record cell;
	uint64_t first = address > slots->address ? address : slots->address,
		 last = end < slots->end ? end : slots->end;
	uint64_t slot = slots->address + (first - slots->address + slots->stride - 1) / slots->stride * slots->stride;

	for (; slot < last; slot += slots->stride) {
		if (slot + sizeof cell <= last)
			memcpy(&cell, bytes + (slot - address), sizeof cell);
		else if (ri_memory_read(&inspect->memory, slot, &cell, sizeof cell) < 0) /* it lies over the end */
			continue;
		if (!cell.id || !cell.future || (cell.state & ROUSE_COMPLETE) ||
			(cell.future >= slot && cell.future < slot + slots->stride))
			continue;
		if (references->n_boxed < RI_BOXED_MAX)
			references->boxed[references->n_boxed++] = (struct ri_boxed){ cell.future, cell.id };
	}
}

static void look_closely(struct rouse_inspect *inspect, const struct ri_runtime *runtime,
	struct ri_references *references, const uint64_t *words, size_t i, size_t n, uint64_t address)
{
	for (uint32_t k = 0; k < references->n_needles; k++) {
		const struct ri_needle *needle = &references->needles[k];

		if (words[i] - needle->address >= needle->bytes)
			continue;
		if (!needle->is_task || references->is_stack || (i + 1 < n && words[i + 1] == references->vtable)) {
			found(inspect, runtime, references, k, address + 8 * i);
		} else if (i + 1 == n) {
			references->half = address + 8 * n;
			references->half_needle = k;
		}
	}
}

void ri_needles_scan(struct rouse_inspect *inspect, const struct ri_runtime *runtime, struct ri_references *references,
	const uint64_t *words, size_t n, uint64_t address)
{
	enum { BLOCK = 8 };
	const uint64_t low = references->low, span = references->span;
	const struct ri_slots *slots = references->slots;
	size_t i = 0;

	references->known_slot = 0; /* what it was may have changed */
	if (n && references->half == address && words[0] == references->vtable)
		found(inspect, runtime, references, references->half_needle, address - 8);
	references->half = 0;
	for (; i + BLOCK <= n; i += BLOCK) {
		unsigned int any = 0;

		for (size_t k = 0; k < BLOCK; k++)
			any |= words[i + k] - low < span;
		for (size_t k = 0; any && k < BLOCK; k++)
			if (words[i + k] - low < span)
				look_closely(inspect, runtime, references, words, i + k, n, address);
	}
	for (; i < n; i++)
		if (words[i] - low < span)
			look_closely(inspect, runtime, references, words, i, n, address);
	for (size_t k = 0; k < references->n_slots; k++) {
		if (slots[k].address >= address + 8 * n)
			break;
		if (slots[k].kind == ROUSE_CHUNK_TASK && slots[k].end > address)
			note_boxed(inspect, references, &slots[k], (const uint8_t *)words, address, address + 8 * n);
	}
}

void ri_needles_word(struct ri_references *references, uint64_t word)
{
	for (uint32_t k = 0; k < references->n_needles; k++)
		if (word - references->needles[k].address < references->needles[k].bytes)
			count(references, k, 0);
}

/* ----------------------------------------------------------- boxed frames */

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct ri_boxed *)a)->address, y = ((const struct ri_boxed *)b)->address;

	return (x > y) - (x < y);
}

static uint64_t boxed_task(struct rouse_inspect *inspect, const struct ri_runtime *runtime,
	const struct ri_references *references, uint64_t address)
{
	const struct rouse_site_entry *entry;
	size_t low = 0, high = references->n_boxed;
	uint64_t type;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (references->boxed[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || ri_memory_read(&inspect->memory, references->boxed[low - 1].address, &type, sizeof type) < 0)
		return 0;
	entry = ri_sites_entry(&runtime->sites, ri_sites_find(&runtime->sites, type));
	return ri_site_is_type(entry) && address - references->boxed[low - 1].address < entry->frame_bytes
		       ? references->boxed[low - 1].task
		       : 0;
}

void ri_needles_settle(
	struct rouse_inspect *inspect, const struct ri_runtime *runtime, struct ri_references *references)
{
	if (references->n_loose)
		qsort(references->boxed, references->n_boxed, sizeof references->boxed[0], by_address);
	for (size_t i = 0; i < references->n_loose; i++)
		count(references, references->loose[i].needle,
			boxed_task(inspect, runtime, references, references->loose[i].address));
	references->n_loose = 0;
}
