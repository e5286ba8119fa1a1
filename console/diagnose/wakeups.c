/* SPDX-License-Identifier: MIT */
/*
 * Tasks that are polled late after they were woken, and nobody kept them.
 *
 * Most of what delays a task is told by others: polls that last, queues that
 * are not served, a machine that is short of CPUs. A burst of wakes delays too,
 * and is healthy: a thousand tasks of a millisecond take a second. What remains
 * follows from counting: if in two looks no worker was in polls for as long as
 * one wake took to be served, and none waited so long for a CPU, then nothing
 * was before that task, and the workers were not told of it, or came late.
 */
#include <errno.h>

#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"

enum {
	SITES_MAX = 4096,
	LATE_LOOKS = 3, /* in a row, of those in which tasks were woken */
	LATE_LIKELY_LOOKS = 12,
	LATE_LEAST = 5, /* wakes in these looks */
	LATE_ONE_IN = 100,
};

void cn_delays_init(struct cn_load *load)
{
	cn_slots_init(&load->delays, sizeof(struct cn_delays), SITES_MAX);
}

/* The first bucket all of which is as late as the threshold says. */
static uint32_t late_bucket(const struct cn_diagnosis *diagnosis)
{
	uint32_t bucket = 0;

	while (bucket < ROUSE_HISTOGRAM_BUCKETS && (1ull << bucket) < diagnosis->opts.wake)
		bucket++;
	return bucket;
}

static uint64_t busiest_ns(const struct cn_runtime *runtime)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		const struct cn_worker *worker = &runtime->workers[i];
		uint64_t busy = worker->counters.busy_ticks - worker->previous.busy_ticks;

		if (!worker->foreign && worker->counters.busy_ticks >= worker->previous.busy_ticks && busy > most)
			most = busy;
	}
	return most;
}

/* How long the worker that waited most for a CPU did so; UINT64_MAX: not known. */
static uint64_t waited_ns(const struct cn_model *model, const struct cn_runtime *runtime)
{
	uint64_t most = 0, cpu, queue, span;

	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		const struct cn_thread *thread = cn_model_thread(model, runtime->index, runtime->workers[i].tid);

		if (runtime->workers[i].foreign)
			continue;
		if (!thread || !cn_thread_delta(model, runtime->index, thread, &cpu, &queue, &span))
			return UINT64_MAX;
		most = queue > most ? queue : most;
	}
	return most;
}

/* Would others explain that it took so long? */
static bool is_explained(const struct cn_diagnosis *diagnosis, size_t index, uint64_t late_ns)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, index);
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, index);

	return tally->late.busy_ns + tally->late.busy_before_ns >= late_ns || tally->late.waited_ns >= late_ns / 2 ||
	       tally->late.waited_before_ns >= late_ns / 2 || tally->overloaded || tally->slow_workers ||
	       tally->starved.n || tally->was_unfair || runtime->state != ROUSE_RUNTIME_ACTIVE ||
	       cn_reported(diagnosis, CN_FINDING_IMBALANCE, index) ||
	       cn_reported(diagnosis, CN_FINDING_MISSED_UNPARK, (uint64_t)index << 32);
}

static void report(struct cn_diagnosis *diagnosis, size_t runtime, uint32_t site, const struct cn_delays *delays)
{
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, runtime);
	const struct cn_task *task = site < tally->n_sites ? tally->sites[site].oldest : NULL;
	struct cn_report report = cn_report_about(CN_FINDING_SLOW_WAKEUP, CN_SUSPECT, task);
	char late[CN_FORMAT_BYTES], busy[CN_FORMAT_BYTES], waited[CN_FORMAT_BYTES];

	report.finding.runtime = (uint8_t)runtime;
	report.about = delays->key;
	report.at = NULL;
	report.site = site;
	report.likely_after = LATE_LIKELY_LOOKS;
	cn_evidence(&report, "%llu of %llu wakes of tasks spawned here took %s or more until the poll, in %u looks",
		(unsigned long long)delays->late, (unsigned long long)delays->all,
		cn_format_ns(late, 1ull << late_bucket(diagnosis)), delays->looks);
	cn_evidence(&report,
		"; in the last two of them no worker was in polls for more than %s, nor waited for a CPU for more than "
		"%s: nothing was before these tasks",
		cn_format_ns(busy, tally->late.busy_ns + tally->late.busy_before_ns),
		cn_format_ns(waited, tally->late.waited_ns > tally->late.waited_before_ns
					     ? tally->late.waited_ns
					     : tally->late.waited_before_ns));
	cn_report(diagnosis, &report);
}

static void judge_site(struct cn_diagnosis *diagnosis, size_t runtime, uint32_t site)
{
	const struct cn_histogram *histogram = cn_model_site_histogram(diagnosis->model, runtime, site);
	uint32_t bucket = late_bucket(diagnosis);
	uint64_t all = 0, late = 0;
	struct cn_delays *delays;
	void *row;
	int rc;

	if (!histogram)
		return;
	rc = cn_slots_put(&diagnosis->load->delays, ((uint64_t)runtime + 1) << 32 | site, &row);
	if (rc == -ENOMEM)
		diagnosis->rc = rc;
	if (rc)
		return;
	delays = row;
	for (uint32_t i = 0; i < ROUSE_HISTOGRAM_BUCKETS; i++) {
		all += histogram->delay[i];
		late += i >= bucket ? histogram->delay[i] : 0;
	}
	if (delays->is_known && all > delays->before_all) {
		uint64_t more = all - delays->before_all,
			 more_late = late > delays->before_late ? late - delays->before_late : 0;

		if (!more_late || more_late * LATE_ONE_IN < more || is_explained(diagnosis, runtime, 1ull << bucket))
			delays->looks = 0;
		else
			delays->looks++;
		delays->all = delays->looks > 1 ? delays->all + more : more;
		delays->late = delays->looks > 1 ? delays->late + more_late : more_late;
	}
	delays->is_known = true;
	delays->before_all = all;
	delays->before_late = late;
	if (delays->looks >= LATE_LOOKS && delays->late >= LATE_LEAST)
		report(diagnosis, runtime, site, delays);
}

void cn_rule_wakeups(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, index);
	struct cn_runtime_tally *tally = cn_tally(diagnosis, index);

	if (!tally->advanced || !runtime->prev_ns || late_bucket(diagnosis) == ROUSE_HISTOGRAM_BUCKETS)
		return;
	tally->late.busy_before_ns = tally->late.busy_ns;
	tally->late.waited_before_ns = tally->late.waited_ns;
	tally->late.busy_ns = busiest_ns(runtime);
	tally->late.waited_ns = waited_ns(diagnosis->model, runtime);
	for (size_t site = 1; site < cn_model_sites(diagnosis->model, index); site++)
		judge_site(diagnosis, index, (uint32_t)site);
}
