/* SPDX-License-Identifier: MIT */
#include "model/found.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/private.h"

/* ----------------------------------------------------------------------- out */

static void tell(const struct cn_model *model, Rouse__V1__Frame__BodyCase body, void *message)
{
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	frame.body_case = body;
	/* All members of the body union are pointers to messages. */
	frame.found_stacks = message;
	model->tell_found(model->found_arg, &frame);
}

void cn_model_tell_found(struct cn_model *model, cn_found_fn fn, void *arg)
{
	model->tell_found = fn;
	model->found_arg = arg;
}

void cn_found_stack(const struct cn_model *model, size_t runtime, const struct cn_stack *stack)
{
	Rouse__V1__FoundStacks rows = ROUSE__V1__FOUND_STACKS__INIT;
	uint32_t index = (uint32_t)runtime, tid = stack->tid, why = (uint32_t)stack->why, sure = stack->sure;
	uint64_t ns = stack->ns, pc[CN_STACK_MAX];

	if (!model->tell_found)
		return;
	rows.n_runtime = rows.n_tid = rows.n_why = rows.n_sure = rows.n_ns = 1;
	rows.runtime = &index;
	rows.tid = &tid;
	rows.why = &why;
	rows.sure = &sure;
	rows.ns = &ns;
	rows.columns = stack->n < CN_STACK_MAX ? stack->n : CN_STACK_MAX;
	memcpy(pc, stack->pc, rows.columns * sizeof pc[0]);
	rows.n_pc = rows.columns;
	rows.pc = pc;
	tell(model, ROUSE__V1__FRAME__BODY_FOUND_STACKS, &rows);
}

void cn_found_symbol(const struct cn_model *model, const struct cn_symbol *symbol)
{
	Rouse__V1__FoundSymbols rows = ROUSE__V1__FOUND_SYMBOLS__INIT;
	struct cn_symbol copy = *symbol;
	char *function = copy.function, *within = copy.within, *file = copy.file, *module = copy.module;

	if (!model->tell_found)
		return;
	rows.n_pc = rows.n_offset = rows.n_line = rows.n_function = rows.n_within = rows.n_file = rows.n_module = 1;
	rows.pc = &copy.pc;
	rows.offset = &copy.offset;
	rows.line = &copy.line;
	rows.function = &function;
	rows.within = &within;
	rows.file = &file;
	rows.module = &module;
	tell(model, ROUSE__V1__FRAME__BODY_FOUND_SYMBOLS, &rows);
}

void cn_found_block(const struct cn_model *model, const struct cn_block *block, bool waits)
{
	Rouse__V1__KernelBlocks rows = ROUSE__V1__KERNEL_BLOCKS__INIT;
	struct cn_block copy = *block;
	uint32_t kind = copy.kind, waker_kind = copy.waker_kind, why = (uint32_t)copy.stack.why;
	char *file = copy.file, *owner_name = copy.owner_name, *waker_name = copy.waker_name;

	if (!model->tell_found)
		return;
#define PUT(column, value)                                                                                             \
	do {                                                                                                           \
		rows.n_##column = 1;                                                                                   \
		rows.column = &(value);                                                                                \
	} while (0)
	PUT(begin_ns, copy.begin_ns);
	PUT(blocked_ns, copy.blocked_ns);
	PUT(run_queue_ns, copy.run_queue_ns);
	PUT(task, copy.task);
	PUT(site, copy.site);
	PUT(worker, copy.tid);
	PUT(kind, kind);
	PUT(number, copy.call);
	PUT(argument, copy.arguments[0]);
	PUT(argument2, copy.arguments[1]);
	PUT(argument3, copy.arguments[2]);
	PUT(file, file);
	PUT(owner, copy.owner);
	PUT(owner_name, owner_name);
	PUT(waker, copy.waker);
	PUT(waker_kind, waker_kind);
	PUT(waker_name, waker_name);
	PUT(sure, copy.stack.sure);
	PUT(unwound_why, why);
#undef PUT
	rows.kernel_columns = copy.stack.n < CN_STACK_MAX ? copy.stack.n : CN_STACK_MAX;
	rows.n_kernel_pc = rows.kernel_columns;
	rows.kernel_pc = copy.stack.pc;
	tell(model, waits ? ROUSE__V1__FRAME__BODY_KERNEL_WAITS : ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS, &rows);
}

/* Any worker of the runtime tells which one it is. */
static uint32_t some_tid(const struct cn_model *model, size_t runtime)
{
	const struct cn_runtime *known = cn_model_runtime(model, runtime);

	for (uint32_t i = 0; known && i < known->n_workers; i++)
		if (!known->workers[i].foreign && known->workers[i].tid)
			return known->workers[i].tid;
	return 0;
}

void cn_found_sample(const struct cn_model *model, size_t runtime, uint32_t site, uint64_t task, const uint64_t *pc,
	uint32_t n)
{
	Rouse__V1__KernelSamples rows = ROUSE__V1__KERNEL_SAMPLES__INIT;
	uint64_t copy[CN_STACK_MAX], ns = model->now_ns;
	uint32_t worker;

	if (!model->tell_found)
		return;
	worker = some_tid(model, runtime);
	rows.n_ns = rows.n_task = rows.n_site = rows.n_worker = 1;
	rows.ns = &ns;
	rows.task = &task;
	rows.site = &site;
	rows.worker = &worker;
	rows.kernel_columns = n < CN_STACK_MAX ? n : CN_STACK_MAX;
	rows.n_kernel_pc = rows.kernel_columns;
	memcpy(copy, pc, rows.kernel_columns * sizeof copy[0]);
	rows.kernel_pc = copy;
	tell(model, ROUSE__V1__FRAME__BODY_KERNEL_SAMPLES, &rows);
}

/* Names among them are told one by one, as all names are. */
void cn_found_kernel(const struct cn_model *model, const Rouse__V1__Frame *frame)
{
	if (model->tell_found && (frame->body_case == ROUSE__V1__FRAME__BODY_KERNEL ||
					 frame->body_case == ROUSE__V1__FRAME__BODY_KERNEL_SUMS ||
					 frame->body_case == ROUSE__V1__FRAME__BODY_KERNEL_CALLS))
		model->tell_found(model->found_arg, frame);
}

void cn_found_note(const struct cn_model *model, uint32_t groups, int status, const char *why, uint64_t lost)
{
	Rouse__V1__KernelNote note = ROUSE__V1__KERNEL_NOTE__INIT;
	char text[256];

	if (!model->tell_found)
		return;
	snprintf(text, sizeof text, "%s", why);
	note.groups = groups;
	note.status = status;
	note.why = text;
	note.lost = lost;
	tell(model, ROUSE__V1__FRAME__BODY_KERNEL_NOTE, &note);
}

void cn_found_tell_all(struct cn_model *model)
{
	const struct cn_kernel *kernel = cn_model_kernel(model);

	for (size_t i = 0; i < model->symbols.used; i++) {
		const struct cn_symbol *symbol = cn_slots_at(&model->symbols, i);

		if (symbol)
			cn_found_symbol(model, symbol);
	}
	for (unsigned int i = CN_KERNEL_NONE + 1; kernel && i < CN_KERNEL_GROUP_MAX; i++)
		if (kernel->groups[i].wanted && kernel->groups[i].status)
			cn_found_note(model, 1u << i, kernel->groups[i].status, kernel->groups[i].why, 0);
}

/* ------------------------------------------------------------------------ in */

static void take_pcs(struct cn_stack *stack, const uint64_t *pc, size_t n, uint32_t columns, size_t row)
{
	for (size_t i = 0; i < columns && i < CN_STACK_MAX && row * columns + i < n && pc[row * columns + i]; i++)
		stack->pc[stack->n++] = pc[row * columns + i];
}

static void apply_stacks(struct cn_model *model, const Rouse__V1__FoundStacks *rows)
{
	for (size_t i = 0; i < rows->n_runtime; i++) {
		struct cn_stack stack = { .tid = CN_COLUMN(rows, tid, i, 0),
			.why = (int)CN_COLUMN(rows, why, i, 0),
			.sure = CN_COLUMN(rows, sure, i, 0),
			.ns = CN_COLUMN(rows, ns, i, 0) };

		take_pcs(&stack, rows->pc, rows->n_pc, rows->columns, i);
		cn_model_put_stack(model, rows->runtime[i], &stack);
	}
}

static int apply_symbols(struct cn_model *model, const Rouse__V1__FoundSymbols *rows)
{
	int rc = 0;

	for (size_t i = 0; i < rows->n_pc && rc == 0; i++) {
		struct cn_symbol symbol = { .pc = rows->pc[i],
			.offset = CN_COLUMN(rows, offset, i, 0),
			.line = CN_COLUMN(rows, line, i, 0) };

		snprintf(symbol.function, sizeof symbol.function, "%s", CN_COLUMN(rows, function, i, ""));
		snprintf(symbol.within, sizeof symbol.within, "%s", CN_COLUMN(rows, within, i, ""));
		snprintf(symbol.file, sizeof symbol.file, "%s", CN_COLUMN(rows, file, i, ""));
		snprintf(symbol.module, sizeof symbol.module, "%s", CN_COLUMN(rows, module, i, ""));
		rc = cn_model_put_symbol(model, &symbol);
	}
	return rc;
}

static int apply_blocks(struct cn_model *model, const Rouse__V1__KernelBlocks *rows, bool waits)
{
	int rc = 0;

	for (size_t i = 0; i < rows->n_begin_ns && rc == 0; i++) {
		struct cn_block block;

		if (!cn_block_of_row(model, rows, i, &block))
			continue;
		block.stack = (struct cn_stack){ .tid = waits ? 0 : block.tid,
			.ns = waits ? 0 : block.begin_ns,
			.why = (int)CN_COLUMN(rows, unwound_why, i, 0),
			.sure = CN_COLUMN(rows, sure, i, 0) };
		take_pcs(&block.stack, rows->kernel_pc, rows->n_kernel_pc, rows->kernel_columns, i);
		rc = waits ? cn_kernel_put_wait(model, &block) : cn_kernel_put_block(model, &block);
	}
	return rc;
}

static int apply_samples(struct cn_model *model, const Rouse__V1__KernelSamples *rows)
{
	int rc = 0;

	for (size_t i = 0; i < rows->n_ns && rc == 0; i++) {
		struct cn_stack stack = { 0 };
		size_t runtime;

		if (!cn_kernel_runtime_of(model, CN_COLUMN(rows, worker, i, 0), &runtime))
			continue;
		take_pcs(&stack, rows->kernel_pc, rows->n_kernel_pc, rows->kernel_columns, i);
		rc = cn_kernel_put_sample(model, runtime, CN_COLUMN(rows, site, i, 0), CN_COLUMN(rows, task, i, 0),
			stack.pc, stack.n);
	}
	return rc;
}

static int apply_note(struct cn_model *model, const Rouse__V1__KernelNote *note)
{
	int rc = note->groups ? cn_kernel_refused(model, note->groups, note->status, note->why) : 0;

	return rc == 0 && note->lost ? cn_kernel_lost(model, note->lost) : rc;
}

int cn_found_apply(struct cn_model *model, const Rouse__V1__Frame *frame)
{
	int rc;

	switch (frame->body_case) {
	case ROUSE__V1__FRAME__BODY_FOUND_STACKS:
		apply_stacks(model, frame->found_stacks);
		return 0;
	case ROUSE__V1__FRAME__BODY_FOUND_SYMBOLS:
		return apply_symbols(model, frame->found_symbols);
	case ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS:
		return apply_blocks(model, frame->kernel_blocks, false);
	case ROUSE__V1__FRAME__BODY_KERNEL_WAITS:
		return apply_blocks(model, frame->kernel_waits, true);
	case ROUSE__V1__FRAME__BODY_KERNEL_SAMPLES:
		return apply_samples(model, frame->kernel_samples);
	case ROUSE__V1__FRAME__BODY_KERNEL_NOTE:
		return apply_note(model, frame->kernel_note);
	case ROUSE__V1__FRAME__BODY_KERNEL:
	case ROUSE__V1__FRAME__BODY_KERNEL_SUMS:
	case ROUSE__V1__FRAME__BODY_KERNEL_CALLS:
		rc = cn_kernel_apply(model, frame);
		return rc < 0 ? rc : 0;
	default:
		return 0;
	}
}
