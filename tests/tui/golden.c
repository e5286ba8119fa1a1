/* SPDX-License-Identifier: MIT */
#include "golden.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stage.h"

static char *read_all(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t n = 0;

	if (!in)
		return strdup("");
	if (getdelim(&text, &n, 0, in) < 0 && text)
		text[0] = 0;
	fclose(in);
	return text ? text : strdup("");
}

static void write_all(const char *path, const char *text)
{
	FILE *out = fopen(path, "we");

	if (!out)
		fail_msg("%s: %s", path, strerror(errno));
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static char *text_of(const struct cn_canvas *canvas)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	cn_canvas_print(canvas, out);
	fprintf(out, "-- styles\n");
	cn_canvas_print_styles(canvas, out);
	fclose(out);
	return text;
}

void golden_check(const char *name, const struct cn_canvas *canvas)
{
	char file[128], path[512], *have = text_of(canvas), *want;

	snprintf(file, sizeof file, "golden/%s.txt", name);
	stage_path(path, file);
	if (getenv("GENERATE"))
		write_all(path, have);
	want = read_all(path);
	if (strcmp(have, want) != 0)
		fail_msg("%s differs. Have:\n%s\nwant:\n%s\nIf it should: GENERATE=1", file, have, want);
	free(want);
	free(have);
}
