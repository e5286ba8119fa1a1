/* SPDX-License-Identifier: MIT */
#include "view/columns.h"
#include "model/slots.h"
#include "widget/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SITES_LIMIT = 1 << 16 };

uint64_t cn_part_ns(const struct cn_split *split, int part)
{
	return part ? split->off_ns[part - 1] : split->cpu_ns;
}

const char *cn_part_word(int part)
{
	static const char *const words[CN_PARTS] = { "on the CPU",
#define X(member, word) [1 + CN_OFF_##member] = word,
		CN_OFF_KINDS(X)
#undef X
	};

	return words[part];
}

enum cn_style cn_part_style(int part)
{
	static const uint8_t styles[CN_PARTS] = { CN_STYLE_GRAPH, CN_STYLE_LIKELY, CN_STYLE_SCHEDULED,
		CN_STYLE_GRAPH_OTHER, CN_STYLE_SUSPECT };

	return (enum cn_style)styles[part];
}

/* Of what its parts are parts: where tasks have ended, what is known to be off the CPU may be more than what is busy.
 */
static uint64_t whole_ns(const struct cn_split *split)
{
	uint64_t sum = 0;

	for (int part = 0; part < CN_PARTS; part++)
		sum += cn_part_ns(split, part);
	return sum > split->busy_ns ? sum : split->busy_ns;
}

uint64_t cn_spent_key(const struct cn_spent *spent, size_t column)
{
	const double whole = (double)whole_ns(&spent->split);

	if (column == CN_KERNEL_COLUMN_CALLS)
		return spent->sum ? spent->sum->calls : 0;
	if (column == CN_KERNEL_COLUMN_FAULTS)
		return spent->sum ? spent->sum->faults : 0;
	if (!spent->timed || whole <= 0)
		return 0;
	return 1 + (uint64_t)(1e9 * (double)cn_part_ns(&spent->split, (int)column) / whole);
}

/*
 * More time in polls than is known makes the share of the CPU larger, and those
 * of all else smaller: a bound, and on which side.
 */
static void bound(const struct cn_split *split, size_t part, struct cn_text *ret)
{
	const uint64_t ns = cn_part_ns(split, (int)part), whole = whole_ns(split);
	const unsigned int percent = whole ? (unsigned int)(100.0 * (double)ns / (double)whole) : 0;

	if (part == CN_KERNEL_COLUMN_CPU)
		snprintf(ret->text, sizeof ret->text, ">%u%%", percent > 99 ? 99 : percent);
	else if (ns)
		snprintf(ret->text, sizeof ret->text, "<%u%%", percent < 99 ? percent + 1 : 100);
	else
		snprintf(ret->text, sizeof ret->text, "0%%");
}

void cn_spent_cell(const struct cn_spent *spent, size_t column, struct cn_text *ret)
{
	const uint64_t key = cn_spent_key(spent, column);
	const uint64_t half = 500000000;

	ret->style = key > 1 ? CN_STYLE_PLAIN : CN_STYLE_DIM;
	if (column >= CN_PARTS) {
		cn_format_count(ret->text, key);
		ret->style = key ? CN_STYLE_PLAIN : CN_STYLE_DIM;
		return;
	}
	if (!spent->timed || !whole_ns(&spent->split)) {
		snprintf(ret->text, sizeof ret->text, "-");
		return;
	}
	if (spent->split.at_least)
		bound(&spent->split, column, ret);
	else
		cn_format_share(ret->text, cn_part_ns(&spent->split, (int)column), whole_ns(&spent->split));
	/* What takes most of it is seen at a glance; and that it is not the CPU, too. */
	if (key > half)
		ret->style = column == CN_KERNEL_COLUMN_CPU ? CN_STYLE_STRONG : CN_STYLE_LIKELY;
}

struct cn_spent cn_spent_of_task(const struct cn_scene *scene, const struct cn_task *task)
{
	struct cn_spent spent = { .sum = cn_kernel_of_task(scene->model, task->id) };

	spent.timed = cn_task_split(scene->model, task, &spent.split);
	return spent;
}

struct cn_spent cn_spent_of_worker(const struct cn_scene *scene, size_t runtime, uint32_t tid)
{
	struct cn_spent spent = { .sum = cn_kernel_of_worker(scene->model, runtime, tid) };

	spent.timed = cn_worker_split(scene->model, runtime, tid, &spent.split);
	return spent;
}

void cn_kernel_columns(const struct cn_scene *scene, struct cn_column columns[CN_KERNEL_COLUMN_COUNT])
{
	for (int i = 0; i < CN_KERNEL_COLUMN_COUNT; i++) {
		const enum cn_kernel_group group = i == CN_KERNEL_COLUMN_CALLS    ? CN_KERNEL_SYSCALLS
						   : i == CN_KERNEL_COLUMN_FAULTS ? CN_KERNEL_FAULTS
										  : CN_KERNEL_SCHED;

		if (!cn_kernel_measures(scene->model, group))
			columns[i].least = columns[i].want = 0;
	}
}

bool cn_kernel_is_shown(const struct cn_scene *scene)
{
	return cn_kernel_measures(scene->model, CN_KERNEL_SCHED);
}

const char *cn_kernel_refusal(const struct cn_model *model, enum cn_kernel_group group)
{
	const struct cn_kernel *kernel = cn_model_kernel(model);
	const struct cn_kernel_group_state *state = kernel ? &kernel->groups[group] : NULL;

	if (!state || !state->wanted || !state->status)
		return NULL;
	/* What is said of one may hold for all, and be said once. */
	for (int i = 1; i < CN_KERNEL_GROUP_MAX && !*state->why; i++)
		if (kernel->groups[i].status == kernel->groups[group].status && *kernel->groups[i].why)
			state = &kernel->groups[i];
	return *state->why ? state->why : strerror(-state->status);
}

uint64_t cn_kernel_stamp(const struct cn_model *model)
{
	const struct cn_kernel *kernel = cn_model_kernel(model);
	const struct cn_block *newest = cn_kernel_block(model, 0);

	return kernel ? 1 + kernel->rounds + (newest ? newest->number : 0) : 0;
}

/* -------------------------------------------------------------- by shapes */

/* What is known of a spawn site's tasks that live. */
struct site_row {
	uint64_t key;
	uint64_t busy_ns;
};

static uint64_t site_key(size_t runtime, uint32_t site)
{
	return ((uint64_t)runtime + 1) << 32 | site;
}

static int add_busy(const struct cn_model *model, struct cn_slots *sites)
{
	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);
		struct cn_split split;
		void *row;
		int rc;

		if (!task || !cn_task_split(model, task, &split))
			continue;
		rc = cn_slots_put(sites, site_key(task->runtime, task->spawn_site), &row);
		if (rc == -ENOMEM)
			return rc;
		if (rc == 0)
			((struct site_row *)row)->busy_ns += split.busy_ns;
	}
	return 0;
}

static struct cn_spent spent_of_site(
	const struct cn_model *model, const struct cn_slots *sites, size_t runtime, uint32_t site, bool at_least)
{
	const struct site_row *row = cn_slots_find(sites, site_key(runtime, site));
	struct cn_spent spent = { .timed = row != NULL, .sum = cn_kernel_of_site(model, runtime, site) };
	uint64_t off = 0;

	for (int i = 0; spent.sum && i < CN_OFF_KIND_MAX; i++)
		off += spent.split.off_ns[i] = spent.sum->ns[i];
	spent.split.busy_ns = row ? row->busy_ns : 0;
	spent.split.cpu_ns = spent.split.busy_ns > off ? spent.split.busy_ns - off : 0;
	spent.split.at_least = at_least;
	return spent;
}

/* cn_site_split() visits every task; so it is asked once a runtime, for what does not depend on the site. */
int cn_spent_of_shapes(const struct cn_model *model, const struct cn_shapes *shapes, struct cn_spent **ret_spent)
{
	struct cn_spent *spent = calloc(shapes->n ? shapes->n : 1, sizeof *spent);
	bool asked[UINT8_MAX + 1] = { 0 }, at_least[UINT8_MAX + 1] = { 0 };
	struct cn_slots sites;
	int rc = spent ? 0 : -ENOMEM;

	cn_slots_init(&sites, sizeof(struct site_row), SITES_LIMIT);
	if (rc == 0)
		rc = add_busy(model, &sites);
	for (size_t i = 0; rc == 0 && i < shapes->n; i++) {
		const struct cn_shape *shape = &shapes->all[i];
		struct cn_split split = { 0 };

		if (!asked[shape->runtime] && cn_site_split(model, shape->runtime, shape->spawn_site, &split))
			at_least[shape->runtime] = split.at_least;
		asked[shape->runtime] = true;
		spent[i] = spent_of_site(model, &sites, shape->runtime, shape->spawn_site, at_least[shape->runtime]);
	}
	cn_slots_fini(&sites);
	if (rc < 0)
		free(spent);
	else
		*ret_spent = spent;
	return rc;
}
