/* SPDX-License-Identifier: MIT */
/* rouse probe --profile: where polls are on the CPU, as tables and as files for other tools. */
#include "cli/probe.h"
#include "cli/probe_kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "export/pprof.h"
#include "export/profile.h"
#include "export/text.h"
#include "model/slots.h"

#define SYNOPSIS "usage: rouse probe --profile [OPTIONS] PID|NAME\n"

static const struct cn_group GROUP = {
	.option = "profile",
	.takes = CN_GROUP_PROFILE,
	.follows = "the CPU's clock",
	.synopsis = SYNOPSIS,
	.help = SYNOPSIS "Samples the stacks of workers that are on a CPU, and shows the functions in which polls\n"
			 "were, and those that spawn sites and tasks were in most. The program needs no agent.\n"
			 "      --hz N         samples a second of CPU time, and worker (99)\n"
			 "      --for SECONDS  end after that time (also --seconds); else with Ctrl-C\n"
			 "  -n, --count N      rows of functions, of spawn sites and of tasks (20)\n"
			 "      --json         one JSON document, rouse/probe-profile/1\n"
			 "      --folded FILE  write folded stacks, for flamegraph.pl, inferno, speedscope; - is\n"
			 "                     standard output, instead of tables\n"
			 "      --pprof FILE   write what pprof reads, with the tasks as labels; - as above\n"
			 "The files also hold the samples of workers in no poll.\n"
			 "Exit: 0 ok, 1 failed, 2 usage, 3 no such target, 4 not permitted, 5 another version,\n"
			 "6 something could not be counted, and that is said, 7 it did not begin in time.\n",
};

enum { SUMS_MAX = 1 << 15 };

/* Samples of a task, or of a spawn site. */
struct sum {
	uint64_t key;
	uint64_t samples;
	uint64_t task; /* 0 = of a spawn site */
	uint32_t site;
	uint8_t runtime;
};

struct sums {
	struct cn_slots slots;
	struct sum **order; /* most samples first */
	size_t n;
};

struct profile {
	struct cn_probed probed;
	struct cn_profile *polls; /* the tree of all of them */
	struct cn_profile_function *functions;
	size_t n_functions;
	uint64_t outside; /* samples in no poll */
	struct sums tasks, sites;
	uint64_t began_ns; /* since 1970 */
};

/* -------------------------------------------------------------------- sums */

static int count(struct sums *sums, uint64_t key, const struct cn_profile_row *row, bool by_task)
{
	struct sum *sum;
	void *at;
	int rc = cn_slots_put(&sums->slots, key, &at);

	if (rc)
		return rc;
	sum = at;
	sum->samples += row->count;
	sum->task = by_task ? row->task : 0;
	sum->site = row->site;
	sum->runtime = row->runtime;
	return 0;
}

static int by_samples(const void *a, const void *b)
{
	const struct sum *x = *(struct sum *const *)a, *y = *(struct sum *const *)b;

	if (x->samples != y->samples)
		return x->samples > y->samples ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static int put_in_order(struct sums *sums)
{
	sums->order = calloc(sums->slots.used + 1, sizeof(struct sum *));
	if (!sums->order)
		return -1;
	for (size_t i = 0; i < sums->slots.used; i++)
		sums->order[sums->n++] = cn_slots_at(&sums->slots, i);
	qsort(sums->order, sums->n, sizeof(struct sum *), by_samples);
	return 0;
}

static int gather(struct profile *p)
{
	const struct cn_model *model = cn_probed_model(&p->probed);
	int rc = cn_profile_tree(model, &(struct cn_profile_wish){ 0 }, &p->polls);

	if (rc == 0)
		rc = cn_profile_functions(p->polls, &p->functions, &p->n_functions);
	cn_slots_init(&p->tasks.slots, sizeof(struct sum), SUMS_MAX);
	cn_slots_init(&p->sites.slots, sizeof(struct sum), SUMS_MAX);
	for (size_t i = 0; i < cn_profile_rows(model) && rc == 0; i++) {
		const struct cn_profile_row row = cn_profile_row_at(model, i);

		if (!row.task)
			p->outside += row.count;
		if (!row.task)
			continue;
		rc = count(&p->tasks, row.task, &row, true);
		if (rc == 0)
			rc = count(&p->sites, ((uint64_t)row.runtime + 1) << 32 | row.site, &row, false);
	}
	if (rc == 0)
		rc = put_in_order(&p->tasks) || put_in_order(&p->sites);
	return rc;
}

static size_t shown(const struct profile *p, size_t n)
{
	return n < p->probed.opts.rows ? n : p->probed.opts.rows;
}

/* The function that it was in most: false if that cannot be told. Its name goes to `name`. */
static bool hottest(const struct profile *p, const struct sum *sum, char name[CN_PROFILE_TEXT], uint64_t *ret_self)
{
	const struct cn_profile_wish wish = {
		.task = sum->task, .by_site = !sum->task, .runtime = sum->runtime, .site = sum->site
	};
	struct cn_profile_function *functions = NULL;
	struct cn_profile *tree = NULL;
	size_t n = 0;

	if (cn_profile_tree(cn_probed_model(&p->probed), &wish, &tree) == 0 &&
		cn_profile_functions(tree, &functions, &n) == 0 && n) {
		snprintf(name, CN_PROFILE_TEXT, "%s", functions[0].name);
		*ret_self = functions[0].self;
	}
	free(functions);
	cn_profile_free(tree);
	return n > 0;
}

/* -------------------------------------------------------------------- JSON */

static void sums_json(struct cn_json *json, const struct profile *p, const struct sums *sums, const char *key)
{
	const struct cn_model *model = cn_probed_model(&p->probed);

	cn_json_array(json, key);
	for (size_t i = 0; i < shown(p, sums->n); i++) {
		const struct sum *sum = sums->order[i];
		char name[CN_PROFILE_TEXT];
		uint64_t self;

		cn_json_object(json, NULL);
		cn_json_number(json, "runtime", sum->runtime);
		if (sum->task)
			cn_probed_task_json(json, model, sum->task, sum->runtime, sum->site);
		else
			cn_site_json(json, "spawned_at", model, sum->runtime, sum->site);
		cn_json_number(json, "samples", sum->samples);
		if (hottest(p, sum, name, &self)) {
			cn_json_string(json, "function", name);
			cn_json_number(json, "function_self", self);
		}
		cn_json_end(json);
	}
	cn_json_end(json);
}

static void print_json(const struct profile *p)
{
	const struct cn_kernel *kernel = cn_model_kernel(cn_probed_model(&p->probed));
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_head_json(&json, "rouse/probe-profile/1", p->probed.session);
	cn_json_number(&json, "begin_ns", kernel->since_ns);
	cn_json_number(&json, "end_ns", kernel->now_ns);
	cn_json_number(&json, "hz", kernel->profile_hz);
	cn_json_number(&json, "samples", p->polls->nodes[0].samples);
	cn_json_number(&json, "outside_polls", p->outside);
	cn_probed_losses_json(&json, &p->probed);
	cn_json_number(&json, "functions_found", p->n_functions);
	cn_json_array(&json, "functions");
	for (size_t i = 0; i < shown(p, p->n_functions); i++) {
		cn_json_object(&json, NULL);
		cn_json_string(&json, "function", p->functions[i].name);
		cn_json_bool(&json, "kernel", p->functions[i].kernel);
		cn_json_number(&json, "self", p->functions[i].self);
		cn_json_number(&json, "total", p->functions[i].total);
		cn_json_end(&json);
	}
	cn_json_end(&json);
	cn_json_number(&json, "spawn_sites_found", p->sites.n);
	sums_json(&json, p, &p->sites, "spawn_sites");
	cn_json_number(&json, "tasks_found", p->tasks.n);
	sums_json(&json, p, &p->tasks, "tasks");
	cn_json_end(&json);
}

/* -------------------------------------------------------------------- text */

static double percent(const struct profile *p, uint64_t samples)
{
	const uint64_t all = p->polls->nodes[0].samples;

	return all ? 100.0 * (double)samples / (double)all : 0.0;
}

static void print_functions(const struct cn_paint *paint, const struct profile *p)
{
	cn_paint(paint, CN_STYLE_HEADER, "\n  %7s %7s %9s  %s\n", "SELF", "TOTAL", "SAMPLES", "FUNCTION");
	for (size_t i = 0; i < shown(p, p->n_functions); i++) {
		const struct cn_profile_function *function = &p->functions[i];

		fprintf(paint->out, "  %6.1f%% %6.1f%% %9" PRIu64 "  ", percent(p, function->self),
			percent(p, function->total), function->self);
		cn_paint(paint, function->kernel ? CN_STYLE_DIM : CN_STYLE_NAME, "%s", function->name);
		cn_paint(paint, CN_STYLE_DIM, "%s\n", function->kernel ? " (kernel)" : "");
	}
	if (shown(p, p->n_functions) < p->n_functions)
		cn_paint(paint, CN_STYLE_DIM, "  ... and %zu more (-n N shows more)\n",
			p->n_functions - shown(p, p->n_functions));
}

static void print_sums(
	const struct cn_paint *paint, const struct profile *p, const struct sums *sums, const char *title)
{
	const struct cn_model *model = cn_probed_model(&p->probed);

	cn_paint(paint, CN_STYLE_HEADER, "\n  %7s %9s  %-37s %s\n", "CPU", "SAMPLES", title, "MOSTLY IN");
	for (size_t i = 0; i < shown(p, sums->n); i++) {
		const struct sum *sum = sums->order[i];
		char name[CN_PROFILE_TEXT], where[256], words[CN_PROFILE_TEXT + 256];
		uint64_t self;

		snprintf(
			words, sizeof words, "%s", cn_group_where(model, sum->runtime, sum->site, where, sizeof where));
		if (sum->task)
			snprintf(words, sizeof words, "%" PRIu64 " %s", sum->task, cn_probed_task(model, sum->task));
		fprintf(paint->out, "  %6.1f%% %9" PRIu64 "  ", percent(p, sum->samples), sum->samples);
		cn_paint_cell(paint, sum->task ? CN_STYLE_NAME : CN_STYLE_SITE, 37, words);
		if (hottest(p, sum, name, &self))
			fprintf(paint->out, " %s (%.0f%%)", name, 100.0 * (double)self / (double)sum->samples);
		fputc('\n', paint->out);
	}
	if (shown(p, sums->n) < sums->n)
		cn_paint(paint, CN_STYLE_DIM, "  ... and %zu more (-n N shows more)\n", sums->n - shown(p, sums->n));
}

static void print_text(const struct profile *p)
{
	const struct cn_kernel *kernel = cn_model_kernel(cn_probed_model(&p->probed));
	struct cn_paint paint;

	cn_paint_init(&paint, stdout, CN_DEPTH_AUTO, false);
	cn_probed_title(&paint, &p->probed, "where on the CPU");
	print_functions(&paint, p);
	print_sums(&paint, p, &p->sites, "SPAWNED AT");
	print_sums(&paint, p, &p->tasks, "TASK");
	cn_paint(&paint, CN_STYLE_DIM,
		"\n  %" PRIu64 " samples in polls, %" PRIu64 " of its workers in none; %u a second.\n",
		p->polls->nodes[0].samples, p->outside, kernel->profile_hz);
	if (!p->polls->nodes[0].samples)
		cn_paint(&paint, CN_STYLE_DIM, "  No poll was on a CPU when the clock ticked.\n");
	cn_probed_losses_print(&paint, &p->probed);
}

/* ------------------------------------------------------------------- files */

static bool is_stdout(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

static int write_folded(const struct profile *p, FILE *out)
{
	const struct cn_profile_wish wish = { .outside = true, .roots = true };
	struct cn_profile *tree;
	int rc = cn_profile_tree(cn_probed_model(&p->probed), &wish, &tree);

	if (rc)
		return rc;
	rc = cn_profile_folded(tree, out);
	cn_profile_free(tree);
	return rc;
}

static int write_pprof(const struct profile *p, FILE *out)
{
	const struct cn_profile_wish wish = { .outside = true };

	return cn_pprof_write(cn_probed_model(&p->probed), &wish, p->began_ns, out);
}

static int write_file(const struct profile *p, const char *path, int (*write)(const struct profile *p, FILE *out))
{
	FILE *out = is_stdout(path) ? stdout : fopen(path, "we");
	char text[512];
	int rc = out ? write(p, out) : -errno;

	if (out && out != stdout && fclose(out) && rc == 0)
		rc = -errno;
	if (rc == 0)
		return CN_EXIT_OK;
	snprintf(text, sizeof text, "cannot write %s: %s", cn_safe(path), strerror(-rc));
	return cn_group_fail(CN_EXIT_INCOMPLETE, text);
}

static uint64_t unix_ns(const struct cn_probed *probed)
{
	const uint64_t since_ns = cn_model_kernel(cn_probed_model(probed))->since_ns, now_ns = cn_session_clock_ns();
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec - (now_ns > since_ns ? now_ns - since_ns : 0);
}

static int tell(struct profile *p)
{
	const struct cn_group_opts *opts = &p->probed.opts;
	int rc = CN_EXIT_OK, finished;

	if (gather(p))
		return cn_group_fail(CN_EXIT_FINDINGS, "no memory");
	p->began_ns = unix_ns(&p->probed);
	if (opts->folded)
		rc = write_file(p, opts->folded, write_folded);
	if (rc == CN_EXIT_OK && opts->pprof)
		rc = write_file(p, opts->pprof, write_pprof);
	if (is_stdout(opts->folded) || is_stdout(opts->pprof)) {
		struct cn_paint paint;

		cn_paint_init(&paint, stderr, CN_DEPTH_MONO, false);
		cn_probed_losses_print(&paint, &p->probed);
	} else if (opts->json) {
		print_json(p);
	} else {
		print_text(p);
	}
	finished = cn_probed_finish(&p->probed);
	return rc ? rc : finished;
}

int cn_probe_profile_main(int argc, char **argv)
{
	struct profile p = { .probed = {
				     .group = &GROUP,
				     .wanted = CN_KERNEL_PROFILE,
				     .groups = 1u << CN_KERNEL_PROFILE,
			     } };
	int rc = cn_group_parse(argc, argv, &GROUP, &p.probed.opts);

	if (rc >= 0)
		return rc;
	if (is_stdout(p.probed.opts.folded) && is_stdout(p.probed.opts.pprof))
		return cn_group_fail(CN_EXIT_USAGE, "standard output takes one of --folded and --pprof");
	rc = cn_probed_follow(&p.probed);
	if (rc == CN_EXIT_OK)
		rc = tell(&p);
	free(p.functions);
	cn_profile_free(p.polls);
	free(p.tasks.order);
	free(p.sites.order);
	cn_slots_fini(&p.tasks.slots);
	cn_slots_fini(&p.sites.slots);
	cn_session_close(p.probed.session);
	return rc;
}
