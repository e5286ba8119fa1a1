/* SPDX-License-Identifier: MIT */
#include "loader/counts.h"
#include "loader/maps.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void gather_task(void *arg, const void *key, const void *value)
{
	struct bl_counts_result *result = arg;
	struct bl_count_task *task = &result->tasks[result->n_tasks++];

	memcpy(&task->id, key, sizeof(task->id));
	memcpy(&task->task, value, sizeof(task->task));
}

static void gather_site(void *arg, const void *key, const void *value)
{
	struct bl_counts_result *result = arg;
	struct bl_count_site *site = &result->sites[result->n_sites++];
	const uint64_t *by_cpu = value;
	uint64_t id;

	memcpy(&id, key, sizeof(id));
	*site = (struct bl_count_site){ .runtime = (uint32_t)(id >> 32), .site = (uint32_t)id };
	for (int i = 0; i < result->cpus; i++)
		site->count += by_cpu[i];
}

int bl_counts_gather(struct bl_counts_result *result, const struct bpf_map *tasks, const struct bpf_map *sites)
{
	size_t room = bpf_map__max_entries(tasks), room_by_site = bpf_map__max_entries(sites);
	int rc;

	result->cpus = libbpf_num_possible_cpus();
	if (result->cpus < 0)
		return result->cpus;
	if (!result->tasks)
		result->tasks = calloc(room, sizeof(*result->tasks));
	if (!result->sites)
		result->sites = calloc(room_by_site, sizeof(*result->sites));
	if (!result->tasks || !result->sites)
		return -ENOMEM;
	result->n_tasks = result->n_sites = 0;
	rc = bl_map_each(tasks, sizeof(uint64_t), sizeof(struct bl_counted_task), room, gather_task, result);
	if (rc == 0)
		rc = bl_map_each(sites, sizeof(uint64_t), (size_t)result->cpus * sizeof(uint64_t), room_by_site,
			gather_site, result);
	/* While it is measured, some are made between the count and the look. */
	result->evicted = result->totals.created > result->n_tasks ? result->totals.created - result->n_tasks : 0;
	return rc;
}

void bl_counts_fini(struct bl_counts_result *result)
{
	free(result->tasks);
	free(result->sites);
}
