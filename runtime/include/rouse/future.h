/* SPDX-License-Identifier: MIT */
/**
 * rouse/future.h - futures, wakers, sites: what async functions are made of.
 *
 * A future is a struct whose first member is a struct rouse_future. It does
 * nothing until it is polled. poll() answers READY, with the result stored in
 * the future, or PENDING, which promises that the context's waker was stored
 * and will be called when polling again makes sense. A future never moves
 * after its first poll. It ends exactly once: by READY, or by drop().
 *
 * To write one by hand, see examples/leaf_future.c, or ROUSE_LEAF below.
 */
#ifndef ROUSE_FUTURE_H
#define ROUSE_FUTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rouse/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ROUSE_API __attribute__((visibility("default")))
#else
#error "rouse needs gcc or clang"
#endif

struct rouse_future;
struct rouse_context;
struct rouse_task;

/* ------------------------------------------------------------------- poll */

/** What a poll answers. A struct, so that a naked `return x;` does not compile. */
struct rouse_poll {
	int ready;
};
static inline struct rouse_poll rouse_ready(void)
{
	struct rouse_poll p = { 1 };
	return p;
}
static inline struct rouse_poll rouse_pending(void)
{
	struct rouse_poll p = { 0 };
	return p;
}

/* ----------------------------------------------------------------- wakers */

/**
 * A waker is data and four functions. clone() makes one more reference; wake()
 * consumes one; wake_by_ref() consumes none; drop() gives one back. All may be
 * called from any thread, never block, never panic, and never call back into
 * the future; clone() and drop() may be called under a lock of the runtime's.
 */
struct rouse_waker_vtable {
	void *(*clone)(void *data);
	void (*wake)(void *data);
	void (*wake_by_ref)(void *data);
	void (*drop)(void *data);
};
struct rouse_waker {
	void *data;
	const struct rouse_waker_vtable *vtable; /* NULL: an empty waker; waking or dropping it does nothing */
};

/**
 * A new reference to the same wake target. Any thread. A task has room for
 * 262,142 wakers at a time: like running out of stack, one more ends the process.
 */
ROUSE_API struct rouse_waker rouse_waker_clone(const struct rouse_waker *waker);
/** Wakes and gives the reference back; *waker becomes empty. Any thread. Waking a finished task does nothing. */
ROUSE_API void rouse_waker_wake(struct rouse_waker *waker);
/** Wakes, keeping the reference. Any thread. */
ROUSE_API void rouse_waker_wake_by_ref(const struct rouse_waker *waker);
/**
 * Gives the reference back unwoken; *waker becomes empty. Any thread. If it was a resting task's last one, nothing
 * can wake that task any more: the console then says who dropped it, when, and from where.
 */
ROUSE_API void rouse_waker_drop(struct rouse_waker *waker);
/** True if both wake the same target, so that a stored waker need not be replaced. */
static inline bool rouse_waker_will_wake(const struct rouse_waker *a, const struct rouse_waker *b)
{
	return a->data == b->data && a->vtable == b->vtable;
}

/* ---------------------------------------------------------------- context */

/**
 * What a poll is given. Lives on the poller's stack; borrowed for the poll.
 * An executor of your own makes one with just a waker: task and worker are 0.
 */
struct rouse_context {
	struct rouse_waker waker;  /* borrowed: clone it to keep it */
	struct rouse_task *task;   /* the task being polled, NULL outside the runtime */
	void *worker;              /* private to the runtime */
	uint32_t budget;           /* private: operations left before a forced yield */
	uint32_t reserved;
};

/* ------------------------------------------------------------------ sites */

/**
 * One place in the source. Await sites are also resume points: a suspended
 * frame's `at` is where it goes on. Static; registered by a linker section, so
 * that readers find them in the memfd's site table by address.
 */
struct rouse_site {
	const char *function;
	const char *file;
	uint32_t line;
	uint32_t kind;        /* enum rouse_site_kind */
	const void *resume;   /* await sites: label address */
	uint32_t *index;      /* spawn and resource sites: its site table index, set on first use */
};

/* ---------------------------------------------------------------- futures */

struct rouse_future_type {
	const char *name;
	const char *file;
	uint32_t line;
	uint32_t kind;         /* ROUSE_SITE_FUNCTION, _COMBINATOR or _LEAF */
	uint32_t bytes;        /* sizeof the future */
	uint32_t result_offset;
	uint32_t result_bytes;
	uint16_t node_offset;  /* of its struct rouse_wait, 0 = none */
	uint8_t op;            /* leaf: enum rouse_op */
	uint8_t reserved;
	struct rouse_poll (*poll)(struct rouse_future *, struct rouse_context *);
	void (*drop)(struct rouse_future *); /* ends it unfinished; NULL = nothing to do */
};

/** The head of every future: struct rouse_future_record of layout.h, seen from inside. */
struct rouse_future {
	const struct rouse_future_type *type;
	const struct rouse_site *at;
	struct rouse_future *awaiting;
	struct rouse_future *sibling;
};

/** The site of a future that has ended; polling it again is a panic, dropping it does nothing. */
ROUSE_API extern const struct rouse_site rouse_site_done;
/** The site of an async function while its FINALLY part runs. */
ROUSE_API extern const struct rouse_site rouse_site_finally;

/** Polls any future. On READY the future is marked done. */
ROUSE_API struct rouse_poll rouse_future_poll(struct rouse_future *future, struct rouse_context *cx);
/** Ends a future, whatever its state; idempotent. Children first. Never suspends. */
ROUSE_API void rouse_future_drop(struct rouse_future *future);
/** The result of a finished future as a number (its result must be an integer of 4 or 8 bytes). */
ROUSE_API int64_t rouse_future_result(const struct rouse_future *future);

/* ------------------------------------------------- waiting, for leaf futures */

/**
 * A place to keep a waker while a leaf future waits, in the shape that readers
 * of this process understand (struct rouse_wait_record). Put one into your leaf
 * future, zeroed, and name it in ROUSE_LEAF_WAIT, and `rouse why` can tell since
 * when it waits and whom it would wake. All members are private to the
 * functions that take it.
 */
struct rouse_wait {
	struct rouse_wait *next;
	struct rouse_wait *prev;
	struct rouse_waker waker;
	uint64_t resource;
	uint64_t since_ticks;
	uint64_t arg;
	uint32_t poll;
	uint8_t state; /* enum rouse_wait_state */
	uint8_t op;
	uint16_t reserved;
};

/**
 * For leaf futures of your own. A node belongs to its future; calls on one node
 * are serialised by whatever lock guards the event it waits for.
 *
 * register: from poll(), before it answers PENDING: keeps a clone of the
 * context's waker, or, polled again, replaces it if another task polls now.
 * take: from whoever causes the event: takes the waker out, to be passed to
 * rouse_waker_wake() after unlocking; empty if nobody waits.
 * cancel: from drop(): gives the waker back. It is dropped under your lock.
 */
ROUSE_API void rouse_wait_register(struct rouse_wait *wait, struct rouse_context *cx);
ROUSE_API struct rouse_waker rouse_wait_take(struct rouse_wait *wait);
ROUSE_API void rouse_wait_cancel(struct rouse_wait *wait);

/** Marks the running task as waking itself: it is polled again after the others in the queue. */
ROUSE_API void rouse_yield_to_others(struct rouse_context *cx);

/**
 * Declares a leaf future type: struct NAME must begin with a struct
 * rouse_future called `future` and have a member `result`.
 *
 *     static struct rouse_poll delay_poll(struct rouse_future *f, struct rouse_context *cx);
 *     static void delay_drop(struct rouse_future *f);
 *     ROUSE_LEAF(delay, delay_poll, delay_drop);
 *     ...
 *     self->delay = (struct delay){ .future = ROUSE_FUTURE_INIT(delay), .when = t };
 */
#define ROUSE_LEAF(NAME, POLL, DROP) ROUSE_TYPE_(NAME, ROUSE_SITE_LEAF, POLL, DROP, 0, ROUSE_OP_CUSTOM)
/** The same with a struct rouse_wait member, by which it can be seen waiting; OP: ROUSE_OP_CUSTOM. */
#define ROUSE_LEAF_WAIT(NAME, POLL, DROP, MEMBER, OP)                                              \
	ROUSE_TYPE_(NAME, ROUSE_SITE_LEAF, POLL, DROP, offsetof(struct NAME, MEMBER), OP)
#define ROUSE_TYPE_(NAME, KIND, POLL, DROP, NODE, OP)                                              \
	static const struct rouse_future_type NAME##_rouse_type = {                                \
		.name = #NAME, .file = __FILE__, .line = __LINE__, .kind = (KIND),                 \
		.bytes = sizeof(struct NAME), .result_offset = offsetof(struct NAME, result),      \
		.result_bytes = sizeof(((struct NAME *)0)->result), .node_offset = (NODE),         \
		.op = (OP), .poll = (POLL), .drop = (DROP) };                                      \
	ROUSE_REGISTER_TYPE_(NAME##_rouse_type)
#define ROUSE_FUTURE_INIT(NAME) { .type = &NAME##_rouse_type }

/* ------------------------------------------------------- site registration */

/* Each descriptor leaves a pointer in a section; a constructor in each object
 * hands that object's section to the runtime, once per linked module. */
#define ROUSE_SECTION_(NAME) __attribute__((section(NAME), used))
#define ROUSE_REGISTER_TYPE_(VAR)                                                                  \
	static const struct rouse_future_type *const VAR##_ref_ ROUSE_SECTION_("rouse_types") = &VAR
#define ROUSE_REGISTER_SITE_(REF, VAR)                                                             \
	static const struct rouse_site *const REF ROUSE_SECTION_("rouse_sites") = &VAR

extern const struct rouse_future_type *const __start_rouse_types[]
	__attribute__((weak, visibility("hidden")));
extern const struct rouse_future_type *const __stop_rouse_types[]
	__attribute__((weak, visibility("hidden")));
extern const struct rouse_site *const __start_rouse_sites[]
	__attribute__((weak, visibility("hidden")));
extern const struct rouse_site *const __stop_rouse_sites[]
	__attribute__((weak, visibility("hidden")));
ROUSE_API void rouse_sites_register_(const struct rouse_future_type *const *types,
	const struct rouse_future_type *const *types_end, const struct rouse_site *const *sites,
	const struct rouse_site *const *sites_end);
__attribute__((constructor, used)) static void rouse_register_module_(void)
{
	rouse_sites_register_(__start_rouse_types, __stop_rouse_types, __start_rouse_sites,
		__stop_rouse_sites);
}

#ifdef __cplusplus
}
#endif
#endif
