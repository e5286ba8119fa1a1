/* SPDX-License-Identifier: MIT */
/* Events of some seconds as a trace: looked for often, written once, at the end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/export.h"
#include "cli/signals.h"
#include "export/perfetto.h"
#include "export/text.h"
#include "widget/format.h"

enum { INTERVAL_MS = 50, FOR_MS = 5000, POLL_MS = 100 };

struct capture {
	struct cn_cli *cli;
	struct cn_session *session;
	struct cn_trace *trace;
	int signals;
	bool over;  /* a signal said so, or it has ended */
	bool ended; /* nothing more will come */
};

static int take(struct capture *capture)
{
	int rc = cn_trace_take(capture->trace, cn_session_model(capture->session));

	return rc ? cn_fail(CN_EXIT_INCOMPLETE, "there is no memory for so many events: choose a shorter time (--for)")
		  : CN_EXIT_OK;
}

/* What a program has said until its end is worth as much as if it had gone on. */
static int turn(struct capture *capture)
{
	struct pollfd ready[] = { { .fd = cn_session_fd(capture->session), .events = POLLIN },
		{ .fd = capture->signals, .events = POLLIN } };
	struct signalfd_siginfo info;
	struct cn_why why = { 0 };
	int n;

	if (poll(ready, 2, POLL_MS) < 0 && errno != EINTR)
		return cn_fail(CN_EXIT_INCOMPLETE, "cannot wait: %s", strerror(errno));
	if (read(capture->signals, &info, sizeof info) == sizeof info)
		capture->over = true;
	n = cn_session_pump(capture->session, &why);
	if (n < 0) {
		capture->over = true;
		capture->ended = true;
		(void)cn_fail(CN_EXIT_OK, "%s: what came before is written", why.text);
	}
	if (capture->cli->frames && n == 0)
		capture->over = capture->ended = true;
	return n ? take(capture) : CN_EXIT_OK;
}

static int run(struct capture *capture)
{
	const uint64_t end_ns = cn_session_clock_ns() + capture->cli->for_ms * 1000000ull;
	struct cn_why why = { 0 };
	int rc = take(capture);

	while (rc == CN_EXIT_OK && !capture->over && cn_session_clock_ns() < end_ns)
		rc = turn(capture);
	/* What happened since the last look. */
	if (rc == CN_EXIT_OK && !capture->ended &&
		cn_session_wait(capture->session, (int)(capture->cli->timeout_ms + capture->cli->interval_ms), &why))
		rc = cn_fail_why(&why);
	return rc == CN_EXIT_OK ? take(capture) : rc;
}

static void say(const struct cn_cli *cli, const struct cn_trace_stats *s)
{
	char time[CN_FORMAT_BYTES];

	fprintf(stderr, "rouse: %llu events of %s", (unsigned long long)s->events,
		cn_format_ns(time, s->last_ns > s->first_ns ? s->last_ns - s->first_ns : 0));
	fprintf(stderr, ", %llu tasks (%llu with a track of their own), %llu wakes that led to a poll",
		(unsigned long long)s->tasks, (unsigned long long)s->tracks, (unsigned long long)s->flows);
	if (s->lost)
		fprintf(stderr, "; %llu events were lost", (unsigned long long)s->lost);
	if (s->left_out)
		fprintf(stderr, "; the last %llu found no room", (unsigned long long)s->left_out);
	fprintf(stderr, "\n");
	if (cli->output)
		fprintf(stderr, "rouse: %s can be opened at ui.perfetto.dev\n", cn_safe(cli->output));
}

static int write_out(const struct capture *capture)
{
	const struct cn_cli *cli = capture->cli;
	struct cn_trace_stats stats;
	FILE *out = cli->output ? fopen(cli->output, "we") : stdout;
	int rc;

	if (!out)
		return cn_fail(CN_EXIT_USAGE, "cannot write %s: %s", cn_safe(cli->output), strerror(errno));
	rc = cn_trace_write(capture->trace, cn_session_model(capture->session), out);
	if (cli->output && fclose(out) && rc == 0)
		rc = -errno;
	if (rc)
		return cn_fail(CN_EXIT_INCOMPLETE, "cannot write %s: %s", cli->output ? cn_safe(cli->output) : "the trace",
			strerror(-rc));
	cn_trace_stats(capture->trace, &stats);
	say(cli, &stats);
	if (!stats.events)
		return cn_fail(CN_EXIT_INCOMPLETE, "no event came: start the program with ROUSE_LISTEN=1, so that its level can "
						   "be raised, or with ROUSE_LEVEL=2");
	return CN_EXIT_OK;
}

int cn_export_trace(struct cn_cli *cli)
{
	const int wanted[] = { SIGINT, SIGTERM };
	struct capture capture = { .cli = cli };
	int rc;

	if (!cli->output && isatty(STDOUT_FILENO))
		return cn_fail(CN_EXIT_USAGE, "export: a trace is not for a terminal: name a file (-o FILE)");
	if (!cli->for_ms)
		cli->for_ms = FOR_MS;
	if (!(cli->given & CN_TAKES(INTERVAL)))
		cli->interval_ms = INTERVAL_MS;
	cli->events = true;
	capture.signals = cn_signals_open(wanted, 2);
	if (capture.signals < 0)
		return cn_fail(CN_EXIT_INCOMPLETE, "cannot wait for signals: %s", strerror(-capture.signals));
	rc = cn_trace_new(&capture.trace) ? cn_fail(CN_EXIT_INCOMPLETE, "there is no memory for a trace") : CN_EXIT_OK;
	if (rc == CN_EXIT_OK)
		rc = cn_open(cli, 1, &capture.session);
	if (rc == CN_EXIT_OK) {
		rc = run(&capture);
		if (rc == CN_EXIT_OK)
			rc = write_out(&capture);
		cn_session_close(capture.session);
	}
	cn_trace_free(capture.trace);
	close(capture.signals);
	return rc;
}
