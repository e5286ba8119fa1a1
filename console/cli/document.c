/* SPDX-License-Identifier: MIT */
/* Parts that documents share: where it comes from, tasks, findings, chains; as JSON and as text. */
#include <string.h>

#include "cli/cli.h"
#include "export/text.h"
#include "widget/format.h"

static const char *const kinds[] = {
	[ROUSE_KIND_TASK] = "task", [ROUSE_KIND_MAIN] = "main", [ROUSE_KIND_DAEMON] = "daemon"
};

/* -------------------------------------------------------------------- head */

static uint64_t look_age_ns(const struct cn_session *session)
{
	uint64_t now = cn_session_now_ns(session), then = cn_model_now_ns(cn_session_model(session));

	return now > then ? now - then : 0;
}

void cn_head_json(struct cn_json *json, const char *schema, const struct cn_session *session)
{
	const struct cn_model *model = cn_session_model(session);
	const struct cn_target *target = cn_model_target(model);

	cn_json_string(json, "schema", schema);
	cn_json_string(json, "source", target->source);
	cn_json_string(json, "note", target->note);
	cn_json_object(json, "target");
	cn_json_number(json, "pid", target->pid);
	cn_json_string(json, "program", target->program);
	cn_json_string(json, "version", target->version);
	cn_json_end(json);
	cn_json_number(json, "age_ns", look_age_ns(session));
	cn_json_number(json, "mono_ns", cn_model_now_ns(model));
	cn_json_bool(json, "complete", cn_model_complete(model));
	cn_json_object(json, "lost");
	cn_json_number(json, "events", cn_model_lost_events(model));
	cn_json_number(json, "generations", cn_model_lost_generations(model));
	cn_json_end(json);
	cn_recording_json(json, session);
}

void cn_head_text(const struct cn_paint *paint, const struct cn_session *session)
{
	const struct cn_model *model = cn_session_model(session);
	const struct cn_target *target = cn_model_target(model);
	char time[CN_FORMAT_BYTES];
	uint64_t tasks = 0;
	bool stopped = false;

	for (size_t i = 0; i < cn_model_runtimes(model); i++) {
		const struct cn_runtime *runtime = cn_model_runtime(model, i);

		tasks += runtime ? runtime->live_tasks : 0;
		stopped = stopped || (runtime && runtime->target_stopped);
	}
	cn_paint(paint, CN_STYLE_TITLE, "%s", cn_safe(target->program));
	cn_paint(paint, CN_STYLE_DIM, " (%u)  %llu task%s  source: %s", target->pid, (unsigned long long)tasks,
		tasks == 1 ? "" : "s", cn_safe(target->source));
	if (!cn_target_is_core(target))
		cn_paint(paint, CN_STYLE_DIM, "  seen %s ago", cn_format_ns(time, look_age_ns(session)));
	cn_paint(paint, CN_STYLE_DIM, "  %s", cn_model_complete(model) ? "complete" : "NOT COMPLETE");
	if (cn_model_lost_generations(model))
		cn_paint(paint, CN_STYLE_DIM, "  %llu looks skipped",
			(unsigned long long)cn_model_lost_generations(model));
	if (stopped && !cn_target_is_core(target))
		cn_paint(paint, CN_STYLE_BADGE, "  STOPPED");
	fputc('\n', paint->out);
	cn_recording_print(paint, session);
	if (*target->note) {
		fputs("  ", paint->out);
		cn_paint_words(paint, CN_STYLE_LIKELY, 2, 2, cn_safe(target->note));
	}
}

/* ------------------------------------------------------------------- tasks */

void cn_site_json(
	struct cn_json *json, const char *key, const struct cn_model *model, size_t runtime, uint32_t index)
{
	const struct cn_site *site = cn_model_site(model, runtime, index);

	if (!site->kind) {
		cn_json_null(json, key);
		return;
	}
	cn_json_object(json, key);
	cn_json_string(json, "function", cn_model_string(model, runtime, site->name));
	cn_json_string(json, "file", cn_model_string(model, runtime, site->file));
	cn_json_number(json, "line", site->line);
	cn_json_end(json);
}

static void await_json(
	struct cn_json *json, const struct cn_model *model, const struct cn_task *task, const struct cn_await *await)
{
	cn_json_object(json, NULL);
	cn_json_number(json, "parent", await->parent);
	cn_json_string(json, "future",
		cn_model_string(model, task->runtime, cn_model_site(model, task->runtime, await->type)->name));
	cn_site_json(json, "at", model, task->runtime, await->at);
	if (await->op != ROUSE_OP_NONE || await->wait_state != ROUSE_WAIT_IDLE) {
		static const char *const states[] = { "idle", "waiting", "granted" };

		cn_json_string(json, "op", cn_op_name(await->op));
		cn_json_string(json, "wait", states[await->wait_state]);
		cn_json_id(json, await->op == ROUSE_OP_JOIN ? "task" : "resource", await->resource);
		cn_json_number(json, "since_ns", await->since_ns);
		if (await->wait_state == ROUSE_WAIT_WAITING && await->waker_task == CN_FOREIGN_WAKER)
			cn_json_string(json, "wakes", "foreign");
		else if (await->wait_state == ROUSE_WAIT_WAITING)
			cn_json_id(json, "wakes", await->waker_task);
	}
	cn_json_end(json);
}

static void times_json(struct cn_json *json, const struct cn_model *model, const struct cn_task *task)
{
	cn_json_number(json, "age_ns", cn_task_age_ns(model, task));
	cn_json_number(json, "busy_ns", cn_task_busy_ns(model, task));
	cn_json_number(json, "scheduled_ns", cn_task_scheduled_ns(model, task));
	cn_json_number(json, "idle_ns", cn_task_idle_ns(model, task));
	cn_json_number(json, "in_state_ns", cn_task_in_state_ns(model, task));
	cn_json_number(json, "polls", task->polls);
	cn_json_number(json, "wakes", task->wakes);
	cn_json_number(json, "self_wakes", task->self_wakes);
	cn_json_number(json, "wakers", task->waker_refs);
	cn_json_number(json, "handles", task->handle_refs);
	if (cn_wake_source_name(task->last_waker))
		cn_json_string(json, "last_waker", cn_wake_source_name(task->last_waker));
	else
		cn_json_id(json, "last_waker", task->last_waker);
}

void cn_task_members_json(
	struct cn_json *json, const struct cn_session *session, const struct cn_task *task, bool with_awaits)
{
	const struct cn_model *model = cn_session_model(session);
	const struct cn_finding *finding = cn_findings_of_task(cn_session_findings(session), task->id);

	cn_json_id(json, "id", task->id);
	cn_json_string(json, "name", cn_task_name(model, task));
	cn_json_string(json, "state", cn_task_state_name(task->state));
	cn_json_string(json, "kind", task->kind < sizeof kinds / sizeof kinds[0] ? kinds[task->kind] : "unknown");
	cn_json_number(json, "runtime", task->runtime);
	if (task->worker == CN_NO_WORKER)
		cn_json_null(json, "worker");
	else
		cn_json_number(json, "worker", task->worker);
	cn_json_id(json, "parent", task->parent);
	times_json(json, model, task);
	cn_json_number(json, "frame_bytes", task->frame_bytes);
	cn_json_bool(json, "valid", task->valid);
	cn_site_json(json, "spawned", model, task->runtime, task->spawn_site);
	cn_site_json(json, "site", model, task->runtime, cn_task_await_site(model, task));
	if (finding)
		cn_json_string(json, "finding", cn_finding_text(finding->code));
	if (with_awaits) {
		cn_json_array(json, "awaits");
		for (uint16_t i = 0; i < task->n_awaits; i++)
			await_json(json, model, task, &task->awaits[i]);
		cn_json_end(json);
	}
}

void cn_task_json(struct cn_json *json, const struct cn_session *session, const struct cn_task *task, bool with_awaits)
{
	cn_json_object(json, NULL);
	cn_task_members_json(json, session, task, with_awaits);
	cn_json_end(json);
}

/* ---------------------------------------------------------------- findings */

static void tasks_json(struct cn_json *json, const struct cn_model *model, const struct cn_finding *finding)
{
	cn_json_array(json, "tasks");
	for (uint32_t i = 0; i < finding->n_tasks && i < CN_FINDING_TASKS; i++) {
		const struct cn_task *task = cn_model_task(model, finding->tasks[i]);

		cn_json_object(json, NULL);
		cn_json_id(json, "id", finding->tasks[i]);
		if (task) {
			cn_json_string(json, "name", cn_task_name(model, task));
			cn_site_json(json, "site", model, task->runtime, cn_task_await_site(model, task));
		} else if (i == 0 && *finding->task_name) {
			cn_json_string(json, "name", finding->task_name);
		}
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void place_json(struct cn_json *json, const char *key, const char *function, const char *file, uint32_t line)
{
	if (!line) {
		cn_json_null(json, key);
		return;
	}
	cn_json_object(json, key);
	cn_json_string(json, "function", function);
	cn_json_string(json, "file", file);
	cn_json_number(json, "line", line);
	cn_json_end(json);
}

void cn_finding_json(struct cn_json *json, const struct cn_session *session, const struct cn_finding *f)
{
	cn_finding_member_json(json, NULL, session, f);
}

void cn_finding_member_json(
	struct cn_json *json, const char *key, const struct cn_session *session, const struct cn_finding *f)
{
	const struct cn_model *model = cn_session_model(session);
	const struct cn_resource *resource = f->resource ? cn_model_resource(model, f->resource) : NULL;

	cn_json_object(json, key);
	cn_json_string(json, "code", cn_finding_text(f->code));
	cn_json_string(json, "title", cn_finding_title(f->code));
	cn_json_string(json, "class", cn_class_name(f->class));
	cn_json_bool(json, "active", f->active);
	cn_json_number(json, "runtime", f->runtime);
	tasks_json(json, model, f);
	place_json(json, "site", f->function, f->file, f->line);
	place_json(json, "leaf", f->leaf, f->leaf_file, f->leaf_line);
	if (f->resource) {
		cn_json_object(json, "resource");
		cn_json_id(json, "serial", f->resource);
		if (resource) {
			cn_json_string(json, "kind", cn_resource_kind_name(resource->kind));
			cn_json_string(json, "name", cn_resource_name(model, resource));
		}
		cn_json_end(json);
	}
	if (f->owner)
		cn_json_id(json, "owner", f->owner);
	if (f->worker != CN_NO_WORKER)
		cn_json_number(json, "worker", f->worker);
	cn_json_number(json, "age_ns", f->last_seen_ns > f->since_ns ? f->last_seen_ns - f->since_ns : 0);
	cn_json_number(json, "last_seen_ns", f->last_seen_ns);
	cn_json_string(json, "evidence", f->evidence);
	cn_json_string(json, "advice", cn_finding_advice(f->code));
	cn_json_end(json);
}

void cn_findings_json(struct cn_json *json, const struct cn_session *session, enum cn_class least)
{
	const struct cn_findings *findings = cn_session_findings(session);

	cn_json_array(json, "findings");
	for (size_t i = 0; i < cn_findings_count(findings); i++)
		if (cn_findings_at(findings, i)->class >= least)
			cn_finding_json(json, session, cn_findings_at(findings, i));
	cn_json_end(json);
	cn_json_number(json, "findings_left_out", cn_findings_more(findings));
}

static void print_names(const struct cn_paint *paint, const struct cn_model *model, const struct cn_finding *f)
{
	for (uint32_t i = 0; i < f->n_tasks && i < CN_FINDING_TASKS; i++) {
		const struct cn_task *task = cn_model_task(model, f->tasks[i]);

		fputs(i ? ", " : "  ", paint->out);
		cn_paint(paint, CN_STYLE_NAME, "%s", task ? cn_safe(cn_task_name(model, task)) : cn_safe(f->task_name));
		cn_paint(paint, CN_STYLE_DIM, " (%llu)", (unsigned long long)f->tasks[i]);
	}
	if (f->n_tasks > CN_FINDING_TASKS)
		fprintf(paint->out, " and %u more", f->n_tasks - CN_FINDING_TASKS);
	if (!f->n_tasks && f->resource) {
		const struct cn_resource *resource = cn_model_resource(model, f->resource);

		cn_paint(paint, CN_STYLE_NAME, "  %s %s", resource ? cn_resource_kind_name(resource->kind) : "resource",
			resource ? cn_safe(cn_resource_name(model, resource)) : "");
	}
	fputc('\n', paint->out);
}

void cn_finding_print(const struct cn_paint *paint, const struct cn_session *session, const struct cn_finding *f)
{
	const struct cn_model *model = cn_session_model(session);
	uint64_t age = f->last_seen_ns > f->since_ns ? f->last_seen_ns - f->since_ns : 0;
	char time[CN_FORMAT_BYTES], evidence[sizeof f->evidence + 2];

	cn_paint_glyph(paint, cn_class_style(f->class), cn_class_glyph(f->class));
	cn_paint(paint, cn_class_style(f->class), " %s", cn_class_word(f->class));
	cn_paint(paint, CN_STYLE_STRONG, " %s", cn_finding_title(f->code));
	print_names(paint, model, f);
	if (f->line) {
		cn_paint(paint, CN_STYLE_SITE, "    %s:%u", cn_safe(cn_path_short(f->file)), f->line);
		cn_paint(paint, CN_STYLE_DIM, " in %s", cn_safe(f->function));
		if (*f->leaf)
			cn_paint(paint, CN_STYLE_DIM, ", awaiting %s", cn_safe(f->leaf));
		if (age && f->since_ns < f->first_seen_ns)
			cn_paint(paint, CN_STYLE_DIM, ", for %s", cn_format_ns(time, age));
		if (!f->active)
			cn_paint(paint, CN_STYLE_DIM, ", not in the last look");
		fputc('\n', paint->out);
	}
	snprintf(evidence, sizeof evidence, "%s.", f->evidence);
	fputs("    ", paint->out);
	cn_paint_words(paint, CN_STYLE_PLAIN, 4, 4, evidence);
	fputs("  ", paint->out);
	cn_paint_glyph(paint, CN_STYLE_GOOD, CN_GLYPH_ARROW);
	fputc(' ', paint->out);
	cn_paint_words(paint, CN_STYLE_PLAIN, 4, 4, cn_finding_advice(f->code));
}

/* ------------------------------------------------------------------ chains */

/* What only links of some kinds have. */
static void link_kind_json(struct cn_json *json, const struct cn_model *model, const struct cn_link *link)
{
	const struct cn_task *task = link->kind == CN_LINK_TASK ? cn_model_task(model, link->id) : NULL;
	const struct cn_resource *r = link->kind == CN_LINK_RESOURCE ? cn_model_resource(model, link->id) : NULL;
	const struct cn_socket *socket = link->kind == CN_LINK_SOCKET ? cn_model_socket(model, link->id) : NULL;

	if (link->kind != CN_LINK_AWAIT && link->kind != CN_LINK_ROOT)
		cn_json_id(json, "id", link->id);
	if (task)
		cn_json_string(json, "name", cn_task_name(model, task));
	if (r) {
		cn_json_string(json, "resource", cn_resource_kind_name(r->kind));
		cn_json_string(json, "name", cn_resource_name(model, r));
	}
	if (link->kind == CN_LINK_AWAIT) {
		cn_json_string(json, "future",
			cn_model_string(model, link->runtime, cn_model_site(model, link->runtime, link->type)->name));
		cn_json_string(json, "op", cn_op_name(link->op));
	}
	if (socket) {
		cn_json_string(json, "local", socket->local);
		cn_json_string(json, "peer", socket->peer);
		if (socket->peer_pid) {
			cn_json_number(json, "peer_pid", socket->peer_pid);
			cn_json_string(json, "peer_program", socket->peer_program);
			cn_json_bool(json, "peer_is_rouse", socket->peer_is_rouse);
			cn_json_number(json, "peer_others", socket->peer_others);
		}
		cn_json_number(json, "rx_bytes", socket->rx_bytes);
		cn_json_number(json, "tx_bytes", socket->tx_bytes);
	}
	if (link->permits)
		cn_json_number(json, "permits", link->permits);
	if (link->due_ns)
		cn_json_number(json, "due_ns", link->due_ns);
	if (link->kind == CN_LINK_THREAD)
		cn_stack_json(json, "stack", model, link->runtime, (uint32_t)link->id);
}

static void link_json(struct cn_json *json, const struct cn_model *model, const struct cn_link *link)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, link->runtime);

	cn_json_object(json, NULL);
	cn_json_number(json, "parent", link->parent);
	cn_json_string(json, "kind", cn_link_kind_name(link->kind));
	cn_json_string(json, "relation", cn_relation_name(link->relation));
	link_kind_json(json, model, link);
	cn_site_json(json, "at", model, link->runtime, link->at);
	if (link->since_ns) {
		cn_json_number(json, "since_ns", link->since_ns);
		cn_json_number(json, "age_ns",
			runtime && runtime->now_ns > link->since_ns ? runtime->now_ns - link->since_ns : 0);
	}
	cn_json_bool(json, "either", link->either);
	cn_json_bool(json, "exact", !link->guess);
	cn_json_bool(json, "cycle", link->cycle);
	cn_json_string(json, "evidence", link->text);
	cn_json_end(json);
}

void cn_chain_json(struct cn_json *json, const struct cn_model *model, const struct cn_chain *chain)
{
	cn_json_bool(json, "valid", chain->valid);
	cn_json_bool(json, "cycle", chain->cycle);
	cn_json_bool(json, "truncated", chain->truncated);
	cn_json_array(json, "chain");
	for (uint32_t i = 0; i < chain->n; i++)
		link_json(json, model, &chain->links[i]);
	cn_json_end(json);
	cn_json_string(json, "verdict", chain->verdict);
}

static void print_line(void *arg, const struct cn_line *line)
{
	const struct cn_paint *paint = arg;

	for (uint32_t i = 0; i < line->n_spans; i++)
		cn_paint(paint, (enum cn_style)line->spans[i].style, "%.*s", (int)line->spans[i].bytes,
			line->text + line->spans[i].from);
	fputc('\n', paint->out);
}

void cn_chain_print(const struct cn_paint *paint, const struct cn_model *model, const struct cn_chain *chain)
{
	struct cn_paint copy = *paint;

	cn_chain_draw(model, chain, paint->charset, paint->columns, print_line, &copy);
}
