/* SPDX-License-Identifier: MIT */
/* The threads behind a runtime, as the operating system sees them. What it does not say is null, or a dash. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "export/thread_brief.h"
#include "widget/format.h"

/* -------------------------------------------------------------------- JSON */

static void known(struct cn_json *json, const char *key, uint64_t value, bool is_known)
{
	if (is_known)
		cn_json_number(json, key, value);
	else
		cn_json_null(json, key);
}

static void share(struct cn_json *json, const char *key, uint64_t part, uint64_t span_ns)
{
	if (span_ns)
		cn_json_real(json, key, (double)part / (double)span_ns);
	else
		cn_json_null(json, key);
}

static void string_or_null(struct cn_json *json, const char *key, const char *text)
{
	if (*text)
		cn_json_string(json, key, text);
	else
		cn_json_null(json, key);
}

static void thread_json(
	struct cn_json *json, const struct cn_model *model, size_t runtime, const struct cn_thread *thread)
{
	uint64_t cpu_ns = 0, run_queue_ns = 0, span_ns = 0;
	char pc[24] = "", state[2] = { thread->state, 0 }, call[CN_THREAD_BRIEF];

	(void)cn_thread_delta(model, runtime, thread, &cpu_ns, &run_queue_ns, &span_ns);
	if (thread->pc)
		snprintf(pc, sizeof pc, "0x%llx", (unsigned long long)thread->pc);
	cn_json_object(json, NULL);
	cn_json_number(json, "tid", thread->tid);
	known(json, "os_tid", thread->os_tid, thread->os_tid);
	cn_json_string(json, "role", cn_thread_role_name(thread->role));
	known(json, "worker", thread->worker, thread->role == ROUSE_THREAD_WORKER);
	string_or_null(json, "state", state);
	known(json, "cpu_ns", thread->cpu_ns, thread->cpu_ns);
	known(json, "run_queue_ns", thread->run_queue_ns, thread->cpu_ns);
	share(json, "cpu_share", cpu_ns, span_ns);
	share(json, "run_queue_share", run_queue_ns, span_ns);
	string_or_null(json, "syscall", cn_thread_call(call, thread));
	string_or_null(json, "pc", pc);
	cn_json_end(json);
}

void cn_threads_json(struct cn_json *json, const struct cn_model *model, size_t runtime)
{
	cn_json_array(json, "threads");
	for (size_t i = 0; i < cn_model_threads(model, runtime); i++)
		thread_json(json, model, runtime, cn_model_thread_at(model, runtime, i));
	cn_json_end(json);
}

/* -------------------------------------------------------------------- text */

static void print_thread(const struct cn_paint *paint, const struct cn_thread *thread)
{
	char who[32], text[CN_THREAD_BRIEF], time[CN_FORMAT_BYTES];

	if (thread->role == ROUSE_THREAD_WORKER)
		snprintf(who, sizeof who, "worker %u", thread->worker);
	else
		snprintf(who, sizeof who, "%s", cn_thread_role_name(thread->role));
	fprintf(paint->out, "  %-16s %8u  %-20s", who, thread->tid, cn_thread_brief(text, thread));
	fprintf(paint->out, " %6s", thread->cpu_ns ? cn_format_ns(time, thread->cpu_ns) : "-");
	fprintf(paint->out, " %6s\n", thread->cpu_ns ? cn_format_ns(time, thread->run_queue_ns) : "-");
}

/* A pool may have hundreds, and they are much alike. */
void cn_threads_print(const struct cn_paint *paint, const struct cn_model *model, size_t runtime)
{
	enum { POOL_SHOWN = 8 };
	size_t n = cn_model_threads(model, runtime), pool = 0;

	if (n == 0)
		return;
	cn_paint(paint, CN_STYLE_HEADER, "  %-16s %8s  %-20s %6s %6s", "THREAD", "TID", "STATE", "CPU", "WAITED");
	fputc('\n', paint->out);
	for (size_t i = 0; i < n; i++) {
		const struct cn_thread *thread = cn_model_thread_at(model, runtime, i);

		pool += thread->role == ROUSE_THREAD_BLOCKING;
		if (thread->role != ROUSE_THREAD_BLOCKING || pool <= POOL_SHOWN)
			print_thread(paint, thread);
	}
	if (pool > POOL_SHOWN)
		fprintf(paint->out, "  and %zu more of the blocking pool\n", pool - POOL_SHOWN);
}
