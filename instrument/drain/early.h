/* SPDX-License-Identifier: MIT */
/*
 * Events between looks. A ring holds 32768 records, which a busy worker writes
 * in less than the second from look to look. So whoever wants events drains
 * rings when a quarter of the fastest is new, as its pace until then says, and
 * keeps the events, encoded, until the next look hands them out: the stream is
 * the same as if rings were larger. Bounded thrice: by memory (RI_EARLY_BYTES a
 * runtime), by time (RI_EARLY_SHARE of a CPU), and by nothing being done where
 * looks are often enough. What does not fit stays in the ring, where being
 * overwritten is counted as ever.
 */
#ifndef RI_DRAIN_EARLY_H
#define RI_DRAIN_EARLY_H

#include <stddef.h>
#include <stdint.h>

enum {
	RI_EARLY_BYTES = 16 << 20, /* some two million events */
	RI_EARLY_SHARE = 4,        /* of the time, at most 1/4 is spent */
	RI_EARLY_STEP = 64 << 10   /* bytes handed out in one step of a look */
};
#define RI_EARLY_FIRST_NS 5000000ull    /* while no pace is known */
#define RI_EARLY_LEAST_NS 2000000ull    /* between two times */
#define RI_EARLY_MOST_NS 1000000000ull

struct rouse_inspect;
struct ri_runtime;

struct ri_early {
	uint8_t *frames; /* hidden.h; each with its length in front */
	size_t used, room, sent;
	uint64_t at_ns;   /* of the clock of the caller: the last time */
	uint64_t wait_ns; /* from then to the next */
};

void ri_early_fini(struct ri_early *early);
/*
 * Takes in what is due at now_ns, between looks or between steps of one. When it
 * wants to be called again; UINT64_MAX: with the next look at the earliest.
 */
uint64_t ri_early_drain(struct rouse_inspect *inspect, uint64_t now_ns);
/* Hands out some of what was kept: 1 there is more, 0, or -errno of the way out. */
int ri_early_send(struct rouse_inspect *inspect, struct ri_runtime *runtime);

#endif
