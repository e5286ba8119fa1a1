/* SPDX-License-Identifier: MIT */
/*
 * Rows by key: a million of them, at addresses that do not move.
 *
 * Rows live in chunks; a row keeps its slot until it is removed, and slots of
 * removed rows are used again first. An open hash of slot numbers finds them:
 * four bytes an entry, eight bits of which are of the hash, so that nearly all
 * other keys on the way are passed over without a look at their rows; the key
 * itself is compared there. Keys come from a target that may choose them badly
 * on purpose, so the hash has a secret.
 *
 * A row begins with its uint64_t key; 0 is no key.
 */
#ifndef CN_MODEL_SLOTS_H
#define CN_MODEL_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cn_slots {
	size_t row_bytes;
	size_t limit; /* rows */
	uint64_t secret;
	char **chunks;
	size_t n_chunks;
	uint32_t *free; /* slots to use again */
	size_t n_free, free_capacity;
	size_t used; /* slots ever used */
	size_t live;
	uint32_t *table; /* tag << 24 | slot + 1, 0 = empty; a power of two of them, at most three quarters taken */
	size_t table_size;
};

void cn_slots_init(struct cn_slots *slots, size_t row_bytes, size_t limit);
/* Frees the chunks; what rows own is the caller's. */
void cn_slots_fini(struct cn_slots *slots);

/* The row in a slot, NULL if it is free. */
void *cn_slots_at(const struct cn_slots *slots, size_t slot);
void *cn_slots_find(const struct cn_slots *slots, uint64_t key);
/*
 * Where many keys are looked up in turn, each is waited for: of two million places and rows none is in a cache. Of one
 * that comes later, first its place is asked for, then (that is there now) its row. Neither changes anything.
 */
void cn_slots_expect(const struct cn_slots *slots, uint64_t key);
void cn_slots_expect_row(const struct cn_slots *slots, uint64_t key);
/*
 * The row of the key, made (zeroed but for the key) if there is none: 0, or
 * -ENOMEM, or -E2BIG when the limit is reached.
 */
int cn_slots_put(struct cn_slots *slots, uint64_t key, void **ret_row);
/* Likewise, with its slot. */
int cn_slots_put_at(struct cn_slots *slots, uint64_t key, void **ret_row, size_t *ret_slot);
void cn_slots_remove(struct cn_slots *slots, uint64_t key);

#endif
