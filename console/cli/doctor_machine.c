/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/doctor.h"
#ifdef HAVE_BPF
#include "loader/why.h"
#endif

enum { CAPABILITY_PTRACE = 19 };

/* The first line of a small file; false: it cannot be read, errno says why. */
static bool read_line(const char *path, char *line, int bytes)
{
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(line, bytes, file);

	if (file)
		fclose(file);
	if (is_read)
		line[strcspn(line, "\n")] = 0;
	return is_read;
}

static bool have_capability(unsigned int capability)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long long effective = 0;
	char line[256];

	while (status && fgets(line, sizeof line, status))
		if (strncmp(line, "CapEff:", 7) == 0)
			effective = strtoull(line + 7, NULL, 16);
	if (status)
		fclose(status);
	return effective >> capability & 1;
}

/* ------------------------------------------------------------------- memory */

static bool read_by_file(pid_t pid, const char *address, char *copy, size_t n)
{
	char path[32];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_read = fd >= 0 && pread(fd, copy, n, (off_t)(uintptr_t)address) == (ssize_t)n;

	if (fd >= 0)
		close(fd);
	return is_read;
}

/* Tried on a child: what could be read of it has to be what stands there. */
static void check_memory(struct cn_check *check)
{
	static char there[] = "a rouse program";
	char by_call[sizeof there] = "", by_file[sizeof there] = "";
	struct iovec local = { by_call, sizeof by_call }, remote = { there, sizeof there };
	pid_t child = fork();
	int error = 0;

	if (child < 0) {
		cn_check_set(check, CN_HEALTH_NO, "cannot start a process to try it on: %s", strerror(errno));
		return;
	}
	if (child == 0)
		for (;;)
			pause();
	if (process_vm_readv(child, &local, 1, &remote, 1, 0) != (ssize_t)sizeof there)
		error = errno;
	bool call = !error && strcmp(by_call, there) == 0;
	bool file = read_by_file(child, there, by_file, sizeof by_file) && strcmp(by_file, there) == 0;

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	if (call && file)
		cn_check_set(check, CN_HEALTH_YES, "process_vm_readv and /proc/PID/mem read a child of this process");
	else if (call || file)
		cn_check_set(check, CN_HEALTH_YES, "%s reads a child of this process (%s does not), which is enough",
			call ? "process_vm_readv" : "/proc/PID/mem", call ? "/proc/PID/mem" : "process_vm_readv");
	else
		cn_check_set(check, CN_HEALTH_NO,
			"neither process_vm_readv (%s) nor /proc/PID/mem reads a child of "
			"this process",
			error ? strerror(error) : "it read something else");
	if (check->health == CN_HEALTH_NO)
		cn_check_advise(check, "A seccomp filter, of a container say, may forbid both: start programs with "
				       "ROUSE_LISTEN=1, and watch them by socket.");
}

static void check_others(struct cn_check *check)
{
	static const char path[] = "/proc/sys/kernel/yama/ptrace_scope";
	const bool capable = have_capability(CAPABILITY_PTRACE);
	char scope[16], yama[64] = "no ptrace_scope";
	int level = 0;

	if (read_line(path, scope, sizeof scope)) {
		level = (int)strtol(scope, NULL, 10);
		snprintf(yama, sizeof yama, "ptrace_scope is %d", level);
	}
	if (level >= 3)
		cn_check_set(check, CN_HEALTH_NO, "%s: nobody may read the memory of others until the next boot", yama);
	else if (capable)
		cn_check_set(check, CN_HEALTH_YES, "you have CAP_SYS_PTRACE, %s: programs of other users too", yama);
	else if (level == 0)
		cn_check_set(check, CN_HEALTH_PARTLY, "no CAP_SYS_PTRACE, %s: programs of user %u that can dump core",
			yama, geteuid());
	else
		cn_check_set(check, CN_HEALTH_NO, "no CAP_SYS_PTRACE, %s: %s", yama,
			level == 1 ? "only descendants of the reader" : "nobody but administrators");
	if (check->health != CN_HEALTH_YES)
		cn_check_advise(check,
			"Run rouse as root, or give it CAP_SYS_PTRACE; or start programs with "
			"ROUSE_LISTEN=1.%s",
			level == 1 || level == 2 ? " 0 in that file permits your own." : "");
}

/* ------------------------------------------------------------------- kernel */

static void check_kernel(struct cn_check *check)
{
	struct utsname name;

	if (uname(&name) < 0)
		cn_check_set(check, CN_HEALTH_FACT, "unknown: %s", strerror(errno));
	else
		cn_check_set(check, CN_HEALTH_FACT, "%s %s, %s", name.sysname, name.release, name.machine);
}

static void check_memfd(struct cn_check *check)
{
	int fd = memfd_create("rouse-doctor", MFD_CLOEXEC);

	if (fd < 0)
		cn_check_set(check, CN_HEALTH_NO, "memfd_create: %s; programs cannot show themselves", strerror(errno));
	else
		cn_check_set(check, CN_HEALTH_YES, "memfd_create works");
	if (fd >= 0)
		close(fd);
}

static void check_membarrier(struct cn_check *check)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	if (commands >= 0 && commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED)
		cn_check_set(check, CN_HEALTH_YES, "membarrier offers PRIVATE_EXPEDITED");
	else
		cn_check_set(check, CN_HEALTH_PARTLY,
			"membarrier does not offer PRIVATE_EXPEDITED (%s): programs run, "
			"with dearer fences",
			commands < 0 ? strerror(errno) : "not in its list");
}

static void check_paranoid(struct cn_check *check)
{
	char level[16];

	if (read_line("/proc/sys/kernel/perf_event_paranoid", level, sizeof level))
		cn_check_set(check, CN_HEALTH_FACT, "perf_event_paranoid is %s", level);
	else
		cn_check_set(check, CN_HEALTH_FACT, "perf_event_paranoid cannot be read: %s", strerror(errno));
}

static void check_btf(struct cn_check *check)
{
	static const char path[] = "/sys/kernel/btf/vmlinux";

	if (access(path, R_OK) == 0)
		cn_check_set(check, CN_HEALTH_YES, "%s is there", path);
	else
		cn_check_set(check, CN_HEALTH_NO, "%s: %s; eBPF programs cannot be fitted to this kernel", path,
			strerror(errno));
}

/* -------------------------------------------------------------------- cores */

static void limit_text(char *text, size_t bytes, rlim_t limit)
{
	if (limit == RLIM_INFINITY)
		snprintf(text, bytes, "unlimited");
	else
		snprintf(text, bytes, "%llu bytes", (unsigned long long)limit);
}

static void check_cores(struct cn_check *check)
{
	enum { ANONYMOUS = 3 /* private and shared: tasks lie in one, the page in the other */ };
	char pattern[160] = "", filter[32] = "", soft[32];
	struct rlimit limit = { 0, 0 };

	if (!read_line("/proc/sys/kernel/core_pattern", pattern, sizeof pattern) ||
		!read_line("/proc/self/coredump_filter", filter, sizeof filter) || getrlimit(RLIMIT_CORE, &limit) < 0) {
		cn_check_set(check, CN_HEALTH_FACT, "settings cannot be read: %s", strerror(errno));
		return;
	}
	limit_text(soft, sizeof soft, limit.rlim_cur);
	bool is_whole = (strtoul(filter, NULL, 16) & ANONYMOUS) == ANONYMOUS;

	cn_check_set(check, is_whole && limit.rlim_cur == RLIM_INFINITY ? CN_HEALTH_YES : CN_HEALTH_PARTLY,
		"programs started from here: core_pattern is \"%s\", the limit %s, coredump_filter 0x%s%s", pattern,
		soft, filter, is_whole ? "" : ", which leaves out what rouse needs");
	if (!is_whole)
		cn_check_advise(check, "echo 0x33 > /proc/self/coredump_filter, before the program is started.");
	else if (limit.rlim_cur != RLIM_INFINITY && pattern[0] != '|')
		cn_check_advise(check, "ulimit -c unlimited, before the program is started; or gcore PID.");
}

/* ----------------------------------------------------------- what is built in */

static void check_probe(struct cn_check *check)
{
#ifdef HAVE_BPF
	struct bl_why why = { .text = "" };

	if (bl_check_privileges(&why) == 0)
		cn_check_set(check, CN_HEALTH_YES, "eBPF is built in, and its privileges are there (not tried)");
	else
		cn_check_set(check, CN_HEALTH_NO, "eBPF is built in, but %s", why.text);
#else
	cn_check_set(check, CN_HEALTH_NO, "this rouse was built without eBPF");
	cn_check_advise(check, "Build it with -Dbpf=enabled (needs clang, bpftool, libbpf and libelf).");
#endif
}

/* A thread of one's own, whose user side the kernel may show to everybody (level 2). */
static bool perf_samples(void)
{
	struct perf_event_attr attr = { .size = sizeof attr,
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000,
		.exclude_kernel = 1,
		.disabled = 1 };
	const long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return false;
	close((int)fd);
	return true;
}

/* What tells where the time of a poll goes, from the most to the least: each step was tried. */
static void check_polls(struct cn_check *check)
{
	char line[64];
	const bool perf = perf_samples(), times = read_line("/proc/self/schedstat", line, sizeof line);
	bool bpf = false;

#ifdef HAVE_BPF
	struct bl_why why = { .text = "" };

	bpf = bl_check_tracing(&why) == 0;
#endif
	cn_check_set(check,
		bpf             ? CN_HEALTH_YES
		: perf || times ? CN_HEALTH_PARTLY
				: CN_HEALTH_NO,
		"where the time of polls goes: by task (eBPF) %s; where a thread of yours runs (perf) %s; CPU and run "
		"queue of whole threads (/proc schedstat) %s",
		bpf ? "yes" : "no", perf ? "yes" : "no", times ? "yes" : "no");
	if (!bpf)
		cn_check_advise(check, "See \"probe\" and \"btf\": as root `rouse probe` tells it by task.");
}

static void check_stacks(struct cn_check *check)
{
#ifdef HAVE_STACKS
	cn_check_set(check, CN_HEALTH_YES, "native stacks are built in");
#else
	cn_check_set(check, CN_HEALTH_NO, "this rouse was built without native stacks");
#endif
}

size_t cn_doctor_machine(struct cn_check checks[CN_CHECKS_MAX])
{
	static const struct {
		const char *name;
		void (*look)(struct cn_check *check);
	} all[] = {
		{ "memory", check_memory }, /* it is asked for by its place */
		{ "others", check_others },
		{ "cores", check_cores },
		{ "stacks", check_stacks },
		{ "probe", check_probe },
		{ "polls", check_polls },
		{ "btf", check_btf },
		{ "perf", check_paranoid },
		{ "memfd", check_memfd },
		{ "membarrier", check_membarrier },
		{ "kernel", check_kernel },
	};
	const size_t n = sizeof all / sizeof all[0];

	_Static_assert(sizeof all / sizeof all[0] <= CN_CHECKS_MAX, "room for all checks");
	for (size_t i = 0; i < n; i++) {
		checks[i] = (struct cn_check){ .name = all[i].name };
		all[i].look(&checks[i]);
	}
	return n;
}
