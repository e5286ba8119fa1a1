/* SPDX-License-Identifier: MIT */
/* The table of findings: strongest first. A row leads to the task it is about. */
#include "view/sheet.h"
#include "widget/format.h"
#include "export/text.h"

#include <inttypes.h>
#include <string.h>

enum column { CLASS, TITLE, ABOUT, AT, AGE, EVIDENCE, COLUMNS };

static const struct cn_column columns[COLUMNS] = {
	[CLASS] = { "CLASS", 9, 12, 1, CN_LEFT },
	[TITLE] = { "FINDING", 14, 30, 0, CN_LEFT },
	[ABOUT] = { "ABOUT", 12, 30, 1, CN_LEFT },
	[AT] = { "AT", 14, 28, 2, CN_TAIL },
	[AGE] = { "AGE", 6, 6, 3, CN_RIGHT },
	[EVIDENCE] = { "EVIDENCE", 24, 160, 4, CN_LEFT },
};

static size_t slots(const struct cn_scene *scene)
{
	return cn_findings_count(scene->findings);
}

static uint64_t age(const struct cn_scene *scene, const struct cn_finding *finding)
{
	const struct cn_runtime *runtime = cn_model_runtime(scene->model, finding->runtime);
	const uint64_t from = finding->since_ns ? finding->since_ns : finding->first_seen_ns;

	return runtime && from && runtime->now_ns > from ? runtime->now_ns - from : 0;
}

/* The task, or where there is none the resource. */
static const char *about(const struct cn_scene *scene, const struct cn_finding *finding, char out[CN_ROW_BYTES])
{
	if (*finding->task_name || !finding->resource)
		return cn_text_safe(out, CN_ROW_BYTES, finding->task_name, scene->ascii);
	return cn_resource_text(out, CN_ROW_BYTES, scene, finding->resource);
}

static const char *text(const struct cn_scene *scene, size_t index, size_t column, char out[CN_ROW_BYTES])
{
	const struct cn_finding *finding = cn_findings_at(scene->findings, index);

	if (!finding)
		return NULL;
	switch ((enum column)column) {
	case TITLE:
		return cn_finding_title(finding->code);
	case ABOUT:
		return about(scene, finding, out);
	case AT:
		return cn_finding_site(out, CN_ROW_BYTES, scene, finding);
	case EVIDENCE:
		return finding->evidence;
	default:
		return NULL;
	}
}

static uint64_t key(const struct cn_scene *scene, size_t index, size_t column)
{
	const struct cn_finding *finding = cn_findings_at(scene->findings, index);
	char room[CN_ROW_BYTES];

	switch ((enum column)column) {
	case CLASS:
		return (uint64_t)finding->active << 62 | (uint64_t)finding->class << 56 |
		       (uint64_t)(CN_FINDING_CODE_MAX - finding->code) << 48 | age(scene, finding) >> 16;
	case AGE:
		return age(scene, finding);
	default:
		return cn_text_key(text(scene, index, column, room));
	}
}

/* Findings have no number of their own: what, where and whom make one. */
static bool row(const struct cn_scene *scene, size_t index, size_t column, struct cn_entry *ret)
{
	const struct cn_finding *finding = cn_findings_at(scene->findings, index);

	if (!finding)
		return false;
	ret->id = (uint64_t)finding->code << 56 ^ finding->tasks[0] ^ finding->resource << 24;
	ret->key = key(scene, index, column);
	return true;
}

static void cell(const struct cn_scene *scene, size_t index, size_t column, struct cn_text *ret)
{
	const struct cn_finding *finding = cn_findings_at(scene->findings, index);
	char room[CN_ROW_BYTES];

	if (!finding)
		return;
	ret->style = finding->active ? CN_STYLE_PLAIN : CN_STYLE_DIM;
	switch ((enum column)column) {
	case CLASS:
		snprintf(ret->text, sizeof ret->text, "%s", cn_class_word(finding->class));
		ret->glyph = (int)cn_class_glyph(finding->class);
		if (finding->active)
			ret->style = cn_class_style(finding->class);
		break;
	case TITLE:
		snprintf(ret->text, sizeof ret->text, "%s%s", cn_finding_title(finding->code),
			finding->active ? "" : " (over)");
		if (finding->active && finding->class == CN_PROVEN)
			ret->style = CN_STYLE_PROVEN;
		break;
	case AGE:
		cn_format_ns(ret->text, age(scene, finding));
		break;
	case ABOUT:
		about(scene, finding, ret->text);
		if (finding->active)
			ret->style = CN_STYLE_NAME;
		break;
	case AT:
	case EVIDENCE:
	case COLUMNS:
		if (column == AT)
			ret->style = CN_STYLE_SITE;
		snprintf(ret->text, sizeof ret->text, "%.500s", text(scene, index, column, room));
		break;
	}
}

static void words(const struct cn_scene *scene, size_t index, char out[CN_ROW_BYTES])
{
	const struct cn_finding *finding = cn_findings_at(scene->findings, index);
	char site[160];

	if (finding)
		snprintf(out, CN_ROW_BYTES, "%s %s %s %s %.200s", cn_class_name(finding->class),
			cn_finding_title(finding->code), finding->task_name,
			cn_finding_site(site, sizeof site, scene, finding), finding->evidence);
}

static uint64_t task_of(const struct cn_scene *scene, size_t index)
{
	const struct cn_finding *finding = cn_findings_at(scene->findings, index);

	if (!finding)
		return 0;
	return finding->n_tasks ? finding->tasks[0] : finding->owner;
}

static const struct cn_field_column fields[] = {
	{ CN_FIELD_WHAT, EVIDENCE, CN_KEY_PLAIN },
	{ CN_FIELD_NAME, ABOUT, CN_KEY_PLAIN },
	{ CN_FIELD_AT, AT, CN_KEY_PLAIN },
	{ CN_FIELD_AGE, AGE, CN_KEY_PLAIN },
};

static const char *field_text(const struct cn_scene *scene, size_t index, enum cn_field field, char room[CN_ROW_BYTES])
{
	const struct cn_finding *finding = cn_findings_at(scene->findings, index);

	if (field != CN_FIELD_FINDING || !finding)
		return NULL;
	snprintf(room, CN_ROW_BYTES, "%s %s %s", cn_class_name(finding->class), cn_finding_title(finding->code),
		cn_finding_text(finding->code));
	return room;
}

static const char *why_none(const struct cn_scene *scene)
{
	return cn_scene_is_judged(scene) ? NULL : "There was one look so far, which proves nothing: the next one tells.";
}

const struct cn_sheet_kind cn_findings_sheet = {
	.name = "Findings",
	.none = "Nothing is wrong, as far as can be seen: no task waits for what cannot come, no poll takes long, no "
		"queue only grows.",
	.why_none = why_none,
	.columns = columns,
	.n_columns = COLUMNS,
	.sorted = CLASS,
	.descending = true,
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
