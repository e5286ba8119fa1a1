/* SPDX-License-Identifier: MIT */
/* What a look says about a target whose every byte is known. */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "fake.h"
#include "stream.h"

struct target {
	struct fake fake;
	struct rouse_inspect *inspect;
	struct stream stream;
	uint64_t chunk; /* of tasks */
};

static int setup(void **state)
{
	static struct target target;

	fake_init(&target.fake);
	stream_init(&target.stream);
	target.chunk = fake_chunk(&target.fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);
	assert_int_equal(fake_open(&target.fake, &target.inspect), 0);
	*state = &target;
	return 0;
}

static int teardown(void **state)
{
	struct target *t = *state;

	rouse_inspect_close(t->inspect);
	stream_fini(&t->stream);
	fake_fini(&t->fake);
	return 0;
}

static int look(struct target *t, bool changes_only)
{
	const struct rouse_look_opts opts = { .size = sizeof opts, .changes_only = changes_only };

	stream_clear(&t->stream);
	return rouse_inspect_look(t->inspect, &opts, stream_take, &t->stream);
}

static void hello_then_one_generation_per_look(void **state)
{
	struct target *t = *state;

	assert_int_equal(look(t, false), 0);
	const Rouse__V1__Hello *hello = t->stream.frames[0]->hello;

	assert_int_equal(t->stream.frames[0]->body_case, ROUSE__V1__FRAME__BODY_HELLO);
	assert_int_equal(hello->protocol, 1);
	assert_int_equal(hello->layout, ROUSE_LAYOUT_VERSION);
	assert_int_equal(hello->pid, 4242);
	assert_string_equal(hello->source, "memory");
	assert_int_equal(hello->hz, 1000000000 / FAKE_TICK_NS);
	assert_int_equal(hello->n_runtimes, 1);
	assert_string_equal(hello->runtimes[0], "fake");
	assert_int_equal(hello->start_ns, FAKE_ANCHOR_NS - (FAKE_ANCHOR_TICKS - 10) * FAKE_TICK_NS);
	assert_int_equal(t->stream.frames[1]->body_case, ROUSE__V1__FRAME__BODY_BEGIN);
	assert_true(t->stream.frames[1]->begin->keyframe);
	assert_int_equal(t->stream.frames[1]->begin->number, 1);
	assert_int_equal(t->stream.frames[t->stream.n - 1]->body_case, ROUSE__V1__FRAME__BODY_END);
	assert_true(stream_end(&t->stream)->complete);
	assert_int_equal(look(t, false), 0);
	assert_int_equal(t->stream.frames[0]->body_case, ROUSE__V1__FRAME__BODY_BEGIN);
	assert_int_equal(t->stream.frames[0]->begin->number, 2);
}

static void a_name_that_is_not_text_does_not_break_strict_decoders(void **state)
{
	struct target *t = *state;

	memcpy(fake_page(&t->fake)->name, "\x1b[31m\xff!", 8);
	assert_int_equal(look(t, false), 0);
	assert_string_equal(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->runtime_name, "?[31m?!");
}

static void every_column_of_a_task_comes_from_its_cell(void **state)
{
	struct target *t = *state;
	uint64_t address = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 3, 99);
	struct rouse_cell_record *cell = fake_at(&t->fake, address);
	size_t row;

	cell->state = 0x123456ull << ROUSE_STAMP_SHIFT | 3 * ROUSE_HANDLE_ONE | 5 * ROUSE_WAKER_ONE | ROUSE_NOTIFIED |
		      ROUSE_JOIN_INTEREST;
	cell->last_waker = 77;
	cell->polls = 12;
	cell->wakes = 11;
	cell->self_wakes = 4;
	cell->parent = 55;
	cell->worker = 1;
	cell->kind = ROUSE_KIND_DAEMON;
	cell->name_offset = 400;
	memcpy((char *)cell + 400, "by name", 8);
	assert_int_equal(look(t, false), 0);
	const Rouse__V1__Tasks *tasks = stream_task(&t->stream, 99, &row);

	assert_non_null(tasks);
	assert_int_equal(tasks->state[row], ROUSE_TASK_SCHEDULED);
	assert_int_equal(tasks->flags[row], ROUSE_NOTIFIED | ROUSE_JOIN_INTEREST);
	assert_int_equal(tasks->stamp[row], 0x123456);
	assert_int_equal(tasks->waker_refs[row], 5);
	assert_int_equal(tasks->handle_refs[row], 3);
	assert_string_equal(stream_text(&t->stream, tasks->name[row]), "by name");
	assert_int_equal(tasks->spawn_site[row], FAKE_SPAWN_SITE);
	assert_int_equal(tasks->kind[row], ROUSE_KIND_DAEMON);
	assert_int_equal(tasks->parent[row], 55);
	assert_int_equal(tasks->spawned_ns[row], FAKE_ANCHOR_NS + 10 * FAKE_TICK_NS);
	assert_int_equal(tasks->edge_ns[row], FAKE_ANCHOR_NS + 100 * FAKE_TICK_NS);
	assert_int_equal(tasks->enqueue_ns[row], FAKE_ANCHOR_NS + 50 * FAKE_TICK_NS);
	assert_int_equal(tasks->last_waker[row], 77);
	assert_int_equal(tasks->polls[row], 12);
	assert_int_equal(tasks->wakes[row], 11);
	assert_int_equal(tasks->self_wakes[row], 4);
	assert_int_equal(tasks->busy_ns[row], 10 * FAKE_TICK_NS);
	assert_int_equal(tasks->scheduled_ns[row], 20 * FAKE_TICK_NS);
	assert_int_equal(tasks->worker[row], 1);
	assert_int_equal(tasks->valid[row], 1);
	assert_int_equal(tasks->own_wakers[row], 0);
	assert_int_equal(tasks->frame_bytes[row], 256);
	assert_int_equal(stream_end(&t->stream)->tasks, 1);
}

static void stamps_that_were_never_taken_stay_unknown(void **state)
{
	struct target *t = *state;
	uint64_t address = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 99);
	struct rouse_cell_record *cell = fake_at(&t->fake, address);
	size_t row;

	cell->edge_ticks = cell->enqueue_ticks = 0;
	assert_int_equal(look(t, false), 0);
	const Rouse__V1__Tasks *tasks = stream_task(&t->stream, 99, &row);

	assert_int_equal(tasks->edge_ns[row], 0);
	assert_int_equal(tasks->enqueue_ns[row], 0);
	assert_int_equal(tasks->name[row], 0);
}

static void ended_tasks_are_shown_but_not_counted_as_live(void **state)
{
	struct target *t = *state;
	uint64_t ended = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20);
	size_t row;

	fake_task(&t->fake, t->chunk, FAKE_STRIDE, 1, 21);
	((struct rouse_cell_record *)fake_at(&t->fake, ended))->state |= ROUSE_COMPLETE | ROUSE_PANICKED;
	assert_int_equal(look(t, false), 0);
	assert_int_equal(stream_end(&t->stream)->tasks, 1);
	assert_int_equal(stream_task_rows(&t->stream), 2);
	const Rouse__V1__Tasks *tasks = stream_task(&t->stream, 20, &row);

	assert_int_equal(tasks->state[row], ROUSE_TASK_PANICKED);
}

static void sites_and_their_strings_come_before_the_rows_that_use_them(void **state)
{
	struct target *t = *state;
	size_t strings = 0, sites = 0, tasks = 0;

	fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20);
	assert_int_equal(look(t, false), 0);
	for (size_t i = 0; i < t->stream.n; i++) {
		size_t *seen = t->stream.frames[i]->body_case == ROUSE__V1__FRAME__BODY_STRINGS ? &strings :
			       t->stream.frames[i]->body_case == ROUSE__V1__FRAME__BODY_SITES	? &sites :
			       t->stream.frames[i]->body_case == ROUSE__V1__FRAME__BODY_TASKS	? &tasks :
												  NULL;
		if (seen && !*seen)
			*seen = i;
	}
	assert_true(strings > 0 && strings < sites && sites < tasks);
	const Rouse__V1__Sites *s = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_SITES, 0)->sites;

	assert_int_equal(s->n_id, FAKE_SITES - 1);
	for (size_t i = 0; i < s->n_id; i++) {
		assert_int_equal(s->id[i], i + 1);
		assert_int_equal(s->line[i], 100 + i);
		assert_string_equal(stream_text(&t->stream, s->file[i]), "fake.c");
	}
	assert_string_equal(stream_text(&t->stream, s->name[FAKE_LEAF_TYPE - 1]), "lock");
	assert_int_equal(s->op[FAKE_LEAF_TYPE - 1], ROUSE_OP_LOCK);
	assert_int_equal(s->frame_bytes[FAKE_MAIN_TYPE - 1], 256);
}

static void a_site_that_is_not_whole_yet_comes_with_a_later_look(void **state)
{
	struct target *t = *state;
	struct rouse_site_entry entry = { .kind = ROUSE_SITE_SPAWN, .name = fake_string(&t->fake, "late") };
	uint32_t late = fake_add_site(&t->fake, entry);

	fake_add_site(&t->fake, (struct rouse_site_entry){ .kind = ROUSE_SITE_SPAWN, .name = entry.name });
	fake_site(&t->fake, late)->kind = 0;
	assert_int_equal(look(t, false), 0);
	const Rouse__V1__Sites *s = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_SITES, 0)->sites;

	assert_int_equal(s->n_id, FAKE_SITES);
	assert_int_equal(s->id[FAKE_SITES - 1], late + 1);
	fake_site(&t->fake, late)->kind = ROUSE_SITE_SPAWN;
	assert_int_equal(look(t, true), 0);
	s = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_SITES, 0)->sites;
	assert_int_equal(s->n_id, FAKE_SITES + 1);
	assert_int_equal(s->id[FAKE_SITES - 1], late);
	assert_int_equal(look(t, true), 0);
	assert_null(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_SITES, 0));
}

static void a_resource_record_becomes_a_row(void **state)
{
	struct target *t = *state;
	uint64_t chunk = fake_chunk(&t->fake, ROUSE_CHUNK_RESOURCE, 192);
	struct rouse_resource_record *record = fake_at(&t->fake, chunk + 2 * 192);
	size_t row;

	*record = (struct rouse_resource_record){ .serial = 31, .kind = ROUSE_RESOURCE_MUTEX,
		.flags = ROUSE_RESOURCE_OWNED, .site = FAKE_RESOURCE_SITE, .name = "the lock", .owner = 99,
		.owner_since = 1100, .creator = 98, .created_ticks = 1050, .value = 1, .capacity = 2, .side_a = 3,
		.side_b = 4, .last_user_a = 5, .last_user_b = 6, .granted = 7 };
	assert_int_equal(look(t, false), 0);
	const Rouse__V1__Resources *r = stream_resource(&t->stream, 31, &row);

	assert_non_null(r);
	assert_int_equal(r->kind[row], ROUSE_RESOURCE_MUTEX);
	assert_int_equal(r->flags[row], ROUSE_RESOURCE_OWNED);
	assert_int_equal(r->site[row], FAKE_RESOURCE_SITE);
	assert_string_equal(stream_text(&t->stream, r->name[row]), "the lock");
	assert_int_equal(r->owner[row], 99);
	assert_int_equal(r->owner_since_ns[row], FAKE_ANCHOR_NS + 100 * FAKE_TICK_NS);
	assert_int_equal(r->creator[row], 98);
	assert_int_equal(r->created_ns[row], FAKE_ANCHOR_NS + 50 * FAKE_TICK_NS);
	assert_int_equal(r->value[row], 1);
	assert_int_equal(r->capacity[row], 2);
	assert_int_equal(r->side_a[row], 3);
	assert_int_equal(r->side_b[row], 4);
	assert_int_equal(r->last_user_a[row], 5);
	assert_int_equal(r->last_user_b[row], 6);
	assert_int_equal(r->granted[row], 7);
}

static void a_notify_that_is_waited_for_has_no_permit(void **state)
{
	static const uint64_t words[] = { 0, 1, ROUSE_NOTIFY_WAITED }, permits[] = { 0, 1, 0 };
	struct target *t = *state;
	uint64_t chunk = fake_chunk(&t->fake, ROUSE_CHUNK_RESOURCE, 192);
	size_t row;

	for (uint64_t i = 0; i < 3; i++)
		*(struct rouse_resource_record *)fake_at(&t->fake, chunk + i * 192) = (struct rouse_resource_record){
			.serial = 40 + i, .kind = ROUSE_RESOURCE_NOTIFY, .value = words[i] };
	assert_int_equal(look(t, false), 0);
	for (uint64_t i = 0; i < 3; i++) {
		const Rouse__V1__Resources *r = stream_resource(&t->stream, 40 + i, &row);

		assert_non_null(r);
		assert_int_equal(r->value[row], permits[i]);
	}
}

static void workers_show_queue_timers_and_counters_the_foreign_one_last(void **state)
{
	struct target *t = *state;
	uint64_t wheels = fake_chunk(&t->fake, ROUSE_CHUNK_RESOURCE, 192);
	uint64_t queue_address = fake_alloc(&t->fake, sizeof(struct rouse_queue_record));
	struct rouse_queue_record *queue = fake_at(&t->fake, queue_address);
	struct rouse_worker_record *worker = fake_worker(&t->fake, 1);

	*(struct rouse_resource_record *)fake_at(&t->fake, wheels) =
		(struct rouse_resource_record){ .serial = 40, .kind = ROUSE_RESOURCE_TIMERS, .value = 7 };
	queue->head = 5ull << 32 | 0xfffffffeu; /* the real index is about to wrap around */
	queue->tail = 1;
	queue->lifo = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20);
	*worker = (struct rouse_worker_record){ .tid = 501, .state = ROUSE_WORKER_POLLING, .current_task = 20,
		.poll_start = 1100, .in_transit = 33, .state_since = 1050, .queue = queue_address, .timers = 40,
		.next_deadline = 777 };
	worker->counters.spawned = 9;
	worker->counters.busy_ticks = 100;
	worker->counters.park_ticks = 50;
	worker->counters.empty_wakes = 6;
	fake_worker(&t->fake, FAKE_WORKERS)->counters.spawned = 4;
	assert_int_equal(look(t, false), 0);
	const Rouse__V1__Workers *w = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_WORKERS, 0)->workers;
	size_t columns = w->counter_columns;

	assert_int_equal(w->n_index, FAKE_WORKERS + 1);
	assert_true(w->has_foreign);
	assert_int_equal(columns, sizeof(struct rouse_counters) / 8);
	assert_int_equal(w->tid[1], 501);
	assert_int_equal(w->state[1], ROUSE_WORKER_POLLING);
	assert_int_equal(w->current_task[1], 20);
	assert_int_equal(w->poll_start_ns[1], FAKE_ANCHOR_NS + 100 * FAKE_TICK_NS);
	assert_int_equal(w->in_transit[1], 33);
	assert_int_equal(w->state_since_ns[1], FAKE_ANCHOR_NS + 50 * FAKE_TICK_NS);
	assert_int_equal(w->local_depth[1], 3);
	assert_int_equal(w->lifo_task[1], 20);
	assert_int_equal(w->timers[1], 7);
	assert_int_equal(w->next_deadline_ns[1], 777);
#define COLUMN(NAME) (offsetof(struct rouse_counters, NAME) / 8)
	assert_int_equal(w->counters[columns + COLUMN(spawned)], 9);
	assert_int_equal(w->counters[columns + COLUMN(busy_ticks)], 100 * FAKE_TICK_NS);
	assert_int_equal(w->counters[columns + COLUMN(park_ticks)], 50 * FAKE_TICK_NS);
	assert_int_equal(w->counters[columns + COLUMN(empty_wakes)], 6);
#undef COLUMN
	assert_int_equal(w->counters[2 * columns], 4);
	assert_int_equal(w->local_depth[0], 0);
	assert_int_equal(w->timers[0], 0);
}

static void histograms_of_a_site_are_summed_over_workers(void **state)
{
	struct target *t = *state;

	fake_histogram(&t->fake, 0, 0)->poll.count[3] = 10;
	fake_histogram(&t->fake, 1, 0)->poll.count[3] = 5;
	fake_histogram(&t->fake, FAKE_WORKERS, 0)->poll.count[3] = 1;
	fake_histogram(&t->fake, 1, 0)->delay.count[39] = UINT32_MAX;
	fake_histogram(&t->fake, 0, 0)->delay.count[39] = 2;
	assert_int_equal(look(t, false), 0);
	const Rouse__V1__Histograms *h = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_HISTOGRAMS, 0)->histograms;

	assert_int_equal(h->n_site, 1);
	assert_int_equal(h->site[0], FAKE_SPAWN_SITE);
	assert_int_equal(h->task[0], 0);
	assert_int_equal(h->buckets, ROUSE_HISTOGRAM_BUCKETS);
	assert_int_equal(h->poll[3], 16);
	assert_int_equal(h->poll[2], 0);
	assert_int_equal(h->delay[39], UINT32_MAX);
}

static void changes_only_sends_what_changed_and_names_what_went(void **state)
{
	struct target *t = *state;
	uint64_t first = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20);
	uint64_t second = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 1, 21);
	size_t row;

	assert_int_equal(look(t, true), 0);
	assert_int_equal(stream_task_rows(&t->stream), 2); /* the first one is a keyframe whatever was asked for */
	assert_true(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->keyframe);
	assert_int_equal(look(t, true), 0);
	assert_int_equal(stream_task_rows(&t->stream), 0);
	assert_false(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->keyframe);
	assert_int_equal(stream_end(&t->stream)->tasks, 2);
	((struct rouse_cell_record *)fake_at(&t->fake, first))->wakes++;
	assert_int_equal(look(t, true), 0);
	assert_int_equal(stream_task_rows(&t->stream), 1);
	assert_non_null(stream_task(&t->stream, 20, &row));
	((struct rouse_cell_record *)fake_at(&t->fake, second))->id = 0;
	fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 22); /* the slot of the first, used again */
	assert_int_equal(look(t, true), 0);
	assert_true(stream_removed(&t->stream, 20));
	assert_true(stream_removed(&t->stream, 21));
	assert_false(stream_removed(&t->stream, 22));
	assert_non_null(stream_task(&t->stream, 22, &row));
	assert_int_equal(look(t, true), 0);
	assert_null(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_REMOVED, 0));
	assert_int_equal(stream_end(&t->stream)->tasks, 1);
}

static void a_running_task_is_sent_every_time(void **state)
{
	struct target *t = *state;
	uint64_t address = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20);
	size_t row;

	((struct rouse_cell_record *)fake_at(&t->fake, address))->state |= ROUSE_RUNNING;
	assert_int_equal(look(t, true), 0);
	assert_int_equal(look(t, true), 0);
	const Rouse__V1__Tasks *tasks = stream_task(&t->stream, 20, &row);

	assert_non_null(tasks);
	assert_int_equal(tasks->valid[row], 0);
	assert_int_equal(tasks->state[row], ROUSE_TASK_RUNNING);
}

static int refuse(void *arg, const uint8_t *bytes, size_t n)
{
	int *left = arg;

	(void)bytes;
	(void)n;
	return (*left)-- > 0 ? 0 : -EPIPE;
}

static void a_look_that_ended_early_is_followed_by_a_keyframe(void **state)
{
	struct target *t = *state;
	const struct rouse_look_opts opts = { .size = sizeof opts, .changes_only = true };
	int frames = 1;

	fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20);
	assert_int_equal(look(t, true), 0);
	assert_int_equal(rouse_inspect_look(t->inspect, &opts, refuse, &frames), -EPIPE);
	assert_int_equal(look(t, true), 0);
	assert_true(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->keyframe);
	assert_int_equal(stream_task_rows(&t->stream), 1);
}

static void rows_beyond_a_frame_go_into_the_next(void **state)
{
	struct target *t = *state;
	for (int chunk = 0; chunk < 14; chunk++) {
		uint64_t at = fake_chunk(&t->fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);

		for (uint32_t slot = 0; slot < FAKE_CELLS; slot++) {
			uint64_t id = 1000 + (uint64_t)chunk * FAKE_CELLS + slot;
			uint64_t address = fake_task(&t->fake, at, FAKE_STRIDE, slot, id);
			struct rouse_cell_record *cell = fake_at(&t->fake, address);

			cell->name_offset = 400;
			snprintf((char *)cell + 400, 100, "task %u with a name of some length, and a tail",
				(unsigned)id);
		}
	}
	assert_int_equal(look(t, false), 0);
	assert_int_equal(stream_task_rows(&t->stream), 14 * FAKE_CELLS);
	assert_int_equal(stream_count(&t->stream, ROUSE__V1__FRAME__BODY_TASKS), 2);
	assert_true(t->stream.largest <= RP_FRAME_MAX);
	size_t row;
	const Rouse__V1__Tasks *tasks = stream_task(&t->stream, 1000 + 14 * FAKE_CELLS - 1, &row);

	assert_string_equal(stream_text(&t->stream, tasks->name[row]),
		"task 1447 with a name of some length, and a tail");
}

static void names_that_are_gone_do_not_pile_up(void **state)
{
	struct target *t = *state;
	uint64_t address = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20);
	struct rouse_cell_record *cell = fake_at(&t->fake, address);
	size_t keyframes = 0;

	cell->name_offset = 200;
	for (unsigned i = 0; i < 10000; i++) { /* 2.5 MB of names, of which one is in use */
		snprintf((char *)cell + 200, 256, "%0250u", i);
		cell->wakes++;
		assert_int_equal(look(t, true), 0);
		keyframes += stream_find(&t->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->keyframe;
	}
	assert_int_equal(keyframes, 3);
}

static void a_runtime_that_went_is_given_an_empty_last_generation(void **state)
{
	struct target *t = *state;

	fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20);
	assert_int_equal(look(t, true), 0);
	memset(fake_page(&t->fake)->magic, 0, 8);
	assert_int_equal(look(t, true), 0);
	const Rouse__V1__GenerationBegin *begin = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin;

	assert_int_equal(begin->state, ROUSE_RUNTIME_STOPPED);
	assert_true(begin->keyframe);
	assert_int_equal(stream_end(&t->stream)->tasks, 0);
	assert_int_equal(look(t, true), 0);
	assert_int_equal(t->stream.n, 0);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(hello_then_one_generation_per_look), TEST(a_name_that_is_not_text_does_not_break_strict_decoders),
	TEST(every_column_of_a_task_comes_from_its_cell), TEST(stamps_that_were_never_taken_stay_unknown),
	TEST(ended_tasks_are_shown_but_not_counted_as_live),
	TEST(sites_and_their_strings_come_before_the_rows_that_use_them),
	TEST(a_site_that_is_not_whole_yet_comes_with_a_later_look), TEST(a_resource_record_becomes_a_row),
	TEST(a_notify_that_is_waited_for_has_no_permit),
	TEST(workers_show_queue_timers_and_counters_the_foreign_one_last),
	TEST(histograms_of_a_site_are_summed_over_workers),
	TEST(changes_only_sends_what_changed_and_names_what_went), TEST(a_running_task_is_sent_every_time),
	TEST(a_look_that_ended_early_is_followed_by_a_keyframe), TEST(rows_beyond_a_frame_go_into_the_next),
	TEST(names_that_are_gone_do_not_pile_up),
	TEST(a_runtime_that_went_is_given_an_empty_last_generation));
