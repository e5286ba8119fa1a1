/* SPDX-License-Identifier: MIT */
#include "export/chains.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export/names.h"
#include "export/text.h"

enum { OTHERS = CN_CHAINS_MAX };

struct folding {
	const struct cn_model *model;
	struct cn_names lines;
	uint64_t *weights; /* by number of the line; the last is that of all others */
	char *line;        /* in progress, of open_memstream() */
	size_t bytes;
	FILE *to; /* it */
};

/* A ";" would be a frame of its own. */
static void frame(struct folding *f, const char *name)
{
	char safe[CN_SAFE_BYTES];

	if (ftell(f->to) > 0)
		fputc(';', f->to);
	for (const char *p = cn_text_safe(safe, sizeof safe, name, false); *p; p++)
		fputc(*p == ';' ? ',' : *p, f->to);
}

static void frame_at(struct folding *f, size_t runtime, const char *name, uint32_t at)
{
	const struct cn_site *site = cn_model_site(f->model, runtime, at);
	char text[2 * CN_SAFE_BYTES];

	if (site->line)
		snprintf(text, sizeof text, "%s %s:%u", name, cn_path_base(cn_model_string(f->model, runtime, site->file)),
			site->line);
	else
		snprintf(text, sizeof text, "%s", name);
	frame(f, text);
}

static void future(struct folding *f, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_site *type = cn_model_site(f->model, task->runtime, await->type);
	const char *name = cn_model_string(f->model, task->runtime, type->name);

	frame_at(f, task->runtime, *name ? name : "(unknown)", await->at);
}

static void chain(struct folding *f, const struct cn_task *task)
{
	const struct cn_await *leaf = cn_task_leaf(task), *path[CN_CHAINS_DEPTH];
	const struct cn_site *spawn = cn_model_site(f->model, task->runtime, task->spawn_site);
	char last[64];
	size_t n = 0, depth = 0;

	frame(f, cn_model_target(f->model)->program);
	frame_at(f, task->runtime, cn_model_string(f->model, task->runtime, spawn->name), task->spawn_site);
	for (uint32_t i = task->leaf; leaf; i = task->awaits[i].parent) {
		depth++;
		if (task->awaits[i].parent >= i)
			break;
	}
	/* The outermost are the last to be met. */
	for (uint32_t i = task->leaf, k = 0; leaf && k < depth; i = task->awaits[i].parent, k++)
		if (depth - k <= CN_CHAINS_DEPTH)
			path[n++] = &task->awaits[i];
	while (n)
		future(f, task, path[--n]);
	if (depth > CN_CHAINS_DEPTH)
		frame(f, "(deeper)");
	snprintf(last, sizeof last, "[%s]",
		leaf && leaf->wait_state == ROUSE_WAIT_WAITING && task->state == ROUSE_TASK_PENDING
			? cn_op_name(leaf->op)
			: cn_task_state_name(task->state));
	frame(f, last);
}

static int fold(struct folding *f, const struct cn_task *task, uint64_t weight)
{
	uint32_t number = OTHERS;
	int rc;

	rewind(f->to);
	chain(f, task);
	if (fputc(0, f->to) == EOF || fflush(f->to))
		return -ENOMEM;
	rc = cn_names_add(&f->lines, f->line, &number);
	if (rc && rc != -E2BIG)
		return rc;
	f->weights[rc ? OTHERS : number] += weight;
	return 0;
}

static int fold_all(struct folding *f, enum cn_chains_by by)
{
	int rc = 0;

	for (size_t i = 0; i < cn_model_task_slots(f->model) && rc == 0; i++) {
		const struct cn_task *task = cn_model_task_at(f->model, i);
		uint64_t weight = task && by == CN_CHAINS_BY_BUSY ? cn_task_busy_ns(f->model, task) : task != NULL;

		if (weight)
			rc = fold(f, task, weight);
	}
	return rc;
}

int cn_chains_each(const struct cn_model *model, enum cn_chains_by by, cn_chain_fn each, void *arg)
{
	struct folding f = { .model = model, .weights = calloc(CN_CHAINS_MAX + 1, sizeof *f.weights) };
	int rc = -ENOMEM;

	cn_names_init(&f.lines, CN_CHAINS_MAX);
	f.to = open_memstream(&f.line, &f.bytes);
	if (f.to && f.weights)
		rc = fold_all(&f, by);
	for (uint32_t i = 0; rc == 0 && i < cn_names_count(&f.lines); i++)
		each(arg, cn_names_text(&f.lines, i), f.weights[i]);
	if (rc == 0 && f.weights[OTHERS])
		each(arg, "", f.weights[OTHERS]);
	if (f.to && fclose(f.to))
		rc = -ENOMEM;
	free(f.line);
	free(f.weights);
	cn_names_fini(&f.lines);
	return rc;
}

static void print_tasks(void *arg, const char *chain, uint64_t weight)
{
	fprintf(arg, "%s %" PRIu64 "\n", *chain ? chain : "(others)", weight);
}

static void print_us(void *arg, const char *chain, uint64_t weight)
{
	if (weight / 1000)
		print_tasks(arg, chain, weight / 1000);
}

int cn_chains_folded(FILE *out, const struct cn_model *model, enum cn_chains_by by)
{
	return cn_chains_each(model, by, by == CN_CHAINS_BY_BUSY ? print_us : print_tasks, out);
}
