/* SPDX-License-Identifier: MIT */
#include "term/key.h"
#include "widget/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *text;
	uint32_t key;
} names[] = { { "Enter", CN_KEY_ENTER }, { "Tab", CN_KEY_TAB }, { "Esc", CN_KEY_ESC },
	{ "Backspace", CN_KEY_BACKSPACE }, { "Space", ' ' },
#define X(name, text, curses) { text, CN_KEY_##name },
	CN_KEYS(X)
#undef X
};

static int parse_mouse(const char *text, uint32_t *ret_key)
{
	static const char *const whats[CN_MOUSE_COUNT] = {
		[CN_MOUSE_CLICK] = "Click@", [CN_MOUSE_WHEEL_UP] = "WheelUp@", [CN_MOUSE_WHEEL_DOWN] = "WheelDown@"
	};

	for (int what = 0; what < CN_MOUSE_COUNT; what++) {
		const size_t n = strlen(whats[what]);
		unsigned int row, col;
		char more;

		if (strncmp(text, whats[what], n) != 0)
			continue;
		if (sscanf(text + n, "%5u,%5u%c", &row, &col, &more) != 2 || row >= CN_MOUSE_SIDE || col >= CN_MOUSE_SIDE)
			return -EINVAL;
		*ret_key = cn_key_of_mouse((enum cn_mouse)what, row, col);
		return 0;
	}
	return -EINVAL;
}

int cn_key_parse(const char *text, uint32_t *ret_key)
{
	uint32_t key;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(text, names[i].text) == 0) {
			*ret_key = names[i].key;
			return 0;
		}
	if (strncmp(text, "C-", 2) == 0 && text[2] >= 'a' && text[2] <= 'z' && !text[3]) {
		*ret_key = CN_CTRL(text[2]);
		return 0;
	}
	if (strchr(text, '@') && text[1])
		return parse_mouse(text, ret_key);
	if (!*text)
		return -EINVAL;
	key = cn_utf8_next(&text);
	if (*text || key == CN_UTF8_BROKEN || key < ' ')
		return -EINVAL;
	*ret_key = key;
	return 0;
}
