/* SPDX-License-Identifier: MIT */
#include "sched/queue.h"

#include <assert.h>

static uint64_t pack(uint32_t steal, uint32_t real)
{
	return (uint64_t)steal << 32 | real;
}

static struct rouse_task **slot(struct rs_queue *queue, uint32_t index)
{
	return &queue->slots[index & (RS_QUEUE_SLOTS - 1)];
}

static void chain(struct rs_batch *batch, struct rouse_task *task)
{
	task->link = NULL;
	if (batch->last)
		RS_PUT(&batch->last->link, task);
	else
		batch->first = task;
	batch->last = task;
	batch->n++;
}

/* Claims the older half for the owner; false: somebody popped or stole meanwhile, so there is room now. */
static bool overflow(struct rs_queue *queue, uint32_t head, struct rouse_task *task, struct rs_batch *batch)
{
	const uint32_t half = RS_QUEUE_SLOTS / 2;
	uint64_t expected = pack(head, head);

	if (!rs_cas(&queue->head, &expected, pack(head + half, head + half), RS_ACQ_REL, RS_RELAXED))
		return false;
	for (uint32_t i = 0; i < half; i++)
		chain(batch, rs_load(slot(queue, head + i), RS_RELAXED));
	chain(batch, task);
	return true;
}

void rs_queue_push_full_owner(struct rs_queue *queue, struct rouse_task *task, struct rs_batch *ret_overflow)
{
	*ret_overflow = (struct rs_batch){ 0 };
	do {
		uint64_t head = rs_load(&queue->head, RS_ACQUIRE);
		uint32_t steal = (uint32_t)(head >> 32), real = (uint32_t)head;

		if (rs_load(&queue->tail, RS_RELAXED) - steal < RS_QUEUE_SLOTS)
			continue;
		if (steal != real) { /* a thief makes room any moment: no need to move half */
			chain(ret_overflow, task);
			return;
		}
		if (overflow(queue, real, task, ret_overflow))
			return;
	} while (!rs_queue_try_push_owner(queue, task));
}

/*
 * The task after this one, its cell and the head of its frame: on the way while
 * this one runs. Cells that two CPUs poll lie side by side, and are often in the
 * other one's cache; a yield on two CPUs costs a fifth less for it.
 */
static void prefetch(const struct rouse_task *task)
{
	for (int line = 0; line < 3; line++)
		__builtin_prefetch((const char *)task + (ptrdiff_t)line * 64, 1);
}

struct rouse_task *rs_queue_pop_owner(struct rs_queue *queue)
{
	uint64_t head = rs_load(&queue->head, RS_ACQUIRE);

	for (;;) {
		uint32_t steal = (uint32_t)(head >> 32), real = (uint32_t)head, tail = rs_load(&queue->tail, RS_RELAXED);

		if (real == tail)
			return NULL;
		if (real + 1 != tail)
			prefetch(rs_load(slot(queue, real + 1), RS_RELAXED));
		/* With a thief at work, only `real` moves; the thief sees it in its second step. */
		uint64_t next = steal == real ? pack(real + 1, real + 1) : pack(steal, real + 1);

		if (queue->alone)
			rs_store(&queue->head, next, RS_RELAXED);
		else if (!rs_cas(&queue->head, &head, next, RS_ACQ_REL, RS_ACQUIRE)) /* Q3 */
			continue;
		return rs_load(slot(queue, real), RS_RELAXED);
	}
}

/* Q2, first step: real moves over the loot, steal stays: the slots are ours to copy. Answers how many. */
static uint32_t claim(struct rs_queue *victim, uint32_t *ret_first)
{
	uint64_t head = rs_load(&victim->head, RS_ACQUIRE);

	for (;;) {
		uint32_t steal = (uint32_t)(head >> 32), real = (uint32_t)head;
		uint32_t n = rs_load(&victim->tail, RS_ACQUIRE) - real; /* Q1 */

		n -= n / 2;
		/* A tail older than head can only be seen before the claim fails; then n is absurd. */
		if (steal != real || n == 0 || n > RS_QUEUE_SLOTS / 2)
			return 0;
		if (rs_cas(&victim->head, &head, pack(steal, real + n), RS_ACQ_REL, RS_ACQUIRE)) {
			*ret_first = real;
			return n;
		}
	}
}

/* Q2, second step: steal catches up with real, wherever the owner's pops have moved it. */
static void release(struct rs_queue *victim)
{
	uint64_t head = rs_load(&victim->head, RS_ACQUIRE);

	while (!rs_cas(&victim->head, &head, pack((uint32_t)head, (uint32_t)head), RS_ACQ_REL, RS_ACQUIRE))
		;
}

struct rouse_task *rs_queue_steal(struct rs_queue *victim, struct rs_queue *own, uint32_t *ret_n)
{
	uint32_t first = 0, tail = rs_load(&own->tail, RS_RELAXED);

	*ret_n = 0;
	if (rs_queue_room_owner(own) < RS_QUEUE_SLOTS / 2)
		return NULL;
	uint32_t n = claim(victim, &first);

	if (n == 0)
		return NULL;
	for (uint32_t i = 0; i + 1 < n; i++)
		rs_store(slot(own, tail + i), rs_load(slot(victim, first + i), RS_RELAXED), RS_RELAXED);
	struct rouse_task *task = rs_load(slot(victim, first + n - 1), RS_RELAXED);

	release(victim);
	if (n > 1)
		rs_store(&own->tail, tail + n - 1, RS_RELEASE); /* Q1 */
	*ret_n = n;
	return task;
}
