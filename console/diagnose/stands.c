/* SPDX-License-Identifier: MIT */
/* What rules ask of the model before they dare to say PROVEN. */
#include <string.h>

#include "diagnose/report.h"

bool cn_is_task_id(uint64_t id)
{
	return id >= ROUSE_FIRST_TASK_ID && !(id >> 63);
}

bool cn_is_lock_like(const struct cn_resource *semaphore)
{
	return !(semaphore->flags & (ROUSE_RESOURCE_UNTRACKED | ROUSE_RESOURCE_SHARED)) && semaphore->last_user_b &&
	       semaphore->capacity <= semaphore->side_b;
}

bool cn_ended(const struct cn_model *model, uint64_t id)
{
	const struct cn_task *task = cn_model_task(model, id);

	return !task || task->state >= ROUSE_TASK_COMPLETE;
}

/* Has the worker done nothing that is counted since the look before? It may wait for a CPU with what it carries. */
static bool stood(const struct cn_worker *worker)
{
	return memcmp(&worker->counters, &worker->previous, sizeof worker->counters) == 0;
}

/*
 * 0: nobody carries the task; 1: somebody carries several, one of which it may
 * be; 2: somebody carries it, or has had several in hand for all of the time.
 */
static int carried(const struct cn_runtime *runtime, uint64_t id)
{
	int worst = runtime->foreign_in_transit ? 1 : 0;

	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		const struct cn_worker *worker = &runtime->workers[i];

		if (worker->in_transit == id || (worker->in_transit == UINT64_MAX && stood(worker)))
			return 2;
		if (worker->in_transit == UINT64_MAX)
			worst = 1;
	}
	return worst;
}

bool cn_stands(const struct cn_model *model, const struct cn_task *task)
{
	return task->valid && cn_stands_scheduled(model, task);
}

bool cn_stands_scheduled(const struct cn_model *model, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	int in_transit;

	if (!runtime || !runtime->complete || !cn_task_settled(model, task))
		return false;
	in_transit = carried(runtime, task->id);
	if (in_transit == 1)
		return !runtime->target_stopped && runtime->looks - task->changed_look >= 2;
	return in_transit == 0;
}

bool cn_either(const struct cn_model *model, const struct cn_task *task, uint16_t await)
{
	while (await && await < task->n_awaits) {
		uint16_t parent = task->awaits[await].parent, children = 0;

		if (parent >= await)
			return false;
		for (uint16_t i = (uint16_t)(parent + 1); i < task->n_awaits; i++)
			children += task->awaits[i].parent == parent;
		if (children > 1 &&
			cn_model_site(model, task->runtime, task->awaits[parent].at)->kind != ROUSE_SITE_JOIN)
			return true;
		await = parent;
	}
	return false;
}

bool cn_waits_for_tasks(unsigned int op)
{
	switch (op) {
	case ROUSE_OP_LOCK:
	case ROUSE_OP_JOIN:
	case ROUSE_OP_ACQUIRE:
	case ROUSE_OP_SEND:
	case ROUSE_OP_RECV:
	case ROUSE_OP_ONESHOT_RECV:
		return true;
	default:
		return false;
	}
}
