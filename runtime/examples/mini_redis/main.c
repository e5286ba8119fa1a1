/* SPDX-License-Identifier: MIT */
/*
 * mini_redis - a small Redis on loopback, to be watched.
 *
 * One task a connection, under the client's address; keys and values live in
 * memory only. With --trouble it also runs a set of tasks that are broken in
 * the ways async programs break, under honest names (see trouble.c).
 *
 * SIGINT or SIGTERM ends it: the clients' tasks are cancelled, and the last
 * line on stdout says what became of all tasks there ever were:
 *
 *     spawned=N completed=N cancelled=N panicked=N live=0
 *
 * (the numbers of rouse_runtime_totals(); `rouse ps --json` shows the same ones
 * while it runs).
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <rouse/rouse.h>

#include "command.h"
#include "connection.h"
#include "store.h"
#include "trouble.h"

#define FIRST_PAUSE_NS (10 * ROUSE_MS)
#define LONGEST_PAUSE_NS ROUSE_S

/* Everything that is there before the first task and after the last. */
struct server {
	uint16_t port;
	bool with_trouble;
	int signals; /* signalfd */
	struct store *store;
	struct trouble *trouble;
};

/* ----------------------------------------------------------------- accept */

/* Things that pass: too many descriptors or too little memory, for the moment. */
static bool passes(int64_t rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -ENOBUFS || rc == -ENOMEM;
}

/* Accepts until that fails for good; answers why. */
ROUSE_ASYNC(accept_all, int64_t,
	struct rouse_listener *listener;
	struct store *store;
	struct rouse_tcp *tcp;
	int64_t rc;
	uint64_t pause_ns;
	union { struct rouse_listener_accept accept; struct rouse_sleep sleep; };);
ROUSE_BODY(accept_all)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->rc, rouse_listener_accept(&self->accept, self->listener, &self->tcp));
		if (self->rc == 0)
			self->rc = connection_spawn(self->tcp, self->store);
		if (self->rc == 0) {
			self->pause_ns = 0;
			continue;
		}
		if (!passes(self->rc))
			ROUSE_RETURN(self->rc);
		if (self->pause_ns == 0)
			fprintf(stderr, "mini_redis: cannot accept: %s; will try again\n",
				rouse_strerror((int)self->rc));
		self->pause_ns = self->pause_ns ? self->pause_ns * 2 : FIRST_PAUSE_NS;
		if (self->pause_ns > LONGEST_PAUSE_NS)
			self->pause_ns = LONGEST_PAUSE_NS;
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, self->pause_ns));
	}
	ROUSE_END;
}

/* ---------------------------------------------------------------- signals */

/* Ready when one of the blocked signals has come; answers its number, or a negative error. */
ROUSE_ASYNC(await_signal, int64_t,
	struct rouse_fd *fd;
	int descriptor;
	struct rouse_fd_ready ready;);
ROUSE_BODY(await_signal)
{
	struct signalfd_siginfo info;
	ssize_t n;

	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_fd_readable(&self->ready, self->fd));
		n = read(self->descriptor, &info, sizeof info);
		if (n == (ssize_t)sizeof info)
			ROUSE_RETURN((int64_t)info.ssi_signo);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			ROUSE_RETURN(-errno);
		rouse_fd_clear_readable(self->fd); /* it only might have been */
	}
	ROUSE_END;
}

/* ----------------------------------------------------------------- server */

static int64_t report(const char *what, int64_t rc)
{
	fprintf(stderr, "mini_redis: %s: %s\n", what, rouse_strerror((int)rc));
	return rc;
}

/* The main task: accepts until a signal comes. 0, or what it could not do (said on stderr). */
ROUSE_ASYNC(serve, int64_t,
	struct server *server;
	int64_t rc;
	int which;
	struct rouse_listener *listener;
	struct rouse_fd *signals;
	struct await_signal await_signal;
	struct accept_all accept_all;);
ROUSE_BODY(serve)
{
	ROUSE_BEGIN;
	self->rc = rouse_listener_open("127.0.0.1", self->server->port, &self->listener);
	if (self->rc)
		ROUSE_RETURN(report("cannot listen", self->rc));
	self->rc = rouse_fd_new(self->server->signals, "signals", &self->signals);
	if (self->rc)
		ROUSE_RETURN(report("cannot wait for signals", self->rc));
	if (self->server->with_trouble)
		self->rc = trouble_start(&self->server->trouble);
	if (self->rc)
		ROUSE_RETURN(report("cannot make trouble", self->rc));
	printf("mini_redis: listening on 127.0.0.1:%u\n", rouse_listener_port(self->listener));
	fflush(stdout);
	ROUSE_SELECT(self->which,
		ROUSE_CALL(&self->await_signal, await_signal, .fd = self->signals,
			.descriptor = self->server->signals),
		ROUSE_CALL(&self->accept_all, accept_all, .listener = self->listener,
			.store = self->server->store));
	if (self->which == 1)
		ROUSE_RETURN(report("cannot accept", self->accept_all.result));
	if (self->await_signal.result < 0)
		ROUSE_RETURN(report("cannot wait for signals", self->await_signal.result));
	fprintf(stderr, "mini_redis: %s: shutting down\n", strsignal((int)self->await_signal.result));
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	rouse_listener_close(self->listener);
	rouse_fd_free(self->signals);
	ROUSE_END;
}

static void survivor(void *arg, uint64_t task_id, const char *name, const char *what)
{
	(void)arg;
	fprintf(stderr, "mini_redis: still alive at the end: task %" PRIu64 " %s: %s\n", task_id, name, what);
}

static void print_totals(struct rouse_runtime *runtime)
{
	struct rouse_totals totals;

	rouse_runtime_totals(runtime, &totals);
	printf("spawned=%" PRIu64 " completed=%" PRIu64 " cancelled=%" PRIu64 " panicked=%" PRIu64 " live=%" PRIu64
		"\n", totals.spawned, totals.completed, totals.cancelled, totals.panicked, totals.live);
}

/* Exit code: 0, or 1 for what has been said on stderr. */
static int run(struct server *server)
{
	struct rouse_runtime *runtime;
	int64_t result = 0;
	int rc;

	rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "mini_redis"), &runtime);
	if (rc)
		return report("cannot make a runtime", rc) != 0;
	rc = rouse_block_on(runtime, &result, serve, .server = server);
	if (rc)
		report("the main task ended badly", rc);
	if (rouse_runtime_shutdown(runtime, 5 * ROUSE_S, survivor, NULL))
		rc = 1; /* each has been named */
	print_totals(runtime);
	trouble_free(server->trouble);
	rouse_runtime_free(runtime);
	return rc || result;
}

/* ---------------------------------------------------------------- options */

static void print_command(void *arg, const char *usage, const char *summary)
{
	fprintf(arg, "  %-32s %s\n", usage, summary);
}

static void print_help(FILE *to)
{
	fprintf(to, "usage: mini_redis [--port N] [--trouble] [--help]\n"
		    "\n"
		    "A small Redis on 127.0.0.1, to be watched with the rouse console.\n"
		    "\n"
		    "  --port N    listen there (default 6379; 0: any free one, see the first line)\n"
		    "  --trouble   also run tasks that are broken, each in its own way\n"
		    "  --help      this\n"
		    "\n"
		    "SIGINT or SIGTERM ends it; the last line counts all tasks there were.\n"
		    "At most %u arguments a request, %u bytes an argument, %u a request, %u a reply.\n"
		    "\n"
		    "commands (RESP2 or inline):\n",
		RESP_MAX_ARGS, RESP_MAX_BULK_BYTES, RESP_MAX_REQUEST_BYTES, RESP_MAX_REPLY_BYTES);
	command_list(print_command, to);
}

/* -1: go on; else the exit code. */
static int parse_options(int argc, char **argv, struct server *server)
{
	static const struct option options[] = { { "port", required_argument, NULL, 'p' },
		{ "trouble", no_argument, NULL, 't' }, { "help", no_argument, NULL, 'h' }, { 0 } };
	int64_t port;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			if (!resp_integer(optarg, strlen(optarg), &port) || port < 0 || port > UINT16_MAX) {
				fprintf(stderr, "mini_redis: --port wants a number from 0 to 65535, not '%s'\n",
					optarg);
				return 2;
			}
			server->port = (uint16_t)port;
			break;
		case 't':
			server->with_trouble = true;
			break;
		case 'h':
			print_help(stdout);
			return 0;
		default:
			fprintf(stderr, "mini_redis: try --help\n");
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "mini_redis: unexpected '%s'; try --help\n", argv[optind]);
		return 2;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct server server = { .port = 6379 };
	sigset_t signals;
	int rc = parse_options(argc, argv, &server);

	if (rc >= 0)
		return rc;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL); /* threads made later inherit it */
	server.signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (server.signals < 0)
		return report("cannot wait for signals", -errno) != 0;
	server.store = store_new();
	rc = server.store ? run(&server) : report("cannot make a store", -ENOMEM) != 0;
	store_free(server.store);
	close(server.signals);
	return rc;
}
