/* SPDX-License-Identifier: MIT */
/*
 * Ticks and nanoseconds. Ticks are raw rdtsc where the kernel's clocksource is
 * tsc, else CLOCK_MONOTONIC; chosen once per process. The anchor ties them
 * together; the watchdog renews it over the longest baseline it has.
 */
#ifndef RS_BASE_CLOCK_H
#define RS_BASE_CLOCK_H

#include <rouse/layout.h>
#include <stdbool.h>
#include <time.h>

#include "base/atomic.h"
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

extern bool rs_clock_is_tsc;    /* written once by rs_clock_init */
extern uint64_t rs_clock_rate; /* ns per tick, 32.32; atomic: the anchor renews it */

static inline uint64_t rs_mono_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t rs_ticks(void)
{
#if defined(__x86_64__)
	if (__builtin_expect(rs_clock_is_tsc, 1))
		return __rdtsc();
#endif
	return rs_mono_ns();
}

/* Idempotent; the first call takes about 2 ms to measure the tick rate. Thread-safe. */
void rs_clock_init(void);
/* Fills an anchor (one writer) / renews it with the rate since rs_clock_init. */
void rs_clock_anchor(struct rouse_clock_anchor *anchor);
/* In-process conversions with the process-wide rate: this one multiplies ... */
static inline uint64_t rs_ticks_to_ns(uint64_t ticks_duration)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)((wide)ticks_duration * rs_load(&rs_clock_rate, RS_RELAXED) >> 32);
}
/* ... and this one divides by 128 bits: some 10 ns, nothing for each poll. */
uint64_t rs_ns_to_ticks(uint64_t ns_duration);

#endif
