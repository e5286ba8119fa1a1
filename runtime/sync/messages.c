/* SPDX-License-Identifier: MIT */
#include "sync/messages.h"

#include <errno.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 4096, BLOCK_HEAD = 16, BLOCK_LEAST = 4 /* messages, however large */, RING_GROWTH = 4 };

struct rs_block {
	struct rs_block *next;
	size_t bytes; /* of data */
};
_Static_assert(sizeof(struct rs_block) <= BLOCK_HEAD, "messages start behind the head");

static size_t block_messages(const struct rs_messages *q)
{
	size_t n = (BLOCK_BYTES - BLOCK_HEAD) / q->stride;

	return n < BLOCK_LEAST ? BLOCK_LEAST : n;
}

static char *data_of(struct rs_block *block)
{
	return (char *)block + BLOCK_HEAD;
}

int rs_messages_init(struct rs_messages *q, size_t bytes, size_t capacity)
{
	size_t all;

	*q = (struct rs_messages){ .bytes = bytes, .stride = bytes ? bytes : 1, .capacity = capacity };
	if (bytes > SIZE_MAX / 2 / BLOCK_LEAST || __builtin_mul_overflow(q->stride, capacity, &all) || all > SIZE_MAX / 2)
		return -ENOMEM;
	if (!capacity)
		return 0;
	struct rs_block *ring = rs_messages_block(rs_messages_growth(q));

	if (!ring)
		return -ENOMEM;
	(void)rs_messages_give(q, ring);
	return 0;
}

void rs_messages_fini(struct rs_messages *q)
{
	for (struct rs_block *block = q->first, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(q->spare);
	free(q->garbage);
	free(q->ring);
}

void rs_messages_discard(struct rs_messages *q, struct rs_messages *ret_old)
{
	*ret_old = *q;
	*q = (struct rs_messages){ .bytes = q->bytes, .stride = q->stride, .capacity = q->capacity };
}

size_t rs_messages_growth(const struct rs_messages *q)
{
	size_t n = block_messages(q);

	if (q->slots > n / RING_GROWTH)
		n = q->slots > q->capacity / RING_GROWTH ? q->capacity : q->slots * RING_GROWTH;
	if (q->capacity && n > q->capacity)
		n = q->capacity;
	return n * q->stride;
}

struct rs_block *rs_messages_block(size_t bytes)
{
	struct rs_block *block = malloc(BLOCK_HEAD + bytes);

	if (block)
		*block = (struct rs_block){ NULL, bytes };
	return block;
}

/* The messages go to its beginning, in order. */
static struct rs_block *move_to(struct rs_messages *q, struct rs_block *ring)
{
	struct rs_block *old = q->ring;
	size_t n = q->count * q->stride, ahead = old ? (size_t)(q->read_end - q->read) : 0;
	char *data = data_of(ring);

	if (ahead > n)
		ahead = n;
	if (n) {
		memcpy(data, q->read, ahead);
		memcpy(data + ahead, data_of(old), n - ahead);
	}
	q->ring = ring;
	q->slots = ring->bytes / q->stride;
	q->read = data;
	q->write = data + n;
	q->read_end = q->write_end = data + ring->bytes;
	return old;
}

struct rs_block *rs_messages_give(struct rs_messages *q, struct rs_block *block)
{
	if (!rs_messages_wanted(q)) /* another sender was faster */
		return block;
	if (q->capacity)
		return move_to(q, block);
	q->spare = block;
	return NULL;
}

void rs_block_free(struct rs_block *block)
{
	free(block);
}

/* The write cursor is at its end: round the ring, or on to a new block. */
void rs_messages_turn_write(struct rs_messages *q)
{
	if (q->ring) {
		q->write = data_of(q->ring);
		return;
	}
	struct rs_block *block = q->spare;

	q->spare = NULL;
	block->next = NULL;
	if (q->last)
		q->last->next = block;
	else
		q->first = block;
	q->last = block;
	q->write = data_of(block);
	q->write_end = q->write + block->bytes;
}

/* The read cursor is at its end, and there is something to read: an emptied block becomes the spare one. */
void rs_messages_turn_read(struct rs_messages *q)
{
	if (q->ring) {
		q->read = data_of(q->ring);
		return;
	}
	struct rs_block *empty = NULL;

	if (q->read) { /* else nothing was read yet */
		empty = q->first;
		q->first = empty->next;
	}
	q->read = data_of(q->first);
	q->read_end = q->read + q->first->bytes;
	if (q->spare)
		q->garbage = empty;
	else
		q->spare = empty;
}
