/* SPDX-License-Identifier: MIT */
/*
 * A core file that lies. The input is one byte of options, then
 *
 *     options & 1   the file itself
 *     else          where it is cut, in 1/65536 of it (2 bytes; 0: nowhere), then patches of 11 bytes
 *                   to a sound core: offset (3 bytes), value (8 bytes)
 *
 * The first 64 KiB of that core are headers and notes; then comes a program's
 * memory. Whatever the file says, it is refused, or a look ends, and every
 * frame it gives out is one that our own decoder takes.
 */
#include "fuzz.h"

#include <string.h>

#include <frame.h>

#include "core_image.h"
#include "inspect/look.h"

enum { PATCH_BYTES = 11 };

static struct rp_decoder *decoder;
static struct core_image sound;

static int take(void *arg, const uint8_t *bytes, size_t n)
{
	const Rouse__V1__Frame *frame;

	(void)arg;
	FUZZ_ASSERT(rp_frame_decode(decoder, bytes, n, &frame) == 0);
	return 0;
}

/* Two tasks, one of which waits for a lock in a child future, and that lock. */
static void build(void)
{
	static struct fake fake;

	fake_init(&fake);
	uint64_t tasks = fake_chunk(&fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);
	uint64_t resources = fake_chunk(&fake, ROUSE_CHUNK_RESOURCE, 192);
	uint64_t cell = fake_task(&fake, tasks, FAKE_STRIDE, 0, 20), root = cell + ROUSE_CELL_BYTES;

	fake_task(&fake, tasks, FAKE_STRIDE, 1, 21);
	fake_frame(&fake, root + 96, FAKE_CHILD_TYPE, root);
	fake_frame(&fake, root + 160, FAKE_LEAF_TYPE, root + 96);
	fake_wait(&fake, root + 160, cell, 31);
	*(struct rouse_resource_record *)fake_at(&fake, resources) =
		(struct rouse_resource_record){ .serial = 31, .kind = ROUSE_RESOURCE_MUTEX, .owner = 21 };
	fake_worker(&fake, 0)->tid = CORE_PID;
	fake_worker(&fake, 0)->state = ROUSE_WORKER_POLLING;
	core_of_fake(&sound, &fake);
	decoder = rp_decoder_new();
}

static void look_at(int fd)
{
	const struct rouse_look_opts keyframe = { .size = sizeof keyframe, .events = true };
	const struct rouse_look_opts changes = { .size = sizeof changes, .changes_only = true };
	struct rouse_inspect *inspect;
	struct ri_core *core;

	if (ri_core_open_fd(fd, &core) < 0)
		return;
	for (size_t i = 0; i < core->n_files; i++)
		FUZZ_ASSERT(strlen(core->files[i].path) < CORE_BYTES);
	if (ri_inspect_open_core(core, &inspect) < 0)
		return;
	FUZZ_ASSERT(rouse_inspect_look(inspect, &keyframe, take, NULL) == 0);
	FUZZ_ASSERT(rouse_inspect_look(inspect, &changes, take, NULL) == 0);
	rouse_inspect_close(inspect);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct core_image bent;

	if (!sound.bytes)
		build();
	if (size < 3)
		return 0;
	if (data[0] & 1) {
		bent.bytes = (uint8_t *)(uintptr_t)(data + 1);
		look_at(core_file(&bent, size - 1));
		return 0;
	}
	uint32_t cut = data[1] | (uint32_t)data[2] << 8;
	size_t bytes = cut ? (size_t)((uint64_t)sound.used * cut >> 16) : sound.used;

	bent = sound;
	bent.bytes = malloc(sound.used);
	FUZZ_ASSERT(bent.bytes);
	memcpy(bent.bytes, sound.bytes, sound.used);
	for (data += 3, size -= 3; size >= PATCH_BYTES; data += PATCH_BYTES, size -= PATCH_BYTES) {
		uint32_t offset = data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;

		memcpy(bent.bytes + offset % (sound.used - 8), data + 3, 8);
	}
	look_at(core_file(&bent, bytes));
	free(bent.bytes);
	return 0;
}
