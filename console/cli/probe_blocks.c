/* SPDX-License-Identifier: MIT */
/* rouse probe --blocks: each time a poll was off its CPU for long, and where it stood. */
#include "cli/probe.h"
#include "cli/probe_kernel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export/profile.h"
#include "export/text.h"
#include "widget/format.h"

#define SYNOPSIS "usage: rouse probe --blocks [OPTIONS] PID|NAME\n"

static const struct cn_group GROUP = {
	.option = "blocks",
	.takes = CN_GROUP_THRESHOLD,
	.follows = "what blocks polls",
	.synopsis = SYNOPSIS,
	.help = SYNOPSIS "Shows each time a poll blocked its worker, as it ends: when, for how long, which task, in\n"
			 "which system call, behind whose mutex, and who ended it; at the end the longest ones\n"
			 "with their stacks, the kernel's functions first. The program needs no agent.\n"
			 "      --threshold MS such that lasted so long at least (1)\n"
			 "      --for SECONDS  end after that time (also --seconds); else with Ctrl-C\n"
			 "  -n, --count N      of the longest ones (20; at most 64)\n"
			 "      --json         one JSON object a line, rouse/probe-blocks/1, the last is the summary\n"
			 "Exit: 0 ok, 1 failed, 2 usage, 3 no such target, 4 not permitted, 5 another version,\n"
			 "6 something could not be counted, and that is said, 7 it did not begin in time.\n",
};

struct blocks {
	struct cn_probed probed; /* the first member */
	struct cn_paint paint;
	uint64_t told;    /* number of the last one */
	uint64_t skipped; /* came faster than they were told */
	bool hurries;     /* the next look comes soon */
};
enum { USUAL_MS = CN_PROBED_LOOK_MS, SOON_MS = 50 };

/* ------------------------------------------------------------------- words */

static double seconds_since(const struct cn_probed *probed, const struct cn_block *block)
{
	const struct cn_kernel *kernel = cn_model_kernel(cn_probed_model(probed));

	return block->begin_ns > kernel->since_ns ? (double)(block->begin_ns - kernel->since_ns) / 1e9 : 0.0;
}

static void print_what(const struct cn_paint *paint, const struct cn_block *block)
{
	const char *name = cn_syscall_name((int)block->call);

	if (block->kind != CN_BLOCK_CALL) {
		cn_paint(paint, CN_STYLE_STRONG, "%s", cn_block_kind_name(block->kind));
		return;
	}
	if (name)
		cn_paint(paint, CN_STYLE_STRONG, "%s", name);
	else
		cn_paint(paint, CN_STYLE_STRONG, "syscall %u", block->call);
	if (cn_syscall_takes_fd((int)block->call))
		fprintf(paint->out, "(%d", (int32_t)block->arguments[0]);
	else
		fprintf(paint->out, "(0x%" PRIx64, block->arguments[0]);
	fprintf(paint->out, ", 0x%" PRIx64 ", 0x%" PRIx64 ")", block->arguments[1], block->arguments[2]);
	if (*block->file)
		fprintf(paint->out, " %s", cn_safe(block->file));
}

static void print_others(const struct cn_paint *paint, const struct cn_block *block)
{
	if (block->owner)
		fprintf(paint->out, ", a mutex of thread %u %s", block->owner, cn_safe(block->owner_name));
	if (block->waker_kind == CN_WAKER_INTERRUPT)
		fputs(", ended by an interrupt", paint->out);
	else if (block->waker)
		fprintf(paint->out, ", ended by thread %u %s%s", block->waker, cn_safe(block->waker_name),
			block->waker_kind == CN_WAKER_FOREIGN ? " of another program" : "");
}

/* The innermost one that lies in the program itself, else outside of the kernel. */
static uint64_t caller(const struct cn_model *model, const struct cn_stack *stack)
{
	const char *program = cn_model_target(model)->program;
	uint64_t first = 0;

	for (uint32_t i = 0; i < stack->n; i++) {
		const struct cn_symbol *symbol = cn_model_symbol(model, stack->pc[i]);

		if (cn_profile_is_kernel(stack->pc[i]))
			continue;
		if (symbol && strcmp(symbol->module, program) == 0)
			return stack->pc[i];
		first = first ? first : stack->pc[i];
	}
	return first;
}

static void print_block(const struct blocks *blocks, const struct cn_block *block)
{
	const struct cn_model *model = cn_probed_model(&blocks->probed);
	const struct cn_paint *paint = &blocks->paint;
	const struct cn_task *task = cn_model_task(model, block->task);
	char blocked[CN_FORMAT_BYTES], queue[CN_FORMAT_BYTES], where[256];

	cn_paint(paint, CN_STYLE_DIM, "+%.6f s", seconds_since(&blocks->probed, block));
	fprintf(paint->out, "  %8s", cn_format_ns(blocked, block->blocked_ns));
	cn_paint(paint, CN_STYLE_DIM, " and %s in the run queue  ", cn_format_ns(queue, block->run_queue_ns));
	/* One that is not known has ended, or no look has seen it yet. */
	cn_paint(paint, CN_STYLE_NAME, "%s", task ? cn_safe(cn_task_name(model, task)) : "task");
	cn_paint(paint, CN_STYLE_DIM, " (%" PRIu64 ") ", block->task);
	cn_paint(paint, CN_STYLE_SITE, "%s  ",
		cn_safe(cn_group_where(model, block->runtime, block->site, where, sizeof where)));
	print_what(paint, block);
	print_others(paint, block);
}

/* -------------------------------------------------------------------- JSON */

static void person_json(struct cn_json *json, const char *key, uint32_t tid, const char *name)
{
	if (!tid) {
		cn_json_null(json, key);
		return;
	}
	cn_json_object(json, key);
	cn_json_number(json, "tid", tid);
	cn_json_string(json, "name", name);
	cn_json_end(json);
}

static void what_json(struct cn_json *json, const struct cn_block *block)
{
	const char *name = cn_syscall_name((int)block->call);

	cn_json_string(json, "in", cn_block_kind_name(block->kind));
	if (block->kind != CN_BLOCK_CALL) {
		cn_json_null(json, "syscall");
		return;
	}
	cn_json_object(json, "syscall");
	cn_json_number(json, "number", block->call);
	if (name)
		cn_json_string(json, "name", name);
	else
		cn_json_null(json, "name");
	cn_json_array(json, "arguments");
	for (size_t i = 0; i < 3; i++)
		cn_json_id(json, NULL, block->arguments[i]);
	cn_json_end(json);
	if (*block->file)
		cn_json_string(json, "file", block->file);
	else
		cn_json_null(json, "file");
	cn_json_end(json);
}

static const char *waker_kind(const struct cn_block *block)
{
	static const char *const kinds[] = { "unknown", "own", "foreign", "interrupt" };

	return kinds[block->waker_kind <= CN_WAKER_INTERRUPT ? block->waker_kind : 0];
}

static void begin_line(struct cn_json *json, const char *event)
{
	cn_json_init_line(json, stdout);
	cn_json_object(json, NULL);
	cn_json_string(json, "schema", "rouse/probe-blocks/1");
	cn_json_string(json, "event", event);
}

static void block_json(const struct cn_probed *probed, const struct cn_block *block)
{
	const struct cn_model *model = cn_probed_model(probed);
	struct cn_json json;

	begin_line(&json, "block");
	cn_json_number(&json, "number", block->number);
	cn_json_number(&json, "begin_ns", block->begin_ns);
	cn_json_number(&json, "blocked_ns", block->blocked_ns);
	cn_json_number(&json, "run_queue_ns", block->run_queue_ns);
	cn_json_number(&json, "runtime", block->runtime);
	cn_json_number(&json, "tid", block->tid);
	cn_probed_task_json(&json, model, block->task, block->runtime, block->site);
	what_json(&json, block);
	person_json(&json, "mutex_owner", block->owner, block->owner_name);
	cn_json_string(&json, "ended_by_kind", waker_kind(block));
	person_json(&json, "ended_by", block->waker, block->waker_name);
	cn_stack_frames_json(&json, "stack", model, &block->stack);
	cn_json_end(&json);
}

static void summary_json(const struct blocks *blocks)
{
	const struct cn_kernel *kernel = cn_model_kernel(cn_probed_model(&blocks->probed));
	struct cn_json json;

	begin_line(&json, "summary");
	cn_json_number(&json, "begin_ns", kernel->since_ns);
	cn_json_number(&json, "end_ns", kernel->now_ns);
	cn_json_number(&json, "threshold_ns", kernel->block_ns);
	cn_json_number(&json, "blocks", kernel->blocks);
	cn_json_number(&json, "told", blocks->told - blocks->skipped);
	cn_json_number(&json, "not_told", blocks->skipped);
	cn_probed_losses_json(&json, &blocks->probed);
	cn_json_end(&json);
}

/* -------------------------------------------------------------------- verb */

/* Its task is known, or a look that began since has not found it any more. */
static bool is_settled(const struct cn_model *model, const struct cn_block *block)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, block->runtime);

	return cn_model_task(model, block->task) ||
	       (runtime && runtime->now_ns > block->begin_ns + block->blocked_ns + block->run_queue_ns);
}

static void tell_one(const struct blocks *blocks, const struct cn_block *block)
{
	const struct cn_model *model = cn_probed_model(&blocks->probed);
	char text[256];

	if (blocks->probed.opts.json) {
		block_json(&blocks->probed, block);
		return;
	}
	print_block(blocks, block);
	if (caller(model, &block->stack)) {
		cn_symbol_format(model, caller(model, &block->stack), text, sizeof text);
		cn_paint(&blocks->paint, CN_STYLE_DIM, "  from %s", text);
	}
	fputc('\n', stdout);
}

/* In their order. The first one whose task no look has seen yet waits for one, unless there will be none. */
static void tell_until(struct blocks *blocks, bool is_last)
{
	const struct cn_model *model = cn_probed_model(&blocks->probed);
	const struct cn_block *newest = cn_kernel_block(model, 0);

	while (newest && blocks->told < newest->number) {
		const struct cn_block *block = cn_kernel_block(model, (size_t)(newest->number - blocks->told - 1));

		if (block && !is_last && !is_settled(model, block))
			break;
		blocks->told++;
		if (block)
			tell_one(blocks, block);
		else /* it has been dropped for newer ones */
			blocks->skipped++;
	}
	fflush(stdout);
}

static void tell(struct cn_probed *probed)
{
	struct blocks *blocks = (struct blocks *)probed;
	const struct cn_block *newest = cn_kernel_block(cn_probed_model(probed), 0);
	bool hurries;

	if (!newest || !cn_model_kernel(cn_probed_model(probed))->rounds) /* when it began is told with a round */
		return;
	tell_until(blocks, false);
	hurries = blocks->told < newest->number;
	if (hurries != blocks->hurries)
		cn_session_interval(probed->session, hurries ? SOON_MS : USUAL_MS);
	blocks->hurries = hurries;
}

static void print_longest(const struct blocks *blocks)
{
	const struct cn_model *model = cn_probed_model(&blocks->probed);
	const struct cn_kernel *kernel = cn_model_kernel(model);
	const struct cn_paint *paint = &blocks->paint;
	char threshold[CN_FORMAT_BYTES];

	fputc('\n', paint->out);
	cn_probed_title(paint, &blocks->probed, "what blocked");
	for (size_t i = 0; i < blocks->probed.opts.rows && cn_kernel_longest(model, i); i++) {
		const struct cn_block *block = cn_kernel_longest(model, i);

		fputc('\n', paint->out);
		print_block(blocks, block);
		fputc('\n', paint->out);
		cn_stack_frames_print(paint, model, &block->stack, 4);
	}
	cn_paint(paint, CN_STYLE_DIM, "\n  %" PRIu64 " blocks of %s or more.", kernel->blocks,
		cn_format_ns(threshold, kernel->block_ns));
	if (blocks->skipped)
		cn_paint(paint, CN_STYLE_DIM, " %" PRIu64 " came too fast to be told.", blocks->skipped);
	fputc('\n', paint->out);
	cn_probed_losses_print(paint, &blocks->probed);
}

int cn_probe_blocks_main(int argc, char **argv)
{
	struct blocks blocks = { .probed = {
					 .group = &GROUP,
					 .wanted = CN_KERNEL_SCHED,
					 .groups = 1u << CN_KERNEL_SCHED,
					 .seen = tell,
				 } };
	int rc = cn_group_parse(argc, argv, &GROUP, &blocks.probed.opts);

	if (rc >= 0)
		return rc;
	cn_paint_init(&blocks.paint, stdout, CN_DEPTH_AUTO, false);
	rc = cn_probed_follow(&blocks.probed);
	if (rc == CN_EXIT_OK) {
		tell_until(&blocks, true);
		if (blocks.probed.opts.json)
			summary_json(&blocks);
		else
			print_longest(&blocks);
		rc = cn_probed_finish(&blocks.probed);
		if (rc == CN_EXIT_OK && blocks.skipped)
			rc = CN_EXIT_INCOMPLETE;
	}
	cn_session_close(blocks.probed.session);
	return rc;
}
