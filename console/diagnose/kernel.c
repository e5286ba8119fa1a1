/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of polls: blocked in a system call, by pages that were
 * not there, or in want of a CPU.
 *
 * Judged is a window of the last rounds of the kernel's stream, not all that
 * was counted since somebody began to look: what is over is over. A row for
 * each spawn site that the kernel has a sum of, and one for each runtime,
 * keeps what was counted at the end of each round. Nothing is said of what has
 * grown in one round only.
 *
 * How long polls took in all is known by spawn site only from the histogram of
 * its polls, as tasks come and go: a power of two for each, of which the
 * middle is taken. A share so made is "about" that.
 */
#include "model/kernel.h"

#include <errno.h>
#include <string.h>

#include "diagnose/chain.h"
#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"

enum {
	SITES_MAX = 4096,
	SHARE_BLOCKED = 20, /* percent of the time in polls */
	SHARE_FAULTS = 20,
	SHARE_WAITED = 30,
	SHARE_COMMON_FAULTS = 30,
	FAULTS_PER_SECOND = 10000,
	GROWN_LEAST = 2, /* rounds of the window in which it grew */
	WORST = 2,       /* sites and workers that are told */
	SEARCHES = 4,    /* of all tasks, in one diagnosis */
};
#define BLOCKS_NS (10 * CN_S) /* single blocks are counted for so long */
#define FAULT_NS 1000ull      /* what a page fault costs that has not to wait: half as much to twice as much */

static uint64_t key_of(size_t runtime, uint32_t site)
{
	return ((uint64_t)runtime + 1) << 32 | site;
}

static size_t runtime_of(uint64_t key)
{
	return (size_t)(key >> 32) - 1;
}

void cn_kernel_windows_init(struct cn_load *load)
{
	cn_slots_init(&load->windows, sizeof(struct cn_window), SITES_MAX);
}

/* ----------------------------------------------------------------- windows */

static const struct cn_window_mark *mark_of(const struct cn_window *window, uint32_t before)
{
	return &window->marks[(window->n - 1 - before) % CN_WINDOW_MARKS];
}

static uint32_t rounds_in(const struct cn_window *window)
{
	uint32_t marks = window->n < CN_WINDOW_MARKS ? window->n : CN_WINDOW_MARKS;

	return marks ? marks - 1 : 0;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* What has been counted in the window. */
static struct cn_window_mark sum_of(const struct cn_window *window)
{
	const struct cn_window_mark *newest, *oldest;
	struct cn_window_mark sum = { 0 };
	uint64_t off = 0;

	if (rounds_in(window) == 0)
		return sum;
	newest = mark_of(window, 0);
	oldest = mark_of(window, rounds_in(window));
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

static uint64_t waited_at(const struct cn_window_mark *mark)
{
	return mark->off_ns[CN_OFF_run_queue] + mark->off_ns[CN_OFF_preempted];
}

static uint64_t blocked_at(const struct cn_window_mark *mark)
{
	return mark->off_ns[CN_OFF_blocked];
}

static uint64_t faulted_at(const struct cn_window_mark *mark)
{
	return mark->off_ns[CN_OFF_fault];
}

static uint32_t rounds_grown(const struct cn_window *window, uint64_t (*at)(const struct cn_window_mark *))
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rounds_in(window); i++)
		n += at(mark_of(window, i)) > at(mark_of(window, i + 1));
	return n;
}

static bool is_share(uint64_t part, uint64_t whole, unsigned int percent)
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
	put_mark(diagnosis, key_of(runtime, site), &mark);
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
	put_mark(diagnosis, key_of(runtime->index, 0), &mark);
}

/* Once for each round that came. */
static void mark_round(struct cn_diagnosis *diagnosis)
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

/* Of living tasks of the site the one with most of it; 0 = all sites. */
static const struct cn_task *worst_task(
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

		if (!task || task->runtime != runtime_of(key) || ((uint32_t)key && task->spawn_site != (uint32_t)key))
			continue;
		sum = cn_kernel_of_task(model, task->id);
		if (sum && of(sum) > most) {
			most = of(sum);
			worst = task;
		}
	}
	return worst;
}

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

static uint64_t blocked_of(const struct cn_kernel_sum *sum)
{
	return sum->ns[CN_OFF_blocked];
}

/* At the line that spawns them: where a task stands when it is looked at has nothing to do with it. */
static struct cn_report about_site(
	enum cn_finding_code code, enum cn_class class, uint64_t key, const struct cn_task *task)
{
	struct cn_report report = cn_report_about(code, class, task);

	report.finding.runtime = (uint8_t)runtime_of(key);
	report.about = key;
	report.at = NULL;
	report.site = (uint32_t)key;
	if (task)
		report.finding.worker = task->worker;
	return report;
}

static void put_share(struct cn_report *report, const struct cn_window_mark *sum, uint64_t part)
{
	char time[CN_FORMAT_BYTES], share[CN_FORMAT_BYTES], busy[CN_FORMAT_BYTES], span[CN_FORMAT_BYTES];

	cn_evidence(report, "%s, about %s of the %s that they took, in the last %s", cn_format_ns(time, part),
		cn_format_share(share, part, sum->busy_ns), cn_format_ns(busy, sum->busy_ns),
		cn_format_ns(span, sum->ns));
}

/* ----------------------------------------------------------- blocking calls */

/* Single blocks of one spawn site, as far as they are remembered. */
struct blocks {
	uint64_t key;
	uint32_t n;
	uint64_t sum_ns;
	const struct cn_block *longest;
	uint64_t tasks[CN_FINDING_TASKS];
	uint32_t n_tasks;
};

struct all_blocks {
	struct blocks list[64];
	size_t n;
};

/* Who has the lock that it waited for may have waited for a CPU. */
static bool is_of_the_machine(const struct cn_diagnosis *diagnosis, const struct cn_block *block)
{
	const char *call = cn_syscall_name((int)block->call);

	return call && strcmp(call, "futex") == 0 && cn_tally(diagnosis, block->runtime)->overloaded;
}

static bool counts(const struct cn_diagnosis *diagnosis, const struct cn_block *block)
{
	const struct cn_task *task = cn_model_task(diagnosis->model, block->task);

	return block->kind == CN_BLOCK_CALL && block->blocked_ns >= diagnosis->opts.block &&
	       cn_tally(diagnosis, block->runtime) && !is_of_the_machine(diagnosis, block) &&
	       !(task && task->kind == ROUSE_KIND_MAIN);
}

static void add_block(struct all_blocks *all, const struct cn_block *block)
{
	uint64_t key = key_of(block->runtime, block->site);
	struct blocks *blocks;
	size_t at = 0;

	while (at < all->n && all->list[at].key != key)
		at++;
	if (at == sizeof all->list / sizeof all->list[0])
		return;
	blocks = &all->list[at];
	if (at == all->n) {
		*blocks = (struct blocks){ .key = key };
		all->n++;
	}
	blocks->n++;
	blocks->sum_ns += block->blocked_ns;
	if (!blocks->longest || block->blocked_ns > blocks->longest->blocked_ns)
		blocks->longest = block;
	for (uint32_t i = 0; i < blocks->n_tasks; i++)
		if (blocks->tasks[i] == block->task)
			return;
	if (blocks->n_tasks < CN_FINDING_TASKS)
		blocks->tasks[blocks->n_tasks++] = block->task;
}

static void find_blocks(const struct cn_diagnosis *diagnosis, struct all_blocks *all)
{
	uint64_t now = cn_model_kernel(diagnosis->model)->now_ns;
	const struct cn_block *block;

	all->n = 0;
	for (size_t i = 0; (block = cn_kernel_block(diagnosis->model, i)); i++)
		if (block->begin_ns + BLOCKS_NS >= now && counts(diagnosis, block))
			add_block(all, block);
}

static const struct blocks *blocks_of(const struct all_blocks *all, uint64_t key)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].key == key)
			return &all->list[i];
	return NULL;
}

/* " in read on app.log at flush (log.c:30); thread 7 (flusher) had the lock": behind what was said before. */
static void put_block(struct cn_report *report, const struct cn_model *model, const struct cn_block *block)
{
	const char *call = cn_syscall_name((int)block->call);
	uint32_t own = cn_stack_own(model, &block->stack);
	const struct cn_symbol *symbol = block->stack.n ? cn_model_symbol(model, block->stack.pc[own]) : NULL;
	char code[160];

	if (block->kind == CN_BLOCK_CALL && call)
		cn_evidence(report, " in %s", call);
	else if (block->kind == CN_BLOCK_CALL)
		cn_evidence(report, " in system call %u", block->call);
	if (*block->file)
		cn_evidence(report, " on %s", cn_safe(block->file));
	if (symbol && strcmp(symbol->module, "[kernel]"))
		cn_evidence(report, " at %s", cn_code_text(code, sizeof code, model, block->stack.pc[own]));
	if (block->owner)
		cn_evidence(report, "; thread %u (%s) had the lock", block->owner, cn_safe(block->owner_name));
	if (block->waker_kind == CN_WAKER_OWN || block->waker_kind == CN_WAKER_FOREIGN)
		cn_evidence(report, "; thread %u (%s)%s ended it", block->waker, cn_safe(block->waker_name),
			block->waker_kind == CN_WAKER_FOREIGN ? " of another program" : "");
	else if (block->waker_kind == CN_WAKER_INTERRUPT)
		cn_evidence(report, "; an interrupt ended it");
}

static void name_tasks(struct cn_report *report, const struct cn_model *model, const struct blocks *blocks)
{
	report->finding.n_tasks = 0;
	for (int living = 1; living >= 0; living--) /* those that are there come first */
		for (uint32_t i = 0; i < blocks->n_tasks; i++)
			if ((cn_model_task(model, blocks->tasks[i]) != NULL) == living)
				report->finding.tasks[report->finding.n_tasks++] = blocks->tasks[i];
}

static void put_blocks(struct cn_report *report, const struct cn_model *model, const struct blocks *blocks)
{
	const struct cn_block *longest = blocks->longest;
	char sum[CN_FORMAT_BYTES], most[CN_FORMAT_BYTES];

	cn_evidence(report, "polls of tasks spawned here were blocked %u times for %s in all, task %llu for %s",
		blocks->n, cn_format_ns(sum, blocks->sum_ns), (unsigned long long)longest->task,
		cn_format_ns(most, longest->blocked_ns));
	put_block(report, model, longest);
}

/* The system call that took most of the time of polls of that site. */
static const struct cn_kernel_call *slowest_call(const struct cn_model *model, uint64_t key)
{
	const struct cn_kernel_call *slowest = NULL;

	for (size_t i = 0; i < cn_kernel_call_slots(model); i++) {
		const struct cn_kernel_call *call = cn_kernel_call_at(model, i);

		if (call && key_of(call->runtime, call->site) == key && (!slowest || call->ns > slowest->ns))
			slowest = call;
	}
	return slowest;
}

static void put_call(struct cn_report *report, const struct cn_model *model, uint64_t key)
{
	const struct cn_kernel_call *call = slowest_call(model, key);
	const char *name = call ? cn_syscall_name((int)call->number) : NULL;
	char n[CN_FORMAT_BYTES], sum[CN_FORMAT_BYTES], most[CN_FORMAT_BYTES];

	if (!call || !call->ns)
		return;
	if (name)
		cn_evidence(report, "; most of it in %s", name);
	else
		cn_evidence(report, "; most of it in system call %u", call->number);
	cn_evidence(report, " (%s calls, %s in all, the longest %s", cn_format_count(n, call->calls),
		cn_format_ns(sum, call->ns), cn_format_ns(most, call->longest_ns));
	cn_evidence(report, "%s%s)", *call->longest_file ? " on " : "", cn_safe(call->longest_file));
}

/* One poll of it that does not end is told already, and tells less of where; but it is there now. */
static enum cn_class class_of_site(const struct cn_diagnosis *diagnosis, uint64_t key)
{
	for (uint32_t i = 0; i < diagnosis->load->n_polls; i++) {
		const struct cn_poll *poll = &diagnosis->load->polls[i];

		if (key_of(poll->task->runtime, poll->task->spawn_site) == key &&
			(poll->told || cn_reported(diagnosis, CN_FINDING_BLOCKED_WORKER, poll->task->id)))
			return CN_SUSPECT;
	}
	return CN_LIKELY;
}

static bool is_main(const struct cn_diagnosis *diagnosis, uint64_t key)
{
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, runtime_of(key));
	const struct cn_task *task = (uint32_t)key < tally->n_sites ? tally->sites[(uint32_t)key].slowest : NULL;

	return task && task->kind == ROUSE_KIND_MAIN;
}

static void blocking_call(struct cn_diagnosis *diagnosis, const struct cn_window *window, const struct blocks *blocks)
{
	struct cn_window_mark sum = sum_of(window);
	uint64_t blocked = blocked_at(&sum);
	bool often = blocks && blocks->n >= GROWN_LEAST;
	bool much = blocked >= diagnosis->opts.blocked && mark_of(window, 0)->is_timed &&
		    is_share(blocked, sum.busy_ns, SHARE_BLOCKED) && rounds_grown(window, blocked_at) >= GROWN_LEAST &&
		    !cn_tally(diagnosis, runtime_of(window->key))->overloaded;
	struct cn_report report;

	if ((!often && !much) || is_main(diagnosis, window->key))
		return;
	report = about_site(CN_FINDING_BLOCKING_CALL, class_of_site(diagnosis, window->key), window->key,
		blocks ? cn_model_task(diagnosis->model, blocks->longest->task)
		       : worst_task(diagnosis, window->key, blocked_of));
	if (blocks) {
		name_tasks(&report, diagnosis->model, blocks);
		report.finding.since_ns = blocks->longest->begin_ns;
		put_blocks(&report, diagnosis->model, blocks);
	}
	if (much) {
		cn_evidence(
			&report, blocks ? "; they were blocked for " : "polls of tasks spawned here were blocked for ");
		put_share(&report, &sum, blocked);
	}
	put_call(&report, diagnosis->model, window->key);
	cn_report(diagnosis, &report);
}

/* -------------------------------------------------------------- page faults */

static void page_faults(struct cn_diagnosis *diagnosis, const struct cn_window *window)
{
	struct cn_window_mark sum = sum_of(window);
	uint64_t waited = faulted_at(&sum), cost = sum.faults * FAULT_NS;
	bool slow = waited >= diagnosis->opts.fault_wait && is_share(waited, sum.busy_ns, SHARE_FAULTS) &&
		    rounds_grown(window, faulted_at) >= GROWN_LEAST;
	bool many = rounds_in(window) >= GROWN_LEAST && cn_rate(sum.faults, sum.ns) >= FAULTS_PER_SECOND &&
		    is_share(cost, sum.busy_ns, SHARE_COMMON_FAULTS);
	char n[CN_FORMAT_BYTES], rate[CN_FORMAT_BYTES];
	struct cn_report report;

	if (!mark_of(window, 0)->is_timed || (!slow && !many) || is_main(diagnosis, window->key))
		return;
	report = about_site(CN_FINDING_PAGE_FAULTS, slow ? CN_LIKELY : CN_SUSPECT, window->key,
		worst_task(diagnosis, window->key, slow ? faulted_of : faults_of));
	if (slow) {
		cn_evidence(&report, "polls of tasks spawned here waited for pages %s times, for ",
			cn_format_count(n, sum.times[CN_OFF_fault]));
		put_share(&report, &sum, waited);
	}
	if (sum.faults)
		cn_evidence(&report, "%s%s page faults in them, %s a second", slow ? "; " : "",
			cn_format_count(n, sum.faults), cn_format_count(rate, (uint64_t)cn_rate(sum.faults, sum.ns)));
	if (many && !slow) {
		cn_evidence(&report, "; at a microsecond each they would have taken ");
		put_share(&report, &sum, cost);
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

		if (!window || runtime_of(window->key) != runtime || !(uint32_t)window->key)
			continue;
		sum = sum_of(window);
		for (; at && waited_ns[at - 1] < waited_at(&sum); at--)
			if (at < WORST) {
				waited_ns[at] = waited_ns[at - 1];
				keys[at] = keys[at - 1];
			}
		if (at == WORST || !waited_at(&sum))
			continue;
		waited_ns[at] = waited_at(&sum);
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
	size_t runtime = runtime_of(window->key);
	struct cn_window_mark sum = sum_of(window);
	uint64_t waited = waited_at(&sum);
	char queue[CN_FORMAT_BYTES], preempted[CN_FORMAT_BYTES];
	struct cn_report report;

	if (waited < diagnosis->opts.cpu_wait || !is_share(waited, sum.busy_ns, SHARE_WAITED) ||
		rounds_grown(window, waited_at) < GROWN_LEAST)
		return;
	report = about_site(CN_FINDING_CPU_WAIT, CN_LIKELY, window->key, worst_task(diagnosis, window->key, waited_of));
	cn_evidence(&report, "polls waited for a CPU for ");
	put_share(&report, &sum, waited);
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
	struct all_blocks blocks;

	if (!cn_kernel_measures(diagnosis->model, CN_KERNEL_SCHED) &&
		!cn_kernel_measures(diagnosis->model, CN_KERNEL_FAULTS))
		return;
	diagnosis->load->kernel_searches = 0;
	mark_round(diagnosis);
	find_blocks(diagnosis, &blocks);
	for (size_t i = 0; i < windows->used; i++) {
		const struct cn_window *window = cn_slots_at(windows, i);

		if (!window || !cn_tally(diagnosis, runtime_of(window->key)))
			continue;
		if ((uint32_t)window->key) {
			blocking_call(diagnosis, window, blocks_of(&blocks, window->key));
			page_faults(diagnosis, window);
		} else
			cpu_wait(diagnosis, window);
	}
}
