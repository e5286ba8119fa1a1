/* SPDX-License-Identifier: MIT */
/*
 * How long polls took, and how long tasks waited for them, look by look: what
 * has been added to a runtime's histograms between two looks, over all spawn
 * sites. Kept as long as the series are (model/history.h).
 */
#ifndef CN_MODEL_HEAT_H
#define CN_MODEL_HEAT_H

#include "model/model.h"

struct cn_heat {
	uint32_t at, n;
	bool begun; /* `sums` are of a look */
	struct cn_histogram sums;
	struct cn_histogram looks[CN_HISTORY_SAMPLES];
	uint64_t ns[CN_HISTORY_SAMPLES]; /* when each look was */
};

/* One more look: what the histograms add up to at now_ns. What they say at first is of no span of time. */
void cn_heat_add(struct cn_heat *heat, const struct cn_histogram *sums, uint64_t now_ns);
/* The newest is 0; NULL = there is none, or so many are not kept. */
const struct cn_histogram *cn_heat_look(const struct cn_heat *heat, size_t back, uint64_t *ret_ns);

/* NULL: no look at that runtime yet. */
const struct cn_heat *cn_model_heat(const struct cn_model *model, size_t runtime);

#endif
