/* SPDX-License-Identifier: MIT */
/*
 * The console's filter: a line parsed and matched, and the same line in
 * parentheses and negated, which must say the same and the opposite. An error
 * must point into the line. The bytes are the line; rows are made of them too.
 */
#include "fuzz.h"

#include <model/query.h>

#include <string.h>

struct row {
	const char *text;
	uint64_t number;
};

static const char *text_of(const void *arg, enum cn_field field, char room[CN_QUERY_ROOM])
{
	const struct row *row = arg;

	(void)room;
	return field % 3 ? row->text : NULL;
}

static bool number_of(const void *arg, enum cn_field field, bool share, uint64_t *ret_value)
{
	const struct row *row = arg;

	*ret_value = row->number + field;
	return !share || field % 2;
}

static const char *words_of(const void *arg, char room[CN_QUERY_ROOM])
{
	const struct row *row = arg;

	strncpy(room, row->text, CN_QUERY_ROOM - 1);
	room[CN_QUERY_ROOM - 1] = 0;
	return room;
}

static int parse(const char *line, struct cn_query *ret_query)
{
	struct cn_query_error error = { 0 };
	int rc = cn_query_parse(line, UINT64_MAX, ret_query, &error);

	FUZZ_ASSERT(rc == 0 || *error.text);
	FUZZ_ASSERT(rc == 0 || (error.at <= strlen(line) && error.term <= error.at));
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct row row = { .number = size };
	const struct cn_query_row asked = { &row, text_of, number_of, words_of };
	struct cn_query query = { 0 }, other = { 0 };
	char *line = malloc(size + 1), text[CN_QUERY_BYTES + 8];
	bool matches;

	FUZZ_ASSERT(line);
	memcpy(line, data, size);
	line[size] = 0;
	row.text = line;
	if (parse(line, &query) == 0 && query.n > 0 && query.n < CN_QUERY_NODES - 1 && size + 4 < CN_QUERY_BYTES) {
		matches = cn_query_match(&query, &asked);
		strcpy(text, "(");
		strcat(text, line);
		strcat(text, ")");
		/* What has a parenthesis of its own as text means something else in parentheses. */
		if (!strchr(line, ')') && parse(text, &other) == 0)
			FUZZ_ASSERT(cn_query_match(&other, &asked) == matches);
		strcpy(text, "-(");
		strcat(text, line);
		strcat(text, ")");
		if (!strchr(line, ')') && parse(text, &other) == 0)
			FUZZ_ASSERT(cn_query_match(&other, &asked) != matches);
	}
	free(line);
	return 0;
}
