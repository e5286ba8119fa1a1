/* SPDX-License-Identifier: MIT */
/* The memfd of a runtime: introspection page, tables and rings (rouse/layout.h). */
#ifndef RS_TRACE_PAGE_H
#define RS_TRACE_PAGE_H

#include <rouse/layout.h>
#include <stdio.h>

#include "base/atomic.h"

enum { RS_FOREIGN_RINGS = 16, RS_RING_RECORDS = 1 << 15, RS_CHUNKS = 16384, RS_SITES = 8192, RS_STRINGS = 1 << 20 };

/* Creates and maps the memfd for `workers` workers; sparse, so that only what is used costs memory. 0 or -errno. */
int rs_page_new(uint32_t workers, struct rouse_page **ret_page);
void rs_page_free(struct rouse_page *page);

/* NULL, or what would lead a reader astray (page_dump.c). Any thread, at any time. */
const char *rs_page_validate(const struct rouse_page *page);
void rs_page_dump(const struct rouse_page *page, FILE *out);

static inline struct rouse_worker_record *rs_page_worker(struct rouse_page *page, uint32_t index)
{
	return (struct rouse_worker_record *)((char *)page + page->off_workers) + index;
}

static inline struct rouse_ring *rs_page_ring(struct rouse_page *page, uint32_t index)
{
	return (struct rouse_ring *)((char *)page + page->off_rings + index * page->ring_stride);
}

/* Adds a chunk to the directory; serialised by the caller. -ENOSPC when it is full. */
int rs_page_add_chunk(struct rouse_page *page, uint64_t address, uint32_t stride, uint32_t cells,
	enum rouse_chunk_kind kind, uint32_t shard);

/* One record; the ring's owner thread only. Order: slot, then head (release), as the reader expects. */
static inline void rs_ring_emit(struct rouse_ring *ring, enum rouse_event_kind kind, uint64_t ticks, uint64_t task,
	uint16_t worker, uint32_t arg32, uint64_t arg)
{
	uint64_t head = rs_load(&ring->head, RS_RELAXED);
	uint64_t *slot = (uint64_t *)((char *)ring + ROUSE_RING_RECORDS_OFFSET +
		(head & (RS_RING_RECORDS - 1)) * sizeof(struct rouse_event));

	rs_store(&slot[0], ticks, RS_RELAXED);
	rs_store(&slot[1], task, RS_RELAXED);
	rs_store(&slot[2], (uint64_t)kind | (uint64_t)worker << 16 | (uint64_t)arg32 << 32, RS_RELAXED);
	rs_store(&slot[3], arg, RS_RELAXED);
	rs_store(&ring->head, head + 1, RS_RELEASE);
}

/* Adds a duration to a histogram with one writer. */
static inline void rs_histogram_add(struct rouse_histogram *h, uint64_t ns)
{
	uint32_t bucket = ns < 2 ? 0 : 63 - (uint32_t)__builtin_clzll(ns);

	if (bucket >= ROUSE_HISTOGRAM_BUCKETS)
		bucket = ROUSE_HISTOGRAM_BUCKETS - 1;
	rs_bump(&h->count[bucket], 1u);
}

#endif
