/* SPDX-License-Identifier: MIT */
#include "export/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ADDRESS_BYTES = 64, HEAD_BYTES = 256, BACKLOG = 16, LISTENER = CN_HTTP_CLIENTS };

struct client {
	int fd; /* -1 = the place is free */
	bool head;     /* asked by HEAD: the body is counted, not sent */
	bool answered; /* it is only waited for its end */
	size_t n;  /* of the request */
	char *answer; /* NULL = the request is not whole yet */
	size_t bytes, sent;
	uint64_t end_ns;
	char request[CN_HTTP_REQUEST_BYTES + 1];
};

struct cn_http {
	int epoll, listener;
	bool full; /* no place: the listener is not asked */
	cn_http_fn answer;
	void *arg;
	char address[ADDRESS_BYTES];
	struct client clients[CN_HTTP_CLIENTS];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ------------------------------------------------------------------ addresses */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int parse_address(const char *where, union address *ret_address, socklen_t *ret_bytes)
{
	const char *colon = strrchr(where, ':');
	char host[INET6_ADDRSTRLEN + 2] = "", *end;
	union address address = { 0 };
	unsigned long port;
	size_t n;

	if (!colon || colon[1] < '0' || colon[1] > '9' || (size_t)(colon - where) >= sizeof host)
		return -EINVAL;
	errno = 0;
	port = strtoul(colon + 1, &end, 10);
	if (*end || errno || port > UINT16_MAX)
		return -EINVAL;
	n = (size_t)(colon - where);
	memcpy(host, where, n);
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = 0;
		address.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
		if (inet_pton(AF_INET6, host + 1, &address.v6.sin6_addr) != 1)
			return -EINVAL;
		if (!IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr))
			return -EPERM;
		*ret_bytes = sizeof address.v6;
	} else {
		address.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
		if (inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &address.v4.sin_addr) != 1)
			return -EINVAL;
		if (ntohl(address.v4.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
			return -EPERM;
		*ret_bytes = sizeof address.v4;
	}
	*ret_address = address;
	return 0;
}

/* The port may have been for the kernel to choose. */
static int name_address(struct cn_http *http)
{
	union address address;
	socklen_t bytes = sizeof address;
	char host[INET6_ADDRSTRLEN];

	if (getsockname(http->listener, &address.any, &bytes))
		return -errno;
	if (address.any.sa_family == AF_INET6)
		snprintf(http->address, sizeof http->address, "[%s]:%u",
			inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof host), ntohs(address.v6.sin6_port));
	else
		snprintf(http->address, sizeof http->address, "%s:%u",
			inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof host), ntohs(address.v4.sin_port));
	return 0;
}

/* The client's word for us: this machine, by a name that no page elsewhere can have. */
static bool is_our_name(const struct cn_http *http, const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const size_t n = strlen(names[i]);

		if (strncasecmp(host, names[i], n) == 0 && (host[n] == 0 || host[n] == ':'))
			return true;
	}
	return strcmp(host, http->address) == 0;
}

/* -------------------------------------------------------------------- clients */

static void drop(struct cn_http *http, struct client *client)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = LISTENER };

	close(client->fd); /* which takes it out of epoll */
	free(client->answer);
	client->fd = -1;
	client->answer = NULL;
	if (http->full)
		http->full = epoll_ctl(http->epoll, EPOLL_CTL_MOD, http->listener, &event) != 0;
}

static const char *reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	default:
		return "Internal Server Error";
	}
}

/* Makes the bytes that are sent. `answer` is used up. */
static void prepare(struct cn_http *http, struct client *client, struct cn_http_answer *answer)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.u32 = (uint32_t)(client - http->clients) };
	const size_t body = client->head ? 0 : answer->bytes;
	char head[HEAD_BYTES];
	int n = snprintf(head, sizeof head,
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n", answer->status,
		reason(answer->status), answer->type, answer->bytes, answer->status == 405 ? "Allow: GET, HEAD\r\n" : "");

	client->bytes = (size_t)n + body;
	client->sent = 0;
	client->answer = n > 0 && n < HEAD_BYTES ? malloc(client->bytes) : NULL;
	if (client->answer) {
		memcpy(client->answer, head, (size_t)n);
		memcpy(client->answer + n, body ? answer->body : "", body);
	}
	free(answer->body);
	if (!client->answer || epoll_ctl(http->epoll, EPOLL_CTL_MOD, client->fd, &event))
		drop(http, client);
}

static void refuse(struct cn_http *http, struct client *client, int status, const char *text)
{
	struct cn_http_answer answer = { .status = status, .type = "text/plain", .body = strdup(text) };

	answer.bytes = answer.body ? strlen(answer.body) : 0;
	prepare(http, client, &answer);
}

/* Of the lines after the first: NULL if there is none of that name. */
static const char *header(const char *lines, const char *name)
{
	const size_t n = strlen(name);

	for (const char *line = lines, *end;; line = end + 2) {
		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " \t");
		end = strstr(line, "\r\n");
		if (!end)
			return NULL;
	}
}

static void copy_line(char *out, size_t bytes, const char *from)
{
	size_t n = from ? strcspn(from, "\r\n") : 0;

	n = n < bytes ? n : bytes - 1;
	memcpy(out, from ? from : "", n);
	out[n] = 0;
	while (n && (out[n - 1] == ' ' || out[n - 1] == '\t'))
		out[--n] = 0;
}

/* The request is whole. */
static void serve(struct cn_http *http, struct client *client)
{
	struct cn_http_answer answer = { .status = 500, .type = "text/plain" };
	char *path = strchr(client->request, ' '), *version, *lines = strstr(client->request, "\r\n");
	char host[256], accept[1024];

	*lines = 0;
	lines += 2;
	version = path ? strchr(path + 1, ' ') : NULL;
	if (!version || strncmp(version + 1, "HTTP/1.", 7) != 0 || path[1] != '/') {
		refuse(http, client, 400, "this is no request of HTTP/1.1\n");
		return;
	}
	*path++ = 0;
	*version = 0;
	path[strcspn(path, "?#")] = 0;
	client->head = strcmp(client->request, "HEAD") == 0;
	copy_line(host, sizeof host, header(lines, "Host"));
	copy_line(accept, sizeof accept, header(lines, "Accept"));
	if (!client->head && strcmp(client->request, "GET") != 0)
		refuse(http, client, 405, "only GET and HEAD are answered\n");
	else if (!is_our_name(http, host))
		refuse(http, client, 403, "ask by the address that is listened on, or as localhost\n");
	else {
		http->answer(http->arg, path, accept, &answer);
		prepare(http, client, &answer);
	}
}

static void receive(struct cn_http *http, struct client *client)
{
	const ssize_t n = recv(client->fd, client->request + client->n, CN_HTTP_REQUEST_BYTES - client->n, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(http, client);
		return;
	}
	client->n += (size_t)n;
	client->request[client->n] = 0;
	if (memchr(client->request, 0, client->n))
		refuse(http, client, 400, "a request has no zeros\n");
	else if (strstr(client->request, "\r\n\r\n"))
		serve(http, client);
	else if (client->n == CN_HTTP_REQUEST_BYTES)
		refuse(http, client, 431, "a request may have 8 KiB\n");
}

static void deliver(struct cn_http *http, struct client *client)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)(client - http->clients) };
	const ssize_t n = send(client->fd, client->answer + client->sent, client->bytes - client->sent,
		MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	client->sent += n > 0 ? (size_t)n : 0;
	if (n >= 0 && client->sent < client->bytes)
		return;
	client->answered = n >= 0 && shutdown(client->fd, SHUT_WR) == 0 &&
			   epoll_ctl(http->epoll, EPOLL_CTL_MOD, client->fd, &event) == 0;
	if (!client->answered)
		drop(http, client);
}

/* Closed with something unread, a connection is reset, and the answer may be lost on its way. */
static void await_end(struct cn_http *http, struct client *client)
{
	const ssize_t n = recv(client->fd, client->request, CN_HTTP_REQUEST_BYTES, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		drop(http, client);
}

static struct client *free_place(struct cn_http *http)
{
	for (size_t i = 0; i < CN_HTTP_CLIENTS; i++)
		if (http->clients[i].fd < 0)
			return &http->clients[i];
	return NULL;
}

static void admit(struct cn_http *http)
{
	struct client *client = free_place(http);
	struct epoll_event event = { .events = 0, .data.u32 = LISTENER };

	if (!client) {
		http->full = epoll_ctl(http->epoll, EPOLL_CTL_MOD, http->listener, &event) == 0;
		return;
	}
	client->fd = accept4(http->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client->fd < 0)
		return; /* it has gone again; or there are no descriptors, until others have been answered */
	client->n = 0;
	client->head = client->answered = false;
	client->end_ns = now_ns() + CN_HTTP_CLIENT_MS * 1000000ull;
	event = (struct epoll_event){ .events = EPOLLIN, .data.u32 = (uint32_t)(client - http->clients) };
	if (epoll_ctl(http->epoll, EPOLL_CTL_ADD, client->fd, &event))
		drop(http, client);
}

int cn_http_turn(struct cn_http *http)
{
	struct epoll_event events[CN_HTTP_CLIENTS + 1];
	const int n = epoll_wait(http->epoll, events, CN_HTTP_CLIENTS + 1, 0);
	const uint64_t now = now_ns();

	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n; i++) {
		struct client *client = events[i].data.u32 < CN_HTTP_CLIENTS ? &http->clients[events[i].data.u32] : NULL;

		if (!client)
			admit(http);
		else if (client->fd >= 0 && client->answered)
			await_end(http, client);
		else if (client->fd >= 0 && client->answer)
			deliver(http, client);
		else if (client->fd >= 0)
			receive(http, client);
	}
	for (size_t i = 0; i < CN_HTTP_CLIENTS; i++)
		if (http->clients[i].fd >= 0 && now > http->clients[i].end_ns)
			drop(http, &http->clients[i]);
	return 0;
}

/* -------------------------------------------------------------- open and close */

static int start(struct cn_http *http, const char *where)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = LISTENER };
	const int on = 1;
	union address address;
	socklen_t bytes = 0;
	int rc = parse_address(where, &address, &bytes);

	if (rc)
		return rc;
	http->epoll = epoll_create1(EPOLL_CLOEXEC);
	http->listener = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (http->epoll < 0 || http->listener < 0 ||
		setsockopt(http->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
		bind(http->listener, &address.any, bytes) || listen(http->listener, BACKLOG) ||
		epoll_ctl(http->epoll, EPOLL_CTL_ADD, http->listener, &event))
		return -errno;
	return name_address(http);
}

int cn_http_open(const char *where, cn_http_fn answer, void *arg, struct cn_http **ret_http)
{
	struct cn_http *http = calloc(1, sizeof *http);
	int rc;

	if (!http)
		return -ENOMEM;
	http->epoll = http->listener = -1;
	http->answer = answer;
	http->arg = arg;
	for (size_t i = 0; i < CN_HTTP_CLIENTS; i++)
		http->clients[i].fd = -1;
	rc = start(http, where);
	if (rc) {
		cn_http_close(http);
		return rc;
	}
	*ret_http = http;
	return 0;
}

void cn_http_close(struct cn_http *http)
{
	if (!http)
		return;
	for (size_t i = 0; i < CN_HTTP_CLIENTS; i++)
		if (http->clients[i].fd >= 0)
			drop(http, &http->clients[i]);
	if (http->listener >= 0)
		close(http->listener);
	if (http->epoll >= 0)
		close(http->epoll);
	free(http);
}

int cn_http_fd(const struct cn_http *http)
{
	return http->epoll;
}

const char *cn_http_address(const struct cn_http *http)
{
	return http->address;
}
