/* SPDX-License-Identifier: MIT */
/*
 * The parser gets its bytes in copies of exactly their size, so that a
 * sanitizer sees any look past the end.
 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "mini_redis/resp.h"

/* ------------------------------------------------------------- transcript */

/* What the parser made of some input, as text: "[GET|key][PING]", or "...!error" at its end. */
struct transcript {
	char text[8192];
	size_t n;
};

static void note(struct transcript *t, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)bytes[i];

		assert_true(t->n + 8 < sizeof t->text);
		if (c >= ' ' && c < 0x7f)
			t->text[t->n++] = (char)c;
		else
			t->n += (size_t)snprintf(t->text + t->n, 8, "<%02x>", c);
	}
	t->text[t->n] = '\0';
}

static void note_request(struct transcript *t, const struct resp_parser *parser, const char *bytes)
{
	note(t, "[", 1);
	for (uint32_t i = 0; i < parser->argc; i++) {
		if (i)
			note(t, "|", 1);
		assert_true(parser->argv[i].at + parser->argv[i].bytes <= parser->used);
		note(t, bytes + parser->argv[i].at, parser->argv[i].bytes);
	}
	note(t, "]", 1);
}

/*
 * Parses what lies between *start and `end` of the script, as far as it goes.
 * False: it is malformed.
 */
static bool feed(struct resp_parser *parser, const char *script, size_t *start, size_t end, struct transcript *t)
{
	for (;;) {
		const size_t n = end - *start;
		char *bytes = malloc(n ? n : 1);
		enum resp_status status;

		assert_non_null(bytes);
		memcpy(bytes, script + *start, n);
		status = resp_parse(parser, bytes, n);
		if (status == RESP_REQUEST) {
			assert_true(parser->used > 0 && parser->used <= n);
			note_request(t, parser, bytes);
			*start += parser->used;
		} else if (status == RESP_MALFORMED) {
			note(t, "!", 1);
			note(t, parser->error, strlen(parser->error));
		}
		free(bytes);
		if (status != RESP_REQUEST)
			return status == RESP_MORE;
	}
}

/* Parses the script cut at each of the `cuts` (rising, the last one its end). */
static void parse_cut(const char *script, const size_t *cuts, size_t n_cuts, struct transcript *t)
{
	static struct resp_parser parser;
	size_t start = 0;

	memset(&parser, 0, sizeof parser);
	t->n = 0;
	t->text[0] = '\0';
	for (size_t i = 0; i < n_cuts; i++)
		if (!feed(&parser, script, &start, cuts[i], t))
			return;
}

static void parse_whole(const char *script, size_t n, struct transcript *t)
{
	parse_cut(script, &n, 1, t);
}

#define EXPECT(SCRIPT, TRANSCRIPT)                                                                 \
	do {                                                                                       \
		static struct transcript expect_;                                                  \
		parse_whole((SCRIPT), sizeof(SCRIPT) - 1, &expect_);                               \
		assert_string_equal(expect_.text, (TRANSCRIPT));                                   \
	} while (0)

/* ------------------------------------------------------------------ splits */

static const char script[] =
	"PING\r\n"
	"*3\r\n$3\r\nSET\r\n$5\r\nkey\r\n\r\n$0\r\n\r\n"
	"set \"quoted \\x41\\n\" 'it\\'s'\n"
	"\r\n"
	"*0\r\n"
	"*2\r\n$4\r\nECHO\r\n$12\r\n*1\r\n$4\r\nPING\r\n"
	"  MGET a\t b  \r\n"
	"*1\r\n$4\r\nQUIT\r\n"
	"get \"never closed\r\n"
	"PING\r\n";
static const char script_reads[] =
	"[PING][SET|key<0d><0a>|][set|quoted A<0a>|it's][][][ECHO|*1<0d><0a>$4<0d><0a>PING][MGET|a|b][QUIT]"
	"!ERR Protocol error: unbalanced quotes in request";

static void a_pipelined_script_reads_the_same_at_every_split(void **state)
{
	static struct transcript t;
	const size_t n = sizeof script - 1;

	(void)state;
	parse_whole(script, n, &t);
	assert_string_equal(t.text, script_reads);
	for (size_t i = 0; i <= n; i++) {
		for (size_t j = i; j <= n; j++) {
			parse_cut(script, (const size_t[]){ i, j, n }, 3, &t);
			assert_string_equal(t.text, script_reads);
		}
	}
}

static void it_reads_the_same_byte_by_byte(void **state)
{
	static struct transcript t;
	size_t cuts[sizeof script];

	(void)state;
	for (size_t i = 0; i < sizeof script; i++)
		cuts[i] = i;
	parse_cut(script, cuts, sizeof script, &t);
	assert_string_equal(t.text, script_reads);
}

static void a_long_line_is_not_searched_twice(void **state)
{
	static struct resp_parser parser;
	char line[100];

	(void)state;
	memset(&parser, 0, sizeof parser);
	memset(line, 'x', sizeof line);
	for (size_t n = 1; n <= sizeof line; n++) {
		assert_int_equal(resp_parse(&parser, line, n), RESP_MORE);
		line[n - 1] = '\n'; /* behind its back: a second look would see it */
	}
}

/* ------------------------------------------------------------------ inline */

static void inline_words_are_read_as_redis_reads_them(void **state)
{
	(void)state;
	EXPECT("  a  b\r\n", "[a|b]");
	EXPECT("a\n", "[a]");
	EXPECT("\"\" ''\r\n", "[|]");
	EXPECT("\"\\n\\r\\t\\a\\b\\\\\\\"\\q\"\r\n", "[<0a><0d><09><07><08>\\\"q]");
	EXPECT("\"\\x00\\xfF\\xg0\\x1\"\r\n", "[<00><ff>xg0x1]");
	EXPECT("'\\n' '\\''\r\n", "[\\n|']");
	EXPECT("pre\"fix\" 'a'\r\n", "[prefix|a]");
	EXPECT("a\\nb\r\n", "[a\\nb]");
	EXPECT("\r\n\r\nPING\r\n", "[][][PING]");
}

static void unbalanced_quotes_are_refused(void **state)
{
	static const char *const lines[] = { "\"\r\n", "'\r\n", "a \"b\r\n", "\"a\"b\r\n", "'a'b\r\n", "\"a\\\"\r\n",
		"'a\\'\r\n", "\"a\"\"b\"\r\n" };
	static struct transcript t;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		parse_whole(lines[i], strlen(lines[i]), &t);
		assert_string_equal(t.text, "!ERR Protocol error: unbalanced quotes in request");
	}
}

/* --------------------------------------------------------------- malformed */

static void malformed_arrays_are_refused_by_name(void **state)
{
	(void)state;
	EXPECT("*\r\n", "!ERR Protocol error: invalid multibulk length");
	EXPECT("*x\r\n", "!ERR Protocol error: invalid multibulk length");
	EXPECT("*1\n", "!ERR Protocol error: invalid multibulk length");
	EXPECT("*+1\r\n", "!ERR Protocol error: invalid multibulk length");
	EXPECT("*01\r\n", "!ERR Protocol error: invalid multibulk length");
	EXPECT("* 1\r\n", "!ERR Protocol error: invalid multibulk length");
	EXPECT("*1\r\nGET\r\n", "!ERR Protocol error: expected '$'");
	EXPECT("*1\r\n*1\r\n$1\r\na\r\n", "!ERR Protocol error: expected '$'");
	EXPECT("*1\r\n$\r\n", "!ERR Protocol error: invalid bulk length");
	EXPECT("*1\r\n$-1\r\n", "!ERR Protocol error: invalid bulk length");
	EXPECT("*1\r\n$1\r\nab\r\n", "!ERR Protocol error: expected CRLF after bulk");
	EXPECT("*1\r\n$1\r\na\n\n", "!ERR Protocol error: expected CRLF after bulk");
	EXPECT("*-1\r\nPING\r\n", "[][PING]");
}

static void huge_counts_are_refused_before_their_bytes_come(void **state)
{
	(void)state;
	EXPECT("*1025\r\n", "!ERR Protocol error: too many arguments");
	EXPECT("*9223372036854775807\r\n", "!ERR Protocol error: too many arguments");
	EXPECT("*9223372036854775808\r\n", "!ERR Protocol error: invalid multibulk length");
	EXPECT("*1\r\n$1048577\r\n", "!ERR Protocol error: invalid bulk length");
	EXPECT("*1\r\n$9223372036854775807\r\n", "!ERR Protocol error: invalid bulk length");
	EXPECT("*1\r\n$18446744073709551616\r\n", "!ERR Protocol error: invalid bulk length");
}

/* Counts that never end, and lines that never end. */
static void an_endless_line_is_refused_at_its_limit(void **state)
{
	static struct resp_parser parser;
	static char line[RESP_MAX_INLINE_BYTES];

	(void)state;
	memset(line, '1', sizeof line);
	line[0] = '*';
	memset(&parser, 0, sizeof parser);
	assert_int_equal(resp_parse(&parser, line, 31), RESP_MORE);
	assert_int_equal(resp_parse(&parser, line, 32), RESP_MALFORMED);
	line[0] = 'x';
	memset(&parser, 0, sizeof parser);
	assert_int_equal(resp_parse(&parser, line, sizeof line - 1), RESP_MORE);
	assert_int_equal(resp_parse(&parser, line, sizeof line), RESP_MALFORMED);
	assert_string_equal(parser.error, "ERR Protocol error: too big inline request");
}

static size_t print_head(char *to, const char *format, unsigned n)
{
	return (size_t)sprintf(to, format, n);
}

static void end_line(char *to)
{
	to[0] = '\r';
	to[1] = '\n';
}

static void what_is_just_within_the_limits_is_taken(void **state)
{
	static struct resp_parser parser;
	char *bytes = malloc(RESP_MAX_REQUEST_BYTES + 64);
	size_t n;

	(void)state;
	assert_non_null(bytes);
	n = print_head(bytes, "*%u\r\n", RESP_MAX_ARGS);
	for (unsigned i = 0; i < RESP_MAX_ARGS; i++)
		n += print_head(bytes + n, "$1\r\n%u\r\n", i % 10);
	memset(&parser, 0, sizeof parser);
	assert_int_equal(resp_parse(&parser, bytes, n), RESP_REQUEST);
	assert_int_equal(parser.argc, RESP_MAX_ARGS);
	assert_int_equal(parser.used, n);

	n = print_head(bytes, "*1\r\n$%u\r\n", RESP_MAX_BULK_BYTES);
	memset(bytes + n, '\r', RESP_MAX_BULK_BYTES);
	end_line(bytes + n + RESP_MAX_BULK_BYTES);
	n += RESP_MAX_BULK_BYTES + 2;
	assert_int_equal(resp_parse(&parser, bytes, n - 1), RESP_MORE);
	assert_int_equal(resp_parse(&parser, bytes, n), RESP_REQUEST);
	assert_int_equal(parser.argv[0].bytes, RESP_MAX_BULK_BYTES);
	free(bytes);
}

static void many_arguments_may_not_add_up_to_too_much(void **state)
{
	static struct resp_parser parser;
	char *bytes = malloc(RESP_MAX_REQUEST_BYTES + 64);
	size_t n = 0;
	enum resp_status status = RESP_MORE;

	(void)state;
	assert_non_null(bytes);
	memset(&parser, 0, sizeof parser);
	n = print_head(bytes, "*%u\r\n", 5);
	while (status == RESP_MORE && n < RESP_MAX_REQUEST_BYTES) {
		const size_t head = print_head(bytes + n, "$%u\r\n", RESP_MAX_BULK_BYTES);

		status = resp_parse(&parser, bytes, n + head);
		if (status != RESP_MORE)
			break;
		memset(bytes + n + head, 'x', RESP_MAX_BULK_BYTES);
		end_line(bytes + n + head + RESP_MAX_BULK_BYTES);
		n += head + RESP_MAX_BULK_BYTES + 2;
	}
	assert_int_equal(status, RESP_MALFORMED);
	assert_string_equal(parser.error, "ERR Protocol error: request too big");
	free(bytes);
}

/* Whatever comes: no byte beyond the end is looked at, and every cut reads the same. */
static void garbage_reads_the_same_however_it_is_cut(void **state)
{
	static const char letters[] = "*$$\r\n\r\n\r\n0123- \"'\\xgGET";
	static struct transcript whole, cut;
	uint64_t random = test_seed();
	char bytes[64];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		const size_t n = 1 + test_random(&random) % sizeof bytes;
		size_t a = test_random(&random) % (n + 1), b = test_random(&random) % (n + 1);

		for (size_t i = 0; i < n; i++)
			bytes[i] = letters[test_random(&random) % (sizeof letters - 1)];
		parse_whole(bytes, n, &whole);
		parse_cut(bytes, (const size_t[]){ a < b ? a : b, a < b ? b : a, n }, 3, &cut);
		assert_string_equal(whole.text, cut.text);
	}
}

/* ---------------------------------------------------------------- integers */

static void integers_are_strict_and_know_their_bounds(void **state)
{
	static const char *const bad[] = { "", "-", "+1", "01", "-0", " 1", "1 ", "1x", "9223372036854775808",
		"-9223372036854775809", "99999999999999999999" };
	int64_t value = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(resp_integer(bad[i], strlen(bad[i]), &value));
	assert_int_equal(value, 7);
	assert_true(resp_integer("0", 1, &value) && value == 0);
	assert_true(resp_integer("-1", 2, &value) && value == -1);
	assert_true(resp_integer("9223372036854775807", 19, &value) && value == INT64_MAX);
	assert_true(resp_integer("-9223372036854775808", 20, &value) && value == INT64_MIN);
}

/* ----------------------------------------------------------------- replies */

static void expect_out(struct resp_out *out, const char *text, size_t n)
{
	assert_int_equal(out->n, n);
	assert_memory_equal(out->bytes, text, n);
	resp_out_clear(out);
}
#define EXPECT_OUT(OUT, TEXT) expect_out((OUT), (TEXT), sizeof(TEXT) - 1)

static void replies_are_framed(void **state)
{
	struct resp_out out = { 0 };

	(void)state;
	resp_put_simple(&out, "OK");
	resp_put_integer(&out, INT64_MIN);
	resp_put_integer(&out, 0);
	resp_put_array(&out, 2);
	resp_put_bulk(&out, "a\0\r\n", 4);
	resp_put_bulk(&out, "", 0);
	resp_put_nil(&out);
	EXPECT_OUT(&out, "+OK\r\n:-9223372036854775808\r\n:0\r\n*2\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n$-1\r\n");
	resp_out_fini(&out);
}

static void an_error_never_breaks_its_line(void **state)
{
	struct resp_out out = { 0 };

	(void)state;
	resp_put_error(&out, "ERR '%s'", "a\r\n+OK\x1b[2J\xff");
	EXPECT_OUT(&out, "-ERR 'a??+OK?[2J?'\r\n");
	resp_out_fini(&out);
}

static void replies_are_bounded_and_can_be_taken_back(void **state)
{
	char *big = calloc(1, RESP_MAX_BULK_BYTES);
	struct resp_out out = { 0 };

	(void)state;
	assert_non_null(big);
	resp_put_simple(&out, "OK");
	for (int i = 0; i < 20; i++)
		resp_put_bulk(&out, big, RESP_MAX_BULK_BYTES);
	assert_true(out.failed);
	assert_true(out.n <= RESP_MAX_REPLY_BYTES && out.room <= RESP_MAX_REPLY_BYTES);
	resp_out_cut(&out, 5);
	assert_false(out.failed);
	EXPECT_OUT(&out, "+OK\r\n");
	assert_int_equal(out.room, 0); /* what one reply needed is not kept for ever */
	resp_out_fini(&out);
	free(big);
}

TEST_MAIN(cmocka_unit_test(a_pipelined_script_reads_the_same_at_every_split),
	cmocka_unit_test(it_reads_the_same_byte_by_byte), cmocka_unit_test(a_long_line_is_not_searched_twice),
	cmocka_unit_test(inline_words_are_read_as_redis_reads_them), cmocka_unit_test(unbalanced_quotes_are_refused),
	cmocka_unit_test(malformed_arrays_are_refused_by_name),
	cmocka_unit_test(huge_counts_are_refused_before_their_bytes_come),
	cmocka_unit_test(an_endless_line_is_refused_at_its_limit),
	cmocka_unit_test(what_is_just_within_the_limits_is_taken),
	cmocka_unit_test(many_arguments_may_not_add_up_to_too_much),
	cmocka_unit_test(garbage_reads_the_same_however_it_is_cut),
	cmocka_unit_test(integers_are_strict_and_know_their_bounds), cmocka_unit_test(replies_are_framed),
	cmocka_unit_test(an_error_never_breaks_its_line), cmocka_unit_test(replies_are_bounded_and_can_be_taken_back));
