/* SPDX-License-Identifier: MIT */
/*
 * All tasks with their await chains, whatever state the target is in: those
 * that stand alike together, so that a million of them can be read; or each.
 */
#include <string.h>
#include <sys/resource.h>

#include "cli/cli.h"
#include "diagnose/shape.h"
#include "export/text.h"
#include "widget/format.h"

enum { DEPTH_MAX = 64, SHAPES_SHOWN = 30, WAITS_SHOWN = 3, FINDINGS_SHOWN = 20 };

/* What the dump itself has cost. */
struct cost {
	uint64_t ns, bytes;
};

static struct cost cost_since(uint64_t begin_ns)
{
	struct rusage usage = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	return (struct cost){ cn_session_clock_ns() - begin_ns, (uint64_t)usage.ru_maxrss * 1024 };
}

/* -------------------------------------------------------------------- JSON */

static void print_resources(struct cn_json *json, const struct cn_model *model)
{
	cn_json_array(json, "resources");
	for (size_t i = 0; i < cn_model_resource_slots(model); i++) {
		const struct cn_resource *r = cn_model_resource_at(model, i);

		if (!r)
			continue;
		cn_json_object(json, NULL);
		cn_json_id(json, "serial", r->serial);
		cn_json_string(json, "kind", cn_resource_kind_name(r->kind));
		cn_json_string(json, "name", cn_resource_name(model, r));
		cn_json_id(json, "owner", r->owner);
		cn_json_number(json, "value", r->value);
		cn_json_number(json, "capacity", r->capacity);
		cn_json_number(json, "granted", r->granted);
		cn_json_number(json, "side_a", r->side_a);
		cn_json_number(json, "side_b", r->side_b);
		cn_json_number(json, "waiters", r->waiters);
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void shape_json(struct cn_json *json, const struct cn_session *session, const struct cn_shape *shape)
{
	const struct cn_model *model = cn_session_model(session);
	const struct cn_task *oldest = cn_model_task(model, shape->oldest);
	char text[CN_SAFE_BYTES];

	cn_json_object(json, NULL);
	cn_json_number(json, "count", shape->count);
	cn_json_string(json, "name", cn_shape_name(model, shape));
	cn_json_string(json, "state", cn_task_state_name(shape->state));
	cn_json_number(json, "in_state_ns", shape->in_state_ns);
	cn_json_array(json, "samples");
	for (int i = 0; i < CN_SHAPE_SAMPLES && shape->samples[i]; i++)
		cn_json_id(json, NULL, shape->samples[i]);
	cn_json_end(json);
	cn_json_array(json, "waits");
	for (int i = 0; i < CN_SHAPE_WAITS && shape->waits[i].weight; i++) {
		const struct cn_shape_wait *wait = &shape->waits[i];

		cn_json_object(json, NULL);
		cn_json_string(json, "op", cn_op_name(wait->op));
		cn_json_id(json, wait->op == ROUSE_OP_JOIN ? "task" : "resource", wait->id);
		cn_json_string(json, "text", cn_shape_wait_text(text, sizeof text, model, wait));
		cn_json_end(json);
	}
	cn_json_end(json);
	cn_json_bool(json, "more_waits", shape->more_waits);
	if (shape->finding >= 0) {
		cn_json_string(json, "finding", cn_finding_text((unsigned int)shape->finding));
		cn_json_string(json, "class", cn_class_name(shape->class));
	}
	if (oldest) {
		cn_json_object(json, "oldest"); /* it stands for all */
		cn_task_members_json(json, session, oldest, true);
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void print_json(
	const struct cn_cli *cli, const struct cn_session *session, const struct cn_shapes *shapes, uint64_t begin_ns)
{
	const struct cn_model *model = cn_session_model(session);
	struct cn_json json;
	struct cost cost;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_head_json(&json, "rouse/dump/1", session);
	cn_json_array(&json, "shapes");
	for (size_t i = 0; i < shapes->n; i++)
		shape_json(&json, session, &shapes->all[i]);
	cn_json_end(&json);
	cn_json_number(&json, "tasks_left_out", shapes->left_out);
	cn_running_json(&json, model);
	if (cli->all) {
		cn_json_array(&json, "tasks");
		for (size_t i = 0; i < cn_model_task_slots(model); i++)
			if (cn_model_task_at(model, i))
				cn_task_json(&json, session, cn_model_task_at(model, i), true);
		cn_json_end(&json);
		print_resources(&json, model);
	}
	cn_findings_json(&json, session, CN_SUSPECT);
	cost = cost_since(begin_ns);
	cn_json_object(&json, "cost");
	cn_json_number(&json, "tasks", cn_model_tasks(model));
	cn_json_number(&json, "ns", cost.ns);
	cn_json_number(&json, "bytes", cost.bytes);
	cn_json_end(&json);
	cn_json_end(&json);
}

/* -------------------------------------------------------------------- text */

static void print_await(const struct cn_paint *paint, const struct cn_model *model, const struct cn_task *task,
	const struct cn_await *await, int depth, bool names)
{
	const struct cn_site *at = cn_model_site(model, task->runtime, await->at);
	const struct cn_site *type = cn_model_site(model, task->runtime, await->type);
	const struct cn_resource *resource = cn_model_resource(model, await->resource);

	fprintf(paint->out, "%*s", 9 + 2 * depth, "");
	cn_paint_glyph(paint, CN_STYLE_FRAME, CN_GLYPH_CORNER);
	fprintf(paint->out, " %s", cn_safe(cn_model_string(model, task->runtime, type->name)));
	if (at->line)
		cn_paint(paint, CN_STYLE_SITE, "  %s:%u",
			cn_safe(cn_path_base(cn_model_string(model, task->runtime, at->file))), at->line);
	if (await->wait_state == ROUSE_WAIT_WAITING) {
		cn_paint(paint, CN_STYLE_DIM, "  waits: %s", cn_op_name(await->op));
		if (names && await->op == ROUSE_OP_JOIN)
			cn_paint(paint, CN_STYLE_DIM, " of task %llu", (unsigned long long)await->resource);
		else if (names && resource)
			cn_paint(paint, CN_STYLE_DIM, ", %s %s", cn_resource_kind_name(resource->kind),
				cn_safe(cn_resource_name(model, resource)));
	}
	fputc('\n', paint->out);
}

/*
 * As in `why`, but only down to the resource: owners are in this very list.
 * `names`: what it is that this task waits for; of a shape, that follows for
 * all. A recursion bounded by DEPTH_MAX.
 */
static void print_awaits(const struct cn_paint *paint, const struct cn_model *model, const struct cn_task *task,
	uint16_t index, int depth, bool names)
{
	print_await(paint, model, task, &task->awaits[index], depth, names);
	for (uint16_t i = (uint16_t)(index + 1); i < task->n_awaits && depth < DEPTH_MAX; i++)
		if (task->awaits[i].parent == index)
			print_awaits(paint, model, task, i, depth + 1, names);
}

static void print_task(const struct cn_paint *paint, const struct cn_session *session, const struct cn_task *task)
{
	const struct cn_model *model = cn_session_model(session);
	const struct cn_finding *finding = cn_findings_of_task(cn_session_findings(session), task->id);
	char time[CN_FORMAT_BYTES];
	uint64_t ns = cn_task_in_state_ns(model, task);

	fprintf(paint->out, "%8llu ", (unsigned long long)task->id);
	cn_paint(paint, CN_STYLE_NAME, "%s", cn_safe(cn_task_name(model, task)));
	cn_paint(paint, cn_state_style(task->state), "  %s", cn_task_state_name(task->state));
	if (ns && task->state < ROUSE_TASK_COMPLETE)
		cn_paint(paint, CN_STYLE_DIM, " for %s", cn_format_ns(time, ns));
	cn_paint(paint, CN_STYLE_DIM, ", %u poll%s", task->polls, task->polls == 1 ? "" : "s");
	if (!task->valid && task->state == ROUSE_TASK_PENDING)
		cn_paint(paint, CN_STYLE_DIM, ", moved while it was read");
	if (finding) {
		fputs("  ", paint->out);
		cn_paint(paint, cn_class_style(finding->class), "%s %s", cn_class_name(finding->class),
			cn_finding_title(finding->code));
	}
	fputc('\n', paint->out);
	if (task->n_awaits)
		print_awaits(paint, model, task, 0, 0, true);
}

static void print_shape_waits(const struct cn_paint *paint, const struct cn_model *model, const struct cn_shape *shape)
{
	char text[CN_SAFE_BYTES];
	int n = 0;

	while (n < WAITS_SHOWN && shape->waits[n].weight) {
		fprintf(paint->out, "%9s", "");
		cn_paint(paint, CN_STYLE_PLAIN, "for %s\n",
			cn_shape_wait_text(text, sizeof text, model, &shape->waits[n++]));
	}
	if (shape->more_waits || (n == WAITS_SHOWN && shape->waits[n].weight))
		cn_paint(paint, CN_STYLE_DIM, "%9sand for others\n", "");
}

static void print_shape(const struct cn_paint *paint, const struct cn_model *model, const struct cn_shape *shape)
{
	const struct cn_task *task = cn_model_task(model, shape->oldest);
	const struct cn_site *site = cn_model_site(model, shape->runtime, shape->spawn_site);
	char time[CN_FORMAT_BYTES];

	cn_paint(paint, CN_STYLE_STRONG, "%8llu ", (unsigned long long)shape->count);
	cn_paint(paint, CN_STYLE_NAME, "%s", cn_safe(cn_shape_name(model, shape)));
	if (site->line)
		cn_paint(paint, CN_STYLE_SITE, " (%s:%u)",
			cn_safe(cn_path_base(cn_model_string(model, shape->runtime, site->file))), site->line);
	cn_paint(paint, cn_state_style(shape->state), "  %s", cn_task_state_name(shape->state));
	if (shape->in_state_ns && shape->state < ROUSE_TASK_COMPLETE)
		cn_paint(paint, CN_STYLE_DIM, ", longest %s (%llu)", cn_format_ns(time, shape->in_state_ns),
			(unsigned long long)shape->oldest);
	for (int i = 0; i < CN_SHAPE_SAMPLES && shape->samples[i]; i++)
		cn_paint(paint, CN_STYLE_DIM, "%s%llu",
			i                                 ? ", "
			: shape->count > CN_SHAPE_SAMPLES ? "  e.g. "
							  : "  id ",
			(unsigned long long)shape->samples[i]);
	if (shape->finding >= 0)
		cn_paint(paint, cn_class_style(shape->class), "  %s %s", cn_class_word(shape->class),
			cn_finding_title((unsigned int)shape->finding));
	fputc('\n', paint->out);
	if (task && task->n_awaits)
		print_awaits(paint, model, task, 0, 0, false);
	print_shape_waits(paint, model, shape);
}

static void print_shapes(const struct cn_paint *paint, const struct cn_model *model, const struct cn_shapes *shapes)
{
	uint64_t tasks = 0;

	for (size_t i = 0; i < shapes->n; i++) {
		if (i < SHAPES_SHOWN)
			print_shape(paint, model, &shapes->all[i]);
		else
			tasks += shapes->all[i].count;
	}
	if (tasks)
		cn_paint(paint, CN_STYLE_DIM, "%9sand %zu more shape%s (%llu task%s); --all prints each task\n", "",
			shapes->n - SHAPES_SHOWN, shapes->n - SHAPES_SHOWN == 1 ? "" : "s", (unsigned long long)tasks,
			tasks == 1 ? "" : "s");
	if (shapes->left_out)
		cn_paint(paint, CN_STYLE_DIM, "%9sand %llu tasks of still other shapes\n", "",
			(unsigned long long)shapes->left_out);
}

/* "1 000 000 tasks in 2.1s, 312 MB": what it has cost to look. */
static void print_cost(const struct cn_paint *paint, const struct cn_model *model, struct cost cost)
{
	char time[CN_FORMAT_BYTES];
	size_t tasks = cn_model_tasks(model);

	cn_paint(paint, CN_STYLE_DIM, "\n%zu task%s in %s, %llu MB\n", tasks, tasks == 1 ? "" : "s",
		cn_format_ns(time, cost.ns), (unsigned long long)(cost.bytes >> 20));
}

/* The strongest come first: a million tasks that have waited for long are a thousand findings, and no news. */
static void print_findings(const struct cn_cli *cli, const struct cn_session *session)
{
	const struct cn_findings *findings = cn_session_findings(session);
	const size_t n = cn_findings_count(findings), shown = cli->all || n < FINDINGS_SHOWN ? n : FINDINGS_SHOWN;

	for (size_t i = 0; i < shown; i++) {
		fputc('\n', stdout);
		cn_finding_print(&cli->paint, session, cn_findings_at(findings, i));
	}
	if (shown < n)
		cn_paint(&cli->paint, CN_STYLE_DIM, "\nand %zu more finding%s; --all prints each\n", n - shown,
			n - shown == 1 ? "" : "s");
}

static void print_text(
	const struct cn_cli *cli, const struct cn_session *session, const struct cn_shapes *shapes, uint64_t begin_ns)
{
	const struct cn_model *model = cn_session_model(session);

	cn_head_text(&cli->paint, session);
	fputc('\n', stdout);
	if (cli->all) {
		for (size_t i = 0; i < cn_model_task_slots(model); i++)
			if (cn_model_task_at(model, i))
				print_task(&cli->paint, session, cn_model_task_at(model, i));
	} else {
		print_shapes(&cli->paint, model, shapes);
	}
	cn_running_print(&cli->paint, model);
	print_findings(cli, session);
	print_cost(&cli->paint, model, cost_since(begin_ns));
}

int cn_verb_dump(struct cn_cli *cli)
{
	uint64_t begin_ns = cn_session_clock_ns();
	struct cn_session *session;
	struct cn_shapes shapes;
	int rc;

	cli->stacks = CN_STACKS_BUSY;
	rc = cn_open(cli, 2, &session);
	if (rc)
		return rc;
	rc = cn_shapes_build(cn_session_model(session), cn_session_findings(session), &shapes);
	if (rc) {
		rc = cn_fail(CN_EXIT_INCOMPLETE, "cannot sort the tasks: %s", strerror(-rc));
	} else {
		if (cli->json)
			print_json(cli, session, &shapes, begin_ns);
		else
			print_text(cli, session, &shapes, begin_ns);
		cn_shapes_free(&shapes);
	}
	cn_session_close(session);
	return rc;
}
