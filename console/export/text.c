/* SPDX-License-Identifier: MIT */
#include "export/text.h"

#include <langinfo.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "widget/utf8.h"

/* What becomes of one code point, or of one byte that begins none. */
static size_t escape(char out[16], const char *from, uint32_t code_point, bool ascii)
{
	if (code_point == CN_UTF8_BROKEN || code_point < 0x20 || code_point == 0x7f)
		return (size_t)snprintf(out, 16, "\\x%02x", (unsigned char)*from);
	if (code_point < 0x80) {
		out[0] = (char)code_point;
		return 1;
	}
	if (ascii || cn_utf8_width(code_point) < 0)
		return (size_t)snprintf(out, 16, "\\u{%x}", code_point);
	return cn_utf8_put(out, code_point);
}

char *cn_text_safe(char *out, size_t bytes, const char *text, bool ascii)
{
	size_t used = 0;

	while (*text) {
		const char *from = text;
		char piece[16];
		size_t n = escape(piece, from, cn_utf8_next(&text), ascii);

		if (used + n >= bytes)
			break;
		memcpy(out + used, piece, n);
		used += n;
	}
	out[used] = 0;
	return out;
}

const char *cn_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *cn_path_short(const char *path)
{
	while (strncmp(path, "../", 3) == 0)
		path += 3;
	return path;
}

enum cn_charset cn_text_charset(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? CN_CHARSET_UTF8 : CN_CHARSET_ASCII;
}

const char *cn_safe(const char *text)
{
	static char buffers[8][CN_SAFE_BYTES];
	static unsigned int turn;

	return cn_text_safe(buffers[turn++ % 8], CN_SAFE_BYTES, text, cn_text_charset() == CN_CHARSET_ASCII);
}
