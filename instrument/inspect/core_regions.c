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

/* ------------------------------------------------------------------ stacks */

/* The kernel writes guards, too: without rights, and without a byte. */
static bool is_above_guard(const struct ri_core *core, const struct ri_core_segment *segment)
{
	const struct ri_core_segment *below = segment - 1;

	return segment != core->segments && !(below->flags & (PF_R | PF_W | PF_X)) &&
	       below->address + below->bytes == segment->address;
}

/*
 * A debugger leaves guards out. The C library's descriptor says where the
 * thread's block begins, how large it is, and how much of it is guard: in that
 * order in glibc, wherever they are; nothing else says it of this very segment.
 */
static bool is_block(struct ri_core *core, const struct ri_core_segment *segment, uint64_t own)
{
	enum { WORDS = 288 };
	uint64_t words[WORDS];
	size_t n = 0;

	if (own % sizeof words[0] == 0 && own - segment->address < segment->stored)
		n = (size_t)(segment->address + segment->stored - own) / sizeof words[0];
	n = n < WORDS ? n : WORDS;
	if (n < 3 || ri_core_read(core, own, words, n * sizeof words[0]) < 0)
		return false;
	for (size_t i = 0; i + 2 < n; i++) {
		uint64_t block = words[i], bytes = words[i + 1], guard = words[i + 2];

		if (block + guard == segment->address && own - block < bytes)
			return true;
	}
	return false;
}

void ri_core_mark_stacks(struct ri_core *core)
{
	struct ri_core_segment *main_stack = ri_core_segment_at(core, core->main_stack);

	for (size_t i = 0; i < core->n_threads; i++) {
		const struct ri_core_thread *thread = &core->threads[i];
		struct ri_core_segment *segment = thread->sp ? ri_core_segment_at(core, thread->sp) : NULL;

		if (segment && !segment->is_stack)
			segment->is_stack = is_above_guard(core, segment) || is_block(core, segment, thread->own);
	}
	/* The kernel keeps a gap below it. */
	if (core->main_stack && main_stack)
		main_stack->is_stack = true;
}

/* ----------------------------------------------------------------- regions */

int ri_core_regions(void *arg, struct ri_region *regions, size_t capacity)
{
	const struct ri_core *core = arg;
	size_t n = 0;

	for (size_t i = 0; i < core->n_segments; i++) {
		const struct ri_core_segment *segment = &core->segments[i];

		if (segment->stored && n++ < capacity)
			regions[n - 1] = (struct ri_region){ segment->address, segment->stored, .readable = true,
				.guarded = segment->is_stack };
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
