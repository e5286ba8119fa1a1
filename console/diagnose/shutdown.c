/* SPDX-License-Identifier: MIT */
/* Ends that do not come: of a runtime that is being shut down, of a task that was aborted. */
#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"

/* Nothing was polled and nothing ended since the look before. */
static bool stands_still(const struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, index);
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, index);
	const struct rouse_counters *now = &runtime->total, *before = &runtime->previous;

	if (cn_target_is_core(cn_model_target(diagnosis->model)))
		return true;
	return runtime->looks > 1 && now->polls == before->polls && now->completed == before->completed &&
	       now->cancelled == before->cancelled && now->panicked == before->panicked &&
	       tally->jobs.running == tally->before_running_jobs;
}

/* The poll of the task, if it lasts; it is told here, then. */
static const struct cn_poll *tell_poll(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	for (uint32_t i = 0; i < diagnosis->load->n_polls; i++) {
		if (diagnosis->load->polls[i].task != task)
			continue;
		diagnosis->load->polls[i].told = true;
		return &diagnosis->load->polls[i];
	}
	return NULL;
}

static void blame_polls(struct cn_diagnosis *diagnosis, struct cn_report *report, const struct cn_longest *running)
{
	char time[CN_FORMAT_BYTES];

	for (uint32_t i = 0; i < running->n && i < CN_FINDING_TASKS; i++) {
		const struct cn_task *task = running->tasks[i];
		const struct cn_poll *poll = tell_poll(diagnosis, task);

		if (i > 1)
			continue; /* two of them with all there is to say */
		cn_evidence(report, "; worker %u is in poll %u of %s (%llu)", task->worker, task->polls,
			cn_safe(cn_task_name(diagnosis->model, task)), (unsigned long long)task->id);
		if (!poll)
			continue;
		cn_evidence(report, " for %s", cn_format_ns(time, poll->age_ns));
		cn_evidence_of_poll(report, diagnosis->model, poll);
	}
	cn_longest_name(running, &report->finding);
}

static void blame_jobs(struct cn_diagnosis *diagnosis, struct cn_report *report, const struct cn_jobs *jobs)
{
	struct cn_finding *finding = &report->finding;
	const struct cn_resource *job = jobs->oldest[0];
	char time[CN_FORMAT_BYTES];

	cn_evidence(report, "; %u blocking job%s, one for %s on thread %llu, asked for by task %llu", jobs->running,
		jobs->running == 1 ? " runs" : "s run",
		cn_format_ns(time, cn_lasted(diagnosis, finding->runtime, job->owner_since_ns)),
		(unsigned long long)(job->owner & ~CN_THREAD_ID), (unsigned long long)job->creator);
	finding->resource = job->serial;
	for (uint32_t i = 0; i < jobs->n && finding->n_tasks < CN_FINDING_TASKS; i++)
		if (cn_is_task_id(jobs->oldest[i]->creator))
			finding->tasks[finding->n_tasks++] = jobs->oldest[i]->creator;
}

void cn_rule_shutdown(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, index);
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, index);
	uint64_t lasted = cn_lasted(diagnosis, index, runtime->stopping_ns);
	char time[CN_FORMAT_BYTES];
	struct cn_report report;

	if (runtime->state != ROUSE_RUNTIME_STOPPING || lasted < diagnosis->opts.shutdown ||
		!stands_still(diagnosis, index))
		return;
	report = cn_report_of_runtime(
		CN_FINDING_SHUTDOWN_HANG, CN_LIKELY, index, tally->running.n ? tally->running.tasks[0] : NULL);
	report.finding.since_ns = runtime->stopping_ns;
	cn_evidence(&report, "its shutdown began %s ago, and nothing has ended since the last look",
		cn_format_ns(time, lasted));
	if (tally->running.n) {
		report.finding.worker = tally->running.tasks[0]->worker;
		blame_polls(diagnosis, &report, &tally->running);
	}
	if (tally->jobs.n) {
		report.site = tally->jobs.oldest[0]->site;
		if (!report.at)
			report.at = cn_model_task(diagnosis->model, tally->jobs.oldest[0]->creator);
		blame_jobs(diagnosis, &report, &tally->jobs);
	}
	if (!tally->running.n && !tally->jobs.n)
		cn_evidence(&report, "; no poll and no job is left: a thread of the program's own is inside of it");
	cn_report(diagnosis, &report);
}

/*
 * An aborted task ends at the end of its poll, or when a worker takes it out
 * of its queue. The latter is told by who tells of that queue.
 */
void cn_rule_cancelled(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, index);
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, index);
	const struct cn_task *task;
	const struct cn_poll *poll;
	char time[CN_FORMAT_BYTES];
	struct cn_report report;

	if (!tally->cancelled.n || tally->overloaded || runtime->state != ROUSE_RUNTIME_ACTIVE)
		return;
	for (uint32_t i = 0; i < tally->cancelled.n && i < CN_FINDING_TASKS; i++) {
		task = tally->cancelled.tasks[i];
		if (task->state != ROUSE_TASK_RUNNING && tally->slow_workers)
			continue;
		report = cn_report_about(CN_FINDING_CANCEL_PENDING, CN_LIKELY, task);
		report.finding.since_ns = tally->cancelled.since_ns[i];
		cn_evidence(&report, "%s (%llu) was aborted at least %s ago, and is %s",
			cn_safe(cn_task_name(model, task)), (unsigned long long)task->id,
			cn_format_ns(time, cn_lasted(diagnosis, index, tally->cancelled.since_ns[i])),
			cn_task_state_name(task->state));
		poll = task->state == ROUSE_TASK_RUNNING ? tell_poll(diagnosis, task) : NULL;
		if (poll) {
			report.finding.worker = task->worker;
			cn_evidence(&report, "; worker %u has been in this poll for %s", task->worker,
				cn_format_ns(time, poll->age_ns));
			cn_evidence_of_poll(&report, diagnosis->model, poll);
		}
		cn_report(diagnosis, &report);
	}
}
