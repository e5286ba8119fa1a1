/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "mini_redis/command.h"

static struct store *store;
static struct resp_parser parser;
static struct resp_out out;

static int make_store(void **state)
{
	(void)state;
	store = store_new();
	return store ? 0 : -1;
}

static int free_store(void **state)
{
	(void)state;
	store_free(store);
	resp_out_fini(&out);
	return 0;
}

/* Runs one request, given inline; *reply is good until the next. True: the connection stays open. */
static bool run(const char *line, const char **reply)
{
	char bytes[512];
	bool open;

	assert_true(snprintf(bytes, sizeof bytes, "%s\r\n", line) < (int)sizeof bytes);
	assert_int_equal(resp_parse(&parser, bytes, strlen(bytes)), RESP_REQUEST);
	resp_out_clear(&out);
	open = command_run(store, &parser, bytes, &out);
	resp_put_bulk(&out, "", 0); /* never empty... */
	out.bytes[out.n - 6] = '\0'; /* ...and a string */
	*reply = out.bytes;
	return open;
}

static void expect(const char *line, const char *expected)
{
	const char *reply;

	assert_true(run(line, &reply));
	assert_string_equal(reply, expected);
}

static void each_command_answers_as_redis_does(void **state)
{
	(void)state;
	expect("PING", "+PONG\r\n");
	expect("ping hello", "$5\r\nhello\r\n");
	expect("ECHO \"a b\"", "$3\r\na b\r\n");
	expect("GET k", "$-1\r\n");
	expect("SET k v", "+OK\r\n");
	expect("gEt k", "$1\r\nv\r\n");
	expect("MSET a 1 b 2 a 3", "+OK\r\n");
	expect("MGET a b none k", "*4\r\n$1\r\n3\r\n$1\r\n2\r\n$-1\r\n$1\r\nv\r\n");
	expect("DEL a a none k", ":2\r\n");
	expect("GET k", "$-1\r\n");
	expect("", "");
}

static void incr_counts_in_place_and_refuses_what_is_no_number(void **state)
{
	(void)state;
	expect("INCR n", ":1\r\n");
	expect("INCR n", ":2\r\n");
	expect("GET n", "$1\r\n2\r\n");
	expect("SET n -10", "+OK\r\n");
	expect("INCR n", ":-9\r\n");
	expect("SET n 9223372036854775806", "+OK\r\n");
	expect("INCR n", ":9223372036854775807\r\n");
	expect("INCR n", "-ERR increment or decrement would overflow\r\n");
	expect("GET n", "$19\r\n9223372036854775807\r\n");
	expect("SET n 1x", "+OK\r\n");
	expect("INCR n", "-ERR value is not an integer or out of range\r\n");
	expect("SET n \"\"", "+OK\r\n");
	expect("INCR n", "-ERR value is not an integer or out of range\r\n");
	expect("SET n 9223372036854775808", "+OK\r\n");
	expect("INCR n", "-ERR value is not an integer or out of range\r\n");
}

static void wrong_arity_is_named(void **state)
{
	static const char *const lines[] = { "get", "get a b", "set a", "set a b c", "incr", "incr a b", "del", "mget",
		"mset", "mset a", "mset a 1 b", "echo", "echo a b", "ping a b" };
	char expected[80];

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		snprintf(expected, sizeof expected, "-ERR wrong number of arguments for '%.4s' command\r\n", lines[i]);
		if (!strncmp(lines[i], "get", 3) || !strncmp(lines[i], "set", 3) || !strncmp(lines[i], "del", 3))
			snprintf(expected, sizeof expected, "-ERR wrong number of arguments for '%.3s' command\r\n",
				lines[i]);
		expect(lines[i], expected);
	}
}

static void an_unknown_command_is_named_harmlessly(void **state)
{
	(void)state;
	expect("FOO bar", "-ERR unknown command 'FOO'\r\n");
	expect("\"a\\r\\n+OK\\x1b\"", "-ERR unknown command 'a??+OK?'\r\n");
	expect("\"\"", "-ERR unknown command ''\r\n");
	expect("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxyyyy",
		"-ERR unknown command 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'\r\n");
}

static void clients_questions_are_answered(void **state)
{
	(void)state;
	expect("CONFIG GET save", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
	expect("CONFIG GET appendonly", "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n");
	expect("CONFIG GET other", "*0\r\n");
	expect("CONFIG SET save x", "-ERR only CONFIG GET with one name is supported\r\n");
	expect("COMMAND", "*0\r\n");
	expect("COMMAND DOCS", "*0\r\n");
	expect("COMMAND COUNT", ":12\r\n");
	expect("CLIENT SETINFO lib-name x", "+OK\r\n");
}

static void quit_and_browsers_close_the_connection(void **state)
{
	const char *reply;

	(void)state;
	assert_false(run("QUIT", &reply));
	assert_string_equal(reply, "+OK\r\n");
	assert_false(run("POST / HTTP/1.1", &reply));
	assert_string_equal(reply, "-ERR this is not an HTTP server\r\n");
	assert_false(run("Host: example.org", &reply));
}

/* Seventeen values of a megabyte do not fit a reply: the half that did is taken back. */
static void a_reply_that_is_too_big_becomes_an_error(void **state)
{
	const struct store_slice key = { "big", 3 };
	const uint64_t hash = store_hash(store, key);
	char *value = calloc(1, RESP_MAX_BULK_BYTES);

	(void)state;
	assert_non_null(value);
	store_lock(store, store_shard(hash));
	assert_int_equal(store_set_locked(store, hash, key, (struct store_slice){ value, RESP_MAX_BULK_BYTES }), 0);
	store_unlock(store, store_shard(hash));
	free(value);
	expect("MGET big big big big big big big big big big big big big big big big big",
		"-ERR the reply is too big, or memory is short\r\n");
	expect("PING", "+PONG\r\n");
}

TEST_MAIN(cmocka_unit_test_setup_teardown(each_command_answers_as_redis_does, make_store, free_store),
	cmocka_unit_test_setup_teardown(incr_counts_in_place_and_refuses_what_is_no_number, make_store, free_store),
	cmocka_unit_test_setup_teardown(wrong_arity_is_named, make_store, free_store),
	cmocka_unit_test_setup_teardown(an_unknown_command_is_named_harmlessly, make_store, free_store),
	cmocka_unit_test_setup_teardown(clients_questions_are_answered, make_store, free_store),
	cmocka_unit_test_setup_teardown(quit_and_browsers_close_the_connection, make_store, free_store),
	cmocka_unit_test_setup_teardown(a_reply_that_is_too_big_becomes_an_error, make_store, free_store));
