/* SPDX-License-Identifier: MIT */
/*
 * Permits that will not come back, and locks that nobody would unlock.
 *
 * Of an owned semaphore the holders are exact by construction. Of another one
 * anybody may release: there a verdict is LIKELY at most, and only if permits
 * have come home before from those who had taken them: else it may well count
 * events, or free places in a buffer.
 */
#include "diagnose/graph.h"
#include "export/text.h"
#include "widget/format.h"

static bool is_tracked(const struct cn_resource *semaphore)
{
	return semaphore->flags & ROUSE_RESOURCE_OWNED || cn_is_lock_like(semaphore);
}

static struct cn_report about(enum cn_finding_code code, enum cn_class class, const struct cn_resource *resource)
{
	struct cn_report report = cn_report_about(code, class, NULL);

	report.finding.runtime = resource->runtime;
	report.finding.resource = resource->serial;
	report.about = resource->serial;
	report.still = resource->serial;
	report.site = resource->site;
	return report;
}

static void leaked(struct cn_diagnosis *diagnosis, const struct cn_resource *semaphore, uint64_t gone,
	const struct cn_holder *first)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, semaphore->runtime);
	bool exact = semaphore->flags & ROUSE_RESOURCE_OWNED;
	enum cn_class class = !exact ? CN_LIKELY : cn_model_complete(model) ? CN_PROVEN : CN_INCOMPLETE;
	struct cn_report report = about(CN_FINDING_PERMIT_LEAK, class, semaphore);
	char time[CN_FORMAT_BYTES];

	report.still ^= gone << 32 ^ first->task;
	report.finding.owner = first->task;
	cn_name_waiters(diagnosis, &report, semaphore);
	report.finding.since_ns = first->since_ns;
	cn_evidence(&report, "%llu of %llu permits of semaphore %s were taken by tasks that have ended (%llu was one)",
		(unsigned long long)gone, (unsigned long long)semaphore->capacity,
		cn_safe(cn_resource_name(model, semaphore)), (unsigned long long)first->task);
	if (first->since_ns && runtime->now_ns > first->since_ns)
		cn_evidence(&report, ", %s ago", cn_format_ns(time, runtime->now_ns - first->since_ns));
	cn_evidence(&report, "; %llu are free, %u task%s", (unsigned long long)semaphore->value, semaphore->waiters,
		semaphore->waiters == 1 ? " waits" : "s wait");
	cn_report(diagnosis, &report);
}

void cn_rule_permits(struct cn_diagnosis *diagnosis, const struct cn_resource *semaphore)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, semaphore->runtime);
	const struct cn_holder *holders, *first = NULL;
	size_t n = cn_model_holders(diagnosis->model, semaphore->serial, &holders);
	uint64_t gone = 0;

	if (!runtime || semaphore->changed_look >= runtime->looks || !is_tracked(semaphore) ||
		semaphore->flags & ROUSE_RESOURCE_CLOSED)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!cn_is_task_id(holders[i].task) || !cn_ended(diagnosis->model, holders[i].task))
			continue;
		gone += holders[i].permits;
		first = first ? first : &holders[i];
	}
	if (first)
		leaked(diagnosis, semaphore, gone, first);
}

/* -------------------------------------------------------------- of its own */

/* How many permits of it the task holds itself. */
static uint64_t own_permits(const struct cn_model *model, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_holder *holders;
	size_t n = cn_model_holders(model, await->resource, &holders);

	for (size_t i = 0; i < n; i++)
		if (holders[i].task == task->id)
			return holders[i].permits;
	return 0;
}

/* Dead, and not for others: without its own permits there would be enough; or there can never be enough. */
static void waits_for_itself(struct cn_diagnosis *diagnosis, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_resource *semaphore = cn_model_resource(model, await->resource);
	uint64_t own = own_permits(model, task, await);
	bool exact = cn_graph_dead(diagnosis->exact, task->id);
	struct cn_report report;

	if (!semaphore || (await->arg <= semaphore->capacity && (!own || semaphore->value + own < await->arg)))
		return;
	report = cn_report_about(CN_FINDING_SELF_DEADLOCK,
		!exact                   ? CN_LIKELY
		: cn_stands(model, task) ? CN_PROVEN
					 : CN_INCOMPLETE,
		task);
	report.finding.resource = semaphore->serial;
	report.finding.since_ns = await->since_ns;
	cn_evidence(&report, "waits for %llu permit%s of semaphore %s, of which %llu of %llu are free",
		(unsigned long long)await->arg, await->arg == 1 ? "" : "s", cn_safe(cn_resource_name(model, semaphore)),
		(unsigned long long)semaphore->value, (unsigned long long)semaphore->capacity);
	if (await->arg > semaphore->capacity)
		cn_evidence(&report, ": there will never be as many");
	else
		cn_evidence(&report, "; it has taken %llu itself", (unsigned long long)own);
	cn_report(diagnosis, &report);
}

/* Nothing that it waits with can be alive: how does each wait end? */
void cn_rule_own(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	for (uint16_t i = task->leaf; i < task->n_awaits; i++)
		if (task->awaits[i].wait_state == ROUSE_WAIT_WAITING && task->awaits[i].op == ROUSE_OP_ACQUIRE)
			waits_for_itself(diagnosis, task, &task->awaits[i]);
}

/* -------------------------------------------------------------- futurelock */

/* The task waits for this very lock: it will never poll the future that has it. */
static bool waits_for(const struct cn_task *task, uint64_t serial)
{
	for (uint16_t i = 0; i < task->n_awaits; i++)
		if (task->awaits[i].wait_state == ROUSE_WAIT_WAITING && task->awaits[i].op == ROUSE_OP_LOCK &&
			task->awaits[i].resource == serial)
			return true;
	return false;
}

/*
 * It was polled since, and rests again without having taken the lock. A select
 * may pass an arm over once; then it drops it before it rests.
 */
static bool was_passed_over(const struct cn_diagnosis *diagnosis, const struct cn_resource *mutex,
	const struct cn_task *owner, uint32_t polls)
{
	bool rests = owner->state == ROUSE_TASK_PENDING && cn_task_settled(diagnosis->model, owner);

	return polls >= diagnosis->opts.handed_polls ||
	       (rests && mutex->owner_since_ns && owner->edge_ns > mutex->owner_since_ns);
}

void cn_rule_handed(struct cn_diagnosis *diagnosis, const struct cn_resource *mutex)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, mutex->runtime);
	const struct cn_task *owner = cn_model_task(model, mutex->owner);
	struct cn_report report;
	bool itself;
	uint32_t polls;

	if (!(mutex->flags & ROUSE_RESOURCE_HANDED) || !owner || !runtime || mutex->changed_look >= runtime->looks)
		return;
	itself = waits_for(owner, mutex->serial) && cn_graph_dead(diagnosis->exact, owner->id);
	polls = owner->polls > mutex->handed_polls ? owner->polls - mutex->handed_polls : 0;
	if (!itself && (!mutex->waiters || !was_passed_over(diagnosis, mutex, owner, polls)))
		return;
	report = cn_report_about(CN_FINDING_FUTURELOCK,
		!itself                   ? CN_LIKELY
		: cn_stands(model, owner) ? CN_PROVEN
					  : CN_INCOMPLETE,
		owner);
	report.about = mutex->serial;
	report.finding.resource = mutex->serial;
	report.finding.owner = owner->id;
	report.finding.since_ns = mutex->owner_since_ns;
	cn_evidence(&report,
		"mutex %s was handed to a future of %s (%llu), which has been polled %u time%s since without it",
		cn_safe(cn_resource_name(model, mutex)), cn_safe(cn_task_name(model, owner)),
		(unsigned long long)owner->id, polls, polls == 1 ? "" : "s");
	if (itself)
		cn_evidence(&report, ", and now waits for the same mutex with another future");
	cn_evidence(&report, "; %u task%s for it", mutex->waiters, mutex->waiters == 1 ? " waits" : "s wait");
	cn_report(diagnosis, &report);
}
