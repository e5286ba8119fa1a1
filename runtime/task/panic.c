/* SPDX-License-Identifier: MIT */
/*
 * A panic leaves the poll by longjmp to the run loop, which drops the task's
 * frames, innermost first, so that their FINALLY parts run. Nothing of the
 * runtime is between the run loop and user code that would need unwinding:
 * of users' code, leaf futures call wakers only, and those must not panic.
 *
 * So the runtime does not panic where it may hold a lock. What it cannot go on
 * from there (rs_die) ends the process, as does a panic that no task could be
 * blamed for.
 */
#include "task/panic.h"

#include "sched/runtime.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rouse_panic_record *record(const char *function, const char *file, int line, const char *format,
	va_list args)
{
	char text[512];
	int n = vsnprintf(text, sizeof text, format, args);
	size_t bytes = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
	struct rouse_panic_record *p = malloc(sizeof *p + bytes + 1);

	if (!p)
		return NULL;
	*p = (struct rouse_panic_record){ .site_address = (uintptr_t)function, .file_address = (uintptr_t)file,
		.line = (uint32_t)line, .bytes = (uint32_t)bytes };
	memcpy(p + 1, text, bytes);
	((char *)(p + 1))[bytes] = 0;
	return p;
}

void rouse_panic_(const char *function, const char *file, int line, const char *format, ...)
{
	struct rs_catch *catcher = rs_self.catcher;
	va_list args;

	va_start(args, format);
	struct rouse_panic_record *p = record(function, file, line, format, args);

	va_end(args);
	if (!catcher || (rs_self.worker && !rs_self.task)) /* a worker's own doing: a waker that panics, of no task's poll */
		rs_die("panic outside any task, in %s (%s:%d): %s", function, file, line,
			p ? (const char *)(p + 1) : format);
	catcher->panic = p;
	longjmp(catcher->at, 1);
}

void rs_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("rouse: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

int rs_catch_panic(int64_t (*fn)(void *arg), void *arg, int64_t *ret_result)
{
	struct rs_catch here = { .outer = rs_self.catcher };

	if (setjmp(here.at)) {
		rs_self.catcher = here.outer;
		free(here.panic);
		return -ROUSE_EPANIC;
	}
	rs_self.catcher = &here;
	int64_t result = fn(arg);

	rs_self.catcher = here.outer;
	*ret_result = result;
	return 0;
}
