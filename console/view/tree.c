/* SPDX-License-Identifier: MIT */
/*
 * Built anew for each look at which it is shown: tasks sorted by id, each hung
 * below its parent by a binary search, then one walk without recursion. Parents
 * come from a target that may lie: a ring of parents has no root, so what no
 * root leads to becomes one itself.
 */
#include "view/tree.h"
#include "export/text.h"
#include "view/sheet.h"
#include "view/task_fields.h"
#include "widget/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* ---------------------------------------------------------------- building */

struct member {
	uint64_t id, parent_id;
	uint32_t slot;
	uint32_t parent, first_child, next; /* members */
	bool placed;
};

static int by_id(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static uint32_t member_of(const struct member *members, size_t n, uint64_t id)
{
	const struct member wanted = { .id = id };
	const struct member *found = id ? bsearch(&wanted, members, n, sizeof wanted, by_id) : NULL;

	return found ? (uint32_t)(found - members) : NONE;
}

/* Sorted by id, and hung below each other: children in that order. NULL without memory, or if there are none. */
static struct member *gather(const struct cn_model *model, size_t *ret_n)
{
	const size_t slots = cn_model_task_slots(model);
	struct member *members = slots ? malloc(slots * sizeof *members) : NULL;
	size_t n = 0;

	for (size_t slot = 0; members && slot < slots; slot++) {
		const struct cn_task *task = cn_model_task_at(model, slot);

		if (task)
			members[n++] = (struct member){
				task->id, task->parent, (uint32_t)slot, NONE, NONE, NONE, false };
	}
	if (members)
		qsort(members, n, sizeof *members, by_id);
	for (size_t i = n; i > 0; i--) {
		const uint32_t parent = member_of(members, n, members[i - 1].parent_id);

		if (parent == NONE || parent == i - 1)
			continue;
		members[i - 1].parent = parent;
		members[i - 1].next = members[parent].first_child;
		members[parent].first_child = (uint32_t)(i - 1);
	}
	*ret_n = n;
	return members;
}

static bool is_toggled(const struct cn_folds *folds, uint64_t id)
{
	for (size_t i = 0; i < folds->n; i++)
		if (folds->ids[i] == id)
			return true;
	return false;
}

struct walk {
	struct member *members;
	struct cn_tree_node *nodes;
	const struct cn_folds *folds;
	uint32_t position;
};

static struct cn_tree_node *node_of(const struct walk *walk, uint32_t i)
{
	return &walk->nodes[walk->members[i].slot];
}

static void enter(struct walk *walk, uint32_t i, uint32_t above)
{
	const struct cn_tree_node *parent = above == NONE ? NULL : node_of(walk, above);
	struct cn_tree_node *node = node_of(walk, i);

	walk->members[i].placed = true;
	node->task = true;
	node->position = walk->position++;
	node->depth = !parent ? 0 : parent->depth < CN_TREE_DEEP ? parent->depth + 1 : CN_TREE_DEEP;
	node->visible = !parent || (parent->visible && !parent->folded);
	node->last = walk->members[i].next == NONE;
	for (uint32_t kid = walk->members[i].first_child; kid != NONE; kid = walk->members[kid].next)
		node->kids += !walk->members[kid].placed;
	node->folded = node->kids && (node->kids > CN_TREE_MANY) != is_toggled(walk->folds, walk->members[i].id);
}

/* All below a root; on the way up each adds what is below it to the one above. */
static void walk_from(struct walk *walk, uint32_t root)
{
	uint32_t at = root;

	enter(walk, root, NONE);
	for (;;) {
		uint32_t next = walk->members[at].first_child;

		while (next != NONE && walk->members[next].placed)
			next = walk->members[next].next;
		if (next != NONE) {
			enter(walk, next, at);
			at = next;
			continue;
		}
		if (at == root)
			return;
		node_of(walk, walk->members[at].parent)->below += 1 + node_of(walk, at)->below;
		at = walk->members[at].parent;
	}
}

int cn_tree_build(const struct cn_model *model, const struct cn_folds *folds, struct cn_tree *tree)
{
	struct walk walk = { .folds = folds };
	size_t n = 0;

	cn_tree_free(tree);
	if (!cn_model_tasks(model))
		return 0;
	walk.members = gather(model, &n);
	walk.nodes = calloc(cn_model_task_slots(model), sizeof *walk.nodes);
	if (!walk.members || !walk.nodes) {
		free(walk.members);
		free(walk.nodes);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		if (walk.members[i].parent == NONE)
			walk_from(&walk, (uint32_t)i);
	for (size_t i = 0; i < n; i++)
		if (!walk.members[i].placed)
			walk_from(&walk, (uint32_t)i);
	free(walk.members);
	tree->nodes = walk.nodes;
	tree->n = cn_model_task_slots(model);
	return 0;
}

void cn_tree_free(struct cn_tree *tree)
{
	free(tree->nodes);
	*tree = (struct cn_tree){ 0 };
}

int cn_folds_toggle(struct cn_folds *folds, uint64_t task)
{
	folds->stamp++;
	for (size_t i = 0; i < folds->n; i++)
		if (folds->ids[i] == task) {
			folds->ids[i] = folds->ids[--folds->n];
			return 0;
		}
	if (folds->n == folds->capacity) {
		const size_t capacity = folds->capacity ? 2 * folds->capacity : 16;
		uint64_t *ids = realloc(folds->ids, capacity * sizeof *ids);

		if (!ids)
			return -ENOMEM;
		folds->ids = ids;
		folds->capacity = capacity;
	}
	folds->ids[folds->n++] = task;
	return 0;
}

void cn_folds_free(struct cn_folds *folds)
{
	free(folds->ids);
	*folds = (struct cn_folds){ 0 };
}

/* ------------------------------------------------------------------- table */

enum column { TREE, STATE, KIDS, BELOW, BUSY, AGE, FINDING, SPAWNED, COLUMNS };

static const struct cn_column columns[COLUMNS] = {
	[TREE] = { "TASK", 30, 44, 0, CN_LEFT },
	[STATE] = { "STATE", 11, 11, 2, CN_LEFT },
	[KIDS] = { "KIDS", 5, 5, 3, CN_RIGHT },
	[BELOW] = { "BELOW", 6, 6, 1, CN_RIGHT },
	[BUSY] = { "BUSY", 6, 6, 4, CN_RIGHT },
	[AGE] = { "AGE", 6, 6, 3, CN_RIGHT },
	[FINDING] = { "FINDING", 1, 22, 5, CN_LEFT },
	[SPAWNED] = { "SPAWNED AT", 14, 28, 6, CN_TAIL },
};

static size_t slots(const struct cn_scene *scene)
{
	return scene->tree ? scene->tree->n : 0;
}

static const struct cn_tree_node *node_at(const struct cn_scene *scene, size_t index)
{
	return index < slots(scene) && scene->tree->nodes[index].task && cn_model_task_at(scene->model, index)
		       ? &scene->tree->nodes[index]
		       : NULL;
}

static const char *text(const struct cn_scene *scene, size_t index, size_t column, char out[CN_ROW_BYTES])
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);

	if (!task || column != SPAWNED)
		return NULL;
	return cn_site_text(out, CN_ROW_BYTES, scene, task->runtime, task->spawn_site);
}

static uint64_t key(const struct cn_scene *scene, size_t index, size_t column)
{
	const struct cn_tree_node *node = node_at(scene, index);
	const struct cn_task *task = cn_model_task_at(scene->model, index);
	const struct cn_finding *finding;
	char room[CN_ROW_BYTES];

	if (!node || !task)
		return 0;
	switch ((enum column)column) {
	case TREE:
		return node->position;
	case STATE:
		return task->state;
	case KIDS:
		return node->kids;
	case BELOW:
		return node->below;
	case BUSY:
		return cn_task_busy_ns(scene->model, task);
	case AGE:
		return cn_task_age_ns(scene->model, task);
	case FINDING:
		finding = cn_findings_of_task(scene->findings, task->id);
		return finding ? finding->class + 1ull : 0;
	default:
		return cn_text_key(text(scene, index, column, room));
	}
}

static bool row(const struct cn_scene *scene, size_t index, size_t column, struct cn_entry *ret)
{
	const struct cn_tree_node *node = node_at(scene, index);
	const struct cn_task *task = cn_model_task_at(scene->model, index);

	/* Ordered by anything but the tree, it is a list of all. */
	if (!node || !task || (column == TREE && !node->visible))
		return false;
	ret->id = task->id;
	ret->key = key(scene, index, column);
	return true;
}

/* As deep as there is room for its name; a sign for whether it can be unfolded. */
static void tree_cell(const struct cn_scene *scene, const struct cn_task *task, const struct cn_tree_node *node,
	struct cn_text *ret)
{
	const int deep = node->depth < 12 ? node->depth : 12;
	char name[256];

	cn_text_safe(name, sizeof name, cn_task_name(scene->model, task), scene->ascii);
	snprintf(ret->text, sizeof ret->text, "%*s%c %s", 2 * deep, "",
		!node->kids     ? ' '
		: node->folded ? '+'
				: '-',
		name);
	ret->style = CN_STYLE_NAME;
}

static void finding_cell(const struct cn_scene *scene, const struct cn_task *task, struct cn_text *ret)
{
	const struct cn_finding *finding = cn_findings_of_task(scene->findings, task->id);

	if (!finding)
		return;
	snprintf(ret->text, sizeof ret->text, "%s", cn_finding_title(finding->code));
	ret->glyph = (int)cn_class_glyph(finding->class);
	ret->style = cn_class_style(finding->class);
}

static void cell(const struct cn_scene *scene, size_t index, size_t column, struct cn_text *ret)
{
	const struct cn_tree_node *node = node_at(scene, index);
	const struct cn_task *task = cn_model_task_at(scene->model, index);
	char room[CN_ROW_BYTES];

	if (!node || !task)
		return;
	switch ((enum column)column) {
	case TREE:
		tree_cell(scene, task, node, ret);
		return;
	case STATE:
		snprintf(ret->text, sizeof ret->text, "%s", cn_task_state_name(task->state));
		ret->glyph = (int)cn_state_glyph(task->state);
		ret->style = cn_state_style(task->state);
		return;
	case KIDS:
	case BELOW:
		cn_format_count(ret->text, key(scene, index, column));
		ret->style = node->kids ? CN_STYLE_PLAIN : CN_STYLE_DIM;
		return;
	case FINDING:
		finding_cell(scene, task, ret);
		return;
	case SPAWNED:
		snprintf(ret->text, sizeof ret->text, "%s", text(scene, index, column, room));
		ret->style = CN_STYLE_SITE;
		return;
	default:
		cn_format_ns(ret->text, key(scene, index, column));
		return;
	}
}

static void words(const struct cn_scene *scene, size_t index, char out[CN_ROW_BYTES])
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);
	char name[256], site[160];

	if (!task)
		return;
	cn_text_safe(name, sizeof name, cn_task_name(scene->model, task), scene->ascii);
	snprintf(out, CN_ROW_BYTES, "%" PRIu64 " %s %s %s", task->id, name, cn_task_state_name(task->state),
		cn_site_text(site, sizeof site, scene, task->runtime, task->spawn_site));
}

static uint64_t task_of(const struct cn_scene *scene, size_t index)
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);

	return task ? task->id : 0;
}

const struct cn_sheet_kind cn_tree_sheet = {
	.name = "Tree",
	.none = "No tasks.",
	.columns = columns,
	.n_columns = COLUMNS,
	.sorted = TREE,
	.descending = false,
	.slots = slots,
	.row = row,
	.text = text,
	.cell = cell,
	.more_fields = CN_TASK_FIELDS,
	.field_text = cn_slot_field_text,
	.field_number = cn_slot_field_number,
	.words = words,
	.task = task_of,
};
