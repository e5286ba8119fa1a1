/* SPDX-License-Identifier: MIT */
/*
 * The columns that the kernel's side adds to tables of tasks, groups and
 * workers: where the time in polls went, as shares of it. There is none of them
 * while the kernel does not measure.
 */
#ifndef CN_VIEW_COLUMNS_H
#define CN_VIEW_COLUMNS_H

#include "model/kernel.h"
#include "view/scene.h"

/* name, title, width, rank */
#define CN_KERNEL_COLUMNS(X)                                                                                           \
	X(CPU, "CPU", 5, 1)                                                                                            \
	X(BLOCKED, "BLKD", 5, 1)                                                                                       \
	X(RUN_QUEUE, "RUNQ", 5, 2)                                                                                     \
	X(PREEMPTED, "PREEMPT", 7, 2)                                                                                  \
	X(FAULT, "FAULT", 5, 2)                                                                                        \
	X(CALLS, "SYSCALLS", 9, 9)                                                                                     \
	X(FAULTS, "FAULTS", 7, 9)
enum cn_kernel_column {
#define X(name, title, width, rank) CN_KERNEL_COLUMN_##name,
	CN_KERNEL_COLUMNS(X)
#undef X
		CN_KERNEL_COLUMN_COUNT
};

/* The CPU's part of a split first, then those of enum cn_off_kind. */
enum { CN_PARTS = 1 + CN_OFF_KIND_MAX };
uint64_t cn_part_ns(const struct cn_split *split, int part);
const char *cn_part_word(int part);
enum cn_style cn_part_style(int part);

/* What a row's columns show. */
struct cn_spent {
	bool timed; /* `split` tells */
	struct cn_split split;
	const struct cn_kernel_sum *sum; /* NULL = nothing has been counted */
};

uint64_t cn_spent_key(const struct cn_spent *spent, size_t column);
void cn_spent_cell(const struct cn_spent *spent, size_t column, struct cn_text *ret_text);

struct cn_spent cn_spent_of_task(const struct cn_scene *scene, const struct cn_task *task);
struct cn_spent cn_spent_of_worker(const struct cn_scene *scene, size_t runtime, uint32_t tid);

/* Their rows of a table whose first of them is KERNEL. */
#define CN_KERNEL_COLUMN_ROW(name, title, width, rank)                                                                 \
	[KERNEL + CN_KERNEL_COLUMN_##name] = { title, width, width, rank, CN_RIGHT },
#define CN_KERNEL_COLUMN_ROWS CN_KERNEL_COLUMNS(CN_KERNEL_COLUMN_ROW)

/* One for each shape, of its spawn site: to be freed. 0 or -ENOMEM. */
int cn_spent_of_shapes(const struct cn_model *model, const struct cn_shapes *shapes, struct cn_spent **ret_spent);

/* `columns` is the first of them: those of what does not measure are not shown. */
void cn_kernel_columns(const struct cn_scene *scene, struct cn_column columns[CN_KERNEL_COLUMN_COUNT]);
/* Whether any of them is shown: where others may have to give way. */
bool cn_kernel_is_shown(const struct cn_scene *scene);

/* Why a group that was asked for does not measure; NULL = it does, or has not begun. Safe to print. */
const char *cn_kernel_refusal(const struct cn_model *model, enum cn_kernel_group group);

/* What the kernel has told so far: changes whenever that does, 0 = nothing. */
uint64_t cn_kernel_stamp(const struct cn_model *model);

#endif
