/* SPDX-License-Identifier: MIT */
/*
 * The agent: one thread that sleeps in poll() until a client or the time for a
 * generation wakes it. It is a reader like any other: it looks at its own
 * process through process_vm_readv, takes no lock of the runtime and runs none
 * of its code, so a wedged runtime cannot wedge it, and it never shows up
 * among the tasks. All work for clients is done in small steps, in turn.
 *
 * Locks: `lock` guards starting and stopping, and the thread never takes it;
 * after it may come `turn`, which the thread holds while it works, so that a
 * fork happens between two turns.
 */
#include <rouse/agent.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <rouse/hooks.h>

#include "crash/threads.h"
#include "server/client.h"
#include "server/socket.h"
#include "server/tcp.h"

enum { CLIENTS = 16, STRANGERS = 4 /* of them, those who have not shown their token yet */, BEFORE_CLIENTS = 3 };
#define TOKEN_NS 3000000000ull /* time to show it */
#define ACCEPT_PAUSE_NS 200000000ull /* when there is no descriptor to accept with */

struct agent {
	char path[108];
	pid_t pid; /* a fork of this process has no agent, and must not remove its parent's socket */
	int listen_fd, stop_fd;
	struct ri_tcp tcp;
	bool own_dir; /* the socket is in the directory for all of us */
	pthread_t thread;
	struct rp_decoder *decoder;
	pthread_mutex_t turn; /* held by the thread while it is not in poll(); guards what follows */
	struct ri_client *clients[CLIENTS];
	size_t n_clients;
	uint64_t accept_after_ns;
	int level;      /* that clients need, 0 = none */
	int base_level; /* of the program, while level is raised */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct agent *agent; /* under the lock */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ----------------------------------------------------------------- level */

/* The program's own level comes back when nobody needs more; it is never lowered. */
static void settle_level(struct agent *a)
{
	int level = 0;

	for (size_t i = 0; i < a->n_clients; i++) {
		int needed = ri_client_level(a->clients[i]);

		level = needed > level ? needed : level;
	}
	if (level == a->level)
		return;
	int before = rouse_set_level_all(level ? level : a->base_level);

	if (a->level == 0)
		a->base_level = before;
	if (level && level < a->base_level)
		rouse_set_level_all(a->base_level);
	a->level = level;
}

/* --------------------------------------------------------------- clients */

static void drop_client(struct agent *a, size_t i)
{
	ri_client_free(a->clients[i]);
	a->clients[i] = a->clients[--a->n_clients];
}

static size_t strangers(const struct agent *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_clients; i++)
		n += a->clients[i]->token != NULL;
	return n;
}

/* One at a time: poll() says if there are more. */
static void accept_client(struct agent *a, bool tcp)
{
	int fd = accept4(tcp ? a->tcp.fd : a->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ri_client *client;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			a->accept_after_ns = now_ns() + ACCEPT_PAUSE_NS;
		return;
	}
	if (!tcp && !ri_socket_peer_allowed(fd)) {
		ri_client_refuse(fd, -EACCES, "this process belongs to another user");
	} else if (a->n_clients == CLIENTS || (tcp && strangers(a) == STRANGERS)) {
		ri_client_refuse(fd, -EBUSY, "this process is being watched by as many as it allows");
	} else {
		client = ri_client_new(fd, tcp ? a->tcp.token : NULL, now_ns() + TOKEN_NS);
		if (client)
			a->clients[a->n_clients++] = client;
		else
			a->accept_after_ns = now_ns() + ACCEPT_PAUSE_NS;
	}
}

static int timeout_ms(const struct agent *a, bool busy, uint64_t now)
{
	uint64_t due = a->accept_after_ns > now ? a->accept_after_ns : UINT64_MAX;

	if (busy)
		return 0;
	for (size_t i = 0; i < a->n_clients; i++) {
		uint64_t at = ri_client_due(a->clients[i]);

		due = at < due ? at : due;
	}
	if (due == UINT64_MAX)
		return -1;
	if (due <= now)
		return 0;
	uint64_t ms = (due - now + 999999) / 1000000;

	return ms < 60000 ? (int)ms : 60000;
}

/* Poll entries: stop, listen, listen by TCP, then one a client, in order. */
static nfds_t fill_poll(const struct agent *a, struct pollfd *fds, uint64_t now)
{
	fds[0] = (struct pollfd){ .fd = a->stop_fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = a->accept_after_ns > now ? -1 : a->listen_fd, .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = a->accept_after_ns > now ? -1 : a->tcp.fd, .events = POLLIN };
	for (size_t i = 0; i < a->n_clients; i++) {
		bool has_output = ri_queue_bytes(&a->clients[i]->queue) > 0;

		fds[BEFORE_CLIENTS + i] = (struct pollfd){ .fd = a->clients[i]->fd,
			.events = (short)(POLLIN | (has_output ? POLLOUT : 0)) };
	}
	return (nfds_t)(BEFORE_CLIENTS + a->n_clients);
}

/* A turn for each client; backwards, because a dropped one is replaced by the last. */
static bool serve_clients(struct agent *a, const struct pollfd *fds)
{
	uint64_t now = now_ns();
	bool busy = false;

	for (size_t i = a->n_clients; i-- > 0;) {
		int rc = 0;

		if (fds[BEFORE_CLIENTS + i].revents & (POLLIN | POLLHUP | POLLERR))
			rc = ri_client_receive(a->clients[i], a->decoder, now);
		if (rc == 0)
			rc = ri_client_work(a->clients[i], now);
		if (rc < 0)
			drop_client(a, i);
		busy |= rc > 0;
	}
	return busy;
}

static void *run(void *arg)
{
	struct agent *a = arg;
	struct pollfd fds[BEFORE_CLIENTS + CLIENTS];
	bool busy = false;

	pthread_mutex_lock(&a->turn);
	if (a->own_dir)
		ri_socket_sweep(a->path);
	pthread_mutex_unlock(&a->turn);
	for (;;) {
		uint64_t now = now_ns();
		nfds_t n = fill_poll(a, fds, now);

		if (poll(fds, n, timeout_ms(a, busy, now)) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		pthread_mutex_lock(&a->turn);
		busy = serve_clients(a, fds);
		if (fds[1].revents)
			accept_client(a, false);
		if (fds[2].revents)
			accept_client(a, true);
		settle_level(a);
		pthread_mutex_unlock(&a->turn);
	}
	pthread_mutex_lock(&a->turn);
	while (a->n_clients)
		drop_client(a, a->n_clients - 1);
	settle_level(a);
	pthread_mutex_unlock(&a->turn);
	return NULL;
}

/* ------------------------------------------------------- start, stop, fork */

static void free_agent(struct agent *a)
{
	if (a->listen_fd >= 0) {
		close(a->listen_fd);
		unlink(a->path);
	}
	ri_tcp_close(&a->tcp);
	if (a->stop_fd >= 0)
		close(a->stop_fd);
	rp_decoder_free(a->decoder);
	pthread_mutex_destroy(&a->turn);
	free(a);
}

static int start_thread(struct agent *a)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = -pthread_create(&a->thread, NULL, run, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		pthread_setname_np(a->thread, "rouse-agent");
	return rc;
}

/* Its token stands beside the socket. */
static int listen_by_tcp(struct agent *a, const char *address)
{
	char dir[sizeof a->path];
	const char *slash = strrchr(a->path, '/');

	snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - a->path) : 1, slash ? a->path : ".");
	return ri_tcp_listen(address, dir, &a->tcp);
}

static int prepare(struct agent *a, const char *path, const char *tcp)
{
	int rc = 0;

	if (!path)
		rc = rouse_socket_path((int)a->pid, (uint32_t)geteuid(), a->path, sizeof a->path);
	else if (snprintf(a->path, sizeof a->path, "%s", path) >= (int)sizeof a->path)
		rc = -ENAMETOOLONG;
	if (rc < 0)
		return rc;
	a->decoder = rp_decoder_new();
	if (!a->decoder)
		return -ENOMEM;
	a->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->stop_fd < 0)
		return -errno;
	a->own_dir = !path;
	a->listen_fd = ri_socket_listen(a->path, a->own_dir);
	if (a->listen_fd < 0)
		return a->listen_fd;
	if (tcp)
		rc = listen_by_tcp(a, tcp);
	return rc < 0 ? rc : start_thread(a);
}

/* The thread is not here, what it had is: given back, descriptors too, so that the parent's clients see its end. */
static void forget_in_child(void)
{
	if (agent) {
		close(agent->listen_fd);
		if (agent->tcp.fd >= 0)
			close(agent->tcp.fd);
		close(agent->stop_fd);
		for (size_t i = 0; i < agent->n_clients; i++)
			ri_client_free(agent->clients[i]);
		rp_decoder_free(agent->decoder);
		free(agent);
		agent = NULL;
	}
	pthread_mutex_init(&lock, NULL);
}

static void hold_for_fork(void)
{
	pthread_mutex_lock(&lock);
	if (agent)
		pthread_mutex_lock(&agent->turn);
}

static void release_after_fork(void)
{
	if (agent)
		pthread_mutex_unlock(&agent->turn);
	pthread_mutex_unlock(&lock);
}

static void log_failure(const char *path, const char *tcp, int rc)
{
	char line[512];

	snprintf(line, sizeof line, "the agent cannot listen at %s%s%s: %s", path, tcp ? " and " : "", tcp ? tcp : "",
		tcp && rc == -EACCES  ? "addresses are those of loopback"
		: tcp && rc == -EINVAL ? "an address is like 127.0.0.1:6669"
				       : strerror(-rc));
	rouse_log_line(line);
}

int rouse_agent_start(const struct rouse_agent_opts *opts)
{
	static bool fork_handled;
	struct agent *a = NULL;
	int rc;

	const char *tcp = opts && opts->size >= sizeof *opts ? opts->tcp : NULL;

	if (opts && opts->size < offsetof(struct rouse_agent_opts, tcp))
		return -EINVAL;
	pthread_mutex_lock(&lock);
	rc = agent ? -EALREADY : 0;
	if (rc == 0 && !(a = calloc(1, sizeof *a)))
		rc = -ENOMEM;
	if (rc == 0) {
		a->pid = getpid();
		a->listen_fd = a->stop_fd = a->tcp.fd = -1;
		pthread_mutex_init(&a->turn, NULL);
		rc = prepare(a, opts ? opts->path : NULL, tcp);
		if (rc < 0) {
			log_failure(a->path, tcp, rc);
			free_agent(a);
		} else {
			agent = a;
		}
	}
	if (rc == 0 && !fork_handled)
		fork_handled = pthread_atfork(hold_for_fork, release_after_fork, forget_in_child) == 0;
	pthread_mutex_unlock(&lock);
	return rc;
}

void rouse_agent_stop(void)
{
	pthread_mutex_lock(&lock);
	struct agent *a = agent;

	agent = NULL;
	if (a && a->pid == getpid()) {
		(void)eventfd_write(a->stop_fd, 1);
		pthread_join(a->thread, NULL);
		free_agent(a);
	}
	pthread_mutex_unlock(&lock);
}

/* ------------------------------------------------------------------ hooks */

/* A runtime that starts while clients need a higher level gets it, too. */
static void level_newcomer(void)
{
	pthread_mutex_lock(&lock);
	if (agent) {
		pthread_mutex_lock(&agent->turn);
		if (agent->level)
			rouse_set_level_all(agent->level > agent->base_level ? agent->level : agent->base_level);
		pthread_mutex_unlock(&agent->turn);
	}
	pthread_mutex_unlock(&lock);
}

static void runtime_started(void)
{
	const char *listen = secure_getenv("ROUSE_LISTEN");
	struct rouse_agent_opts opts = { .size = sizeof opts };

	level_newcomer();
	if (listen && strncmp(listen, "tcp:", 4) == 0)
		opts.tcp = listen + 4;
	if (listen && listen[0] && strcmp(listen, "0") != 0)
		(void)rouse_agent_start(&opts); /* it has logged why not */
}

__attribute__((constructor)) static void plug_in(void)
{
	static const struct rouse_hooks hooks = { sizeof hooks, ri_crash_from_environment, runtime_started, NULL,
		ri_crash_thread_begins, ri_crash_thread_ends };

	rouse_hooks_set(&hooks);
}

/* The socket goes with the process. */
__attribute__((destructor)) static void unplug(void)
{
	rouse_agent_stop();
}
