/* SPDX-License-Identifier: MIT */
#ifndef RS_TASK_JOIN_H
#define RS_TASK_JOIN_H

#include <rouse/task.h>

/* Has `waker` cloned and woken when the task ends: 0; 1: it has ended already; -ROUSE_EJOINED. */
int rs_join_register(struct rouse_task *task, const struct rouse_waker *waker);
/* Of an ended task: 0 with the result copied to `out` (may be NULL), -ECANCELED, -ROUSE_EPANIC. */
int rs_join_outcome(struct rouse_task *task, void *out);

#endif
