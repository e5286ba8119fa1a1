/* SPDX-License-Identifier: MIT */
/* Names of system calls, as <sys/syscall.h> had them for this machine (syscall_names.py); newer ones go by their
 * number. */
#include <stddef.h>
#include <sys/syscall.h>

#include "model/evidence.h"

static const struct {
	const char *name;
	bool takes_fd;
} CALLS[] = {
#define X(NAME, TAKES_FD) [SYS_##NAME] = { #NAME, TAKES_FD },
#include "syscall_names.h"
#undef X
};

const char *cn_syscall_name(int number)
{
	return number >= 0 && (size_t)number < sizeof CALLS / sizeof CALLS[0] ? CALLS[number].name : NULL;
}

bool cn_syscall_takes_fd(int number)
{
	return number >= 0 && (size_t)number < sizeof CALLS / sizeof CALLS[0] && CALLS[number].takes_fd;
}

bool cn_thread_on_descriptor(const struct cn_thread *thread)
{
	return cn_syscall_takes_fd(thread->syscall) && (int32_t)thread->argument >= 0;
}
