/* SPDX-License-Identifier: MIT */
/*
 * Errors with words, and which privilege is missing.
 */
#ifndef BL_WHY_H
#define BL_WHY_H

#include "loader/loader.h"
#include <stdbool.h>

/* Puts the words, answers `rc`: return bl_fail(why, -ENOENT, "..."). */
int bl_fail(struct bl_why *why, int rc, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The capabilities this process lacks for the whole of bl_open, each with its use: "CAP_BPF (...), ...". */
size_t bl_missing_capabilities(uint64_t effective, bool usdt_by_perf_event, char *text, size_t n);

/* 0 if everything needed seems to be there, else -EPERM or -EOPNOTSUPP and why. */
int bl_check_privileges(struct bl_why *why);
/* The same for the groups that need no USDT probe. */
int bl_check_tracing(struct bl_why *why);

#endif
