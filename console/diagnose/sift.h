/* SPDX-License-Identifier: MIT */
/*
 * Which rules could have anything to say about a task? Of a million tasks most
 * wait for one thing that is not there, with a waker, and no rule is about
 * those. One pass over all of them tells them from the rest, a byte each, and
 * every rule then visits the few that it may be about.
 *
 * A mark is necessary for its rule, not sufficient: rules judge as if there was
 * no sifting. It holds for one diagnosis.
 */
#ifndef CN_DIAGNOSE_SIFT_H
#define CN_DIAGNOSE_SIFT_H

#include <stdint.h>

#include "diagnose/report.h"

enum cn_mark {
	CN_MARK_HELD = 1,       /* stands still, and what it waits for may depend on tasks: graph.h */
	CN_MARK_BRANCHES = 2,   /* waits for a lock, a task, or several things */
	CN_MARK_READY = 4,      /* stands still, and what it waits for may be there */
	CN_MARK_SENDS = 8,      /* stands still, and waits for room in a channel */
	CN_MARK_WAKERS = 16,    /* stands still; its wakers are none, in its own frame, or of others */
	CN_MARK_SCHEDULED = 32, /* is in a queue, or should be */
	CN_MARK_READS = 128,    /* stands still, and waits for something to read, or to accept */
	CN_MARK_OWED = 64       /* has waited for long for what others of the program owe */
};

struct cn_sift {
	uint8_t *marks; /* by slot of the model */
	size_t n, capacity;
};

/* Marks all tasks, and tallies them (cn_rules_of_task_load()). */
void cn_sift(struct cn_diagnosis *diagnosis);
/*
 * The task with that mark in slot *slot or the first one behind it, NULL for
 * none; *slot is then where to go on. Begin at 0.
 */
const struct cn_task *cn_marked(const struct cn_diagnosis *diagnosis, enum cn_mark mark, size_t *slot);

#endif
