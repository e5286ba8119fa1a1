/* SPDX-License-Identifier: MIT */
#include "diagnose/sift.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LATER = 8 };

/* Neighbours often wait for the same thing: it is looked up once. */
struct pass {
	struct cn_diagnosis *diagnosis;
	const struct cn_model *model;
	const struct cn_resource *resource;
	uint64_t serial;
	const struct cn_task *later[LATER]; /* the next ones */
};

static const struct cn_resource *resource_of(struct pass *pass, uint64_t serial)
{
	if (serial != pass->serial) {
		pass->serial = serial;
		pass->resource = cn_model_resource(pass->model, serial);
	}
	return pass->resource;
}

static bool is_of_others(const struct cn_task *task, const struct cn_await *await)
{
	return cn_is_task_id(await->waker_task) && await->waker_task != task->id;
}

/* Tasks that wait for permits that anybody may release, as most do, are held by nobody. */
static bool may_be_held(struct pass *pass, const struct cn_await *await)
{
	const struct cn_resource *resource;

	switch (await->op) {
	case ROUSE_OP_ACQUIRE:
		resource = resource_of(pass, await->resource);
		return resource && (resource->flags & ROUSE_RESOURCE_OWNED || cn_is_lock_like(resource));
	case ROUSE_OP_SEND:
		resource = resource_of(pass, await->resource);
		return resource && resource->capacity && resource->value >= resource->capacity;
	default:
		return cn_waits_for_tasks(await->op);
	}
}

static bool may_be_there(struct pass *pass, const struct cn_await *await)
{
	const struct cn_resource *resource;

	if (await->op == ROUSE_OP_JOIN)
		return true;
	resource = resource_of(pass, await->resource);
	return resource && cn_is_there(resource, await);
}

static unsigned int marks_of_wait(
	struct pass *pass, const struct cn_task *task, const struct cn_runtime *runtime, const struct cn_await *leaf)
{
	const struct cn_diagnose_opts *opts = &pass->diagnosis->opts;
	bool several = task->waiting > 1;
	unsigned int marks = 0;

	if (several || may_be_held(pass, leaf))
		marks |= CN_MARK_HELD;
	if (several || may_be_there(pass, leaf))
		marks |= CN_MARK_READY;
	if (leaf->op == ROUSE_OP_SEND)
		marks |= CN_MARK_SENDS;
	if (several || leaf->op == ROUSE_OP_READ || leaf->op == ROUSE_OP_ACCEPT)
		marks |= CN_MARK_READS;
	if (several || is_of_others(task, leaf))
		marks |= CN_MARK_WAKERS;
	if (task->kind == ROUSE_KIND_TASK && leaf->since_ns && runtime->now_ns >= leaf->since_ns + opts->pending_long)
		marks |= CN_MARK_OWED;
	return marks;
}

static unsigned int marks_of(struct pass *pass, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(pass->model, task->runtime);
	const struct cn_await *leaf = task->waiting ? cn_task_leaf(task) : NULL;
	unsigned int marks = 0;

	if (task->state == ROUSE_TASK_SCHEDULED)
		return CN_MARK_SCHEDULED;
	if (task->state != ROUSE_TASK_PENDING)
		return 0;
	if (leaf && (task->waiting > 1 || leaf->op == ROUSE_OP_LOCK || leaf->op == ROUSE_OP_JOIN))
		marks |= CN_MARK_BRANCHES;
	if (!runtime || runtime->looks <= task->changed_look)
		return marks; /* it moves */
	if (!task->waker_refs)
		marks |= CN_MARK_HELD | CN_MARK_WAKERS;
	if (!leaf)
		return marks | CN_MARK_WAKERS;
	return marks | marks_of_wait(pass, task, runtime, leaf);
}

/* What it waits for stands elsewhere: that of a later task is fetched meanwhile. */
static const struct cn_task *next_task(struct pass *pass, size_t i)
{
	const struct cn_task *later = cn_model_task_at(pass->model, i + LATER), *task;

	for (size_t k = 0; i == 0 && k < LATER; k++)
		pass->later[k] = cn_model_task_at(pass->model, k);
	if (later && later->waiting)
		__builtin_prefetch(&later->awaits[later->leaf]);
	task = pass->later[i % LATER];
	pass->later[i % LATER] = later;
	return task;
}

void cn_sift(struct cn_diagnosis *diagnosis)
{
	struct pass pass = { .diagnosis = diagnosis, .model = diagnosis->model };
	struct cn_sift *sift = diagnosis->sift;
	size_t n = cn_model_task_slots(diagnosis->model);

	if (n > sift->capacity) {
		uint8_t *marks = realloc(sift->marks, n + n / 4);

		if (!marks) {
			diagnosis->rc = -ENOMEM;
			return;
		}
		sift->marks = marks;
		sift->capacity = n + n / 4;
	}
	sift->n = n;
	for (size_t i = 0; i < n; i++) {
		const struct cn_task *task = next_task(&pass, i);

		sift->marks[i] = task ? (uint8_t)marks_of(&pass, task) : 0;
		if (task)
			cn_rules_of_task_load(diagnosis, task);
	}
}

const struct cn_task *cn_marked(const struct cn_diagnosis *diagnosis, enum cn_mark mark, size_t *slot)
{
	const struct cn_sift *sift = diagnosis->sift;
	const uint64_t everywhere = 0x0101010101010101u * (uint64_t)mark;
	size_t i = *slot;

	while (i < sift->n && !(sift->marks[i] & mark)) {
		uint64_t eight = everywhere;

		if (i % sizeof eight == 0 && i + sizeof eight <= sift->n)
			memcpy(&eight, &sift->marks[i], sizeof eight);
		i += eight & everywhere ? 1 : sizeof eight;
	}
	*slot = i < sift->n ? i + 1 : i;
	return i < sift->n ? cn_model_task_at(diagnosis->model, i) : NULL;
}
