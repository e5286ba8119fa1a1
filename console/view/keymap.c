/* SPDX-License-Identifier: MIT */
#include "view/keymap.h"

#include <stdbool.h>
#include <string.h>

static const struct {
	const char *keys, *word, *help;
} actions[CN_ACTION_COUNT] = { [CN_ACTION_NONE] = { "", "", "" },
#define X(name, keys, word, help) [CN_ACTION_##name] = { keys, word, help },
	CN_ACTIONS(X)
#undef X
};

static bool has_key(const char *keys, uint32_t key)
{
	while (*keys) {
		const size_t n = strcspn(keys, " ");
		char name[16] = "";
		uint32_t here;

		if (n < sizeof name) {
			memcpy(name, keys, n);
			if (cn_key_parse(name, &here) == 0 && here == key)
				return true;
		}
		keys += n + (keys[n] == ' ');
	}
	return false;
}

enum cn_action cn_action_of_key(uint32_t key)
{
	for (int i = 1; i < CN_ACTION_COUNT; i++)
		if (has_key(actions[i].keys, key))
			return (enum cn_action)i;
	return CN_ACTION_NONE;
}

const char *cn_action_keys(enum cn_action action)
{
	return actions[action].keys;
}

const char *cn_action_word(enum cn_action action)
{
	return actions[action].word;
}

const char *cn_action_help(enum cn_action action)
{
	return actions[action].help;
}
