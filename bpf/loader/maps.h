/* SPDX-License-Identifier: MIT */
/*
 * Hash maps of BPF programs, read whole.
 */
#ifndef BL_MAPS_H
#define BL_MAPS_H

#include <stddef.h>

struct bpf_map;

/** One entry; `value` is one for each possible CPU, one behind the other, where the map is by CPU. */
typedef void (*bl_entry)(void *arg, const void *key, const void *value);

/*
 * Each entry once, also while programs add and evict (what they do meanwhile
 * is in it or not). At most `most`. `value_bytes`: of one entry, all CPUs
 * together. 0 or -errno.
 */
int bl_map_each(
	const struct bpf_map *map, size_t key_bytes, size_t value_bytes, size_t most, bl_entry entry, void *arg);

#endif
