/* SPDX-License-Identifier: MIT */
/*
 * A four-byte lock for short critical sections: spins a little, then sleeps.
 * 0 free, 1 held, 2 held and somebody slept. Zero-initialised is unlocked. Never
 * held across user code, a waker call, or a system call that can block.
 *
 * To take it is one compare-and-swap; to drop it a plain store, and a look at
 * whether anybody sleeps. (With an exchange, as in Drepper's "Futexes are tricky",
 * a lock and an unlock cost half as much again: 5 ns.) Sleepers pay for it:
 *
 *   drop                                sleep
 *   L1  word = 0 (release)              L3  count a sleeper
 *       light fence                         heavy fence
 *   L2  does anybody sleep? wake one    L4  word = 2; 0 before: it is ours, else sleep while 2
 *
 * Either L4 finds the lock free, or whoever holds it comes to L2 after L3, and sees
 * the sleeper: the fences forbid both to miss. Who wakes one counts it off, so that
 * it does not go on waking while that one has not run yet.
 *
 * Sleepers are counted beside the lock, by its address, and not in it: L1 is the
 * last touch of its memory. Somebody who had to wait for the lock may free that.
 * Two locks may share a count: L2 then wakes nobody, once in a while.
 */
#ifndef RS_BASE_LOCK_H
#define RS_BASE_LOCK_H

#include "base/atomic.h"

struct rs_lock {
	uint32_t word;
};

enum { RS_LOCK_COUNTS = 64, RS_LOCK_SPREAD = 64 /* bytes: as far as locks are apart, mostly */ };
extern uint32_t rs_lock_sleepers[RS_LOCK_COUNTS]; /* atomic */

void rs_lock_slow(struct rs_lock *lock);
void rs_unlock_slow(struct rs_lock *lock);

static inline uint32_t *rs_lock_sleepers_of(const struct rs_lock *lock)
{
	return &rs_lock_sleepers[(uintptr_t)lock / RS_LOCK_SPREAD % RS_LOCK_COUNTS];
}

static inline bool rs_lock_try(struct rs_lock *lock)
{
	uint32_t free = 0;

	return rs_cas(&lock->word, &free, 1u, RS_ACQUIRE, RS_RELAXED); /* pairs with L1 */
}

static inline void rs_lock_take(struct rs_lock *lock)
{
	if (!rs_lock_try(lock))
		rs_lock_slow(lock);
}

static inline void rs_lock_drop(struct rs_lock *lock)
{
	/* L1: what was written under the lock is seen by the next taker's acquire. */
	rs_store(&lock->word, 0u, RS_RELEASE);
	rs_fence_light(); /* pairs with the heavy fence after L3 */
	if (rs_load(rs_lock_sleepers_of(lock), RS_RELAXED)) /* L2 */
		rs_unlock_slow(lock);
}

#endif
