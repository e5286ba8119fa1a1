/* SPDX-License-Identifier: MIT */
/*
 * The only door to atomic operations. Plain members, explicit orders, one
 * place to hook:
 *
 *   RS_MODEL   every operation is a step of the model checker (tests/model),
 *              which decides the interleaving and follows who happens before whom.
 *   TSan       knows no fences: they become read-modify-writes of a dummy.
 *
 * rs_fence_light() and rs_fence_heavy() are the two halves of an asymmetric
 * Dekker: the frequent side pays nothing but a compiler barrier, the rare side
 * membarrier(PRIVATE_EXPEDITED), which makes every running thread of this
 * process execute a full fence. Where membarrier is missing both are full.
 */
#ifndef RS_BASE_ATOMIC_H
#define RS_BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#define RS_RELAXED __ATOMIC_RELAXED
#define RS_ACQUIRE __ATOMIC_ACQUIRE
#define RS_RELEASE __ATOMIC_RELEASE
#define RS_ACQ_REL __ATOMIC_ACQ_REL
#define RS_SEQ_CST __ATOMIC_SEQ_CST

#ifdef RS_MODEL
#include "model_hooks.h" /* tests/model: the same operations, one step of the checker each */
#else
#define rs_load(P, ORDER) __atomic_load_n((P), (ORDER))
#define rs_store(P, V, ORDER) __atomic_store_n((P), (V), (ORDER))
#define rs_exchange(P, V, ORDER) __atomic_exchange_n((P), (V), (ORDER))
#define rs_fetch_add(P, V, ORDER) __atomic_fetch_add((P), (V), (ORDER))
#define rs_fetch_sub(P, V, ORDER) __atomic_fetch_sub((P), (V), (ORDER))
#define rs_fetch_or(P, V, ORDER) __atomic_fetch_or((P), (V), (ORDER))
/* Strong. On failure *EXPECTED is what was there, loaded with FAIL order. */
#define rs_cas(P, EXPECTED, V, OK, FAIL)                                                           \
	__atomic_compare_exchange_n((P), (EXPECTED), (V), false, (OK), (FAIL))
#endif

/* Counters with one writer and any readers: no read-modify-write needed. */
#define rs_bump(P, N) __atomic_store_n((P), __atomic_load_n((P), RS_RELAXED) + (N), RS_RELAXED)

static inline void rs_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* base/fence.c; true once membarrier(PRIVATE_EXPEDITED) is registered. Written once, before any second thread. */
extern bool rs_fence_asymmetric;
void rs_fence_init(void);
void rs_fence_heavy_slow(void);

#if defined(__SANITIZE_THREAD__)
#define RS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RS_TSAN 1
#endif
#endif

#if defined(RS_MODEL)
#define rs_fence(ORDER) rs_model_fence()
static inline void rs_fence_light(void)
{
}
static inline void rs_fence_heavy(void)
{
	rs_model_fence_all();
}
#elif defined(RS_TSAN)
extern uint32_t rs_fence_dummy;
#define rs_fence(ORDER) ((void)__atomic_fetch_add(&rs_fence_dummy, 1, RS_SEQ_CST))
static inline void rs_fence_light(void)
{
	__atomic_fetch_add(&rs_fence_dummy, 1, RS_SEQ_CST);
}
static inline void rs_fence_heavy(void)
{
	__atomic_fetch_add(&rs_fence_dummy, 1, RS_SEQ_CST);
}
#else
#define rs_fence(ORDER) __atomic_thread_fence(ORDER)
static inline void rs_fence_light(void)
{
	if (__builtin_expect(rs_fence_asymmetric, 1))
		__atomic_signal_fence(RS_SEQ_CST);
	else
		__atomic_thread_fence(RS_SEQ_CST);
}
static inline void rs_fence_heavy(void)
{
	rs_fence_heavy_slow();
}
#endif

#endif
