/* SPDX-License-Identifier: MIT */
/* Absences of workers: the newest and the longest that have ended, and those that go on. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/found.h"
#include "model/kernel_private.h"

bool cn_block_of_row(
	const struct cn_model *model, const Rouse__V1__KernelBlocks *rows, size_t i, struct cn_block *ret_block)
{
	struct cn_block block = { .begin_ns = rows->begin_ns[i],
		.blocked_ns = CN_COLUMN(rows, blocked_ns, i, 0),
		.run_queue_ns = CN_COLUMN(rows, run_queue_ns, i, 0),
		.task = CN_COLUMN(rows, task, i, 0),
		.arguments = { CN_COLUMN(rows, argument, i, 0), CN_COLUMN(rows, argument2, i, 0),
			CN_COLUMN(rows, argument3, i, 0) },
		.site = CN_COLUMN(rows, site, i, 0),
		.tid = CN_COLUMN(rows, worker, i, 0),
		.call = CN_COLUMN(rows, number, i, 0),
		.owner = CN_COLUMN(rows, owner, i, 0),
		.waker = CN_COLUMN(rows, waker, i, 0),
		.kind = (uint8_t)CN_COLUMN(rows, kind, i, 0),
		.waker_kind = (uint8_t)CN_COLUMN(rows, waker_kind, i, 0) };
	size_t runtime;

	if (!cn_kernel_runtime_of(model, block.tid, &runtime))
		return false;
	block.runtime = (uint8_t)runtime;
	snprintf(block.owner_name, sizeof block.owner_name, "%s", CN_COLUMN(rows, owner_name, i, ""));
	snprintf(block.waker_name, sizeof block.waker_name, "%s", CN_COLUMN(rows, waker_name, i, ""));
	snprintf(block.file, sizeof block.file, "%s", CN_COLUMN(rows, file, i, ""));
	*ret_block = block;
	return true;
}

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
	cn_found_block(model, row, false);
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
	cn_found_block(model, &row->wait, true);
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
