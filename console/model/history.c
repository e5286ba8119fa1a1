/* SPDX-License-Identifier: MIT */
#include "model/history.h"

void cn_history_add(struct cn_history *history, uint64_t sample)
{
	history->samples[history->at] = sample > UINT32_MAX ? UINT32_MAX : (uint32_t)sample;
	history->at = (history->at + 1) % CN_HISTORY_SAMPLES;
	if (history->n < CN_HISTORY_SAMPLES)
		history->n++;
}

size_t cn_history_copy(const struct cn_history *history, uint32_t *out, size_t max)
{
	size_t n = history->n < max ? history->n : max;

	for (size_t i = 0; i < n; i++)
		out[i] = history->samples[(history->at + CN_HISTORY_SAMPLES - n + i) % CN_HISTORY_SAMPLES];
	return n;
}
