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
enum { SPINS = 100 };

void rs_lock_slow(struct rs_lock *lock)
{
	for (int i = 0; i < SPINS; i++) {
		rs_pause();
		if (rs_load(&lock->word, RS_RELAXED) == 0 && rs_lock_try(lock))
			return;
	}
	while (rs_exchange(&lock->word, 2u, RS_ACQUIRE) != 0)
		(void)rs_futex_wait(&lock->word, 2, UINT64_MAX);
}

void rs_unlock_slow(struct rs_lock *lock)
{
	rs_futex_wake(&lock->word, 1);
}
#endif
