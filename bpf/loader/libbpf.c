/* SPDX-License-Identifier: MIT */
#include "loader/libbpf.h"
#include "loader/why.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* libbpf explains a failure only by printing. */
static char last_warning[256];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		vsnprintf(last_warning, sizeof(last_warning), format, arguments);
	return 0;
}

void bl_listen_to_libbpf(void)
{
	*last_warning = '\0';
	libbpf_set_print(keep_warning);
}

/* They are readers of RCU, whose grace period that call waits for. Where it is refused, 10 ms have to do. */
void bl_await_programs(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

int bl_fail_by_libbpf(struct bl_why *why, int rc, const char *what)
{
	size_t length = strcspn(last_warning, "\n");

	if (rc == -EACCES)
		rc = -EPERM;
	return bl_fail(why, rc, "%s: %s%s%.*s%s", what, strerror(-rc), length ? " (" : "", (int)length, last_warning,
		length ? ")" : "");
}
