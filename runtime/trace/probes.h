/* SPDX-License-Identifier: MIT */
/*
 * USDT probes of provider "rouse", for bpftrace, perf, systemtap, gdb and our
 * own bpf/. A site costs one load and a predicted branch while nobody listens:
 * the kernel counts the listeners in the probe's semaphore, and only the test
 * of that is inline. The hit is out of line (probes.c), so that a program has
 * one probe address per event and hot code never sets up arguments for it.
 *
 * bpf/README.md is the reference for those who attach; tests hold it, this
 * table and the notes of a linked program against each other.
 *
 * Without <sys/sdt.h> (Debian: systemtap-sdt-dev), and under the model checker,
 * the sites compile to nothing.
 */
#ifndef RS_TRACE_PROBES_H
#define RS_TRACE_PROBES_H

#include "base/atomic.h"
#include <stdint.h>

/*
 * name, probe, parameters, arguments. Times are left to whoever listens.
 *   spawn       site: index into the site table; parent: task id, 0 = outside any task
 *   wake        the first wake, the one that schedules it; waker: task id or enum
 *               rouse_wake_source; polls: the task's polls so far
 *   poll_start  poll: its number, counted from 1
 *   poll_end    ready: 1 if the task has ended with it
 *   complete    state: enum rouse_task_state
 */
#define RS_PROBES(X)                                                                               \
	X(spawn, task__spawn, (uint64_t task, uint32_t site, uint64_t parent), (task, site, parent)) \
	X(wake, task__wake, (uint64_t task, uint64_t waker, uint32_t polls), (task, waker, polls)) \
	X(poll_start, task__poll__start, (uint64_t task, uint32_t poll), (task, poll))             \
	X(poll_end, task__poll__end, (uint64_t task, uint32_t poll, int ready), (task, poll, ready)) \
	X(complete, task__complete, (uint64_t task, uint32_t state), (task, state))

#if defined(__has_include) && !defined(RS_MODEL)
#if __has_include(<sys/sdt.h>)
#define RS_PROBES_BUILT 1
#endif
#endif

#ifdef RS_PROBES_BUILT
/* Semaphores are the kernel's to write (ref_ctr_offset), from any CPU at any
 * time; nothing is published with them, so a relaxed load is enough. Hidden:
 * program and library have their own, each named by its own notes. */
#define RS_PROBE_SEMAPHORE_(PROBE)                                                                 \
	extern unsigned short rouse_##PROBE##_semaphore __attribute__((visibility("hidden")));
#define RS_PROBE_WATCHED_(PROBE) __builtin_expect(rs_load(&rouse_##PROBE##_semaphore, RS_RELAXED) != 0, 0)
#else
#define RS_PROBE_SEMAPHORE_(PROBE)
#define RS_PROBE_WATCHED_(PROBE) 0
#endif

#define RS_PROBE_INLINE_(NAME, PROBE, PARAMETERS, ARGUMENTS)                                       \
	RS_PROBE_SEMAPHORE_(PROBE)                                                                 \
	void rs_probe_##NAME##_hit PARAMETERS;                                                     \
	static inline void rs_probe_##NAME PARAMETERS                                              \
	{                                                                                          \
		if (RS_PROBE_WATCHED_(PROBE))                                                      \
			rs_probe_##NAME##_hit ARGUMENTS;                                           \
	}
RS_PROBES(RS_PROBE_INLINE_)

#endif
