/* SPDX-License-Identifier: MIT */
/* Polls that block in system calls: single blocks, and what they come to. */
#include <string.h>

#include "diagnose/chain.h"
#include "diagnose/windows.h"
#include "export/text.h"
#include "widget/format.h"

enum { SHARE_BLOCKED = 20 /* percent of the time in polls */ };
#define BLOCKS_NS (10 * CN_S) /* single blocks are counted for so long */

static uint64_t blocked_of(const struct cn_kernel_sum *sum)
{
	return sum->ns[CN_OFF_blocked];
}

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
	uint64_t key = cn_window_key(block->runtime, block->site);
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

/* " in read on app.log": behind what was said before. */
static void put_what(struct cn_report *report, const struct cn_block *block)
{
	const char *call = cn_syscall_name((int)block->call);

	if (block->kind == CN_BLOCK_CALL && call)
		cn_evidence(report, " in %s", call);
	else if (block->kind == CN_BLOCK_CALL)
		cn_evidence(report, " in system call %u", block->call);
	else if (block->kind == CN_BLOCK_FAULT)
		cn_evidence(report, " by a page that is not there");
	if (*block->file)
		cn_evidence(report, " on %s", cn_safe(block->file));
}

static void put_waker(struct cn_report *report, const struct cn_block *block)
{
	if (block->waker_kind == CN_WAKER_OWN || block->waker_kind == CN_WAKER_FOREIGN)
		cn_evidence(report, "; thread %u (%s)%s ended it", block->waker, cn_safe(block->waker_name),
			block->waker_kind == CN_WAKER_FOREIGN ? " of another program" : "");
	else if (block->waker_kind == CN_WAKER_INTERRUPT)
		cn_evidence(report, "; an interrupt ended it");
}

/* " in read on app.log at flush (log.c:30); thread 7 (flusher) had the lock": likewise. */
static void put_block(struct cn_report *report, const struct cn_model *model, const struct cn_block *block)
{
	uint32_t own = cn_stack_own(model, &block->stack);
	const struct cn_symbol *symbol = block->stack.n ? cn_model_symbol(model, block->stack.pc[own]) : NULL;
	char code[160];

	put_what(report, block);
	if (symbol && strcmp(symbol->module, "[kernel]"))
		cn_evidence(report, " at %s", cn_code_text(code, sizeof code, model, block->stack.pc[own]));
	if (block->owner)
		cn_evidence(report, "; thread %u (%s) had the lock", block->owner, cn_safe(block->owner_name));
	put_waker(report, block);
}

/* Of those that have ended, the longest of the same tasks in the same call. */
static const struct cn_block *longest_like(const struct cn_model *model, const struct cn_block *wait)
{
	const struct cn_block *block;

	for (size_t i = 0; (block = cn_kernel_longest(model, i)); i++)
		if (block->runtime == wait->runtime && block->site == wait->site && block->kind == wait->kind &&
			block->call == wait->call)
			return block;
	return NULL;
}

void cn_evidence_of_wait(struct cn_report *report, const struct cn_model *model, const struct cn_block *wait)
{
	const struct cn_block *before = longest_like(model, wait);
	char time[CN_FORMAT_BYTES];
	size_t runtime;

	put_what(report, wait);
	cn_evidence(report, "%s %s", wait->begin_ns ? " for" : " for more than",
		cn_format_ns(time, wait->blocked_ns));
	if (wait->owner == wait->tid)
		cn_evidence(report, ": its own thread %u has the lock, since an earlier poll", wait->owner);
	else if (wait->owner && cn_kernel_runtime_of(model, wait->owner, &runtime))
		cn_evidence(report, ": thread %u (%s), a worker, has the lock", wait->owner, cn_safe(wait->owner_name));
	else if (wait->owner)
		cn_evidence(report, ": thread %u (%s), no worker, has the lock", wait->owner,
			cn_safe(wait->owner_name));
	if (!before)
		return;
	cn_evidence(report, " (so was one before, for %s", cn_format_ns(time, before->blocked_ns));
	put_waker(report, before);
	cn_evidence(report, ")");
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

		if (call && cn_window_key(call->runtime, call->site) == key && (!slowest || call->ns > slowest->ns))
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

		if (cn_window_key(poll->task->runtime, poll->task->spawn_site) == key &&
			(poll->told || cn_reported(diagnosis, CN_FINDING_BLOCKED_WORKER, poll->task->id)))
			return CN_SUSPECT;
	}
	return CN_LIKELY;
}

static void blocking_call(struct cn_diagnosis *diagnosis, const struct cn_window *window, const struct blocks *blocks)
{
	struct cn_window_mark sum = cn_window_sum(window);
	uint64_t blocked = cn_blocked_at(&sum);
	bool often = blocks && blocks->n >= CN_WINDOW_GROWN_LEAST;
	bool much = blocked >= diagnosis->opts.blocked && cn_window_mark_of(window, 0)->is_timed &&
		    cn_is_share(blocked, sum.busy_ns, SHARE_BLOCKED) &&
		    cn_window_grown(window, cn_blocked_at) >= CN_WINDOW_GROWN_LEAST &&
		    !cn_tally(diagnosis, cn_window_runtime(window->key))->overloaded;
	struct cn_report report;

	if ((!often && !much) || cn_is_main_site(diagnosis, window->key))
		return;
	report = cn_report_of_site(CN_FINDING_BLOCKING_CALL, class_of_site(diagnosis, window->key), window->key,
		blocks ? cn_model_task(diagnosis->model, blocks->longest->task)
		       : cn_worst_task(diagnosis, window->key, blocked_of));
	if (blocks) {
		name_tasks(&report, diagnosis->model, blocks);
		report.finding.since_ns = blocks->longest->begin_ns;
		put_blocks(&report, diagnosis->model, blocks);
	}
	if (much) {
		cn_evidence(
			&report, blocks ? "; they were blocked for " : "polls of tasks spawned here were blocked for ");
		cn_evidence_of_share(&report, &sum, blocked);
	}
	put_call(&report, diagnosis->model, window->key);
	cn_report(diagnosis, &report);
}

void cn_rule_blocking_calls(struct cn_diagnosis *diagnosis)
{
	const struct cn_slots *windows = &diagnosis->load->windows;
	struct all_blocks blocks;

	find_blocks(diagnosis, &blocks);
	for (size_t i = 0; i < windows->used; i++) {
		const struct cn_window *window = cn_slots_at(windows, i);

		if (window && (uint32_t)window->key && cn_tally(diagnosis, cn_window_runtime(window->key)))
			blocking_call(diagnosis, window, blocks_of(&blocks, window->key));
	}
}
