/* SPDX-License-Identifier: MIT */
/*
 * A view that is a table: what all of them can do (sort, filter, search, move),
 * over what each of them says about its rows.
 */
#ifndef CN_VIEW_SHEET_H
#define CN_VIEW_SHEET_H

#include "model/query.h"
#include "model/slots.h"
#include "view/arrange.h"
#include "view/list.h"
#include "view/scene.h"

enum { CN_WORDS_BYTES = CN_QUERY_BYTES, CN_ROW_BYTES = CN_QUERY_ROOM };

/* How the key of a column tells a number: as it is, or as a share in these parts. */
enum cn_key_unit { CN_KEY_PLAIN, CN_KEY_PERMILLE, CN_KEY_BILLIONTH /* plus one: cn_spent_key() */ };
/* A field that a query may ask for, by a column that tells it. */
struct cn_field_column {
	uint8_t field, column, unit;
};

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
	/* What queries may ask of a row, by columns; and, if they are not NULL, by what answers before those do. */
	const struct cn_field_column *fields;
	size_t n_fields;
	uint64_t more_fields; /* bits of those that only the two answer for */
	const char *(*field_text)(
		const struct cn_scene *scene, size_t index, enum cn_field field, char room[CN_ROW_BYTES]);
	bool (*field_number)(
		const struct cn_scene *scene, size_t index, enum cn_field field, bool share, uint64_t *ret_value);
	/* All that search, and words of a query, look at. */
	void (*words)(const struct cn_scene *scene, size_t index, char out[CN_ROW_BYTES]);
	/* The task that a row leads to, 0 = none. */
	uint64_t (*task)(const struct cn_scene *scene, size_t index);
};

/* The row of the tasks' table for a slot of the model. */
size_t cn_tasks_row(size_t slot);
extern const struct cn_sheet_kind cn_tasks_sheet, cn_workers_sheet, cn_resources_sheet, cn_findings_sheet,
	cn_groups_sheet, cn_blocks_sheet, cn_tree_sheet, cn_wakes_sheet;

/* What marks do: nothing, put their rows first, hide all others. */
enum cn_marked { CN_MARKED_SHOWN, CN_MARKED_FIRST, CN_MARKED_ONLY };
enum { CN_MARKS_MAX = 4096 };

struct cn_sheet {
	const struct cn_sheet_kind *kind;
	struct cn_list list;
	int sorted;
	bool descending;
	size_t all; /* rows before the filter */
	struct cn_arrangement arrangement;
	uint64_t absent; /* a bit for each column that is not there at all, as last drawn */
	uint64_t seen;   /* and for each that was drawn */
	char filter[CN_WORDS_BYTES]; /* as it was typed */
	struct cn_query query;       /* what of it made sense last */
	struct cn_query_error wrong; /* where it does not; text "" = it does */
	char search[CN_WORDS_BYTES];
	struct cn_slots marks; /* ids of rows; those that have gone may be among them */
	enum cn_marked marked;
	size_t n_marked; /* rows that are marked */
	/* What the list was filled for: a key that only moves the cursor need not visit a million tasks. */
	struct {
		bool once;
		uint64_t generations; /* of the model */
		uint64_t kernel;      /* cn_kernel_stamp() */
		int sorted;
		uint64_t query;       /* how often it had changed */
		enum cn_rates rates;
	} filled;
	uint64_t query_changes;
};

void cn_sheet_init(struct cn_sheet *sheet, const struct cn_sheet_kind *kind);
void cn_sheet_fini(struct cn_sheet *sheet);
/* -ENOMEM: rows are missing. */
int cn_sheet_draw(struct cn_sheet *sheet, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box);
/*
 * Filters by what is typed. Where that makes no sense (`wrong` says it), what
 * stands before the word that does not goes on to filter, and else the last
 * query that did. "" = all rows.
 */
void cn_sheet_filter(struct cn_sheet *sheet, const char *typed);
/* Bits of what queries may ask of such rows. */
uint64_t cn_sheet_fields(const struct cn_sheet_kind *kind);
/* Does that row match? Without a sheet: for what prints rows. */
bool cn_sheet_match(
	const struct cn_sheet_kind *kind, const struct cn_scene *scene, size_t index, const struct cn_query *query);
/* Bits of what its filter may ask. */
uint64_t cn_sheet_asks(const struct cn_sheet *sheet);
/* Marks the row under the cursor, or no more. 0, -E2BIG when there are CN_MARKS_MAX, -ENOMEM. */
int cn_sheet_mark(struct cn_sheet *sheet);
void cn_sheet_unmark_all(struct cn_sheet *sheet);
void cn_sheet_show_marked(struct cn_sheet *sheet, enum cn_marked marked);
void cn_sheet_sort(struct cn_sheet *sheet, int column);
/* The next column to the right (by 1) or the left (-1) of those that may be shown; goes on at the other end. */
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
