/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SKIPPED_ALL = 77, FDS_MAX = 1024 };

static size_t skipped;
static unsigned int hang_s;

/* ------------------------------------------------------------- hang guard */

static void say_sigsafe(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		_exit(1);
}

static void on_hang(int sig)
{
	(void)sig;
	say_sigsafe("\nhang guard: the test named last above did not end in time\n");
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* From the environment; `otherwise` if it is not set or is no number from 1 to 1000. */
static long positive_number(const char *name, long otherwise)
{
	const char *text = getenv(name);
	long n = text ? strtol(text, NULL, 10) : 0;

	return n >= 1 && n <= 1000 ? n : otherwise;
}

static void guard_start(const struct test_program *program)
{
	struct sigaction action = { .sa_handler = on_hang };

	hang_s = (unsigned int)positive_number("ROUSE_TEST_HANG_S", program->hang_s ? program->hang_s : TEST_HANG_S) *
		(unsigned int)positive_number("ROUSE_TEST_SLOWDOWN", 1);
	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	alarm(hang_s);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool test_eventually(bool (*done)(void *arg), void *arg)
{
	const double deadline = now_s() + hang_s * 0.4;

	while (!done(arg)) {
		if (now_s() > deadline)
			return false;
		sched_yield();
	}
	return true;
}

/* ------------------------------------------------------------------ leaks */

/* Which descriptors are open: one flag a number. */
struct holdings {
	bool fd[FDS_MAX];
	int threads;
};

static void take_stock(struct holdings *have)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	memset(have, 0, sizeof *have);
	while (dir && (entry = readdir(dir))) {
		long fd = strtol(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && fd < FDS_MAX && fd != dirfd(dir))
			have->fd[fd] = true;
	}
	if (dir)
		closedir(dir);
	dir = opendir("/proc/self/task");
	while (dir && (entry = readdir(dir)))
		have->threads += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
}

struct thread_check {
	int expected;
	struct holdings now;
};

/* A joined thread may be seen in /proc a moment longer. */
static bool threads_gone(void *arg)
{
	struct thread_check *check = arg;

	take_stock(&check->now);
	return check->now.threads <= check->expected;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1 /* gcc's name for it */
#endif
#endif
#if defined(__SANITIZE_THREAD__)
static void *nothing(void *arg)
{
	return arg;
}

/* ThreadSanitizer starts a thread of its own with the program's first one, and keeps it: no leak of ours. */
static void start_tsan_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
}
#else
static void start_tsan_thread(void)
{
}
#endif

static int count_leaks(const struct holdings *before)
{
	struct thread_check check = { .expected = before->threads };
	int leaks = 0;

	if (!test_eventually(threads_gone, &check)) {
		fprintf(stderr, "leak: %d threads before the tests, %d after\n", before->threads, check.now.threads);
		leaks++;
	}
	for (int fd = 0; fd < FDS_MAX; fd++) {
		char path[32], target[128] = "?";

		if (!check.now.fd[fd] || before->fd[fd])
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof target - 1) < 0)
			continue;
		fprintf(stderr, "leak: descriptor %d (%s) was left open\n", fd, target);
		leaks++;
	}
	return leaks;
}

/* -------------------------------------------------------------------- run */

/* build/../tests/unit/sync/test_mutex.c -> test_mutex.c */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int test_run(const struct test_program *program)
{
	const char *filter = getenv("ROUSE_TEST_FILTER");
	struct holdings before;
	int failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (filter)
		cmocka_set_test_filter(filter);
	guard_start(program);
	start_tsan_thread();
	take_stock(&before);
	failed = _cmocka_run_group_tests(base_name(program->name), program->tests, program->n, program->setup,
		program->teardown);
	failed += count_leaks(&before);
	alarm(0);
	if (failed == 0 && skipped == program->n)
		return SKIPPED_ALL;
	return failed < 0 || failed > 70 ? 70 : failed;
}

void test_skip(const char *format, ...)
{
	va_list args;

	fputs("SKIP: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	skipped++;
	skip();
	abort(); /* skip() jumps; this tells the compiler so */
}

/* ------------------------------------------------------------------ seeds */

uint64_t test_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t test_seed(void)
{
	static uint64_t seed;
	static bool known;
	const char *text = getenv("ROUSE_TEST_SEED");

	if (known)
		return seed;
	known = true;
	if (text) {
		seed = strtoull(text, NULL, 0);
	} else {
		struct timespec t;

		clock_gettime(CLOCK_REALTIME, &t);
		seed = (uint64_t)t.tv_nsec ^ (uint64_t)getpid() << 32;
		seed = test_random(&seed);
	}
	fprintf(stderr, "seed: rerun with ROUSE_TEST_SEED=%#llx\n", (unsigned long long)seed);
	return seed;
}
