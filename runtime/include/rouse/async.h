/* SPDX-License-Identifier: MIT */
/**
 * rouse/async.h - async functions in plain C11.
 *
 *     ROUSE_ASYNC(echo, ssize_t,                  struct echo: what lives across awaits; result type
 *         struct rouse_tcp *conn;                 arguments: owned from the moment the frame is built
 *         ssize_t n; char buf[4096];
 *         union { struct rouse_tcp_read read; struct rouse_tcp_write write; });
 *     ROUSE_BODY(echo)
 *     {
 *         ROUSE_BEGIN;
 *         for (;;) {
 *             ROUSE_AWAIT(self->n, rouse_tcp_read(&self->read, self->conn, self->buf, sizeof self->buf));
 *             if (self->n <= 0) break;
 *             ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->conn, self->buf, self->n));
 *         }
 *         ROUSE_RETURN(self->n);
 *         ROUSE_FINALLY: rouse_tcp_close(self->conn);
 *         ROUSE_END;
 *     }
 *
 * Rules. Whatever must survive an await lives in the frame, reached by `self`;
 * locals do not survive (build with -DROUSE_DEBUG_AWAITS to find those that
 * were meant to). No `cleanup` attribute may span an await: the frame owns,
 * FINALLY frees. FINALLY is the last part of a body, at most one, never awaits,
 * and runs exactly once however the future ends: returned, dropped, cancelled,
 * panicked, or never polled. An await is a statement and may stand anywhere in
 * the body but in FINALLY and inside another switch.
 *
 * How: each await leaves a static descriptor whose label address is the resume
 * point, so the chain of awaits of a suspended task costs nothing to keep.
 */
#ifndef ROUSE_ASYNC_H
#define ROUSE_ASYNC_H

#include <rouse/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/** For an async function that keeps nothing across its awaits: ROUSE_ASYNC(hello, int, ROUSE_NO_FIELDS). */
#define ROUSE_NO_FIELDS

/** Declares async function FN, private to this file. Fields as in a struct. Result: any type but void. */
#define ROUSE_ASYNC(FN, T, ...)                                                                    \
	ROUSE_FRAME_(FN, T, __VA_ARGS__)                                                           \
	static struct rouse_poll FN##_rouse_body_(struct FN *self, struct rouse_context *cx);      \
	static struct rouse_poll FN##_rouse_poll_(struct rouse_future *f, struct rouse_context *cx) \
	{                                                                                          \
		return FN##_rouse_body_((struct FN *)f, cx);                                       \
	}                                                                                          \
	ROUSE_TYPE_(FN, ROUSE_SITE_FUNCTION, FN##_rouse_poll_, rouse_async_drop_, 0, 0)

#define ROUSE_FRAME_(FN, T, ...)                                                                   \
	struct FN {                                                                                \
		struct rouse_future future;                                                        \
		T result;                                                                          \
		__VA_ARGS__                                                                        \
		unsigned char rouse_end_;                                                          \
	};

#define ROUSE_BODY(FN)                                                                             \
	static struct rouse_poll FN##_rouse_body_(struct FN *self, struct rouse_context *cx)

/** Builds a frame in place: ROUSE_AWAIT(x, ROUSE_CALL(&self->child, child, .arg = 1)). */
#define ROUSE_CALL(FRAME, ...) ROUSE_CALL_(FRAME, __VA_ARGS__, .rouse_end_ = 0)
#define ROUSE_CALL_(FRAME, FN, ...)                                                                \
	(*(FRAME) = (struct FN){ .future = ROUSE_FUTURE_INIT(FN), __VA_ARGS__ },                   \
		(struct FN *)rouse_same_(FRAME))
static inline void *rouse_same_(void *frame)
{
	return frame;
}

enum rouse_step_ { ROUSE_STEP_START_ = 0, ROUSE_STEP_RESUME_ = 1, ROUSE_STEP_FINALLY_ = 2 };

#define ROUSE_BEGIN                                                                                \
	int rouse_step_ = rouse_async_enter_(&self->future, cx);                                   \
	__extension__(void) &&rouse_again_; /* bodies without an await have no other label */     \
	rouse_again_:                                                                              \
	switch (rouse_step_) {                                                                     \
	case ROUSE_STEP_RESUME_:                                                                   \
		__extension__({ goto *(void *)(uintptr_t)self->future.at->resume; });              \
	default:                                                                                   \
		break;                                                                             \
	case ROUSE_STEP_START_:

/** Ends the body with a result; FINALLY runs next. */
#define ROUSE_RETURN(VALUE)                                                                        \
	do {                                                                                       \
		self->result = (VALUE);                                                            \
		rouse_step_ = ROUSE_STEP_FINALLY_;                                                 \
		rouse_async_finally_(&self->future);                                               \
		goto rouse_again_;                                                                 \
	} while (0)

#define ROUSE_FINALLY                                                                              \
	break;                                                                                     \
	case ROUSE_STEP_FINALLY_

#define ROUSE_END                                                                                  \
	}                                                                                          \
	if (rouse_step_ != ROUSE_STEP_FINALLY_) {                                                  \
		rouse_step_ = ROUSE_STEP_FINALLY_;                                                 \
		rouse_async_finally_(&self->future);                                               \
		goto rouse_again_;                                                                 \
	}                                                                                          \
	return rouse_async_end_(&self->future)

#define ROUSE_CAT_(A, B) A##B
#define ROUSE_CAT(A, B) ROUSE_CAT_(A, B)

#define ROUSE_SITE_(VAR, KIND, RESUME, INDEX)                                                      \
	static const struct rouse_site VAR = { __func__, __FILE__, __LINE__, (KIND), (RESUME), (INDEX) }; \
	ROUSE_REGISTER_SITE_(VAR##ref_, VAR)

/* The descriptor, then the child; the label; polling; the result only when all has come. */
#define ROUSE_SUSPEND_(N, KIND, LINK, POLL, TAKE)                                                  \
	do {                                                                                       \
		__extension__ static const struct rouse_site ROUSE_CAT(rouse_site_, N) = {         \
			__func__, __FILE__, __LINE__, (KIND),                                      \
			&&ROUSE_CAT(rouse_resume_, N), 0 };                                        \
		ROUSE_REGISTER_SITE_(ROUSE_CAT(rouse_ref_, N), ROUSE_CAT(rouse_site_, N));         \
		LINK;                                                                              \
		self->future.at = &ROUSE_CAT(rouse_site_, N);                                      \
		ROUSE_DEBUG_AWAIT_;                                                                \
		ROUSE_CAT(rouse_resume_, N):                                                       \
		if (!(POLL).ready)                                                                 \
			return rouse_pending();                                                    \
		TAKE;                                                                              \
	} while (0)

#ifdef ROUSE_DEBUG_AWAITS
#define ROUSE_DEBUG_AWAIT_                                                                         \
	do {                                                                                       \
		rouse_debug_scribble_(cx);                                                         \
		return rouse_pending();                                                            \
	} while (0)
#else
#define ROUSE_DEBUG_AWAIT_ (void)0
#endif

/** LVALUE = result of the future built by CALL. CALL is evaluated once, before the first poll. */
#define ROUSE_AWAIT(LVALUE, CALL) ROUSE_AWAIT_N_(__COUNTER__, LVALUE, CALL)
#define ROUSE_AWAIT_N_(N, LVALUE, CALL)                                                            \
	ROUSE_SUSPEND_(N, ROUSE_SITE_AWAIT, self->future.awaiting = &(CALL)->future,               \
		rouse_async_poll_child_(&self->future, cx),                                        \
		(LVALUE) = ((__typeof__(CALL))(void *)rouse_async_take_(&self->future))->result)

/** Awaits and ignores the result. */
#define ROUSE_AWAIT_ONLY(CALL) ROUSE_AWAIT_ONLY_N_(__COUNTER__, CALL)
#define ROUSE_AWAIT_ONLY_N_(N, CALL)                                                               \
	ROUSE_SUSPEND_(N, ROUSE_SITE_AWAIT, self->future.awaiting = &(CALL)->future,               \
		rouse_async_poll_child_(&self->future, cx), (void)rouse_async_take_(&self->future))

/**
 * Awaits the first of up to eight futures; WHICH becomes its place, from 0. The
 * others are dropped before the body goes on. Polled from a place that moves,
 * so that none starves. Results stay in the futures' `result` members.
 */
#define ROUSE_SELECT(WHICH, ...) ROUSE_SELECT_N_(__COUNTER__, WHICH, __VA_ARGS__)
#define ROUSE_SELECT_N_(N, WHICH, ...)                                                             \
	ROUSE_SUSPEND_(N, ROUSE_SITE_SELECT, ROUSE_LINK_(__VA_ARGS__),                             \
		rouse_async_poll_select_(&self->future, cx),                                       \
		(WHICH) = rouse_async_take_index_(&self->future))

/** Awaits all of up to eight futures, polled side by side in this task. */
#define ROUSE_JOIN_ALL(...) ROUSE_JOIN_ALL_N_(__COUNTER__, __VA_ARGS__)
#define ROUSE_JOIN_ALL_N_(N, ...)                                                                  \
	ROUSE_SUSPEND_(N, ROUSE_SITE_JOIN, ROUSE_LINK_(__VA_ARGS__),                               \
		rouse_async_poll_join_(&self->future, cx), (void)0)

#define ROUSE_LINK_(...)                                                                           \
	do {                                                                                       \
		struct rouse_future *const rouse_list_[] = { ROUSE_MAP_(__VA_ARGS__) };            \
		rouse_async_link_(&self->future, rouse_list_,                                      \
			sizeof rouse_list_ / sizeof rouse_list_[0]);                               \
	} while (0)
#define ROUSE_MAP_(...)                                                                            \
	ROUSE_MAP_PICK_(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0)(__VA_ARGS__)
#define ROUSE_MAP_PICK_(A, B, C, D, E, F, G, H, N, ...) ROUSE_CAT(ROUSE_MAP_, N)
#define ROUSE_MAP_1(A) &(A)->future
#define ROUSE_MAP_2(A, ...) &(A)->future, ROUSE_MAP_1(__VA_ARGS__)
#define ROUSE_MAP_3(A, ...) &(A)->future, ROUSE_MAP_2(__VA_ARGS__)
#define ROUSE_MAP_4(A, ...) &(A)->future, ROUSE_MAP_3(__VA_ARGS__)
#define ROUSE_MAP_5(A, ...) &(A)->future, ROUSE_MAP_4(__VA_ARGS__)
#define ROUSE_MAP_6(A, ...) &(A)->future, ROUSE_MAP_5(__VA_ARGS__)
#define ROUSE_MAP_7(A, ...) &(A)->future, ROUSE_MAP_6(__VA_ARGS__)
#define ROUSE_MAP_8(A, ...) &(A)->future, ROUSE_MAP_7(__VA_ARGS__)

/* ------------------------------------------------- behind the macros */

ROUSE_API struct rouse_poll rouse_async_poll_select_(struct rouse_future *f, struct rouse_context *cx);
ROUSE_API struct rouse_poll rouse_async_poll_join_(struct rouse_future *f, struct rouse_context *cx);
ROUSE_API int rouse_async_take_index_(struct rouse_future *f);
ROUSE_API void rouse_async_link_(struct rouse_future *f, struct rouse_future *const *list, size_t n);
ROUSE_API void rouse_async_drop_(struct rouse_future *f);
ROUSE_API void rouse_debug_scribble_(struct rouse_context *cx);
ROUSE_API void rouse_async_polled_after_end_(struct rouse_future *f);

/* A NULL context means: run FINALLY only. */
static inline int rouse_async_enter_(struct rouse_future *f, struct rouse_context *cx)
{
	if (!cx)
		return ROUSE_STEP_FINALLY_;
	if (!f->at)
		return ROUSE_STEP_START_;
	if (!f->at->resume)
		rouse_async_polled_after_end_(f);
	return ROUSE_STEP_RESUME_;
}

static inline struct rouse_poll rouse_async_poll_child_(struct rouse_future *f, struct rouse_context *cx)
{
	return f->awaiting->type->poll(f->awaiting, cx);
}

/* `awaiting` is cleared before user code goes on: a set one is always a live child. */
static inline struct rouse_future *rouse_async_take_(struct rouse_future *f)
{
	struct rouse_future *child = f->awaiting;
	child->at = &rouse_site_done;
	f->awaiting = 0;
	return child;
}

static inline void rouse_async_finally_(struct rouse_future *f)
{
	f->at = &rouse_site_finally;
}

static inline struct rouse_poll rouse_async_end_(struct rouse_future *f)
{
	f->at = &rouse_site_done;
	return rouse_ready();
}

/* ------------------------------------------------------------- combinators */

/** Ends FUTURE after `ns`. Result: 0 if it was ready in time (its own result is in it), else -ETIMEDOUT. */
struct rouse_sleep {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait; /* arg: the deadline; before the first poll a relative one, if so marked */
	void *wheel;
	void *interval;
	uint32_t slot;
	uint32_t relative;
};
struct rouse_timeout {
	struct rouse_future future;
	int64_t result;
	struct rouse_sleep sleep;
};
#define rouse_timeout(STORAGE, NS, CHILD) rouse_timeout_((STORAGE), (NS), &(CHILD)->future)
ROUSE_API struct rouse_timeout *rouse_timeout_(struct rouse_timeout *storage, uint64_t ns,
	struct rouse_future *child);

/**
 * FIRST, then the future that `next` makes of it. `next` is called once, with
 * the finished first future, and answers the next one (it outlives the
 * and_then), or NULL to end with *ret_result. Result: that of the last future
 * as by rouse_future_result().
 */
typedef struct rouse_future *(*rouse_next_fn)(void *arg, struct rouse_future *done, int64_t *ret_result);
struct rouse_and_then {
	struct rouse_future future;
	int64_t result;
	rouse_next_fn next;
	void *arg;
};
#define rouse_and_then(STORAGE, FIRST, NEXT, ARG)                                                  \
	rouse_and_then_((STORAGE), &(FIRST)->future, (NEXT), (ARG))
ROUSE_API struct rouse_and_then *rouse_and_then_(struct rouse_and_then *storage,
	struct rouse_future *first, rouse_next_fn next, void *arg);

/** The result of CHILD put through `fn`. */
typedef int64_t (*rouse_map_fn)(void *arg, int64_t result);
struct rouse_map {
	struct rouse_future future;
	int64_t result;
	rouse_map_fn fn;
	void *arg;
};
#define rouse_map(STORAGE, CHILD, FN, ARG) rouse_map_((STORAGE), &(CHILD)->future, (FN), (ARG))
ROUSE_API struct rouse_map *rouse_map_(struct rouse_map *storage, struct rouse_future *child,
	rouse_map_fn fn, void *arg);

#ifdef __cplusplus
}
#endif
#endif
