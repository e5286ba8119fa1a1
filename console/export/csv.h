/* SPDX-License-Identifier: MIT */
/*
 * A model as tables of comma-separated values (RFC 4180, lines end with a line
 * feed): a line of names, then one a row. Times are in nanoseconds, ids whole.
 *
 * Text comes from the target: what a terminal might obey stands as \xNN, and
 * what a spreadsheet would take for a formula (it begins with =, +, -, @) has
 * an apostrophe before it.
 */
#ifndef CN_EXPORT_CSV_H
#define CN_EXPORT_CSV_H

#include <stdbool.h>
#include <stdio.h>

#include "diagnose/shape.h"
#include "model/model.h"

/* name, text, what a row is */
#define CN_CSV_TABLES(X)                                                                                               \
	X(TASKS, "tasks", "a task")                                                                                    \
	X(GROUPS, "groups", "tasks that stand alike, with their number")                                               \
	X(RESOURCES, "resources", "a lock, channel, socket, timer wheel...")
enum cn_csv_table {
#define X(name, text, help) CN_CSV_##name,
	CN_CSV_TABLES(X)
#undef X
	CN_CSV_TABLE_MAX
};
const char *cn_csv_table_text(unsigned int table);

struct cn_csv_opts {
	enum cn_csv_table table;
	bool (*wants_task)(void *arg, size_t slot); /* of the model's; NULL = all */
	void *arg;
};

/* 0 or -ENOMEM; an error of the stream is the caller's to see. */
int cn_csv_write(FILE *out, const struct cn_csv_opts *opts, const struct cn_model *model,
	const struct cn_findings *findings);

#endif
