/* SPDX-License-Identifier: MIT */
/* UTF-8 without the locale's help: the same bytes give the same cells everywhere. */
#ifndef CN_WIDGET_UTF8_H
#define CN_WIDGET_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define CN_UTF8_BROKEN UINT32_MAX

/*
 * Takes one code point off *text, which does not end here, and moves *text on:
 * by one byte where the sequence is broken, overlong, a surrogate or past
 * U+10FFFF, answering CN_UTF8_BROKEN.
 */
uint32_t cn_utf8_next(const char **text);
/* Writes at most 4 bytes, answers how many. */
size_t cn_utf8_put(char *out, uint32_t code_point);
/* May a terminal see it? No: controls, bidirectional overrides, invisible and unassigned ones. */
int cn_utf8_width(uint32_t code_point);

#endif
