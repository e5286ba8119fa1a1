/* SPDX-License-Identifier: MIT */
/*
 * Memory in which a reader keeps what it copied from a target, or addresses of
 * it. A search of a program's memory must not find the searcher: neither the
 * agent its own buffers, nor a reader outside those of the agent. So each such
 * piece is a mapping of its own, which the kernel joins with no other, and
 * begins with a mark that every reader knows.
 */
#ifndef RI_HIDDEN_H
#define RI_HIDDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/memory.h"

/* Zeroed, aligned to 64; NULL: no memory. */
void *ri_hidden_alloc(size_t bytes);
/* As realloc(): what is new is zeroed; NULL leaves the old one as it is. */
void *ri_hidden_grow(void *memory, size_t bytes);
void ri_hidden_free(void *memory);

/* Is the mapping of the target that begins at `address` a reader's? */
bool ri_hidden_is(struct ri_memory *memory, uint64_t address);

#endif
