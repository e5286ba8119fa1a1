/* SPDX-License-Identifier: MIT */
#include "loader/blocks.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define ROWS BL_FRAME_BLOCKS

/*
 * What stands where glibc keeps a mutex's owner is one only if the target has
 * such a thread. The one that ended the wait is one for certain, even if it has
 * ended since.
 */
static void check_owner(struct bl_blocks *blocks, size_t i)
{
	struct bl_block *block = &blocks->rows[i];

	*blocks->owners[i] = '\0';
	if (!block->owner)
		return;
	if (block->waker.kind == BL_WAKER_OWN && block->waker.tid == block->owner)
		memcpy(blocks->owners[i], block->waker.name, BL_NAME_BYTES);
	else if (!bl_names_thread(&blocks->sink->names, blocks->sink->pid, block->owner, blocks->owners[i]))
		block->owner = 0;
}

/* How the kernel comes to handle an interrupt, also one put off until the end of another. */
static bool is_interrupt(const char *name)
{
	static const char *const entries[] = { "asm_sysvec_", "sysvec_", "asm_common_interrupt", "common_interrupt",
		"handle_softirqs", "__do_softirq", "__irq_exit_rcu", "asm_fred_", "fred_extint" };

	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
		if (strncmp(name, entries[i], strlen(entries[i])) == 0)
			return true;
	return false;
}

/* By the stack of the thread that was the current one. Without names it remains unknown. */
static void tell_waker(struct bl_sink *sink, struct bl_waker *waker)
{
	const char *name = NULL;

	waker->name[BL_NAME_BYTES - 1] = '\0';
	if (waker->kind == BL_WAKER_UNKNOWN) {
		bool interrupt = false;

		for (size_t i = 0; i < BL_WAKER_FRAMES && waker->kernel_pc[i]; i++)
			if ((name = bl_kallsyms_name(&sink->symbols, waker->kernel_pc[i])))
				interrupt |= is_interrupt(name);
		if (name)
			waker->kind = interrupt ? BL_WAKER_INTERRUPT : waker->own ? BL_WAKER_OWN : BL_WAKER_FOREIGN;
	}
	if (waker->kind == BL_WAKER_OWN || waker->kind == BL_WAKER_FOREIGN)
		return;
	waker->tid = 0;
	*waker->name = '\0';
}

int bl_blocks_add(void *arg, void *record, size_t bytes)
{
	struct bl_blocks *blocks = arg;
	struct bl_block *block = &blocks->rows[blocks->n];
	const size_t head = sizeof(*block) - BL_STACK_BYTES;

	if (bytes < head || bytes > sizeof(*block))
		return -EPROTO;
	memcpy(block, record, bytes);
	if (block->state.stack_bytes > bytes - head)
		return -EPROTO;
	tell_waker(blocks->sink, &block->waker);
	*blocks->files[blocks->n] = '\0';
	if (block->kind == BL_BLOCK_CALL)
		bl_names_file(blocks->sink->pid, block->number, block->arguments[0], blocks->files[blocks->n]);
	check_owner(blocks, blocks->n);
	blocks->n++;
	return blocks->n == ROWS ? bl_blocks_flush(blocks) : 0;
}

/* The columns of one frame. */
struct columns {
	uint64_t begin_ns[ROWS], blocked_ns[ROWS], run_queue_ns[ROWS], task[ROWS], arguments[3][ROWS];
	uint32_t site[ROWS], worker[ROWS], kind[ROWS], number[ROWS], owner[ROWS], waker[ROWS], waker_kind[ROWS];
	char *file[ROWS], *owner_name[ROWS], *waker_name[ROWS];
	ProtobufCBinaryData registers[ROWS], stack[ROWS];
	uint64_t kernel_pc[ROWS * BL_KERNEL_FRAMES];
};

static void fill(struct columns *c, struct bl_blocks *blocks, size_t i)
{
	struct bl_block *block = &blocks->rows[i];
	struct bl_sample_state *state = &block->state;

	c->begin_ns[i] = block->begin_ns;
	c->blocked_ns[i] = block->blocked_ns;
	c->run_queue_ns[i] = block->run_queue_ns;
	c->task[i] = block->task;
	c->site[i] = block->site;
	c->worker[i] = block->tid;
	c->kind[i] = block->kind;
	c->number[i] = block->number;
	for (int argument = 0; argument < 3; argument++)
		c->arguments[argument][i] = block->arguments[argument];
	c->file[i] = blocks->files[i];
	c->owner[i] = block->owner;
	c->owner_name[i] = blocks->owners[i];
	c->waker[i] = block->waker.tid;
	c->waker_kind[i] = block->waker.kind;
	c->waker_name[i] = block->waker.name;
	c->registers[i].data = (uint8_t *)state->registers;
	c->registers[i].len = state->has_registers ? sizeof(state->registers) : 0;
	c->stack[i].data = state->stack;
	c->stack[i].len = state->has_registers ? state->stack_bytes : 0;
	for (size_t frame = 0; frame < BL_KERNEL_FRAMES; frame++)
		c->kernel_pc[i * BL_KERNEL_FRAMES + frame] = state->kernel_pc[frame];
}

static int send(struct bl_blocks *blocks, struct columns *c, size_t n)
{
	Rouse__V1__KernelBlocks body = ROUSE__V1__KERNEL_BLOCKS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	body.n_begin_ns = body.n_blocked_ns = body.n_run_queue_ns = body.n_task = body.n_site = body.n_worker = n;
	body.n_kind = body.n_number = body.n_argument = body.n_argument2 = body.n_argument3 = body.n_file = n;
	body.n_owner = body.n_owner_name = body.n_waker = body.n_waker_kind = body.n_waker_name = n;
	body.n_registers = body.n_stack = n;
	body.n_kernel_pc = n * BL_KERNEL_FRAMES;
	body.begin_ns = c->begin_ns;
	body.blocked_ns = c->blocked_ns;
	body.run_queue_ns = c->run_queue_ns;
	body.task = c->task;
	body.site = c->site;
	body.worker = c->worker;
	body.kind = c->kind;
	body.number = c->number;
	body.argument = c->arguments[0];
	body.argument2 = c->arguments[1];
	body.argument3 = c->arguments[2];
	body.file = c->file;
	body.owner = c->owner;
	body.owner_name = c->owner_name;
	body.waker = c->waker;
	body.waker_kind = c->waker_kind;
	body.waker_name = c->waker_name;
	body.registers = c->registers;
	body.stack = c->stack;
	body.kernel_columns = BL_KERNEL_FRAMES;
	body.kernel_pc = c->kernel_pc;
	frame.body_case = blocks->go_on ? ROUSE__V1__FRAME__BODY_KERNEL_WAITS : ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS;
	frame.kernel_blocks = &body;
	return bl_sink_send(blocks->sink, &frame);
}

int bl_blocks_flush(struct bl_blocks *blocks)
{
	struct columns columns;
	size_t n = blocks->n;
	int rc;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		fill(&columns, blocks, i);
	blocks->n = 0;
	rc = bl_sink_symbols(blocks->sink, columns.kernel_pc, n * BL_KERNEL_FRAMES);
	return rc < 0 ? rc : send(blocks, &columns, n);
}
