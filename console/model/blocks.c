/* SPDX-License-Identifier: MIT */
/* Absences of workers: the newest and the longest that have ended, and those that go on. */
#include <errno.h>
#include <string.h>

#include "model/kernel_private.h"

/* The list is short, and sorted. */
static void keep_longest(struct cn_kernel_state *kernel, const struct cn_block *block)
{
	size_t i = CN_BLOCKS_LONGEST;

	while (i > 0 && kernel->longest[i - 1].blocked_ns < block->blocked_ns)
		i--;
	if (i == CN_BLOCKS_LONGEST)
		return;
	memmove(&kernel->longest[i + 1], &kernel->longest[i], (CN_BLOCKS_LONGEST - 1 - i) * sizeof *block);
	kernel->longest[i] = *block;
}

int cn_kernel_put_block(struct cn_model *model, const struct cn_block *block)
{
	struct cn_block *row;

	if (cn_kernel_state_of(model))
		return -ENOMEM;
	row = &model->kernel->newest[++model->kernel->n_blocks % CN_BLOCKS_NEWEST];
	*row = *block;
	row->number = model->kernel->n_blocks;
	if (row->stack.n > CN_STACK_MAX)
		row->stack.n = CN_STACK_MAX;
	keep_longest(model->kernel, row);
	return 0;
}

const struct cn_block *cn_kernel_block(const struct cn_model *model, size_t index)
{
	const struct cn_kernel_state *kernel = model->kernel;

	if (!kernel || index >= CN_BLOCKS_NEWEST || index >= kernel->n_blocks)
		return NULL;
	return &kernel->newest[(kernel->n_blocks - index) % CN_BLOCKS_NEWEST];
}

const struct cn_block *cn_kernel_longest(const struct cn_model *model, size_t index)
{
	const struct cn_kernel_state *kernel = model->kernel;

	return kernel && index < CN_BLOCKS_LONGEST && kernel->longest[index].number ? &kernel->longest[index] : NULL;
}

int cn_kernel_put_wait(struct cn_model *model, const struct cn_block *wait)
{
	struct cn_wait_row *row;
	void *at;
	int rc;

	if (cn_kernel_state_of(model))
		return -ENOMEM;
	rc = cn_slots_put(&model->kernel->waits, cn_kernel_key(wait->runtime, wait->tid), &at);
	if (rc)
		return rc == -ENOMEM ? rc : 0;
	row = at;
	row->round = model->kernel->shown.rounds + 1;
	row->wait = *wait;
	return 0;
}

/* Those of the round in progress are newer than what else is known of it, and right. */
const struct cn_block *cn_kernel_wait_of(const struct cn_model *model, size_t runtime, uint32_t tid)
{
	const struct cn_wait_row *row =
		model->kernel ? cn_slots_find(&model->kernel->waits, cn_kernel_key(runtime, tid)) : NULL;

	return row && row->round >= model->kernel->shown.rounds ? &row->wait : NULL;
}

const char *cn_block_kind_name(unsigned int kind)
{
	static const char *const names[] = { "", "system call", "page fault", "in the kernel" };

	return kind < sizeof names / sizeof names[0] ? names[kind] : "";
}
