/* SPDX-License-Identifier: MIT */
#include "model/heat.h"

/* Counts there go round at 2^32; one that has shrunk belongs to a site that has gone. */
static void subtract(uint32_t *out, const uint32_t *now, const uint32_t *before)
{
	for (size_t i = 0; i < ROUSE_HISTOGRAM_BUCKETS; i++) {
		out[i] = now[i] - before[i];
		if (out[i] > INT32_MAX)
			out[i] = 0;
	}
}

void cn_heat_add(struct cn_heat *heat, const struct cn_histogram *sums, uint64_t now_ns)
{
	if (heat->begun) {
		subtract(heat->looks[heat->at].poll, sums->poll, heat->sums.poll);
		subtract(heat->looks[heat->at].delay, sums->delay, heat->sums.delay);
		heat->ns[heat->at] = now_ns;
		heat->at = (heat->at + 1) % CN_HISTORY_SAMPLES;
		heat->n += heat->n < CN_HISTORY_SAMPLES;
	}
	heat->begun = true;
	heat->sums = *sums;
}

const struct cn_histogram *cn_heat_look(const struct cn_heat *heat, size_t back, uint64_t *ret_ns)
{
	size_t at;

	if (back >= heat->n)
		return NULL;
	at = (heat->at + CN_HISTORY_SAMPLES - 1 - back) % CN_HISTORY_SAMPLES;
	*ret_ns = heat->ns[at];
	return &heat->looks[at];
}
