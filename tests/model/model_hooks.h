/* SPDX-License-Identifier: MIT */
/* The atomic operations of runtime/base/atomic.h as steps of the model checker (RS_MODEL). */
#ifndef ROUSE_MODEL_HOOKS_H
#define ROUSE_MODEL_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A point at which another thread may go first. */
void rs_model_step(void);
/* Through this thread's store buffer. */
void rs_model_load(const volatile void *address, void *value, size_t bytes, int order);
void rs_model_store(volatile void *address, const void *value, size_t bytes, int order);
/* Before a read-modify-write: empties the buffer. After it: what it means for happens-before. */
void rs_model_drain(void);
void rs_model_loaded(const volatile void *address, int order);
void rs_model_modified(const volatile void *address, int order);
/* A full fence; half of an asymmetric pair: nothing, and every thread's. */
void rs_model_fence(void);
void rs_model_fence_all(void);
/* Blocks this thread while *word == value. */
void rs_model_wait(const uint32_t *word, uint32_t value);

#define rs_load(P, ORDER)                                                                          \
	__extension__({                                                                            \
		rs_model_step();                                                                   \
		__auto_type loaded_ = *(P); /* for its unqualified type */                         \
		rs_model_load((P), &loaded_, sizeof loaded_, (ORDER));                             \
		loaded_;                                                                           \
	})
#define rs_store(P, V, ORDER)                                                                      \
	do {                                                                                       \
		__typeof__(*(P)) stored_ = (V);                                                    \
		rs_model_step();                                                                   \
		rs_model_store((P), &stored_, sizeof stored_, (ORDER));                            \
	} while (0)
#define RS_MODIFY_(P, NEW, ORDER)                                                                  \
	__extension__({                                                                            \
		rs_model_step();                                                                   \
		rs_model_drain();                                                                  \
		__auto_type old_ = *(P);                                                           \
		*(P) = (NEW);                                                                      \
		rs_model_modified((P), (ORDER));                                                   \
		old_;                                                                              \
	})
#define rs_exchange(P, V, ORDER) RS_MODIFY_(P, V, ORDER)
#define rs_fetch_add(P, V, ORDER) RS_MODIFY_(P, old_ + (V), ORDER)
#define rs_fetch_sub(P, V, ORDER) RS_MODIFY_(P, old_ - (V), ORDER)
#define rs_fetch_or(P, V, ORDER) RS_MODIFY_(P, old_ | (V), ORDER)
#define rs_cas(P, EXPECTED, V, OK, FAIL)                                                           \
	__extension__({                                                                            \
		rs_model_step();                                                                   \
		rs_model_drain();                                                                  \
		bool swapped_ = *(P) == *(EXPECTED);                                               \
		if (swapped_) {                                                                    \
			*(P) = (V);                                                                \
			rs_model_modified((P), (OK));                                              \
		} else {                                                                           \
			*(EXPECTED) = *(P);                                                        \
			rs_model_loaded((P), (FAIL));                                              \
		}                                                                                  \
		swapped_;                                                                          \
	})

#endif
