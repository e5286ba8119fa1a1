/* SPDX-License-Identifier: MIT */
/* The table of workers: what each does now, and how busy, deep and restless it was over the last minutes. */
#include "export/thread_brief.h"
#include "view/columns.h"
#include "view/sheet.h"
#include "widget/format.h"

#include <inttypes.h>
#include <string.h>

enum column {
	INDEX,
	STATE,
	RUNS,
	THREAD,
	BUSY,
	BUSY_GRAPH,
	KERNEL,
	LOCAL = KERNEL + CN_KERNEL_COLUMN_COUNT,
	LOCAL_GRAPH,
	LIFO,
	POLLS,
	STOLEN,
	PARKS,
	TIMERS,
	TID,
	COLUMNS
};

static const struct cn_column columns[COLUMNS] = {
	[INDEX] = { "WRK", 4, 7, 0, CN_LEFT },
	[STATE] = { "STATE", 1, 15, 3, CN_LEFT },
	[RUNS] = { "RUNS", 14, 32, 4, CN_LEFT },
	[THREAD] = { "THREAD", 10, 17, 6, CN_LEFT },
	[BUSY] = { "BUSY", 5, 5, 1, CN_RIGHT },
	[BUSY_GRAPH] = { "", 8, 28, 1, CN_LEFT },
	CN_KERNEL_COLUMN_ROWS[LOCAL] = { "LOCAL", 6, 6, 2, CN_RIGHT },
	[LOCAL_GRAPH] = { "", 6, 20, 5, CN_LEFT },
	[LIFO] = { "LIFO", 5, 5, 8, CN_RIGHT },
	[POLLS] = { "POLL/S", 7, 7, 2, CN_RIGHT },
	[STOLEN] = { "STOL/S", 7, 7, 6, CN_RIGHT },
	[PARKS] = { "PARK/S", 7, 7, 7, CN_RIGHT },
	[TIMERS] = { "TIMERS", 7, 7, 9, CN_RIGHT },
	[TID] = { "TID", 7, 7, 10, CN_RIGHT },
};

enum { WORKERS_MAX = 1024 /* of one runtime, as indices are dealt */ };

static const struct cn_worker *worker_at(const struct cn_scene *scene, size_t index,
	const struct cn_runtime **ret_runtime)
{
	const struct cn_runtime *runtime = cn_model_runtime(scene->model, index / WORKERS_MAX);

	*ret_runtime = runtime;
	return runtime && index % WORKERS_MAX < runtime->n_workers ? &runtime->workers[index % WORKERS_MAX] : NULL;
}

/* What the kernel measures stands in place of what it says of a thread at one moment, and of how restless it is. */
static void adapt(const struct cn_scene *scene, struct cn_column *shown)
{
	cn_kernel_columns(scene, &shown[KERNEL]);
	if (!cn_kernel_is_shown(scene))
		return;
	shown[THREAD].rank = shown[LOCAL_GRAPH].rank = shown[STOLEN].rank = 8;
	shown[BUSY_GRAPH].rank = 7;
	shown[RUNS].rank = 2;
}

static size_t slots(const struct cn_scene *scene)
{
	return cn_model_runtimes(scene->model) * WORKERS_MAX;
}

static uint64_t newest(const struct cn_history *history)
{
	uint32_t sample = 0;

	cn_history_copy(history, &sample, 1);
	return sample;
}

static const struct cn_thread *thread_of(
	const struct cn_scene *scene, const struct cn_runtime *runtime, const struct cn_worker *worker)
{
	return cn_model_thread(scene->model, runtime->index, worker->tid);
}

/* By state, then by call: those that do the same stand together. */
static uint64_t thread_key(
	const struct cn_scene *scene, const struct cn_runtime *runtime, const struct cn_worker *worker)
{
	const struct cn_thread *thread = thread_of(scene, runtime, worker);

	return thread ? (uint64_t)(uint8_t)thread->state << 32 | (uint32_t)(thread->syscall + 1) : 0;
}

static uint64_t key(const struct cn_scene *scene, size_t index, size_t column)
{
	const struct cn_runtime *runtime;
	const struct cn_worker *worker = worker_at(scene, index, &runtime);
	struct cn_spent spent;

	if (column >= KERNEL && column < LOCAL) {
		spent = cn_spent_of_worker(scene, runtime->index, worker->tid);
		return cn_spent_key(&spent, column - KERNEL);
	}
	switch ((enum column)column) {
	case INDEX:
		return index;
	case STATE:
		return worker->state;
	case RUNS:
		return worker->current_task;
	case THREAD:
		return thread_key(scene, runtime, worker);
	case BUSY:
	case BUSY_GRAPH:
		return newest(&worker->series.busy);
	case LOCAL:
	case LOCAL_GRAPH:
		return worker->local_depth;
	case LIFO:
		return worker->lifo_task != 0;
	case POLLS:
		return newest(&worker->series.polls);
	case STOLEN:
		return newest(&worker->series.stolen);
	case PARKS:
		return newest(&worker->series.parks);
	case TIMERS:
		return worker->timers;
	case TID:
		return worker->tid;
	default:
		return 0;
	}
}

static bool row(const struct cn_scene *scene, size_t index, size_t column, struct cn_entry *ret)
{
	const struct cn_runtime *runtime;
	const struct cn_worker *worker = worker_at(scene, index, &runtime);

	if (!worker || worker->foreign)
		return false;
	ret->id = index;
	ret->key = key(scene, index, column);
	return true;
}

static const char *text(const struct cn_scene *scene, size_t index, size_t column, char out[CN_ROW_BYTES])
{
	(void)scene;
	(void)index;
	(void)column;
	(void)out;
	return NULL;
}

/* The task in the present poll, and how long that has taken where it is worth saying. */
static void runs_cell(const struct cn_scene *scene, const struct cn_runtime *runtime, const struct cn_worker *worker,
	struct cn_text *ret)
{
	char who[CN_ROW_BYTES / 2], time[CN_FORMAT_BYTES];
	uint64_t poll_ns = 0;

	if (!worker->current_task)
		return;
	cn_who_text(who, sizeof who, scene, worker->current_task);
	if (worker->poll_start_ns && runtime->now_ns > worker->poll_start_ns)
		poll_ns = runtime->now_ns - worker->poll_start_ns;
	if (poll_ns > runtime->long_poll_ns && runtime->long_poll_ns) {
		snprintf(ret->text, sizeof ret->text, "%s %s", cn_format_ns(time, poll_ns), who);
		ret->style = CN_STYLE_LIKELY;
	} else {
		snprintf(ret->text, sizeof ret->text, "%s", who);
		ret->style = CN_STYLE_NAME;
	}
}

/* What the system says of its thread: the call it is in, or how much of the time it is on a CPU. */
static void thread_cell(const struct cn_scene *scene, const struct cn_runtime *runtime, const struct cn_worker *worker,
	struct cn_text *ret)
{
	const struct cn_thread *thread = thread_of(scene, runtime, worker);
	char brief[CN_THREAD_BRIEF], share[CN_FORMAT_BYTES];
	uint64_t cpu_ns, run_queue_ns, span_ns;

	snprintf(ret->text, sizeof ret->text, "%s", cn_thread_brief(brief, thread));
	ret->style = CN_STYLE_DIM;
	if (!thread || thread->state != 'R')
		return;
	ret->style = CN_STYLE_PLAIN;
	if (cn_thread_delta(scene->model, runtime->index, thread, &cpu_ns, &run_queue_ns, &span_ns))
		snprintf(ret->text, sizeof ret->text, "R cpu %s", cn_format_share(share, cpu_ns, span_ns));
}

static void state_cell(const struct cn_worker *worker, struct cn_text *ret)
{
	static const struct {
		uint8_t style, glyph;
	} looks[ROUSE_WORKER_STATE_MAX] = {
		[ROUSE_WORKER_STOPPED] = { CN_STYLE_DIM, CN_GLYPH_CANCELLED },
		[ROUSE_WORKER_POLLING] = { CN_STYLE_RUNNING, CN_GLYPH_RUNNING },
		[ROUSE_WORKER_SEARCHING] = { CN_STYLE_SCHEDULED, CN_GLYPH_SCHEDULED },
		[ROUSE_WORKER_PARKED] = { CN_STYLE_PENDING, CN_GLYPH_PENDING },
		[ROUSE_WORKER_DRIVER] = { CN_STYLE_GOOD, CN_GLYPH_PENDING },
	};

	snprintf(ret->text, sizeof ret->text, "%s", cn_worker_state_name(worker->state));
	if (worker->state < ROUSE_WORKER_STATE_MAX) {
		ret->style = (enum cn_style)looks[worker->state].style;
		ret->glyph = looks[worker->state].glyph;
	}
}

static void graph_cell(const struct cn_history *history, uint32_t full, struct cn_text *ret)
{
	ret->n_samples = cn_history_copy(history, ret->samples, CN_TABLE_SAMPLES);
	ret->full = full;
	ret->style = CN_STYLE_GRAPH;
}

static void cell(const struct cn_scene *scene, size_t index, size_t column, struct cn_text *ret)
{
	const struct cn_runtime *runtime;
	const struct cn_worker *worker = worker_at(scene, index, &runtime);
	struct cn_spent spent;

	if (!worker)
		return;
	if (column >= KERNEL && column < LOCAL) {
		spent = cn_spent_of_worker(scene, runtime->index, worker->tid);
		cn_spent_cell(&spent, column - KERNEL, ret);
		return;
	}
	switch ((enum column)column) {
	case INDEX:
		if (cn_model_runtimes(scene->model) > 1)
			snprintf(ret->text, sizeof ret->text, "%" PRIu32 ".%" PRIu32, runtime->index, worker->index);
		else
			snprintf(ret->text, sizeof ret->text, "%" PRIu32, worker->index);
		ret->style = CN_STYLE_NAME;
		break;
	case STATE:
		state_cell(worker, ret);
		break;
	case RUNS:
		runs_cell(scene, runtime, worker, ret);
		break;
	case THREAD:
		thread_cell(scene, runtime, worker, ret);
		break;
	case BUSY:
		cn_format_share(ret->text, key(scene, index, column), 1000);
		break;
	case BUSY_GRAPH:
		graph_cell(&worker->series.busy, 1000, ret);
		break;
	case LOCAL_GRAPH:
		graph_cell(&worker->series.depth, 0, ret);
		ret->style = CN_STYLE_GRAPH_OTHER;
		break;
	case LIFO:
		snprintf(ret->text, sizeof ret->text, "%s", worker->lifo_task ? "1" : "0");
		ret->style = worker->lifo_task ? CN_STYLE_PLAIN : CN_STYLE_DIM;
		break;
	case TID:
		snprintf(ret->text, sizeof ret->text, "%" PRIu32, worker->tid);
		ret->style = CN_STYLE_DIM;
		break;
	default:
		cn_format_count(ret->text, key(scene, index, column));
		ret->style = key(scene, index, column) ? CN_STYLE_PLAIN : CN_STYLE_DIM;
		break;
	}
}

static uint64_t task_of(const struct cn_scene *scene, size_t index)
{
	const struct cn_runtime *runtime;
	const struct cn_worker *worker = worker_at(scene, index, &runtime);

	return worker ? worker->current_task : 0;
}

static void words(const struct cn_scene *scene, size_t index, char out[CN_ROW_BYTES])
{
	const struct cn_runtime *runtime;
	const struct cn_worker *worker = worker_at(scene, index, &runtime);
	char who[160] = "", brief[CN_THREAD_BRIEF];

	if (!worker)
		return;
	if (worker->current_task)
		cn_who_text(who, sizeof who, scene, worker->current_task);
	snprintf(out, CN_ROW_BYTES, "%" PRIu32 " %s %s %s", worker->index, cn_worker_state_name(worker->state), who,
		cn_thread_brief(brief, thread_of(scene, runtime, worker)));
}

static const struct cn_field_column fields[] = {
	{ CN_FIELD_WORKER, INDEX, CN_KEY_PLAIN },
	{ CN_FIELD_STATE, STATE, CN_KEY_PLAIN },
	{ CN_FIELD_RUNS, RUNS, CN_KEY_PLAIN },
	{ CN_FIELD_THREAD, THREAD, CN_KEY_PLAIN },
	{ CN_FIELD_BUSY, BUSY, CN_KEY_PERMILLE },
	{ CN_FIELD_DEPTH, LOCAL, CN_KEY_PLAIN },
	{ CN_FIELD_POLL_RATE, POLLS, CN_KEY_PLAIN },
	{ CN_FIELD_TID, TID, CN_KEY_PLAIN },
	{ CN_FIELD_CPU, KERNEL + CN_KERNEL_COLUMN_CPU, CN_KEY_BILLIONTH },
	{ CN_FIELD_BLOCKED, KERNEL + CN_KERNEL_COLUMN_BLOCKED, CN_KEY_BILLIONTH },
	{ CN_FIELD_RUNQ, KERNEL + CN_KERNEL_COLUMN_RUN_QUEUE, CN_KEY_BILLIONTH },
	{ CN_FIELD_PREEMPT, KERNEL + CN_KERNEL_COLUMN_PREEMPTED, CN_KEY_BILLIONTH },
	{ CN_FIELD_FAULT, KERNEL + CN_KERNEL_COLUMN_FAULT, CN_KEY_BILLIONTH },
	{ CN_FIELD_SYSCALLS, KERNEL + CN_KERNEL_COLUMN_CALLS, CN_KEY_PLAIN },
	{ CN_FIELD_FAULTS, KERNEL + CN_KERNEL_COLUMN_FAULTS, CN_KEY_PLAIN },
};

const struct cn_sheet_kind cn_workers_sheet = {
	.name = "Workers",
	.none = "No workers: the runtime has stopped, or nothing has been read yet.",
	.columns = columns,
	.n_columns = COLUMNS,
	.sorted = INDEX,
	.descending = false,
	.adapt = adapt,
	.slots = slots,
	.row = row,
	.text = text,
	.cell = cell,
	.fields = fields,
	.n_fields = sizeof fields / sizeof *fields,
	.words = words,
	.task = task_of,
};
