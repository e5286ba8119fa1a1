/* SPDX-License-Identifier: MIT */
#include "view/complete.h"
#include "diagnose/finding.h"
#include "model/model.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --------------------------------------------------------------- candidates */

struct offer {
	struct cn_completions *completions;
	const char *typed; /* what they have to begin with */
	size_t bytes;
};

static void add(const struct offer *out, const char *text, const char *follows)
{
	struct cn_completions *completions = out->completions;
	const char *quote = strchr(text, ' ') ? "\"" : "";

	if (strncasecmp(text, out->typed, out->bytes) != 0 || completions->n == CN_COMPLETIONS_MAX)
		return;
	snprintf(completions->texts[completions->n++], CN_COMPLETION_BYTES, "%s%s%s%s", quote, text, quote, follows);
}

static const char *operator_of(enum cn_field field)
{
	switch (cn_field_kind(field)) {
	case CN_FIELD_IS_TEXT:
	case CN_FIELD_IS_NUMBER:
		return ":";
	case CN_FIELD_IS_FLAG:
		return "";
	default:
		return ">";
	}
}

static void add_fields(const struct offer *out, uint64_t fields)
{
	for (int field = 0; field < CN_FIELD_COUNT; field++)
		if (fields >> field & 1)
			add(out, cn_field_text((enum cn_field)field), operator_of((enum cn_field)field));
}

/* The words of a field, if it has only some. Rows that are tasks, or groups of them, have a task's states. */
static void add_values(const struct offer *out, enum cn_field field, uint64_t fields)
{
	const bool of_tasks = fields & (CN_FIELD_BIT(WAKES) | CN_FIELD_BIT(TASKS));

	for (unsigned int i = 0; field == CN_FIELD_STATE && of_tasks && i < ROUSE_TASK_STATE_MAX; i++)
		add(out, cn_task_state_name(i), "");
	for (unsigned int i = ROUSE_RESOURCE_FREE + 1;
		field == CN_FIELD_KIND && !of_tasks && i < ROUSE_RESOURCE_KIND_MAX; i++)
		add(out, cn_resource_kind_name(i), "");
	if (field == CN_FIELD_KIND && of_tasks) {
		add(out, "task", "");
		add(out, "main", "");
		add(out, "daemon", "");
	}
	for (unsigned int i = ROUSE_OP_NONE + 1; field == CN_FIELD_WAITS && i < ROUSE_OP_MAX; i++)
		add(out, cn_op_name(i), "");
	for (unsigned int i = 0; field == CN_FIELD_FINDING && i < CN_CLASS_MAX; i++)
		add(out, cn_class_name(i), "");
	for (unsigned int i = 0; field == CN_FIELD_FINDING && i < CN_FINDING_CODE_MAX; i++)
		add(out, cn_finding_text(i), "");
}

/* -------------------------------------------------------------- the position */

static void find_common(struct cn_completions *completions)
{
	size_t n = completions->n ? strlen(completions->texts[0]) : 0;

	for (size_t i = 1; i < completions->n; i++) {
		size_t same = 0;

		while (same < n && tolower((unsigned char)completions->texts[i][same]) ==
					   tolower((unsigned char)completions->texts[0][same]))
			same++;
		n = same;
	}
	memcpy(completions->common, completions->n ? completions->texts[0] : "", n);
	completions->common[n] = 0;
}

void cn_complete(const char *line, size_t cursor, uint64_t fields, struct cn_completions *ret)
{
	struct offer out = { .completions = ret };
	size_t from = cursor, op;
	enum cn_field field;

	*ret = (struct cn_completions){ 0 };
	while (from && !strchr(" |(", line[from - 1]))
		from--;
	from += line[from] == '-' && from < cursor;
	op = from + strcspn(line + from, ":~=!<>");
	field = cn_field_find(line + from, op - from);
	if (op < cursor && field < CN_FIELD_COUNT && fields >> field & 1) {
		from = op + strspn(line + op, ":~=!<>");
		from = from < cursor ? from : cursor;
	} else {
		field = CN_FIELD_COUNT;
	}
	ret->from = from;
	out.typed = line + from;
	out.bytes = cursor - from;
	if (field < CN_FIELD_COUNT)
		add_values(&out, field, fields);
	else
		add_fields(&out, fields);
	find_common(ret);
}
