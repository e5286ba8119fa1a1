/* SPDX-License-Identifier: MIT */
/*
 * Readiness from epoll, handed to the futures that wait for it.
 *
 * A descriptor is registered once, edge-triggered, for everything; after that no operation needs epoll_ctl. What the
 * kernel reports is remembered in rs_io.readiness until an operation says EAGAIN (or moves less than it was asked to,
 * see "short transfers"). A future that finds no readiness leaves its waker in rs_io.waiter[direction]; the turn
 * takes it out and calls it.
 *
 * Ticks: clearing old readiness never loses newer
 *
 *     task                                      turn
 *     T1  load readiness: tick 4, readable
 *     T2  recv: EAGAIN
 *                                               D1  data arrives: tick 5, readable
 *     T3  clear(tick 4): the tick is 5, ignored
 *     T4  poll: readable, try again
 *
 * Without ticks T3 would erase what D1 said, and T4 would sleep on data that is there; being edge-triggered, the
 * kernel would not say it twice. If D1's event is still in the kernel at T3, the clear succeeds, T4 registers, and D1
 * finds the waiter. All that it takes is that T1 comes before T2. Each direction has a tick of its own, lest
 * "writable" undo what a short read has told.
 *
 * Guesses: before the first report nobody knows, so trying is right. The first event after EPOLL_CTL_ADD describes
 * the descriptor as it is, so it replaces guesses by knowledge.
 *
 * Short transfers: on a stream socket a recv that returns less than was asked for has emptied the queue, and whatever
 * arrives later is a new edge. Two exceptions, both reported in the same event as the data or in a later one: a FIN
 * or an error behind the data (RDHUP, HUP, ERR), and urgent data, at whose mark TCP cuts a read short (PRI). Either
 * sets RS_SPECIAL, for ever, and from then on only EAGAIN counts.
 *
 * Stale events: no event touches a registration that it does not belong to. epoll hands back {fd, generation}, never
 * a pointer. The table below maps fd to the registration that owns the number now. Its slots are never freed or moved
 * while the reactor lives, so a turn may look at any of them at any time:
 *
 *   1. rs_io_register() raises the slot's generation: two registrations of one number never share one (it would take
 *      2^32 of them during one turn).
 *   2. Deliveries read slot->io and compare generations under the slot's lock, and keep it while they touch *io.
 *   3. rs_io_deregister() empties the slot under the same lock. So when it has returned, a delivery of that generation
 *      has either ended or will find the slot empty or owned by a later generation, and drops the event.
 *
 * Slot locks are held across epoll_ctl, which does not wait for anything but epoll's own short critical sections: an
 * event that is reported before the slot is written waits for that moment instead of getting lost.
 *
 * Order of locks: slot, then resource. Wakers are called with neither.
 */
#include "driver/reactor.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rouse/runtime.h>

#include "base/clock.h"

enum { WAKES_TOGETHER = 8, FIRST_CHUNK_BITS = 8, CHUNKS = 24, LINE = 64 };

#define RS_TICK_ONE 0x100u
#define POKE_DATA UINT64_MAX

static const uint32_t INTEREST = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;

/* Who owns this descriptor number. Chunk k of the table has 256 << k of them. */
struct slot {
	struct rs_lock lock;
	uint32_t generation;
	struct rs_io *io;
};

struct rs_reactor {
	/* set by rs_reactor_new() */
	int epoll_fd;
	int poke_fd;
	/* any thread */
	uint32_t refs;   /* one for the owner, one for each registration */
	uint32_t closed; /* the owner is gone */
	struct rs_lock grow;
	struct slot *chunks[CHUNKS];
	/* any thread, often: a line of its own */
	_Alignas(LINE) uint32_t poked;
	/* the thread in the turn */
	_Alignas(LINE) bool coarse; /* no epoll_pwait2 here */
	struct epoll_event events[RS_REACTOR_EVENTS];
};

/* ------------------------------------------------------------- lifetime */

static void reactor_unref(struct rs_reactor *reactor)
{
	/* Acquire-release: the last one sees all that the others did to the table. */
	if (rs_fetch_sub(&reactor->refs, 1u, RS_ACQ_REL) != 1)
		return;
	close(reactor->poke_fd);
	close(reactor->epoll_fd);
	for (int i = 0; i < CHUNKS; i++)
		free(reactor->chunks[i]);
	free(reactor);
}

int rs_reactor_new(struct rs_reactor **ret_reactor)
{
	struct epoll_event poke = { .events = EPOLLIN | EPOLLET, .data.u64 = POKE_DATA };
	struct rs_reactor *reactor = aligned_alloc(LINE, sizeof *reactor);
	int rc;

	if (!reactor)
		return -ENOMEM;
	memset(reactor, 0, sizeof *reactor);
	reactor->refs = 1;
	reactor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (reactor->epoll_fd < 0) {
		rc = -errno;
		goto no_epoll;
	}
	reactor->poke_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reactor->poke_fd < 0) {
		rc = -errno;
		goto no_poke;
	}
	if (epoll_ctl(reactor->epoll_fd, EPOLL_CTL_ADD, reactor->poke_fd, &poke) < 0) {
		rc = -errno;
		goto no_registration;
	}
	*ret_reactor = reactor;
	return 0;

no_registration:
	close(reactor->poke_fd);
no_poke:
	close(reactor->epoll_fd);
no_epoll:
	free(reactor);
	return rc;
}

uint32_t rs_reactor_count(const struct rs_reactor *reactor)
{
	return rs_load(&reactor->refs, RS_RELAXED) - 1;
}

/* ---------------------------------------------------------------- table */

static uint32_t chunk_of(int fd, uint32_t *ret_offset)
{
	uint32_t i = (uint32_t)fd + (1u << FIRST_CHUNK_BITS);
	uint32_t high = 31u - (uint32_t)__builtin_clz(i);

	*ret_offset = i - (1u << high);
	return high - FIRST_CHUNK_BITS;
}

/* The slot of a descriptor that is, or once was, registered. */
static struct slot *slot_of(struct rs_reactor *reactor, int fd)
{
	uint32_t offset, chunk = chunk_of(fd, &offset);

	/* Acquire: pairs with the release in slot_make. */
	return &rs_load(&reactor->chunks[chunk], RS_ACQUIRE)[offset];
}

/* The same for any descriptor; NULL when there is no memory. */
static struct slot *slot_make(struct rs_reactor *reactor, int fd)
{
	uint32_t offset, chunk = chunk_of(fd, &offset);
	struct slot **place = &reactor->chunks[chunk];

	if (!rs_load(place, RS_ACQUIRE)) {
		rs_lock_take(&reactor->grow);
		if (!*place) {
			struct slot *slots = calloc((size_t)1 << (chunk + FIRST_CHUNK_BITS), sizeof *slots);

			/* Release: who sees the chunk sees it zeroed. Pairs with slot_of. */
			rs_store(place, slots, RS_RELEASE);
		}
		rs_lock_drop(&reactor->grow);
	}
	struct slot *slots = rs_load(place, RS_ACQUIRE);
	return slots ? &slots[offset] : NULL;
}

/* ------------------------------------------------------------ readiness */

/* Stores the word, and shows it in the resource's record. */
static void set_readiness_locked(struct rs_io *io, enum rs_direction direction, uint32_t word)
{
	uint8_t shown = direction == RS_READ ? ROUSE_RESOURCE_READABLE : ROUSE_RESOURCE_WRITABLE;
	uint8_t flags = io->resource->flags;

	rs_record(&io->resource->flags, (uint8_t)(word & RS_READY ? flags | shown : flags & ~shown));
	/* Release: pairs with the lock-free look in rs_io_poll. */
	rs_store(&io->readiness[direction], word, RS_RELEASE);
}

/* Takes the waiter out, if there is one; answers how many wakers there are now to call. */
static uint32_t grant_locked(struct rs_io *io, enum rs_direction direction, struct rouse_waker *wakers, uint32_t n)
{
	struct rouse_wait *wait = io->waiter[direction];

	if (!wait)
		return n;
	/* First, because the future may be gone as soon as its node is granted. */
	rs_store(&io->waiter[direction], NULL, RS_RELAXED);
	wakers[n] = rs_wait_grant_single_locked(wait);
	__builtin_prefetch(wakers[n].data, 1); /* the task, mostly */
	return n + 1;
}

/* What an event says about one direction: `bits` 0 = not ready, which is news only to a guess. */
static uint32_t report_locked(struct rs_io *io, enum rs_direction direction, uint32_t bits, struct rouse_waker *wakers,
	uint32_t n)
{
	uint32_t word = io->readiness[direction] & ~(uint32_t)RS_GUESS;

	set_readiness_locked(io, direction, bits ? (word | bits) + RS_TICK_ONE : word);
	return bits ? grant_locked(io, direction, wakers, n) : n;
}

static void wake_all(struct rouse_waker *wakers, uint32_t n, enum rouse_wake_source source)
{
	for (uint32_t i = 0; i < n; i++)
		rs_wake_granted(&wakers[i], source);
}

/* ----------------------------------------------------------------- turn */

static uint32_t bits_of(uint32_t events, uint32_t meaning_ready)
{
	const uint32_t special = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

	if (!(events & meaning_ready))
		return 0;
	return events & special ? RS_READY | RS_SPECIAL : RS_READY;
}

/*
 * With many descriptors each event is a chain of cache misses. So the registration
 * that an event after next needs is fetched meanwhile, without a lock: its address
 * alone is asked for, so that of one which ends now in vain. (Tried: its resource
 * and waiter, too; but to read them is a race with whoever makes the next one there.)
 */
static void look_ahead(struct rs_reactor *reactor, int i, int n)
{
	uint64_t data = i + 3 < n ? reactor->events[i + 3].data.u64 : POKE_DATA;

	if (data != POKE_DATA)
		__builtin_prefetch(rs_load(&slot_of(reactor, (int)(data >> 32))->io, RS_RELAXED), 1);
}

/* 1 if the event was delivered, 0 if it was stale. The wakers to call are added to the batch. */
static int deliver(struct rs_reactor *reactor, const struct epoll_event *event, struct rs_wake_batch *batch)
{
	struct slot *slot = slot_of(reactor, (int)(event->data.u64 >> 32));
	uint32_t readable = bits_of(event->events, EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	uint32_t writable = bits_of(event->events, EPOLLOUT | EPOLLHUP | EPOLLERR);

	rs_lock_take(&slot->lock);
	struct rs_io *io = slot->io;
	if (!io || slot->generation != (uint32_t)event->data.u64) {
		rs_lock_drop(&slot->lock);
		return 0;
	}
	rs_lock_take(&io->resource->lock);
	batch->n = report_locked(io, RS_READ, readable, batch->wakers, batch->n);
	batch->n = report_locked(io, RS_WRITE, writable, batch->wakers, batch->n);
	rs_lock_drop(&io->resource->lock);
	rs_lock_drop(&slot->lock);
	return 1;
}

static uint64_t until(uint64_t deadline_ns)
{
	uint64_t now = deadline_ns ? rs_mono_ns() : 0;

	return deadline_ns > now ? deadline_ns - now : 0;
}

static int wait_for_events(struct rs_reactor *reactor, uint64_t deadline_ns, int most)
{
	bool limited = deadline_ns != UINT64_MAX;
	uint64_t ns = limited ? until(deadline_ns) : 0;

	if (!reactor->coarse) {
		struct timespec timeout = { (time_t)(ns / ROUSE_S), (long)(ns % ROUSE_S) };
		int n = epoll_pwait2(reactor->epoll_fd, reactor->events, most, limited ? &timeout : NULL, NULL);

		/* EPERM: what filters of system calls answer about one they do not know. */
		if (n >= 0 || (errno != ENOSYS && errno != EPERM))
			return n;
		reactor->coarse = true;
	}
	uint64_t ms = ns / ROUSE_MS + (ns % ROUSE_MS != 0); /* up: late is allowed, early would spin */
	return epoll_wait(reactor->epoll_fd, reactor->events, most,
		!limited ? -1 : ms > INT_MAX ? INT_MAX : (int)ms);
}

int rs_reactor_turn(struct rs_reactor *reactor, uint64_t deadline_ns, uint32_t most)
{
	int delivered = 0;
	int n = wait_for_events(reactor, deadline_ns, (int)most);
	struct rs_wake_batch batch;

	batch.n = 0;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		look_ahead(reactor, i, n);
		if (reactor->events[i].data.u64 != POKE_DATA) {
			delivered += deliver(reactor, &reactor->events[i], &batch);
			if (batch.n >= WAKES_TOGETHER)
				rs_wake_batch_flush(&batch, ROUSE_WAKE_IO);
			continue;
		}
		/* The caller looks for work after this: pairs with rs_reactor_poke, whose
		 * caller published work before. A poke from here on writes again. */
		(void)rs_exchange(&reactor->poked, 0u, RS_ACQ_REL);
	}
	rs_wake_batch_flush(&batch, ROUSE_WAKE_IO);
	return delivered;
}

/* Every write to an eventfd is an edge, read or not; so nobody reads it, and 2^64 pokes would be needed to fill it. */
void rs_reactor_poke(struct rs_reactor *reactor)
{
	const uint64_t one = 1;

	/* Pairs with the exchange in rs_reactor_turn. */
	if (rs_exchange(&reactor->poked, 1u, RS_ACQ_REL) == 0)
		(void)!write(reactor->poke_fd, &one, sizeof one);
}

/* --------------------------------------------------------- registration */

int rs_io_register(struct rs_io *io, struct rs_reactor *reactor, struct rs_resource *resource, int fd)
{
	struct slot *slot = fd < 0 ? NULL : slot_make(reactor, fd);

	if (!slot)
		return fd < 0 ? -EBADF : -ENOMEM;
	*io = (struct rs_io){ .resource = resource, .reactor = reactor, .fd = fd,
		.readiness = { RS_GUESS, RS_GUESS } };
	rs_lock_take(&slot->lock);
	io->generation = slot->generation + 1;
	struct epoll_event event = { .events = INTEREST, .data.u64 = (uint64_t)fd << 32 | io->generation };
	if (epoll_ctl(reactor->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		int rc = -errno;

		rs_lock_drop(&slot->lock);
		return rc;
	}
	/* May displace one whose descriptor was closed behind our back: it gets no more events. */
	slot->generation = io->generation;
	rs_store(&slot->io, io, RS_RELAXED); /* look_ahead reads it without the lock */
	rs_lock_drop(&slot->lock);
	/* Relaxed: whoever registers holds a reference already, by way of its runtime. */
	(void)rs_fetch_add(&reactor->refs, 1u, RS_RELAXED);
	return 0;
}

void rs_io_deregister(struct rs_io *io)
{
	struct slot *slot = slot_of(io->reactor, io->fd);
	struct rouse_waker wakers[2];
	uint32_t n = 0;

	rs_lock_take(&slot->lock);
	if (slot->io == io && slot->generation == io->generation) {
		/* Fails only if the descriptor was closed already: then the kernel did it. */
		(void)epoll_ctl(io->reactor->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
		rs_store(&slot->io, NULL, RS_RELAXED);
	}
	rs_lock_drop(&slot->lock);
	rs_lock_take(&io->resource->lock);
	set_readiness_locked(io, RS_READ, 0);
	set_readiness_locked(io, RS_WRITE, 0);
	n = grant_locked(io, RS_READ, wakers, n);
	n = grant_locked(io, RS_WRITE, wakers, n);
	rs_lock_drop(&io->resource->lock);
	wake_all(wakers, n, ROUSE_WAKE_IO);
	reactor_unref(io->reactor);
}

/* Wakes whoever waits for this slot's descriptor; polling again, it sees `closed`. */
static void abandon(struct slot *slot)
{
	struct rouse_waker wakers[2];
	uint32_t n = 0;

	rs_lock_take(&slot->lock);
	if (slot->io) {
		rs_lock_take(&slot->io->resource->lock);
		n = grant_locked(slot->io, RS_READ, wakers, n);
		n = grant_locked(slot->io, RS_WRITE, wakers, n);
		rs_lock_drop(&slot->io->resource->lock);
	}
	rs_lock_drop(&slot->lock);
	wake_all(wakers, n, ROUSE_WAKE_SHUTDOWN);
}

void rs_reactor_free(struct rs_reactor *reactor)
{
	if (!reactor)
		return;
	/* Before the locks below: a future registers before abandon() takes its resource's lock and is woken, or after,
	 * and sees this (poll_locked). */
	rs_store(&reactor->closed, 1u, RS_RELEASE);
	for (uint32_t chunk = 0; chunk < CHUNKS; chunk++) {
		struct slot *slots = rs_load(&reactor->chunks[chunk], RS_ACQUIRE);

		for (size_t i = 0; slots && i < (size_t)1 << (chunk + FIRST_CHUNK_BITS); i++)
			abandon(&slots[i]);
	}
	reactor_unref(reactor);
}

/* -------------------------------------------------------------- waiting */

/* As rs_io_poll. *ret_waker: to be dropped after unlocking. */
static struct rouse_poll poll_locked(struct rs_io *io, enum rs_direction direction, struct rouse_wait *wait,
	struct rouse_context *cx, uint32_t *ret_tick, int *ret_error, struct rouse_waker *ret_waker)
{
	struct rouse_wait *waiting = io->waiter[direction];
	bool closed = rs_load(&io->reactor->closed, RS_ACQUIRE);

	if (!closed && waiting && waiting != wait) {
		*ret_error = -EBUSY;
		return rouse_ready();
	}
	if (!closed && !(io->readiness[direction] & (RS_READY | RS_GUESS))) {
		rs_wait_register_single_locked(wait, cx, io->resource->serial);
		rs_store(&io->waiter[direction], wait, RS_RELAXED);
		return rouse_pending();
	}
	if (waiting == wait) {
		rs_store(&io->waiter[direction], NULL, RS_RELAXED);
		(void)rs_wait_cancel_single_locked(wait, ret_waker);
	}
	if (closed)
		*ret_error = -ROUSE_EORPHAN;
	*ret_tick = io->readiness[direction];
	return rouse_ready();
}

struct rouse_poll rs_io_poll(struct rs_io *io, enum rs_direction direction, struct rouse_wait *wait,
	struct rouse_context *cx, uint32_t *ret_tick, int *ret_error)
{
	struct rouse_waker waker = { NULL, NULL };

	*ret_error = 0;
	if (rs_io_try(io, direction, wait, ret_tick))
		return rouse_ready();
	rs_lock_take(&io->resource->lock);
	struct rouse_poll poll = poll_locked(io, direction, wait, cx, ret_tick, ret_error, &waker);
	rs_lock_drop(&io->resource->lock);
	rouse_waker_drop(&waker);
	return poll;
}

void rs_io_clear(struct rs_io *io, enum rs_direction direction, uint32_t tick)
{
	rs_lock_take(&io->resource->lock);
	uint32_t word = io->readiness[direction];
	if (((word ^ tick) & ~(uint32_t)RS_READY_BITS) == 0)
		set_readiness_locked(io, direction, word & ~(uint32_t)(RS_READY | RS_GUESS));
	rs_lock_drop(&io->resource->lock);
}

void rs_io_drained(struct rs_io *io, enum rs_direction direction, uint32_t tick)
{
	/* `tick` is the whole word as it was before the transfer. What has been
	 * reported since has moved the tick, and the clear does nothing. */
	if (!(tick & RS_SPECIAL))
		rs_io_clear(io, direction, tick);
}

void rs_io_cancel(struct rs_io *io, enum rs_direction direction, struct rouse_wait *wait)
{
	struct rouse_waker waker = { NULL, NULL };

	/* Granted: readiness was not consumed, the next to ask finds it. */
	if (rs_wait_state(wait) != ROUSE_WAIT_WAITING)
		return;
	rs_lock_take(&io->resource->lock);
	if (io->waiter[direction] == wait) {
		rs_store(&io->waiter[direction], NULL, RS_RELAXED);
		(void)rs_wait_cancel_single_locked(wait, &waker);
	}
	rs_lock_drop(&io->resource->lock);
	rouse_waker_drop(&waker);
}

/* ----------------------------------------------------------- for people */

static const char *check_direction_locked(const struct rs_io *io, enum rs_direction direction)
{
	const struct rouse_wait *wait = io->waiter[direction];
	uint8_t shown = direction == RS_READ ? ROUSE_RESOURCE_READABLE : ROUSE_RESOURCE_WRITABLE;

	if (!(io->readiness[direction] & RS_READY) != !(io->resource->flags & shown))
		return "readiness that the record does not show";
	if (!wait)
		return NULL;
	if (wait->state != ROUSE_WAIT_WAITING || wait->resource != io->resource->serial)
		return "a waiter that does not wait for this";
	return io->readiness[direction] & (RS_READY | RS_GUESS) ? "a waiter although it is ready" : NULL;
}

static const char *check_slot_locked(const struct rs_reactor *reactor, const struct slot *slot, int fd)
{
	const struct rs_io *io = slot->io;

	if (io->fd != fd || io->reactor != reactor)
		return "a registration in another's slot";
	if (io->generation != slot->generation)
		return "a registration of another generation";
	rs_lock_take(&io->resource->lock);
	const char *wrong = check_direction_locked(io, RS_READ);

	if (!wrong)
		wrong = check_direction_locked(io, RS_WRITE);
	rs_lock_drop(&io->resource->lock);
	return wrong;
}

/* Calls fn for each slot in use, its lock held, until one call answers something. */
static const char *each_slot(struct rs_reactor *reactor,
	const char *(*fn)(const struct rs_reactor *, const struct slot *, int fd, void *arg), void *arg)
{
	const char *answer = NULL;

	for (uint32_t chunk = 0; chunk < CHUNKS; chunk++) {
		struct slot *slots = rs_load(&reactor->chunks[chunk], RS_ACQUIRE);
		uint32_t n = 1u << (chunk + FIRST_CHUNK_BITS), first = n - (1u << FIRST_CHUNK_BITS);

		for (uint32_t i = 0; slots && i < n && !answer; i++) {
			rs_lock_take(&slots[i].lock);
			if (slots[i].io)
				answer = fn(reactor, &slots[i], (int)(first + i), arg);
			rs_lock_drop(&slots[i].lock);
		}
	}
	return answer;
}

static const char *check_one(const struct rs_reactor *reactor, const struct slot *slot, int fd, void *arg)
{
	++*(uint32_t *)arg;
	return check_slot_locked(reactor, slot, fd);
}

/* A registration counts once it is made and until it has ended: its slot may be empty before and after. */
const char *rs_reactor_validate(struct rs_reactor *reactor)
{
	uint32_t n = 0;
	const char *wrong = each_slot(reactor, check_one, &n);

	return wrong || n <= rs_reactor_count(reactor) ? wrong : "more descriptors than registrations";
}

static const char *dump_one(const struct rs_reactor *reactor, const struct slot *slot, int fd, void *arg)
{
	static const char *const names[] = { "read", "write" };
	const struct rs_io *io = slot->io;

	(void)reactor;
	fprintf(arg, "  fd %d generation %" PRIu32, fd, slot->generation);
	for (int i = RS_READ; i <= RS_WRITE; i++)
		fprintf(arg, " %s %#" PRIx32 "%s", names[i], rs_load(&io->readiness[i], RS_RELAXED),
			rs_load(&io->waiter[i], RS_RELAXED) ? " awaited" : "");
	fprintf(arg, "\n");
	return NULL;
}

void rs_reactor_dump(struct rs_reactor *reactor, FILE *out)
{
	fprintf(out, "reactor: %" PRIu32 " descriptors%s%s\n", rs_reactor_count(reactor),
		rs_load(&reactor->closed, RS_ACQUIRE) ? ", closed" : "",
		rs_load(&reactor->poked, RS_RELAXED) ? ", poked" : "");
	(void)each_slot(reactor, dump_one, out);
}
