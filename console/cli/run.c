/* SPDX-License-Identifier: MIT */
/*
 * Runs a test program and watches it. The command is the leader of a process
 * group of its own, so that what it has started ends with it at a time-out; it
 * has the terminal, if we had it.
 *
 * How long a poll took is known exactly of one that is in progress in a look,
 * and of a task that was polled once between two looks. Of all others the
 * histograms count each, in buckets of powers of two: the lower end of the
 * highest bucket is what is held against the budget. So a poll that is told as
 * too long was too long; one that goes unnoticed took less than twice the budget.
 * Delays from wake to run are known by histogram alone. What happens after the
 * last look (at most --interval before the end) is not seen, but that a program
 * which crashes writes its last moment itself (rouse/crash.h), beside the recording.
 */
#include "cli/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/signals.h"
#include "diagnose/shape.h"
#include "export/text.h"
#include "record/recorder.h"

enum { INTERVAL_MS = 100, ATTACH_MS = 20, GRACE_MS = 2000, LOOK_MS = 2000, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };
#define KEPT_NS (60 * CN_S)

struct run {
	struct cn_run_result result;
	struct cn_recorder *recorder;
	int signals;
	uint64_t begin_ns;
	bool ended, gone; /* the command; the session */
	bool had_terminal;
};

/* ------------------------------------------------------------------ the child */

/* The folder of a path, in `room`. */
static const char *folder_of(char room[PATH_MAX], const char *path)
{
	snprintf(room, PATH_MAX, "%s", path);
	return dirname(room);
}

static void become(struct cn_cli *cli, int tell, bool terminal)
{
	char folder[PATH_MAX];
	sigset_t none;
	int error;

	setpgid(0, 0);
	if (terminal)
		tcsetpgrp(STDIN_FILENO, getpid());
	signal(SIGTTOU, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("ROUSE_LISTEN", "1", 0);
	if (cli->record)
		setenv("ROUSE_RECORD", folder_of(folder, cli->record), 0);
	execvp(cli->command[0], cli->command);
	error = errno;
	if (write(tell, &error, sizeof error) != sizeof error)
		_exit(NOT_FOUND);
	_exit(NOT_FOUND);
}

/* 0, or a positive errno: why it cannot be run. */
static int start(struct run *run)
{
	int tell[2], error = 0;
	pid_t pid;

	if (pipe2(tell, O_CLOEXEC))
		return errno;
	run->had_terminal = isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
	signal(SIGTTOU, SIG_IGN);
	pid = fork();
	if (pid == 0)
		become(run->result.cli, tell[1], run->had_terminal);
	close(tell[1]);
	if (pid < 0) {
		close(tell[0]);
		return errno;
	}
	setpgid(pid, pid);
	run->result.pid = pid;
	if (read(tell[0], &error, sizeof error) != sizeof error)
		error = 0;
	close(tell[0]);
	return error;
}

/* The terminal is ours again, whatever became of the command. */
static void take_terminal(const struct run *run)
{
	if (run->had_terminal)
		tcsetpgrp(STDIN_FILENO, getpgrp());
}

static void reap(struct run *run)
{
	int status;

	if (!run->ended && waitpid(run->result.pid, &status, WNOHANG) == run->result.pid) {
		run->ended = true;
		run->result.status = status;
		run->result.duration_ns = cn_session_clock_ns() - run->begin_ns;
	}
}

/* Waits for a signal or the session, at most so long; what is meant for the command is handed on. */
static void wait_some(struct run *run, int ms)
{
	struct pollfd ready[] = { { .fd = run->signals, .events = POLLIN },
		{ .fd = run->result.session && !run->gone ? cn_session_fd(run->result.session) : -1, .events = POLLIN } };
	struct signalfd_siginfo info;

	if (poll(ready, 2, ms) < 0)
		return;
	while (read(run->signals, &info, sizeof info) == sizeof info)
		if (info.ssi_signo != SIGCHLD && !run->ended)
			kill(-run->result.pid, (int)info.ssi_signo);
	reap(run);
}

/* --------------------------------------------------------------- what is seen */

static void keep_finding(struct cn_run_result *result, const struct cn_finding *f)
{
	size_t i = 0;

	while (i < result->n_findings && result->findings[i].key != f->key)
		i++;
	if (i == CN_RUN_FINDINGS_MAX) {
		result->more_findings++;
		return;
	}
	if (i == result->n_findings)
		result->n_findings++;
	else if (result->findings[i].class > f->class)
		return;
	result->findings[i] = *f;
}

static void longest(struct cn_run_result *result, struct cn_run_longest *of, uint64_t ns, const struct cn_task *task,
	size_t runtime, uint32_t spawn_site)
{
	const struct cn_model *model = cn_session_model(result->session);
	const struct cn_site *site = cn_model_site(model, runtime, spawn_site);

	if (ns <= of->ns)
		return;
	of->ns = ns;
	snprintf(of->task, sizeof of->task, "%s", task ? cn_safe(cn_task_name(model, task)) : "");
	snprintf(of->place, sizeof of->place, "%s:%u", cn_safe(cn_path_short(cn_model_string(model, runtime, site->file))),
		site->line);
}

static uint64_t least_of_highest(const uint32_t counts[ROUSE_HISTOGRAM_BUCKETS])
{
	for (unsigned int i = ROUSE_HISTOGRAM_BUCKETS; i-- > 1;)
		if (counts[i])
			return 1ull << i;
	return 0;
}

static void measure(struct cn_run_result *result)
{
	const struct cn_model *model = cn_session_model(result->session);

	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);
		const struct cn_delta delta = task ? cn_task_delta(model, task) : (struct cn_delta){ 0 };

		if (delta.polls == 1)
			longest(result, &result->poll, delta.busy_ns, task, task->runtime, task->spawn_site);
		if (task && task->state == ROUSE_TASK_RUNNING)
			longest(result, &result->poll, cn_task_in_state_ns(model, task), task, task->runtime,
				task->spawn_site);
	}
	for (size_t r = 0; r < cn_model_runtimes(model); r++) {
		for (uint32_t i = 1; i < cn_model_sites(model, r); i++) {
			const struct cn_histogram *h = cn_model_site_histogram(model, r, i);

			if (!h)
				continue;
			longest(result, &result->poll, least_of_highest(h->poll), NULL, r, i);
			longest(result, &result->scheduled, least_of_highest(h->delay), NULL, r, i);
		}
	}
}

static void see(struct run *run)
{
	const struct cn_findings *findings = cn_session_findings(run->result.session);

	run->result.looks++;
	for (size_t i = 0; i < cn_findings_count(findings); i++)
		if (cn_findings_at(findings, i)->active)
			keep_finding(&run->result, cn_findings_at(findings, i));
	measure(&run->result);
}

static void look(struct run *run)
{
	struct cn_why why = { 0 };
	int n = cn_session_pump(run->result.session, &why);

	if (n > 0)
		see(run);
	run->gone = n < 0; /* it ends, or becomes another program: what was seen stays */
}

/* A runtime may come at any time, or never. */
static void attach(struct run *run)
{
	struct cn_cli *cli = run->result.cli;
	const struct cn_session_opts opts = {
		.interval_ms = cli->interval_ms, .level = cli->level, .diagnose = cli->diagnose, .kind = cli->source
	};
	struct cn_why why = { 0 };
	char pid[16];

	snprintf(pid, sizeof pid, "%d", run->result.pid);
	if (cn_session_open(pid, &opts, &run->result.session, &why)) {
		run->result.session = NULL;
		return;
	}
	if (run->recorder && cn_session_record(run->result.session, run->recorder))
		(void)cn_fail(CN_EXIT_OK, "run: what is seen cannot be recorded");
}

/* ------------------------------------------------------------------ its course */

/* Whoever is killed is looked at first. */
static void kill_it(struct run *run)
{
	struct cn_why why = { 0 };
	uint64_t end_ns;

	run->result.timed_out = true;
	if (run->result.session && !run->gone && cn_session_wait(run->result.session, LOOK_MS, &why) == 0)
		see(run);
	kill(-run->result.pid, SIGTERM);
	end_ns = cn_session_clock_ns() + GRACE_MS * 1000000ull;
	while (!run->ended && cn_session_clock_ns() < end_ns)
		wait_some(run, ATTACH_MS);
	kill(-run->result.pid, SIGKILL); /* the rest of the group, too */
	while (!run->ended)
		wait_some(run, ATTACH_MS);
}

static void watch(struct run *run)
{
	const struct cn_cli *cli = run->result.cli;
	const uint64_t end_ns = cli->limit_ms ? run->begin_ns + cli->limit_ms * 1000000ull : UINT64_MAX;

	while (!run->ended) {
		wait_some(run, run->result.session ? (int)cli->interval_ms : ATTACH_MS);
		if (run->ended)
			break;
		if (!run->result.session)
			attach(run);
		else if (!run->gone)
			look(run);
		if (cn_session_clock_ns() >= end_ns)
			kill_it(run);
	}
}

/* -------------------------------------------------------------------- judging */

static bool is_leak(const struct cn_finding *f)
{
	return f->code == CN_FINDING_TASK_LEAK || f->code == CN_FINDING_LEAKED_WAKER || f->code == CN_FINDING_PERMIT_LEAK;
}

static enum cn_run_outcome judge_what_was_seen(const struct cn_run_result *result)
{
	const struct cn_cli *cli = result->cli;
	bool leaks = false;

	for (size_t i = 0; i < result->n_findings; i++) {
		if (result->findings[i].class >= cli->on)
			return CN_RUN_FINDINGS;
		leaks = leaks || is_leak(&result->findings[i]);
	}
	if ((cli->max_poll_us && result->poll.ns > cli->max_poll_us * 1000ull) ||
		(cli->max_scheduled_us && result->scheduled.ns > cli->max_scheduled_us * 1000ull))
		return CN_RUN_BUDGET;
	return leaks && cli->no_leaks ? CN_RUN_LEAKS : CN_RUN_WELL;
}

static void judge(struct cn_run_result *result)
{
	static const int exits[] = { [CN_RUN_TIMEOUT] = CN_EXIT_RUN_TIMEOUT,
		[CN_RUN_FINDINGS] = CN_EXIT_RUN_FINDINGS,
		[CN_RUN_BUDGET] = CN_EXIT_RUN_BUDGET,
		[CN_RUN_LEAKS] = CN_EXIT_RUN_LEAKS };

	if (result->timed_out) {
		result->outcome = CN_RUN_TIMEOUT;
	} else if (WIFSIGNALED(result->status)) {
		result->outcome = CN_RUN_CRASHED;
		result->exit = 128 + WTERMSIG(result->status);
		return;
	} else if (WEXITSTATUS(result->status)) {
		result->outcome = CN_RUN_FAILED;
		result->exit = WEXITSTATUS(result->status);
		return;
	} else {
		result->outcome = judge_what_was_seen(result);
	}
	result->exit = exits[result->outcome];
}

/* -------------------------------------------------------------------- telling */

static void write_recording(struct run *run)
{
	struct cn_why why = { 0 };

	if (run->result.session)
		cn_session_record(run->result.session, NULL);
	if (run->result.outcome != CN_RUN_WELL && run->result.looks) {
		if (cn_recorder_write(run->recorder, &why))
			(void)cn_fail(CN_EXIT_OK, "run: there is no recording: %s", why.text);
		else
			fprintf(stderr, "rouse: run: what was seen of it is in %s\n", cn_safe(run->result.cli->record));
	}
	(void)cn_recorder_close(run->recorder, &why); /* what mattered is written, or has been said */
}

/* PROGRAM.PID.core, whatever the command made of itself. Elsewhere, if the environment said so, it is not looked for. */
static void find_core(struct cn_run_result *result)
{
	char room[PATH_MAX], end[32];
	const char *folder = folder_of(room, result->cli->record);
	const int n = snprintf(end, sizeof end, ".%d.core", result->pid);
	DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		const size_t bytes = strlen(entry->d_name);

		if (bytes > (size_t)n && strcmp(entry->d_name + bytes - (size_t)n, end) == 0 &&
			snprintf(result->core, sizeof result->core, "%s/%s", folder, entry->d_name) >= PATH_MAX)
			result->core[0] = 0;
	}
	if (dir)
		closedir(dir);
}

static int write_report(const struct cn_run_result *result)
{
	const char *path = result->cli->report;
	FILE *out = path ? fopen(path, "we") : stderr;

	if (!out)
		return cn_fail(CN_EXIT_RUN_ERROR, "run: cannot write %s: %s", cn_safe(path), strerror(errno));
	cn_run_report(out, result);
	if (path && fclose(out))
		return cn_fail(CN_EXIT_RUN_ERROR, "run: cannot write %s: %s", cn_safe(path), strerror(errno));
	if (path && result->outcome != CN_RUN_WELL)
		(void)cn_fail(CN_EXIT_OK, "run: %s %s: the report is in %s", cn_safe(result->cli->command[0]),
			cn_run_text(result->outcome), cn_safe(path));
	return CN_EXIT_OK;
}

static int finish(struct run *run)
{
	struct cn_run_result *result = &run->result;
	int rc = CN_EXIT_OK;

	judge(result);
	if (result->cli->record && result->outcome == CN_RUN_CRASHED)
		find_core(result);
	if (run->recorder)
		write_recording(run);
	if (!result->looks)
		(void)cn_fail(CN_EXIT_OK, "run: %s was not watched: it has no rouse runtime, or ended within a look",
			cn_safe(result->cli->command[0]));
	if (result->cli->report || (result->outcome != CN_RUN_WELL && (result->looks || result->timed_out)))
		rc = write_report(result);
	return rc ? rc : result->exit;
}

static int open_recorder(struct run *run)
{
	const struct cn_recorder_opts opts = { .size = sizeof opts, .last_ns = KEPT_NS };
	struct cn_why why = { 0 };
	char folder[PATH_MAX];

	if (!run->result.cli->record)
		return CN_EXIT_OK;
	/* It is written at the end only: too late to learn that it cannot be. */
	if (access(folder_of(folder, run->result.cli->record), W_OK))
		return cn_fail(CN_EXIT_RUN_ERROR, "run: cannot record into %s: %s", cn_safe(run->result.cli->record),
			strerror(errno));
	if (cn_recorder_open(run->result.cli->record, &opts, &run->recorder, &why) == 0)
		return CN_EXIT_OK;
	return cn_fail(CN_EXIT_RUN_ERROR, "run: %s", why.text);
}

int cn_verb_run(struct cn_cli *cli)
{
	const int wanted[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct run *run = calloc(1, sizeof *run);
	int rc;

	if (!run)
		return cn_fail(CN_EXIT_RUN_ERROR, "run: there is no memory");
	run->result.cli = cli;
	if (!(cli->given & CN_TAKES(INTERVAL)))
		cli->interval_ms = INTERVAL_MS;
	if (!(cli->given & CN_TAKES(ON)))
		cli->on = CN_PROVEN;
	run->signals = cn_signals_open(wanted, sizeof wanted / sizeof wanted[0]);
	rc = run->signals < 0 ? cn_fail(CN_EXIT_RUN_ERROR, "run: cannot wait for signals: %s", strerror(-run->signals))
			      : open_recorder(run);
	if (rc == CN_EXIT_OK) {
		run->begin_ns = cn_session_clock_ns();
		rc = start(run);
		if (rc) {
			rc = cn_fail(rc == ENOENT ? CN_EXIT_RUN_NOT_FOUND : CN_EXIT_RUN_NOT_EXECUTABLE,
				"run: cannot run %s: %s", cn_safe(cli->command[0]), strerror(rc));
		} else {
			watch(run);
			take_terminal(run);
			rc = finish(run);
		}
		take_terminal(run);
	}
	cn_session_close(run->result.session);
	if (run->signals >= 0)
		close(run->signals);
	free(run);
	return rc;
}
