/* SPDX-License-Identifier: MIT */
/*
 * Rules about amounts: too long, too often, too many. None of them can be
 * PROVEN. Each threshold is chosen so that a healthy program under load, on a
 * machine that is busy with other things too, stays silent.
 */
#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"

enum {
	GROWTH_LOOKS = 2,
	GROWTH_LIKELY_LOOKS = 20,
	GROWTH_LEAST = 32, /* messages queued */
};

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

static bool is_stuck(struct cn_diagnosis *diagnosis, uint64_t owner)
{
	return cn_reported(diagnosis, CN_FINDING_BLOCKED_WORKER, owner) ||
	       cn_reported(diagnosis, CN_FINDING_BUSY_WORKER, owner);
}

/* Something that was found already says why: of the task, of what it waits for, or of the poll of who has that. */
static bool is_told(struct cn_diagnosis *diagnosis, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_resource *resource = cn_model_resource(diagnosis->model, await->resource);

	return cn_named(diagnosis, task->id) || cn_named(diagnosis, await->resource) ||
	       (resource && resource->flags & ROUSE_RESOURCE_OWNED && is_stuck(diagnosis, resource->owner)) ||
	       (await->op == ROUSE_OP_BLOCKING && cn_reported(diagnosis, CN_FINDING_POOL_EXHAUSTED, task->runtime));
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
	if (cn_lasted(diagnosis, task->runtime, await->since_ns) < diagnosis->opts.pending_long)
		return;
	if (!await->since_ns || runtime->now_ns < await->since_ns + diagnosis->opts.pending_long ||
		!is_owed(model, await) || cn_either(model, task, task->leaf) || !cn_task_settled(model, task) ||
		cn_is_explained(diagnosis, task->id) || cn_reported(diagnosis, CN_FINDING_STALE_WAKER, task->id) ||
		cn_reported(diagnosis, CN_FINDING_NEVER_REGISTERED, task->id) ||
		cn_reported(diagnosis, CN_FINDING_DROPPED_WAKER, task->id))
		return;
	if (is_told(diagnosis, task, await))
		return;
	if (!cn_report_fits(diagnosis, CN_FINDING_PENDING_LONG, task->id))
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

/* Where it stands; one that runs, where it was spawned. */
static void name_user(
	const struct cn_model *model, struct cn_report *report, const char *what, const struct cn_task *task)
{
	uint32_t at = cn_task_await_site(model, task);
	const struct cn_site *site = cn_model_site(model, task->runtime, at ? at : task->spawn_site);

	cn_evidence(report, "; %s %s (%llu)", what, cn_safe(cn_task_name(model, task)), (unsigned long long)task->id);
	if (site->line)
		cn_evidence(report, " %s %s:%u", at ? "at" : "spawned at",
			cn_safe(cn_path_base(cn_model_string(model, task->runtime, site->file))), site->line);
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
		name_user(diagnosis->model, &report, "last sender", sender);
	if (receiver)
		name_user(diagnosis->model, &report, "last receiver", receiver);
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
	cn_name_waiters(diagnosis, &report, resource);
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
