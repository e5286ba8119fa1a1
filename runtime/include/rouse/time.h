/* SPDX-License-Identifier: MIT */
/**
 * rouse/time.h - sleeping and ticking. Times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef ROUSE_TIME_H
#define ROUSE_TIME_H

#include <rouse/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/** CLOCK_MONOTONIC now. */
ROUSE_API uint64_t rouse_now_ns(void);

/**
 * Ready `ns` from now (from the first poll on), never early. Result: 0, -ROUSE_ENORUNTIME where no runtime is
 * entered, -ROUSE_ESHUTDOWN if it was stopped meanwhile. struct rouse_sleep is in async.h.
 */
ROUSE_API struct rouse_sleep *rouse_sleep(struct rouse_sleep *storage, uint64_t ns);
/** Ready at an absolute time; at once if that has passed. Results as above. */
ROUSE_API struct rouse_sleep *rouse_sleep_until(struct rouse_sleep *storage, uint64_t deadline_ns);

/** What an interval does when ticks were missed: all at once, the period anew from now on, or on with the beat. */
enum rouse_missed { ROUSE_MISSED_BURST = 0, ROUSE_MISSED_DELAY, ROUSE_MISSED_SKIP };
/** Ticks every `period_ns`; the first tick is due at once. Lives in a frame; needs no free. */
struct rouse_interval {
	uint64_t next_ns;
	uint64_t period_ns;
	enum rouse_missed missed;
	uint32_t reserved;
};
ROUSE_API void rouse_interval_init(struct rouse_interval *interval, uint64_t period_ns, enum rouse_missed missed);
/** Awaits the next tick. Result: 0. Borrows the interval. One dropped before it was ready (in a select) is not lost. */
ROUSE_API struct rouse_sleep *rouse_interval_tick(struct rouse_sleep *storage, struct rouse_interval *interval);

#ifdef __cplusplus
}
#endif
#endif
