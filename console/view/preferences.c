/* SPDX-License-Identifier: MIT */
#include "view/preferences.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char *const titles[CN_VIEW_COUNT] = {
#define X(name, title, ...) title,
	CN_VIEWS(X)
#undef X
};

static const char *small(char *out, size_t bytes, const char *title)
{
	size_t n = 0;

	for (; title[n] && n + 1 < bytes; n++)
		out[n] = title[n] == ' ' ? '-' : (char)tolower((unsigned char)title[n]);
	out[n] = 0;
	return out;
}

const char *cn_view_word(unsigned int view)
{
	static char words[CN_VIEW_COUNT][16];

	return view < CN_VIEW_COUNT ? small(words[view], sizeof words[view], titles[view]) : NULL;
}

int cn_view_parse(const char *text, enum cn_view *ret_view)
{
	for (unsigned int i = 0; i < CN_VIEW_COUNT; i++)
		if (strcmp(text, cn_view_word(i)) == 0) {
			*ret_view = (enum cn_view)i;
			return 0;
		}
	return -EINVAL;
}

/* Asked of a ui, which alone knows what its views are made of. */
const struct cn_sheet_kind *cn_view_sheet(unsigned int view)
{
	static const struct cn_sheet_kind *kinds[CN_VIEW_COUNT];
	static bool known;

	if (!known) {
		struct cn_ui ui;

		cn_ui_init(&ui);
		for (int i = 0; i < CN_VIEW_COUNT; i++)
			kinds[i] = ui.sheets[i].kind;
		cn_ui_fini(&ui);
		known = true;
	}
	return view < CN_VIEW_COUNT ? kinds[view] : NULL;
}

const char *cn_column_word(char out[32], const struct cn_column *column)
{
	return cn_arrange_word(out, column);
}

int cn_sort_parse(const char *text, unsigned int view, struct cn_sort_wish *ret_wish)
{
	const struct cn_sheet_kind *kind = cn_view_sheet(view);
	const bool descending = *text == '-';
	char word[32];

	for (size_t i = 0; kind && i < kind->n_columns; i++)
		if (strcmp(text + descending, cn_column_word(word, &kind->columns[i])) == 0) {
			*ret_wish = (struct cn_sort_wish){ (int)i + 1, descending };
			return 0;
		}
	return -EINVAL;
}

int cn_columns_parse(const char *text, unsigned int view, struct cn_arrangement *ret_columns)
{
	const struct cn_sheet_kind *kind = cn_view_sheet(view);
	struct cn_arrangement columns;
	char wrong[32];
	int rc;

	if (!kind || !*text)
		return -EINVAL;
	cn_arrange_init(&columns, kind->columns, kind->n_columns);
	rc = cn_arrange_parse(&columns, kind->columns, text, wrong);
	if (rc == 0)
		*ret_columns = columns;
	return rc;
}

void cn_ui_prefer(struct cn_ui *ui, const struct cn_preferences *preferences)
{
	ui->view = preferences->view;
	for (int i = 0; i < CN_VIEW_COUNT; i++) {
		const struct cn_sort_wish *wish = &preferences->sort[i];

		if (preferences->columns[i].n && ui->sheets[i].kind)
			ui->sheets[i].arrangement = preferences->columns[i];
		if (!wish->column || !ui->sheets[i].kind)
			continue;
		ui->sheets[i].sorted = wish->column - 1;
		ui->sheets[i].descending = wish->descending;
	}
}
