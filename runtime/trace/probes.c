/* SPDX-License-Identifier: MIT */
/*
 * The hits of the USDT probes: one function, one probe site and one ELF note
 * each. They run only while somebody is attached.
 *
 * The site is a single-byte `nop`, as <sys/sdt.h> emits it: the kernel puts an
 * int3 there, which touches nothing of the user's stack. The five-byte nop
 * that Linux 6.18 turns into a call pushes its return address into the red
 * zone, where a leaf function keeps its locals; it must not be used here. And
 * because the site is out of line, what a hit clobbers is only ever the frame
 * of these functions, which have nothing left to do.
 */
#include "trace/probes.h"

#ifdef RS_PROBES_BUILT

#define _SDT_HAS_SEMAPHORES 1
#define SDT_USE_VARIADIC 1
/* Arguments in registers: a tracer then never reads user memory, which could fail or be red zone. */
#define STAP_SDT_ARG_CONSTRAINT r
#include <sys/sdt.h>

/* In a section of their own, as tracers expect; not in .bss, because the
 * kernel finds a semaphore by its offset in the file. */
#define RS_SEMAPHORE __attribute__((section(".probes"), visibility("hidden"), used))
#if defined(__clang__)
#define RS_HIT __attribute__((noinline, cold))
#else
#define RS_HIT __attribute__((noinline, noclone, cold))
#endif

#define RS_UNPACK_(...) __VA_ARGS__
#define RS_PROBE_HIT_(NAME, PROBE, PARAMETERS, ARGUMENTS)                                          \
	RS_SEMAPHORE unsigned short rouse_##PROBE##_semaphore = 0;                                 \
	RS_HIT void rs_probe_##NAME##_hit PARAMETERS                                               \
	{                                                                                          \
		STAP_PROBEV(rouse, PROBE, RS_UNPACK_ ARGUMENTS);                                   \
	}
RS_PROBES(RS_PROBE_HIT_)

#endif
