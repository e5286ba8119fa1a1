/* SPDX-License-Identifier: MIT */
#include "config/toml.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "export/text.h"
#include "widget/utf8.h"

struct reader {
	const char *at, *end;
	struct cn_toml_at here;
	char table[CN_TOML_PATH_BYTES], key[CN_TOML_PATH_BYTES], value[CN_TOML_VALUE_BYTES];
	size_t used; /* of value */
	struct cn_toml_error *error;
};

static int refuse(struct reader *reader, struct cn_toml_at at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int refuse(struct reader *reader, struct cn_toml_at at, const char *format, ...)
{
	va_list args;

	reader->error->at = at;
	va_start(args, format);
	vsnprintf(reader->error->text, sizeof reader->error->text, format, args);
	va_end(args);
	return -EINVAL;
}

/* -1 at the end. */
static int peek(const struct reader *reader)
{
	return reader->at < reader->end ? (unsigned char)*reader->at : -1;
}

static bool next_is(const struct reader *reader, const char *text)
{
	const size_t n = strlen(text);

	return (size_t)(reader->end - reader->at) >= n && memcmp(reader->at, text, n) == 0;
}

static void skip(struct reader *reader)
{
	const unsigned char byte = (unsigned char)*reader->at++;

	if (byte == '\n') {
		reader->here.line++;
		reader->here.column = 1;
	} else if ((byte & 0xc0) != 0x80) {
		reader->here.column++;
	}
}

static void skip_blanks(struct reader *reader)
{
	while (peek(reader) == ' ' || peek(reader) == '\t')
		skip(reader);
}

static bool at_line_end(const struct reader *reader)
{
	return peek(reader) < 0 || peek(reader) == '\n' || next_is(reader, "\r\n");
}

static void skip_comment(struct reader *reader)
{
	skip_blanks(reader);
	if (peek(reader) == '#')
		while (!at_line_end(reader))
			skip(reader);
}

/* Ends of lines, blanks and comments. */
static void skip_void(struct reader *reader)
{
	for (;;) {
		skip_comment(reader);
		if (peek(reader) < 0 || !at_line_end(reader))
			return;
		while (peek(reader) == '\r')
			skip(reader);
		skip(reader);
	}
}

/* What stands there, to be named: a character, or the end. */
static const char *what(const struct reader *reader, char out[16])
{
	const int byte = peek(reader);

	if (at_line_end(reader))
		return "the end of the line";
	snprintf(out, 16, byte > ' ' && byte < 0x7f ? "%c" : "byte 0x%02x", byte);
	return out;
}

/* ----------------------------------------------------------------- strings */

static int put(struct reader *reader, char *out, size_t bytes, size_t *used, const char *text, size_t n)
{
	if (*used + n >= bytes)
		return refuse(reader, reader->here, "this is too long: there is room for %zu bytes", bytes - 1);
	memcpy(out + *used, text, n);
	*used += n;
	out[*used] = 0;
	return 0;
}

/* Of four or eight digits. */
static int unicode(struct reader *reader, int digits, char out[4], size_t *ret_n)
{
	const struct cn_toml_at at = reader->here;
	uint32_t code = 0;

	for (int i = 0; i < digits; i++) {
		const int byte = peek(reader);

		if (byte < 0 || !isxdigit(byte))
			return refuse(reader, at, "\\%c takes %d hexadecimal digits", digits == 4 ? 'u' : 'U', digits);
		code = code << 4 | (uint32_t)(isdigit(byte) ? byte - '0' : tolower(byte) - 'a' + 10);
		skip(reader);
	}
	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return refuse(reader, at, "there is no character U+%04X that could stand here", (unsigned int)code);
	*ret_n = cn_utf8_put(out, code);
	return 0;
}

static int escape(struct reader *reader, char out[4], size_t *ret_n)
{
	static const char letters[] = "btnfr\"\\", meant[] = "\b\t\n\f\r\"\\";
	const int byte = peek(reader);
	const char *letter = byte > 0 ? strchr(letters, byte) : NULL;
	char text[16];

	*ret_n = 1;
	if (!letter && byte != 'u' && byte != 'U')
		return refuse(reader, reader->here, "there is no escape \\%s", what(reader, text));
	skip(reader);
	if (!letter)
		return unicode(reader, byte == 'u' ? 4 : 8, out, ret_n);
	out[0] = meant[letter - letters];
	return 0;
}

/* The bytes of one character as it stands. */
static int character(struct reader *reader, char out[4], size_t *ret_n)
{
	*ret_n = 0;
	do {
		out[(*ret_n)++] = *reader->at;
		skip(reader);
	} while (*ret_n < 4 && peek(reader) >= 0 && (peek(reader) & 0xc0) == 0x80);
	return 0;
}

static int string(struct reader *reader, char *out, size_t bytes, size_t *used)
{
	const struct cn_toml_at at = reader->here;
	const int quote = peek(reader);

	if (next_is(reader, "\"\"\"") || next_is(reader, "'''"))
		return refuse(reader, at, "strings of several lines are not read here");
	skip(reader);
	while (peek(reader) != quote) {
		char text[4];
		size_t n;
		int rc;

		if (at_line_end(reader))
			return refuse(reader, at, "this string has no end: a %c is missing", quote);
		if ((unsigned int)peek(reader) < ' ' && peek(reader) != '\t')
			return refuse(reader, reader->here, "a control character in a string");
		if (quote == '"' && peek(reader) == '\\') {
			skip(reader);
			rc = escape(reader, text, &n);
		} else {
			rc = character(reader, text, &n);
		}
		if (rc == 0)
			rc = put(reader, out, bytes, used, text, n);
		if (rc)
			return rc;
	}
	skip(reader);
	return 0;
}

/* -------------------------------------------------------------------- keys */

static bool is_bare(int byte)
{
	return byte > 0 && byte < 0x80 && (isalnum(byte) || byte == '_' || byte == '-');
}

static int key_part(struct reader *reader, char *out, size_t *used)
{
	const struct cn_toml_at at = reader->here;
	const size_t before = *used;
	char text[16];

	if (peek(reader) == '"' || peek(reader) == '\'') {
		const int rc = string(reader, out, CN_TOML_PATH_BYTES, used);

		/* It would be taken for one between two parts. */
		return !rc && strchr(out + before, '.') ? refuse(reader, at, "no name here has a dot in it") : rc;
	}
	if (!is_bare(peek(reader)))
		return refuse(reader, reader->here, "a name is expected, not %s", what(reader, text));
	while (is_bare(peek(reader))) {
		const int rc = put(reader, out, CN_TOML_PATH_BYTES, used, reader->at, 1);

		if (rc)
			return rc;
		skip(reader);
	}
	return 0;
}

static int path(struct reader *reader, char out[CN_TOML_PATH_BYTES])
{
	size_t used = 0;
	int rc;

	out[0] = 0;
	for (;;) {
		skip_blanks(reader);
		rc = key_part(reader, out, &used);
		skip_blanks(reader);
		if (rc || peek(reader) != '.')
			return rc;
		rc = put(reader, out, CN_TOML_PATH_BYTES, &used, ".", 1);
		if (rc)
			return rc;
		skip(reader);
	}
}

/* ------------------------------------------------------------------ values */

/* A digit, then digits, with a single _ between any two. */
static bool take_digits(const char **text)
{
	const char *at = *text;

	if (!isdigit((unsigned char)*at))
		return false;
	while (isdigit((unsigned char)*at) || (*at == '_' && isdigit((unsigned char)at[1])))
		at++;
	*text = at;
	return true;
}

/* [+-]digits[.digits][e[+-]digits], and no zero in front. */
static bool is_number(const char *text)
{
	text += *text == '+' || *text == '-';
	if (*text == '0' && (isdigit((unsigned char)text[1]) || text[1] == '_'))
		return false;
	if (!take_digits(&text))
		return false;
	if (*text == '.' && (text++, !take_digits(&text)))
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-';
		if (!take_digits(&text))
			return false;
	}
	return !*text;
}

static int word(struct reader *reader, enum cn_toml_kind *ret_kind)
{
	const struct cn_toml_at at = reader->here;
	char text[64] = "", written[64];
	size_t n = 0, kept = 0;

	while (peek(reader) > ' ' && !strchr(",]#", peek(reader)) && n + 1 < sizeof text) {
		text[n++] = (char)peek(reader);
		text[n] = 0;
		skip(reader);
	}
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
		*ret_kind = CN_TOML_BOOL;
		return put(reader, reader->value, sizeof reader->value, &reader->used, text, n);
	}
	*ret_kind = CN_TOML_NUMBER;
	if (!is_number(text)) {
		if (n && isalpha((unsigned char)*text))
			return refuse(reader, at, "text stands in quotes: \"...\"");
		return refuse(reader, at, "this is neither a number, nor true or false, nor a string in quotes");
	}
	for (const char *byte = text + (*text == '+'); *byte; byte++)
		if (*byte != '_')
			written[kept++] = *byte;
	return put(reader, reader->value, sizeof reader->value, &reader->used, written, kept);
}

static int scalar(struct reader *reader, enum cn_toml_kind *ret_kind)
{
	char text[16];

	switch (peek(reader)) {
	case '"':
	case '\'':
		*ret_kind = CN_TOML_STRING;
		return string(reader, reader->value, sizeof reader->value, &reader->used);
	case '{':
		return refuse(reader, reader->here, "tables in a value are not read here: open one with [name]");
	case '[':
		return refuse(reader, reader->here, "lists in lists are not read here");
	default:
		if (at_line_end(reader) || peek(reader) == '#' || peek(reader) == ',' || peek(reader) == ']')
			return refuse(reader, reader->here, "a value is expected, not %s", what(reader, text));
		return word(reader, ret_kind);
	}
}

static int list(struct reader *reader, size_t *ret_n)
{
	const struct cn_toml_at at = reader->here;
	enum cn_toml_kind kind;
	char text[16];

	*ret_n = 0;
	skip(reader);
	for (;;) {
		int rc;

		skip_void(reader);
		if (peek(reader) < 0)
			return refuse(reader, at, "this list has no end: a ] is missing");
		if (peek(reader) == ']')
			break;
		rc = scalar(reader, &kind);
		/* Each ends with a NUL of its own. */
		if (rc == 0)
			rc = put(reader, reader->value, sizeof reader->value, &reader->used, "", 1);
		if (rc)
			return rc;
		++*ret_n;
		skip_void(reader);
		if (peek(reader) == ',')
			skip(reader);
		else if (peek(reader) >= 0 && peek(reader) != ']')
			return refuse(reader, reader->here, "a comma or ] is expected, not %s", what(reader, text));
	}
	skip(reader);
	return 0;
}

/* ------------------------------------------------------------------- lines */

static int end_of_line(struct reader *reader)
{
	char text[16];

	skip_comment(reader);
	if (!at_line_end(reader))
		return refuse(reader, reader->here, "the line should end here, not go on with %s", what(reader, text));
	return 0;
}

static int table(struct reader *reader, const struct cn_toml_sink *sink, void *arg)
{
	const struct cn_toml_at at = reader->here;
	char text[16];
	int rc;

	if (next_is(reader, "[["))
		return refuse(reader, at, "arrays of tables are not read here");
	skip(reader);
	rc = path(reader, reader->table);
	if (rc)
		return rc;
	if (peek(reader) != ']')
		return refuse(reader, reader->here, "a ] is expected, not %s", what(reader, text));
	skip(reader);
	reader->error->at = at;
	rc = sink->table(arg, reader->table, reader->error);
	return rc ? rc : end_of_line(reader);
}

static int assignment(struct reader *reader, const struct cn_toml_sink *sink, void *arg)
{
	struct cn_toml_item item = { .table = reader->table, .key = reader->key, .n = 1, .key_at = reader->here };
	char text[16];
	int rc = path(reader, reader->key);

	if (rc)
		return rc;
	if (peek(reader) != '=')
		return refuse(reader, reader->here, "a = is expected after %s, not %s", cn_safe(reader->key),
			what(reader, text));
	skip(reader);
	skip_blanks(reader);
	item.value_at = reader->here;
	reader->used = 0;
	reader->value[0] = 0;
	if (peek(reader) == '[') {
		item.kind = CN_TOML_LIST;
		rc = list(reader, &item.n);
	} else {
		rc = scalar(reader, &item.kind);
	}
	if (rc == 0)
		rc = end_of_line(reader);
	if (rc)
		return rc;
	item.text = reader->value;
	reader->error->at = item.value_at;
	return sink->item(arg, &item, reader->error);
}

/* What TOML forbids wherever it stands: said before anything is taken from the line. */
static int check_bytes(struct reader *reader)
{
	struct reader ahead = *reader;

	while (ahead.at < ahead.end) {
		const unsigned char byte = (unsigned char)*ahead.at;
		char one[8] = "";
		const char *after = one;
		size_t n;

		if ((byte < ' ' && byte != '\t' && byte != '\n' && !next_is(&ahead, "\r\n")) || byte == 0x7f)
			return refuse(reader, ahead.here, "a control character: byte 0x%02x", byte);
		n = (size_t)(ahead.end - ahead.at) < 4 ? (size_t)(ahead.end - ahead.at) : 4;
		memcpy(one, ahead.at, n);
		if (byte >= 0x80 && cn_utf8_next(&after) == CN_UTF8_BROKEN)
			return refuse(reader, ahead.here, "this is not UTF-8: byte 0x%02x", byte);
		n = byte >= 0x80 ? (size_t)(after - one) : 1;
		while (n--)
			skip(&ahead);
	}
	return 0;
}

int cn_toml_read(
	const char *text, size_t n, const struct cn_toml_sink *sink, void *arg, struct cn_toml_error *ret_error)
{
	struct reader reader = { .at = text, .end = text + n, .here = { 1, 1 }, .error = ret_error };
	int rc = check_bytes(&reader);

	while (rc == 0) {
		skip_void(&reader);
		if (peek(&reader) < 0)
			break;
		rc = peek(&reader) == '[' ? table(&reader, sink, arg) : assignment(&reader, sink, arg);
	}
	return rc;
}
