/* SPDX-License-Identifier: MIT */
/*
 * Every sign that is not a letter, with its ASCII twin. The C locale turns
 * wide characters into blanks without an error, so the twin is chosen here,
 * once, by the canvas's charset, and never by the terminal library.
 */
#ifndef CN_WIDGET_GLYPH_H
#define CN_WIDGET_GLYPH_H

#include <stdint.h>

enum cn_charset { CN_CHARSET_ASCII, CN_CHARSET_UTF8 };

#define CN_GLYPHS(X)                                                                                                   \
	X(HLINE, 0x2500, '-')                                                                                          \
	X(VLINE, 0x2502, '|')                                                                                          \
	X(TEE, 0x251c, '|')       /* a branch that others follow */                                                    \
	X(CORNER, 0x2514, '`')    /* the last branch */                                                                \
	X(CORNER_UP, 0x250c, ',') /* the first branch of a tree drawn from its leaves */                               \
	X(END_UP, 0x2575, '\'')   /* the root of a chain drawn from its leaf */                                        \
	X(DOWN, 0x2193, 'v')                                                                                           \
	X(UP, 0x2191, '^')                                                                                             \
	X(ARROW, 0x2192, '>')                                                                                          \
	X(CYCLE, 0x21ba, '@') /* the chain comes back to where it was */                                               \
	X(SORT_UP, 0x25b2, '^')                                                                                        \
	X(SORT_DOWN, 0x25bc, 'v')                                                                                      \
	X(ELLIPSIS, 0x2026, '~')                                                                                       \
	X(DOT, 0x00b7, '-')                                                                                            \
	X(CREATED, 0x25cb, 'o')                                                                                        \
	X(SCHEDULED, 0x25b7, '+')                                                                                      \
	X(RUNNING, 0x25b6, '>')                                                                                        \
	X(PENDING, 0x25e6, '.')                                                                                        \
	X(COMPLETE, 0x2713, '=')                                                                                       \
	X(PANICKED, 0x2717, '!')                                                                                       \
	X(CANCELLED, 0x2298, 'x')                                                                                      \
	X(PROVEN, 0x2716, 'X')                                                                                         \
	X(LIKELY, 0x25b2, '!')                                                                                         \
	X(SUSPECT, 0x25c7, '?')                                                                                        \
	X(LEAF, 0x25c9, '*')                                                                                           \
	X(CURSOR, 0x258c, '>')                                                                                         \
	X(FULL, 0x2588, '#')                                                                                           \
	X(LIGHT, 0x2591, '.')                                                                                          \
	X(SHADE, 0x2592, '=')                                                                                          \
	X(DARK, 0x2593, '%')                                                                                           \
	X(CROSS, 0x2573, 'x')                                                                                          \
	X(MARK, 0x2022, '*')                                                                                           \
	X(MARK_HERE, 0x25c6, '#') /* under the cursor */                                                               \
	X(REPLACEMENT, 0xfffd, '?')

enum cn_glyph {
#define X(name, wide, ascii) CN_GLYPH_##name,
	CN_GLYPHS(X)
#undef X
	CN_GLYPH_COUNT
};

uint32_t cn_glyph(enum cn_charset charset, enum cn_glyph glyph);

/* A bar of `eighths` (0 to 8) of a cell, filled from below. */
uint32_t cn_glyph_block(enum cn_charset charset, unsigned int eighths);
/* Two samples side by side, each 0 to 4 dots high. */
uint32_t cn_glyph_dots(enum cn_charset charset, unsigned int left, unsigned int right);

#endif
