/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "export/text.h"

#include <locale.h>
#include <string.h>

static void what_a_terminal_would_obey_is_shown_instead(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(cn_text_safe(out, sizeof out, "\033]0;x\007", false), "\\x1b]0;x\\x07");
	assert_string_equal(cn_text_safe(out, sizeof out, "a\nb\r\x7f", false), "a\\x0ab\\x0d\\x7f");
	assert_string_equal(cn_text_safe(out, sizeof out,
				    "\xc2\x9b"
				    "31m",
				    false),
		"\\u{9b}31m");
	assert_string_equal(cn_text_safe(out, sizeof out,
				    "\x9b"
				    "31m",
				    false),
		"\\x9b31m");
	assert_string_equal(cn_text_safe(out, sizeof out,
				    "a\xe2\x80\xae"
				    "b",
				    false),
		"a\\u{202e}b");
}

static void honest_text_stays_as_it_is(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(cn_text_safe(out, sizeof out, "gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2", false),
		"gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2");
	assert_string_equal(cn_text_safe(out, sizeof out, "gr\xc3\xbc\xc3\x9f", true), "gr\\u{fc}\\u{df}");
	assert_string_equal(cn_text_safe(out, sizeof out, "", true), "");
}

static void a_cut_falls_between_characters(void **state)
{
	char out[8];

	(void)state;
	assert_string_equal(cn_text_safe(out, 8, "abcdefghij", false), "abcdefg");
	assert_string_equal(cn_text_safe(out, 8, "abcdef\xc3\xbc", false), "abcdef");
	assert_string_equal(cn_text_safe(out, 8, "abcd\033", false), "abcd");
	assert_string_equal(cn_text_safe(out, 1, "abc", false), "");
}

static void paths_lose_what_only_the_build_knows(void **state)
{
	(void)state;
	assert_string_equal(cn_path_short("../../runtime/a.c"), "runtime/a.c");
	assert_string_equal(cn_path_short("/src/a.c"), "/src/a.c");
	assert_string_equal(cn_path_base("../runtime/a.c"), "a.c");
	assert_string_equal(cn_path_base("a.c"), "a.c");
}

static int use_utf8(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

TEST_MAIN_WITH(use_utf8, NULL, cmocka_unit_test(what_a_terminal_would_obey_is_shown_instead),
	cmocka_unit_test(honest_text_stays_as_it_is), cmocka_unit_test(a_cut_falls_between_characters),
	cmocka_unit_test(paths_lose_what_only_the_build_knows));
