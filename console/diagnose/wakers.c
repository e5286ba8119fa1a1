/* SPDX-License-Identifier: MIT */
/*
 * Tasks that nothing will wake.
 *
 * A pending task whose state word counts no waker cannot run again: nobody but
 * a cancel or a join handle can even reach it. That is one load, and PROVEN.
 *
 * Why is told by the stamp, which counts every transition of the word. Known
 * ones are: the start, two for each finished poll, for each wake the clone and
 * the wake (a wake of the task by itself makes no clone), and those of the join
 * handle. What is left over came in pairs: a clone, and a drop that was no
 * wake. Nothing left over: no waker was ever made. This is exact for a task
 * that has waited in one way only; a select also drops the wakers of the arms
 * that lost, so for others it is the best guess, while "no waker" stays true.
 * Where the runtime has written down how the last waker went, nothing is guessed.
 */
#include "diagnose/report.h"
#include "export/text.h"
#include "widget/format.h"

#define STAMP_MASK 0xffffffull
#define CALM_NS 1000000000ull
#define LONG_CALM_NS 5000000000ull

static int32_t unexplained(const struct cn_task *task)
{
	uint64_t known = 1 + 2ull * task->polls + 2ull * (task->wakes - task->self_wakes) + task->self_wakes;

	if (task->flags & ROUSE_JOIN_INTEREST)
		known += task->handle_refs == 0 ? 1 : task->handle_refs - 1;
	if (task->flags & ROUSE_JOIN_WAKER)
		known++;
	/* The stamp wraps: the difference is a small number of either sign. */
	return (int32_t)((uint32_t)((task->stamp - known) & STAMP_MASK) << 8) >> 8;
}

static const struct cn_await *waiting_for_others(const struct cn_task *task)
{
	for (uint16_t i = 0; i < task->n_awaits; i++) {
		const struct cn_await *await = &task->awaits[i];

		if (await->wait_state == ROUSE_WAIT_WAITING && cn_is_task_id(await->waker_task) &&
			await->waker_task != task->id)
			return await;
	}
	return NULL;
}

static const char *for_how_long(char out[CN_FORMAT_BYTES], const struct cn_model *model, const struct cn_task *task)
{
	uint64_t ns = cn_task_in_state_ns(model, task);

	return ns ? cn_format_ns(out, ns) : "an unknown time (level 0)";
}

/* It was written down when the last one went: no guess. */
static void who_dropped(
	struct cn_report *report, const struct cn_model *model, const struct cn_task *task, const struct cn_drop *drop)
{
	const struct cn_task *by = cn_model_task(model, drop->by);
	char where[192];

	cn_evidence(report, "; the last one was dropped by ");
	if (drop->by == task->id)
		cn_evidence(report, "its own poll");
	else if (drop->by & CN_THREAD_ID)
		cn_evidence(report, "thread %llu", (unsigned long long)(drop->by & ~CN_THREAD_ID));
	else
		cn_evidence(report, "%s (%llu)", by ? cn_safe(cn_task_name(model, by)) : "a task that has ended",
			(unsigned long long)drop->by);
	if (cn_model_symbol(model, drop->pc)) {
		cn_symbol_format(model, drop->pc, where, sizeof where);
		cn_evidence(report, " in %s", where);
	}
}

static void no_waker(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_model *model = diagnosis->model;
	int32_t left = unexplained(task);
	const struct cn_drop *drop = cn_model_drop(model, task->runtime, task->id);
	bool seen = drop && drop->ns >= task->edge_ns, dropped = seen || left >= 2;
	char time[CN_FORMAT_BYTES];
	struct cn_report report = cn_report_about(dropped ? CN_FINDING_DROPPED_WAKER : CN_FINDING_NEVER_REGISTERED,
		cn_stands(model, task) ? CN_PROVEN : CN_INCOMPLETE, task);

	report.finding.since_ns = task->edge_ns;
	cn_evidence(&report, "pending for %s after %u poll%s; its state word counts 0 wakers",
		for_how_long(time, model, task), task->polls, task->polls == 1 ? "" : "s");
	if (seen)
		who_dropped(&report, model, task, drop);
	else if (dropped)
		cn_evidence(&report,
			"; its stamp shows %d transitions beyond its polls and wakes: a waker was made, and dropped",
			left);
	else
		cn_evidence(&report,
			"; its stamp shows no transition beyond its polls and wakes: no waker was made for this wait");
	cn_report(diagnosis, &report);
}

/* Another task polled the future first, and it kept that one's waker. */
static void stale(struct cn_diagnosis *diagnosis, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_task *other = cn_model_task(model, await->waker_task);
	bool nobody = task->waker_refs == 0;
	enum cn_class class = !nobody ? CN_LIKELY : cn_stands(model, task) ? CN_PROVEN : CN_INCOMPLETE;
	struct cn_report report = cn_report_about(CN_FINDING_STALE_WAKER, class, task);

	report.finding.since_ns = await->since_ns;
	report.finding.owner = await->waker_task;
	report.finding.resource = await->op == ROUSE_OP_JOIN ? 0 : await->resource;
	cn_evidence(&report, "what it waits with would wake task %llu (%s)", (unsigned long long)await->waker_task,
		other ? cn_safe(cn_task_name(model, other)) : "ended");
	if (nobody)
		cn_evidence(&report, ", and no waker of this one exists");
	else
		cn_evidence(&report, "; wakers of this one that exist elsewhere: %u", task->waker_refs);
	cn_report(diagnosis, &report);
}

/*
 * Nothing proves that nobody else knows of a waker in the task's own frame: a
 * thread may have a pointer to it. But then it should come some day.
 */
static void own_only(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_model *model = diagnosis->model;
	uint64_t calm = cn_task_in_state_ns(model, task);
	char time[CN_FORMAT_BYTES];
	struct cn_report report;

	if (calm < CALM_NS)
		return;
	report = cn_report_about(CN_FINDING_HELD_BY_ITSELF, calm < LONG_CALM_NS ? CN_SUSPECT : CN_LIKELY, task);
	report.finding.since_ns = task->edge_ns;
	cn_evidence(&report, "pending for %s; its %u waker%s in its own frame, and nothing it waits with is registered",
		for_how_long(time, model, task), task->waker_refs, task->waker_refs == 1 ? " lies" : "s all lie");
	cn_report(diagnosis, &report);
}

void cn_rule_wakers(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_await *other;

	if (task->state != ROUSE_TASK_PENDING || !task->polls || (task->flags & ROUSE_CANCELLED) ||
		!cn_task_settled(diagnosis->model, task))
		return;
	if (task->waker_refs && !task->waiting && !task->own_wakers)
		return;
	other = task->waiting ? waiting_for_others(task) : NULL;
	if (other)
		stale(diagnosis, task, other);
	else if (!task->waker_refs)
		no_waker(diagnosis, task);
	else if (!task->waiting && task->own_wakers == task->waker_refs)
		own_only(diagnosis, task);
}
