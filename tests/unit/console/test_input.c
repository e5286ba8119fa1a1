/* SPDX-License-Identifier: MIT */
/* A line that is typed, and what completes it. */
#include "test.h"

#include "term/key.h"
#include "view/complete.h"
#include "view/input.h"

#include <locale.h>
#include <string.h>

static void press(struct cn_input *input, const char *text)
{
	for (; *text; text++)
		assert_true(cn_input_key(input, (unsigned char)*text));
}

static void keys_edit_at_the_cursor(void **state)
{
	struct cn_input input = { 0 };

	(void)state;
	press(&input, "age>1s");
	cn_input_key(&input, CN_KEY_LEFT);
	press(&input, "0");
	assert_string_equal(input.text, "age>10s");
	cn_input_key(&input, CN_KEY_HOME);
	press(&input, "-");
	assert_string_equal(input.text, "-age>10s");
	assert_true(cn_input_key(&input, CN_KEY_DELETE));
	assert_string_equal(input.text, "-ge>10s");
	cn_input_key(&input, CN_KEY_END);
	press(&input, " conn");
	assert_true(cn_input_key(&input, CN_CTRL('w')));
	assert_string_equal(input.text, "-ge>10s ");
	cn_input_key(&input, CN_KEY_LEFT);
	cn_input_key(&input, CN_KEY_LEFT);
	assert_true(cn_input_key(&input, CN_CTRL('k')));
	assert_string_equal(input.text, "-ge>10");
	assert_true(cn_input_key(&input, CN_CTRL('u')));
	assert_string_equal(input.text, "");
	assert_false(cn_input_key(&input, CN_KEY_BACKSPACE));
	assert_false(cn_input_key(&input, CN_KEY_PAGE_UP));
}

static void a_character_is_erased_and_passed_whole(void **state)
{
	struct cn_input input = { 0 };

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	cn_input_key(&input, 'a');
	cn_input_key(&input, 0x65e5);
	cn_input_key(&input, 'b');
	cn_input_key(&input, CN_KEY_LEFT);
	cn_input_key(&input, CN_KEY_LEFT);
	assert_int_equal(input.cursor, 1);
	cn_input_key(&input, CN_KEY_RIGHT);
	assert_int_equal(input.cursor, 4);
	cn_input_key(&input, CN_KEY_BACKSPACE);
	assert_string_equal(input.text, "ab");
}

static void a_line_ends_where_there_is_no_room(void **state)
{
	struct cn_input input = { 0 };

	(void)state;
	for (int i = 0; i < CN_INPUT_BYTES - 1; i++)
		assert_true(cn_input_key(&input, 'x'));
	assert_false(cn_input_key(&input, 'x'));
	assert_int_equal(strlen(input.text), CN_INPUT_BYTES - 1);
}

static void earlier_lines_come_back_and_what_was_typed_is_kept(void **state)
{
	struct cn_input input = { 0 };
	struct cn_past past = { 0 };

	(void)state;
	cn_past_add(&past, "one");
	cn_past_add(&past, "two");
	cn_past_add(&past, "");
	cn_past_add(&past, "one"); /* again: it is the newest now, and stands there once */
	press(&input, "thr");
	assert_true(cn_input_recall(&input, &past, 1));
	assert_string_equal(input.text, "one");
	assert_true(cn_input_recall(&input, &past, 1));
	assert_string_equal(input.text, "two");
	assert_false(cn_input_recall(&input, &past, 1));
	assert_true(cn_input_recall(&input, &past, -1));
	assert_true(cn_input_recall(&input, &past, -1));
	assert_string_equal(input.text, "thr");
	assert_false(cn_input_recall(&input, &past, -1));
	for (int i = 0; i < 2 * CN_PAST_LINES; i++)
		cn_past_add(&past, (char[]){ (char)('0' + i), 0 });
	assert_int_equal(past.n, CN_PAST_LINES);
	assert_int_equal(past.lines[past.n - 1][0], '0' + 2 * CN_PAST_LINES - 1);
}

static void fields_are_completed_to_what_is_common(void **state)
{
	const uint64_t fields = CN_FIELD_BIT(POLLS) | CN_FIELD_BIT(POLL_RATE) | CN_FIELD_BIT(STATE) |
				CN_FIELD_BIT(WAKES) | CN_FIELD_BIT(FINDING);
	struct cn_completions completions;

	(void)state;
	cn_complete("age>1s -po", 10, fields, &completions);
	assert_int_equal(completions.from, 8);
	assert_int_equal(completions.n, 2);
	assert_string_equal(completions.common, "polls");
	cn_complete("st", 2, fields, &completions);
	assert_string_equal(completions.common, "state:");
	cn_complete("a | (state:pe", 13, fields, &completions);
	assert_int_equal(completions.from, 11);
	assert_string_equal(completions.common, "pending");
	cn_complete("finding:wait-c", 14, fields, &completions);
	assert_string_equal(completions.common, "wait-cycle");
	cn_complete("", 0, fields, &completions);
	assert_int_equal(completions.n, 5);
	cn_complete("zzz", 3, fields, &completions);
	assert_int_equal(completions.n, 0);
}

TEST_MAIN(cmocka_unit_test(keys_edit_at_the_cursor), cmocka_unit_test(a_character_is_erased_and_passed_whole),
	cmocka_unit_test(a_line_ends_where_there_is_no_room),
	cmocka_unit_test(earlier_lines_come_back_and_what_was_typed_is_kept),
	cmocka_unit_test(fields_are_completed_to_what_is_common));
