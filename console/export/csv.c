/* SPDX-License-Identifier: MIT */
#include "export/csv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export/text.h"

enum { TEXT_BYTES = 1024 };

/* The line in progress, and what it is about. */
struct row {
	FILE *out;
	const struct cn_model *model;
	const struct cn_findings *findings;
	int cells;
};

const char *cn_csv_table_text(unsigned int table)
{
	static const char *const texts[] = {
#define X(name, text, help) text,
		CN_CSV_TABLES(X)
#undef X
	};

	return table < CN_CSV_TABLE_MAX ? texts[table] : "";
}

/* ---------------------------------------------------------------------- cells */

static void text(struct row *row, const char *value)
{
	char safe[TEXT_BYTES];
	const char *guard = *value && strchr("=+-@", *value) ? "'" : "";

	cn_text_safe(safe, sizeof safe, value, false);
	if (row->cells++)
		fputc(',', row->out);
	if (!strpbrk(safe, ",\"")) {
		fprintf(row->out, "%s%s", guard, safe);
		return;
	}
	fprintf(row->out, "\"%s", guard);
	for (const char *p = safe; *p; p++)
		fputs(*p == '"' ? "\"\"" : (char[]){ *p, 0 }, row->out);
	fputc('"', row->out);
}

static void number(struct row *row, uint64_t value)
{
	fprintf(row->out, "%s%" PRIu64, row->cells++ ? "," : "", value);
}

static void nothing(struct row *row)
{
	text(row, "");
}

static void end(struct row *row)
{
	fputc('\n', row->out);
	row->cells = 0;
}

/* Three cells. */
static void site(struct row *row, size_t runtime, uint32_t index)
{
	const struct cn_site *at = cn_model_site(row->model, runtime, index);

	text(row, cn_model_string(row->model, runtime, at->name));
	text(row, cn_model_string(row->model, runtime, at->file));
	if (at->line)
		number(row, at->line);
	else
		nothing(row);
}

static void finding(struct row *row, const struct cn_finding *found)
{
	text(row, found ? cn_finding_text(found->code) : "");
	text(row, found ? cn_class_name(found->class) : "");
}

/* ---------------------------------------------------------------------- tasks */

static void task_waits(struct row *row, const struct cn_task *task)
{
	const struct cn_await *leaf = cn_task_leaf(task);
	const bool waits = leaf && leaf->wait_state == ROUSE_WAIT_WAITING;

	text(row, waits ? cn_op_name(leaf->op) : "");
	if (waits)
		number(row, leaf->resource);
	else
		nothing(row);
}

static void task(struct row *row, const struct cn_task *t)
{
	number(row, t->id);
	text(row, cn_task_name(row->model, t));
	text(row, cn_task_state_name(t->state));
	number(row, t->runtime);
	if (t->worker == CN_NO_WORKER)
		nothing(row);
	else
		number(row, t->worker);
	number(row, t->parent);
	number(row, cn_task_age_ns(row->model, t));
	number(row, cn_task_busy_ns(row->model, t));
	number(row, cn_task_scheduled_ns(row->model, t));
	number(row, cn_task_idle_ns(row->model, t));
	number(row, cn_task_in_state_ns(row->model, t));
	number(row, t->polls);
	number(row, t->wakes);
	number(row, t->self_wakes);
	number(row, t->waker_refs);
	number(row, t->handle_refs);
	number(row, t->frame_bytes);
	task_waits(row, t);
	site(row, t->runtime, cn_task_await_site(row->model, t));
	site(row, t->runtime, t->spawn_site);
	finding(row, cn_findings_of_task(row->findings, t->id));
	end(row);
}

#define TASK_NAMES                                                                                                     \
	"id,name,state,runtime,worker,parent,age_ns,busy_ns,scheduled_ns,idle_ns,in_state_ns,polls,wakes,"             \
	"self_wakes,wakers,handles,frame_bytes,waits,waits_for,at_function,at_file,at_line,spawned_function,"          \
	"spawned_file,spawned_line,finding,class\n"

static void tasks(struct row *row, const struct cn_csv_opts *opts)
{
	fputs(TASK_NAMES, row->out);
	for (size_t i = 0; i < cn_model_task_slots(row->model); i++)
		if (cn_model_task_at(row->model, i) && (!opts->wants_task || opts->wants_task(opts->arg, i)))
			task(row, cn_model_task_at(row->model, i));
}

/* --------------------------------------------------------------------- groups */

static void group(struct row *row, const struct cn_shape *shape)
{
	const struct cn_task *oldest = cn_model_task(row->model, shape->oldest);
	char waits[CN_SAFE_BYTES] = "";

	if (shape->waits[0].weight)
		cn_shape_wait_text(waits, sizeof waits, row->model, &shape->waits[0]);
	number(row, shape->count);
	text(row, cn_shape_name(row->model, shape));
	text(row, cn_task_state_name(shape->state));
	number(row, shape->runtime);
	number(row, shape->oldest);
	number(row, shape->in_state_ns);
	text(row, waits);
	site(row, shape->runtime, oldest ? cn_task_await_site(row->model, oldest) : 0);
	site(row, shape->runtime, shape->spawn_site);
	text(row, shape->finding >= 0 ? cn_finding_text((unsigned int)shape->finding) : "");
	text(row, shape->finding >= 0 ? cn_class_name(shape->class) : "");
	end(row);
}

#define GROUP_NAMES                                                                                                    \
	"count,name,state,runtime,oldest,oldest_in_state_ns,most_wait_for,at_function,at_file,at_line,"                \
	"spawned_function,spawned_file,spawned_line,finding,class\n"

static int groups(struct row *row)
{
	struct cn_shapes shapes;
	int rc = cn_shapes_build(row->model, row->findings, &shapes);

	if (rc)
		return rc;
	fputs(GROUP_NAMES, row->out);
	for (size_t i = 0; i < shapes.n; i++)
		group(row, &shapes.all[i]);
	cn_shapes_free(&shapes);
	return 0;
}

/* ------------------------------------------------------------------ resources */

static void resource(struct row *row, const struct cn_resource *r)
{
	number(row, r->serial);
	text(row, cn_resource_kind_name(r->kind));
	text(row, cn_resource_name(row->model, r));
	number(row, r->runtime);
	number(row, r->owner);
	number(row, r->value);
	number(row, r->capacity);
	number(row, r->granted);
	number(row, r->side_a);
	number(row, r->side_b);
	number(row, r->waiters);
	number(row, r->creator);
	site(row, r->runtime, r->site);
	finding(row, cn_findings_of_resource(row->findings, r->serial));
	end(row);
}

#define RESOURCE_NAMES                                                                                                 \
	"serial,kind,name,runtime,owner,value,capacity,granted,side_a,side_b,waiters,creator,made_function,made_file," \
	"made_line,finding,class\n"

static void resources(struct row *row)
{
	fputs(RESOURCE_NAMES, row->out);
	for (size_t i = 0; i < cn_model_resource_slots(row->model); i++)
		if (cn_model_resource_at(row->model, i))
			resource(row, cn_model_resource_at(row->model, i));
}

int cn_csv_write(FILE *out, const struct cn_csv_opts *opts, const struct cn_model *model,
	const struct cn_findings *findings)
{
	struct row row = { .out = out, .model = model, .findings = findings };

	if (opts->table == CN_CSV_GROUPS)
		return groups(&row);
	if (opts->table == CN_CSV_RESOURCES)
		resources(&row);
	else
		tasks(&row, opts);
	return 0;
}
