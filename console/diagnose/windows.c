/* SPDX-License-Identifier: MIT */
#include "diagnose/windows.h"

#include <errno.h>

#include "widget/format.h"

enum {
	SITES_MAX = 4096,
	SEARCHES = 4, /* of all tasks, in one diagnosis */
};

uint64_t cn_window_key(size_t runtime, uint32_t site)
{
	return ((uint64_t)runtime + 1) << 32 | site;
}

size_t cn_window_runtime(uint64_t key)
{
	return (size_t)(key >> 32) - 1;
}

void cn_kernel_windows_init(struct cn_load *load)
{
	cn_slots_init(&load->windows, sizeof(struct cn_window), SITES_MAX);
}

/* ----------------------------------------------------------------- windows */

const struct cn_window_mark *cn_window_mark_of(const struct cn_window *window, uint32_t before)
{
	return &window->marks[(window->n - 1 - before) % CN_WINDOW_MARKS];
}

uint32_t cn_window_rounds(const struct cn_window *window)
{
	uint32_t marks = window->n < CN_WINDOW_MARKS ? window->n : CN_WINDOW_MARKS;

	return marks ? marks - 1 : 0;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

struct cn_window_mark cn_window_sum(const struct cn_window *window)
{
	const struct cn_window_mark *newest, *oldest;
	struct cn_window_mark sum = { 0 };
	uint64_t off = 0;

	if (cn_window_rounds(window) == 0)
		return sum;
	newest = cn_window_mark_of(window, 0);
	oldest = cn_window_mark_of(window, cn_window_rounds(window));
	sum.ns = grown(newest->ns, oldest->ns);
	sum.busy_ns = grown(newest->busy_ns, oldest->busy_ns);
	sum.faults = grown(newest->faults, oldest->faults);
	for (int i = 0; i < CN_OFF_KIND_MAX; i++) {
		sum.off_ns[i] = grown(newest->off_ns[i], oldest->off_ns[i]);
		sum.times[i] = grown(newest->times[i], oldest->times[i]);
		off += sum.off_ns[i];
	}
	if (sum.busy_ns < off)
		sum.busy_ns = off;
	return sum;
}

uint64_t cn_waited_at(const struct cn_window_mark *mark)
{
	return mark->off_ns[CN_OFF_run_queue] + mark->off_ns[CN_OFF_preempted];
}

uint64_t cn_blocked_at(const struct cn_window_mark *mark)
{
	return mark->off_ns[CN_OFF_blocked];
}

uint64_t cn_faulted_at(const struct cn_window_mark *mark)
{
	return mark->off_ns[CN_OFF_fault];
}

uint32_t cn_window_grown(const struct cn_window *window, uint64_t (*at)(const struct cn_window_mark *))
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < cn_window_rounds(window); i++)
		n += at(cn_window_mark_of(window, i)) > at(cn_window_mark_of(window, i + 1));
	return n;
}

bool cn_is_share(uint64_t part, uint64_t whole, unsigned int percent)
{
	return whole && part >= whole / 100 * percent;
}

/* False: it is not known how long they took. */
static bool busy_of_site(const struct cn_diagnosis *diagnosis, size_t runtime, uint32_t site, uint64_t *ret_ns)
{
	const struct cn_histogram *histogram = cn_model_site_histogram(diagnosis->model, runtime, site);
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, runtime);
	uint64_t ns = site < tally->n_sites ? tally->sites[site].running_ns : 0;

	if (!histogram)
		return false;
	for (uint32_t i = 0; i < ROUSE_HISTOGRAM_BUCKETS; i++)
		ns += (uint64_t)histogram->poll[i] * ((3ull << i) / 2);
	*ret_ns = ns;
	return true;
}

static void add_sum(struct cn_window_mark *mark, const struct cn_kernel_sum *sum)
{
	for (int i = 0; i < CN_OFF_KIND_MAX; i++) {
		mark->off_ns[i] += sum->ns[i];
		mark->times[i] += sum->times[i];
	}
	mark->faults += sum->faults;
}

static void put_mark(struct cn_diagnosis *diagnosis, uint64_t key, const struct cn_window_mark *mark)
{
	void *row;
	int rc = cn_slots_put(&diagnosis->load->windows, key, &row);
	struct cn_window *window = rc ? NULL : row;

	if (rc == -ENOMEM)
		diagnosis->rc = rc;
	if (window)
		window->marks[window->n++ % CN_WINDOW_MARKS] = *mark;
}

static void mark_site(struct cn_diagnosis *diagnosis, size_t runtime, uint32_t site)
{
	const struct cn_kernel_sum *sum = cn_kernel_of_site(diagnosis->model, runtime, site);
	struct cn_window_mark mark = { .ns = cn_model_kernel(diagnosis->model)->now_ns };

	if (!sum)
		return;
	mark.is_timed = busy_of_site(diagnosis, runtime, site, &mark.busy_ns);
	add_sum(&mark, sum);
	put_mark(diagnosis, cn_window_key(runtime, site), &mark);
}

/* All workers together; site 0 is none. */
static void mark_runtime(struct cn_diagnosis *diagnosis, const struct cn_runtime *runtime)
{
	struct cn_window_mark mark = { .ns = cn_model_kernel(diagnosis->model)->now_ns, .is_timed = true };
	const struct cn_kernel_sum *sum;
	struct cn_split split;

	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		uint32_t tid = runtime->workers[i].tid;

		if (runtime->workers[i].foreign)
			continue;
		if (!cn_worker_split(diagnosis->model, runtime->index, tid, &split))
			return;
		mark.busy_ns += split.busy_ns;
		sum = cn_kernel_of_worker(diagnosis->model, runtime->index, tid);
		if (sum)
			add_sum(&mark, sum);
	}
	put_mark(diagnosis, cn_window_key(runtime->index, 0), &mark);
}

void cn_windows_mark(struct cn_diagnosis *diagnosis)
{
	const struct cn_kernel *kernel = cn_model_kernel(diagnosis->model);
	struct cn_load *load = diagnosis->load;

	if (load->kernel_rounds == kernel->rounds)
		return;
	load->kernel_rounds = kernel->rounds;
	for (size_t i = 0; i < load->n_runtimes; i++) {
		if (!cn_tally(diagnosis, i))
			continue;
		for (size_t site = 1; site < cn_model_sites(diagnosis->model, i); site++)
			mark_site(diagnosis, i, (uint32_t)site);
		mark_runtime(diagnosis, cn_model_runtime(diagnosis->model, i));
	}
}

/* --------------------------------------------------------------- reporting */

const struct cn_task *cn_worst_task(
	struct cn_diagnosis *diagnosis, uint64_t key, uint64_t (*of)(const struct cn_kernel_sum *))
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_task *worst = NULL;
	uint64_t most = 0;

	if (diagnosis->load->kernel_searches++ >= SEARCHES)
		return NULL;
	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);
		const struct cn_kernel_sum *sum;

		if (!task || task->runtime != cn_window_runtime(key) ||
			((uint32_t)key && task->spawn_site != (uint32_t)key))
			continue;
		sum = cn_kernel_of_task(model, task->id);
		if (sum && of(sum) > most) {
			most = of(sum);
			worst = task;
		}
	}
	return worst;
}

struct cn_report cn_report_of_site(
	enum cn_finding_code code, enum cn_class class, uint64_t key, const struct cn_task *task)
{
	struct cn_report report = cn_report_about(code, class, task);

	report.finding.runtime = (uint8_t)cn_window_runtime(key);
	report.about = key;
	report.at = NULL;
	report.site = (uint32_t)key;
	if (task)
		report.finding.worker = task->worker;
	return report;
}

void cn_evidence_of_share(struct cn_report *report, const struct cn_window_mark *sum, uint64_t part)
{
	char time[CN_FORMAT_BYTES], share[CN_FORMAT_BYTES], busy[CN_FORMAT_BYTES], span[CN_FORMAT_BYTES];

	cn_evidence(report, "%s, about %s of the %s that they took, in the last %s", cn_format_ns(time, part),
		cn_format_share(share, part, sum->busy_ns), cn_format_ns(busy, sum->busy_ns),
		cn_format_ns(span, sum->ns));
}

bool cn_is_main_site(const struct cn_diagnosis *diagnosis, uint64_t key)
{
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, cn_window_runtime(key));
	const struct cn_task *task = (uint32_t)key < tally->n_sites ? tally->sites[(uint32_t)key].slowest : NULL;

	return task && task->kind == ROUSE_KIND_MAIN;
}
