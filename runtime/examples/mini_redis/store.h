/* SPDX-License-Identifier: MIT */
/*
 * store - the keys and values: a hash map in shards.
 *
 * Each shard has a plain lock, held for pure memory work and never across an
 * await. A command locks the shards of all its keys at once, so that MSET and
 * MGET are atomic; they are locked in order, so that no two commands can wait
 * for each other.
 */
#ifndef MINI_REDIS_STORE_H
#define MINI_REDIS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_SHARDS 64u
#define STORE_MAX_BYTES (1ull << 30) /* keys, values and their heads; each shard may have its part */

struct store;

struct store_slice {
	const char *bytes;
	size_t n;
};

/* NULL: out of memory. */
struct store *store_new(void);
void store_free(struct store *store);

/* Keyed by a secret of this store, so that nobody can choose keys that collide. */
uint64_t store_hash(const struct store *store, struct store_slice key);
/* The bit of the shard that a hash belongs to. */
uint64_t store_shard(uint64_t hash);
/* Locks every shard in the set. Do not lock a second set. */
void store_lock(struct store *store, uint64_t shards);
void store_unlock(struct store *store, uint64_t shards);

/* False: there is none. The value is good until the shard is unlocked. */
bool store_get_locked(struct store *store, uint64_t hash, struct store_slice key, struct store_slice *ret_value);
/* Copies both. 0, -ENOMEM, or -ENOSPC when the shard is full; then nothing has changed. */
int store_set_locked(struct store *store, uint64_t hash, struct store_slice key, struct store_slice value);
/* False: there was none. */
bool store_delete_locked(struct store *store, uint64_t hash, struct store_slice key);

#endif
