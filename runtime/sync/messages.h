/* SPDX-License-Identifier: MIT */
/*
 * A queue of messages of one size: a ring that grows up to its bound, or, if it
 * has none, a chain of blocks of which one emptied is kept for the next.
 *
 *     ring      begin [ ..  read -> ######## write -> .. ] end      wraps to begin
 *     blocks    first [ read -> ##### ] -> [ ##### ] -> last [ ### write -> .. ]
 *
 * Either way a push or pop copies at a cursor and moves it; only at the end of
 * the ring or a block is there more to do. A ring starts with a page and grows
 * by four: most channels never fill, and one for 100,000 messages cost 4 us to
 * make. No locks: the owner's business; who pushes brings the memory:
 *
 *     while ((bytes = rs_messages_wanted(q)))      under the owner's lock
 *             block = rs_messages_block(bytes);    without
 *             rest = rs_messages_give(q, block);   with; the rest is freed without
 */
#ifndef RS_SYNC_MESSAGES_H
#define RS_SYNC_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rs_block;

struct rs_messages {
	char *read, *read_end;
	char *write, *write_end;
	size_t bytes;    /* of a message */
	size_t stride;   /* bytes, at least 1 */
	size_t capacity; /* 0: none */
	size_t count;
	size_t slots;           /* of the ring as it is */
	struct rs_block *ring;
	struct rs_block *last, *first, *spare;
	struct rs_block *garbage; /* emptied and not needed: for rs_messages_garbage */
};

/* 0 or -ENOMEM. */
int rs_messages_init(struct rs_messages *q, size_t bytes, size_t capacity);
void rs_messages_fini(struct rs_messages *q);
/* Makes *q start anew, and leaves what it held to *ret_old, to be finished outside the lock. */
void rs_messages_discard(struct rs_messages *q, struct rs_messages *ret_old);

size_t rs_messages_growth(const struct rs_messages *q);
/* How much memory it needs before it can take one more message; 0: none, or it is full. */
static inline size_t rs_messages_wanted(const struct rs_messages *q)
{
	if (q->capacity)
		return q->count == q->slots && q->slots != q->capacity ? rs_messages_growth(q) : 0;
	return q->write == q->write_end && !q->spare ? rs_messages_growth(q) : 0;
}
/* NULL: no memory. */
struct rs_block *rs_messages_block(size_t bytes);
/* Puts it to use, and answers what is to be freed: what it replaces, itself if it is not wanted any more, or NULL. */
struct rs_block *rs_messages_give(struct rs_messages *q, struct rs_block *block);
/* Takes out what is to be freed, outside the lock. NULL: nothing. */
static inline struct rs_block *rs_messages_garbage(struct rs_messages *q)
{
	struct rs_block *block = q->garbage;

	q->garbage = NULL;
	return block;
}
void rs_block_free(struct rs_block *block);

void rs_messages_turn_write(struct rs_messages *q);
void rs_messages_turn_read(struct rs_messages *q);

static inline bool rs_messages_can_push(const struct rs_messages *q)
{
	return q->capacity ? q->count < q->slots : q->write != q->write_end || q->spare;
}

static inline void rs_message_copy(void *to, const void *from, size_t bytes)
{
	if (bytes == 8)
		memcpy(to, from, 8);
	else if (bytes)
		memcpy(to, from, bytes);
}

/* Only if rs_messages_can_push(). */
static inline void rs_messages_push(struct rs_messages *q, const void *message)
{
	if (q->write == q->write_end)
		rs_messages_turn_write(q);
	rs_message_copy(q->write, message, q->bytes);
	q->write += q->stride;
	q->count++;
}

/* Only if count is not 0. */
static inline void rs_messages_pop(struct rs_messages *q, void *ret_message)
{
	if (q->read == q->read_end)
		rs_messages_turn_read(q);
	rs_message_copy(ret_message, q->read, q->bytes);
	q->read += q->stride;
	q->count--;
}

#endif
