/* SPDX-License-Identifier: MIT */
#include "view/sheet.h"
#include "view/columns.h"
#include "view/mouse.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void cn_sheet_init(struct cn_sheet *sheet, const struct cn_sheet_kind *kind)
{
	*sheet = (struct cn_sheet){ .kind = kind, .sorted = kind->sorted, .descending = kind->descending };
	cn_arrange_init(&sheet->arrangement, kind->columns, kind->n_columns);
	cn_slots_init(&sheet->marks, sizeof(uint64_t), CN_MARKS_MAX);
}

void cn_sheet_fini(struct cn_sheet *sheet)
{
	cn_list_fini(&sheet->list);
	if (sheet->kind)
		cn_slots_fini(&sheet->marks);
}

uint64_t cn_text_key(const char *text)
{
	uint64_t key = 0;

	for (int i = 0; i < 8; i++) {
		key = key << 8 | (unsigned char)tolower((unsigned char)*text);
		text += *text != 0;
	}
	return key;
}

bool cn_has_words(const char *text, const char *words)
{
	while (*words) {
		const size_t n = strcspn(words, " ");
		char word[CN_WORDS_BYTES] = "";

		if (n && n < sizeof word) {
			memcpy(word, words, n);
			if (!strcasestr(text, word))
				return false;
		}
		words += n + (words[n] == ' ');
	}
	return true;
}

/* ---------------------------------------------------------------- queries */

uint64_t cn_sheet_fields(const struct cn_sheet_kind *kind)
{
	uint64_t fields = kind->more_fields;

	for (size_t i = 0; i < kind->n_fields; i++)
		fields |= 1ull << kind->fields[i].field;
	if (fields & (CN_FIELD_BIT(AT) | CN_FIELD_BIT(SPAWN)))
		fields |= CN_FIELD_BIT(SITE);
	return fields;
}

uint64_t cn_sheet_asks(const struct cn_sheet *sheet)
{
	return cn_sheet_fields(sheet->kind) | CN_FIELD_BIT(MARKED);
}

void cn_sheet_filter(struct cn_sheet *sheet, const char *typed)
{
	const uint64_t fields = cn_sheet_asks(sheet);
	struct cn_query_error beyond;
	char fine[CN_WORDS_BYTES];

	if (typed != sheet->filter)
		snprintf(sheet->filter, sizeof sheet->filter, "%s", typed);
	sheet->wrong.text[0] = 0;
	sheet->query_changes++;
	if (cn_query_parse(sheet->filter, fields, &sheet->query, &sheet->wrong) == 0)
		return;
	memcpy(fine, sheet->filter, sheet->wrong.term);
	fine[sheet->wrong.term] = 0;
	cn_query_parse(fine, fields, &sheet->query, &beyond);
}

struct asked {
	const struct cn_sheet_kind *kind;
	const struct cn_scene *scene;
	size_t index;
	bool marked;
};

static const struct cn_field_column *column_of(const struct cn_sheet_kind *kind, enum cn_field field)
{
	for (size_t i = 0; i < kind->n_fields; i++)
		if (kind->fields[i].field == field)
			return &kind->fields[i];
	return NULL;
}

static const char *asked_text(const void *arg, enum cn_field field, char room[CN_QUERY_ROOM])
{
	const struct asked *asked = arg;
	const struct cn_field_column *by;
	struct cn_text cell = { .n_samples = 0 };
	const char *text;

	text = asked->kind->field_text ? asked->kind->field_text(asked->scene, asked->index, field, room) : NULL;
	by = text ? NULL : column_of(asked->kind, field);
	if (!by)
		return text;
	text = asked->kind->text(asked->scene, asked->index, by->column, room);
	if (text)
		return text;
	/* Not ordered by text, but shown as one. */
	asked->kind->cell(asked->scene, asked->index, by->column, &cell);
	memcpy(room, cell.text, CN_QUERY_ROOM);
	return *room ? room : NULL;
}

static bool asked_number(const void *arg, enum cn_field field, bool share, uint64_t *ret_value)
{
	const struct asked *asked = arg;
	const struct cn_field_column *by;
	struct cn_entry entry;

	if (field == CN_FIELD_MARKED) {
		*ret_value = asked->marked;
		return true;
	}
	if (asked->kind->field_number &&
		asked->kind->field_number(asked->scene, asked->index, field, share, ret_value))
		return true;
	by = column_of(asked->kind, field);
	if (!by || share != (by->unit != CN_KEY_PLAIN) ||
		!asked->kind->row(asked->scene, asked->index, by->column, &entry) ||
		(by->unit == CN_KEY_BILLIONTH && !entry.key))
		return false;
	*ret_value = by->unit == CN_KEY_PERMILLE    ? entry.key * (CN_QUERY_WHOLE / 1000)
		     : by->unit == CN_KEY_BILLIONTH ? (entry.key - 1) / (1000000000 / CN_QUERY_WHOLE)
						    : entry.key;
	return true;
}

static const char *asked_words(const void *arg, char room[CN_QUERY_ROOM])
{
	const struct asked *asked = arg;

	*room = 0;
	asked->kind->words(asked->scene, asked->index, room);
	return room;
}

static bool match(const struct asked *asked, const struct cn_query *query)
{
	const struct cn_query_row row = { asked, asked_text, asked_number, asked_words };

	return cn_query_match(query, &row);
}

bool cn_sheet_match(
	const struct cn_sheet_kind *kind, const struct cn_scene *scene, size_t index, const struct cn_query *query)
{
	const struct asked asked = { kind, scene, index, false };

	return match(&asked, query);
}

/* ------------------------------------------------------------------- marks */

/* Ids of workers begin with 0, which is no key. */
static uint64_t mark_key(uint64_t id)
{
	return id + 1;
}

static bool is_marked(const struct cn_sheet *sheet, uint64_t id)
{
	return sheet->marks.live && cn_slots_find(&sheet->marks, mark_key(id));
}

int cn_sheet_mark(struct cn_sheet *sheet)
{
	struct cn_entry entry;
	void *row;

	if (!cn_list_current(&sheet->list, &entry) || !mark_key(entry.id))
		return 0;
	sheet->query_changes++;
	if (!is_marked(sheet, entry.id))
		return cn_slots_put(&sheet->marks, mark_key(entry.id), &row);
	cn_slots_remove(&sheet->marks, mark_key(entry.id));
	return 0;
}

void cn_sheet_unmark_all(struct cn_sheet *sheet)
{
	cn_slots_fini(&sheet->marks);
	cn_slots_init(&sheet->marks, sizeof(uint64_t), CN_MARKS_MAX);
	cn_sheet_show_marked(sheet, CN_MARKED_SHOWN);
}

void cn_sheet_show_marked(struct cn_sheet *sheet, enum cn_marked marked)
{
	sheet->marked = marked;
	sheet->query_changes++;
}

/* ------------------------------------------------------------------- rows */

struct tie {
	const struct cn_sheet *sheet;
	const struct cn_scene *scene;
};

static int tie_texts(const void *arg, size_t a, size_t b)
{
	const struct tie *tie = arg;
	const struct cn_sheet_kind *kind = tie->sheet->kind;
	char room_a[CN_ROW_BYTES], room_b[CN_ROW_BYTES];
	const char *text_a = kind->text(tie->scene, a, (size_t)tie->sheet->sorted, room_a);
	const char *text_b = kind->text(tie->scene, b, (size_t)tie->sheet->sorted, room_b);

	return text_a && text_b ? strcasecmp(text_a, text_b) : 0;
}

/* Columns of numbers have no texts: asking for them, a million times, would only find that out again. */
static struct cn_order order_of(const struct cn_sheet *sheet, const struct tie *tie)
{
	struct cn_order order = { .descending = sheet->descending };
	char room[CN_ROW_BYTES];

	if (sheet->list.n &&
		sheet->kind->text(tie->scene, sheet->list.entries[0].index, (size_t)sheet->sorted, room)) {
		order.tie = tie_texts;
		order.arg = tie;
	}
	return order;
}

static bool has(const struct cn_sheet *sheet, const struct cn_scene *scene, size_t index, const char *words)
{
	char text[CN_ROW_BYTES] = "";

	sheet->kind->words(scene, index, text);
	return cn_has_words(text, words);
}

static bool is_filled(const struct cn_sheet *sheet, const struct cn_scene *scene)
{
	const bool of_this_look = sheet->filled.generations == cn_model_generations(scene->model) &&
				  sheet->filled.kernel == cn_kernel_stamp(scene->model);

	return sheet->filled.once && (of_this_look || scene->hurried) && sheet->filled.sorted == sheet->sorted &&
	       sheet->filled.query == sheet->query_changes && sheet->filled.rates == scene->rates;
}

static int fill(struct cn_sheet *sheet, const struct cn_scene *scene)
{
	const struct cn_sheet_kind *kind = sheet->kind;
	const size_t slots = kind->slots(scene);
	int rc = 0;

	cn_list_clear(&sheet->list);
	sheet->all = sheet->n_marked = 0;
	for (size_t i = 0; i < slots && rc == 0; i++) {
		struct cn_entry entry = { .index = (uint32_t)i };
		struct asked asked = { kind, scene, i, false };

		if (!kind->row(scene, i, (size_t)sheet->sorted, &entry))
			continue;
		sheet->all++;
		asked.marked = is_marked(sheet, entry.id);
		sheet->n_marked += asked.marked;
		entry.first = asked.marked && sheet->marked == CN_MARKED_FIRST;
		if ((asked.marked || sheet->marked != CN_MARKED_ONLY) && match(&asked, &sheet->query))
			rc = cn_list_add(&sheet->list, entry);
	}
	sheet->filled.once = rc == 0;
	sheet->filled.generations = cn_model_generations(scene->model);
	sheet->filled.kernel = cn_kernel_stamp(scene->model);
	sheet->filled.sorted = sheet->sorted;
	sheet->filled.query = sheet->query_changes;
	sheet->filled.rates = scene->rates;
	return rc;
}

/* ------------------------------------------------------------------- draw */

struct drawing {
	const struct cn_sheet *sheet;
	const struct cn_scene *scene;
};

static void draw_cell(void *arg, size_t row, size_t column, struct cn_text *ret)
{
	const struct drawing *drawing = arg;

	drawing->sheet->kind->cell(drawing->scene, drawing->sheet->list.entries[row].index,
		drawing->sheet->arrangement.order[column], ret);
}

static bool row_is_marked(void *arg, size_t row)
{
	const struct drawing *drawing = arg;

	return is_marked(drawing->sheet, drawing->sheet->list.entries[row].id);
}

/* What there is to show now; a table is never ordered by a column that has gone. */
static void adapt(struct cn_sheet *sheet, const struct cn_scene *scene, int cols, struct cn_column *ret_columns)
{
	const struct cn_sheet_kind *kind = sheet->kind;
	struct cn_column columns[CN_TABLE_COLUMNS_MAX];
	struct cn_columns fit;

	memcpy(columns, kind->columns, kind->n_columns * sizeof *columns);
	if (kind->adapt)
		kind->adapt(scene, columns);
	sheet->absent = 0;
	for (size_t i = 0; i < kind->n_columns; i++)
		sheet->absent |= (uint64_t)!columns[i].least << i;
	if (sheet->absent >> sheet->sorted & 1)
		cn_sheet_sort(sheet, kind->sorted);
	cn_arrange(&sheet->arrangement, columns, ret_columns);
	cn_table_fit(ret_columns, kind->n_columns, cols, &fit);
	sheet->seen = 0;
	for (size_t place = 0; place < kind->n_columns; place++)
		sheet->seen |= (uint64_t)(fit.width[place] > 0) << sheet->arrangement.order[place];
}

static const char *none_text(const struct cn_sheet *sheet, const struct cn_scene *scene)
{
	const char *why = sheet->kind->why_none ? sheet->kind->why_none(scene) : NULL;

	if (sheet->all && sheet->marked == CN_MARKED_ONLY && !*sheet->filter)
		return "No row is marked: m marks one. * shows all.";
	if (sheet->all)
		return scene->printed ? "No row matches." : "No row matches. Esc clears the filter.";
	return why ? why : sheet->kind->none;
}

int cn_sheet_draw(struct cn_sheet *sheet, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	struct cn_column columns[CN_TABLE_COLUMNS_MAX];
	const struct tie tie = { sheet, scene };
	struct drawing drawing = { sheet, scene };
	struct cn_order order;
	struct cn_table table;
	int rc;

	adapt(sheet, scene, box.cols, columns);
	rc = is_filled(sheet, scene) ? 0 : fill(sheet, scene);
	order = order_of(sheet, &tie);
	cn_list_place(&sheet->list, &order, box.rows > 1 ? (size_t)box.rows - 1 : 0);
	table = (struct cn_table){
		.columns = columns,
		.n_columns = sheet->kind->n_columns,
		.sorted = cn_arrange_place(&sheet->arrangement, sheet->sorted),
		.descending = sheet->descending,
		.cell = draw_cell,
		.marked = sheet->marks.live ? row_is_marked : NULL,
		.arg = &drawing,
		.rows = sheet->list.n,
		.top = sheet->list.top,
		.cursor = scene->printed ? SIZE_MAX : sheet->list.cursor,
		.hot_title = CN_HOT_COLUMN,
		.hot_row = CN_HOT_ROW,
		.mark = *sheet->search ? sheet->search : NULL,
	};
	cn_table_draw(canvas, box, &table);
	if (sheet->list.n == 0 && box.rows > 2)
		cn_canvas_wrap(canvas, (struct cn_box){ box.row + 2, box.col + 2, box.rows - 2, box.cols - 4 },
			CN_STYLE_DIM, none_text(sheet, scene));
	return rc;
}

/* ------------------------------------------------------------------- keys */

void cn_sheet_sort(struct cn_sheet *sheet, int column)
{
	const int n = (int)sheet->kind->n_columns;

	sheet->sorted = (column + n) % n;
	/* Numbers are looked at from the top, text from the beginning. */
	sheet->descending = sheet->kind->columns[sheet->sorted].align == CN_RIGHT;
	if (sheet->sorted == sheet->kind->sorted)
		sheet->descending = sheet->kind->descending;
}

int cn_sheet_beside(const struct cn_sheet *sheet, int column, int by)
{
	const struct cn_arrangement *arrangement = &sheet->arrangement;
	int place = cn_arrange_place(arrangement, column), here;

	do {
		place = (place + arrangement->n + by) % arrangement->n;
		here = arrangement->order[place];
	} while (here != column && (sheet->absent >> here & 1 || arrangement->shown[here] == CN_SHOWN_NEVER));
	return here;
}

bool cn_sheet_search(struct cn_sheet *sheet, const struct cn_scene *scene, int direction)
{
	const struct tie tie = { sheet, scene };
	const struct cn_order order = order_of(sheet, &tie);
	const size_t n = sheet->list.n, top = sheet->list.top;
	size_t at;

	if (n == 0 || !*sheet->search)
		return false;
	/* All of it in order, once: where the next match stands depends on every row. */
	cn_list_place(&sheet->list, &order, n);
	sheet->list.top = top;
	at = sheet->list.cursor;
	if (direction)
		at = (at + (direction > 0 ? 1 : n - 1)) % n;
	for (size_t tries = 0; tries < n; tries++) {
		if (has(sheet, scene, sheet->list.entries[at].index, sheet->search)) {
			cn_list_move_to(&sheet->list, at);
			return true;
		}
		at = (at + (direction < 0 ? n - 1 : 1)) % n;
	}
	return false;
}

uint64_t cn_sheet_task(const struct cn_sheet *sheet, const struct cn_scene *scene)
{
	struct cn_entry entry, now;

	/* Between two generations the row may have gone, and its place been given to another. */
	if (!cn_list_current(&sheet->list, &entry) ||
		!sheet->kind->row(scene, entry.index, (size_t)sheet->sorted, &now) || now.id != entry.id)
		return 0;
	return sheet->kind->task(scene, entry.index);
}
