/* SPDX-License-Identifier: MIT */
/*
 * A chunk is 256 KiB at an address that is a multiple of it, so that a slot
 * finds its chunk by masking. Slots go in size classes; a chunk never changes
 * its class or kind, and is never unmapped while its runtime's memory lives.
 *
 * A slot freed by another thread is pushed on the slab's `remote` list; the
 * owner takes that whole list when its own is empty. Push-only and take-all:
 * no ABA. The push's release pairs with the take's acquire (L1).
 *
 * Why not malloc: readers outside could not find the tasks; and why not one
 * list of all tasks: its lock would be taken by every spawn and every end.
 */
#include "task/slab.h"

#include "sched/runtime.h"

#include <string.h>
#include <sys/mman.h>

static const uint32_t class_bytes[RS_SLOT_CLASSES] = { 192, 256, 320, 384, 512, 640, 768, 1024, 1536, 2304, 4480, 6144,
	8704, RS_SLOT_MAX };

enum { ID_BLOCK = 64 };

static uint64_t next_id_block = ROUSE_FIRST_TASK_ID;

static uint32_t class_for(size_t bytes)
{
	uint32_t c = 0;

	while (class_bytes[c] < bytes)
		c++;
	return c;
}

static struct rs_chunk *map_chunk(void)
{
	/* Twice the size, and the misaligned ends given back. */
	char *raw = mmap(NULL, 2 * RS_CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		-1, 0);

	if (raw == MAP_FAILED)
		return NULL;
	char *at = (char *)(((uintptr_t)raw + RS_CHUNK_BYTES - 1) & ~(uintptr_t)(RS_CHUNK_BYTES - 1));

	if (at > raw)
		munmap(raw, (size_t)(at - raw));
	munmap(at + RS_CHUNK_BYTES, (size_t)(raw + RS_CHUNK_BYTES - at));
	return (struct rs_chunk *)at;
}

static bool grow(struct rs_shard *shard, struct rs_slab *slab, uint32_t slot_class, enum rouse_chunk_kind kind)
{
	struct rs_chunk *chunk = map_chunk();
	uint32_t stride = class_bytes[slot_class], cells = (RS_CHUNK_BYTES - RS_CHUNK_HEAD) / stride;

	if (!chunk)
		return false;
	*chunk = (struct rs_chunk){ shard, shard->runtime, slot_class, kind };
	char *first = (char *)chunk + RS_CHUNK_HEAD;

	if (rs_runtime_add_chunk(shard->runtime, (uintptr_t)first, stride, cells, kind, shard->index) < 0) {
		munmap(chunk, RS_CHUNK_BYTES);
		return false;
	}
	slab->fresh = first;
	slab->fresh_end = first + (size_t)cells * stride;
	return true;
}

void *rs_slab_take_owner(struct rs_shard *shard, enum rouse_chunk_kind kind, size_t bytes)
{
	uint32_t c = class_for(bytes);
	struct rs_slab *slab = &shard->slabs[kind - 1][c];

	if (!slab->free && rs_load(&slab->remote, RS_RELAXED))
		slab->free = rs_exchange(&slab->remote, NULL, RS_ACQUIRE); /* L1 */
	struct rs_slot *slot = slab->free;

	if (slot) {
		slab->free = slot->next;
		uint64_t *words = (uint64_t *)(void *)slot;

		/* All but the id, which is 0 already: readers skip it, and a shutdown may be scanning. */
		words[kind != ROUSE_CHUNK_TASK] = 0;
		memset(words + 2, 0, 128 - 2 * sizeof *words);
		return slot;
	}
	if (slab->fresh == slab->fresh_end && !grow(shard, slab, c, kind))
		return NULL;
	slot = (struct rs_slot *)(void *)slab->fresh;
	slab->fresh += class_bytes[c];
	return slot;
}

void rs_slab_give_any(void *memory, struct rs_shard *own)
{
	struct rs_slot *slot = memory;
	struct rs_chunk *chunk = rs_chunk_of(slot);
	struct rs_slab *slab = &chunk->shard->slabs[chunk->kind - 1][chunk->slot_class];

	if (chunk->shard == own) {
		slot->next = slab->free;
		slab->free = slot;
		return;
	}
	struct rs_slot *head = rs_load(&slab->remote, RS_RELAXED);

	do
		slot->next = head;
	while (!rs_cas(&slab->remote, &head, slot, RS_RELEASE, RS_RELAXED)); /* L1 */
}

uint64_t rs_slab_next_id_owner(struct rs_shard *shard)
{
	if (shard->next_id == shard->ids_end) {
		shard->next_id = rs_fetch_add(&next_id_block, (uint64_t)ID_BLOCK, RS_RELAXED);
		shard->ids_end = shard->next_id + ID_BLOCK;
	}
	return shard->next_id++;
}

void rs_slab_each(struct rouse_page *page, enum rouse_chunk_kind kind, void (*fn)(void *arg, void *slot), void *arg)
{
	const struct rouse_chunk_entry *chunks =
		(const struct rouse_chunk_entry *)((char *)page + page->off_chunks);

	/* Acquire: an entry that counts is whole. A spawn that comes too late may still add one, all free. */
	uint32_t n = rs_load(&page->chunk_count, RS_ACQUIRE);

	for (uint32_t i = 0; i < n; i++) {
		if (chunks[i].kind != (uint32_t)kind)
			continue;
		for (uint32_t j = 0; j < chunks[i].cells; j++) {
			char *slot = (char *)(uintptr_t)chunks[i].address + (size_t)j * chunks[i].stride;
			/* A cell's id is its second word, a resource's serial its first. V6 in foreign.c. */
			uint64_t id = rs_load((uint64_t *)(void *)slot + (kind == ROUSE_CHUNK_TASK), RS_ACQUIRE);

			if (id)
				fn(arg, slot);
		}
	}
}

void rs_slab_unmap_all(struct rouse_page *page)
{
	const struct rouse_chunk_entry *chunks =
		(const struct rouse_chunk_entry *)((char *)page + page->off_chunks);

	for (uint32_t i = 0; i < page->chunk_count; i++)
		munmap(rs_chunk_of((void *)(uintptr_t)chunks[i].address), RS_CHUNK_BYTES);
}
