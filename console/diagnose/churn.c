/* SPDX-License-Identifier: MIT */
/*
 * Workers that are woken for next to nothing: a task makes others ready one by
 * one, each of them too short to be worth it. To wake a worker costs its waker
 * some 2 us and itself 30; what it then finds has often been done by then.
 *
 * Many wake-ups alone are healthy: a server with few connections sleeps between
 * any two messages. So four things must come together, for one worker in look
 * after look: that it sleeps often; that one in ten of its wake-ups is in vain,
 * which the runtime counts exactly (no poll before the next sleep, no event, no
 * timer); that what it did poll took less than 1 us a wake-up; and that hardly
 * any of them was for an event or a timer of its own, that is: that others woke
 * it. Of redis-benchmark at 1 to 50 connections, timers at 1 kHz and messages
 * of a foreign thread each misses at least one, by a factor of two or more.
 * Silent too, as tried: 200 connections, timers at 1 Hz and 10 kHz, tasks that
 * ask and answer in 1 to 16 pairs; and a task that rings for another, which has
 * little to do each time, but never nothing.
 */
#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"
#include "widget/graph.h"

enum {
	LOOKS = 5,     /* in a row */
	IN_VAIN = 10,  /* one wake-up in so many, at least */
	OWN = 4,       /* at most one in so many for an event or a timer */
	WORTH_NS = 1000,
};
#define SHORTEST_SPAN_NS 10000000ull

struct delta {
	uint64_t parks, in_vain, busy_ns, own;
};

static struct delta delta_of(const struct cn_worker *worker)
{
	const struct rouse_counters *now = &worker->counters, *before = &worker->previous;

	if (worker->foreign || now->parks < before->parks) /* another one has its place */
		return (struct delta){ 0 };
	return (struct delta){ .parks = now->parks - before->parks,
		.in_vain = now->empty_wakes - before->empty_wakes,
		.busy_ns = now->busy_ticks - before->busy_ticks,
		.own = now->io_events - before->io_events + now->timers_fired - before->timers_fired };
}

static bool churns(const struct delta *delta, uint64_t span_ns, uint64_t per_second)
{
	return cn_rate(delta->parks, span_ns) >= (double)per_second && delta->in_vain * IN_VAIN >= delta->parks &&
	       delta->own * OWN <= delta->parks && delta->busy_ns < delta->parks * WORTH_NS;
}

/* The one that was woken in vain most often. NULL: none churns. */
static const struct cn_worker *worst_of(const struct cn_runtime *runtime, uint64_t per_second, struct delta *ret_delta)
{
	const struct cn_worker *worst = NULL;

	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		struct delta delta = delta_of(&runtime->workers[i]);

		if (!delta.parks || !churns(&delta, runtime->now_ns - runtime->prev_ns, per_second) ||
			(worst && delta.in_vain <= ret_delta->in_vain))
			continue;
		worst = &runtime->workers[i];
		*ret_delta = delta;
	}
	return worst;
}

/* Of tasks of which spawn site were most polls of this look? They are likely what the workers are woken for. */
static uint32_t follow_sites(struct cn_diagnosis *diagnosis, size_t runtime, uint64_t *ret_polls)
{
	struct cn_runtime_tally *tally = cn_tally(diagnosis, runtime);
	uint32_t most = 0;

	*ret_polls = 0;
	for (uint32_t site = 1; site < tally->n_sites; site++) {
		const struct cn_histogram *histogram = cn_model_site_histogram(diagnosis->model, runtime, site);
		uint64_t polls = histogram ? cn_histogram_total(histogram->poll, ROUSE_HISTOGRAM_BUCKETS) : 0;
		uint64_t before = tally->sites[site].polls;

		tally->sites[site].polls = polls;
		if (!before || polls < before || polls - before <= *ret_polls)
			continue;
		*ret_polls = polls - before;
		most = site;
	}
	return most;
}

void cn_rule_churn(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, index);
	struct cn_runtime_tally *tally = cn_tally(diagnosis, index);
	uint64_t polls, span = runtime->now_ns - runtime->prev_ns;
	bool was_told = tally->churn_looks >= LOOKS;
	char vain[CN_FORMAT_BYTES], all[CN_FORMAT_BYTES], time[CN_FORMAT_BYTES], n[CN_FORMAT_BYTES];
	const struct cn_worker *worker;
	struct delta delta = { 0 };
	struct cn_report report;
	uint32_t site;

	if (!tally->advanced || !runtime->prev_ns || !runtime->level || span < SHORTEST_SPAN_NS)
		return;
	site = follow_sites(diagnosis, index, &polls);
	/* Once told, it is over when it has become half as much. */
	worker = worst_of(runtime, was_told ? diagnosis->opts.churn / 2 : diagnosis->opts.churn, &delta);
	tally->churn_looks = worker && runtime->state == ROUSE_RUNTIME_ACTIVE ? tally->churn_looks + 1 : 0;
	if (tally->churn_looks < LOOKS)
		return;
	report = cn_report_of_runtime(CN_FINDING_PARK_CHURN, CN_SUSPECT, index, NULL);
	report.finding.worker = worker->index;
	report.site = site;
	cn_evidence(&report,
		"worker %u was woken %s times a second by others, %s of them for nothing, and polled for %s a wake-up, in "
		"the last of %u looks",
		worker->index, cn_format_count(all, (uint64_t)cn_rate(delta.parks, span)),
		cn_format_count(vain, (uint64_t)cn_rate(delta.in_vain, span)),
		cn_format_ns(time, delta.busy_ns / delta.parks), tally->churn_looks);
	if (site)
		cn_evidence(&report, "; most polls, %s a second, were of tasks spawned here",
			cn_format_count(n, (uint64_t)cn_rate(polls, span)));
	cn_report(diagnosis, &report);
}
