/* SPDX-License-Identifier: MIT */
#include "view/input.h"
#include "term/key.h"
#include "widget/utf8.h"

#include <stdio.h>
#include <string.h>

void cn_input_set(struct cn_input *input, const char *text)
{
	input->back = 0;
	snprintf(input->text, sizeof input->text, "%s", text);
	input->cursor = strlen(input->text);
}

/* ------------------------------------------------------------------ moving */

static bool goes_on(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t before(const struct cn_input *input, size_t at)
{
	if (at)
		at--;
	while (at && goes_on(input->text[at]))
		at--;
	return at;
}

static size_t after(const struct cn_input *input, size_t at)
{
	if (input->text[at])
		at++;
	while (goes_on(input->text[at]))
		at++;
	return at;
}

static size_t word_before(const struct cn_input *input)
{
	size_t at = input->cursor;

	while (at && input->text[at - 1] == ' ')
		at--;
	while (at && input->text[at - 1] != ' ')
		at--;
	return at;
}

/* ----------------------------------------------------------------- changing */

static bool erase(struct cn_input *input, size_t from, size_t to)
{
	if (from == to)
		return false;
	memmove(input->text + from, input->text + to, strlen(input->text + to) + 1);
	input->cursor = from;
	return true;
}

static bool insert(struct cn_input *input, const char *bytes, size_t n)
{
	if (strlen(input->text) + n >= sizeof input->text)
		return false;
	memmove(input->text + input->cursor + n, input->text + input->cursor, strlen(input->text + input->cursor) + 1);
	memcpy(input->text + input->cursor, bytes, n);
	input->cursor += n;
	return true;
}

void cn_input_replace(struct cn_input *input, size_t from, const char *text)
{
	erase(input, from, input->cursor);
	insert(input, text, strlen(text));
}

bool cn_input_key(struct cn_input *input, uint32_t key)
{
	char bytes[4];

	switch (key) {
	case CN_KEY_LEFT:
	case CN_CTRL('b'):
		input->cursor = before(input, input->cursor);
		return false;
	case CN_KEY_RIGHT:
	case CN_CTRL('f'):
		input->cursor = after(input, input->cursor);
		return false;
	case CN_KEY_HOME:
	case CN_CTRL('a'):
		input->cursor = 0;
		return false;
	case CN_KEY_END:
	case CN_CTRL('e'):
		input->cursor = strlen(input->text);
		return false;
	case CN_KEY_BACKSPACE:
		return erase(input, before(input, input->cursor), input->cursor);
	case CN_KEY_DELETE:
	case CN_CTRL('d'):
		return erase(input, input->cursor, after(input, input->cursor));
	case CN_CTRL('w'):
		return erase(input, word_before(input), input->cursor);
	case CN_CTRL('u'):
		return erase(input, 0, input->cursor);
	case CN_CTRL('k'):
		return erase(input, input->cursor, strlen(input->text));
	default:
		if (key >= CN_KEY_BASE || cn_utf8_width(key) < 0)
			return false;
		return insert(input, bytes, cn_utf8_put(bytes, key));
	}
}

/* ------------------------------------------------------------------ history */

bool cn_input_recall(struct cn_input *input, const struct cn_past *past, int by)
{
	const size_t back = input->back;
	size_t to = back;

	if (by > 0 && back < past->n)
		to++;
	if (by < 0 && back > 0)
		to--;
	if (to == back)
		return false;
	if (back == 0)
		memcpy(input->typed, input->text, sizeof input->typed);
	cn_input_set(input, to ? past->lines[past->n - to] : input->typed);
	input->back = to;
	return true;
}

void cn_past_add(struct cn_past *past, const char *text)
{
	size_t i;

	if (!*text)
		return;
	for (i = 0; i < past->n && strcmp(past->lines[i], text) != 0; i++)
		;
	if (i == past->n && i == CN_PAST_LINES)
		i = 0;
	if (i < past->n)
		memmove(past->lines[i], past->lines[i + 1], (--past->n - i) * sizeof past->lines[0]);
	snprintf(past->lines[past->n++], sizeof past->lines[0], "%s", text);
}
