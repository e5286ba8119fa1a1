/* SPDX-License-Identifier: MIT */
/*
 * Two looks, at one program or at two: what appeared, grew, shrank, went. They
 * are compared by what things are called and where in the source they stand; ids
 * and serials are those of one process alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "export/chains.h"
#include "export/names.h"
#include "export/text.h"
#include "widget/format.h"

enum { A, B, SIDES, LOOKS = 3, ROWS_MAX = 1 << 16, ROWS_SHOWN = 40, TEXT_BYTES = 1024 };
enum { COUNTERS = sizeof(struct rouse_counters) / sizeof(uint64_t) };

/* One kind of things: how many of each there are on both sides. */
struct table {
	const char *title, *key;
	struct cn_names names;
	uint64_t (*counts)[SIDES];
	size_t capacity;
	bool overflow; /* there are more of them: not all is compared */
};
enum { GROUPS, RESOURCES, FINDINGS, TABLES };

struct side {
	char program[64], source[16];
	uint32_t pid;
	uint64_t mono_ns, start_ns, tasks;
	bool complete;
	uint64_t counters[COUNTERS];
};

struct diff {
	struct table tables[TABLES];
	struct side sides[SIDES];
	int side; /* that is being taken in */
	int error;
};

/* ------------------------------------------------------------------- taking in */

static void add(struct diff *diff, int which, const char *text, uint64_t n)
{
	struct table *table = &diff->tables[which];
	uint32_t row = 0;
	int rc = cn_names_add(&table->names, text, &row);

	if (rc == -E2BIG) {
		table->overflow = true;
		return;
	}
	if (rc == 0 && row >= table->capacity) {
		const size_t capacity = table->capacity ? 2 * table->capacity : 256;
		uint64_t(*counts)[SIDES] = reallocarray(table->counts, capacity, sizeof *counts);

		if (counts) {
			memset(counts + table->capacity, 0, (capacity - table->capacity) * sizeof *counts);
			table->counts = counts;
			table->capacity = capacity;
		}
	}
	if (rc || row >= table->capacity)
		diff->error = -ENOMEM;
	else
		table->counts[row][diff->side] += n;
}

/* Without the program, which is the first word: B may be another build of A. */
static void take_chain(void *arg, const char *chain, uint64_t weight)
{
	const char *rest = strchr(chain, ';');

	if (!*chain)
		((struct diff *)arg)->tables[GROUPS].overflow = true;
	else
		add(arg, GROUPS, rest ? rest + 1 : chain, weight);
}

/* Names with numbers in them (an address, a port) would make each socket a thing of its own. */
static void take_resources(struct diff *diff, const struct cn_model *model)
{
	for (size_t i = 0; i < cn_model_resource_slots(model); i++) {
		const struct cn_resource *r = cn_model_resource_at(model, i);
		const struct cn_site *site = r ? cn_model_site(model, r->runtime, r->site) : NULL;
		const bool is_net = r && (r->kind == ROUSE_RESOURCE_SOCKET || r->kind == ROUSE_RESOURCE_LISTENER);
		char text[TEXT_BYTES], safe[TEXT_BYTES];

		if (!r)
			continue;
		snprintf(text, sizeof text, "%s%s%s", cn_resource_kind_name(r->kind), is_net ? "" : " ",
			is_net ? "" : cn_resource_name(model, r));
		if (site->line)
			snprintf(text + strlen(text), sizeof text - strlen(text), "  %s:%u",
				cn_path_short(cn_model_string(model, r->runtime, site->file)), site->line);
		add(diff, RESOURCES, cn_text_safe(safe, sizeof safe, text, false), 1);
	}
}

static void take_findings(struct diff *diff, const struct cn_findings *findings)
{
	for (size_t i = 0; i < cn_findings_count(findings); i++) {
		const struct cn_finding *f = cn_findings_at(findings, i);
		char text[TEXT_BYTES], safe[TEXT_BYTES];

		if (!f->active)
			continue;
		/* Not its class: that grows from look to look. */
		snprintf(text, sizeof text, "%s  %s", cn_finding_text(f->code), f->task_name);
		if (f->line)
			snprintf(text + strlen(text), sizeof text - strlen(text), "  %s:%u", cn_path_short(f->file), f->line);
		add(diff, FINDINGS, cn_text_safe(safe, sizeof safe, text, false), 1);
	}
}

static void take_side(struct diff *diff, const struct cn_session *session)
{
	const struct cn_model *model = cn_session_model(session);
	const struct cn_target *target = cn_model_target(model);
	struct side *side = &diff->sides[diff->side];
	int rc = cn_chains_each(model, CN_CHAINS_BY_TASKS, take_chain, diff);

	diff->error = rc ? rc : diff->error;
	snprintf(side->program, sizeof side->program, "%s", target->program);
	snprintf(side->source, sizeof side->source, "%s", target->source);
	side->pid = target->pid;
	side->mono_ns = cn_model_now_ns(model);
	side->start_ns = target->start_ns;
	side->tasks = cn_model_tasks(model);
	side->complete = cn_model_complete(model);
	for (size_t i = 0; i < cn_model_runtimes(model); i++) {
		const struct cn_runtime *runtime = cn_model_runtime(model, i);
		uint64_t counters[COUNTERS];

		if (!runtime)
			continue;
		memcpy(counters, &runtime->total, sizeof counters);
		for (size_t k = 0; k < COUNTERS; k++)
			side->counters[k] += counters[k];
	}
	take_resources(diff, model);
	take_findings(diff, cn_session_findings(session));
}

static int look(struct diff *diff, struct cn_cli *cli, int which)
{
	struct cn_session *session;
	uint32_t looks = LOOKS;
	int rc = cn_open(cli, looks, &session);

	if (rc)
		return rc;
	rc = cn_look_again(cli, session, &looks);
	diff->side = which;
	take_side(diff, session);
	cn_session_close(session);
	if (rc)
		return rc;
	return diff->error ? cn_fail(CN_EXIT_INCOMPLETE, "diff: there is no memory to compare them") : CN_EXIT_OK;
}

/* ------------------------------------------------------------------ comparing */

struct change {
	const char *text;
	uint64_t a, b;
};

static uint64_t distance(const struct change *change)
{
	return change->a > change->b ? change->a - change->b : change->b - change->a;
}

/* The largest first; of equal ones by name. */
static int by_size(const void *left, const void *right)
{
	const struct change *a = left, *b = right;

	if (distance(a) != distance(b))
		return distance(a) > distance(b) ? -1 : 1;
	return strcmp(a->text, b->text);
}

/* To be freed; NULL with *ret_n 0: nothing has changed. */
static struct change *changes_of(struct diff *diff, const struct table *table, size_t *ret_n)
{
	const size_t rows = cn_names_count(&table->names);
	struct change *changes = rows ? calloc(rows, sizeof *changes) : NULL;
	size_t n = 0;

	if (rows && !changes)
		diff->error = -ENOMEM;
	for (uint32_t i = 0; changes && i < rows; i++)
		if (table->counts[i][A] != table->counts[i][B])
			changes[n++] = (struct change){ cn_names_text(&table->names, i), table->counts[i][A],
				table->counts[i][B] };
	if (n)
		qsort(changes, n, sizeof *changes, by_size);
	*ret_n = n;
	return changes;
}

/* Of one process at two times its counters tell rates; of two they are but numbers beside each other. */
static uint64_t span_ns(const struct diff *diff)
{
	const struct side *a = &diff->sides[A], *b = &diff->sides[B];
	/* When it began is told by a clock that is set anew now and then. */
	const uint64_t apart = a->start_ns > b->start_ns ? a->start_ns - b->start_ns : b->start_ns - a->start_ns;
	const bool same = a->pid == b->pid && apart < CN_S && strcmp(a->program, b->program) == 0;

	return same && b->mono_ns > a->mono_ns ? b->mono_ns - a->mono_ns : 0;
}

static const char *counter_name(size_t i)
{
	static const char *const names[] = {
#define X(name, text) #name,
		ROUSE_COUNTERS(X)
#undef X
	};

	return cn_counter_name(names[i]);
}

/* ------------------------------------------------------------------------ text */

static void print_table(const struct cn_paint *paint, const struct table *table, const struct change *changes, size_t n)
{
	if (!n && !table->overflow)
		return;
	fputc('\n', paint->out);
	cn_paint(paint, CN_STYLE_HEADER, "%8s %8s  %s", "A", "B", table->title);
	fputc('\n', paint->out);
	for (size_t i = 0; i < n && i < ROWS_SHOWN; i++) {
		const struct change *c = &changes[i];

		fprintf(paint->out, "%8" PRIu64 " %8" PRIu64 "  ", c->a, c->b);
		cn_paint(paint, !c->a ? CN_STYLE_LIKELY : !c->b ? CN_STYLE_GOOD : CN_STYLE_PLAIN, "%s %s",
			!c->a          ? "new "
			: !c->b        ? "gone"
			: c->b > c->a  ? "more"
				       : "less",
			cn_safe(c->text));
		fputc('\n', paint->out);
	}
	if (n > ROWS_SHOWN)
		cn_paint(paint, CN_STYLE_DIM, "%17s  and %zu more; --json prints all\n", "", n - ROWS_SHOWN);
	if (table->overflow)
		cn_paint(paint, CN_STYLE_LIKELY, "%17s  there are too many of them: not all were compared\n", "");
}

/* Times are told as such; how much of a second they are is of all workers together. */
static void print_counter(const struct cn_paint *paint, const char *name, uint64_t from, uint64_t to, uint64_t span)
{
	const bool time = strcmp(name + strlen(name) - 3, "_ns") == 0;
	const char *(*format)(char out[CN_FORMAT_BYTES], uint64_t value) = time ? cn_format_ns : cn_format_count;
	char a[CN_FORMAT_BYTES], b[CN_FORMAT_BYTES];

	fprintf(paint->out, "%8s %8s  %-18s", format(a, from), format(b, to), name);
	if (span && to > from && time)
		fprintf(paint->out, " %.3fs", (double)(to - from) / (double)span);
	else if (span && to > from)
		fprintf(paint->out, " %.1f", cn_rate(to - from, span));
	fputc('\n', paint->out);
}

static void print_counters(const struct cn_paint *paint, const struct diff *diff)
{
	const uint64_t span = span_ns(diff);

	if (memcmp(diff->sides[A].counters, diff->sides[B].counters, sizeof diff->sides[A].counters) == 0)
		return;
	fputc('\n', paint->out);
	cn_paint(paint, CN_STYLE_HEADER, "%8s %8s  %-18s %s", "A", "B", "COUNTERS", span ? "PER SECOND" : "");
	fputc('\n', paint->out);
	for (size_t i = 0; i < COUNTERS; i++) {
		const uint64_t from = diff->sides[A].counters[i], to = diff->sides[B].counters[i];

		if (from == to)
			continue;
		print_counter(paint, counter_name(i), from, to, span);
	}
}

static void print_side(const struct cn_paint *paint, const char *name, const struct side *side)
{
	fprintf(paint->out, "%s  %s (%u)  %" PRIu64 " tasks  source: %s  %s\n", name, cn_safe(side->program), side->pid,
		side->tasks, cn_safe(side->source), side->complete ? "complete" : "NOT COMPLETE");
}

static void print_text(
	const struct cn_paint *paint, const struct diff *diff, struct change *const *changes, const size_t *n)
{
	char time[CN_FORMAT_BYTES];

	print_side(paint, "A", &diff->sides[A]);
	print_side(paint, "B", &diff->sides[B]);
	if (span_ns(diff))
		fprintf(paint->out, "The same process, %s later.\n", cn_format_ns(time, span_ns(diff)));
	for (int i = 0; i < TABLES; i++)
		print_table(paint, &diff->tables[i], changes[i], n[i]);
	print_counters(paint, diff);
	if (!n[GROUPS] && !n[RESOURCES] && !n[FINDINGS])
		cn_paint(paint, CN_STYLE_GOOD, "\nThe same groups of tasks, resources and findings.\n");
}

/* ------------------------------------------------------------------------ JSON */

static void side_json(struct cn_json *json, const char *key, const struct side *side)
{
	cn_json_object(json, key);
	cn_json_string(json, "program", side->program);
	cn_json_number(json, "pid", side->pid);
	cn_json_string(json, "source", side->source);
	cn_json_number(json, "mono_ns", side->mono_ns);
	cn_json_number(json, "tasks", side->tasks);
	cn_json_bool(json, "complete", side->complete);
	cn_json_end(json);
}

static void change_json(struct cn_json *json, const struct change *change)
{
	cn_json_object(json, NULL);
	cn_json_string(json, "what", change->text);
	cn_json_number(json, "a", change->a);
	cn_json_number(json, "b", change->b);
	cn_json_end(json);
}

static void print_json(const struct diff *diff, struct change *const *changes, const size_t *n, int code)
{
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_json_string(&json, "schema", "rouse/diff/1");
	side_json(&json, "a", &diff->sides[A]);
	side_json(&json, "b", &diff->sides[B]);
	cn_json_number(&json, "span_ns", span_ns(diff));
	cn_json_number(&json, "exit", (uint64_t)code);
	for (int i = 0; i < TABLES; i++) {
		cn_json_array(&json, diff->tables[i].key);
		for (size_t k = 0; k < n[i]; k++)
			change_json(&json, &changes[i][k]);
		cn_json_end(&json);
	}
	cn_json_array(&json, "counters");
	for (size_t i = 0; i < COUNTERS; i++)
		change_json(&json, &(struct change){ counter_name(i), diff->sides[A].counters[i], diff->sides[B].counters[i] });
	cn_json_end(&json);
	cn_json_end(&json);
}

/* ------------------------------------------------------------------------ verb */

static int compare(const struct cn_cli *cli, struct diff *diff)
{
	struct change *changes[TABLES];
	size_t n[TABLES], all = 0;
	bool whole = diff->sides[A].complete && diff->sides[B].complete;
	int code;

	for (int i = 0; i < TABLES; i++) {
		changes[i] = changes_of(diff, &diff->tables[i], &n[i]);
		all += n[i];
		whole = whole && !diff->tables[i].overflow;
	}
	code = all ? CN_EXIT_FINDINGS : whole ? CN_EXIT_OK : CN_EXIT_INCOMPLETE;
	if (diff->error)
		code = cn_fail(CN_EXIT_INCOMPLETE, "diff: there is no memory to compare them");
	else if (cli->json)
		print_json(diff, changes, n, code);
	else
		print_text(&cli->paint, diff, changes, n);
	for (int i = 0; i < TABLES; i++)
		free(changes[i]);
	return code;
}

static void wait_between(uint32_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) && errno == EINTR)
		continue;
}

int cn_verb_diff(struct cn_cli *cli)
{
	struct diff diff = { .tables = { [GROUPS] = { .title = "TASKS, BY AWAIT CHAIN", .key = "groups" },
				     [RESOURCES] = { .title = "RESOURCES, BY KIND, NAME AND WHERE MADE", .key = "resources" },
				     [FINDINGS] = { .title = "FINDINGS", .key = "findings" } } };
	int rc;

	if (!cli->task && !cli->for_ms)
		return cn_fail(CN_EXIT_USAGE, "diff: it needs B, too, or --for TIME to look at A again; see `rouse diff --help`");
	for (int i = 0; i < TABLES; i++)
		cn_names_init(&diff.tables[i].names, ROWS_MAX);
	rc = look(&diff, cli, A);
	if (rc == CN_EXIT_OK) {
		wait_between(cli->for_ms);
		if (cli->task)
			cli->target = cli->task;
		rc = look(&diff, cli, B);
	}
	if (rc == CN_EXIT_OK)
		rc = compare(cli, &diff);
	for (int i = 0; i < TABLES; i++) {
		cn_names_fini(&diff.tables[i].names);
		free(diff.tables[i].counts);
	}
	return rc;
}
