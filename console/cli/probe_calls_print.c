/* SPDX-License-Identifier: MIT */
/* What rouse probe --syscalls has found, as text and as JSON. */
#include "cli/probe_calls.h"
#include "cli/probe_group.h"
#include "export/text.h"
#include "model/evidence.h"
#include "widget/format.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

static const struct cn_model *model_of(const struct cn_calls *calls)
{
	return cn_session_model(calls->session);
}

static double seconds(const struct cn_calls *calls)
{
	return (double)(calls->result->end_ns - calls->result->begin_ns) / 1e9;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static uint64_t calls_in_polls(const struct cn_calls *calls)
{
	uint64_t n = 0;

	for (size_t i = 0; i < calls->result->n_workers; i++)
		n += calls->result->workers[i].sum.calls.calls;
	return n;
}

static uint64_t calls_outside(const struct cn_calls *calls)
{
	uint64_t n = 0;

	for (size_t i = 0; i < calls->result->n_workers; i++)
		n += calls->result->workers[i].outside;
	return n;
}

/* That ended, or that go on. */
static uint64_t calls_before(const struct cn_calls *calls)
{
	uint64_t n = calls->result->totals.began_before;

	for (size_t i = 0; i < calls->result->n_workers; i++)
		n += calls->result->workers[i].now == BL_CALL_BEFORE;
	return n;
}

/* -------------------------------------------------------------------- JSON */

static void number_json(struct cn_json *json, uint32_t number)
{
	const char *name = cn_syscall_name((int)number);

	cn_json_object(json, "syscall");
	cn_json_number(json, "number", number);
	if (name)
		cn_json_string(json, "name", name);
	else
		cn_json_null(json, "name");
	cn_json_end(json);
}

static void fd_json(struct cn_json *json, const struct cn_calls *calls, uint32_t number, uint64_t argument)
{
	char text[PATH_MAX];
	const int fd = cn_call_fd(number, argument);
	const char *file = cn_call_file(calls, fd, text, sizeof text);

	if (fd < 0)
		cn_json_null(json, "fd");
	else
		cn_json_number(json, "fd", (uint64_t)fd);
	if (file)
		cn_json_string(json, "file", file);
	else
		cn_json_null(json, "file");
}

static void sum_json(struct cn_json *json, const struct cn_calls *calls, const struct bl_call_sum *sum)
{
	cn_json_number(json, "calls", sum->calls.calls);
	cn_json_number(json, "ns", sum->calls.ns);
	cn_json_number(json, "not_ended", sum->not_ended);
	if (!sum->calls.calls) {
		cn_json_null(json, "longest");
		return;
	}
	cn_json_object(json, "longest");
	number_json(json, sum->calls.longest_number);
	cn_json_number(json, "ns", sum->calls.longest_ns);
	cn_json_bool(json, "ended", sum->longest_ended);
	fd_json(json, calls, sum->calls.longest_number, sum->calls.longest_argument);
	cn_json_end(json);
}

static void tasks_json(struct cn_json *json, const struct cn_calls *calls)
{
	cn_json_number(json, "tasks_found", calls->n_tasks);
	cn_json_array(json, "tasks");
	for (size_t i = 0; i < least(calls->limit, calls->n_tasks); i++) {
		const struct cn_call_row *row = &calls->tasks[i];

		cn_json_object(json, NULL);
		cn_json_id(json, "task", row->id);
		if (row->task)
			cn_json_string(json, "name", cn_task_name(model_of(calls), row->task));
		else
			cn_json_null(json, "name");
		cn_json_bool(json, "ended", !row->task);
		cn_site_json(json, "spawned_at", model_of(calls), row->runtime, row->site);
		sum_json(json, calls, &row->sum);
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void sites_json(struct cn_json *json, const struct cn_calls *calls)
{
	cn_json_number(json, "spawn_sites_found", calls->n_sites);
	cn_json_array(json, "spawn_sites");
	for (size_t i = 0; i < least(calls->limit, calls->n_sites); i++) {
		const struct cn_call_row *row = &calls->sites[i];

		cn_json_object(json, NULL);
		cn_site_json(json, "spawned_at", model_of(calls), row->runtime, row->site);
		number_json(json, row->number);
		sum_json(json, calls, &row->sum);
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void in_call_json(struct cn_json *json, const struct cn_calls *calls, const struct bl_call_worker *worker)
{
	if (worker->now == BL_CALL_NONE) {
		cn_json_null(json, "in_call");
		return;
	}
	cn_json_object(json, "in_call");
	cn_json_id(json, "task", worker->task);
	number_json(json, worker->number);
	fd_json(json, calls, worker->number, worker->argument);
	cn_json_bool(json, "began_before", worker->now == BL_CALL_BEFORE);
	if (worker->now == BL_CALL_BEFORE)
		cn_json_null(json, "ns");
	else
		cn_json_number(json, "ns", worker->ns);
	cn_json_end(json);
}

static void workers_json(struct cn_json *json, const struct cn_calls *calls)
{
	cn_json_array(json, "workers");
	for (size_t i = 0; i < calls->result->n_workers; i++) {
		const struct bl_followed *followed = &calls->result->followed[i];
		const struct bl_call_worker *worker = &calls->result->workers[i];

		cn_json_object(json, NULL);
		cn_json_number(json, "runtime", cn_calls_runtime(calls, followed->runtime));
		cn_json_number(json, "worker", followed->index);
		cn_json_number(json, "tid", followed->tid);
		sum_json(json, calls, &worker->sum);
		cn_json_number(json, "outside_polls", worker->outside);
		in_call_json(json, calls, worker);
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void losses_json(struct cn_json *json, const struct cn_calls *calls)
{
	const struct bl_syscalls_result *r = calls->result;

	cn_json_object(json, "not_counted");
	cn_json_number(json, "unreadable", r->totals.unreadable);
	cn_json_number(json, "end_missed", r->totals.end_missed);
	cn_json_number(json, "evicted_tasks", r->evicted);
	cn_json_number(json, "no_room_by_task", r->totals.lost_tasks);
	cn_json_number(json, "no_room_by_site", r->totals.lost_sites);
	cn_json_number(json, "missed_runs", r->missed);
	cn_json_number(json, "workers_not_followed", r->unfollowed_workers);
	cn_json_number(json, "workers_followed_late", r->late_workers);
	cn_json_end(json);
}

void cn_calls_json(const struct cn_calls *calls)
{
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_head_json(&json, "rouse/probe-syscalls/1", calls->session);
	cn_json_object(&json, "window");
	cn_json_number(&json, "begin_ns", calls->result->begin_ns);
	cn_json_number(&json, "end_ns", calls->result->end_ns);
	cn_json_string(&json, "ended", cn_group_end(calls->end));
	cn_json_end(&json);
	cn_json_number(&json, "calls", calls_in_polls(calls));
	cn_json_number(&json, "outside_polls", calls_outside(calls));
	cn_json_number(&json, "began_before", calls_before(calls));
	losses_json(&json, calls);
	tasks_json(&json, calls);
	sites_json(&json, calls);
	workers_json(&json, calls);
	cn_group_costs_json(&json, calls->result->costs, calls->verbose);
	cn_json_end(&json);
}

/* -------------------------------------------------------------------- text */

static const char *call_name(uint32_t number, char *text, size_t bytes)
{
	const char *name = cn_syscall_name((int)number);

	if (name)
		return name;
	snprintf(text, bytes, "syscall %d", (int)number);
	return text;
}

static void print_fd(const struct cn_calls *calls, const struct cn_paint *paint, uint32_t number, uint64_t argument)
{
	char text[PATH_MAX];
	const int fd = cn_call_fd(number, argument);
	const char *file = cn_call_file(calls, fd, text, sizeof text);

	if (fd >= 0)
		fprintf(paint->out, " fd %d%s%s", fd, file ? " " : "", file ? cn_safe(file) : "");
}

/* `named`: the call's name stands in the row already. */
static void print_sum(
	const struct cn_calls *calls, const struct cn_paint *paint, const struct bl_call_sum *sum, bool named)
{
	char count[CN_FORMAT_BYTES], total[CN_FORMAT_BYTES], longest[CN_FORMAT_BYTES], name[32];

	fprintf(paint->out, " %7s %8s", cn_format_count(count, sum->calls.calls), cn_format_ns(total, sum->calls.ns));
	if (sum->calls.calls) {
		fprintf(paint->out, " %8s", cn_format_ns(longest, sum->calls.longest_ns));
		if (!named)
			fprintf(paint->out, " %s", call_name(sum->calls.longest_number, name, sizeof name));
		print_fd(calls, paint, sum->calls.longest_number, sum->calls.longest_argument);
		if (!sum->longest_ended)
			cn_paint(paint, CN_STYLE_BADGE, " (not ended yet)");
	}
	fputc('\n', paint->out);
}

static void print_header(const struct cn_paint *paint, const char *first, const char *second)
{
	fputc('\n', paint->out);
	cn_paint(paint, CN_STYLE_HEADER, "  %-27s %-17s %7s %8s %8s", first, second, "CALLS", "TIME", "LONGEST");
	fputc('\n', paint->out);
}

static void print_sites(const struct cn_calls *calls, const struct cn_paint *paint)
{
	print_header(paint, "SPAWNED AT", "SYSCALL");
	for (size_t i = 0; i < least(calls->limit, calls->n_sites); i++) {
		const struct cn_call_row *row = &calls->sites[i];
		char text[256], name[32];

		fputs("  ", paint->out);
		cn_paint_cell(paint, CN_STYLE_SITE, 27,
			cn_group_where(model_of(calls), row->runtime, row->site, text, sizeof text));
		fputc(' ', paint->out);
		cn_paint_cell(paint, CN_STYLE_PLAIN, 17, call_name(row->number, name, sizeof name));
		print_sum(calls, paint, &row->sum, true);
	}
	if (calls->n_sites > calls->limit)
		cn_paint(paint, CN_STYLE_DIM, "  ... and %zu more (-n N shows more)\n", calls->n_sites - calls->limit);
	if (!calls->n_sites)
		cn_paint(paint, CN_STYLE_DIM, "  No poll made a system call.\n");
}

static void print_tasks(const struct cn_calls *calls, const struct cn_paint *paint)
{
	print_header(paint, "TASK", "");
	for (size_t i = 0; i < least(calls->limit, calls->n_tasks); i++) {
		const struct cn_call_row *row = &calls->tasks[i];
		char text[256];

		fprintf(paint->out, "  %-8" PRIu64 " ", row->id);
		cn_paint_cell(paint, row->task ? CN_STYLE_NAME : CN_STYLE_DIM, 16,
			row->task ? cn_task_name(model_of(calls), row->task) : "(ended)");
		fputc(' ', paint->out);
		cn_paint_cell(paint, CN_STYLE_SITE, 19,
			cn_group_where(model_of(calls), row->runtime, row->site, text, sizeof text));
		print_sum(calls, paint, &row->sum, false);
	}
	if (calls->n_tasks > calls->limit)
		cn_paint(paint, CN_STYLE_DIM, "  ... and %zu more tasks (-n N shows more)\n",
			calls->n_tasks - calls->limit);
}

static void print_workers(const struct cn_calls *calls, const struct cn_paint *paint)
{
	print_header(paint, "WORKER", "");
	for (size_t i = 0; i < calls->result->n_workers; i++) {
		const struct bl_call_worker *worker = &calls->result->workers[i];
		char text[64];

		snprintf(text, sizeof text, "%u  and %" PRIu64 " in no poll", calls->result->followed[i].index,
			worker->outside);
		fputs("  ", paint->out);
		cn_paint_cell(paint, CN_STYLE_PLAIN, 45, text);
		print_sum(calls, paint, &worker->sum, false);
	}
}

static void print_not_ended(const struct cn_calls *calls, const struct cn_paint *paint)
{
	bool any = false;

	for (size_t i = 0; i < calls->result->n_workers; i++) {
		const struct bl_call_worker *worker = &calls->result->workers[i];
		const struct cn_task *task = cn_model_task(model_of(calls), worker->task);
		char name[32], ns[CN_FORMAT_BYTES];

		if (worker->now == BL_CALL_NONE)
			continue;
		if (!any)
			cn_paint(paint, CN_STYLE_HEADER, "\n  NOT ENDED YET\n");
		any = true;
		fprintf(paint->out, "  worker %u, task %" PRIu64 " %s: %s", calls->result->followed[i].index,
			worker->task, task ? cn_safe(cn_task_name(model_of(calls), task)) : "",
			call_name(worker->number, name, sizeof name));
		print_fd(calls, paint, worker->number, worker->argument);
		if (worker->now == BL_CALL_SEEN)
			fprintf(paint->out, ", for %s so far\n", cn_format_ns(ns, worker->ns));
		else
			fputs(", since before; it is not in the sums\n", paint->out);
	}
}

static void print_losses(const struct cn_calls *calls, const struct cn_paint *paint)
{
	const struct bl_syscalls_result *r = calls->result;

	cn_paint(paint, CN_STYLE_DIM, "  %" PRIu64 " calls in polls, %" PRIu64 " of its workers in none; ",
		calls_in_polls(calls), calls_outside(calls));
	if (calls_before(calls))
		cn_paint(paint, CN_STYLE_DIM, "%" PRIu64 " in polls had begun before and do not count; ",
			calls_before(calls));
	if (!cn_calls_lossy(calls)) {
		cn_paint(paint, CN_STYLE_DIM, "nothing was lost.\n");
		return;
	}
	cn_paint(paint, CN_STYLE_LIKELY, "NOT COMPLETE:\n");
	if (r->totals.unreadable)
		fprintf(paint->out, "  %llu times a worker began a call, and its record was not in memory\n",
			r->totals.unreadable);
	if (r->totals.end_missed)
		fprintf(paint->out, "  %llu calls in polls whose end was not seen\n", r->totals.end_missed);
	if (r->evicted || r->totals.lost_tasks)
		fprintf(paint->out,
			"  %" PRIu64 " tasks were evicted and %llu"
			" times there was no room for one (--tasks N): their calls are in the other sums\n",
			r->evicted, r->totals.lost_tasks);
	if (r->totals.lost_sites)
		fprintf(paint->out, "  %llu times there was no room for a call of a spawn site\n",
			r->totals.lost_sites);
	if (r->missed)
		fprintf(paint->out, "  %" PRIu64 " runs were left out by the kernel\n", r->missed);
	if (r->unfollowed_workers)
		fprintf(paint->out, "  %u workers beyond the first %d were not followed\n", r->unfollowed_workers,
			BL_WORKERS_MAX);
	if (r->late_workers)
		fprintf(paint->out, "  %u worker threads began meanwhile: of each, up to 100 ms of calls are missing\n",
			r->late_workers);
}

void cn_calls_print(const struct cn_calls *calls, const struct cn_paint *paint)
{
	const struct cn_target *target = cn_model_target(model_of(calls));

	cn_paint(paint, CN_STYLE_TITLE, "%s", cn_safe(target->program));
	cn_paint(paint, CN_STYLE_DIM, " (%u)  system calls in %.3f s of its polls", target->pid, seconds(calls));
	if (calls->end != BL_GOES_ON)
		cn_paint(paint, CN_STYLE_BADGE, "; then it %s",
			calls->end == BL_EXITED ? "ended" : "executed another program");
	fputc('\n', paint->out);
	print_sites(calls, paint);
	print_tasks(calls, paint);
	print_workers(calls, paint);
	print_not_ended(calls, paint);
	fputc('\n', paint->out);
	print_losses(calls, paint);
	if (calls->verbose)
		cn_group_costs_print(paint, calls->result->costs, seconds(calls));
}
