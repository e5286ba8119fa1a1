/* SPDX-License-Identifier: MIT */
/*
 * A worker's local run queue: a ring of 256 tasks that its owner pushes to and
 * pops from, and from which others steal half; and a LIFO slot beside it.
 *
 * `head` holds two indices: `real`, the next task to pop, and `steal`, the
 * first slot that a thief may still be copying from. They are equal unless a
 * thief is at work; only one is at a time. `tail` is written by the owner only.
 * Indices run freely modulo 2^32.
 *
 *     steal            real              tail
 *       | being copied  |  waiting        |
 *     --+---------------+-----------------+--------
 *
 * Q1  push: tail (release)            pairs with Q2's load of tail: the slot is seen
 * Q2  steal: claim by compare-and-swap of head, copy, then release by another
 * Q3  pop: compare-and-swap of head (acquire: a finished theft frees its slots)
 * Q4  push: load of head (acquire) pairs with the thief's second step in Q2:
 *     a slot is overwritten only after it was copied
 *
 * The LIFO slot is a single word moved by exchange: the owner's fast place for
 * the task it has just woken, and, when the owner is stuck in a long poll,
 * takeable by anyone (sched/worker.c decides when).
 *
 * Where there is one worker, nobody but the owner ever moves `head` or the slot:
 * then it does so by plain stores (`alone`).
 *
 * The algorithm is that of Tokio's multi-thread scheduler (a bounded variant
 * of Chase and Lev's deque with first-in-first-out pops). tests/model checks
 * this code with a ring of four.
 */
#ifndef RS_SCHED_QUEUE_H
#define RS_SCHED_QUEUE_H

#include <stdio.h>

#include "task/cell.h"

#ifdef RS_MODEL
#define RS_QUEUE_SLOTS 4u
#else
#define RS_QUEUE_SLOTS ROUSE_QUEUE_SLOTS
#endif

struct rs_queue {
	uint64_t head; /* steal << 32 | real */
	uint64_t pad0[7];
	uint32_t tail;
	uint32_t alone; /* 1: no thief and no rescuer will come, for there is one worker. Before the first push */
	struct rouse_task *lifo;
	uint64_t pad2[6];
	struct rouse_task *slots[RS_QUEUE_SLOTS];
};
#ifndef RS_MODEL
_Static_assert(sizeof(struct rs_queue) == sizeof(struct rouse_queue_record), "queue record");
_Static_assert(offsetof(struct rs_queue, tail) == offsetof(struct rouse_queue_record, tail), "tail");
_Static_assert(offsetof(struct rs_queue, lifo) == offsetof(struct rouse_queue_record, lifo), "lifo");
#endif

/* Tasks that did not fit, chained by `link`. */
struct rs_batch {
	struct rouse_task *first, *last;
	uint32_t n;
};

/* What rs_queue_push_owner() does after a try that found no room. */
void rs_queue_push_full_owner(struct rs_queue *queue, struct rouse_task *task, struct rs_batch *ret_overflow);

/* The usual case of a push: false if there is no room. Owner. */
static inline bool rs_queue_try_push_owner(struct rs_queue *queue, struct rouse_task *task)
{
	uint32_t steal = (uint32_t)(rs_load(&queue->head, RS_ACQUIRE) >> 32); /* Q4 */
	uint32_t tail = rs_load(&queue->tail, RS_RELAXED);

	if (tail - steal >= RS_QUEUE_SLOTS)
		return false;
	rs_store(&queue->slots[tail & (RS_QUEUE_SLOTS - 1)], task, RS_RELAXED);
	rs_store(&queue->tail, tail + 1, RS_RELEASE); /* Q1 */
	return true;
}

/*
 * Appends. Owner. When the ring is full, half of it and the task are handed
 * back in *ret_overflow (n > 0), to be put into the global queue; when a thief
 * is at work, just the task.
 */
static inline void rs_queue_push_owner(struct rs_queue *queue, struct rouse_task *task, struct rs_batch *ret_overflow)
{
	*ret_overflow = (struct rs_batch){ 0 };
	if (!rs_queue_try_push_owner(queue, task))
		rs_queue_push_full_owner(queue, task, ret_overflow);
}
/* The oldest task, or NULL. Owner. */
struct rouse_task *rs_queue_pop_owner(struct rs_queue *queue);
/*
 * Moves half of the victim's tasks (rounded up) to `own`, and answers one of
 * them to run now; NULL if there was nothing, another thief is there, or own
 * is more than half full. *ret_n: how many were taken. Owner of `own`.
 */
struct rouse_task *rs_queue_steal(struct rs_queue *victim, struct rs_queue *own, uint32_t *ret_n);

/* NULL, or what is wrong with ring or LIFO slot (queue_dump.c). Owner, while no thief can come. */
const char *rs_queue_validate_owner(const struct rs_queue *queue);
void rs_queue_dump_owner(const struct rs_queue *queue, FILE *out);

/* How many tasks wait in the ring. Any thread; exact for the owner. */
static inline uint32_t rs_queue_depth(const struct rs_queue *queue)
{
	uint32_t real = (uint32_t)rs_load(&queue->head, RS_ACQUIRE);

	return rs_load(&queue->tail, RS_ACQUIRE) - real;
}

/* How many more the owner can push before it overflows, at least. Owner. */
static inline uint32_t rs_queue_room_owner(const struct rs_queue *queue)
{
	uint32_t steal = (uint32_t)(rs_load(&queue->head, RS_ACQUIRE) >> 32);

	return RS_QUEUE_SLOTS - (rs_load(&queue->tail, RS_RELAXED) - steal);
}

/* Puts a task into the LIFO slot; answers the one that was there. Owner. */
static inline struct rouse_task *rs_queue_swap_lifo(struct rs_queue *queue, struct rouse_task *task)
{
	if (queue->alone) {
		struct rouse_task *before = rs_load(&queue->lifo, RS_RELAXED);

		rs_store(&queue->lifo, task, RS_RELAXED);
		return before;
	}
	return rs_exchange(&queue->lifo, task, RS_ACQ_REL);
}

/* Takes the LIFO task, if any. The owner, or a rescuer. */
static inline struct rouse_task *rs_queue_take_lifo(struct rs_queue *queue)
{
	if (!rs_load(&queue->lifo, RS_RELAXED))
		return NULL;
	if (queue->alone)
		return rs_queue_swap_lifo(queue, NULL);
	return rs_exchange(&queue->lifo, NULL, RS_ACQ_REL);
}

#endif
