/* SPDX-License-Identifier: MIT */
/*
 * The table of blocks: the newest ones, and the longest that came before them.
 * A slot stands for every number that leaves the same rest, so that a row keeps
 * its index while others come.
 */
#include "view/block.h"
#include "view/columns.h"
#include "view/sheet.h"
#include "widget/format.h"

#include <inttypes.h>
#include <string.h>

enum column { WHEN, BLOCKED, RUN_QUEUE, TASK, WHAT, ENDED, SPAWNED, TID, COLUMNS };
enum { NEWEST = 512, LONGEST = 64 };

static const struct cn_column columns[COLUMNS] = {
	[WHEN] = { "AGO", 6, 6, 1, CN_RIGHT },
	[BLOCKED] = { "BLOCKED", 8, 8, 1, CN_RIGHT },
	[RUN_QUEUE] = { "RUNQ", 6, 6, 2, CN_RIGHT },
	[TASK] = { "TASK", 16, 28, 0, CN_LEFT },
	[WHAT] = { "WHAT", 16, 60, 1, CN_LEFT },
	[ENDED] = { "ENDED BY", 14, 24, 2, CN_LEFT },
	[SPAWNED] = { "SPAWNED AT", 14, 28, 3, CN_TAIL },
	[TID] = { "THREAD", 7, 8, 4, CN_RIGHT },
};

static size_t slots(const struct cn_scene *scene)
{
	return cn_kernel_block(scene->model, 0) ? NEWEST + LONGEST : 0;
}

static const struct cn_block *block_at(const struct cn_scene *scene, size_t index)
{
	const struct cn_block *newest = cn_kernel_block(scene->model, 0), *block;

	if (!newest)
		return NULL;
	if (index < NEWEST)
		return cn_kernel_block(scene->model, (size_t)((newest->number - index) % NEWEST));
	block = cn_kernel_longest(scene->model, index - NEWEST);
	/* The others stand among the newest. */
	return block && newest->number - block->number >= NEWEST ? block : NULL;
}

static const char *text(const struct cn_scene *scene, size_t index, size_t column, char out[CN_ROW_BYTES])
{
	const struct cn_block *block = block_at(scene, index);

	if (!block)
		return NULL;
	switch ((enum column)column) {
	case TASK:
		return cn_who_text(out, CN_ROW_BYTES, scene, block->task);
	case WHAT:
		return cn_block_what(out, CN_ROW_BYTES, scene, block);
	case ENDED:
		return cn_block_waker(out, CN_ROW_BYTES, scene, block);
	case SPAWNED:
		return cn_site_text(out, CN_ROW_BYTES, scene, block->runtime, block->site);
	default:
		return NULL;
	}
}

static bool row(const struct cn_scene *scene, size_t index, size_t column, struct cn_entry *ret)
{
	const struct cn_block *block = block_at(scene, index);
	char room[CN_ROW_BYTES];

	if (!block)
		return false;
	ret->id = block->number;
	ret->key = column == WHEN        ? block->number
		   : column == BLOCKED   ? block->blocked_ns
		   : column == RUN_QUEUE ? block->run_queue_ns
		   : column == TID       ? block->tid
					 : cn_text_key(text(scene, index, column, room));
	return true;
}

static void cell(const struct cn_scene *scene, size_t index, size_t column, struct cn_text *ret)
{
	const struct cn_block *block = block_at(scene, index);
	char room[CN_ROW_BYTES];

	if (!block)
		return;
	switch ((enum column)column) {
	case WHEN:
		cn_format_ns(ret->text, cn_block_age_ns(scene, block));
		ret->style = CN_STYLE_DIM;
		return;
	case BLOCKED:
		cn_format_ns(ret->text, block->blocked_ns);
		ret->style = CN_STYLE_STRONG;
		return;
	case RUN_QUEUE:
		cn_format_ns(ret->text, block->run_queue_ns);
		ret->style = block->run_queue_ns ? CN_STYLE_PLAIN : CN_STYLE_DIM;
		return;
	case TID:
		snprintf(ret->text, sizeof ret->text, "%" PRIu32, block->tid);
		ret->style = CN_STYLE_DIM;
		return;
	default:
		snprintf(ret->text, sizeof ret->text, "%.500s", text(scene, index, column, room));
		ret->style = column == TASK      ? CN_STYLE_NAME
			     : column == SPAWNED ? CN_STYLE_SITE
			     : block->owner != 0 ? CN_STYLE_LIKELY
						 : CN_STYLE_PLAIN;
		return;
	}
}

static void words(const struct cn_scene *scene, size_t index, char out[CN_ROW_BYTES])
{
	char task[CN_ROW_BYTES] = "", what[CN_ROW_BYTES], waker[CN_ROW_BYTES], site[CN_ROW_BYTES];

	if (text(scene, index, TASK, task))
		snprintf(out, CN_ROW_BYTES, "%.120s %.160s %.80s %.100s", task, text(scene, index, WHAT, what),
			text(scene, index, ENDED, waker), text(scene, index, SPAWNED, site));
}

static uint64_t task_of(const struct cn_scene *scene, size_t index)
{
	const struct cn_block *block = block_at(scene, index);

	return block ? block->task : 0;
}

static const char *why_none(const struct cn_scene *scene)
{
	const struct cn_kernel *kernel = cn_model_kernel(scene->model);

	if (!kernel || !kernel->groups[CN_KERNEL_SCHED].wanted)
		return "The kernel's scheduler is not asked. rouse --kernel PID asks it.";
	return cn_kernel_refusal(scene->model, CN_KERNEL_SCHED);
}

static const struct cn_field_column fields[] = {
	{ CN_FIELD_BLOCKED, BLOCKED, CN_KEY_PLAIN },
	{ CN_FIELD_RUNQ, RUN_QUEUE, CN_KEY_PLAIN },
	{ CN_FIELD_NAME, TASK, CN_KEY_PLAIN },
	{ CN_FIELD_WHAT, WHAT, CN_KEY_PLAIN },
	{ CN_FIELD_ENDED, ENDED, CN_KEY_PLAIN },
	{ CN_FIELD_SPAWN, SPAWNED, CN_KEY_PLAIN },
	{ CN_FIELD_TID, TID, CN_KEY_PLAIN },
};

/* Its column orders by number: the newest first. */
static bool field_number(const struct cn_scene *scene, size_t index, enum cn_field field, bool share, uint64_t *ret)
{
	const struct cn_block *block = block_at(scene, index);

	if (field != CN_FIELD_AGE || share || !block)
		return false;
	*ret = cn_block_age_ns(scene, block);
	return true;
}

const struct cn_sheet_kind cn_blocks_sheet = {
	.name = "Blocks",
	.none = "No poll has kept its worker off the CPU for long, since the kernel is asked.",
	.why_none = why_none,
	.columns = columns,
	.n_columns = COLUMNS,
	.sorted = WHEN,
	.descending = true,
	.slots = slots,
	.row = row,
	.text = text,
	.cell = cell,
	.fields = fields,
	.n_fields = sizeof fields / sizeof *fields,
	.more_fields = CN_FIELD_BIT(AGE),
	.field_number = field_number,
	.words = words,
	.task = task_of,
};
