/* SPDX-License-Identifier: MIT */
#include "inspect/page.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A table of n * size bytes at `offset`, inside the page and behind its header. */
static bool fits(const struct rouse_page *page, uint64_t offset, uint64_t n, uint64_t size)
{
	return offset >= sizeof *page && offset <= page->total_bytes && n * size <= page->total_bytes - offset &&
	       offset % 8 == 0;
}

static bool rings_fit(const struct rouse_page *page)
{
	uint32_t capacity = page->ring_capacity;

	if (page->ring_count == 0)
		return true;
	return page->ring_count <= RI_RINGS_MAX && capacity != 0 && capacity <= RI_RING_RECORDS_MAX &&
	       (capacity & (capacity - 1)) == 0 && page->ring_stride % 8 == 0 &&
	       page->ring_stride >= ROUSE_RING_RECORDS_OFFSET + (uint64_t)capacity * sizeof(struct rouse_event) &&
	       page->ring_stride <= RI_PAGE_BYTES_MAX / RI_RINGS_MAX &&
	       fits(page, page->off_rings, page->ring_count, page->ring_stride);
}

static bool tables_fit(const struct rouse_page *page)
{
	return page->total_bytes >= sizeof *page && page->total_bytes <= RI_PAGE_BYTES_MAX &&
	       page->worker_capacity <= RI_WORKERS_MAX && page->workers <= page->worker_capacity &&
	       page->chunk_capacity <= RI_CHUNKS_MAX && page->chunk_count <= page->chunk_capacity &&
	       page->site_capacity <= RI_SITES_MAX && page->site_count <= page->site_capacity &&
	       page->string_capacity <= RI_STRINGS_MAX && page->string_bytes <= page->string_capacity &&
	       /* one more than workers: the foreign threads' */
	       fits(page, page->off_workers, page->worker_capacity + 1ull, sizeof(struct rouse_worker_record)) &&
	       fits(page, page->off_chunks, page->chunk_capacity, sizeof(struct rouse_chunk_entry)) &&
	       fits(page, page->off_sites, page->site_capacity, sizeof(struct rouse_site_entry)) &&
	       fits(page, page->off_strings, page->string_capacity, 1) &&
	       fits(page, page->off_histograms, (page->worker_capacity + 1ull) * ROUSE_HISTOGRAM_SITES,
		       sizeof(struct rouse_histogram_pair)) &&
	       page->drop_capacity <= RI_DROPS_MAX &&
	       fits(page, page->off_drops, page->drop_capacity, sizeof(struct rouse_drop_record)) && rings_fit(page);
}

/*
 * The anchor is sequence-locked by the watchdog: two equal reads with an even
 * number are one anchor. A target stopped in the middle of writing it stays
 * odd for ever; then the last try has to do: its fields are each whole, and a
 * mixture of two anchors of the same clock is off by nanoseconds.
 */
static int settle_anchor(struct ri_memory *memory, uint64_t address, struct rouse_clock_anchor *anchor)
{
	enum { TRIES = 8 };
	struct rouse_clock_anchor again;

	for (int i = 0; i < TRIES; i++) {
		int rc = ri_memory_read(memory, address + offsetof(struct rouse_page, anchor), &again, sizeof again);

		if (rc < 0)
			return rc;
		if (again.seq % 2 == 0 && memcmp(&again, anchor, sizeof again) == 0)
			return 0;
		*anchor = again;
	}
	return 0;
}

int ri_page_read(struct ri_memory *memory, uint64_t address, uint64_t mapped, struct rouse_page *ret_page)
{
	struct rouse_page page;
	int rc = ri_memory_read(memory, address, &page, sizeof page);

	if (rc < 0)
		return rc;
	if (memcmp(page.magic, ROUSE_LAYOUT_MAGIC, sizeof page.magic) != 0)
		return -EBADMSG;
	if (page.version != ROUSE_LAYOUT_VERSION)
		return -EPROTO;
	if (page.page_bytes < sizeof page || !tables_fit(&page))
		return -EBADMSG;
	if (mapped && page.total_bytes > mapped)
		return -EBADMSG;
	rc = settle_anchor(memory, address, &page.anchor);
	if (rc < 0)
		return rc;
	page.name[sizeof page.name - 1] = 0;
	page.address = address; /* where it was found, whatever it says */
	*ret_page = page;
	return 0;
}

/* Products of hostile numbers: in 128 bits, then cut. */
static uint64_t scale(uint64_t ticks, uint64_t mult)
{
	__extension__ unsigned __int128 product = ticks;

	return (uint64_t)(product * mult >> 32);
}

uint64_t ri_clock_ns(const struct rouse_clock_anchor *anchor, uint64_t ticks)
{
	if (ticks == 0)
		return 0;
	if (ticks >= anchor->ticks)
		return anchor->mono_ns + scale(ticks - anchor->ticks, anchor->mult);
	return anchor->mono_ns - scale(anchor->ticks - ticks, anchor->mult);
}

uint64_t ri_clock_duration_ns(const struct rouse_clock_anchor *anchor, uint64_t ticks)
{
	return scale(ticks, anchor->mult);
}
