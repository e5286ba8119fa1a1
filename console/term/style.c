/* SPDX-License-Identifier: MIT */
/*
 * Meaning to colour. Middle tones of the 256, so that they read on dark and on
 * light; the user's palette is never redefined. Without colour, bold, dim,
 * underline and reverse tell apart what colour told, and whatever matters is
 * also a word or a sign on the screen.
 */
#include "term/style.h"

enum attribute { BOLD = 1, DIM = 2, UNDERLINE = 4, REVERSE = 8 };
enum { OWN = -1, BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE, BRIGHT };

struct scheme {
	short few;           /* of 8; bold stands for bright */
	short more;          /* of 16 */
	short many;          /* of 256 */
	unsigned char with;  /* attributes when there is colour */
	unsigned char alone; /* attributes when there is none */
};

static const struct scheme schemes[CN_STYLE_COUNT] = {
	[CN_STYLE_PLAIN] = { OWN, OWN, OWN, 0, 0 },
	[CN_STYLE_DIM] = { OWN, BRIGHT + BLACK, 244, 0, DIM },
	[CN_STYLE_STRONG] = { OWN, OWN, OWN, BOLD, BOLD },
	[CN_STYLE_TITLE] = { CYAN, BRIGHT + CYAN, 37, BOLD, BOLD },
	[CN_STYLE_FRAME] = { BLUE, BRIGHT + BLACK, 240, 0, DIM },
	[CN_STYLE_HEADER] = { CYAN, CYAN, 66, 0, UNDERLINE },
	[CN_STYLE_SORTED] = { CYAN, BRIGHT + CYAN, 44, BOLD, UNDERLINE | BOLD },
	[CN_STYLE_TAB] = { OWN, OWN, 245, 0, 0 },
	[CN_STYLE_TAB_HERE] = { CYAN, BRIGHT + CYAN, 44, BOLD | REVERSE, REVERSE },
	[CN_STYLE_KEY] = { CYAN, BRIGHT + CYAN, 44, BOLD, BOLD },
	[CN_STYLE_BAR] = { OWN, OWN, 245, 0, 0 },
	[CN_STYLE_BADGE] = { YELLOW, BRIGHT + YELLOW, 214, BOLD | REVERSE, BOLD | REVERSE },
	[CN_STYLE_NAME] = { OWN, OWN, OWN, BOLD, BOLD },
	[CN_STYLE_SITE] = { BLUE, BRIGHT + BLUE, 67, 0, 0 },
	[CN_STYLE_RUNNING] = { GREEN, BRIGHT + GREEN, 71, BOLD, BOLD },
	[CN_STYLE_SCHEDULED] = { YELLOW, BRIGHT + YELLOW, 178, 0, 0 },
	[CN_STYLE_PENDING] = { OWN, OWN, 110, 0, 0 },
	[CN_STYLE_DONE] = { OWN, BRIGHT + BLACK, 242, 0, DIM },
	[CN_STYLE_GOOD] = { GREEN, BRIGHT + GREEN, 71, 0, 0 },
	[CN_STYLE_PROVEN] = { RED, BRIGHT + RED, 196, BOLD, BOLD | REVERSE },
	[CN_STYLE_LIKELY] = { YELLOW, BRIGHT + YELLOW, 208, BOLD, BOLD },
	[CN_STYLE_SUSPECT] = { YELLOW, YELLOW, 178, 0, UNDERLINE },
	[CN_STYLE_GRAPH] = { GREEN, BRIGHT + GREEN, 72, 0, 0 },
	[CN_STYLE_GRAPH_OTHER] = { MAGENTA, MAGENTA, 133, 0, DIM },
	[CN_STYLE_MATCH] = { YELLOW, BRIGHT + YELLOW, 220, REVERSE, REVERSE },
};

static short colour(const struct scheme *scheme, enum cn_depth depth)
{
	return depth >= CN_DEPTH_256 ? scheme->many : depth >= CN_DEPTH_16 ? scheme->more : scheme->few;
}

struct cn_look cn_style_look(enum cn_style style, bool selected, enum cn_depth depth)
{
	const struct scheme *scheme = &schemes[style];
	const unsigned int with = depth > CN_DEPTH_MONO ? scheme->with : scheme->alone;
	struct cn_look look = {
		.foreground = depth > CN_DEPTH_MONO ? colour(scheme, depth) : OWN,
		.background = OWN,
		.bold = with & BOLD,
		.dim = with & DIM,
		.underline = with & UNDERLINE,
		.reverse = with & REVERSE,
	};

	if (!selected)
		return look;
	if (depth >= CN_DEPTH_256) {
		look.background = 237;
		/* The terminal's own foreground may be dark. */
		if (look.foreground == OWN)
			look.foreground = 255;
	} else {
		look.reverse = !look.reverse;
	}
	return look;
}
