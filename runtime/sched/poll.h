/* SPDX-License-Identifier: MIT */
#ifndef RS_SCHED_POLL_H
#define RS_SCHED_POLL_H

#include "sched/runtime.h"

/* Gives the task, taken from a queue by this worker, its turn. Panics of user code jump to rs_self.catcher. */
void rs_poll_task(struct rs_worker *worker, struct rouse_task *task);
/* Ends the task whose poll has just panicked. */
void rs_poll_panicked(struct rs_worker *worker, struct rouse_panic_record *panic);
/* Drops the future of a task this thread owns; `outcome`, or ROUSE_PANICKED if a FINALLY part did. */
uint64_t rs_drop_future(struct rouse_task *task, uint64_t outcome);

#endif
