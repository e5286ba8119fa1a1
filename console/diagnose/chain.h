/* SPDX-License-Identifier: MIT */
/*
 * Why a task does not run: from the task over what it awaits to who has or
 * would wake that, and on to a root. A flat list in the order of drawing, each
 * link with its parent's index, made of what the model knows.
 */
#ifndef CN_DIAGNOSE_CHAIN_H
#define CN_DIAGNOSE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "diagnose/finding.h"
#include "model/evidence.h"
#include "widget/glyph.h"
#include "widget/style.h"

/* kind, JSON name */
#define CN_LINKS(X)                                                                                                    \
	X(TASK, "task")         /* id */                                                                               \
	X(AWAIT, "await")       /* a future in its chain: type, at */                                                  \
	X(RESOURCE, "resource") /* id is the serial */                                                                 \
	X(WORKER, "worker")     /* runs or will run it: id is the index */                                             \
	X(THREAD, "thread")     /* id is the program's thread id; its native stack, if known, is cn_model_stack() */   \
	X(SOCKET, "socket")     /* a socket as the kernel has it: id is the serial */                                  \
	X(ROOT, "root")         /* the end: `text` says what it is */
enum cn_link_kind {
#define X(name, text) CN_LINK_##name,
	CN_LINKS(X)
#undef X
	CN_LINK_KIND_MAX
};

/* How a link follows from its parent. */
#define CN_RELATIONS(X)                                                                                                \
	X(START, "")                                                                                                   \
	X(AWAITS, "awaits")                                                                                            \
	X(WAITS_FOR, "waits for")                                                                                      \
	X(HELD_BY, "held by")                                                                                          \
	X(JOINS, "joins")                                                                                              \
	X(SENT_BY, "would be sent by")                                                                                 \
	X(TAKEN_BY, "would be taken by")                                                                               \
	X(USED_BY, "last used by")                                                                                     \
	X(RUN_BY, "run by")                                                                                            \
	X(ON_THREAD, "on")                                                                                             \
	X(FIRED_BY, "would be fired by")                                                                               \
	X(IN_KERNEL, "in the kernel")                                                                                  \
	X(ENDS_IN, "ends in")
enum cn_relation {
#define X(name, text) CN_RELATION_##name,
	CN_RELATIONS(X)
#undef X
	CN_RELATION_MAX
};

struct cn_link {
	uint8_t kind;     /* enum cn_link_kind */
	uint8_t relation; /* enum cn_relation */
	bool either;      /* one of several that would do: an arm of a select or timeout */
	bool cycle;       /* the task stands further up already: here the ring closes */
	bool guess;       /* the relation is likely, not exact: channels and semaphores have no owner */
	bool last;        /* of its parent's links */
	uint16_t runtime;
	uint16_t depth;
	uint32_t parent;   /* index; the first link's is its own */
	uint32_t type, at; /* AWAIT: site indices */
	uint8_t op;        /* AWAIT: enum rouse_op */
	uint8_t wait_state;
	uint64_t id;
	uint64_t since_ns;
	uint64_t due_ns;  /* ROOT: when the timer is due, CLOCK_MONOTONIC */
	uint64_t permits; /* HELD_BY a holder of a semaphore */
	char text[240];   /* what there is to say of it; names in it are safe */
};

struct cn_chain {
	struct cn_link *links;
	uint32_t n;
	bool cycle;                       /* there is a ring in it */
	bool truncated;                   /* longer than is shown */
	bool valid;                       /* every task in it stood still while it was read */
	char verdict[768];                /* one or two sentences */
	const struct cn_finding *finding; /* the strongest about the task, or NULL; borrowed from `findings` */
};

/* 0, -ENOENT (no such task), -ENOMEM. `findings` may be NULL. Freed by cn_chain_free(). */
int cn_chain_build(
	const struct cn_model *model, const struct cn_findings *findings, uint64_t task, struct cn_chain *ret_chain);
void cn_chain_free(struct cn_chain *chain);

/*
 * The chain drawn, a line at a time, without newline: the same for the screen
 * and for `rouse why`. `text` is UTF-8 (or ASCII, by charset), safe to print;
 * spans say which meaning its parts have.
 */
struct cn_span {
	uint16_t from, bytes; /* in `text` */
	uint8_t style;        /* enum cn_style */
};
struct cn_line {
	char text[512];
	struct cn_span spans[12];
	uint32_t n_spans;
	uint32_t link; /* which link of the chain it draws; UINT32_MAX: the verdict, a heading, an empty line */
};
typedef void (*cn_line_fn)(void *arg, const struct cn_line *line);
void cn_chain_draw(const struct cn_model *model, const struct cn_chain *chain, enum cn_charset charset, int columns,
	cn_line_fn line, void *arg);

/*
 * "blocked in read(fd 7 = socket 10.0.0.1:555)", "computes (98% of a CPU)"; "" if nothing is known. Safe to print.
 */
const char *cn_thread_text(
	char *out, size_t bytes, const struct cn_model *model, size_t runtime, const struct cn_thread *thread);
/* "flush (log.c:30)", "libc.so.6+0x91a2f", "0x55d0c1a2b3c4". Safe to print. */
const char *cn_code_text(char *out, size_t bytes, const struct cn_model *model, uint64_t pc);
/* The first frame that is the program's own, not of libc or the runtime; 0 if that cannot be told. */
uint32_t cn_stack_own(const struct cn_model *model, const struct cn_stack *stack);

/* Tasks and resources of the chain of which cn_model_detail() can tell more: their number, at most `max`. */
size_t cn_chain_wants(const struct cn_chain *chain, uint64_t *ret_ids, size_t max);

/* Does what it says rest on threads: on their native stacks there is more to see. */
bool cn_chain_has_threads(const struct cn_chain *chain);

const char *cn_link_kind_name(unsigned int kind);
const char *cn_relation_name(unsigned int relation);

#endif
