/* SPDX-License-Identifier: MIT */
/* Every task with its await chain, whatever state the target is in. */
#include <string.h>

#include "cli/cli.h"
#include "export/text.h"
#include "widget/format.h"

enum { DEPTH_MAX = 64 };

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
		cn_json_number(json, "side_a", r->side_a);
		cn_json_number(json, "side_b", r->side_b);
		cn_json_number(json, "waiters", r->waiters);
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void print_json(const struct cn_session *session)
{
	const struct cn_model *model = cn_session_model(session);
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_head_json(&json, "rouse/dump/1", session);
	cn_json_array(&json, "tasks");
	for (size_t i = 0; i < cn_model_task_slots(model); i++)
		if (cn_model_task_at(model, i))
			cn_task_json(&json, session, cn_model_task_at(model, i), true);
	cn_json_end(&json);
	print_resources(&json, model);
	cn_findings_json(&json, session, CN_SUSPECT);
	cn_json_end(&json);
}

static void print_await(const struct cn_paint *paint, const struct cn_model *model, const struct cn_task *task,
	const struct cn_await *await, int depth)
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
		if (await->op == ROUSE_OP_JOIN)
			cn_paint(paint, CN_STYLE_DIM, " of task %llu", (unsigned long long)await->resource);
		else if (resource)
			cn_paint(paint, CN_STYLE_DIM, ", %s %s", cn_resource_kind_name(resource->kind),
				cn_safe(cn_resource_name(model, resource)));
	}
	fputc('\n', paint->out);
}

/* As in `why`, but only down to the resource: owners are in this very list. A recursion bounded by DEPTH_MAX. */
static void print_awaits(const struct cn_paint *paint, const struct cn_model *model, const struct cn_task *task,
	uint16_t index, int depth)
{
	print_await(paint, model, task, &task->awaits[index], depth);
	for (uint16_t i = (uint16_t)(index + 1); i < task->n_awaits && depth < DEPTH_MAX; i++)
		if (task->awaits[i].parent == index)
			print_awaits(paint, model, task, i, depth + 1);
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
		print_awaits(paint, model, task, 0, 0);
}

int cn_verb_dump(struct cn_cli *cli)
{
	struct cn_session *session;
	const struct cn_model *model;
	int rc = cn_open(cli, 2, &session);

	if (rc)
		return rc;
	model = cn_session_model(session);
	if (cli->json) {
		print_json(session);
	} else {
		cn_head_text(&cli->paint, session);
		fputc('\n', stdout);
		for (size_t i = 0; i < cn_model_task_slots(model); i++)
			if (cn_model_task_at(model, i))
				print_task(&cli->paint, session, cn_model_task_at(model, i));
	}
	cn_session_close(session);
	return CN_EXIT_OK;
}
