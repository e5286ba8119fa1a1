/* SPDX-License-Identifier: MIT */
#include "sched/inject.h"

#include <inttypes.h>

/* Walks a chain of at most `limit` tasks; *ret_last is its end. */
static const char *check_chain(const struct rouse_task *task, uint64_t limit, uint64_t *n,
	const struct rouse_task **ret_last)
{
	*ret_last = NULL;
	for (; task; *ret_last = task, task = task->link) {
		if (++*n > limit)
			return "more tasks than the gauge says, or a circle";
		if (!task->id)
			return "a task that was freed while queued";
		if (rouse_state_of(rs_load(&task->state, RS_RELAXED)) != ROUSE_TASK_SCHEDULED)
			return "a queued task that is not scheduled (INV-1)";
	}
	return NULL;
}

/* Under the lock nobody takes tasks out, so chains may be followed; pushes only go on top of `incoming`. */
const char *rs_inject_validate_any(struct rs_inject *inject)
{
	const struct rouse_task *last, *bottom;
	uint64_t n = 0;

	rs_lock_take(&inject->lock);
	uint64_t depth = rs_load(inject->depth, RS_RELAXED);
	const char *wrong = check_chain(inject->first, depth, &n, &last);

	if (!wrong && last != inject->last)
		wrong = "the last task is not the end of the chain";
	if (!wrong)
		wrong = check_chain(rs_load(&inject->incoming, RS_ACQUIRE), depth, &n, &bottom); /* I1 */
	rs_lock_drop(&inject->lock);
	return wrong || n == depth ? wrong : "fewer tasks than the gauge says";
}

static void dump_chain(const char *where, const struct rouse_task *task, uint64_t limit, FILE *out)
{
	for (; task && limit; task = task->link, limit--) {
		fprintf(out, "  %s task %" PRIu64 ": ", where, task->id);
		rs_state_dump(rs_load(&task->state, RS_RELAXED), out);
	}
}

void rs_inject_dump_any(struct rs_inject *inject, FILE *out)
{
	rs_lock_take(&inject->lock);
	uint64_t depth = rs_load(inject->depth, RS_RELAXED);

	fprintf(out, "global queue: %" PRIu64 " tasks\n", depth);
	dump_chain("oldest first:", inject->first, depth, out);
	dump_chain("newest first:", rs_load(&inject->incoming, RS_ACQUIRE), depth, out); /* I1 */
	rs_lock_drop(&inject->lock);
}
