/* SPDX-License-Identifier: MIT */
/* Where handles and wakers stand, in a target made by hand. */
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "fake.h"
#include "inspect/look.h"
#include "inspect/references.h"
#include "stream.h"

enum { TASK = 20, OTHER = 21, CHANNEL = 31, NEIGHBOUR = 32, STACK_BYTES = 8192, RESOURCE_STRIDE = 256 };

/* The fake's memory as mappings: its heap, and a stack. */
static struct {
	struct ri_region regions[4];
	size_t n_regions;
	struct ri_hand threads[4];
	size_t n_threads;
	int moves_after; /* looks at a thread until it has moved; -1 = it rests */
} world;

static int regions(void *arg, struct ri_region *out, size_t capacity)
{
	(void)arg;
	for (size_t i = 0; i < world.n_regions && i < capacity; i++)
		out[i] = world.regions[i];
	return (int)world.n_regions;
}

static int threads(void *arg, struct ri_hand *out, size_t capacity)
{
	(void)arg;
	for (size_t i = 0; i < world.n_threads && i < capacity; i++)
		out[i] = world.threads[i];
	return (int)world.n_threads;
}

static int same_thread(void *arg, struct ri_hand *thread)
{
	(void)arg;
	for (size_t i = 0; i < world.n_threads; i++)
		if (world.threads[i].os_tid == thread->os_tid)
			*thread = world.threads[i];
	if (world.moves_after == 0)
		thread->sp += 64;
	else
		world.moves_after -= world.moves_after > 0;
	return 0;
}

struct scene {
	struct fake fake;
	struct rouse_inspect *inspect;
	struct stream stream;
	uint64_t task, other, channel, heap, stack;
};

static void build(struct scene *scene)
{
	struct fake *fake = &scene->fake;

	fake_init(fake);
	uint64_t tasks = fake_chunk(fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);
	uint64_t resources = fake_chunk(fake, ROUSE_CHUNK_RESOURCE, RESOURCE_STRIDE);

	scene->task = fake_task(fake, tasks, FAKE_STRIDE, 0, TASK);
	scene->other = fake_task(fake, tasks, FAKE_STRIDE, 1, OTHER);
	scene->channel = resources + RESOURCE_STRIDE;
	*(struct rouse_resource_record *)fake_at(fake, scene->channel) =
		(struct rouse_resource_record){ .serial = CHANNEL, .kind = ROUSE_RESOURCE_MPSC };
	*(struct rouse_resource_record *)fake_at(fake, resources) =
		(struct rouse_resource_record){ .serial = NEIGHBOUR, .kind = ROUSE_RESOURCE_ONESHOT };
	scene->heap = fake_alloc(fake, 1024);
	scene->stack = fake_alloc(fake, STACK_BYTES);
	world.regions[0] = (struct ri_region){ tasks, scene->stack - tasks, .readable = true };
	world.regions[1] = (struct ri_region){ scene->stack, STACK_BYTES, .readable = true, .guarded = true };
	world.n_regions = 2;
	world.n_threads = 0;
	world.moves_after = -1;
	assert_int_equal(fake_open(fake, &scene->inspect), 0);
	scene->inspect->memory.regions = regions;
	scene->inspect->memory.hands = threads;
	scene->inspect->memory.hand = same_thread;
	stream_init(&scene->stream);
}

static void clear_away(struct scene *scene)
{
	rouse_inspect_close(scene->inspect);
	stream_fini(&scene->stream);
	fake_fini(&scene->fake);
}

static void put(struct scene *scene, uint64_t address, uint64_t word)
{
	memcpy(fake_at(&scene->fake, address), &word, sizeof word);
}

static void put_waker(struct scene *scene, uint64_t address, uint64_t cell)
{
	put(scene, address, cell);
	put(scene, address + 8, FAKE_TASK_VTABLE);
}

static void look(struct scene *scene, const uint64_t *ids, size_t n)
{
	const struct rouse_look_opts opts = { .size = sizeof opts, .detail = ids, .n_detail = n };

	stream_clear(&scene->stream);
	assert_int_equal(rouse_inspect_look(scene->inspect, &opts, stream_take, &scene->stream), 0);
}

static const uint64_t both[] = { CHANNEL, TASK };

/* How often the id stands in frames of the task; -1: no such row. */
static int64_t stands(const struct scene *scene, uint64_t id, uint64_t task)
{
	return stream_references(&scene->stream, id, task, NULL);
}

static size_t rows(const struct scene *scene, uint64_t id)
{
	size_t n = 0;

	for (size_t i = 0; i < scene->stream.n; i++) {
		const Rouse__V1__References *r = scene->stream.frames[i]->references;

		if (scene->stream.frames[i]->body_case == ROUSE__V1__FRAME__BODY_REFERENCES)
			for (size_t k = 0; k < r->n_id; k++)
				n += r->id[k] == id;
	}
	return n;
}

static bool complete(const struct scene *scene, uint64_t id)
{
	bool whole = true;

	for (size_t i = 0; i < scene->stream.n; i++) {
		const Rouse__V1__References *r = scene->stream.frames[i]->references;

		if (scene->stream.frames[i]->body_case == ROUSE__V1__FRAME__BODY_REFERENCES)
			for (size_t k = 0; k < r->n_id; k++)
				whole = whole && (r->id[k] != id || r->complete[k]);
	}
	return whole;
}

#define SCENE(NAME)                                                                                                    \
	struct scene NAME;                                                                                             \
	(void)state;                                                                                                   \
	build(&NAME)

static void nowhere_is_a_row_that_says_so(void **state)
{
	SCENE(scene);
	look(&scene, both, 2);
	assert_int_equal(rows(&scene, CHANNEL), 1);
	assert_int_equal(stands(&scene, CHANNEL, 0), 0);
	assert_int_equal(stands(&scene, TASK, 0), 0);
	assert_true(complete(&scene, CHANNEL) && complete(&scene, TASK));
	look(&scene, NULL, 0);
	assert_int_equal(rows(&scene, CHANNEL), 0);
	clear_away(&scene);
}

static void a_pointer_in_a_frame_is_its_tasks(void **state)
{
	SCENE(scene);
	put(&scene, scene.other + ROUSE_CELL_BYTES + 40, scene.channel);
	put(&scene, scene.other + ROUSE_CELL_BYTES + 64, scene.channel);
	put(&scene, scene.heap, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, OTHER), 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 1);
	assert_int_equal(rows(&scene, CHANNEL), 2);
	clear_away(&scene);
}

static void a_waker_is_a_pair_a_cell_alone_is_none(void **state)
{
	SCENE(scene);
	put(&scene, scene.heap, scene.task);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, TASK, 0), 0);
	put_waker(&scene, scene.heap + 8, scene.task);
	put_waker(&scene, scene.other + ROUSE_CELL_BYTES + 40, scene.task);
	put_waker(&scene, scene.task + ROUSE_CELL_BYTES + 40, scene.task);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, TASK, 0), 1);
	assert_int_equal(stands(&scene, TASK, OTHER), 1);
	assert_int_equal(stands(&scene, TASK, TASK), 1);
	clear_away(&scene);
}

static void a_registration_is_a_waker_where_it_stands(void **state)
{
	SCENE(scene);
	uint64_t root = scene.task + ROUSE_CELL_BYTES;

	fake_frame(&scene.fake, root + 96, FAKE_LEAF_TYPE, root);
	fake_wait(&scene.fake, root + 96, scene.task, CHANNEL);
	put_waker(&scene, scene.other + offsetof(struct rouse_cell_record, join_waker), scene.task);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, TASK, TASK), 1);
	assert_int_equal(stands(&scene, TASK, OTHER), 1); /* it joins that one */
	clear_away(&scene);
}

static void on_a_stack_half_a_waker_is_one(void **state)
{
	SCENE(scene);
	world.threads[0] = (struct ri_hand){
		.tid = 1, .os_tid = 1, .whole = true, .sleeps = true, .syscall = -1, .sp = scene.stack + 4096
	};
	world.n_threads = 1;
	put(&scene, scene.stack + 4200, scene.task);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, TASK, 0), 1);
	clear_away(&scene);
}

static void pointers_into_the_slot_count_and_its_own_do_not(void **state)
{
	SCENE(scene);
	put(&scene, scene.heap, scene.channel + RESOURCE_STRIDE - 1);
	put(&scene, scene.heap + 8, scene.channel + RESOURCE_STRIDE); /* the next one */
	put(&scene, scene.heap + 16, scene.channel - 1);
	put(&scene, scene.channel + 200, scene.channel + 8);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 1);
	clear_away(&scene);
}

static void another_resources_slot_is_elsewhere(void **state)
{
	SCENE(scene);
	put(&scene, scene.channel - RESOURCE_STRIDE + 160, scene.channel); /* a oneshot's value, say */
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 1);
	put(&scene, scene.channel - RESOURCE_STRIDE, 0); /* given back */
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 0);
	assert_int_equal(rows(&scene, CHANNEL), 1);
	clear_away(&scene);
}

static void words_that_are_not_aligned_are_none(void **state)
{
	SCENE(scene);
	put(&scene, scene.heap + 4, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 0);
	clear_away(&scene);
}

static void free_slots_and_the_rest_of_a_slot_are_nobodys(void **state)
{
	SCENE(scene);
	uint64_t free_slot = scene.other + FAKE_STRIDE;

	put(&scene, free_slot + ROUSE_CELL_BYTES + 40, scene.channel);
	put(&scene, scene.other + ROUSE_CELL_BYTES + 256, scene.channel); /* the frame has 256 bytes */
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 0);
	assert_int_equal(rows(&scene, CHANNEL), 1);
	put(&scene, scene.other + ROUSE_CELL_BYTES + 248, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, OTHER), 1);
	clear_away(&scene);
}

static void a_frame_of_unknown_type_is_all_of_its_slot(void **state)
{
	SCENE(scene);
	put(&scene, scene.other + ROUSE_CELL_BYTES, 0x1234); /* its type */
	put(&scene, scene.other + ROUSE_CELL_BYTES + 256, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, OTHER), 1);
	clear_away(&scene);
}

static void what_an_ended_task_left_is_elsewhere(void **state)
{
	SCENE(scene);
	struct rouse_cell_record *cell = fake_at(&scene.fake, scene.other);

	cell->state |= ROUSE_COMPLETE;
	put(&scene, scene.other + ROUSE_CELL_BYTES + 40, scene.channel); /* its result, say */
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 1);
	clear_away(&scene);
}

static void a_frame_outside_its_slot_is_its_tasks_too(void **state)
{
	SCENE(scene);
	struct rouse_cell_record *cell = fake_at(&scene.fake, scene.other);

	cell->future = scene.heap + 128;
	fake_frame(&scene.fake, cell->future, FAKE_MAIN_TYPE, 0); /* 256 bytes */
	put(&scene, scene.heap + 128 + 248, scene.channel);
	put(&scene, scene.heap + 128 + 256, scene.channel);
	put(&scene, scene.heap + 120, scene.channel);
	put(&scene, scene.other + ROUSE_CELL_BYTES + 64, scene.channel); /* the slot has but cell and name */
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, OTHER), 1);
	assert_int_equal(stands(&scene, CHANNEL, 0), 2);
	clear_away(&scene);
}

static void a_waker_that_lies_over_two_reads_is_seen(void **state)
{
	SCENE(scene);
	uint64_t before = fake_alloc(&scene.fake, RI_SEARCH_WINDOW), cut = fake_alloc(&scene.fake, 4096);

	(void)before;
	scene.stack = cut + 4096; /* the end of it all */

	world.regions[0].bytes = cut - world.regions[0].address;
	world.regions[1] = (struct ri_region){ cut, scene.stack - cut, .readable = true };
	put_waker(&scene, cut - 8, scene.task);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, TASK, 0), 0); /* two mappings: no waker lies over both */
	world.regions[0].bytes = scene.stack - world.regions[0].address;
	world.n_regions = 1;
	/* Windows begin where the mapping does. */
	world.regions[0].address = cut - RI_SEARCH_WINDOW;
	world.regions[0].bytes = scene.stack - world.regions[0].address;
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, TASK, 0), 1);
	clear_away(&scene);
}

/* ------------------------------------------------------ threads and stacks */

static void sleep_as_worker(struct scene *scene, uint64_t sp, uint64_t below)
{
	struct rouse_worker_record *worker = fake_worker(&scene->fake, 0);

	fake_page(&scene->fake)->workers = 1;
	*worker = (struct rouse_worker_record){ .tid = 7, .state = ROUSE_WORKER_PARKED, .stack = below };
	world.threads[0] =
		(struct ri_hand){ .tid = 7, .os_tid = 107, .sleeps = true, .syscall = SYS_futex, .sp = sp };
	world.n_threads = 1;
}

static void what_a_sleeping_worker_does_not_use_is_left_out(void **state)
{
	SCENE(scene);
	sleep_as_worker(&scene, scene.stack + 4096, scene.stack + 5120);
	put(&scene, scene.stack + 64, scene.channel);   /* below its stack pointer */
	put(&scene, scene.stack + 4200, scene.channel); /* in the runtime's frames */
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 0);
	assert_true(complete(&scene, CHANNEL));
	put(&scene, scene.stack + 5120, scene.channel); /* above: a thread's own variable, say */
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 1);
	clear_away(&scene);
}

static void a_worker_that_polls_uses_all(void **state)
{
	SCENE(scene);
	sleep_as_worker(&scene, scene.stack + 4096, scene.stack + 5120);
	fake_worker(&scene.fake, 0)->current_task = OTHER; /* its state may be read too late */
	put(&scene, scene.stack + 64, scene.channel);
	put(&scene, scene.stack + 4200, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 2);
	assert_false(complete(&scene, CHANNEL)); /* it could have another one in a register */
	clear_away(&scene);
}

static void a_worker_with_a_task_in_its_hands_uses_its_frames(void **state)
{
	SCENE(scene);
	sleep_as_worker(&scene, scene.stack + 4096, scene.stack + 5120);
	fake_worker(&scene.fake, 0)->in_transit = TASK;
	put_waker(&scene, scene.stack + 4200, scene.task);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, TASK, 0), 1);
	clear_away(&scene);
}

static void one_that_woke_meanwhile_is_read_whole(void **state)
{
	SCENE(scene);
	sleep_as_worker(&scene, scene.stack + 4096, scene.stack + 5120);
	put(&scene, scene.stack + 64, scene.channel);
	put(&scene, scene.stack + 6000, scene.channel);
	world.moves_after = 1;
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 2);
	clear_away(&scene);
}

static void a_stack_whose_end_is_not_known_is_read_whole(void **state)
{
	SCENE(scene);
	sleep_as_worker(&scene, scene.stack + 4096, scene.stack + 5120);
	world.regions[1].guarded = false;
	put(&scene, scene.stack + 64, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 1);
	clear_away(&scene);
}

static void a_thread_of_the_programs_may_hide_a_pointer(void **state)
{
	SCENE(scene);
	world.threads[0] = (struct ri_hand){ .tid = 9,
		.os_tid = 9,
		.sleeps = true,
		.syscall = SYS_futex,
		.n_words = 1,
		.words = { scene.heap + offsetof(struct rouse_blocked_record, word) },
		.sp = scene.stack + 4096 };
	world.n_threads = 1;
	put(&scene, scene.stack + 64, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 1);
	assert_false(complete(&scene, CHANNEL));
	/* In rouse_block_on() all it keeps is on its stack, above the stack pointer. */
	put(&scene, scene.heap, ROUSE_BLOCKED_MAGIC);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 0);
	assert_true(complete(&scene, CHANNEL));
	clear_away(&scene);
}

static void registers_that_are_known_are_searched(void **state)
{
	SCENE(scene);
	world.threads[0] = (struct ri_hand){
		.tid = 9, .os_tid = 9, .whole = true, .syscall = -1, .n_words = 2, .words = { 1, scene.channel }
	};
	world.n_threads = 1;
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 2); /* at the beginning, and at the end */
	assert_true(complete(&scene, CHANNEL));
	clear_away(&scene);
}

static void below_the_stack_pointer_of_one_that_cannot_go_on_is_nothing(void **state)
{
	SCENE(scene);
	world.threads[0] = (struct ri_hand){
		.tid = 9, .os_tid = 9, .sleeps = true, .whole = true, .syscall = -1, .sp = scene.stack + 4096
	};
	world.n_threads = 1;
	put(&scene, scene.stack + 64, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 0);
	assert_true(complete(&scene, CHANNEL));
	put(&scene, scene.stack + 4096 - 128, scene.channel); /* the red zone */
	put(&scene, scene.stack + 6000, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 2);
	clear_away(&scene);
}

/* ------------------------------------------------------------------ limits */

static void what_is_not_known_is_not_complete(void **state)
{
	SCENE(scene);
	scene.inspect->memory.hands = NULL;
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 0);
	assert_false(complete(&scene, CHANNEL));
	scene.inspect->memory.hands = threads;
	scene.inspect->memory.regions = NULL;
	look(&scene, both, 2);
	assert_false(complete(&scene, CHANNEL));
	clear_away(&scene);
}

static void memory_that_cannot_be_read_is_not_complete(void **state)
{
	SCENE(scene);
	world.regions[2] = (struct ri_region){ FAKE_BASE + 2 * FAKE_BYTES, 65536, .readable = true };
	world.n_regions = 3;
	put(&scene, scene.heap, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 1); /* the rest was searched all the same */
	assert_false(complete(&scene, CHANNEL));
	world.n_regions = 2;
	world.regions[1].readable = false;
	look(&scene, both, 2);
	assert_false(complete(&scene, CHANNEL));
	clear_away(&scene);
}

static void mappings_that_make_no_sense_do_no_harm(void **state)
{
	SCENE(scene);
	world.regions[0] = (struct ri_region){ UINT64_MAX - 100, 4096, .readable = true, .guarded = true };
	world.regions[1] = (struct ri_region){ scene.heap + 3, 0, .readable = true };
	world.regions[2] = (struct ri_region){ 0, UINT64_MAX, .readable = true };
	world.regions[3] = (struct ri_region){ scene.heap + 3, 61, .readable = true };
	world.n_regions = 4;
	put(&scene, scene.heap + 8, scene.channel);
	look(&scene, both, 1);
	assert_false(complete(&scene, CHANNEL));
	clear_away(&scene);
}

static void the_runtimes_own_page_and_copies_of_readers_are_left_out(void **state)
{
	SCENE(scene);
	world.regions[2] = (struct ri_region){ FAKE_BASE, 8192, .readable = true, .shared = true };
	world.n_regions = 3;
	put(&scene, FAKE_BASE + 4096 - 64, scene.channel);
	look(&scene, both, 2);
	assert_int_equal(stands(&scene, CHANNEL, 0), 0);
	clear_away(&scene);
}

static void what_is_searched_for_twice_waits_then(void **state)
{
	SCENE(scene);
	look(&scene, both, 2);
	assert_int_equal(rows(&scene, CHANNEL), 1);
	look(&scene, both, 2);
	assert_int_equal(rows(&scene, CHANNEL), 1);
	look(&scene, both, 2);
	assert_int_equal(rows(&scene, CHANNEL), 0);
	look(&scene, both + 1, 1); /* the other goes on waiting, this one is forgotten */
	look(&scene, both, 2);
	assert_int_equal(rows(&scene, CHANNEL), 1);
	assert_int_equal(rows(&scene, TASK), 0);
	clear_away(&scene);
}

static void ids_that_are_not_there_have_no_rows(void **state)
{
	const uint64_t ids[] = { 0, 999, CHANNEL, CHANNEL };

	SCENE(scene);
	look(&scene, ids, 4);
	assert_int_equal(rows(&scene, 999), 0);
	assert_int_equal(rows(&scene, 0), 0);
	assert_int_equal(rows(&scene, CHANNEL), 1);
	clear_away(&scene);
}

TEST_MAIN(cmocka_unit_test(nowhere_is_a_row_that_says_so), cmocka_unit_test(a_pointer_in_a_frame_is_its_tasks),
	cmocka_unit_test(a_waker_is_a_pair_a_cell_alone_is_none),
	cmocka_unit_test(a_registration_is_a_waker_where_it_stands), cmocka_unit_test(on_a_stack_half_a_waker_is_one),
	cmocka_unit_test(pointers_into_the_slot_count_and_its_own_do_not),
	cmocka_unit_test(another_resources_slot_is_elsewhere), cmocka_unit_test(words_that_are_not_aligned_are_none),
	cmocka_unit_test(free_slots_and_the_rest_of_a_slot_are_nobodys),
	cmocka_unit_test(a_frame_of_unknown_type_is_all_of_its_slot),
	cmocka_unit_test(what_an_ended_task_left_is_elsewhere),
	cmocka_unit_test(a_frame_outside_its_slot_is_its_tasks_too),
	cmocka_unit_test(a_waker_that_lies_over_two_reads_is_seen),
	cmocka_unit_test(what_a_sleeping_worker_does_not_use_is_left_out),
	cmocka_unit_test(a_worker_that_polls_uses_all),
	cmocka_unit_test(a_worker_with_a_task_in_its_hands_uses_its_frames),
	cmocka_unit_test(one_that_woke_meanwhile_is_read_whole),
	cmocka_unit_test(a_stack_whose_end_is_not_known_is_read_whole),
	cmocka_unit_test(a_thread_of_the_programs_may_hide_a_pointer),
	cmocka_unit_test(registers_that_are_known_are_searched),
	cmocka_unit_test(below_the_stack_pointer_of_one_that_cannot_go_on_is_nothing),
	cmocka_unit_test(what_is_not_known_is_not_complete),
	cmocka_unit_test(memory_that_cannot_be_read_is_not_complete),
	cmocka_unit_test(mappings_that_make_no_sense_do_no_harm),
	cmocka_unit_test(the_runtimes_own_page_and_copies_of_readers_are_left_out),
	cmocka_unit_test(what_is_searched_for_twice_waits_then), cmocka_unit_test(ids_that_are_not_there_have_no_rows));
