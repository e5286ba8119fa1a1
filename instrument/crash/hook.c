/* SPDX-License-Identifier: MIT */
/*
 * The handler, and what it needs beforehand: where to write, room to work in,
 * and alternate stacks. Whoever comes first writes; others that crash meanwhile
 * wait until that is done, by when the process has mostly died. A crash in here
 * is the writer's end, which is said, or, since all signals are blocked, the
 * default action of the kernel.
 */
#include <rouse/crash.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rouse/hooks.h>

#include "crash/crash.h"
#include "crash/threads.h"

enum { STEM_ROOM = 48 /* for .PID.N.core.part */, DEFAULT_BYTES = 256 << 20 };
enum state { READY, WRITING, DONE };

static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
static struct ri_crash *_Atomic hook; /* NULL: not installed */
static atomic_int state;
static _Thread_local void *own_stack; /* the alternate one that this thread has from here */

/* ----------------------------------------------------------- text, without stdio */

static char *add(char *to, const char *text)
{
	size_t n = strlen(text);

	memcpy(to, text, n + 1);
	return to + n;
}

static char *add_number(char *to, unsigned int n)
{
	char digits[12];
	size_t at = sizeof digits;

	digits[--at] = 0;
	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	return add(to, digits + at);
}

static void say(const struct ri_crash *crash, int signal)
{
	char line[2 * PATH_MAX + 256], *at = line;
	const char *name = sigabbrev_np(signal);

	at = add(at, "rouse: SIG");
	at = add(at, name ? name : "?");
	if (crash->written) {
		at = add(at, crash->error ? ": a part of what was going on is in " : ": what was going on is in ");
		at = add(at, crash->path);
		if (crash->error) {
			at = add(at, " (then: ");
			at = add(at, strerrordesc_np(crash->error));
			at = add(at, ")");
		}
		at = add(at, "; look at it with: rouse dump ");
		at = add(at, crash->path);
	} else {
		at = add(at, ": what was going on could not be written to ");
		at = add(at, crash->path);
		at = add(at, ": ");
		at = add(at, crash->error ? strerrordesc_np(crash->error) : "the writer ended");
	}
	at = add(at, "\n");
	if (write(STDERR_FILENO, line, (size_t)(at - line)) < 0)
		return; /* nobody is there to be told */
}

/* --------------------------------------------------------------------- the writer */

static void pause_briefly(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	nanosleep(&pause, NULL);
}

static void write_stopped(struct ri_crash *crash)
{
	ri_crash_stop(crash);
	ri_crash_write(crash);
	ri_crash_release(crash);
}

/* Without the right to trace there is still the memory. */
static int writer(void *arg)
{
	struct ri_crash *crash = arg;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!__atomic_load_n(&crash->go, __ATOMIC_ACQUIRE))
		pause_briefly();
	write_stopped(crash);
	_exit(0);
}

/* The signals that tell of an end, and who may trace, are left as they are. */
static bool write_by_another(struct ri_crash *crash)
{
	int status, pid = clone(writer, crash->stack + sizeof crash->stack, CLONE_VM | CLONE_UNTRACED, crash);

	if (pid < 0)
		return false;
	(void)prctl(PR_SET_PTRACER, pid, 0, 0, 0); /* fails where nothing forbids it */
	__atomic_store_n(&crash->go, 1u, __ATOMIC_RELEASE);
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		continue;
	(void)prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	return true;
}

/* DIR/PROGRAM.PID.core; what somebody left there by that name goes. */
static int open_file(struct ri_crash *crash, bool on_demand)
{
	char *at = add_number(add(crash->path + crash->stem, "."), (unsigned int)crash->pid);

	if (on_demand)
		at = add_number(add(at, "."), ++crash->asked);
	add(at, ".core");
	for (int i = 0; i < 2; i++) {
		int fd = open(crash->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd >= 0 || errno != EEXIST || unlink(crash->path) < 0)
			return fd;
	}
	return -1;
}

static void open_own(struct ri_crash *crash)
{
	const int flags = O_RDONLY | O_CLOEXEC;

	crash->maps_fd = open("/proc/self/smaps", flags);
	if (crash->maps_fd < 0)
		crash->maps_fd = open("/proc/self/maps", flags);
	crash->task_fd = open("/proc/self/task", flags | O_DIRECTORY);
	crash->pagemap_fd = open("/proc/self/pagemap", flags);
	crash->auxv_fd = open("/proc/self/auxv", flags);
}

static void close_own(const struct ri_crash *crash)
{
	const int fds[] = { crash->maps_fd, crash->task_fd, crash->pagemap_fd, crash->auxv_fd, crash->out_fd };

	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void record(struct ri_crash *crash, const siginfo_t *info, const ucontext_t *context)
{
	crash->info = info;
	crash->context = context;
	crash->tid = (int)syscall(SYS_gettid);
	crash->go = crash->went_on = 0;
	crash->error = 0;
	crash->written = false;
	crash->left_out = 0;
	crash->n_threads = crash->n_mappings = 0;
	crash->out_fd = open_file(crash, info->si_signo == crash->on_demand);
	if (crash->out_fd < 0) {
		crash->error = errno;
	} else {
		open_own(crash);
		if (!write_by_another(crash))
			write_stopped(crash);
		close_own(crash);
		if (!crash->written)
			unlink(crash->path);
	}
	say(crash, info->si_signo);
}

/* -------------------------------------------------------------------- the handler */

/* One at a time, and one crash in all. False: it is not to be written. */
static bool claim(void)
{
	int expected = READY;

	while (!atomic_compare_exchange_strong(&state, &expected, WRITING)) {
		if (expected == DONE)
			return false;
		pause_briefly();
		expected = READY;
	}
	return true;
}

/*
 * Sent anew, with all it said, it comes when this handler returns, to where it
 * first came: to the handler that was there before, or to the kernel. A fault
 * alone would come again by itself, but not one that somebody sent.
 */
static void resend(const struct ri_crash *crash, int signal, siginfo_t *info)
{
	sigaction(signal, &crash->before[signal], NULL);
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), (int)syscall(SYS_gettid), signal, info) < 0)
		(void)raise(signal);
}

static void handle(int signal, siginfo_t *info, void *context)
{
	struct ri_crash *crash = atomic_load(&hook);
	const int error = errno;
	const bool is_crash = signal != crash->on_demand;

	/* Children made by fork() are not what was to be recorded, nor have they a runtime. */
	if (getpid() == crash->pid && claim()) {
		record(crash, info, context);
		atomic_store(&state, is_crash ? DONE : READY);
	}
	if (is_crash)
		resend(crash, signal, info);
	errno = error;
}

/* ------------------------------------------------------------------- installation */

static int set_path(struct ri_crash *crash, const char *dir)
{
	const char *program = program_invocation_short_name;
	size_t n;

	if (!realpath(dir ? dir : ".", crash->path))
		return -errno;
	n = strlen(crash->path);
	if (access(crash->path, W_OK | X_OK) < 0)
		return -errno;
	if (n + 1 + strlen(program) + STEM_ROOM > sizeof crash->path)
		return -ENAMETOOLONG;
	/* A signal's line must not be taken for another, nor lead out of the folder. */
	crash->path[n++] = '/';
	for (; *program; program++)
		crash->path[n++] = (unsigned char)*program < ' ' || *program == '/' || *program == 0x7f ? '_' : *program;
	crash->stem = n;
	return 0;
}

static int take_signals(struct ri_crash *crash)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
		if (sigaction(crashes[i], &action, &crash->before[crashes[i]]) < 0)
			return -errno;
	action.sa_flags |= SA_RESTART;
	return crash->on_demand && sigaction(crash->on_demand, &action, NULL) < 0 ? -errno : 0;
}

static bool may_ask(int signal)
{
	for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
		if (crashes[i] == signal)
			return false;
	return signal >= 0 && signal < NSIG && signal != SIGKILL && signal != SIGSTOP;
}

int rouse_record_on_crash(const struct rouse_crash_opts *opts)
{
	struct rouse_crash_opts known = { .size = sizeof known };
	struct ri_crash *crash, *none = NULL;

	if (opts && opts->size == 0)
		return -EINVAL;
	if (opts)
		memcpy(&known, opts, opts->size < sizeof known ? opts->size : sizeof known);
	if (!may_ask(known.signal))
		return -EINVAL;
	if (atomic_load(&hook))
		return -EALREADY;
	crash = mmap(NULL, sizeof *crash, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (crash == MAP_FAILED)
		return -errno;
	(void)madvise(crash, sizeof *crash, MADV_DONTDUMP); /* it is not the program's */
	crash->pid = getpid();
	crash->max_bytes = known.max_bytes ? known.max_bytes : DEFAULT_BYTES;
	crash->on_demand = known.signal;
	int rc = set_path(crash, known.dir);

	if (rc == 0 && !atomic_compare_exchange_strong(&hook, &none, crash))
		rc = -EALREADY;
	if (rc < 0) {
		munmap(crash, sizeof *crash);
		return rc;
	}
	ri_crash_thread_begins();
	return take_signals(crash);
}

void ri_crash_from_environment(void)
{
	const char *dir = secure_getenv("ROUSE_RECORD");
	const struct rouse_crash_opts opts = { .size = sizeof opts, .dir = dir };
	char line[512];
	int rc = dir && *dir ? rouse_record_on_crash(&opts) : -EALREADY;

	if (rc == 0 || rc == -EALREADY)
		return;
	snprintf(line, sizeof line, "ROUSE_RECORD: no crash can be recorded into %s: %s", dir, strerror(-rc));
	rouse_log_line(line);
}

/* --------------------------------------------------------------- alternate stacks */

static size_t stack_bytes(void)
{
	enum { OURS = 32 << 10 };
	const size_t frame = getauxval(AT_MINSIGSTKSZ), page = (size_t)sysconf(_SC_PAGESIZE);

	return ((frame ? frame : MINSIGSTKSZ) + OURS + page - 1) & ~(page - 1);
}

/* A thread that has one keeps it. None to be had: then the overflow of its stack goes unrecorded. */
void ri_crash_thread_begins(void)
{
	stack_t stack = { .ss_size = stack_bytes() }, now;

	if (!atomic_load(&hook) || sigaltstack(NULL, &now) < 0 || !(now.ss_flags & SS_DISABLE))
		return;
	stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack.ss_sp == MAP_FAILED)
		return;
	if (sigaltstack(&stack, NULL) == 0)
		own_stack = stack.ss_sp;
	else
		munmap(stack.ss_sp, stack.ss_size);
}

void ri_crash_thread_ends(void)
{
	const stack_t none = { .ss_flags = SS_DISABLE };
	stack_t now;

	if (!own_stack || sigaltstack(NULL, &now) < 0 || now.ss_sp != own_stack || sigaltstack(&none, NULL) < 0)
		return;
	munmap(own_stack, now.ss_size);
	own_stack = NULL;
}
