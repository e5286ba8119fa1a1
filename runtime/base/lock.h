/* SPDX-License-Identifier: MIT */
/*
 * A four-byte lock for short critical sections: spins a little, then sleeps.
 * 0 free, 1 held, 2 held and somebody sleeps. (Drepper, "Futexes are tricky",
 * the third mutex.) Zero-initialised is unlocked. Never held across user code,
 * a waker call, or a system call that can block.
 */
#ifndef RS_BASE_LOCK_H
#define RS_BASE_LOCK_H

#include "base/atomic.h"

struct rs_lock {
	uint32_t word;
};

void rs_lock_slow(struct rs_lock *lock);
void rs_unlock_slow(struct rs_lock *lock);

static inline bool rs_lock_try(struct rs_lock *lock)
{
	uint32_t free = 0;

	return rs_cas(&lock->word, &free, 1u, RS_ACQUIRE, RS_RELAXED);
}

static inline void rs_lock_take(struct rs_lock *lock)
{
	if (!rs_lock_try(lock))
		rs_lock_slow(lock);
}

/* Release: what was written under the lock is seen by the next taker's acquire. */
static inline void rs_lock_drop(struct rs_lock *lock)
{
	if (rs_exchange(&lock->word, 0u, RS_RELEASE) == 2)
		rs_unlock_slow(lock);
}

#endif
