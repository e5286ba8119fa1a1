/* SPDX-License-Identifier: MIT */
#include "reactor_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* ------------------------------------------------------- system calls */

struct reactor_sys sys;

int __real_epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
	const sigset_t *mask);
int __wrap_epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
	const sigset_t *mask);
int __wrap_epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
	const sigset_t *mask)
{
	void (*harvested)(void) = sys.harvested;

	if (sys.pwait2_error) {
		errno = sys.pwait2_error;
		return -1;
	}
	int n = __real_epoll_pwait2(epfd, events, max, timeout, mask);
	sys.harvested = NULL;
	if (harvested)
		harvested();
	return n;
}

int __real_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
	sys.waits++;
	sys.wait_ms = timeout;
	return __real_epoll_wait(epfd, events, max, timeout > 1000 ? 0 : timeout);
}

static int fail_with(int error)
{
	errno = error;
	return -1;
}

int __real_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	return sys.ctl_error ? fail_with(sys.ctl_error) : __real_epoll_ctl(epfd, op, fd, event);
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags)
{
	return sys.create_error ? fail_with(sys.create_error) : __real_epoll_create1(flags);
}

int __real_eventfd(unsigned int value, int flags);
int __wrap_eventfd(unsigned int value, int flags);
int __wrap_eventfd(unsigned int value, int flags)
{
	return sys.eventfd_error ? fail_with(sys.eventfd_error) : __real_eventfd(value, flags);
}

/* ------------------------------------------------------------ fixture */

static void *count_clone(void *data)
{
	((struct counter *)data)->clones++;
	return data;
}
static void count_wake(void *data)
{
	((struct counter *)data)->wakes++;
}
static void count_drop(void *data)
{
	((struct counter *)data)->drops++;
}
static const struct rouse_waker_vtable counting = { count_clone, count_wake, count_wake, count_drop };

struct rouse_context context_of(struct counter *counter)
{
	return (struct rouse_context){ .waker = { counter, &counting } };
}

struct rs_reactor *reactor;

int setup(void **state)
{
	(void)state;
	memset(&sys, 0, sizeof sys);
	return rs_reactor_new(&reactor);
}

int teardown(void **state)
{
	(void)state;
	rs_reactor_free(reactor);
	return 0;
}

void watch(struct end *end, int fd, int peer)
{
	memset(end, 0, sizeof *end);
	end->resource.serial = 77;
	end->peer = peer;
	rs_wait_init(&end->wait[RS_READ], ROUSE_OP_READ);
	rs_wait_init(&end->wait[RS_WRITE], ROUSE_OP_WRITE);
	assert_int_equal(rs_io_register(&end->io, reactor, &end->resource, fd), 0);
}

void open_end(struct end *end)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	watch(end, pair[0], pair[1]);
}

void close_end(struct end *end)
{
	rs_io_deregister(&end->io);
	close(end->io.fd);
	if (end->peer >= 0)
		close(end->peer);
}

bool poll_end(struct end *end, enum rs_direction direction)
{
	struct rouse_context cx = context_of(&end->counter[direction]);

	return rs_io_poll(&end->io, direction, &end->wait[direction], &cx, &end->tick, &end->error).ready;
}

void open_waiting(struct end *end)
{
	open_end(end);
	assert_int_equal(rs_reactor_turn(reactor, 0, RS_REACTOR_EVENTS), 1);
	assert_false(poll_end(end, RS_READ));
}

void say(struct end *end, const char *text)
{
	assert_int_equal(write(end->peer, text, strlen(text)), strlen(text));
}
