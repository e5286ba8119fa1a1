/* SPDX-License-Identifier: MIT */
/*
 * How many tasks wait for each resource, and are in each state.
 *
 * Counted as rows come and go, not by asking all tasks in each look: of a
 * million, most are as they were. A wait may be told of before its resource is,
 * in this look or a later one, so counts of resources that are not known are
 * kept by serial until they are. Serials are never used again, so waits for a
 * resource that has gone are nobody's.
 */
#include "model/private.h"

#include <errno.h>

struct unknown {
	uint64_t serial; /* first: a row of cn_slots */
	uint32_t waiters;
};

void cn_waits_init(struct cn_slots *waits)
{
	cn_slots_init(waits, sizeof(struct unknown), CN_RESOURCES_LIMIT);
}

static bool counts(const struct cn_await *await)
{
	return await->wait_state == ROUSE_WAIT_WAITING && await->op != ROUSE_OP_JOIN && await->resource;
}

/* Beyond the limit of resources there are no more to count for. */
static int join(struct cn_model *model, uint64_t serial)
{
	struct cn_resource *resource = cn_slots_find(&model->resources, serial);
	struct unknown *unknown;
	void *row = NULL;
	int rc;

	if (resource) {
		resource->waiters++;
		return 0;
	}
	rc = cn_slots_put(&model->waits, serial, &row);
	if (rc)
		return rc == -E2BIG ? 0 : rc;
	unknown = row;
	unknown->waiters++;
	return 0;
}

static void leave(struct cn_model *model, uint64_t serial)
{
	struct cn_resource *resource = cn_slots_find(&model->resources, serial);
	struct unknown *unknown;

	if (resource) {
		resource->waiters -= resource->waiters > 0;
		return;
	}
	unknown = cn_slots_find(&model->waits, serial);
	if (unknown && --unknown->waiters == 0)
		cn_slots_remove(&model->waits, serial);
}

int cn_waits_join(struct cn_model *model, const struct cn_task *task)
{
	int rc = 0;

	for (uint16_t i = task->leaf; rc == 0 && task->waiting && i < task->n_awaits; i++)
		if (counts(&task->awaits[i]))
			rc = join(model, task->awaits[i].resource);
	return rc;
}

void cn_waits_leave(struct cn_model *model, const struct cn_task *task)
{
	for (uint16_t i = task->leaf; task->waiting && i < task->n_awaits; i++)
		if (counts(&task->awaits[i]))
			leave(model, task->awaits[i].resource);
}

void cn_waits_found(struct cn_model *model, struct cn_resource *resource)
{
	const struct unknown *unknown = cn_slots_find(&model->waits, resource->serial);

	resource->waiters = unknown ? unknown->waiters : 0;
	if (unknown)
		cn_slots_remove(&model->waits, resource->serial);
}

void cn_count_task(const struct cn_model *model, struct cn_task *task, uint8_t counted)
{
	struct cn_runtime_state *runtime = model->runtimes[task->runtime];

	if (task->counted)
		runtime->shown.by_state[task->counted - 1]--;
	if (counted)
		runtime->shown.by_state[counted - 1]++;
	task->counted = counted;
}
