/* SPDX-License-Identifier: MIT */
#include "server/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int parse_port(const char *text, uint16_t *ret_port)
{
	char *end;
	const long port = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || port > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

/* Numbers only: a name may be anybody's. */
static int parse(const char *text, union address *ret_address, socklen_t *ret_bytes)
{
	const bool v6 = *text == '[';
	const char *end = v6 ? strstr(text, "]:") : strrchr(text, ':');
	union address address = { .v4.sin_family = AF_INET };
	char host[64];
	uint16_t port;

	if (!end || (size_t)(end - text) >= sizeof host || parse_port(end + 1 + v6, &port))
		return -EINVAL;
	snprintf(host, sizeof host, "%.*s", (int)(end - text - v6), text + v6);
	if (v6) {
		address.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		if (inet_pton(AF_INET6, host, &address.v6.sin6_addr) != 1)
			return -EINVAL;
		if (!IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr))
			return -EACCES;
	} else {
		address.v4.sin_port = htons(port);
		if (inet_pton(AF_INET, host, &address.v4.sin_addr) != 1)
			return -EINVAL;
		if (ntohl(address.v4.sin_addr.s_addr) >> 24 != 127)
			return -EACCES;
	}
	*ret_address = address;
	*ret_bytes = v6 ? sizeof address.v6 : sizeof address.v4;
	return 0;
}

/* Whoever has the port is the one whose token counts: what another left there is void. */
static int write_token(struct ri_tcp *tcp, const char *dir)
{
	char text[2 * RI_TOKEN_BYTES + 2];
	int fd, rc = 0;

	if (getrandom(tcp->token, sizeof tcp->token, 0) != (ssize_t)sizeof tcp->token)
		return -EIO;
	for (size_t i = 0; i < sizeof tcp->token; i++)
		snprintf(text + 2 * i, 3, "%02x", tcp->token[i]);
	strcat(text, "\n");
	if (snprintf(tcp->path, sizeof tcp->path, "%s/tcp-%u.token", dir, tcp->port) >= (int)sizeof tcp->path) {
		tcp->path[0] = 0;
		return -ENAMETOOLONG;
	}
	(void)unlink(tcp->path);
	fd = open(tcp->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		rc = -errno;
		tcp->path[0] = 0;
		return rc;
	}
	if (write(fd, text, 2 * RI_TOKEN_BYTES + 1) != 2 * RI_TOKEN_BYTES + 1)
		rc = errno ? -errno : -EIO;
	close(fd);
	return rc;
}

static int bind_to(struct ri_tcp *tcp, union address *address, socklen_t bytes)
{
	const int on = 1;

	if (setsockopt(tcp->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
		bind(tcp->fd, &address->any, bytes) < 0 || getsockname(tcp->fd, &address->any, &bytes) < 0)
		return -errno;
	tcp->port = ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port : address->v6.sin6_port);
	return 0;
}

int ri_tcp_listen(const char *text, const char *dir, struct ri_tcp *ret_tcp)
{
	struct ri_tcp tcp = { .fd = -1 };
	union address address;
	socklen_t bytes;
	int rc = parse(text, &address, &bytes);

	if (rc < 0)
		return rc;
	tcp.fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (tcp.fd < 0)
		return -errno;
	rc = bind_to(&tcp, &address, bytes);
	/* The token is there before anybody can connect. */
	if (rc == 0)
		rc = write_token(&tcp, dir);
	if (rc == 0 && listen(tcp.fd, 16) < 0)
		rc = -errno;
	if (rc < 0)
		ri_tcp_close(&tcp);
	else
		*ret_tcp = tcp;
	return rc;
}

void ri_tcp_close(struct ri_tcp *tcp)
{
	if (tcp->fd >= 0)
		close(tcp->fd);
	if (*tcp->path)
		unlink(tcp->path);
	tcp->fd = -1;
	tcp->path[0] = 0;
}

bool ri_token_equal(const uint8_t *a, const uint8_t *b)
{
	volatile uint8_t differs = 0;

	for (size_t i = 0; i < RI_TOKEN_BYTES; i++)
		differs |= a[i] ^ b[i];
	return differs == 0;
}
