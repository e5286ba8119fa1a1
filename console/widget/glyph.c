/* SPDX-License-Identifier: MIT */
#include "widget/glyph.h"
#include "widget/style.h"

static const uint32_t twins[CN_GLYPH_COUNT][2] = {
#define X(name, wide, ascii) [CN_GLYPH_##name] = { [CN_CHARSET_ASCII] = (ascii), [CN_CHARSET_UTF8] = (wide) },
	CN_GLYPHS(X)
#undef X
};

uint32_t cn_glyph(enum cn_charset charset, enum cn_glyph glyph)
{
	return twins[glyph][charset];
}

uint32_t cn_glyph_block(enum cn_charset charset, unsigned int eighths)
{
	static const char ramp[] = " .:-=+*%#";

	if (eighths > 8)
		eighths = 8;
	if (charset == CN_CHARSET_ASCII)
		return (uint32_t)ramp[eighths];
	return eighths ? 0x2580 + eighths : ' ';
}

/*
 * Braille cells number their dots 1 2 3 7 down the left column and 4 5 6 8
 * down the right one; bit n - 1 of the code point's low byte is dot n.
 */
uint32_t cn_glyph_dots(enum cn_charset charset, unsigned int left, unsigned int right)
{
	static const uint8_t left_bits[5] = { 0x00, 0x40, 0x44, 0x46, 0x47 };
	static const uint8_t right_bits[5] = { 0x00, 0x80, 0xa0, 0xb0, 0xb8 };
	static const char ramp[] = " .:+#";

	if (left > 4)
		left = 4;
	if (right > 4)
		right = 4;
	if (charset == CN_CHARSET_ASCII)
		return (uint32_t)ramp[left > right ? left : right];
	return left || right ? 0x2800u | left_bits[left] | right_bits[right] : ' ';
}

char cn_style_letter(enum cn_style style)
{
	static const char letters[CN_STYLE_COUNT] = {
#define X(name, letter) [CN_STYLE_##name] = (letter),
		CN_STYLES(X)
#undef X
	};
	return style < CN_STYLE_COUNT ? letters[style] : '#';
}
