/* SPDX-License-Identifier: MIT */
/* The last samples of a number: they live in the model, so that a view that was closed loses nothing. */
#ifndef CN_MODEL_HISTORY_H
#define CN_MODEL_HISTORY_H

#include <stddef.h>
#include <stdint.h>

enum { CN_HISTORY_SAMPLES = 120 };

struct cn_history {
	uint32_t at; /* where the next one goes */
	uint32_t n;
	uint32_t samples[CN_HISTORY_SAMPLES];
};

void cn_history_add(struct cn_history *history, uint64_t sample);
/* Copies the newest samples, oldest first, and answers how many: at most `max`. */
size_t cn_history_copy(const struct cn_history *history, uint32_t *out, size_t max);

#endif
