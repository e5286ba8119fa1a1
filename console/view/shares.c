/* SPDX-License-Identifier: MIT */
#include "model/events.h"
#include "model/kernel.h"
#include "view/strips.h"
#include "view/times.h"
#include "widget/format.h"

#include <inttypes.h>

enum { LABEL_COLS = 6, SHARE_COLS = 8, BAR_LEAST = 12, CELL_COLS = 6, MATRIX_LEAST = 3 };

/* What a worker can be at: word, style and sign in the bar. In the order in which the bar has them. */
#define MICROSTATES(X)                                                                                                 \
	X(POLL, "POLL", CN_STYLE_GRAPH, CN_GLYPH_FULL)                                                                 \
	X(BLOCKED, "BLOCKED", CN_STYLE_LIKELY, CN_GLYPH_FULL)                                                          \
	X(SEARCH, "SEARCH", CN_STYLE_SCHEDULED, CN_GLYPH_SHADE)                                                        \
	X(DRIVER, "DRIVER", CN_STYLE_DIM, CN_GLYPH_HLINE)                                                              \
	X(PARKED, "PARKED", CN_STYLE_DIM, CN_GLYPH_DOT)
enum microstate {
#define X(name, word, style, glyph) name,
	MICROSTATES(X)
#undef X
		STATES
};
static const struct {
	const char *word;
	uint8_t style, glyph;
} states[STATES] = {
#define X(name, word, style, glyph) { word, style, glyph },
	MICROSTATES(X)
#undef X
};

struct shares {
	uint64_t span_ns;
	uint64_t ns[STATES];
	bool blocked_known; /* the kernel tells how much of the polls was none of the CPU's */
	bool driver_known;  /* events tell which sleep was in the driver; else PARKED is both */
};

static bool kernel_tells(const struct cn_scene *scene)
{
	return cn_kernel_measures(scene->model, CN_KERNEL_SCHED);
}

/* How much of its sleep was in the driver: false if something is missing of what events tell. */
static bool driver_time(
	const struct cn_scene *scene, const struct cn_runtime *runtime, const struct cn_worker *worker, uint64_t *ret_ns)
{
	const struct cn_window window = {
		.from_ns = runtime->prev_ns, .span_ns = runtime->now_ns - runtime->prev_ns, .cells = 1 };
	const struct cn_event_filter filter = { .from_ns = runtime->prev_ns,
		.to_ns = runtime->now_ns,
		.worker = worker->index + 1,
		.runtime = runtime->index + 1,
		.kinds = 1u << ROUSE_EVENT_PARK | 1u << CN_EVENT_GAP };
	const struct cn_events_known told = cn_events_known(scene->model, runtime->index, worker->index);
	struct cn_event_list list = { 0 };
	struct cn_strip_cell cell = { 0 };
	const bool asleep = worker->state == ROUSE_WORKER_PARKED || worker->state == ROUSE_WORKER_DRIVER;
	/* A sleep that began before needs no record. */
	const bool whole = asleep && worker->state_since_ns && worker->state_since_ns <= runtime->prev_ns;
	bool known = (whole || (runtime->level > 1 && told.since_ns <= runtime->prev_ns)) &&
		     cn_events_list(scene->model, &filter, &list) == 0 &&
		     cn_strip_fill(scene->model, &(struct cn_spawns){ 0 }, worker, &list, told, &window, &cell) == 0;

	cn_event_list_fini(&list);
	*ret_ns = cell.part_ns[CN_STRIP_DRIVER];
	return known && !cell.part_ns[CN_STRIP_GAP];
}

static uint64_t added(uint64_t now, uint64_t before, uint64_t most)
{
	const uint64_t ns = now > before ? now - before : 0;

	return ns < most ? ns : most;
}

/* They add up to the span: clocks are read at slightly different moments, so what is asleep gives way to polls. */
static struct shares shares_of(
	const struct cn_scene *scene, const struct cn_runtime *runtime, const struct cn_worker *worker)
{
	struct shares shares = { .span_ns = runtime->now_ns - runtime->prev_ns };
	struct cn_split split;
	uint64_t driver_ns;

	shares.ns[POLL] = added(worker->polled_ns, worker->prev_polled_ns, shares.span_ns);
	shares.ns[PARKED] = added(worker->parked_ns, worker->prev_parked_ns, shares.span_ns - shares.ns[POLL]);
	shares.ns[SEARCH] = shares.span_ns - shares.ns[POLL] - shares.ns[PARKED];
	shares.driver_known = driver_time(scene, runtime, worker, &driver_ns);
	if (shares.driver_known) {
		shares.ns[DRIVER] = driver_ns < shares.ns[PARKED] ? driver_ns : shares.ns[PARKED];
		shares.ns[PARKED] -= shares.ns[DRIVER];
	}
	/* The kernel's sums are of all time since it is asked: as a share they stand for this span. */
	shares.blocked_known = cn_worker_split(scene->model, runtime->index, worker->tid, &split) && split.busy_ns;
	if (shares.blocked_known) {
		shares.ns[BLOCKED] = (uint64_t)((double)shares.ns[POLL] * (double)split.off_ns[CN_OFF_blocked] /
						(double)split.busy_ns);
		shares.ns[BLOCKED] = added(shares.ns[BLOCKED], 0, shares.ns[POLL]);
		shares.ns[POLL] -= shares.ns[BLOCKED];
	}
	return shares;
}

/* --------------------------------------------------------------------- draw */

static void draw_bar(struct cn_canvas *canvas, int row, int col, int width, const struct shares *shares)
{
	uint64_t sum = 0;
	int state = 0;

	for (int i = 0; i < width; i++) {
		const uint64_t here = (uint64_t)((double)shares->span_ns * (i + 0.5) / width);

		while (state < STATES - 1 && sum + shares->ns[state] <= here)
			sum += shares->ns[state++];
		cn_canvas_glyph(canvas, row, col + i, (enum cn_style)states[state].style,
			(enum cn_glyph)states[state].glyph);
	}
}

static bool is_shown(const struct cn_scene *scene, int state)
{
	return state != BLOCKED || kernel_tells(scene);
}

static void draw_titles(const struct cn_scene *scene, struct cn_canvas *canvas, int row, int cols)
{
	int col = LABEL_COLS;

	cn_canvas_text(canvas, row, 1, LABEL_COLS - 1, CN_STYLE_HEADER, "WRK");
	for (int state = 0; state < STATES && col + SHARE_COLS <= cols; state++) {
		if (!is_shown(scene, state))
			continue;
		cn_canvas_right(canvas, row, col, SHARE_COLS - 1, CN_STYLE_HEADER, states[state].word);
		col += SHARE_COLS;
	}
}

static void draw_worker(const struct cn_scene *scene, const struct cn_runtime *runtime, struct cn_canvas *canvas,
	int row, int cols, const struct cn_worker *worker, bool *all_known)
{
	const struct shares shares = shares_of(scene, runtime, worker);
	char text[CN_FORMAT_BYTES];
	int col = LABEL_COLS;

	*all_known = *all_known && shares.driver_known;
	cn_canvas_printf(canvas, row, 1, LABEL_COLS - 1, CN_STYLE_NAME, "%" PRIu32, worker->index);
	for (int state = 0; state < STATES && col + SHARE_COLS <= cols; state++) {
		const bool unknown = (state == DRIVER && !shares.driver_known) ||
				     (state == BLOCKED && !shares.blocked_known);

		if (!is_shown(scene, state))
			continue;
		cn_canvas_right(canvas, row, col, SHARE_COLS - 1,
			unknown || !shares.ns[state] ? CN_STYLE_DIM : CN_STYLE_PLAIN,
			unknown ? "-" : cn_format_share(text, shares.ns[state], shares.span_ns));
		col += SHARE_COLS;
	}
	if (cols - col > BAR_LEAST)
		draw_bar(canvas, row, col + 1, cols - col - 3, &shares);
}

static void draw_matrix(const struct cn_scene *scene, const struct cn_runtime *runtime, struct cn_canvas *canvas,
	struct cn_box box, uint32_t workers, uint32_t top)
{
	const uint32_t fit = (uint32_t)(box.cols - LABEL_COLS - 1) / CELL_COLS;
	char text[CN_FORMAT_BYTES];

	cn_canvas_rule(canvas, box.row, 0, box.cols);
	cn_canvas_text(canvas, box.row, 2, box.cols - 3, CN_STYLE_TITLE,
		" tasks stolen since events are recorded: thief, below from whom ");
	if (!cn_events_newest(scene->model)) {
		cn_canvas_wrap(canvas, (struct cn_box){ box.row + 1, 2, box.rows - 1, box.cols - 4 }, CN_STYLE_DIM,
			cn_model_keeps_events(scene->model)
				? "Events are recorded; none has come yet."
				: "Not known: press e to record events (raises the program's level to 2).");
		return;
	}
	cn_canvas_text(canvas, box.row + 1, 1, LABEL_COLS - 1, CN_STYLE_HEADER, "THIEF");
	for (uint32_t victim = 0; victim < workers && victim < fit; victim++) {
		snprintf(text, sizeof text, "%" PRIu32, victim);
		cn_canvas_right(canvas, box.row + 1, LABEL_COLS + (int)victim * CELL_COLS, CELL_COLS - 1,
			CN_STYLE_HEADER, text);
	}
	for (uint32_t thief = top; thief < workers && (int)(thief - top) < box.rows - 2; thief++) {
		const int row = box.row + 2 + (int)(thief - top);

		cn_canvas_printf(canvas, row, 1, LABEL_COLS - 1, CN_STYLE_NAME, "%" PRIu32, thief);
		for (uint32_t victim = 0; victim < workers && victim < fit; victim++) {
			const uint64_t n = cn_events_stolen(scene->model, runtime->index, thief, victim);

			cn_canvas_right(canvas, row, LABEL_COLS + (int)victim * CELL_COLS, CELL_COLS - 1,
				n ? CN_STYLE_PLAIN : CN_STYLE_DIM,
				thief == victim ? "-" : cn_format_count(text, n));
		}
	}
}

void cn_shares_draw(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box, uint32_t top)
{
	const struct cn_runtime *runtime = cn_scene_runtime(scene);
	const char *why = !runtime	      ? "Nothing has been read yet."
			  : runtime->level == 0 ? "Level 0: the runtime takes no stamps, so no times are known."
			  : cn_target_is_core(cn_model_target(scene->model)) ? "A core file is of one moment."
			  : runtime->looks < 2 || runtime->now_ns <= runtime->prev_ns
				  ? "The second look will tell."
				  : NULL;
	uint32_t workers = 0, shown = 0;
	bool driver_known = true;
	int rows, matrix;

	if (why) {
		cn_canvas_wrap(
			canvas, (struct cn_box){ box.row + 1, 2, box.rows - 1, box.cols - 4 }, CN_STYLE_DIM, why);
		return;
	}
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		workers += !runtime->workers[i].foreign;
	top = top < workers ? top : workers ? workers - 1 : 0;
	matrix = box.rows / 2 < (int)workers + 2 ? box.rows / 2 : (int)workers + 2;
	matrix = matrix < MATRIX_LEAST ? 0 : matrix < 4 ? 4 : matrix;
	rows = box.rows - matrix - 1;
	draw_titles(scene, canvas, box.row, box.cols);
	for (uint32_t i = top; i < workers && (int)shown < rows; i++)
		draw_worker(scene, runtime, canvas, box.row + 1 + (int)shown++, box.cols, &runtime->workers[i],
			&driver_known);
	if ((int)shown < rows && !driver_known)
		cn_canvas_text(canvas, box.row + 1 + (int)shown, LABEL_COLS, box.cols - LABEL_COLS - 1, CN_STYLE_DIM,
			"PARKED is in the driver, too: events without a gap would tell");
	if (matrix)
		draw_matrix(scene, runtime, canvas,
			(struct cn_box){ box.row + 1 + (int)shown + ((int)shown < rows), 0, matrix, box.cols },
			workers, top);
}
