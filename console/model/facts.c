/* SPDX-License-Identifier: MIT */
/* What follows from rows: names, times, rates. Nothing here changes the model. */
#include "model/ended.h"

#include <stddef.h>

#define TEXT_OF(FUNCTION, LIST, MAX)                                                                                   \
	const char *FUNCTION(unsigned int i)                                                                           \
	{                                                                                                              \
		static const char *const texts[] = { LIST(X) };                                                        \
		return i < (MAX) ? texts[i] : "unknown";                                                               \
	}
#define X(name, text) text,
TEXT_OF(cn_task_state_name, ROUSE_TASK_STATES, ROUSE_TASK_STATE_MAX)
TEXT_OF(cn_resource_kind_name, ROUSE_RESOURCE_KINDS, ROUSE_RESOURCE_KIND_MAX)
TEXT_OF(cn_op_name, ROUSE_OPS, ROUSE_OP_MAX)
TEXT_OF(cn_worker_state_name, ROUSE_WORKER_STATES, ROUSE_WORKER_STATE_MAX)

const char *cn_wake_source_name(uint64_t waker)
{
	static const char *const texts[] = { ROUSE_WAKE_SOURCES(X) };

	if (waker >= ROUSE_FIRST_TASK_ID)
		return NULL;
	return waker < ROUSE_WAKE_SOURCE_MAX ? texts[waker] : "unknown";
}
#undef X

const char *cn_task_name(const struct cn_model *model, const struct cn_task *task)
{
	const char *name;

	if (task->gone)
		return ((const struct cn_ended *)task)->name;
	name = cn_model_string(model, task->runtime, task->name);
	if (!*name && task->n_awaits)
		name = cn_model_string(
			model, task->runtime, cn_model_site(model, task->runtime, task->awaits[0].type)->name);
	if (!*name)
		name = cn_model_string(
			model, task->runtime, cn_model_site(model, task->runtime, task->spawn_site)->name);
	return *name ? name : "?";
}

const char *cn_resource_name(const struct cn_model *model, const struct cn_resource *resource)
{
	return cn_model_string(model, resource->runtime, resource->name);
}

const struct cn_await *cn_task_leaf(const struct cn_task *task)
{
	return task->n_awaits ? &task->awaits[task->leaf] : NULL;
}

bool cn_task_queued(const struct cn_model *model, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);

	return runtime && task->queued_look == runtime->looks;
}

/* A leaf stands at no site of its own: its nearest ancestor that does tells the line. */
uint32_t cn_task_await_site(const struct cn_model *model, const struct cn_task *task)
{
	uint16_t i = task->leaf;

	while (task->n_awaits) {
		const struct cn_await *await = &task->awaits[i];

		if (await->at && cn_model_site(model, task->runtime, await->at)->line)
			return await->at;
		if (await->parent >= i)
			break;
		i = await->parent;
	}
	return 0;
}

static const struct cn_runtime *runtime_of(const struct cn_model *model, const struct cn_task *task)
{
	static const struct cn_runtime none;
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);

	return runtime ? runtime : &none;
}

struct cn_delta cn_task_delta(const struct cn_model *model, const struct cn_task *task)
{
	const struct cn_runtime *runtime = runtime_of(model, task);
	struct cn_delta delta = { 0 };

	if (!runtime->prev_ns || runtime->now_ns <= runtime->prev_ns)
		return delta;
	delta.span_ns = runtime->now_ns - runtime->prev_ns;
	if (task->seen_look < runtime->looks)
		return delta;
	delta.polls = task->polls - task->prev_polls;
	delta.wakes = task->wakes - task->prev_wakes;
	delta.self_wakes = task->self_wakes - task->prev_self_wakes;
	if (task->busy_ns > task->prev_busy_ns)
		delta.busy_ns = task->busy_ns - task->prev_busy_ns;
	if (task->scheduled_ns > task->prev_scheduled_ns)
		delta.scheduled_ns = task->scheduled_ns - task->prev_scheduled_ns;
	return delta;
}

bool cn_task_settled(const struct cn_model *model, const struct cn_task *task)
{
	return runtime_of(model, task)->looks > task->changed_look;
}

/* Stamps of the target and the begin of the look are of one clock, but not of one instant. */
static uint64_t since(uint64_t now, uint64_t then)
{
	return then && now > then ? now - then : 0;
}

uint64_t cn_task_age_ns(const struct cn_model *model, const struct cn_task *task)
{
	return since(task->gone ? task->changed_ns : runtime_of(model, task)->now_ns, task->spawned_ns);
}

uint64_t cn_task_busy_ns(const struct cn_model *model, const struct cn_task *task)
{
	uint64_t running =
		task->state == ROUSE_TASK_RUNNING ? since(runtime_of(model, task)->now_ns, task->edge_ns) : 0;

	return task->busy_ns + running;
}

uint64_t cn_task_scheduled_ns(const struct cn_model *model, const struct cn_task *task)
{
	uint64_t waiting = 0;

	if (task->state == ROUSE_TASK_SCHEDULED)
		waiting = since(runtime_of(model, task)->now_ns, task->enqueue_ns);
	return task->scheduled_ns + waiting;
}

uint64_t cn_task_idle_ns(const struct cn_model *model, const struct cn_task *task)
{
	uint64_t age = task->state >= ROUSE_TASK_COMPLETE ? since(task->edge_ns, task->spawned_ns)
							  : cn_task_age_ns(model, task);
	uint64_t used = cn_task_busy_ns(model, task) + cn_task_scheduled_ns(model, task);

	return age > used ? age - used : 0;
}

uint64_t cn_task_in_state_ns(const struct cn_model *model, const struct cn_task *task)
{
	uint64_t now = runtime_of(model, task)->now_ns;

	if (task->gone)
		return since(now, task->changed_ns);
	if (task->state == ROUSE_TASK_SCHEDULED)
		return since(now, task->enqueue_ns);
	if (task->state == ROUSE_TASK_CREATED || !task->polls)
		return since(now, task->spawned_ns);
	return since(now, task->edge_ns);
}

double cn_rate(uint64_t count, uint64_t span_ns)
{
	return span_ns ? (double)count * 1e9 / (double)span_ns : 0;
}
