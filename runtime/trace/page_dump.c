/* SPDX-License-Identifier: MIT */
/* What instrument/inspect demands of a page before it believes it, demanded at home. */
#include "trace/page.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* Where a table begins and what it holds; they follow each other in this order. */
struct table {
	const char *name;
	uint64_t at, bytes;
};
enum { TABLES = 8 };

static void list_tables(const struct rouse_page *page, struct table *tables)
{
	uint64_t workers = page->worker_capacity + 1ull;
	const struct table list[TABLES] = {
		{ "page", 0, sizeof *page },
		{ "workers", page->off_workers, workers * ROUSE_WORKER_BYTES },
		{ "chunks", page->off_chunks, (uint64_t)page->chunk_capacity * sizeof(struct rouse_chunk_entry) },
		{ "sites", page->off_sites, (uint64_t)page->site_capacity * sizeof(struct rouse_site_entry) },
		{ "strings", page->off_strings, page->string_capacity },
		{ "histograms", page->off_histograms,
			workers * ROUSE_HISTOGRAM_SITES * sizeof(struct rouse_histogram_pair) },
		{ "drops", page->off_drops, page->drop_capacity * sizeof(struct rouse_drop_record) },
		{ "rings", page->off_rings, page->ring_count * page->ring_stride },
	};

	memcpy(tables, list, sizeof list);
}

static const char *check_tables(const struct rouse_page *page)
{
	struct table tables[TABLES];

	list_tables(page, tables);
	for (int i = 0; i < TABLES; i++) {
		uint64_t end = i + 1 < TABLES ? tables[i + 1].at : page->total_bytes;

		if (tables[i].at % 8)
			return "a table that is not aligned";
		if (tables[i].at > end || tables[i].bytes > end - tables[i].at)
			return "tables that overlap, or do not fit";
	}
	return NULL;
}

static const char *check_counts(const struct rouse_page *page)
{
	uint64_t ring_bytes = ROUSE_RING_RECORDS_OFFSET + (uint64_t)page->ring_capacity * sizeof(struct rouse_event);

	if (page->workers > page->worker_capacity || page->chunk_count > page->chunk_capacity ||
		page->site_count > page->site_capacity || page->string_bytes > page->string_capacity)
		return "a count beyond its capacity";
	if (!page->ring_capacity || page->ring_capacity & (page->ring_capacity - 1))
		return "a ring capacity that is no power of two";
	if (page->ring_stride < ring_bytes || page->ring_count < page->workers)
		return "rings that are too short, or too few";
	return NULL;
}

static const char *check_chunks(const struct rouse_page *page)
{
	const struct rouse_chunk_entry *e = (const struct rouse_chunk_entry *)((const char *)page + page->off_chunks);
	uint32_t n = rs_load(&page->chunk_count, RS_ACQUIRE);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t kind = rs_load(&e[i].kind, RS_ACQUIRE);
		uint32_t least = kind == ROUSE_CHUNK_TASK ? ROUSE_CELL_BYTES : ROUSE_RESOURCE_BYTES;

		if (kind != ROUSE_CHUNK_TASK && kind != ROUSE_CHUNK_RESOURCE)
			return "a chunk of no kind";
		if (!e[i].address || !e[i].cells || e[i].stride < least || e[i].shard > page->worker_capacity)
			return "a chunk that cannot be";
	}
	return NULL;
}

static const char *check_sites(const struct rouse_page *page)
{
	const struct rouse_site_entry *e = (const struct rouse_site_entry *)((const char *)page + page->off_sites);
	const char *strings = (const char *)page + page->off_strings;
	uint32_t n = rs_load(&page->site_count, RS_ACQUIRE), bytes = rs_load(&page->string_bytes, RS_ACQUIRE);

	if (bytes && strings[bytes - 1])
		return "strings without an end";
	for (uint32_t i = 1; i < n; i++) {
		uint32_t kind = rs_load(&e[i].kind, RS_ACQUIRE);

		if (kind == 0 || kind > ROUSE_SITE_RESOURCE)
			return "a site of no kind";
		if (e[i].name >= bytes || e[i].file >= bytes || e[i].op >= ROUSE_OP_MAX)
			return "a site that names what is not there";
	}
	return NULL;
}

const char *rs_page_validate(const struct rouse_page *page)
{
	if (memcmp(page->magic, ROUSE_LAYOUT_MAGIC, sizeof page->magic) != 0)
		return "another magic";
	if (page->version != ROUSE_LAYOUT_VERSION || page->page_bytes != sizeof *page)
		return "another layout";
	if (page->address != (uintptr_t)page)
		return "an address where the page is not";
	const char *wrong = check_counts(page);

	if (!wrong)
		wrong = check_tables(page);
	if (!wrong)
		wrong = check_chunks(page);
	return wrong ? wrong : check_sites(page);
}

void rs_page_dump(const struct rouse_page *page, FILE *out)
{
	struct table tables[TABLES];

	list_tables(page, tables);
	fprintf(out, "page \"%.32s\" of pid %" PRIu32 ": %" PRIu64 " bytes at %#" PRIx64 "\n", page->name, page->pid,
		page->total_bytes, page->address);
	fprintf(out, "  %" PRIu32 " workers, %" PRIu32 " chunks, %" PRIu32 " sites, %" PRIu32 " bytes of strings, %" PRIu32
		" rings\n", page->workers, page->chunk_count, page->site_count, page->string_bytes, page->ring_count);
	for (int i = 0; i < TABLES; i++)
		fprintf(out, "  %-10s at %#" PRIx64 ", %" PRIu64 " bytes\n", tables[i].name, tables[i].at,
			tables[i].bytes);
}
