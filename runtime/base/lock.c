/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#include "base/futex.h"

#ifdef RS_MODEL
/* Under the model checker a contended lock blocks its thread until the word changes. */
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
enum { SPIN_ROUNDS = 12, PAUSES_MAX = 64 };

/*
 * Each look waits twice as long as the one before, up to some 2 us.
 * A waiter that grabs the lock as soon as it is free takes it, and all that it
 * guards, away from a holder that would soon have wanted it again: two CPUs at
 * one channel then move a few cache lines per message, and are six times slower
 * than one. One that stays away a little lets the other do its work in batches.
 */
void rs_lock_slow(struct rs_lock *lock)
{
	for (int round = 0, pauses = 1; round < SPIN_ROUNDS; round++) {
		for (int i = 0; i < pauses; i++)
			rs_pause();
		if (rs_load(&lock->word, RS_RELAXED) == 0 && rs_lock_try(lock))
			return;
		if (pauses < PAUSES_MAX)
			pauses *= 2;
	}
	while (rs_exchange(&lock->word, 2u, RS_ACQUIRE) != 0)
		(void)rs_futex_wait(&lock->word, 2, UINT64_MAX);
}

void rs_unlock_slow(struct rs_lock *lock)
{
	rs_futex_wake(&lock->word, 1);
}
#endif
