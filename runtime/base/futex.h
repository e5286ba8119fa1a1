/* SPDX-License-Identifier: MIT */
/* The futex system call, private futexes, absolute CLOCK_MONOTONIC time-outs. */
#ifndef RS_BASE_FUTEX_H
#define RS_BASE_FUTEX_H

#include <stdint.h>

/* Sleeps while *word == value, until `deadline_ns` (UINT64_MAX: for ever). Spurious returns happen. 0 or -errno. */
int rs_futex_wait(const uint32_t *word, uint32_t value, uint64_t deadline_ns);
/* Wakes at most n sleepers; answers how many it woke: their rs_futex_wait() answers 0. */
int rs_futex_wake(const uint32_t *word, int n);

#endif
