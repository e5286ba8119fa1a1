/* SPDX-License-Identifier: MIT */
/*
 * The state word of a task (drawn in rouse/layout.h) and every way it may move.
 *
 *                     spawner                  worker                    worker
 *   Created --start--> Scheduled ----begin----> Running ----finish----> Complete
 *      |                ^  |  ^                  |   |                  Panicked
 *      |                |  |  |   +--rest--------+   |                  Cancelled
 *      |           wake |  |  |   v  (not notified)  +--rest (notified)--> Scheduled
 *      |      any thread|  |  | Pending
 *      |                +--|--+---+|
 *      +-----cancel--------+---cancel----> Cancelled: the worker that takes it from
 *                                          its queue drops the future, unpolled
 *
 * Ownership follows the flags: whoever sets RUNNING owns the future until it
 * clears it; whoever turns an idle word NOTIFIED owns the enqueue stamps and
 * must push the task into exactly one queue (INV-1). A cell is freed by
 * whoever makes the word COMPLETE with no references left (INV-2).
 *
 * With no reference out, nobody but the thread that has the task can reach the
 * word: references come from a queue, from a reference, or from the poll
 * itself. Then plain stores do (begin, rest, finish; the task itself wakes, or makes a waker).
 * This is legal because nothing ever makes a reference from an id or a scan:
 * aborts hold a handle, shutdown scans only after all workers have left (INV-3).
 *
 * Every transition adds one to the stamp. Counting them, a reader knows how
 * many references came and went; see console/diagnose.
 */
#ifndef RS_TASK_STATE_H
#define RS_TASK_STATE_H

#include <rouse/layout.h>
#include <stdio.h>

#include "base/atomic.h"

#define RS_REFS (ROUSE_WAKER_MASK | ROUSE_HANDLE_MASK)

/* NULL, or why no transition leads to this word (state_dump.c). */
const char *rs_state_validate(uint64_t word);
void rs_state_dump(uint64_t word, FILE *out);

/* What the caller of a transition has to do next. */
enum rs_next {
	RS_NOTHING,
	RS_SCHEDULE, /* push it: you own the stamps */
	RS_FREE,     /* the last reference of an ended task went: free the cell */
	RS_POLL,
	RS_CANCEL /* drop the future, then finish */
};

/*
 * S1: NOTIFIED -> RUNNING. The acquire pairs with the release of every wake
 * (S3) and drop (S5) before; the release with whoever reads the cell from
 * outside: its stamps are those of this poll.
 */
static inline enum rs_next rs_state_begin(uint64_t *word)
{
	uint64_t s = rs_load(word, RS_ACQUIRE), n;

	do {
		n = ((s & ~(uint64_t)ROUSE_NOTIFIED) | ROUSE_RUNNING) + ROUSE_STAMP_ONE;
		if (!(s & RS_REFS)) {
			rs_store(word, n, RS_RELEASE);
			break;
		}
	} while (!rs_cas(word, &s, n, RS_ACQ_REL, RS_ACQUIRE));
	return n & ROUSE_CANCELLED ? RS_CANCEL : RS_POLL;
}

/* S2: a poll that answered PENDING. The release pairs with the next S1: the frame's writes are seen. */
static inline enum rs_next rs_state_rest(uint64_t *word)
{
	uint64_t s = rs_load(word, RS_ACQUIRE), n;

	do {
		if (s & ROUSE_CANCELLED)
			return RS_CANCEL; /* stays RUNNING: the caller still owns the future */
		n = (s & ~(uint64_t)ROUSE_RUNNING) + ROUSE_STAMP_ONE;
		if (!(s & RS_REFS)) {
			rs_store(word, n, RS_RELEASE);
			break;
		}
	} while (!rs_cas(word, &s, n, RS_ACQ_REL, RS_ACQUIRE));
	return n & ROUSE_NOTIFIED ? RS_SCHEDULE : RS_NOTHING;
}

/*
 * S3: wake. `consume` gives a waker reference back in the same step. A wake of
 * an already notified task is a read-modify-write too: what the waker wrote
 * before must be seen by the poll that will clear NOTIFIED (S1).
 */
static inline enum rs_next rs_state_wake(uint64_t *word, bool consume)
{
	uint64_t s = rs_load(word, RS_RELAXED), n;
	enum rs_next next;

	do {
		next = RS_NOTHING;
		n = s + ROUSE_STAMP_ONE - (consume ? ROUSE_WAKER_ONE : 0);
		if (s & ROUSE_COMPLETE) {
			if (!consume)
				return RS_NOTHING;
			if (!(n & RS_REFS))
				next = RS_FREE;
		} else if (!(s & (ROUSE_NOTIFIED | ROUSE_CREATED))) {
			n |= ROUSE_NOTIFIED;
			if (!(s & ROUSE_RUNNING))
				next = RS_SCHEDULE;
		}
	} while (!rs_cas(word, &s, n, RS_ACQ_REL, RS_RELAXED));
	return next;
}

/* S12: S3 by the task itself, from its poll: with the context's waker, which is not counted. It will be polled again. */
static inline void rs_state_wake_self(uint64_t *word)
{
	uint64_t s = rs_load(word, RS_RELAXED);

	if (s & RS_REFS)
		(void)rs_state_wake(word, false);
	else if (!(s & ROUSE_COMPLETE))
		rs_store(word, (s | ROUSE_NOTIFIED) + ROUSE_STAMP_ONE, RS_RELAXED);
}

/*
 * S4: one reference more; the caller has one, or runs the task. False: there is
 * no room. One place stays free: S8 may need it, and cannot be refused.
 */
static inline bool rs_state_ref(uint64_t *word, uint64_t one, uint64_t mask)
{
	uint64_t s = rs_load(word, RS_RELAXED);

	do {
		if ((s & mask) >= mask - one)
			return false;
	} while (!rs_cas(word, &s, s + one + ROUSE_STAMP_ONE, RS_RELAXED, RS_RELAXED));
	return true;
}

/* S13: S4 for a waker, by the task itself, from its poll. With no reference out it is alone with the word (INV-3). */
static inline bool rs_state_ref_self(uint64_t *word)
{
	uint64_t s = rs_load(word, RS_RELAXED);

	if (s & RS_REFS)
		return rs_state_ref(word, ROUSE_WAKER_ONE, ROUSE_WAKER_MASK);
	rs_store(word, s + ROUSE_WAKER_ONE + ROUSE_STAMP_ONE, RS_RELAXED);
	return true;
}

/* S5: one reference less. Release, so that who frees sees all that was done with it; acquire, to be that one. */
static inline enum rs_next rs_state_unref(uint64_t *word, uint64_t one)
{
	uint64_t n = rs_fetch_add(word, ROUSE_STAMP_ONE - one, RS_ACQ_REL) + ROUSE_STAMP_ONE - one;

	return (n & ROUSE_COMPLETE) && !(n & RS_REFS) ? RS_FREE : RS_NOTHING;
}

/* A task that rests and has no waker left: what it waits for cannot reach it. Nor can it be made one again. */
static inline bool rs_state_is_stranded(uint64_t s)
{
	return !(s & (ROUSE_WAKER_MASK | ROUSE_RUNNING | ROUSE_NOTIFIED | ROUSE_COMPLETE | ROUSE_CREATED));
}

/*
 * S11: S5 for a waker, by somebody who has to know beforehand what it will do:
 * one try to leave `*seen` behind. False: something happened meanwhile, and
 * *seen is what is there now.
 */
static inline bool rs_state_unref_seen(uint64_t *word, uint64_t *seen, enum rs_next *ret_next)
{
	uint64_t n = *seen + ROUSE_STAMP_ONE - ROUSE_WAKER_ONE;

	if (!rs_cas(word, seen, n, RS_ACQ_REL, RS_RELAXED))
		return false;
	*ret_next = (n & ROUSE_COMPLETE) && !(n & RS_REFS) ? RS_FREE : RS_NOTHING;
	return true;
}

/* S6: Created -> Scheduled. */
static inline enum rs_next rs_state_start(uint64_t *word)
{
	uint64_t s = rs_load(word, RS_RELAXED), n;

	do {
		if (!(s & ROUSE_CREATED))
			return RS_NOTHING;
		n = ((s & ~(uint64_t)ROUSE_CREATED) | ROUSE_NOTIFIED) + ROUSE_STAMP_ONE;
	} while (!rs_cas(word, &s, n, RS_ACQ_REL, RS_RELAXED));
	return RS_SCHEDULE;
}

/* S7: abort. A pending or created task is scheduled, so that a worker drops it. */
static inline enum rs_next rs_state_abort(uint64_t *word)
{
	uint64_t s = rs_load(word, RS_RELAXED), n;
	enum rs_next next;

	do {
		if (s & (ROUSE_COMPLETE | ROUSE_CANCELLED))
			return RS_NOTHING;
		next = s & (ROUSE_NOTIFIED | ROUSE_RUNNING) ? RS_NOTHING : RS_SCHEDULE;
		n = ((s & ~(uint64_t)ROUSE_CREATED) | ROUSE_CANCELLED) + ROUSE_STAMP_ONE;
		if (!(s & ROUSE_RUNNING))
			n |= ROUSE_NOTIFIED;
	} while (!rs_cas(word, &s, n, RS_ACQ_REL, RS_RELAXED));
	return next;
}

/*
 * S8: the future has ended, as `outcome` (0, CANCELLED or PANICKED) says. With
 * JOIN_WAKER set, the join waker is the caller's now, and *ret_join is true:
 * a handle reference was added, so that the cell stays while it is woken.
 */
static inline enum rs_next rs_state_finish(uint64_t *word, uint64_t outcome, bool *ret_join)
{
	uint64_t s = rs_load(word, RS_ACQUIRE), n;
	const uint64_t clear = ROUSE_RUNNING | ROUSE_NOTIFIED | ROUSE_CANCELLED | ROUSE_CREATED;

	do {
		*ret_join = s & ROUSE_JOIN_WAKER;
		n = ((s & ~clear) | ROUSE_COMPLETE | outcome) + ROUSE_STAMP_ONE;
		if (*ret_join)
			n += ROUSE_HANDLE_ONE;
		if (!(s & RS_REFS)) {
			rs_store(word, n, RS_RELAXED);
			break;
		}
	} while (!rs_cas(word, &s, n, RS_ACQ_REL, RS_ACQUIRE));
	return n & RS_REFS ? RS_NOTHING : RS_FREE;
}

/* S9: publishes the join waker that was just written. False: the task has ended, the waker is still the caller's. */
static inline bool rs_state_set_join(uint64_t *word)
{
	uint64_t s = rs_load(word, RS_RELAXED);

	do {
		if (s & ROUSE_COMPLETE)
			return false;
	} while (!rs_cas(word, &s, (s | ROUSE_JOIN_WAKER) + ROUSE_STAMP_ONE, RS_ACQ_REL, RS_ACQUIRE));
	return true;
}

/* S10: takes the join waker back. False: the task has ended, the completer consumes it. */
static inline bool rs_state_clear_join(uint64_t *word)
{
	uint64_t s = rs_load(word, RS_RELAXED);

	do {
		if (s & ROUSE_COMPLETE)
			return false;
	} while (!rs_cas(word, &s, (s & ~(uint64_t)ROUSE_JOIN_WAKER) + ROUSE_STAMP_ONE, RS_ACQ_REL, RS_ACQUIRE));
	return true;
}

#endif
