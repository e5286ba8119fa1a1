/* SPDX-License-Identifier: MIT */
/*
 * What only a search of memory can tell: a channel whose other end nobody has
 * who could run, and wakers that are counted and stand nowhere.
 *
 * The search is conservative: any word that looks like the address is taken for
 * it. So it errs by silence. What it cannot see (an address kept in a register,
 * or disguised) is why nothing here is PROVEN.
 */
#include "diagnose/graph.h"
#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"

static bool receives(unsigned int op)
{
	return op == ROUSE_OP_RECV || op == ROUSE_OP_ONESHOT_RECV;
}

/* Names those that have it, the waiter aside. */
static void name_places(
	struct cn_report *report, const struct cn_model *model, const struct cn_detail *detail, uint64_t task)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < detail->n_places; i++) {
		const struct cn_task *holder = cn_model_task(model, detail->places[i].task);

		if (detail->places[i].task == task)
			continue;
		cn_evidence(report, "%s%s (%llu)", n++ ? ", " : "; others that have it cannot run: ",
			holder ? cn_safe(cn_task_name(model, holder)) : "ended",
			(unsigned long long)detail->places[i].task);
		if (holder && report->finding.n_tasks < CN_FINDING_TASKS)
			report->finding.tasks[report->finding.n_tasks++] = holder->id;
	}
	if (!n)
		cn_evidence(report, "; its address stands in no memory but the frame of the one that waits");
}

void cn_rule_peers(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_await *await = cn_task_leaf(task);
	const struct cn_resource *channel;
	const struct cn_detail *detail;
	struct cn_report report;

	if (!await || !receives(await->op))
		return;
	channel = cn_model_resource(model, await->resource);
	detail = cn_model_detail(model, await->resource);
	if (!channel || !detail)
		return;
	report = cn_report_about(CN_FINDING_PEERLESS, CN_LIKELY, task);
	report.finding.resource = channel->serial;
	report.finding.since_ns = await->since_ns;
	cn_evidence(&report, "waits for %s of %s %s, which is open: %llu sender%s",
		await->op == ROUSE_OP_RECV ? "a message" : "the value", cn_resource_kind_name(channel->kind),
		cn_safe(cn_resource_name(model, channel)), (unsigned long long)channel->side_a,
		channel->side_a == 1 ? "" : "s");
	name_places(&report, model, detail, task->id);
	cn_report(diagnosis, &report);
}

/* Those that memory shows, in other places than the task's own frames. */
static uint64_t others(const struct cn_detail *detail, uint64_t task)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < detail->n_places; i++)
		if (detail->places[i].task != task)
			n += detail->places[i].count;
	return n;
}

void cn_rule_leaked(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	const struct cn_detail *detail;
	struct cn_report report;
	char time[CN_FORMAT_BYTES];

	/* A node that waits with something known is a waker in good hands. */
	if (task->state != ROUSE_TASK_PENDING || !task->polls || !task->valid || task->waiting ||
		task->flags & ROUSE_CANCELLED || task->waker_refs <= task->own_wakers ||
		task->kind == ROUSE_KIND_DAEMON || !runtime || !cn_task_settled(model, task) ||
		cn_calm_ns(diagnosis, task) < diagnosis->opts.leaked)
		return;
	detail = cn_searched(diagnosis, task->id, (uint64_t)task->stamp << 32 | task->polls);
	if (!detail || others(detail, task->id))
		return;
	report = cn_report_about(CN_FINDING_LEAKED_WAKER, CN_LIKELY, task);
	report.finding.since_ns = task->edge_ns;
	cn_evidence(&report, "pending for %s; its state word counts %u waker%s, and no memory of the program shows %s",
		cn_format_ns(time, cn_task_in_state_ns(model, task)), task->waker_refs,
		task->waker_refs == 1 ? "" : "s", task->waker_refs == 1 ? "it" : "them");
	if (task->own_wakers)
		cn_evidence(&report, " but for %u in its own frame", task->own_wakers);
	cn_report(diagnosis, &report);
}
