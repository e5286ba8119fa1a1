/* SPDX-License-Identifier: MIT */
/**
 * rouse/hooks.h - how the agent plugs into the runtime. Not for applications.
 */
#ifndef ROUSE_HOOKS_H
#define ROUSE_HOOKS_H

#include <rouse/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Called on the thread that makes or stops a runtime, without locks held; the last two on each thread of it. */
struct rouse_hooks {
	size_t size;
	void (*runtime_starts)(void); /* before it has threads */
	void (*runtime_started)(void);
	void (*runtime_stopped)(void);
	void (*thread_begins)(void);
	void (*thread_ends)(void);
};
/** Sets the one table of hooks; borrowed for ever. Before any runtime is made. */
ROUSE_API void rouse_hooks_set(const struct rouse_hooks *hooks);

/** Sets the tracing level of all runtimes of this process. Returns the highest one before. Any thread. */
ROUSE_API int rouse_set_level_all(int level);
/** Says a line through the log of the first runtime, or stderr. Any thread. */
ROUSE_API void rouse_log_line(const char *line);

#ifdef __cplusplus
}
#endif
#endif
