/* SPDX-License-Identifier: MIT */
/* rouse probe --faults: page faults of polls, and the time that they blocked. */
#include "cli/probe.h"
#include "cli/probe_kernel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export/text.h"
#include "widget/format.h"

#define SYNOPSIS "usage: rouse probe --faults [OPTIONS] PID|NAME\n"

static const struct cn_group GROUP = {
	.option = "faults",
	.follows = "page faults",
	.synopsis = SYNOPSIS,
	.help = SYNOPSIS "Shows the page faults of polls, and for how long they blocked the worker; by spawn site,\n"
			 "task and worker. Most faults block nobody: the page is made, or found in memory. The\n"
			 "program needs no agent.\n"
			 "      --for SECONDS  end after that time (also --seconds); else with Ctrl-C\n"
			 "  -n, --count N      rows of spawn sites and of tasks (20)\n"
			 "      --json         one JSON document, rouse/probe-faults/1\n"
			 "Tasks that have ended are in the rows of their spawn sites alone.\n"
			 "Exit: 0 ok, 1 failed, 2 usage, 3 no such target, 4 not permitted, 5 another version,\n"
			 "6 something could not be counted, and that is said, 7 it did not begin in time.\n",
};

enum by { BY_SITE, BY_TASK, BY_WORKER, BY_MAX };

struct row {
	uint64_t id; /* of the task; the worker's thread */
	uint32_t runtime, site;
	uint64_t faults, waits, ns;
};

struct rows {
	struct row *row;
	size_t n, capacity;
};

struct faults {
	struct cn_probed probed;
	struct rows by[BY_MAX];
};

/* -------------------------------------------------------------------- rows */

static int add(struct rows *rows, uint64_t id, const struct cn_kernel_sum *sum, uint32_t site)
{
	if (!sum || (!sum->faults && !sum->ns[CN_OFF_fault]))
		return 0;
	if (rows->n == rows->capacity) {
		size_t more = rows->capacity ? 2 * rows->capacity : 64;
		struct row *row = realloc(rows->row, more * sizeof *row);

		if (!row)
			return -1;
		rows->row = row;
		rows->capacity = more;
	}
	rows->row[rows->n++] = (struct row){ .id = id,
		.runtime = sum->runtime,
		.site = site,
		.faults = sum->faults,
		.waits = sum->times[CN_OFF_fault],
		.ns = sum->ns[CN_OFF_fault] };
	return 0;
}

static int by_weight(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	if (x->faults != y->faults)
		return x->faults > y->faults ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->site < y->site ? -1 : x->site > y->site;
}

static int gather_runtime(struct faults *f, const struct cn_model *model, size_t r)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, r);
	int rc = 0;

	for (uint32_t site = 0; site < cn_model_sites(model, r) && rc == 0; site++)
		rc = add(&f->by[BY_SITE], 0, cn_kernel_of_site(model, r, site), site);
	for (uint32_t w = 0; runtime && w < runtime->n_workers && rc == 0; w++)
		if (!runtime->workers[w].foreign)
			rc = add(&f->by[BY_WORKER], runtime->workers[w].tid,
				cn_kernel_of_worker(model, r, runtime->workers[w].tid), 0);
	return rc;
}

static int gather(struct faults *f)
{
	const struct cn_model *model = cn_probed_model(&f->probed);
	int rc = 0;

	for (size_t r = 0; r < cn_model_runtimes(model) && rc == 0; r++)
		rc = gather_runtime(f, model, r);
	for (size_t i = 0; i < cn_model_task_slots(model) && rc == 0; i++) {
		const struct cn_task *task = cn_model_task_at(model, i);

		if (task)
			rc = add(&f->by[BY_TASK], task->id, cn_kernel_of_task(model, task->id), task->spawn_site);
	}
	for (int by = 0; by < BY_MAX; by++)
		if (f->by[by].n)
			qsort(f->by[by].row, f->by[by].n, sizeof(struct row), by_weight);
	return rc;
}

/* Of a spawn site or task there may be many. */
static size_t shown(const struct faults *f, enum by by)
{
	return by == BY_WORKER || f->by[by].n < f->probed.opts.rows ? f->by[by].n : f->probed.opts.rows;
}

/* ------------------------------------------------------------------ output */

static void rows_json(struct cn_json *json, const struct faults *f, enum by by, const char *key)
{
	const struct cn_model *model = cn_probed_model(&f->probed);

	cn_json_array(json, key);
	for (size_t i = 0; i < shown(f, by); i++) {
		const struct row *row = &f->by[by].row[i];

		cn_json_object(json, NULL);
		cn_json_number(json, "runtime", row->runtime);
		if (by == BY_TASK)
			cn_probed_task_json(json, model, row->id, row->runtime, row->site);
		else if (by == BY_SITE)
			cn_site_json(json, "spawned_at", model, row->runtime, row->site);
		else
			cn_json_number(json, "tid", row->id);
		cn_json_number(json, "faults", row->faults);
		cn_json_number(json, "blocked", row->waits);
		cn_json_number(json, "blocked_ns", row->ns);
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void print_json(const struct faults *f)
{
	const struct cn_kernel *kernel = cn_model_kernel(cn_probed_model(&f->probed));
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_head_json(&json, "rouse/probe-faults/1", f->probed.session);
	cn_json_number(&json, "begin_ns", kernel->since_ns);
	cn_json_number(&json, "end_ns", kernel->now_ns);
	cn_probed_losses_json(&json, &f->probed);
	cn_json_number(&json, "spawn_sites_found", f->by[BY_SITE].n);
	rows_json(&json, f, BY_SITE, "spawn_sites");
	cn_json_number(&json, "tasks_found", f->by[BY_TASK].n);
	rows_json(&json, f, BY_TASK, "tasks");
	rows_json(&json, f, BY_WORKER, "workers");
	cn_json_end(&json);
}

static void print_name(const struct cn_paint *paint, const struct faults *f, enum by by, const struct row *row)
{
	const struct cn_model *model = cn_probed_model(&f->probed);
	char text[256];

	if (by == BY_TASK) {
		fprintf(paint->out, "%-8" PRIu64 " ", row->id);
		cn_paint_cell(paint, CN_STYLE_NAME, 16, cn_probed_task(model, row->id));
		fputc(' ', paint->out);
	}
	if (by == BY_WORKER) {
		snprintf(text, sizeof text, "thread %" PRIu64, row->id);
		cn_paint_cell(paint, CN_STYLE_PLAIN, 45, text);
	} else {
		cn_paint_cell(paint, CN_STYLE_SITE, by == BY_TASK ? 19 : 45,
			cn_group_where(model, row->runtime, row->site, text, sizeof text));
	}
}

static void print_rows(const struct cn_paint *paint, const struct faults *f, enum by by, const char *title)
{
	char faults[CN_FORMAT_BYTES], waits[CN_FORMAT_BYTES], ns[CN_FORMAT_BYTES];

	fputc('\n', paint->out);
	cn_paint(paint, CN_STYLE_HEADER, "  %-45s %9s %9s %9s", title, "FAULTS", "BLOCKED", "TIME");
	fputc('\n', paint->out);
	for (size_t i = 0; i < shown(f, by); i++) {
		const struct row *row = &f->by[by].row[i];

		fputs("  ", paint->out);
		print_name(paint, f, by, row);
		fprintf(paint->out, " %9s %9s %9s\n", cn_format_count(faults, row->faults),
			cn_format_count(waits, row->waits), cn_format_ns(ns, row->ns));
	}
	if (shown(f, by) < f->by[by].n)
		cn_paint(paint, CN_STYLE_DIM, "  ... and %zu more (-n N shows more)\n", f->by[by].n - shown(f, by));
	if (!f->by[by].n)
		cn_paint(paint, CN_STYLE_DIM, "  No page fault.\n");
}

static void print_text(const struct faults *f)
{
	struct cn_paint paint;

	cn_paint_init(&paint, stdout, CN_DEPTH_AUTO, false);
	cn_probed_title(&paint, &f->probed, "page faults");
	print_rows(&paint, f, BY_SITE, "SPAWNED AT");
	print_rows(&paint, f, BY_TASK, "TASK");
	print_rows(&paint, f, BY_WORKER, "WORKER");
	fputc('\n', paint.out);
	cn_probed_losses_print(&paint, &f->probed);
}

int cn_probe_faults_main(int argc, char **argv)
{
	/* That a fault blocked is seen by the scheduler's group. */
	struct faults f = { .probed = {
				    .group = &GROUP,
				    .wanted = CN_KERNEL_FAULTS,
				    .groups = 1u << CN_KERNEL_FAULTS | 1u << CN_KERNEL_SCHED,
			    } };
	int rc = cn_group_parse(argc, argv, &GROUP, &f.probed.opts);

	if (rc >= 0)
		return rc;
	rc = cn_probed_follow(&f.probed);
	if (rc == CN_EXIT_OK && gather(&f)) {
		rc = cn_group_fail(CN_EXIT_FINDINGS, "no memory");
	} else if (rc == CN_EXIT_OK) {
		if (f.probed.opts.json)
			print_json(&f);
		else
			print_text(&f);
		rc = cn_probed_finish(&f.probed);
	}
	for (int by = 0; by < BY_MAX; by++)
		free(f.by[by].row);
	cn_session_close(f.probed.session);
	return rc;
}
