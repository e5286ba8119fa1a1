/* SPDX-License-Identifier: MIT */
/* Signals that come by a descriptor, in place of a handler. */
#ifndef CN_CLI_SIGNALS_H
#define CN_CLI_SIGNALS_H

#include <stddef.h>

/*
 * Blocks these signals and answers a signalfd for them, or -errno. To be called
 * before any thread or child is made; a child has to unblock them.
 */
int cn_signals_open(const int *signals, size_t n);

#endif
