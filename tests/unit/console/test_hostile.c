/* SPDX-License-Identifier: MIT */
/*
 * Frames that decode, and lie: random rows in random order, with ids and
 * indices from a small set, so that they meet. Whatever they say, the model,
 * diagnosis, chains and drawing have to bear it, and hold what they promise.
 */
#include "test.h"

#include "looks.h"

#include <frame.h>
#include <string.h>

#include "model/kernel.h"

enum { ROUNDS = 400, IDS = 12 };

static uint64_t any_id(uint64_t *random)
{
	static const uint64_t odd[] = { 0, 1, 15, UINT64_MAX, 1ull << 63 };
	uint64_t r = test_random(random);

	return r % 16 ? 16 + r / 16 % IDS : odd[r / 16 % 5];
}

static uint32_t small(uint64_t *random, uint32_t n)
{
	uint64_t r = test_random(random);

	return r % 64 ? (uint32_t)(r / 64 % n) : UINT32_MAX;
}

static void any_task(struct look *look, uint64_t *r)
{
	struct task_row row = { .id = any_id(r),
		.state = small(r, 8),
		.flags = small(r, 256),
		.stamp = small(r, 9),
		.waker_refs = small(r, 3),
		.handle_refs = small(r, 3),
		.name = small(r, 4),
		.spawn_site = small(r, 8),
		.kind = small(r, 4),
		.parent = any_id(r),
		.spawned_ns = small(r, 9) * S,
		.edge_ns = small(r, 9) * S,
		.enqueue_ns = small(r, 9) * S,
		.last_waker = any_id(r),
		.polls = small(r, 4),
		.wakes = small(r, 4),
		.self_wakes = small(r, 4),
		.busy_ns = any_id(r),
		.scheduled_ns = any_id(r),
		.worker = small(r, 4),
		.valid = small(r, 2),
		.own_wakers = small(r, 3) };

	look_task(look, row);
}

static void any_awaits(struct look *look, uint64_t *r)
{
	struct await_row rows[16] = { { 0 } };
	size_t n = 1 + test_random(r) % 16;

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct await_row){ .parent = i ? (uint32_t)(test_random(r) % i) : 0,
			.type = small(r, 8),
			.at = small(r, 8),
			.op = small(r, ROUSE_OP_MAX + 2),
			.wait_state = small(r, 4),
			.resource = any_id(r),
			.since_ns = small(r, 9) * S,
			.arg = any_id(r),
			.poll = small(r, 4),
			.waker_task = any_id(r) };
	look_awaits(look, any_id(r), rows, n);
}

static void any_resource(struct look *look, uint64_t *r)
{
	look_resource(look, (struct resource_row){ .serial = any_id(r),
				    .kind = small(r, ROUSE_RESOURCE_KIND_MAX + 2),
				    .flags = small(r, 32),
				    .site = small(r, 8),
				    .name = small(r, 4),
				    .owner = any_id(r),
				    .owner_since_ns = small(r, 9) * S,
				    .created_ns = small(r, 9) * S,
				    .value = test_random(r) % 3 ? small(r, 3) : test_random(r),
				    .capacity = small(r, 3),
				    .side_a = small(r, 3),
				    .last_user_a = any_id(r),
				    .last_user_b = any_id(r) });
}

static void any_row(struct look *look, uint64_t *r)
{
	static const char *const texts[] = { "", "\033]0;x\007", "\xff\xfe", "plain" };
	uint32_t buckets[ROUSE_HISTOGRAM_BUCKETS] = { 0 };

	switch (test_random(r) % 8) {
	case 0:
		any_resource(look, r);
		break;
	case 1:
	case 2:
		any_awaits(look, r);
		break;
	case 3:
		look_site(look, (struct site_row){ .id = small(r, 8),
					.kind = small(r, 9),
					.name = small(r, 4),
					.file = small(r, 4),
					.line = small(r, 9) });
		break;
	case 4:
		look_string(look, small(r, 4), texts[test_random(r) % 4]);
		break;
	case 5:
		buckets[test_random(r) % ROUSE_HISTOGRAM_BUCKETS] = small(r, 9);
		look_histogram(look, small(r, 8), buckets);
		break;
	case 6:
		look_removed(look, any_id(r), any_id(r));
		break;
	default:
		any_task(look, r);
		break;
	}
}

/* Of the kernel's stream: sums, and what closes a round. */
static void any_sums(struct cn_model *model, uint64_t *r)
{
	Rouse__V1__KernelSums rows = ROUSE__V1__KERNEL_SUMS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t by = small(r, 5), worker = small(r, 4) != 3, kind = small(r, 6);
	uint64_t id = any_id(r), ns[4] = { any_id(r), test_random(r), small(r, 9) * S, UINT64_MAX };

	rows.n_by = rows.n_id = rows.n_worker = rows.n_longest_kind = 1;
	rows.by = &by;
	rows.id = &id;
	rows.worker = &worker;
	rows.longest_kind = &kind;
	rows.n_blocked_ns = rows.n_fault_ns = rows.n_run_queue_ns = rows.n_preempted_ns = test_random(r) % 2;
	rows.blocked_ns = &ns[0];
	rows.fault_ns = &ns[1];
	rows.run_queue_ns = &ns[2];
	rows.preempted_ns = &ns[3];
	rows.n_faults = rows.n_calls = test_random(r) % 2;
	rows.faults = &ns[1];
	rows.calls = &ns[3];
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SUMS;
	frame.kernel_sums = &rows;
	assert_int_equal(rp_frame_validate(&frame), 0);
	assert_int_equal(cn_kernel_apply(model, &frame), 0);
}

static void any_round(struct cn_model *model, uint64_t *r)
{
	Rouse__V1__Kernel round = ROUSE__V1__KERNEL__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t groups[2] = { small(r, 7), CN_KERNEL_SCHED };
	int32_t status[2] = { (int32_t)small(r, 3), 0 };
	char odd[] = "\033]0;x\007\xff", *why[2] = { odd, odd };

	round.since_ns = small(r, 9) * S;
	round.mono_ns = test_random(r) % 8 ? small(r, 99) * S : test_random(r);
	round.block_ns = any_id(r);
	round.n_group = round.n_status = round.n_why = 2;
	round.group = groups;
	round.status = status;
	round.why = why;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL;
	frame.kernel = &round;
	assert_int_equal(rp_frame_validate(&frame), 0);
	assert_int_equal(cn_kernel_apply(model, &frame), 1);
}

static void any_block(struct cn_model *model, uint64_t *r)
{
	struct cn_block block = { .begin_ns = test_random(r) % 8 ? small(r, 99) * S : test_random(r),
		.blocked_ns = test_random(r) % 2 ? small(r, 99) * MS : any_id(r),
		.run_queue_ns = any_id(r),
		.task = any_id(r),
		.arguments = { any_id(r), any_id(r), any_id(r) },
		.site = small(r, 8),
		.tid = small(r, 3),
		.call = test_random(r) % 2 ? small(r, 500) : 202,
		.owner = small(r, 3),
		.waker = small(r, 3),
		.runtime = (uint8_t)small(r, 3),
		.kind = (uint8_t)small(r, 6),
		.waker_kind = (uint8_t)small(r, 6),
		.stack = { .n = small(r, 80) } };

	memset(block.file, 0xff, sizeof block.file - 1);
	memset(block.owner_name, '\033', sizeof block.owner_name - 1);
	memset(block.waker_name, '\n', sizeof block.waker_name - 1);
	assert_int_equal(cn_kernel_put_block(model, &block), 0);
}

static void any_of_the_kernel(struct cn_model *model, uint64_t *r)
{
	for (uint64_t n = test_random(r) % 9; n; n--)
		any_sums(model, r);
	for (uint64_t n = test_random(r) % 4; n; n--)
		any_block(model, r);
	any_round(model, r);
}

static void is_printable(void *arg, const struct cn_line *line)
{
	(void)arg;
	for (const char *c = line->text; *c; c++)
		assert_true((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f);
}

static void hold_the_promises(const struct cn_model *model, const struct cn_findings *findings)
{
	size_t tasks = 0;
	struct cn_split split;

	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);
		struct cn_chain chain;

		if (!task)
			continue;
		tasks++;
		assert_ptr_equal(cn_model_task(model, task->id), task);
		assert_true(task->state < ROUSE_TASK_STATE_MAX);
		assert_true(task->n_awaits == 0 || task->leaf < task->n_awaits);
		assert_non_null(cn_task_name(model, task));
		if (cn_task_split(model, task, &split))
			assert_true(split.cpu_ns <= split.busy_ns);
		(void)cn_task_delta(model, task);
		(void)cn_task_idle_ns(model, task);
		assert_int_equal(cn_chain_build(model, findings, task->id, &chain), 0);
		cn_chain_draw(model, &chain, CN_CHARSET_ASCII, 60, is_printable, NULL);
		cn_chain_free(&chain);
	}
	assert_int_equal(tasks, cn_model_tasks(model));
	for (size_t i = 0; i < cn_findings_count(findings); i++) {
		const struct cn_finding *f = cn_findings_at(findings, i);

		assert_true(f->code < CN_FINDING_CODE_MAX && f->class <= cn_finding_strongest(f->code));
		assert_true(i == 0 || f->class <= cn_findings_at(findings, i - 1)->class);
		for (const char *c = f->evidence; *c; c++)
			assert_true((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f);
	}
}

static void lies_are_borne(void **state)
{
	uint64_t random = test_seed();
	struct cn_model *model = cn_model_new();
	struct cn_findings *findings = cn_findings_new();

	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct look_opts opts = { .runtime = (uint32_t)(test_random(&random) % 2),
			.changes_only = test_random(&random) % 4,
			.stopped = test_random(&random) % 8 == 0,
			.level = (uint32_t)(test_random(&random) % 4),
			.foreign_in_transit = test_random(&random) % 8 == 0 };
		struct look look = look_with(model, test_random(&random) % 16 ? round * S : test_random(&random), opts);

		for (uint64_t n = test_random(&random) % 30; n; n--)
			any_row(&look, &random);
		if (test_random(&random) % 16 == 0)
			continue; /* cut off */
		look.in_transit = any_id(&random);
		look.tid = 1;
		look_end(&look);
		if (round > ROUNDS / 2)
			any_of_the_kernel(model, &random);
		assert_int_equal(cn_diagnose(model, NULL, findings), 0);
		hold_the_promises(model, findings);
	}
	cn_findings_free(findings);
	cn_model_free(model);
}

TEST_MAIN(cmocka_unit_test(lies_are_borne));
