/* SPDX-License-Identifier: MIT */
/* The table of tasks: trouble first, then the busiest. */
#include "view/columns.h"
#include "view/sheet.h"
#include "view/task_fields.h"
#include "widget/format.h"
#include "export/text.h"

#include <inttypes.h>
#include <string.h>

enum column {
	STATE,
	ID,
	NAME,
	FINDING,
	AGE,
	BUSY,
	KERNEL,
	SCHEDULED = KERNEL + CN_KERNEL_COLUMN_COUNT,
	IDLE,
	POLLS,
	WAKES,
	SELF_WAKES,
	WAKERS,
	WORKER,
	FOR,
	AT,
	COLUMNS
};

static const struct cn_column columns[COLUMNS] = {
	[STATE] = { "STATE", 1, 11, 4, CN_LEFT },
	[ID] = { "ID", 6, 8, 9, CN_RIGHT },
	[NAME] = { "NAME", 22, 24, 0, CN_LEFT },
	[FINDING] = { "FINDING", 12, 32, 1, CN_LEFT },
	[AGE] = { "AGE", 6, 6, 5, CN_RIGHT },
	[BUSY] = { "BUSY", 6, 6, 3, CN_RIGHT },
	CN_KERNEL_COLUMN_ROWS[SCHEDULED] = { "SCHED", 6, 6, 6, CN_RIGHT },
	[IDLE] = { "IDLE", 6, 6, 7, CN_RIGHT },
	[POLLS] = { "POLLS", 6, 6, 4, CN_RIGHT },
	[WAKES] = { "WAKES", 6, 6, 10, CN_RIGHT },
	[SELF_WAKES] = { "SELF", 5, 6, 11, CN_RIGHT },
	[WAKERS] = { "WAKERS", 7, 7, 12, CN_RIGHT },
	[WORKER] = { "WRK", 4, 4, 8, CN_RIGHT },
	[FOR] = { "WAITS FOR", 14, 30, 8, CN_LEFT },
	[AT] = { "AT", 15, 28, 2, CN_TAIL },
};

/* Beside them there is room for where a task stands on wide screens only; its page and the preview tell it too. */
static void adapt(const struct cn_scene *scene, struct cn_column *shown)
{
	cn_kernel_columns(scene, &shown[KERNEL]);
	if (cn_kernel_is_shown(scene))
		shown[AT].rank = 6;
}

static size_t slots(const struct cn_scene *scene)
{
	return cn_model_task_slots(scene->model);
}

/* Class first, then what is wrong, then how busy it is. */
static uint64_t finding_key(const struct cn_scene *scene, const struct cn_task *task)
{
	const struct cn_finding *finding = cn_findings_of_task(scene->findings, task->id);
	const uint64_t busy = cn_task_busy_ns(scene->model, task) >> 12;

	if (!finding)
		return busy;
	return ((uint64_t)finding->class + 1) << 60 | (uint64_t)(CN_FINDING_CODE_MAX - finding->code) << 52 |
	       (busy & ((1ull << 52) - 1));
}

static const char *text_of(const struct cn_scene *scene, const struct cn_task *task, size_t column,
	char out[CN_ROW_BYTES])
{
	if (column == NAME)
		return cn_task_name(scene->model, task);
	return cn_site_text(out, CN_ROW_BYTES, scene, task->runtime, cn_task_await_site(scene->model, task));
}

static const char *text(const struct cn_scene *scene, size_t index, size_t column, char out[CN_ROW_BYTES])
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);

	return task && (column == NAME || column == AT) ? text_of(scene, task, column, out) : NULL;
}

static uint64_t key(const struct cn_scene *scene, const struct cn_task *task, size_t column)
{
	char room[CN_ROW_BYTES];
	struct cn_spent spent;

	if (column >= KERNEL && column < SCHEDULED) {
		spent = cn_spent_of_task(scene, task);
		return cn_spent_key(&spent, column - KERNEL);
	}
	switch ((enum column)column) {
	case STATE:
		return task->state;
	case ID:
		return task->id;
	case NAME:
	case AT:
		return cn_text_key(text_of(scene, task, column, room));
	case FINDING:
		return finding_key(scene, task);
	case AGE:
		return cn_task_age_ns(scene->model, task);
	case BUSY:
		return cn_task_busy_ns(scene->model, task);
	case SCHEDULED:
		return cn_task_scheduled_ns(scene->model, task);
	case IDLE:
		return cn_task_idle_ns(scene->model, task);
	case POLLS:
		return task->polls;
	case WAKES:
		return task->wakes;
	case SELF_WAKES:
		return task->self_wakes;
	case WAKERS:
		return task->waker_refs;
	case WORKER:
		return task->worker;
	case FOR:
		return cn_task_leaf(task) ? cn_task_leaf(task)->op : 0;
	default:
		return 0;
	}
}

static bool row(const struct cn_scene *scene, size_t index, size_t column, struct cn_entry *ret)
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);

	if (!task || (scene->hide_ended && task->state >= ROUSE_TASK_COMPLETE))
		return false;
	ret->id = task->id;
	ret->key = key(scene, task, column);
	return true;
}

static void finding_cell(const struct cn_scene *scene, const struct cn_task *task, struct cn_text *ret)
{
	const struct cn_finding *finding = cn_findings_of_task(scene->findings, task->id);

	if (!finding)
		return;
	snprintf(ret->text, sizeof ret->text, "%s", cn_finding_title(finding->code));
	ret->style = finding->active ? cn_class_style(finding->class) : CN_STYLE_DIM;
	ret->glyph = (int)cn_class_glyph(finding->class);
}

static void name_cell(const struct cn_scene *scene, const struct cn_task *task, struct cn_text *ret)
{
	const struct cn_finding *finding = cn_findings_of_task(scene->findings, task->id);

	cn_text_safe(ret->text, sizeof ret->text, cn_task_name(scene->model, task), scene->ascii);
	ret->style = finding && finding->active && finding->class == CN_PROVEN ? CN_STYLE_PROVEN
		   : task->state >= ROUSE_TASK_COMPLETE			       ? CN_STYLE_DONE
									       : CN_STYLE_NAME;
}

static void time_cell(uint64_t ns, struct cn_text *ret)
{
	cn_format_ns(ret->text, ns);
	ret->style = ns ? CN_STYLE_PLAIN : CN_STYLE_DIM;
}

static void count_cell(uint64_t count, struct cn_text *ret)
{
	cn_format_count(ret->text, count);
	ret->style = count ? CN_STYLE_PLAIN : CN_STYLE_DIM;
}

static void cell(const struct cn_scene *scene, size_t index, size_t column, struct cn_text *ret)
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);
	struct cn_spent spent;

	if (!task)
		return;
	if (column >= KERNEL && column < SCHEDULED) {
		spent = cn_spent_of_task(scene, task);
		cn_spent_cell(&spent, column - KERNEL, ret);
		return;
	}
	switch ((enum column)column) {
	case STATE:
		snprintf(ret->text, sizeof ret->text, "%s", cn_task_state_name(task->state));
		ret->style = cn_state_style(task->state);
		ret->glyph = (int)cn_state_glyph(task->state);
		break;
	case ID:
		snprintf(ret->text, sizeof ret->text, "%" PRIu64, task->id);
		ret->style = CN_STYLE_DIM;
		break;
	case NAME:
		name_cell(scene, task, ret);
		break;
	case FINDING:
		finding_cell(scene, task, ret);
		break;
	case FOR:
		cn_task_field_text(scene, task, CN_FIELD_WAITS, ret->text);
		break;
	case AT:
		text_of(scene, task, column, ret->text);
		ret->style = CN_STYLE_SITE;
		break;
	case WORKER:
		if (task->worker != CN_NO_WORKER)
			snprintf(ret->text, sizeof ret->text, "%u", task->worker);
		break;
	case AGE:
	case BUSY:
	case SCHEDULED:
	case IDLE:
		time_cell(key(scene, task, column), ret);
		break;
	default:
		count_cell(key(scene, task, column), ret);
		break;
	}
}

static void words(const struct cn_scene *scene, size_t index, char out[CN_ROW_BYTES])
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);
	const struct cn_finding *finding;
	const struct cn_await *leaf;
	char site[160];

	if (!task)
		return;
	finding = cn_findings_of_task(scene->findings, task->id);
	leaf = cn_task_leaf(task);
	cn_site_text(site, sizeof site, scene, task->runtime, cn_task_await_site(scene->model, task));
	snprintf(out, CN_ROW_BYTES, "#%" PRIu64 " %.160s %s %s %s %s %s", task->id, cn_task_name(scene->model, task),
		cn_task_state_name(task->state), leaf ? cn_op_name(leaf->op) : "", site,
		finding ? cn_class_name(finding->class) : "", finding ? cn_finding_title(finding->code) : "");
}

static const char *field_text(const struct cn_scene *scene, size_t index, enum cn_field field, char room[CN_ROW_BYTES])
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);

	return task ? cn_task_field_text(scene, task, field, room) : NULL;
}

static bool field_number(const struct cn_scene *scene, size_t index, enum cn_field field, bool share, uint64_t *ret)
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);

	return task && cn_task_field_number(scene, task, field, share, ret);
}

static uint64_t task_of(const struct cn_scene *scene, size_t index)
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);

	return task ? task->id : 0;
}

const struct cn_sheet_kind cn_tasks_sheet = {
	.name = "Tasks",
	.none = "No tasks: none is alive, or nothing has been read yet.",
	.columns = columns,
	.n_columns = COLUMNS,
	.sorted = FINDING,
	.descending = true,
	.adapt = adapt,
	.slots = slots,
	.row = row,
	.text = text,
	.cell = cell,
	.more_fields = CN_TASK_FIELDS,
	.field_text = field_text,
	.field_number = field_number,
	.words = words,
	.task = task_of,
};
