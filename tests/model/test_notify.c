/* SPDX-License-Identifier: MIT */
/*
 * Notify, over the real notify.c and wait.c: a permit is stored and taken without the
 * lock, and waiters come and go under it. Whoever waits is woken, a permit is taken
 * once, and what was done before a notify is seen behind it.
 */
#include "test.h"

#include <rouse/sync.h>

#include "model.h"
#include "sched/runtime.h"
#include "sync/leaf.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------ the parts of the runtime that are not looked at */
_Thread_local struct rs_thread rs_self;
const struct rouse_waker_vtable rs_task_waker_vtable; /* no task's: the wakers here are the test's */

void *rs_resource_new(size_t bytes, enum rouse_resource_kind kind, const char *name, const struct rouse_site *site)
{
	static uint64_t memory[32];

	(void)name, (void)site;
	assert_true(bytes <= sizeof memory);
	memset(memory, 0, sizeof memory);
	struct rs_resource *resource = (struct rs_resource *)(void *)memory;

	resource->serial = 1;
	resource->kind = (uint8_t)kind;
	return resource;
}
void rs_resource_free(struct rs_resource *resource)
{
	(void)resource;
}
int rs_resource_check(const struct rs_resource *resource)
{
	(void)resource;
	return 0;
}
uint64_t rs_stamp(void)
{
	return 0;
}
uint64_t rs_current_task_id(void)
{
	return 0;
}
struct rouse_runtime *rs_task_runtime(const struct rouse_task *task)
{
	(void)task;
	abort();
}
void rs_foreign_count_in(struct rouse_runtime *runtime)
{
	(void)runtime;
}
void rs_foreign_count_out(struct rouse_runtime *runtime)
{
	(void)runtime;
}
void rs_task_wake(struct rouse_task *task, bool consume, enum rouse_wake_source source)
{
	(void)task, (void)consume, (void)source;
}
struct rouse_waker rouse_waker_clone(const struct rouse_waker *waker)
{
	return *waker;
}
void rouse_waker_drop(struct rouse_waker *waker)
{
	*waker = (struct rouse_waker){ 0, 0 };
}
void rouse_waker_wake_by_ref(const struct rouse_waker *waker)
{
	waker->vtable->wake_by_ref(waker->data);
}
void rouse_waker_wake(struct rouse_waker *waker)
{
	if (waker->vtable)
		waker->vtable->wake(waker->data);
}

/* ------------------------------------------------------------------ waiters */

static void wake(void *data)
{
	rs_store((uint32_t *)data, 1u, RS_RELEASE);
}
static const struct rouse_waker_vtable vtable = { .wake = wake, .wake_by_ref = wake };

static struct rouse_notify *notify;
static uint32_t woken[2], ended[2];
static uint32_t said; /* plain */
static uint32_t told;

static void setup(void)
{
	notify = rouse_notify_new_(NULL, NULL);
	memset(woken, 0, sizeof woken);
	memset(ended, 0, sizeof ended);
	said = told = 0;
}

static bool poll(struct rouse_notified *notified, int i)
{
	struct rouse_context cx = { .waker = { &woken[i], &vtable } };

	return notified->future.type->poll(&notified->future, &cx).ready;
}

/* One that was never notified is a deadlock here. */
static void wait_to_end(int i)
{
	struct rouse_notified notified;

	rouse_notified(&notified, notify);
	while (!poll(&notified, i)) {
		rs_model_wait(&woken[i], 0);
		rs_store(&woken[i], 0u, RS_RELAXED);
	}
	ended[i] = 1;
}

static uint64_t value(void)
{
	return ((struct rs_resource *)(void *)notify)->value;
}

/* ------------------------------------------------------------------- models */

static void first_waits(void)
{
	wait_to_end(0);
}
static void first_waits_and_reads(void)
{
	wait_to_end(0);
	model_read(&said);
}
static void says_and_notifies(void)
{
	model_write(&said);
	rouse_notify_one(notify);
}
static void notifies(void)
{
	rouse_notify_one(notify);
}
static void check_taken(void)
{
	model_assert(ended[0]);
	model_assert(value() == 0);
}
static void what_was_done_before_a_notify_is_seen_behind_it(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){
		"notify", setup, { first_waits_and_reads, says_and_notifies }, check_taken, 3 }) > 1);
}

/* Both notify before anybody waits: one permit. Else each wakes its own, or the permit is left. */
static void check_one_of_two(void)
{
	model_assert(ended[0]);
	model_assert(value() <= 1);
}
static void two_notifies_and_one_who_waits(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){
		"notify twice", setup, { first_waits, notifies, notifies }, check_one_of_two, 2 }) > 1);
}

/* Whom the first permit comes to passes it on: each permit ends one wait. */
static void first_waits_and_notifies(void)
{
	wait_to_end(0);
	rouse_notify_one(notify);
}
static void second_waits_and_notifies(void)
{
	wait_to_end(1);
	rouse_notify_one(notify);
}
static void check_passed_on(void)
{
	model_assert(ended[0] && ended[1]);
	model_assert(value() == 1);
}
static void a_permit_ends_one_wait_and_can_be_passed_on(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "notify on", setup,
		{ first_waits_and_notifies, second_waits_and_notifies, notifies }, check_passed_on, 2 }) > 1);
}

/* Dropped at any point, it passes on what it was given: nothing is lost. */
static void waits_and_gives_up(void)
{
	struct rouse_notified notified;

	rouse_notified(&notified, notify);
	if (poll(&notified, 1))
		rouse_notify_one(notify);
	else
		notified.future.type->drop(&notified.future);
}
static void what_a_dropped_waiter_had_is_passed_on(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){
		"notify dropped", setup, { first_waits, waits_and_gives_up, notifies }, check_taken, 2 }) > 1);
}

/*
 * As with a condition: to come to wait, to look, to wait. Either the look finds what
 * was said, or the notify finds the waiter. `told` is relaxed on purpose.
 */
static void comes_and_looks(void)
{
	struct rouse_notified notified;

	rouse_notified(&notified, notify);
	if (poll(&notified, 0) || rs_load(&told, RS_RELAXED))
		notified.future.type->drop(&notified.future);
	else
		rs_model_wait(&woken[0], 0);
	ended[0] = 1;
}
static void tells_all(void)
{
	rs_store(&told, 1u, RS_RELAXED);
	rouse_notify_all(notify);
}
static void tells_one(void)
{
	rs_store(&told, 1u, RS_RELAXED);
	rouse_notify_one(notify);
}
static void check_ended(void)
{
	model_assert(ended[0]);
	model_assert(value() <= 1);
}
/* The same in a loop, and a permit that is there already when it is notified once more. */
static void setup_with_permit(void)
{
	setup();
	rouse_notify_one(notify);
}
static void waits_until_told(void)
{
	while (!rs_load(&told, RS_RELAXED))
		wait_to_end(0);
	ended[0] = 1;
}
static void who_looks_after_coming_to_wait_misses_no_notify(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "notify all", setup, { comes_and_looks, tells_all }, check_ended, 4 }) > 1);
	assert_true(model_run(&(struct model){ "notify one", setup, { comes_and_looks, tells_one }, check_ended, 2 }) > 1);
	assert_true(model_run(&(struct model){
		"notify again", setup_with_permit, { waits_until_told, tells_one }, check_ended, 3 }) > 1);
}

TEST_MAIN(cmocka_unit_test(what_was_done_before_a_notify_is_seen_behind_it),
	cmocka_unit_test(two_notifies_and_one_who_waits),
	cmocka_unit_test(a_permit_ends_one_wait_and_can_be_passed_on),
	cmocka_unit_test(what_a_dropped_waiter_had_is_passed_on),
	cmocka_unit_test(who_looks_after_coming_to_wait_misses_no_notify));
