/* SPDX-License-Identifier: MIT */
/* What rouse probe --sched has found, as text and as JSON. */
#include "cli/probe_group.h"
#include "cli/probe_sched.h"
#include "export/text.h"
#include "widget/format.h"

#include <inttypes.h>
#include <string.h>

static const char *const members[] = {
#define X(name, member, text) member,
	BL_OFF_KINDS(X)
#undef X
};
static const char *const titles[] = { [BL_OFF_BLOCKED] = "BLOCKED",
	[BL_OFF_RUN_QUEUE] = "RUNQUEUE",
	[BL_OFF_PREEMPTED] = "PREEMPTED",
	[BL_OFF_FAULT] = "FAULT" };
static const char *const short_names[] = { [BL_OFF_BLOCKED] = "blocked",
	[BL_OFF_RUN_QUEUE] = "run queue",
	[BL_OFF_PREEMPTED] = "preempted",
	[BL_OFF_FAULT] = "fault" };
static const struct cn_model *model_of(const struct cn_splits *s)
{
	return cn_session_model(s->session);
}

static double seconds(const struct cn_splits *s)
{
	return (double)(s->result->end_ns - s->result->begin_ns) / 1e9;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* -------------------------------------------------------------------- JSON */

static void split_json(struct cn_json *json, const struct cn_split_row *split)
{
	cn_json_number(json, "polls", split->polls);
	for (int kind = 0; kind < BL_OFF_KIND_MAX; kind++) {
		cn_json_object(json, members[kind]);
		cn_json_number(json, "ns", split->off.ns[kind]);
		cn_json_number(json, "times", split->off.times[kind]);
		cn_json_end(json);
	}
	if (!split->off.longest_ns) {
		cn_json_null(json, "longest");
		return;
	}
	cn_json_object(json, "longest");
	cn_json_string(json, "kind", members[split->off.longest_kind % BL_OFF_KIND_MAX]);
	cn_json_number(json, "ns", split->off.longest_ns);
	cn_json_end(json);
}

static void cpu_json(struct cn_json *json, const struct cn_split_row *split)
{
	if (split->cpu_known)
		cn_json_number(json, "cpu_ns", split->cpu_ns);
	else
		cn_json_null(json, "cpu_ns");
}

static void tasks_json(struct cn_json *json, const struct cn_splits *s)
{
	cn_json_number(json, "tasks_found", s->n_tasks);
	cn_json_array(json, "tasks");
	for (size_t i = 0; i < least(s->limit, s->n_tasks); i++) {
		const struct cn_split_row *split = &s->tasks[i];

		cn_json_object(json, NULL);
		cn_json_id(json, "task", split->id);
		if (split->task)
			cn_json_string(json, "name", cn_task_name(model_of(s), split->task));
		else
			cn_json_null(json, "name");
		cn_json_bool(json, "ended", !split->task);
		cn_site_json(json, "spawned_at", model_of(s), split->runtime, split->site);
		cpu_json(json, split);
		split_json(json, split);
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void sites_json(struct cn_json *json, const struct cn_splits *s)
{
	cn_json_array(json, "spawn_sites");
	for (size_t i = 0; i < least(s->limit, s->n_sites); i++) {
		const struct cn_split_row *split = &s->sites[i];

		cn_json_object(json, NULL);
		cn_site_json(json, "spawned_at", model_of(s), split->runtime, split->site);
		cpu_json(json, split);
		cn_json_number(json, "cpu_of_live_tasks_ns", split->cpu_ns);
		split_json(json, split);
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void workers_json(struct cn_json *json, const struct cn_splits *s)
{
	cn_json_array(json, "workers");
	for (size_t i = 0; i < s->n_workers; i++) {
		const struct cn_split_row *split = &s->workers[i];

		cn_json_object(json, NULL);
		cn_json_number(json, "runtime", split->runtime);
		cn_json_number(json, "worker", split->id);
		cn_json_number(json, "tid", split->tid);
		if (split->in_progress)
			cn_json_id(json, "off_cpu_in_task", split->in_progress);
		else
			cn_json_null(json, "off_cpu_in_task");
		cpu_json(json, split);
		split_json(json, split);
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void losses_json(struct cn_json *json, const struct cn_splits *s)
{
	const struct bl_sched_result *r = s->result;

	cn_json_object(json, "not_counted");
	cn_json_number(json, "unreadable", r->totals.unreadable);
	cn_json_number(json, "evicted_tasks", r->evicted);
	cn_json_number(json, "no_room_by_task", r->totals.lost_tasks);
	cn_json_number(json, "no_room_by_site", r->totals.lost_sites);
	cn_json_number(json, "missed_runs", r->missed);
	cn_json_number(json, "workers_not_followed", r->unfollowed_workers);
	cn_json_number(json, "workers_followed_late", r->late_workers);
	cn_json_end(json);
}

void cn_splits_json(const struct cn_splits *s)
{
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_head_json(&json, "rouse/probe-sched/1", s->session);
	cn_json_object(&json, "window");
	cn_json_number(&json, "begin_ns", s->result->begin_ns);
	cn_json_number(&json, "end_ns", s->result->end_ns);
	cn_json_number(&json, "clock_error_ns", s->clock_error_ns);
	cn_json_string(&json, "ended", cn_group_end(s->end));
	cn_json_end(&json);
	cn_json_number(&json, "switches", s->result->totals.switches);
	cn_json_number(&json, "wakeups", s->result->totals.wakeups);
	losses_json(&json, s);
	tasks_json(&json, s);
	sites_json(&json, s);
	workers_json(&json, s);
	cn_group_costs_json(&json, s->result->costs, s->verbose);
	cn_json_end(&json);
}

/* -------------------------------------------------------------------- text */

static void print_times(const struct cn_paint *paint, const struct cn_split_row *split, bool at_least)
{
	char text[CN_FORMAT_BYTES], cpu[CN_FORMAT_BYTES + 1] = "-";

	if (split->cpu_known || (at_least && split->cpu_ns))
		snprintf(cpu, sizeof cpu, "%s%s", split->cpu_known ? "" : ">", cn_format_ns(text, split->cpu_ns));
	fprintf(paint->out, " %7s", cpu);
	for (int kind = 0; kind < BL_OFF_KIND_MAX; kind++)
		fprintf(paint->out, " %9s", split->off.times[kind] ? cn_format_ns(text, split->off.ns[kind]) : "-");
	if (split->off.longest_ns)
		fprintf(paint->out, " %7s %s", cn_format_ns(text, split->off.longest_ns),
			short_names[split->off.longest_kind % BL_OFF_KIND_MAX]);
	fputc('\n', paint->out);
}

static void print_header(const struct cn_paint *paint, const char *first)
{
	fputc('\n', paint->out);
	cn_paint(paint, CN_STYLE_HEADER, "  %-45s %6s %7s %9s %9s %9s %9s %7s", first, "POLLS", "CPU",
		titles[BL_OFF_BLOCKED], titles[BL_OFF_RUN_QUEUE], titles[BL_OFF_PREEMPTED], titles[BL_OFF_FAULT],
		"LONGEST");
	fputc('\n', paint->out);
}

static void print_polls(const struct cn_paint *paint, uint32_t polls)
{
	char text[CN_FORMAT_BYTES];

	fprintf(paint->out, " %6s", cn_format_count(text, polls));
}

static const char *where(const struct cn_splits *s, const struct cn_split_row *split, char *text, size_t bytes)
{
	return cn_group_where(model_of(s), split->runtime, split->site, text, bytes);
}

static void print_tasks(const struct cn_splits *s, const struct cn_paint *paint)
{
	print_header(paint, "TASK");
	for (size_t i = 0; i < least(s->limit, s->n_tasks); i++) {
		const struct cn_split_row *split = &s->tasks[i];
		char text[256];

		fprintf(paint->out, "  %-8" PRIu64 " ", split->id);
		cn_paint_cell(paint, split->task ? CN_STYLE_NAME : CN_STYLE_DIM, 16,
			split->task ? cn_task_name(model_of(s), split->task) : "(ended)");
		fputc(' ', paint->out);
		cn_paint_cell(paint, CN_STYLE_SITE, 19, where(s, split, text, sizeof text));
		print_polls(paint, split->polls);
		print_times(paint, split, false);
	}
	if (s->n_tasks > s->limit)
		cn_paint(paint, CN_STYLE_DIM, "  ... and %zu more tasks (-n N shows more)\n", s->n_tasks - s->limit);
	if (!s->n_tasks)
		cn_paint(paint, CN_STYLE_DIM, "  No task was polled.\n");
}

static void print_sites(const struct cn_splits *s, const struct cn_paint *paint)
{
	print_header(paint, "SPAWNED AT");
	for (size_t i = 0; i < least(s->limit, s->n_sites); i++) {
		const struct cn_split_row *split = &s->sites[i];
		char text[256];

		fputs("  ", paint->out);
		cn_paint_cell(paint, CN_STYLE_SITE, 45, where(s, split, text, sizeof text));
		print_polls(paint, split->polls);
		print_times(paint, split, true);
	}
}

static void print_workers(const struct cn_splits *s, const struct cn_paint *paint)
{
	print_header(paint, "WORKER");
	for (size_t i = 0; i < s->n_workers; i++) {
		const struct cn_split_row *split = &s->workers[i];
		char text[64];

		if (split->in_progress)
			snprintf(text, sizeof text, "%" PRIu64 "  off its CPU now, in task %" PRIu64, split->id,
				split->in_progress);
		else
			snprintf(text, sizeof text, "%" PRIu64, split->id);
		fputs("  ", paint->out);
		cn_paint_cell(paint, CN_STYLE_PLAIN, 45, text);
		print_polls(paint, split->polls);
		print_times(paint, split, false);
	}
}

static void print_losses(const struct cn_splits *s, const struct cn_paint *paint)
{
	const struct bl_sched_result *r = s->result;

	cn_paint(paint, CN_STYLE_DIM, "  %llu switches and %llu wake-ups of its workers were seen; ",
		r->totals.switches, r->totals.wakeups);
	if (!cn_splits_lossy(s)) {
		cn_paint(paint, CN_STYLE_DIM, "nothing was lost.\n");
		return;
	}
	cn_paint(paint, CN_STYLE_LIKELY, "NOT COMPLETE:\n");
	if (r->totals.unreadable)
		fprintf(paint->out, "  %llu times a worker left its CPU, and its record was not in memory\n",
			r->totals.unreadable);
	if (r->evicted || r->totals.lost_tasks)
		fprintf(paint->out,
			"  %" PRIu64 " tasks were evicted and %llu"
			" times there was no room for one (--tasks N): their time is in the sums below the tasks\n",
			r->evicted, r->totals.lost_tasks);
	if (r->totals.lost_sites)
		fprintf(paint->out, "  %llu times there was no room for a spawn site\n", r->totals.lost_sites);
	if (r->missed)
		fprintf(paint->out, "  %" PRIu64 " runs were left out by the kernel\n", r->missed);
	if (r->unfollowed_workers)
		fprintf(paint->out, "  %u workers beyond the first %d were not followed\n", r->unfollowed_workers,
			BL_WORKERS_MAX);
	if (r->late_workers)
		fprintf(paint->out, "  %u worker threads began meanwhile: of each, up to 100 ms are missing\n",
			r->late_workers);
}

void cn_splits_print(const struct cn_splits *s, const struct cn_paint *paint)
{
	const struct cn_target *target = cn_model_target(model_of(s));
	char error[CN_FORMAT_BYTES];

	cn_paint(paint, CN_STYLE_TITLE, "%s", cn_safe(target->program));
	cn_paint(paint, CN_STYLE_DIM, " (%u)  %.3f s of its polls", target->pid, seconds(s));
	if (s->end == BL_GOES_ON)
		cn_paint(paint, CN_STYLE_DIM, "; CPU time is true to %s\n", cn_format_ns(error, s->clock_error_ns));
	else
		cn_paint(paint, CN_STYLE_BADGE, "; then it %s: CPU time is not known\n",
			s->end == BL_EXITED ? "ended" : "executed another program");
	print_tasks(s, paint);
	print_sites(s, paint);
	print_workers(s, paint);
	fputc('\n', paint->out);
	print_losses(s, paint);
	if (s->verbose)
		cn_group_costs_print(paint, s->result->costs, seconds(s));
}
