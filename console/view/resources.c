/* SPDX-License-Identifier: MIT */
/* The table of resources: locks, channels, sockets, timers; trouble first, then what is waited for. */
#include "view/resource.h"
#include "view/sheet.h"
#include "widget/format.h"
#include "export/text.h"

#include <inttypes.h>
#include <string.h>

enum column { KIND, SERIAL, NAME, STATE, HOLDER, HELD, WAITERS, FINDING, AGE, SITE, COLUMNS };

static const struct cn_column columns[COLUMNS] = {
	[KIND] = { "KIND", 11, 18, 4, CN_LEFT },
	[SERIAL] = { "ID", 5, 7, 7, CN_RIGHT },
	[NAME] = { "NAME", 17, 22, 0, CN_LEFT },
	[STATE] = { "STATE", 12, 24, 2, CN_LEFT },
	[HOLDER] = { "HOLDER", 16, 26, 1, CN_LEFT },
	[HELD] = { "HELD", 6, 6, 3, CN_RIGHT },
	[WAITERS] = { "WAIT", 5, 5, 1, CN_RIGHT },
	[FINDING] = { "FINDING", 1, 22, 3, CN_LEFT },
	[AGE] = { "AGE", 6, 6, 6, CN_RIGHT },
	[SITE] = { "MADE AT", 14, 28, 5, CN_TAIL },
};

static size_t slots(const struct cn_scene *scene)
{
	return cn_model_resource_slots(scene->model);
}

static uint64_t since(const struct cn_scene *scene, const struct cn_resource *resource, uint64_t from_ns)
{
	const struct cn_runtime *runtime = cn_model_runtime(scene->model, resource->runtime);

	return runtime && from_ns && runtime->now_ns > from_ns ? runtime->now_ns - from_ns : 0;
}

static const char *text(const struct cn_scene *scene, size_t index, size_t column, char out[CN_ROW_BYTES])
{
	const struct cn_resource *resource = cn_model_resource_at(scene->model, index);

	if (!resource)
		return NULL;
	switch ((enum column)column) {
	case KIND:
		return cn_resource_kind_name(resource->kind);
	case NAME:
		return cn_resource_name(scene->model, resource);
	case SITE:
		return cn_site_text(out, CN_ROW_BYTES, scene, resource->runtime, resource->site);
	default:
		return NULL;
	}
}

/* Whom the kind's table in rouse/layout.h calls a task: timer wheels and blocking jobs keep something else there. */
static uint64_t holder(const struct cn_resource *resource)
{
	if (resource->kind == ROUSE_RESOURCE_TIMERS || resource->kind == ROUSE_RESOURCE_BLOCKING_JOB)
		return 0;
	return resource->owner;
}

static uint64_t key(const struct cn_scene *scene, size_t index, size_t column)
{
	const struct cn_resource *resource = cn_model_resource_at(scene->model, index);
	const struct cn_finding *finding;
	char room[CN_ROW_BYTES];

	switch ((enum column)column) {
	case KIND:
	case NAME:
	case SITE:
		return cn_text_key(text(scene, index, column, room));
	case SERIAL:
		return resource->serial;
	case STATE:
		return resource->value;
	case HOLDER:
		return holder(resource);
	case HELD:
		return since(scene, resource, holder(resource) ? resource->owner_since_ns : 0);
	case WAITERS:
		return resource->waiters;
	case FINDING:
		finding = cn_findings_of_resource(scene->findings, resource->serial);
		return (finding ? finding->class + 1ull : 0) << 32 | resource->waiters;
	case AGE:
		return since(scene, resource, resource->created_ns);
	case COLUMNS:
		break;
	}
	return 0;
}

static bool row(const struct cn_scene *scene, size_t index, size_t column, struct cn_entry *ret)
{
	const struct cn_resource *resource = cn_model_resource_at(scene->model, index);

	if (!resource)
		return false;
	ret->id = resource->serial;
	ret->key = key(scene, index, column);
	return true;
}

/* The numbers of a record, in the words of its kind. */
void cn_resource_state_cell(const struct cn_resource *resource, struct cn_text *ret)
{
	char value[CN_FORMAT_BYTES], of[CN_FORMAT_BYTES];
	const char *closed = resource->flags & ROUSE_RESOURCE_CLOSED ? ", closed" : "";

	cn_format_count(value, resource->value);
	cn_format_count(of, resource->capacity);
	switch ((enum rouse_resource_kind)resource->kind) {
	case ROUSE_RESOURCE_MUTEX:
		snprintf(ret->text, sizeof ret->text, "%s", resource->value ? "free" : "locked");
		ret->style = resource->value ? CN_STYLE_DIM : CN_STYLE_SCHEDULED;
		break;
	case ROUSE_RESOURCE_SEMAPHORE:
		snprintf(ret->text, sizeof ret->text, "%s of %s free%s", value, of, closed);
		break;
	case ROUSE_RESOURCE_NOTIFY:
		snprintf(ret->text, sizeof ret->text, "%s", resource->value ? "notified" : "-");
		break;
	case ROUSE_RESOURCE_ONESHOT:
		snprintf(ret->text, sizeof ret->text, "%s%s", resource->value ? "sent" : "empty", closed);
		break;
	case ROUSE_RESOURCE_MPSC:
		snprintf(ret->text, sizeof ret->text, "%s of %s queued%s", value, of, closed);
		break;
	case ROUSE_RESOURCE_UNBOUNDED:
		snprintf(ret->text, sizeof ret->text, "%s queued%s", value, closed);
		break;
	case ROUSE_RESOURCE_TIMERS:
		snprintf(ret->text, sizeof ret->text, "%s armed", value);
		break;
	case ROUSE_RESOURCE_BLOCKING_JOB:
		snprintf(ret->text, sizeof ret->text, "%s",
			resource->value == 0   ? "queued"
			: resource->value == 1 ? "running"
					       : "done");
		break;
	case ROUSE_RESOURCE_LISTENER:
		cn_format_count(of, resource->side_a);
		snprintf(ret->text, sizeof ret->text, "fd %s, %s accepted%s", value, of, closed);
		break;
	case ROUSE_RESOURCE_SOCKET:
	case ROUSE_RESOURCE_FD:
		snprintf(ret->text, sizeof ret->text, "fd %s%s%s%s", value,
			resource->flags & ROUSE_RESOURCE_READABLE ? " readable" : "",
			resource->flags & ROUSE_RESOURCE_WRITABLE ? " writable" : "", closed);
		break;
	case ROUSE_RESOURCE_FREE:
	case ROUSE_RESOURCE_KIND_MAX:
		break;
	}
	if (resource->flags & ROUSE_RESOURCE_ORPHANED)
		snprintf(ret->text, sizeof ret->text, "its runtime is gone");
}

static void holder_cell(const struct cn_scene *scene, const struct cn_resource *resource, struct cn_text *ret)
{
	if (resource->kind == ROUSE_RESOURCE_TIMERS) {
		snprintf(ret->text, sizeof ret->text, "worker %" PRIu64, resource->owner);
	} else if (resource->kind == ROUSE_RESOURCE_BLOCKING_JOB && resource->owner) {
		snprintf(ret->text, sizeof ret->text, "thread %" PRIu64, resource->owner);
	} else if (holder(resource)) {
		cn_who_text(ret->text, sizeof ret->text, scene, holder(resource));
		/* Only some kinds know who holds them; the others know who used them last. */
		ret->style = resource->flags & ROUSE_RESOURCE_OWNED ? CN_STYLE_NAME : CN_STYLE_DIM;
	}
}

static void finding_cell(const struct cn_scene *scene, const struct cn_resource *resource, struct cn_text *ret)
{
	const struct cn_finding *finding = cn_findings_of_resource(scene->findings, resource->serial);

	if (!finding)
		return;
	snprintf(ret->text, sizeof ret->text, "%s", cn_finding_title(finding->code));
	ret->style = finding->active ? cn_class_style(finding->class) : CN_STYLE_DIM;
	ret->glyph = (int)cn_class_glyph(finding->class);
}

static void cell(const struct cn_scene *scene, size_t index, size_t column, struct cn_text *ret)
{
	const struct cn_resource *resource = cn_model_resource_at(scene->model, index);

	if (!resource)
		return;
	switch ((enum column)column) {
	case KIND:
		snprintf(ret->text, sizeof ret->text, "%s", cn_resource_kind_name(resource->kind));
		break;
	case SERIAL:
		snprintf(ret->text, sizeof ret->text, "%" PRIu64, resource->serial);
		ret->style = CN_STYLE_DIM;
		break;
	case NAME:
		cn_text_safe(ret->text, sizeof ret->text, cn_resource_name(scene->model, resource), scene->ascii);
		ret->style = CN_STYLE_NAME;
		break;
	case STATE:
		cn_resource_state_cell(resource, ret);
		break;
	case HOLDER:
		holder_cell(scene, resource, ret);
		break;
	case FINDING:
		finding_cell(scene, resource, ret);
		break;
	case SITE:
		cn_site_text(ret->text, sizeof ret->text, scene, resource->runtime, resource->site);
		ret->style = CN_STYLE_SITE;
		break;
	case WAITERS:
		cn_format_count(ret->text, resource->waiters);
		ret->style = resource->waiters ? CN_STYLE_STRONG : CN_STYLE_DIM;
		break;
	case HELD:
	case AGE:
	case COLUMNS:
		cn_format_ns(ret->text, key(scene, index, column));
		if (!key(scene, index, column))
			ret->text[0] = 0;
		break;
	}
}

static void words(const struct cn_scene *scene, size_t index, char out[CN_ROW_BYTES])
{
	const struct cn_resource *resource = cn_model_resource_at(scene->model, index);
	const struct cn_finding *finding;
	char site[160], who[160] = "";

	if (!resource)
		return;
	finding = cn_findings_of_resource(scene->findings, resource->serial);
	cn_site_text(site, sizeof site, scene, resource->runtime, resource->site);
	if (holder(resource))
		cn_who_text(who, sizeof who, scene, holder(resource));
	snprintf(out, CN_ROW_BYTES, "#%" PRIu64 " %s %.40s %s %s %s", resource->serial,
		cn_resource_kind_name(resource->kind), cn_resource_name(scene->model, resource), who, site,
		finding ? cn_finding_title(finding->code) : "");
}

uint64_t cn_resource_task(const struct cn_resource *resource)
{
	return holder(resource)        ? holder(resource)
	       : resource->last_user_a ? resource->last_user_a
				       : resource->last_user_b;
}

static uint64_t task_of(const struct cn_scene *scene, size_t index)
{
	const struct cn_resource *resource = cn_model_resource_at(scene->model, index);

	return resource ? cn_resource_task(resource) : 0;
}

static const struct cn_field_column fields[] = {
	{ CN_FIELD_KIND, KIND, CN_KEY_PLAIN },
	{ CN_FIELD_ID, SERIAL, CN_KEY_PLAIN },
	{ CN_FIELD_NAME, NAME, CN_KEY_PLAIN },
	{ CN_FIELD_STATE, STATE, CN_KEY_PLAIN },
	{ CN_FIELD_VALUE, STATE, CN_KEY_PLAIN },
	{ CN_FIELD_HOLDER, HOLDER, CN_KEY_PLAIN },
	{ CN_FIELD_HELD, HELD, CN_KEY_PLAIN },
	{ CN_FIELD_WAITERS, WAITERS, CN_KEY_PLAIN },
	{ CN_FIELD_AGE, AGE, CN_KEY_PLAIN },
	{ CN_FIELD_SPAWN, SITE, CN_KEY_PLAIN },
};

static const char *field_text(const struct cn_scene *scene, size_t index, enum cn_field field, char room[CN_ROW_BYTES])
{
	const struct cn_resource *resource = cn_model_resource_at(scene->model, index);
	const struct cn_finding *finding =
		resource ? cn_findings_of_resource(scene->findings, resource->serial) : NULL;

	if (field != CN_FIELD_FINDING || !finding)
		return NULL;
	snprintf(room, CN_ROW_BYTES, "%s %s %s", cn_class_name(finding->class), cn_finding_title(finding->code),
		cn_finding_text(finding->code));
	return room;
}

static bool field_number(const struct cn_scene *scene, size_t index, enum cn_field field, bool share, uint64_t *ret)
{
	const struct cn_resource *resource = cn_model_resource_at(scene->model, index);

	if (field != CN_FIELD_CAPACITY || share || !resource)
		return false;
	*ret = resource->capacity;
	return true;
}

const struct cn_sheet_kind cn_resources_sheet = {
	.name = "Resources",
	.none = "No resources: the program has no lock, channel, socket or timer.",
	.columns = columns,
	.n_columns = COLUMNS,
	.sorted = FINDING,
	.descending = true,
	.slots = slots,
	.row = row,
	.text = text,
	.cell = cell,
	.fields = fields,
	.n_fields = sizeof fields / sizeof *fields,
	.more_fields = CN_FIELD_BIT(FINDING) | CN_FIELD_BIT(CAPACITY),
	.field_number = field_number,
	.field_text = field_text,
	.words = words,
	.task = task_of,
};
