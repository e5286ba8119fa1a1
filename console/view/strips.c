/* SPDX-License-Identifier: MIT */
#include "view/strips.h"

#include <errno.h>
#include <stdlib.h>

/* ------------------------------------------------------------------ spawns */

static int by_task(const void *a, const void *b)
{
	const struct cn_spawn *x = a, *y = b;

	return x->task < y->task ? -1 : x->task > y->task;
}

int cn_spawns_build(const struct cn_model *model, size_t runtime, struct cn_spawns *ret_spawns)
{
	const struct cn_event_filter filter = { .kinds = 1u << ROUSE_EVENT_SPAWN, .runtime = (uint32_t)runtime + 1 };
	struct cn_event_list list = { 0 };
	struct cn_spawns spawns = { 0 };
	int rc = cn_events_list(model, &filter, &list);

	if (rc == 0 && list.n) {
		spawns.at = malloc(list.n * sizeof *spawns.at);
		rc = spawns.at ? 0 : -ENOMEM;
	}
	for (size_t i = 0; rc == 0 && i < list.n; i++)
		spawns.at[spawns.n++] = (struct cn_spawn){ list.at[i]->task, list.at[i]->arg32 };
	if (spawns.n)
		qsort(spawns.at, spawns.n, sizeof *spawns.at, by_task);
	cn_event_list_fini(&list);
	*ret_spawns = spawns;
	return rc;
}

void cn_spawns_free(struct cn_spawns *spawns)
{
	free(spawns->at);
	*spawns = (struct cn_spawns){ 0 };
}

uint32_t cn_spawn_site(const struct cn_model *model, const struct cn_spawns *spawns, uint64_t id)
{
	const struct cn_task *task = cn_model_task(model, id);
	const struct cn_spawn wanted = { .task = id }, *found;

	if (task)
		return task->spawn_site;
	found = spawns->n ? bsearch(&wanted, spawns->at, spawns->n, sizeof wanted, by_task) : NULL;
	return found ? found->site : 0;
}

/* ------------------------------------------------------------------- cells */

uint64_t cn_window_cell_ns(const struct cn_window *window, uint32_t cell)
{
	return window->from_ns + (uint64_t)((double)window->span_ns * cell / window->cells);
}

struct piece {
	uint32_t cell, site;
	uint64_t ns;
};
struct pieces {
	struct piece *at;
	size_t n, capacity;
};

static int add_piece(struct pieces *pieces, uint32_t cell, uint32_t site, uint64_t ns)
{
	if (pieces->n == pieces->capacity) {
		const size_t capacity = pieces->capacity ? 2 * pieces->capacity : 256;
		struct piece *at = realloc(pieces->at, capacity * sizeof *at);

		if (!at)
			return -ENOMEM;
		pieces->at = at;
		pieces->capacity = capacity;
	}
	pieces->at[pieces->n++] = (struct piece){ cell, site, ns };
	return 0;
}

static uint32_t cell_of(const struct cn_window *window, uint64_t ns)
{
	uint32_t cell = (uint32_t)((double)(ns - window->from_ns) * window->cells / (double)window->span_ns);

	if (cell >= window->cells)
		cell = window->cells - 1;
	/* What rounding has done is undone: [cell, cell + 1) holds it. */
	while (cell && cn_window_cell_ns(window, cell) > ns)
		cell--;
	while (cell + 1 < window->cells && cn_window_cell_ns(window, cell + 1) <= ns)
		cell++;
	return cell;
}

struct filling {
	const struct cn_window *window;
	struct cn_strip_cell *cells;
	struct pieces pieces;
	int rc;
};

/* Spreads [from, to) over the cells that it touches: to a part, or, if part is CN_STRIP_PARTS, to a poll of a site. */
static void spread(struct filling *f, uint64_t from_ns, uint64_t to_ns, enum cn_strip_part part, uint32_t site)
{
	const struct cn_window *window = f->window;
	const uint64_t end_ns = window->from_ns + window->span_ns;

	from_ns = from_ns < window->from_ns ? window->from_ns : from_ns;
	to_ns = to_ns > end_ns ? end_ns : to_ns;
	if (from_ns >= to_ns)
		return;
	for (uint32_t cell = cell_of(window, from_ns); cell < window->cells && f->rc == 0; cell++) {
		const uint64_t left = cn_window_cell_ns(window, cell), right = cn_window_cell_ns(window, cell + 1);
		const uint64_t a = from_ns > left ? from_ns : left, b = to_ns < right ? to_ns : right;

		if (left >= to_ns)
			break;
		if (a >= b)
			continue;
		f->cells[cell].known = true;
		if (part != CN_STRIP_PARTS) {
			f->cells[cell].part_ns[part] += b - a;
			continue;
		}
		f->cells[cell].poll_ns += b - a;
		f->rc = add_piece(&f->pieces, cell, site, b - a);
	}
}

static int by_cell_and_site(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->cell != y->cell)
		return x->cell < y->cell ? -1 : 1;
	return x->site < y->site ? -1 : x->site > y->site;
}

/* The site that had most of each cell. */
static void choose_sites(struct filling *f)
{
	uint64_t ns = 0;

	if (f->pieces.n)
		qsort(f->pieces.at, f->pieces.n, sizeof *f->pieces.at, by_cell_and_site);
	for (size_t i = 0; i < f->pieces.n; i++) {
		const struct piece *piece = &f->pieces.at[i];
		struct cn_strip_cell *cell = &f->cells[piece->cell];
		const bool same = i && piece[-1].cell == piece->cell && piece[-1].site == piece->site;

		ns = (same ? ns : 0) + piece->ns;
		if (ns > cell->site_ns) {
			cell->site_ns = ns;
			cell->site = piece->site;
		}
	}
}

/* What a worker is at is written when it is over; until then its record in the look tells. */
static void spread_present(struct filling *f, const struct cn_model *model, const struct cn_spawns *spawns,
	const struct cn_worker *worker, uint64_t now_ns)
{
	switch (worker->state) {
	case ROUSE_WORKER_POLLING:
		if (worker->current_task && worker->poll_start_ns)
			spread(f, worker->poll_start_ns, now_ns, CN_STRIP_PARTS,
				cn_spawn_site(model, spawns, worker->current_task));
		break;
	case ROUSE_WORKER_PARKED:
	case ROUSE_WORKER_DRIVER:
		if (worker->state_since_ns)
			spread(f, worker->state_since_ns, now_ns,
				worker->state == ROUSE_WORKER_PARKED ? CN_STRIP_PARKED : CN_STRIP_DRIVER, 0);
		break;
	default:
		break;
	}
}

int cn_strip_fill(const struct cn_model *model, const struct cn_spawns *spawns, const struct cn_worker *worker,
	const struct cn_event_list *events, struct cn_events_known known, const struct cn_window *window,
	struct cn_strip_cell *cells)
{
	struct filling f = { .window = window, .cells = cells };

	for (uint32_t i = 0; i < window->cells; i++)
		cells[i] = (struct cn_strip_cell){ 0 };
	for (size_t i = 0; i < events->n && f.rc == 0; i++) {
		const struct cn_event *event = events->at[i];
		const uint64_t end_ns = cn_event_end_ns(event);

		if (event->kind == ROUSE_EVENT_POLL)
			spread(&f, event->ns, end_ns, CN_STRIP_PARTS, cn_spawn_site(model, spawns, event->task));
		else if (event->kind == ROUSE_EVENT_PARK)
			spread(&f, event->ns, end_ns, event->arg32 ? CN_STRIP_DRIVER : CN_STRIP_PARKED, 0);
		else if (event->kind == CN_EVENT_GAP)
			spread(&f, event->ns, end_ns, CN_STRIP_GAP, 0);
	}
	spread_present(&f, model, spawns, worker, window->from_ns + window->span_ns);
	choose_sites(&f);
	for (uint32_t i = 0; i < window->cells; i++)
		if (cn_window_cell_ns(window, i) >= known.since_ns && cn_window_cell_ns(window, i) < known.until_ns)
			cells[i].known = true;
	free(f.pieces.at);
	return f.rc;
}
