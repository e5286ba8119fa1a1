/* SPDX-License-Identifier: MIT */
/*
 * One table holds all commands; lookup, arity checks and --help come from it.
 * Some of it is there only because redis-cli and redis-benchmark ask when they
 * connect: COMMAND, CONFIG and CLIENT give true, if short, answers.
 */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct call {
	struct store *store;
	struct resp_out *out;
	const struct resp_parser *request;
	const char *bytes;
};

static unsigned argc(const struct call *call)
{
	return call->request->argc;
}

static struct store_slice arg(const struct call *call, unsigned i)
{
	const struct resp_arg *a = &call->request->argv[i];

	return (struct store_slice){ call->bytes + a->at, a->bytes };
}

static bool is(struct store_slice slice, const char *word)
{
	return slice.n == strlen(word) && !strncasecmp(slice.bytes, word, slice.n);
}

/* ------------------------------------------------------------------ store */

static void put_stored(struct resp_out *out, int rc)
{
	if (rc == 0)
		resp_put_simple(out, "OK");
	else if (rc == -ENOSPC)
		resp_put_error(out, "OOM command not allowed: the store is full");
	else
		resp_put_error(out, "OOM out of memory");
}

static void put_value_locked(const struct call *call, uint64_t hash, struct store_slice key)
{
	struct store_slice value;

	if (store_get_locked(call->store, hash, key, &value))
		resp_put_bulk(call->out, value.bytes, value.n);
	else
		resp_put_nil(call->out);
}

/* The shards of every `step`-th argument from the first. */
static uint64_t shards_of_keys(const struct call *call, unsigned step)
{
	uint64_t shards = 0;

	for (unsigned i = 1; i < argc(call); i += step)
		shards |= store_shard(store_hash(call->store, arg(call, i)));
	return shards;
}

static bool run_get(const struct call *call)
{
	const struct store_slice key = arg(call, 1);
	const uint64_t hash = store_hash(call->store, key), shard = store_shard(hash);

	store_lock(call->store, shard);
	put_value_locked(call, hash, key);
	store_unlock(call->store, shard);
	return true;
}

static bool run_mget(const struct call *call)
{
	const uint64_t shards = shards_of_keys(call, 1);

	resp_put_array(call->out, argc(call) - 1);
	store_lock(call->store, shards);
	for (unsigned i = 1; i < argc(call) && !call->out->failed; i++)
		put_value_locked(call, store_hash(call->store, arg(call, i)), arg(call, i));
	store_unlock(call->store, shards);
	return true;
}

static bool run_set(const struct call *call)
{
	const struct store_slice key = arg(call, 1);
	const uint64_t hash = store_hash(call->store, key), shard = store_shard(hash);
	int rc;

	store_lock(call->store, shard);
	rc = store_set_locked(call->store, hash, key, arg(call, 2));
	store_unlock(call->store, shard);
	put_stored(call->out, rc);
	return true;
}

/* Atomic for those who look; if memory runs out half way, the first pairs stay set. */
static bool run_mset(const struct call *call)
{
	const uint64_t shards = shards_of_keys(call, 2);
	int rc = 0;

	if (argc(call) % 2 == 0) {
		resp_put_error(call->out, "ERR wrong number of arguments for 'mset' command");
		return true;
	}
	store_lock(call->store, shards);
	for (unsigned i = 1; i < argc(call) && rc == 0; i += 2)
		rc = store_set_locked(call->store, store_hash(call->store, arg(call, i)), arg(call, i),
			arg(call, i + 1));
	store_unlock(call->store, shards);
	put_stored(call->out, rc);
	return true;
}

static bool run_del(const struct call *call)
{
	const uint64_t shards = shards_of_keys(call, 1);
	int64_t deleted = 0;

	store_lock(call->store, shards);
	for (unsigned i = 1; i < argc(call); i++)
		deleted += store_delete_locked(call->store, store_hash(call->store, arg(call, i)), arg(call, i));
	store_unlock(call->store, shards);
	resp_put_integer(call->out, deleted);
	return true;
}

/* Adds one to the number at `key`, 0 if there is none: 0, -EINVAL (no number), -ERANGE, or as store_set_locked(). */
static int increment_locked(struct store *store, uint64_t hash, struct store_slice key, int64_t *ret_number)
{
	struct store_slice value;
	int64_t number = 0;
	char text[24];

	if (store_get_locked(store, hash, key, &value) && !resp_integer(value.bytes, value.n, &number))
		return -EINVAL;
	if (number == INT64_MAX)
		return -ERANGE;
	*ret_number = ++number;
	value.bytes = text;
	value.n = (size_t)snprintf(text, sizeof text, "%lld", (long long)number);
	return store_set_locked(store, hash, key, value);
}

static bool run_incr(const struct call *call)
{
	const struct store_slice key = arg(call, 1);
	const uint64_t hash = store_hash(call->store, key), shard = store_shard(hash);
	int64_t number = 0;
	int rc;

	store_lock(call->store, shard);
	rc = increment_locked(call->store, hash, key, &number);
	store_unlock(call->store, shard);
	if (rc == 0)
		resp_put_integer(call->out, number);
	else if (rc == -EINVAL)
		resp_put_error(call->out, "ERR value is not an integer or out of range");
	else if (rc == -ERANGE)
		resp_put_error(call->out, "ERR increment or decrement would overflow");
	else
		put_stored(call->out, rc);
	return true;
}

/* -------------------------------------------------------------- connection */

static bool run_ping(const struct call *call)
{
	if (argc(call) == 1)
		resp_put_simple(call->out, "PONG");
	else
		resp_put_bulk(call->out, arg(call, 1).bytes, arg(call, 1).n);
	return true;
}

static bool run_echo(const struct call *call)
{
	resp_put_bulk(call->out, arg(call, 1).bytes, arg(call, 1).n);
	return true;
}

static bool run_quit(const struct call *call)
{
	resp_put_simple(call->out, "OK");
	return false;
}

/* No command is documented over the wire; COUNT is known. */
static bool run_command(const struct call *call);

static bool run_config(const struct call *call)
{
	if (!is(arg(call, 1), "get") || argc(call) != 3) {
		resp_put_error(call->out, "ERR only CONFIG GET with one name is supported");
	} else if (is(arg(call, 2), "save")) {
		resp_put_array(call->out, 2);
		resp_put_bulk(call->out, "save", 4);
		resp_put_bulk(call->out, "", 0);
	} else if (is(arg(call, 2), "appendonly")) {
		resp_put_array(call->out, 2);
		resp_put_bulk(call->out, "appendonly", 10);
		resp_put_bulk(call->out, "no", 2);
	} else {
		resp_put_array(call->out, 0);
	}
	return true;
}

static bool run_client(const struct call *call)
{
	if (is(arg(call, 1), "setname") || is(arg(call, 1), "setinfo"))
		resp_put_simple(call->out, "OK");
	else if (is(arg(call, 1), "getname"))
		resp_put_nil(call->out);
	else
		resp_put_error(call->out, "ERR only CLIENT SETNAME, SETINFO and GETNAME are supported");
	return true;
}

/* A browser that was tricked into speaking to this port begins like this: hear no more of it. */
static bool run_http(const struct call *call)
{
	resp_put_error(call->out, "ERR this is not an HTTP server");
	return false;
}

/* ------------------------------------------------------------------ table */

#define ANY RESP_MAX_ARGS

/* name, arguments at least and at most (the name included), how to use it, what it does (NULL: not listed) */
#define COMMANDS(X)                                                                                \
	X(get, 2, 2, "GET key", "the value of a key, or nil")                                      \
	X(set, 3, 3, "SET key value", "sets it")                                                   \
	X(incr, 2, 2, "INCR key", "adds one to the number at a key")                               \
	X(ping, 1, 2, "PING [message]", "PONG, or the message")                                    \
	X(mset, 3, ANY, "MSET key value [key value ...]", "sets several at once")                  \
	X(mget, 2, ANY, "MGET key [key ...]", "the values of several at once")                     \
	X(del, 2, ANY, "DEL key [key ...]", "removes them; how many there were")                   \
	X(echo, 2, 2, "ECHO message", "the message")                                               \
	X(command, 1, ANY, "COMMAND [COUNT]", "how many commands there are")                       \
	X(config, 2, ANY, "CONFIG GET name", "settings that clients ask for")                      \
	X(client, 2, ANY, "CLIENT SETNAME name", "accepted, and forgotten")                        \
	X(quit, 1, ANY, "QUIT", "closes the connection")

static const struct command {
	const char *name;
	unsigned min, max;
	bool (*run)(const struct call *call);
	const char *usage;
	const char *summary;
} commands[] = {
#define X(name, min, max, usage, summary) { #name, min, max, run_##name, usage, summary },
	COMMANDS(X)
#undef X
	{ "post", 1, ANY, run_http, NULL, NULL },
	{ "host:", 1, ANY, run_http, NULL, NULL },
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

void command_list(void (*line)(void *arg, const char *usage, const char *summary), void *line_arg)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (commands[i].usage)
			line(line_arg, commands[i].usage, commands[i].summary);
}

static bool run_command(const struct call *call)
{
	int64_t listed = 0;

	for (size_t i = 0; i < N_COMMANDS; i++)
		listed += commands[i].usage != NULL;
	if (argc(call) == 2 && is(arg(call, 1), "count"))
		resp_put_integer(call->out, listed);
	else
		resp_put_array(call->out, 0);
	return true;
}

static bool dispatch(const struct call *call)
{
	const struct store_slice name = arg(call, 0);

	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *command = &commands[i];

		if (!is(name, command->name))
			continue;
		if (argc(call) >= command->min && argc(call) <= command->max)
			return command->run(call);
		resp_put_error(call->out, "ERR wrong number of arguments for '%s' command", command->name);
		return true;
	}
	resp_put_error(call->out, "ERR unknown command '%.*s'", (int)(name.n < 64 ? name.n : 64), name.bytes);
	return true;
}

bool command_run(struct store *store, const struct resp_parser *request, const char *bytes, struct resp_out *out)
{
	const struct call call = { store, out, request, bytes };
	const size_t before = out->n;
	bool go_on;

	if (request->argc == 0)
		return true;
	go_on = dispatch(&call);
	if (!out->failed)
		return go_on;
	/* Half a reply is worse than none: take it back and say so. */
	resp_out_cut(out, before);
	resp_put_error(out, "ERR the reply is too big, or memory is short");
	return go_on && !out->failed;
}
