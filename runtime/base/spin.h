/* SPDX-License-Identifier: MIT */
/*
 * How long to watch before sleeping, learnt from how it went lately. To sleep
 * and be woken costs a thread some 20 us of CPU, and who waits for it more.
 * While watching pays, the next time may last up to 50 us; each time in vain
 * halves it, down to none, with a small probe now and then. One owner.
 */
#ifndef RS_BASE_SPIN_H
#define RS_BASE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

enum { RS_SPIN_MAX_NS = 50000, RS_SPIN_MIN_NS = 2000, RS_SPIN_PROBE_RESTS = 32, RS_SPIN_PAUSES = 30 };

struct rs_spin {
	uint32_t ns;    /* the next time */
	uint32_t rests; /* since the last probe */
};

/* For how long to watch this time; 0: not at all. `probe_ns` is what may be spent to learn that it pays again. */
static inline uint32_t rs_spin_begin(struct rs_spin *spin, uint32_t probe_ns)
{
	if (!spin->ns && ++spin->rests % RS_SPIN_PROBE_RESTS == 0)
		spin->ns = probe_ns;
	return spin->ns;
}

static inline void rs_spin_end(struct rs_spin *spin, bool paid)
{
	if (paid)
		spin->ns = spin->ns < RS_SPIN_MAX_NS / 2 ? 2 * spin->ns : RS_SPIN_MAX_NS;
	else
		spin->ns = spin->ns / 2 < RS_SPIN_MIN_NS ? 0 : spin->ns / 2;
}

#endif
