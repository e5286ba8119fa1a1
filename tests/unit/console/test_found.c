/* SPDX-License-Identifier: MIT */
/* What the console finds itself goes out as frames, and comes in again as it was. */
#include "test.h"

#include "looks.h"

#include <errno.h>
#include <string.h>

#include <frame.h>

#include "model/found.h"

enum { TID = 71, TASK = 20, SITE = 3 };

/* Two models that see the same looks; the second one hears the rest from the first one, by frames. */
struct pair {
	struct cn_model *from, *to;
	struct rp_decoder *decoder;
	unsigned int frames;
};

static void pass_on(void *arg, const Rouse__V1__Frame *frame)
{
	struct pair *pair = arg;
	const Rouse__V1__Frame *again;
	uint8_t bytes[8192];
	size_t n = 0;

	assert_int_equal(rp_frame_pack(frame, bytes, sizeof bytes, &n), 0);
	assert_int_equal(rp_frame_decode(pair->decoder, bytes, n, &again), 0);
	assert_int_equal(cn_found_apply(pair->to, again), 0);
	pair->frames++;
}

static void look(struct cn_model *model)
{
	struct look look = look_at(model, 5 * S);

	look.tid = TID;
	look_task(&look, (struct task_row){ .id = TASK, .state = ROUSE_TASK_PENDING, .spawn_site = SITE });
	look_end(&look);
}

static int make(void **state)
{
	static struct pair pair;

	pair = (struct pair){ .from = cn_model_new(), .to = cn_model_new(), .decoder = rp_decoder_new() };
	if (!pair.from || !pair.to || !pair.decoder)
		return -1;
	look(pair.from);
	look(pair.to);
	cn_model_tell_found(pair.from, pass_on, &pair);
	*state = &pair;
	return 0;
}

static int unmake(void **state)
{
	struct pair *pair = *state;

	cn_model_free(pair->from);
	cn_model_free(pair->to);
	rp_decoder_free(pair->decoder);
	return 0;
}

static const struct cn_stack some_stack = {
	.tid = TID, .why = EFAULT, .n = 3, .sure = 2, .ns = 4 * S, .pc = { 0x1000, 0x2000, 0x3000 }
};

static void a_stack_and_its_names_come_in_as_they_were(void **state)
{
	struct pair *pair = *state;
	const struct cn_symbol symbol = { .pc = 0x2000,
		.offset = 0x200,
		.line = 17,
		.function = "work",
		.within = "outer",
		.file = "src/work.c",
		.module = "server" };
	const struct cn_stack *stack;

	cn_model_put_stack(pair->from, 0, &some_stack);
	assert_int_equal(cn_model_put_symbol(pair->from, &symbol), 0);
	stack = cn_model_stack(pair->to, 0, TID);
	assert_non_null(stack);
	assert_memory_equal(stack, &some_stack, sizeof some_stack);
	assert_non_null(cn_model_symbol(pair->to, 0x2000));
	assert_memory_equal(cn_model_symbol(pair->to, 0x2000), &symbol, sizeof symbol);
	assert_int_equal(pair->frames, 2);
}

static struct cn_block some_block(void)
{
	struct cn_block block = { .begin_ns = 3 * S,
		.blocked_ns = 20 * MS,
		.run_queue_ns = 1 * MS,
		.task = TASK,
		.arguments = { 5, 6, 7 },
		.site = SITE,
		.tid = TID,
		.call = 7,
		.owner = 99,
		.waker = 98,
		.kind = CN_BLOCK_CALL,
		.waker_kind = CN_WAKER_FOREIGN,
		.owner_name = "keeper",
		.waker_name = "waker",
		.file = "/tmp/file" };

	return block;
}

static void a_block_comes_in_with_its_stack_unwound(void **state)
{
	struct pair *pair = *state;
	struct cn_block block = some_block();
	const struct cn_block *there;

	block.stack = some_stack;
	block.stack.ns = block.begin_ns;
	assert_int_equal(cn_kernel_put_block(pair->from, &block), 0);
	there = cn_kernel_block(pair->to, 0);
	assert_non_null(there);
	assert_memory_equal(there, cn_kernel_block(pair->from, 0), sizeof *there);
	assert_memory_equal(cn_kernel_longest(pair->to, 0), there, sizeof *there);
}

static void a_wait_that_goes_on_is_none_that_has_ended(void **state)
{
	struct pair *pair = *state;
	const struct cn_block wait = some_block();

	assert_int_equal(cn_kernel_put_wait(pair->from, &wait), 0);
	assert_null(cn_kernel_block(pair->to, 0));
	assert_non_null(cn_kernel_wait_of(pair->to, 0, TID));
	assert_memory_equal(cn_kernel_wait_of(pair->to, 0, TID), cn_kernel_wait_of(pair->from, 0, TID), sizeof wait);
}

static void samples_come_in_one_by_one(void **state)
{
	struct pair *pair = *state;
	const uint64_t pc[] = { 0xffff000012345678, 0x4000 };
	struct cn_profile_row row;

	for (int i = 0; i < 3; i++)
		assert_int_equal(cn_kernel_put_sample(pair->from, 0, SITE, TASK, pc, 2), 0);
	assert_int_equal(cn_profile_rows(pair->to), 1);
	row = cn_profile_row_at(pair->to, 0);
	assert_int_equal(row.count, 3);
	assert_int_equal(row.task, TASK);
	assert_int_equal(row.site, SITE);
	assert_int_equal(row.n, 2);
	assert_memory_equal(row.pc, pc, sizeof pc);
}

static void what_does_not_measure_and_what_was_lost_is_told(void **state)
{
	struct pair *pair = *state;
	const struct cn_kernel *kernel;

	assert_int_equal(cn_kernel_refused(pair->from, 1u << CN_KERNEL_SCHED, -EPERM, "no CAP_BPF"), 0);
	assert_int_equal(cn_kernel_lost(pair->from, 7), 0);
	kernel = cn_model_kernel(pair->to);
	assert_non_null(kernel);
	assert_true(kernel->groups[CN_KERNEL_SCHED].wanted);
	assert_int_equal(kernel->groups[CN_KERNEL_SCHED].status, -EPERM);
	assert_string_equal(kernel->groups[CN_KERNEL_SCHED].why, "no CAP_BPF");
	assert_int_equal(kernel->stacks_lost, 7);
}

static void a_round_of_sums_passes_through(void **state)
{
	struct pair *pair = *state;
	Rouse__V1__KernelSums rows = ROUSE__V1__KERNEL_SUMS__INIT;
	Rouse__V1__Kernel kernel = ROUSE__V1__KERNEL__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t by = 1, worker = TID;
	uint64_t id = TASK, blocked_ns = 5 * MS;

	rows.n_by = rows.n_id = rows.n_worker = rows.n_blocked_ns = 1;
	rows.by = &by;
	rows.id = &id;
	rows.worker = &worker;
	rows.blocked_ns = &blocked_ns;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SUMS;
	frame.kernel_sums = &rows;
	assert_int_equal(cn_kernel_apply(pair->from, &frame), 0);
	kernel.since_ns = 1 * S;
	kernel.mono_ns = 5 * S;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL;
	frame.kernel = &kernel;
	assert_int_equal(cn_kernel_apply(pair->from, &frame), 1);
	assert_non_null(cn_kernel_of_task(pair->to, TASK));
	assert_int_equal(cn_kernel_of_task(pair->to, TASK)->ns[CN_OFF_blocked], 5 * MS);
	assert_int_equal(cn_model_kernel(pair->to)->rounds, 1);
}

/* So that a block of a recording that begins later has what was told before it. */
static void all_that_holds_can_be_told_again(void **state)
{
	struct pair *pair = *state;
	const struct cn_symbol symbol = { .pc = 0x2000, .function = "work" };

	cn_model_tell_found(pair->from, NULL, NULL);
	assert_int_equal(cn_model_put_symbol(pair->from, &symbol), 0);
	assert_int_equal(cn_kernel_refused(pair->from, 1u << CN_KERNEL_PROFILE, -ENOSYS, "not here"), 0);
	assert_null(cn_model_symbol(pair->to, 0x2000));
	cn_model_tell_found(pair->from, pass_on, pair);
	cn_found_tell_all(pair->from);
	assert_non_null(cn_model_symbol(pair->to, 0x2000));
	assert_int_equal(cn_model_kernel(pair->to)->groups[CN_KERNEL_PROFILE].status, -ENOSYS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(TEST(a_stack_and_its_names_come_in_as_they_were), TEST(a_block_comes_in_with_its_stack_unwound),
	TEST(a_wait_that_goes_on_is_none_that_has_ended), TEST(samples_come_in_one_by_one),
	TEST(what_does_not_measure_and_what_was_lost_is_told), TEST(a_round_of_sums_passes_through),
	TEST(all_that_holds_can_be_told_again));
