/* SPDX-License-Identifier: MIT */
#include "privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Absent from the headers of older kernels. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

enum { CAPABILITIES_MAX = 64 };

/* capability, whether nothing goes without it */
#define KEPT(X)                                                                                                        \
	X(CAP_BPF, true)                                                                                               \
	X(CAP_PERFMON, true)                                                                                           \
	X(CAP_SYS_PTRACE, false) /* to read other users' processes */                                                  \
	X(CAP_SYSLOG, false)     /* to name the kernel's code */

static uint64_t kept(void)
{
	uint64_t set = 0;

#define X(capability, needed) set |= (uint64_t)1 << capability;
	KEPT(X)
#undef X
	return set;
}

static int get(struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, data) ? -errno : 0;
}

/* What is kept becomes effective: not every way to start us sees to that. */
static int reduce(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	int rc = get(data);

	if (rc)
		return rc;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(kept() >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* Ends at the first number that this kernel does not know, or that it may not drop. */
static void reduce_bounds(void)
{
	for (unsigned long i = 0; i < CAPABILITIES_MAX; i++)
		if (!(kept() >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0))
			return;
}

int bh_privileges_shed(void)
{
	reduce_bounds();
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	if (geteuid() != getuid() || getegid() != getgid()) {
		if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setresgid(getgid(), getgid(), getgid()) ||
			setresuid(getuid(), getuid(), getuid()))
			return -errno;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return reduce();
}

size_t bh_privileges_missing(bool others, char *text, size_t bytes)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	size_t missing = 0, used = 0;

	*text = '\0';
	if (get(data))
		return 0; /* then whatever fails will say so */
#define X(capability, needed)                                                                                          \
	if (!(data[capability / 32].effective >> capability % 32 & 1) &&                                               \
		((needed) || (capability == CAP_SYS_PTRACE && others)) && used < bytes) {                              \
		used += (size_t)snprintf(text + used, bytes - used, "%s%s", missing ? ", " : "", #capability);         \
		missing++;                                                                                             \
	}
	KEPT(X)
#undef X
	return missing;
}
