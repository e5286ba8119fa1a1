/* SPDX-License-Identifier: MIT */
/*
 * Rules about amounts: too long, too often, too many. None of them can be
 * PROVEN. Each threshold is chosen so that a healthy program under load, on a
 * machine that is busy with other things too, stays silent.
 */
#include "diagnose/report.h"
#include "export/text.h"
#include "widget/format.h"
#include "widget/graph.h"

/* A thread that runs may be kept off its CPU for tens of milliseconds. */
#define BLOCKED_NS 100000000ull
#define SURELY_BLOCKED_NS 1000000000ull
enum {
	LONG_BUCKET = 27, /* polls of 2^27 ns = 134 ms or more */
	LONG_POLLS_AT_LEAST = 2,
	LONG_ONE_IN = 1000, /* polls of that site */
	STORM_PER_SECOND = 500,
	STORM_LOOKS = 3,        /* LIKELY from here on */
	STORM_POLL_NS = 100000, /* longer polls do work, and yield between its parts */
	GROWTH_LOOKS = 2,
	GROWTH_LIKELY_LOOKS = 20,
	GROWTH_LEAST = 32, /* messages queued */
};

/* ------------------------------------------------------------ running now */

static uint64_t long_polls(const struct cn_histogram *histogram)
{
	uint64_t n = 0;

	for (uint32_t i = LONG_BUCKET; histogram && i < ROUSE_HISTOGRAM_BUCKETS; i++)
		n += histogram->poll[i];
	return n;
}

/* How long the poll in progress has lasted; without stamps (L0) at least since the look before, if that saw it too. */
static uint64_t poll_age(const struct cn_model *model, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);

	if (!runtime)
		return 0;
	if (task->edge_ns && runtime->level)
		return cn_task_in_state_ns(model, task);
	return cn_task_settled(model, task) && task->changed_ns ? runtime->now_ns - task->changed_ns : 0;
}

void cn_rule_running(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	uint64_t age, before;
	char time[CN_FORMAT_BYTES];
	struct cn_report report;

	if (task->state != ROUSE_TASK_RUNNING || !runtime || runtime->target_stopped)
		return;
	age = poll_age(model, task);
	before = long_polls(cn_model_site_histogram(model, task->runtime, task->spawn_site));
	if (age < BLOCKED_NS || age < runtime->long_poll_ns ||
		(age < SURELY_BLOCKED_NS && before < LONG_POLLS_AT_LEAST))
		return;
	report = cn_report_about(CN_FINDING_BLOCKED_WORKER, CN_LIKELY, task);
	report.finding.worker = task->worker;
	report.finding.since_ns = task->edge_ns;
	cn_evidence(&report, "worker %u has been in poll %u of %s (%llu) for %s", task->worker, task->polls,
		cn_safe(cn_task_name(model, task)), (unsigned long long)task->id, cn_format_ns(time, age));
	if (before)
		cn_evidence(
			&report, "; %llu earlier polls of its kind took 134 ms or more", (unsigned long long)before);
	cn_report(diagnosis, &report);
}

/* -------------------------------------------------------- running too long */

/* The task of that spawn site with the longest polls on average: the one to name. */
static const struct cn_task *slowest(const struct cn_model *model, uint8_t runtime, uint32_t site)
{
	const struct cn_task *worst = NULL;
	double worst_mean = -1;

	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);
		double mean;

		if (!task || task->runtime != runtime || task->spawn_site != site)
			continue;
		mean = task->polls ? (double)cn_task_busy_ns(model, task) / task->polls : 0;
		if (mean > worst_mean) {
			worst_mean = mean;
			worst = task;
		}
	}
	return worst;
}

static void long_polls_of_site(struct cn_diagnosis *diagnosis, uint8_t runtime, uint32_t site)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_histogram *histogram = cn_model_site_histogram(model, runtime, site);
	uint64_t n = long_polls(histogram), all;
	const struct cn_task *task;
	struct cn_report report;
	char time[CN_FORMAT_BYTES];

	if (n < LONG_POLLS_AT_LEAST)
		return;
	all = cn_histogram_total(histogram->poll, ROUSE_HISTOGRAM_BUCKETS);
	task = slowest(model, runtime, site);
	if (n * LONG_ONE_IN < all || (task && (task->kind == ROUSE_KIND_MAIN ||
						      cn_reported(diagnosis, CN_FINDING_BLOCKED_WORKER, task->id))))
		return;
	report = cn_report_about(CN_FINDING_LONG_POLLS, CN_LIKELY, task);
	report.finding.runtime = runtime;
	report.about = (uint64_t)runtime << 32 | site;
	report.site = site;
	if (task)
		report.finding.worker = task->worker;
	cn_evidence(&report, "%llu of %llu polls of tasks spawned here took 134 ms or more (the longest at most %s)",
		(unsigned long long)n, (unsigned long long)all,
		cn_format_ns(time, cn_histogram_percentile(histogram->poll, ROUSE_HISTOGRAM_BUCKETS, 1000)));
	if (task)
		cn_evidence(&report, "; task %llu was busy for %s in %u polls", (unsigned long long)task->id,
			cn_format_ns(time, cn_task_busy_ns(model, task)), task->polls);
	cn_report(diagnosis, &report);
}

void cn_rule_long_polls(struct cn_diagnosis *diagnosis)
{
	const struct cn_model *model = diagnosis->model;

	for (size_t i = 0; i < cn_model_runtimes(model); i++)
		for (size_t site = 1; site < cn_model_sites(model, i); site++)
			long_polls_of_site(diagnosis, (uint8_t)i, (uint32_t)site);
}

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

	if (task->state >= ROUSE_TASK_COMPLETE || task->self_wakes < STORM_PER_SECOND / 10 || !runtime)
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

/* ----------------------------------------------------------------- pending */

/*
 * Only what somebody inside the program owes: a lock, permits, room in a
 * channel, a reply. Servers wait for messages, clients and timers all day.
 */
static bool is_owed(const struct cn_model *model, const struct cn_await *await)
{
	const struct cn_resource *resource;

	switch (await->op) {
	case ROUSE_OP_LOCK:
	case ROUSE_OP_ACQUIRE:
	case ROUSE_OP_SEND:
	case ROUSE_OP_ONESHOT_RECV:
		return true;
	case ROUSE_OP_BLOCKING:
		resource = cn_model_resource(model, await->resource);
		return resource && resource->value == 0; /* it has not even begun */
	default:
		return false;
	}
}

void cn_rule_pending(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	const struct cn_await *await;
	struct cn_report report;
	char time[CN_FORMAT_BYTES];

	if (task->state != ROUSE_TASK_PENDING || task->kind != ROUSE_KIND_TASK || !task->waiting || !runtime)
		return;
	await = cn_task_leaf(task);
	if (!await->since_ns || runtime->now_ns < await->since_ns + diagnosis->opts.pending_long ||
		!is_owed(model, await) || cn_either(model, task, task->leaf) || !cn_task_settled(model, task) ||
		cn_is_explained(diagnosis, task->id) || cn_reported(diagnosis, CN_FINDING_STALE_WAKER, task->id) ||
		cn_reported(diagnosis, CN_FINDING_NEVER_REGISTERED, task->id) ||
		cn_reported(diagnosis, CN_FINDING_DROPPED_WAKER, task->id))
		return;
	report = cn_report_about(CN_FINDING_PENDING_LONG, CN_SUSPECT, task);
	report.finding.since_ns = await->since_ns;
	report.finding.resource = await->resource;
	cn_evidence(&report, "has waited for %s (%s) for %s", cn_op_name(await->op),
		await->op == ROUSE_OP_BLOCKING ? "no thread has taken it"
					       : "somebody inside the program has to serve it",
		cn_format_ns(time, runtime->now_ns - await->since_ns));
	cn_report(diagnosis, &report);
}

/* --------------------------------------------------------------- resources */

/* At the line that made it. */
static struct cn_report about_resource(
	enum cn_finding_code code, enum cn_class class, const struct cn_resource *resource)
{
	struct cn_report report = cn_report_about(code, class, NULL);

	report.finding.runtime = resource->runtime;
	report.finding.resource = resource->serial;
	report.about = resource->serial;
	report.site = resource->site;
	return report;
}

/*
 * A queue that was filled by a burst grew fast, and is old: growth as fast as
 * now does not explain it. One that only grows has grown like this since it
 * was made.
 */
static void growing(struct cn_diagnosis *diagnosis, const struct cn_resource *resource)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, resource->runtime);
	const struct cn_task *sender = cn_model_task(diagnosis->model, resource->last_user_a);
	const struct cn_task *receiver = cn_model_task(diagnosis->model, resource->last_user_b);
	uint64_t seen_ns, age_ns;
	double rate;
	struct cn_report report;
	char time[CN_FORMAT_BYTES];

	if (resource->grow_looks < GROWTH_LOOKS || resource->value < GROWTH_LEAST ||
		runtime->now_ns <= resource->grow_ns)
		return;
	seen_ns = runtime->now_ns - resource->grow_ns;
	rate = cn_rate(resource->value - resource->grow_from, seen_ns);
	age_ns = resource->created_ns && runtime->now_ns > resource->created_ns ? runtime->now_ns - resource->created_ns
										: seen_ns;
	if (rate * (double)age_ns / 1e9 > 4 * (double)resource->value)
		return;
	report = about_resource(CN_FINDING_GROWING_CHANNEL, CN_SUSPECT, resource);
	report.likely_after = GROWTH_LIKELY_LOOKS;
	report.still = resource->serial;
	if (sender)
		report.finding.tasks[report.finding.n_tasks++] = sender->id;
	report.finding.owner = receiver ? receiver->id : 0;
	report.finding.since_ns = resource->grow_ns;
	cn_evidence(&report, "%llu messages queued%s, %.1f more a second, in %u looks over %s",
		(unsigned long long)resource->value,
		resource->capacity && resource->kind == ROUSE_RESOURCE_MPSC ? "" : " without a bound", rate,
		resource->grow_looks, cn_format_ns(time, seen_ns));
	if (sender)
		cn_evidence(&report, "; last sender %s (%llu)", cn_safe(cn_task_name(diagnosis->model, sender)),
			(unsigned long long)sender->id);
	if (receiver)
		cn_evidence(&report, "; last receiver %s (%llu)", cn_safe(cn_task_name(diagnosis->model, receiver)),
			(unsigned long long)receiver->id);
	else
		cn_evidence(&report, "; nothing was ever received, or its receiver has ended");
	cn_report(diagnosis, &report);
}

static void dead_owner(struct cn_diagnosis *diagnosis, const struct cn_resource *resource)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, resource->runtime);
	enum cn_class class = cn_model_complete(diagnosis->model) ? CN_PROVEN : CN_INCOMPLETE;
	struct cn_report report;
	char time[CN_FORMAT_BYTES];

	if (!(resource->flags & ROUSE_RESOURCE_OWNED) || resource->value || !cn_is_task_id(resource->owner) ||
		resource->changed_look >= runtime->looks || !cn_ended(diagnosis->model, resource->owner))
		return;
	report = about_resource(CN_FINDING_DEAD_OWNER, resource->waiters ? class : CN_LIKELY, resource);
	report.still = resource->owner;
	report.finding.owner = resource->owner;
	report.finding.since_ns = resource->owner_since_ns;
	cn_evidence(&report, "%s %s is held by task %llu, which has ended; %u task%s for it",
		cn_resource_kind_name(resource->kind), cn_safe(cn_resource_name(diagnosis->model, resource)),
		(unsigned long long)resource->owner, resource->waiters, resource->waiters == 1 ? " waits" : "s wait");
	if (resource->owner_since_ns && runtime->now_ns > resource->owner_since_ns)
		cn_evidence(&report, "; it was taken %s ago",
			cn_format_ns(time, runtime->now_ns - resource->owner_since_ns));
	cn_report(diagnosis, &report);
}

void cn_rule_resource(struct cn_diagnosis *diagnosis, const struct cn_resource *resource)
{
	if (!cn_model_runtime(diagnosis->model, resource->runtime))
		return;
	if (resource->kind == ROUSE_RESOURCE_MPSC || resource->kind == ROUSE_RESOURCE_UNBOUNDED)
		growing(diagnosis, resource);
	else if (resource->kind == ROUSE_RESOURCE_SEMAPHORE)
		cn_rule_permits(diagnosis, resource);
	else if (resource->kind == ROUSE_RESOURCE_MUTEX) {
		dead_owner(diagnosis, resource);
		cn_rule_handed(diagnosis, resource);
	}
}
