/* SPDX-License-Identifier: MIT */
#include "trace/page.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(sizeof(struct rouse_worker_record) == ROUSE_WORKER_BYTES, "worker record");
_Static_assert(sizeof(struct rouse_event) == 32, "ring record");
_Static_assert((RS_RING_RECORDS & (RS_RING_RECORDS - 1)) == 0, "the ring's mask");

static uint64_t align(uint64_t n)
{
	return (n + 4095) & ~4095ull;
}

static void lay_out(struct rouse_page *p, uint32_t workers)
{
	uint64_t at = align(sizeof *p);

	memcpy(p->magic, ROUSE_LAYOUT_MAGIC, sizeof p->magic);
	p->version = ROUSE_LAYOUT_VERSION;
	p->page_bytes = sizeof *p;
	p->workers = p->worker_capacity = workers;
	p->off_workers = at;
	at = align(at + (workers + 1ull) * ROUSE_WORKER_BYTES);
	p->chunk_capacity = RS_CHUNKS;
	p->off_chunks = at;
	at = align(at + RS_CHUNKS * sizeof(struct rouse_chunk_entry));
	p->site_capacity = RS_SITES;
	p->off_sites = at;
	at = align(at + RS_SITES * sizeof(struct rouse_site_entry));
	p->string_capacity = RS_STRINGS;
	p->off_strings = at;
	at = align(at + RS_STRINGS);
	p->off_histograms = at;
	at = align(at + (workers + 1ull) * ROUSE_HISTOGRAM_SITES * sizeof(struct rouse_histogram_pair));
	p->drop_capacity = ROUSE_DROPS;
	p->off_drops = at;
	at = align(at + ROUSE_DROPS * sizeof(struct rouse_drop_record));
	p->ring_count = workers + RS_FOREIGN_RINGS;
	p->ring_capacity = RS_RING_RECORDS;
	p->ring_stride = align(ROUSE_RING_RECORDS_OFFSET + RS_RING_RECORDS * sizeof(struct rouse_event));
	p->off_rings = at;
	p->total_bytes = at + p->ring_count * p->ring_stride;
}

int rs_page_new(uint32_t workers, struct rouse_page **ret_page)
{
	struct rouse_page plan = { 0 };
	int fd = memfd_create(ROUSE_MEMFD_NAME, MFD_CLOEXEC), error;

	lay_out(&plan, workers);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)plan.total_bytes) < 0)
		goto fail;
	void *at = mmap(NULL, plan.total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		goto fail;
	/* A child made by fork must not write into its parent's page. */
	(void)madvise(at, plan.total_bytes, MADV_DONTFORK);
	close(fd);
	plan.address = (uintptr_t)at;
	plan.pid = (uint32_t)getpid();
	memcpy(at, &plan, sizeof plan);
	for (uint32_t i = 0; i < plan.ring_count; i++)
		rs_page_ring(at, i)->worker = i < workers ? i : UINT32_MAX;
	*ret_page = at;
	return 0;
fail:
	error = -errno;
	close(fd);
	return error;
}

void rs_page_free(struct rouse_page *page)
{
	if (page)
		munmap(page, page->total_bytes);
}

int rs_page_add_chunk(struct rouse_page *page, uint64_t address, uint32_t stride, uint32_t cells,
	enum rouse_chunk_kind kind, uint32_t shard)
{
	uint32_t i = page->chunk_count;
	struct rouse_chunk_entry *e = (struct rouse_chunk_entry *)((char *)page + page->off_chunks) + i;

	if (i == page->chunk_capacity)
		return -ENOSPC;
	e->address = address;
	e->stride = stride;
	e->cells = cells;
	e->shard = shard;
	rs_store(&e->kind, (uint32_t)kind, RS_RELEASE);
	rs_store(&page->chunk_count, i + 1, RS_RELEASE);
	return 0;
}
