/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "export/json.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *text;
static size_t bytes;
static struct cn_json json;

static int make(void **state)
{
	(void)state;
	cn_json_init(&json, open_memstream(&text, &bytes));
	return json.out ? 0 : -1;
}

static int unmake(void **state)
{
	(void)state;
	free(text);
	return 0;
}

static const char *done(void)
{
	fclose(json.out);
	return text;
}

static void values_stand_between_commas(void **state)
{
	(void)state;
	cn_json_object(&json, NULL);
	cn_json_string(&json, "name", "x");
	cn_json_id(&json, "id", UINT64_MAX);
	cn_json_array(&json, "rows");
	cn_json_object(&json, NULL);
	cn_json_number(&json, "n", 7);
	cn_json_bool(&json, "b", true);
	cn_json_null(&json, "z");
	cn_json_array(&json, "list");
	cn_json_number(&json, NULL, 1);
	cn_json_real(&json, NULL, 0.5);
	cn_json_real(&json, NULL, (double)NAN);
	cn_json_end(&json);
	cn_json_end(&json);
	cn_json_object(&json, NULL);
	cn_json_end(&json);
	cn_json_end(&json);
	cn_json_array(&json, "none");
	cn_json_end(&json);
	cn_json_end(&json);
	assert_string_equal(done(), "{\n"
				    "  \"name\": \"x\",\n"
				    "  \"id\": \"18446744073709551615\",\n"
				    "  \"rows\": [\n"
				    "    {\"n\": 7, \"b\": true, \"z\": null, \"list\": [1, 0.5, null]},\n"
				    "    {}\n"
				    "  ],\n"
				    "  \"none\": []\n"
				    "}\n");
}

static void hostile_bytes_are_escaped(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "say \"hi\" \\ there", "\"say \\\"hi\\\" \\\\ there\"" },
		{ "\033[31m\n\t\177", "\"\\u001b[31m\\u000a\\u0009\\u007f\"" },
		{ "\xff\xc3", "\"\\u00ff\\u00c3\"" },         /* no UTF-8 */
		{ "\xc0\xaf", "\"\\u00c0\\u00af\"" },         /* overlong */
		{ "\xc2\x9b", "\"\\u009b\"" },                /* C1: a control sequence begins */
		{ "\xe2\x80\xae", "\"\\u202e\"" },            /* right-to-left override */
		{ "\xf3\xa0\x81\x81", "\"\\udb40\\udc41\"" }, /* a tag character, past the BMP */
		{ "gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2", "\"gr\\u00fc\\u00df \xe6\xbc\xa2\"" },
	};

	(void)state;
	cn_json_array(&json, NULL);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		cn_json_string(&json, NULL, cases[i].from);
	cn_json_end(&json);
	done();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_non_null(strstr(text, cases[i].to));
}

static int use_utf8(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

TEST_MAIN_WITH(use_utf8, NULL, cmocka_unit_test_setup_teardown(values_stand_between_commas, make, unmake),
	cmocka_unit_test_setup_teardown(hostile_bytes_are_escaped, make, unmake));
