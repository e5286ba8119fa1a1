/* SPDX-License-Identifier: MIT */
/*
 * Reading rings that are being overwritten. Each reader keeps a cursor per
 * ring; whatever it could not read in time it counts as lost:
 *
 *     records ever written since it began = delivered + lost, exactly.
 */
#ifndef RI_DRAIN_RING_H
#define RI_DRAIN_RING_H

#include "inspect/memory.h"
#include "inspect/page.h"

/* Records are handed out in pieces of at most this many. */
enum { RI_RING_PIECE = 256 };

struct ri_ring {
	uint64_t cursor; /* number of the next record to be read */
	uint64_t lost_pending; /* lost since records of this ring were last delivered */
	uint64_t paced;        /* the cursor, when its pace was last taken */
};

struct ri_rings {
	struct ri_ring *rings;
	uint32_t count;
	bool attached;         /* cursors mean something */
	uint64_t foreign_base; /* page.foreign_lost when we attached */
	/* since the stream began */
	uint64_t emitted, delivered, lost;
	uint64_t lost_told; /* by the last look that ended */
};

void ri_rings_fini(struct ri_rings *rings);
/*
 * Begins, or goes on after a pause: from the oldest records that are still
 * there; what was overwritten before, or written while nobody wanted it, is
 * neither emitted nor lost in this stream's books. Idempotent. 0 or -errno.
 */
int ri_rings_attach(struct ri_rings *rings, struct ri_memory *memory, const struct rouse_page *page);
/* Nobody wants events for a while. */
void ri_rings_detach(struct ri_rings *rings);

/* A run of consecutive records; `first` is the number of the first, `lost_before` what is missing just before it. */
typedef int (*ri_records_fn)(void *arg, uint32_t ring, uint64_t first, uint64_t lost_before,
	const struct rouse_event *records, size_t n);
/* Hands out what was written to one ring up to now. 0, or -errno of memory or fn. */
int ri_rings_drain(struct ri_rings *rings, struct ri_memory *memory, const struct rouse_page *page, uint32_t index,
	ri_records_fn fn, void *arg);
/* Books the events of threads that found no ring to write to. */
void ri_rings_count_foreign(struct ri_rings *rings, const struct rouse_page *page);

#endif
