/* SPDX-License-Identifier: MIT */
#include "term/style.h"
#include "term/theme.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OWN = -1, GREY = 8 /* of 16 */ };

static const struct {
	const char *name, *help;
} names[] = {
#define X(name, text, help) { text, help },
	CN_THEMES(X)
#undef X
};

int cn_theme_parse(const char *text, enum cn_theme_base *ret_base)
{
	for (unsigned int i = 0; i < CN_THEME_COUNT; i++)
		if (strcmp(text, names[i].name) == 0) {
			*ret_base = (enum cn_theme_base)i;
			return 0;
		}
	return -EINVAL;
}

const char *cn_theme_name(unsigned int base)
{
	return base < CN_THEME_COUNT ? names[base].name : NULL;
}

const char *cn_theme_help(unsigned int base)
{
	return base < CN_THEME_COUNT ? names[base].help : "";
}

/* ----------------------------------------------------------------- colours */

/* As xterm has them: 16, a cube of 6 x 6 x 6, 24 greys. */
static void red_green_blue(short colour, int ret_part[3])
{
	static const uint8_t first[16][3] = { { 0, 0, 0 }, { 205, 0, 0 }, { 0, 205, 0 }, { 205, 205, 0 }, { 0, 0, 238 },
		{ 205, 0, 205 }, { 0, 205, 205 }, { 229, 229, 229 }, { 127, 127, 127 }, { 255, 0, 0 }, { 0, 255, 0 },
		{ 255, 255, 0 }, { 92, 92, 255 }, { 255, 0, 255 }, { 0, 255, 255 }, { 255, 255, 255 } };
	const int cube = colour - 16, steps[3] = { cube / 36, cube / 6 % 6, cube % 6 };

	for (int i = 0; i < 3; i++)
		ret_part[i] = colour < 16     ? first[colour][i]
			      : colour >= 232 ? 8 + 10 * (colour - 232)
			      : steps[i]      ? 55 + 40 * steps[i]
					      : 0;
}

short cn_colour_of_16(short colour)
{
	int wanted[3], here[3], best = 0;
	long least = -1;

	if (colour < 16)
		return colour;
	red_green_blue(colour, wanted);
	for (short i = 0; i < 16; i++) {
		long distance = 0;

		red_green_blue(i, here);
		for (int part = 0; part < 3; part++)
			distance += (long)(here[part] - wanted[part]) * (here[part] - wanted[part]);
		if (least < 0 || distance < least) {
			least = distance;
			best = i;
		}
	}
	return (short)best;
}

static int parse_colour(const char *word, short *ret_colour)
{
	static const char *const colours[] = { "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white" };
	const bool bright = strncmp(word, "bright-", 7) == 0;
	char *end;
	long number = strtol(word, &end, 10);

	if (isdigit((unsigned char)*word) && !*end && number < 256) {
		*ret_colour = (short)number;
		return 0;
	}
	if (strcmp(word, "default") == 0) {
		*ret_colour = OWN;
		return 0;
	}
	for (short i = 0; i < 8; i++)
		if (strcmp(word + (bright ? 7 : 0), colours[i]) == 0) {
			*ret_colour = (short)(i + (bright ? 8 : 0));
			return 0;
		}
	return -EINVAL;
}

int cn_look_parse(const char *text, struct cn_look *ret_look)
{
	struct cn_look look = { .foreground = OWN, .background = OWN };
	bool on = false, coloured[2] = { false, false };
	char copy[64], *rest = NULL;

	if (!*text || strlen(text) >= sizeof copy)
		return -EINVAL;
	strcpy(copy, text);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (strcmp(word, "bold") == 0 && !on)
			look.bold = true;
		else if (strcmp(word, "dim") == 0 && !on)
			look.dim = true;
		else if (strcmp(word, "underline") == 0 && !on)
			look.underline = true;
		else if (strcmp(word, "reverse") == 0 && !on)
			look.reverse = true;
		else if (strcmp(word, "on") == 0 && !on)
			on = true;
		else if (coloured[on] || parse_colour(word, on ? &look.background : &look.foreground))
			return -EINVAL;
		else
			coloured[on] = true;
	}
	if (on && !coloured[1])
		return -EINVAL;
	*ret_look = look;
	return 0;
}

/* ------------------------------------------------------------------- looks */

/* Of 8, bold stands for bright. */
static short at_depth(short colour, enum cn_depth depth, bool *bold)
{
	if (colour < 0 || depth >= CN_DEPTH_256)
		return colour;
	colour = cn_colour_of_16(colour);
	if (depth >= CN_DEPTH_16 || colour < 8)
		return colour;
	*bold = true;
	return (short)(colour - 8);
}

static struct cn_look own_look(const struct cn_look *own, enum cn_depth depth)
{
	struct cn_look look = *own;
	bool ground = false;

	if (depth <= CN_DEPTH_MONO) {
		look.foreground = look.background = OWN;
		return look;
	}
	look.foreground = at_depth(own->foreground, depth, &look.bold);
	look.background = at_depth(own->background, depth, &ground);
	return look;
}

static struct cn_look built_in(const struct cn_schemes *schemes, enum cn_style style, enum cn_depth depth)
{
	const struct cn_scheme *scheme = &schemes->of[style];

	if (!scheme->set)
		scheme = &cn_theme_schemes(CN_THEME_DARK)->of[style];

	const unsigned int with = depth > CN_DEPTH_MONO ? scheme->with : scheme->alone;

	return (struct cn_look){
		.foreground = depth <= CN_DEPTH_MONO  ? OWN
			      : depth >= CN_DEPTH_256 ? scheme->many
			      : depth >= CN_DEPTH_16  ? scheme->more
						      : scheme->few,
		.background = OWN,
		.bold = with & CN_BOLD,
		/* Of 8 none is grey: dim stands for it. */
		.dim = with & CN_DIM || (depth == CN_DEPTH_8 && scheme->more == GREY && scheme->few == OWN),
		.underline = with & CN_UNDERLINE,
		.reverse = with & CN_REVERSE,
	};
}

struct cn_look cn_theme_look(const struct cn_theme *theme, enum cn_style style, bool selected, enum cn_depth depth)
{
	const struct cn_schemes *schemes = cn_theme_schemes(theme->base);
	struct cn_look look;

	if (theme->base == CN_THEME_MONO)
		depth = CN_DEPTH_MONO;
	look = theme->set[style] ? own_look(&theme->own[style], depth) : built_in(schemes, style, depth);
	if (!selected)
		return look;
	if (depth >= CN_DEPTH_256) {
		look.background = schemes->selected;
		/* The terminal's own foreground may be dark. */
		if (look.foreground == OWN)
			look.foreground = schemes->selected_text;
	} else {
		look.reverse = !look.reverse;
	}
	return look;
}

static struct cn_theme in_use;

void cn_style_use(const struct cn_theme *theme)
{
	in_use = *theme;
}

struct cn_look cn_style_look(enum cn_style style, bool selected, enum cn_depth depth)
{
	return cn_theme_look(&in_use, style, selected, depth);
}
