/* SPDX-License-Identifier: MIT */
#include "loader/sums.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Both stay below the 64 KiB of a frame: at most 112 bytes a row, and 172. */
#define SUMS_PER_FRAME 400
#define CALLS_PER_FRAME 300

/* Values of a row. */
enum { CALLS = 0, CALLS_NS = 1, COUNT = 0 };

/* Any worker's thread of that runtime, which is how the reader knows it. */
static uint32_t worker_of(const struct bl_followed *workers, size_t n, uint32_t runtime)
{
	for (size_t i = 0; i < n; i++)
		if (workers[i].runtime == runtime && workers[i].tid)
			return workers[i].tid;
	return 0;
}

/* ------------------------------------------------------------------- rows */

static int add_off(struct bl_rows *rows, struct bl_row row, const struct bl_off *off)
{
	static_assert(2 * BL_OFF_KIND_MAX <= BL_ROW_SUMS, "a row has room for times and numbers of all kinds");

	for (int kind = 0; kind < BL_OFF_KIND_MAX; kind++) {
		row.values[kind] = off->ns[kind];
		row.values[BL_OFF_KIND_MAX + kind] = off->times[kind];
	}
	row.values[BL_ROW_LONGEST] = off->longest_ns;
	row.values[BL_ROW_WHAT] = off->longest_kind;
	return bl_rows_add(rows, &row);
}

static int add_calls(struct bl_rows *rows, struct bl_row row, const struct bl_calls *calls)
{
	row.values[CALLS] = calls->calls;
	row.values[CALLS_NS] = calls->ns;
	row.values[BL_ROW_LONGEST] = calls->longest_ns;
	row.values[BL_ROW_WHAT] = calls->longest_argument;
	return bl_rows_add(rows, &row);
}

static int add_count(struct bl_rows *rows, struct bl_row row, uint64_t count)
{
	row.values[COUNT] = count;
	return bl_rows_add(rows, &row);
}

#define ROW(BY, ID, RUNTIME, SITE)                                                                                     \
	(struct bl_row)                                                                                                \
	{                                                                                                              \
		.by = (BY), .id = (ID), .runtime = (RUNTIME), .site = (SITE),                                          \
		.worker = worker_of(result->followed, result->n_workers, RUNTIME)                                      \
	}

static int off_rows(struct bl_rows *rows, const struct bl_sched_result *result)
{
	int rc = 0;

	for (size_t i = 0; i < result->n_tasks && rc == 0; i++) {
		const struct bl_sched_task *task = &result->tasks[i];

		rc = add_off(rows, ROW(BL_BY_TASK, task->id, task->task.runtime, task->task.site), &task->task.off);
	}
	for (size_t i = 0; i < result->n_sites && rc == 0; i++) {
		const struct bl_sched_site *site = &result->sites[i];

		rc = add_off(rows, ROW(BL_BY_SITE, site->site, site->runtime, site->site), &site->off);
	}
	for (size_t i = 0; i < result->n_workers && rc == 0; i++) {
		const struct bl_sched_worker *worker = &result->workers[i];

		rc = add_off(rows, ROW(BL_BY_WORKER, worker->tid, worker->runtime, 0), &worker->off);
	}
	return rc;
}

static int call_sum_rows(struct bl_rows *rows, const struct bl_syscalls_result *result)
{
	int rc = 0;

	for (size_t i = 0; i < result->n_tasks && rc == 0; i++) {
		const struct bl_call_task *task = &result->tasks[i];

		rc = add_calls(rows, ROW(BL_BY_TASK, task->id, task->runtime, task->site), &task->sum.calls);
	}
	for (size_t i = 0; i < result->n_workers && rc == 0; i++)
		rc = add_calls(rows, ROW(BL_BY_WORKER, result->followed[i].tid, result->followed[i].runtime, 0),
			&result->workers[i].sum.calls);
	return rc;
}

static int by_site(const void *a, const void *b)
{
	const struct bl_call_site *one = a, *other = b;

	if (one->runtime != other->runtime)
		return one->runtime < other->runtime ? -1 : 1;
	return (one->site > other->site) - (one->site < other->site);
}

/* By spawn site alone: calls of all numbers together. Puts the result's sites in order. */
static int call_site_rows(struct bl_rows *rows, const struct bl_syscalls_result *result)
{
	size_t end;
	int rc = 0;

	if (result->n_sites)
		qsort(result->sites, result->n_sites, sizeof(*result->sites), by_site);
	for (size_t begin = 0; begin < result->n_sites && rc == 0; begin = end) {
		const struct bl_call_site *site = &result->sites[begin];
		struct bl_calls sum = { 0 };

		for (end = begin; end < result->n_sites && by_site(site, &result->sites[end]) == 0; end++) {
			sum.calls += result->sites[end].sum.calls.calls;
			sum.ns += result->sites[end].sum.calls.ns;
		}
		rc = add_calls(rows, ROW(BL_BY_SITE, site->site, site->runtime, site->site), &sum);
	}
	return rc;
}

static int call_rows(struct bl_rows *rows, const struct bl_syscalls_result *result)
{
	int rc = 0;

	for (size_t i = 0; i < result->n_sites && rc == 0; i++) {
		const struct bl_call_site *site = &result->sites[i];

		rc = add_calls(rows, ROW(site->number, site->site, site->runtime, site->site), &site->sum.calls);
	}
	return rc;
}

static int count_rows(struct bl_rows *rows, const struct bl_counts_result *result)
{
	int rc = 0;

	for (size_t i = 0; i < result->n_tasks && rc == 0; i++) {
		const struct bl_count_task *task = &result->tasks[i];

		rc = add_count(rows, ROW(BL_BY_TASK, task->id, task->task.runtime, task->task.site), task->task.count);
	}
	for (size_t i = 0; i < result->n_sites && rc == 0; i++) {
		const struct bl_count_site *site = &result->sites[i];

		rc = add_count(rows, ROW(BL_BY_SITE, site->site, site->runtime, site->site), site->count);
	}
	for (size_t i = 0; i < result->n_workers && rc == 0; i++)
		rc = add_count(rows, ROW(BL_BY_WORKER, result->followed[i].tid, result->followed[i].runtime, 0),
			result->workers[i]);
	return rc;
}

/* ----------------------------------------------------------------- frames */

struct sums {
	size_t n;
	uint32_t by[SUMS_PER_FRAME], worker[SUMS_PER_FRAME], site[SUMS_PER_FRAME], kind[SUMS_PER_FRAME];
	uint64_t id[SUMS_PER_FRAME], values[BL_ROW_VALUES][SUMS_PER_FRAME];
};

static void off_columns(Rouse__V1__KernelSums *body, struct sums *sums)
{
	uint64_t(*ns)[SUMS_PER_FRAME] = sums->values, (*times)[SUMS_PER_FRAME] = sums->values + BL_OFF_KIND_MAX;

	body->n_blocked_ns = body->n_fault_ns = body->n_run_queue_ns = body->n_preempted_ns = sums->n;
	body->n_blocked = body->n_fault = body->n_run_queue = body->n_preempted = sums->n;
	body->n_longest_ns = body->n_longest_kind = sums->n;
	body->blocked_ns = ns[BL_OFF_BLOCKED];
	body->fault_ns = ns[BL_OFF_FAULT];
	body->run_queue_ns = ns[BL_OFF_RUN_QUEUE];
	body->preempted_ns = ns[BL_OFF_PREEMPTED];
	body->blocked = times[BL_OFF_BLOCKED];
	body->fault = times[BL_OFF_FAULT];
	body->run_queue = times[BL_OFF_RUN_QUEUE];
	body->preempted = times[BL_OFF_PREEMPTED];
	body->longest_ns = sums->values[BL_ROW_LONGEST];
	body->longest_kind = sums->kind;
}

static int send_sums(struct bl_sink *sink, enum bl_group group, struct sums *sums)
{
	Rouse__V1__KernelSums body = ROUSE__V1__KERNEL_SUMS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	if (!sums->n)
		return 0;
	body.n_by = body.n_id = body.n_worker = body.n_site = sums->n;
	body.by = sums->by;
	body.id = sums->id;
	body.worker = sums->worker;
	body.site = sums->site;
	switch (group) {
	case BL_GROUP_SCHED:
		off_columns(&body, sums);
		break;
	case BL_GROUP_SYSCALLS:
		body.n_calls = body.n_calls_ns = sums->n;
		body.calls = sums->values[CALLS];
		body.calls_ns = sums->values[CALLS_NS];
		break;
	case BL_GROUP_FAULTS:
		body.n_faults = sums->n;
		body.faults = sums->values[COUNT];
		break;
	default:
		body.n_samples = sums->n;
		body.samples = sums->values[COUNT];
		break;
	}
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SUMS;
	frame.kernel_sums = &body;
	sums->n = 0;
	return bl_sink_send(sink, &frame);
}

static int send_rows(struct bl_sink *sink, enum bl_group group, const struct bl_table *table, bool all)
{
	struct sums sums;
	int rc = 0;

	sums.n = 0;
	for (size_t i = 0; i < table->n && rc == 0; i++) {
		const struct bl_row *row = &table->rows[i];

		if (!row->changed && !all)
			continue;
		sums.by[sums.n] = row->by;
		sums.id[sums.n] = row->id;
		sums.worker[sums.n] = row->worker;
		sums.site[sums.n] = row->site;
		sums.kind[sums.n] = (uint32_t)row->values[BL_ROW_WHAT];
		for (int value = 0; value < BL_ROW_VALUES; value++)
			sums.values[value][sums.n] = row->values[value];
		if (++sums.n == SUMS_PER_FRAME)
			rc = send_sums(sink, group, &sums);
	}
	return rc < 0 ? rc : send_sums(sink, group, &sums);
}

struct calls {
	size_t n;
	uint32_t site[CALLS_PER_FRAME], worker[CALLS_PER_FRAME], number[CALLS_PER_FRAME];
	uint64_t calls[CALLS_PER_FRAME], ns[CALLS_PER_FRAME], longest_ns[CALLS_PER_FRAME], argument[CALLS_PER_FRAME];
	char *file[CALLS_PER_FRAME];
};

static int send_calls(struct bl_sink *sink, struct calls *calls)
{
	Rouse__V1__KernelCalls body = ROUSE__V1__KERNEL_CALLS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	if (!calls->n)
		return 0;
	body.n_site = body.n_worker = body.n_number = body.n_calls = body.n_ns = calls->n;
	body.n_longest_ns = body.n_longest_argument = body.n_longest_file = calls->n;
	body.site = calls->site;
	body.worker = calls->worker;
	body.number = calls->number;
	body.calls = calls->calls;
	body.ns = calls->ns;
	body.longest_ns = calls->longest_ns;
	body.longest_argument = calls->argument;
	body.longest_file = calls->file;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_CALLS;
	frame.kernel_calls = &body;
	calls->n = 0;
	return bl_sink_send(sink, &frame);
}

/* What the descriptor was is looked up once, as soon as the longest call is known: later it may be another. */
static void name_file(const struct bl_sink *sink, struct bl_row *row)
{
	char file[BL_FILE_BYTES];

	if (!row->longer)
		return;
	bl_names_file(sink->pid, row->by, row->values[BL_ROW_WHAT], file);
	free(row->text);
	row->text = *file ? strdup(file) : NULL;
}

static int send_call_rows(struct bl_sink *sink, struct bl_table *table, bool all)
{
	struct calls calls;
	int rc = 0;

	calls.n = 0;
	for (size_t i = 0; i < table->n && rc == 0; i++) {
		struct bl_row *row = &table->rows[i];

		if (!row->changed && !all)
			continue;
		name_file(sink, row);
		calls.site[calls.n] = row->site;
		calls.worker[calls.n] = row->worker;
		calls.number[calls.n] = row->by;
		calls.calls[calls.n] = row->values[CALLS];
		calls.ns[calls.n] = row->values[CALLS_NS];
		calls.longest_ns[calls.n] = row->values[BL_ROW_LONGEST];
		calls.argument[calls.n] = row->values[BL_ROW_WHAT];
		calls.file[calls.n] = row->text ? row->text : (char *)"";
		if (++calls.n == CALLS_PER_FRAME)
			rc = send_calls(sink, &calls);
	}
	return rc < 0 ? rc : send_calls(sink, &calls);
}

/* ----------------------------------------------------------------- groups */

static int finish(struct bl_sink *sink, struct bl_rows *rows, enum bl_group group, bool all)
{
	bl_rows_end(rows);
	return send_rows(sink, group, &rows->now, all);
}

int bl_sums_sched(struct bl_sink *sink, struct bl_rows *rows, const struct bl_sched_result *result, bool all)
{
	int rc;

	bl_rows_begin(rows);
	rc = off_rows(rows, result);
	return rc < 0 ? rc : finish(sink, rows, BL_GROUP_SCHED, all);
}

int bl_sums_syscalls(struct bl_sink *sink, struct bl_rows *rows, struct bl_rows *calls,
	const struct bl_syscalls_result *result, bool all)
{
	int rc;

	bl_rows_begin(rows);
	bl_rows_begin(calls);
	rc = call_sum_rows(rows, result);
	if (rc == 0)
		rc = call_site_rows(rows, result);
	if (rc == 0)
		rc = call_rows(calls, result);
	if (rc == 0)
		rc = finish(sink, rows, BL_GROUP_SYSCALLS, all);
	if (rc < 0)
		return rc;
	bl_rows_end(calls);
	return send_call_rows(sink, &calls->now, all);
}

int bl_sums_counts(struct bl_sink *sink, struct bl_rows *rows, enum bl_group group,
	const struct bl_counts_result *result, bool all)
{
	int rc;

	bl_rows_begin(rows);
	rc = count_rows(rows, result);
	return rc < 0 ? rc : finish(sink, rows, group, all);
}
