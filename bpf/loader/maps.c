/* SPDX-License-Identifier: MIT */
/*
 * By batches: the kernel hands out whole buckets, so that no entry comes twice
 * when others go meanwhile, as with get_next_key; and 256 take one call.
 */
#include "loader/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define BATCH 256u

int bl_map_each(const struct bpf_map *map, size_t key_bytes, size_t value_bytes, size_t most, bl_entry entry, void *arg)
{
	uint8_t *keys = malloc(BATCH * key_bytes), *values = malloc(BATCH * value_bytes);
	uint32_t position = 0, n;
	bool first = true;
	int rc = keys && values ? 0 : -ENOMEM;

	while (rc == 0 && most > 0) {
		n = BATCH;
		if (bpf_map_lookup_batch(
			    bpf_map__fd(map), first ? NULL : &position, &position, keys, values, &n, NULL) < 0)
			rc = -errno;
		first = false;
		if (rc < 0 && rc != -ENOENT) /* ENOENT: these are the last ones */
			break;
		for (uint32_t i = 0; i < n && most > 0; i++, most--)
			entry(arg, keys + i * key_bytes, values + i * value_bytes);
	}
	free(keys);
	free(values);
	return rc == -ENOENT ? 0 : rc;
}
