/* SPDX-License-Identifier: MIT */
/*
 * What threads keep outside of memory. Nothing stops a thread to read its
 * registers; /proc says of one that sleeps its stack pointer, and of a system
 * call its arguments. What else it has in registers is unknown. So a search
 * that finds nothing is sound only if no thread can have a pointer of the
 * program's there. These cannot, at the moment they are looked at ("clear"):
 *
 *   - a worker between polls: user code has returned to the runtime, and what
 *     was in registers before has been restored or forgotten. Between means: no
 *     current task, and parked, in the driver, or searching; in the other state
 *     (POLLING) it may be in a waker of the user's;
 *   - a thread in rouse_block_on(): it has stored them on its stack first, and
 *     sleeps on a word that says so (struct rouse_blocked_record);
 *   - the watchdog, the agent, threads of the blocking pool while none has a
 *     job: no user code runs there;
 *   - the reader's own thread, when it looks at its own process: as in block_on;
 *
 * Nor does any thread whose registers are all known (a core file) hide a
 * pointer: they are searched.
 *
 * A thread that was clear at the beginning or at the end of a search, or whose
 * poll ended meanwhile, can have had the pointer in a register only on its way
 * from one place in memory to another; see references.h about those.
 */
#ifndef RI_REGISTERS_H
#define RI_REGISTERS_H

#include "inspect/look.h"

/* As ri_hands_fn, ri_hand_fn in memory.h; arg is the struct ri_process. */
int ri_process_hands(void *process, struct ri_hand *threads, size_t capacity);
int ri_process_hand(void *process, struct ri_hand *thread);

enum { RI_STANDERS_MAX = 4096 };

struct ri_stander {
	struct ri_hand thread;
	bool clear;
	bool idle;      /* a worker that sleeps between polls, nothing in transit */
	uint64_t polls; /* of a worker: counts polls begun */
	uint64_t below; /* of an idle worker, or the reader: what lies below it on its stack is nobody's; else 0 */
};

/* Looks at all threads: their number, or -errno (-E2BIG: too many). */
int ri_registers_look(struct rouse_inspect *inspect, struct ri_stander *standers, size_t capacity);
/* Looks at one again; true: it has not moved since, and what was said of it still holds. */
bool ri_registers_rests(struct rouse_inspect *inspect, const struct ri_stander *stander);
/* Could any thread have kept a pointer in a register from the first look to the second? */
bool ri_registers_hide(
	const struct ri_stander *first, size_t n_first, const struct ri_stander *second, size_t n_second);

#endif
