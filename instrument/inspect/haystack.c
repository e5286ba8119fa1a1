/* SPDX-License-Identifier: MIT */
#include "inspect/references.h"

#include <errno.h>
#include <string.h>

#include "inspect/hidden.h"
#include "inspect/regions.h"

enum { RED_ZONE = 128 };

/* ------------------------------------------------------------ stack parts */

/* Up to where a mapping that this thread's stack lies in is out of use; 0: not known. */
static uint64_t out_of_use(const struct ri_region *region, const struct ri_stander *stander)
{
	const struct ri_hand *thread = &stander->thread;
	uint64_t sp = thread->sleeps && thread->sp > RED_ZONE ? thread->sp - RED_ZONE : 0;
	uint64_t end = stander->below > sp ? stander->below : sp;

	/* One whose registers are all known is in a core file: it does not go on. */
	if (!region->guarded || (!stander->clear && !thread->whole) || end < region->address ||
		end - region->address >= region->bytes)
		return 0;
	/* Both ends are of one stack only if they are in one mapping. */
	if (stander->below && thread->sp - region->address >= region->bytes)
		return 0;
	return end & ~7ull;
}

static void find_sleeper(
	struct rouse_inspect *inspect, const struct ri_region *region, struct ri_references *references)
{
	for (size_t i = 0; i < references->n_standers; i++) {
		const struct ri_stander *stander = &references->standers[i];

		if (!stander->thread.sp || stander->thread.sp - region->address >= region->bytes)
			continue;
		references->is_stack = true;
		if (references->left_out)
			continue;
		references->left_out = out_of_use(region, stander);
		references->sleeper = i;
		if (references->left_out && !ri_registers_rests(inspect, stander))
			references->left_out = 0;
	}
}

/* -------------------------------------------------------------- a mapping */

/* As ri_held_fn. */
static int next_held(struct rouse_inspect *inspect, const struct ri_region *region, uint64_t address, uint64_t end,
	uint64_t *ret_from, uint64_t *ret_to)
{
	int rc = 1;

	*ret_from = address;
	*ret_to = end;
	if (!region->shared && inspect->memory.held)
		rc = inspect->memory.held(inspect->memory.arg, address, end, ret_from, ret_to);
	*ret_from = *ret_from > address ? *ret_from : address;
	*ret_to = *ret_to < end ? *ret_to : end;
	return rc > 0 ? *ret_from < *ret_to : rc;
}

/* The page of a runtime, or memory of a reader. */
static bool is_ours(struct rouse_inspect *inspect, const struct ri_region *region)
{
	uint64_t from, to;

	for (size_t i = 0; i < RI_RUNTIMES_MAX; i++) {
		const struct ri_runtime *runtime = &inspect->runtimes[i];

		if (runtime->used && region->address >= runtime->address &&
			region->address + region->bytes <= runtime->address + (runtime->page.total_bytes | 0xfff) + 1)
			return true;
	}
	return region->readable && next_held(inspect, region, region->address, region->address + 1, &from, &to) > 0 &&
	       ri_hidden_is(&inspect->memory, region->address);
}

static void enter(struct rouse_inspect *inspect, const struct ri_region *region, struct ri_references *references)
{
	references->entered = true;
	references->is_stack = false;
	references->left_out = 0;
	references->half = references->held_to = 0;
	references->cursor = references->end = 0;
	if (region->bytes == 0 || region->address + region->bytes < region->address || is_ours(inspect, region))
		return;
	references->cursor = (region->address + 7) & ~7ull;
	references->end = region->address + region->bytes;
	find_sleeper(inspect, region, references);
	if (references->left_out)
		references->cursor = references->left_out;
}

/* Behind the end: either the sleeper has slept on, or what was left out has to be read. */
static void leave(struct rouse_inspect *inspect, const struct ri_region *region, struct ri_references *references)
{
	uint64_t left_out = references->left_out;

	references->left_out = 0;
	references->half = references->held_to = 0;
	if (left_out && !ri_registers_rests(inspect, &references->standers[references->sleeper])) {
		references->cursor = (region->address + 7) & ~7ull;
		references->end = left_out;
		return;
	}
	references->entered = false;
	references->region++;
}

/* ---------------------------------------------------------------- reading */

/* Reads and searches [address, end). False: it could not be read. */
static bool read_run(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct ri_references *references,
	uint64_t address, uint64_t end)
{
	size_t bytes = (size_t)(end - address);

	if (bytes > references->bytes_left) {
		references->bytes_left = 0;
		references->complete = false;
		return true;
	}
	references->bytes_left -= bytes;
	if (ri_memory_read(&inspect->memory, address, inspect->first_look, bytes) < 0)
		return false;
	ri_needles_scan(
		inspect, runtime, references, (const uint64_t *)(const void *)inspect->first_look, bytes / 8, address);
	return true;
}

/* Page by page what could not be read at once: it may have gone meanwhile, and is nothing then. */
static void read_pages(struct rouse_inspect *inspect, struct ri_runtime *runtime, const struct ri_region *region,
	struct ri_references *references, uint64_t address, uint64_t end)
{
	enum { PAGE = 4096 };
	uint64_t from, to;

	for (uint64_t next; address < end; address = next) {
		next = (address | (PAGE - 1)) + 1;
		next = next < end ? next : end;
		if (!read_run(inspect, runtime, references, address, next) &&
			next_held(inspect, region, address, next, &from, &to) != 0)
			references->complete = false;
	}
}

static void read_window(struct rouse_inspect *inspect, struct ri_runtime *runtime, const struct ri_region *region,
	struct ri_references *references)
{
	uint64_t from = references->cursor, to = references->held_to;
	int rc = to > from ? 1 : next_held(inspect, region, from, references->end, &from, &to);

	references->held_to = to;
	if (rc <= 0) {
		if (rc < 0)
			references->complete = false;
		references->cursor = references->end;
		return;
	}
	to = to - from > RI_SEARCH_WINDOW ? from + RI_SEARCH_WINDOW : to;
	if (!region->readable)
		references->complete = false;
	else if (!read_run(inspect, runtime, references, from, to))
		read_pages(inspect, runtime, region, references, from, to);
	references->cursor = to;
}

/* ------------------------------------------------------------- the course */

void ri_haystack_begin(struct rouse_inspect *inspect, struct ri_references *references)
{
	struct ri_memory *memory = &inspect->memory;
	int n = memory->regions ? memory->regions(memory->arg, references->regions, RI_REGIONS_MAX) : -ENOSYS;

	references->complete = n >= 0 && n <= RI_REGIONS_MAX;
	references->n_regions = n < 0 ? 0 : n < RI_REGIONS_MAX ? (size_t)n : RI_REGIONS_MAX;
	references->region = 0;
	references->entered = false;
	n = ri_registers_look(inspect, references->standers, RI_STANDERS_MAX);
	references->complete = references->complete && n >= 0;
	references->n_standers = n < 0 ? 0 : (size_t)n;
}

bool ri_haystack_step(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct ri_references *references)
{
	enum { MAPPINGS_A_STEP = 256, WINDOWS_A_STEP = 256 };
	uint64_t enough = references->bytes_left > RI_SEARCH_STEP ? references->bytes_left - RI_SEARCH_STEP : 0;
	size_t mappings = 0, windows = 0;

	while (references->region < references->n_regions) {
		const struct ri_region *region = &references->regions[references->region];

		if (!references->bytes_left || references->hits > RI_HITS_MAX)
			return false;
		if (!references->entered)
			enter(inspect, region, references);
		if (references->cursor < references->end)
			read_window(inspect, runtime, region, references);
		else
			leave(inspect, region, references);
		mappings += !references->entered;
		if (references->bytes_left <= enough || mappings >= MAPPINGS_A_STEP || ++windows >= WINDOWS_A_STEP)
			return true;
	}
	return false;
}

/* An idle worker's are left over, those of other clear threads are on their stacks. */
static void search_registers(struct ri_references *references, const struct ri_stander *standers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < standers[i].thread.n_words && !standers[i].idle; k++)
			if (standers[i].thread.whole || !standers[i].clear)
				ri_needles_word(references, standers[i].thread.words[k]);
}

void ri_haystack_end(struct rouse_inspect *inspect, struct ri_references *references)
{
	int n = ri_registers_look(inspect, references->standers_after, RI_STANDERS_MAX);

	references->n_standers_after = n < 0 ? 0 : (size_t)n;
	search_registers(references, references->standers, references->n_standers);
	search_registers(references, references->standers_after, references->n_standers_after);
	if (n < 0 || references->region < references->n_regions ||
		ri_registers_hide(references->standers, references->n_standers, references->standers_after,
			references->n_standers_after))
		references->complete = false;
}
