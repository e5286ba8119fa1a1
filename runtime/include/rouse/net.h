/* SPDX-License-Identifier: MIT */
/**
 * rouse/net.h - TCP, and waiting for any file descriptor.
 *
 * Sockets belong to the runtime they were made in; they are non-blocking,
 * close-on-exec, and registered with epoll once, edge-triggered. One task may
 * read while another writes; two readers at a time are an error (-EBUSY).
 * Addresses are numeric: "127.0.0.1", "::1", "0.0.0.0".
 */
#ifndef ROUSE_NET_H
#define ROUSE_NET_H

#include <sys/types.h>
#include <rouse/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rouse_listener;
struct rouse_tcp;
struct rouse_fd;

/* --------------------------------------------------------------- listener */

/** Binds and listens (SO_REUSEADDR). Port 0: the kernel picks, see rouse_listener_port(). 0 or -errno. */
#define rouse_listener_open(ADDRESS, PORT, RET_LISTENER) rouse_listener_open_((ADDRESS), (PORT), (RET_LISTENER), ROUSE_RESOURCE_SITE_)
ROUSE_API int rouse_listener_open_(const char *address, uint16_t port, struct rouse_listener **ret_listener,
	const struct rouse_site *site);
ROUSE_API uint16_t rouse_listener_port(const struct rouse_listener *listener);
ROUSE_API void rouse_listener_close(struct rouse_listener *listener);
/**
 * Accepts one connection into *ret_tcp. Result: 0 or -errno. Connections that
 * died in the queue are skipped. -EMFILE, -ENFILE, -ENOBUFS and -ENOMEM are
 * returned: sleep a little and call again.
 */
struct rouse_listener_accept {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_listener *listener;
	struct rouse_tcp **ret_tcp;
};
ROUSE_API struct rouse_listener_accept *rouse_listener_accept(struct rouse_listener_accept *storage,
	struct rouse_listener *listener, struct rouse_tcp **ret_tcp);

/* -------------------------------------------------------------------- tcp */

/** Connects. Result: 0 with *ret_tcp set, or -errno. */
struct rouse_tcp_connect {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_tcp *tcp;
	struct rouse_tcp **ret_tcp;
	const struct rouse_site *site;
	int error;
	uint16_t port;
	char address[46];
};
#define rouse_tcp_connect(STORAGE, ADDRESS, PORT, RET_TCP) rouse_tcp_connect_((STORAGE), (ADDRESS), (PORT), (RET_TCP), ROUSE_RESOURCE_SITE_)
ROUSE_API struct rouse_tcp_connect *rouse_tcp_connect_(struct rouse_tcp_connect *storage, const char *address,
	uint16_t port, struct rouse_tcp **ret_tcp, const struct rouse_site *site);

/** Closes and frees. Nobody may be awaiting it. NULL is fine. */
ROUSE_API void rouse_tcp_close(struct rouse_tcp *tcp);
/** shutdown(2) of the writing side: 0 or -errno. */
ROUSE_API int rouse_tcp_shutdown_write(struct rouse_tcp *tcp);
ROUSE_API int rouse_tcp_set_nodelay(struct rouse_tcp *tcp, bool on);
ROUSE_API int rouse_tcp_fd(const struct rouse_tcp *tcp);

/** Reads up to `bytes`. Result: bytes read, 0 at end of stream, -errno. */
struct rouse_tcp_read {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_tcp *tcp;
	void *buffer;
	size_t bytes;
	size_t done;
	bool exact;
};
ROUSE_API struct rouse_tcp_read *rouse_tcp_read(struct rouse_tcp_read *storage, struct rouse_tcp *tcp, void *buffer,
	size_t bytes);
/** Reads exactly `bytes`; the result is less only at end of stream. */
ROUSE_API struct rouse_tcp_read *rouse_tcp_read_exact(struct rouse_tcp_read *storage, struct rouse_tcp *tcp,
	void *buffer, size_t bytes);

/** Writes. Result: bytes written (all of them for write_all), or -errno. SIGPIPE is never raised. */
struct rouse_tcp_write {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_tcp *tcp;
	const void *buffer;
	size_t bytes;
	size_t done;
	bool all;
};
ROUSE_API struct rouse_tcp_write *rouse_tcp_write(struct rouse_tcp_write *storage, struct rouse_tcp *tcp,
	const void *buffer, size_t bytes);
ROUSE_API struct rouse_tcp_write *rouse_tcp_write_all(struct rouse_tcp_write *storage, struct rouse_tcp *tcp,
	const void *buffer, size_t bytes);

/* --------------------------------------------------------------------- fd */

/** Registers any pollable descriptor (made non-blocking by you). Borrows it: rouse_fd_free() does not close it. 0 or -errno. */
#define rouse_fd_new(FD, NAME, RET_FD) rouse_fd_new_((FD), (NAME), (RET_FD), ROUSE_RESOURCE_SITE_)
ROUSE_API int rouse_fd_new_(int fd, const char *name, struct rouse_fd **ret_fd, const struct rouse_site *site);
ROUSE_API void rouse_fd_free(struct rouse_fd *fd);
/** Ready when the descriptor may be readable. Result: 0. Then read until EAGAIN and call rouse_fd_clear_readable(). */
struct rouse_fd_ready {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_fd *fd;
	uint32_t direction;
	uint32_t reserved;
};
ROUSE_API struct rouse_fd_ready *rouse_fd_readable(struct rouse_fd_ready *storage, struct rouse_fd *fd);
ROUSE_API struct rouse_fd_ready *rouse_fd_writable(struct rouse_fd_ready *storage, struct rouse_fd *fd);
ROUSE_API void rouse_fd_clear_readable(struct rouse_fd *fd);
ROUSE_API void rouse_fd_clear_writable(struct rouse_fd *fd);

#ifdef __cplusplus
}
#endif
#endif
