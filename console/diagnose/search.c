/* SPDX-License-Identifier: MIT */
/*
 * Searches of the program's memory: asked for by rules, one at a time for each
 * address, and remembered. A running program may move a pointer from where was
 * not yet searched to where it was: so an address counts as missing only if two
 * searches in a row missed it. A stopped one cannot.
 */
#include "diagnose/memory.h"
#include "diagnose/report.h"

enum { TRIES_MAX = 6 };

void cn_memory_init(struct cn_memory *memory)
{
	*memory = (struct cn_memory){ 0 };
	cn_slots_init(&memory->orders, sizeof(struct cn_order), CN_ORDERS_MAX);
}

void cn_memory_fini(struct cn_memory *memory)
{
	cn_slots_fini(&memory->orders);
}

static struct cn_search *search_of(struct cn_memory *memory, uint64_t id)
{
	struct cn_search *oldest = &memory->searches[0];

	for (int i = 0; i < CN_SEARCHES_MAX; i++) {
		if (memory->searches[i].id == id)
			return &memory->searches[i];
		if (memory->searches[i].used < oldest->used)
			oldest = &memory->searches[i];
	}
	return oldest;
}

static const struct cn_runtime *runtime_of(const struct cn_model *model, uint64_t id)
{
	const struct cn_task *task = cn_model_task(model, id);
	const struct cn_resource *resource = task ? NULL : cn_model_resource(model, id);

	return task       ? cn_model_runtime(model, task->runtime)
	       : resource ? cn_model_runtime(model, resource->runtime)
			  : NULL;
}

static void count(struct cn_search *search, const struct cn_detail *detail)
{
	search->last_look = detail->look;
	search->tries++;
	search->times = detail->complete ? search->times + 1 : 0;
	for (uint32_t i = 0; i < detail->n_places; i++)
		search->found = search->found || !detail->places[i].task;
}

const struct cn_detail *cn_searched(struct cn_diagnosis *diagnosis, uint64_t id, uint64_t still)
{
	const struct cn_runtime *runtime = runtime_of(diagnosis->model, id);
	const struct cn_detail *detail = cn_model_detail(diagnosis->model, id);
	struct cn_search *search = search_of(diagnosis->memory, id);

	if (!runtime)
		return NULL;
	if (search->id != id || search->still != still)
		*search = (struct cn_search){ .id = id, .still = still, .since_look = runtime->looks };
	search->used = diagnosis->memory->clock;
	if (detail && detail->look > search->since_look && detail->look != search->last_look)
		count(search, detail);
	if (search->found)
		return NULL;
	if (search->times >= 2 || (search->times && runtime->target_stopped))
		return detail;
	if (search->tries < TRIES_MAX)
		cn_want(diagnosis, id);
	return NULL;
}
