/* SPDX-License-Identifier: MIT */
/*
 * The table only grows, and an entry is whole once it has a kind. So each look
 * reads from the first entry that was not whole, which is nearly always none.
 * An entry that names strings beyond those that were read is taken for one
 * that is not whole: a later look will find it so.
 */
#include "inspect/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ri_sites_fini(struct ri_sites *sites)
{
	free(sites->entries);
	free(sites->slots);
	free(sites->strings);
	*sites = (struct ri_sites){ 0 };
}

static uint32_t first_slot(uint64_t address, uint32_t slot_count)
{
	return (uint32_t)((address >> 3) * 0x9e3779b97f4a7c15ull >> 32) & (slot_count - 1);
}

static void put_slot(uint32_t *slots, uint32_t slot_count, uint64_t address, uint32_t index)
{
	uint32_t i = first_slot(address, slot_count);

	while (slots[i])
		i = (i + 1) & (slot_count - 1);
	slots[i] = index;
}

uint32_t ri_sites_find(const struct ri_sites *sites, uint64_t address)
{
	if (!sites->slot_count || !address)
		return 0;
	for (uint32_t i = first_slot(address, sites->slot_count);; i = (i + 1) & (sites->slot_count - 1)) {
		uint32_t index = sites->slots[i];

		if (!index || sites->entries[index].address == address)
			return index;
	}
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/*
 * Room for what the page announces; half of the slots stay empty for ever. What
 * is known stays, should a page shrink.
 */
static int reserve(struct ri_sites *sites, const struct rouse_page *page)
{
	uint32_t capacity = max_u32(page->site_count, sites->capacity), slot_count = 64;
	uint32_t string_capacity = max_u32(page->string_bytes, sites->string_capacity);

	if (sites->entries && capacity == sites->capacity && string_capacity == sites->string_capacity)
		return 0;
	while (slot_count < capacity * 2)
		slot_count *= 2;
	struct rouse_site_entry *entries = calloc(capacity + 1u, sizeof *entries);
	uint32_t *slots = calloc(slot_count, sizeof *slots);
	char *strings = calloc(string_capacity + 1u, 1);

	if (!entries || !slots || !strings) {
		free(entries);
		free(slots);
		free(strings);
		return -ENOMEM;
	}
	if (sites->entries)
		memcpy(entries, sites->entries, sites->count * sizeof *entries);
	if (sites->strings)
		memcpy(strings, sites->strings, sites->string_bytes);
	for (uint32_t i = 1; i < sites->count; i++)
		if (entries[i].kind && entries[i].address)
			put_slot(slots, slot_count, entries[i].address, i);
	free(sites->entries);
	free(sites->slots);
	free(sites->strings);
	sites->entries = entries;
	sites->capacity = capacity;
	sites->slots = slots;
	sites->slot_count = slot_count;
	sites->strings = strings;
	sites->string_capacity = string_capacity;
	return 0;
}

static void take_entry(struct ri_sites *sites, uint32_t index, const struct rouse_site_entry *entry)
{
	if (sites->entries[index].kind || !entry->kind || entry->name >= sites->string_bytes ||
		entry->file >= sites->string_bytes)
		return;
	sites->entries[index] = *entry;
	sites->changed = true;
	if (entry->address)
		put_slot(sites->slots, sites->slot_count, entry->address, index);
}

int ri_sites_update(struct ri_sites *sites, struct ri_memory *memory, const struct rouse_page *page)
{
	int rc = reserve(sites, page);

	sites->changed = false;
	if (rc < 0)
		return rc;
	if (page->string_bytes > sites->string_bytes) {
		rc = ri_memory_read(memory, page->address + page->off_strings + sites->string_bytes,
			sites->strings + sites->string_bytes, page->string_bytes - sites->string_bytes);
		if (rc < 0)
			return rc;
		sites->string_bytes = page->string_bytes;
	}
	uint32_t n = page->site_count > sites->whole ? page->site_count - sites->whole : 0;
	struct rouse_site_entry *fresh = n ? malloc(n * sizeof *fresh) : NULL;

	if (n && !fresh)
		return -ENOMEM;
	rc = ri_memory_read(memory, page->address + page->off_sites + sites->whole * sizeof *fresh, fresh,
		n * sizeof *fresh);
	if (rc == 0 && sites->count < page->site_count)
		sites->count = page->site_count;
	for (uint32_t i = 0; rc == 0 && i < n; i++)
		if (sites->whole + i > 0)
			take_entry(sites, sites->whole + i, &fresh[i]);
	while (sites->whole < sites->count && (sites->whole == 0 || sites->entries[sites->whole].kind))
		sites->whole++;
	free(fresh);
	return rc;
}

size_t ri_sites_text(const struct ri_sites *sites, uint32_t offset, size_t max, const char **ret_text)
{
	if (offset >= sites->string_bytes)
		return 0;
	size_t left = sites->string_bytes - offset;

	*ret_text = sites->strings + offset;
	return strnlen(*ret_text, left < max ? left : max);
}
