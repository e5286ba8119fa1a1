/* SPDX-License-Identifier: MIT */
/* Where the threads of a program stand: native stacks, by function, file and line. */
#include <string.h>

#include "cli/cli.h"
#include "export/text.h"
#include "widget/format.h"

enum { NATIVES_MAX = 4096, FRAME_BYTES = 512 };

/* -------------------------------------------------------------------- JSON */

static void frame_json(struct cn_json *json, const struct cn_model *model, const struct cn_stack *stack, uint32_t i)
{
	const struct cn_symbol *symbol = cn_model_symbol(model, stack->pc[i]);

	cn_json_object(json, NULL);
	cn_json_id(json, "pc", stack->pc[i]);
	cn_json_bool(json, "sure", i < stack->sure);
	if (symbol && *symbol->function)
		cn_json_string(json, "function", symbol->function);
	if (symbol && *symbol->within)
		cn_json_string(json, "inlined_in", symbol->within);
	if (symbol && symbol->line) {
		cn_json_string(json, "file", symbol->file);
		cn_json_number(json, "line", symbol->line);
	}
	if (symbol && *symbol->module) {
		cn_json_string(json, "module", symbol->module);
		cn_json_id(json, "offset", symbol->offset);
		if (symbol->refused)
			cn_json_bool(json, "refused", true);
	}
	cn_json_end(json);
}

void cn_stack_frames_json(
	struct cn_json *json, const char *key, const struct cn_model *model, const struct cn_stack *stack)
{
	cn_json_object(json, key);
	cn_json_bool(json, "whole", !stack->why);
	if (stack->why)
		cn_json_string(json, "why", cn_stack_why(stack->why));
	cn_json_array(json, "frames");
	for (uint32_t i = 0; i < stack->n; i++)
		frame_json(json, model, stack, i);
	cn_json_end(json);
	cn_json_end(json);
}

void cn_stack_json(struct cn_json *json, const char *key, const struct cn_model *model, size_t runtime, uint32_t tid)
{
	const struct cn_stack *stack = cn_model_stack(model, runtime, tid);

	if (stack)
		cn_stack_frames_json(json, key, model, stack);
	else
		cn_json_null(json, key);
}

static void native_json(
	struct cn_json *json, const struct cn_model *model, size_t runtime, const struct cn_native *native)
{
	const struct cn_task *task = native->worker ? cn_model_task(model, native->worker->current_task) : NULL;
	char function[FRAME_BYTES];

	cn_json_object(json, NULL);
	cn_json_number(json, "tid", native->tid);
	cn_json_number(json, "runtime", runtime);
	cn_json_string(json, "role", cn_thread_role_name(native->role));
	if (native->worker) {
		cn_json_number(json, "worker", native->worker->index);
		cn_json_string(json, "state", cn_worker_state_name(native->worker->state));
	}
	if (task) {
		cn_json_object(json, "task");
		cn_json_id(json, "id", task->id);
		cn_json_string(json, "name", cn_task_name(model, task));
		cn_json_end(json);
	}
	if (native->job) {
		cn_symbol_format(model, native->job->side_a, function, sizeof function);
		cn_json_object(json, "job");
		cn_json_id(json, "serial", native->job->serial);
		cn_json_string(json, "name", cn_resource_name(model, native->job));
		cn_json_string(json, "function", function);
		cn_json_end(json);
	}
	if (native->thread && native->thread->state)
		cn_json_string(json, "kernel_state", (char[]){ native->thread->state, 0 });
	if (native->thread && native->thread->syscall >= 0) {
		const char *name = cn_syscall_name(native->thread->syscall);

		cn_json_number(json, "syscall", (uint64_t)native->thread->syscall);
		if (name)
			cn_json_string(json, "syscall_name", name);
	}
	cn_stack_json(json, "stack", model, runtime, native->tid);
	cn_json_end(json);
}

/* -------------------------------------------------------------------- text */

void cn_stack_frames_print(
	const struct cn_paint *paint, const struct cn_model *model, const struct cn_stack *stack, int indent)
{
	char text[FRAME_BYTES];

	for (uint32_t i = 0; i < stack->n; i++) {
		const struct cn_symbol *symbol = cn_model_symbol(model, stack->pc[i]);

		cn_symbol_format(model, stack->pc[i], text, sizeof text);
		fprintf(paint->out, "%*s", indent, "");
		cn_paint(paint, symbol && symbol->line ? CN_STYLE_PLAIN : CN_STYLE_DIM, "%s", text);
		if (i >= stack->sure)
			cn_paint(paint, CN_STYLE_DIM, "  ?");
		fputc('\n', paint->out);
	}
	if (stack->why) {
		fprintf(paint->out, "%*s", indent, "");
		cn_paint(paint, CN_STYLE_DIM, stack->n ? "... %s" : "no stack: %s", cn_stack_why(stack->why));
		fputc('\n', paint->out);
	}
}

void cn_stack_print(
	const struct cn_paint *paint, const struct cn_model *model, size_t runtime, uint32_t tid, int indent)
{
	const struct cn_stack *stack = cn_model_stack(model, runtime, tid);

	if (stack)
		cn_stack_frames_print(paint, model, stack, indent);
}

static void print_work(const struct cn_paint *paint, const struct cn_model *model, const struct cn_native *native)
{
	const struct cn_task *task = native->worker ? cn_model_task(model, native->worker->current_task) : NULL;
	char text[FRAME_BYTES];

	if (native->worker && native->worker->current_task) {
		fputs("  polls ", paint->out);
		cn_paint(paint, CN_STYLE_NAME, "%s", task ? cn_safe(cn_task_name(model, task)) : "task");
		cn_paint(paint, CN_STYLE_DIM, " (%llu)", (unsigned long long)native->worker->current_task);
		if (task)
			cn_paint(paint, CN_STYLE_DIM, " for %s", cn_format_ns(text, cn_task_in_state_ns(model, task)));
	} else if (native->worker) {
		cn_paint(paint, CN_STYLE_DIM, "  %s", cn_worker_state_name(native->worker->state));
	}
	if (native->job) {
		cn_symbol_format(model, native->job->side_a, text, sizeof text);
		fputs("  runs ", paint->out);
		cn_paint(paint, CN_STYLE_NAME, "%s", native->job->side_a ? text : "a job");
	}
}

static void print_native(
	const struct cn_paint *paint, const struct cn_model *model, size_t runtime, const struct cn_native *native)
{
	const struct cn_thread *thread = native->thread;
	const char *call = thread && thread->syscall >= 0 ? cn_syscall_name(thread->syscall) : NULL;

	fputc('\n', paint->out);
	if (native->worker)
		cn_paint(paint, CN_STYLE_STRONG, "worker %u", native->worker->index);
	else
		cn_paint(paint, CN_STYLE_STRONG, "%s", cn_thread_role_name(native->role));
	cn_paint(paint, CN_STYLE_DIM, "  thread %u", native->tid);
	print_work(paint, model, native);
	if (thread && thread->state)
		cn_paint(paint, CN_STYLE_DIM, "  %c%s%s", thread->state, call ? " in " : "", call ? call : "");
	fputc('\n', paint->out);
	cn_stack_print(paint, model, runtime, native->tid, 4);
}

/* -------------------------------------------------------------------- verb */

typedef void native_fn(void *arg, const struct cn_model *model, size_t runtime, const struct cn_native *native);

static void for_each(const struct cn_model *model, native_fn *each, void *arg)
{
	static struct cn_native natives[NATIVES_MAX];

	for (size_t r = 0; r < cn_model_runtimes(model); r++) {
		size_t n = cn_model_natives(model, r, natives, NATIVES_MAX);

		for (size_t i = 0; i < n; i++)
			each(arg, model, r, &natives[i]);
	}
}

static void json_each(void *arg, const struct cn_model *model, size_t runtime, const struct cn_native *native)
{
	native_json(arg, model, runtime, native);
}

static void print_each(void *arg, const struct cn_model *model, size_t runtime, const struct cn_native *native)
{
	print_native(arg, model, runtime, native);
}

int cn_verb_stacks(struct cn_cli *cli)
{
	struct cn_session *session;
	struct cn_json json;
	int rc;

	cli->stacks = CN_STACKS_ALL;
	rc = cn_open(cli, 1, &session);
	if (rc)
		return rc;
	if (cli->json) {
		cn_json_init(&json, stdout);
		cn_json_object(&json, NULL);
		cn_head_json(&json, "rouse/stacks/1", session);
		cn_json_array(&json, "threads");
		for_each(cn_session_model(session), json_each, &json);
		cn_json_end(&json);
		cn_json_end(&json);
	} else {
		cn_head_text(&cli->paint, session);
		for_each(cn_session_model(session), print_each, &cli->paint);
		fputs("\nBehind a ?, a frame rests on a frame pointer that was searched for.\n", stdout);
	}
	cn_session_close(session);
	return CN_EXIT_OK;
}
