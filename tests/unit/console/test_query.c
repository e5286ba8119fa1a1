/* SPDX-License-Identifier: MIT */
/* Queries over rows made by hand: what a line means, where it makes none. */
#include "test.h"

#include "model/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A row has the fields that are set; `asked` counts what it was asked for. */
struct row {
	const char *texts[CN_FIELD_COUNT];
	uint64_t numbers[CN_FIELD_COUNT], shares[CN_FIELD_COUNT];
	uint64_t has, has_share;
	const char *words;
	unsigned int texts_asked, words_asked;
};

static const char *text_of(const void *arg, enum cn_field field, char room[CN_QUERY_ROOM])
{
	struct row *row = (struct row *)(uintptr_t)arg;

	(void)room;
	row->texts_asked++;
	return row->texts[field];
}

static bool number_of(const void *arg, enum cn_field field, bool share, uint64_t *ret)
{
	const struct row *row = arg;

	*ret = share ? row->shares[field] : row->numbers[field];
	return (share ? row->has_share : row->has) >> field & 1;
}

static const char *words_of(const void *arg, char room[CN_QUERY_ROOM])
{
	struct row *row = (struct row *)(uintptr_t)arg;

	row->words_asked++;
	snprintf(room, CN_QUERY_ROOM, "%s", row->words);
	return room;
}

/* A task that sleeps: ten seconds old, 17 polls, busy for half of the time. */
static struct row sleeper(void)
{
	struct row row = {
		.texts = { [CN_FIELD_STATE] = "pending",
			[CN_FIELD_NAME] = "conn:7",
			[CN_FIELD_AT] = "server.c:120",
			[CN_FIELD_SPAWN] = "main.c:9",
			[CN_FIELD_WAITS] = "lock mutex #12 left" },
		.has = CN_FIELD_BIT(ID) | CN_FIELD_BIT(AGE) | CN_FIELD_BIT(POLLS) | CN_FIELD_BIT(BUSY),
		.has_share = CN_FIELD_BIT(BUSY),
		.words = "#17 conn:7 pending lock server.c:120",
	};

	row.numbers[CN_FIELD_ID] = 17;
	row.numbers[CN_FIELD_AGE] = 10000000000;
	row.numbers[CN_FIELD_POLLS] = 1500;
	row.numbers[CN_FIELD_BUSY] = 5000000000;
	row.shares[CN_FIELD_BUSY] = CN_QUERY_WHOLE / 2;
	return row;
}

static bool matches(const char *line)
{
	struct row row = sleeper();
	const struct cn_query_row asked = { &row, text_of, number_of, words_of };
	struct cn_query_error error;
	struct cn_query query;

	if (cn_query_parse(line, UINT64_MAX, &query, &error) < 0)
		fail_msg("\"%s\": %s, at %zu", line, error.text, error.at);
	return cn_query_match(&query, &asked);
}

static void check_all(const char *const *lines, size_t n, bool expected)
{
	for (size_t i = 0; i < n; i++)
		if (matches(lines[i]) != expected)
			fail_msg("\"%s\" is %sexpected to match", lines[i], expected ? "" : "not ");
}

static void fields_words_and_numbers_hold(void **state)
{
	static const char *const yes[] = { "", "  ", "state:pending", "STATE:Pend", "state=pending", "state!=running",
		"name~conn", "name:conn:7", "name=conn*", "name:c?nn", "site:server.c:120", "site:main.c", "at:server",
		"spawn=main.c:9", "id:17", "id=17", "id:#17", "age>9s", "age>=10s", "age<=10s", "age=10s", "age<1m",
		"age>0", "age<1h1s", "age>9999ms", "polls>1k", "polls<1.6k", "polls:1.5k", "polls>=1500", "busy>49%",
		"busy<50.5%", "busy=50%", "busy>4s", "waits:mutex", "waits:#12", "conn pending", "\"lock server\"",
		"LOCK", "conn:7", "trouble:x | conn", "a=b | conn", "-nowhere", "-state:running", "not state:running",
		"-(state:running | polls>2k)", "state:running or polls>1k", "state:running|polls>1k",
		"state:pending and polls>1k", "(state:running | state:pending) age>9s", "((conn))", "-p99>5ms",
		"waits:\"mutex #12\"", "state:pending age>9s name~conn polls>1k busy>10% id:17 -name~x" };
	static const char *const no[] = { "state:running", "state=pend", "state!=pending", "-state:pending",
		"name=conn", "name:c?n7", "site:other.c", "id:18", "age>10s", "age<10s", "age!=10s", "polls>1.5k",
		"busy>50%", "busy<4s", "p99>0", "p99<1h", "holder:x", "holder!=x", "conn nowhere",
		"\"pending server\"", "-conn", "conn -pending", "(state:running | conn) age>11s", "conn (a | b)",
		"-(conn)", "marked" };

	(void)state;
	check_all(yes, sizeof yes / sizeof *yes, true);
	check_all(no, sizeof no / sizeof *no, false);
}

static void and_binds_closer_than_or(void **state)
{
	(void)state;
	assert_true(matches("conn | nowhere nowhere"));
	assert_true(matches("nowhere nowhere | conn"));
	assert_false(matches("(conn | nowhere) nowhere"));
	assert_true(matches("-nowhere | nowhere"));
	assert_false(matches("-conn | nowhere"));
}

static void what_is_no_field_is_text_but_where_it_is_compared(void **state)
{
	struct cn_query_error error;
	struct cn_query query;

	(void)state;
	assert_int_equal(cn_query_parse("trouble:deadlock-a 127.0.0.1:6379 a=b ::1", UINT64_MAX, &query, &error), 0);
	assert_int_equal(query.fields, 0);
	assert_int_equal(cn_query_parse("agee>10s", UINT64_MAX, &query, &error), -EINVAL);
}

struct wrong {
	const char *line;
	size_t at, bytes, term;
	const char *says;
};

static void an_error_has_its_place_and_its_reason(void **state)
{
	static const struct wrong wrongs[] = {
		{ "state:pending age>10x conn", 18, 3, 14, "a time, as" },
		{ "age>", 4, 1, 0, "a time, as" },
		{ "conn age>10", 9, 2, 5, "a time, as" },
		{ "polls>10s", 6, 3, 0, "a count, as" },
		{ "polls>1.2.3", 6, 5, 0, "a count, as" },
		{ "polls>50%", 6, 3, 0, "a count, as" },
		{ "polls>99999999999999999999", 6, 20, 0, "a count, as" },
		{ "cpu>5", 4, 1, 0, "a share, as" },
		{ "id:1k", 3, 2, 0, "a whole number" },
		{ "id:18446744073709551616", 3, 20, 0, "a whole number" },
		{ "state>pending", 5, 1, 0, "no more and less" },
		{ "agee>10s", 0, 4, 0, "no field agee" },
		{ "name:\"conn", 5, 1, 0, "not closed" },
		{ "a (b | c", 2, 1, 2, "not closed" },
		{ "a |", 3, 1, 3, "missing" },
		{ "| a", 0, 1, 0, "missing" },
		{ "conn ()", 6, 1, 5, "missing" },
		{ "\"\"", 2, 1, 0, "missing" },
		{ "state:", 6, 1, 0, "a text" },
		{ "marked:1", 6, 1, 0, "wants nothing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		const struct wrong *wrong = &wrongs[i];
		struct cn_query_error error = { .at = 99 };
		struct cn_query query = { .n = 77 };

		assert_int_equal(cn_query_parse(wrong->line, UINT64_MAX, &query, &error), -EINVAL);
		if (!strstr(error.text, wrong->says) || error.at != wrong->at || error.bytes != wrong->bytes ||
			error.term != wrong->term)
			fail_msg("\"%s\": \"%s\" at %zu+%zu, in the word at %zu", wrong->line, error.text, error.at,
				error.bytes, error.term);
		assert_int_equal(query.n, 77);
	}
}

static void a_field_that_rows_do_not_have_is_refused(void **state)
{
	struct cn_query_error error;
	struct cn_query query;

	(void)state;
	assert_int_equal(cn_query_parse("p99>5ms", CN_FIELD_BIT(NAME), &query, &error), -EINVAL);
	assert_non_null(strstr(error.text, "no p99"));
	assert_int_equal(cn_query_parse("name:x", CN_FIELD_BIT(NAME), &query, &error), 0);
	assert_int_equal(query.fields, CN_FIELD_BIT(NAME));
	/* A word that is a flag elsewhere is a word here. */
	assert_int_equal(cn_query_parse("marked", CN_FIELD_BIT(NAME), &query, &error), 0);
	assert_int_equal(query.fields, 0);
}

static void a_line_is_bounded_in_length_width_and_depth(void **state)
{
	char line[CN_QUERY_BYTES + 64] = "";
	struct cn_query_error error;
	struct cn_query query;

	(void)state;
	memset(line, 'a', CN_QUERY_BYTES - 1);
	assert_int_equal(cn_query_parse(line, UINT64_MAX, &query, &error), 0);
	line[CN_QUERY_BYTES - 1] = 'a';
	assert_int_equal(cn_query_parse(line, UINT64_MAX, &query, &error), -EINVAL);
	memset(line, '(', 40);
	strcpy(line + 40, "a");
	assert_int_equal(cn_query_parse(line, UINT64_MAX, &query, &error), -EINVAL);
	assert_non_null(strstr(error.text, "parentheses"));
	for (int i = 0; i < 100; i++)
		memcpy(line + 2L * i, "a ", 3);
	assert_int_equal(cn_query_parse(line, UINT64_MAX, &query, &error), -EINVAL);
	assert_non_null(strstr(error.text, "more than can be asked"));
}

/* What is dear (all words of a row are written for it) is only asked where the rest holds, and once. */
static void what_is_cheap_is_asked_first(void **state)
{
	struct row row = sleeper();
	const struct cn_query_row asked = { &row, text_of, number_of, words_of };
	struct cn_query_error error;
	struct cn_query query;

	(void)state;
	assert_int_equal(cn_query_parse("conn name:conn polls>2k", UINT64_MAX, &query, &error), 0);
	assert_false(cn_query_match(&query, &asked));
	assert_int_equal(row.words_asked + row.texts_asked, 0);
	assert_int_equal(cn_query_parse("conn name:x polls>1k", UINT64_MAX, &query, &error), 0);
	assert_false(cn_query_match(&query, &asked));
	assert_int_equal(row.texts_asked, 1);
	assert_int_equal(row.words_asked, 0);
	assert_int_equal(cn_query_parse("conn pending lock", UINT64_MAX, &query, &error), 0);
	assert_true(cn_query_match(&query, &asked));
	assert_int_equal(row.words_asked, 1);
}

static void stars_stand_for_any_text(void **state)
{
	(void)state;
	assert_true(cn_query_like("conn:7", "conn*", true));
	assert_true(cn_query_like("conn:7", "*7", true));
	assert_true(cn_query_like("conn:7", "c*n*7", true));
	assert_true(cn_query_like("aab", "a*ab", true));
	assert_false(cn_query_like("conn:7", "c*n*8", true));
	assert_false(cn_query_like("conn:7", "conn?", true));
	assert_false(cn_query_like("a conn:7 b", "o?:7", false));
	assert_true(cn_query_like("a conn:7 b", "n?7", false));
	assert_true(cn_query_like("", "*", true));
	assert_false(cn_query_like("", "?", true));
}

TEST_MAIN(cmocka_unit_test(fields_words_and_numbers_hold), cmocka_unit_test(and_binds_closer_than_or),
	cmocka_unit_test(what_is_no_field_is_text_but_where_it_is_compared),
	cmocka_unit_test(an_error_has_its_place_and_its_reason),
	cmocka_unit_test(a_field_that_rows_do_not_have_is_refused),
	cmocka_unit_test(a_line_is_bounded_in_length_width_and_depth), cmocka_unit_test(what_is_cheap_is_asked_first),
	cmocka_unit_test(stars_stand_for_any_text));
