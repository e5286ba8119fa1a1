/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic.h"

static uint32_t armed = FAULT_KINDS; /* enum fault_kind; FAULT_KINDS: none */
static uint32_t countdown;           /* calls until one fails */
static bool struck;
static int64_t mapped;

static const struct {
	const char *name;
	int error;
} faults[] = {
#define X(name, error) { #name, error },
	FAULTS(X)
#undef X
};

const char *fault_name(enum fault_kind kind)
{
	return faults[kind].name;
}

int fault_error(enum fault_kind kind)
{
	return faults[kind].error;
}

void fault_arm(enum fault_kind kind, uint32_t n)
{
	rs_store(&countdown, n, RS_RELAXED);
	rs_store(&struck, false, RS_RELAXED);
	rs_store(&armed, (uint32_t)kind, RS_RELEASE); /* pairs with strikes() */
}

bool fault_disarm(void)
{
	rs_store(&armed, (uint32_t)FAULT_KINDS, RS_RELEASE);
	return rs_load(&struck, RS_ACQUIRE);
}

/* Whether this call is the one to fail; then errno is set. */
static bool strikes(enum fault_kind kind)
{
	if (rs_load(&armed, RS_ACQUIRE) != (uint32_t)kind || rs_fetch_sub(&countdown, 1u, RS_RELAXED) != 1)
		return false;
	rs_store(&struck, true, RS_RELEASE);
	errno = faults[kind].error;
	return true;
}

/* --------------------------------------------------------------- wrappers */

#define WRAP_AS(KIND, T, NAME, PARAMETERS, ARGUMENTS, FAILED)                                      \
	T __real_##NAME PARAMETERS;                                                                \
	T __wrap_##NAME PARAMETERS;                                                                \
	T __wrap_##NAME PARAMETERS                                                                 \
	{                                                                                          \
		return strikes(KIND) ? (FAILED) : __real_##NAME ARGUMENTS;                         \
	}
#define WRAP(T, NAME, PARAMETERS, ARGUMENTS, FAILED)                                               \
	WRAP_AS(FAULT_##NAME, T, NAME, PARAMETERS, ARGUMENTS, FAILED)

WRAP(int, epoll_create1, (int flags), (flags), -1)
WRAP(int, eventfd, (unsigned int value, int flags), (value, flags), -1)
WRAP(int, epoll_ctl, (int epfd, int op, int fd, struct epoll_event *event), (epfd, op, fd, event), -1)
WRAP(int, memfd_create, (const char *name, unsigned int flags), (name, flags), -1)
/* With _FILE_OFFSET_BITS=64 the compiler calls the 64-bit names. */
WRAP(int, ftruncate, (int fd, off_t bytes), (fd, bytes), -1)
WRAP_AS(FAULT_ftruncate, int, ftruncate64, (int fd, off_t bytes), (fd, bytes), -1)
WRAP(int, pthread_create, (pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg),
	(thread, attr, start, arg), errno)
WRAP(void *, malloc, (size_t bytes), (bytes), NULL)
WRAP(void *, calloc, (size_t n, size_t bytes), (n, bytes), NULL)
WRAP(void *, aligned_alloc, (size_t alignment, size_t bytes), (alignment, bytes), NULL)
WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol), -1)
WRAP(int, bind, (int fd, const struct sockaddr *address, socklen_t bytes), (fd, address, bytes), -1)
WRAP(int, listen, (int fd, int backlog), (fd, backlog), -1)
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t bytes), (fd, address, bytes), -1)
WRAP(int, accept4, (int fd, struct sockaddr *address, socklen_t *bytes, int flags), (fd, address, bytes, flags), -1)

static void *count_mapped(void *at, size_t bytes)
{
	if (at != MAP_FAILED)
		rs_fetch_add(&mapped, (int64_t)bytes, RS_RELAXED);
	return at;
}

#define WRAP_MMAP(NAME)                                                                            \
	void *__real_##NAME(void *at, size_t bytes, int protection, int flags, int fd, off_t offset); \
	void *__wrap_##NAME(void *at, size_t bytes, int protection, int flags, int fd, off_t offset); \
	void *__wrap_##NAME(void *at, size_t bytes, int protection, int flags, int fd, off_t offset) \
	{                                                                                          \
		if (strikes(FAULT_mmap))                                                           \
			return MAP_FAILED;                                                         \
		return count_mapped(__real_##NAME(at, bytes, protection, flags, fd, offset), bytes); \
	}
WRAP_MMAP(mmap)
WRAP_MMAP(mmap64)

int __real_munmap(void *at, size_t bytes);
int __wrap_munmap(void *at, size_t bytes);
int __wrap_munmap(void *at, size_t bytes)
{
	int rc = __real_munmap(at, bytes);

	if (rc == 0)
		rs_fetch_sub(&mapped, (int64_t)bytes, RS_RELAXED);
	return rc;
}

int64_t fault_mapped_bytes(void)
{
	return rs_load(&mapped, RS_RELAXED);
}

/* ------------------------------------------------------------------ stock */

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

struct fault_stock fault_take_stock(void)
{
	return (struct fault_stock){ count_entries("/proc/self/fd"), count_entries("/proc/self/task"),
		fault_mapped_bytes() };
}

/* A joined thread may be listed a moment longer. */
static bool threads_are_back(void *arg)
{
	return count_entries("/proc/self/task") <= ((const struct fault_stock *)arg)->threads;
}

void fault_check_back(const struct fault_stock *before, const char *what, uint32_t n)
{
	struct fault_stock expected = *before;
	bool back = test_eventually(threads_are_back, &expected);
	struct fault_stock now = fault_take_stock();

	if (!back || now.fds != before->fds || now.mapped_bytes != before->mapped_bytes)
		fail_msg("after failing call %u of %s: descriptors %d -> %d, threads %d -> %d, mapped %lld -> %lld", n, what,
			before->fds, now.fds, before->threads, now.threads, (long long)before->mapped_bytes,
			(long long)now.mapped_bytes);
}

/* ------------------------------------------------------------------ quiet */

static int saved[2] = { -1, -1 }, heard = -1;

void fault_quiet(void)
{
	fflush(stdout);
	heard = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(heard >= 0);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		saved[fd - 1] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		assert_true(saved[fd - 1] >= 0);
		assert_int_equal(dup2(heard, fd), fd);
	}
}

void fault_loud(void)
{
	char text[200] = "";

	fflush(stdout);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		assert_int_equal(dup2(saved[fd - 1], fd), fd);
		close(saved[fd - 1]);
	}
	ssize_t n = pread(heard, text, sizeof text - 1, 0);
	close(heard);
	if (n != 0)
		fail_msg("something was printed: %s", text);
}
