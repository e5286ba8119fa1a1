/* SPDX-License-Identifier: MIT */
/* Where the handle of a channel, and a waker, stand in a real process, which is searched while it runs. */
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rouse/inspect.h>
#include <rouse/layout.h>
#include <rouse/rouse.h>

#include "stream.h"

/* Where the child keeps the sending side of its channel, and a waker of its waiting task. */
enum place { NOWHERE, IN_A_FRAME, IN_THE_HEAP, IN_A_GLOBAL, ON_A_STACK, IN_PROTECTED_MEMORY, IN_A_JOB };

struct keeper {
	struct rouse_mpsc *channel;
	struct rouse_waker waker;
};

static enum place place;
static volatile struct keeper in_a_global; /* volatile: nobody reads it, but for the search */
static struct keeper *volatile in_the_heap;
static bool on_stack_ready;

/* Has the receiving end, and waits for good. */
ROUSE_ASYNC(receiver, int, struct rouse_mpsc *channel; int message; struct rouse_mpsc_recv recv; int64_t rc;);
ROUSE_BODY(receiver)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->channel, &self->message));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(holder, int, struct keeper keeper; struct rouse_sleep sleep;);
ROUSE_BODY(holder)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100000 * ROUSE_S));
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void *keep_on_stack(void *arg)
{
	volatile struct keeper keeper = *(struct keeper *)arg;

	__atomic_store_n(&on_stack_ready, true, __ATOMIC_RELEASE);
	for (;;) {
		pause();
		if (!keeper.channel)
			return NULL;
	}
}

static int64_t keep_in_job(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

ROUSE_ASYNC(employer, int, void *arg; struct rouse_blocking job; int64_t rc;);
ROUSE_BODY(employer)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_blocking(&self->job, keep_in_job, self->arg));
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void put_away(struct keeper keeper)
{
	pthread_t thread;

	switch (place) {
	case NOWHERE:
		break;
	case IN_A_FRAME:
		rouse_spawn_detached_named("holder", holder, .keeper = keeper);
		break;
	case IN_THE_HEAP:
		in_the_heap = malloc(sizeof *in_the_heap);
		*in_the_heap = keeper;
		break;
	case IN_A_GLOBAL:
		in_a_global = keeper;
		break;
	case ON_A_STACK:
		pthread_create(&thread, NULL, keep_on_stack, &keeper);
		while (!__atomic_load_n(&on_stack_ready, __ATOMIC_ACQUIRE))
			sched_yield();
		break;
	case IN_PROTECTED_MEMORY:
		in_the_heap = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*in_the_heap = keeper;
		mprotect(in_the_heap, 4096, PROT_READ);
		break;
	case IN_A_JOB:
		rouse_spawn_detached_named("employer", employer, .arg = keeper.channel);
		break;
	}
}

/* Waits for a wake that only the waker it has given away could bring. */
struct forsaken {
	struct rouse_future future;
	int64_t result;
};

static struct rouse_poll forsaken_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct keeper keeper = { .channel = rouse_mpsc_new("the channel", sizeof(int), 0),
		.waker = rouse_waker_clone(&cx->waker) };

	(void)future;
	rouse_spawn_detached_named("receiver", receiver, .channel = keeper.channel);
	put_away(keeper);
	return rouse_pending();
}

static void forsaken_drop(struct rouse_future *future)
{
	(void)future;
}
ROUSE_LEAF(forsaken, forsaken_poll, forsaken_drop);

static struct forsaken *forsaken(struct forsaken *storage)
{
	*storage = (struct forsaken){ .future = ROUSE_FUTURE_INIT(forsaken) };
	return storage;
}

ROUSE_ASYNC(waiter, int, struct forsaken forsaken;);
ROUSE_BODY(waiter)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(forsaken(&self->forsaken));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(app, int, struct rouse_sleep sleep;);
ROUSE_BODY(app)
{
	ROUSE_BEGIN;
	rouse_spawn_detached_named("waiter", waiter);
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100000 * ROUSE_S));
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* ---------------------------------------------------------------- the look */

struct watch {
	pid_t pid;
	struct rouse_inspect *inspect;
	struct stream stream;
	uint64_t channel, receiver, waiter, holder;
};

static uint64_t task_named(const struct stream *stream, const char *name)
{
	for (size_t i = 0; i < stream->n; i++) {
		const Rouse__V1__Tasks *t = stream->frames[i]->tasks;

		if (stream->frames[i]->body_case != ROUSE__V1__FRAME__BODY_TASKS)
			continue;
		for (size_t k = 0; k < t->n_id; k++)
			if (strcmp(stream_text(stream, t->name[k]), name) == 0 && t->state[k] == ROUSE_TASK_PENDING)
				return t->id[k];
	}
	return 0;
}

static uint64_t resource_named(const struct stream *stream, const char *name)
{
	for (size_t i = 0; i < stream->n; i++) {
		const Rouse__V1__Resources *r = stream->frames[i]->resources;

		if (stream->frames[i]->body_case != ROUSE__V1__FRAME__BODY_RESOURCES)
			continue;
		for (size_t k = 0; k < r->n_serial; k++)
			if (strcmp(stream_text(stream, r->name[k]), name) == 0)
				return r->serial[k];
	}
	return 0;
}

/* All have come to rest where the test wants them. */
static bool settled(void *arg)
{
	struct watch *watch = arg;

	if (!watch->inspect && rouse_inspect_open_pid(watch->pid, &watch->inspect) < 0) {
		watch->inspect = NULL;
		return false;
	}
	stream_clear(&watch->stream);
	assert_int_equal(rouse_inspect_look(watch->inspect, NULL, stream_take, &watch->stream), 0);
	watch->channel = resource_named(&watch->stream, "the channel");
	watch->receiver = task_named(&watch->stream, "receiver");
	watch->waiter = task_named(&watch->stream, "waiter");
	watch->holder = task_named(&watch->stream, "holder");
	return watch->channel && watch->receiver && watch->waiter && (place != IN_A_FRAME || watch->holder);
}

static void search(struct watch *watch)
{
	const uint64_t ids[] = { watch->channel, watch->waiter };
	const struct rouse_look_opts opts = { .size = sizeof opts, .detail = ids, .n_detail = 2 };

	stream_clear(&watch->stream);
	assert_int_equal(rouse_inspect_look(watch->inspect, &opts, stream_take, &watch->stream), 0);
	assert_non_null(stream_find(&watch->stream, ROUSE__V1__FRAME__BODY_REFERENCES, 0));
}

/* A search for which the program stood still enough: workers may be about to sleep when the first one begins. */
/* The thread sanitizer has a thread of its own, asleep in the kernel: beside it none is complete. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1 /* gcc's name for it */
#endif
#endif
#if defined(__SANITIZE_THREAD__)
enum { IS_NEVER_COMPLETE = 1 };
#else
enum { IS_NEVER_COMPLETE = 0 };
#endif

static bool search_is_complete(void *arg)
{
	struct watch *watch = arg;
	bool whole = false;

	rouse_inspect_close(watch->inspect); /* another reader: it does not wait */
	assert_int_equal(rouse_inspect_open_pid(watch->pid, &watch->inspect), 0);
	search(watch);
	(void)stream_references(&watch->stream, watch->channel, watch->receiver, &whole);
	return whole || IS_NEVER_COMPLETE;
}

static void begin(struct watch *watch, enum place where, bool current_thread)
{
	*watch = (struct watch){ .pid = 0 };
	place = where;
	stream_init(&watch->stream);
	watch->pid = fork();
	assert_true(watch->pid >= 0);
	if (watch->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test ends it, too */
		struct rouse_runtime *runtime;

		if (rouse_runtime_new(
			    ROUSE_RUNTIME_OPTS(.name = "searched", .workers = 2, .current_thread = current_thread),
			    &runtime) < 0)
			_exit(1);
		_exit(rouse_block_on(runtime, NULL, app) < 0);
	}
	assert_true(test_eventually(settled, watch));
}

static void end(struct watch *watch)
{
	rouse_inspect_close(watch->inspect);
	kill(watch->pid, SIGKILL);
	assert_int_equal(waitpid(watch->pid, NULL, 0), watch->pid);
	stream_fini(&watch->stream);
}

/* How often it stands outside of all frames. Under a sanitizer old copies do, too. */
static void assert_elsewhere(const struct watch *watch, uint64_t id, int64_t count)
{
	int64_t found = stream_references(&watch->stream, id, 0, NULL);

	if (TEST_SANITIZED)
		assert_true(found >= count);
	else
		assert_int_equal(found, count);
}

#define FOUND(ID, TASK) stream_references(&watch.stream, watch.ID, (TASK), NULL)

static void a_handle_in_a_frame_is_found_there(void **state)
{
	struct watch watch;

	(void)state;
	begin(&watch, IN_A_FRAME, false);
	assert_true(test_eventually(search_is_complete, &watch));
	assert_int_equal(FOUND(channel, watch.holder), 1);
	assert_true(FOUND(channel, watch.receiver) >= 1);
	assert_elsewhere(&watch, watch.channel, -1);
	assert_int_equal(FOUND(waiter, watch.holder), 1);
	assert_elsewhere(&watch, watch.waiter, -1);
	end(&watch);
}

static void what_is_lost_is_found_nowhere(void **state)
{
	struct watch watch;

	(void)state;
	for (int current_thread = 0; current_thread < 2; current_thread++) {
		begin(&watch, NOWHERE, current_thread);
		assert_true(test_eventually(search_is_complete, &watch));
		assert_true(FOUND(channel, watch.receiver) >= 1);
		assert_elsewhere(&watch, watch.channel, -1);
		assert_elsewhere(&watch, watch.waiter, 0);
		end(&watch);
	}
}

/* Whether it is seen whole does not matter when something is found. */
static void found_elsewhere(enum place where)
{
	struct watch watch;

	begin(&watch, where, false);
	search(&watch);
	assert_true(FOUND(channel, 0) >= 1);
	assert_true(FOUND(channel, watch.receiver) >= 1);
	if (where != IN_A_JOB)
		assert_true(FOUND(waiter, 0) >= 1);
	end(&watch);
}

static void a_handle_in_the_heap_is_found(void **state)
{
	(void)state;
	found_elsewhere(IN_THE_HEAP);
}

static void a_handle_in_a_global_is_found(void **state)
{
	(void)state;
	found_elsewhere(IN_A_GLOBAL);
}

static void a_handle_on_another_threads_stack_is_found(void **state)
{
	(void)state;
	found_elsewhere(ON_A_STACK);
}

static void a_handle_in_memory_that_was_protected_since_is_found(void **state)
{
	(void)state;
	found_elsewhere(IN_PROTECTED_MEMORY);
}

static void a_handle_that_a_job_was_given_is_found(void **state)
{
	(void)state;
	found_elsewhere(IN_A_JOB);
}

/* Such a thread sleeps in a system call with whatever it likes in its registers. */
static void a_thread_of_the_programs_own_leaves_it_open(void **state)
{
	struct watch watch;
	bool whole = true;

	(void)state;
	begin(&watch, ON_A_STACK, false);
	search(&watch);
	(void)stream_references(&watch.stream, watch.channel, watch.receiver, &whole);
	assert_false(whole);
	end(&watch);
}

/* A program may reserve more than anybody could read. */
static void a_reader_of_its_own_process_does_not_find_itself(void **state)
{
	struct watch watch = { .pid = getpid() };
	struct rouse_runtime *runtime;

	(void)state;
	place = NOWHERE;
	stream_init(&watch.stream);
	void *reserved =
		mmap(NULL, 1ull << 42, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "searched", .workers = 1), &runtime), 0);
	rouse_task_detach(rouse_spawn_on(runtime, app));
	assert_true(test_eventually(settled, &watch));
	assert_true(test_eventually(search_is_complete, &watch));
	assert_elsewhere(&watch, watch.channel, -1);
	assert_elsewhere(&watch, watch.waiter, 0);
	search(&watch); /* what was read and found is in its buffers now */
	assert_elsewhere(&watch, watch.channel, -1);
	assert_elsewhere(&watch, watch.waiter, 0);
	rouse_inspect_close(watch.inspect);
	stream_fini(&watch.stream);
	if (reserved != MAP_FAILED)
		munmap(reserved, 1ull << 42);
	rouse_runtime_free(runtime);
}

TEST_MAIN(cmocka_unit_test(a_handle_in_a_frame_is_found_there), cmocka_unit_test(what_is_lost_is_found_nowhere),
	cmocka_unit_test(a_handle_in_the_heap_is_found), cmocka_unit_test(a_handle_in_a_global_is_found),
	cmocka_unit_test(a_handle_on_another_threads_stack_is_found),
	cmocka_unit_test(a_handle_in_memory_that_was_protected_since_is_found),
	cmocka_unit_test(a_handle_that_a_job_was_given_is_found),
	cmocka_unit_test(a_thread_of_the_programs_own_leaves_it_open),
	cmocka_unit_test(a_reader_of_its_own_process_does_not_find_itself));
