/* SPDX-License-Identifier: MIT */
/* One line that is being typed, as in a shell: a cursor in it, and lines typed before. Pure. */
#ifndef CN_VIEW_INPUT_H
#define CN_VIEW_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CN_INPUT_BYTES = 256, CN_PAST_LINES = 32 };

struct cn_input {
	char text[CN_INPUT_BYTES];
	size_t cursor; /* byte, between characters */
	size_t back;   /* how many lines before this one are shown, 0 = what was typed itself */
	char typed[CN_INPUT_BYTES]; /* that, while another one is shown */
};

/* What was entered before, newest last; the oldest is forgotten, and none stands there twice. */
struct cn_past {
	size_t n;
	char lines[CN_PAST_LINES][CN_INPUT_BYTES];
};

/* The cursor behind it. */
void cn_input_set(struct cn_input *input, const char *text);
/* Moves, erases, types. True: the text has changed. */
bool cn_input_key(struct cn_input *input, uint32_t key);
/* Bytes [from, cursor) become `text`; what does not fit is left out. */
void cn_input_replace(struct cn_input *input, size_t from, const char *text);
/* One back (1) or forth (-1) in what was entered. True: the text has changed. */
bool cn_input_recall(struct cn_input *input, const struct cn_past *past, int by);
void cn_past_add(struct cn_past *past, const char *text);

#endif
