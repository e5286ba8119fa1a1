/* SPDX-License-Identifier: MIT */
/* The tables of a stream that rows point into: strings and sites by index. Bounded; text is kept as it came. */
#ifndef CN_MODEL_TABLES_H
#define CN_MODEL_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

struct cn_strings {
	char **text;
	size_t n, capacity;
	size_t bytes; /* of all texts */
	size_t top;   /* one past the last that came since cn_strings_restart() */
};

/* Replaces what has that index. 0, -ENOMEM, -E2BIG. Cuts at the first NUL. */
int cn_strings_set(struct cn_strings *strings, uint32_t index, const void *text, size_t bytes);
const char *cn_strings_get(const struct cn_strings *strings, uint32_t index);
/* A keyframe begins both tables anew: what has not come again by its end is dropped then. */
void cn_strings_restart(struct cn_strings *strings);
void cn_strings_settle(struct cn_strings *strings);
void cn_strings_fini(struct cn_strings *strings);

struct cn_site_row {
	struct cn_site site;
	struct cn_histogram *histogram; /* owned; NULL for most */
};
struct cn_sites {
	struct cn_site_row *rows;
	size_t n, capacity;
};

/* The row, made if need be: 0, -ENOMEM, -E2BIG. */
int cn_sites_row(struct cn_sites *sites, uint32_t index, struct cn_site_row **ret_row);
void cn_sites_fini(struct cn_sites *sites);

#endif
