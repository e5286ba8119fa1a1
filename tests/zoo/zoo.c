/* SPDX-License-Identifier: MIT */
#include "zoo.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct rouse_runtime *zoo_runtime;

void zoo_must(bool is_well, const char *what, const char *file, int line)
{
	if (is_well)
		return;
	fprintf(stderr, "%s:%d: %s: errno %d\n", file, line, what, errno);
	_exit(2);
}

void *zoo_made(void *made, const char *what, const char *file, int line)
{
	zoo_must(made, what, file, line);
	return made;
}

void zoo_end(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	_exit(0);
}

/* xorshift64: Marsaglia 2003 */
static uint64_t random_state;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* ------------------------------------------------------------------- time */

void zoo_block_for(uint64_t ns)
{
	struct timespec rest = { .tv_sec = (time_t)(ns / ROUSE_S), .tv_nsec = (long)(ns % ROUSE_S) };

	while (nanosleep(&rest, &rest) && errno == EINTR)
		continue;
}

static int over; /* the program is to end */

void zoo_rest(void)
{
	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE))
		zoo_block_for(50 * ROUSE_MS);
}

void zoo_burn_for(uint64_t ns)
{
	uint64_t end = rouse_now_ns() + ns;

	while (rouse_now_ns() < end)
		continue;
}

void zoo_until_pending(struct rouse_task *task, uint32_t polls)
{
	/* The cell is described by layout.h; its count is all that is read here. */
	const struct rouse_cell_record *cell = (const struct rouse_cell_record *)(const void *)task;

	while (rouse_task_get_state(task) != ROUSE_TASK_PENDING ||
		__atomic_load_n(&cell->polls, __ATOMIC_RELAXED) < polls)
		zoo_block_for(ROUSE_MS);
}

/* ------------------------------------------------------------------- bell */

struct ring {
	struct ring *next;
	uint64_t at_ns;
	struct rouse_waker waker;
};
static pthread_mutex_t bell_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ring *rings;

static struct ring *due(void)
{
	struct ring **place = &rings, *ring;
	uint64_t now = rouse_now_ns();

	pthread_mutex_lock(&bell_lock);
	while ((ring = *place) && ring->at_ns > now)
		place = &ring->next;
	if (ring)
		*place = ring->next;
	pthread_mutex_unlock(&bell_lock);
	return ring;
}

static void *bell(void *arg)
{
	struct ring *ring;

	(void)arg;
	for (;;) {
		while ((ring = due())) {
			rouse_waker_wake(&ring->waker);
			free(ring);
		}
		zoo_block_for(20 * ROUSE_MS);
	}
	return NULL;
}

static void start_bell(void)
{
	pthread_t thread;

	zoo_must(pthread_create(&thread, NULL, bell, NULL) == 0, "pthread_create", __FILE__, __LINE__);
	pthread_detach(thread);
}

void zoo_bell(struct rouse_waker waker)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct ring *ring = ZOO_MADE(malloc(sizeof *ring));

	pthread_once(&once, start_bell);
	*ring = (struct ring){ .at_ns = rouse_now_ns() + 200 * ROUSE_MS, .waker = waker };
	pthread_mutex_lock(&bell_lock);
	ring->next = rings;
	rings = ring;
	pthread_mutex_unlock(&bell_lock);
}

/* ---------------------------------------------------------------- healthy */

/* Each naps for 1 to 3 s at a time: ten thousand of them leave the machine to others. */
static uint64_t nap_ns(void)
{
	return ROUSE_S + next_random() % (2 * ROUSE_S);
}

ROUSE_ASYNC(sleeper, int,
	uint64_t nap_ns;
	struct rouse_sleep sleep;);
ROUSE_BODY(sleeper)
{
	ROUSE_BEGIN;
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, self->nap_ns));
	ROUSE_END;
}

struct line {
	struct rouse_mpsc *there, *back;
};

ROUSE_ASYNC(asker, int,
	struct line line;
	uint64_t nap_ns;
	uint64_t message;
	int64_t rc;
	union { struct rouse_mpsc_send send; struct rouse_mpsc_recv recv; struct rouse_sleep sleep; };);
ROUSE_BODY(asker)
{
	ROUSE_BEGIN;
	while (self->rc == 0) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, self->line.there, &self->message));
		if (self->rc == 0)
			ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->line.back, &self->message));
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, self->nap_ns));
	}
	ROUSE_RETURN((int)self->rc);
	ROUSE_FINALLY: rouse_mpsc_drop_sender(self->line.there);
	rouse_mpsc_drop_receiver(self->line.back);
	ROUSE_END;
}

ROUSE_ASYNC(answerer, int,
	struct line line;
	uint64_t message;
	int64_t rc;
	union { struct rouse_mpsc_send send; struct rouse_mpsc_recv recv; };);
ROUSE_BODY(answerer)
{
	ROUSE_BEGIN;
	while (self->rc == 0) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->line.there, &self->message));
		if (self->rc == 0)
			ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, self->line.back, &self->message));
	}
	ROUSE_RETURN((int)self->rc);
	ROUSE_FINALLY: rouse_mpsc_drop_receiver(self->line.there);
	rouse_mpsc_drop_sender(self->line.back);
	ROUSE_END;
}

/* Holds a lock that it shares with others for a moment, over an await. */
ROUSE_ASYNC(locker, int,
	struct rouse_mutex *mutex;
	uint64_t nap_ns;
	union { struct rouse_mutex_lock lock; struct rouse_yield yield; struct rouse_sleep sleep; };);
ROUSE_BODY(locker)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->mutex));
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
		(void)rouse_mutex_unlock(self->mutex);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, self->nap_ns));
	}
	ROUSE_FINALLY: (void)rouse_mutex_unlock(self->mutex);
	ROUSE_END;
}

static void spawn_line(void)
{
	struct line line = { ZOO_MADE(rouse_mpsc_new("there", sizeof(uint64_t), 1)),
		ZOO_MADE(rouse_mpsc_new("back", sizeof(uint64_t), 1)) };

	ZOO_MUST(rouse_spawn_detached(asker, .line = line, .nap_ns = nap_ns()));
	ZOO_MUST(rouse_spawn_detached(answerer, .line = line));
}

/* Four healthy tasks: one that sleeps, two that talk, one that locks what 16 others lock too. */
static void spawn_four(void)
{
	static struct rouse_mutex *mutex;
	static unsigned int users;

	if (users++ % 16 == 0)
		mutex = ZOO_MADE(rouse_mutex_new("shared"));
	ZOO_MUST(rouse_spawn_detached(sleeper, .nap_ns = nap_ns()));
	spawn_line();
	ZOO_MUST(rouse_spawn_detached(locker, .mutex = mutex, .nap_ns = nap_ns()));
}

/* ------------------------------------------------------------------- main */

static struct rouse_notify *told;
static int main_runs;

ROUSE_ASYNC(until_told, int,
	struct rouse_notified notified;);
ROUSE_BODY(until_told)
{
	ROUSE_BEGIN;
	__atomic_store_n(&main_runs, 1, __ATOMIC_RELEASE);
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, told));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(until_end, int,
	struct rouse_fd *input;
	char byte;
	struct rouse_fd_ready ready;);
ROUSE_BODY(until_end)
{
	ROUSE_BEGIN;
	ZOO_MUST(fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK));
	ZOO_MUST(rouse_fd_new(STDIN_FILENO, "input", &self->input));
	while (read(STDIN_FILENO, &self->byte, 1) != 0) {
		rouse_fd_clear_readable(self->input);
		ROUSE_AWAIT_ONLY(rouse_fd_readable(&self->ready, self->input));
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_fd_free(self->input);
	ROUSE_END;
}

static void *wait_for_end(void *arg)
{
	const struct zoo_row *row = arg;
	struct rouse_guard guard = rouse_enter(zoo_runtime);
	char byte;
	ssize_t n;

	while (!__atomic_load_n(&main_runs, __ATOMIC_ACQUIRE))
		zoo_block_for(ROUSE_MS);
	while ((n = read(STDIN_FILENO, &byte, 1)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && byte == '\n' && row->line)
			row->line();
	__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
	rouse_notify_one(told);
	rouse_leave(&guard);
	return NULL;
}

static void spawn_all(const struct zoo_row *row, unsigned int healthy)
{
	unsigned int order[16], fours = healthy / 4, done = 0;

	zoo_must(row->n_parts <= 16, "too many parts", __FILE__, __LINE__);
	for (unsigned int i = 0; i < row->n_parts; i++)
		order[i] = i;
	for (unsigned int i = row->n_parts; i > 1; i--) {
		unsigned int j = (unsigned int)(next_random() % i), other = order[j];

		order[j] = order[i - 1];
		order[i - 1] = other;
	}
	for (unsigned int i = 0; i < row->n_parts; i++) {
		for (unsigned int n = (unsigned int)(next_random() % (fours - done + 1)); n > 0; n--, done++)
			spawn_four();
		row->parts[order[i]]();
	}
	for (; done < fours; done++)
		spawn_four();
}

static bool options(int argc, char **argv, unsigned int *ret_healthy)
{
	uint64_t seed = 1;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--healthy") == 0)
			*ret_healthy = (unsigned int)strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
		else
			return false;
	}
	random_state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1;
	return argc % 2 == 1;
}

static void say_nothing(void *arg, uint64_t task_id, const char *name, const char *what)
{
	(void)arg;
	(void)task_id;
	(void)name;
	(void)what;
}

int zoo_main(int argc, char **argv, const struct zoo_row *row)
{
	unsigned int healthy = 0;
	struct rouse_guard guard;
	pthread_t thread;

	if (!options(argc, argv, &healthy)) {
		fprintf(stderr, "usage: %s [--healthy N] [--seed S]\n", argv[0]);
		return 2;
	}
	ZOO_MUST(rouse_runtime_new(row->runtime, &zoo_runtime));
	guard = rouse_enter(zoo_runtime);
	told = ZOO_MADE(rouse_notify_new("told"));
	if (row->make)
		row->make();
	spawn_all(row, healthy);
	puts("ready");
	fflush(stdout);
	if (row->ready)
		row->ready();
	if (row->by_itself) {
		ZOO_MUST(rouse_block_on(zoo_runtime, NULL, until_end));
	} else {
		zoo_must(pthread_create(&thread, NULL, wait_for_end, (void *)(uintptr_t)row) == 0, "pthread_create",
			__FILE__, __LINE__);
		ZOO_MUST(rouse_block_on(zoo_runtime, NULL, until_told));
		pthread_join(thread, NULL);
	}
	rouse_leave(&guard);
	return rouse_runtime_shutdown(zoo_runtime, 5 * ROUSE_S, say_nothing, NULL) ? 3 : 0;
}
