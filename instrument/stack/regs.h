/* SPDX-License-Identifier: MIT */
/*
 * Registers of a thread that nobody stops.
 *
 * One that sleeps, or is stopped, has left its stack pointer and its address in
 * /proc/PID/task/TID/syscall: no more than these two, and only at rest. One
 * that runs on a CPU is sampled by perf: at the next ticks of its CPU clock the
 * kernel writes down all registers and a copy of the stack's innermost part,
 * without the thread noticing.
 */
#ifndef RN_REGS_H
#define RN_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RN_REGS = 17, RN_SP = 7, RN_BP = 6, RN_PC = 16 }; /* x86-64, by DWARF number */

struct rn_regs {
	uint64_t value[RN_REGS];
	uint32_t known; /* a bit each */
	/* The copy of a sample, from value[RN_SP] up; `copy_bytes` 0 = none, memory is read as it is. */
	const uint8_t *copy;
	size_t copy_bytes;
	uint8_t *own; /* that copy, if it is freed with this; NULL = it is borrowed */
	bool past;    /* taken a while ago: what can be written has been since, so that only the copy counts */
};

/* What /proc says of a thread at rest, to be compared before and after: it has not been on a CPU in between. */
struct rn_rest {
	char text[160]; /* the system call, its arguments, stack pointer and address */
	char turns[64]; /* times on a CPU, "" = not known */
};

/* 0 it rests; -EAGAIN it runs; -ESRCH, -EACCES. */
int rn_regs_rest(int pid, uint32_t tid, struct rn_rest *ret_rest, struct rn_regs *regs);
/*
 * Samples a thread that runs: 0; -EAGAIN it did not run in the meantime; -EPERM
 * sampling is not permitted (it needs CAP_PERFMON, or perf_event_paranoid <= 2
 * and a process of one's own); -ESRCH; others of perf_event_open(2). The copy
 * is freed by rn_regs_fini().
 */
int rn_regs_sample(uint32_t tid, struct rn_regs *regs);
void rn_regs_fini(struct rn_regs *regs);

#endif
