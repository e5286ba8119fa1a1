/* SPDX-License-Identifier: MIT */
/*
 * Wakes that lead nowhere: a task that wakes itself all the time, and many
 * that are woken for one.
 *
 * A herd is told from a broadcast by what its members do with a wake: they look
 * and wait again, in a poll that takes next to no time, once for each poll of
 * who woke them. Who has work to do needs longer; who waits elsewhere on the
 * way is polled twice. A broadcast whose receivers do next to nothing looks
 * the same, so this is SUSPECT until it has gone on for long, and silent below
 * the rate of a screen.
 *
 * Two tasks that do nothing but wake each other are not told: a request and
 * its reply look the same.
 */
#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"

enum {
	STORM_PER_SECOND = 500,
	STORM_LOOKS = 3,        /* LIKELY from here on */
	STORM_POLL_NS = 100000, /* longer polls do work, and yield between its parts */
	HERD_PER_SECOND = 80,   /* wakes of each; screens are drawn at 60 or 75 */
	HERD_POLL_NS = 2000,    /* longer ones do something */
	HERD_LOOKS = 8,         /* LIKELY from here on */
	HERDS_MAX = 4096,
};

#define STORM_NS 1000000000ull /* a task that yields a thousand times and ends is none */

/* ------------------------------------------------------------------ storms */

/* Yields that the budget forces are work being done, not a storm; they are counted by worker only. */
static uint32_t forced_yields(const struct cn_runtime *runtime)
{
	return (uint32_t)(runtime->total.forced_yields - runtime->previous.forced_yields);
}

void cn_rule_storm(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, task->runtime);
	struct cn_delta delta;
	struct cn_report report;
	double rate;

	if (task->state >= ROUSE_TASK_COMPLETE || task->self_wakes < STORM_PER_SECOND / 10 || !runtime ||
		cn_lasted(diagnosis, task->runtime, task->spawned_ns) < STORM_NS)
		return;
	delta = cn_task_delta(diagnosis->model, task);
	rate = cn_rate(delta.self_wakes, delta.span_ns);
	if (rate < STORM_PER_SECOND || 2 * (uint64_t)delta.self_wakes < delta.wakes ||
		delta.self_wakes / 2 < forced_yields(runtime) || delta.busy_ns > (uint64_t)delta.polls * STORM_POLL_NS)
		return;
	report = cn_report_about(CN_FINDING_WAKE_STORM, CN_SUSPECT, task);
	report.likely_after = STORM_LOOKS - 1;
	report.still = task->id;
	cn_evidence(&report, "%.0f wakes a second, %.0f %% of them by itself", cn_rate(delta.wakes, delta.span_ns),
		100.0 * delta.self_wakes / delta.wakes);
	if (delta.busy_ns && delta.polls) {
		char time[CN_FORMAT_BYTES];

		cn_evidence(&report, "; a poll takes %s, together %.1f %% of a CPU",
			cn_format_ns(time, delta.busy_ns / delta.polls),
			100.0 * (double)delta.busy_ns / (double)delta.span_ns);
	}
	cn_report(diagnosis, &report);
}

/* -------------------------------------------------------------------- herds */

struct cn_herd {
	uint64_t serial; /* first: a row of cn_slots */
	const struct cn_task *first;
	uint64_t waker;
	uint64_t polls, busy_ns, span_ns;
	uint32_t n;
	uint64_t tasks[CN_FINDING_TASKS];
};

void cn_herds_init(struct cn_load *load)
{
	cn_slots_init(&load->herds, sizeof(struct cn_herd), HERDS_MAX);
}

/* Was it woken all the time only to wait again? */
static bool runs_with_a_herd(const struct cn_model *model, const struct cn_task *task, const struct cn_delta *delta)
{
	const struct cn_task *waker = cn_is_task_id(task->last_waker) ? cn_model_task(model, task->last_waker) : NULL;

	return waker && waker != task && delta->polls && delta->polls == delta->wakes && !delta->self_wakes &&
	       delta->busy_ns && delta->busy_ns <= (uint64_t)delta->polls * HERD_POLL_NS &&
	       cn_rate(delta->polls, delta->span_ns) >= HERD_PER_SECOND &&
	       delta->polls <= cn_task_delta(model, waker).polls + 1;
}

void cn_tally_herd(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_await *leaf = cn_task_leaf(task);
	const struct cn_resource *resource;
	struct cn_delta delta;
	struct cn_herd *herd;
	void *row;

	if (leaf->op != ROUSE_OP_NOTIFIED || task->waiting != 1)
		return;
	delta = cn_task_delta(model, task);
	if (!runs_with_a_herd(model, task, &delta))
		return;
	resource = cn_model_resource(model, leaf->resource);
	if (!resource || resource->waiters < diagnosis->opts.herd ||
		cn_slots_put(&diagnosis->load->herds, leaf->resource, &row))
		return;
	herd = row;
	if (!herd->n) {
		herd->first = task;
		herd->waker = task->last_waker;
	}
	if (herd->n < CN_FINDING_TASKS)
		herd->tasks[herd->n] = task->id;
	herd->n++;
	herd->polls += delta.polls;
	herd->busy_ns += delta.busy_ns;
	herd->span_ns = delta.span_ns;
}

static void report_herd(struct cn_diagnosis *diagnosis, const struct cn_herd *herd)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_resource *resource = cn_model_resource(model, herd->serial);
	const struct cn_task *waker = cn_model_task(model, herd->waker);
	char time[CN_FORMAT_BYTES];
	struct cn_report report;

	if (!resource || !herd->polls || herd->n < diagnosis->opts.herd || 2 * herd->n < resource->waiters)
		return;
	report = cn_report_about(CN_FINDING_THUNDERING, CN_SUSPECT, herd->first);
	report.about = report.still = herd->serial;
	report.likely_after = HERD_LOOKS;
	report.finding.resource = herd->serial;
	report.finding.owner = herd->waker;
	for (uint32_t i = 0; i < herd->n && i < CN_FINDING_TASKS; i++)
		report.finding.tasks[i] = herd->tasks[i];
	report.finding.n_tasks = herd->n;
	cn_evidence(&report, "%u tasks wait for %s %s, each woken %.0f times a second, and wait again after %s", herd->n,
		cn_resource_kind_name(resource->kind), cn_safe(cn_resource_name(model, resource)),
		cn_rate(herd->polls / herd->n, herd->span_ns), cn_format_ns(time, herd->busy_ns / herd->polls));
	if (waker)
		cn_evidence(&report, "; woken by %s (%llu)", cn_safe(cn_task_name(model, waker)),
			(unsigned long long)herd->waker);
	cn_report(diagnosis, &report);
}

/* Herds are gathered anew in each look; how long one has run is remembered with its finding. */
void cn_rule_thundering(struct cn_diagnosis *diagnosis)
{
	struct cn_slots *herds = &diagnosis->load->herds;

	for (size_t i = 0; i < herds->used; i++) {
		const struct cn_herd *herd = cn_slots_at(herds, i);

		if (herd)
			report_herd(diagnosis, herd);
	}
	cn_slots_fini(herds);
	cn_herds_init(diagnosis->load);
}
