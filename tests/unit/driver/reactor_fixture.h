/* SPDX-License-Identifier: MIT */
/*
 * The reactor without a runtime: resources on the stack, wakers that count,
 * turns made by hand. The system calls it makes are wrapped, so that things
 * can happen between the kernel's report and its delivery.
 */
#ifndef TEST_REACTOR_FIXTURE_H
#define TEST_REACTOR_FIXTURE_H

#include "test.h"

#include "driver/reactor.h"

/* What the wrapped system calls do, and what they saw. */
struct reactor_sys {
	int create_error, eventfd_error, ctl_error, pwait2_error;
	int waits;               /* calls of epoll_wait */
	int wait_ms;             /* what the last one was given */
	void (*harvested)(void); /* called once, after events left the kernel */
};
extern struct reactor_sys sys;

/* A waker that counts what is done to it. */
struct counter {
	int wakes, clones, drops;
};
struct rouse_context context_of(struct counter *counter);

/* A registered end of a socket pair, and one future in each direction. */
struct end {
	struct rs_resource resource;
	struct rs_io io;
	int peer;
	struct rouse_wait wait[2];
	struct counter counter[2];
	uint32_t tick;
	int error;
};

extern struct rs_reactor *reactor;
int setup(void **state);
int teardown(void **state);
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

void watch(struct end *end, int fd, int peer);
void open_end(struct end *end);
void close_end(struct end *end);
bool poll_end(struct end *end, enum rs_direction direction);
/* Past the guess and the first report: writable, not readable, the reader waits. */
void open_waiting(struct end *end);
void say(struct end *end, const char *text);

#endif
