/* SPDX-License-Identifier: MIT */
#include "fake.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNKS = 16, SITES = 64, STRINGS = 4096, DROPS = 8 };

struct rouse_page *fake_page(struct fake *fake)
{
	return (struct rouse_page *)(void *)fake->image;
}

static void *table(struct fake *fake, uint64_t offset, uint64_t index, size_t size)
{
	return fake->image + offset + index * size;
}

struct rouse_worker_record *fake_worker(struct fake *fake, uint32_t index)
{
	return table(fake, fake_page(fake)->off_workers, index, sizeof(struct rouse_worker_record));
}

struct rouse_chunk_entry *fake_chunk_entry(struct fake *fake, uint32_t index)
{
	return table(fake, fake_page(fake)->off_chunks, index, sizeof(struct rouse_chunk_entry));
}

struct rouse_site_entry *fake_site(struct fake *fake, uint32_t index)
{
	return table(fake, fake_page(fake)->off_sites, index, sizeof(struct rouse_site_entry));
}

struct rouse_ring *fake_ring(struct fake *fake, uint32_t index)
{
	return table(fake, fake_page(fake)->off_rings, index, fake_page(fake)->ring_stride);
}

struct rouse_histogram_pair *fake_histogram(struct fake *fake, uint32_t worker, uint32_t index)
{
	return table(fake, fake_page(fake)->off_histograms, worker * ROUSE_HISTOGRAM_SITES + index,
		sizeof(struct rouse_histogram_pair));
}

uint64_t fake_site_address(uint32_t index)
{
	return 0x400000 + 64 * index;
}

uint64_t fake_alloc(struct fake *fake, size_t bytes)
{
	size_t at = fake->used;

	fake->used += (bytes + 63) & ~(size_t)63;
	if (fake->used > FAKE_BYTES)
		abort();
	return FAKE_BASE + at;
}

uint32_t fake_string(struct fake *fake, const char *text)
{
	struct rouse_page *page = fake_page(fake);
	uint32_t at = page->string_bytes;
	size_t bytes = strlen(text) + 1;

	if (at + bytes > page->string_capacity)
		abort();
	memcpy(fake->image + page->off_strings + at, text, bytes);
	page->string_bytes += (uint32_t)bytes;
	return at;
}

uint32_t fake_add_site(struct fake *fake, struct rouse_site_entry entry)
{
	uint32_t index = fake_page(fake)->site_count++;

	entry.address = fake_site_address(index);
	*fake_site(fake, index) = entry;
	return index;
}

static void add_sites(struct fake *fake)
{
	uint32_t file = fake_string(fake, "fake.c");
	const struct {
		const char *name;
		struct rouse_site_entry entry;
	} sites[] = {
		{ "main_task", { .kind = ROUSE_SITE_FUNCTION, .frame_bytes = 256 } },
		{ "child", { .kind = ROUSE_SITE_FUNCTION, .frame_bytes = 128 } },
		{ "lock", { .kind = ROUSE_SITE_LEAF, .frame_bytes = 128, .node_offset = 48, .op = ROUSE_OP_LOCK } },
		{ "main_task", { .kind = ROUSE_SITE_AWAIT } },
		{ "child", { .kind = ROUSE_SITE_SELECT } },
		{ "main", { .kind = ROUSE_SITE_SPAWN, .histogram = 1 } },
		{ "main", { .kind = ROUSE_SITE_RESOURCE } },
	};

	for (uint32_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
		struct rouse_site_entry entry = sites[i].entry;

		entry.name = fake_string(fake, sites[i].name);
		entry.file = file;
		entry.line = 100 + i;
		fake_add_site(fake, entry);
	}
}

static void lay_out(struct fake *fake)
{
	struct rouse_page *page = fake_page(fake);
	size_t at = 4096;

	memcpy(page->magic, ROUSE_LAYOUT_MAGIC, sizeof page->magic);
	page->version = ROUSE_LAYOUT_VERSION;
	page->page_bytes = sizeof *page;
	page->workers = page->worker_capacity = FAKE_WORKERS;
	page->off_workers = at;
	at += (FAKE_WORKERS + 1) * sizeof(struct rouse_worker_record);
	page->chunk_capacity = CHUNKS;
	page->off_chunks = at;
	at += CHUNKS * sizeof(struct rouse_chunk_entry);
	page->site_capacity = SITES;
	page->off_sites = at;
	at += SITES * sizeof(struct rouse_site_entry);
	page->string_capacity = STRINGS;
	page->off_strings = at;
	at += STRINGS;
	page->off_histograms = at;
	at += (FAKE_WORKERS + 1) * ROUSE_HISTOGRAM_SITES * sizeof(struct rouse_histogram_pair);
	page->drop_capacity = DROPS;
	page->off_drops = at;
	at += DROPS * sizeof(struct rouse_drop_record);
	page->ring_count = FAKE_RINGS;
	page->ring_capacity = FAKE_RING_RECORDS;
	page->ring_stride = ROUSE_RING_RECORDS_OFFSET + FAKE_RING_RECORDS * sizeof(struct rouse_event);
	page->off_rings = at;
	at += FAKE_RINGS * page->ring_stride;
	page->total_bytes = at;
	fake->used = (at + 63) & ~(size_t)63;
}

void fake_init(struct fake *fake)
{
	struct rouse_page *page;

	*fake = (struct fake){ .image = calloc(1, FAKE_BYTES), .reads_allowed = UINT64_MAX };
	if (!fake->image)
		abort();
	lay_out(fake);
	page = fake_page(fake);
	page->address = FAKE_BASE;
	page->pid = 4242;
	page->state = ROUSE_RUNTIME_ACTIVE;
	page->flavor = ROUSE_FLAVOR_MULTI;
	page->level = 1;
	memcpy(page->name, "fake", 5);
	page->anchor = (struct rouse_clock_anchor){ .seq = 2,
		.kind = ROUSE_CLOCK_TSC,
		.ticks = FAKE_ANCHOR_TICKS,
		.mono_ns = FAKE_ANCHOR_NS,
		.real_ns = 1700000000000000000ull,
		.mult = (uint64_t)FAKE_TICK_NS << 32 };
	page->started_ticks = 10;
	page->task_waker_vtable = FAKE_TASK_VTABLE;
	page->string_bytes = 1;
	page->site_count = 1;
	add_sites(fake);
}

void fake_fini(struct fake *fake)
{
	free(fake->image);
}

int fake_read(void *arg, uint64_t address, void *buffer, size_t bytes)
{
	struct fake *fake = arg;

	if (fake->reads++ >= fake->reads_allowed)
		return -EFAULT;
	if (fake->on_read)
		fake->on_read(fake, address, bytes, fake->on_read_arg);
	if (address < FAKE_BASE || address - FAKE_BASE > FAKE_BYTES || bytes > FAKE_BYTES - (address - FAKE_BASE))
		return -EFAULT;
	memcpy(buffer, fake_at(fake, address), bytes);
	return 0;
}

int fake_open(struct fake *fake, struct rouse_inspect **ret_inspect)
{
	uint64_t page = FAKE_BASE;

	return rouse_inspect_open_memory(fake_read, fake, &page, 1, ret_inspect);
}

uint64_t fake_chunk(struct fake *fake, enum rouse_chunk_kind kind, uint32_t stride)
{
	uint32_t index = fake_page(fake)->chunk_count++;
	uint64_t address = fake_alloc(fake, (size_t)stride * FAKE_CELLS);

	*fake_chunk_entry(fake, index) = (struct rouse_chunk_entry){ address, stride, FAKE_CELLS, (uint32_t)kind, 0 };
	return address;
}

void fake_frame(struct fake *fake, uint64_t address, uint32_t type, uint64_t parent)
{
	struct rouse_future_record *record = fake_at(fake, address), *above;

	*record = (struct rouse_future_record){ .type = fake_site_address(type) };
	if (!parent)
		return;
	above = fake_at(fake, parent);
	uint64_t *link = &above->awaiting;

	while (*link)
		link = &((struct rouse_future_record *)fake_at(fake, *link))->sibling;
	*link = address;
}

uint64_t fake_task(struct fake *fake, uint64_t chunk, uint32_t stride, uint32_t slot, uint64_t id)
{
	uint64_t address = chunk + (uint64_t)stride * slot;
	struct rouse_cell_record *cell = fake_at(fake, address);

	*cell = (struct rouse_cell_record){ .state = 7 * ROUSE_STAMP_ONE + ROUSE_HANDLE_ONE,
		.id = id,
		.future = address + ROUSE_CELL_BYTES,
		.edge_ticks = 1100,
		.enqueue_ticks = 1050,
		.last_waker = ROUSE_WAKE_SPAWN,
		.polls = 1,
		.busy_ticks = 10,
		.scheduled_ticks = 20,
		.spawned_ticks = 1010,
		.spawn_site = FAKE_SPAWN_SITE };
	fake_frame(fake, cell->future, FAKE_MAIN_TYPE, 0);
	return address;
}

void fake_wait(struct fake *fake, uint64_t leaf, uint64_t cell, uint64_t resource)
{
	struct rouse_cell_record *task = fake_at(fake, cell);
	struct rouse_wait_record *wait = fake_at(fake, leaf + 48);

	*wait = (struct rouse_wait_record){ .waker_data = cell,
		.waker_vtable = FAKE_TASK_VTABLE,
		.resource = resource,
		.since_ticks = 1200,
		.poll = task->polls,
		.state = ROUSE_WAIT_WAITING,
		.op = ROUSE_OP_LOCK };
	task->state += ROUSE_WAKER_ONE + ROUSE_STAMP_ONE;
}

void fake_emit(struct fake *fake, uint32_t index, struct rouse_event event)
{
	struct rouse_ring *ring = fake_ring(fake, index);
	struct rouse_event *records = (struct rouse_event *)(void *)((char *)ring + ROUSE_RING_RECORDS_OFFSET);

	records[ring->head % FAKE_RING_RECORDS] = event;
	ring->head++;
}
