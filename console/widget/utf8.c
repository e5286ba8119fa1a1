/* SPDX-License-Identifier: MIT */
#include "widget/utf8.h"

#include <wchar.h>

uint32_t cn_utf8_next(const char **text)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)*text;
	const int n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	uint32_t code = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	(*text)++;
	if (n == 0)
		return CN_UTF8_BROKEN;
	for (int i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return CN_UTF8_BROKEN;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return CN_UTF8_BROKEN;
	*text += n - 1;
	return code;
}

size_t cn_utf8_put(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* Marks that reorder or hide what stands around them: wcwidth() calls most of them harmless. */
static int deceives(uint32_t code)
{
	return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || code == 0x061c || code == 0x00ad ||
	       (code >= 0xe0000 && code <= 0xe0fff);
}

int cn_utf8_width(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || deceives(code))
		return -1;
	return code < 0x7f ? 1 : wcwidth((wchar_t)code);
}
