/* SPDX-License-Identifier: MIT */
#include "sync/holders.h"

#include <inttypes.h>

static struct rouse_holder_record *find(struct rs_holders *holders, uint64_t task)
{
	for (uint32_t i = 0; i < holders->used; i++)
		if (holders->entries[i].task == task)
			return &holders->entries[i];
	return NULL;
}

/* A free one, or NULL. */
static struct rouse_holder_record *new_entry(struct rs_holders *holders)
{
	struct rouse_holder_record *entry = find(holders, 0);

	if (!entry && holders->used < holders->capacity)
		entry = &holders->entries[holders->used++];
	return entry;
}

static void free_entry(struct rs_holders *holders, struct rouse_holder_record *entry)
{
	rs_record(&entry->task, 0ull);
	rs_record(&entry->permits, 0ull);
	while (holders->used && !holders->entries[holders->used - 1].task)
		holders->used--;
}

static void set_untracked_locked(struct rs_resource *resource, bool untracked)
{
	uint8_t others = resource->flags & (uint8_t)~ROUSE_RESOURCE_UNTRACKED;

	rs_record(&resource->flags, (uint8_t)(others | (untracked ? ROUSE_RESOURCE_UNTRACKED : 0)));
}

/* All permits are at home: nobody has any, whatever the entries say. */
static void begin_anew_locked(struct rs_resource *resource, struct rs_holders *holders)
{
	while (holders->used)
		free_entry(holders, &holders->entries[holders->used - 1]);
	set_untracked_locked(resource, false);
}

/* Answers how many of the permits were written to be his. */
static uint64_t take_from(struct rs_holders *holders, uint64_t task, uint64_t permits)
{
	struct rouse_holder_record *entry = find(holders, task);

	if (!entry)
		return 0;
	if (entry->permits > permits) {
		rs_record(&entry->permits, entry->permits - permits);
		return permits;
	}
	permits = entry->permits;
	free_entry(holders, entry);
	return permits;
}

void rs_holders_init(struct rs_resource *resource, struct rs_holders *holders, struct rouse_holder_record *entries,
	uint32_t capacity)
{
	*holders = (struct rs_holders){ .entries = entries, .capacity = capacity };
	rs_record(&resource->holder_capacity, capacity);
	rs_record(&resource->holders, (uint64_t)(uintptr_t)entries);
}

uint64_t rs_holders_of_locked(const struct rs_holders *holders, uint64_t task)
{
	for (uint32_t i = 0; i < holders->used; i++)
		if (holders->entries[i].task == task)
			return holders->entries[i].permits;
	return 0;
}

void rs_holders_add_locked(
	struct rs_resource *resource, struct rs_holders *holders, uint64_t task, uint64_t permits, uint64_t since)
{
	struct rouse_holder_record *entry = find(holders, task);

	if (!permits)
		return;
	if (entry) {
		rs_record(&entry->permits, entry->permits + permits);
		return;
	}
	entry = new_entry(holders);
	if (!entry) {
		set_untracked_locked(resource, true);
		return;
	}
	rs_record(&entry->since_ticks, since);
	rs_record(&entry->permits, permits);
	rs_record(&entry->task, task);
}

void rs_holders_remove_locked(struct rs_resource *resource, struct rs_holders *holders, uint64_t task, uint64_t permits)
{
	bool known = take_from(holders, task, permits) == permits;
	bool all_home = resource->value == resource->capacity;

	if (known)
		rs_record(&resource->last_user_b, task);
	else if (!(resource->flags & ROUSE_RESOURCE_UNTRACKED))
		rs_record(&resource->flags, (uint8_t)(resource->flags | ROUSE_RESOURCE_SHARED));
	if (all_home && (!known || resource->flags & ROUSE_RESOURCE_UNTRACKED))
		begin_anew_locked(resource, holders);
	else if (!known)
		set_untracked_locked(resource, true);
}

void rs_holders_move_locked(struct rs_resource *resource, struct rs_holders *holders, uint64_t from, uint64_t to,
	uint64_t permits, uint64_t since)
{
	rs_holders_add_locked(resource, holders, to, take_from(holders, from, permits), since);
}

/* ------------------------------------------------------ for those who check */

const char *rs_holders_validate_locked(const struct rs_resource *resource, const struct rs_holders *holders)
{
	uint64_t sum = 0;

	if (resource->holders != (uint64_t)(uintptr_t)holders->entries || resource->holder_capacity != holders->capacity)
		return "the record does not tell where the holders are";
	if (resource->value > resource->capacity)
		return "more permits are free than there are";
	for (uint32_t i = 0; i < holders->capacity; i++) {
		const struct rouse_holder_record *entry = &holders->entries[i];

		if (!entry->task != !entry->permits)
			return "a holder of nothing, or permits of nobody";
		if (entry->task && i >= holders->used)
			return "a holder where nobody looks";
		for (uint32_t j = 0; entry->task && j < i; j++)
			if (holders->entries[j].task == entry->task)
				return "a holder has two entries";
		sum += entry->permits;
	}
	if (!(resource->flags & ROUSE_RESOURCE_UNTRACKED) && sum != resource->capacity - resource->value)
		return "the holders do not account for the permits that are out";
	return NULL;
}

void rs_holders_dump_locked(const struct rs_resource *resource, const struct rs_holders *holders, FILE *out)
{
	fprintf(out,
		"holders of %" PRIu64 " permits%s, %u granted and not fetched:", resource->capacity - resource->value,
		resource->flags & ROUSE_RESOURCE_UNTRACKED ? " (not all known)" : "", (unsigned int)resource->granted);
	for (uint32_t i = 0; i < holders->used; i++)
		if (holders->entries[i].task)
			fprintf(out, " %" PRIu64 "x%" PRIu64, holders->entries[i].task, holders->entries[i].permits);
	fputc('\n', out);
}
