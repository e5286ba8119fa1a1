/* SPDX-License-Identifier: MIT */
/*
 * A view that is a table: what all of them can do (sort, filter, search, move),
 * over what each of them says about its rows.
 */
#ifndef CN_VIEW_SHEET_H
#define CN_VIEW_SHEET_H

#include "view/list.h"
#include "view/scene.h"

enum { CN_WORDS_BYTES = 64, CN_ROW_BYTES = 512 };

struct cn_sheet_kind {
	const char *name;
	const char *none; /* what stands where rows would */
	/* Instead of that, if it answers anything: why there can be none. NULL = there is no such thing. */
	const char *(*why_none)(const struct cn_scene *scene);
	const struct cn_column *columns;
	size_t n_columns;
	int sorted; /* to begin with */
	bool descending;
	/* Changes `columns`, a copy, to what the scene has: least 0 = not shown. NULL: they stay as they are. */
	void (*adapt)(const struct cn_scene *scene, struct cn_column *columns);
	/* Rows have indices below slots(); not every index need be one. */
	size_t (*slots)(const struct cn_scene *scene);
	/* Id and key of a row: what the column orders by; of text its beginning, cn_text_key(). */
	bool (*row)(const struct cn_scene *scene, size_t index, size_t column, struct cn_entry *ret_entry);
	/* The text of columns that order by text, NULL for others. */
	const char *(*text)(const struct cn_scene *scene, size_t index, size_t column, char out[CN_ROW_BYTES]);
	void (*cell)(const struct cn_scene *scene, size_t index, size_t column, struct cn_text *ret_text);
	/* All that filter and search look at. */
	void (*words)(const struct cn_scene *scene, size_t index, char out[CN_ROW_BYTES]);
	/* The task that a row leads to, 0 = none. */
	uint64_t (*task)(const struct cn_scene *scene, size_t index);
};

extern const struct cn_sheet_kind cn_tasks_sheet, cn_workers_sheet, cn_resources_sheet, cn_findings_sheet,
	cn_groups_sheet, cn_blocks_sheet;

struct cn_sheet {
	const struct cn_sheet_kind *kind;
	struct cn_list list;
	int sorted;
	bool descending;
	size_t all; /* rows before the filter */
	uint32_t hidden; /* a bit for each column that is not there at all, as last drawn */
	char filter[CN_WORDS_BYTES];
	char search[CN_WORDS_BYTES];
	/* What the list was filled for: a key that only moves the cursor need not visit a million tasks. */
	struct {
		uint64_t generations; /* of the model; 0 = nothing yet */
		uint64_t kernel;      /* cn_kernel_stamp() */
		int sorted;
		char filter[CN_WORDS_BYTES];
	} filled;
};

void cn_sheet_init(struct cn_sheet *sheet, const struct cn_sheet_kind *kind);
void cn_sheet_fini(struct cn_sheet *sheet);
/* -ENOMEM: rows are missing. */
int cn_sheet_draw(struct cn_sheet *sheet, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box);
void cn_sheet_sort(struct cn_sheet *sheet, int column);
/* The next column to the right (by 1) or the left (-1) of those that are there; goes on at the other end. */
int cn_sheet_beside(const struct cn_sheet *sheet, int column, int by);
/*
 * Moves the cursor to the next row that has the searched text, after
 * (direction 1) or before (-1) the cursor, or at it (0: from there on); goes on
 * at the other end. False: none has it.
 */
bool cn_sheet_search(struct cn_sheet *sheet, const struct cn_scene *scene, int direction);
/* The task of the row under the cursor, 0 = none. */
uint64_t cn_sheet_task(const struct cn_sheet *sheet, const struct cn_scene *scene);

/* Orders as the first eight letters do, whatever their case. */
uint64_t cn_text_key(const char *text);
/* Does `text` have each of the words, whatever their case? */
bool cn_has_words(const char *text, const char *words);

#endif
