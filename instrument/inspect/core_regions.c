/* SPDX-License-Identifier: MIT */
/*
 * What of a core file can be searched: what was stored of it, and the registers
 * of all threads. Memory that the program could write, and that a filter or a
 * full disk has kept out of the file, counts as a mapping that cannot be read.
 */
#include <elf.h>
#include <string.h>

#include "inspect/core.h"
#include "inspect/regions.h"

static bool is_guard(const struct ri_core_segment *segment, uint64_t below)
{
	return !(segment->flags & (PF_R | PF_W | PF_X)) && segment->address + segment->bytes == below;
}

int ri_core_regions(void *arg, struct ri_region *regions, size_t capacity)
{
	const struct ri_core *core = arg;
	size_t n = 0;

	for (size_t i = 0; i < core->n_segments; i++) {
		const struct ri_core_segment *segment = &core->segments[i];

		if (segment->stored && n++ < capacity)
			regions[n - 1] = (struct ri_region){ segment->address, segment->stored, .readable = true,
				.guarded = i > 0 && is_guard(segment - 1, segment->address) };
		if (segment->stored < segment->bytes && (segment->flags & PF_W) && n++ < capacity)
			regions[n - 1] = (struct ri_region){ segment->address + segment->stored,
				segment->bytes - segment->stored, .readable = false };
	}
	/* What was cut off may have been anywhere. */
	if (core->missing && n++ < capacity)
		regions[n - 1] = (struct ri_region){ UINT64_MAX - 8191, 4096, .readable = false };
	return (int)n;
}

int ri_core_hands(void *arg, struct ri_hand *hands, size_t capacity)
{
	const struct ri_core *core = arg;

	for (size_t i = 0; i < core->n_threads && i < capacity; i++) {
		const struct ri_core_thread *thread = &core->threads[i];
		size_t bytes = sizeof thread->registers < sizeof hands[i].words ? sizeof thread->registers :
										   sizeof hands[i].words;

		hands[i] = (struct ri_hand){ .tid = (uint32_t)thread->tid,
			.os_tid = (uint32_t)thread->tid,
			.sleeps = true,
			.whole = sizeof thread->registers <= sizeof hands[i].words,
			.syscall = (int)thread->syscall - 1,
			.sp = thread->sp,
			.n_words = (uint32_t)(bytes / sizeof hands[i].words[0]) };
		memcpy(hands[i].words, thread->registers, bytes);
	}
	return (int)core->n_threads;
}
