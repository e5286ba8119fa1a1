/* SPDX-License-Identifier: MIT */
#include "view/desk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export/text.h"
#include "view/preferences.h"

enum { LIST_NS = 1000000000 };

int cn_desk_init(struct cn_desk *desk, const struct cn_screen_opts *opts, const struct cn_reach *reach, int rows, int cols)
{
	int rc;

	*desk = (struct cn_desk){ .opts = opts, .rows = rows, .cols = cols };
	if (reach)
		desk->reach = *reach;
	rc = cn_canvas_init(&desk->canvas, rows, cols, opts->ascii ? CN_CHARSET_ASCII : cn_term_charset());
	desk->on_list = !opts->session;
	return rc || !opts->session ? rc : cn_desk_seat(desk, opts->session, false);
}

/* Without them (no list, no memory) an older program of the same name may be offered. */
static void note_who_is_there(struct cn_desk *desk, struct cn_seat *seat)
{
	struct rouse_target *targets;
	int n = desk->reach.list ? desk->reach.list(desk->reach.arg, &targets) : -1;

	free(seat->before);
	seat->before = n > 0 ? calloc((size_t)n, sizeof *seat->before) : NULL;
	seat->n_before = 0;
	for (int i = 0; i < n && seat->before; i++)
		seat->before[seat->n_before++] = targets[i].pid;
	if (n >= 0)
		free(targets);
}

static void free_seat(struct cn_seat *seat)
{
	free(seat->before);
	cn_driver_fini(&seat->driver);
	if (seat->owned)
		cn_session_close(seat->opts.session);
	free(seat);
}

void cn_desk_fini(struct cn_desk *desk)
{
	for (size_t i = 0; i < desk->n; i++)
		free_seat(desk->seats[i]);
	cn_picker_fini(&desk->picker);
	cn_canvas_fini(&desk->canvas);
}

int cn_desk_seat(struct cn_desk *desk, struct cn_session *session, bool owned)
{
	struct cn_seat *seat;
	int rc;

	if (desk->n == CN_SEATS_MAX)
		return -ENOSPC;
	seat = calloc(1, sizeof *seat);
	if (!seat)
		return -ENOMEM;
	seat->opts = *desk->opts;
	seat->opts.session = session;
	rc = cn_driver_init(&seat->driver, &seat->opts, desk->rows, desk->cols);
	if (rc) {
		cn_driver_fini(&seat->driver);
		free(seat);
		return rc;
	}
	seat->driver.tabs = &desk->tabs;
	seat->owned = owned;
	note_who_is_there(desk, seat);
	desk->here = desk->n;
	desk->seats[desk->n++] = seat;
	desk->on_list = false;
	return 0;
}

struct cn_seat *cn_desk_front(struct cn_desk *desk)
{
	return desk->on_list || !desk->n ? NULL : desk->seats[desk->here];
}

static const struct cn_target *target_of(const struct cn_seat *seat)
{
	return cn_model_target(cn_session_model(seat->opts.session));
}

/* As the list knows it: of another PID namespace it is not what the program says itself. */
static int pid_of(const struct cn_seat *seat)
{
	char *end;
	const long pid = strtol(cn_session_target(seat->opts.session), &end, 10);

	return !*end && pid > 0 ? (int)pid : (int)target_of(seat)->pid;
}

/* ------------------------------------------------------------ who is there */

/* A core file or a recording has ended when it begins: nobody comes back. */
static bool may_come_back(const struct cn_desk *desk, const struct cn_seat *seat)
{
	const struct cn_target *target = target_of(seat);

	return desk->reach.list && seat->driver.ended && target->pid && *target->program && !cn_target_is_core(target);
}

bool cn_desk_ticks(const struct cn_desk *desk)
{
	bool ticks = desk->on_list;

	for (size_t i = 0; i < desk->n; i++)
		ticks = ticks || may_come_back(desk, desk->seats[i]);
	return ticks && desk->reach.list;
}

static bool is_open(const struct cn_desk *desk, int pid)
{
	for (size_t i = 0; i < desk->n; i++)
		if (!desk->seats[i]->driver.ended && pid_of(desk->seats[i]) == pid)
			return true;
	return false;
}

static bool was_there(const struct cn_seat *seat, int pid)
{
	for (size_t i = 0; i < seat->n_before; i++)
		if (seat->before[i] == pid)
			return true;
	return false;
}

/* One of that name that has begun since, and is not open already. */
static int comes_back(const struct cn_desk *desk, const struct cn_seat *seat)
{
	int pid = 0;

	for (size_t i = 0; i < desk->picker.n; i++) {
		const struct rouse_target *there = &desk->picker.picks[i].target;

		if (strcmp(there->program, target_of(seat)->program) == 0 && !was_there(seat, there->pid) &&
			!is_open(desk, there->pid) && (there->readable || there->agent))
			pid = there->pid;
	}
	return pid;
}

static void say_gone(struct cn_desk *desk, struct cn_seat *seat)
{
	struct cn_driver *driver = &seat->driver;
	char name[64];

	if (!may_come_back(desk, seat)) {
		driver->gone[0] = 0;
		return;
	}
	cn_text_safe(name, sizeof name, target_of(seat)->program, desk->canvas.charset == CN_CHARSET_ASCII);
	if (seat->back_pid)
		snprintf(driver->gone, sizeof driver->gone, "%s is back, as process %d: R opens it", name, seat->back_pid);
	else
		snprintf(driver->gone, sizeof driver->gone, "gone; waiting for %s to come back", name);
}

/* What of the old screen is worth keeping: where one was, and how tables were. */
static int reattach(struct cn_desk *desk, struct cn_seat *seat)
{
	struct cn_preferences kept = { .view = seat->driver.ui.view };
	struct cn_session *session;
	struct cn_why why = { 0 };
	char target[16];
	int rc;

	snprintf(target, sizeof target, "%d", seat->back_pid);
	rc = desk->reach.open(desk->reach.arg, target, &session, &why);
	if (rc) {
		snprintf(seat->driver.gone, sizeof seat->driver.gone, "%s", why.text);
		return rc;
	}
	for (int i = 0; i < CN_VIEW_COUNT; i++)
		kept.sort[i] = (struct cn_sort_wish){ seat->driver.ui.sheets[i].sorted + 1,
			seat->driver.ui.sheets[i].descending };
	cn_driver_fini(&seat->driver);
	if (seat->owned)
		cn_session_close(seat->opts.session);
	seat->opts.session = session;
	seat->owned = true;
	seat->back_pid = 0;
	rc = cn_driver_init(&seat->driver, &seat->opts, desk->rows, desk->cols);
	seat->driver.tabs = &desk->tabs;
	note_who_is_there(desk, seat);
	cn_ui_prefer(&seat->driver.ui, &kept);
	return rc;
}

bool cn_desk_tick(struct cn_desk *desk, uint64_t now_ns)
{
	struct rouse_target *targets;
	bool changed;
	int n;

	if (!cn_desk_ticks(desk) || (desk->listed_ns && now_ns - desk->listed_ns < LIST_NS))
		return false;
	desk->listed_ns = now_ns;
	n = desk->reach.list(desk->reach.arg, &targets);
	if (n < 0) {
		snprintf(desk->picker.note, sizeof desk->picker.note, "cannot look through /proc: %s", strerror(-n));
		return true;
	}
	changed = cn_picker_take(&desk->picker, targets, (size_t)n, now_ns);
	for (size_t i = 0; i < desk->n; i++) {
		struct cn_seat *seat = desk->seats[i];

		if (!may_come_back(desk, seat))
			continue;
		seat->back_pid = comes_back(desk, seat);
		if (seat->back_pid && desk->opts->preferences && desk->opts->preferences->reattach)
			reattach(desk, seat);
		say_gone(desk, seat);
		changed = true;
	}
	return changed || desk->on_list;
}

bool cn_desk_pump(struct cn_desk *desk)
{
	bool changed = false;

	for (size_t i = 0; i < desk->n; i++) {
		const bool ended = desk->seats[i]->driver.ended;
		/* All of them, so that none stands still behind the others. */
		const bool news = cn_driver_pump(&desk->seats[i]->driver);

		if (!ended && desk->seats[i]->driver.ended)
			say_gone(desk, desk->seats[i]);
		changed = changed || (news && (i == desk->here || desk->n > 1));
	}
	return changed;
}

/* -------------------------------------------------------------------- draw */

static void fill_tabs(struct cn_desk *desk)
{
	desk->tabs.n = desk->n;
	desk->tabs.here = desk->here;
	for (size_t i = 0; i < desk->n; i++) {
		const struct cn_seat *seat = desk->seats[i];

		cn_text_safe(desk->tabs.names[i], sizeof desk->tabs.names[i],
			*target_of(seat)->program ? target_of(seat)->program
						  : cn_base_name(cn_session_target(seat->opts.session)),
			desk->canvas.charset == CN_CHARSET_ASCII);
		desk->tabs.ended[i] = seat->driver.ended;
		desk->tabs.proven[i] =
			cn_findings_at_least(cn_session_findings(seat->opts.session), CN_PROVEN, true) > 0;
	}
}

const struct cn_canvas *cn_desk_draw(struct cn_desk *desk, uint64_t now_ns)
{
	struct cn_seat *seat = cn_desk_front(desk);

	if (seat) {
		fill_tabs(desk);
		seat->driver.hurried = desk->hurried;
		cn_driver_draw(&seat->driver);
		return &seat->driver.canvas;
	}
	for (size_t i = 0; i < desk->picker.n; i++)
		desk->picker.picks[i].open = is_open(desk, desk->picker.picks[i].target.pid);
	cn_picker_draw(&desk->picker, &desk->canvas, now_ns);
	return &desk->canvas;
}

int cn_desk_resize(struct cn_desk *desk, int rows, int cols)
{
	int rc = 0;

	if (rows == desk->rows && cols == desk->cols)
		return 0;
	for (size_t i = 0; i < desk->n && rc == 0; i++)
		rc = cn_canvas_resize(&desk->seats[i]->driver.canvas, rows, cols);
	if (rc == 0)
		rc = cn_canvas_resize(&desk->canvas, rows, cols);
	desk->rows = rows;
	desk->cols = cols;
	return rc;
}

/* -------------------------------------------------------------------- keys */

static void show_list(struct cn_desk *desk, uint64_t now_ns)
{
	if (!desk->reach.list)
		return;
	desk->on_list = true;
	desk->listed_ns = 0;
	cn_desk_tick(desk, now_ns);
}

/* An open one comes to the front; another is opened. */
static void open_pick(struct cn_desk *desk)
{
	const struct cn_pick *pick = cn_picker_current(&desk->picker);
	struct cn_session *session;
	struct cn_why why = { 0 };
	char target[16];

	if (!pick)
		return;
	for (size_t i = 0; i < desk->n; i++)
		if (!desk->seats[i]->driver.ended && pid_of(desk->seats[i]) == pick->target.pid) {
			desk->here = i;
			desk->on_list = false;
			return;
		}
	snprintf(target, sizeof target, "%d", pick->target.pid);
	if (desk->reach.open(desk->reach.arg, target, &session, &why)) {
		snprintf(desk->picker.note, sizeof desk->picker.note, "%s", why.text);
		return;
	}
	if (cn_desk_seat(desk, session, true)) {
		cn_session_close(session);
		snprintf(desk->picker.note, sizeof desk->picker.note, "so many programs do not fit in: %zu are open",
			desk->n);
	}
}

static enum cn_request key_on_list(struct cn_desk *desk, uint32_t key)
{
	switch (key & CN_KEY_MOUSE ? cn_picker_mouse(&desk->picker, &desk->canvas, key)
				   : cn_picker_key(&desk->picker, key)) {
	case CN_PICKED_OPEN:
		open_pick(desk);
		break;
	case CN_PICKED_QUIT:
		return CN_REQUEST_QUIT;
	case CN_PICKED_BACK:
		desk->on_list = desk->n == 0;
		break;
	default:
		if (cn_action_of_key(key) == CN_ACTION_REDRAW)
			return CN_REQUEST_REDRAW;
		break;
	}
	return CN_REQUEST_NOTHING;
}

enum cn_request cn_desk_key(struct cn_desk *desk, uint32_t key, uint64_t now_ns)
{
	struct cn_seat *seat = cn_desk_front(desk);
	enum cn_request request;

	if (!seat)
		return key_on_list(desk, key);
	request = cn_driver_key(&seat->driver, key);
	switch (request) {
	case CN_REQUEST_LIST:
		show_list(desk, now_ns);
		break;
	case CN_REQUEST_NEXT_PROGRAM:
		desk->here = (desk->here + 1) % desk->n;
		break;
	case CN_REQUEST_PREV_PROGRAM:
		desk->here = (desk->here + desk->n - 1) % desk->n;
		break;
	case CN_REQUEST_REATTACH:
		if (seat->back_pid)
			reattach(desk, seat);
		break;
	default:
		return request;
	}
	return CN_REQUEST_NOTHING;
}
