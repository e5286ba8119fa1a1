/* SPDX-License-Identifier: MIT */
/*
 * The string table of a stream: texts get an index when they are first used,
 * and are to be published before the rows that use them. Index 0 is "".
 */
#ifndef RI_STRINGS_H
#define RI_STRINGS_H

#include <stddef.h>
#include <stdint.h>

struct ri_string {
	uint32_t offset;
	uint32_t bytes;
	uint32_t hash;
};

struct ri_strings {
	char *text;
	uint32_t text_used, text_size;
	struct ri_string *entries; /* [0] stands for "" */
	uint32_t count, capacity;
	uint32_t *slots; /* open addressing over entries, 0 = empty; a power of two */
	uint32_t slot_count;
	uint32_t published; /* entries below this index have been sent */
};

void ri_strings_fini(struct ri_strings *strings);
/* Forgets everything: a keyframe begins a new table. Keeps the memory. */
void ri_strings_reset(struct ri_strings *strings);

/* The index of a text, new or known. 0, "no name", when the table is full or there is no memory. */
uint32_t ri_strings_index(struct ri_strings *strings, const char *text, size_t bytes);

#endif
