/* SPDX-License-Identifier: MIT */
/*
 * Sums by key, and samples by stack; blocks are in blocks.c. All are bounded:
 * tasks come and go, and what is said of the ended ones is dropped when there
 * is no room.
 */
#include "model/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/text.h"
#include "model/found.h"
#include "model/kernel_private.h"

enum {
	TASKS_LIMIT = 1 << 17,
	SITES_LIMIT = 1 << 16,
	CALLS_LIMIT = 1 << 14,
	STACKS_LIMIT = 1 << 15,
	BY_TASK = 1,
	BY_SITE,
	BY_WORKER
};

struct stack_row {
	uint64_t key; /* a hash of all that follows */
	uint64_t task;
	uint64_t *pc;
	uint32_t site, count;
	uint8_t runtime, n;
};

/* A runtime's busy time as the kernel began to measure. */
struct before {
	uint64_t key; /* as of sums */
	uint64_t busy_ns;
};

static struct cn_kernel_state *make(void)
{
	struct cn_kernel_state *kernel = calloc(1, sizeof *kernel);

	if (!kernel)
		return NULL;
	cn_slots_init(&kernel->tasks, sizeof(struct cn_kernel_sum), TASKS_LIMIT);
	cn_slots_init(&kernel->sites, sizeof(struct cn_kernel_sum), SITES_LIMIT);
	cn_slots_init(&kernel->workers, sizeof(struct cn_kernel_sum), CN_WORKERS_MAX);
	cn_slots_init(&kernel->calls, sizeof(struct cn_kernel_call), CALLS_LIMIT);
	cn_slots_init(&kernel->waits, sizeof(struct cn_wait_row), CN_WORKERS_MAX);
	cn_slots_init(&kernel->stacks, sizeof(struct stack_row), STACKS_LIMIT);
	cn_slots_init(&kernel->tasks_before, sizeof(struct before), CN_TASKS_LIMIT);
	cn_slots_init(&kernel->workers_before, sizeof(struct before), CN_WORKERS_MAX);
	return kernel;
}

void cn_kernel_free(struct cn_kernel_state *kernel)
{
	if (!kernel)
		return;
	for (size_t i = 0; i < kernel->stacks.used; i++) {
		struct stack_row *row = cn_slots_at(&kernel->stacks, i);

		if (row)
			free(row->pc);
	}
	cn_slots_fini(&kernel->tasks);
	cn_slots_fini(&kernel->sites);
	cn_slots_fini(&kernel->workers);
	cn_slots_fini(&kernel->calls);
	cn_slots_fini(&kernel->waits);
	cn_slots_fini(&kernel->stacks);
	cn_slots_fini(&kernel->tasks_before);
	cn_slots_fini(&kernel->workers_before);
	free(kernel);
}

bool cn_kernel_runtime_of(const struct cn_model *model, uint32_t tid, size_t *ret_runtime)
{
	/* A worker whose thread has not begun has number 0. */
	for (size_t r = 0; tid && r < CN_RUNTIMES_MAX; r++) {
		const struct cn_runtime *runtime = cn_model_runtime(model, r);

		for (uint32_t w = 0; runtime && w < runtime->n_workers; w++) {
			if (runtime->workers[w].foreign || runtime->workers[w].tid != tid)
				continue;
			*ret_runtime = r;
			return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------------- busy */

static uint64_t worker_busy_ns(const struct cn_runtime *runtime, const struct cn_worker *worker)
{
	uint64_t busy = worker->counters.busy_ticks;

	if (worker->current_task && worker->poll_start_ns && runtime->now_ns > worker->poll_start_ns)
		busy += runtime->now_ns - worker->poll_start_ns;
	return busy;
}

static uint64_t ended_tasks(const struct cn_runtime *runtime)
{
	return runtime->total.completed + runtime->total.cancelled + runtime->total.panicked;
}

static int keep(struct cn_slots *slots, uint64_t key, uint64_t busy_ns)
{
	void *row;
	int rc = busy_ns ? cn_slots_put(slots, key, &row) : 1;

	if (rc == 0)
		((struct before *)row)->busy_ns = busy_ns;
	return rc == -ENOMEM ? rc : 0;
}

/* What the runtime had counted when the first round came. */
static int keep_before(struct cn_model *model, struct cn_kernel_state *kernel)
{
	int rc = 0;

	for (size_t i = 0; i < cn_model_task_slots(model) && rc == 0; i++) {
		const struct cn_task *task = cn_model_task_at(model, i);

		if (task)
			rc = keep(&kernel->tasks_before, task->id, cn_task_busy_ns(model, task));
	}
	for (size_t r = 0; r < CN_RUNTIMES_MAX; r++) {
		const struct cn_runtime *runtime = cn_model_runtime(model, r);

		if (runtime)
			kernel->ended[r] = ended_tasks(runtime);
		for (uint32_t w = 0; runtime && w < runtime->n_workers && rc == 0; w++)
			if (!runtime->workers[w].foreign)
				rc = keep(&kernel->workers_before, cn_kernel_key(r, runtime->workers[w].tid),
					worker_busy_ns(runtime, &runtime->workers[w]));
	}
	return rc;
}

static uint64_t since_before(const struct cn_slots *slots, uint64_t key, uint64_t busy_ns)
{
	const struct before *before = cn_slots_find(slots, key);

	if (!before)
		return busy_ns;
	return busy_ns > before->busy_ns ? busy_ns - before->busy_ns : 0;
}

static bool is_timed(const struct cn_model *model, size_t runtime)
{
	const struct cn_runtime *known = cn_model_runtime(model, runtime);

	return known && known->level > 0 && cn_kernel_measures(model, CN_KERNEL_SCHED);
}

static void split(const struct cn_kernel_sum *sum, uint64_t busy_ns, struct cn_split *ret_split)
{
	uint64_t off = 0;

	*ret_split = (struct cn_split){ .busy_ns = busy_ns };
	for (int i = 0; sum && i < CN_OFF_KIND_MAX; i++) {
		ret_split->off_ns[i] = sum->ns[i];
		off += sum->ns[i];
	}
	ret_split->cpu_ns = busy_ns > off ? busy_ns - off : 0;
}

bool cn_task_split(const struct cn_model *model, const struct cn_task *task, struct cn_split *ret_split)
{
	if (!is_timed(model, task->runtime))
		return false;
	split(cn_kernel_of_task(model, task->id),
		since_before(&model->kernel->tasks_before, task->id, cn_task_busy_ns(model, task)), ret_split);
	return true;
}

bool cn_site_split(const struct cn_model *model, size_t runtime, uint32_t site, struct cn_split *ret_split)
{
	uint64_t busy = 0;

	if (!is_timed(model, runtime))
		return false;
	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);

		if (task && task->runtime == runtime && task->spawn_site == site)
			busy += since_before(
				&model->kernel->tasks_before, task->id, cn_task_busy_ns(model, task));
	}
	split(cn_kernel_of_site(model, runtime, site), busy, ret_split);
	ret_split->at_least = ended_tasks(cn_model_runtime(model, runtime)) > model->kernel->ended[runtime];
	return true;
}

bool cn_worker_split(const struct cn_model *model, size_t runtime, uint32_t tid, struct cn_split *ret_split)
{
	const struct cn_runtime *known = cn_model_runtime(model, runtime);

	for (uint32_t w = 0; is_timed(model, runtime) && w < known->n_workers; w++) {
		const struct cn_worker *worker = &known->workers[w];

		if (worker->foreign || worker->tid != tid)
			continue;
		split(cn_kernel_of_worker(model, runtime, tid),
			since_before(&model->kernel->workers_before, cn_kernel_key(runtime, tid),
				worker_busy_ns(known, worker)),
			ret_split);
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------- rows */

static struct cn_kernel_sum *sum_of(
	struct cn_kernel_state *kernel, const Rouse__V1__KernelSums *rows, size_t i, size_t runtime, int *ret_rc)
{
	void *row = NULL;

	switch (rows->by[i]) {
	case BY_TASK:
		*ret_rc = rows->id[i] ? cn_slots_put(&kernel->tasks, rows->id[i], &row) : -E2BIG;
		break;
	case BY_SITE:
		*ret_rc = cn_slots_put(&kernel->sites, cn_kernel_key(runtime, (uint32_t)rows->id[i]), &row);
		break;
	case BY_WORKER:
		*ret_rc = cn_slots_put(&kernel->workers, cn_kernel_key(runtime, (uint32_t)rows->id[i]), &row);
		break;
	default:
		*ret_rc = -E2BIG;
	}
	return *ret_rc ? NULL : row;
}

#define TAKE(member, column)                                                                                           \
	do {                                                                                                           \
		if (rows->n_##column)                                                                                  \
			sum->member = rows->column[i];                                                                 \
	} while (0)

static int apply_sums(struct cn_model *model, const Rouse__V1__KernelSums *rows)
{
	int rc = 0;

	for (size_t i = 0; i < rows->n_by && rows->n_id && rc != -ENOMEM; i++) {
		struct cn_kernel_sum *sum;
		size_t runtime;

		if (!cn_kernel_runtime_of(model, CN_COLUMN(rows, worker, i, 0), &runtime))
			continue;
		sum = sum_of(model->kernel, rows, i, runtime, &rc);
		if (!sum)
			continue;
		sum->runtime = (uint8_t)runtime;
		TAKE(site, site);
#define X(name, word)                                                                                                  \
	TAKE(ns[CN_OFF_##name], name##_ns);                                                                            \
	TAKE(times[CN_OFF_##name], name);
		CN_OFF_KINDS(X)
#undef X
		TAKE(longest_ns, longest_ns);
		if (rows->n_longest_kind && rows->longest_kind[i] < CN_OFF_KIND_MAX)
			sum->longest_kind = (uint8_t)rows->longest_kind[i];
		TAKE(calls, calls);
		TAKE(calls_ns, calls_ns);
		TAKE(faults, faults);
		TAKE(samples, samples);
	}
	return rc == -ENOMEM ? rc : 0;
}

static int apply_calls(struct cn_model *model, const Rouse__V1__KernelCalls *rows)
{
	for (size_t i = 0; i < rows->n_site; i++) {
		const uint32_t number = CN_COLUMN(rows, number, i, 0);
		struct cn_kernel_call *call;
		size_t runtime;
		void *row;
		int rc;

		if (!cn_kernel_runtime_of(model, CN_COLUMN(rows, worker, i, 0), &runtime))
			continue;
		/* There are less than 2^24 numbers of calls, and less than 2^32 sites. */
		rc = cn_slots_put(&model->kernel->calls,
			((uint64_t)runtime + 1) << 56 | (uint64_t)rows->site[i] << 24 | (number & 0xffffff), &row);
		if (rc == -ENOMEM)
			return rc;
		if (rc)
			continue;
		call = row;
		call->runtime = (uint8_t)runtime;
		call->site = rows->site[i];
		call->number = number;
		call->calls = CN_COLUMN(rows, calls, i, 0);
		call->ns = CN_COLUMN(rows, ns, i, 0);
		call->longest_ns = CN_COLUMN(rows, longest_ns, i, 0);
		call->longest_argument = CN_COLUMN(rows, longest_argument, i, 0);
		snprintf(call->longest_file, sizeof call->longest_file, "%s", CN_COLUMN(rows, longest_file, i, ""));
	}
	return 0;
}

static int apply_symbols(struct cn_model *model, const Rouse__V1__KernelSymbols *rows)
{
	int rc = 0;

	for (size_t i = 0; i < rows->n_pc && rc == 0; i++) {
		struct cn_symbol symbol = { .pc = rows->pc[i], .module = "[kernel]" };

		snprintf(symbol.function, sizeof symbol.function, "%s", CN_COLUMN(rows, name, i, ""));
		rc = cn_model_put_symbol(model, &symbol);
	}
	return rc;
}

/* Tasks that have ended make room, once there are many. */
static void forget_ended(struct cn_model *model)
{
	struct cn_slots *tasks = &model->kernel->tasks;

	for (size_t i = 0; tasks->live > TASKS_LIMIT / 2 && i < tasks->used; i++) {
		const struct cn_kernel_sum *sum = cn_slots_at(tasks, i);

		if (sum && !cn_model_task(model, sum->key))
			cn_slots_remove(tasks, sum->key);
	}
}

static int apply_round(struct cn_model *model, const Rouse__V1__Kernel *round)
{
	struct cn_kernel *shown = &model->kernel->shown;
	int rc = shown->rounds ? 0 : keep_before(model, model->kernel);

	if (rc)
		return rc;
	shown->rounds++;
	shown->since_ns = round->since_ns;
	shown->now_ns = round->mono_ns;
	for (size_t i = 0; i < round->n_group; i++) {
		struct cn_kernel_group_state *group;

		if (!round->group[i] || round->group[i] >= CN_KERNEL_GROUP_MAX)
			continue;
		group = &shown->groups[round->group[i]];
		group->wanted = true;
		group->status = CN_COLUMN(round, status, i, 0);
		group->uncounted = CN_COLUMN(round, uncounted, i, 0);
		cn_text_safe(group->why, sizeof group->why, CN_COLUMN(round, why, i, ""), false);
	}
	shown->block_ns = round->block_ns;
	shown->profile_hz = round->profile_hz;
	shown->blocks = round->blocks;
	shown->blocks_lost = round->blocks_lost;
	shown->samples = round->samples;
	shown->samples_lost = round->samples_lost;
	shown->late_workers = round->late_workers;
	shown->unfollowed_workers = round->unfollowed_workers;
	shown->ended = round->ended;
	forget_ended(model);
	return 1;
}

int cn_kernel_state_of(struct cn_model *model)
{
	if (!model->kernel)
		model->kernel = make();
	return model->kernel ? 0 : -ENOMEM;
}

int cn_kernel_apply(struct cn_model *model, const Rouse__V1__Frame *frame)
{
	if (cn_kernel_state_of(model))
		return -ENOMEM;
	cn_found_kernel(model, frame);
	switch (frame->body_case) {
	case ROUSE__V1__FRAME__BODY_KERNEL_SUMS:
		return apply_sums(model, frame->kernel_sums);
	case ROUSE__V1__FRAME__BODY_KERNEL_CALLS:
		return apply_calls(model, frame->kernel_calls);
	case ROUSE__V1__FRAME__BODY_KERNEL_SYMBOLS:
		return apply_symbols(model, frame->kernel_symbols);
	case ROUSE__V1__FRAME__BODY_KERNEL:
		return apply_round(model, frame->kernel);
	case ROUSE__V1__FRAME__BODY_ERROR:
		model->error = frame->error->code;
		snprintf(model->error_text, sizeof model->error_text, "%s", frame->error->text);
		return -EREMOTEIO;
	default:
		return 0;
	}
}

int cn_kernel_refused(struct cn_model *model, uint32_t groups, int status, const char *why)
{
	if (cn_kernel_state_of(model))
		return -ENOMEM;
	for (unsigned int i = CN_KERNEL_NONE + 1; i < CN_KERNEL_GROUP_MAX; i++) {
		struct cn_kernel_group_state *group = &model->kernel->shown.groups[i];

		if (!(groups & 1u << i))
			continue;
		group->wanted = true;
		group->status = status;
		cn_text_safe(group->why, sizeof group->why, why, false);
	}
	cn_found_note(model, groups, status, why, 0);
	return 0;
}

int cn_kernel_lost(struct cn_model *model, uint64_t rows)
{
	if (cn_kernel_state_of(model))
		return -ENOMEM;
	model->kernel->shown.stacks_lost += rows;
	cn_found_note(model, 0, 0, "", rows);
	return 0;
}

/* ---------------------------------------------------------------- samples */

/* FNV-1a, over words; 0 is no key. */
static uint64_t hash(size_t runtime, uint32_t site, uint64_t task, const uint64_t *pc, uint32_t n)
{
	uint64_t h = 0xcbf29ce484222325ull;

	h = (h ^ runtime) * 0x100000001b3ull;
	h = (h ^ site) * 0x100000001b3ull;
	h = (h ^ task) * 0x100000001b3ull;
	for (uint32_t i = 0; i < n; i++)
		h = (h ^ pc[i]) * 0x100000001b3ull;
	return h ? h : 1;
}

static bool is_same(const struct stack_row *row, size_t runtime, uint32_t site, uint64_t task, const uint64_t *pc,
	uint32_t n)
{
	return row->runtime == runtime && row->site == site && row->task == task && row->n == n &&
	       (n == 0 || memcmp(row->pc, pc, n * sizeof *pc) == 0);
}

int cn_kernel_put_sample(
	struct cn_model *model, size_t runtime, uint32_t site, uint64_t task, const uint64_t *pc, uint32_t n)
{
	struct stack_row *row;
	void *at = NULL;
	int rc;

	if (cn_kernel_state_of(model))
		return -ENOMEM;
	if (n > CN_STACK_MAX)
		n = CN_STACK_MAX;
	cn_found_sample(model, runtime, site, task, pc, n);
	rc = cn_slots_put(&model->kernel->stacks, hash(runtime, site, task, pc, n), &at);
	row = at;
	if (rc == -ENOMEM)
		return rc;
	if (rc == 0 && !row->count && n) {
		row->pc = malloc(n * sizeof *pc);
		if (!row->pc)
			cn_slots_remove(&model->kernel->stacks, row->key);
		if (!row->pc)
			return -ENOMEM;
		memcpy(row->pc, pc, n * sizeof *pc);
	}
	if (rc == 0 && !row->count) {
		row->runtime = (uint8_t)runtime;
		row->site = site;
		row->task = task;
		row->n = (uint8_t)n;
	}
	if (rc || !is_same(row, runtime, site, task, pc, n)) {
		model->kernel->shown.stacks_lost++;
		return 0;
	}
	row->count++;
	return 0;
}

size_t cn_profile_rows(const struct cn_model *model)
{
	return model->kernel ? model->kernel->stacks.used : 0; /* none is ever removed but a failed one */
}

struct cn_profile_row cn_profile_row_at(const struct cn_model *model, size_t index)
{
	const struct stack_row *row = model->kernel ? cn_slots_at(&model->kernel->stacks, index) : NULL;

	if (!row)
		return (struct cn_profile_row){ 0 };
	return (struct cn_profile_row){ row->task, row->site, row->count, row->runtime, row->n, row->pc };
}

/* -------------------------------------------------------------- accessors */

const struct cn_kernel *cn_model_kernel(const struct cn_model *model)
{
	return model->kernel ? &model->kernel->shown : NULL;
}

bool cn_kernel_measures(const struct cn_model *model, enum cn_kernel_group group)
{
	const struct cn_kernel *kernel = cn_model_kernel(model);

	return kernel && kernel->rounds && kernel->groups[group].wanted && kernel->groups[group].status == 0;
}

const char *cn_kernel_group_word(enum cn_kernel_group group)
{
	static const char *const words[CN_KERNEL_GROUP_MAX] = { [CN_KERNEL_NONE] = "",
#define X(name, word, text) [CN_KERNEL_##name] = word,
		CN_KERNEL_GROUPS(X)
#undef X
	};

	return group < CN_KERNEL_GROUP_MAX ? words[group] : "";
}

const struct cn_kernel_sum *cn_kernel_of_task(const struct cn_model *model, uint64_t task)
{
	return model->kernel ? cn_slots_find(&model->kernel->tasks, task) : NULL;
}

const struct cn_kernel_sum *cn_kernel_of_site(const struct cn_model *model, size_t runtime, uint32_t site)
{
	return model->kernel ? cn_slots_find(&model->kernel->sites, cn_kernel_key(runtime, site)) : NULL;
}

const struct cn_kernel_sum *cn_kernel_of_worker(const struct cn_model *model, size_t runtime, uint32_t tid)
{
	return model->kernel ? cn_slots_find(&model->kernel->workers, cn_kernel_key(runtime, tid)) : NULL;
}

size_t cn_kernel_call_slots(const struct cn_model *model)
{
	return model->kernel ? model->kernel->calls.used : 0;
}

const struct cn_kernel_call *cn_kernel_call_at(const struct cn_model *model, size_t slot)
{
	return model->kernel ? cn_slots_at(&model->kernel->calls, slot) : NULL;
}
