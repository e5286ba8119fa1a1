/* SPDX-License-Identifier: MIT */
/*
 * A model checker for the runtime's lock-free code, over the real code.
 *
 * The code under test is compiled with RS_MODEL, so that each atomic operation
 * is a step. A model is two to four small threads; the checker runs it again
 * and again, each time with another interleaving of steps, until all with at
 * most `preemptions` switches away from a runnable thread have been seen
 * (Musuvathi and Qadeer's context bounding; most bugs need two). After each
 * run `check` looks at the result. A run in which nobody can go on is a
 * deadlock: a lost wake-up shows as one.
 *
 * Stores pass through store buffers, as on x86 (TSO): when one becomes visible
 * is a decision too, and only a read-modify-write or a fence forces it. A light
 * fence (base/atomic.h) does nothing here and a heavy one empties every
 * thread's buffer, which is what membarrier does. Beside that the checker
 * follows happens-before by vector clocks from the orders written in the code:
 * plain data handed from thread to thread is declared by model_write() and
 * model_read(), and a read or write that does not happen after the last
 * conflicting one is a race. So a weakened order is found although the machine
 * that runs this is strong. What is not simulated is a machine weaker than TSO
 * that shows an atomic load an older value.
 */
#ifndef ROUSE_MODEL_H
#define ROUSE_MODEL_H

#include <stddef.h>
#include <stdint.h>

enum { MODEL_THREADS = 4 };

struct model {
	const char *name;
	void (*setup)(void);
	void (*threads[MODEL_THREADS])(void); /* ended by NULL */
	void (*check)(void);                  /* after all threads have ended; may be NULL */
	unsigned preemptions;                 /* default 3 */
};

/* Runs all interleavings. The number of runs, or 0 after printing what failed and the schedule that leads there. */
uint64_t model_run(const struct model *model);

/* In threads and checks: fails this run if the condition is false. */
#define model_assert(CONDITION) ((CONDITION) ? (void)0 : model_fail(#CONDITION, __FILE__, __LINE__))
void model_fail(const char *what, const char *file, int line);
/* Plain accesses to data that is handed over. */
void model_write(const void *address);
void model_read(const void *address);

#endif
