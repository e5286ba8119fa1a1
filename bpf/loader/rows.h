/* SPDX-License-Identifier: MIT */
/*
 * Sums of one round beside those of the round before: which have changed, and
 * that none shrinks. A look at sums that are written meanwhile may miss what is
 * just being moved from one to the other, which the next look finds.
 */
#ifndef BL_ROWS_H
#define BL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BL_BY_TASK = 1, BL_BY_SITE, BL_BY_WORKER };

/* Sums first; the last two belong together: the longest one, and what it was. */
enum { BL_ROW_SUMS = 8, BL_ROW_LONGEST = BL_ROW_SUMS, BL_ROW_WHAT, BL_ROW_VALUES };

struct bl_row {
	uint64_t id;
	uint32_t by; /* or any other number that makes the key */
	uint32_t runtime;
	uint32_t worker, site;
	uint64_t values[BL_ROW_VALUES];
	bool changed; /* since the last round */
	bool longer;  /* the longest one has */
	char *text;   /* that somebody has put beside the longest one; goes on with it */
};

struct bl_table {
	struct bl_row *rows;
	size_t n, room;
};

/* Zero it first. */
struct bl_rows {
	struct bl_table now, before;
};

/* A new round. */
void bl_rows_begin(struct bl_rows *rows);
/* Takes a copy. 0 or -ENOMEM. */
int bl_rows_add(struct bl_rows *rows, const struct bl_row *row);
/* They all are there: now.rows are in order, and say whether they have changed. */
void bl_rows_end(struct bl_rows *rows);
void bl_rows_fini(struct bl_rows *rows);

#endif
