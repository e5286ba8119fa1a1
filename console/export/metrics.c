/* SPDX-License-Identifier: MIT */
#include "export/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export/names.h"
#include "export/text.h"

enum metric_type { GAUGE, COUNTER, HISTOGRAM, INFO };

struct metric {
	enum metric_type type;
	const char *family, *unit, *labels, *help;
};

static const struct metric metrics[] = {
#define X(symbol, type, family, unit, labels, help) { type, family, unit, labels, help },
	CN_METRICS(X)
#undef X
};

/* In the order of struct rouse_counters. */
static const struct {
	const char *name, *help;
} counters[] = {
#define X(name, text) { #name, text },
	ROUSE_COUNTERS(X)
#undef X
};
enum { COUNTERS = sizeof counters / sizeof counters[0], NAME_BYTES = 64 };

/* Those that are counted in ticks came as nanoseconds, and go as seconds. */
static struct metric counter_metric(unsigned int i, char name[NAME_BYTES])
{
	const size_t n = strlen(counters[i].name), ticks = strlen("_ticks");
	const bool time = n > ticks && strcmp(counters[i].name + n - ticks, "_ticks") == 0;

	snprintf(name, NAME_BYTES, "rouse_worker_%.*s%s", (int)(time ? n - ticks : n), counters[i].name,
		time ? "_seconds" : "");
	return (struct metric){ COUNTER, name, time ? "seconds" : "", CN_METRICS_WORKER, counters[i].help };
}

/* ------------------------------------------------------------------- writing */

struct writer {
	FILE *out;
	const struct cn_metrics_from *from;
	enum cn_metrics_format format;
	const struct metric *metric; /* the family that is being written */
	int labels;                  /* of the sample */
	int error;
};

/* OpenMetrics knows families, the older format samples: there a family is called as its samples are. */
static void family(struct writer *w, const struct metric *metric)
{
	static const char *const types[] = { [GAUGE] = "gauge", [COUNTER] = "counter", [HISTOGRAM] = "histogram",
		[INFO] = "info" };
	const bool old = w->format == CN_METRICS_TEXT;
	const char *suffix = !old                     ? ""
			     : metric->type == COUNTER ? "_total"
			     : metric->type == INFO    ? "_info"
						       : "";

	w->metric = metric;
	fprintf(w->out, "# HELP %s%s %s.\n# TYPE %s%s %s\n", metric->family, suffix, metric->help, metric->family, suffix,
		types[old && metric->type == INFO ? GAUGE : metric->type]);
	if (!old && *metric->unit)
		fprintf(w->out, "# UNIT %s %s\n", metric->family, metric->unit);
}

static void begin(struct writer *w, const char *suffix)
{
	fprintf(w->out, "%s%s", w->metric->family, suffix);
	w->labels = 0;
}

static void label(struct writer *w, const char *name, const char *value)
{
	char safe[CN_SAFE_BYTES];

	fprintf(w->out, "%c%s=\"", w->labels++ ? ',' : '{', name);
	for (const char *p = cn_text_safe(safe, sizeof safe, value, false); *p; p++) {
		if (*p == '\\' || *p == '"')
			fputc('\\', w->out);
		fputc(*p, w->out);
	}
	fputc('"', w->out);
}

static void label_number(struct writer *w, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, value);
	label(w, name, text);
}

static void value(struct writer *w, uint64_t number)
{
	fprintf(w->out, "%s %" PRIu64 "\n", w->labels ? "}" : "", number);
}

static void value_seconds(struct writer *w, uint64_t ns)
{
	fprintf(w->out, "%s %" PRIu64 ".%09" PRIu64 "\n", w->labels ? "}" : "", ns / 1000000000u, ns % 1000000000u);
}

/* Two runtimes may have the same name. */
static void label_runtime(struct writer *w, const struct cn_runtime *runtime)
{
	label(w, "runtime", runtime->name);
	label_number(w, "runtime_index", runtime->index);
}

static void label_worker(struct writer *w, const struct cn_runtime *runtime, const struct cn_worker *worker)
{
	label_runtime(w, runtime);
	if (worker->foreign)
		label(w, "worker", "other threads");
	else
		label_number(w, "worker", worker->index);
}

/* ------------------------------------------------------------- of the target */

static void put_target(struct writer *w)
{
	const struct cn_target *target = cn_model_target(w->from->model);

	begin(w, "_info");
	label(w, "program", target->program);
	label_number(w, "pid", target->pid);
	label(w, "version", target->version);
	label(w, "source", target->source);
	value(w, 1);
}

static void put_age(struct writer *w)
{
	uint64_t then = cn_model_now_ns(w->from->model);

	begin(w, "");
	value_seconds(w, w->from->now_ns > then ? w->from->now_ns - then : 0);
}

static void put_complete(struct writer *w)
{
	begin(w, "");
	value(w, cn_model_complete(w->from->model));
}

static void put_lost_looks(struct writer *w)
{
	begin(w, "_total");
	value(w, cn_model_lost_generations(w->from->model));
}

/* By code and class: what is only remembered from earlier looks is not wrong now. */
static void put_findings(struct writer *w)
{
	uint32_t counts[CN_FINDING_CODE_MAX][CN_CLASS_MAX] = { 0 };
	const struct cn_findings *findings = w->from->findings;

	for (size_t i = 0; i < cn_findings_count(findings); i++) {
		const struct cn_finding *f = cn_findings_at(findings, i);

		counts[f->code][f->class] += f->active;
	}
	for (unsigned int code = 0; code < CN_FINDING_CODE_MAX; code++) {
		for (unsigned int class = 0; class < CN_CLASS_MAX; class++) {
			if (!counts[code][class])
				continue;
			begin(w, "");
			label(w, "code", cn_finding_text(code));
			label(w, "class", cn_class_name(class));
			value(w, counts[code][class]);
		}
	}
}

/* --------------------------------------------------------------- of runtimes */

static const struct cn_runtime *runtime_at(const struct writer *w, size_t i)
{
	return cn_model_runtime(w->from->model, i);
}

#define EACH_RUNTIME(w, runtime)                                                                                       \
	for (size_t i_##runtime = 0; i_##runtime < cn_model_runtimes((w)->from->model); i_##runtime++)                 \
		for (const struct cn_runtime *runtime = runtime_at(w, i_##runtime); runtime; runtime = NULL)

/* Of one number each, by this name. */
#define PUT_OF_RUNTIME(symbol, suffix, expression)                                                                     \
	static void put_##symbol(struct writer *w)                                                                     \
	{                                                                                                              \
		EACH_RUNTIME (w, runtime) {                                                                            \
			begin(w, suffix);                                                                              \
			label_runtime(w, runtime);                                                                     \
			value(w, expression);                                                                          \
		}                                                                                                      \
	}
PUT_OF_RUNTIME(looks, "_total", runtime->looks)
PUT_OF_RUNTIME(torn, "", runtime->torn)
PUT_OF_RUNTIME(stopped, "", runtime->target_stopped)
PUT_OF_RUNTIME(level, "", runtime->level)
PUT_OF_RUNTIME(emitted, "_total", runtime->emitted_events)
PUT_OF_RUNTIME(lost, "_total", runtime->lost_events)
PUT_OF_RUNTIME(live, "", runtime->live_tasks)
PUT_OF_RUNTIME(inject, "", runtime->inject_depth)
PUT_OF_RUNTIME(blocking_jobs, "", runtime->blocking_queued)

static void put_tasks(struct writer *w)
{
	EACH_RUNTIME (w, runtime) {
		for (unsigned int state = 0; state < ROUSE_TASK_STATE_MAX; state++) {
			begin(w, "");
			label_runtime(w, runtime);
			label(w, "state", cn_task_state_name(state));
			value(w, runtime->by_state[state]);
		}
	}
}

static void put_blocking_thread(struct writer *w, const struct cn_runtime *runtime, const char *state, uint64_t number)
{
	begin(w, "");
	label_runtime(w, runtime);
	label(w, "state", state);
	value(w, number);
}

static void put_blocking_threads(struct writer *w)
{
	EACH_RUNTIME (w, runtime) {
		const uint64_t all = runtime->blocking_threads, idle = runtime->blocking_idle;

		put_blocking_thread(w, runtime, "busy", all > idle ? all - idle : 0);
		put_blocking_thread(w, runtime, "idle", idle);
		put_blocking_thread(w, runtime, "spare", runtime->blocking_limit > all ? runtime->blocking_limit - all : 0);
	}
}

/* ---------------------------------------------------------------- of workers */

static void put_worker_state(struct writer *w)
{
	EACH_RUNTIME (w, runtime) {
		for (uint32_t i = 0; i < runtime->n_workers; i++) {
			const struct cn_worker *worker = &runtime->workers[i];

			for (unsigned int state = 0; state < ROUSE_WORKER_STATE_MAX && !worker->foreign; state++) {
				begin(w, "");
				label_worker(w, runtime, worker);
				label(w, "state", cn_worker_state_name(state));
				value(w, worker->state == state);
			}
		}
	}
}

#define PUT_OF_WORKER(symbol, expression)                                                                              \
	static void put_##symbol(struct writer *w)                                                                     \
	{                                                                                                              \
		EACH_RUNTIME (w, runtime) {                                                                            \
			for (uint32_t i = 0; i < runtime->n_workers; i++) {                                            \
				const struct cn_worker *worker = &runtime->workers[i];                                 \
															       \
				if (worker->foreign)                                                                   \
					continue;                                                                      \
				begin(w, "");                                                                          \
				label_worker(w, runtime, worker);                                                      \
				value(w, expression);                                                                  \
			}                                                                                              \
		}                                                                                                      \
	}
PUT_OF_WORKER(local, worker->local_depth + (worker->lifo_task != 0))
PUT_OF_WORKER(timers, worker->timers)

static void put_counter(struct writer *w, unsigned int index)
{
	EACH_RUNTIME (w, runtime) {
		for (uint32_t i = 0; i < runtime->n_workers; i++) {
			const struct cn_worker *worker = &runtime->workers[i];
			uint64_t all[COUNTERS];

			_Static_assert(sizeof all == sizeof worker->counters, "one number a name");
			memcpy(all, &worker->counters, sizeof all);
			begin(w, "_total");
			label_worker(w, runtime, worker);
			if (*w->metric->unit)
				value_seconds(w, all[index]);
			else
				value(w, all[index]);
		}
	}
}

/* ------------------------------------------------------------ of spawn sites */

struct sum {
	uint64_t counts[ROUSE_HISTOGRAM_BUCKETS];
};

/*
 * Bucket i of the runtime ends before 2^(i+1) ns. Every second end, from 1 us to
 * 69 s, is a bound here: what is counted below it is exact, the mean is not known.
 */
static void put_sum(struct writer *w, const struct cn_runtime *runtime, const char *site, const struct sum *sum)
{
	enum { FIRST_BIT = 10, LAST_BIT = 36 };
	uint64_t below = 0;

	for (unsigned int bit = 1; bit <= ROUSE_HISTOGRAM_BUCKETS; bit++) {
		const bool last = bit == ROUSE_HISTOGRAM_BUCKETS;
		char bound[24] = "+Inf";

		below += sum->counts[bit - 1];
		if (!last && (bit < FIRST_BIT || bit > LAST_BIT || bit % 2))
			continue;
		if (!last)
			snprintf(bound, sizeof bound, "%.9f", (double)((1ull << bit) - 1) / 1e9);
		begin(w, "_bucket");
		label_runtime(w, runtime);
		label(w, "spawned", site);
		label(w, "le", bound);
		value(w, below);
	}
}

/* The place in `names` of what a spawn site is called, or that of all others. */
static int site_place(struct writer *w, const struct cn_runtime *runtime, uint32_t index, struct cn_names *names,
	uint32_t *ret_place)
{
	const struct cn_model *model = w->from->model;
	const struct cn_site *site = cn_model_site(model, runtime->index, index);
	const char *file = cn_path_short(cn_model_string(model, runtime->index, site->file));
	char text[2 * CN_SAFE_BYTES], safe[CN_SAFE_BYTES];
	int rc;

	/* As it will stand there: what is the same then is one series. */
	snprintf(text, sizeof text, "%s %s:%u", cn_model_string(model, runtime->index, site->name), file, site->line);
	rc = cn_names_add(names, cn_text_safe(safe, sizeof safe, text, false), ret_place);
	if (rc == -E2BIG) {
		*ret_place = CN_METRICS_SITES;
		return 0;
	}
	return rc;
}

static int put_sites(struct writer *w, const struct cn_runtime *runtime, struct sum *sums, bool polls)
{
	struct cn_names names;
	int rc = 0;

	cn_names_init(&names, CN_METRICS_SITES);
	for (uint32_t i = 1; i < cn_model_sites(w->from->model, runtime->index) && rc == 0; i++) {
		const struct cn_histogram *h = cn_model_site_histogram(w->from->model, runtime->index, i);
		uint32_t place = 0, any = 0;

		for (unsigned int k = 0; h && k < ROUSE_HISTOGRAM_BUCKETS; k++)
			any |= h->poll[k] | h->delay[k];
		if (!any)
			continue;
		rc = site_place(w, runtime, i, &names, &place);
		for (unsigned int k = 0; rc == 0 && k < ROUSE_HISTOGRAM_BUCKETS; k++)
			sums[place].counts[k] += polls ? h->poll[k] : h->delay[k];
		if (place == CN_METRICS_SITES)
			sums[CN_METRICS_SITES + 1].counts[0] = 1;
	}
	for (uint32_t i = 0; rc == 0 && i < cn_names_count(&names); i++)
		put_sum(w, runtime, cn_names_text(&names, i), &sums[i]);
	if (rc == 0 && sums[CN_METRICS_SITES + 1].counts[0])
		put_sum(w, runtime, "(others)", &sums[CN_METRICS_SITES]);
	cn_names_fini(&names);
	return rc;
}

static void put_histogram(struct writer *w, bool polls)
{
	EACH_RUNTIME (w, runtime) {
		/* One for each place, one for the others, and one to know whether there are such. */
		struct sum *sums = calloc(CN_METRICS_SITES + 2, sizeof *sums);
		int rc = sums ? put_sites(w, runtime, sums, polls) : -ENOMEM;

		w->error = rc ? rc : w->error;
		free(sums);
	}
}

static void put_delay(struct writer *w)
{
	put_histogram(w, false);
}

static void put_poll(struct writer *w)
{
	put_histogram(w, true);
}

/* -------------------------------------------------------------- of resources */

static void put_of_kinds(struct writer *w, bool waiters)
{
	const struct cn_model *model = w->from->model;

	EACH_RUNTIME (w, runtime) {
		uint64_t counts[ROUSE_RESOURCE_KIND_MAX] = { 0 }, sums[ROUSE_RESOURCE_KIND_MAX] = { 0 };

		for (size_t i = 0; i < cn_model_resource_slots(model); i++) {
			const struct cn_resource *r = cn_model_resource_at(model, i);

			if (!r || r->runtime != runtime->index || r->kind >= ROUSE_RESOURCE_KIND_MAX)
				continue;
			counts[r->kind]++;
			sums[r->kind] += r->waiters;
		}
		for (unsigned int kind = ROUSE_RESOURCE_FREE + 1; kind < ROUSE_RESOURCE_KIND_MAX; kind++) {
			begin(w, "");
			label_runtime(w, runtime);
			label(w, "kind", cn_resource_kind_name(kind));
			value(w, waiters ? sums[kind] : counts[kind]);
		}
	}
}

static void put_resources(struct writer *w)
{
	put_of_kinds(w, false);
}

static void put_waiters(struct writer *w)
{
	put_of_kinds(w, true);
}

/* ---------------------------------------------------------------- everything */

int cn_metrics_write(FILE *out, enum cn_metrics_format format, const struct cn_metrics_from *from)
{
	static void (*const put[])(struct writer *w) = {
#define X(symbol, type, family, unit, labels, help) put_##symbol,
		CN_METRICS(X)
#undef X
	};
	struct writer w = { .out = out, .format = format, .from = from };

	for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
		family(&w, &metrics[i]);
		put[i](&w);
	}
	for (unsigned int i = 0; i < COUNTERS; i++) {
		char name[NAME_BYTES];
		const struct metric metric = counter_metric(i, name);

		family(&w, &metric);
		put_counter(&w, i);
	}
	if (format == CN_METRICS_OPENMETRICS)
		fputs("# EOF\n", out);
	return w.error;
}

const char *cn_metrics_content_type(enum cn_metrics_format format)
{
	return format == CN_METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
						: "text/plain; version=0.0.4; charset=utf-8";
}

static void help_line(FILE *out, const struct metric *metric)
{
	static const char *const suffixes[] = { [GAUGE] = "", [COUNTER] = "_total", [HISTOGRAM] = "", [INFO] = "_info" };
	char name[NAME_BYTES + 8];

	snprintf(name, sizeof name, "%s%s", metric->family, suffixes[metric->type]);
	fprintf(out, "  %-38s %s\n", name, metric->help);
	if (*metric->labels)
		fprintf(out, "  %-38s   by %s\n", "", metric->labels);
}

void cn_metrics_help(FILE *out)
{
	for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
		help_line(out, &metrics[i]);
	for (unsigned int i = 0; i < COUNTERS; i++) {
		char name[NAME_BYTES];
		const struct metric metric = counter_metric(i, name);

		help_line(out, &metric);
	}
}
