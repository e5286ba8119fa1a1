/* SPDX-License-Identifier: MIT */
/* The other end of a connection: plain blocking sockets on 127.0.0.1, used by the test's own thread. */
#ifndef TEST_NET_LOOPBACK_H
#define TEST_NET_LOOPBACK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

static inline struct sockaddr_in loopback_at(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A listening socket, and its port. */
static inline int loopback_listen(uint16_t *ret_port)
{
	struct sockaddr_in at = loopback_at(0);
	socklen_t bytes = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &bytes), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static inline int loopback_connect(uint16_t port)
{
	struct sockaddr_in at = loopback_at(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static inline void loopback_say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Closes with a reset instead of an orderly end. */
static inline void loopback_reset(int fd)
{
	const struct linger at_once = { 1, 0 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	close(fd);
}

#endif
