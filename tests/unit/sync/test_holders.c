/* SPDX-License-Identifier: MIT */
/* Who is written to have a semaphore's permits, read as from outside: through the record alone. */
#include "in_runtime.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "sync/holders.h"
#include "sync/semaphore.h"

static const struct rouse_resource_record *record_of(struct rouse_semaphore *semaphore)
{
	return (const struct rouse_resource_record *)(void *)semaphore;
}

static const struct rouse_holder_record *entry_of(struct rouse_semaphore *semaphore, uint64_t task)
{
	const struct rouse_resource_record *record = record_of(semaphore);
	const struct rouse_holder_record *entries = (const void *)(uintptr_t)record->holders;

	for (uint32_t i = 0; i < record->holder_capacity; i++)
		if (entries[i].task == task)
			return &entries[i];
	return NULL;
}

static uint64_t held_by(struct rouse_semaphore *semaphore, uint64_t task)
{
	const struct rouse_holder_record *entry = entry_of(semaphore, task);

	return entry ? entry->permits : 0;
}

static bool is_tracked(struct rouse_semaphore *semaphore)
{
	assert_null(rs_semaphore_validate(semaphore));
	return !(record_of(semaphore)->flags & ROUSE_RESOURCE_UNTRACKED);
}

struct waiter {
	struct rouse_semaphore_acquire acquire;
	struct counting counting;
};

static void wait_as(int task, struct waiter *w, struct rouse_semaphore *semaphore, uint32_t n)
{
	as_task(task);
	w->counting = (struct counting){ 0 };
	assert_pending(rouse_semaphore_acquire(&w->acquire, semaphore, n), &w->counting);
}

/* Where the slot ends that `address` is in, as the chunk directory has it. */
static uint64_t slot_end(uint64_t address)
{
	const struct rouse_page *page = test_runtime->page;
	const struct rouse_chunk_entry *chunks = (const void *)((const char *)page + page->off_chunks);

	for (uint32_t i = 0; i < page->chunk_count; i++)
		if (address - chunks[i].address < (uint64_t)chunks[i].stride * chunks[i].cells)
			return address + chunks[i].stride;
	return 0;
}

static void the_table_lies_within_the_slot_and_says_how_long_it_is(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new("gate", 3);
	const struct rouse_resource_record *record = record_of(semaphore);
	uint64_t slot = (uintptr_t)semaphore;

	(void)state;
	assert_int_equal(record->holder_capacity, RS_HOLDERS);
	assert_true(record->holders >= slot + ROUSE_RESOURCE_BYTES);
	assert_true(record->holders % 8 == 0);
	assert_true(record->holders + RS_HOLDERS * sizeof(struct rouse_holder_record) <= slot_end(slot));
	assert_int_equal(record->side_b, 3);
	assert_true(is_tracked(semaphore));
	rouse_semaphore_free(semaphore);
}

static void what_a_task_takes_is_its_own_until_it_gives_it_back(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 5);
	struct counting counting = { 0 };
	struct rouse_semaphore_acquire acquire;

	(void)state;
	as_task(1);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), 0);
	assert_int_equal(held_by(semaphore, FIRST_ID + 1), 2);
	uint64_t since = entry_of(semaphore, FIRST_ID + 1)->since_ticks;

	assert_int_not_equal(since, 0);
	assert_ready(rouse_semaphore_acquire(&acquire, semaphore, 1), &counting, 0);
	assert_int_equal(held_by(semaphore, FIRST_ID + 1), 3);
	assert_int_equal(entry_of(semaphore, FIRST_ID + 1)->since_ticks, since); /* it has had some all the time */
	as_task(2);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), 0);
	assert_true(is_tracked(semaphore));
	as_task(1);
	rouse_semaphore_release(semaphore, 2);
	assert_int_equal(held_by(semaphore, FIRST_ID + 1), 1);
	rouse_semaphore_release(semaphore, 1);
	assert_null(entry_of(semaphore, FIRST_ID + 1));
	assert_int_equal(held_by(semaphore, FIRST_ID + 2), 1);
	assert_true(is_tracked(semaphore));
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 0), 0); /* nothing is nobody's */
	assert_null(entry_of(semaphore, FIRST_ID + 1));
	rouse_semaphore_free(semaphore);
}

static void outside_any_task_the_holder_is_the_marked_thread(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 2);
	uint64_t self = 1ull << 63 | (uint64_t)gettid();

	(void)state;
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), 0);
	assert_int_equal(held_by(semaphore, self), 2);
	rouse_semaphore_release(semaphore, 1);
	assert_int_equal(held_by(semaphore, self), 1);
	assert_true(is_tracked(semaphore));
	rouse_semaphore_free(semaphore);
}

static void permits_are_the_waiters_as_soon_as_they_are_granted(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 2);
	struct waiter first, second;

	(void)state;
	as_task(0);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), 0);
	wait_as(1, &first, semaphore, 2);
	wait_as(2, &second, semaphore, 1);
	assert_int_equal(record_of(semaphore)->granted, 0);
	as_task(0);
	rouse_semaphore_release(semaphore, 2);
	assert_int_equal(held_by(semaphore, FIRST_ID + 0), 0);
	assert_int_equal(held_by(semaphore, FIRST_ID + 1), 2);
	assert_int_not_equal(entry_of(semaphore, FIRST_ID + 1)->since_ticks, 0);
	assert_int_equal(held_by(semaphore, FIRST_ID + 2), 0);
	assert_int_equal(record_of(semaphore)->granted, 2);
	assert_true(is_tracked(semaphore));
	as_task(1);
	assert_ready(&first.acquire, &first.counting, 0);
	assert_int_equal(record_of(semaphore)->granted, 0);
	assert_int_equal(held_by(semaphore, FIRST_ID + 1), 2);
	rouse_semaphore_release(semaphore, 2);
	assert_int_equal(held_by(semaphore, FIRST_ID + 2), 1);
	assert_int_equal(record_of(semaphore)->granted, 1);
	assert_true(is_tracked(semaphore));
	rouse_future_drop(&second.acquire.future);
	rouse_semaphore_free(semaphore);
}

static void a_grant_that_is_dropped_is_given_back_whoever_drops_it(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 2);
	struct waiter first, second;

	(void)state;
	as_task(0);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), 0);
	wait_as(1, &first, semaphore, 2);
	wait_as(2, &second, semaphore, 2);
	as_task(0);
	rouse_semaphore_release(semaphore, 2);
	as_task(3);
	rouse_future_drop(&first.acquire.future);
	assert_int_equal(held_by(semaphore, FIRST_ID + 1), 0);
	assert_int_equal(held_by(semaphore, FIRST_ID + 2), 2);
	assert_int_equal(record_of(semaphore)->granted, 2);
	assert_true(is_tracked(semaphore));
	rouse_future_drop(&second.acquire.future);
	assert_int_equal(record_of(semaphore)->granted, 0);
	assert_null(entry_of(semaphore, FIRST_ID + 2));
	assert_int_equal(record_of(semaphore)->value, 2);
	assert_true(is_tracked(semaphore));
	rouse_semaphore_free(semaphore);
}

/* Nothing was granted to a waiter that gives up, or whose wait a close has ended. */
static void a_wait_that_ends_without_permits_leaves_the_books_alone(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 1);
	struct waiter first, second, third;

	(void)state;
	as_task(0);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), 0);
	wait_as(1, &first, semaphore, 1);
	wait_as(2, &second, semaphore, 1);
	wait_as(3, &third, semaphore, 1);
	rouse_future_drop(&first.acquire.future);
	rouse_semaphore_close(semaphore);
	assert_ready(&second.acquire, &second.counting, -ROUSE_ECLOSED);
	rouse_future_drop(&third.acquire.future);
	assert_int_equal(record_of(semaphore)->granted, 0);
	assert_int_equal(held_by(semaphore, FIRST_ID + 0), 1);
	assert_null(entry_of(semaphore, FIRST_ID + 1));
	assert_null(entry_of(semaphore, FIRST_ID + 2));
	assert_null(entry_of(semaphore, FIRST_ID + 3));
	assert_true(is_tracked(semaphore));
	as_task(0);
	rouse_semaphore_release(semaphore, 1);
	assert_null(entry_of(semaphore, FIRST_ID + 0));
	assert_true(is_tracked(semaphore));
	rouse_semaphore_free(semaphore);
}

static void another_task_that_fetches_a_grant_has_it_from_then_on(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 3);
	struct waiter w, moved;

	(void)state;
	as_task(0);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 3), 0);
	wait_as(1, &w, semaphore, 2);
	wait_as(1, &moved, semaphore, 1);
	as_task(4); /* before the grant: it is the one who polled it last */
	assert_pending(&moved.acquire, &moved.counting);
	as_task(0);
	rouse_semaphore_release(semaphore, 3);
	assert_int_equal(held_by(semaphore, FIRST_ID + 1), 2);
	assert_int_equal(held_by(semaphore, FIRST_ID + 4), 1);
	as_task(4);
	assert_ready(&w.acquire, &w.counting, 0);
	assert_null(entry_of(semaphore, FIRST_ID + 1));
	assert_int_equal(held_by(semaphore, FIRST_ID + 4), 3);
	assert_int_equal(record_of(semaphore)->granted, 1);
	assert_true(is_tracked(semaphore));
	rouse_future_drop(&moved.acquire.future);
	assert_int_equal(held_by(semaphore, FIRST_ID + 4), 2);
	assert_true(is_tracked(semaphore));
	rouse_semaphore_free(semaphore);
}

static void giving_back_what_another_took_is_untracked_until_all_is_home(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 3);

	(void)state;
	as_task(1);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), 0);
	as_task(2);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), 0);
	rouse_semaphore_release(semaphore, 2); /* one of them is task 1's */
	assert_false(is_tracked(semaphore));
	assert_null(entry_of(semaphore, FIRST_ID + 2));
	as_task(3);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), 0);
	rouse_semaphore_release(semaphore, 1); /* as it should be, but that does not heal it */
	assert_false(is_tracked(semaphore));
	as_task(1);
	rouse_semaphore_release(semaphore, 1);
	assert_int_equal(record_of(semaphore)->value, record_of(semaphore)->capacity);
	assert_true(is_tracked(semaphore));
	assert_null(entry_of(semaphore, FIRST_ID + 1)); /* it is written to have one more, but nobody has any */
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 3), 0);
	assert_int_equal(held_by(semaphore, FIRST_ID + 1), 3);
	assert_true(is_tracked(semaphore));
	rouse_semaphore_free(semaphore);
}

static void *release_one(void *semaphore)
{
	rouse_semaphore_release(semaphore, 1);
	return NULL;
}

static void a_foreign_thread_that_gives_back_for_a_task_is_not_the_holder(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 2);
	pthread_t thread;

	(void)state;
	as_task(1);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, release_one, semaphore), 0);
	pthread_join(thread, NULL);
	assert_false(is_tracked(semaphore));
	assert_int_equal(record_of(semaphore)->value, 1);
	rouse_semaphore_free(semaphore);
}

static void permits_brought_when_all_are_home_keep_the_books_right(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 0);

	(void)state;
	as_task(1);
	rouse_semaphore_release(semaphore, 4);
	assert_true(is_tracked(semaphore));
	assert_int_equal(record_of(semaphore)->capacity, 4);
	assert_int_equal(record_of(semaphore)->side_b, 0); /* made with none: who reads knows that they were brought */
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), 0);
	assert_true(is_tracked(semaphore));
	rouse_semaphore_release(semaphore, 3); /* its own and two new ones */
	assert_int_equal(record_of(semaphore)->capacity, 6);
	assert_true(is_tracked(semaphore));
	rouse_semaphore_free(semaphore);
}

/* A permit brought while another is granted: all is home, then the grant comes back as well. */
static void a_grant_that_comes_back_to_a_full_house_is_one_more(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 0);
	struct waiter w;

	(void)state;
	wait_as(1, &w, semaphore, 1);
	as_task(0);
	rouse_semaphore_release(semaphore, 1);
	assert_int_equal(held_by(semaphore, FIRST_ID + 1), 1);
	rouse_semaphore_release(semaphore, 1);
	assert_true(is_tracked(semaphore));
	rouse_future_drop(&w.acquire.future);
	assert_int_equal(record_of(semaphore)->value, 2);
	assert_int_equal(record_of(semaphore)->capacity, 2);
	assert_int_equal(record_of(semaphore)->granted, 0);
	assert_true(is_tracked(semaphore));
	rouse_semaphore_free(semaphore);
}

static void a_slot_that_is_used_again_begins_with_clean_books(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 0), *again;
	static struct waiter w; /* its future is left behind, granted */

	(void)state;
	wait_as(1, &w, semaphore, 2);
	as_task(0);
	rouse_semaphore_release(semaphore, 2);
	assert_int_equal(record_of(semaphore)->granted, 2);
	rouse_semaphore_free(semaphore);
	again = rouse_semaphore_new(NULL, 4);
	assert_ptr_equal(again, semaphore);
	assert_int_equal(record_of(again)->granted, 0);
	assert_null(entry_of(again, FIRST_ID + 1));
	assert_true(is_tracked(again));
	rouse_semaphore_free(again);
}

/* Acts as task number n of more than the table of test_tasks has. */
static void as_one_of_many(struct rouse_task *task, uint64_t n)
{
	memset(task, 0, sizeof *task);
	task->id = 2000 + n;
	rs_self.task = task;
}

static void more_holders_than_entries_are_untracked_until_all_is_home(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, RS_HOLDERS + 2);
	static struct rouse_task task;

	(void)state;
	for (uint64_t i = 0; i < RS_HOLDERS; i++) {
		as_one_of_many(&task, i);
		assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), 0);
	}
	assert_true(is_tracked(semaphore));
	as_one_of_many(&task, 3); /* a place that has become free is used again */
	rouse_semaphore_release(semaphore, 1);
	as_one_of_many(&task, RS_HOLDERS);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), 0);
	assert_int_equal(held_by(semaphore, task.id), 1);
	assert_true(is_tracked(semaphore));
	as_one_of_many(&task, 3);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), 0); /* one too many */
	assert_int_equal(held_by(semaphore, task.id), 0);
	assert_false(is_tracked(semaphore));
	rouse_semaphore_release(semaphore, 1);
	assert_false(is_tracked(semaphore));
	for (uint64_t i = 0; i <= RS_HOLDERS; i++) {
		if (i == 3)
			continue;
		as_one_of_many(&task, i);
		assert_false(is_tracked(semaphore));
		rouse_semaphore_release(semaphore, 1);
	}
	assert_true(is_tracked(semaphore));
	assert_int_equal(record_of(semaphore)->value, RS_HOLDERS + 2);
	assert_int_equal(record_of(semaphore)->capacity, RS_HOLDERS + 2);
	rouse_semaphore_free(semaphore);
	as_nobody();
}

static void a_dump_names_the_holders(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new("gate", 3);
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	as_task(1);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), 0);
	rs_semaphore_dump(semaphore, out);
	fclose(out);
	assert_string_equal(text,
		"semaphore \"gate\": 1 of 3 free; holders of 2 permits, 0 granted and not fetched: 1001x2\n"
		"nobody waits\n");
	free(text);
	rouse_semaphore_free(semaphore);
}

/* -------------------------------------------------------------------- owned */

static void only_who_has_permits_of_an_owned_one_may_release_them(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new_owned("pool", 3);

	(void)state;
	as_task(1);
	assert_int_equal(record_of(semaphore)->flags, ROUSE_RESOURCE_OWNED);
	assert_int_equal(record_of(semaphore)->holder_capacity, 3);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), 0);
	assert_int_equal(rouse_semaphore_release(semaphore, 3), -ROUSE_ENOTOWNER);
	as_task(2);
	assert_int_equal(rouse_semaphore_release(semaphore, 1), -ROUSE_ENOTOWNER);
	assert_int_equal(record_of(semaphore)->value, 1);
	as_task(1);
	assert_int_equal(rouse_semaphore_release(semaphore, 2), 0);
	assert_int_equal(record_of(semaphore)->value, 3);
	assert_true(is_tracked(semaphore));
	as_task(0);
	rouse_semaphore_free(semaphore);
}

static void permits_are_handed_to_another_task(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new_owned("pool", 3);
	uint64_t other;

	(void)state;
	as_task(2);
	other = rs_self_id();
	as_task(1);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 3), 0);
	assert_int_equal(rouse_semaphore_transfer(semaphore, 4, other), -ROUSE_ENOTOWNER);
	assert_int_equal(rouse_semaphore_transfer(semaphore, 2, 0), -EINVAL);
	assert_int_equal(rouse_semaphore_transfer(semaphore, 2, other), 0);
	assert_int_equal(held_by(semaphore, rs_self_id()), 1);
	assert_int_equal(held_by(semaphore, other), 2);
	assert_int_equal(rouse_semaphore_transfer(semaphore, 1, rs_self_id()), 0); /* to itself: nothing changes */
	assert_int_equal(held_by(semaphore, rs_self_id()), 1);
	as_task(2);
	assert_int_equal(rouse_semaphore_release(semaphore, 2), 0);
	assert_true(is_tracked(semaphore));
	as_task(0);
	rouse_semaphore_free(semaphore);
}

static void an_owned_one_has_an_entry_for_each_permit(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new_owned("pool", RS_HOLDERS + 4);

	(void)state;
	as_task(1);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, RS_HOLDERS + 4), 0);
	for (uint64_t i = 1; i < RS_HOLDERS + 4; i++)
		assert_int_equal(rouse_semaphore_transfer(semaphore, 1, 100000 + i), 0);
	assert_true(is_tracked(semaphore));
	assert_int_equal(held_by(semaphore, 100001), 1);
	assert_int_equal(held_by(semaphore, rs_self_id()), 1);
	as_task(0);
	rouse_semaphore_free(semaphore);
	assert_null(rouse_semaphore_new_owned("none", 0));
	assert_int_equal(errno, EINVAL);
	assert_null(rouse_semaphore_new_owned("many", ROUSE_OWNED_PERMITS_MAX + 1));
}

/* A producer takes places, the consumer gives them back: they are nobody's, for good. */
static void permits_that_others_release_are_shared(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new("places", 2);

	(void)state;
	as_task(1);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), 0);
	assert_int_equal(rouse_semaphore_release(semaphore, 1), 0);
	assert_int_equal(record_of(semaphore)->last_user_b, rs_self_id());
	assert_false(record_of(semaphore)->flags & ROUSE_RESOURCE_SHARED);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), 0);
	as_task(2);
	assert_int_equal(rouse_semaphore_release(semaphore, 2), 0);
	assert_true(record_of(semaphore)->flags & ROUSE_RESOURCE_SHARED);
	as_task(1);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), 0);
	assert_int_equal(rouse_semaphore_release(semaphore, 2), 0);
	assert_true(record_of(semaphore)->flags & ROUSE_RESOURCE_SHARED);
	as_task(0);
	rouse_semaphore_free(semaphore);
}

static const char *broken(
	struct rs_holders *books, struct rs_resource *resource, uint64_t task, uint64_t permits, uint32_t at)
{
	struct rouse_holder_record entries[RS_HOLDERS];
	struct rs_holders copy = *books;
	struct rs_resource record = *resource;

	memcpy(entries, books->entries, sizeof entries);
	copy.entries = entries;
	record.holders = (uintptr_t)copy.entries;
	copy.entries[at].task = task;
	copy.entries[at].permits = permits;
	return rs_holders_validate_locked(&record, &copy);
}

static void validate_finds_every_way_to_be_wrong(void **state)
{
	struct rs_resource resource = { .value = 1, .capacity = 3 };
	struct rouse_holder_record entries[RS_HOLDERS] = { { 0 } };
	struct rs_holders books = { .entries = entries, .capacity = RS_HOLDERS };

	(void)state;
	assert_non_null(rs_holders_validate_locked(&resource, &books)); /* not announced */
	rs_holders_init(&resource, &books, entries, RS_HOLDERS);
	assert_non_null(rs_holders_validate_locked(&resource, &books)); /* two are out, and nobody has them */
	rs_holders_add_locked(&resource, &books, 20, 2, 5);
	assert_null(rs_holders_validate_locked(&resource, &books));
	assert_null(broken(&books, &resource, 20, 2, 0));
	assert_non_null(broken(&books, &resource, 20, 3, 0));
	assert_non_null(broken(&books, &resource, 20, 0, 0));
	assert_non_null(broken(&books, &resource, 0, 2, 0));
	resource.capacity = 5;
	assert_non_null(broken(&books, &resource, 21, 2, 1)); /* beyond `used` */
	books.used = 2;
	assert_null(broken(&books, &resource, 21, 2, 1));
	assert_non_null(broken(&books, &resource, 20, 2, 1)); /* twice */
	resource.flags = ROUSE_RESOURCE_UNTRACKED;
	assert_null(rs_holders_validate_locked(&resource, &books)); /* two are not accounted for, and it says so */
	resource.value = 6;
	assert_non_null(rs_holders_validate_locked(&resource, &books));
}

TEST_MAIN_WITH(enter_runtime, leave_runtime, T(the_table_lies_within_the_slot_and_says_how_long_it_is),
	T(what_a_task_takes_is_its_own_until_it_gives_it_back), T(outside_any_task_the_holder_is_the_marked_thread),
	T(permits_are_the_waiters_as_soon_as_they_are_granted),
	T(only_who_has_permits_of_an_owned_one_may_release_them), T(permits_are_handed_to_another_task),
	T(an_owned_one_has_an_entry_for_each_permit), T(permits_that_others_release_are_shared),
	T(a_grant_that_is_dropped_is_given_back_whoever_drops_it),
	T(a_wait_that_ends_without_permits_leaves_the_books_alone),
	T(another_task_that_fetches_a_grant_has_it_from_then_on),
	T(giving_back_what_another_took_is_untracked_until_all_is_home),
	T(a_foreign_thread_that_gives_back_for_a_task_is_not_the_holder),
	T(permits_brought_when_all_are_home_keep_the_books_right),
	T(a_grant_that_comes_back_to_a_full_house_is_one_more), T(a_slot_that_is_used_again_begins_with_clean_books),
	T(more_holders_than_entries_are_untracked_until_all_is_home), T(a_dump_names_the_holders),
	T(validate_finds_every_way_to_be_wrong));
