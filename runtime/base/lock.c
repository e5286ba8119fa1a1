/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#include "base/futex.h"

uint32_t rs_lock_sleepers[RS_LOCK_COUNTS];

#if defined(RS_MODEL) && !defined(RS_MODEL_LOCK)
/* In models of other things a contended lock blocks its thread until the word changes. */
void rs_lock_slow(struct rs_lock *lock)
{
	do
		rs_model_wait(&lock->word, 1);
	while (!rs_lock_try(lock));
}
void rs_unlock_slow(struct rs_lock *lock)
{
	(void)lock;
}
#else
#ifdef RS_MODEL_LOCK
enum { SPIN_ROUNDS = 0, PAUSES = 1, PAUSES_MAX = 1 }; /* a look more is no other order of steps */
#else
enum { SPIN_ROUNDS = 8, PAUSES = 32, PAUSES_MAX = 128 };
#endif

/* Until it has the lock, or has been woken and counted off. */
static bool sleep(struct rs_lock *lock)
{
	uint32_t *sleepers = rs_lock_sleepers_of(lock);

	rs_fetch_add(sleepers, 1u, RS_RELAXED); /* L3 */
	rs_fence_heavy();                       /* pairs with the light fence before L2 */
	while (rs_exchange(&lock->word, 2u, RS_ACQUIRE) != 0) /* L4: pairs with L1 */
		if (rs_futex_wait(&lock->word, 2, UINT64_MAX) == 0)
			return false;
	rs_fetch_sub(sleepers, 1u, RS_RELAXED);
	return true;
}

/*
 * The first look waits some 1 us, those after it up to 4.
 * A waiter that grabs the lock as soon as it is free takes it, and all that it
 * guards, away from a holder that would soon have wanted it again: two CPUs at
 * one channel then move a few cache lines per message, and are six times slower
 * than one. One that stays away a little lets the other do its work in batches.
 * (Tried: from one pause up to 64, twice the time for a message through a contended
 * channel; up to 512, no better than 128, and who sleeps does so later.)
 */
void rs_lock_slow(struct rs_lock *lock)
{
	for (int round = 0, pauses = PAUSES; round < SPIN_ROUNDS; round++) {
		for (int i = 0; i < pauses; i++)
			rs_pause();
		if (rs_load(&lock->word, RS_RELAXED) == 0 && rs_lock_try(lock))
			return;
		if (pauses < PAUSES_MAX)
			pauses *= 2;
	}
	while (!sleep(lock))
		if (rs_lock_try(lock))
			return;
}

void rs_unlock_slow(struct rs_lock *lock)
{
	int woken = rs_futex_wake(&lock->word, 1);

	if (woken > 0)
		rs_fetch_sub(rs_lock_sleepers_of(lock), (uint32_t)woken, RS_RELAXED);
}
#endif
