/* SPDX-License-Identifier: MIT */
/*
 * Rows of tables into the model. A row that comes replaces the one that was
 * there; what it was before is kept for rates, and for telling what stood
 * still from what moved. Anything beyond the bounds is left out, and the look
 * then says that it is not complete.
 */
#include "model/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -E2BIG: a limit was reached, which is no error but is said. */
static int bounded(struct cn_runtime_state *runtime, int rc)
{
	if (rc == -E2BIG || rc == -EINVAL) {
		runtime->cut = true;
		return 0;
	}
	return rc;
}

int cn_apply_strings(struct cn_runtime_state *runtime, const Rouse__V1__Strings *strings)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < strings->n_text; i++)
		rc = bounded(runtime, cn_strings_set(&runtime->strings, strings->first + (uint32_t)i,
					      strings->text[i].data, strings->text[i].len));
	return rc;
}

int cn_apply_sites(struct cn_runtime_state *runtime, const Rouse__V1__Sites *sites)
{
	struct cn_site_row *row;

	for (size_t i = 0; i < sites->n_id; i++) {
		int rc = cn_sites_row(&runtime->sites, sites->id[i], &row);

		if (rc == -E2BIG) {
			runtime->cut = true;
			continue;
		}
		if (rc)
			return rc;
		row->site = (struct cn_site){
			.kind = CN_COLUMN(sites, kind, i, 0),
			.name = CN_COLUMN(sites, name, i, 0),
			.file = CN_COLUMN(sites, file, i, 0),
			.line = CN_COLUMN(sites, line, i, 0),
			.frame_bytes = CN_COLUMN(sites, frame_bytes, i, 0),
			.op = CN_COLUMN(sites, op, i, 0),
		};
	}
	return 0;
}

/* ----------------------------------------------------------------- workers */

static int make_workers(struct cn_runtime_state *runtime, size_t n)
{
	struct cn_runtime *shown = &runtime->shown;
	struct cn_worker *workers;

	if (n == shown->n_workers)
		return 0;
	workers = calloc(n, sizeof *workers);
	if (!workers)
		return -ENOMEM;
	free(shown->workers);
	shown->workers = workers;
	shown->n_workers = (uint32_t)n;
	return 0;
}

static void take_counters(struct rouse_counters *counters, const Rouse__V1__Workers *workers, size_t row)
{
	uint64_t all[sizeof *counters / sizeof(uint64_t)] = { 0 };
	size_t columns = workers->counter_columns, n = sizeof all / sizeof all[0];

	if (columns && workers->n_counters >= (row + 1) * columns)
		memcpy(all, workers->counters + row * columns, (columns < n ? columns : n) * sizeof all[0]);
	memcpy(counters, all, sizeof all);
}

int cn_apply_workers(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__Workers *rows)
{
	size_t n = rows->n_index;
	int rc;

	if (n > CN_WORKERS_MAX) {
		runtime->cut = true;
		return 0;
	}
	rc = n ? make_workers(runtime, n) : 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct cn_worker *worker = &runtime->shown.workers[i];
		const struct cn_task *task = cn_model_task(model, worker->current_task);

		worker->prev_task = worker->current_task;
		worker->prev_task_polls = !task                                             ? 0
					  : task->seen_look == cn_look_in_progress(runtime) ? task->prev_polls
											    : task->polls;
		worker->previous = worker->counters;
		take_counters(&worker->counters, rows, i);
		worker->index = rows->index[i];
		worker->seen_look = cn_look_in_progress(runtime);
		worker->tid = CN_COLUMN(rows, tid, i, 0);
		worker->state = CN_COLUMN(rows, state, i, 0);
		worker->current_task = CN_COLUMN(rows, current_task, i, 0);
		worker->poll_start_ns = CN_COLUMN(rows, poll_start_ns, i, 0);
		worker->in_transit = CN_COLUMN(rows, in_transit, i, 0);
		worker->state_since_ns = CN_COLUMN(rows, state_since_ns, i, 0);
		worker->local_depth = CN_COLUMN(rows, local_depth, i, 0);
		worker->lifo_task = CN_COLUMN(rows, lifo_task, i, 0);
		worker->timers = CN_COLUMN(rows, timers, i, 0);
		worker->next_deadline_ns = CN_COLUMN(rows, next_deadline_ns, i, UINT64_MAX);
		worker->foreign = rows->has_foreign && i + 1 == n;
	}
	return rc;
}

/* ------------------------------------------------------------------- tasks */

void cn_remove_task(struct cn_model *model, uint64_t id)
{
	struct cn_task *task = cn_slots_find(&model->tasks, id);

	if (!task)
		return;
	cn_ended_keep(model, task);
	cn_waits_leave(model, task);
	cn_count_task(model, task, 0);
	free(task->awaits);
	cn_paces_forget(&model->paces, task);
	cn_slots_remove(&model->tasks, id);
}

void cn_remove_resource(struct cn_model *model, uint64_t serial)
{
	struct cn_resource *resource = cn_slots_find(&model->resources, serial);

	if (!resource)
		return;
	free(resource->holders);
	cn_slots_remove(&model->resources, serial);
}

/* For the end of the look: whose row or awaits came. Once each, but for a place that another task has taken since. */
static int touch(struct cn_runtime_state *runtime, const struct cn_task *task, size_t slot)
{
	const uint32_t look = cn_look_in_progress(runtime);
	size_t capacity = runtime->touched_capacity ? 2 * runtime->touched_capacity : 64;
	uint32_t *more;

	if (task->seen_look == look || task->awaits_look == look)
		return 0;
	if (runtime->n_touched == runtime->touched_capacity) {
		more = reallocarray(runtime->touched, capacity, sizeof *more);
		if (!more)
			return -ENOMEM;
		runtime->touched = more;
		runtime->touched_capacity = capacity;
	}
	runtime->touched[runtime->n_touched++] = (uint32_t)slot;
	return 0;
}

static int task_row(struct cn_model *model, struct cn_runtime_state *runtime, uint64_t id, struct cn_task **ret_task)
{
	struct cn_task *task;
	size_t slot;
	void *row;
	int rc = cn_slots_put_at(&model->tasks, id, &row, &slot);

	if (rc)
		return rc;
	task = row;
	if (task->runtime != runtime->shown.index)
		cn_count_task(model, task, 0);
	task->runtime = (uint8_t)runtime->shown.index;
	rc = touch(runtime, task, slot);
	if (rc == 0)
		*ret_task = task;
	return rc;
}

/* The rows are all over the memory: later ones are fetched while this one is taken. */
enum { EXPECT_PLACE = 16, EXPECT_ROW = 8 };
static void expect(const struct cn_model *model, const uint64_t *ids, size_t n, size_t i)
{
	if (i + EXPECT_PLACE < n)
		cn_slots_expect(&model->tasks, ids[i + EXPECT_PLACE]);
	if (i + EXPECT_ROW < n)
		cn_slots_expect_row(&model->tasks, ids[i + EXPECT_ROW]);
}

static void keep_previous(struct cn_task *task)
{
	task->prev_polls = task->polls;
	task->prev_wakes = task->wakes;
	task->prev_self_wakes = task->self_wakes;
	task->prev_busy_ns = task->busy_ns;
	task->prev_scheduled_ns = task->scheduled_ns;
}

static void take_task(struct cn_task *task, const Rouse__V1__Tasks *rows, size_t i)
{
	uint32_t state = CN_COLUMN(rows, state, i, ROUSE_TASK_PENDING);

	task->state = (uint8_t)(state < ROUSE_TASK_STATE_MAX ? state : ROUSE_TASK_PENDING);
	task->flags = (uint8_t)CN_COLUMN(rows, flags, i, 0);
	task->stamp = CN_COLUMN(rows, stamp, i, 0);
	task->waker_refs = CN_COLUMN(rows, waker_refs, i, 0);
	task->handle_refs = CN_COLUMN(rows, handle_refs, i, 0);
	task->name = CN_COLUMN(rows, name, i, 0);
	task->spawn_site = CN_COLUMN(rows, spawn_site, i, 0);
	task->kind = (uint8_t)CN_COLUMN(rows, kind, i, 0);
	task->parent = CN_COLUMN(rows, parent, i, 0);
	task->spawned_ns = CN_COLUMN(rows, spawned_ns, i, 0);
	task->edge_ns = CN_COLUMN(rows, edge_ns, i, 0);
	task->enqueue_ns = CN_COLUMN(rows, enqueue_ns, i, 0);
	task->last_waker = CN_COLUMN(rows, last_waker, i, 0);
	task->polls = CN_COLUMN(rows, polls, i, 0);
	task->wakes = CN_COLUMN(rows, wakes, i, 0);
	task->self_wakes = CN_COLUMN(rows, self_wakes, i, 0);
	task->busy_ns = CN_COLUMN(rows, busy_ns, i, 0);
	task->scheduled_ns = CN_COLUMN(rows, scheduled_ns, i, 0);
	task->worker = (uint16_t)CN_COLUMN(rows, worker, i, CN_NO_WORKER);
	task->valid = CN_COLUMN(rows, valid, i, 0);
	task->own_wakers = CN_COLUMN(rows, own_wakers, i, 0);
	task->frame_bytes = CN_COLUMN(rows, frame_bytes, i, 0);
}

/*
 * The clock's rate is corrected all the time, so what comes again in a keyframe
 * has stamps that are a little off those of before. Whatever happened after the
 * look that showed the first stamp is at least as far from it as that look was.
 */
static bool same_moment(uint64_t before_ns, uint64_t again_ns, uint64_t looked_ns)
{
	const uint64_t apart_ns = before_ns < again_ns ? again_ns - before_ns : before_ns - again_ns;

	return !apart_ns || (before_ns < looked_ns && apart_ns < (looked_ns - before_ns) / 64);
}

int cn_apply_tasks(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__Tasks *rows)
{
	uint32_t look = cn_look_in_progress(runtime);

	for (size_t i = 0; i < rows->n_id; i++) {
		struct cn_task *task = NULL;
		uint32_t stamp, polls;
		bool known, again;
		int rc;

		expect(model, rows->id, rows->n_id, i);
		rc = bounded(runtime, task_row(model, runtime, rows->id[i], &task));
		if (rc)
			return rc;
		if (!task)
			continue;
		known = task->seen_look != 0;
		again = task->seen_look == look;
		stamp = task->stamp;
		polls = task->polls;
		if (!again)
			keep_previous(task);
		take_task(task, rows, i);
		/* What existed before the last look, and is only seen now, did all that at a time we do not know. */
		if (!known && task->spawned_ns < runtime->shown.now_ns)
			keep_previous(task);
		if (!known || stamp != task->stamp || polls != task->polls)
			task->changed_look = look;
		task->seen_look = look;
		if (runtime->shown.looks)
			rc = cn_paces_note(&model->paces, task, runtime->shown.now_ns);
		if (rc)
			return rc;
	}
	return 0;
}

/* ------------------------------------------------------------------ awaits */

/* `poll` may move without the wait being another one: it is left out. */
static bool same_wait(const struct cn_await *before, const struct cn_await *again, uint64_t looked_ns)
{
	return before->type == again->type && before->at == again->at && before->parent == again->parent &&
	       before->op == again->op && before->wait_state == again->wait_state &&
	       before->resource == again->resource && same_moment(before->since_ns, again->since_ns, looked_ns) &&
	       before->waker_task == again->waker_task;
}

static struct cn_await await_of(const Rouse__V1__AwaitFrames *rows, size_t i)
{
	uint32_t op = CN_COLUMN(rows, op, i, 0), wait_state = CN_COLUMN(rows, wait_state, i, 0);

	return (struct cn_await){
		.type = CN_COLUMN(rows, type, i, 0),
		.at = CN_COLUMN(rows, at, i, 0),
		.parent = (uint16_t)CN_COLUMN(rows, parent, i, 0),
		.op = (uint8_t)(op < ROUSE_OP_MAX ? op : ROUSE_OP_CUSTOM),
		.wait_state = (uint8_t)(wait_state <= ROUSE_WAIT_GRANTED ? wait_state : ROUSE_WAIT_IDLE),
		.poll = CN_COLUMN(rows, poll, i, 0),
		.resource = CN_COLUMN(rows, resource, i, 0),
		.since_ns = CN_COLUMN(rows, since_ns, i, 0),
		.arg = CN_COLUMN(rows, arg, i, 0),
		.waker_task = CN_COLUMN(rows, waker_task, i, 0),
	};
}

static void find_leaf(struct cn_task *task)
{
	bool found = false;

	task->waiting = 0;
	task->leaf = task->n_awaits ? (uint16_t)(task->n_awaits - 1) : 0;
	for (uint16_t i = 0; i < task->n_awaits; i++) {
		if (task->awaits[i].wait_state != ROUSE_WAIT_WAITING)
			continue;
		task->waiting++;
		if (!found)
			task->leaf = i;
		found = true;
	}
}

/* Rows [first, first + n) are the chain of one task. */
static int take_awaits(struct cn_model *model, const struct cn_runtime_state *runtime, struct cn_task *task,
	const Rouse__V1__AwaitFrames *rows, size_t first, size_t n)
{
	const uint32_t look = cn_look_in_progress(runtime);
	bool moved = n != task->n_awaits;

	cn_waits_leave(model, task);
	task->waiting = 0;
	if (n != task->n_awaits) {
		struct cn_await *awaits = realloc(task->awaits, n * sizeof *awaits);

		if (!awaits)
			return -ENOMEM;
		task->awaits = awaits;
		task->n_awaits = (uint16_t)n;
		memset(awaits, 0, n * sizeof *awaits);
	}
	for (size_t i = 0; i < n; i++) {
		struct cn_await await = await_of(rows, first + i);

		moved = moved || !same_wait(&task->awaits[i], &await, runtime->shown.now_ns);
		task->awaits[i] = await;
	}
	if (moved)
		task->changed_look = look;
	task->awaits_look = look;
	find_leaf(task);
	return cn_waits_join(model, task);
}

int cn_apply_awaits(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__AwaitFrames *rows)
{
	for (size_t i = 0, n; i < rows->n_task; i += n) {
		struct cn_task *task = NULL;
		int rc;

		expect(model, rows->task, rows->n_task, i);
		for (n = 1; i + n < rows->n_task && rows->task[i + n] == rows->task[i]; n++)
			continue;
		if (n > CN_AWAITS_MAX) {
			runtime->cut = true;
			continue;
		}
		rc = bounded(runtime, task_row(model, runtime, rows->task[i], &task));
		if (rc == 0 && task)
			rc = take_awaits(model, runtime, task, rows, i, n);
		if (rc)
			return rc;
	}
	return 0;
}

/* --------------------------------------------------------------- resources */

/*
 * Growth is told over many looks. A look without change says nothing; a small
 * step back is forgiven, a quarter at once, or to where it began, is not.
 */
static void follow_growth(struct cn_resource *resource, uint64_t before, uint64_t then_ns)
{
	if (resource->value > before) {
		if (!resource->grow_looks) {
			resource->grow_from = before;
			resource->grow_ns = then_ns;
		}
		resource->grow_looks++;
	} else if (resource->value < before - before / 4 ||
		   (resource->value < before && resource->value <= resource->grow_from)) {
		resource->grow_looks = 0;
	}
}

static void take_resource(struct cn_resource *resource, const Rouse__V1__Resources *rows, size_t i)
{
	uint32_t kind = CN_COLUMN(rows, kind, i, 0);

	resource->kind = (uint8_t)(kind < ROUSE_RESOURCE_KIND_MAX ? kind : ROUSE_RESOURCE_FREE);
	resource->flags = (uint8_t)CN_COLUMN(rows, flags, i, 0);
	resource->site = CN_COLUMN(rows, site, i, 0);
	resource->name = CN_COLUMN(rows, name, i, 0);
	resource->owner = CN_COLUMN(rows, owner, i, 0);
	resource->owner_since_ns = CN_COLUMN(rows, owner_since_ns, i, 0);
	resource->creator = CN_COLUMN(rows, creator, i, 0);
	resource->created_ns = CN_COLUMN(rows, created_ns, i, 0);
	resource->value = CN_COLUMN(rows, value, i, 0);
	resource->capacity = CN_COLUMN(rows, capacity, i, 0);
	resource->side_a = CN_COLUMN(rows, side_a, i, 0);
	resource->side_b = CN_COLUMN(rows, side_b, i, 0);
	resource->last_user_a = CN_COLUMN(rows, last_user_a, i, 0);
	resource->last_user_b = CN_COLUMN(rows, last_user_b, i, 0);
	resource->granted = CN_COLUMN(rows, granted, i, 0);
}

/* Since when has a lock been given to its owner, without the owner taking it? */
static void follow_hand_over(
	struct cn_resource *resource, const struct cn_resource *before, const struct cn_runtime_state *runtime)
{
	bool same = before->flags & ROUSE_RESOURCE_HANDED && before->owner == resource->owner &&
		    same_moment(before->owner_since_ns, resource->owner_since_ns, runtime->shown.now_ns);

	if (resource->flags & ROUSE_RESOURCE_HANDED && !same)
		resource->handed_look = cn_look_in_progress(runtime);
}

/* As the look before had it. */
static void remember(struct cn_resource *resource, const struct cn_resource *before)
{
	resource->prev_value = before->value;
	resource->prev_side_a = before->side_a;
	resource->prev_side_b = before->side_b;
}

int cn_apply_resources(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__Resources *rows)
{
	uint32_t look = cn_look_in_progress(runtime);

	for (size_t i = 0; i < rows->n_serial; i++) {
		struct cn_resource *resource, before;
		void *row = NULL;
		int rc = bounded(runtime, cn_slots_put(&model->resources, rows->serial[i], &row));

		if (rc)
			return rc;
		if (!row)
			continue;
		resource = row;
		before = *resource;
		take_resource(resource, rows, i);
		resource->runtime = (uint8_t)runtime->shown.index;
		if (!before.seen_look)
			cn_waits_found(model, resource);
		if (!before.seen_look)
			remember(resource, resource);
		else if (before.seen_look != look)
			remember(resource, &before);
		follow_hand_over(resource, &before, runtime);
		if (before.seen_look)
			follow_growth(resource, before.value, runtime->shown.now_ns);
		if (!before.seen_look || before.owner != resource->owner || before.value != resource->value ||
			!same_moment(before.owner_since_ns, resource->owner_since_ns, runtime->shown.now_ns) ||
			before.flags != resource->flags || before.granted != resource->granted)
			resource->changed_look = look;
		resource->seen_look = look;
	}
	return 0;
}

/* -------------------------------------------------------------- histograms */

static void take_buckets(struct cn_histogram *histogram, const Rouse__V1__Histograms *rows, size_t row)
{
	size_t n = rows->buckets < ROUSE_HISTOGRAM_BUCKETS ? rows->buckets : ROUSE_HISTOGRAM_BUCKETS;
	size_t from = row * rows->buckets;

	memset(histogram, 0, sizeof *histogram);
	if (rows->n_poll >= from + rows->buckets && n)
		memcpy(histogram->poll, rows->poll + from, n * sizeof histogram->poll[0]);
	if (rows->n_delay >= from + rows->buckets && n)
		memcpy(histogram->delay, rows->delay + from, n * sizeof histogram->delay[0]);
}

static struct cn_watched *watched_of(struct cn_model *model, uint64_t task)
{
	struct cn_watched *place = &model->watched[0];

	for (size_t i = 0; i < CN_WATCHED_MAX; i++) {
		if (model->watched[i].task == task)
			return &model->watched[i];
		if (!model->watched[i].task || !cn_model_task(model, model->watched[i].task))
			place = &model->watched[i];
	}
	*place = (struct cn_watched){ .task = task };
	return place;
}

int cn_apply_histograms(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__Histograms *rows)
{
	size_t n = rows->n_site ? rows->n_site : rows->n_task;

	for (size_t i = 0; i < n; i++) {
		uint64_t task = CN_COLUMN(rows, task, i, 0);
		uint32_t site = CN_COLUMN(rows, site, i, 0);
		struct cn_site_row *row;

		if (task) {
			take_buckets(&watched_of(model, task)->histogram, rows, i);
			continue;
		}
		if (!site || cn_sites_row(&runtime->sites, site, &row))
			continue;
		if (!row->histogram)
			row->histogram = calloc(1, sizeof *row->histogram);
		if (!row->histogram)
			return -ENOMEM;
		take_buckets(row->histogram, rows, i);
	}
	return 0;
}
