/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of polls: blocked in a system call (blocking.c), by
 * pages that were not there, or in want of a CPU.
 */
#include "diagnose/windows.h"
#include "export/text.h"
#include "widget/format.h"

enum {
	SHARE_FAULTS = 20, /* percent of the time in polls */
	SHARE_WAITED = 30,
	SHARE_COMMON_FAULTS = 30,
	FAULTS_PER_SECOND = 10000,
	WORST = 2, /* sites and workers that are told */
};
#define FAULT_NS 1000ull /* what a page fault costs that has not to wait: half as much to twice as much */

static uint64_t faulted_of(const struct cn_kernel_sum *sum)
{
	return sum->ns[CN_OFF_fault];
}

static uint64_t faults_of(const struct cn_kernel_sum *sum)
{
	return sum->faults;
}

static uint64_t waited_of(const struct cn_kernel_sum *sum)
{
	return sum->ns[CN_OFF_run_queue] + sum->ns[CN_OFF_preempted];
}

/* -------------------------------------------------------------- page faults */

static void page_faults(struct cn_diagnosis *diagnosis, const struct cn_window *window)
{
	struct cn_window_mark sum = cn_window_sum(window);
	uint64_t waited = cn_faulted_at(&sum), cost = sum.faults * FAULT_NS;
	bool slow = waited >= diagnosis->opts.fault_wait && cn_is_share(waited, sum.busy_ns, SHARE_FAULTS) &&
		    cn_window_grown(window, cn_faulted_at) >= CN_WINDOW_GROWN_LEAST;
	bool many = cn_window_rounds(window) >= CN_WINDOW_GROWN_LEAST &&
		    cn_rate(sum.faults, sum.ns) >= FAULTS_PER_SECOND &&
		    cn_is_share(cost, sum.busy_ns, SHARE_COMMON_FAULTS);
	char n[CN_FORMAT_BYTES], rate[CN_FORMAT_BYTES];
	struct cn_report report;

	if (!cn_window_mark_of(window, 0)->is_timed || (!slow && !many) || cn_is_main_site(diagnosis, window->key))
		return;
	report = cn_report_of_site(CN_FINDING_PAGE_FAULTS, slow ? CN_LIKELY : CN_SUSPECT, window->key,
		cn_worst_task(diagnosis, window->key, slow ? faulted_of : faults_of));
	if (slow) {
		cn_evidence(&report, "polls of tasks spawned here waited for pages %s times, for ",
			cn_format_count(n, sum.times[CN_OFF_fault]));
		cn_evidence_of_share(&report, &sum, waited);
	}
	if (sum.faults)
		cn_evidence(&report, "%s%s page faults in them, %s a second", slow ? "; " : "",
			cn_format_count(n, sum.faults), cn_format_count(rate, (uint64_t)cn_rate(sum.faults, sum.ns)));
	if (many && !slow) {
		cn_evidence(&report, "; at a microsecond each they would have taken ");
		cn_evidence_of_share(&report, &sum, cost);
	}
	cn_report(diagnosis, &report);
}

/* ---------------------------------------------------------- wait for a CPU */

/* The sites whose polls waited most, in the window. */
static size_t worst_sites(
	const struct cn_diagnosis *diagnosis, size_t runtime, uint64_t keys[WORST], uint64_t waited_ns[WORST])
{
	const struct cn_slots *windows = &diagnosis->load->windows;
	size_t n = 0;

	for (size_t i = 0; i < windows->used; i++) {
		const struct cn_window *window = cn_slots_at(windows, i);
		struct cn_window_mark sum;
		size_t at = n < WORST ? n : WORST;

		if (!window || cn_window_runtime(window->key) != runtime || !(uint32_t)window->key)
			continue;
		sum = cn_window_sum(window);
		for (; at && waited_ns[at - 1] < cn_waited_at(&sum); at--)
			if (at < WORST) {
				waited_ns[at] = waited_ns[at - 1];
				keys[at] = keys[at - 1];
			}
		if (at == WORST || !cn_waited_at(&sum))
			continue;
		waited_ns[at] = cn_waited_at(&sum);
		keys[at] = window->key;
		n += n < WORST;
	}
	return n;
}

static void put_sites(struct cn_diagnosis *diagnosis, struct cn_report *report, size_t runtime)
{
	uint64_t keys[WORST], waited_ns[WORST];
	size_t n = worst_sites(diagnosis, runtime, keys, waited_ns);
	char time[CN_FORMAT_BYTES];

	for (size_t i = 0; i < n; i++) {
		const struct cn_site *site = cn_model_site(diagnosis->model, runtime, (uint32_t)keys[i]);

		cn_evidence(report, "%s %s spawned at %s:%u", i ? "," : "; most of it those of",
			cn_safe(cn_model_string(diagnosis->model, runtime, site->name)),
			cn_safe(cn_path_base(cn_model_string(diagnosis->model, runtime, site->file))), site->line);
		cn_evidence(report, " for %s", cn_format_ns(time, waited_ns[i]));
	}
	if (n)
		report->site = (uint32_t)keys[0];
}

static void put_workers(struct cn_report *report, const struct cn_model *model, const struct cn_runtime *runtime)
{
	const struct cn_worker *worst = NULL;
	uint64_t most = 0;
	char time[CN_FORMAT_BYTES];
	uint32_t n = 0;

	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		const struct cn_kernel_sum *sum = cn_kernel_of_worker(model, runtime->index, runtime->workers[i].tid);

		if (runtime->workers[i].foreign || !sum || !waited_of(sum))
			continue;
		n++;
		if (waited_of(sum) <= most)
			continue;
		most = waited_of(sum);
		worst = &runtime->workers[i];
	}
	if (!worst)
		return;
	report->finding.worker = worst->index;
	cn_evidence(report, "; %u worker%s had to, most of all worker %u, for %s since it is looked at", n,
		n == 1 ? "" : "s", worst->index, cn_format_ns(time, most));
}

static void cpu_wait(struct cn_diagnosis *diagnosis, const struct cn_window *window)
{
	size_t runtime = cn_window_runtime(window->key);
	struct cn_window_mark sum = cn_window_sum(window);
	uint64_t waited = cn_waited_at(&sum);
	char queue[CN_FORMAT_BYTES], preempted[CN_FORMAT_BYTES];
	struct cn_report report;

	if (waited < diagnosis->opts.cpu_wait || !cn_is_share(waited, sum.busy_ns, SHARE_WAITED) ||
		cn_window_grown(window, cn_waited_at) < CN_WINDOW_GROWN_LEAST)
		return;
	report = cn_report_of_site(
		CN_FINDING_CPU_WAIT, CN_LIKELY, window->key, cn_worst_task(diagnosis, window->key, waited_of));
	cn_evidence(&report, "polls waited for a CPU for ");
	cn_evidence_of_share(&report, &sum, waited);
	cn_evidence(&report, " (%s of it preempted, %s after they had been blocked)",
		cn_format_ns(preempted, sum.off_ns[CN_OFF_preempted]),
		cn_format_ns(queue, sum.off_ns[CN_OFF_run_queue]));
	put_workers(&report, diagnosis->model, cn_model_runtime(diagnosis->model, runtime));
	put_sites(diagnosis, &report, runtime);
	cn_report(diagnosis, &report);
}

/* ------------------------------------------------------------------- rules */

void cn_rules_of_kernel(struct cn_diagnosis *diagnosis)
{
	const struct cn_slots *windows = &diagnosis->load->windows;

	if (!cn_kernel_measures(diagnosis->model, CN_KERNEL_SCHED) &&
		!cn_kernel_measures(diagnosis->model, CN_KERNEL_FAULTS))
		return;
	diagnosis->load->kernel_searches = 0;
	cn_windows_mark(diagnosis);
	cn_rule_blocking_calls(diagnosis);
	for (size_t i = 0; i < windows->used; i++) {
		const struct cn_window *window = cn_slots_at(windows, i);

		if (!window || !cn_tally(diagnosis, cn_window_runtime(window->key)))
			continue;
		if ((uint32_t)window->key)
			page_faults(diagnosis, window);
		else
			cpu_wait(diagnosis, window);
	}
}
