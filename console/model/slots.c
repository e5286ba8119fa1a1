/* SPDX-License-Identifier: MIT */
#include "model/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { CHUNK_ROWS = 1024, FIRST_TABLE = 64, SLOT_BITS = 24, CACHE_LINE = 64, AHEAD = 16 };
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

void cn_slots_init(struct cn_slots *slots, size_t row_bytes, size_t limit)
{
	*slots = (struct cn_slots){ .row_bytes = row_bytes, .limit = limit < SLOT_MASK ? limit : SLOT_MASK };
	/* Early in a boot there may be no entropy yet; an address is a fair secret too. */
	if (getrandom(&slots->secret, sizeof slots->secret, GRND_NONBLOCK) != (ssize_t)sizeof slots->secret)
		slots->secret = (uint64_t)(uintptr_t)slots * 0x9e3779b97f4a7c15ull;
}

void cn_slots_fini(struct cn_slots *slots)
{
	for (size_t i = 0; i < slots->n_chunks; i++)
		free(slots->chunks[i]);
	free(slots->chunks);
	free(slots->free);
	free(slots->table);
	*slots = (struct cn_slots){ .row_bytes = slots->row_bytes, .limit = slots->limit };
}

static void *row(const struct cn_slots *slots, size_t slot)
{
	return slots->chunks[slot / CHUNK_ROWS] + slot % CHUNK_ROWS * slots->row_bytes;
}

static uint64_t key_of(const void *at)
{
	uint64_t key;

	memcpy(&key, at, sizeof key);
	return key;
}

/* Mostly one after the other is asked for, and rows are large: that which will be soon is fetched. */
void *cn_slots_at(const struct cn_slots *slots, size_t slot)
{
	void *at = slot < slots->used ? row(slots, slot) : NULL;

	if (at && slot % CHUNK_ROWS + AHEAD < CHUNK_ROWS)
		__builtin_prefetch((const char *)at + AHEAD * slots->row_bytes);
	return at && key_of(at) ? at : NULL;
}

/* The finaliser of MurmurHash3: every bit of the key reaches every bit of the hash. */
static uint64_t hash(const struct cn_slots *slots, uint64_t key)
{
	uint64_t h = key ^ slots->secret;

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdull;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ull;
	return h ^ h >> 33;
}

static size_t home(const struct cn_slots *slots, uint64_t key)
{
	return (size_t)hash(slots, key) & (slots->table_size - 1);
}

/* What an entry of that hash has above its slot. */
static uint32_t tag(uint64_t hash)
{
	return (uint32_t)(hash >> 56) << SLOT_BITS;
}

static size_t slot_of(uint32_t entry)
{
	return (entry & SLOT_MASK) - 1;
}

/* Where the key is, or where it would go. The table is never full. */
static size_t place_of(const struct cn_slots *slots, uint64_t key)
{
	const uint64_t h = hash(slots, key);
	size_t i = (size_t)h & (slots->table_size - 1);

	while (slots->table[i] && ((slots->table[i] & ~SLOT_MASK) != tag(h) ||
					  key_of(row(slots, slot_of(slots->table[i]))) != key))
		i = (i + 1) & (slots->table_size - 1);
	return i;
}

void *cn_slots_find(const struct cn_slots *slots, uint64_t key)
{
	size_t i;

	if (!key || !slots->table_size)
		return NULL;
	i = place_of(slots, key);
	return slots->table[i] ? row(slots, slot_of(slots->table[i])) : NULL;
}

void cn_slots_expect(const struct cn_slots *slots, uint64_t key)
{
	if (slots->table_size)
		__builtin_prefetch(&slots->table[home(slots, key)]);
}

void cn_slots_expect_row(const struct cn_slots *slots, uint64_t key)
{
	const uint64_t h = hash(slots, key);
	uint32_t entry;

	if (!slots->table_size)
		return;
	entry = slots->table[(size_t)h & (slots->table_size - 1)];
	if (!entry || (entry & ~SLOT_MASK) != tag(h))
		return;
	for (size_t at = 0; at < slots->row_bytes; at += CACHE_LINE)
		__builtin_prefetch((const char *)row(slots, slot_of(entry)) + at, 1);
}

static void take_place(struct cn_slots *slots, uint64_t key, size_t slot)
{
	slots->table[place_of(slots, key)] = tag(hash(slots, key)) | ((uint32_t)slot + 1);
}

static int grow_table(struct cn_slots *slots)
{
	size_t size = slots->table_size ? slots->table_size * 2 : FIRST_TABLE;
	uint32_t *table = calloc(size, sizeof *table);

	if (!table)
		return -ENOMEM;
	free(slots->table);
	slots->table = table;
	slots->table_size = size;
	for (size_t slot = 0; slot < slots->used; slot++) {
		const void *at = cn_slots_at(slots, slot);

		if (at)
			take_place(slots, key_of(at), slot);
	}
	return 0;
}

static int add_chunk(struct cn_slots *slots)
{
	char **chunks = realloc(slots->chunks, (slots->n_chunks + 1) * sizeof *chunks);

	if (!chunks)
		return -ENOMEM;
	slots->chunks = chunks;
	chunks[slots->n_chunks] = aligned_alloc(CACHE_LINE, CHUNK_ROWS * slots->row_bytes);
	if (!chunks[slots->n_chunks])
		return -ENOMEM;
	memset(chunks[slots->n_chunks], 0, CHUNK_ROWS * slots->row_bytes);
	slots->n_chunks++;
	return 0;
}

int cn_slots_put_at(struct cn_slots *slots, uint64_t key, void **ret_row, size_t *ret_slot)
{
	size_t slot, place;
	void *at;

	if (!key)
		return -EINVAL;
	if (slots->table_size) {
		place = place_of(slots, key);
		if (slots->table[place]) {
			*ret_slot = slot_of(slots->table[place]);
			*ret_row = row(slots, *ret_slot);
			return 0;
		}
	}
	if (slots->live >= slots->limit || (!slots->n_free && slots->used >= SLOT_MASK))
		return -E2BIG;
	if (4 * (slots->live + 1) > 3 * slots->table_size && grow_table(slots))
		return -ENOMEM;
	if (!slots->n_free && slots->used == slots->n_chunks * CHUNK_ROWS && add_chunk(slots))
		return -ENOMEM;
	slot = slots->n_free ? slots->free[--slots->n_free] : slots->used++;
	at = row(slots, slot);
	memcpy(at, &key, sizeof key);
	take_place(slots, key, slot);
	slots->live++;
	*ret_row = at;
	*ret_slot = slot;
	return 0;
}

int cn_slots_put(struct cn_slots *slots, uint64_t key, void **ret_row)
{
	size_t slot;

	return cn_slots_put_at(slots, key, ret_row, &slot);
}

/* Knuth's algorithm R: those that were pushed past the hole move up, so that no search ends too early. */
static void close_hole(struct cn_slots *slots, size_t hole)
{
	size_t mask = slots->table_size - 1;

	for (size_t i = (hole + 1) & mask; slots->table[i]; i = (i + 1) & mask) {
		size_t want = home(slots, key_of(row(slots, slot_of(slots->table[i]))));

		if (((i - want) & mask) < ((i - hole) & mask))
			continue;
		slots->table[hole] = slots->table[i];
		hole = i;
	}
	slots->table[hole] = 0;
}

void cn_slots_remove(struct cn_slots *slots, uint64_t key)
{
	size_t place, slot;

	if (!cn_slots_find(slots, key))
		return;
	place = place_of(slots, key);
	slot = slot_of(slots->table[place]);
	close_hole(slots, place);
	memset(row(slots, slot), 0, slots->row_bytes);
	slots->live--;
	if (slots->n_free == slots->free_capacity) {
		size_t capacity = slots->free_capacity ? slots->free_capacity * 2 : 64;
		uint32_t *more = realloc(slots->free, capacity * sizeof *more);

		if (!more)
			return; /* the slot stays empty for good: nothing but a little memory is lost */
		slots->free = more;
		slots->free_capacity = capacity;
	}
	slots->free[slots->n_free++] = (uint32_t)slot;
}
