/* SPDX-License-Identifier: MIT */
/* The target's site table: read once, extended as it grows, found by address. */
#ifndef RI_SITES_H
#define RI_SITES_H

#include <stdbool.h>

#include "inspect/page.h"

struct ri_sites {
	struct rouse_site_entry *entries; /* by index; kind 0: not whole yet */
	uint32_t count, capacity;
	uint32_t whole; /* all entries below are whole */
	uint32_t *slots; /* open addressing by address, 0 = empty; a power of two */
	uint32_t slot_count;
	char *strings;
	uint32_t string_bytes, string_capacity;
	bool changed; /* entries became whole since the last ri_sites_update() */
};

void ri_sites_fini(struct ri_sites *sites);
/* Reads what was added since the last time. 0, or -errno: what was known stays known. */
int ri_sites_update(struct ri_sites *sites, struct ri_memory *memory, const struct rouse_page *page);

/* The index of the site at an address of the target, 0 = unknown. */
uint32_t ri_sites_find(const struct ri_sites *sites, uint64_t address);
/* The entry of an index, or NULL. */
static inline const struct rouse_site_entry *ri_sites_entry(const struct ri_sites *sites, uint32_t index)
{
	return index && index < sites->count && sites->entries[index].kind ? &sites->entries[index] : NULL;
}
static inline bool ri_site_is_type(const struct rouse_site_entry *entry)
{
	return entry && entry->kind >= ROUSE_SITE_FUNCTION && entry->kind <= ROUSE_SITE_LEAF;
}
/* The text at an offset of the target's strings: its length, at most `max`. */
size_t ri_sites_text(const struct ri_sites *sites, uint32_t offset, size_t max, const char **ret_text);

#endif
