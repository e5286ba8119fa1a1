/* SPDX-License-Identifier: MIT */
#include "view/wakes.h"
#include "export/text.h"
#include "model/slots.h"
#include "view/sheet.h"
#include "view/strips.h"
#include "widget/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 1 << 16, PARTNERS_SHOWN = 6, SITE_BITS = 28 };

/* ---------------------------------------------------------------- building */

struct building {
	const struct cn_model *model;
	struct cn_slots pairs;
	struct cn_spawns spawns; /* of the runtime whose events are counted */
	bool partial;
	int rc;
};

static uint32_t from_of(const struct building *b, uint64_t waker)
{
	const struct cn_task *task;
	uint32_t site;

	if (cn_wake_source_name(waker))
		return (uint32_t)waker;
	task = cn_model_task(b->model, waker);
	site = task ? task->spawn_site : cn_spawn_site(b->model, &b->spawns, waker);
	return site ? CN_WAKER_SITES + site : CN_WAKER_ENDED;
}

/* The newest one stands for all of its kind. */
static void note(struct cn_wake_pair *pair, uint64_t task, uint64_t waker, uint64_t ns)
{
	if (pair->task && ns < pair->latest_ns)
		return;
	pair->task = task;
	pair->waker = cn_wake_source_name(waker) ? 0 : waker;
	pair->latest_ns = ns;
}

static struct cn_wake_pair *pair_of(struct building *b, uint8_t runtime, uint32_t from, uint32_t to)
{
	const uint64_t most = (1ull << SITE_BITS) - 1;
	const uint64_t key = (uint64_t)(runtime + 1) << 2 * SITE_BITS | (from & most) << SITE_BITS | (to & most);
	struct cn_wake_pair *pair;
	void *row;
	int rc = cn_slots_put(&b->pairs, key, &row);

	if (rc) {
		b->partial = b->partial || rc == -E2BIG;
		b->rc = rc == -ENOMEM ? rc : b->rc;
		return NULL;
	}
	pair = row;
	pair->runtime = runtime;
	pair->from = from;
	pair->to = to;
	return pair;
}

static void take_tasks(struct building *b)
{
	for (size_t i = 0; i < cn_model_task_slots(b->model) && b->rc == 0; i++) {
		const struct cn_task *task = cn_model_task_at(b->model, i);
		struct cn_wake_pair *pair;

		if (!task || task->last_waker == ROUSE_WAKE_NONE)
			continue;
		pair = pair_of(b, task->runtime, from_of(b, task->last_waker), task->spawn_site);
		if (!pair)
			continue;
		pair->tasks++;
		note(pair, task->id, task->last_waker, task->enqueue_ns);
	}
}

static void take_events(struct building *b, size_t runtime)
{
	const struct cn_event_filter filter = {
		.kinds = 1u << ROUSE_EVENT_WAKE, .runtime = (uint32_t)runtime + 1 };
	struct cn_event_list list = { 0 };

	b->rc = cn_events_list(b->model, &filter, &list);
	for (size_t i = 0; i < list.n && b->rc == 0; i++) {
		const struct cn_event *event = list.at[i];
		const uint32_t to = cn_spawn_site(b->model, &b->spawns, event->task);
		struct cn_wake_pair *pair = pair_of(b, event->runtime, from_of(b, event->arg), to);

		if (!pair)
			continue;
		pair->wakes++;
		note(pair, event->task, event->arg, event->ns);
	}
	cn_event_list_fini(&list);
}

int cn_wakes_build(const struct cn_model *model, struct cn_wakes *wakes)
{
	struct building b = { .model = model };

	cn_wakes_free(wakes);
	cn_slots_init(&b.pairs, sizeof(struct cn_wake_pair), PAIRS_MAX);
	take_tasks(&b);
	for (size_t i = 0; i < cn_model_runtimes(model) && b.rc == 0; i++) {
		b.rc = cn_spawns_build(model, i, &b.spawns);
		if (b.rc == 0)
			take_events(&b, i);
		cn_spawns_free(&b.spawns);
	}
	if (b.rc == 0 && b.pairs.live) {
		wakes->pairs = malloc(b.pairs.live * sizeof *wakes->pairs);
		b.rc = wakes->pairs ? 0 : -ENOMEM;
	}
	for (size_t i = 0; b.rc == 0 && i < b.pairs.used; i++) {
		const struct cn_wake_pair *pair = cn_slots_at(&b.pairs, i);

		if (pair)
			wakes->pairs[wakes->n++] = *pair;
	}
	wakes->partial = b.partial;
	cn_slots_fini(&b.pairs);
	return b.rc;
}

void cn_wakes_free(struct cn_wakes *wakes)
{
	free(wakes->pairs);
	*wakes = (struct cn_wakes){ 0 };
}

/* ------------------------------------------------------------------- table */

enum column { FROM, TO, TASKS, WAKES, LATEST, FROM_AT, TO_AT, COLUMNS };

static const struct cn_column columns[COLUMNS] = {
	[FROM] = { "WAKER", 13, 28, 0, CN_LEFT },
	[TO] = { "WAKES", 15, 30, 0, CN_LEFT },
	[TASKS] = { "TASKS", 6, 6, 2, CN_RIGHT },
	[WAKES] = { "TIMES", 6, 6, 1, CN_RIGHT },
	[LATEST] = { "LAST", 6, 6, 3, CN_RIGHT },
	[FROM_AT] = { "WAKER FROM", 12, 26, 5, CN_TAIL },
	[TO_AT] = { "SPAWNED AT", 12, 26, 4, CN_TAIL },
};

static size_t slots(const struct cn_scene *scene)
{
	return scene->wakes ? scene->wakes->n : 0;
}

/* What tasks of a spawn site run, as one of them tells; else the function that spawns them. */
static const char *site_name(char out[CN_ROW_BYTES], const struct cn_scene *scene, const struct cn_wake_pair *pair,
	uint32_t index, uint64_t example)
{
	const struct cn_task *task = cn_model_task(scene->model, example);
	const bool tells = task && task->n_awaits && task->runtime == pair->runtime && task->spawn_site == index;
	const struct cn_site *site =
		cn_model_site(scene->model, pair->runtime, tells ? task->awaits[0].type : index);

	cn_text_safe(out, CN_ROW_BYTES, cn_model_string(scene->model, pair->runtime, site->name), scene->ascii);
	if (!*out)
		cn_site_text(out, CN_ROW_BYTES, scene, pair->runtime, index);
	if (!*out)
		snprintf(out, CN_ROW_BYTES, "tasks that have ended");
	return out;
}

static const char *text(const struct cn_scene *scene, size_t index, size_t column, char out[CN_ROW_BYTES])
{
	const struct cn_wake_pair *pair = &scene->wakes->pairs[index];

	*out = 0;
	switch ((enum column)column) {
	case FROM:
		if (pair->from >= CN_WAKER_SITES)
			return site_name(out, scene, pair, pair->from - CN_WAKER_SITES, pair->waker);
		snprintf(out, CN_ROW_BYTES, "%s",
			pair->from == CN_WAKER_ENDED ? "tasks that have ended" : cn_wake_source_name(pair->from));
		return out;
	case TO:
		return site_name(out, scene, pair, pair->to, pair->task);
	case FROM_AT:
		return pair->from >= CN_WAKER_SITES ? cn_site_text(out, CN_ROW_BYTES, scene, pair->runtime,
							      pair->from - CN_WAKER_SITES)
						    : out;
	case TO_AT:
		return cn_site_text(out, CN_ROW_BYTES, scene, pair->runtime, pair->to);
	default:
		return NULL;
	}
}

static uint64_t key(const struct cn_scene *scene, size_t index, size_t column)
{
	const struct cn_wake_pair *pair = &scene->wakes->pairs[index];
	char room[CN_ROW_BYTES];

	switch ((enum column)column) {
	case TASKS:
		return pair->tasks;
	case WAKES: /* where none are recorded, by tasks */
		return pair->wakes << 24 | (pair->tasks & 0xffffff);
	case LATEST:
		return pair->latest_ns;
	default:
		return cn_text_key(text(scene, index, column, room));
	}
}

static bool row(const struct cn_scene *scene, size_t index, size_t column, struct cn_entry *ret)
{
	ret->id = scene->wakes->pairs[index].key;
	ret->key = key(scene, index, column);
	return true;
}

static void cell(const struct cn_scene *scene, size_t index, size_t column, struct cn_text *ret)
{
	const struct cn_wake_pair *pair = &scene->wakes->pairs[index];
	const struct cn_runtime *runtime = cn_model_runtime(scene->model, pair->runtime);
	char room[CN_ROW_BYTES];

	switch ((enum column)column) {
	case TASKS:
		cn_format_count(ret->text, pair->tasks);
		ret->style = pair->tasks ? CN_STYLE_PLAIN : CN_STYLE_DIM;
		return;
	case WAKES:
		if (cn_events_newest(scene->model))
			cn_format_count(ret->text, pair->wakes);
		else
			snprintf(ret->text, sizeof ret->text, "-");
		ret->style = pair->wakes ? CN_STYLE_STRONG : CN_STYLE_DIM;
		return;
	case LATEST:
		if (runtime && pair->latest_ns)
			cn_format_ns(ret->text,
				runtime->now_ns > pair->latest_ns ? runtime->now_ns - pair->latest_ns : 0);
		return;
	default:
		snprintf(ret->text, sizeof ret->text, "%s", text(scene, index, column, room));
		ret->style = column == FROM && pair->from < CN_WAKER_SITES ? CN_STYLE_PLAIN
			     : column == FROM_AT || column == TO_AT       ? CN_STYLE_SITE
									   : CN_STYLE_NAME;
		if (column == TO)
			ret->glyph = CN_GLYPH_ARROW;
		return;
	}
}

static void words(const struct cn_scene *scene, size_t index, char out[CN_ROW_BYTES])
{
	char from[CN_ROW_BYTES], to[CN_ROW_BYTES], from_at[CN_ROW_BYTES], to_at[CN_ROW_BYTES];

	snprintf(out, CN_ROW_BYTES, "%.100s %.100s %.100s %.100s", text(scene, index, FROM, from),
		text(scene, index, TO, to), text(scene, index, FROM_AT, from_at), text(scene, index, TO_AT, to_at));
}

static uint64_t task_of(const struct cn_scene *scene, size_t index)
{
	return scene->wakes->pairs[index].task;
}

static const struct cn_field_column fields[] = {
	{ CN_FIELD_WAKER, FROM, CN_KEY_PLAIN },
	{ CN_FIELD_NAME, TO, CN_KEY_PLAIN },
	{ CN_FIELD_TASKS, TASKS, CN_KEY_PLAIN },
	{ CN_FIELD_WAKES, WAKES, CN_KEY_PLAIN },
	{ CN_FIELD_SPAWN, TO_AT, CN_KEY_PLAIN },
};

const struct cn_sheet_kind cn_wakes_sheet = {
	.name = "Wakes",
	.none = "No task remembers a wake: none was woken yet, or the level is 0.",
	.columns = columns,
	.n_columns = COLUMNS,
	.sorted = WAKES,
	.descending = true,
	.slots = slots,
	.row = row,
	.text = text,
	.cell = cell,
	.fields = fields,
	.n_fields = sizeof fields / sizeof *fields,
	.words = words,
	.task = task_of,
};

/* -------------------------------------------------------------------- page */

struct partner {
	uint64_t who, times;
};

static int by_who(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_times(const void *a, const void *b)
{
	const struct partner *x = a, *y = b;

	return x->times != y->times ? (x->times > y->times ? -1 : 1) : x->who < y->who ? -1 : x->who > y->who;
}

/* The other side of each wake, counted: the most frequent first. Their number, 0 without memory. */
static size_t count_partners(const struct cn_event_list *list, bool wakers, struct partner **ret)
{
	uint64_t *all = list->n ? malloc(list->n * sizeof *all) : NULL;
	struct partner *partners = list->n ? malloc(list->n * sizeof *partners) : NULL;
	size_t n = 0;

	*ret = partners;
	for (size_t i = 0; all && partners && i < list->n; i++)
		all[i] = wakers ? list->at[i]->arg : list->at[i]->task;
	if (all && partners)
		qsort(all, list->n, sizeof *all, by_who);
	for (size_t i = 0; all && partners && i < list->n; i++) {
		if (n && partners[n - 1].who == all[i])
			partners[n - 1].times++;
		else
			partners[n++] = (struct partner){ all[i], 1 };
	}
	if (n)
		qsort(partners, n, sizeof *partners, by_times);
	free(all);
	return n;
}

static void draw_partners(struct cn_page *page, const struct cn_scene *scene, const struct cn_event_filter *filter,
	bool wakers)
{
	struct cn_event_list list = { 0 };
	struct partner *partners = NULL;
	char who[200], times[CN_FORMAT_BYTES], text[300];
	size_t n = 0;

	if (cn_events_list(scene->model, filter, &list) == 0)
		n = count_partners(&list, wakers, &partners);
	for (size_t i = 0; i < n && i < PARTNERS_SHOWN; i++) {
		snprintf(text, sizeof text, "%s %s %s", wakers ? "woken by" : "wakes   ",
			cn_waker_text(who, sizeof who, scene, partners[i].who), cn_format_count(times, partners[i].times));
		cn_canvas_text(&page->paper, page->row, 2, page->paper.cols - 3, CN_STYLE_PLAIN, text);
		cn_canvas_text(&page->paper, page->row++, 3 + cn_canvas_width(&page->paper, text),
			page->paper.cols - 4, CN_STYLE_DIM, partners[i].times == 1 ? "time" : "times");
	}
	if (n > PARTNERS_SHOWN)
		page->row += cn_canvas_printf(&page->paper, page->row, 2, page->paper.cols - 3, CN_STYLE_DIM,
				     "and %s %zu others", wakers ? "by" : "wakes", n - PARTNERS_SHOWN) > 0;
	free(partners);
	cn_event_list_fini(&list);
}

void cn_page_wakes(struct cn_page *page, const struct cn_scene *scene, uint64_t task)
{
	const struct cn_event_filter to = { .task = task, .kinds = 1u << ROUSE_EVENT_WAKE };
	const struct cn_event_filter from = { .by = task, .kinds = 1u << ROUSE_EVENT_WAKE };

	if (!cn_events_newest(scene->model))
		return;
	cn_page_heading(page, "wakes, since events are recorded");
	draw_partners(page, scene, &to, true);
	draw_partners(page, scene, &from, false);
}
