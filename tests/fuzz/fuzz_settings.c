/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a file of settings: what is taken is text without control
 * characters but those that were escaped, within bounds; what is refused is
 * refused at a place in the file.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "config/toml.h"

struct sink {
	unsigned int lines;
	size_t items;
};

static int take_table(void *arg, const char *name, struct cn_toml_error *error)
{
	struct sink *sink = arg;

	FUZZ_ASSERT(strlen(name) < CN_TOML_PATH_BYTES);
	FUZZ_ASSERT(error->at.line >= 1 && error->at.line <= sink->lines && error->at.column >= 1);
	return 0;
}

static int take_item(void *arg, const struct cn_toml_item *item, struct cn_toml_error *error)
{
	struct sink *sink = arg;
	const char *text = item->text;

	(void)error;
	FUZZ_ASSERT(strlen(item->key) < CN_TOML_PATH_BYTES && strlen(item->table) < CN_TOML_PATH_BYTES);
	FUZZ_ASSERT(item->key_at.line <= item->value_at.line && item->value_at.line <= sink->lines);
	FUZZ_ASSERT(item->kind == CN_TOML_LIST || item->n == 1);
	for (size_t i = 0; i < item->n; i++)
		text += strlen(text) + 1;
	FUZZ_ASSERT((size_t)(text - item->text) <= CN_TOML_VALUE_BYTES);
	if (item->kind == CN_TOML_BOOL)
		FUZZ_ASSERT(strcmp(item->text, "true") == 0 || strcmp(item->text, "false") == 0);
	if (item->kind == CN_TOML_NUMBER)
		FUZZ_ASSERT(strspn(item->text, "0123456789.eE+-") == strlen(item->text) && *item->text);
	sink->items++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cn_toml_sink calls = { take_table, take_item };
	struct cn_toml_error error = { .text = "" }, again = { .text = "" };
	struct sink sink = { .lines = 1 }, second;
	int rc;

	for (size_t i = 0; i < size; i++)
		sink.lines += data[i] == '\n';
	second = sink;
	rc = cn_toml_read((const char *)data, size, &calls, &sink, &error);
	FUZZ_ASSERT(rc == 0 || rc == -EINVAL);
	if (rc) {
		FUZZ_ASSERT(error.at.line >= 1 && error.at.line <= sink.lines && error.at.column >= 1);
		FUZZ_ASSERT(*error.text);
	}
	FUZZ_ASSERT(cn_toml_read((const char *)data, size, &calls, &second, &again) == rc);
	FUZZ_ASSERT(sink.items == second.items && strcmp(error.text, again.text) == 0);
	return 0;
}
