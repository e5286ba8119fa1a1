/* SPDX-License-Identifier: MIT */
#include "model/pace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/private.h"

#define STEP_NS 5000000000ull
#define RECENT_NS 10000000000ull

static const struct {
	const char *word, *text;
} windows[CN_RATES_COUNT] = {
#define X(name, word, text) [CN_RATES_##name] = { word, text },
	CN_RATESS(X)
#undef X
};

const char *cn_rates_text(enum cn_rates window)
{
	return windows[window].text;
}

const char *cn_rates_word(enum cn_rates window)
{
	return windows[window].word;
}

/* ----------------------------------------------------------------- keeping */

static int take_one(struct cn_paces *paces, uint32_t *ret_index)
{
	if (!paces->free) {
		const uint32_t capacity = paces->capacity ? 2 * paces->capacity : 64;
		struct cn_past_counts *all;

		if (paces->n == paces->capacity) {
			all = reallocarray(paces->all, capacity, sizeof *all);
			if (!all)
				return -ENOMEM;
			paces->all = all;
			paces->capacity = capacity;
		}
		*ret_index = paces->n++;
	} else {
		*ret_index = paces->free - 1;
		paces->free = paces->all[*ret_index].next_free;
	}
	paces->all[*ret_index] = (struct cn_past_counts){ 0 };
	return 0;
}

int cn_paces_note(struct cn_paces *paces, struct cn_task *task, uint64_t before_ns)
{
	const struct cn_moment moment = {
		.ns = before_ns, .busy_ns = task->prev_busy_ns, .polls = task->prev_polls, .wakes = task->prev_wakes
	};
	struct cn_past_counts *past;
	uint32_t index;

	if (task->polls == moment.polls && task->wakes == moment.wakes && task->busy_ns == moment.busy_ns)
		return 0;
	if (!task->past) {
		int rc = take_one(paces, &index);

		if (rc)
			return rc;
		task->past = index + 1;
		paces->all[index].first = moment;
	}
	past = &paces->all[task->past - 1];
	if (past->n && moment.ns < past->last[0].ns + STEP_NS)
		return 0;
	memmove(&past->last[1], &past->last[0], (CN_MOMENTS - 1) * sizeof past->last[0]);
	past->last[0] = moment;
	past->n += past->n < CN_MOMENTS;
	return 0;
}

void cn_paces_forget(struct cn_paces *paces, struct cn_task *task)
{
	if (!task->past)
		return;
	paces->all[task->past - 1].next_free = paces->free;
	paces->free = task->past;
	task->past = 0;
}

void cn_paces_fini(struct cn_paces *paces)
{
	free(paces->all);
	*paces = (struct cn_paces){ 0 };
}

/* ----------------------------------------------------------------- telling */

/* A counter of 32 bits may have begun again, time never does. */
static struct cn_pace since(const struct cn_task *task, const struct cn_moment *then, uint64_t span_ns)
{
	return (struct cn_pace){ .span_ns = span_ns,
		.busy_ns = task->busy_ns > then->busy_ns ? task->busy_ns - then->busy_ns : 0,
		.polls = (uint32_t)(task->polls - then->polls),
		.wakes = (uint32_t)(task->wakes - then->wakes) };
}

/* As the counts were at `from_ns`, or at the moment nearest to it that tells. */
static struct cn_pace since_moment(
	const struct cn_task *task, const struct cn_past_counts *past, uint64_t from_ns, uint64_t now_ns)
{
	uint32_t i = 0;

	while (i < past->n && past->last[i].ns > from_ns)
		i++;
	/* It stood still before the oldest; and since five seconds after a moment, until the next one. */
	if (i == past->n || (from_ns - past->last[i].ns >= STEP_NS && i > 0))
		return since(task, &past->last[i - 1], now_ns - from_ns);
	if (from_ns - past->last[i].ns >= STEP_NS)
		return (struct cn_pace){ .span_ns = now_ns - from_ns };
	return since(task, &past->last[i], now_ns - past->last[i].ns);
}

static struct cn_pace over_window(
	const struct cn_model *model, const struct cn_runtime *runtime, const struct cn_task *task, enum cn_rates window)
{
	static const struct cn_moment none;
	const struct cn_past_counts *past = task->past ? &model->paces.all[task->past - 1] : NULL;
	const uint64_t now = runtime->now_ns;
	uint64_t from = runtime->first_ns;

	if (window == CN_RATES_LOOK) {
		const struct cn_delta delta = cn_task_delta(model, task);

		return (struct cn_pace){ delta.span_ns, delta.busy_ns, delta.polls, delta.wakes };
	}
	if (window == CN_RATES_RECENT && now > RECENT_NS && now - RECENT_NS > from)
		from = now - RECENT_NS;
	if (now <= from)
		return (struct cn_pace){ 0 };
	if (task->spawned_ns >= from)
		return now > task->spawned_ns ? since(task, &none, now - task->spawned_ns) : (struct cn_pace){ 0 };
	if (!past)
		return (struct cn_pace){ .span_ns = now - from };
	if (window == CN_RATES_ATTACH)
		return since(task, &past->first, now - from);
	return since_moment(task, past, from, now);
}

struct cn_pace cn_task_pace(const struct cn_model *model, const struct cn_task *task, enum cn_rates window)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	struct cn_pace pace = { 0 };

	if (!runtime)
		return pace;
	pace = over_window(model, runtime, task, window);
	if (task->state == ROUSE_TASK_RUNNING && task->edge_ns && runtime->now_ns > task->edge_ns)
		pace.busy_ns += runtime->now_ns - task->edge_ns;
	if (pace.busy_ns > pace.span_ns)
		pace.busy_ns = pace.span_ns;
	return pace;
}
