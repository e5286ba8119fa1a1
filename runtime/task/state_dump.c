/* SPDX-License-Identifier: MIT */
/* The state word of a task in words: "running|notified wakers 2 handles 1 stamp 17". */
#include "task/state.h"

#include <inttypes.h>
#include <stddef.h>

static const struct {
	uint64_t flag;
	const char *name;
} flags[] = {
	{ ROUSE_RUNNING, "running" },
	{ ROUSE_COMPLETE, "complete" },
	{ ROUSE_NOTIFIED, "notified" },
	{ ROUSE_JOIN_INTEREST, "join_interest" },
	{ ROUSE_JOIN_WAKER, "join_waker" },
	{ ROUSE_CANCELLED, "cancelled" },
	{ ROUSE_PANICKED, "panicked" },
	{ ROUSE_CREATED, "created" },
};

const char *rs_state_validate(uint64_t word)
{
	if (word & ROUSE_COMPLETE && word & (ROUSE_RUNNING | ROUSE_NOTIFIED | ROUSE_CREATED))
		return "complete, and not at rest"; /* S8 clears all three, S3 and S7 leave them alone */
	if (word & ROUSE_PANICKED && !(word & ROUSE_COMPLETE))
		return "panicked, but not complete";
	if (word & ROUSE_PANICKED && word & ROUSE_CANCELLED)
		return "two outcomes: panicked and cancelled";
	if (word & ROUSE_CREATED && word & (ROUSE_RUNNING | ROUSE_NOTIFIED))
		return "created and already started";
	if (word & ROUSE_CANCELLED && !(word & (ROUSE_COMPLETE | ROUSE_RUNNING | ROUSE_NOTIFIED)))
		return "an abort that no worker will see"; /* S7 schedules what is idle, S2 does not let go */
	if (word & ROUSE_JOIN_WAKER && !(word & ROUSE_JOIN_INTEREST))
		return "a join waker without a handle to have set it";
	return NULL;
}

void rs_state_dump(uint64_t word, FILE *out)
{
	const char *separator = "";

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		if (!(word & flags[i].flag))
			continue;
		fprintf(out, "%s%s", separator, flags[i].name);
		separator = "|";
	}
	uint32_t wakers = (uint32_t)((word & ROUSE_WAKER_MASK) >> ROUSE_WAKER_SHIFT);
	uint32_t handles = (uint32_t)((word & ROUSE_HANDLE_MASK) >> ROUSE_HANDLE_SHIFT);

	fprintf(out, "%s wakers %" PRIu32 " handles %" PRIu32 " stamp %" PRIu32 "\n", *separator ? "" : "idle", wakers,
		handles, (uint32_t)(word >> ROUSE_STAMP_SHIFT));
}
