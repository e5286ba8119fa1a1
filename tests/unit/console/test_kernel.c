/* SPDX-License-Identifier: MIT */
/* The kernel's side in the model: what comes of its frames, and how it is joined with what the runtime stamps. */
#include "test.h"

#include "looks.h"

#include <errno.h>
#include <string.h>

#include <frame.h>

#include "model/kernel.h"

enum { TID = 71, TASK = 20, SITE = 3 };

static int make(void **state)
{
	*state = cn_model_new();
	return *state ? 0 : -1;
}

static int unmake(void **state)
{
	cn_model_free(*state);
	return 0;
}

/* A runtime whose worker has thread TID, and one task of site SITE. */
static void look(struct cn_model *model, uint64_t now_ns, uint64_t busy_ns)
{
	struct look look = look_at(model, now_ns);

	look.tid = TID;
	look.counters.busy_ticks = busy_ns;
	look_task(&look, (struct task_row){ .id = TASK,
				 .state = ROUSE_TASK_PENDING,
				 .spawn_site = SITE,
				 .busy_ns = busy_ns,
				 .spawned_ns = 1,
				 .worker = 0 });
	look_end(&look);
}

static int apply(struct cn_model *model, const Rouse__V1__Frame *frame)
{
	assert_int_equal(rp_frame_validate(frame), 0);
	return cn_kernel_apply(model, frame);
}

static int round_of(struct cn_model *model, uint64_t since_ns, int32_t status)
{
	Rouse__V1__Kernel kernel = ROUSE__V1__KERNEL__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t group = CN_KERNEL_SCHED;
	uint64_t uncounted = 2;
	char missing[] = "missing\x1b CAP_BPF", *why = status ? missing : &missing[sizeof missing - 1];

	kernel.since_ns = since_ns;
	kernel.mono_ns = since_ns + S;
	kernel.n_group = kernel.n_status = kernel.n_why = kernel.n_uncounted = 1;
	kernel.group = &group;
	kernel.status = &status;
	kernel.why = &why;
	kernel.uncounted = &uncounted;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL;
	frame.kernel = &kernel;
	return apply(model, &frame);
}

struct sums {
	uint32_t by, worker;
	uint64_t id, blocked_ns, fault_ns, run_queue_ns, preempted_ns;
};

static void sums(struct cn_model *model, struct sums row)
{
	Rouse__V1__KernelSums rows = ROUSE__V1__KERNEL_SUMS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	rows.n_by = rows.n_worker = rows.n_id = 1;
	rows.by = &row.by;
	rows.worker = &row.worker;
	rows.id = &row.id;
	rows.n_blocked_ns = rows.n_fault_ns = rows.n_run_queue_ns = rows.n_preempted_ns = 1;
	rows.blocked_ns = &row.blocked_ns;
	rows.fault_ns = &row.fault_ns;
	rows.run_queue_ns = &row.run_queue_ns;
	rows.preempted_ns = &row.preempted_ns;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SUMS;
	frame.kernel_sums = &rows;
	assert_int_equal(apply(model, &frame), 0);
}

static const struct sums of_task = { .by = 1,
	.id = TASK,
	.worker = TID,
	.blocked_ns = 40 * MS,
	.fault_ns = 3 * MS,
	.run_queue_ns = 20 * MS,
	.preempted_ns = 10 * MS };

static void a_split_counts_from_the_first_round_and_adds_up(void **state)
{
	struct cn_model *model = *state;
	struct cn_split split;

	look(model, 1 * S, 500 * MS);
	assert_null(cn_model_kernel(model));
	assert_false(cn_task_split(model, cn_model_task(model, TASK), &split));
	assert_int_equal(round_of(model, 1 * S, 0), 1);
	look(model, 2 * S, 600 * MS);
	sums(model, of_task);
	assert_int_equal(round_of(model, 1 * S, 0), 1);

	assert_true(cn_task_split(model, cn_model_task(model, TASK), &split));
	assert_int_equal(split.busy_ns, 100 * MS);
	assert_int_equal(split.off_ns[CN_OFF_blocked], 40 * MS);
	assert_int_equal(split.off_ns[CN_OFF_fault], 3 * MS);
	assert_int_equal(split.off_ns[CN_OFF_run_queue], 20 * MS);
	assert_int_equal(split.off_ns[CN_OFF_preempted], 10 * MS);
	assert_int_equal(split.cpu_ns, 27 * MS);
	assert_true(cn_worker_split(model, 0, TID, &split));
	assert_int_equal(split.busy_ns, 100 * MS);
	assert_int_equal(split.cpu_ns, 100 * MS);
	assert_true(cn_site_split(model, 0, SITE, &split));
	assert_int_equal(split.busy_ns, 100 * MS);
	assert_false(split.at_least);
}

static void cpu_is_never_less_than_nothing(void **state)
{
	struct cn_model *model = *state;
	struct cn_split split;

	look(model, 1 * S, 500 * MS);
	assert_int_equal(round_of(model, 1 * S, 0), 1);
	sums(model, of_task); /* and the look that has that time has not come yet */
	assert_true(cn_task_split(model, cn_model_task(model, TASK), &split));
	assert_int_equal(split.cpu_ns, 0);
}

static void a_group_that_does_not_measure_says_why_and_splits_nothing(void **state)
{
	struct cn_model *model = *state;
	struct cn_split split;

	look(model, 1 * S, 500 * MS);
	assert_int_equal(round_of(model, 1 * S, -EPERM), 1);
	assert_false(cn_kernel_measures(model, CN_KERNEL_SCHED));
	assert_false(cn_kernel_measures(model, CN_KERNEL_FAULTS));
	assert_int_equal(cn_model_kernel(model)->groups[CN_KERNEL_SCHED].status, -EPERM);
	assert_null(strchr(cn_model_kernel(model)->groups[CN_KERNEL_SCHED].why, '\x1b'));
	assert_non_null(strstr(cn_model_kernel(model)->groups[CN_KERNEL_SCHED].why, "CAP_BPF"));
	assert_int_equal(cn_model_kernel(model)->groups[CN_KERNEL_SCHED].uncounted, 2);
	assert_false(cn_task_split(model, cn_model_task(model, TASK), &split));
}

static void rows_of_a_runtime_that_is_not_known_are_left_out(void **state)
{
	struct cn_model *model = *state;
	struct sums row = of_task;

	look(model, 1 * S, 500 * MS);
	row.worker = TID + 1;
	sums(model, row);
	assert_null(cn_kernel_of_task(model, TASK));
	row.worker = 0; /* as of workers that have not begun */
	sums(model, row);
	assert_null(cn_kernel_of_task(model, TASK));
	row = of_task;
	row.by = 9;
	sums(model, row);
	assert_null(cn_kernel_of_task(model, TASK));
	sums(model, of_task);
	assert_non_null(cn_kernel_of_task(model, TASK));
}

static void columns_of_different_lengths_are_refused(void **state)
{
	Rouse__V1__KernelSums rows = ROUSE__V1__KERNEL_SUMS__INIT;
	Rouse__V1__KernelBlocks blocks = ROUSE__V1__KERNEL_BLOCKS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t by[2] = { 1, 1 };
	uint64_t numbers[3] = { 1, 2, 3 };

	(void)state;
	rows.n_by = 2;
	rows.by = by;
	rows.n_id = 1;
	rows.id = numbers;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SUMS;
	frame.kernel_sums = &rows;
	assert_int_equal(rp_frame_validate(&frame), -EBADMSG);
	blocks.n_begin_ns = 1;
	blocks.begin_ns = numbers;
	blocks.kernel_columns = 2;
	blocks.n_kernel_pc = 3;
	blocks.kernel_pc = numbers;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS;
	frame.kernel_blocks = &blocks;
	assert_int_equal(rp_frame_validate(&frame), -EBADMSG);
	blocks.n_kernel_pc = 2;
	assert_int_equal(rp_frame_validate(&frame), 0);
}

static void the_newest_and_the_longest_blocks_are_kept(void **state)
{
	struct cn_model *model = *state;

	for (uint64_t i = 1; i <= 2000; i++) {
		const struct cn_block block = {
			.task = i, .blocked_ns = i == 7 ? 90 * MS : i * 1000, .kind = CN_BLOCK_CALL
		};

		assert_int_equal(cn_kernel_put_block(model, &block), 0);
	}
	assert_int_equal(cn_kernel_block(model, 0)->task, 2000);
	assert_int_equal(cn_kernel_block(model, 511)->task, 1489);
	assert_null(cn_kernel_block(model, 512));
	assert_int_equal(cn_kernel_longest(model, 0)->task, 7);
	assert_int_equal(cn_kernel_longest(model, 0)->number, 7);
	assert_int_equal(cn_kernel_longest(model, 1)->task, 2000);
	assert_int_equal(cn_kernel_longest(model, 63)->task, 1938);
	assert_null(cn_kernel_longest(model, 64));
}

static void samples_that_are_alike_are_one_row(void **state)
{
	struct cn_model *model = *state;
	const uint64_t a[] = { 0x100, 0x200 }, b[] = { 0x100, 0x201 };

	for (int i = 0; i < 3; i++)
		assert_int_equal(cn_kernel_put_sample(model, 0, SITE, TASK, a, 2), 0);
	assert_int_equal(cn_kernel_put_sample(model, 0, SITE, TASK, b, 2), 0);
	assert_int_equal(cn_kernel_put_sample(model, 0, SITE, TASK + 1, a, 2), 0);
	assert_int_equal(cn_kernel_put_sample(model, 0, SITE, TASK, NULL, 0), 0);
	assert_int_equal(cn_profile_rows(model), 4);
	assert_int_equal(cn_profile_row_at(model, 0).count, 3);
	assert_int_equal(cn_profile_row_at(model, 0).n, 2);
	assert_int_equal(cn_profile_row_at(model, 0).pc[1], 0x200);
	assert_int_equal(cn_profile_row_at(model, 1).count, 1);
	assert_int_equal(cn_profile_row_at(model, 2).task, TASK + 1);
	assert_int_equal(cn_profile_row_at(model, 3).n, 0);
}

static void stacks_beyond_the_bound_are_counted(void **state)
{
	struct cn_model *model = *state;

	for (uint64_t i = 1; i <= (1 << 15) + 10; i++)
		assert_int_equal(cn_kernel_put_sample(model, 0, SITE, TASK, &i, 1), 0);
	assert_int_equal(cn_profile_rows(model), 1 << 15);
	assert_int_equal(cn_model_kernel(model)->stacks_lost, 10);
}

#define KERNEL_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(KERNEL_TEST(a_split_counts_from_the_first_round_and_adds_up), KERNEL_TEST(cpu_is_never_less_than_nothing),
	KERNEL_TEST(a_group_that_does_not_measure_says_why_and_splits_nothing),
	KERNEL_TEST(rows_of_a_runtime_that_is_not_known_are_left_out),
	KERNEL_TEST(columns_of_different_lengths_are_refused), KERNEL_TEST(the_newest_and_the_longest_blocks_are_kept),
	KERNEL_TEST(samples_that_are_alike_are_one_row), KERNEL_TEST(stacks_beyond_the_bound_are_counted));
