/* SPDX-License-Identifier: MIT */
#include "view/resource.h"
#include "diagnose/links.h"
#include "export/text.h"
#include "widget/format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { LABEL_COLS = 14, WAITERS_SHOWN = 20, HOLDERS_SHOWN = 20 };

static void fact(struct cn_page *page, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void fact(struct cn_page *page, const char *label, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	cn_canvas_text(&page->paper, page->row, 2, LABEL_COLS - 1, CN_STYLE_DIM, label);
	cn_page_text(page, LABEL_COLS, CN_STYLE_PLAIN, text);
}

static uint64_t age_of(const struct cn_scene *scene, const struct cn_resource *resource, uint64_t since_ns)
{
	const struct cn_runtime *runtime = cn_model_runtime(scene->model, resource->runtime);

	return runtime && since_ns && runtime->now_ns > since_ns ? runtime->now_ns - since_ns : 0;
}

/* A task, or a thread outside of any. */
static const char *holder_text(char *out, size_t bytes, const struct cn_scene *scene, uint64_t holder)
{
	if (!(holder & CN_THREAD_ID))
		return cn_who_text(out, bytes, scene, holder);
	snprintf(out, bytes, "thread %llu", holder & ~CN_THREAD_ID);
	return out;
}

/* ------------------------------------------------------------------- title */

static void draw_title(struct cn_page *page, const struct cn_scene *scene, const struct cn_resource *resource)
{
	struct cn_canvas *paper = &page->paper;
	char text[512], who[160], site[160], time[CN_FORMAT_BYTES];
	struct cn_text state = { .glyph = -1 };
	int col = 2;

	cn_text_safe(text, sizeof text, cn_resource_name(scene->model, resource), scene->ascii);
	col += 1 + cn_canvas_text(paper, page->row, col, paper->cols - col - 1, CN_STYLE_TITLE,
			   cn_resource_kind_name(resource->kind));
	col += 1 + cn_canvas_printf(paper, page->row, col, paper->cols - col - 1, CN_STYLE_DIM, "#%" PRIu64,
			   resource->serial);
	if (*text)
		col += 1 + cn_canvas_text(paper, page->row, col, paper->cols - col - 1, CN_STYLE_NAME, text);
	cn_resource_state_cell(resource, &state);
	cn_canvas_text(paper, page->row, col + 1, paper->cols - col - 2, state.style, state.text);
	page->row++;
	cn_site_text(site, sizeof site, scene, resource->runtime, resource->site);
	snprintf(text, sizeof text, "made %s ago by %.100s%s%s",
		cn_format_ns(time, age_of(scene, resource, resource->created_ns)),
		resource->creator ? cn_who_text(who, sizeof who, scene, resource->creator) : "no task",
		*site ? " at " : "", site);
	cn_page_text(page, 0, CN_STYLE_DIM, text);
}

/* ------------------------------------------------------------------- kinds */

static void draw_owner(struct cn_page *page, const struct cn_scene *scene, const struct cn_resource *resource)
{
	const bool exact = resource->flags & ROUSE_RESOURCE_OWNED;
	char who[200], time[CN_FORMAT_BYTES], since[64] = "";

	if (!resource->owner)
		return;
	if (resource->owner_since_ns)
		snprintf(since, sizeof since, exact ? ", for %s" : ", %s ago",
			cn_format_ns(time, age_of(scene, resource, resource->owner_since_ns)));
	fact(page, exact && resource->kind == ROUSE_RESOURCE_MUTEX ? "held by" : "last used by", "%s%s%s",
		holder_text(who, sizeof who, scene, resource->owner), since,
		resource->flags & ROUSE_RESOURCE_HANDED ? "; it was handed over, and has not been polled with it yet"
							: "");
}

static void draw_user(struct cn_page *page, const struct cn_scene *scene, const char *label, uint64_t user)
{
	char who[200];

	if (user)
		fact(page, label, "%s", holder_text(who, sizeof who, scene, user));
}

static void draw_semaphore(struct cn_page *page, const struct cn_scene *scene, const struct cn_resource *resource)
{
	const struct cn_holder *holders;
	const size_t n = cn_model_holders(scene->model, resource->serial, &holders);
	char who[200], time[CN_FORMAT_BYTES];

	fact(page, "permits", "%" PRIu64 " free of %" PRIu64 ", made with %" PRIu64, resource->value,
		resource->capacity, resource->side_b);
	if (resource->granted)
		fact(page, "granted", "%" PRIu32 " to tasks that have not been polled with them yet",
			resource->granted);
	draw_user(page, scene, "last taken by", resource->owner);
	for (size_t i = 0; i < n && i < HOLDERS_SHOWN; i++)
		fact(page, i ? "" : "held by", "%s: %" PRIu64 ", for %s",
			holder_text(who, sizeof who, scene, holders[i].task), holders[i].permits,
			cn_format_ns(time, age_of(scene, resource, holders[i].since_ns)));
	if (n > HOLDERS_SHOWN)
		fact(page, "", "and %zu others", n - HOLDERS_SHOWN);
	if (resource->flags & ROUSE_RESOURCE_UNTRACKED)
		cn_page_text(page, 0, CN_STYLE_DIM, "Not all permits that are out are written to be somebody's.");
}

static void draw_channel(struct cn_page *page, const struct cn_scene *scene, const struct cn_resource *resource)
{
	const uint64_t before = resource->prev_value;
	char by[CN_FORMAT_BYTES];

	if (resource->kind == ROUSE_RESOURCE_UNBOUNDED)
		fact(page, "queued", "%" PRIu64 ", no bound", resource->value);
	else if (resource->kind == ROUSE_RESOURCE_MPSC)
		fact(page, "queued", "%" PRIu64 " of %" PRIu64, resource->value, resource->capacity);
	if (resource->value != before && resource->kind != ROUSE_RESOURCE_ONESHOT)
		fact(page, "", "%s %s than at the look before",
			cn_format_count(by, resource->value > before ? resource->value - before
								     : before - resource->value),
			resource->value > before ? "more" : "fewer");
	fact(page, "senders", "%" PRIu64, resource->side_a);
	draw_user(page, scene, "last sender", resource->last_user_a);
	fact(page, "receivers", "%" PRIu64, resource->side_b);
	draw_user(page, scene, "last receiver", resource->last_user_b);
}

static void draw_rate(struct cn_page *page, const char *label, uint64_t now, uint64_t before, uint64_t span_ns)
{
	char all[CN_FORMAT_BYTES], rate[CN_FORMAT_BYTES];

	fact(page, label, "%s, %s/s", cn_format_count(all, now),
		cn_format_count(rate, (uint64_t)cn_rate(now > before ? now - before : 0, span_ns)));
}

static void draw_socket(struct cn_page *page, const struct cn_scene *scene, const struct cn_resource *resource)
{
	const struct cn_runtime *runtime = cn_model_runtime(scene->model, resource->runtime);
	const struct cn_socket *socket = cn_model_socket(scene->model, resource->serial);
	const uint64_t span_ns = runtime && runtime->prev_ns ? runtime->now_ns - runtime->prev_ns : 0;
	char text[256];

	fact(page, "descriptor", "%" PRIu64, resource->value);
	if (resource->kind == ROUSE_RESOURCE_LISTENER) {
		fact(page, "backlog", "%" PRIu64, resource->capacity);
		draw_rate(page, "accepted", resource->side_a, resource->prev_side_a, span_ns);
	} else {
		draw_rate(page, "bytes read", resource->side_a, resource->prev_side_a, span_ns);
		draw_rate(page, "bytes written", resource->side_b, resource->prev_side_b, span_ns);
	}
	draw_user(page, scene, "last used by", resource->owner);
	if (!socket) {
		cn_page_text(page, 0, CN_STYLE_DIM,
			cn_target_is_core(cn_model_target(scene->model))
				? "A core file does not have what the kernel knew of it."
				: "What the kernel says of it is asked for, and not known yet.");
		return;
	}
	if (*socket->local)
		fact(page, "at", "%s", cn_text_safe(text, sizeof text, socket->local, scene->ascii));
	cn_peer_text(text, sizeof text, socket);
	if (*text)
		fact(page, "", "%s", text);
	if (resource->kind == ROUSE_RESOURCE_LISTENER)
		fact(page, "in the kernel", "%" PRIu64 " connections wait to be accepted", socket->rx_bytes);
	else
		fact(page, "in the kernel", "%" PRIu64 " bytes to read, %" PRIu64 " sent and not acknowledged",
			socket->rx_bytes, socket->tx_bytes);
}

static void draw_job(struct cn_page *page, const struct cn_scene *scene, const struct cn_resource *resource)
{
	char symbol[200], time[CN_FORMAT_BYTES];

	cn_symbol_format(scene->model, resource->side_a, symbol, sizeof symbol);
	fact(page, "function", "%s", symbol);
	if (resource->owner)
		fact(page, "runs on", "thread %" PRIu64 ", for %s", resource->owner,
			cn_format_ns(time, age_of(scene, resource, resource->owner_since_ns)));
}

static void draw_kind(struct cn_page *page, const struct cn_scene *scene, const struct cn_resource *resource)
{
	switch ((enum rouse_resource_kind)resource->kind) {
	case ROUSE_RESOURCE_SEMAPHORE:
		draw_semaphore(page, scene, resource);
		return;
	case ROUSE_RESOURCE_ONESHOT:
	case ROUSE_RESOURCE_MPSC:
	case ROUSE_RESOURCE_UNBOUNDED:
		draw_channel(page, scene, resource);
		return;
	case ROUSE_RESOURCE_LISTENER:
	case ROUSE_RESOURCE_SOCKET:
	case ROUSE_RESOURCE_FD:
		draw_socket(page, scene, resource);
		return;
	case ROUSE_RESOURCE_BLOCKING_JOB:
		draw_job(page, scene, resource);
		return;
	case ROUSE_RESOURCE_TIMERS:
		fact(page, "of worker", "%" PRIu64, resource->owner);
		fact(page, "armed", "%" PRIu64 "; fired so far: %" PRIu64, resource->value, resource->side_a);
		return;
	default:
		draw_owner(page, scene, resource);
		if (resource->side_a)
			fact(page, "handles", "%" PRIu64, resource->side_a);
		return;
	}
}

/* ------------------------------------------------------------------ waiters */

struct waiter {
	const struct cn_task *task;
	const struct cn_await *await;
	uint64_t key; /* since when, of timers the deadline */
};

/* The first ones by key, in order; answers how many there are in all. */
static size_t gather(const struct cn_scene *scene, const struct cn_resource *resource,
	struct waiter waiters[WAITERS_SHOWN])
{
	const bool timers = resource->kind == ROUSE_RESOURCE_TIMERS;
	size_t n = 0;

	for (size_t i = 0; i < cn_model_task_slots(scene->model); i++) {
		const struct cn_task *task = cn_model_task_at(scene->model, i);

		for (uint16_t k = task && task->waiting ? task->leaf : 0; task && task->waiting && k < task->n_awaits; k++) {
			const struct cn_await *await = &task->awaits[k];
			const uint64_t key = timers ? await->arg : await->since_ns;
			size_t at = n < WAITERS_SHOWN ? n : WAITERS_SHOWN;

			if (await->wait_state != ROUSE_WAIT_WAITING || await->op == ROUSE_OP_JOIN ||
				await->resource != resource->serial)
				continue;
			n++;
			for (; at > 0 && waiters[at - 1].key > key; at--)
				if (at < WAITERS_SHOWN)
					waiters[at] = waiters[at - 1];
			if (at < WAITERS_SHOWN)
				waiters[at] = (struct waiter){ task, await, key };
		}
	}
	return n;
}

static void draw_waiter(struct cn_page *page, const struct cn_scene *scene, const struct cn_resource *resource,
	const struct waiter *waiter)
{
	const struct cn_runtime *runtime = cn_model_runtime(scene->model, resource->runtime);
	const uint64_t now_ns = runtime ? runtime->now_ns : 0;
	char who[200], site[160], time[CN_FORMAT_BYTES], text[64];
	int col = 2;

	if (resource->kind != ROUSE_RESOURCE_TIMERS)
		snprintf(text, sizeof text, "%s for %s", cn_op_name(waiter->await->op),
			cn_format_ns(time, age_of(scene, resource, waiter->key)));
	else if (waiter->key > now_ns)
		snprintf(text, sizeof text, "in %s", cn_format_ns(time, waiter->key - now_ns));
	else
		snprintf(text, sizeof text, "due since %s", cn_format_ns(time, now_ns - waiter->key));
	col += 2 + cn_canvas_text(&page->paper, page->row, col, page->paper.cols / 2, CN_STYLE_NAME,
			   cn_who_text(who, sizeof who, scene, waiter->task->id));
	col += 2 + cn_canvas_text(&page->paper, page->row, col, page->paper.cols - col - 1, CN_STYLE_PLAIN, text);
	cn_canvas_text(&page->paper, page->row, col, page->paper.cols - col - 1, CN_STYLE_SITE,
		cn_site_text(site, sizeof site, scene, waiter->task->runtime,
			cn_task_await_site(scene->model, waiter->task)));
	page->row++;
}

static void draw_waiters(struct cn_page *page, const struct cn_scene *scene, const struct cn_resource *resource)
{
	const bool timers = resource->kind == ROUSE_RESOURCE_TIMERS;
	struct waiter waiters[WAITERS_SHOWN] = { { 0 } };
	const size_t n = gather(scene, resource, waiters);

	cn_page_heading(page, timers ? "what fires next" : "who waits for it, the longest first");
	if (n == 0)
		cn_page_text(page, 0, CN_STYLE_DIM, timers ? "No task waits for one of its timers." : "Nobody.");
	for (size_t i = 0; i < n && i < WAITERS_SHOWN; i++)
		draw_waiter(page, scene, resource, &waiters[i]);
	if (n > WAITERS_SHOWN)
		page->row += cn_canvas_printf(&page->paper, page->row, 2, page->paper.cols - 3, CN_STYLE_DIM,
				     "and %zu more", n - WAITERS_SHOWN) > 0;
}

void cn_resource_page(struct cn_page *page, const struct cn_scene *scene, uint64_t serial)
{
	const struct cn_resource *resource = cn_model_resource(scene->model, serial);
	const struct cn_finding *finding = cn_findings_of_resource(scene->findings, serial);

	if (!resource) {
		cn_page_text(page, 0, CN_STYLE_DIM, "This resource is gone.");
		return;
	}
	draw_title(page, scene, resource);
	page->row++;
	draw_kind(page, scene, resource);
	if (finding) {
		page->row++;
		cn_finding_page(page, scene, finding);
	}
	draw_waiters(page, scene, resource);
}
