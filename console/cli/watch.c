/* SPDX-License-Identifier: MIT */
/*
 * Waits, and tells when a finding appears, grows stronger, goes: a line each,
 * and a command for each, if one is wanted. One poll() on the session and on
 * signals; neither the target nor the command can keep it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/runner.h"
#include "cli/signals.h"
#include "diagnose/edge.h"
#include "export/text.h"

enum { INTERVAL_MS = 1000, POLL_MS = 1000 };
#define MIN_INTERVAL_NS (10 * CN_S)
#define MAX_INTERVAL_NS (600 * CN_S)

struct watch {
	const struct cn_cli *cli;
	struct cn_session *session;
	struct cn_edges *edges;
	struct cn_runner runner;
	int signals;
	unsigned long told;
	bool over; /* as many as were asked for */
};

/* --------------------------------------------------------------- an edge said */

static const char *time_text(char out[32])
{
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm) || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, 32, "-");
	return out;
}

static void edge_json(FILE *out, const struct cn_session *session, const struct cn_edge *edge)
{
	const struct cn_target *target = cn_model_target(cn_session_model(session));
	struct cn_json json;
	char time[32];

	cn_json_init_line(&json, out);
	cn_json_object(&json, NULL);
	cn_json_string(&json, "schema", "rouse/watch/1");
	cn_json_string(&json, "time", time_text(time));
	cn_json_string(&json, "edge", cn_edge_name(edge->kind));
	cn_json_number(&json, "suppressed", edge->suppressed);
	cn_json_number(&json, "pid", target->pid);
	cn_json_string(&json, "program", target->program);
	cn_finding_member_json(&json, "finding", session, &edge->finding);
	cn_json_end(&json);
}

static void edge_text(const struct cn_paint *paint, const struct cn_edge *edge)
{
	const struct cn_finding *f = &edge->finding;
	const enum cn_style style = edge->kind == CN_EDGE_GOES ? CN_STYLE_DIM : cn_class_style(f->class);
	char time[32];

	cn_paint(paint, CN_STYLE_DIM, "%s ", time_text(time));
	cn_paint(paint, CN_STYLE_STRONG, "%-8s", cn_edge_name(edge->kind));
	cn_paint(paint, style, "%s %s", cn_class_word(f->class), cn_finding_title(f->code));
	if (f->n_tasks) {
		cn_paint(paint, CN_STYLE_NAME, "  %s", cn_safe(f->task_name));
		cn_paint(paint, CN_STYLE_DIM, " (%llu)", (unsigned long long)f->tasks[0]);
	}
	if (f->line)
		cn_paint(paint, CN_STYLE_SITE, "  %s:%u", cn_safe(cn_path_base(f->file)), f->line);
	if (edge->kind != CN_EDGE_GOES)
		cn_paint(paint, CN_STYLE_PLAIN, "  %s", f->evidence);
	if (edge->suppressed)
		cn_paint(paint, CN_STYLE_DIM, "  (%llu edge%s not told since the last)",
			(unsigned long long)edge->suppressed, edge->suppressed == 1 ? "" : "s");
	fputc('\n', paint->out);
}

/* The target has gone: the last line. */
static void end_line(const struct watch *watch, const struct cn_why *why)
{
	struct cn_json json;
	char time[32];

	if (!watch->cli->json)
		return; /* standard error says it */
	cn_json_init_line(&json, stdout);
	cn_json_object(&json, NULL);
	cn_json_string(&json, "schema", "rouse/watch/1");
	cn_json_string(&json, "time", time_text(time));
	cn_json_string(&json, "edge", "ended");
	cn_json_string(&json, "why", why->text);
	cn_json_end(&json);
}

/* -------------------------------------------------------------- the command */

static void start_next(struct cn_runner *runner)
{
	int rc = cn_runner_turn(runner);

	if (rc)
		(void)cn_fail(CN_EXIT_INCOMPLETE, "cannot run the command: %s", strerror(-rc));
	if (runner->failed)
		(void)cn_fail(CN_EXIT_INCOMPLETE, "the command ended with status %d",
			runner->status & 0x7f ? 128 + (runner->status & 0x7f) : runner->status >> 8 & 0xff);
	runner->failed = false;
}

static void run_command(struct watch *watch, const struct cn_edge *edge)
{
	const struct cn_finding *f = &edge->finding;
	struct cn_run run = { 0 };
	size_t bytes = 0;
	FILE *input = open_memstream(&run.input, &bytes);

	if (input) {
		edge_json(input, watch->session, edge);
		if (fclose(input))
			(void)cn_fail(CN_EXIT_INCOMPLETE, "there is no memory for the command's input");
	}
	cn_run_set(&run, "ROUSE_EDGE", "%s", cn_edge_name(edge->kind));
	cn_run_set(&run, "ROUSE_FINDING", "%s", cn_finding_text(f->code));
	cn_run_set(&run, "ROUSE_CLASS", "%s", cn_class_name(f->class));
	cn_run_set(&run, "ROUSE_PID", "%u", cn_model_target(cn_session_model(watch->session))->pid);
	cn_run_set(&run, "ROUSE_TASK", "%llu", (unsigned long long)f->tasks[0]);
	cn_run_set(&run, "ROUSE_TASK_NAME", "%s", cn_safe(f->task_name));
	cn_run_set(&run, "ROUSE_FUNCTION", "%s", cn_safe(f->function));
	cn_run_set(&run, "ROUSE_FILE", "%s", cn_safe(f->file));
	cn_run_set(&run, "ROUSE_LINE", "%u", f->line);
	cn_run_set(&run, "ROUSE_EVIDENCE", "%s", f->evidence);
	cn_run_set(&run, "ROUSE_SUPPRESSED", "%llu", (unsigned long long)edge->suppressed);
	if (!cn_runner_add(&watch->runner, run))
		(void)cn_fail(CN_EXIT_INCOMPLETE,
			"the command is too slow: %lu edges so far were told without running it",
			watch->runner.dropped);
	start_next(&watch->runner);
}

/* ------------------------------------------------------------------- the loop */

static void tell(void *arg, const struct cn_edge *edge)
{
	struct watch *watch = arg;

	if (watch->over)
		return;
	if (watch->cli->json)
		edge_json(stdout, watch->session, edge);
	else
		edge_text(&watch->cli->paint, edge);
	fflush(stdout);
	if (watch->cli->exec)
		run_command(watch, edge);
	watch->over = ++watch->told == watch->cli->count;
}

static int look(struct watch *watch)
{
	struct cn_why why = { 0 };
	int n = cn_session_pump(watch->session, &why), rc;

	if (n < 0) {
		end_line(watch, &why);
		return cn_fail_why(&why);
	}
	if (n == 0)
		return CN_EXIT_OK;
	rc = cn_edges_take(watch->edges, cn_session_findings(watch->session),
		cn_model_now_ns(cn_session_model(watch->session)), tell, watch);
	if (rc)
		return cn_fail(CN_EXIT_INCOMPLETE, "cannot keep what was found: %s", strerror(-rc));
	return ferror(stdout) ? CN_EXIT_INCOMPLETE : CN_EXIT_OK;
}

/* The exit status that a signal asks for, -1 = go on. */
static int take_signals(struct watch *watch)
{
	struct signalfd_siginfo info;

	while (read(watch->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGINT)
			return CN_EXIT_INTERRUPTED;
		if (info.ssi_signo == SIGTERM)
			return CN_EXIT_OK;
		start_next(&watch->runner);
	}
	return -1;
}

/* What was told has its command, also when nothing more will be. A signal ends that too. */
static int finish_commands(struct watch *watch)
{
	while (watch->runner.running || watch->runner.n) {
		struct pollfd ready = { .fd = watch->signals, .events = POLLIN };
		int rc;

		if (poll(&ready, 1, POLL_MS) < 0 && errno != EINTR)
			return cn_fail(CN_EXIT_INCOMPLETE, "cannot wait: %s", strerror(errno));
		rc = take_signals(watch);
		if (rc >= 0)
			return rc;
	}
	return CN_EXIT_OK;
}

/* Ended by a signal it answers at once; else it first lets commands end. */
static int loop(struct watch *watch)
{
	while (!watch->over) {
		struct pollfd ready[] = { { .fd = cn_session_fd(watch->session), .events = POLLIN },
			{ .fd = watch->signals, .events = POLLIN } };
		int rc;

		if (poll(ready, 2, POLL_MS) < 0 && errno != EINTR)
			return cn_fail(CN_EXIT_INCOMPLETE, "cannot wait: %s", strerror(errno));
		if (ready[1].revents) {
			rc = take_signals(watch);
			if (rc >= 0)
				return rc;
		}
		rc = look(watch);
		watch->over = watch->over || cn_at_end(watch->session);
		if (rc) {
			int stopped = finish_commands(watch);

			return stopped ? stopped : rc;
		}
	}
	return finish_commands(watch);
}

int cn_verb_watch(struct cn_cli *cli)
{
	const int signals[] = { SIGINT, SIGTERM, SIGCHLD };
	struct cn_edges_opts opts = {
		.least = cli->fail_on, .min_interval_ns = MIN_INTERVAL_NS, .max_interval_ns = MAX_INTERVAL_NS
	};
	struct watch watch = { .cli = cli, .runner = { .command = cli->exec }, .signals = cn_signals_open(signals, 3) };
	int rc;

	if (cli->given & CN_TAKES(MIN_INTERVAL)) {
		opts.min_interval_ns = cli->min_interval_ms * 1000000ull;
		opts.max_interval_ns = opts.min_interval_ns ? opts.max_interval_ns : 0;
	}
	if (!(cli->given & CN_TAKES(INTERVAL)))
		cli->interval_ms = INTERVAL_MS;
	cli->plays = true;
	watch.edges = cn_edges_new(&opts);
	if (!watch.edges || watch.signals < 0)
		rc = cn_fail(CN_EXIT_INCOMPLETE, "there is no memory, or no descriptor, to wait with");
	else
		rc = cn_open(cli, 0, &watch.session);
	if (rc == CN_EXIT_OK) {
		cn_session_hurry(watch.session);
		rc = loop(&watch);
		cn_session_close(watch.session);
	}
	cn_runner_fini(&watch.runner);
	cn_edges_free(watch.edges);
	if (watch.signals >= 0)
		close(watch.signals);
	return rc;
}
