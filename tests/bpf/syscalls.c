/* SPDX-License-Identifier: MIT */
/*
 * A program whose polls make system calls that are known. Commands come from
 * standard input, one a line, each answered by "done" and a number. The tasks
 * of a command stay alive, asleep, until the end.
 *
 *     up 0        two tasks that meet: all workers have begun
 *     ppid N      a poll that calls getppid N times; the number is the CPU time of that, in ns
 *     alone N     a thread outside of any task that does the same
 *     nap N       20 ms of nanosleep in a poll, N times, a poll each
 *     pipe MS     a poll that reads from a pipe into which a thread writes so much later; the number is the descriptor
 *     file N      a poll that reads N times from a file whose name is not fit to print
 *     odd 0       a poll that calls what the kernel does not have
 *     idle MS     a task that awaits a timer
 *     wander N    eight tasks that call getppid 1000 times and nap 1 ms in each of N polls, and yield
 *     churn N     N tasks that call getppid once, and end
 *     fork N      a poll that forks; its child calls getppid N times
 *     stick N     a poll that reads N bytes from a pipe, and one that nobody writes (the number is the descriptor), until
 *     free 0
 *     leave 0     as stick, and the main thread ends
 *     more 0      another runtime begins, with one worker
 *     exec 0      another program takes this one's place: sleep
 */
#include <rouse/rouse.h>

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NO_SUCH_CALL = 4000 };

static sem_t finished;
static int ends[2]; /* of the pipe */
static pthread_barrier_t met;
static struct rouse_runtime *another;
static int child;
static uint64_t answer;

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * ROUSE_S + (uint64_t)t.tv_nsec;
}

static void nap(uint64_t ns)
{
	struct timespec time = { (time_t)(ns / ROUSE_S), (long)(ns % ROUSE_S) };

	while (nanosleep(&time, &time) != 0)
		;
}

static void call(uint64_t n)
{
	while (n-- > 0)
		syscall(SYS_getppid);
}

/* One poll's. */
static void call_and_tell(uint64_t n)
{
	uint64_t begin = cpu_ns();

	call(n);
	__atomic_store_n(&answer, cpu_ns() - begin, __ATOMIC_RELAXED);
}

#define LINGER()                                                                                                       \
	sem_post(&finished);                                                                                           \
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 3600 * ROUSE_S))

/* So many polls, each with so many calls of getppid and so long a nap. */
ROUSE_ASYNC(work, int,
	uint64_t n;
	uint64_t calls;
	uint64_t nap_ns;
	uint64_t i;
	struct rouse_yield yield;
	struct rouse_sleep sleep;);
ROUSE_BODY(work)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < self->n; self->i++) {
		call(self->calls);
		if (self->nap_ns)
			nap(self->nap_ns);
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	}
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(reads, int,
	int fd;
	uint64_t n;
	struct rouse_sleep sleep;);
ROUSE_BODY(reads)
{
	ROUSE_BEGIN;
	while (self->n-- > 0) {
		char byte;

		if (read(self->fd, &byte, 1) < 0)
			abort();
	}
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(calls, int,
	uint64_t n;
	struct rouse_sleep sleep;);
ROUSE_BODY(calls)
{
	ROUSE_BEGIN;
	call_and_tell(self->n);
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(odd, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(odd)
{
	ROUSE_BEGIN;
	syscall(NO_SUCH_CALL);
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

ROUSE_ASYNC(meets, int, );
ROUSE_BODY(meets)
{
	ROUSE_BEGIN;
	pthread_barrier_wait(&met);
	sem_post(&finished);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(brief, int, );
ROUSE_BODY(brief)
{
	ROUSE_BEGIN;
	call(1);
	sem_post(&finished);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(forks, int,
	uint64_t n;
	struct rouse_sleep sleep;);
ROUSE_BODY(forks)
{
	ROUSE_BEGIN;
	child = fork();
	if (child == 0) {
		call(self->n);
		_exit(0);
	}
	LINGER();
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void wait_for(uint64_t n)
{
	while (n > 0)
		if (sem_wait(&finished) == 0)
			n--;
}

static void *call_alone(void *arg)
{
	call_and_tell(*(uint64_t *)arg);
	return NULL;
}

static int alone(uint64_t n)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, call_alone, &n);

	if (rc == 0)
		pthread_join(thread, NULL);
	return -rc;
}

static void *write_late(void *arg)
{
	nap(*(uint64_t *)arg);
	return write(ends[1], "", 1) == 1 ? NULL : arg;
}

/* The first `before` of its reads have something to read. */
static int stick(uint64_t before)
{
	for (uint64_t i = 0; i < before; i++)
		if (write(ends[1], "", 1) != 1)
			return -1;
	return rouse_spawn_daemon("stuck", reads, .fd = ends[0], .n = before + 1);
}

static int read_pipe(uint64_t ns)
{
	pthread_t writer;
	int rc = rouse_spawn_daemon("reads-pipe", reads, .fd = ends[0], .n = 1);

	if (rc < 0 || pthread_create(&writer, NULL, write_late, &ns) != 0)
		return -1;
	wait_for(1);
	pthread_join(writer, NULL);
	return 0;
}

static int read_file(uint64_t n)
{
	char name[] = "/tmp/rouse-\033[31m-XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0)
		return -1;
	unlink(name);
	return rouse_spawn_daemon("reads-file", reads, .fd = fd, .n = n);
}

static int many(uint64_t n, uint64_t at_once)
{
	int rc = 0;

	while (n > 0 && rc == 0) {
		uint64_t batch = n < at_once ? n : at_once;

		for (uint64_t i = 0; i < batch && rc == 0; i++)
			rc = rouse_spawn_detached(brief);
		if (rc == 0)
			wait_for(batch);
		n -= batch;
	}
	return rc;
}

static void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* 0 with *ret_wait tasks to wait for. */
static int command(const char *verb, uint64_t number, uint64_t *ret_wait)
{
	int rc = -1;

	*ret_wait = 1;
	if (strcmp(verb, "ppid") == 0)
		return rouse_spawn_daemon("calls", calls, .n = number);
	if (strcmp(verb, "nap") == 0)
		return rouse_spawn_daemon("naps", work, .n = number, .nap_ns = 20 * ROUSE_MS);
	if (strcmp(verb, "file") == 0)
		return read_file(number);
	if (strcmp(verb, "odd") == 0)
		return rouse_spawn_daemon("odd", odd);
	if (strcmp(verb, "idle") == 0)
		return rouse_spawn_daemon("idles", idle, .ns = number * ROUSE_MS);
	if (strcmp(verb, "fork") == 0)
		return rouse_spawn_daemon("forks", forks, .n = number);
	if (strcmp(verb, "wander") == 0) {
		for (*ret_wait = 0; *ret_wait < 8; ++*ret_wait)
			rc = rouse_spawn_daemon("wanders", work, .n = number, .calls = 1000, .nap_ns = ROUSE_MS);
		return rc;
	}
	if (strcmp(verb, "up") == 0) {
		*ret_wait = 2;
		rc = rouse_spawn_detached(meets);
		return rc < 0 ? rc : rouse_spawn_detached(meets);
	}
	*ret_wait = 0;
	if (strcmp(verb, "alone") == 0)
		return alone(number);
	if (strcmp(verb, "pipe") == 0)
		return read_pipe(number * ROUSE_MS);
	if (strcmp(verb, "more") == 0)
		return rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1, .log = quiet), &another);
	if (strcmp(verb, "churn") == 0)
		return many(number, 64);
	if (strcmp(verb, "stick") == 0 || strcmp(verb, "leave") == 0)
		return stick(number);
	if (strcmp(verb, "free") == 0) {
		*ret_wait = 1;
		return write(ends[1], "", 1) == 1 ? 0 : -1;
	}
	if (strcmp(verb, "exec") == 0) {
		printf("done 0\n");
		fflush(stdout);
		execlp("sleep", "sleep", "60", NULL);
	}
	return -1;
}

int main(void)
{
	struct rouse_runtime *runtime;
	char verb[16];
	uint64_t number, n;
	int rc;

	sem_init(&finished, 0, 0);
	pthread_barrier_init(&met, NULL, 2);
	if (pipe(ends) < 0)
		return 1;
	rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2, .log = quiet), &runtime);
	if (rc < 0) {
		fprintf(stderr, "syscalls: %s\n", rouse_strerror(rc));
		return 1;
	}
	struct rouse_guard guard = rouse_enter(runtime);

	while (rc == 0 && scanf("%15s %" SCNu64, verb, &number) == 2) {
		answer = (uint64_t)ends[0];
		rc = command(verb, number, &n);
		if (rc == 0)
			wait_for(n);
		if (child > 0)
			waitpid(child, NULL, 0);
		child = 0;
		if (rc == 0)
			printf("done %" PRIu64 "\n", answer);
		else
			printf("failed: %s\n", verb);
		fflush(stdout);
		if (rc == 0 && strcmp(verb, "leave") == 0)
			pthread_exit(NULL);
	}
	rouse_leave(&guard);
	rouse_runtime_free(another);
	rouse_runtime_free(runtime);
	return rc != 0;
}
