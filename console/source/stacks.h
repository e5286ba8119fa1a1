/* SPDX-License-Identifier: MIT */
/*
 * Native stacks and names of code, put into the model with each look. They are
 * taken on this side, for a program cannot be asked where it hangs: whichever
 * source the looks come from, the process (or core file) itself is read.
 */
#ifndef CN_SOURCE_STACKS_H
#define CN_SOURCE_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cn_model;
struct cn_stack;
struct cn_stacker;

enum { CN_REGISTERS = 17 }; /* of a sample, by DWARF number */

/* Of workers in a poll and threads that run a blocking job; or of all threads that are known. */
enum cn_stacks { CN_STACKS_NONE, CN_STACKS_BUSY, CN_STACKS_ALL };

/* NULL: no memory. The target is opened when stacks are taken; what is wrong with it is said by each stack. */
struct cn_stacker *cn_stacker_of_process(int pid);
struct cn_stacker *cn_stacker_of_core(const char *path);
void cn_stacker_free(struct cn_stacker *stacker);

/*
 * For each runtime that was looked at since the last call: stacks (`which` is
 * not NONE), and names of their addresses, of those threads stand at, of
 * blocking jobs' functions, and of what dropped wakers. Threads that are left when
 * `patience_ms` are over are left out, which is said. 0 or -ENOMEM.
 */
int cn_stacker_take(struct cn_stacker *stacker, enum cn_stacks which, uint32_t patience_ms, struct cn_model *model);

/*
 * Of samples that were taken elsewhere. To be called before each lot of them:
 * 0, or an errno that says why nothing can be unwound.
 */
int cn_stacker_begin(struct cn_stacker *stacker);
/*
 * Appends the frames of a copied stack (see rn_stack_of_sample()) to those that
 * *stack has, and names them. 0 or -ENOMEM.
 */
int cn_stacker_unwind(struct cn_stacker *stacker, const uint64_t registers[CN_REGISTERS], const uint8_t *copy,
	size_t bytes, struct cn_model *model, struct cn_stack *stack);

/* Is there code that dropped a last waker, and has no name yet? It is rare, and a verdict rests on it. */
bool cn_stacker_has_unnamed_drops(const struct cn_model *model);
/* Names it, and takes no stacks. 0 or -ENOMEM. */
int cn_stacker_name_drops(struct cn_stacker *stacker, struct cn_model *model);

#endif
