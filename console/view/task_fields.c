/* SPDX-License-Identifier: MIT */
#include "view/task_fields.h"
#include "export/text.h"
#include "model/ended.h"
#include "view/columns.h"
#include "widget/graph.h"

#include <stdio.h>

/* ------------------------------------------------------------------- text */

static const char *kind_of(const struct cn_task *task)
{
	return task->kind == ROUSE_KIND_MAIN ? "main" : task->kind == ROUSE_KIND_DAEMON ? "daemon" : "task";
}

/* "lock mutex #12 left" */
static const char *waits_of(const struct cn_scene *scene, const struct cn_task *task, char room[CN_QUERY_ROOM])
{
	const struct cn_await *leaf = cn_task_leaf(task);
	char what[CN_QUERY_ROOM / 2] = "";

	if (!leaf || !leaf->op || task->state != ROUSE_TASK_PENDING)
		return NULL;
	if (leaf->op == ROUSE_OP_JOIN)
		cn_who_text(what, sizeof what, scene, leaf->resource);
	else if (leaf->resource && leaf->op != ROUSE_OP_SLEEP)
		cn_resource_text(what, sizeof what, scene, leaf->resource);
	snprintf(room, CN_QUERY_ROOM, "%s %s", cn_op_name(leaf->op), what);
	return room;
}

static const char *finding_of(const struct cn_scene *scene, const struct cn_task *task, char room[CN_QUERY_ROOM])
{
	const struct cn_finding *finding = cn_findings_of_task(scene->findings, task->id);

	if (!finding)
		return NULL;
	snprintf(room, CN_QUERY_ROOM, "%s %s %s", cn_class_name(finding->class), cn_finding_title(finding->code),
		cn_finding_text(finding->code));
	return room;
}

const char *cn_task_field_text(
	const struct cn_scene *scene, const struct cn_task *task, enum cn_field field, char room[CN_QUERY_ROOM])
{
	switch (field) {
	case CN_FIELD_STATE:
		return cn_task_state_text(task);
	case CN_FIELD_NAME:
		return cn_task_name(scene->model, task);
	case CN_FIELD_KIND:
		return kind_of(task);
	case CN_FIELD_FINDING:
		return finding_of(scene, task, room);
	case CN_FIELD_WAITS:
		return waits_of(scene, task, room);
	case CN_FIELD_AT:
		return cn_site_text(
			room, CN_QUERY_ROOM, scene, task->runtime, cn_task_await_site(scene->model, task));
	case CN_FIELD_SPAWN:
		return cn_site_text(room, CN_QUERY_ROOM, scene, task->runtime, task->spawn_site);
	case CN_FIELD_WAKER:
		return cn_waker_text(room, CN_QUERY_ROOM, scene, task->last_waker);
	default:
		return NULL;
	}
}

/* ----------------------------------------------------------------- numbers */

static uint64_t part(uint64_t ns, uint64_t of_ns)
{
	return !of_ns ? 0 : ns >= of_ns ? CN_QUERY_WHOLE : (uint64_t)((double)ns * CN_QUERY_WHOLE / (double)of_ns);
}

/* Its own histogram while it is watched, else that of its spawn site. */
static bool percentile(
	const struct cn_scene *scene, const struct cn_task *task, bool delay, unsigned int per_mille, uint64_t *ret)
{
	const struct cn_histogram *histogram = cn_model_task_histogram(scene->model, task->id);
	const uint32_t *counts;

	if (!histogram)
		histogram = cn_model_site_histogram(scene->model, task->runtime, task->spawn_site);
	if (!histogram)
		return false;
	counts = delay ? histogram->delay : histogram->poll;
	*ret = cn_histogram_percentile(counts, ROUSE_HISTOGRAM_BUCKETS, per_mille);
	return *ret != 0;
}

/* Its columns' keys: shares in billionths, plus one. */
static bool kernel_number(
	const struct cn_scene *scene, const struct cn_task *task, enum cn_kernel_column column, bool share, uint64_t *ret)
{
	const struct cn_spent spent = cn_spent_of_task(scene, task);
	const uint64_t key = cn_spent_key(&spent, column);
	const bool is_share = column < CN_KERNEL_COLUMN_CALLS;

	if (share != is_share || (is_share ? !key : !spent.sum))
		return false;
	*ret = is_share ? (key - 1) / (1000000000 / CN_QUERY_WHOLE) : key;
	return true;
}

static bool share_of(const struct cn_scene *scene, const struct cn_task *task, enum cn_field field, uint64_t *ret)
{
	const struct cn_pace pace = cn_task_pace(scene->model, task, scene->rates);
	const uint64_t age = cn_task_age_ns(scene->model, task);

	switch (field) {
	case CN_FIELD_BUSY:
		*ret = part(pace.busy_ns, pace.span_ns);
		return pace.span_ns;
	case CN_FIELD_SCHED:
		*ret = part(cn_task_scheduled_ns(scene->model, task), age);
		return age;
	case CN_FIELD_IDLE:
		*ret = part(cn_task_idle_ns(scene->model, task), age);
		return age;
	case CN_FIELD_BLOCKED:
		return kernel_number(scene, task, CN_KERNEL_COLUMN_BLOCKED, true, ret);
	case CN_FIELD_RUNQ:
		return kernel_number(scene, task, CN_KERNEL_COLUMN_RUN_QUEUE, true, ret);
	case CN_FIELD_CPU:
		return kernel_number(scene, task, CN_KERNEL_COLUMN_CPU, true, ret);
	case CN_FIELD_PREEMPT:
		return kernel_number(scene, task, CN_KERNEL_COLUMN_PREEMPTED, true, ret);
	case CN_FIELD_FAULT:
		return kernel_number(scene, task, CN_KERNEL_COLUMN_FAULT, true, ret);
	default:
		return false;
	}
}

static bool rate_of(const struct cn_scene *scene, const struct cn_task *task, bool wakes, uint64_t *ret)
{
	const struct cn_pace pace = cn_task_pace(scene->model, task, scene->rates);

	*ret = (uint64_t)(cn_rate(wakes ? pace.wakes : pace.polls, pace.span_ns) + 0.5);
	return pace.span_ns;
}

static bool count_of(const struct cn_scene *scene, const struct cn_task *task, enum cn_field field, uint64_t *ret)
{
	switch (field) {
	case CN_FIELD_ID:
		return *ret = task->id, true;
	case CN_FIELD_PARENT:
		return *ret = task->parent, true;
	case CN_FIELD_WORKER:
		return *ret = task->worker, task->worker != CN_NO_WORKER;
	case CN_FIELD_POLLS:
		return *ret = task->polls, true;
	case CN_FIELD_WAKES:
		return *ret = task->wakes, true;
	case CN_FIELD_SELF:
		return *ret = task->self_wakes, true;
	case CN_FIELD_POLL_RATE:
		return rate_of(scene, task, false, ret);
	case CN_FIELD_WAKE_RATE:
		return rate_of(scene, task, true, ret);
	case CN_FIELD_WAKERS:
		return *ret = task->waker_refs, true;
	case CN_FIELD_HANDLES:
		return *ret = task->handle_refs, true;
	case CN_FIELD_FRAME:
		return *ret = task->frame_bytes, true;
	case CN_FIELD_SYSCALLS:
		return kernel_number(scene, task, CN_KERNEL_COLUMN_CALLS, false, ret);
	case CN_FIELD_FAULTS:
		return kernel_number(scene, task, CN_KERNEL_COLUMN_FAULTS, false, ret);
	default:
		return false;
	}
}

static bool time_of(const struct cn_scene *scene, const struct cn_task *task, enum cn_field field, uint64_t *ret)
{
	switch (field) {
	case CN_FIELD_AGE:
		return *ret = cn_task_age_ns(scene->model, task), true;
	case CN_FIELD_FOR:
		return *ret = cn_task_in_state_ns(scene->model, task), true;
	case CN_FIELD_BUSY:
		return *ret = cn_task_busy_ns(scene->model, task), true;
	case CN_FIELD_SCHED:
		return *ret = cn_task_scheduled_ns(scene->model, task), true;
	case CN_FIELD_IDLE:
		return *ret = cn_task_idle_ns(scene->model, task), true;
	case CN_FIELD_P50:
		return percentile(scene, task, false, 500, ret);
	case CN_FIELD_P90:
		return percentile(scene, task, false, 900, ret);
	case CN_FIELD_P99:
		return percentile(scene, task, false, 990, ret);
	case CN_FIELD_D50:
		return percentile(scene, task, true, 500, ret);
	case CN_FIELD_D90:
		return percentile(scene, task, true, 900, ret);
	case CN_FIELD_D99:
		return percentile(scene, task, true, 990, ret);
	default:
		return false;
	}
}

bool cn_task_field_number(
	const struct cn_scene *scene, const struct cn_task *task, enum cn_field field, bool share, uint64_t *ret_value)
{
	if (share)
		return share_of(scene, task, field, ret_value);
	switch (cn_field_kind(field)) {
	case CN_FIELD_IS_TIME:
	case CN_FIELD_IS_TIME_OR_SHARE:
		return time_of(scene, task, field, ret_value);
	case CN_FIELD_IS_NUMBER:
	case CN_FIELD_IS_COUNT:
		return count_of(scene, task, field, ret_value);
	default:
		return false;
	}
}

/* ------------------------------------------------------------------- slots */

const char *cn_slot_field_text(
	const struct cn_scene *scene, size_t index, enum cn_field field, char room[CN_QUERY_ROOM])
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);

	return task ? cn_task_field_text(scene, task, field, room) : NULL;
}

bool cn_slot_field_number(
	const struct cn_scene *scene, size_t index, enum cn_field field, bool share, uint64_t *ret)
{
	const struct cn_task *task = cn_model_task_at(scene->model, index);

	return task && cn_task_field_number(scene, task, field, share, ret);
}
