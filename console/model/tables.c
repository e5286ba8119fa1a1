/* SPDX-License-Identifier: MIT */
#include "model/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STRINGS_MAX = 1 << 22, STRING_BYTES_MAX = 256 << 20, SITES_MAX = 1 << 16 };

/* Room for `index`, by doubling; new places are zero. */
static int reach(void **array, size_t *capacity, size_t item, size_t index)
{
	size_t want = *capacity ? *capacity : 64;
	char *more;

	while (want <= index)
		want *= 2;
	if (want == *capacity)
		return 0;
	more = realloc(*array, want * item);
	if (!more)
		return -ENOMEM;
	memset(more + *capacity * item, 0, (want - *capacity) * item);
	*array = more;
	*capacity = want;
	return 0;
}

static void drop_text(struct cn_strings *strings, size_t index)
{
	if (!strings->text[index])
		return;
	strings->bytes -= strlen(strings->text[index]) + 1;
	free(strings->text[index]);
	strings->text[index] = NULL;
}

int cn_strings_set(struct cn_strings *strings, uint32_t index, const void *text, size_t bytes)
{
	void *array = strings->text;
	size_t length = bytes ? strnlen(text, bytes) : 0;
	char *copy;

	if (index >= STRINGS_MAX || strings->bytes + length + 1 > STRING_BYTES_MAX)
		return -E2BIG;
	if (reach(&array, &strings->capacity, sizeof *strings->text, index))
		return -ENOMEM;
	strings->text = array;
	if (index >= strings->top)
		strings->top = (size_t)index + 1;
	if (index >= strings->n)
		strings->n = (size_t)index + 1;
	if (strings->text[index] && strlen(strings->text[index]) == length &&
		memcmp(strings->text[index], text, length) == 0)
		return 0;
	copy = strndup(length ? text : "", length);
	if (!copy)
		return -ENOMEM;
	drop_text(strings, index);
	strings->text[index] = copy;
	strings->bytes += length + 1;
	return 0;
}

const char *cn_strings_get(const struct cn_strings *strings, uint32_t index)
{
	return index < strings->n && strings->text[index] ? strings->text[index] : "";
}

void cn_strings_restart(struct cn_strings *strings)
{
	strings->top = 0;
}

void cn_strings_settle(struct cn_strings *strings)
{
	for (size_t i = strings->top; i < strings->n; i++)
		drop_text(strings, i);
	strings->n = strings->top;
}

void cn_strings_fini(struct cn_strings *strings)
{
	for (size_t i = 0; i < strings->n; i++)
		free(strings->text[i]);
	free(strings->text);
	*strings = (struct cn_strings){ 0 };
}

int cn_sites_row(struct cn_sites *sites, uint32_t index, struct cn_site_row **ret_row)
{
	void *array = sites->rows;

	if (index >= SITES_MAX)
		return -E2BIG;
	if (reach(&array, &sites->capacity, sizeof *sites->rows, index))
		return -ENOMEM;
	sites->rows = array;
	if (index >= sites->n)
		sites->n = (size_t)index + 1;
	*ret_row = &sites->rows[index];
	return 0;
}

void cn_sites_fini(struct cn_sites *sites)
{
	for (size_t i = 0; i < sites->n; i++)
		free(sites->rows[i].histogram);
	free(sites->rows);
	*sites = (struct cn_sites){ 0 };
}
