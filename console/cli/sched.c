/* SPDX-License-Identifier: MIT */
/* How the scheduler does: who runs how much, who robs whom, how late tasks run after their wake. */
#include <string.h>

#include "cli/cli.h"
#include "export/text.h"
#include "export/thread_brief.h"
#include "widget/format.h"
#include "widget/graph.h"

static const unsigned int per_mille[] = { 500, 900, 990, 999, 1000 };
static const char *const percentiles[] = { "p50", "p90", "p99", "p99.9", "max" };
enum { PERCENTILES = sizeof per_mille / sizeof per_mille[0] };

/* -------------------------------------------------------------------- JSON */

static void histogram_json(struct cn_json *json, const char *key, const uint32_t *counts)
{
	cn_json_object(json, key);
	cn_json_number(json, "count", cn_histogram_total(counts, ROUSE_HISTOGRAM_BUCKETS));
	for (int i = 0; i < PERCENTILES; i++)
		cn_json_number(
			json, percentiles[i], cn_histogram_percentile(counts, ROUSE_HISTOGRAM_BUCKETS, per_mille[i]));
	cn_json_array(json, "log2_ns");
	for (unsigned int i = 0; i < ROUSE_HISTOGRAM_BUCKETS; i++)
		cn_json_number(json, NULL, counts[i]);
	cn_json_end(json);
	cn_json_end(json);
}

static void worker_json(struct cn_json *json, const struct cn_worker *w, uint64_t span_ns)
{
	const struct rouse_counters *c = &w->counters, *p = &w->previous;

	cn_json_object(json, NULL);
	cn_json_number(json, "index", w->index);
	cn_json_bool(json, "foreign", w->foreign);
	cn_json_string(json, "state", cn_worker_state_name(w->state));
	cn_json_real(json, "busy_share", span_ns ? (double)(c->busy_ticks - p->busy_ticks) / (double)span_ns : 0);
	cn_json_real(json, "polls_per_s", cn_rate(c->polls - p->polls, span_ns));
	cn_json_number(json, "polls", c->polls);
	cn_json_number(json, "lifo_polls", c->lifo_polls);
	cn_json_number(json, "inject_polls", c->inject_polls);
	cn_json_number(json, "steal_attempts", c->steal_attempts);
	cn_json_number(json, "steals", c->steals);
	cn_json_number(json, "stolen", c->stolen);
	cn_json_number(json, "migrations", c->migrations);
	cn_json_number(json, "overflows", c->overflows);
	cn_json_number(json, "parks", c->parks);
	cn_json_real(json, "parks_per_s", cn_rate(c->parks - p->parks, span_ns));
	cn_json_number(json, "empty_wakes", c->empty_wakes);
	cn_json_real(json, "empty_wakes_per_s", cn_rate(c->empty_wakes - p->empty_wakes, span_ns));
	cn_json_number(json, "spins", c->spins);
	cn_json_number(json, "forced_yields", c->forced_yields);
	cn_json_number(json, "long_polls", c->long_polls);
	cn_json_end(json);
}

static void site_json(struct cn_json *json, const struct cn_model *model, size_t runtime, uint32_t index)
{
	const struct cn_histogram *h = cn_model_site_histogram(model, runtime, index);
	const struct cn_site *site = cn_model_site(model, runtime, index);

	if (!h || !cn_histogram_total(h->poll, ROUSE_HISTOGRAM_BUCKETS))
		return;
	cn_json_object(json, NULL);
	cn_json_string(json, "function", cn_model_string(model, runtime, site->name));
	cn_json_string(json, "file", cn_model_string(model, runtime, site->file));
	cn_json_number(json, "line", site->line);
	histogram_json(json, "delay_ns", h->delay);
	histogram_json(json, "poll_ns", h->poll);
	cn_json_end(json);
}

static void print_json(const struct cn_session *session)
{
	const struct cn_model *model = cn_session_model(session);
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_head_json(&json, "rouse/sched/1", session);
	cn_json_array(&json, "runtimes");
	for (size_t r = 0; r < cn_model_runtimes(model); r++) {
		const struct cn_runtime *runtime = cn_model_runtime(model, r);
		uint64_t span = runtime ? runtime->now_ns - runtime->prev_ns : 0;

		if (!runtime)
			continue;
		cn_json_object(&json, NULL);
		cn_json_string(&json, "name", runtime->name);
		cn_json_number(&json, "level", runtime->level);
		cn_json_array(&json, "workers");
		for (uint32_t i = 0; i < runtime->n_workers; i++)
			worker_json(&json, &runtime->workers[i], span);
		cn_json_end(&json);
		cn_threads_json(&json, model, r);
		cn_json_array(&json, "spawn_sites");
		for (uint32_t i = 1; i < cn_model_sites(model, r); i++)
			site_json(&json, model, r, i);
		cn_json_end(&json);
		cn_json_end(&json);
	}
	cn_json_end(&json);
	cn_json_end(&json);
}

/* -------------------------------------------------------------------- text */

static void print_count(FILE *out, uint64_t count, int width)
{
	char text[CN_FORMAT_BYTES];

	fprintf(out, " %*s", width, cn_format_count(text, count));
}

/* What its thread does, and the shares of time it was on a CPU and waited for one. */
static void print_worker_thread(
	const struct cn_paint *paint, const struct cn_model *model, size_t runtime, const struct cn_worker *w)
{
	const struct cn_thread *thread = w->foreign ? NULL : cn_model_thread(model, runtime, w->tid);
	char cpu[CN_FORMAT_BYTES], queue[CN_FORMAT_BYTES], text[CN_THREAD_BRIEF];
	uint64_t cpu_ns = 0, run_queue_ns = 0, span_ns = 0;

	(void)cn_thread_delta(model, runtime, thread, &cpu_ns, &run_queue_ns, &span_ns);
	fprintf(paint->out, " %5s %6s  %s\n", cn_format_share(cpu, cpu_ns, span_ns),
		cn_format_share(queue, run_queue_ns, span_ns), cn_thread_brief(text, thread));
}

static void print_worker(const struct cn_paint *paint, const struct cn_model *model, size_t runtime,
	const struct cn_worker *w, uint64_t span_ns)
{
	const struct rouse_counters *c = &w->counters, *p = &w->previous;
	char text[CN_FORMAT_BYTES];

	if (w->foreign)
		fprintf(paint->out, "  %-16s %5s %7s", "other threads", "-", "-");
	else
		fprintf(paint->out, "  %-2u %-13.13s %5s %7.0f", w->index, cn_worker_state_name(w->state),
			cn_format_share(text, c->busy_ticks - p->busy_ticks, span_ns),
			cn_rate(c->polls - p->polls, span_ns));
	print_count(paint->out, c->polls, 6);
	print_count(paint->out, c->lifo_polls, 6);
	print_count(paint->out, c->inject_polls, 6);
	print_count(paint->out, c->steals, 6);
	print_count(paint->out, c->stolen, 6);
	print_count(paint->out, c->migrations, 8);
	print_count(paint->out, c->overflows, 8);
	print_count(paint->out, c->parks, 6);
	print_count(paint->out, c->empty_wakes, 6);
	print_count(paint->out, c->long_polls, 6);
	print_worker_thread(paint, model, runtime, w);
}

static void print_site(const struct cn_paint *paint, const struct cn_model *model, size_t runtime, uint32_t index)
{
	const struct cn_histogram *h = cn_model_site_histogram(model, runtime, index);
	const struct cn_site *site = cn_model_site(model, runtime, index);
	uint64_t total = h ? cn_histogram_total(h->poll, ROUSE_HISTOGRAM_BUCKETS) : 0;
	char where[256], text[CN_FORMAT_BYTES];

	if (!total)
		return;
	snprintf(where, sizeof where, "%s:%u", cn_path_base(cn_model_string(model, runtime, site->file)), site->line);
	fputs("  ", paint->out);
	cn_paint_cell(paint, CN_STYLE_SITE, 32, where);
	print_count(paint->out, total, 6);
	for (int i = 0; i < PERCENTILES; i++)
		fprintf(paint->out, " %6s",
			cn_format_ns(text, cn_histogram_percentile(h->delay, ROUSE_HISTOGRAM_BUCKETS, per_mille[i])));
	fputs("  ", paint->out);
	for (int i = 0; i < PERCENTILES; i += 2)
		fprintf(paint->out, " %6s",
			cn_format_ns(text, cn_histogram_percentile(h->poll, ROUSE_HISTOGRAM_BUCKETS, per_mille[i])));
	fputc('\n', paint->out);
}

static void print_runtime(const struct cn_paint *paint, const struct cn_model *model, const struct cn_runtime *runtime)
{
	uint64_t span = runtime->prev_ns ? runtime->now_ns - runtime->prev_ns : 0;

	fputc('\n', paint->out);
	cn_paint(paint, CN_STYLE_STRONG, "%s", *runtime->name ? cn_safe(runtime->name) : "runtime");
	fputs("\n\n", paint->out);
	cn_paint(paint, CN_STYLE_HEADER, "  %-16s %5s %7s %6s %6s %6s %6s %6s %8s %8s %6s %6s %6s %5s %6s  %s", "WORKER",
		"BUSY", "POLLS/S", "POLLS", "LIFO", "GLOBAL", "STEALS", "STOLEN", "MIGRATED", "OVERFLOW", "PARKS", "VAIN",
		"LONG", "CPU", "QUEUED", "THREAD");
	fputc('\n', paint->out);
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		print_worker(paint, model, runtime->index, &runtime->workers[i], span);
	fputc('\n', paint->out);
	if (runtime->level == 0) {
		fputs("  Delays need level 1 or 2; this runtime is at level 0.\n", paint->out);
		return;
	}
	cn_paint(paint, CN_STYLE_HEADER, "  %-32s %6s %6s %6s %6s %6s %6s   %6s %6s %6s",
		"FROM WAKE TO RUN, SPAWNED AT", "POLLS", "p50", "p90", "p99", "p99.9", "max", "poll50", "poll99",
		"max");
	fputc('\n', paint->out);
	for (uint32_t i = 1; i < cn_model_sites(model, runtime->index); i++)
		print_site(paint, model, runtime->index, i);
	cn_paint(paint, CN_STYLE_DIM,
		"  Each is an upper bound, at most twice the true value; since the runtime began.\n");
}

int cn_verb_sched(struct cn_cli *cli)
{
	struct cn_session *session;
	const struct cn_model *model;
	int rc = cn_open(cli, 2, &session);

	if (rc)
		return rc;
	model = cn_session_model(session);
	if (cli->json) {
		print_json(session);
	} else {
		cn_head_text(&cli->paint, session);
		for (size_t i = 0; i < cn_model_runtimes(model); i++)
			if (cn_model_runtime(model, i))
				print_runtime(&cli->paint, model, cn_model_runtime(model, i));
	}
	cn_session_close(session);
	return CN_EXIT_OK;
}
