/* SPDX-License-Identifier: MIT */
#include "model/ended.h"

#include <stdio.h>
#include <string.h>

#include "model/private.h"

void cn_ended_init(struct cn_ended_tasks *ended)
{
	cn_slots_init(&ended->rows, sizeof(struct cn_ended), CN_ENDED_MAX);
}

void cn_ended_fini(struct cn_ended_tasks *ended)
{
	cn_slots_fini(&ended->rows);
}

void cn_model_keep_ended(struct cn_model *model, uint64_t ns)
{
	model->ended.keep_ns = ns;
	cn_ended_expire(model);
}

uint64_t cn_model_keeps_ended(const struct cn_model *model)
{
	return model->ended.keep_ns;
}

const struct cn_task *cn_model_ended_at(const struct cn_model *model, size_t slot)
{
	return cn_slots_at(&model->ended.rows, slot);
}

const char *cn_task_state_text(const struct cn_task *task)
{
	static const char *const texts[ROUSE_TASK_STATE_MAX] = {
#define X(name, text) [ROUSE_TASK_##name] = "ended, " text,
		ROUSE_TASK_STATES(X)
#undef X
	};

	if (!task->gone)
		return cn_task_state_name(task->state);
	return task->state < ROUSE_TASK_STATE_MAX ? texts[task->state] : "ended";
}

static void drop_oldest(struct cn_ended_tasks *ended)
{
	cn_slots_remove(&ended->rows, ended->order[ended->first++ % CN_ENDED_MAX]);
}

void cn_ended_keep(struct cn_model *model, const struct cn_task *task)
{
	struct cn_ended_tasks *ended = &model->ended;
	const struct cn_runtime_state *runtime = model->runtimes[task->runtime];
	struct cn_ended *kept;
	void *row;

	/* Ids are never used again; who does it nevertheless gets no second row. */
	if (!ended->keep_ns || !task->seen_look || cn_slots_find(&ended->rows, task->id))
		return;
	if (ended->n - ended->first == CN_ENDED_MAX)
		drop_oldest(ended);
	if (cn_slots_put(&ended->rows, task->id, &row))
		return;
	ended->order[ended->n++ % CN_ENDED_MAX] = task->id;
	kept = row;
	kept->task = *task;
	snprintf(kept->name, sizeof kept->name, "%s", cn_task_name(model, task));
	kept->task.gone = true;
	kept->task.state = task->state >= ROUSE_TASK_COMPLETE ? task->state
			   : task->ended_as		      ? (uint8_t)(task->ended_as - 1)
							      : ROUSE_TASK_STATE_MAX;
	kept->task.awaits = NULL;
	kept->task.n_awaits = kept->task.waiting = kept->task.leaf = 0;
	kept->task.past = 0;
	kept->task.changed_ns = runtime->open ? runtime->next.now_ns : runtime->shown.now_ns;
}

void cn_ended_tell(struct cn_model *model, uint64_t id, uint32_t state)
{
	struct cn_task *task;

	if (!model->ended.keep_ns || state < ROUSE_TASK_COMPLETE || state >= ROUSE_TASK_STATE_MAX)
		return;
	task = cn_slots_find(&model->tasks, id);
	if (task)
		task->ended_as = (uint8_t)(state + 1);
	task = cn_slots_find(&model->ended.rows, id);
	if (task)
		task->state = (uint8_t)state;
}

void cn_ended_expire(struct cn_model *model)
{
	struct cn_ended_tasks *ended = &model->ended;

	while (ended->first < ended->n) {
		const struct cn_task *task = cn_slots_find(&ended->rows, ended->order[ended->first % CN_ENDED_MAX]);

		if (task && ended->keep_ns && model->now_ns < task->changed_ns + ended->keep_ns)
			return;
		drop_oldest(ended);
	}
}
