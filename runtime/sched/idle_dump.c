/* SPDX-License-Identifier: MIT */
#include "sched/idle.h"

#include <inttypes.h>
#include <stddef.h>

enum { STACK = sizeof((struct rs_idle *)0)->stack / sizeof(uint32_t) };

static const char *check_locked(const struct rs_idle *idle)
{
	uint32_t sleepers = rs_load(&idle->sleepers, RS_RELAXED);
	uint64_t seen = 0; /* a bit a worker */

	if (idle->workers == 0 || idle->workers > STACK)
		return "a number of workers that cannot be";
	if (sleepers > idle->workers)
		return "more sleepers than workers";
	/* Twice at most: one that goes to sleep is still counted in E3 when it is chosen already. */
	if (rs_load(&idle->searching, RS_SEQ_CST) > 2 * idle->workers)
		return "more searchers than workers: one was counted out twice";
	for (uint32_t i = 0; i < sleepers; i++) {
		if (idle->stack[i] >= idle->workers)
			return "a sleeper that does not exist";
		if (seen >> idle->stack[i] & 1)
			return "a worker that sleeps twice";
		seen |= 1ull << idle->stack[i];
	}
	for (uint32_t i = 0; i < idle->workers; i++) {
		uint32_t loan = rs_load(&idle->loans[i], RS_RELAXED);

		if (loan > RS_LOAN_AWAITED)
			return "a loan that cannot be";
		if (loan != RS_LOAN_NONE && !(seen >> i & 1))
			return "a worker that is lent and does not sleep";
	}
	return NULL;
}

const char *rs_idle_validate_any(struct rs_idle *idle)
{
	rs_lock_take(&idle->lock);
	const char *wrong = check_locked(idle);

	rs_lock_drop(&idle->lock);
	return wrong;
}

void rs_idle_dump_any(struct rs_idle *idle, FILE *out)
{
	rs_lock_take(&idle->lock);
	uint32_t sleepers = rs_load(&idle->sleepers, RS_RELAXED);

	fprintf(out, "idle: %" PRIu32 " workers, %" PRIu32 " searching, %" PRIu32 " asleep:", idle->workers,
		rs_load(&idle->searching, RS_RELAXED), sleepers);
	for (uint32_t i = 0; i < sleepers && i < STACK; i++) {
		uint32_t worker = idle->stack[i];

		fprintf(out, " %" PRIu32 "%s", worker,
			worker < STACK && rs_load(&idle->loans[worker], RS_RELAXED) != RS_LOAN_NONE ? " (lent)" : "");
	}
	fprintf(out, "\n");
	rs_lock_drop(&idle->lock);
}
