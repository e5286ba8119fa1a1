/* SPDX-License-Identifier: MIT */
#include "sync/messages.h"

#include <errno.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 4096, BLOCK_HEAD = 16, BLOCK_LEAST = 4 /* messages, however large */ };

struct rs_block {
	struct rs_block *next;
};
_Static_assert(sizeof(struct rs_block) <= BLOCK_HEAD, "messages start behind the head");

static size_t block_data_bytes(const struct rs_messages *q)
{
	size_t n = (BLOCK_BYTES - BLOCK_HEAD) / q->stride;

	return (n < BLOCK_LEAST ? BLOCK_LEAST : n) * q->stride;
}

static char *data_of(struct rs_block *block)
{
	return (char *)block + BLOCK_HEAD;
}

int rs_messages_init(struct rs_messages *q, size_t bytes, size_t capacity)
{
	size_t all;

	*q = (struct rs_messages){ .bytes = bytes, .stride = bytes ? bytes : 1, .capacity = capacity };
	if (bytes > SIZE_MAX / 2 / BLOCK_LEAST)
		return -ENOMEM;
	if (!capacity)
		return 0;
	if (__builtin_mul_overflow(q->stride, capacity, &all) || !(q->ring = malloc(all)))
		return -ENOMEM;
	q->read = q->write = q->ring;
	q->read_end = q->write_end = q->ring + all;
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

struct rs_block *rs_messages_block(const struct rs_messages *q)
{
	return malloc(BLOCK_HEAD + block_data_bytes(q));
}

struct rs_block *rs_messages_give(struct rs_messages *q, struct rs_block *block)
{
	if (q->spare)
		return block;
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
		q->write = q->ring;
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
	q->write_end = q->write + block_data_bytes(q);
}

/* The read cursor is at its end, and there is something to read: an emptied block becomes the spare one. */
void rs_messages_turn_read(struct rs_messages *q)
{
	if (q->ring) {
		q->read = q->ring;
		return;
	}
	struct rs_block *empty = NULL;

	if (q->read) { /* else nothing was read yet */
		empty = q->first;
		q->first = empty->next;
	}
	q->read = data_of(q->first);
	q->read_end = q->read + block_data_bytes(q);
	if (q->spare)
		q->garbage = empty;
	else
		q->spare = empty;
}
