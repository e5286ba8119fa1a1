/* SPDX-License-Identifier: MIT */
/*
 * Answers GET and HEAD by HTTP/1.1 on a loopback address, one request a
 * connection: what a scraper needs, and no more.
 *
 * Everything is bounded: connections, the size of a request, the time a client
 * may take. A slow or hostile client keeps its own place and nobody else's; when
 * all places are taken, others wait in the kernel's queue. Who asks under
 * another name than that of this machine (a page in a browser whose name
 * resolves to it) is refused.
 *
 *     poll() on cn_http_fd(), at least once in CN_HTTP_TURN_MS;
 *     cn_http_turn(http);
 *
 * Not thread-safe.
 */
#ifndef CN_EXPORT_HTTP_H
#define CN_EXPORT_HTTP_H

#include <stddef.h>

enum { CN_HTTP_CLIENTS = 16, CN_HTTP_REQUEST_BYTES = 8192, CN_HTTP_CLIENT_MS = 10000, CN_HTTP_TURN_MS = 1000 };

struct cn_http;

struct cn_http_answer {
	int status; /* 200, 404, ... */
	const char *type;
	char *body; /* from malloc(): taken over */
	size_t bytes;
};

/* What is asked for: the path, without a query; `accept` is "" if the client did not say. Both hostile, borrowed. */
typedef void (*cn_http_fn)(void *arg, const char *path, const char *accept, struct cn_http_answer *ret_answer);

/*
 * `where`: "127.0.0.1:9464", "[::1]:9464", "localhost:9464"; port 0 = a free one. 0; -EINVAL it is no such
 * address; -EPERM it is not of loopback; others as bind() has them.
 */
int cn_http_open(const char *where, cn_http_fn answer, void *arg, struct cn_http **ret_http);
void cn_http_close(struct cn_http *http);
/* Readable when there is something to do. */
int cn_http_fd(const struct cn_http *http);
/* "127.0.0.1:9464", as it is. */
const char *cn_http_address(const struct cn_http *http);
/* Takes what there is, without waiting: 0 or -errno, if no client can be served any more. */
int cn_http_turn(struct cn_http *http);

#endif
