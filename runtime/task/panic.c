/* SPDX-License-Identifier: MIT */
/*
 * A panic leaves the poll by longjmp to the run loop, which drops the task's
 * frames, innermost first, so that their FINALLY parts run. Nothing of the
 * runtime is between the run loop and user code that would need unwinding:
 * leaf futures call no user code, and no runtime lock is ever held across it.
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
	if (!catcher) {
		fprintf(stderr, "rouse: panic outside any task, in %s (%s:%d): %s\n", function, file, line,
			p ? (const char *)(p + 1) : format);
		abort();
	}
	catcher->panic = p;
	longjmp(catcher->at, 1);
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
