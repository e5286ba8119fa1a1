/* SPDX-License-Identifier: MIT */
/*
 * What could not be seen. A single look that is not whole is bad luck, and a
 * few lost events are what rings are for; neither says anything. In a core
 * file there is no second look, and no watchdog that could have looked.
 */
#include "diagnose/load.h"
#include "widget/format.h"

enum {
	LOOKS = 2,
	LOSING_LOOKS = 3,
	LOST_ONE_IN = 100, /* events */
};
#define SILENT_NS 5000000000ull
#define SAME_BEAT_NS 1000000ull

/* The clock's rate is corrected all the time: the same beat comes a little earlier or later in each look. */
static bool beat_since(const struct cn_runtime_tally *tally, const struct cn_runtime *runtime)
{
	return runtime->watchdog_ns >= tally->before_watchdog_ns + SAME_BEAT_NS ||
	       tally->before_watchdog_ns >= runtime->watchdog_ns + SAME_BEAT_NS;
}

static void follow(struct cn_runtime_tally *tally, const struct cn_runtime *runtime)
{
	uint64_t lost = runtime->lost_events - tally->before_lost;
	uint64_t emitted = runtime->emitted_events - tally->before_emitted;
	bool loses = runtime->looks > 1 && runtime->lost_events > tally->before_lost &&
		     runtime->emitted_events > tally->before_emitted && lost > emitted / LOST_ONE_IN;
	bool silent = runtime->state == ROUSE_RUNTIME_ACTIVE && !runtime->target_stopped && runtime->watchdog_ns &&
		      !beat_since(tally, runtime) &&
		      runtime->now_ns > runtime->watchdog_ns + SILENT_NS + 2 * runtime->long_poll_ns;

	tally->incomplete_looks = runtime->complete ? 0 : tally->incomplete_looks + 1;
	tally->losing_looks = loses ? tally->losing_looks + 1 : 0;
	tally->silent_looks = silent ? tally->silent_looks + 1 : 0;
}

void cn_rule_blind(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, index);
	struct cn_runtime_tally *tally = cn_tally(diagnosis, index);
	bool core = cn_target_is_core(cn_model_target(diagnosis->model)), incomplete, silent;
	char time[CN_FORMAT_BYTES];
	struct cn_report report;

	if (tally->advanced)
		follow(tally, runtime);
	incomplete = tally->incomplete_looks >= (core ? 1 : LOOKS);
	silent = tally->silent_looks && !core;
	if (!incomplete && !silent && tally->losing_looks < LOSING_LOOKS)
		return;
	report = cn_report_of_runtime(CN_FINDING_INCOMPLETE_LOOK, CN_SUSPECT, index, NULL);
	if (incomplete)
		cn_evidence(&report, "%s; ",
			core ? "not all of the memory is in the file, or not of one moment"
			     : "memory could not be read in several looks");
	if (silent)
		cn_evidence(&report, "the watchdog has not looked for %s; ",
			cn_format_ns(time, runtime->now_ns - runtime->watchdog_ns));
	if (tally->losing_looks >= LOSING_LOOKS)
		cn_evidence(&report, "events are lost in look after look, %llu so far; ",
			(unsigned long long)runtime->lost_events);
	cn_evidence(&report, "%u tasks were seen", runtime->live_tasks);
	cn_report(diagnosis, &report);
}
