/* SPDX-License-Identifier: MIT */
/*
 * The agent's socket. Whoever listens there could tell us anything, so it must
 * be who we think it is: root or ourselves, and the process that was asked for.
 * Nothing here waits once the connection stands.
 */
#include "source/source.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <frame.h>
#include <splitter.h>

#include "export/text.h"
#include "source/tcp.h"

enum { READ_BYTES = 64 << 10, READS_AT_ONCE = 32, WISH_BYTES = 1024 };

struct socket_source {
	struct cn_source source;
	struct rp_splitter splitter;
	uint8_t out[WISH_BYTES]; /* a wish that could not be sent whole yet */
	size_t out_from, out_to;
	char path[108];
	uint8_t in[READ_BYTES];
};

/* Who has closed may have said why before: then the wish is void, and what was said is read first, and then its end. */
static int flush(struct socket_source *s)
{
	while (s->out_from < s->out_to) {
		ssize_t n =
			send(s->source.fd, s->out + s->out_from, s->out_to - s->out_from, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			break;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		s->out_from += (size_t)n;
	}
	s->out_from = s->out_to = 0;
	return 0;
}

static int encode(const struct cn_wish *wish, uint8_t *out, size_t capacity, size_t *ret_n)
{
	Rouse__V1__Subscribe subscribe = ROUSE__V1__SUBSCRIBE__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint64_t watch[CN_WATCH_MAX], detail[CN_WANTS_MAX];

	memcpy(watch, wish->watch, sizeof watch);
	memcpy(detail, wish->detail, sizeof detail);
	subscribe.interval_ms = wish->interval_ms;
	subscribe.level = wish->level;
	subscribe.events = wish->events;
	subscribe.pause = wish->pause;
	subscribe.n_watch = wish->n_watch;
	subscribe.watch = watch;
	subscribe.n_detail = wish->n_detail;
	subscribe.detail = detail;
	subscribe.peers = wish->peers;
	subscribe.keyframe = wish->keyframe;
	frame.body_case = ROUSE__V1__FRAME__BODY_SUBSCRIBE;
	frame.subscribe = &subscribe;
	return rp_frame_encode(&frame, out, capacity, ret_n);
}

static int gone(const struct socket_source *s, int code, struct cn_why *why)
{
	return cn_why_set(why, code, "the connection to %s has ended (%s): the program has ended, or its agent stopped",
		cn_safe(s->path), code == -EPIPE ? "closed by the other side" : strerror(-code));
}

/* A wish that did not go out yet is replaced, unless it is half way. */
static int tell(struct cn_source *source, const struct cn_wish *wish, struct cn_why *why)
{
	struct socket_source *s = (struct socket_source *)source;
	size_t n = 0;
	int rc;

	if (s->out_from == 0)
		s->out_to = 0;
	memmove(s->out, s->out + s->out_from, s->out_to - s->out_from);
	s->out_to -= s->out_from;
	s->out_from = 0;
	rc = encode(wish, s->out + s->out_to, sizeof s->out - s->out_to, &n);
	if (rc)
		return cn_why_set(why, rc, "the subscription for %s does not fit into a frame", cn_safe(s->path));
	s->out_to += n;
	rc = flush(s);
	return rc ? gone(s, rc, why) : 0;
}

static int read_frames(struct cn_source *source, rouse_frame_fn frame, void *arg, struct cn_why *why)
{
	struct socket_source *s = (struct socket_source *)source;
	int rc = flush(s);

	for (int i = 0; rc == 0 && i < READS_AT_ONCE; i++) {
		ssize_t n = recv(s->source.fd, s->in, sizeof s->in, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		/* A reset is an end, too: of a program that died with our wish unread. */
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return gone(s, -EPIPE, why);
		if (n < 0)
			return gone(s, -errno, why);
		why->code = 0;
		rc = rp_splitter_feed(&s->splitter, s->in, (size_t)n, frame, arg);
		if (rc && !why->code) /* the consumer says for itself what it did not like */
			return cn_why_set(why, rc, "what comes from %s is not the rouse protocol (%s)",
				cn_safe(s->path), strerror(-rc));
		if (rc)
			return rc;
	}
	return rc ? gone(s, rc, why) : 0;
}

static void close_socket(struct cn_source *source)
{
	struct socket_source *s = (struct socket_source *)source;

	if (s->source.fd >= 0)
		close(s->source.fd);
	rp_splitter_fini(&s->splitter);
	free(s);
}

/* ----------------------------------------------------------------- opening */

static int check_peer(int fd, const char *path, int pid, struct cn_why *why)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return cn_why_set(why, -errno, "cannot tell who serves %s: %s", cn_safe(path), strerror(errno));
	if (peer.uid != geteuid() && peer.uid != 0 && geteuid() != 0)
		return cn_why_set(why, -EACCES, "%s is served by user %u, who is neither you nor root: not trusted",
			cn_safe(path), peer.uid);
	/* Another pid namespace: the kernel says 0. */
	if (pid && peer.pid && peer.pid != pid)
		return cn_why_set(why, -EACCES,
			"%s is served by process %d, not %d: a leftover, or somebody in disguise", cn_safe(path),
			peer.pid, pid);
	return 0;
}

static int connect_to(int fd, const char *path, struct cn_why *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof address.sun_path)
		return cn_why_set(why, -ENAMETOOLONG, "%s is too long for a socket's path", cn_safe(path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return 0;
	switch (errno) {
	case ENOENT:
		return cn_why_set(
			why, -ESRCH, "there is no socket %s; `rouse list` shows what can be watched", cn_safe(path));
	case ECONNREFUSED:
		return cn_why_set(why, -ESRCH, "nobody serves %s any more: its program has ended", cn_safe(path));
	case EAGAIN:
		return cn_why_set(why, -ETIMEDOUT, "the agent behind %s does not accept connections", cn_safe(path));
	case EACCES:
		return cn_why_set(
			why, -EACCES, "not permitted to open %s: run rouse as its owner, or as root", cn_safe(path));
	default:
		return cn_why_set(why, -errno, "cannot connect to %s: %s", cn_safe(path), strerror(errno));
	}
}

static int await_answer(int fd, const char *path, uint32_t answer_ms, struct cn_why *why)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&ready, 1, answer_ms < INT_MAX ? (int)answer_ms : INT_MAX);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return cn_why_set(why, -errno, "cannot wait for %s: %s", cn_safe(path), strerror(errno));
	if (n == 0)
		return cn_why_set(
			why, -ETIMEDOUT, "the agent behind %s did not answer within %u ms", cn_safe(path), answer_ms);
	return 0;
}

/* A connected descriptor, taken over, becomes a source once it has answered. */
static int begin(int fd, const char *name, const struct cn_wish *wish, uint32_t answer_ms,
	struct cn_source **ret_source, struct cn_why *why)
{
	struct socket_source *s = calloc(1, sizeof *s);
	int rc;

	if (!s) {
		close(fd);
		return cn_why_set(why, -ENOMEM, "no memory for a connection to %s", cn_safe(name));
	}
	s->source = (struct cn_source){ .fd = fd, .read = read_frames, .tell = tell, .close = close_socket };
	rp_splitter_init(&s->splitter, 0);
	strncpy(s->path, name, sizeof s->path - 1);
	rc = tell(&s->source, wish, why);
	if (rc == 0)
		rc = await_answer(fd, name, answer_ms, why);
	if (rc) {
		close_socket(&s->source);
		return rc;
	}
	*ret_source = &s->source;
	return 0;
}

int cn_socket_open(const char *path, int pid, const struct cn_wish *wish, uint32_t answer_ms,
	struct cn_source **ret_source, struct cn_why *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return cn_why_set(why, -errno, "cannot make a socket: %s", strerror(errno));
	rc = connect_to(fd, path, why);
	if (rc == 0)
		rc = check_peer(fd, path, pid, why);
	if (rc == 0)
		return begin(fd, path, wish, answer_ms, ret_source, why);
	close(fd);
	return rc;
}

int cn_tcp_open(const char *address, const struct cn_wish *wish, uint32_t answer_ms, struct cn_source **ret_source,
	struct cn_why *why)
{
	const int fd = cn_tcp_connect(address, answer_ms, why);

	return fd < 0 ? fd : begin(fd, address, wish, answer_ms, ret_source, why);
}
