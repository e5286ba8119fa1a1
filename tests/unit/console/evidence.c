/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "evidence.h"

static void apply(struct look *look, const Rouse__V1__Frame *frame)
{
	assert_int_equal(look_apply(look->model, frame), CN_APPLIED);
}

void look_holders(struct look *look, uint64_t serial, const struct holder_row *rows, size_t n)
{
	Rouse__V1__Holders table = ROUSE__V1__HOLDERS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint64_t serials[16], tasks[16] = { 0 }, permits[16] = { 0 }, since[16] = { 0 };
	size_t all = n ? n : 1; /* one of task 0: nobody */

	assert_true(n <= 16);
	for (size_t i = 0; i < all; i++)
		serials[i] = serial;
	for (size_t i = 0; i < n; i++) {
		tasks[i] = rows[i].task;
		permits[i] = rows[i].permits;
		since[i] = rows[i].since_ns;
	}
	table.n_serial = table.n_task = table.n_permits = table.n_since_ns = all;
	table.serial = serials;
	table.task = tasks;
	table.permits = permits;
	table.since_ns = since;
	frame.body_case = ROUSE__V1__FRAME__BODY_HOLDERS;
	frame.holders = &table;
	apply(look, &frame);
}

void look_references(struct look *look, uint64_t id, const struct place_row *rows, size_t n, bool complete)
{
	Rouse__V1__References table = ROUSE__V1__REFERENCES__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint64_t ids[16], tasks[16] = { 0 }, counts[16] = { 0 };
	uint32_t completes[16];
	size_t all = n ? n : 1; /* one of count 0: nowhere */

	assert_true(n <= 16);
	for (size_t i = 0; i < all; i++) {
		ids[i] = id;
		completes[i] = complete;
	}
	for (size_t i = 0; i < n; i++) {
		tasks[i] = rows[i].task;
		counts[i] = rows[i].count;
	}
	table.n_id = table.n_task = table.n_count = table.n_complete = all;
	table.id = ids;
	table.task = tasks;
	table.count = counts;
	table.complete = completes;
	frame.body_case = ROUSE__V1__FRAME__BODY_REFERENCES;
	frame.references = &table;
	apply(look, &frame);
}

void look_queues(struct look *look, const uint64_t *tasks, size_t n)
{
	Rouse__V1__Queues table = ROUSE__V1__QUEUES__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint64_t ids[16];
	uint32_t workers[16] = { 0 };

	assert_true(n <= 16);
	for (size_t i = 0; i < n; i++)
		ids[i] = tasks[i];
	table.n_task = table.n_worker = n;
	table.task = ids;
	table.worker = workers;
	frame.body_case = ROUSE__V1__FRAME__BODY_QUEUES;
	frame.queues = &table;
	apply(look, &frame);
}

void look_drop(struct look *look, uint64_t task, uint64_t ns, uint64_t by)
{
	Rouse__V1__Drops table = ROUSE__V1__DROPS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	table.n_task = table.n_ns = table.n_by = 1;
	table.task = &task;
	table.ns = &ns;
	table.by = &by;
	frame.body_case = ROUSE__V1__FRAME__BODY_DROPS;
	frame.drops = &table;
	apply(look, &frame);
}
