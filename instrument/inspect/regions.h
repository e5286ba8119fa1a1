/* SPDX-License-Identifier: MIT */
/*
 * Where in a target something can stand that was written: its mappings, and
 * which pages of them. Part of struct ri_memory, so that every source says it
 * in its own way: a process here, from /proc; a core file from its segments.
 */
#ifndef RI_REGIONS_H
#define RI_REGIONS_H

#include "inspect/memory.h"

/* As ri_regions_fn and ri_hands_fn in memory.h; arg is the struct ri_core. */
int ri_core_regions(void *core, struct ri_region *regions, size_t capacity);
int ri_core_hands(void *core, struct ri_hand *hands, size_t capacity);
/* As ri_regions_fn, ri_held_fn; arg is the struct ri_process. */
int ri_process_regions(void *process, struct ri_region *regions, size_t capacity);
int ri_process_held(void *process, uint64_t address, uint64_t end, uint64_t *ret_from, uint64_t *ret_to);

#endif
