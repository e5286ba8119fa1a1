/* SPDX-License-Identifier: MIT */
/*
 * Nothing may get lost between a wake and its poll: a scheduled task is in a
 * queue or in a hand; where there is work a worker is awake; where sockets are
 * waited for somebody watches them. Each of these is the runtime's own promise
 * (INV-1, INV-4); one that is broken means that memory was overwritten, or that
 * the runtime has a fault.
 */
#include "diagnose/load.h"
#include "diagnose/memory.h"
#include "diagnose/sift.h"
#include "export/text.h"
#include "widget/format.h"

enum { LOST_LOOKS = 3 };
#define UNPARK_NS 1000000000ull

static bool is_driven(const struct cn_runtime *runtime)
{
	if (runtime->state != ROUSE_RUNTIME_ACTIVE || !runtime->complete)
		return false;
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		if (!runtime->workers[i].foreign && runtime->workers[i].state != ROUSE_WORKER_STOPPED)
			return true;
	return false;
}

/* -------------------------------------------------------------- lost tasks */

/*
 * Rings are read at another instant than the task: a batch that moves from one
 * queue to another may be missed once. Not three times, with nobody carrying
 * it, and nothing in the global queue.
 */
static void lost(struct cn_diagnosis *diagnosis, const struct cn_task *task, const struct cn_runtime *runtime)
{
	const struct cn_model *model = diagnosis->model;
	const char *source = cn_wake_source_name(task->last_waker);
	bool in_no_hand = cn_stands_scheduled(model, task);
	struct cn_report report;
	char time[CN_FORMAT_BYTES];

	if (!cn_task_settled(model, task) || cn_task_queued(model, task) ||
		runtime->inject_depth)
		return;
	report = cn_report_about(CN_FINDING_LOST_TASK, CN_INCOMPLETE, task);
	report.proven_after = in_no_hand ? LOST_LOOKS : 0;
	report.finding.since_ns = task->enqueue_ns;
	cn_evidence(&report, "marked scheduled for %s, woken by %s",
		cn_format_ns(time, cn_task_in_state_ns(model, task)), source ? source : "a task");
	cn_evidence(&report, "; it is in no worker's ring or LIFO slot, the global queue is empty, and %s",
		in_no_hand ? "no thread has it in hand" : "whether a thread has it in hand is not known");
	cn_explained(diagnosis, task->id);
	cn_report(diagnosis, &report);
}

/* ---------------------------------------------------------- missed unparks */

static bool all_rest(const struct cn_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		const struct cn_worker *worker = &runtime->workers[i];
		uint32_t state = worker->state;

		if (worker->foreign)
			continue;
		if ((state != ROUSE_WORKER_PARKED && state != ROUSE_WORKER_DRIVER) ||
			worker->counters.polls != worker->previous.polls ||
			worker->counters.parks != worker->previous.parks)
			return false;
	}
	return true;
}

/* A worker that has been called may need a while on a busy machine: not a second. */
static void missed_unpark(struct cn_diagnosis *diagnosis, const struct cn_runtime *runtime)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_task *task, *oldest = NULL;
	uint64_t lasted;
	uint32_t queued = 0;
	struct cn_report report;
	char time[CN_FORMAT_BYTES];

	if (!all_rest(runtime) || !runtime->prev_ns || !runtime->by_state[ROUSE_TASK_SCHEDULED])
		return;
	for (size_t i = 0; (task = cn_marked(diagnosis, CN_MARK_SCHEDULED, &i));) {
		if (task->runtime != runtime->index || !cn_task_settled(model, task) ||
			!(cn_task_queued(model, task) || runtime->inject_depth))
			continue;
		queued++;
		if (!oldest || task->enqueue_ns < oldest->enqueue_ns)
			oldest = task;
	}
	lasted = oldest ? cn_lasted(diagnosis, runtime->index, cn_scheduled_since(oldest)) : 0;
	if (lasted < UNPARK_NS)
		return;
	report = cn_report_about(CN_FINDING_MISSED_UNPARK, CN_INCOMPLETE, oldest);
	report.about = (uint64_t)runtime->index << 32;
	report.still = oldest->id ^ runtime->total.polls << 20;
	report.proven_after = 2;
	report.finding.since_ns = oldest->enqueue_ns;
	cn_evidence(&report,
		"%u task%s in queues, the oldest (%s, %llu) for %s; every worker sleeps, and none has polled or "
		"parked anew since the last look",
		queued, queued == 1 ? "" : "s", cn_safe(cn_task_name(model, oldest)), (unsigned long long)oldest->id,
		cn_format_ns(time, lasted));
	cn_report(diagnosis, &report);
}

void cn_rule_queues(struct cn_diagnosis *diagnosis)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_task *task;

	for (size_t i = 0; i < cn_model_runtimes(model); i++) {
		const struct cn_runtime *runtime = cn_model_runtime(model, i);

		if (!runtime || !is_driven(runtime) || !cn_model_queues_known(model, i))
			continue;
		for (size_t k = 0; (task = cn_marked(diagnosis, CN_MARK_SCHEDULED, &k));)
			if (task->runtime == i)
				lost(diagnosis, task, runtime);
		missed_unpark(diagnosis, runtime);
	}
}

/* ------------------------------------------------------------------ driver */

static bool waits_for_io(const struct cn_task *task)
{
	for (uint16_t i = 0; task->waiting && i < task->n_awaits; i++) {
		const struct cn_await *await = &task->awaits[i];

		if (await->wait_state == ROUSE_WAIT_WAITING &&
			(await->op == ROUSE_OP_READ || await->op == ROUSE_OP_WRITE || await->op == ROUSE_OP_ACCEPT ||
				await->op == ROUSE_OP_CONNECT))
			return true;
	}
	return false;
}

/* The one that has waited longest. */
static const struct cn_task *longest(const struct cn_model *model, uint32_t runtime, uint32_t *ret_n)
{
	const struct cn_task *first = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);

		if (!task || task->runtime != runtime || task->state != ROUSE_TASK_PENDING || !waits_for_io(task))
			continue;
		++*ret_n;
		if (!first || task->edge_ns < first->edge_ns)
			first = task;
	}
	return first;
}

/* Workers that do nothing else at the moment, and still do not watch. */
static uint32_t resting(const struct cn_runtime *runtime)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < runtime->n_workers; i++)
		n += !runtime->workers[i].foreign && runtime->workers[i].state == ROUSE_WORKER_PARKED;
	return n;
}

static void driver_of(struct cn_diagnosis *diagnosis, const struct cn_runtime *runtime)
{
	struct cn_driver_watch *watch = &diagnosis->memory->drivers[runtime->index];
	uint64_t turns = runtime->total.driver_turns;
	const struct cn_task *task;
	struct cn_report report;
	char time[CN_FORMAT_BYTES];
	uint32_t n;

	if (!watch->since_ns || watch->turns != turns || runtime->driver_worker || runtime->target_stopped ||
		runtime->now_ns < watch->since_ns) {
		*watch = (struct cn_driver_watch){ turns, runtime->now_ns };
		return;
	}
	if (cn_lasted(diagnosis, runtime->index, watch->since_ns) < diagnosis->opts.driver)
		return;
	task = longest(diagnosis->model, runtime->index, &n);
	if (!task)
		return;
	/* Behind polls that do not end it is their doing, and they are told. */
	report = cn_report_about(CN_FINDING_DRIVER_UNOWNED, resting(runtime) ? CN_PROVEN : CN_SUSPECT, task);
	report.about = runtime->index + 1;
	report.still = turns;
	report.finding.since_ns = watch->since_ns;
	cn_evidence(&report, "no worker has looked at sockets for at least %s; %u task%s for one",
		cn_format_ns(time, runtime->now_ns - watch->since_ns), n, n == 1 ? " waits" : "s wait");
	if (resting(runtime))
		cn_evidence(&report, "; %u worker%s, and could", resting(runtime),
			resting(runtime) == 1 ? " sleeps" : "s sleep");
	else
		cn_evidence(&report, "; every worker is busy with a poll");
	cn_report(diagnosis, &report);
}

void cn_rule_driver(struct cn_diagnosis *diagnosis)
{
	for (size_t i = 0; i < cn_model_runtimes(diagnosis->model) && i < CN_WATCHED_RUNTIMES; i++) {
		const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, i);

		if (runtime && is_driven(runtime))
			driver_of(diagnosis, runtime);
	}
}
