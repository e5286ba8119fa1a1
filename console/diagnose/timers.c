/* SPDX-License-Identifier: MIT */
/*
 * Timers that are overdue. Workers fire them between polls, and one that idles
 * takes over the timers of one that does not; so either every worker is in a
 * poll, which is then what is told, or nobody looks at the wheel.
 */
#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"

/* The poll of that runtime that has lasted longest. */
static const struct cn_poll *longest_poll(const struct cn_diagnosis *diagnosis, size_t runtime)
{
	const struct cn_poll *longest = NULL;

	for (uint32_t i = 0; i < diagnosis->load->n_polls; i++) {
		const struct cn_poll *poll = &diagnosis->load->polls[i];

		if (poll->task->runtime == runtime && (!longest || poll->age_ns > longest->age_ns))
			longest = poll;
	}
	return longest;
}

/*
 * Somebody is on the way: a worker in no poll whose thread runs, or would. How
 * long it waits for a CPU is only counted when it has got one.
 */
static bool is_on_the_way(const struct cn_model *model, const struct cn_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		const struct cn_worker *worker = &runtime->workers[i];
		const struct cn_thread *thread = cn_model_thread(model, runtime->index, worker->tid);

		if (!worker->foreign && worker->state != ROUSE_WORKER_POLLING && thread && thread->state == 'R')
			return true;
	}
	return false;
}

void cn_rule_timers(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, index);
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, index);
	const struct cn_poll *poll = longest_poll(diagnosis, index);
	const struct cn_task *task;
	char time[CN_FORMAT_BYTES];
	struct cn_report report;

	if (!tally->overdue.n || tally->overloaded || runtime->state != ROUSE_RUNTIME_ACTIVE ||
		(!poll && is_on_the_way(model, runtime)))
		return;
	task = tally->overdue.tasks[0];
	/* Workers that get on with other polls have too much to do; timers are not forgotten. */
	report = cn_report_of_runtime(CN_FINDING_LATE_TIMERS,
		!poll && runtime->total.polls != runtime->previous.polls ? CN_SUSPECT : CN_LIKELY, index, task);
	cn_longest_name(&tally->overdue, &report.finding);
	report.finding.since_ns = tally->overdue.since_ns[0];
	cn_evidence(&report, "%u sleep%s overdue, that of %s (%llu) for %s", tally->overdue.n,
		tally->overdue.n == 1 ? " is" : "s are", cn_safe(cn_task_name(model, task)),
		(unsigned long long)task->id,
		cn_format_ns(time, cn_lasted(diagnosis, index, tally->overdue.since_ns[0])));
	if (poll) {
		report.finding.owner = poll->task->id;
		report.finding.worker = poll->task->worker;
		cn_evidence(&report, "; worker %u has been in a poll of %s (%llu) for %s", poll->task->worker,
			cn_safe(cn_task_name(model, poll->task)), (unsigned long long)poll->task->id,
			cn_format_ns(time, poll->age_ns));
		cn_evidence_of_poll(&report, diagnosis->model, poll);
	} else if (runtime->driver_worker) {
		cn_evidence(&report, "; worker %u is in the driver, and has not fired them", runtime->driver_worker - 1);
	} else {
		cn_evidence(&report, "; no poll lasts, and nobody is in the driver");
	}
	cn_report(diagnosis, &report);
}
