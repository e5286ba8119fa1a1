/* SPDX-License-Identifier: MIT */
#include "export/thread_brief.h"

#include <stdio.h>

const char *cn_thread_call(char out[CN_THREAD_BRIEF], const struct cn_thread *thread)
{
	const char *name = thread->syscall >= 0 ? cn_syscall_name(thread->syscall) : "";

	if (name)
		return name;
	snprintf(out, CN_THREAD_BRIEF, "call %d", thread->syscall);
	return out;
}

/* As the kernel's states are, unless somebody lies. */
static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

const char *cn_thread_brief(char out[CN_THREAD_BRIEF], const struct cn_thread *thread)
{
	char call[CN_THREAD_BRIEF];

	if (!thread || !is_letter(thread->state))
		return "-";
	const char *name = cn_thread_call(call, thread);

	snprintf(out, CN_THREAD_BRIEF, *name ? "%c %.28s" : "%c", thread->state, name);
	return out;
}
