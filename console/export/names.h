/* SPDX-License-Identifier: MIT */
/* Texts kept once each, by number: 0, 1, ... as they came. */
#ifndef CN_EXPORT_NAMES_H
#define CN_EXPORT_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "model/slots.h"

struct cn_names {
	struct cn_slots rows;
};

void cn_names_init(struct cn_names *names, size_t limit);
void cn_names_fini(struct cn_names *names);
/* Keeps a copy. 0, -ENOMEM, or -E2BIG when the limit is reached. */
int cn_names_add(struct cn_names *names, const char *text, uint32_t *ret_number);
/* Borrowed; "" of a number that there is not. */
const char *cn_names_text(const struct cn_names *names, uint32_t number);
size_t cn_names_count(const struct cn_names *names);

#endif
