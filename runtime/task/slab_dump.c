/* SPDX-License-Identifier: MIT */
/*
 * Whether a shard's free lists and fresh ranges are what the page's directory
 * allows. Slots are looked up in the directory before they are read, so that a
 * wild link is named instead of followed.
 */
#include "task/slab.h"

#include <inttypes.h>

#include "sched/runtime.h"

static const char *const kind_names[] = { "tasks", "resources" };

/* The directory's entry of the chunk that `address` lies in; NULL: in none of this shard. */
static const struct rouse_chunk_entry *entry_of(const struct rs_shard *shard, const void *address)
{
	const struct rouse_page *page = shard->runtime->page;
	const struct rouse_chunk_entry *entries =
		(const struct rouse_chunk_entry *)((const char *)page + page->off_chunks);
	uint64_t first = (uintptr_t)rs_chunk_of(address) + RS_CHUNK_HEAD;

	for (uint32_t i = 0; i < rs_load(&page->chunk_count, RS_ACQUIRE); i++)
		if (entries[i].address == first && entries[i].shard == shard->index)
			return &entries[i];
	return NULL;
}

static const char *check_chunk(const struct rs_shard *shard, const void *address, uint32_t kind, uint32_t slot_class,
	const struct rouse_chunk_entry **ret_entry)
{
	const struct rouse_chunk_entry *entry = entry_of(shard, address);
	const struct rs_chunk *chunk = rs_chunk_of(address);

	if (!entry)
		return "an address in no chunk of this shard";
	if (chunk->shard != shard || chunk->runtime != shard->runtime)
		return "a chunk that says it is another shard's";
	if (chunk->kind != kind || entry->kind != kind || chunk->slot_class != slot_class)
		return "a chunk of another kind or class";
	*ret_entry = entry;
	return NULL;
}

static const char *check_free(const struct rs_shard *shard, const struct rs_slab *slab, const struct rs_slot *slot,
	uint32_t kind, uint32_t slot_class)
{
	const uint64_t *words = (const uint64_t *)(const void *)slot;
	const struct rouse_chunk_entry *entry;
	const char *wrong = check_chunk(shard, slot, kind, slot_class, &entry);

	if (wrong)
		return wrong;
	uint64_t offset = (uintptr_t)slot - entry->address;

	if ((uintptr_t)slot < entry->address || offset % entry->stride || offset / entry->stride >= entry->cells)
		return "a free slot between two slots";
	if (words[kind == ROUSE_CHUNK_TASK])
		return "a free slot that is in use";
	if ((const char *)slot >= slab->fresh && (const char *)slot < slab->fresh_end)
		return "a free slot that was never taken";
	return NULL;
}

/* `limit`: how many slots of this class there are; more on the lists means a circle, or a slot freed twice. */
static const char *check_list(const struct rs_shard *shard, const struct rs_slab *slab, const struct rs_slot *slot,
	uint32_t kind, uint32_t slot_class, uint64_t *limit)
{
	for (; slot; slot = slot->next, --*limit) {
		const char *wrong = check_free(shard, slab, slot, kind, slot_class);

		if (wrong)
			return wrong;
		if (!*limit)
			return "more free slots than slots: one was freed twice";
	}
	return NULL;
}

/* Slots of this kind and class in all chunks of the shard. */
static uint64_t count_slots(const struct rs_shard *shard, uint32_t kind, uint32_t slot_class)
{
	const struct rouse_page *page = shard->runtime->page;
	const struct rouse_chunk_entry *entries =
		(const struct rouse_chunk_entry *)((const char *)page + page->off_chunks);
	uint64_t n = 0;

	for (uint32_t i = 0; i < rs_load(&page->chunk_count, RS_ACQUIRE); i++)
		if (entries[i].shard == shard->index && entries[i].kind == kind &&
			rs_chunk_of((const void *)(uintptr_t)entries[i].address)->slot_class == slot_class)
			n += entries[i].cells;
	return n;
}

static const char *check_slab(struct rs_shard *shard, uint32_t kind, uint32_t slot_class)
{
	struct rs_slab *slab = &shard->slabs[kind - 1][slot_class];
	uint64_t limit = count_slots(shard, kind, slot_class);
	const struct rouse_chunk_entry *entry;
	const char *wrong = NULL;

	if (slab->fresh > slab->fresh_end)
		return "a fresh range that ends before it begins";
	if (slab->fresh) { /* the range may be used up and end at its chunk's end: look up its last byte */
		wrong = check_chunk(shard, slab->fresh_end - 1, kind, slot_class, &entry);
		if (wrong)
			return wrong;
		if ((uintptr_t)slab->fresh_end != entry->address + (uint64_t)entry->cells * entry->stride ||
			(uint64_t)(slab->fresh_end - slab->fresh) % entry->stride)
			return "a fresh range that is not the rest of its chunk";
	}
	wrong = check_list(shard, slab, slab->free, kind, slot_class, &limit);
	/* L1, as in rs_slab_take_owner; what others push from now on goes in front of what is looked at. */
	return wrong ? wrong : check_list(shard, slab, rs_load(&slab->remote, RS_ACQUIRE), kind, slot_class, &limit);
}

const char *rs_shard_validate_owner(struct rs_shard *shard)
{
	const char *wrong = NULL;

	if (shard->next_id > shard->ids_end)
		return "ids beyond their block";
	for (uint32_t kind = ROUSE_CHUNK_TASK; kind <= ROUSE_CHUNK_RESOURCE && !wrong; kind++)
		for (uint32_t c = 0; c < RS_SLOT_CLASSES && !wrong; c++)
			wrong = check_slab(shard, kind, c);
	return wrong;
}

static uint64_t length(const struct rs_slot *slot, uint64_t limit)
{
	uint64_t n = 0;

	for (; slot && n < limit; slot = slot->next)
		n++;
	return n;
}

void rs_shard_dump_owner(struct rs_shard *shard, FILE *out)
{
	const char *wrong = rs_shard_validate_owner(shard);

	fprintf(out, "shard %" PRIu32 ": next id %" PRIu64 " of block to %" PRIu64 "\n", shard->index, shard->next_id,
		shard->ids_end);
	if (wrong) { /* then its lists are better not walked */
		fprintf(out, "  %s\n", wrong);
		return;
	}
	for (uint32_t kind = ROUSE_CHUNK_TASK; kind <= ROUSE_CHUNK_RESOURCE; kind++) {
		for (uint32_t c = 0; c < RS_SLOT_CLASSES; c++) {
			const struct rs_slab *slab = &shard->slabs[kind - 1][c];
			uint64_t n = count_slots(shard, kind, c);

			if (n)
				fprintf(out, "  %s class %" PRIu32 ": %" PRIu64 " slots, free %" PRIu64 " + %" PRIu64
					" from others, never used %td bytes\n", kind_names[kind - 1], c, n,
					length(slab->free, n), length(rs_load(&slab->remote, RS_ACQUIRE), n),
					slab->fresh_end - slab->fresh);
		}
	}
}
