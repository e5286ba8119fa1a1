/* SPDX-License-Identifier: MIT */
/*
 * A chain, drawn. Time runs down: each line is what the one above waits for.
 *
 *     . trouble:deadlock-a (17)          pending for 3.2s, 3 polls
 *     | deadlock_a                       trouble.c:209
 *     v waits for 3.2s: lock
 *     * mutex trouble:right              locked, made at trouble.c:370
 *     v held for 3.2s by
 *     . trouble:deadlock-b (18)          pending for 3.2s, 3 polls
 *       ...
 *     @ trouble:deadlock-a (17)          back to where it stood: a ring
 *
 * Only alternatives indent, so that a long chain stays narrow.
 */
#include "diagnose/chain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "export/text.h"
#include "model/model.h"
#include "widget/format.h"
#include "widget/utf8.h"

enum { NARROW = 40, DETAIL_COLUMN = 44, MARGIN = 2, FRAMES_SHOWN = 4 };

struct pen {
	const struct cn_model *model;
	const struct cn_chain *chain;
	enum cn_charset charset;
	int columns;
	cn_line_fn fn;
	void *arg;
	struct cn_line line;
	size_t used; /* bytes */
	int at;      /* columns */
};

/* ---------------------------------------------------------------- one line */

static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void put(struct pen *pen, enum cn_style style, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void put(struct pen *pen, enum cn_style style, const char *format, ...)
{
	struct cn_line *line = &pen->line;
	char *at = line->text + pen->used;
	size_t room = sizeof line->text - pen->used;
	va_list args;

	va_start(args, format);
	vsnprintf(at, room, format, args);
	va_end(args);
	if (!*at)
		return;
	if (line->n_spans && line->spans[line->n_spans - 1].style == style)
		line->spans[line->n_spans - 1].bytes += (uint16_t)strlen(at);
	else if (line->n_spans < sizeof line->spans / sizeof line->spans[0])
		line->spans[line->n_spans++] =
			(struct cn_span){ (uint16_t)pen->used, (uint16_t)strlen(at), (uint8_t)style };
	pen->at += width_of(at);
	pen->used += strlen(at);
}

static void put_sign(struct pen *pen, enum cn_style style, enum cn_glyph glyph)
{
	char text[8] = "";

	cn_utf8_put(text, cn_glyph(pen->charset, glyph));
	put(pen, style, "%s", text);
}

static void begin(struct pen *pen, uint32_t link)
{
	pen->line = (struct cn_line){ .link = link };
	pen->used = 0;
	pen->at = 0;
}

static void end(struct pen *pen)
{
	pen->fn(pen->arg, &pen->line);
}

/* What is said about a thing stands in a column of its own, where it has room. */
static void to_details(struct pen *pen)
{
	int column = pen->columns < 2 * NARROW ? NARROW : DETAIL_COLUMN;

	put(pen, CN_STYLE_PLAIN, "%*s", pen->at + 2 <= column ? column - pen->at : 2, "");
}

/* Words over as many lines as they need, all but the first indented. */
static void put_words(struct pen *pen, enum cn_style style, const char *text, int indent)
{
	bool fresh = pen->at <= indent;

	while (*text) {
		size_t n = strcspn(text, " ");
		char word[256];

		snprintf(word, sizeof word, "%.*s", (int)n, text);
		if (!fresh && pen->at + 1 + width_of(word) > pen->columns) {
			end(pen);
			begin(pen, UINT32_MAX);
			put(pen, CN_STYLE_PLAIN, "%*s", indent, "");
		} else if (!fresh) {
			put(pen, style, " ");
		}
		put(pen, style, "%s", word);
		fresh = false;
		text += n;
		text += strspn(text, " ");
	}
}

/* ------------------------------------------------------------------- links */

static void put_site(struct pen *pen, const struct cn_link *link, uint32_t index)
{
	const struct cn_site *site = cn_model_site(pen->model, link->runtime, index);

	if (site->line)
		put(pen, CN_STYLE_SITE, "%s:%u",
			cn_safe(cn_path_base(cn_model_string(pen->model, link->runtime, site->file))), site->line);
}

static uint64_t age_of(const struct pen *pen, const struct cn_link *link)
{
	const struct cn_runtime *runtime = cn_model_runtime(pen->model, link->runtime);

	return link->since_ns && runtime && runtime->now_ns > link->since_ns ? runtime->now_ns - link->since_ns : 0;
}

/* One of several ways: it hangs on a joint of its own. */
static bool begins_branch(const struct cn_chain *chain, uint32_t index)
{
	return chain->links[chain->links[index].parent].depth < chain->links[index].depth;
}

/* The lines of branches that go on below. */
static void put_branches(struct pen *pen, uint32_t index, bool itself)
{
	const struct cn_link *links = pen->chain->links;
	bool more[64] = { false };
	uint32_t depth = links[index].depth, levels = depth < 64 ? depth : 64;

	for (uint32_t i = index, level = levels; level;) {
		uint32_t parent = links[i].parent;

		if (links[parent].depth < links[i].depth && links[i].depth <= levels) {
			more[links[i].depth - 1] = !links[i].last;
			level = links[i].depth - 1u;
		}
		if (parent == i)
			break;
		i = parent;
	}
	put(pen, CN_STYLE_PLAIN, "%*s", MARGIN, "");
	for (uint32_t level = 0; level < levels; level++) {
		bool joint = itself && level + 1 == levels && begins_branch(pen->chain, index);

		if (joint)
			put_sign(pen, CN_STYLE_FRAME, links[index].last ? CN_GLYPH_CORNER : CN_GLYPH_TEE);
		else if (more[level])
			put_sign(pen, CN_STYLE_FRAME, CN_GLYPH_VLINE);
		else
			put(pen, CN_STYLE_PLAIN, " ");
		if (joint)
			put_sign(pen, CN_STYLE_FRAME, CN_GLYPH_HLINE);
		else
			put(pen, CN_STYLE_PLAIN, " ");
	}
}

static enum cn_glyph state_sign(unsigned int state)
{
	static const enum cn_glyph signs[] = { CN_GLYPH_CREATED, CN_GLYPH_SCHEDULED, CN_GLYPH_RUNNING, CN_GLYPH_PENDING,
		CN_GLYPH_COMPLETE, CN_GLYPH_PANICKED, CN_GLYPH_CANCELLED };

	return state < sizeof signs / sizeof signs[0] ? signs[state] : CN_GLYPH_PENDING;
}

static enum cn_style state_style(unsigned int state)
{
	switch (state) {
	case ROUSE_TASK_RUNNING:
		return CN_STYLE_RUNNING;
	case ROUSE_TASK_SCHEDULED:
	case ROUSE_TASK_CREATED:
		return CN_STYLE_SCHEDULED;
	case ROUSE_TASK_PENDING:
		return CN_STYLE_PENDING;
	default:
		return CN_STYLE_DONE;
	}
}

/* What a guess rests on. */
static const char *guess_from(const struct pen *pen, const struct cn_link *link)
{
	const struct cn_link *parent = &pen->chain->links[link->parent];

	if (link->relation == CN_RELATION_HELD_BY)
		return "not all who hold it are known";
	return cn_model_detail(pen->model, parent->id) ? "it has it in its frames" : "who used it last";
}

/* How one gets from what stands above to the thing below. */
static void draw_relation(struct pen *pen, uint32_t index)
{
	const struct cn_link *link = &pen->chain->links[index], *parent = &pen->chain->links[link->parent];
	uint64_t age = link->relation != CN_RELATION_HELD_BY ? 0 : age_of(pen, link->permits ? link : parent);
	char time[CN_FORMAT_BYTES];

	if (begins_branch(pen->chain, index) || link->relation == CN_RELATION_START ||
		link->relation == CN_RELATION_AWAITS || link->relation == CN_RELATION_WAITS_FOR ||
		link->relation == CN_RELATION_ENDS_IN || link->relation == CN_RELATION_JOINS ||
		link->relation == CN_RELATION_ON_THREAD || link->relation == CN_RELATION_IN_KERNEL)
		return;
	begin(pen, index);
	put_branches(pen, index, false);
	put_sign(pen, CN_STYLE_FRAME, CN_GLYPH_DOWN);
	put(pen, CN_STYLE_DIM, " %s", cn_relation_name(link->relation));
	if (age)
		put(pen, CN_STYLE_DIM, ", for %s", cn_format_ns(time, age));
	if (link->guess)
		put(pen, CN_STYLE_DIM, " (a guess: %s)", guess_from(pen, link));
	end(pen);
}

static void draw_task(struct pen *pen, uint32_t index)
{
	const struct cn_link *link = &pen->chain->links[index];
	const struct cn_task *task = cn_model_task(pen->model, link->id);

	if (link->cycle)
		put_sign(pen, CN_STYLE_PROVEN, CN_GLYPH_CYCLE);
	else
		put_sign(pen, task ? state_style(task->state) : CN_STYLE_DONE,
			task ? state_sign(task->state) : CN_GLYPH_COMPLETE);
	put(pen, CN_STYLE_NAME, " %s", task ? cn_safe(cn_task_name(pen->model, task)) : "task");
	put(pen, CN_STYLE_DIM, " (%llu)", (unsigned long long)link->id);
	to_details(pen);
	if (link->permits)
		put(pen, CN_STYLE_PLAIN, "has %llu permit%s, ", (unsigned long long)link->permits,
			link->permits == 1 ? "" : "s");
	put(pen, link->cycle ? CN_STYLE_PROVEN : task ? state_style(task->state) : CN_STYLE_DONE, "%s", link->text);
}

static const char *what_for(unsigned int op)
{
	static const char *const texts[ROUSE_OP_MAX] = {
		[ROUSE_OP_YIELD] = "for its next turn",
		[ROUSE_OP_SLEEP] = "for a time",
		[ROUSE_OP_JOIN] = "for a task to end",
		[ROUSE_OP_LOCK] = "for a lock",
		[ROUSE_OP_ACQUIRE] = "for permits",
		[ROUSE_OP_NOTIFIED] = "to be notified",
		[ROUSE_OP_ONESHOT_RECV] = "for a reply",
		[ROUSE_OP_RECV] = "for a message",
		[ROUSE_OP_SEND] = "for room to send",
		[ROUSE_OP_READ] = "to read",
		[ROUSE_OP_WRITE] = "to write",
		[ROUSE_OP_ACCEPT] = "for a client",
		[ROUSE_OP_CONNECT] = "to be connected",
		[ROUSE_OP_BLOCKING] = "for a blocking job",
		[ROUSE_OP_CUSTOM] = "with a waker of its own",
	};

	return op < ROUSE_OP_MAX && texts[op] ? texts[op] : "";
}

/* A future on the way, or the leaf: then what it does, and for how long. */
static void draw_await(struct pen *pen, uint32_t index)
{
	const struct cn_link *link = &pen->chain->links[index];
	const char *name =
		cn_model_string(pen->model, link->runtime, cn_model_site(pen->model, link->runtime, link->type)->name);
	uint64_t age = link->wait_state == ROUSE_WAIT_WAITING ? age_of(pen, link) : 0;
	bool branch = begins_branch(pen->chain, index);
	char time[CN_FORMAT_BYTES];

	if (link->wait_state == ROUSE_WAIT_WAITING && link->op != ROUSE_OP_NONE) {
		if (!branch)
			put_sign(pen, CN_STYLE_FRAME, CN_GLYPH_DOWN);
		put(pen, CN_STYLE_STRONG, " waits %s", what_for(link->op));
		if (age)
			put(pen, CN_STYLE_DIM, ", for %s now", cn_format_ns(time, age));
		return;
	}
	if (!branch)
		put_sign(pen, CN_STYLE_FRAME, CN_GLYPH_VLINE);
	put(pen, CN_STYLE_PLAIN, " %s", *name ? cn_safe(name) : "?");
	if (!cn_model_site(pen->model, link->runtime, link->at)->line) {
		put(pen, CN_STYLE_DIM, ", declared at ");
		put_site(pen, link, link->type);
		return;
	}
	to_details(pen);
	put_site(pen, link, link->at);
	if (*link->text)
		put(pen, CN_STYLE_DIM, "  %s", link->text);
}

static void draw_resource(struct pen *pen, uint32_t index)
{
	const struct cn_link *link = &pen->chain->links[index];
	const struct cn_resource *resource = cn_model_resource(pen->model, link->id);
	const char *name = resource ? cn_resource_name(pen->model, resource) : "";

	put_sign(pen, CN_STYLE_STRONG, CN_GLYPH_LEAF);
	put(pen, CN_STYLE_PLAIN, " %s", resource ? cn_resource_kind_name(resource->kind) : "resource");
	if (*name)
		put(pen, CN_STYLE_NAME, " %s", cn_safe(name));
	else
		put(pen, CN_STYLE_DIM, " %llu", (unsigned long long)link->id);
	to_details(pen);
	put(pen, CN_STYLE_PLAIN, "%s", link->text);
	if (cn_model_site(pen->model, link->runtime, link->at)->line) {
		put(pen, CN_STYLE_DIM, "%smade at ", *link->text ? ", " : "");
		put_site(pen, link, link->at);
	}
}

static void draw_worker(struct pen *pen, uint32_t index)
{
	const struct cn_link *link = &pen->chain->links[index];

	put_sign(pen, CN_STYLE_RUNNING, CN_GLYPH_RUNNING);
	put(pen, CN_STYLE_STRONG, " worker %llu", (unsigned long long)link->id);
	to_details(pen);
	put(pen, CN_STYLE_RUNNING, "%s ", link->text);
	put_site(pen, link, link->at);
}

static void draw_thread(struct pen *pen, uint32_t index)
{
	const struct cn_link *link = &pen->chain->links[index];

	put_sign(pen, CN_STYLE_FRAME, begins_branch(pen->chain, index) ? CN_GLYPH_LEAF : CN_GLYPH_VLINE);
	put(pen, CN_STYLE_STRONG, " thread %llu", (unsigned long long)link->id);
	if (*link->text)
		to_details(pen);
	put(pen, CN_STYLE_RUNNING, "%s", link->text);
}

/* The native stack from the first frame that is the program's own. */
static void draw_stack(struct pen *pen, uint32_t index)
{
	const struct cn_link *link = &pen->chain->links[index];
	const struct cn_stack *stack = cn_model_stack(pen->model, link->runtime, (uint32_t)link->id);
	uint32_t own = stack ? cn_stack_own(pen->model, stack) : 0;
	char code[160];

	for (uint32_t i = own; stack && i < stack->n && i < own + FRAMES_SHOWN; i++) {
		begin(pen, index);
		put_branches(pen, index, false);
		put_sign(pen, CN_STYLE_FRAME, CN_GLYPH_VLINE);
		put(pen, CN_STYLE_DIM, "   in ");
		put(pen, CN_STYLE_SITE, "%s", cn_code_text(code, sizeof code, pen->model, stack->pc[i]));
		if (i >= stack->sure)
			put(pen, CN_STYLE_DIM, " ?"); /* found by a search of the stack */
		end(pen);
	}
}

static void draw_socket(struct pen *pen, uint32_t index)
{
	put_sign(pen, CN_STYLE_FRAME, CN_GLYPH_VLINE);
	put(pen, CN_STYLE_PLAIN, " the kernel has it");
	to_details(pen);
	put(pen, CN_STYLE_PLAIN, "%s", pen->chain->links[index].text);
}

static void draw_link(struct pen *pen, uint32_t index)
{
	const struct cn_link *link = &pen->chain->links[index];

	draw_relation(pen, index);
	begin(pen, index);
	put_branches(pen, index, true);
	switch (link->kind) {
	case CN_LINK_TASK:
		draw_task(pen, index);
		break;
	case CN_LINK_AWAIT:
		draw_await(pen, index);
		break;
	case CN_LINK_RESOURCE:
		draw_resource(pen, index);
		break;
	case CN_LINK_WORKER:
		draw_worker(pen, index);
		break;
	case CN_LINK_THREAD:
		draw_thread(pen, index);
		break;
	case CN_LINK_SOCKET:
		draw_socket(pen, index);
		break;
	default:
		put_sign(pen, CN_STYLE_FRAME, CN_GLYPH_ARROW);
		put(pen, CN_STYLE_STRONG, " %s", link->text);
		break;
	}
	end(pen);
	if (link->kind == CN_LINK_THREAD)
		draw_stack(pen, index);
}

/* ------------------------------------------------------------------ verdict */

static void blank(struct pen *pen)
{
	begin(pen, UINT32_MAX);
	end(pen);
}

static const char *class_word(unsigned int class)
{
	static const char *const words[] = {
#define X(name, text) #name,
		CN_CLASSES(X)
#undef X
	};

	return class < CN_CLASS_MAX ? words[class] : "";
}

static void draw_verdict(struct pen *pen)
{
	static const enum cn_style styles[] = { CN_STYLE_SUSPECT, CN_STYLE_LIKELY, CN_STYLE_LIKELY, CN_STYLE_PROVEN };
	static const enum cn_glyph signs[] = { CN_GLYPH_SUSPECT, CN_GLYPH_LIKELY, CN_GLYPH_LIKELY, CN_GLYPH_PROVEN };
	const struct cn_finding *f = pen->chain->finding;

	blank(pen);
	begin(pen, UINT32_MAX);
	put(pen, CN_STYLE_PLAIN, "%*s", MARGIN, "");
	if (f) {
		put_sign(pen, styles[f->class], signs[f->class]);
		put(pen, styles[f->class], " %s", class_word(f->class));
	}
	put_words(pen, CN_STYLE_PLAIN, pen->chain->verdict, 2 * MARGIN);
	end(pen);
	if (pen->chain->truncated) {
		begin(pen, UINT32_MAX);
		put(pen, CN_STYLE_DIM, "%*sThe chain is longer than is shown.", MARGIN, "");
		end(pen);
	}
	if (!f)
		return;
	begin(pen, UINT32_MAX);
	put(pen, CN_STYLE_PLAIN, "%*s", MARGIN, "");
	put_sign(pen, CN_STYLE_GOOD, CN_GLYPH_ARROW);
	put(pen, CN_STYLE_GOOD, " what to do:");
	put_words(pen, CN_STYLE_PLAIN, cn_finding_advice(f->code), 2 * MARGIN);
	end(pen);
}

void cn_chain_draw(const struct cn_model *model, const struct cn_chain *chain, enum cn_charset charset, int columns,
	cn_line_fn line, void *arg)
{
	struct pen pen = { .model = model,
		.chain = chain,
		.charset = charset,
		.columns = columns < NARROW ? NARROW : columns,
		.fn = line,
		.arg = arg };

	for (uint32_t i = 0; i < chain->n; i++)
		draw_link(&pen, i);
	draw_verdict(&pen);
}
