/* SPDX-License-Identifier: MIT */
#include "sched/idle.h"

#include "base/futex.h"

bool rs_idle_try_search(struct rs_idle *idle)
{
	uint32_t searching = rs_load(&idle->searching, RS_RELAXED);

	/* Approximate on purpose: one searcher too many is only a little waste. */
	if (searching && 2 * searching >= idle->workers)
		return false;
	rs_fetch_add(&idle->searching, 1u, RS_SEQ_CST);
	return true;
}

bool rs_idle_end_search(struct rs_idle *idle)
{
	return rs_fetch_sub(&idle->searching, 1u, RS_SEQ_CST) == 1;
}

void rs_idle_sleep(struct rs_idle *idle, uint32_t worker, bool searching)
{
	rs_lock_take(&idle->lock);
	idle->stack[idle->sleepers] = worker;
	rs_store(&idle->sleepers, idle->sleepers + 1, RS_RELAXED);
	rs_lock_drop(&idle->lock);
	if (searching)
		rs_fetch_sub(&idle->searching, 1u, RS_SEQ_CST);
	rs_fence_heavy(); /* E3: pairs with the light fence of E2 */
}

static bool is_lent_locked(const struct rs_idle *idle, uint32_t worker)
{
	return rs_load(&idle->loans[worker], RS_RELAXED) != RS_LOAN_NONE;
}

/* Off the stack with whoever is at `i`. */
static void remove_locked(struct rs_idle *idle, uint32_t i)
{
	for (; i + 1 < idle->sleepers; i++)
		idle->stack[i] = idle->stack[i + 1];
	rs_store(&idle->sleepers, idle->sleepers - 1, RS_RELAXED);
}

bool rs_idle_cancel(struct rs_idle *idle, uint32_t worker)
{
	uint32_t *loan = &idle->loans[worker];
	bool found = false;

	rs_lock_take(&idle->lock);
	while (is_lent_locked(idle, worker)) {
		rs_store(loan, (uint32_t)RS_LOAN_AWAITED, RS_RELAXED); /* L3 */
		rs_lock_drop(&idle->lock);
		while (rs_load(loan, RS_RELAXED) == RS_LOAN_AWAITED)
			(void)rs_futex_wait(loan, RS_LOAN_AWAITED, UINT64_MAX);
		rs_lock_take(&idle->lock);
	}
	for (uint32_t i = 0; i < idle->sleepers && !found; i++) {
		found = idle->stack[i] == worker;
		if (found)
			remove_locked(idle, i);
	}
	rs_lock_drop(&idle->lock);
	return found;
}

static int choose(struct rs_idle *idle, bool although_searching)
{
	int chosen = -1;

	rs_lock_take(&idle->lock);
	uint32_t i = although_searching || rs_load(&idle->searching, RS_SEQ_CST) == 0 ? idle->sleepers : 0;

	while (i > 0 && is_lent_locked(idle, idle->stack[i - 1]))
		i--;
	if (i > 0) {
		chosen = (int)idle->stack[i - 1];
		remove_locked(idle, i - 1);
		rs_fetch_add(&idle->searching, 1u, RS_SEQ_CST);
	}
	rs_lock_drop(&idle->lock);
	return chosen;
}

int rs_idle_choose_sleeper(struct rs_idle *idle)
{
	return choose(idle, false);
}

int rs_idle_choose_any(struct rs_idle *idle)
{
	return choose(idle, true);
}

int rs_idle_borrow(struct rs_idle *idle, bool (*asleep)(void *arg, uint32_t worker), void *arg)
{
	int lent = -1;

	if (rs_load(&idle->sleepers, RS_RELAXED) == 0)
		return -1;
	rs_lock_take(&idle->lock);
	for (uint32_t i = idle->sleepers; i > 0 && lent < 0; i--) {
		uint32_t worker = idle->stack[i - 1];

		if (is_lent_locked(idle, worker) || !asleep(arg, worker))
			continue;
		rs_store(&idle->loans[worker], (uint32_t)RS_LOAN_LENT, RS_RELAXED); /* L1 */
		lent = (int)worker;
	}
	rs_lock_drop(&idle->lock);
	return lent;
}

bool rs_idle_awaited(const struct rs_idle *idle, uint32_t worker)
{
	return rs_load(&idle->loans[worker], RS_RELAXED) == RS_LOAN_AWAITED;
}

void rs_idle_return(struct rs_idle *idle, uint32_t worker)
{
	rs_lock_take(&idle->lock);
	bool awaited = rs_idle_awaited(idle, worker);

	rs_store(&idle->loans[worker], (uint32_t)RS_LOAN_NONE, RS_RELAXED); /* R1 */
	rs_lock_drop(&idle->lock);
	if (awaited)
		rs_futex_wake(&idle->loans[worker], 1);
}
