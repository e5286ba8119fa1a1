/* SPDX-License-Identifier: MIT */
#include "diagnose/shape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/report.h"
#include "export/text.h"
#include "model/slots.h"

/* -------------------------------------------------------------------- hash */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

/* Which sort of thing it waits for; which one of that sort makes no difference. */
static uint64_t sort_of(const struct cn_model *model, const struct cn_await *await)
{
	const struct cn_resource *resource;
	const struct cn_task *task;

	if (await->wait_state == ROUSE_WAIT_IDLE || await->op == ROUSE_OP_SLEEP)
		return 0; /* whose wheel a timer is in makes no difference */
	if (await->op == ROUSE_OP_JOIN) {
		task = cn_model_task(model, await->resource);
		return task ? 1 + task->spawn_site : 0;
	}
	resource = cn_model_resource(model, await->resource);
	return resource ? (uint64_t)resource->kind << 32 | resource->site : 0;
}

static uint64_t hash_of(const struct cn_model *model, const struct cn_task *task)
{
	uint64_t hash = mix(0x726f757365u, task->spawn_site);

	hash = mix(hash, (uint64_t)task->runtime << 16 | (uint64_t)task->kind << 8 | task->state);
	for (uint16_t i = 0; i < task->n_awaits; i++) {
		const struct cn_await *await = &task->awaits[i];

		hash = mix(hash, (uint64_t)await->type << 32 | await->at);
		hash = mix(hash, (uint64_t)await->parent << 16 | (uint64_t)await->op << 8 | await->wait_state);
		hash = mix(hash, sort_of(model, await));
	}
	return hash ? hash : 1;
}

/* ------------------------------------------------------------------- waits */

/*
 * The frequent elements of a stream, after Misra and Gries: what more than one
 * in CN_SHAPE_WAITS + 1 of the tasks waits for is sure to be kept.
 */
static void take_wait(struct cn_shape *shape, const struct cn_await *await)
{
	struct cn_shape_wait *unused = NULL;

	for (int i = 0; i < CN_SHAPE_WAITS; i++) {
		struct cn_shape_wait *wait = &shape->waits[i];

		if (wait->weight && wait->id == await->resource && wait->op == await->op) {
			wait->weight++;
			return;
		}
		if (!wait->weight)
			unused = wait;
	}
	if (unused) {
		*unused = (struct cn_shape_wait){ .id = await->resource, .weight = 1, .op = await->op };
		return;
	}
	shape->more_waits = true;
	for (int i = 0; i < CN_SHAPE_WAITS; i++)
		shape->waits[i].weight--;
}

static int heavier(const void *a, const void *b)
{
	const struct cn_shape_wait *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* ------------------------------------------------------------------ shapes */

static void take_sample(struct cn_shape *shape, uint64_t id)
{
	for (int i = 0; i < CN_SHAPE_SAMPLES; i++) {
		uint64_t here = shape->samples[i];

		if (here && here < id)
			continue;
		shape->samples[i] = id;
		if (!here)
			return;
		id = here;
	}
}

static void take_task(struct cn_shape *shape, const struct cn_model *model, const struct cn_task *task)
{
	uint64_t in_state_ns = cn_task_in_state_ns(model, task);

	if (!shape->count++) {
		shape->spawn_site = task->spawn_site;
		shape->runtime = task->runtime;
		shape->state = task->state;
		shape->kind = task->kind;
		shape->name = task->name;
		shape->finding = -1;
	}
	if (shape->name != task->name) {
		shape->name = 0;
		shape->own_names = true;
	}
	if (!shape->oldest || in_state_ns > shape->in_state_ns ||
		(in_state_ns == shape->in_state_ns && task->id < shape->oldest)) {
		shape->oldest = task->id;
		shape->in_state_ns = in_state_ns;
	}
	take_sample(shape, task->id);
	for (uint16_t i = 0; i < task->n_awaits; i++)
		if (task->awaits[i].wait_state == ROUSE_WAIT_WAITING && task->awaits[i].resource &&
			task->awaits[i].op != ROUSE_OP_SLEEP)
			take_wait(shape, &task->awaits[i]);
}

/* By its tasks, for a look-up by task would cost as many findings as there are tasks. */
static void take_finding(const struct cn_model *model, struct cn_slots *slots, const struct cn_finding *finding)
{
	for (uint32_t i = 0; i < finding->n_tasks && i < CN_FINDING_TASKS; i++) {
		const struct cn_task *task = cn_model_task(model, finding->tasks[i]);
		struct cn_shape *shape = task ? cn_slots_find(slots, hash_of(model, task)) : NULL;

		if (!shape || (shape->finding >= 0 && shape->class >= finding->class))
			continue;
		shape->finding = finding->code;
		shape->class = finding->class;
	}
}

static int by_weight(const void *a, const void *b)
{
	const struct cn_shape *x = a, *y = b;
	int class_x = x->finding < 0 ? -1 : x->class, class_y = y->finding < 0 ? -1 : y->class;

	if (class_x != class_y)
		return class_x > class_y ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->oldest < y->oldest ? -1 : x->oldest > y->oldest;
}

static int collect(const struct cn_slots *slots, struct cn_shapes *shapes)
{
	shapes->all = calloc(slots->live ? slots->live : 1, sizeof *shapes->all);
	if (!shapes->all)
		return -ENOMEM;
	for (size_t i = 0; i < slots->used; i++) {
		const struct cn_shape *shape = cn_slots_at(slots, i);

		if (!shape)
			continue;
		shapes->all[shapes->n] = *shape;
		qsort(shapes->all[shapes->n].waits, CN_SHAPE_WAITS, sizeof(struct cn_shape_wait), heavier);
		shapes->n++;
	}
	qsort(shapes->all, shapes->n, sizeof *shapes->all, by_weight);
	return 0;
}

static int sort_tasks(const struct cn_model *model, struct cn_slots *slots, struct cn_shapes *shapes)
{
	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);
		void *shape;
		int rc;

		if (!task)
			continue;
		rc = cn_slots_put(slots, hash_of(model, task), &shape);
		if (rc == -ENOMEM)
			return rc;
		if (rc) {
			shapes->left_out++;
			continue;
		}
		take_task(shape, model, task);
		shapes->tasks++;
	}
	return 0;
}

int cn_shapes_build(const struct cn_model *model, const struct cn_findings *findings, struct cn_shapes *ret_shapes)
{
	struct cn_shapes shapes = { 0 };
	struct cn_slots slots;
	int rc;

	cn_slots_init(&slots, sizeof(struct cn_shape), CN_SHAPES_MAX);
	rc = sort_tasks(model, &slots, &shapes);
	for (size_t i = 0; rc == 0 && findings && i < cn_findings_count(findings); i++)
		if (cn_findings_at(findings, i)->active)
			take_finding(model, &slots, cn_findings_at(findings, i));
	if (rc == 0)
		rc = collect(&slots, &shapes);
	cn_slots_fini(&slots);
	if (rc)
		return rc;
	*ret_shapes = shapes;
	return 0;
}

void cn_shapes_free(struct cn_shapes *shapes)
{
	free(shapes->all);
	*shapes = (struct cn_shapes){ 0 };
}

/* -------------------------------------------------------------------- words */

const char *cn_shape_name(const struct cn_model *model, const struct cn_shape *shape)
{
	const struct cn_task *task = cn_model_task(model, shape->oldest);
	const char *name = cn_model_string(model, shape->runtime, shape->name);

	if (*name)
		return name;
	if (task && task->n_awaits)
		name = cn_model_string(
			model, shape->runtime, cn_model_site(model, shape->runtime, task->awaits[0].type)->name);
	if (*name)
		return name;
	return cn_model_string(model, shape->runtime, cn_model_site(model, shape->runtime, shape->spawn_site)->name);
}

static void put_owner(char *out, size_t bytes, const struct cn_model *model, const struct cn_resource *resource)
{
	const struct cn_task *owner = cn_model_task(model, resource->owner);

	if (!(resource->flags & ROUSE_RESOURCE_OWNED) || !resource->owner)
		*out = 0;
	else if (resource->owner & CN_THREAD_ID)
		snprintf(out, bytes, ", held by thread %llu", (unsigned long long)(resource->owner & ~CN_THREAD_ID));
	else
		snprintf(out, bytes, ", held by %s (%llu)",
			owner ? cn_safe(cn_task_name(model, owner)) : "a task that has ended",
			(unsigned long long)resource->owner);
}

const char *cn_shape_wait_text(char *out, size_t bytes, const struct cn_model *model, const struct cn_shape_wait *wait)
{
	const struct cn_resource *resource = cn_model_resource(model, wait->id);
	const struct cn_task *task = wait->op == ROUSE_OP_JOIN ? cn_model_task(model, wait->id) : NULL;
	char owner[320] = "";

	if (wait->op == ROUSE_OP_JOIN) {
		snprintf(out, bytes, "%s (%llu) to end",
			task ? cn_safe(cn_task_name(model, task)) : "a task that has ended",
			(unsigned long long)wait->id);
		return out;
	}
	if (!resource) {
		snprintf(out, bytes, "resource %llu, which has gone", (unsigned long long)wait->id);
		return out;
	}
	put_owner(owner, sizeof owner, model, resource);
	snprintf(out, bytes, "%s %s (%u waiting)%s", cn_resource_kind_name(resource->kind),
		*cn_resource_name(model, resource) ? cn_safe(cn_resource_name(model, resource)) : "without a name",
		resource->waiters, owner);
	return out;
}
