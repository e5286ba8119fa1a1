/* SPDX-License-Identifier: MIT */
/*
 * The token is that of ROUSE_TOKEN, for ports that were forwarded from
 * elsewhere, else that of the file which the agent has left beside its socket.
 * That file must be ours alone: one that others can write would have us show
 * theirs.
 */
#include "source/tcp.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <frame.h>
#include <rouse/inspect.h>

#include "export/text.h"
#include "source/source.h"

enum { TOKEN_BYTES = 32 };

static int digit(char letter)
{
	return isdigit((unsigned char)letter) ? letter - '0' : tolower((unsigned char)letter) - 'a' + 10;
}

static bool parse_token(const char *text, uint8_t token[TOKEN_BYTES])
{
	if (strspn(text, "0123456789abcdefABCDEF") != 2 * TOKEN_BYTES || text[2 * TOKEN_BYTES + (text[2 * TOKEN_BYTES] == '\n')])
		return false;
	for (size_t i = 0; i < TOKEN_BYTES; i++)
		token[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
	return true;
}

static int token_file(const char *port, char *path, size_t bytes)
{
	char socket_path[108];
	const char *slash;
	int rc = rouse_socket_path(1, (uint32_t)geteuid(), socket_path, sizeof socket_path);

	slash = rc ? NULL : strrchr(socket_path, '/');
	if (!slash)
		return rc ? rc : -ENOENT;
	snprintf(path, bytes, "%.*s/tcp-%s.token", (int)(slash - socket_path), socket_path, port);
	return 0;
}

static int read_token(const char *path, uint8_t token[TOKEN_BYTES], struct cn_why *why)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char text[2 * TOKEN_BYTES + 2] = "";
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return cn_why_set(why, errno == ENOENT ? -ESRCH : -errno,
			"there is no token to show: no file %s (%s), and ROUSE_TOKEN is not set; `rouse list` shows what can "
			"be watched without", cn_safe(path), strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & 077)
		rc = cn_why_set(why, -EACCES, "%s is not yours alone: its token is not trusted", cn_safe(path));
	else if (read(fd, text, sizeof text - 1) < 0 || !parse_token(text, token))
		rc = cn_why_set(why, -EBADMSG, "there is no token in %s", cn_safe(path));
	close(fd);
	return rc;
}

static int find_token(const char *port, uint8_t token[TOKEN_BYTES], struct cn_why *why)
{
	const char *given = getenv("ROUSE_TOKEN");
	char path[192];
	int rc;

	if (given && *given)
		return parse_token(given, token) ? 0
						 : cn_why_set(why, -EINVAL,
							   "ROUSE_TOKEN is no token: it has 64 hexadecimal digits");
	rc = token_file(port, path, sizeof path);
	return rc ? cn_why_set(why, rc, "cannot tell where the token of port %s is: %s", cn_safe(port), strerror(-rc))
		  : read_token(path, token, why);
}

static int show(int fd, uint8_t token[TOKEN_BYTES])
{
	Rouse__V1__Authenticate authenticate = ROUSE__V1__AUTHENTICATE__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint8_t bytes[128];
	size_t n;
	int rc;

	authenticate.token = (ProtobufCBinaryData){ TOKEN_BYTES, token };
	frame.body_case = ROUSE__V1__FRAME__BODY_AUTHENTICATE;
	frame.authenticate = &authenticate;
	rc = rp_frame_encode(&frame, bytes, sizeof bytes, &n);
	if (rc == 0 && send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		rc = -errno;
	return rc;
}

static bool is_loopback(const struct addrinfo *at)
{
	if (at->ai_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)at->ai_addr)->sin6_addr);
	return at->ai_family == AF_INET &&
	       ntohl(((const struct sockaddr_in *)(const void *)at->ai_addr)->sin_addr.s_addr) >> 24 == 127;
}

/* Numbers only, and `localhost` by what /etc/hosts says: what is asked for has been seen to be one of these. */
static int connect_to(const char *address, uint32_t timeout_ms, struct cn_why *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	const struct timeval limit = { timeout_ms / 1000, (timeout_ms % 1000) * 1000 };
	const bool v6 = *address == '[';
	const char *colon = strrchr(address, ':');
	struct addrinfo *found;
	char host[64];
	int fd = -1, error = 0;

	snprintf(host, sizeof host, "%.*s", (int)(colon - address) - 2 * v6, address + v6);
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return cn_why_set(why, -EINVAL, "%s is no address and port", cn_safe(address));
	for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
		/* The token would go over the net in the clear. */
		if (!is_loopback(at)) {
			error = EACCES;
			continue;
		}
		fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ||
				       connect(fd, at->ai_addr, at->ai_addrlen) < 0)) {
			error = errno;
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	if (fd < 0 && error == EACCES)
		return cn_why_set(why, -EACCES, "%s is not on this machine: forward it (ssh -L), and set ROUSE_TOKEN",
			cn_safe(address));
	if (fd < 0)
		return cn_why_set(why, error == ECONNREFUSED ? -ESRCH : error == EINPROGRESS ? -ETIMEDOUT : -error,
			"cannot connect to %s: %s; a program listens there with ROUSE_LISTEN=tcp:%s, `rouse list` shows what "
			"can be watched otherwise", cn_safe(address), strerror(error), cn_safe(address));
	return fd;
}

int cn_tcp_connect(const char *address, uint32_t timeout_ms, struct cn_why *why)
{
	uint8_t token[TOKEN_BYTES];
	int fd, rc = find_token(strrchr(address, ':') + 1, token, why);

	if (rc)
		return rc;
	fd = connect_to(address, timeout_ms, why);
	if (fd < 0)
		return fd;
	rc = show(fd, token);
	if (rc == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return cn_why_set(why, rc, "cannot show the token to %s: %s", cn_safe(address), strerror(-rc));
}
