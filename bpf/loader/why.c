/* SPDX-License-Identifier: MIT */
#include "loader/why.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Absent from the headers of older kernels. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

int bl_fail(struct bl_why *why, int rc, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why->text, sizeof(why->text), format, arguments);
	va_end(arguments);
	return rc;
}

/*
 * CAP_SYS_ADMIN contains the other two. libbpf attaches USDT probes by perf
 * event before 1.3, and the kernel wants CAP_SYS_ADMIN for those; from 1.3 on
 * by uprobe_multi links, for which the two small capabilities are enough. To
 * look into processes of other users is CAP_SYS_PTRACE's; whether that is
 * needed shows when their /proc files are opened.
 */
static const struct {
	int capability;
	const char *name, *use;
	bool only_perf_event;
} NEEDED[] = {
	{ CAP_BPF, "CAP_BPF", "to load the programs", false },
	{ CAP_PERFMON, "CAP_PERFMON", "to follow the scheduler or system calls", false },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "to attach to USDT probes with this libbpf", true },
};

size_t bl_missing_capabilities(uint64_t effective, bool usdt_by_perf_event, char *text, size_t n)
{
	size_t missing = 0, used = 0;

	*text = '\0';
	if (effective >> CAP_SYS_ADMIN & 1)
		return 0;
	for (size_t i = 0; i < sizeof(NEEDED) / sizeof(*NEEDED); i++) {
		if (effective >> NEEDED[i].capability & 1)
			continue;
		if (NEEDED[i].only_perf_event && !usdt_by_perf_event)
			continue;
		if (used < n)
			used += (size_t)snprintf(
				text + used, n - used, "%s%s (%s)", missing ? ", " : "", NEEDED[i].name, NEEDED[i].use);
		missing++;
	}
	return missing;
}

static int effective_capabilities(uint64_t *ret_capabilities)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) != 0)
		return -errno;
	*ret_capabilities = (uint64_t)data[1].effective << 32 | data[0].effective;
	return 0;
}

static int check(bool by_perf_event, struct bl_why *why)
{
	char missing[256];
	uint64_t effective = 0;
	int rc;

	rc = effective_capabilities(&effective);
	if (rc < 0)
		return bl_fail(why, rc, "cannot read this process's capabilities: %s", strerror(-rc));
	if (bl_missing_capabilities(effective, by_perf_event, missing, sizeof(missing)))
		return bl_fail(why, -EPERM, "not permitted: missing %s; run it as root", missing);
	if (access(KERNEL_BTF, R_OK) != 0)
		return bl_fail(why, -EOPNOTSUPP,
			"not possible: missing %s (%s); the kernel must be built with CONFIG_DEBUG_INFO_BTF",
			KERNEL_BTF, strerror(errno));
	return 0;
}

int bl_check_privileges(struct bl_why *why)
{
	return check(libbpf_major_version() < 1 || (libbpf_major_version() == 1 && libbpf_minor_version() < 3), why);
}

int bl_check_tracing(struct bl_why *why)
{
	return check(false, why);
}
