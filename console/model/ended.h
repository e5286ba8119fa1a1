/* SPDX-License-Identifier: MIT */
/*
 * Tasks that are gone, for a while: as they were in the last look that had
 * them, under the name that they had. What a task did between that look and
 * its end is not in its counts, and one that came and went between two looks
 * was never seen. How a task ended is known if a look had it when it had ended
 * (somebody held a handle), or if events tell.
 *
 * They are no tasks of the model: no count, rule or other view has them.
 * Bounded, the oldest give way. Their time is that of looks: in a pause it
 * stands still.
 */
#ifndef CN_MODEL_ENDED_H
#define CN_MODEL_ENDED_H

#include "model/model.h"
#include "model/slots.h"

enum { CN_ENDED_MAX = 1024, CN_ENDED_NAME_BYTES = 64 };

/* For how long; 0, as it begins, = not at all. */
void cn_model_keep_ended(struct cn_model *model, uint64_t ns);
uint64_t cn_model_keeps_ended(const struct cn_model *model);
/*
 * Those kept, in slots below CN_ENDED_MAX; NULL = free. `gone` is set; `state`
 * is how it ended, ROUSE_TASK_STATE_MAX = not known; `changed_ns` is when the
 * look began that had it no more. No awaits.
 */
const struct cn_task *cn_model_ended_at(const struct cn_model *model, size_t slot);
/* "ended", "ended, panicked": for those; else as cn_task_state_name(). */
const char *cn_task_state_text(const struct cn_task *task);

struct cn_ended {
	struct cn_task task; /* first: a row of cn_slots */
	char name[CN_ENDED_NAME_BYTES];
};
struct cn_ended_tasks {
	uint64_t keep_ns;
	struct cn_slots rows;
	uint64_t order[CN_ENDED_MAX]; /* ids, a ring */
	size_t first, n;              /* numbers ever given: [first, n) are kept */
};
void cn_ended_init(struct cn_ended_tasks *ended);
void cn_ended_fini(struct cn_ended_tasks *ended);
/* It is about to be removed. Without memory it is not kept. */
void cn_ended_keep(struct cn_model *model, const struct cn_task *task);
/* An event says how a task ended, which may be there yet, kept, or unknown. */
void cn_ended_tell(struct cn_model *model, uint64_t id, uint32_t state);
/* A look is whole. */
void cn_ended_expire(struct cn_model *model);

#endif
