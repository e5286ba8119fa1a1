/* SPDX-License-Identifier: MIT */
/* What a dump writes, as a string. After "test.h". */
#ifndef ROUSE_TEST_DUMPED_H
#define ROUSE_TEST_DUMPED_H

#include <stdlib.h>
#include <string.h>

typedef void test_dump_fn(void *what, FILE *out);

static inline char *dumped(test_dump_fn *dump, void *what)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	dump(what, out);
	fclose(out);
	return text;
}

static inline void assert_dumped(test_dump_fn *dump, void *what, const char *expected)
{
	char *text = dumped(dump, what);

	assert_string_equal(text, expected);
	free(text);
}

/* The dump contains `part`, so that addresses need not be known. */
static inline void assert_dump_has(test_dump_fn *dump, void *what, const char *part)
{
	char *text = dumped(dump, what);

	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
	free(text);
}

#endif
