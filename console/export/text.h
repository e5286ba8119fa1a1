/* SPDX-License-Identifier: MIT */
/* Text from a target, made fit for a terminal, a log, a pipe. */
#ifndef CN_EXPORT_TEXT_H
#define CN_EXPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "widget/glyph.h"

/*
 * Writes `text` with every byte that a terminal might obey, or a reader might
 * be fooled by, as \xNN or \u{NNNN}: controls, C1, broken UTF-8, bidirectional
 * overrides; and with `ascii`, all that is not ASCII. Always NUL-terminated and
 * cut between characters when it does not fit. Returns `out`.
 */
char *cn_text_safe(char *out, size_t bytes, const char *text, bool ascii);

/* A file's name as a column has room for it; and as one would type it, without the way up out of a build directory. */
const char *cn_path_base(const char *path);
const char *cn_path_short(const char *path);

/* What the locale can show. The program has called setlocale(). */
enum cn_charset cn_text_charset(void);

enum { CN_SAFE_BYTES = 256 };
/* Safe in that charset. One of eight buffers used in turn: for the arguments of one printf(). Not thread-safe. */
const char *cn_safe(const char *text);

#endif
