/* SPDX-License-Identifier: MIT */
/*
 * A request comes in one of two shapes:
 *
 *     *2\r\n$3\r\nGET\r\n$3\r\nkey\r\n      an array of counted strings
 *     GET key\r\n                           inline: words, maybe quoted
 *
 * The parser never starts over. It remembers where it stands (`at`), what it
 * expects there (`phase`), and, in a line that has not ended, how far it has
 * looked for the newline. Counted strings are stepped over, not read. So a
 * client that sends a megabyte byte by byte costs no more than one that sends
 * it at once, but for the calls.
 */
#include "resp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How one step of the parser ended. */
enum step { STEP_MORE, STEP_ON, STEP_DONE, STEP_BAD };

#define COUNT_LINE_MAX 32 /* "*", a number, CRLF: anything longer is no count */

/* ---------------------------------------------------------------- numbers */

bool resp_integer(const char *bytes, size_t n, int64_t *ret_value)
{
	const bool negative = n > 0 && bytes[0] == '-';
	const uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	uint64_t value = 0;
	size_t i = negative;

	if (i == n || (bytes[i] == '0' && n > 1))
		return false;
	for (; i < n; i++) {
		const unsigned digit = (unsigned)(unsigned char)bytes[i] - '0';

		if (digit > 9 || value > (limit - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

/* ------------------------------------------------------------------ lines */

static enum step bad(struct resp_parser *parser, const char *error)
{
	parser->error = error;
	return STEP_BAD;
}

/* Finds the line that starts at `at`. STEP_ON: *ret_end is its newline. */
static enum step find_line(struct resp_parser *parser, const char *bytes, size_t n, size_t max, const char *too_long,
	size_t *ret_end)
{
	const size_t from = parser->looked > parser->at ? parser->looked : parser->at;
	const size_t stop = n - parser->at > max ? parser->at + max : n;
	const char *newline = from < stop ? memchr(bytes + from, '\n', stop - from) : NULL;

	if (newline) {
		*ret_end = (size_t)(newline - bytes);
		return STEP_ON;
	}
	parser->looked = stop;
	return n - parser->at >= max ? bad(parser, too_long) : STEP_MORE;
}

/* A line of one letter and a number, as "*3" or "$10". */
static enum step count_line(struct resp_parser *parser, const char *bytes, size_t n, const char *invalid,
	int64_t *ret_count)
{
	size_t end = 0;
	const enum step step = find_line(parser, bytes, n, COUNT_LINE_MAX, invalid, &end);

	if (step != STEP_ON)
		return step;
	if (end < parser->at + 2 || bytes[end - 1] != '\r' ||
		!resp_integer(bytes + parser->at + 1, end - 1 - (parser->at + 1), ret_count))
		return bad(parser, invalid);
	parser->at = end + 1;
	return STEP_ON;
}

/* ----------------------------------------------------------------- arrays */

static enum step array_start(struct resp_parser *parser, const char *bytes, size_t n)
{
	int64_t count = 0;
	const enum step step = count_line(parser, bytes, n, "ERR Protocol error: invalid multibulk length", &count);

	if (step != STEP_ON)
		return step;
	if (count > (int64_t)RESP_MAX_ARGS)
		return bad(parser, "ERR Protocol error: too many arguments");
	parser->wanted = count > 0 ? (uint32_t)count : 0;
	parser->phase = RESP_AT_LENGTH;
	return parser->wanted ? STEP_ON : STEP_DONE;
}

static enum step bulk_length(struct resp_parser *parser, const char *bytes, size_t n)
{
	int64_t length = 0;
	enum step step;

	if (n == parser->at)
		return STEP_MORE;
	if (bytes[parser->at] != '$')
		return bad(parser, "ERR Protocol error: expected '$'");
	step = count_line(parser, bytes, n, "ERR Protocol error: invalid bulk length", &length);
	if (step != STEP_ON)
		return step;
	if (length < 0 || length > (int64_t)RESP_MAX_BULK_BYTES)
		return bad(parser, "ERR Protocol error: invalid bulk length");
	if (parser->at + (size_t)length > RESP_MAX_REQUEST_BYTES)
		return bad(parser, "ERR Protocol error: request too big");
	parser->argv[parser->argc].at = (uint32_t)parser->at;
	parser->argv[parser->argc].bytes = (uint32_t)length;
	parser->phase = RESP_AT_BULK;
	return STEP_ON;
}

static enum step bulk_bytes(struct resp_parser *parser, const char *bytes, size_t n)
{
	const size_t end = parser->at + parser->argv[parser->argc].bytes;

	if (n < end + 2)
		return STEP_MORE;
	if (bytes[end] != '\r' || bytes[end + 1] != '\n')
		return bad(parser, "ERR Protocol error: expected CRLF after bulk");
	parser->at = end + 2;
	parser->phase = RESP_AT_LENGTH;
	return ++parser->argc == parser->wanted ? STEP_DONE : STEP_ON;
}

/* ----------------------------------------------------------------- inline */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	     : c >= 'a' && c <= 'f' ? c - 'a' + 10
	     : c >= 'A' && c <= 'F' ? c - 'A' + 10
				    : -1;
}

/* One character of a double-quoted word, escapes decoded. Answers where the next one begins. */
static size_t unescape(const char *bytes, size_t at, size_t end, char *ret_char)
{
	static const char letters[] = "nrtba", meanings[] = "\n\r\t\b\a";
	const char *letter;

	if (bytes[at] != '\\' || at + 1 >= end) {
		*ret_char = bytes[at];
		return at + 1;
	}
	if (bytes[at + 1] == 'x' && at + 3 < end && hex_digit(bytes[at + 2]) >= 0 && hex_digit(bytes[at + 3]) >= 0) {
		*ret_char = (char)(hex_digit(bytes[at + 2]) << 4 | hex_digit(bytes[at + 3]));
		return at + 4;
	}
	letter = bytes[at + 1] ? strchr(letters, bytes[at + 1]) : NULL;
	*ret_char = letter ? meanings[letter - letters] : bytes[at + 1];
	return at + 2;
}

/* The word at *at, decoded in place: what is written never overtakes what is read. False: quotes do not match. */
static bool take_word(char *bytes, size_t *at, size_t end, struct resp_arg *ret_arg)
{
	size_t from = *at, to = *at;
	char quote = '\0';

	ret_arg->at = (uint32_t)*at;
	while (from < end && (quote || !is_space(bytes[from]))) {
		if (bytes[from] == quote && quote) {
			if (from + 1 < end && !is_space(bytes[from + 1]))
				return false; /* a closing quote ends its word */
			quote = '\0';
			from++;
		} else if (!quote && (bytes[from] == '"' || bytes[from] == '\'')) {
			quote = bytes[from++];
		} else if (quote == '"') {
			from = unescape(bytes, from, end, &bytes[to]);
			to++;
		} else {
			from += quote == '\'' && bytes[from] == '\\' && from + 1 < end && bytes[from + 1] == '\'';
			bytes[to++] = bytes[from++];
		}
	}
	ret_arg->bytes = (uint32_t)(to - *at);
	*at = from;
	return quote == '\0';
}

static enum step inline_request(struct resp_parser *parser, char *bytes, size_t n)
{
	size_t at = 0, end = 0;
	const enum step step = find_line(parser, bytes, n, RESP_MAX_INLINE_BYTES,
		"ERR Protocol error: too big inline request", &end);

	if (step != STEP_ON)
		return step;
	parser->at = end + 1;
	for (;;) {
		while (at < end && is_space(bytes[at]))
			at++;
		if (at == end)
			return STEP_DONE;
		if (parser->argc == RESP_MAX_ARGS)
			return bad(parser, "ERR Protocol error: too many arguments");
		if (!take_word(bytes, &at, end, &parser->argv[parser->argc]))
			return bad(parser, "ERR Protocol error: unbalanced quotes in request");
		parser->argc++;
	}
}

/* ------------------------------------------------------------------ parse */

static enum step take_step(struct resp_parser *parser, char *bytes, size_t n)
{
	switch (parser->phase) {
	case RESP_AT_START:
		if (n == 0)
			return STEP_MORE;
		return bytes[0] == '*' ? array_start(parser, bytes, n) : inline_request(parser, bytes, n);
	case RESP_AT_LENGTH:
		return bulk_length(parser, bytes, n);
	case RESP_AT_BULK:
		return bulk_bytes(parser, bytes, n);
	}
	return STEP_BAD;
}

enum resp_status resp_parse(struct resp_parser *parser, char *bytes, size_t n)
{
	enum step step;

	if (parser->phase == RESP_AT_START)
		parser->argc = 0;
	do
		step = take_step(parser, bytes, n);
	while (step == STEP_ON);
	if (step == STEP_MORE)
		return RESP_MORE;
	if (step == STEP_BAD)
		return RESP_MALFORMED;
	parser->used = parser->at;
	parser->phase = RESP_AT_START;
	parser->at = 0;
	parser->looked = 0;
	return RESP_REQUEST;
}

/* ---------------------------------------------------------------- replies */

#define OUT_FIRST_BYTES 1024u
#define OUT_KEEP_BYTES (64u << 10)

void resp_out_fini(struct resp_out *out)
{
	free(out->bytes);
	*out = (struct resp_out){ 0 };
}

void resp_out_cut(struct resp_out *out, size_t n)
{
	out->n = n;
	out->failed = false;
}

void resp_out_clear(struct resp_out *out)
{
	if (out->room > OUT_KEEP_BYTES)
		resp_out_fini(out);
	resp_out_cut(out, 0);
}

/* Room for `n` more bytes, or NULL. */
static char *reserve(struct resp_out *out, size_t n)
{
	size_t room = out->room ? out->room : OUT_FIRST_BYTES;
	char *bytes;

	if (out->failed || n > RESP_MAX_REPLY_BYTES - out->n) {
		out->failed = true;
		return NULL;
	}
	if (out->n + n <= out->room)
		return out->bytes + out->n;
	while (room < out->n + n)
		room *= 2;
	bytes = realloc(out->bytes, room);
	if (!bytes) {
		out->failed = true;
		return NULL;
	}
	out->bytes = bytes;
	out->room = room;
	return bytes + out->n;
}

static void put(struct resp_out *out, const char *bytes, size_t n)
{
	char *to = reserve(out, n);

	if (!to)
		return;
	memcpy(to, bytes, n);
	out->n += n;
}

/* A letter, a number, CRLF. */
static void put_number(struct resp_out *out, char letter, int64_t value)
{
	char text[32];
	char *digit = text + sizeof text;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	*--digit = '\n';
	*--digit = '\r';
	do
		*--digit = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--digit = '-';
	*--digit = letter;
	put(out, digit, (size_t)(text + sizeof text - digit));
}

void resp_put_simple(struct resp_out *out, const char *text)
{
	put(out, "+", 1);
	put(out, text, strlen(text));
	put(out, "\r\n", 2);
}

void resp_put_error(struct resp_out *out, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = '?';
	put(out, "-", 1);
	put(out, text, strlen(text));
	put(out, "\r\n", 2);
}

void resp_put_integer(struct resp_out *out, int64_t value)
{
	put_number(out, ':', value);
}

void resp_put_bulk(struct resp_out *out, const char *bytes, size_t n)
{
	put_number(out, '$', (int64_t)n);
	put(out, bytes, n);
	put(out, "\r\n", 2);
}

void resp_put_nil(struct resp_out *out)
{
	put(out, "$-1\r\n", 5);
}

void resp_put_array(struct resp_out *out, size_t elements)
{
	put_number(out, '*', (int64_t)elements);
}
