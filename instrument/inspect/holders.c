/* SPDX-License-Identifier: MIT */
#include "inspect/holders.h"

bool ri_holders_find(const struct rouse_resource_record *record, uint64_t address, const uint8_t *slot, uint32_t stride,
	struct ri_holders *ret_holders)
{
	uint64_t at = record->holders - address, n = record->holder_capacity;

	*ret_holders = (struct ri_holders){ 0 };
	if (record->kind != ROUSE_RESOURCE_SEMAPHORE || !record->holders || !n)
		return true;
	if (n > RI_ROWS || at % 8 || at < ROUSE_RESOURCE_BYTES || at > stride ||
		n * sizeof(struct rouse_holder_record) > stride - at)
		return false;
	ret_holders->entries = (const struct rouse_holder_record *)(const void *)(slot + at);
	ret_holders->n = (uint32_t)n;
	return true;
}

uint64_t ri_holders_digest(const struct ri_holders *holders, uint64_t digest)
{
	uint64_t both[2] = { digest, 0 };

	if (!holders->entries)
		return digest;
	both[1] = ri_digest(holders->entries, holders->n * sizeof *holders->entries);
	return ri_digest(both, sizeof both);
}

static bool holds(const struct rouse_holder_record *entry)
{
	return entry->task && entry->permits;
}

/* All of them in one frame: who reads it takes them for all there are. */
int ri_holders_send(
	struct rouse_inspect *inspect, struct ri_runtime *runtime, uint64_t serial, const struct ri_holders *holders)
{
	struct ri_holder_batch *batch = &inspect->holders;
	size_t rows = 0;
	int rc = 0;

	if (!holders->entries)
		return 0;
	for (uint32_t i = 0; i < holders->n; i++)
		rows += holds(&holders->entries[i]);
	if (batch->n + (rows ? rows : 1) > RI_ROWS)
		rc = ri_publish_rows(inspect, runtime);
	if (rc < 0)
		return rc;
	if (!rows)
		ri_holder_put(batch, &(struct ri_holder_row){ .serial = serial });
	for (uint32_t i = 0; i < holders->n; i++)
		if (holds(&holders->entries[i]))
			ri_holder_put(batch,
				&(struct ri_holder_row){
					.serial = serial,
					.task = holders->entries[i].task,
					.permits = holders->entries[i].permits,
					.since_ns = ri_clock_ns(&runtime->page.anchor, holders->entries[i].since_ticks),
				});
	return 0;
}
