/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "stage.h"

#include <stdlib.h>

int stage_open(void **state)
{
	struct stage *stage = calloc(1, sizeof *stage);

	assert_non_null(stage);
	stage->model = cn_model_new();
	stage->findings = cn_findings_new();
	*state = stage;
	return stage->model && stage->findings ? 0 : -1;
}

int stage_close(void **state)
{
	struct stage *stage = *state;

	cn_findings_free(stage->findings);
	cn_model_free(stage->model);
	free(stage);
	return 0;
}

void stage_again(void **state)
{
	stage_close(state);
	assert_int_equal(stage_open(state), 0);
}

static size_t index_of(struct stage *stage, uint64_t id)
{
	for (size_t i = stage->n_tasks; i-- > 0;)
		if (stage->tasks[i].id == id)
			return i;
	assert_true(stage->n_tasks < STAGE_TASKS);
	stage->tasks[stage->n_tasks] = (struct task_row){ .id = id,
		.state = ROUSE_TASK_PENDING,
		.spawn_site = SPAWN_SITE,
		.spawned_ns = 1,
		.edge_ns = 1,
		.polls = 1,
		.waker_refs = 1,
		.valid = 1 };
	return stage->n_tasks++;
}

struct task_row *stage_task(struct stage *stage, uint64_t id)
{
	return &stage->tasks[index_of(stage, id)];
}

struct await_row *stage_waits(struct stage *stage, uint64_t id, uint32_t op, uint64_t resource)
{
	struct await_row *await = &stage->awaits[index_of(stage, id)];

	*await = (struct await_row){ .type = LEAF_SITE,
		.at = AWAIT_SITE,
		.op = op,
		.wait_state = ROUSE_WAIT_WAITING,
		.resource = resource,
		.since_ns = 1,
		.poll = 1,
		.waker_task = id };
	return await;
}

struct resource_row *stage_resource(struct stage *stage, uint64_t serial, uint32_t kind)
{
	struct resource_row *row = &stage->resources[stage->n_resources++];

	assert_true(stage->n_resources <= STAGE_ROWS);
	*row = (struct resource_row){ .serial = serial, .kind = kind, .site = MADE_SITE, .created_ns = 1, .side_a = 1 };
	return row;
}

struct worker_row *stage_worker(struct stage *stage, uint32_t state)
{
	struct worker_row *row = &stage->workers[stage->n_workers];

	assert_true(stage->n_workers < LOOK_WORKERS_MAX);
	*row = (struct worker_row){
		.index = stage->n_workers, .tid = 100 + stage->n_workers, .state = state, .next_deadline_ns = UINT64_MAX
	};
	stage->n_workers++;
	return row;
}

struct thread_row *stage_thread(struct stage *stage, uint32_t worker)
{
	struct thread_row *row = &stage->threads[stage->n_threads++];

	assert_true(stage->n_threads <= STAGE_ROWS);
	*row = (struct thread_row){
		.tid = 100 + worker, .role = ROUSE_THREAD_WORKER, .worker = worker, .state = 'R', .cpu_ns = 1
	};
	return row;
}

void stage_polls(struct stage *stage, uint32_t worker, uint64_t id, uint64_t since_ns)
{
	struct task_row *task = stage_task(stage, id);

	task->state = ROUSE_TASK_RUNNING;
	task->worker = worker;
	task->edge_ns = since_ns;
	stage->workers[worker].state = ROUSE_WORKER_POLLING;
	stage->workers[worker].current_task = id;
}

static void send_sites(const struct stage *stage, struct look *look)
{
	uint32_t buckets[ROUSE_HISTOGRAM_BUCKETS] = { [10] = 5, [27] = stage->long_polls };

	look_string(look, 1, "a_task");
	look_site(look, (struct site_row){ .id = SPAWN_SITE, .kind = ROUSE_SITE_SPAWN, .name = 1, .line = SPAWN_LINE });
	look_site(look, (struct site_row){ .id = AWAIT_SITE, .kind = ROUSE_SITE_AWAIT, .name = 1, .line = AWAIT_LINE });
	look_site(look, (struct site_row){ .id = MADE_SITE, .kind = ROUSE_SITE_RESOURCE, .name = 1, .line = MADE_LINE });
	look_site(look, (struct site_row){ .id = LEAF_SITE, .kind = ROUSE_SITE_LEAF, .name = 1, .line = LEAF_LINE });
	if (stage->long_polls)
		look_histogram(look, SPAWN_SITE, buckets);
	else
		look_histograms(look, SPAWN_SITE, stage->polls, stage->delays);
}

static void send_queues(const struct stage *stage, struct look *look)
{
	Rouse__V1__Queues table = ROUSE__V1__QUEUES__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint64_t tasks[STAGE_ROWS];
	uint32_t workers[STAGE_ROWS] = { 0 };

	for (size_t i = 0; i < stage->n_queued; i++)
		tasks[i] = stage->queued[i];
	table.n_task = table.n_worker = stage->n_queued;
	table.task = tasks;
	table.worker = workers;
	frame.body_case = ROUSE__V1__FRAME__BODY_QUEUES;
	frame.queues = &table;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);
}

void stage_look(struct stage *stage, uint64_t now_ns)
{
	struct look look = look_with(stage->model, now_ns, stage->begin);

	send_sites(stage, &look);
	for (size_t i = 0; i < stage->n_resources; i++)
		look_resource(&look, stage->resources[i]);
	for (size_t i = 0; i < stage->n_tasks; i++) {
		look_task(&look, stage->tasks[i]);
		if (stage->awaits[i].op)
			look_awaits(&look, stage->tasks[i].id, &stage->awaits[i], 1);
	}
	if (stage->has_socket)
		look_sockets(&look, &stage->socket, 1);
	look_threads(&look, stage->threads, stage->n_threads);
	for (uint32_t i = 0; i < stage->n_workers; i++)
		look.workers[i] = stage->workers[i];
	look.n_workers = stage->n_workers;
	if (stage->n_queued)
		send_queues(stage, &look);
	look.incomplete = stage->incomplete;
	look.lost_events = stage->lost_events;
	look.emitted_events = stage->emitted_events;
	look_end(&look);
	assert_int_equal(cn_diagnose(stage->model, &stage->opts, stage->findings), 0);
}

const struct cn_finding *stage_finding(const struct stage *stage, enum cn_finding_code code)
{
	const struct cn_finding *finding = finding_of(stage->findings, code);

	return finding && finding->active ? finding : NULL;
}

void stage_silent(const struct stage *stage)
{
	for (size_t i = 0; i < cn_findings_count(stage->findings); i++)
		if (cn_findings_at(stage->findings, i)->active)
			fail_msg("%s: %s", cn_finding_text(cn_findings_at(stage->findings, i)->code),
				cn_findings_at(stage->findings, i)->evidence);
}
