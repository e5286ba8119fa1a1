/* SPDX-License-Identifier: MIT */
/*
 * A target that lies, also in the middle of a look. The input patches the
 * image of a sound target: one byte of options, then patches of 12 bytes:
 *
 *     offset (3 bytes)   when (1 byte: before this many further reads)   value (8 bytes)
 *
 * Whatever the image says, a look ends, and every frame it gives out is one
 * that our own decoder takes.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include <frame.h>

#include "fake.h"
#include "inspect/look.h"

enum { PATCH_BYTES = 12, READS = 20000 };

struct patches {
	const uint8_t *next;
	size_t left;
	uint32_t reads_to_go;
};

static struct rp_decoder *decoder;

static int take(void *arg, const uint8_t *bytes, size_t n)
{
	const Rouse__V1__Frame *frame;

	(void)arg;
	FUZZ_ASSERT(rp_frame_decode(decoder, bytes, n, &frame) == 0);
	return 0;
}

static void apply(struct fake *fake, uint64_t address, size_t bytes, void *arg)
{
	struct patches *patches = arg;

	(void)address;
	(void)bytes;
	while (patches->left >= PATCH_BYTES && patches->reads_to_go == 0) {
		uint32_t offset = patches->next[0] | (uint32_t)patches->next[1] << 8 | (uint32_t)patches->next[2] << 16;

		memcpy(fake->image + offset % (FAKE_BYTES - 8), patches->next + 4, 8);
		patches->next += PATCH_BYTES;
		patches->left -= PATCH_BYTES;
		patches->reads_to_go = patches->left >= PATCH_BYTES ? patches->next[3] : 0;
	}
	if (patches->reads_to_go)
		patches->reads_to_go--;
}

/* Slot 1: a semaphore, and behind its record who has its permits. */
static void add_semaphore(struct fake *fake, uint64_t slot)
{
	struct rouse_resource_record *record = fake_at(fake, slot);
	struct rouse_holder_record *holders = (void *)(record + 1);

	*record = (struct rouse_resource_record){ .serial = 32,
		.kind = ROUSE_RESOURCE_SEMAPHORE,
		.capacity = 3,
		.holders = slot + ROUSE_RESOURCE_BYTES,
		.holder_capacity = 2 };
	holders[0] = (struct rouse_holder_record){ 20, 2, 1100 };
	holders[1] = (struct rouse_holder_record){ 1ull << 63 | 77, 1, 1200 };
}

static void add_drops(struct fake *fake)
{
	struct rouse_page *page = fake_page(fake);
	struct rouse_drop_record *drops = (void *)(fake->image + page->off_drops);

	for (page->drops = 0; page->drops < 3; page->drops++)
		drops[page->drops] = (struct rouse_drop_record){ 20 + page->drops, 1100, 21, 0x400100 };
}

/*
 * Two tasks (one waits for a lock in a child future, one runs), a lock, a semaphore that is held, a queue, some
 * events, some dropped wakers.
 */
static void build(struct fake *fake)
{
	fake_init(fake);
	uint64_t tasks = fake_chunk(fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);
	uint64_t resources = fake_chunk(fake, ROUSE_CHUNK_RESOURCE, 192);
	uint64_t cell = fake_task(fake, tasks, FAKE_STRIDE, 0, 20), root = cell + ROUSE_CELL_BYTES;
	uint64_t running = fake_task(fake, tasks, FAKE_STRIDE, 1, 21);
	uint64_t boxed = fake_alloc(fake, 128), queue = fake_alloc(fake, sizeof(struct rouse_queue_record));

	fake_frame(fake, root + 96, FAKE_CHILD_TYPE, root);
	fake_frame(fake, root + 160, FAKE_LEAF_TYPE, root + 96);
	fake_wait(fake, root + 160, cell, 31);
	fake_frame(fake, boxed, FAKE_LEAF_TYPE, root + 96);
	((struct rouse_cell_record *)fake_at(fake, running))->state |= ROUSE_RUNNING;
	*(struct rouse_resource_record *)fake_at(fake, resources) =
		(struct rouse_resource_record){ .serial = 31, .kind = ROUSE_RESOURCE_MUTEX, .owner = 21 };
	add_semaphore(fake, resources + 192);
	add_drops(fake);
	fake_worker(fake, 0)->queue = queue;
	*(struct rouse_queue_record *)fake_at(fake, queue) = (struct rouse_queue_record){
		.head = 1ull << 32 | 1, .tail = 4, .lifo = cell, .slots = { 0, cell, running, boxed }
	};
	for (uint64_t i = 0; i < 100; i++)
		fake_emit(fake, i % 2, (struct rouse_event){ .ticks = 2000 + i, .task = 20, .kind = ROUSE_EVENT_WAKE });
}

/* All of it, and what is not there; the page says itself what it is worth. */
static int regions(void *arg, struct ri_region *out, size_t capacity)
{
	(void)arg;
	FUZZ_ASSERT(capacity >= 2);
	out[0] = (struct ri_region){ FAKE_BASE, FAKE_BYTES, .readable = true, .guarded = true };
	out[1] = (struct ri_region){ FAKE_BASE + FAKE_BYTES, 8192, .readable = true };
	return 2;
}

static int threads(void *arg, struct ri_hand *out, size_t capacity)
{
	(void)arg;
	FUZZ_ASSERT(capacity >= 1);
	out[0] = (struct ri_hand){ .sleeps = true,
		.syscall = 202,
		.sp = FAKE_BASE + FAKE_BYTES / 2,
		.n_words = 1,
		.words = { FAKE_BASE + 4096 } };
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake base;
	struct fake fake;
	const uint64_t watch = 20, detail[] = { 20, 31, 21 };
	struct rouse_inspect *inspect;

	if (!base.image) {
		build(&base);
		decoder = rp_decoder_new();
	}
	if (size == 0)
		return 0;
	struct patches patches = { data + 1, size - 1, size > PATCH_BYTES ? data[4] : 0 };

	fake = base;
	fake.image = malloc(FAKE_BYTES);
	memcpy(fake.image, base.image, FAKE_BYTES);
	fake.on_read = apply;
	fake.on_read_arg = &patches;
	fake.reads_allowed = READS;
	if (fake_open(&fake, &inspect) == 0) {
		inspect->memory.regions = regions;
		inspect->memory.hands = threads;
		for (int i = 0; i < 3; i++) {
			const struct rouse_look_opts opts = { .size = sizeof opts,
				.events = data[0] & 1,
				.changes_only = data[0] & 2,
				.watch = &watch,
				.n_watch = data[0] & 4 ? 1 : 0,
				.detail = detail,
				.n_detail = data[0] & 8 ? 3 : 0 };
			int rc = rouse_inspect_look(inspect, &opts, take, NULL);

			FUZZ_ASSERT(rc == 0 || rc == -EPROTO || rc == -ENOMEM);
		}
		rouse_inspect_close(inspect);
	}
	free(fake.image);
	return 0;
}
