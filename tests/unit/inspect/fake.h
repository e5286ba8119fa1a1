/* SPDX-License-Identifier: MIT */
/*
 * A target made by hand: a byte image with a page, sites, chunks, cells and
 * frames, at an address that is nobody's, read through rouse_read_fn. What the
 * reader makes of it is then exactly known, and every byte can be wrong.
 */
#ifndef FAKE_TARGET_H
#define FAKE_TARGET_H

#include <rouse/inspect.h>
#include <rouse/layout.h>
#include <stdbool.h>

enum {
	FAKE_BYTES = 512 * 1024,
	FAKE_WORKERS = 2,
	FAKE_RINGS = 2,
	FAKE_RING_RECORDS = 64,
	FAKE_STRIDE = 512,
	FAKE_CELLS = 32,
	FAKE_TICK_NS = 4 /* a tick is 4 ns; tick 1000 is 50000 ns */
};
#define FAKE_BASE 0x5500000000ull
#define FAKE_TASK_VTABLE 0x77000010ull
#define FAKE_ANCHOR_TICKS 1000ull
#define FAKE_ANCHOR_NS 50000ull

/* Sites of the fake program; also their indices. */
enum fake_site {
	FAKE_MAIN_TYPE = 1, /* async function, 256 bytes */
	FAKE_CHILD_TYPE,    /* async function, 128 bytes */
	FAKE_LEAF_TYPE,     /* leaf, 128 bytes, wait node at 48, op LOCK */
	FAKE_AWAIT_SITE,
	FAKE_SELECT_SITE,
	FAKE_SPAWN_SITE,    /* first histogram */
	FAKE_RESOURCE_SITE,
	FAKE_SITES
};

struct fake {
	uint8_t *image;
	size_t used; /* behind the tables: where the next chunk or frame goes */
	uint64_t reads;
	/* Called before the bytes are copied. */
	void (*on_read)(struct fake *fake, uint64_t address, size_t bytes, void *arg);
	void *on_read_arg;
	uint64_t reads_allowed; /* further ones fail */
};

void fake_init(struct fake *fake);
void fake_fini(struct fake *fake);
int fake_read(void *fake, uint64_t address, void *buffer, size_t bytes);
int fake_open(struct fake *fake, struct rouse_inspect **ret_inspect);

/* Address to bytes. */
static inline void *fake_at(struct fake *fake, uint64_t address)
{
	return fake->image + (address - FAKE_BASE);
}
struct rouse_page *fake_page(struct fake *fake);
struct rouse_worker_record *fake_worker(struct fake *fake, uint32_t index);
struct rouse_chunk_entry *fake_chunk_entry(struct fake *fake, uint32_t index);
struct rouse_site_entry *fake_site(struct fake *fake, uint32_t index);
struct rouse_ring *fake_ring(struct fake *fake, uint32_t index);
struct rouse_histogram_pair *fake_histogram(struct fake *fake, uint32_t worker, uint32_t index);
uint64_t fake_site_address(uint32_t index);

/* Room for anything, zeroed; its address. */
uint64_t fake_alloc(struct fake *fake, size_t bytes);
/* A chunk of FAKE_CELLS free slots; its address. */
uint64_t fake_chunk(struct fake *fake, enum rouse_chunk_kind kind, uint32_t stride);
/* Appends a string to the target's strings; its offset. */
uint32_t fake_string(struct fake *fake, const char *text);
uint32_t fake_add_site(struct fake *fake, struct rouse_site_entry entry);

/* A pending task in slot `slot` of a chunk, its root frame of type MAIN behind the cell; the cell's address. */
uint64_t fake_task(struct fake *fake, uint64_t chunk, uint32_t stride, uint32_t slot, uint64_t id);
/* A frame of a type, awaited by the frame at `parent` (0: by nobody) as its last child. */
void fake_frame(struct fake *fake, uint64_t address, uint32_t type, uint64_t parent);
/* Makes the leaf frame wait for `resource` with the waker of the cell at `cell`. */
void fake_wait(struct fake *fake, uint64_t leaf, uint64_t cell, uint64_t resource);
/* One record written to a ring, as the owner would. */
void fake_emit(struct fake *fake, uint32_t ring, struct rouse_event event);

#endif
