/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

const char *stage_path(char out[512], const char *name)
{
	const char *root = getenv("ROUSE_SOURCE_ROOT");

	snprintf(out, 512, "%s/tests/tui/%s", root ? root : ".", name);
	return out;
}

void stage_open_file(struct stage *stage, const char *path, int rows, int cols, bool ascii)
{
	const struct cn_session_opts opts = { .kind = CN_SOURCE_FRAMES, .interval_ms = 500 };
	struct cn_why why = { 0 };

	*stage = (struct stage){ 0 };
	if (cn_session_open(path, &opts, &stage->session, &why) < 0)
		fail_msg("%s", why.text);
	stage->opts = (struct cn_screen_opts){ .session = stage->session, .delay_ms = 500, .ascii = ascii };
	assert_int_equal(cn_driver_init(&stage->driver, &stage->opts, rows, cols), 0);
	assert_int_equal(cn_driver_draw(&stage->driver), 0);
}

void stage_open(struct stage *stage, int rows, int cols, bool ascii)
{
	char path[512];

	stage_open_file(stage, stage_path(path, "trouble.frames"), rows, cols, ascii);
}

void stage_close(struct stage *stage)
{
	cn_driver_fini(&stage->driver);
	cn_session_close(stage->session);
}

int stage_wait(struct stage *stage, int n)
{
	int taken = 0;

	while (taken < n && cn_driver_pump(&stage->driver))
		taken++;
	assert_false(stage->driver.ended);
	assert_int_equal(cn_driver_draw(&stage->driver), 0);
	return taken;
}

static void press(struct stage *stage, uint32_t key)
{
	cn_driver_key(&stage->driver, key);
	assert_int_equal(cn_driver_draw(&stage->driver), 0);
}

void stage_keys(struct stage *stage, const char *keys)
{
	while (*keys) {
		const size_t n = *keys == '\'' ? strcspn(keys + 1, "'") + 2 : strcspn(keys, " ");
		char name[64] = "";
		uint32_t key;

		assert_true(n < sizeof name);
		memcpy(name, keys, n);
		if (*name == '\'') {
			for (size_t i = 1; i < n - 1; i++)
				press(stage, (unsigned char)name[i]);
		} else {
			assert_int_equal(cn_key_parse(name, &key), 0);
			press(stage, key);
		}
		keys += n + (keys[n] == ' ');
	}
}

static uint32_t monkey_key(uint64_t *random)
{
	static const uint32_t keys[] = { 'j', 'k', 'g', 'G', 'n', 'N', '/', 'f', 's', 'i', 'w', '<', '>', '1', '2', '3',
		'4', '5', '6', ' ', '?', 'e', 'a', CN_KEY_ENTER, CN_KEY_ENTER, CN_KEY_ESC, CN_KEY_TAB, CN_KEY_BACKSPACE,
		CN_KEY_UP, CN_KEY_DOWN, CN_KEY_PAGE_UP, CN_KEY_PAGE_DOWN, CN_KEY_BACK_TAB, CN_CTRL('l'), CN_CTRL('u'),
		0x1b, 0x65e5, 'c', 'm', '*', 'M', 't', 'v', '0', '9', '+', '-', 'd', '\\', 's', ':', '>', '%', '|', '(', '"',
		CN_KEY_LEFT, CN_KEY_RIGHT, CN_KEY_HOME, CN_KEY_END, CN_KEY_DELETE, CN_KEY_F1, CN_KEY_F2, CN_KEY_F3, CN_KEY_F4,
		CN_KEY_F5, CN_KEY_F6, CN_KEY_F10, CN_CTRL('w'), CN_CTRL('k'), CN_CTRL('a'), '[', ']', '{', '}', ')', ',', '.',
		'r', 'p', 'h', 'x' };

	if (test_random(random) % 4)
		return keys[test_random(random) % (sizeof keys / sizeof keys[0])];
	return cn_key_of_mouse((enum cn_mouse)(test_random(random) % 8), (uint32_t)(test_random(random) % 55),
		(uint32_t)(test_random(random) % 160));
}

void stage_any_key(struct stage *stage, uint64_t *random)
{
	const struct cn_canvas *canvas = &stage->driver.canvas;

	cn_driver_key(&stage->driver, monkey_key(random));
	if (test_random(random) % 10 == 0)
		assert_int_equal(cn_canvas_resize(&stage->driver.canvas, (int)(test_random(random) % 50),
					 (int)(test_random(random) % 150)),
			0);
	assert_int_equal(cn_driver_draw(&stage->driver), 0);
	for (int i = 0; i < canvas->rows * canvas->cols; i++)
		assert_true(canvas->cells[i].text == 0 ||
			    (canvas->cells[i].text >= ' ' &&
				    (canvas->cells[i].text < 0x7f || canvas->cells[i].text >= 0xa0)));
}

char *stage_text(const struct stage *stage, bool styles)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	cn_canvas_print(&stage->driver.canvas, out);
	if (styles) {
		fprintf(out, "-- styles\n");
		cn_canvas_print_styles(&stage->driver.canvas, out);
	}
	fclose(out);
	return text;
}

char *stage_row(const struct stage *stage, int row)
{
	char *text = stage_text(stage, false), *line = text;

	for (int i = 0; i < row; i++)
		line = strchr(line, '\n') + 1;
	line[strcspn(line, "\n")] = 0;
	memmove(text, line, strlen(line) + 1);
	return text;
}

static int find(const struct stage *stage, const char *what)
{
	int found = -1;

	for (int row = 0; row < stage->driver.canvas.rows && found < 0; row++) {
		char *text = stage_row(stage, row);

		if (strstr(text, what))
			found = row;
		free(text);
	}
	return found;
}

bool stage_has(const struct stage *stage, const char *text)
{
	return find(stage, text) >= 0;
}

int stage_find(const struct stage *stage, const char *what)
{
	const int row = find(stage, what);
	char *text;

	if (row >= 0)
		return row;
	text = stage_text(stage, false);
	print_error("\"%s\" is not on the screen:\n%s", what, text);
	free(text);
	fail();
	return -1;
}

char *stage_selected(const struct stage *stage)
{
	for (int row = 0; row < stage->driver.canvas.rows; row++)
		if (cn_canvas_at(&stage->driver.canvas, row, stage->driver.canvas.cols / 2)->selected)
			return stage_row(stage, row);
	return strdup("");
}

void stage_assert_selected(const struct stage *stage, const char *text)
{
	char *row = stage_selected(stage);

	if (!strstr(row, text))
		fail_msg("selected is \"%s\", not %s", row, text);
	free(row);
}

int stage_utf8(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}
