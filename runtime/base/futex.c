/* SPDX-License-Identifier: MIT */
#include "base/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int rs_futex_wait(const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	struct timespec at = { (time_t)(deadline_ns / 1000000000u), (long)(deadline_ns % 1000000000u) };

	/* WAIT_BITSET, because only it takes an absolute time. */
	long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value,
		deadline_ns == UINT64_MAX ? 0 : &at, 0, FUTEX_BITSET_MATCH_ANY);
	return rc < 0 ? -errno : 0;
}

int rs_futex_wake(const uint32_t *word, int n)
{
	return (int)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, 0, 0, 0);
}
