/* SPDX-License-Identifier: MIT */
#include "cli/probe_group.h"
#include "export/text.h"
#include "source/resolve.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 5000, LAST_INTERVAL_MS = 10, DEFAULT_ROWS = 20, TASKS_MAX = 1 << 20, HZ_MAX = 1000 };

int cn_group_fail(enum cn_exit code, const char *text)
{
	fprintf(stderr, "rouse probe: %s\n", text);
	return code;
}

/* ---------------------------------------------------------------- options */

static int usage(const struct cn_group *group, const char *problem, const char *what)
{
	fprintf(stderr, "rouse probe: %s%s\n%s", problem, what, group->synopsis);
	return CN_EXIT_USAGE;
}

enum {
	OPTION_GROUP = 256,
	OPTION_FOR,
	OPTION_TASKS,
	OPTION_JSON,
	OPTION_VERBOSE,
	OPTION_THRESHOLD,
	OPTION_HZ,
	OPTION_FOLDED,
	OPTION_PPROF,
	OPTION_HELP
};

static bool is_number(int option)
{
	return option == 'n' || option == OPTION_FOR || option == OPTION_TASKS || option == OPTION_THRESHOLD ||
	       option == OPTION_HZ;
}

/* Which groups understand it: 0 = all. */
static unsigned int takers(int option)
{
	switch (option) {
	case OPTION_TASKS:
	case OPTION_VERBOSE:
		return CN_GROUP_SUMS;
	case OPTION_THRESHOLD:
		return CN_GROUP_THRESHOLD;
	case OPTION_HZ:
	case OPTION_FOLDED:
	case OPTION_PPROF:
		return CN_GROUP_PROFILE;
	default:
		return 0;
	}
}

/* -1 to go on, or the exit code. */
static int take_option(int option, const struct cn_group *group, struct cn_group_opts *opts)
{
	double number = 0;
	char *end;

	if (is_number(option)) {
		number = strtod(optarg, &end);
		if (end == optarg || *end || !(number > 0) || number >= 1e9)
			return usage(group, "not a positive number: ", optarg);
		if (option == OPTION_TASKS && (number < 1 || number > TASKS_MAX))
			return usage(group, "so many tasks cannot be kept: ", optarg);
		if (option == OPTION_HZ && (number < 1 || number > HZ_MAX))
			return usage(group, "samples a second go from 1 to 1000: ", optarg);
	}
	switch (option) {
	case OPTION_GROUP:
		break;
	case OPTION_FOR:
		opts->for_ns = (uint64_t)(number * 1e9);
		break;
	case 'n':
		opts->rows = (size_t)number;
		break;
	case OPTION_TASKS:
		opts->tasks = (uint32_t)number;
		break;
	case OPTION_JSON:
		opts->json = true;
		break;
	case OPTION_VERBOSE:
		opts->verbose = true;
		break;
	case OPTION_THRESHOLD:
		opts->threshold_ns = (uint64_t)(number * 1e6);
		break;
	case OPTION_HZ:
		opts->hz = (uint32_t)number;
		break;
	case OPTION_FOLDED:
		opts->folded = optarg;
		break;
	case OPTION_PPROF:
		opts->pprof = optarg;
		break;
	case OPTION_HELP:
		fputs(group->help, stdout);
		return CN_EXIT_OK;
	default:
		return CN_EXIT_USAGE;
	}
	return -1;
}

int cn_group_parse(int argc, char **argv, const struct cn_group *group, struct cn_group_opts *ret_opts)
{
	const struct option options[] = {
		{ group->option, no_argument, NULL, OPTION_GROUP },
		{ "for", required_argument, NULL, OPTION_FOR },
		{ "seconds", required_argument, NULL, OPTION_FOR },
		{ "count", required_argument, NULL, 'n' },
		{ "tasks", required_argument, NULL, OPTION_TASKS },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "verbose", no_argument, NULL, OPTION_VERBOSE },
		{ "threshold", required_argument, NULL, OPTION_THRESHOLD },
		{ "hz", required_argument, NULL, OPTION_HZ },
		{ "folded", required_argument, NULL, OPTION_FOLDED },
		{ "pprof", required_argument, NULL, OPTION_PPROF },
		{ "help", no_argument, NULL, OPTION_HELP },
		{ NULL, 0, NULL, 0 },
	};
	struct cn_group_opts opts = { .rows = DEFAULT_ROWS };
	int option, rc = -1;

	optind = 0; /* start anew: the verb was found by another getopt */
	opterr = 0;
	while (rc == -1 && (option = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		if (option == '?' || (takers(option) && !(takers(option) & group->takes)))
			return usage(group, "unknown option, or one without its argument: ", argv[optind - 1]);
		rc = take_option(option, group, &opts);
	}
	if (rc != -1)
		return rc;
	if (optind >= argc)
		return usage(group, "name a process", "");
	if (optind + 1 < argc)
		return usage(group, "one target at a time: ", argv[optind + 1]);
	opts.target = argv[optind];
	*ret_opts = opts;
	return -1;
}

/* -------------------------------------------------------------- measuring */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

void cn_group_heed_signals(void)
{
	const struct sigaction on_interrupt = { .sa_handler = interrupt };

	sigaction(SIGINT, &on_interrupt, NULL);
	sigaction(SIGTERM, &on_interrupt, NULL);
}

bool cn_group_interrupted(void)
{
	return interrupted;
}

int cn_group_aim(const struct cn_group *group, const struct cn_group_opts *opts, int *ret_pid)
{
	struct cn_why why = { 0 };
	struct cn_aim aim;
	char text[128];
	int rc = cn_resolve(opts->target, CN_SOURCE_MEMORY, &aim, &why);

	if (rc < 0)
		return cn_group_fail(rc == -ENOTUNIQ ? CN_EXIT_NO_TARGET : cn_exit_of(rc), why.text);
	if (!aim.pid) {
		snprintf(
			text, sizeof text, "to follow %s, name a process, not a socket or a core file", group->follows);
		return cn_group_fail(CN_EXIT_NO_TARGET, text);
	}
	*ret_pid = aim.pid;
	return CN_EXIT_OK;
}

int cn_group_not_attached(int rc, const struct bl_why *why)
{
	return cn_group_fail(rc == -EOPNOTSUPP ? CN_EXIT_NOT_PERMITTED : cn_exit_of(rc), why->text);
}

int cn_group_look(int pid, struct cn_session **ret_session)
{
	const struct cn_session_opts look = { .interval_ms = 1000 };
	struct cn_why why = { 0 };
	char text[16];
	int rc;

	snprintf(text, sizeof text, "%d", pid);
	rc = cn_session_open(text, &look, ret_session, &why);
	if (rc == 0)
		rc = cn_session_wait(*ret_session, LOOK_MS, &why);
	return rc ? cn_group_fail(cn_exit_of(rc), why.text) : CN_EXIT_OK;
}

static bool is_over(const struct cn_group_opts *opts, uint64_t started_ns)
{
	return interrupted || (opts->for_ns && cn_session_clock_ns() - started_ns >= opts->for_ns);
}

int cn_group_wait(const struct cn_group_opts *opts, int pid, struct cn_session *session,
	int (*wait)(void *arg, int timeout_ms), void *arg, enum bl_end *ret_end)
{
	const uint64_t started_ns = cn_session_clock_ns();
	struct cn_why why = { 0 };
	bool looks = true;
	int rc = BL_GOES_ON;

	fprintf(stderr, "rouse probe: following process %d; %s\n", pid,
		opts->for_ns ? "wait, or Ctrl-C" : "Ctrl-C ends it");
	while (rc == BL_GOES_ON && !is_over(opts, started_ns)) {
		rc = wait(arg, CN_GROUP_WAIT_MS);
		/* Names of tasks that come and go; that it has gone is seen by the other one. */
		looks = looks && cn_session_pump(session, &why) >= 0;
	}
	if (rc < 0)
		return rc;
	*ret_end = (enum bl_end)rc;
	return 0;
}

bool cn_group_last_look(struct cn_session *session, struct cn_why *why)
{
	cn_session_interval(session, LAST_INTERVAL_MS);
	return cn_session_wait(session, LOOK_MS, why) == 0;
}

/* ---------------------------------------------------------------- joining */

static bool has_worker(const struct cn_runtime *runtime, uint32_t tid)
{
	for (uint32_t w = 0; runtime && w < runtime->n_workers; w++)
		if (!runtime->workers[w].foreign && runtime->workers[w].tid == tid)
			return true;
	return false;
}

uint32_t cn_group_runtime(const struct cn_model *model, const struct bl_followed *workers, size_t n, uint32_t runtime)
{
	for (size_t i = 0; i < n; i++) {
		if (workers[i].runtime != runtime)
			continue;
		for (size_t r = 0; r < cn_model_runtimes(model); r++)
			if (has_worker(cn_model_runtime(model, r), workers[i].tid))
				return (uint32_t)r;
	}
	return runtime;
}

/* ----------------------------------------------------------------- output */

const char *cn_group_end(enum bl_end end)
{
	static const char *const ends[] = { [BL_GOES_ON] = "no", [BL_EXITED] = "exit", [BL_REPLACED] = "exec" };

	return ends[end];
}

const char *cn_group_where(const struct cn_model *model, uint32_t runtime, uint32_t index, char *text, size_t bytes)
{
	const struct cn_site *site = cn_model_site(model, runtime, index);

	if (!site->kind)
		return "spawn site not known";
	snprintf(text, bytes, "%s:%u", cn_path_base(cn_model_string(model, runtime, site->file)), site->line);
	return text;
}

void cn_group_costs_json(struct cn_json *json, const struct bl_cost *costs, bool measured)
{
	cn_json_array(json, "costs");
	for (size_t i = 0; measured && i < BL_PROGRAMS_MAX; i++) {
		cn_json_object(json, NULL);
		cn_json_string(json, "program", costs[i].program);
		cn_json_number(json, "runs", costs[i].runs);
		cn_json_number(json, "ns", costs[i].ns);
		cn_json_end(json);
	}
	cn_json_end(json);
}

void cn_group_costs_print(const struct cn_paint *paint, const struct bl_cost *costs, double seconds)
{
	for (size_t i = 0; i < BL_PROGRAMS_MAX; i++)
		fprintf(paint->out, "  cost: %-15s %9.0f runs/s on this machine, %.0f ns each\n", costs[i].program,
			(double)costs[i].runs / seconds,
			costs[i].runs ? (double)costs[i].ns / (double)costs[i].runs : 0.0);
}
