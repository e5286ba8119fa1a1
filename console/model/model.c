/* SPDX-License-Identifier: MIT */
#include "model/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <frame.h>

struct cn_model *cn_model_new(void)
{
	struct cn_model *model = calloc(1, sizeof *model);

	if (!model)
		return NULL;
	cn_slots_init(&model->tasks, sizeof(struct cn_task), CN_TASKS_LIMIT);
	cn_slots_init(&model->resources, sizeof(struct cn_resource), CN_RESOURCES_LIMIT);
	cn_waits_init(&model->waits);
	cn_ended_init(&model->ended);
	cn_symbols_init(&model->symbols);
	return model;
}

void cn_model_free(struct cn_model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->tasks.used; i++) {
		struct cn_task *task = cn_slots_at(&model->tasks, i);

		if (task)
			free(task->awaits);
	}
	for (size_t i = 0; i < model->resources.used; i++) {
		struct cn_resource *resource = cn_slots_at(&model->resources, i);

		if (resource)
			free(resource->holders);
	}
	cn_paces_fini(&model->paces);
	cn_slots_fini(&model->tasks);
	cn_slots_fini(&model->resources);
	cn_slots_fini(&model->waits);
	cn_ended_fini(&model->ended);
	cn_symbols_fini(&model->symbols);
	cn_kernel_free(model->kernel);
	cn_events_free(model);
	for (size_t i = 0; i < CN_RUNTIMES_MAX; i++) {
		struct cn_runtime_state *runtime = model->runtimes[i];

		if (!runtime)
			continue;
		cn_strings_fini(&runtime->strings);
		cn_sites_fini(&runtime->sites);
		free(runtime->shown.workers);
		free(runtime->touched);
		free(runtime->threads);
		free(runtime->drops);
		free(runtime);
	}
	free(model);
}

/* ------------------------------------------------------------------ frames */

static int apply_hello(struct cn_model *model, const Rouse__V1__Hello *hello)
{
	struct cn_target *target = &model->target;

	if (hello->protocol != RP_PROTOCOL)
		return -EPROTO;
	target->protocol = hello->protocol;
	target->layout = hello->layout;
	target->pid = hello->pid;
	target->n_runtimes = hello->n_runtimes > CN_RUNTIMES_MAX ? CN_RUNTIMES_MAX : (uint32_t)hello->n_runtimes;
	target->hz = hello->hz;
	target->start_ns = hello->start_ns;
	snprintf(target->program, sizeof target->program, "%s", hello->program);
	snprintf(target->source, sizeof target->source, "%s", hello->source);
	snprintf(target->version, sizeof target->version, "%s", hello->version);
	snprintf(target->note, sizeof target->note, "%s", hello->note);
	return 0;
}

bool cn_target_is_core(const struct cn_target *target)
{
	return strcmp(target->source, "core") == 0;
}

/* Ids are unique in a process; a generation speaks for its own runtime only. */
static void apply_removed(
	struct cn_model *model, const struct cn_runtime_state *runtime, const Rouse__V1__Removed *removed)
{
	for (size_t i = 0; i < removed->n_task; i++) {
		const struct cn_task *task = cn_model_task(model, removed->task[i]);

		if (task && task->runtime == runtime->shown.index)
			cn_remove_task(model, task->id);
	}
	for (size_t i = 0; i < removed->n_resource; i++) {
		const struct cn_resource *resource = cn_model_resource(model, removed->resource[i]);

		if (resource && resource->runtime == runtime->shown.index)
			cn_remove_resource(model, resource->serial);
	}
}

/* What may only stand within a generation. */
static int apply_rows(struct cn_model *model, const Rouse__V1__Frame *frame)
{
	struct cn_runtime_state *runtime = model->current;

	if (!runtime)
		return 0;
	switch (frame->body_case) {
	case ROUSE__V1__FRAME__BODY_STRINGS:
		return cn_apply_strings(runtime, frame->strings);
	case ROUSE__V1__FRAME__BODY_SITES:
		return cn_apply_sites(runtime, frame->sites);
	case ROUSE__V1__FRAME__BODY_WORKERS:
		return cn_apply_workers(model, runtime, frame->workers);
	case ROUSE__V1__FRAME__BODY_TASKS:
		return cn_apply_tasks(model, runtime, frame->tasks);
	case ROUSE__V1__FRAME__BODY_AWAITS:
		return cn_apply_awaits(model, runtime, frame->awaits);
	case ROUSE__V1__FRAME__BODY_RESOURCES:
		return cn_apply_resources(model, runtime, frame->resources);
	case ROUSE__V1__FRAME__BODY_HISTOGRAMS:
		return cn_apply_histograms(model, runtime, frame->histograms);
	case ROUSE__V1__FRAME__BODY_REMOVED:
		apply_removed(model, runtime, frame->removed);
		return 0;
	default:
		return cn_apply_evidence(model, runtime, frame);
	}
}

int cn_model_apply(struct cn_model *model, const Rouse__V1__Frame *frame)
{
	switch (frame->body_case) {
	case ROUSE__V1__FRAME__BODY_HELLO:
		return apply_hello(model, frame->hello);
	case ROUSE__V1__FRAME__BODY_BEGIN:
		return cn_begin_generation(model, frame->begin);
	case ROUSE__V1__FRAME__BODY_END:
		if (!model->current)
			return CN_APPLIED;
		cn_end_generation(model, frame->end);
		return CN_APPLIED_GENERATION;
	case ROUSE__V1__FRAME__BODY_EVENTS:
		cn_apply_events(model, frame->events);
		return CN_APPLIED;
	case ROUSE__V1__FRAME__BODY_LOST:
		model->lost_events += frame->lost->events;
		model->lost_generations += frame->lost->generations;
		return CN_APPLIED;
	case ROUSE__V1__FRAME__BODY_ERROR:
		model->error = frame->error->code;
		snprintf(model->error_text, sizeof model->error_text, "%s", frame->error->text);
		return CN_APPLIED_ERROR;
	default:
		return apply_rows(model, frame);
	}
}

/* --------------------------------------------------------------- accessors */

const struct cn_target *cn_model_target(const struct cn_model *model)
{
	return &model->target;
}

uint64_t cn_model_generations(const struct cn_model *model)
{
	return model->generations;
}

uint64_t cn_model_now_ns(const struct cn_model *model)
{
	return model->now_ns;
}

uint64_t cn_model_lost_events(const struct cn_model *model)
{
	return model->lost_events;
}

uint64_t cn_model_lost_generations(const struct cn_model *model)
{
	return model->lost_generations;
}

uint64_t cn_model_events(const struct cn_model *model, enum rouse_event_kind kind)
{
	return kind < ROUSE_EVENT_MAX ? model->events[kind] : 0;
}

bool cn_model_complete(const struct cn_model *model)
{
	for (size_t i = 0; i < cn_model_runtimes(model); i++) {
		const struct cn_runtime *runtime = cn_model_runtime(model, i);

		if (runtime && !runtime->complete)
			return false;
	}
	return model->generations > 0;
}

int cn_model_error(const struct cn_model *model, const char **ret_text)
{
	*ret_text = model->error_text;
	return model->error;
}

size_t cn_model_runtimes(const struct cn_model *model)
{
	size_t n = 0;

	for (size_t i = 0; i < CN_RUNTIMES_MAX; i++)
		if (model->runtimes[i])
			n = i + 1;
	return n;
}

const struct cn_runtime *cn_model_runtime(const struct cn_model *model, size_t index)
{
	const struct cn_runtime_state *runtime = index < CN_RUNTIMES_MAX ? model->runtimes[index] : NULL;

	return runtime && runtime->shown.looks ? &runtime->shown : NULL;
}

size_t cn_model_task_slots(const struct cn_model *model)
{
	return model->tasks.used;
}

size_t cn_model_tasks(const struct cn_model *model)
{
	return model->tasks.live;
}

const struct cn_task *cn_model_task_at(const struct cn_model *model, size_t slot)
{
	return cn_slots_at(&model->tasks, slot);
}

const struct cn_task *cn_model_task(const struct cn_model *model, uint64_t id)
{
	return cn_slots_find(&model->tasks, id);
}

size_t cn_model_resource_slots(const struct cn_model *model)
{
	return model->resources.used;
}

size_t cn_model_resources(const struct cn_model *model)
{
	return model->resources.live;
}

const struct cn_resource *cn_model_resource_at(const struct cn_model *model, size_t slot)
{
	return cn_slots_at(&model->resources, slot);
}

const struct cn_resource *cn_model_resource(const struct cn_model *model, uint64_t serial)
{
	return cn_slots_find(&model->resources, serial);
}

static const struct cn_runtime_state *state_of(const struct cn_model *model, size_t runtime)
{
	return runtime < CN_RUNTIMES_MAX ? model->runtimes[runtime] : NULL;
}

const char *cn_model_string(const struct cn_model *model, size_t runtime, uint32_t index)
{
	const struct cn_runtime_state *state = state_of(model, runtime);

	return state ? cn_strings_get(&state->strings, index) : "";
}

static const struct cn_site_row *site_row(const struct cn_model *model, size_t runtime, uint32_t index)
{
	const struct cn_runtime_state *state = state_of(model, runtime);

	return state && index && index < state->sites.n ? &state->sites.rows[index] : NULL;
}

const struct cn_site *cn_model_site(const struct cn_model *model, size_t runtime, uint32_t index)
{
	static const struct cn_site none;
	const struct cn_site_row *row = site_row(model, runtime, index);

	return row ? &row->site : &none;
}

size_t cn_model_sites(const struct cn_model *model, size_t runtime)
{
	const struct cn_runtime_state *state = state_of(model, runtime);

	return state ? state->sites.n : 0;
}

const struct cn_histogram *cn_model_site_histogram(const struct cn_model *model, size_t runtime, uint32_t site)
{
	const struct cn_site_row *row = site_row(model, runtime, site);

	return row ? row->histogram : NULL;
}

const struct cn_histogram *cn_model_task_histogram(const struct cn_model *model, uint64_t id)
{
	for (size_t i = 0; i < CN_WATCHED_MAX; i++)
		if (id && model->watched[i].task == id)
			return &model->watched[i].histogram;
	return NULL;
}

const struct cn_heat *cn_model_heat(const struct cn_model *model, size_t runtime)
{
	return runtime < CN_RUNTIMES_MAX && model->runtimes[runtime] ? &model->runtimes[runtime]->heat : NULL;
}
