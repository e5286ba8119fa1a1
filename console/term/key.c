/* SPDX-License-Identifier: MIT */
#include "term/key.h"
#include "widget/utf8.h"

#include <errno.h>
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
	if (!*text)
		return -EINVAL;
	key = cn_utf8_next(&text);
	if (*text || key == CN_UTF8_BROKEN || key < ' ')
		return -EINVAL;
	*ret_key = key;
	return 0;
}
