/* SPDX-License-Identifier: MIT */
/*
 * How fast a task goes: what it did in the last look, the last ten seconds, and
 * since the console looks. For the last two, counts of some moments before are
 * kept, beside the tasks and only of those that have moved since the first look:
 * of a million that wait, none.
 *
 * A moment is kept when a row changes, five seconds after the one before or
 * later, as the counts were until then. So between a moment and the next one
 * they moved within five seconds of the first only, and what they were ten
 * seconds ago is exact, or of at most fifteen.
 */
#ifndef CN_MODEL_PACE_H
#define CN_MODEL_PACE_H

#include "model/model.h"

#define CN_RATESS(X)                                                                                                  \
	X(LOOK, "look", "between the last two looks")                                                                  \
	X(RECENT, "10 s", "over the last 10 s")                                                                        \
	X(ATTACH, "all", "since this began to look")
enum cn_rates {
#define X(name, word, text) CN_RATES_##name,
	CN_RATESS(X)
#undef X
		CN_RATES_COUNT
};

/* "over the last 10 s" */
const char *cn_rates_text(enum cn_rates window);
/* "10 s" */
const char *cn_rates_word(enum cn_rates window);

struct cn_pace {
	uint64_t span_ns; /* 0: nothing is known of that time */
	uint64_t busy_ns; /* with what the poll in progress has of it */
	uint64_t polls, wakes;
};
struct cn_pace cn_task_pace(const struct cn_model *model, const struct cn_task *task, enum cn_rates window);

enum { CN_MOMENTS = 3 };
struct cn_moment {
	uint64_t ns, busy_ns;
	uint32_t polls, wakes;
};
struct cn_past_counts {
	uint32_t next_free; /* of one that is free */
	uint32_t n;
	struct cn_moment first;             /* as it was found */
	struct cn_moment last[CN_MOMENTS]; /* the newest at 0 */
};
struct cn_paces {
	struct cn_past_counts *all;
	uint32_t n, capacity;
	uint32_t free; /* index + 1 of the first that is free, 0 = none */
};

/* A row has come and replaced what is in prev_*, which was so at `before_ns`. 0 or -ENOMEM. */
int cn_paces_note(struct cn_paces *paces, struct cn_task *task, uint64_t before_ns);
void cn_paces_forget(struct cn_paces *paces, struct cn_task *task);
void cn_paces_fini(struct cn_paces *paces);

#endif
