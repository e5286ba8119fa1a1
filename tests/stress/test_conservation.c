/* SPDX-License-Identifier: MIT */
/*
 * Conservation under load: whatever happens to tasks on however many workers,
 *
 *     spawned = completed + cancelled + panicked (+ live, 0 in the end)
 *     frames built = FINALLY parts run
 *     messages sent = messages received + messages discarded with their channel
 *     permits at the end = permits at the start
 *     permits out at any time = permits written to be somebody's
 *
 * and every structure of the runtime is sound when it comes to rest.
 *
 * One seed draws the workload and the runtime's shape; it is printed with the
 * line that repeats the run. The interleaving itself is the machine's.
 */
#include "test.h"

#include <pthread.h>
#include <rouse/rouse.h>
#include <stdlib.h>
#include <string.h>

#include "sched/runtime.h"
#include "sync/mpsc.h"
#include "sync/semaphore.h"

enum { ROOTS = 24, DEPTH = 3, ROUNDS = 6, FOREIGN = 2 };

static uint64_t built, finished, sent, received;
static struct rouse_mpsc *channel;
static struct rouse_semaphore *semaphore;
static struct rouse_mutex *mutex;
static struct rouse_notify *notify;
static uint64_t guarded; /* under the mutex */

static void add(uint64_t *what, uint64_t n)
{
	__atomic_fetch_add(what, n, __ATOMIC_RELAXED);
}

ROUSE_ASYNC(receiver, int, uint64_t message; int64_t rc; struct rouse_mpsc_recv recv;);
ROUSE_BODY(receiver)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, channel, &self->message));
		if (self->rc)
			break;
		add(&received, self->message);
	}
	ROUSE_FINALLY:
	add(&finished, 1);
	rouse_mpsc_drop_receiver(channel);
	ROUSE_END;
}

/* A task that does a little of everything, as its random numbers say. */
ROUSE_ASYNC(worker, int,
	uint64_t random;
	struct rouse_mpsc *tx;
	int depth, i, which, has_permit, has_lock;
	int64_t rc;
	uint64_t message;
	struct rouse_task *child;
	struct rouse_timeout timeout;
	union {
		struct rouse_yield yield;
		struct rouse_sleep sleep;
		struct rouse_join join;
		struct rouse_mutex_lock lock;
		struct rouse_semaphore_acquire acquire;
		struct rouse_mpsc_send send;
		struct rouse_notified notified;
	};);
ROUSE_BODY(worker)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < 12; self->i++) {
		self->which = (int)(test_random(&self->random) % 11);
		if (self->which == 0) {
			ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
		} else if (self->which == 1) {
			ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, test_random(&self->random) % (200 * ROUSE_US)));
		} else if (self->which == 2 && self->depth) {
			add(&built, 1);
			ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn(worker, .random = test_random(&self->random),
				.depth = self->depth - 1, .tx = rouse_mpsc_ref_sender(channel)), NULL));
		} else if (self->which == 3 && self->depth) {
			add(&built, 1);
			self->child = rouse_spawn(worker, .random = test_random(&self->random), .depth = self->depth - 1,
				.tx = rouse_mpsc_ref_sender(channel));
			ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
			rouse_task_abort(self->child);
			rouse_task_detach(self->child);
			self->child = NULL;
		} else if (self->which == 4 && self->depth) {
			add(&built, 1);
			rouse_spawn_detached(worker, .random = test_random(&self->random), .depth = self->depth - 1,
				.tx = rouse_mpsc_ref_sender(channel));
		} else if (self->which == 5) {
			ROUSE_AWAIT(self->rc, rouse_mutex_lock(&self->lock, mutex));
			ROUSE_ASSERT(self->rc == 0);
			self->has_lock = 1;
			guarded++;
			ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
			self->has_lock = 0;
			rouse_mutex_unlock(mutex);
		} else if (self->which == 6) {
			ROUSE_AWAIT(self->rc, rouse_semaphore_acquire(&self->acquire, semaphore, 2));
			ROUSE_ASSERT(self->rc == 0);
			self->has_permit = 1;
			ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
			self->has_permit = 0;
			rouse_semaphore_release(semaphore, 2);
		} else if (self->which == 7) {
			self->message = 1;
			ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, channel, &self->message));
			if (self->rc == 0)
				add(&sent, 1);
		} else if (self->which == 8) {
			ROUSE_AWAIT(self->rc, rouse_timeout(&self->timeout, test_random(&self->random) % (100 * ROUSE_US),
				rouse_notified(&self->notified, notify)));
			rouse_notify_one(notify);
		} else if (self->which == 9 && test_random(&self->random) % 16 == 0) {
			rouse_panic("as drawn");
		}
	}
	ROUSE_FINALLY:
	if (self->has_lock)
		rouse_mutex_unlock(mutex);
	if (self->has_permit)
		rouse_semaphore_release(semaphore, 2);
	rouse_task_detach(self->child);
	rouse_mpsc_drop_sender(self->tx);
	add(&finished, 1);
	ROUSE_END;
}

static void *foreign(void *arg)
{
	struct rouse_runtime *runtime = arg;
	uint64_t random = (uintptr_t)&random ^ test_seed();

	for (int i = 0; i < ROOTS; i++) {
		add(&built, 1);
		struct rouse_task *t = rouse_spawn_on(runtime, worker, .random = test_random(&random), .depth = DEPTH,
			.tx = rouse_mpsc_ref_sender(channel));

		if (test_random(&random) % 4 == 0)
			rouse_task_abort(t);
		rouse_task_detach(t);
	}
	return NULL;
}

static void assert_sound(const char *what, const char *wrong)
{
	if (wrong)
		fail_msg("%s: %s", what, wrong);
}

/* At any time: each of these looks under its own lock. */
static void assert_sound_always(struct rouse_runtime *runtime)
{
	assert_sound("page", rs_page_validate(runtime->page));
	assert_sound("idle", rs_idle_validate_any(&runtime->idle));
	assert_sound("reactor", rs_reactor_validate(runtime->reactor));
	assert_int_equal(rs_wheel_validate(runtime->foreign_wheel), 0);
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		assert_int_equal(rs_wheel_validate(runtime->workers[i].wheel), 0);
}

/* The workers have ended: what was theirs is this thread's now. */
static void assert_sound_when_stopped(struct rouse_runtime *runtime)
{
	assert_sound_always(runtime);
	assert_sound("foreign shard", rs_shard_validate_owner(&runtime->foreign_shard));
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		assert_sound("shard", rs_shard_validate_owner(&runtime->workers[i].shard));
}

/*
 * The same after all work was done. (A shutdown in the middle frees tasks, and
 * leaves them in the queues, which nobody reads any more.)
 */
static void assert_sound_when_done(struct rouse_runtime *runtime)
{
	assert_sound_when_stopped(runtime);
	assert_sound("global queue", rs_inject_validate_any(&runtime->inject));
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		assert_sound("queue", rs_queue_validate_owner(&runtime->workers[i].queue));
}

static void one_round(uint64_t *random)
{
	struct rouse_runtime *runtime;
	struct rouse_totals totals;
	pthread_t threads[FOREIGN];
	bool current = test_random(random) % 5 == 0;

	built = finished = sent = received = guarded = 0;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = current,
		.workers = (uint32_t)(1 + test_random(random) % 4), .level = (int)(1 + test_random(random) % 3)), &runtime), 0);
	struct rouse_guard guard = rouse_enter(runtime);

	channel = rouse_mpsc_new("stress", sizeof(uint64_t), 4);
	semaphore = rouse_semaphore_new("stress", 3);
	mutex = rouse_mutex_new("stress");
	notify = rouse_notify_new("stress");
	add(&built, 1);
	assert_int_equal(rouse_spawn_detached(receiver), 0);
	for (int i = 0; i < FOREIGN; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, foreign, runtime), 0);
	for (int i = 0; i < FOREIGN; i++)
		pthread_join(threads[i], NULL);
	rouse_mpsc_drop_sender(channel); /* the workers have their own */
	assert_int_equal(rouse_block_until_idle(runtime), 0);
	rouse_leave(&guard);
	assert_sound_always(runtime);

	rouse_runtime_totals(runtime, &totals);
	assert_int_equal(totals.spawned, built);
	assert_int_equal(totals.live, 0);
	assert_int_equal(totals.spawned, totals.completed + totals.cancelled + totals.panicked);
	assert_int_equal(finished, built);
	assert_true(received >= sent); /* a sender may be cancelled after its message was taken, before it counts */
	assert_sound("semaphore", rs_semaphore_validate(semaphore));
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 3), 0);
	assert_sound("semaphore", rs_semaphore_validate(semaphore));
	rouse_mutex_free(mutex);
	rouse_semaphore_free(semaphore);
	rouse_notify_free(notify);
	assert_int_equal(rouse_runtime_shutdown(runtime, 10 * ROUSE_S, NULL, NULL), 0);
	assert_sound_when_done(runtime);
	rouse_runtime_free(runtime);
}

static void nothing_is_lost_or_done_twice(void **state)
{
	(void)state;
	uint64_t random = test_seed();
	const char *slow = getenv("ROUSE_TEST_SLOWDOWN");
	int rounds = slow && strtol(slow, NULL, 10) > 1 ? 1 : ROUNDS;

	for (int i = 0; i < rounds; i++)
		one_round(&random);
}

/* Shutdown in the middle of everything: all is accounted for all the same. */
static void shutdown_in_the_middle_accounts_for_all(void **state)
{
	(void)state;
	uint64_t random = test_seed() ^ 0x5eed;

	for (int i = 0; i < ROUNDS; i++) {
		struct rouse_runtime *runtime;
		struct rouse_totals totals;

		built = finished = 0;
		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = (uint32_t)(1 + test_random(&random) % 3)),
			&runtime), 0);
		struct rouse_guard guard = rouse_enter(runtime);

		channel = rouse_mpsc_new("stress", sizeof(uint64_t), 4);
		semaphore = rouse_semaphore_new("stress", 3);
		mutex = rouse_mutex_new("stress");
		notify = rouse_notify_new("stress");
		rouse_leave(&guard);
		foreign(runtime);
		assert_int_equal(rouse_runtime_shutdown(runtime, 10 * ROUSE_S, NULL, NULL), 0);
		rouse_runtime_totals(runtime, &totals);
		assert_int_equal(totals.live, 0);
		assert_int_equal(finished, built);
		assert_int_equal(rs_mpsc_validate(channel), 0);
		assert_sound("semaphore", rs_semaphore_validate(semaphore));
		assert_sound_when_stopped(runtime);
		rouse_mpsc_drop_sender(channel);
		rouse_mpsc_drop_receiver(channel);
		rouse_mutex_free(mutex);
		rouse_semaphore_free(semaphore);
		rouse_notify_free(notify);
		rouse_runtime_free(runtime);
	}
}

TEST_MAIN(cmocka_unit_test(nothing_is_lost_or_done_twice), cmocka_unit_test(shutdown_in_the_middle_accounts_for_all));
