/* SPDX-License-Identifier: MIT */
#include "sched/idle.h"

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

bool rs_idle_cancel(struct rs_idle *idle, uint32_t worker)
{
	bool found = false;

	rs_lock_take(&idle->lock);
	for (uint32_t i = 0; i < idle->sleepers && !found; i++) {
		if (idle->stack[i] != worker)
			continue;
		found = true;
		for (; i + 1 < idle->sleepers; i++)
			idle->stack[i] = idle->stack[i + 1];
	}
	if (found)
		rs_store(&idle->sleepers, idle->sleepers - 1, RS_RELAXED);
	rs_lock_drop(&idle->lock);
	return found;
}

static int choose(struct rs_idle *idle, bool although_searching)
{
	int chosen = -1;

	rs_lock_take(&idle->lock);
	if (idle->sleepers && (although_searching || rs_load(&idle->searching, RS_SEQ_CST) == 0)) {
		chosen = (int)idle->stack[idle->sleepers - 1];
		rs_store(&idle->sleepers, idle->sleepers - 1, RS_RELAXED);
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
