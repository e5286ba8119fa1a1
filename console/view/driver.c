/* SPDX-License-Identifier: MIT */
#include "view/driver.h"

#include <stdlib.h>
#include <string.h>

#include "diagnose/chain.h"
#include "model/events.h"
#include "view/columns.h"
#include "view/preferences.h"
#include "view/transport.h"

int cn_driver_init(struct cn_driver *driver, const struct cn_screen_opts *opts, int rows, int cols)
{
	*driver = (struct cn_driver){ .opts = opts };
	cn_ui_init(&driver->ui);
	if (opts->preferences)
		cn_ui_prefer(&driver->ui, opts->preferences);
	if (opts->where)
		cn_sheet_filter(&driver->ui.sheets[CN_VIEW_TASKS], opts->where);
	return cn_canvas_init(&driver->canvas, rows, cols, opts->ascii ? CN_CHARSET_ASCII : cn_term_charset());
}

void cn_driver_fini(struct cn_driver *driver)
{
	cn_ui_fini(&driver->ui);
	cn_canvas_fini(&driver->canvas);
	cn_shapes_free(&driver->shapes);
	free(driver->spent);
}

/* Once a generation, and only while they are looked at: it visits every task. Without memory, the old ones stay. */
static void make_shapes(struct cn_driver *driver)
{
	const struct cn_model *model = cn_session_model(driver->opts->session);
	struct cn_shapes shapes;

	if (driver->ui.view != CN_VIEW_GROUPS || driver->shapes_at == cn_model_generations(model))
		return;
	if (cn_shapes_build(model, cn_session_findings(driver->opts->session), &shapes))
		return;
	cn_shapes_free(&driver->shapes);
	driver->shapes = shapes;
	driver->shapes_at = cn_model_generations(model);
}

/* Likewise; nothing where the kernel was not asked. */
static void make_spent(struct cn_driver *driver)
{
	const struct cn_model *model = cn_session_model(driver->opts->session);
	const uint64_t stamp = cn_kernel_stamp(model);
	struct cn_spent *spent;

	if (driver->ui.view != CN_VIEW_GROUPS || !stamp ||
		(driver->spent_kernel == stamp && driver->spent_at == driver->shapes_at))
		return;
	/* Of other shapes it would be wrong: rather none than old ones. */
	free(driver->spent);
	driver->spent = NULL;
	if (cn_spent_of_shapes(model, &driver->shapes, &spent))
		return;
	driver->spent = spent;
	driver->spent_kernel = stamp;
	driver->spent_at = driver->shapes_at;
}

static struct cn_scene scene_of(struct cn_driver *driver)
{
	const struct cn_session *session = driver->opts->session;
	struct cn_playback playback = { 0 };
	const bool plays = cn_session_playback(session, &playback);
	const uint32_t delay_ms = plays ? playback.interval_ms : driver->opts->delay_ms;

	make_shapes(driver);
	make_spent(driver);
	return (struct cn_scene){
		.model = cn_session_model(session),
		.findings = cn_session_findings(session),
		.shapes = &driver->shapes,
		.spent = driver->spent,
		.target = plays ? playback.target : cn_session_target(session),
		.ended = !driver->ended ? playback.ended : *driver->gone ? driver->gone : driver->why.text,
		.tabs = driver->tabs,
		.now_ns = cn_session_now_ns(session),
		.interval_ns = (delay_ms ? delay_ms : 1000) * 1000000ull,
		.printed = driver->printed,
		/* Of views that are derived from a look, the rows and what they stand for have to be of the same one. */
		.hurried = driver->hurried && driver->ui.view == CN_VIEW_TASKS,
		.paused = !plays && cn_session_paused(session),
		.rates = driver->ui.rates,
		.hide_ended = driver->opts->preferences && driver->opts->preferences->hide_ended,
		.ascii = driver->canvas.charset == CN_CHARSET_ASCII,
	};
}

/* What the chain on the page would know more of is asked for, so that the next look brings it. */
static void ask_details(struct cn_driver *driver)
{
	const struct cn_session *session = driver->opts->session;
	const uint64_t task = cn_ui_watched(&driver->ui);
	struct cn_chain chain = { 0 };
	uint64_t wants[CN_WANTS_MAX] = { 0 };
	enum cn_stacks stacks;
	size_t n = 0;

	if (cn_ui_resource(&driver->ui))
		wants[n++] = cn_ui_resource(&driver->ui);
	else if (task && cn_chain_build(cn_session_model(session), NULL, task, &chain) == 0)
		n = cn_chain_wants(&chain, wants, CN_WANTS_MAX);
	stacks = cn_chain_has_threads(&chain) ? CN_STACKS_BUSY : CN_STACKS_NONE;
	cn_chain_free(&chain);
	if (stacks != driver->stacks) {
		driver->stacks = stacks;
		cn_session_stacks(driver->opts->session, stacks);
	}
	if (n == driver->n_wants && memcmp(wants, driver->wants, n * sizeof wants[0]) == 0)
		return;
	memcpy(driver->wants, wants, n * sizeof wants[0]);
	driver->n_wants = n;
	cn_session_detail(driver->opts->session, wants, n);
}

bool cn_driver_pump(struct cn_driver *driver)
{
	int generations;

	if (driver->ended || cn_session_paused(driver->opts->session))
		return false;
	generations = cn_session_pump(driver->opts->session, &driver->why);
	driver->ended = generations < 0;
	if (generations > 0)
		ask_details(driver);
	return generations != 0;
}

int cn_driver_draw(struct cn_driver *driver)
{
	const struct cn_scene scene = scene_of(driver);
	struct cn_playback playback;
	struct cn_canvas below = driver->canvas;

	if (driver->canvas.rows < 2 || !cn_session_playback(driver->opts->session, &playback))
		return cn_ui_draw(&driver->ui, &scene, &driver->canvas);
	below.rows--;
	below.cells += below.cols;
	cn_transport_draw(&playback, &driver->canvas);
	return cn_ui_draw(&driver->ui, &scene, &below);
}

/* What was made of the model that there was: its numbers may come again, of another look. */
static void forget(struct cn_driver *driver)
{
	for (int i = 0; i < CN_VIEW_COUNT; i++)
		driver->ui.sheets[i].filled.once = false;
	driver->ui.flame.built = UINT64_MAX;
	driver->shapes_at = driver->spent_at = driver->spent_kernel = UINT64_MAX;
}

/* True: the key was for the recording. */
static bool go_about(struct cn_driver *driver, uint32_t key)
{
	const enum cn_action action = cn_action_of_key(key);
	struct cn_playback playback;

	if (driver->ui.prompt != CN_PROMPT_NONE || !cn_transport_has(action))
		return false;
	driver->ui.note[0] = 0;
	if (!cn_session_playback(driver->opts->session, &playback)) {
		snprintf(driver->ui.note, sizeof driver->ui.note, "this is no recording: rouse record makes one");
	} else {
		driver->ended = cn_transport_act(driver->opts->session, action, &driver->why) < 0;
		forget(driver);
	}
	return true;
}

enum cn_request cn_driver_key(struct cn_driver *driver, uint32_t key)
{
	if (go_about(driver, key))
		return CN_REQUEST_NOTHING;
	const struct cn_scene scene = scene_of(driver);
	const enum cn_request request = key & CN_KEY_MOUSE ? cn_ui_mouse(&driver->ui, &scene, &driver->canvas, key)
							   : cn_ui_key(&driver->ui, &scene, key);
	const uint64_t watched = cn_ui_watched(&driver->ui);

	if (request == CN_REQUEST_PAUSE && !driver->ended)
		cn_session_pause(driver->opts->session, !cn_session_paused(driver->opts->session));
	if (request == CN_REQUEST_EVENTS && !driver->ended &&
		!cn_session_events(driver->opts->session, !cn_model_keeps_events(scene.model)))
		snprintf(driver->ui.note, sizeof driver->ui.note, "a file has the events that it has");
	if (cn_ui_resource(&driver->ui) != driver->resource && !driver->ended) {
		driver->resource = cn_ui_resource(&driver->ui);
		ask_details(driver);
	}
	if (watched != driver->watched && !driver->ended) {
		driver->watched = watched;
		cn_session_watch(driver->opts->session, &watched, watched != 0);
		ask_details(driver);
	}
	return request;
}
