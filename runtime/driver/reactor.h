/* SPDX-License-Identifier: MIT */
/*
 * The reactor: one epoll per runtime, edge-triggered. Exactly one thread is in
 * rs_reactor_turn() at a time (the scheduler's driver lock sees to that); all
 * else is called from any thread. Behind this interface io_uring can follow.
 */
#ifndef RS_DRIVER_REACTOR_H
#define RS_DRIVER_REACTOR_H

#include <stdio.h>

#include "task/wait.h"

struct rs_reactor;

/* 0, -EMFILE, -ENFILE, -ENOMEM, -ENOSPC; nothing is left behind. */
int rs_reactor_new(struct rs_reactor **ret_reactor);
/*
 * No turn may be in progress or follow. Whoever still waits (a task of another
 * runtime) is woken and told -ROUSE_EORPHAN; memory and descriptors go with
 * the last registration. NULL is fine.
 */
void rs_reactor_free(struct rs_reactor *reactor);

/*
 * How many events a turn takes at most; what it leaves comes first in the next one. Few, so that what a wake touches
 * (waiter, task, frame) is still in the CPU's cache when the task is polled: with 512 connections and 256 events a
 * turn, that was fetched twice. Fewer yet beside other work, lest it pile up: a worker looks each 61 polls.
 */
enum { RS_REACTOR_EVENTS = 64, RS_REACTOR_SOME = 32 };

/*
 * Waits for events until `deadline_ns` (CLOCK_MONOTONIC; 0 = only look,
 * UINT64_MAX = no limit), delivers readiness of at most `most` events (1 to
 * RS_REACTOR_EVENTS), wakes waiters.
 * Returns the number of readiness events, or -errno.
 */
int rs_reactor_turn(struct rs_reactor *reactor, uint64_t deadline_ns, uint32_t most);
/* Makes the turn in progress (or the next one) return at once. Any thread. */
void rs_reactor_poke(struct rs_reactor *reactor);
/* Descriptors registered now. */
uint32_t rs_reactor_count(const struct rs_reactor *reactor);
/* NULL, or what is wrong: with the table, with what a registration remembers, with who waits. Any thread. */
const char *rs_reactor_validate(struct rs_reactor *reactor);
void rs_reactor_dump(struct rs_reactor *reactor, FILE *out);

enum rs_direction { RS_READ = 0, RS_WRITE = 1 };

/* The low bits of rs_io.readiness. */
enum rs_ready {
	RS_READY = 0x01,   /* reported by the kernel, not consumed since */
	RS_GUESS = 0x02,   /* nothing was reported yet: trying is the way to know */
	RS_SPECIAL = 0x04, /* hang-up, error or urgent data was seen: a short read need not mean "empty" */
	RS_READY_BITS = 0xff
};

/* One registered descriptor; part of a resource. */
struct rs_io {
	struct rs_resource *resource;
	struct rs_reactor *reactor;
	int fd;
	uint32_t generation;
	/* Both by direction, written under resource->lock: */
	uint32_t readiness[2]; /* bits: enum rs_ready; above them a tick that grows with each report */
	struct rouse_wait *waiter[2];
};

/* 0, -EPERM (epoll cannot watch it), -EEXIST, -EBADF, -ENOMEM, -ENOSPC. */
int rs_io_register(struct rs_io *io, struct rs_reactor *reactor, struct rs_resource *resource, int fd);
/*
 * Ends the registration, to be called before the descriptor is closed; waiters
 * are woken. Once it returns nobody touches *io: an event of this descriptor
 * that is under way finds the registration gone.
 */
void rs_io_deregister(struct rs_io *io);

/*
 * READY if the direction may be ready, with the tick to pass to rs_io_clear()
 * when the operation says EAGAIN; else PENDING with the waiter registered.
 * READY with *ret_error: -EBUSY, another future waits in this direction;
 * -ROUSE_EORPHAN, the reactor is gone. Never blocks.
 */
struct rouse_poll rs_io_poll(struct rs_io *io, enum rs_direction direction, struct rouse_wait *wait,
	struct rouse_context *cx, uint32_t *ret_tick, int *ret_error);
/*
 * The first look of rs_io_poll(), without a lock: nothing to wait for, and nobody else waits. True: *ret_tick is set.
 * Acquire: pairs with the store of readiness in reactor.c. A node that is not waiting is known to nobody, so nothing
 * can be granted to it meanwhile.
 */
static inline bool rs_io_try(const struct rs_io *io, enum rs_direction direction, const struct rouse_wait *wait,
	uint32_t *ret_tick)
{
	uint32_t word = rs_load(&io->readiness[direction], RS_ACQUIRE);

	if (!(word & (RS_READY | RS_GUESS)) || rs_wait_state(wait) == ROUSE_WAIT_WAITING ||
		rs_load(&io->waiter[direction], RS_RELAXED))
		return false;
	*ret_tick = word;
	return true;
}
/* Forgets readiness that was seen at `tick`; newer readiness stays. */
void rs_io_clear(struct rs_io *io, enum rs_direction direction, uint32_t tick);
/*
 * The same after a transfer that moved fewer bytes than it was asked to, on a
 * stream socket: unless something special was reported, that means the queue
 * was empty (or full), which saves the system call that would say EAGAIN.
 */
void rs_io_drained(struct rs_io *io, enum rs_direction direction, uint32_t tick);
/* On drop of a waiting future. Touches *io only if the future still waits. */
void rs_io_cancel(struct rs_io *io, enum rs_direction direction, struct rouse_wait *wait);

/* The current runtime's reactor, or NULL with errno (scheduler). */
struct rs_reactor *rs_reactor_current(void);
/* The reactor of the runtime a resource belongs to (scheduler). */
struct rs_reactor *rs_reactor_of(const struct rs_resource *resource);

#endif
