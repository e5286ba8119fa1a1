/* SPDX-License-Identifier: MIT */
/* What is there: runtimes with their totals and workers, and the tasks. */
#include <string.h>

#include "cli/cli.h"
#include "export/text.h"
#include "view/sheet.h"
#include "widget/format.h"

enum { LOOKS_OF_FINDINGS = 2 }; /* a table has their codes: nothing is PROVEN from one look */

struct chosen {
	struct cn_scene scene;
	const struct cn_query *where;
};

static const char *runtime_state(uint32_t state)
{
	static const char *const names[] = { [ROUSE_RUNTIME_STARTING] = "starting",
		[ROUSE_RUNTIME_ACTIVE] = "active",
		[ROUSE_RUNTIME_STOPPING] = "stopping",
		[ROUSE_RUNTIME_STOPPED] = "stopped" };

	return state && state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

/* -------------------------------------------------------------------- JSON */

const char *cn_counter_name(const char *name)
{
	return strcmp(name, "busy_ticks") == 0 ? "busy_ns" : strcmp(name, "park_ticks") == 0 ? "park_ns" : name;
}

static void counters_json(struct cn_json *json, const char *key, const struct rouse_counters *counters)
{
	cn_json_object(json, key);
#define X(name, text)                                                                                                  \
	cn_json_number(json, cn_counter_name(#name), counters->name);
	ROUSE_COUNTERS(X)
#undef X
	cn_json_end(json);
}

static void worker_json(struct cn_json *json, const struct cn_worker *worker)
{
	cn_json_object(json, NULL);
	cn_json_number(json, "index", worker->index);
	cn_json_bool(json, "foreign", worker->foreign);
	cn_json_number(json, "tid", worker->tid);
	cn_json_string(json, "state", cn_worker_state_name(worker->state));
	cn_json_id(json, "current_task", worker->current_task);
	cn_json_number(json, "local_depth", worker->local_depth);
	cn_json_id(json, "lifo_task", worker->lifo_task);
	cn_json_number(json, "timers", worker->timers);
	counters_json(json, "counters", &worker->counters);
	cn_json_end(json);
}

static void runtime_json(struct cn_json *json, const struct cn_model *model, const struct cn_runtime *runtime)
{
	cn_json_object(json, NULL);
	cn_json_number(json, "index", runtime->index);
	cn_json_string(json, "name", runtime->name);
	cn_json_string(json, "state", runtime_state(runtime->state));
	cn_json_string(json, "flavor", runtime->flavor == ROUSE_FLAVOR_CURRENT ? "current-thread" : "multi-thread");
	cn_json_number(json, "level", runtime->level);
	cn_json_number(json, "live", runtime->live_tasks);
	cn_json_bool(json, "stopped", runtime->target_stopped);
	cn_json_bool(json, "complete", runtime->complete);
	cn_json_number(json, "torn", runtime->torn);
	cn_json_object(json, "states");
	for (unsigned int i = 0; i < ROUSE_TASK_STATE_MAX; i++)
		cn_json_number(json, cn_task_state_name(i), runtime->by_state[i]);
	cn_json_end(json);
	counters_json(json, "totals", &runtime->total);
	cn_json_number(json, "inject_depth", runtime->inject_depth);
	cn_json_object(json, "blocking");
	cn_json_number(json, "queued", runtime->blocking_queued);
	cn_json_number(json, "threads", runtime->blocking_threads);
	cn_json_number(json, "idle", runtime->blocking_idle);
	cn_json_number(json, "limit", runtime->blocking_limit);
	cn_json_end(json);
	cn_json_object(json, "events");
	cn_json_number(json, "emitted", runtime->emitted_events);
	cn_json_number(json, "delivered", runtime->delivered_events);
	cn_json_number(json, "lost", runtime->lost_events);
	cn_json_end(json);
	cn_json_array(json, "workers");
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		worker_json(json, &runtime->workers[i]);
	cn_json_end(json);
	cn_threads_json(json, model, runtime->index);
	cn_json_end(json);
}

/* What a query asks rows with. */
static struct cn_scene scene_of(const struct cn_session *session)
{
	return (struct cn_scene){ .model = cn_session_model(session), .findings = cn_session_findings(session) };
}

void cn_ps_json(struct cn_json *json, const struct cn_session *session, const struct cn_query *where)
{
	const struct cn_model *model = cn_session_model(session);
	const struct cn_scene scene = scene_of(session);

	cn_json_object(json, NULL);
	cn_head_json(json, "rouse/ps/1", session);
	cn_json_array(json, "runtimes");
	for (size_t i = 0; i < cn_model_runtimes(model); i++)
		if (cn_model_runtime(model, i))
			runtime_json(json, model, cn_model_runtime(model, i));
	cn_json_end(json);
	cn_json_array(json, "tasks");
	for (size_t i = 0; i < cn_model_task_slots(model); i++)
		if (cn_model_task_at(model, i) && cn_sheet_match(&cn_tasks_sheet, &scene, cn_tasks_row(i), where))
			cn_task_json(json, session, cn_model_task_at(model, i), false);
	cn_json_end(json);
	cn_json_end(json);
}

/* -------------------------------------------------------------------- text */

static void print_runtime(const struct cn_paint *paint, const struct cn_runtime *runtime)
{
	const struct rouse_counters *t = &runtime->total;
	char a[CN_FORMAT_BYTES], b[CN_FORMAT_BYTES], c[CN_FORMAT_BYTES], d[CN_FORMAT_BYTES], e[CN_FORMAT_BYTES];

	cn_paint(paint, CN_STYLE_STRONG, "%s", *runtime->name ? cn_safe(runtime->name) : "runtime");
	fprintf(paint->out, "  %s, level %u: %s spawned = %s completed + %s cancelled + %s panicked + %s live",
		runtime_state(runtime->state), runtime->level, cn_format_count(a, t->spawned),
		cn_format_count(b, t->completed), cn_format_count(c, t->cancelled), cn_format_count(d, t->panicked),
		cn_format_count(e, runtime->live_tasks));
	fprintf(paint->out, "\n  %s polls, %s wakes, %s by the task itself;", cn_format_count(a, t->polls),
		cn_format_count(b, t->wakes), cn_format_count(c, t->self_wakes));
	fprintf(paint->out, " global queue %s, blocking jobs %s queued on %s threads\n",
		cn_format_count(a, runtime->inject_depth), cn_format_count(b, runtime->blocking_queued),
		cn_format_count(c, runtime->blocking_threads));
}

static void print_task(const struct cn_paint *paint, const struct cn_model *model, const struct cn_task *task)
{
	const struct cn_site *site = cn_model_site(model, task->runtime, cn_task_await_site(model, task));
	const struct cn_await *leaf = cn_task_leaf(task);
	char time[CN_FORMAT_BYTES], count[CN_FORMAT_BYTES];

	fprintf(paint->out, "%8llu ", (unsigned long long)task->id);
	cn_paint_cell(paint, cn_state_style(task->state), 9, cn_task_state_name(task->state));
	fputc(' ', paint->out);
	cn_paint_cell(paint, CN_STYLE_NAME, 24, cn_task_name(model, task));
	fprintf(paint->out, " %6s", cn_format_ns(time, cn_task_age_ns(model, task)));
	fprintf(paint->out, " %6s", cn_format_ns(time, cn_task_busy_ns(model, task)));
	fprintf(paint->out, " %6s", cn_format_ns(time, cn_task_in_state_ns(model, task)));
	fprintf(paint->out, " %6s ", cn_format_count(count, task->polls));
	cn_paint_cell(
		paint, CN_STYLE_DIM, 10, leaf && leaf->wait_state == ROUSE_WAIT_WAITING ? cn_op_name(leaf->op) : "");
	if (site->line)
		cn_paint(paint, CN_STYLE_SITE, " %s:%u",
			cn_safe(cn_path_base(cn_model_string(model, task->runtime, site->file))), site->line);
	fputc('\n', paint->out);
}

static void print_text(const struct cn_cli *cli, const struct cn_session *session, const struct cn_query *where)
{
	const struct cn_model *model = cn_session_model(session);
	const struct cn_scene scene = scene_of(session);
	size_t n = 0;

	cn_head_text(&cli->paint, session);
	for (size_t i = 0; i < cn_model_runtimes(model); i++) {
		if (!cn_model_runtime(model, i))
			continue;
		print_runtime(&cli->paint, cn_model_runtime(model, i));
		cn_threads_print(&cli->paint, model, i);
	}
	fputc('\n', stdout);
	cn_paint(&cli->paint, CN_STYLE_HEADER, "%8s %-9s %-24s %6s %6s %6s %6s %-10s %s", "ID", "STATE", "NAME", "AGE",
		"BUSY", "FOR", "POLLS", "WAITS", "AT");
	fputc('\n', stdout);
	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		if (!cn_model_task_at(model, i) || !cn_sheet_match(&cn_tasks_sheet, &scene, cn_tasks_row(i), where))
			continue;
		print_task(&cli->paint, model, cn_model_task_at(model, i));
		n++;
	}
	if (!n && cli->where)
		fputs("No task matches --where.\n", stdout);
}

/* Rates are between two looks, and nothing is proven by one. */
static uint32_t looks_for(const struct cn_query *where)
{
	const uint64_t of_two = CN_FIELD_BIT(FINDING) | CN_FIELD_BIT(BUSY) | CN_FIELD_BIT(POLL_RATE) | CN_FIELD_BIT(WAKE_RATE);

	return where->fields & of_two ? 2 : 1;
}

static bool passes(void *arg, size_t slot)
{
	const struct chosen *chosen = arg;

	return cn_sheet_match(&cn_tasks_sheet, &chosen->scene, cn_tasks_row(slot), chosen->where);
}

static int print_csv(const struct cn_cli *cli, const struct cn_session *session, const struct cn_query *where)
{
	struct chosen chosen = { scene_of(session), where };
	const struct cn_csv_opts opts = { .table = cli->csv, .wants_task = passes, .arg = &chosen };
	int rc = cn_csv_write(stdout, &opts, cn_session_model(session), cn_session_findings(session));

	return rc ? cn_fail(CN_EXIT_INCOMPLETE, "there is no memory for the table") : CN_EXIT_OK;
}

int cn_verb_ps(struct cn_cli *cli)
{
	const bool csv = cli->given & CN_TAKES(CSV);
	struct cn_session *session;
	struct cn_query where;
	struct cn_json json;
	int rc = cn_where(cli, &where);

	if (rc == CN_EXIT_OK && csv && cli->where && cli->csv != CN_CSV_TASKS)
		rc = cn_fail(CN_EXIT_USAGE, "ps: --where chooses tasks, and %s are none", cn_csv_table_text(cli->csv));
	if (rc == CN_EXIT_OK)
		rc = cn_open(cli, csv ? LOOKS_OF_FINDINGS : looks_for(&where), &session);
	if (rc)
		return rc;
	cn_json_init(&json, stdout);
	if (csv)
		rc = print_csv(cli, session, &where);
	else if (cli->json)
		cn_ps_json(&json, session, &where);
	else
		print_text(cli, session, &where);
	cn_session_close(session);
	return rc;
}
