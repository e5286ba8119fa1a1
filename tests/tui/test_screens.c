/* SPDX-License-Identifier: MIT */
/* Screens against their golden files. Each is a pure function of the recorded stream, the keys and the size. */
#include "golden.h"
#include "stage.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

struct screen {
	const char *name;
	int rows, cols;
	bool ascii;
	int generations;
	const char *keys;
};

/* clang-format off */
static const struct screen screens[] = {
	{ "tasks-first", 24, 80, false, 1, "" },
	{ "tasks", 24, 80, false, 10, "" },
	{ "tasks-ascii", 24, 80, true, 10, "" },
	{ "tasks-small", 10, 40, false, 10, "" },
	{ "tasks-large", 60, 200, false, 10, "" },
	{ "tasks-too-small", 7, 31, false, 10, "" },
	{ "tasks-end", 24, 80, false, STAGE_GENERATIONS_ALL, "" },
	{ "tasks-end-small", 10, 40, false, STAGE_GENERATIONS_ALL, "" },
	{ "tasks-by-name", 24, 80, false, 10, "s k Enter" },
	{ "tasks-marked", 24, 80, false, 10, "m j j j m j j *" },
	{ "tasks-marked-ascii", 10, 40, true, 10, "j m j j m" },
	{ "tasks-by-hidden", 24, 80, false, 10, "s k k k k Enter t" },
	{ "tasks-columns", 24, 80, false, 10, "c k k k Space - - -" },
	{ "tasks-columns-ascii", 10, 40, true, 10, "c j j" },
	{ "tasks-sort-menu", 24, 80, false, 10, "s j j" },
	{ "tasks-filter", 24, 80, false, 10, "f 'pending client'" },
	{ "tasks-filtered", 24, 80, false, 10, "f 'client' Enter" },
	{ "tasks-filtered-out", 24, 80, false, 10, "f 'no such row' Enter" },
	{ "tasks-query", 24, 80, false, 10, "f 'state:pending polls>1k -name~client'" },
	{ "tasks-query-wrong", 24, 80, false, 10, "f 'client age>10x polls>1'" },
	{ "tasks-query-wrong-small", 10, 40, true, 10, "f 'client age>10s finding:proven polls>1.2.3'" },
	{ "tasks-query-fields", 24, 80, false, 10, "f 'client ' Tab" },
	{ "tasks-search", 24, 80, false, 10, "/ 'consumer'" },
	{ "tasks-paused", 24, 80, false, 10, "Space" },
	{ "task", 24, 80, false, 10, "Enter" },
	{ "task-ascii", 24, 80, true, 10, "Enter" },
	{ "task-small", 10, 40, false, 10, "Enter" },
	{ "task-large", 60, 200, false, 10, "Enter" },
	{ "task-below", 24, 80, false, 10, "Enter G" },
	{ "task-end", 24, 80, false, STAGE_GENERATIONS_ALL, "Enter" },
	{ "task-healthy", 60, 100, false, 10, "/ '127.0.0.1' Enter Enter" },
	{ "why", 24, 80, false, 10, "w" },
	{ "why-ascii", 24, 80, true, 10, "w" },
	{ "why-small", 10, 40, false, 10, "w" },
	{ "why-large", 60, 200, false, 10, "w" },
	{ "workers", 24, 80, false, 10, "2" },
	{ "workers-ascii", 24, 80, true, 10, "2" },
	{ "workers-small", 10, 40, false, 10, "2" },
	{ "workers-large", 60, 200, false, 10, "2" },
	{ "resources", 24, 80, false, 10, "3" },
	{ "resources-ascii", 24, 80, true, 10, "3" },
	{ "resources-small", 10, 40, false, 10, "3" },
	{ "resources-large", 60, 200, false, 10, "3" },
	{ "resource", 24, 80, false, 10, "3 Enter" },
	{ "resource-ascii", 24, 80, true, 10, "3 Enter" },
	{ "resource-small", 10, 40, false, 10, "3 Enter" },
	{ "resource-large", 60, 200, false, 10, "3 Enter" },
	{ "resource-channel", 24, 80, false, 10, "3 / 'backlog' Enter Enter" },
	{ "resource-timers", 24, 80, false, 10, "3 / 'wheel' Enter Enter" },
	{ "resource-socket", 24, 80, false, 10, "3 / 'socket' Enter Enter" },
	{ "resource-listener", 24, 80, false, 10, "3 / 'listener' Enter Enter" },
	{ "findings", 24, 80, false, 10, "4" },
	{ "findings-ascii", 24, 80, true, 10, "4" },
	{ "findings-small", 10, 40, false, 10, "4" },
	{ "findings-large", 60, 200, false, 10, "4" },
	{ "findings-first", 24, 80, false, 1, "4" },
	{ "groups", 24, 80, false, 10, "6" },
	{ "groups-ascii", 24, 80, true, 10, "6" },
	{ "groups-small", 10, 40, false, 10, "6" },
	{ "groups-large", 60, 200, false, 10, "6" },
	{ "groups-open", 24, 80, false, 10, "6 Enter" },
	{ "groups-open-small", 10, 40, false, 10, "6 Enter" },
	{ "help", 24, 80, false, 10, "?" },
	{ "help-large", 60, 200, true, 10, "?" },
	{ "help-small", 10, 40, false, 10, "?" },
};
/* clang-format on */

static void check(const struct screen *screen)
{
	struct stage stage;

	/* The charset is the locale's where nothing else is asked: both ways lead here. */
	assert_non_null(setlocale(LC_CTYPE, screen->ascii ? "C" : "C.UTF-8"));
	stage_open(&stage, screen->rows, screen->cols, false);
	stage_wait(&stage, screen->generations);
	stage_keys(&stage, screen->keys);
	golden_check(screen->name, &stage.driver.canvas);
	stage_close(&stage);
}

static void screens_equal_their_golden_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof screens / sizeof screens[0]; i++)
		check(&screens[i]);
}

static void the_ascii_charset_is_ascii_on_every_screen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof screens / sizeof screens[0]; i++) {
		struct stage stage;
		char *text;

		assert_non_null(setlocale(LC_CTYPE, "C"));
		stage_open(&stage, screens[i].rows, screens[i].cols, false);
		stage_wait(&stage, screens[i].generations);
		stage_keys(&stage, screens[i].keys);
		text = stage_text(&stage, false);
		for (const char *c = text; *c; c++)
			assert_true(*c == '\n' || (*c >= ' ' && *c < 0x7f));
		free(text);
		stage_close(&stage);
	}
}

/* What is asked for by --ascii in a UTF-8 locale is what the C locale gives. */
static void asking_for_ascii_is_like_the_c_locale(void **state)
{
	struct stage stage;
	char *in_c, *asked;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C"));
	stage_open(&stage, 40, 120, false);
	stage_wait(&stage, 10);
	in_c = stage_text(&stage, true);
	stage_close(&stage);
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	stage_open(&stage, 40, 120, true);
	stage_wait(&stage, 10);
	asked = stage_text(&stage, true);
	stage_close(&stage);
	assert_string_equal(in_c, asked);
	free(in_c);
	free(asked);
}

TEST_MAIN(cmocka_unit_test(screens_equal_their_golden_files),
	cmocka_unit_test(the_ascii_charset_is_ascii_on_every_screen),
	cmocka_unit_test(asking_for_ascii_is_like_the_c_locale));
