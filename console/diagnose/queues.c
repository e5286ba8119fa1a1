/* SPDX-License-Identifier: MIT */
/*
 * Queues that are not served, or not fairly.
 *
 *     nested-block   every worker's poll sleeps in futex, and tasks are queued: what they wait for may be one of those,
 *                    unless the kernel says that threads that are no workers have the locks
 *     stuck-queue    every worker's poll lasts, and tasks are queued behind them
 *     starved        a task stays in a queue while many more polls pass than there were tasks in queues
 *     imbalance      one worker has a queue, another sleeps
 *
 * Whether a task is passed over follows from counting, not from a clock: in a
 * fair queue it would be reached after as many polls as there were tasks
 * before it. Rings, stealing and batches bend that, by less than FAIRNESS.
 */
#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"

enum {
	FAIRNESS = 4,         /* polls for each task that was queued, before one is passed over */
	IMBALANCE_DEPTH = 32, /* tasks in the ring of the busy one */
	IMBALANCE_LOOKS = 5,
	IMBALANCE_LIKELY_LOOKS = 10,
};
#define IMBALANCE_NS 2000000000ull

static uint32_t workers_of(const struct cn_runtime *runtime)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < runtime->n_workers; i++)
		n += !runtime->workers[i].foreign && runtime->workers[i].state != ROUSE_WORKER_STOPPED;
	return n;
}

static uint64_t queued(const struct cn_runtime *runtime)
{
	uint64_t n = runtime->inject_depth;

	for (uint32_t i = 0; i < runtime->n_workers; i++)
		n += runtime->workers[i].local_depth + (runtime->workers[i].lifo_task != 0);
	return n;
}

/* ------------------------------------------------------------- stuck queue */

static bool is_stuck(const struct cn_diagnosis *diagnosis, const struct cn_poll *poll, size_t runtime)
{
	return poll->task->runtime == runtime && poll->worker && poll->kind != CN_POLL_PREEMPTED &&
	       poll->age_ns >= diagnosis->opts.poll_surely;
}

/* Names the polls, and takes them for told. */
static void name_blockers(struct cn_diagnosis *diagnosis, size_t runtime, struct cn_report *report)
{
	const struct cn_model *model = diagnosis->model;
	struct cn_load *load = diagnosis->load;
	char time[CN_FORMAT_BYTES];

	for (uint32_t i = 0; i < load->n_polls; i++) {
		struct cn_poll *poll = &load->polls[i];

		if (!is_stuck(diagnosis, poll, runtime))
			continue;
		poll->told = true;
		if (report->finding.n_tasks < CN_FINDING_TASKS)
			report->finding.tasks[report->finding.n_tasks] = poll->task->id;
		if (report->finding.n_tasks++ >= 2)
			continue; /* two of them with all there is to say */
		if (!report->at) {
			report->at = poll->task;
			report->finding.worker = poll->task->worker;
			report->finding.since_ns = poll->task->edge_ns;
		}
		cn_evidence(report, "; worker %u has been in a poll of %s (%llu) for %s", poll->task->worker,
			cn_safe(cn_task_name(model, poll->task)), (unsigned long long)poll->task->id,
			cn_format_ns(time, poll->age_ns));
		cn_evidence_of_poll(report, diagnosis->model, poll);
	}
}

/* Its lock belongs to a thread that polls no task. */
static bool waits_for_outsider(const struct cn_model *model, const struct cn_poll *poll)
{
	size_t runtime;

	return poll->wait && poll->wait->owner && !cn_kernel_runtime_of(model, poll->wait->owner, &runtime);
}

/* Can it be that all of them wait for what tasks would do? */
static bool may_be_nested(const struct cn_diagnosis *diagnosis, size_t runtime)
{
	bool any = false;

	for (uint32_t i = 0; i < diagnosis->load->n_polls; i++) {
		const struct cn_poll *poll = &diagnosis->load->polls[i];

		if (!is_stuck(diagnosis, poll, runtime))
			continue;
		if (!cn_poll_in_futex(poll))
			return false;
		any |= !waits_for_outsider(diagnosis->model, poll);
	}
	return any;
}

void cn_rule_stuck(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, index);
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, index);
	const struct cn_task *oldest = tally->scheduled.n ? tally->scheduled.tasks[0] : NULL;
	uint64_t waits = oldest ? cn_lasted(diagnosis, index, tally->scheduled.since_ns[0]) : 0;
	char time[CN_FORMAT_BYTES];
	struct cn_report report;

	if (runtime->state != ROUSE_RUNTIME_ACTIVE || !tally->stuck_workers || tally->stuck_workers < workers_of(runtime) ||
		!queued(runtime) || !oldest || waits < diagnosis->opts.poll_surely)
		return;
	report = cn_report_of_runtime(
		may_be_nested(diagnosis, index) ? CN_FINDING_NESTED_BLOCK : CN_FINDING_STUCK_QUEUE, CN_LIKELY, index, NULL);
	report.finding.owner = oldest->id;
	cn_evidence(&report, "%llu task%s queued, %s (%llu) for %s, and no worker of %u is free",
		(unsigned long long)queued(runtime), queued(runtime) == 1 ? " is" : "s are",
		cn_safe(cn_task_name(model, oldest)), (unsigned long long)oldest->id, cn_format_ns(time, waits),
		workers_of(runtime));
	name_blockers(diagnosis, index, &report);
	cn_report(diagnosis, &report);
}

/* ----------------------------------------------------------------- starved */

/* The first look, of those remembered, that saw it queued; NULL: none before this one. */
static const struct cn_past_look *first_look_since(const struct cn_runtime_tally *tally, uint64_t since_ns)
{
	uint32_t kept = tally->n_past < CN_LOOKS_KEPT ? tally->n_past : CN_LOOKS_KEPT;
	const struct cn_past_look *first = NULL;

	for (uint32_t i = 1; i <= kept; i++) {
		const struct cn_past_look *past = &tally->past[(tally->n_past - i) % CN_LOOKS_KEPT];

		if (past->ns < since_ns)
			break;
		first = past;
	}
	return first;
}

void cn_rule_starved(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, index);
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, index);
	const struct cn_past_look *first;
	const struct cn_task *task;
	uint64_t passed;
	char time[CN_FORMAT_BYTES], polls[CN_FORMAT_BYTES];
	struct cn_report report;

	if (!tally->starved.n || tally->overloaded || tally->stuck_workers ||
		runtime->total.polls <= runtime->previous.polls)
		return;
	first = first_look_since(tally, tally->starved.since_ns[0]);
	if (!first || runtime->total.polls < first->polls)
		return;
	passed = runtime->total.polls - first->polls;
	if (passed < FAIRNESS * (first->scheduled + 1))
		return;
	task = tally->starved.tasks[0];
	report = cn_report_of_runtime(CN_FINDING_STARVED, CN_LIKELY, index, task);
	cn_longest_name(&tally->starved, &report.finding);
	report.finding.since_ns = tally->starved.since_ns[0];
	report.finding.worker = cn_task_queued(model, task) ? task->queued_by : CN_NO_WORKER;
	cn_evidence(&report, "%s (%llu) has been in a queue for %s; %s polls passed it by, and %llu task%s queued then",
		cn_safe(cn_task_name(model, task)), (unsigned long long)task->id,
		cn_format_ns(time, cn_lasted(diagnosis, index, tally->starved.since_ns[0])),
		cn_format_count(polls, passed), (unsigned long long)first->scheduled,
		first->scheduled == 1 ? " was" : "s were");
	if (tally->starved.n > 1)
		cn_evidence(&report, "; %u tasks like it", tally->starved.n);
	cn_report(diagnosis, &report);
}

/* --------------------------------------------------------------- imbalance */

static uint64_t busy_permille(const struct cn_runtime *runtime, const struct cn_worker *worker)
{
	uint64_t busy = worker->counters.busy_ticks - worker->previous.busy_ticks;

	return worker->counters.busy_ticks < worker->previous.busy_ticks || runtime->now_ns <= runtime->prev_ns
		       ? 0
		       : busy * 1000 / (runtime->now_ns - runtime->prev_ns);
}

static bool has_too_much(const struct cn_runtime *runtime, const struct cn_worker *worker)
{
	return !worker->foreign && worker->local_depth >= IMBALANCE_DEPTH && busy_permille(runtime, worker) >= 900;
}

static bool has_nothing(const struct cn_runtime *runtime, const struct cn_worker *worker)
{
	return !worker->foreign && !worker->local_depth && !worker->lifo_task &&
	       (worker->state == ROUSE_WORKER_PARKED || worker->state == ROUSE_WORKER_DRIVER) &&
	       worker->counters.stolen == worker->previous.stolen && busy_permille(runtime, worker) <= 50;
}

static const struct cn_worker *find_worker(const struct cn_runtime *runtime, uint16_t preferred,
	bool (*is)(const struct cn_runtime *, const struct cn_worker *))
{
	const struct cn_worker *found = NULL;

	for (uint32_t i = 0; i < runtime->n_workers; i++)
		if (is(runtime, &runtime->workers[i]) && (!found || runtime->workers[i].index == preferred))
			found = &runtime->workers[i];
	return found;
}

/* The same two workers in look after look. */
static void follow_imbalance(struct cn_runtime_tally *tally, const struct cn_runtime *runtime,
	const struct cn_worker *busy, const struct cn_worker *idle)
{
	if (!busy || !idle || tally->overloaded) {
		tally->imbalance_looks = 0;
		return;
	}
	if (!tally->imbalance_looks || busy->index != tally->busy_worker || idle->index != tally->idle_worker) {
		tally->imbalance_looks = 0;
		tally->imbalance_ns = runtime->now_ns;
		tally->busy_worker = (uint16_t)busy->index;
		tally->idle_worker = (uint16_t)idle->index;
	}
	tally->imbalance_looks++;
}

void cn_rule_imbalance(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, index);
	struct cn_runtime_tally *tally = cn_tally(diagnosis, index);
	const struct cn_worker *busy = find_worker(runtime, tally->busy_worker, has_too_much);
	const struct cn_worker *idle = find_worker(runtime, tally->idle_worker, has_nothing);
	const struct cn_task *task;
	char time[CN_FORMAT_BYTES];
	struct cn_report report;

	if (tally->advanced)
		follow_imbalance(tally, runtime, busy, idle);
	if (tally->imbalance_looks < IMBALANCE_LOOKS || !busy || !idle ||
		cn_lasted(diagnosis, index, tally->imbalance_ns) < IMBALANCE_NS)
		return;
	task = cn_model_task(model, busy->current_task);
	report = cn_report_of_runtime(CN_FINDING_IMBALANCE,
		tally->imbalance_looks >= IMBALANCE_LIKELY_LOOKS ? CN_LIKELY : CN_SUSPECT, index, NULL);
	if (task) {
		report.site = task->spawn_site; /* where such work comes from */
		report.finding.tasks[report.finding.n_tasks++] = task->id;
	}
	report.finding.worker = busy->index;
	report.finding.since_ns = tally->imbalance_ns;
	cn_evidence(&report, "worker %u is busy with %u tasks in its queue, and worker %u sleeps, in %u looks over %s",
		busy->index, busy->local_depth, idle->index, tally->imbalance_looks,
		cn_format_ns(time, cn_lasted(diagnosis, index, tally->imbalance_ns)));
	cn_report(diagnosis, &report);
}
