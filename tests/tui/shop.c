/* SPDX-License-Identifier: MIT */
#include "shop.h"

#include <sys/syscall.h>

#include "model/events.h"
#include "model/kernel.h"
#include "tables.h"

enum { LINES = 100 };

static const struct {
	uint64_t id, parent, waker;
	uint32_t name, site;
} tasks[] = {
	{ MAIN, 0, ROUSE_WAKE_TIMER, 10, 1 },
	{ ACCEPT, MAIN, ROUSE_WAKE_IO, 11, 2 },
	{ SERVE_A, ACCEPT, ROUSE_WAKE_IO, 12, 3 },
	{ SERVE_B, ACCEPT, LOG, 12, 3 },
	{ SERVE_C, ENDED, LOG, 12, 3 },
	{ LOG, MAIN, SERVE_A, 13, 4 },
};
static const char *const names[] = { "main", "accept", "serve", "log" };

/* ------------------------------------------------------------------ looks */

static void send_tables(struct look *look)
{
	look_string(look, 1, "src/shop.c");
	for (uint32_t i = 0; i < 4; i++) {
		look_string(look, 10 + i, names[i]);
		look_site(look,
			(struct site_row){
				.id = 1 + i, .kind = ROUSE_SITE_SPAWN, .name = 10 + i, .file = 1, .line = LINES + i });
	}
}

static void send_tasks(struct look *look, uint64_t now_ns)
{
	for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++)
		look_task(look, (struct task_row){ .id = tasks[i].id,
					.parent = tasks[i].parent,
					.state = ROUSE_TASK_PENDING,
					.name = tasks[i].name,
					.spawn_site = tasks[i].site,
					.spawned_ns = (1 + i) * S,
					.edge_ns = now_ns - 5 * MS,
					.last_waker = tasks[i].waker,
					.polls = 100 * (uint32_t)(1 + i),
					.wakes = 90 * (uint32_t)(1 + i),
					.waker_refs = 1,
					.busy_ns = (1 + i) * 50 * MS,
					.valid = 1 });
}

static void send_workers(struct look *look, uint64_t now_ns, unsigned int looks)
{
	for (uint32_t i = 0; i < 2; i++)
		look->workers[i] = (struct worker_row){ .index = i,
			.tid = TID + i,
			.state = ROUSE_WORKER_PARKED,
			.state_since_ns = now_ns - 300 * MS,
			.counters = { .polls = (1 + i) * 1000 * looks * looks,
				.wakes = 900 * looks,
				.spawned = 7 * looks,
				.stolen = i * 40 * looks,
				.busy_ticks = (1 + i) * 200 * MS * looks,
				.park_ticks = (7 - 3 * i) * 100 * MS * looks },
			.local_depth = looks % 3,
			.next_deadline_ns = UINT64_MAX };
	look->n_workers = 2;
}

/* Fast polls always, slow ones in every second look. */
static void send_histograms(struct look *look, unsigned int looks)
{
	uint32_t poll[ROUSE_HISTOGRAM_BUCKETS] = { 0 }, delay[ROUSE_HISTOGRAM_BUCKETS] = { 0 };

	poll[10] = 5000 * looks;
	poll[14] = 300 * looks;
	poll[25] = looks / 2;
	delay[12] = 4000 * looks;
	delay[16] = 90 * looks;
	delay[20] = 3 * (looks / 2);
	look_histograms(look, 3, poll, delay);
}

/* Ten seconds on worker 0, of which two are lost; half of it on worker 1. */
static void send_events(struct look *look, uint64_t from_ns)
{
	struct event_row rows[200];
	size_t n = 0;

	rows[n++] = (struct event_row){ from_ns, ROUSE_EVENT_SPAWN, ENDED, 3, ACCEPT };
	for (uint64_t i = 0; i < 40; i++) {
		const uint64_t at = from_ns + i * 100 * MS, task = SERVE_A + i / 10 % 2;

		rows[n++] = (struct event_row){ at - 2 * MS, ROUSE_EVENT_WAKE, task, (uint32_t)i, ROUSE_WAKE_IO };
		rows[n++] = (struct event_row){ at + 20 * MS, ROUSE_EVENT_WAKE, LOG, (uint32_t)i, task };
		rows[n++] = (struct event_row){ at, ROUSE_EVENT_POLL, task, (uint32_t)i, (20 + 7 * (i % 10)) * MS };
	}
	rows[n++] = (struct event_row){ from_ns + 4 * S, ROUSE_EVENT_PARK, 0, 1, 1 * S };
	look_events(look, 0, 0, 0, rows, n);
	n = 0;
	rows[n++] = (struct event_row){ from_ns + 7 * S, ROUSE_EVENT_WAKE, ENDED, 1, MAIN };
	rows[n++] = (struct event_row){ from_ns + 7 * S, ROUSE_EVENT_POLL, ENDED, 1, 900 * MS };
	rows[n++] = (struct event_row){ from_ns + 8 * S, ROUSE_EVENT_COMPLETE, ENDED, ROUSE_TASK_COMPLETE, 0 };
	rows[n++] = (struct event_row){ from_ns + 8 * S, ROUSE_EVENT_PARK, 0, 1, 1600 * MS };
	look_events(look, 0, 0, 12345, rows, n);
	n = 0;
	rows[n++] = (struct event_row){ from_ns + 5 * S, ROUSE_EVENT_PARK, 0, 0, 1 * S };
	for (uint64_t i = 0; i < 20; i++) {
		const uint64_t at = from_ns + 6 * S + i * 180 * MS;

		rows[n++] = (struct event_row){ at, ROUSE_EVENT_POLL, LOG, (uint32_t)i, (5 + 8 * i) * MS };
		rows[n++] = (struct event_row){ at + 170 * MS, ROUSE_EVENT_STEAL, 0, 0, 2 };
	}
	look_events(look, 1, 1, 0, rows, n);
}

static void look_once(struct cn_model *model, uint64_t now_ns, unsigned int looks, bool events)
{
	struct look look = look_with(model, now_ns, (struct look_opts){ .level = events ? 3 : 2 });

	send_tables(&look);
	send_tasks(&look, now_ns);
	send_workers(&look, now_ns, looks);
	send_histograms(&look, looks);
	if (events)
		send_events(&look, now_ns - 10 * S);
	look_end(&look);
}

void look_once_more(struct cn_model *model, uint64_t now_ns, unsigned int looks)
{
	look_once(model, now_ns, looks, false);
}

/* A poll of serve_b that did not only compute. */
static void put_block(struct cn_model *model, uint64_t begin_ns)
{
	const struct cn_block block = { .begin_ns = begin_ns,
		.blocked_ns = 30 * MS,
		.task = SERVE_B,
		.site = 3,
		.tid = TID,
		.kind = CN_BLOCK_CALL,
		.call = SYS_nanosleep,
		.waker_kind = CN_WAKER_INTERRUPT };

	assert_int_equal(cn_kernel_put_block(model, &block), 0);
}

void look_at_resources(struct cn_model *model, uint64_t now_ns)
{
	const struct holder_row holders[] = { { .serial = SEATS, .task = SERVE_A, .permits = 1, .since_ns = now_ns - 3 * S },
		{ .serial = SEATS, .task = CN_THREAD_ID | 4711, .permits = 1, .since_ns = now_ns - 90 * MS } };
	const struct socket_row socket = {
		.serial = LINE_OUT, .local = 30, .peer = 31, .tcp_state = 1, .rx_bytes = 17, .tx_bytes = 4 };
	struct look look = look_with(model, now_ns, (struct look_opts){ .changes_only = true, .level = 2 });

	look_string(&look, 30, "127.0.0.1:80");
	look_string(&look, 31, "127.0.0.1:4444");
	look_string(&look, 32, "seats");
	send_workers(&look, now_ns, 6);
	look_resource(&look, (struct resource_row){ .serial = SEATS,
				     .kind = ROUSE_RESOURCE_SEMAPHORE,
				     .flags = ROUSE_RESOURCE_OWNED,
				     .name = 32,
				     .value = 6,
				     .capacity = 8,
				     .side_b = 8,
				     .owner = SERVE_A,
				     .created_ns = 1 * S });
	look_holders(&look, holders, 2);
	look_resource(&look, (struct resource_row){ .serial = CLEANING,
				     .kind = ROUSE_RESOURCE_BLOCKING_JOB,
				     .value = 1,
				     .owner = 4712,
				     .owner_since_ns = now_ns - 2 * S,
				     .side_a = 0x1234,
				     .created_ns = 1 * S });
	look_resource(&look, (struct resource_row){ .serial = LINE_OUT,
				     .kind = ROUSE_RESOURCE_SOCKET,
				     .value = 9,
				     .side_a = 5000,
				     .side_b = 70,
				     .created_ns = 1 * S });
	look_sockets(&look, &socket, 1);
	look_end(&look);
}

void open_set(struct set *set, int rows, int cols, bool ascii, int given)
{
	set_begin(set, ascii);
	assert_int_equal(look_hello(set->model, "socket"), CN_APPLIED);
	cn_model_keep_events(set->model, given != WITHOUT_EVENTS);
	for (unsigned int i = 0; i < 5; i++)
		look_once(set->model, (15 + i) * S, i, false);
	look_once(set->model, 20 * S, 5, given == WITH_EVENTS);
	if (given == WITH_EVENTS)
		put_block(set->model, 11 * S + 540 * MS);
	set_show(set, rows, cols, ascii);
}
