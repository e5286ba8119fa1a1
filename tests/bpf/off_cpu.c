/* SPDX-License-Identifier: MIT */
/*
 * A program whose polls leave their CPU, in ways that are known. Commands come
 * from standard input, one a line, each answered by "done" and what it knows
 * itself. The tasks of a command stay alive, asleep, until the end.
 *
 *     nap N       20 ms of nanosleep in a poll, N times, a poll each
 *     lock MS     a poll that waits for a pthread mutex that a thread "keeper" has for so long
 *     lookup 0    a poll that looks a name up
 *     spin MS     polls that compute, so much CPU time in all
 *     both N      N polls of computing, and of 5 ms of sleep
 *     touch N     a poll that touches N pages for the first time
 *     disk N      a poll that reads N blocks of a file that is in no cache, by system calls
 *     mapped N    a poll that reads N blocks of such a file where it is mapped
 *     shares MS   three tasks compute: one for so long, two for a third of it
 *     idle MS     a task that awaits a timer
 *     wander N    eight tasks that nap 1 ms in each of N polls, and yield
 *     churn N     N tasks that nap 100 us, and end
 *     fork MS     a poll that forks; its child sleeps so long
 *     wedge 0     a poll that waits for a mutex, until
 *     free 0
 *     more 0      another runtime begins, with one worker
 *     exec MS     another program takes this one's place: sleep
 */
#include <rouse/rouse.h>

#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, BLOCK_BYTES = 65536 };

static sem_t finished, held, wanted;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t polls_cpu_ns; /* that the polls of spin and both have measured */
static int child;
static struct rouse_runtime *another;

static void nap(uint64_t ns)
{
	struct timespec time = { (time_t)(ns / ROUSE_S), (long)(ns % ROUSE_S) };

	while (nanosleep(&time, &time) != 0)
		;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * ROUSE_S + (uint64_t)t.tv_nsec;
}

static void compute(uint64_t ns)
{
	uint64_t begin = cpu_ns(), now = begin;

	while (now - begin < ns)
		now = cpu_ns();
}

#define LINGER()                                                                                                       \
	sem_post(&finished);                                                                                           \
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 3600 * ROUSE_S))

/* So many polls, each with so much computing and so long a nap. */
ROUSE_ASYNC(work, int,
	uint64_t n;
	uint64_t compute_ns;
	uint64_t nap_ns;
	uint64_t i;
	uint64_t begin;
	struct rouse_yield yield;
	struct rouse_sleep sleep;);
ROUSE_BODY(work)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < self->n; self->i++) {
		self->begin = cpu_ns();
		if (self->compute_ns)
			compute(self->compute_ns);
		if (self->nap_ns)
			nap(self->nap_ns);
		__atomic_add_fetch(&polls_cpu_ns, cpu_ns() - self->begin, __ATOMIC_RELAXED);
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	}
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* So many pages, 4 KiB each, which nobody has touched. */
static void touch(uint64_t n)
{
	const size_t bytes = n * PAGE_BYTES;
	char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || madvise(pages, bytes, MADV_NOHUGEPAGE) != 0)
		abort();
	for (size_t i = 0; i < n; i++)
		*(volatile char *)(pages + i * PAGE_BYTES) = 1;
	munmap(pages, bytes);
}

/* A file of so many blocks, which then is in no cache: on a file system in memory it still is. */
static int cold_file(uint64_t n)
{
	static const char zeroes[BLOCK_BYTES];
	char name[] = "/var/tmp/rouse-XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0)
		abort();
	unlink(name);
	for (uint64_t i = 0; i < n; i++)
		if (write(fd, zeroes, sizeof(zeroes)) != sizeof(zeroes))
			abort();
	if (fsync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0 ||
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM) != 0)
		abort();
	return fd;
}

static void read_file(int fd, uint64_t n)
{
	char block[BLOCK_BYTES];

	for (uint64_t i = 0; i < n; i++)
		if (pread(fd, block, sizeof(block), (off_t)(i * sizeof(block))) != sizeof(block))
			abort();
}

static void read_mapped(int fd, uint64_t n)
{
	volatile char *file = mmap(NULL, n * BLOCK_BYTES, PROT_READ, MAP_SHARED, fd, 0);

	if (file == MAP_FAILED || madvise((void *)file, n * BLOCK_BYTES, MADV_RANDOM) != 0)
		abort();
	for (uint64_t i = 0; i < n; i++)
		(void)file[i * BLOCK_BYTES];
	munmap((void *)file, n * BLOCK_BYTES);
}

ROUSE_ASYNC(touches, int,
	uint64_t n;
	struct rouse_sleep sleep;);
ROUSE_BODY(touches)
{
	ROUSE_BEGIN;
	touch(self->n);
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(reads, int,
	uint64_t n;
	int fd;
	int mapped;
	struct rouse_sleep sleep;);
ROUSE_BODY(reads)
{
	ROUSE_BEGIN;
	if (self->mapped)
		read_mapped(self->fd, self->n);
	else
		read_file(self->fd, self->n);
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(lock, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(lock)
{
	ROUSE_BEGIN;
	sem_post(&wanted);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* A name is looked up as no async function should. */
ROUSE_ASYNC(looks_up, int,
	struct addrinfo *found;
	struct rouse_sleep sleep;);
ROUSE_BODY(looks_up)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };

	ROUSE_BEGIN;
	if (getaddrinfo("slow.test", NULL, &hints, &self->found) != 0)
		rouse_panic("the name was not found");
	freeaddrinfo(self->found);
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(idle, int,
	uint64_t ns;
	struct rouse_sleep sleep;);
ROUSE_BODY(idle)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, self->ns));
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(brief, int,
	uint64_t ns;);
ROUSE_BODY(brief)
{
	ROUSE_BEGIN;
	nap(self->ns);
	sem_post(&finished);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(forks, int,
	uint64_t ns;
	struct rouse_sleep sleep;);
ROUSE_BODY(forks)
{
	ROUSE_BEGIN;
	child = fork();
	if (child == 0) {
		nap(self->ns);
		_exit(0);
	}
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void *keep(void *arg)
{
	pthread_mutex_lock(&mutex);
	sem_post(&held);
	sem_wait(&wanted); /* on a busy machine that may be long after */
	nap(*(uint64_t *)arg);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void wait_for(uint64_t n)
{
	while (n > 0)
		if (sem_wait(&finished) == 0)
			n--;
}

static int lock_behind_keeper(uint64_t ns)
{
	pthread_t keeper;
	int rc;

	while (sem_trywait(&wanted) == 0)
		;
	rc = pthread_create(&keeper, NULL, keep, &ns);
	if (rc)
		return -rc;
	pthread_setname_np(keeper, "keeper");
	while (sem_wait(&held) != 0)
		;
	rc = rouse_spawn_daemon("locks", lock);
	if (rc)
		sem_post(&wanted);
	wait_for(rc == 0);
	pthread_join(keeper, NULL);
	return rc;
}

static int many(uint64_t n, uint64_t at_once)
{
	int rc = 0;

	while (n > 0 && rc == 0) {
		uint64_t batch = n < at_once ? n : at_once;

		for (uint64_t i = 0; i < batch && rc == 0; i++)
			rc = rouse_spawn_detached(brief, .ns = 100 * ROUSE_US);
		if (rc == 0)
			wait_for(batch);
		n -= batch;
	}
	return rc;
}

static int reads_cold_file(uint64_t n, int mapped)
{
	int fd = cold_file(n), rc;

	rc = rouse_spawn_daemon("reads", reads, .n = n, .fd = fd, .mapped = mapped);
	if (rc == 0)
		wait_for(1);
	close(fd);
	return rc;
}

static int compute_in_shares(uint64_t ms)
{
	static const char *const names[] = { "thrice", "once", "also-once" };
	int rc = 0;

	for (int i = 0; i < 3 && rc == 0; i++)
		rc = rouse_spawn_daemon(names[i], work, .n = (i == 0 ? ms : ms / 3) / 10, .compute_ns = 10 * ROUSE_MS);
	if (rc == 0)
		wait_for(2);
	return rc;
}

static void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static int command(const char *verb, uint64_t number)
{
	int rc = -1;

	polls_cpu_ns = 0;
	if (strcmp(verb, "more") == 0)
		return rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1, .log = quiet), &another);
	if (strcmp(verb, "nap") == 0)
		rc = rouse_spawn_daemon("naps", work, .n = number, .nap_ns = 20 * ROUSE_MS);
	else if (strcmp(verb, "spin") == 0)
		rc = rouse_spawn_daemon("spins", work, .n = number / 10, .compute_ns = 10 * ROUSE_MS);
	else if (strcmp(verb, "both") == 0)
		rc = rouse_spawn_daemon(
			"does-both", work, .n = number, .compute_ns = 5 * ROUSE_MS, .nap_ns = 5 * ROUSE_MS);
	else if (strcmp(verb, "idle") == 0)
		rc = rouse_spawn_daemon("idles", idle, .ns = number * ROUSE_MS);
	else if (strcmp(verb, "fork") == 0)
		rc = rouse_spawn_daemon("forks", forks, .ns = number * ROUSE_MS);
	else if (strcmp(verb, "touch") == 0)
		rc = rouse_spawn_daemon("touches", touches, .n = number);
	else if (strcmp(verb, "shares") == 0)
		rc = compute_in_shares(number);
	else if (strcmp(verb, "disk") == 0)
		return reads_cold_file(number, 0);
	else if (strcmp(verb, "mapped") == 0)
		return reads_cold_file(number, 1);
	else if (strcmp(verb, "lookup") == 0)
		rc = rouse_spawn_daemon("looks-up", looks_up);
	else if (strcmp(verb, "lock") == 0)
		return lock_behind_keeper(number * ROUSE_MS);
	else if (strcmp(verb, "churn") == 0)
		return many(number, 64);
	else if (strcmp(verb, "wander") == 0) {
		for (int i = 0; i < 8; i++)
			rc = rouse_spawn_daemon("wanders", work, .n = number, .nap_ns = ROUSE_MS);
		if (rc == 0)
			wait_for(7);
	} else if (strcmp(verb, "wedge") == 0) {
		pthread_mutex_lock(&mutex);
		return rouse_spawn_daemon("wedged", lock);
	} else if (strcmp(verb, "free") == 0) {
		pthread_mutex_unlock(&mutex);
		rc = 0;
	} else if (strcmp(verb, "exec") == 0) {
		printf("done 0\n");
		fflush(stdout);
		execlp("sleep", "sleep", "60", NULL);
	}
	if (rc == 0)
		wait_for(1);
	if (child > 0)
		waitpid(child, NULL, 0);
	child = 0;
	return rc;
}

int main(void)
{
	struct rouse_runtime *runtime;
	char verb[16];
	uint64_t number;
	int rc;

	sem_init(&finished, 0, 0);
	sem_init(&held, 0, 0);
	sem_init(&wanted, 0, 0);
	rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2, .log = quiet), &runtime);
	if (rc < 0) {
		fprintf(stderr, "off_cpu: %s\n", rouse_strerror(rc));
		return 1;
	}
	struct rouse_guard guard = rouse_enter(runtime);

	while (rc == 0 && scanf("%15s %" SCNu64, verb, &number) == 2) {
		rc = command(verb, number);
		if (rc == 0)
			printf("done %" PRIu64 "\n", polls_cpu_ns);
		else
			printf("failed: %s\n", verb);
		fflush(stdout);
	}
	rouse_leave(&guard);
	rouse_runtime_free(another);
	rouse_runtime_free(runtime);
	return rc != 0;
}
