/* SPDX-License-Identifier: MIT */
/* The table of tasks: trouble first, then the busiest. */
#include "model/ended.h"
#include "view/columns.h"
#include "view/sheet.h"
#include "view/task_fields.h"
#include "widget/format.h"
#include "export/text.h"

#include <inttypes.h>
#include <string.h>

/* Columns that show a field as it is: name, title, least and wanted width, rank, align, field, share. */
#define FIELD_COLUMNS(X)                                                                                               \
	X(KIND, "KIND", 6, 6, CN_RANK_ASKED, CN_LEFT, KIND, false)                                                     \
	X(IN_STATE, "FOR", 6, 6, CN_RANK_ASKED, CN_RIGHT, FOR, false)                                                  \
	X(POLL_RATE, "POLL/S", 7, 7, 11, CN_RIGHT, POLL_RATE, false)                                                   \
	X(WAKE_RATE, "WAKE/S", 7, 7, CN_RANK_ASKED, CN_RIGHT, WAKE_RATE, false)                                        \
	X(BUSY_SHARE, "BUSY%", 6, 6, 12, CN_RIGHT, BUSY, true)                                                         \
	X(SCHED_SHARE, "SCHED%", 6, 7, CN_RANK_ASKED, CN_RIGHT, SCHED, true)                                           \
	X(IDLE_SHARE, "IDLE%", 5, 6, CN_RANK_ASKED, CN_RIGHT, IDLE, true)                                              \
	X(P50, "P50", 6, 6, CN_RANK_ASKED, CN_RIGHT, P50, false)                                                       \
	X(P90, "P90", 6, 6, CN_RANK_ASKED, CN_RIGHT, P90, false)                                                       \
	X(P99, "P99", 6, 6, CN_RANK_ASKED, CN_RIGHT, P99, false)                                                       \
	X(D50, "D50", 6, 6, CN_RANK_ASKED, CN_RIGHT, D50, false)                                                       \
	X(D90, "D90", 6, 6, CN_RANK_ASKED, CN_RIGHT, D90, false)                                                       \
	X(D99, "D99", 6, 6, CN_RANK_ASKED, CN_RIGHT, D99, false)                                                       \
	X(HANDLES, "HANDLES", 7, 7, CN_RANK_ASKED, CN_RIGHT, HANDLES, false)                                           \
	X(FRAME, "FRAME", 6, 6, CN_RANK_ASKED, CN_RIGHT, FRAME, false)                                                 \
	X(WAKER, "WOKEN BY", 14, 24, CN_RANK_ASKED, CN_LEFT, WAKER, false)                                             \
	X(PARENT, "PARENT", 7, 8, CN_RANK_ASKED, CN_RIGHT, PARENT, false)                                              \
	X(SPAWN, "SPAWNED AT", 14, 28, CN_RANK_ASKED, CN_TAIL, SPAWN, false)

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
#define X(name, ...) name,
	FIELD_COLUMNS(X)
#undef X
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
	[SELF_WAKES] = { "SELF", 5, 6, CN_RANK_ASKED, CN_RIGHT },
	[WAKERS] = { "WAKERS", 7, 7, CN_RANK_ASKED, CN_RIGHT },
	[WORKER] = { "WRK", 4, 4, 8, CN_RIGHT },
	[FOR] = { "WAITS FOR", 14, 30, 8, CN_LEFT },
	[AT] = { "AT", 15, 28, 2, CN_TAIL },
#define X(name, title, least, want, rank, align, field, share) [name] = { title, least, want, rank, align },
	FIELD_COLUMNS(X)
#undef X
};

static const struct by_field {
	uint8_t field;
	bool set, share;
} by_field[COLUMNS] = {
#define X(name, title, least, want, rank, align, field, share) [name] = { CN_FIELD_##field, true, share },
	FIELD_COLUMNS(X)
#undef X
};

/* Beside them there is room for where a task stands on wide screens only; its page and the preview tell it too. */
static void adapt(const struct cn_scene *scene, struct cn_column *shown)
{
	cn_kernel_columns(scene, &shown[KERNEL]);
	if (cn_kernel_is_shown(scene))
		shown[AT].rank = 6;
}

/* Those that are gone stand before all slots of the model, so that these may become more. */
size_t cn_tasks_row(size_t slot)
{
	return CN_ENDED_MAX + slot;
}

static const struct cn_task *task_at(const struct cn_scene *scene, size_t index)
{
	return index < CN_ENDED_MAX ? cn_model_ended_at(scene->model, index)
				    : cn_model_task_at(scene->model, index - CN_ENDED_MAX);
}

static const char *row_field_text(
	const struct cn_scene *scene, size_t index, enum cn_field field, char room[CN_QUERY_ROOM])
{
	const struct cn_task *task = task_at(scene, index);

	return task ? cn_task_field_text(scene, task, field, room) : NULL;
}

static bool row_field_number(
	const struct cn_scene *scene, size_t index, enum cn_field field, bool share, uint64_t *ret)
{
	const struct cn_task *task = task_at(scene, index);

	return task && cn_task_field_number(scene, task, field, share, ret);
}

static size_t slots(const struct cn_scene *scene)
{
	return cn_tasks_row(cn_model_task_slots(scene->model));
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
	const struct cn_task *task = task_at(scene, index);

	if (task && by_field[column].set)
		return cn_task_field_text(scene, task, (enum cn_field)by_field[column].field, out);
	return task && (column == NAME || column == AT) ? text_of(scene, task, column, out) : NULL;
}

/* Of numbers they are; of text its beginning; what is not known is less than all that is. */
static uint64_t field_key(const struct cn_scene *scene, const struct cn_task *task, const struct by_field *by)
{
	const enum cn_field field = (enum cn_field)by->field;
	char room[CN_ROW_BYTES];
	const char *text;
	uint64_t value;

	if (cn_field_kind(field) != CN_FIELD_IS_TEXT)
		return cn_task_field_number(scene, task, field, by->share, &value) ? value + 1 : 0;
	text = cn_task_field_text(scene, task, field, room);
	return text ? cn_text_key(text) : 0;
}

static uint64_t key(const struct cn_scene *scene, const struct cn_task *task, size_t column)
{
	char room[CN_ROW_BYTES];
	struct cn_spent spent;

	if (column >= KERNEL && column < SCHEDULED) {
		spent = cn_spent_of_task(scene, task);
		return cn_spent_key(&spent, column - KERNEL);
	}
	if (by_field[column].set)
		return field_key(scene, task, &by_field[column]);
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
	const struct cn_task *task = task_at(scene, index);

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

/* Of one that is gone, how it ended, as far as that is known. */
static void state_cell(const struct cn_task *task, struct cn_text *ret)
{
	const bool known = task->state < ROUSE_TASK_STATE_MAX;
	const unsigned int state = known ? task->state : ROUSE_TASK_COMPLETE;

	snprintf(ret->text, sizeof ret->text, "%s", known ? cn_task_state_name(state) : cn_task_state_text(task));
	ret->style = cn_state_style(state);
	ret->glyph = (int)cn_state_glyph(state);
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

static void field_cell(const struct cn_scene *scene, const struct cn_task *task, const struct by_field *by,
	struct cn_text *ret)
{
	const enum cn_field field = (enum cn_field)by->field;
	char room[CN_ROW_BYTES];
	const char *text;
	uint64_t value;

	if (cn_field_kind(field) == CN_FIELD_IS_TEXT) {
		text = cn_task_field_text(scene, task, field, room);
		cn_text_safe(ret->text, sizeof ret->text, text ? text : "", scene->ascii);
		ret->style = field == CN_FIELD_SPAWN ? CN_STYLE_SITE : CN_STYLE_PLAIN;
		return;
	}
	if (!cn_task_field_number(scene, task, field, by->share, &value)) {
		snprintf(ret->text, sizeof ret->text, "-");
		ret->style = CN_STYLE_DIM;
	} else if (by->share) {
		cn_format_share(ret->text, value, CN_QUERY_WHOLE);
		ret->style = value ? CN_STYLE_PLAIN : CN_STYLE_DIM;
	} else if (cn_field_kind(field) == CN_FIELD_IS_TIME) {
		time_cell(value, ret);
	} else if (cn_field_kind(field) == CN_FIELD_IS_NUMBER) {
		snprintf(ret->text, sizeof ret->text, "%" PRIu64, value);
		ret->style = CN_STYLE_DIM;
	} else {
		count_cell(value, ret);
	}
}

static void cell(const struct cn_scene *scene, size_t index, size_t column, struct cn_text *ret)
{
	const struct cn_task *task = task_at(scene, index);
	struct cn_spent spent;

	if (!task)
		return;
	if (column >= KERNEL && column < SCHEDULED) {
		spent = cn_spent_of_task(scene, task);
		cn_spent_cell(&spent, column - KERNEL, ret);
		return;
	}
	if (by_field[column].set) {
		field_cell(scene, task, &by_field[column], ret);
		return;
	}
	switch ((enum column)column) {
	case STATE:
		state_cell(task, ret);
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
	const struct cn_task *task = task_at(scene, index);
	const struct cn_finding *finding;
	const struct cn_await *leaf;
	char site[160];

	if (!task)
		return;
	finding = cn_findings_of_task(scene->findings, task->id);
	leaf = cn_task_leaf(task);
	cn_site_text(site, sizeof site, scene, task->runtime, cn_task_await_site(scene->model, task));
	snprintf(out, CN_ROW_BYTES, "#%" PRIu64 " %.160s %s %s %s %s %s", task->id, cn_task_name(scene->model, task),
		cn_task_state_text(task), leaf ? cn_op_name(leaf->op) : "", site,
		finding ? cn_class_name(finding->class) : "", finding ? cn_finding_title(finding->code) : "");
}

static uint64_t task_of(const struct cn_scene *scene, size_t index)
{
	const struct cn_task *task = task_at(scene, index);

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
	.field_text = row_field_text,
	.field_number = row_field_number,
	.words = words,
	.task = task_of,
};
