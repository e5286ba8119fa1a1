/* SPDX-License-Identifier: MIT */
#ifndef CN_CONFIG_NEAREST_H
#define CN_CONFIG_NEAREST_H

#include <stddef.h>

/*
 * The one of n names that `word` may have been meant to be: so few letters to
 * insert, leave out, exchange or swap that it is likely. NULL = none. NULL
 * among the names is passed over.
 */
const char *cn_nearest(const char *word, const char *const *names, size_t n);

#endif
