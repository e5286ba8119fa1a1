/* SPDX-License-Identifier: MIT */
/**
 * rouse/runtime.h - runtimes: building, entering, blocking on, shutting down.
 *
 * A runtime is either multi-threaded (worker threads of its own that steal
 * from each other) or current-thread (runs inside rouse_block_on, on the
 * caller's thread). A process may have several. Unless said otherwise any
 * function here may be called from any thread.
 *
 * The threads of a runtime take no signals, and are named, for ps, top and gdb:
 * rouse-worker-N, rouse-blocking, rouse-watchdog; an agent's is rouse-agent.
 */
#ifndef ROUSE_RUNTIME_H
#define ROUSE_RUNTIME_H

#include <rouse/async.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROUSE_NS 1ull
#define ROUSE_US 1000ull
#define ROUSE_MS 1000000ull
#define ROUSE_S 1000000000ull

/** Own error codes; errors are negative, errno values too. rouse_strerror() knows both. */
#define ROUSE_ERRORS(X)                                                                            \
	X(4000, ENORUNTIME, "no runtime here: call this from a task, or inside rouse_enter()")     \
	X(4001, EPANIC, "the task panicked")                                                       \
	X(4002, EORPHAN, "the runtime of this resource is gone")                                   \
	X(4003, EFORKED, "this process is a fork of the one whose runtime this was")               \
	X(4004, ESHUTDOWN, "the runtime is shutting down")                                         \
	X(4005, ECLOSED, "the other side is closed")                                               \
	X(4006, EFULL, "no room")                                                                  \
	X(4007, EEMPTY, "nothing there")                                                           \
	X(4008, ENOTOWNER, "only the task that holds the lock may do that")                        \
	X(4009, EJOINED, "another task already waits for this one")
enum rouse_error {
#define X(code, name, text) ROUSE_##name = code,
	ROUSE_ERRORS(X)
#undef X
	ROUSE_ERROR_MAX
};
/** The text for a (negative or positive) error code. Never NULL. Static storage. */
ROUSE_API const char *rouse_strerror(int error);

struct rouse_runtime;

/** How a runtime is to be. Zero members mean the default. */
struct rouse_runtime_opts {
	size_t size;               /* sizeof(struct rouse_runtime_opts) */
	const char *name;          /* shown by the console; copied, at most 31 bytes. Default: the program's name */
	uint32_t workers;          /* default: ROUSE_WORKER_THREADS, else the CPUs this process may use; at most 64 */
	bool current_thread;       /* run on the thread that calls rouse_block_on */
	uint32_t blocking_limit;   /* blocking threads at most; default 512 */
	uint64_t blocking_keep_ns; /* how long an idle blocking thread stays; default 10 s */
	uint64_t long_poll_ns;     /* from when on the watchdog calls a poll long; default 10 ms */
	int level;                 /* 1 + tracing level (1: L0, 2: L1, 3: L2); default ROUSE_LEVEL, else L1 */
	void (*log)(void *arg, const char *line); /* where the library says things; default stderr */
	void *log_arg;
	uint64_t seed;             /* for stealing and select; default random */
	/*
	 * A worker that sleeps does not wake for timers twice within this time: deadlines that follow each other so
	 * closely end together. A timer on its own, or on a worker that runs, is never held back. Default 65 us; 1: none.
	 */
	uint64_t timer_slack_ns;
};
#define ROUSE_RUNTIME_OPTS(...) (&(const struct rouse_runtime_opts){ .size = sizeof(struct rouse_runtime_opts), __VA_ARGS__ })

/**
 * Makes and starts a runtime. *ret_runtime is freed with rouse_runtime_free().
 * Errors: -EINVAL, -ENOMEM, -EAGAIN (thread), -EMFILE, or what failed; nothing is left behind.
 */
ROUSE_API int rouse_runtime_new(const struct rouse_runtime_opts *opts, struct rouse_runtime **ret_runtime);

/** Called for each thing that is still alive when a shutdown's deadline passes. */
typedef void (*rouse_survivor_fn)(void *arg, uint64_t task_id, const char *name, const char *what);

/**
 * Stops the runtime: polls in progress end, then every task is cancelled (its
 * FINALLY parts run), then blocking threads are waited for, all within
 * `deadline_ns`. What is still alive then is named to `survivor` (may be NULL:
 * the log) and left alone. Idempotent. From a worker or a blocking thread of
 * it: -EDEADLK.
 * Returns 0, or -ETIMEDOUT if something survived.
 */
ROUSE_API int rouse_runtime_shutdown(struct rouse_runtime *runtime, uint64_t deadline_ns,
	rouse_survivor_fn survivor, void *arg);

/** Shuts down (5 s at most) if that was not done, and gives the reference back. NULL is fine. */
ROUSE_API void rouse_runtime_free(struct rouse_runtime *runtime);

/** One more reference: a Handle, good for spawning from anywhere. Give back by rouse_runtime_free(). */
ROUSE_API struct rouse_runtime *rouse_runtime_ref(struct rouse_runtime *runtime);

/** The runtime this thread is in (a worker's, a blocking thread's, or the entered one), or NULL. Borrowed. */
ROUSE_API struct rouse_runtime *rouse_runtime_current(void);

/** Totals since start, exact at rest. */
struct rouse_totals {
	uint64_t spawned, completed, cancelled, panicked, live, polls, wakes;
};
ROUSE_API void rouse_runtime_totals(struct rouse_runtime *runtime, struct rouse_totals *ret_totals);

/** Tracing level: 0 counts, 1 stamps (default), 2 event rings. */
ROUSE_API int rouse_runtime_set_level(struct rouse_runtime *runtime, int level);

/* ------------------------------------------------------------------ enter */

/** Makes `runtime` this thread's current one until rouse_leave(); nests; guards must be left in reverse order. */
struct rouse_guard {
	struct rouse_runtime *previous;
	struct rouse_runtime *entered;
};
ROUSE_API struct rouse_guard rouse_enter(struct rouse_runtime *runtime);
ROUSE_API void rouse_leave(struct rouse_guard *guard);

/* --------------------------------------------------------------- block_on */

/**
 * Spawns an async function as a task of `runtime` and blocks this thread until
 * it has ended; RESULT_POINTER (may be NULL) receives its result.
 *     rc = rouse_block_on(runtime, &result, app, .port = 6379);
 * Meanwhile this thread may itself be a worker, if one sleeps, and poll tasks on
 * its own stack: this one, and what comes of it. Once the task has ended it
 * returns as soon as the poll that it is in has ended, too.
 * Returns 0, -ECANCELED, -ROUSE_EPANIC; -EDEADLK on a worker thread, always.
 */
#define rouse_block_on(RUNTIME, RESULT_POINTER, ...)                                               \
	rouse_block_on_((RUNTIME), (RESULT_POINTER),                                               \
		ROUSE_PREPARE_((RUNTIME), NULL, ROUSE_KIND_MAIN, __VA_ARGS__, .rouse_end_ = 0))
/** Blocks until every task of the runtime has ended. Same errors as rouse_block_on. */
ROUSE_API int rouse_block_until_idle(struct rouse_runtime *runtime);

/**
 * The whole of main(): makes a multi-thread runtime, runs the async function as
 * its main task, shuts down, and answers the exit code: the function's result
 * (an int), 101 if it panicked, 1 if the runtime could not be made (said on stderr).
 *     int main(void) { return ROUSE_MAIN(app, .port = 6379); }
 */
#define ROUSE_MAIN(...) ROUSE_MAIN_(__VA_ARGS__, .rouse_end_ = 0)
#define ROUSE_MAIN_(FN, ...)                                                                       \
	rouse_main_(__extension__({                                                                \
		ROUSE_SITE_(rouse_spawn_site_, ROUSE_SITE_SPAWN, NULL, NULL);                      \
		&rouse_spawn_site_;                                                                \
	}), &(struct FN){ .future = ROUSE_FUTURE_INIT(FN), __VA_ARGS__ }.future)

/* ------------------------------------------------------ behind the macros */

ROUSE_API int rouse_block_on_(struct rouse_runtime *runtime, void *result, struct rouse_task *task);
ROUSE_API int rouse_main_(const struct rouse_site *site, struct rouse_future *future);

#include <rouse/task.h>

#ifdef __cplusplus
}
#endif
#endif
