/* SPDX-License-Identifier: MIT */
/*
 * Tasks that pile up: more of one spawn site in nearly every look, none of the
 * old ones ends, and nearly all of them rest.
 *
 * Each sign alone is healthy. A server that connections come to grows too,
 * until as many go as come; then old ones end, and it is watched anew from
 * there. A burst grows fast, and not in every look. Tasks that are polled do
 * something. Whether the old ones are still there is told by a checkpoint: as
 * many as there were then, and how many of those that were spawned before it
 * are here now.
 *
 *     |--- start -------- checkpoint -------- now --->
 *        n = start         n = checkpoint      live; spawned before the checkpoint: survivors
 */
#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"

enum {
	CHECKPOINT_LOOKS = 5,
	FLAT_LOOKS = 2, /* in a row without growth: that was it */
	LEAST_LOOKS = 10,
	LIKELY_LOOKS = 20,
};
#define STEP_NS 250000000ull
#define LEAST_NS 3000000000ull
#define LIKELY_NS 10000000000ull
#define READERS_NS 60000000000ull /* who waits for a peer outside may come in number, and stay */

static bool most_of(uint32_t part, uint32_t whole)
{
	return (uint64_t)part * 10 >= (uint64_t)whole * 9;
}

static void watch_anew(struct cn_site_tally *site, uint64_t now_ns)
{
	site->start = site->checkpoint = site->live;
	site->start_ns = site->checkpoint_ns = now_ns;
	site->looks = site->grown = site->flat = 0;
}

/* A step is one look, or several that follow close upon each other: a slow leak does not show in each of those. */
static void step(struct cn_site_tally *site, uint64_t now_ns)
{
	bool grown = site->live > site->before;

	site->looks++;
	site->grown += grown;
	site->flat = grown ? 0 : site->flat + 1;
	if (!most_of(site->survivors, site->checkpoint) || site->flat == FLAT_LOOKS)
		watch_anew(site, now_ns);
	else if (site->looks == CHECKPOINT_LOOKS) {
		site->checkpoint = site->live;
		site->checkpoint_ns = now_ns;
	}
}

static void follow(struct cn_site_tally *site, uint64_t now_ns)
{
	if (site->start_ns && now_ns < site->step_ns + STEP_NS)
		return;
	if (site->start_ns)
		step(site, now_ns);
	else if (site->live)
		watch_anew(site, now_ns);
	site->before = site->live;
	site->step_ns = now_ns;
}

static void report_leak(struct cn_diagnosis *diagnosis, const struct cn_runtime *runtime, uint32_t index)
{
	const struct cn_site_tally *site = &cn_tally(diagnosis, runtime->index)->sites[index];
	uint64_t span = runtime->now_ns - site->start_ns;
	bool sure = site->looks >= LIKELY_LOOKS && span >= (2 * site->reading > site->resting ? READERS_NS : LIKELY_NS);
	struct cn_report report = cn_report_about(CN_FINDING_TASK_LEAK, sure ? CN_LIKELY : CN_SUSPECT, site->oldest);
	char time[CN_FORMAT_BYTES], age[CN_FORMAT_BYTES];

	report.about = (uint64_t)runtime->index << 32 | index;
	report.at = NULL;
	report.site = index;
	report.finding.since_ns = site->start_ns;
	cn_evidence(&report, "%u tasks of %s live, %u more than %s and %u looks ago, %.1f more a second; ", site->live,
		cn_safe(cn_task_name(diagnosis->model, site->oldest)), site->live - site->start,
		cn_format_ns(time, span), site->looks, cn_rate(site->live - site->start, span));
	cn_evidence(&report, "%u of the %u that lived %u looks ago still do, the oldest for %s; %u rest",
		site->survivors, site->checkpoint, site->looks - CHECKPOINT_LOOKS,
		cn_format_ns(age, cn_task_age_ns(diagnosis->model, site->oldest)), site->resting);
	cn_report(diagnosis, &report);
}

void cn_rule_leaks(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, index);
	struct cn_runtime_tally *tally = cn_tally(diagnosis, index);

	for (size_t i = 1; i < tally->n_sites; i++) {
		struct cn_site_tally *site = &tally->sites[i];

		if (tally->advanced)
			follow(site, runtime->now_ns);
		if (site->looks >= LEAST_LOOKS && runtime->now_ns - site->start_ns >= LEAST_NS && site->oldest &&
			site->live >= site->start + diagnosis->opts.leak_tasks && most_of(site->grown, site->looks) &&
			site->checkpoint > site->start && site->aged && most_of(site->resting, site->aged))
			report_leak(diagnosis, runtime, (uint32_t)i);
	}
}
