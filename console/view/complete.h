/* SPDX-License-Identifier: MIT */
/* What could be typed next in a query: fields, and the words that some of them have. */
#ifndef CN_VIEW_COMPLETE_H
#define CN_VIEW_COMPLETE_H

#include "model/query.h"

enum { CN_COMPLETIONS_MAX = 80, CN_COMPLETION_BYTES = 48 };

struct cn_completions {
	size_t from; /* byte of the line: [from, cursor) is what they complete */
	size_t n;
	char common[CN_COMPLETION_BYTES];                    /* what all of them begin with */
	char texts[CN_COMPLETIONS_MAX][CN_COMPLETION_BYTES]; /* with the operator that is likely to follow */
};

/* For rows that have these fields. */
void cn_complete(const char *line, size_t cursor, uint64_t fields, struct cn_completions *ret_completions);

#endif
