/* SPDX-License-Identifier: MIT */
/*
 * The blocking pool: jobs that wait for a thread, none of which comes free. A
 * busy pool begins and ends jobs all the time; an exhausted one holds the same
 * ones, look after look.
 */
#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"

enum { LIKELY_TIMES = 3 }; /* of the threshold */

static void name_creators(const struct cn_jobs *jobs, struct cn_finding *finding)
{
	for (uint32_t i = 0; i < jobs->n; i++) {
		uint64_t creator = jobs->oldest[i]->creator;
		bool named = !cn_is_task_id(creator);

		for (uint32_t k = 0; k < finding->n_tasks; k++)
			named = named || finding->tasks[k] == creator;
		if (!named)
			finding->tasks[finding->n_tasks++] = creator;
	}
}

static void describe(struct cn_diagnosis *diagnosis, struct cn_report *report, const struct cn_runtime *runtime,
	const struct cn_jobs *jobs)
{
	const struct cn_resource *job = jobs->oldest[0];
	const struct cn_task *creator = cn_model_task(diagnosis->model, job->creator);
	char time[CN_FORMAT_BYTES], calm[CN_FORMAT_BYTES];

	cn_evidence(report, "%llu job%s for a thread, all %llu are taken, and none has come free for %s",
		(unsigned long long)runtime->blocking_queued, runtime->blocking_queued == 1 ? " waits" : "s wait",
		(unsigned long long)runtime->blocking_limit,
		cn_format_ns(calm, cn_lasted(diagnosis, runtime->index, jobs->newest_ns)));
	cn_evidence(report, "; the oldest job of %s (%llu) has run for %s on thread %llu",
		creator ? cn_safe(cn_task_name(diagnosis->model, creator)) : "a task that has ended",
		(unsigned long long)job->creator,
		cn_format_ns(time, cn_lasted(diagnosis, runtime->index,
					   job->owner_since_ns ? job->owner_since_ns : job->created_ns)),
		(unsigned long long)(job->owner & ~CN_THREAD_ID));
}

void cn_rule_pool(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, index);
	const struct cn_jobs *jobs = &cn_tally(diagnosis, index)->jobs;
	uint64_t calm = cn_lasted(diagnosis, index, jobs->newest_ns), threshold = diagnosis->opts.pool;
	struct cn_report report;

	if (runtime->state != ROUSE_RUNTIME_ACTIVE || !runtime->blocking_queued || !runtime->blocking_limit ||
		runtime->blocking_threads < runtime->blocking_limit || runtime->blocking_idle || !jobs->n ||
		jobs->running < runtime->blocking_limit || jobs->old < jobs->running || calm < threshold ||
		cn_lasted(diagnosis, index, jobs->oldest_queued_ns) < threshold)
		return;
	report = cn_report_of_runtime(CN_FINDING_POOL_EXHAUSTED,
		calm / LIKELY_TIMES >= threshold ? CN_LIKELY : CN_SUSPECT, index,
		cn_model_task(diagnosis->model, jobs->oldest[0]->creator));
	report.site = jobs->oldest[0]->site;
	report.finding.resource = jobs->oldest[0]->serial;
	report.finding.since_ns = jobs->newest_ns;
	name_creators(jobs, &report.finding);
	describe(diagnosis, &report, runtime, jobs);
	cn_report(diagnosis, &report);
}
