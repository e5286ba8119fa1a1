/* SPDX-License-Identifier: MIT */
/* Where a panic lands: one setjmp per run loop (or blocking job), not per poll. */
#ifndef RS_TASK_PANIC_H
#define RS_TASK_PANIC_H

#include <rouse/task.h>
#include <setjmp.h>

struct rs_catch {
	jmp_buf at;
	struct rs_catch *outer;
	struct rouse_panic_record *panic; /* set when it was jumped to; malloc'ed, NULL if there was no memory */
};

/* Says why, and aborts the process: for what neither a task nor its caller could go on from. Any thread, any locks. */
void rs_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
