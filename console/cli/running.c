/* SPDX-License-Identifier: MIT */
/* The threads that are in the program's code now: workers in a poll, and the blocking pool's; with native stacks. */
#include "cli/cli.h"
#include "export/text.h"
#include "widget/format.h"

enum { THREADS_SHOWN = 16 };

typedef void (*thread_fn)(void *arg, const struct cn_model *model, const struct cn_runtime *runtime, uint32_t tid,
	const struct cn_worker *worker);

static void each_of(const struct cn_model *model, const struct cn_runtime *runtime, thread_fn fn, void *arg)
{
	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		const struct cn_worker *worker = &runtime->workers[i];
		const struct cn_task *task = cn_model_task(model, worker->current_task);

		if (!worker->foreign && task && task->state == ROUSE_TASK_RUNNING)
			fn(arg, model, runtime, worker->tid, worker);
	}
	for (size_t i = 0; i < cn_model_resource_slots(model); i++) {
		const struct cn_resource *r = cn_model_resource_at(model, i);

		if (r && r->runtime == runtime->index && r->kind == ROUSE_RESOURCE_BLOCKING_JOB && r->value == 1)
			fn(arg, model, runtime, (uint32_t)r->owner, NULL);
	}
}

static void each(const struct cn_model *model, thread_fn fn, void *arg)
{
	for (size_t i = 0; i < cn_model_runtimes(model); i++)
		if (cn_model_runtime(model, i))
			each_of(model, cn_model_runtime(model, i), fn, arg);
}

/* -------------------------------------------------------------------- text */

struct printer {
	const struct cn_paint *paint;
	uint32_t n;
};

static void print_thread(void *arg, const struct cn_model *model, const struct cn_runtime *runtime, uint32_t tid,
	const struct cn_worker *worker)
{
	struct printer *printer = arg;
	const struct cn_paint *paint = printer->paint;
	const struct cn_task *task = worker ? cn_model_task(model, worker->current_task) : NULL;
	const struct cn_thread *thread = cn_model_thread(model, runtime->index, tid);
	char text[256], time[CN_FORMAT_BYTES];

	if (printer->n++ >= THREADS_SHOWN)
		return;
	if (printer->n == 1)
		cn_paint(paint, CN_STYLE_TITLE, "\nRunning now\n");
	if (worker)
		cn_paint(paint, CN_STYLE_STRONG, "  worker %u", worker->index);
	else
		cn_paint(paint, CN_STYLE_STRONG, "  blocking job");
	cn_paint(paint, CN_STYLE_DIM, " (thread %u)", tid);
	if (task) {
		cn_paint(paint, CN_STYLE_NAME, "  %s", cn_safe(cn_task_name(model, task)));
		cn_paint(paint, CN_STYLE_DIM, " (%llu) in poll %u for %s", (unsigned long long)task->id, task->polls,
			cn_format_ns(time, cn_task_in_state_ns(model, task)));
	}
	if (thread && *cn_thread_text(text, sizeof text, model, runtime->index, thread))
		cn_paint(paint, CN_STYLE_RUNNING, "  %s", text);
	fputc('\n', paint->out);
	cn_stack_print(paint, model, runtime->index, tid, 9);
}

void cn_running_print(const struct cn_paint *paint, const struct cn_model *model)
{
	struct printer printer = { .paint = paint };

	each(model, print_thread, &printer);
	if (printer.n > THREADS_SHOWN)
		cn_paint(paint, CN_STYLE_DIM, "  and %u more\n", printer.n - THREADS_SHOWN);
}

/* -------------------------------------------------------------------- JSON */

static void thread_json(void *arg, const struct cn_model *model, const struct cn_runtime *runtime, uint32_t tid,
	const struct cn_worker *worker)
{
	struct cn_json *json = arg;
	const struct cn_thread *thread = cn_model_thread(model, runtime->index, tid);
	char text[256];

	cn_json_object(json, NULL);
	cn_json_number(json, "runtime", runtime->index);
	cn_json_number(json, "tid", tid);
	if (worker) {
		cn_json_number(json, "worker", worker->index);
		cn_json_id(json, "task", worker->current_task);
	}
	if (thread)
		cn_json_string(json, "does", cn_thread_text(text, sizeof text, model, runtime->index, thread));
	cn_stack_json(json, "stack", model, runtime->index, tid);
	cn_json_end(json);
}

void cn_running_json(struct cn_json *json, const struct cn_model *model)
{
	cn_json_array(json, "running");
	each(model, thread_json, json);
	cn_json_end(json);
}
