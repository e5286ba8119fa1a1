/* SPDX-License-Identifier: MIT */
/*
 * Record i is in slot i mod capacity until record i + capacity begins to be
 * written there, which happens while head is still i + capacity. So with head
 * h, records below h - capacity + 1 may be half new; and a copy is good only
 * for those records that were still safe by a head read after copying:
 *
 *     read head h0; copy [cursor, h0) piece by piece; after each piece read
 *     head h1; the front of the piece below h1 - capacity + 1 is lost.
 *
 * Both kinds of loss, before and during the copy, are the same subtraction,
 * so nothing is counted twice or not at all.
 */
#include "drain/ring.h"

#include <errno.h>
#include <stdlib.h>

void ri_rings_fini(struct ri_rings *rings)
{
	free(rings->rings);
	*rings = (struct ri_rings){ 0 };
}

static uint64_t ring_address(const struct rouse_page *page, uint32_t index)
{
	return page->address + page->off_rings + (uint64_t)index * page->ring_stride;
}

static int read_head(struct ri_memory *memory, const struct rouse_page *page, uint32_t index, uint64_t *ret_head)
{
	return ri_memory_read(memory, ring_address(page, index), ret_head, sizeof *ret_head);
}

/* The oldest record that nobody can be overwriting, with this head. */
static uint64_t oldest_safe(const struct rouse_page *page, uint64_t head)
{
	return head >= page->ring_capacity ? head - page->ring_capacity + 1 : 0;
}

int ri_rings_attach(struct ri_rings *rings, struct ri_memory *memory, const struct rouse_page *page)
{
	int rc = 0;

	if (rings->attached && rings->count == page->ring_count)
		return 0;
	if (rings->count != page->ring_count) {
		struct ri_ring *fresh = calloc(page->ring_count ? page->ring_count : 1, sizeof *fresh);

		if (!fresh)
			return -ENOMEM;
		free(rings->rings);
		rings->rings = fresh;
		rings->count = page->ring_count;
	}
	for (uint32_t i = 0; i < rings->count && rc == 0; i++) {
		uint64_t head = 0, oldest;

		rc = read_head(memory, page, i, &head);
		if (rc < 0)
			break;
		oldest = oldest_safe(page, head);
		if (rings->rings[i].cursor < oldest)
			rings->rings[i].cursor = oldest;
	}
	rings->foreign_base = page->foreign_lost;
	rings->attached = rc == 0;
	return rc;
}

void ri_rings_detach(struct ri_rings *rings)
{
	rings->attached = false;
}

static void lose(struct ri_rings *rings, struct ri_ring *ring, uint64_t n)
{
	ring->cursor += n;
	ring->lost_pending += n;
	rings->lost += n;
	rings->emitted += n;
}

/* Copies records [cursor, cursor + n) which do not wrap around, and gives out those that are good. */
static int drain_piece(struct ri_rings *rings, struct ri_memory *memory, const struct rouse_page *page, uint32_t index,
	size_t n, ri_records_fn fn, void *arg)
{
	struct ri_ring *ring = &rings->rings[index];
	struct rouse_event records[RI_RING_PIECE];
	uint64_t slot = ring->cursor & (page->ring_capacity - 1), head = 0, oldest, skipped;
	int rc = ri_memory_read(memory,
		ring_address(page, index) + ROUSE_RING_RECORDS_OFFSET + slot * sizeof records[0], records,
		n * sizeof records[0]);

	if (rc == 0)
		rc = read_head(memory, page, index, &head);
	if (rc < 0)
		return rc;
	oldest = oldest_safe(page, head);
	skipped = oldest > ring->cursor ? oldest - ring->cursor : 0;
	if (skipped)
		lose(rings, ring, skipped);
	if (skipped >= n)
		return 0;
	n -= skipped;
	rc = fn(arg, index, ring->cursor, ring->lost_pending, records + skipped, n);
	ring->lost_pending = 0;
	ring->cursor += n;
	rings->delivered += n;
	rings->emitted += n;
	return rc;
}

static size_t piece_size(const struct rouse_page *page, uint64_t cursor, uint64_t end)
{
	uint64_t n = page->ring_capacity - (cursor & (page->ring_capacity - 1));

	if (n > end - cursor)
		n = end - cursor;
	return n < RI_RING_PIECE ? (size_t)n : RI_RING_PIECE;
}

int ri_rings_drain(struct ri_rings *rings, struct ri_memory *memory, const struct rouse_page *page, uint32_t index,
	ri_records_fn fn, void *arg)
{
	struct ri_ring *ring = &rings->rings[index];
	uint64_t end = 0, oldest;
	int rc = read_head(memory, page, index, &end);

	if (rc < 0)
		return rc;
	oldest = oldest_safe(page, end);
	if (oldest > ring->cursor)
		lose(rings, ring, oldest - ring->cursor);
	/* Up to where it was when we came: a fast writer cannot keep us here. */
	while (rc == 0 && ring->cursor < end)
		rc = drain_piece(rings, memory, page, index, piece_size(page, ring->cursor, end), fn, arg);
	return rc;
}

void ri_rings_count_foreign(struct ri_rings *rings, const struct rouse_page *page)
{
	uint64_t n = page->foreign_lost - rings->foreign_base;

	rings->lost += n;
	rings->emitted += n;
	rings->foreign_base = page->foreign_lost;
}
