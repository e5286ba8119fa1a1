/* SPDX-License-Identifier: MIT */
/* Text from a target, made fit for a terminal, a log, a pipe. */
#ifndef CN_EXPORT_TEXT_H
#define CN_EXPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes `text` with every byte that a terminal might obey, or a reader might
 * be fooled by, as \xNN or \u{NNNN}: controls, C1, broken UTF-8, bidirectional
 * overrides; and with `ascii`, all that is not ASCII. Always NUL-terminated and
 * cut between characters when it does not fit. Returns `out`.
 */
char *cn_text_safe(char *out, size_t bytes, const char *text, bool ascii);
#define CN_SAFE_BYTES 256
/* In the charset of the locale, in one of a few static buffers: good for one printf(). Not thread-safe. */
const char *cn_safe(const char *text);

#endif
