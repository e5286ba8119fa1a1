/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "config/nearest.h"
#include "config/toml.h"

#include <errno.h>
#include <string.h>

struct taken {
	char text[1024];
	size_t n;
};

static void say(struct taken *taken, const char *text)
{
	taken->n += (size_t)snprintf(taken->text + taken->n, sizeof taken->text - taken->n, "%s", text);
	assert_true(taken->n < sizeof taken->text);
}

static int on_table(void *arg, const char *name, struct cn_toml_error *error)
{
	(void)error;
	say(arg, "[");
	say(arg, name);
	say(arg, "]");
	return 0;
}

/* "table/key@line:column=Stext;" with a letter for the kind, and bars between items. */
static int on_item(void *arg, const struct cn_toml_item *item, struct cn_toml_error *error)
{
	const char *text = item->text;
	char head[512];

	(void)error;
	snprintf(head, sizeof head, "%s/%s@%u:%u=%c", item->table, item->key, item->value_at.line,
		item->value_at.column, "SNBL"[item->kind]);
	say(arg, head);
	for (size_t i = 0; i < item->n; i++) {
		say(arg, i ? "|" : "");
		say(arg, text);
		text += strlen(text) + 1;
	}
	say(arg, ";");
	return 0;
}

static const struct cn_toml_sink sink = { on_table, on_item };

static void what_is_toml_is_taken_with_its_place(void **state)
{
	static const struct {
		const char *text, *taken;
	} cases[] = {
		{ "", "" },
		{ "# nothing\n\r\n \t# more", "" },
		{ "a = 1", "/a@1:5=N1;" },
		{ "a=1 # one\r\nb=2\r\n", "/a@1:3=N1;/b@2:3=N2;" },
		{ "a = -1_000\nb = 0.5\nc = 1e3\nd = +2.5E-3", "/a@1:5=N-1000;/b@2:5=N0.5;/c@3:5=N1e3;/d@4:5=N2.5E-3;" },
		{ "a = true\nb = false", "/a@1:5=Btrue;/b@2:5=Bfalse;" },
		{ "a = \"x # y\" # z", "/a@1:5=Sx # y;" },
		{ "a = \"\\u00e9\\t\\\\\\\"\" \nb = 'a\\n'", "/a@1:5=S\xc3\xa9\t\\\";/b@2:5=Sa\\n;" },
		{ "a = \"\"", "/a@1:5=S;" },
		{ "a = []", "/a@1:5=L;" },
		{ "a = [ 'x', # first\n\n  \"y\",\n]\nb = 1", "/a@1:5=Lx|y;/b@5:5=N1;" },
		{ "[t]\na = 1\n[ u . 'v w' ]\nb-c_9 = 1", "[t]t/a@2:5=N1;[u.v w]u.v w/b-c_9@4:9=N1;" },
		{ "a . b = 1", "/a.b@1:9=N1;" },
		{ "\"\xc3\xa9\xc3\xa9\" = 1", "/\xc3\xa9\xc3\xa9@1:8=N1;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct taken taken = { .n = 0 };
		struct cn_toml_error error = { .text = "" };

		if (cn_toml_read(cases[i].text, strlen(cases[i].text), &sink, &taken, &error))
			print_error("%s: %s\n", cases[i].text, error.text);
		assert_string_equal(error.text, "");
		assert_string_equal(taken.text, cases[i].taken);
	}
}

static void what_is_not_is_refused_at_its_place(void **state)
{
	static const struct {
		const char *text, *error;
		unsigned int line, column;
	} cases[] = {
		{ "a", "= is expected after a, not the end of the line", 1, 2 },
		{ "a = ", "a value is expected, not the end of the line", 1, 5 },
		{ "\n\n  a = x", "quotes", 3, 7 },
		{ "a = 01", "neither a number", 1, 5 },
		{ "a = 1.", "neither a number", 1, 5 },
		{ "a = .5", "neither a number", 1, 5 },
		{ "a = 1__0", "neither a number", 1, 5 },
		{ "a = 1_", "neither a number", 1, 5 },
		{ "a = 0x10", "neither a number", 1, 5 },
		{ "a = 2024-01-01", "neither a number", 1, 5 },
		{ "a = 1 2", "go on with 2", 1, 7 },
		{ "a = \"x", "a \" is missing", 1, 5 },
		{ "a = \"x\n\"", "a \" is missing", 1, 5 },
		{ "a = \"\\q\"", "no escape \\q", 1, 7 },
		{ "a = \"\\u12\"", "4 hexadecimal digits", 1, 8 },
		{ "a = \"\\ud800\"", "no character U+D800", 1, 8 },
		{ "a = \"\\u0000\"", "no character U+0000", 1, 8 },
		{ "a = \"\"\"x\"\"\"", "several lines", 1, 5 },
		{ "a = { b = 1 }", "tables in a value", 1, 5 },
		{ "a = [[1]]", "lists in lists", 1, 6 },
		{ "a = [1 2]", "a comma or ]", 1, 8 },
		{ "a = [1,\n2", "no end", 1, 5 },
		{ "a = [,]", "a value is expected, not ,", 1, 6 },
		{ "[[a]]", "arrays of tables", 1, 1 },
		{ "[a", "a ] is expected", 1, 3 },
		{ "[a] b", "go on with b", 1, 5 },
		{ "[]", "a name is expected, not ]", 1, 2 },
		{ "= 1", "a name is expected, not =", 1, 1 },
		{ "a. = 1", "a name is expected, not =", 1, 4 },
		{ "'a.b' = 1", "a dot in it", 1, 1 },
		{ "a = 1\n\xc3\x28 = 1", "not UTF-8: byte 0xc3", 2, 1 },
		{ "a = 1 # \x01", "control character: byte 0x01", 1, 9 },
		{ "a = 1\r", "control character: byte 0x0d", 1, 6 },
		{ "a = '\x7f'", "control character: byte 0x7f", 1, 6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct taken taken = { .n = 0 };
		struct cn_toml_error error = { .text = "" };

		assert_int_equal(cn_toml_read(cases[i].text, strlen(cases[i].text), &sink, &taken, &error), -EINVAL);
		if (!strstr(error.text, cases[i].error))
			print_error("%s: %s\n", cases[i].text, error.text);
		assert_non_null(strstr(error.text, cases[i].error));
		assert_int_equal(error.at.line, cases[i].line);
		assert_int_equal(error.at.column, cases[i].column);
	}
}

static void what_has_no_room_is_refused_not_cut(void **state)
{
	char text[CN_TOML_VALUE_BYTES + 64];
	struct taken taken = { .n = 0 };
	struct cn_toml_error error = { .text = "" };

	(void)state;
	memset(text, 'k', sizeof text);
	assert_int_equal(cn_toml_read(text, 200, &sink, &taken, &error), -EINVAL);
	assert_non_null(strstr(error.text, "too long"));
	memcpy(text, "a = \"", 5);
	text[sizeof text - 1] = '"';
	assert_int_equal(cn_toml_read(text, sizeof text, &sink, &taken, &error), -EINVAL);
	assert_non_null(strstr(error.text, "too long"));
	assert_int_equal(taken.n, 0);
}

static void a_name_is_taken_for_one_that_is_near(void **state)
{
	static const char *const names[] = { "theme", "color", NULL, "interval", "thresholds.poll" };
	static const struct {
		const char *word, *meant;
	} cases[] = { { "theme", "theme" }, { "thme", "theme" }, { "htmee", "theme" }, { "colour", "color" },
		{ "colro", "color" }, { "intervall", "interval" }, { "threshold.pol", "thresholds.poll" }, { "zebra", NULL },
		{ "", NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *meant = cn_nearest(cases[i].word, names, sizeof names / sizeof names[0]);

		if (cases[i].meant)
			assert_string_equal(meant, cases[i].meant);
		else
			assert_null(meant);
	}
}

TEST_MAIN(cmocka_unit_test(what_is_toml_is_taken_with_its_place),
	cmocka_unit_test(what_is_not_is_refused_at_its_place), cmocka_unit_test(what_has_no_room_is_refused_not_cut),
	cmocka_unit_test(a_name_is_taken_for_one_that_is_near));
