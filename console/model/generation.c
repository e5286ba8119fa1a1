/* SPDX-License-Identifier: MIT */
/*
 * The frame around the rows: a look begins, and is whole.
 *
 * At the end one pass over the tasks that were told of, and the resources, does
 * what rows alone cannot: counts states, takes away chains that have ended, and
 * tells rows that did not come (they are as they were) from those that did. What
 * a keyframe did not name is dropped.
 */
#include "model/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cn_runtime_state *runtime_of(struct cn_model *model, uint32_t index)
{
	struct cn_runtime_state *runtime = model->runtimes[index];

	if (!runtime) {
		runtime = calloc(1, sizeof *runtime);
		if (!runtime)
			return NULL;
		runtime->shown.index = index;
		model->runtimes[index] = runtime;
	}
	return runtime;
}

int cn_begin_generation(struct cn_model *model, const Rouse__V1__GenerationBegin *begin)
{
	struct cn_runtime_state *runtime;
	struct cn_runtime *next;

	model->current = NULL;
	if (begin->runtime >= CN_RUNTIMES_MAX)
		return 0; /* rows without a runtime are passed over */
	runtime = runtime_of(model, begin->runtime);
	if (!runtime)
		return -ENOMEM;
	runtime->cut = runtime->open; /* the one before was cut off */
	runtime->open = true;
	runtime->keyframe = begin->keyframe;
	if (begin->keyframe)
		cn_strings_restart(&runtime->strings);
	next = &runtime->next;
	next->number = begin->number;
	next->now_ns = begin->mono_ns;
	next->real_ns = begin->real_ns;
	next->level = begin->level;
	next->state = begin->state;
	next->flavor = begin->flavor;
	next->driver_worker = begin->driver_worker;
	next->inject_depth = begin->inject_depth;
	next->blocking_queued = begin->blocking_queued;
	next->blocking_threads = begin->blocking_threads;
	next->blocking_idle = begin->blocking_idle;
	next->blocking_limit = begin->blocking_limit;
	next->foreign_in_transit = begin->foreign_in_transit;
	next->long_poll_ns = begin->long_poll_ns;
	next->watchdog_ns = begin->watchdog_ns;
	next->target_stopped = begin->target_stopped;
	next->stopping_ns = begin->stopping_ns;
	snprintf(next->name, sizeof next->name, "%s", begin->runtime_name);
	model->current = runtime;
	return 0;
}

/* What begins with a look is shown when it is whole. */
static void show_begin(struct cn_runtime *shown, const struct cn_runtime *next)
{
	shown->prev_ns = shown->now_ns;
	shown->number = next->number;
	shown->now_ns = next->now_ns;
	if (!shown->looks)
		shown->first_ns = next->now_ns;
	shown->real_ns = next->real_ns;
	shown->level = next->level;
	shown->state = next->state;
	shown->flavor = next->flavor;
	shown->driver_worker = next->driver_worker;
	shown->inject_depth = next->inject_depth;
	shown->blocking_queued = next->blocking_queued;
	shown->blocking_threads = next->blocking_threads;
	shown->blocking_idle = next->blocking_idle;
	shown->blocking_limit = next->blocking_limit;
	shown->foreign_in_transit = next->foreign_in_transit;
	shown->long_poll_ns = next->long_poll_ns;
	shown->watchdog_ns = next->watchdog_ns;
	shown->target_stopped = next->target_stopped;
	shown->stopping_ns = next->stopping_ns;
	memcpy(shown->name, next->name, sizeof shown->name);
	shown->looks++;
}

/* ------------------------------------------------------------------- tasks */

/* Did its row come in this look, and its awaits not? Then it has none. */
static void settle_awaits(struct cn_model *model, struct cn_task *task, const struct cn_runtime *shown)
{
	if (task->awaits_look != shown->looks && task->n_awaits) {
		cn_waits_leave(model, task);
		free(task->awaits);
		task->awaits = NULL;
		task->n_awaits = task->waiting = task->leaf = 0;
		task->changed_look = shown->looks;
	}
	if (task->changed_look == shown->looks)
		task->changed_ns = shown->now_ns;
}

static void settle_task(struct cn_model *model, struct cn_task *task, const struct cn_runtime *shown)
{
	if (!task->seen_look) {
		cn_remove_task(model, task->id); /* awaits of nobody */
		return;
	}
	if (task->seen_look == shown->looks)
		settle_awaits(model, task, shown);
	cn_count_task(model, task, (uint8_t)(task->state + 1));
}

static void drop_unseen(struct cn_model *model, const struct cn_runtime *shown)
{
	for (size_t i = 0; i < model->tasks.used; i++) {
		const struct cn_task *task = cn_slots_at(&model->tasks, i);

		if (task && task->runtime == shown->index && task->seen_look != shown->looks)
			cn_remove_task(model, task->id);
	}
}

/* Of the others everything is as it was. */
static void settle_tasks(struct cn_model *model, struct cn_runtime_state *runtime, struct cn_runtime *shown)
{
	for (size_t i = 0; i < runtime->n_touched; i++) {
		struct cn_task *task = cn_slots_at(&model->tasks, runtime->touched[i]);

		if (task && task->runtime == shown->index)
			settle_task(model, task, shown);
	}
	runtime->n_touched = 0;
	if (runtime->keyframe)
		drop_unseen(model, shown);
}

static void settle_resources(
	struct cn_model *model, const struct cn_runtime_state *runtime, const struct cn_runtime *shown)
{
	for (size_t i = 0; i < model->resources.used; i++) {
		struct cn_resource *resource = cn_slots_at(&model->resources, i);

		if (!resource || resource->runtime != shown->index)
			continue;
		if (runtime->keyframe && resource->seen_look != shown->looks) {
			cn_remove_resource(model, resource->serial);
			continue;
		}
		if (resource->seen_look != shown->looks) {
			resource->prev_value = resource->value;
			resource->prev_side_a = resource->side_a;
			resource->prev_side_b = resource->side_b;
		}
		if (resource->handed_look == shown->looks) {
			const struct cn_task *owner = cn_model_task(model, resource->owner);

			resource->handed_polls = owner ? owner->polls : UINT32_MAX;
		}
	}
}

/* ----------------------------------------------------------------- workers */

static uint64_t per_second(uint64_t now, uint64_t before, uint64_t span_ns)
{
	return now > before ? (uint64_t)(cn_rate(now - before, span_ns) + 0.5) : 0;
}

static uint64_t since(uint64_t begin_ns, uint64_t now_ns)
{
	return begin_ns && begin_ns < now_ns ? now_ns - begin_ns : 0;
}

/* The runtime adds up what is over; a sleep of a minute would else be one of a moment, at its end. */
static void sum_worker(struct cn_worker *worker, uint64_t now_ns)
{
	const bool asleep = worker->state == ROUSE_WORKER_PARKED || worker->state == ROUSE_WORKER_DRIVER;

	worker->prev_polled_ns = worker->polled_ns;
	worker->prev_parked_ns = worker->parked_ns;
	worker->polled_ns =
		worker->counters.busy_ticks + (worker->current_task ? since(worker->poll_start_ns, now_ns) : 0);
	worker->parked_ns = worker->counters.park_ticks + (asleep ? since(worker->state_since_ns, now_ns) : 0);
}

static void sample_worker(struct cn_worker *worker, uint64_t span_ns)
{
	const struct rouse_counters *now = &worker->counters, *before = &worker->previous;
	uint64_t busy = now->busy_ticks - before->busy_ticks;

	if (now->busy_ticks < before->busy_ticks)
		busy = 0;
	cn_history_add(&worker->series.depth, worker->local_depth + (worker->lifo_task != 0));
	cn_history_add(&worker->series.timers, worker->timers);
	if (!span_ns)
		return;
	cn_history_add(&worker->series.busy, busy >= span_ns ? 1000 : busy * 1000 / span_ns);
	cn_history_add(&worker->series.polls, per_second(now->polls, before->polls, span_ns));
	cn_history_add(&worker->series.stolen, per_second(now->stolen, before->stolen, span_ns));
	cn_history_add(&worker->series.parks, per_second(now->parks, before->parks, span_ns));
}

/* All spawn sites together; 99 of 100 delays since the look before were shorter than what is sampled. */
static void sample_histograms(struct cn_runtime_state *runtime)
{
	struct cn_histogram sums = { 0 };
	const struct cn_histogram *look;
	uint64_t rank = 0, seen = 0, ns;
	size_t bucket = 0;

	for (size_t i = 0; i < runtime->sites.n; i++) {
		const struct cn_histogram *histogram = runtime->sites.rows[i].histogram;

		for (size_t k = 0; histogram && k < ROUSE_HISTOGRAM_BUCKETS; k++) {
			sums.poll[k] += histogram->poll[k];
			sums.delay[k] += histogram->delay[k];
		}
	}
	cn_heat_add(&runtime->heat, &sums, runtime->shown.now_ns);
	look = cn_heat_look(&runtime->heat, 0, &ns);
	if (!look)
		return;
	for (size_t k = 0; k < ROUSE_HISTOGRAM_BUCKETS; k++)
		rank += look->delay[k];
	rank -= rank / 100;
	while (rank && seen < rank)
		seen += look->delay[bucket++];
	cn_history_add(&runtime->shown.series.delay, bucket ? 1ull << bucket : 0);
}

static void sample_runtime(struct cn_runtime *shown, uint64_t span_ns)
{
	uint64_t timers = 0, local = 0, busy;
	uint32_t workers = 0;

	shown->previous = shown->total;
	memset(&shown->total, 0, sizeof shown->total);
	for (uint32_t i = 0; i < shown->n_workers; i++) {
		struct cn_worker *worker = &shown->workers[i];

#define X(name, text) shown->total.name += worker->counters.name;
		ROUSE_COUNTERS(X)
#undef X
		timers += worker->timers;
		local += worker->local_depth + (worker->lifo_task != 0);
		workers += !worker->foreign;
		sum_worker(worker, shown->now_ns);
		sample_worker(worker, span_ns);
	}
	cn_history_add(&shown->series.tasks, shown->live_tasks);
	cn_history_add(&shown->series.inject, shown->inject_depth);
	cn_history_add(&shown->series.blocking, shown->blocking_queued);
	cn_history_add(&shown->series.timers, timers);
	cn_history_add(&shown->series.local, local);
	if (!span_ns)
		return;
	busy = shown->total.busy_ticks > shown->previous.busy_ticks
		       ? shown->total.busy_ticks - shown->previous.busy_ticks
		       : 0;
	busy = workers ? busy / workers : 0;
	cn_history_add(&shown->series.busy, busy >= span_ns ? 1000 : busy * 1000 / span_ns);
	cn_history_add(&shown->series.wakes, per_second(shown->total.wakes, shown->previous.wakes, span_ns));
	cn_history_add(&shown->series.stolen, per_second(shown->total.stolen, shown->previous.stolen, span_ns));
	cn_history_add(&shown->series.polls, per_second(shown->total.polls, shown->previous.polls, span_ns));
	cn_history_add(&shown->series.spawned, per_second(shown->total.spawned, shown->previous.spawned, span_ns));
}

void cn_end_generation(struct cn_model *model, const Rouse__V1__GenerationEnd *end)
{
	struct cn_runtime_state *runtime = model->current;
	struct cn_runtime *shown = &runtime->shown;
	bool first = shown->looks == 0;

	show_begin(shown, &runtime->next);
	shown->end_ns = end->mono_ns;
	shown->live_tasks = end->tasks;
	shown->torn = end->torn;
	shown->complete = end->complete && !runtime->cut;
	shown->lost_events = end->lost_events;
	shown->delivered_events = end->delivered_events;
	shown->emitted_events = end->emitted_events;
	settle_resources(model, runtime, shown);
	settle_tasks(model, runtime, shown);
	cn_settle_threads(runtime, shown->looks);
	if (runtime->keyframe)
		cn_strings_settle(&runtime->strings);
	sample_runtime(shown, first || shown->now_ns <= shown->prev_ns ? 0 : shown->now_ns - shown->prev_ns);
	sample_histograms(runtime);
	runtime->open = false;
	model->current = NULL;
	model->now_ns = shown->now_ns;
	cn_ended_expire(model);
	model->generations++;
}
