/* SPDX-License-Identifier: MIT */
/*
 * Each shard is a table of chained entries that doubles when it has as many
 * entries as buckets. An entry is one allocation: its head, the key, the
 * value, and some room for the value to grow, so that counting in place
 * (INCR) allocates nothing. The hash is SipHash-1-3 (Aumasson and Bernstein),
 * as strong as a table of a server on a network needs.
 */
#include "store.h"

#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_BUCKETS 64u
#define SHARD_MAX_BYTES (STORE_MAX_BYTES / STORE_SHARDS)

struct entry {
	struct entry *next;
	uint64_t hash;
	uint32_t key_bytes;
	uint32_t value_bytes;
	uint32_t room; /* for the value */
	char bytes[];  /* key, then value */
};

struct shard {
	alignas(64) pthread_mutex_t lock; /* a line of its own: shards share nothing */
	struct entry **buckets;
	size_t n_buckets; /* 0 or a power of two */
	size_t entries;
	size_t bytes;
};

struct store {
	uint64_t secret[2];
	struct shard shards[STORE_SHARDS];
};

/* ------------------------------------------------------------------- hash */

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
	v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

uint64_t store_hash(const struct store *store, struct store_slice key)
{
	const uint64_t a = store->secret[0], b = store->secret[1];
	uint64_t v[4] = { a ^ 0x736f6d6570736575, b ^ 0x646f72616e646f6d, a ^ 0x6c7967656e657261,
		b ^ 0x7465646279746573 };
	size_t at = 0;
	uint64_t word;

	for (; key.n - at >= 8; at += 8) {
		memcpy(&word, key.bytes + at, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)key.n << 56;
	for (unsigned i = 0; at + i < key.n; i++)
		word |= (uint64_t)(unsigned char)key.bytes[at + i] << 8 * i;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ------------------------------------------------------------------ locks */

/* The top bits choose the shard, the bottom bits the bucket. */
static unsigned shard_index(uint64_t hash)
{
	return (unsigned)(hash >> 58);
}

static struct shard *shard_of(struct store *store, uint64_t hash)
{
	return &store->shards[shard_index(hash)];
}

uint64_t store_shard(uint64_t hash)
{
	return 1ull << shard_index(hash);
}

void store_lock(struct store *store, uint64_t shards)
{
	for (; shards; shards &= shards - 1)
		pthread_mutex_lock(&store->shards[__builtin_ctzll(shards)].lock);
}

void store_unlock(struct store *store, uint64_t shards)
{
	for (; shards; shards &= shards - 1)
		pthread_mutex_unlock(&store->shards[__builtin_ctzll(shards)].lock);
}

/* ---------------------------------------------------------------- entries */

/* What an entry counts for. */
static size_t weight(const struct entry *entry)
{
	return sizeof *entry + entry->key_bytes + entry->room;
}

/* The link that points to the key's entry; to NULL if there is none. Needs buckets. */
static struct entry **find(struct shard *shard, uint64_t hash, struct store_slice key)
{
	struct entry **link = &shard->buckets[hash & (shard->n_buckets - 1)];

	while (*link && !((*link)->hash == hash && (*link)->key_bytes == key.n &&
			!memcmp((*link)->bytes, key.bytes, key.n)))
		link = &(*link)->next;
	return link;
}

/* Doubles the table. If there is no memory the old one goes on, only slower. */
static void grow(struct shard *shard)
{
	const size_t n = shard->n_buckets ? shard->n_buckets * 2 : FIRST_BUCKETS;
	struct entry **buckets = calloc(n, sizeof(struct entry *));

	if (!buckets)
		return;
	for (size_t i = 0; i < shard->n_buckets; i++) {
		for (struct entry *entry = shard->buckets[i], *next; entry; entry = next) {
			next = entry->next;
			entry->next = buckets[entry->hash & (n - 1)];
			buckets[entry->hash & (n - 1)] = entry;
		}
	}
	free(shard->buckets);
	shard->buckets = buckets;
	shard->n_buckets = n;
}

static struct entry *entry_new(uint64_t hash, struct store_slice key, size_t value_bytes)
{
	const size_t room = (value_bytes + 23) & ~(size_t)7;
	struct entry *entry = malloc(sizeof *entry + key.n + room);

	if (!entry)
		return NULL;
	entry->hash = hash;
	entry->key_bytes = (uint32_t)key.n;
	entry->room = (uint32_t)room;
	memcpy(entry->bytes, key.bytes, key.n);
	return entry;
}

static void set_value(struct entry *entry, struct store_slice value)
{
	memcpy(entry->bytes + entry->key_bytes, value.bytes, value.n);
	entry->value_bytes = (uint32_t)value.n;
}

bool store_get_locked(struct store *store, uint64_t hash, struct store_slice key, struct store_slice *ret_value)
{
	struct shard *shard = shard_of(store, hash);
	const struct entry *entry = shard->n_buckets ? *find(shard, hash, key) : NULL;

	if (!entry)
		return false;
	*ret_value = (struct store_slice){ entry->bytes + entry->key_bytes, entry->value_bytes };
	return true;
}

int store_set_locked(struct store *store, uint64_t hash, struct store_slice key, struct store_slice value)
{
	struct shard *shard = shard_of(store, hash);
	struct entry **link, *old, *entry;
	size_t old_weight;

	if (shard->entries >= shard->n_buckets)
		grow(shard);
	if (!shard->n_buckets)
		return -ENOMEM;
	link = find(shard, hash, key);
	old = *link;
	/* In place, unless that would keep much more room than the value needs. */
	if (old && value.n <= old->room && old->room <= 2 * value.n + 64) {
		set_value(old, value);
		return 0;
	}
	entry = entry_new(hash, key, value.n);
	if (!entry)
		return -ENOMEM;
	old_weight = old ? weight(old) : 0;
	if (shard->bytes - old_weight + weight(entry) > SHARD_MAX_BYTES) {
		free(entry);
		return -ENOSPC;
	}
	set_value(entry, value);
	entry->next = old ? old->next : NULL;
	*link = entry;
	shard->bytes += weight(entry) - old_weight;
	shard->entries += !old;
	free(old);
	return 0;
}

bool store_delete_locked(struct store *store, uint64_t hash, struct store_slice key)
{
	struct shard *shard = shard_of(store, hash);
	struct entry **link = shard->n_buckets ? find(shard, hash, key) : NULL;
	struct entry *entry = link ? *link : NULL;

	if (!entry)
		return false;
	*link = entry->next;
	shard->bytes -= weight(entry);
	shard->entries--;
	free(entry);
	return true;
}

/* ------------------------------------------------------------------ store */

struct store *store_new(void)
{
	struct store *store = aligned_alloc(64, sizeof *store);

	if (!store)
		return NULL;
	memset(store, 0, sizeof *store);
	if (getrandom(store->secret, sizeof store->secret, 0) != sizeof store->secret) {
		free(store);
		return NULL;
	}
	for (unsigned i = 0; i < STORE_SHARDS; i++)
		pthread_mutex_init(&store->shards[i].lock, NULL);
	return store;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < STORE_SHARDS; i++) {
		struct shard *shard = &store->shards[i];

		for (size_t bucket = 0; bucket < shard->n_buckets; bucket++) {
			for (struct entry *entry = shard->buckets[bucket], *next; entry; entry = next) {
				next = entry->next;
				free(entry);
			}
		}
		free(shard->buckets);
		pthread_mutex_destroy(&shard->lock);
	}
	free(store);
}
