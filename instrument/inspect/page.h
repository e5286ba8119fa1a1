/* SPDX-License-Identifier: MIT */
/* The introspection page, read and checked; and the target's clock. */
#ifndef RI_PAGE_H
#define RI_PAGE_H

#include <rouse/layout.h>

#include "inspect/memory.h"

/* No target of ours comes near these; they keep sizes computed from a hostile page small. */
enum {
	RI_WORKERS_MAX = 1024,
	RI_CHUNKS_MAX = 1 << 20,
	RI_SITES_MAX = 1 << 18,
	RI_STRINGS_MAX = 1 << 26,
	RI_RINGS_MAX = 4096,
	RI_DROPS_MAX = 4096,
	RI_RING_RECORDS_MAX = 1 << 24,
	RI_STRIDE_MAX = 1 << 20
};
#define RI_PAGE_BYTES_MAX (1ull << 40)

/*
 * Reads the page at `address`, of which `mapped` bytes are known to exist (0:
 * not known). 0: magic, version, and every table within the page's own size
 * and the mapping's. -EPROTO: another layout version. -EBADMSG: not a page.
 */
int ri_page_read(struct ri_memory *memory, uint64_t address, uint64_t mapped, struct rouse_page *ret_page);

/* Ticks of the target as CLOCK_MONOTONIC ns; 0, "unknown", stays 0. */
uint64_t ri_clock_ns(const struct rouse_clock_anchor *anchor, uint64_t ticks);
/* A duration. */
uint64_t ri_clock_duration_ns(const struct rouse_clock_anchor *anchor, uint64_t ticks);

#endif
