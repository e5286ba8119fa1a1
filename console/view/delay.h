/* SPDX-License-Identifier: MIT */
/*
 * From wake to poll: how much of it a task waited in a queue, for an awake
 * worker, and how much until a worker that slept was up. From recorded events.
 *
 *     woken            worker up        polled
 *       |----- unpark ----|---- queue ----|      the worker that polled it was parked
 *       |------------- queue -------------|      it was awake
 *
 * A wake may bear the time at which its waker's poll began, so both are bounds
 * from above.
 */
#ifndef CN_VIEW_DELAY_H
#define CN_VIEW_DELAY_H

#include "view/page.h"

struct cn_delay {
	uint64_t polls; /* whose wake or spawn is known */
	uint64_t queue_ns, unpark_ns;
	uint64_t longest_ns; /* of the sum of both */
	uint64_t workers;    /* that polled it: 1 << index, of those below 64 */
};

/* 0 or -ENOMEM. */
int cn_delay_of(const struct cn_model *model, const struct cn_task *task, struct cn_delay *ret_delay);
/* On the page of a task; nothing while no events are recorded. */
void cn_page_delay(struct cn_page *page, const struct cn_scene *scene, const struct cn_task *task);

#endif
