/* SPDX-License-Identifier: MIT */
#include "sched/queue.h"

#include <inttypes.h>

static struct rouse_task *task_at(const struct rs_queue *queue, uint32_t index)
{
	return rs_load(&queue->slots[index & (RS_QUEUE_SLOTS - 1)], RS_RELAXED);
}

static const char *check_task(const struct rouse_task *task)
{
	uint64_t word = rs_load(&task->state, RS_RELAXED);

	if (!task->id)
		return "a task that was freed while queued";
	return rouse_state_of(word) == ROUSE_TASK_SCHEDULED ? rs_state_validate(word) :
							      "a queued task that is not scheduled (INV-1)";
}

/* Quadratic, in at most 256 tasks. */
static const char *check_ring(const struct rs_queue *queue, uint32_t real, uint32_t tail)
{
	const struct rouse_task *lifo = rs_load(&queue->lifo, RS_ACQUIRE);
	const char *wrong = lifo ? check_task(lifo) : NULL;

	for (uint32_t i = real; i != tail && !wrong; i++) {
		const struct rouse_task *task = task_at(queue, i);

		if (!task)
			return "an empty slot between head and tail";
		if (task == lifo)
			return "a task in the ring and in the LIFO slot (INV-1)";
		for (uint32_t j = real; j != i; j++)
			if (task_at(queue, j) == task)
				return "a task twice in the ring (INV-1)";
		wrong = check_task(task);
	}
	return wrong;
}

const char *rs_queue_validate_owner(const struct rs_queue *queue)
{
	uint64_t head = rs_load(&queue->head, RS_ACQUIRE);
	uint32_t steal = (uint32_t)(head >> 32), real = (uint32_t)head;
	uint32_t tail = rs_load(&queue->tail, RS_ACQUIRE);

	if (steal != real)
		return "a theft that was never finished";
	if (tail - real > RS_QUEUE_SLOTS)
		return "head and tail further apart than the ring is long";
	return check_ring(queue, real, tail);
}

static void dump_task(const char *where, const struct rouse_task *task, FILE *out)
{
	if (!task) {
		fprintf(out, "  %s nothing\n", where);
		return;
	}
	fprintf(out, "  %s task %" PRIu64 ": ", where, task->id);
	rs_state_dump(rs_load(&task->state, RS_RELAXED), out);
}

void rs_queue_dump_owner(const struct rs_queue *queue, FILE *out)
{
	uint64_t head = rs_load(&queue->head, RS_ACQUIRE);
	uint32_t steal = (uint32_t)(head >> 32), real = (uint32_t)head;
	uint32_t tail = rs_load(&queue->tail, RS_ACQUIRE), n = tail - real;

	fprintf(out, "queue: steal %" PRIu32 " real %" PRIu32 " tail %" PRIu32 ", %" PRIu32 " waiting\n", steal, real,
		tail, n);
	dump_task("lifo", rs_load(&queue->lifo, RS_ACQUIRE), out);
	for (uint32_t i = 0; i < n && i < RS_QUEUE_SLOTS; i++)
		dump_task("ring", task_at(queue, real + i), out);
}
