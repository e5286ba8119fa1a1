/* SPDX-License-Identifier: MIT */
/**
 * rouse/task.h - tasks: spawning, joining, aborting, panicking.
 */
#ifndef ROUSE_TASK_H
#define ROUSE_TASK_H

#include <rouse/async.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rouse_runtime;

/**
 * Spawns an async function as a task of the current runtime: one allocation,
 * named after the function, at this file and line.
 *     struct rouse_task *t = rouse_spawn(echo, .conn = conn);
 * Returns a join handle, to be given to exactly one of rouse_join(),
 * rouse_task_detach(); or NULL with errno set: ROUSE_ENORUNTIME outside any
 * runtime, ROUSE_ESHUTDOWN, ROUSE_EFORKED, ENOMEM. When it fails, the frame is
 * dropped: its FINALLY runs, the arguments are not lost.
 */
#define rouse_spawn(...) rouse_task_start_new_(ROUSE_PREPARE_(NULL, NULL, ROUSE_KIND_TASK, __VA_ARGS__, .rouse_end_ = 0))
/** The same with a name (copied; shown escaped, at most 255 bytes). */
#define rouse_spawn_named(NAME, ...) rouse_task_start_new_(ROUSE_PREPARE_(NULL, (NAME), ROUSE_KIND_TASK, __VA_ARGS__, .rouse_end_ = 0))
/** The same on a given runtime. Any thread. */
#define rouse_spawn_on(RUNTIME, ...) rouse_task_start_new_(ROUSE_PREPARE_((RUNTIME), NULL, ROUSE_KIND_TASK, __VA_ARGS__, .rouse_end_ = 0))
#define rouse_spawn_named_on(RUNTIME, NAME, ...) rouse_task_start_new_(ROUSE_PREPARE_((RUNTIME), (NAME), ROUSE_KIND_TASK, __VA_ARGS__, .rouse_end_ = 0))
/** Spawns and lets go: no join handle is made. Returns 0 or a negative error. */
#define rouse_spawn_detached(...) rouse_task_start_detached_(ROUSE_PREPARE_(NULL, NULL, ROUSE_KIND_TASK, __VA_ARGS__, .rouse_end_ = 0))
#define rouse_spawn_detached_named(NAME, ...) rouse_task_start_detached_(ROUSE_PREPARE_(NULL, (NAME), ROUSE_KIND_TASK, __VA_ARGS__, .rouse_end_ = 0))
/** A long-lived task that is meant to wait: findings about pending long leave it alone. */
#define rouse_spawn_daemon(NAME, ...) rouse_task_start_detached_(ROUSE_PREPARE_(NULL, (NAME), ROUSE_KIND_DAEMON, __VA_ARGS__, .rouse_end_ = 0))

/** Prepares a task without starting it: state Created. Then rouse_task_start(), or rouse_task_detach() to drop it. */
#define rouse_task_prepare(...) ROUSE_PREPARE_(NULL, NULL, ROUSE_KIND_TASK, __VA_ARGS__, .rouse_end_ = 0)
/** Created -> Scheduled. NULL is passed through. Any thread. Returns its argument. */
ROUSE_API struct rouse_task *rouse_task_start(struct rouse_task *task);

/* ---------------------------------------------------------------- handles */

/** One more handle on the task, to be detached or joined; panics at the 16,383rd. Any thread. */
ROUSE_API struct rouse_task *rouse_task_ref(struct rouse_task *task);
/** Gives a handle back; the task goes on by itself (a Created one is dropped). NULL is fine. Any thread. */
ROUSE_API void rouse_task_detach(struct rouse_task *task);
/**
 * Asks for the task's end. A pending or scheduled one ends at its next turn,
 * without being polled; a running one when its poll ends, unless that poll
 * completes it. FINALLY parts run. Any thread; keeps the handle.
 */
ROUSE_API void rouse_task_abort(struct rouse_task *task);
/** 64-bit serial, never reused. */
ROUSE_API uint64_t rouse_task_id(const struct rouse_task *task);
ROUSE_API enum rouse_task_state rouse_task_get_state(const struct rouse_task *task);
/** Its own name, else the async function's. Lives as long as the handle. */
ROUSE_API const char *rouse_task_name(const struct rouse_task *task);
/** The task that this thread is polling, or NULL. Borrowed for the poll. */
ROUSE_API struct rouse_task *rouse_task_current(void);

/* ------------------------------------------------------------------- join */

/**
 * Awaits the end of a task. Takes the handle, and gives it back when the join
 * ends or is dropped. RESULT_POINTER (may be NULL) receives the result if it
 * completed. Result: 0, -ECANCELED, -ROUSE_EPANIC (then `message`, `file` and
 * `line` are set), -ROUSE_EJOINED, -EDEADLK (a task cannot await itself).
 */
struct rouse_join {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_task *task;
	void *out;
	char message[96];
	const char *file; /* static storage of the panicking code */
	uint32_t line;
	uint32_t registered;
};
ROUSE_API struct rouse_join *rouse_join(struct rouse_join *storage, struct rouse_task *task, void *result_pointer);

/* ------------------------------------------------------------------ yield */

/** Lets the other tasks of this worker go first. */
struct rouse_yield {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	uint32_t yielded;
	uint32_t reserved;
};
ROUSE_API struct rouse_yield *rouse_yield(struct rouse_yield *storage);

/* ------------------------------------------------------------------ panic */

/**
 * Ends the running task, not the process: FINALLY parts run, joiners get
 * -ROUSE_EPANIC with this message and place. Outside a task: says so on stderr
 * and aborts the process. Do not call it while holding a pthread lock.
 */
#define rouse_panic(...) rouse_panic_(__func__, __FILE__, __LINE__, __VA_ARGS__)
#define ROUSE_ASSERT(CONDITION)                                                                    \
	((CONDITION) ? (void)0 : rouse_panic_(__func__, __FILE__, __LINE__, "assertion failed: %s", #CONDITION))
ROUSE_API void rouse_panic_(const char *function, const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 4, 5)));

/* ------------------------------------------------------------ blocking jobs */

/**
 * Runs fn(arg) on a thread of the blocking pool. Result: what fn returned, or
 * -ROUSE_EPANIC, -ROUSE_ESHUTDOWN, -EAGAIN. Dropping it does not stop a job
 * that has begun; one that has not is never run. `arg` must outlive the job.
 */
typedef int64_t (*rouse_blocking_fn)(void *arg);
struct rouse_blocking {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	rouse_blocking_fn fn;
	void *arg;
	void *job;
};
ROUSE_API struct rouse_blocking *rouse_blocking(struct rouse_blocking *storage, rouse_blocking_fn fn, void *arg);

/* ------------------------------------------------------ behind the macros */

struct rouse_task_spec {
	struct rouse_runtime *runtime; /* NULL: the current one */
	const char *name;
	const struct rouse_site *site;
	uint32_t kind;
};
/* A slot with room for `type`'s frame, and where to build it. Never NULL: on
 * failure the frame is built in scratch memory that rouse_prepared_ then drops. */
ROUSE_API void *rouse_prepare_(const struct rouse_task_spec *spec, const struct rouse_future_type *type,
	struct rouse_task **ret_task);
ROUSE_API struct rouse_task *rouse_prepared_(struct rouse_task *task, void *frame);
ROUSE_API struct rouse_task *rouse_task_start_new_(struct rouse_task *task);
ROUSE_API int rouse_task_start_detached_(struct rouse_task *task);

#define ROUSE_PREPARE_(RUNTIME, NAME, KIND, FN, ...)                                               \
	__extension__({                                                                            \
		static uint32_t rouse_spawn_index_;                                                \
		ROUSE_SITE_(rouse_spawn_site_, ROUSE_SITE_SPAWN, NULL, &rouse_spawn_index_);       \
		struct rouse_task *rouse_prepared_task_;                                           \
		struct FN *rouse_prepared_frame_ = (struct FN *)rouse_prepare_(                    \
			&(const struct rouse_task_spec){ (RUNTIME), (NAME), &rouse_spawn_site_, (KIND) }, \
			&FN##_rouse_type, &rouse_prepared_task_);                                  \
		*rouse_prepared_frame_ = (struct FN){ .future = ROUSE_FUTURE_INIT(FN), __VA_ARGS__ }; \
		rouse_prepared_(rouse_prepared_task_, rouse_prepared_frame_);                      \
	})

#ifdef __cplusplus
}
#endif
#endif
