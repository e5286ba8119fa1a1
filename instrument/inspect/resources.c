/* SPDX-License-Identifier: MIT */
/* A window of resource records. One reading does: each number in them is whole, and none vouches for another. */
#include "inspect/holders.h"

#include <limits.h>
#include <string.h>

/* Of a notify that is waited for, the word says so: to others it has no permit. */
static uint64_t value_of(const struct rouse_resource_record *record)
{
	bool waited = record->kind == ROUSE_RESOURCE_NOTIFY && record->value == ROUSE_NOTIFY_WAITED;

	return waited ? 0 : record->value;
}

static int send_resource(struct rouse_inspect *inspect, struct ri_runtime *runtime,
	const struct rouse_resource_record *record, const struct ri_holders *holders)
{
	const struct rouse_clock_anchor *clock = &runtime->page.anchor;
	int rc = inspect->resources.n == RI_ROWS ? ri_publish_rows(inspect, runtime) : 0;

	if (rc < 0)
		return rc;
	ri_resource_put(&inspect->resources,
		&(struct ri_resource_row){
			.serial = record->serial,
			.kind = record->kind,
			.flags = record->flags,
			.site = record->site,
			.name = ri_strings_index(&runtime->strings, record->name,
				strnlen(record->name, sizeof record->name)),
			.owner = record->owner,
			.owner_since_ns = ri_clock_ns(clock, record->owner_since),
			.creator = record->creator,
			.created_ns = ri_clock_ns(clock, record->created_ticks),
			.value = value_of(record),
			.capacity = record->capacity,
			.side_a = record->side_a,
			.side_b = record->side_b,
			.last_user_a = record->last_user_a,
			.last_user_b = record->last_user_b,
			.granted = record->granted,
		});
	return ri_holders_send(inspect, runtime, record->serial, holders);
}

/* Workers show how many timers their wheel holds. */
static void note_wheel(struct ri_look *look, const struct rouse_resource_record *record)
{
	if (record->kind != ROUSE_RESOURCE_TIMERS || look->n_wheels == RI_WORKERS_MAX + 1)
		return;
	look->wheels[look->n_wheels].serial = record->serial;
	look->wheels[look->n_wheels++].armed = record->value;
}

/* Threads that run blocking jobs are found by their jobs. */
static void note_job(struct ri_look *look, const struct rouse_resource_record *record)
{
	enum { RUNNING = 1 };

	if (record->kind == ROUSE_RESOURCE_BLOCKING_JOB && record->value == RUNNING &&
		look->n_job_tids < RI_THREADS_MAX)
		look->job_tids[look->n_job_tids++] = (uint32_t)record->owner;
}

static void note_descriptor(struct ri_look *look, const struct rouse_resource_record *record)
{
	bool is_one = record->kind == ROUSE_RESOURCE_SOCKET || record->kind == ROUSE_RESOURCE_LISTENER ||
		      record->kind == ROUSE_RESOURCE_FD;

	for (size_t i = 0; is_one && i < look->opts.n_detail; i++) {
		if (look->detail[i] != record->serial || record->value > INT_MAX ||
			look->n_descriptors == RI_DETAIL_MAX)
			continue;
		look->descriptors[look->n_descriptors].serial = record->serial;
		look->descriptors[look->n_descriptors++].fd = (int)record->value;
		return;
	}
}

int ri_resources_window(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct ri_chunk *chunk,
	uint32_t first, uint32_t n)
{
	_Static_assert(sizeof(struct rouse_resource_record) == ROUSE_RESOURCE_BYTES, "resource record");
	uint32_t stride = chunk->entry.stride;
	int rc = 0;

	if (ri_memory_read(&inspect->memory, chunk->entry.address + (uint64_t)first * stride, inspect->first_look,
		    (size_t)n * stride) < 0)
		return RI_UNREADABLE;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		struct ri_seen *seen = &chunk->seen[first + i];
		const uint8_t *slot = inspect->first_look + (size_t)i * stride;
		struct rouse_resource_record record;
		struct ri_holders holders;

		memcpy(&record, slot, sizeof record);
		if (seen->id && seen->id != record.serial && !inspect->look.keyframe)
			rc = ri_publish_removal(inspect, true, seen->id);
		if (!record.serial) {
			*seen = (struct ri_seen){ 0 };
			continue;
		}
		if (!ri_holders_find(
			    &record, chunk->entry.address + (uint64_t)(first + i) * stride, slot, stride, &holders))
			inspect->look.complete = false;
		uint64_t digest = ri_holders_digest(&holders, ri_digest(&record, sizeof record));

		note_wheel(&inspect->look, &record);
		note_job(&inspect->look, &record);
		note_descriptor(&inspect->look, &record);
		if (rc == 0 && (inspect->look.keyframe || digest != seen->digest || record.serial != seen->id))
			rc = send_resource(inspect, runtime, &record, &holders);
		*seen = (struct ri_seen){ record.serial, digest };
	}
	return rc;
}
