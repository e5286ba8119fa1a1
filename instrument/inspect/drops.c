/* SPDX-License-Identifier: MIT */
/*
 * Last wakers of resting tasks that were dropped. The table is read twice: an
 * entry that is the same in both was not being written.
 */
#include "inspect/look.h"

#include <string.h>

int ri_drops_send(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	_Static_assert(
		RI_DROPS_MAX * sizeof(struct rouse_drop_record) <= RI_WINDOW_BYTES, "the table fits into a window");
	const struct rouse_page *page = &runtime->page;
	const struct rouse_drop_record *first = (const void *)inspect->first_look;
	const struct rouse_drop_record *second = (const void *)inspect->second_look;
	uint32_t n = page->drop_capacity;
	size_t bytes = n * sizeof *first;
	struct ri_drop_batch batch;

	batch.n = 0;
	if (n && (ri_memory_read(&inspect->memory, page->address + page->off_drops, inspect->first_look, bytes) < 0 ||
			 ri_memory_read(
				 &inspect->memory, page->address + page->off_drops, inspect->second_look, bytes) < 0))
		return RI_UNREADABLE;
	/* From the newest that the page knew of; what came after that stands last. */
	for (uint32_t i = 0; i < n && batch.n < RI_ROWS; i++) {
		uint64_t at = (page->drops % n + n - 1 - i) % n;

		if (!first[at].task || memcmp(&first[at], &second[at], sizeof first[at]) != 0)
			continue;
		ri_drop_put(&batch, &(struct ri_drop_row){
					    .task = first[at].task,
					    .ns = ri_clock_ns(&page->anchor, first[at].ticks),
					    .by = first[at].by,
					    .pc = first[at].pc,
				    });
	}
	return ri_out_drops(&inspect->out, &batch);
}
