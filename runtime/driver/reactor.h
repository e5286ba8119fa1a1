/* SPDX-License-Identifier: MIT */
/*
 * The reactor: one epoll per runtime, edge-triggered. Exactly one thread is in
 * reactor_turn() at a time (the scheduler's driver lock sees to that); all
 * else is called from any thread. Behind this interface io_uring can follow.
 */
#ifndef RS_DRIVER_REACTOR_H
#define RS_DRIVER_REACTOR_H

#include "task/wait.h"

struct rs_reactor;

/* 0, -EMFILE, -ENOMEM, ... `log` is told of what cannot be returned to anybody. */
int rs_reactor_new(struct rs_reactor **ret_reactor);
void rs_reactor_free(struct rs_reactor *reactor);

/*
 * Waits for events until `deadline_ns` (CLOCK_MONOTONIC; 0 = only look,
 * UINT64_MAX = no limit), delivers readiness, wakes waiters.
 * Returns the number of readiness events, or -errno.
 */
int rs_reactor_turn(struct rs_reactor *reactor, uint64_t deadline_ns);
/* Makes the turn in progress (or the next one) return at once. Any thread. */
void rs_reactor_poke(struct rs_reactor *reactor);
/* Descriptors registered now. */
uint32_t rs_reactor_count(const struct rs_reactor *reactor);

/* One registered descriptor; part of a resource, so its memory is type-stable. */
enum rs_direction { RS_READ = 0, RS_WRITE = 1 };
struct rs_io {
	struct rs_resource *resource;
	struct rs_reactor *reactor;
	int fd;
	uint32_t generation;
	uint32_t readiness; /* bits: enum rs_ready; the rest a tick that grows with each delivery */
	uint32_t reserved;
	struct rouse_wait *waiter[2]; /* guarded by resource->lock */
};

int rs_io_register(struct rs_io *io, struct rs_reactor *reactor, struct rs_resource *resource, int fd);
/* Ends the registration; waiters are woken. Afterwards no event of this fd is delivered any more. */
void rs_io_deregister(struct rs_io *io);

/*
 * READY if the direction may be ready, with the tick to pass to rs_io_clear()
 * when the operation says EAGAIN; else PENDING with the waiter registered.
 * Another future already waits in this direction: *ret_error = -EBUSY, READY.
 */
struct rouse_poll rs_io_poll(struct rs_io *io, enum rs_direction direction, struct rouse_wait *wait,
	struct rouse_context *cx, uint32_t *ret_tick, int *ret_error);
/* Forgets readiness that was seen at `tick`; newer readiness stays. */
void rs_io_clear(struct rs_io *io, enum rs_direction direction, uint32_t tick);
/* On drop of a waiting future. */
void rs_io_cancel(struct rs_io *io, enum rs_direction direction, struct rouse_wait *wait);

/* The current runtime's reactor, or NULL with errno (scheduler). */
struct rs_reactor *rs_reactor_current(void);
/* The reactor of the runtime a resource belongs to (scheduler). */
struct rs_reactor *rs_reactor_of(const struct rs_resource *resource);

#endif
