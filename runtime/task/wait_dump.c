/* SPDX-License-Identifier: MIT */
#include "task/wait.h"

#include <inttypes.h>

static const char *const op_names[] = {
#define X(name, text) text,
	ROUSE_OPS(X)
#undef X
};

/* Ends on any list: a link back to a node fails its check of `prev`, or reaches the head, whose `prev` is NULL. */
const char *rs_waitlist_validate_locked(const struct rs_waitlist *list, uint64_t serial)
{
	const struct rouse_wait *prev = NULL;

	for (const struct rouse_wait *wait = list->head; wait; prev = wait, wait = wait->next) {
		if (wait->prev != prev)
			return "a waiter whose neighbours do not agree";
		if (wait->state != ROUSE_WAIT_WAITING)
			return "a node in the list that does not wait";
		if (!wait->waker.vtable)
			return "a waiter without a waker";
		if (wait->resource != serial)
			return "a waiter for another resource";
		if (wait->op >= ROUSE_OP_MAX)
			return "a waiter for an unknown operation";
	}
	return list->tail == prev ? NULL : "the tail is not the last waiter";
}

void rs_waitlist_dump_locked(const struct rs_waitlist *list, FILE *out)
{
	const struct rouse_wait *prev = NULL;

	if (!list->head)
		fprintf(out, "nobody waits\n");
	for (const struct rouse_wait *wait = list->head; wait; prev = wait, wait = wait->next) {
		if (wait->prev != prev) { /* perhaps a circle */
			fprintf(out, "  %p: its neighbours do not agree\n", (const void *)wait);
			return;
		}
		const char *op = wait->op < ROUSE_OP_MAX ? op_names[wait->op] : "?";

		fprintf(out, "  %p %s resource %" PRIu64 " poll %" PRIu32 " waker of %p\n", (const void *)wait, op,
			wait->resource, wait->poll, wait->waker.data);
	}
}
