/* SPDX-License-Identifier: MIT */
/* The table of groups: tasks that stand alike, counted. A row leads to the one that has stood so for longest. */
#include "view/columns.h"
#include "view/sheet.h"
#include "widget/format.h"
#include "export/text.h"

#include <inttypes.h>
#include <string.h>

enum column {
	COUNT,
	NAME,
	STATE,
	LONGEST,
	KERNEL,
	AT = KERNEL + CN_KERNEL_COLUMN_COUNT,
	WAITS,
	FINDING,
	SPAWNED,
	COLUMNS
};

static const struct cn_column columns[COLUMNS] = {
	[COUNT] = { "COUNT", 7, 7, 0, CN_RIGHT },
	[NAME] = { "NAME", 17, 26, 0, CN_LEFT },
	[STATE] = { "STATE", 11, 11, 2, CN_LEFT },
	[LONGEST] = { "OLDEST", 6, 6, 1, CN_RIGHT },
	CN_KERNEL_COLUMN_ROWS[AT] = { "AWAITS AT", 16, 28, 1, CN_TAIL },
	[WAITS] = { "FOR", 12, 60, 3, CN_LEFT },
	[FINDING] = { "FINDING", 1, 22, 4, CN_LEFT },
	[SPAWNED] = { "SPAWNED AT", 14, 28, 5, CN_TAIL },
};

/* Its name, what its tasks cost, and where they stand; for their state there is room for the sign alone. */
static void adapt(const struct cn_scene *scene, struct cn_column *shown)
{
	cn_kernel_columns(scene, &shown[KERNEL]);
	if (!cn_kernel_is_shown(scene))
		return;
	shown[STATE].least = 1;
	shown[LONGEST].rank = 3;
}

static size_t slots(const struct cn_scene *scene)
{
	return scene->shapes ? scene->shapes->n : 0;
}

static const struct cn_shape *shape_at(const struct cn_scene *scene, size_t index)
{
	return index < slots(scene) ? &scene->shapes->all[index] : NULL;
}

static uint32_t await_site(const struct cn_scene *scene, const struct cn_shape *shape)
{
	const struct cn_task *task = cn_model_task(scene->model, shape->oldest);

	return task ? cn_task_await_site(scene->model, task) : 0;
}

static const char *text(const struct cn_scene *scene, size_t index, size_t column, char out[CN_ROW_BYTES])
{
	const struct cn_shape *shape = shape_at(scene, index);

	if (!shape)
		return NULL;
	*out = 0;
	switch ((enum column)column) {
	case NAME:
		return cn_text_safe(out, CN_ROW_BYTES, cn_shape_name(scene->model, shape), scene->ascii);
	case AT:
		return cn_site_text(out, CN_ROW_BYTES, scene, shape->runtime, await_site(scene, shape));
	case SPAWNED:
		return cn_site_text(out, CN_ROW_BYTES, scene, shape->runtime, shape->spawn_site);
	case WAITS:
		return shape->waits[0].weight ? cn_shape_wait_text(out, CN_ROW_BYTES, scene->model, &shape->waits[0])
					      : out;
	default:
		return NULL;
	}
}

static uint64_t key(const struct cn_scene *scene, size_t index, size_t column)
{
	const struct cn_shape *shape = shape_at(scene, index);
	char room[CN_ROW_BYTES];

	if (column >= KERNEL && column < AT)
		return scene->spent ? cn_spent_key(&scene->spent[index], column - KERNEL) : 0;
	switch ((enum column)column) {
	case COUNT:
		return shape->count;
	case STATE:
		return shape->state;
	case LONGEST:
		return shape->in_state_ns;
	case FINDING:
		return shape->finding < 0 ? 0 : 1ull + shape->class;
	default:
		return cn_text_key(text(scene, index, column, room));
	}
}

static bool row(const struct cn_scene *scene, size_t index, size_t column, struct cn_entry *ret)
{
	const struct cn_shape *shape = shape_at(scene, index);

	if (!shape)
		return false;
	ret->id = shape->hash;
	ret->key = key(scene, index, column);
	return true;
}

static void cell(const struct cn_scene *scene, size_t index, size_t column, struct cn_text *ret)
{
	const struct cn_shape *shape = shape_at(scene, index);
	char room[CN_ROW_BYTES];

	if (!shape)
		return;
	if (column >= KERNEL && column < AT) {
		if (scene->spent)
			cn_spent_cell(&scene->spent[index], column - KERNEL, ret);
		return;
	}
	switch ((enum column)column) {
	case COUNT:
		cn_format_count(ret->text, shape->count);
		ret->style = CN_STYLE_STRONG;
		return;
	case STATE:
		snprintf(ret->text, sizeof ret->text, "%s", cn_task_state_name(shape->state));
		ret->glyph = (int)cn_state_glyph(shape->state);
		ret->style = cn_state_style(shape->state);
		return;
	case LONGEST:
		cn_format_ns(ret->text, shape->in_state_ns);
		return;
	case FINDING:
		if (shape->finding < 0)
			return;
		snprintf(ret->text, sizeof ret->text, "%s", cn_finding_title((unsigned int)shape->finding));
		ret->glyph = (int)cn_class_glyph(shape->class);
		ret->style = cn_class_style(shape->class);
		return;
	default:
		snprintf(ret->text, sizeof ret->text, "%.500s", text(scene, index, column, room));
		ret->style = column == NAME ? CN_STYLE_NAME : column == WAITS ? CN_STYLE_PLAIN : CN_STYLE_SITE;
		return;
	}
}

static void words(const struct cn_scene *scene, size_t index, char out[CN_ROW_BYTES])
{
	const struct cn_shape *shape = shape_at(scene, index);
	char name[CN_ROW_BYTES], at[CN_ROW_BYTES], waits[CN_ROW_BYTES];

	if (shape)
		snprintf(out, CN_ROW_BYTES, "%.120s %s %.120s %.200s %s", text(scene, index, NAME, name),
			cn_task_state_name(shape->state), text(scene, index, AT, at), text(scene, index, WAITS, waits),
			shape->finding < 0 ? "" : cn_finding_title((unsigned int)shape->finding));
}

static uint64_t task_of(const struct cn_scene *scene, size_t index)
{
	const struct cn_shape *shape = shape_at(scene, index);

	return shape ? shape->oldest : 0;
}

static const struct cn_field_column fields[] = {
	{ CN_FIELD_TASKS, COUNT, CN_KEY_PLAIN },
	{ CN_FIELD_NAME, NAME, CN_KEY_PLAIN },
	{ CN_FIELD_STATE, STATE, CN_KEY_PLAIN },
	{ CN_FIELD_FOR, LONGEST, CN_KEY_PLAIN },
	{ CN_FIELD_AT, AT, CN_KEY_PLAIN },
	{ CN_FIELD_WAITS, WAITS, CN_KEY_PLAIN },
	{ CN_FIELD_SPAWN, SPAWNED, CN_KEY_PLAIN },
	{ CN_FIELD_CPU, KERNEL + CN_KERNEL_COLUMN_CPU, CN_KEY_BILLIONTH },
	{ CN_FIELD_BLOCKED, KERNEL + CN_KERNEL_COLUMN_BLOCKED, CN_KEY_BILLIONTH },
	{ CN_FIELD_RUNQ, KERNEL + CN_KERNEL_COLUMN_RUN_QUEUE, CN_KEY_BILLIONTH },
	{ CN_FIELD_PREEMPT, KERNEL + CN_KERNEL_COLUMN_PREEMPTED, CN_KEY_BILLIONTH },
	{ CN_FIELD_FAULT, KERNEL + CN_KERNEL_COLUMN_FAULT, CN_KEY_BILLIONTH },
	{ CN_FIELD_SYSCALLS, KERNEL + CN_KERNEL_COLUMN_CALLS, CN_KEY_PLAIN },
	{ CN_FIELD_FAULTS, KERNEL + CN_KERNEL_COLUMN_FAULTS, CN_KEY_PLAIN },
};

static const char *field_text(const struct cn_scene *scene, size_t index, enum cn_field field, char room[CN_ROW_BYTES])
{
	const struct cn_shape *shape = shape_at(scene, index);

	if (field != CN_FIELD_FINDING || !shape || shape->finding < 0)
		return NULL;
	snprintf(room, CN_ROW_BYTES, "%s %s %s", cn_class_name(shape->class),
		cn_finding_title((unsigned int)shape->finding), cn_finding_text((unsigned int)shape->finding));
	return room;
}

const struct cn_sheet_kind cn_groups_sheet = {
	.name = "Groups",
	.none = "No tasks live here now.",
	.columns = columns,
	.n_columns = COLUMNS,
	.sorted = COUNT,
	.descending = true,
	.adapt = adapt,
	.slots = slots,
	.row = row,
	.text = text,
	.cell = cell,
	.fields = fields,
	.n_fields = sizeof fields / sizeof *fields,
	.more_fields = CN_FIELD_BIT(FINDING),
	.field_text = field_text,
	.words = words,
	.task = task_of,
};
