/* SPDX-License-Identifier: MIT */
#include "inspect/strings.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A program that names every task differently fills this; later ones are shown by their function. */
enum { TEXT_MAX = 256 << 20, FIRST_SLOTS = 256, FIRST_ENTRIES = 128, FIRST_TEXT = 4096 };

void ri_strings_fini(struct ri_strings *strings)
{
	free(strings->text);
	free(strings->entries);
	free(strings->slots);
	*strings = (struct ri_strings){ 0 };
}

void ri_strings_reset(struct ri_strings *strings)
{
	strings->text_used = 0;
	strings->count = 0;
	strings->published = 1;
	if (strings->slots)
		memset(strings->slots, 0, strings->slot_count * sizeof *strings->slots);
}

/* FNV-1a: names are short. */
static uint32_t hash_of(const char *text, size_t bytes)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < bytes; i++)
		h = (h ^ (uint8_t)text[i]) * 16777619u;
	return h;
}

/* Where the text is, or the empty slot where it belongs. */
static uint32_t *find_slot(const struct ri_strings *strings, const char *text, size_t bytes, uint32_t hash)
{
	uint32_t mask = strings->slot_count - 1;

	for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
		uint32_t index = strings->slots[i];
		const struct ri_string *entry = &strings->entries[index];

		if (!index || (entry->hash == hash && entry->bytes == bytes &&
			memcmp(strings->text + entry->offset, text, bytes) == 0))
			return &strings->slots[i];
	}
}

static bool grow_slots(struct ri_strings *strings)
{
	uint32_t count = strings->slot_count ? strings->slot_count * 2 : FIRST_SLOTS;
	uint32_t *slots = calloc(count, sizeof *slots);

	if (!slots)
		return false;
	for (uint32_t index = 1; index < strings->count; index++) {
		uint32_t i = strings->entries[index].hash & (count - 1);

		while (slots[i])
			i = (i + 1) & (count - 1);
		slots[i] = index;
	}
	free(strings->slots);
	strings->slots = slots;
	strings->slot_count = count;
	return true;
}

static bool grow(void **array, uint32_t *size, uint64_t wanted, uint32_t first, size_t each)
{
	uint64_t n = *size ? *size : first;

	while (n < wanted)
		n *= 2;
	if (n == *size)
		return true;
	void *bigger = realloc(*array, n * each);

	if (!bigger)
		return false;
	*array = bigger;
	*size = (uint32_t)n;
	return true;
}

static bool make_room(struct ri_strings *strings, size_t bytes)
{
	uint64_t text = (uint64_t)strings->text_used + bytes;

	if (text > TEXT_MAX)
		return false;
	if (!grow((void **)&strings->text, &strings->text_size, text, FIRST_TEXT, 1) ||
		!grow((void **)&strings->entries, &strings->capacity, strings->count + 2ull, FIRST_ENTRIES,
			sizeof *strings->entries))
		return false;
	if (strings->count == 0)
		strings->entries[strings->count++] = (struct ri_string){ 0 };
	return strings->count * 2 < strings->slot_count || grow_slots(strings);
}

uint32_t ri_strings_index(struct ri_strings *strings, const char *text, size_t bytes)
{
	if (bytes == 0 || !make_room(strings, bytes))
		return 0;
	uint32_t hash = hash_of(text, bytes);
	uint32_t *slot = find_slot(strings, text, bytes, hash);

	if (*slot)
		return *slot;
	struct ri_string *entry = &strings->entries[strings->count];

	*entry = (struct ri_string){ strings->text_used, (uint32_t)bytes, hash };
	memcpy(strings->text + strings->text_used, text, bytes);
	strings->text_used += (uint32_t)bytes;
	*slot = strings->count;
	return strings->count++;
}
