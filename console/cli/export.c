/* SPDX-License-Identifier: MIT */
/* What other tools read: one of several formats, to stdout or a file; metrics also by HTTP. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/export.h"
#include "cli/signals.h"
#include "export/http.h"
#include "export/metrics.h"
#include "export/text.h"

enum { LOOKS = 2, INTERVAL_MS = 1000 }; /* nothing is PROVEN from one look */

/* -------------------------------------------------------------------- metrics */

static int print_metrics(struct cn_cli *cli)
{
	struct cn_session *session;
	int rc = cn_open(cli, LOOKS, &session);

	if (rc)
		return rc;
	rc = cn_metrics_write(stdout, CN_METRICS_OPENMETRICS,
		&(struct cn_metrics_from){
			cn_session_model(session), cn_session_findings(session), cn_session_now_ns(session) });
	cn_session_close(session);
	return rc ? cn_fail(CN_EXIT_INCOMPLETE, "there is no memory for the metrics") : CN_EXIT_OK;
}

/* A media type among those of an Accept line, whatever follows it. */
static bool accepts(const char *accept, const char *type)
{
	const size_t n = strlen(type);

	for (; *accept; accept += strcspn(accept, ","), accept += *accept == ',') {
		accept += strspn(accept, " \t");
		if (strncasecmp(accept, type, n) == 0 && strchr(";, \t", accept[n]))
			return true;
	}
	return false;
}

static void answer(void *arg, const char *path, const char *accept, struct cn_http_answer *ret)
{
	const struct cn_session *session = arg;
	const enum cn_metrics_format format = accepts(accept, "application/openmetrics-text") ? CN_METRICS_OPENMETRICS
												 : CN_METRICS_TEXT;
	FILE *out = open_memstream(&ret->body, &ret->bytes);

	if (!out)
		return;
	if (strcmp(path, "/metrics") != 0) {
		ret->status = 404;
		fputs("metrics are at /metrics\n", out);
	} else if (cn_metrics_write(out, format,
			   &(struct cn_metrics_from){ cn_session_model(session), cn_session_findings(session),
				   cn_session_now_ns(session) }) == 0) {
		ret->status = 200;
		ret->type = cn_metrics_content_type(format);
	}
	if (fclose(out)) {
		free(ret->body);
		*ret = (struct cn_http_answer){ .status = 500, .type = "text/plain" };
	}
}

/* Until a signal, or until the target ends: then Prometheus finds nobody, and knows. */
static int serve(struct cn_session *session, struct cn_http *http, int signals)
{
	for (;;) {
		struct pollfd ready[] = { { .fd = cn_session_fd(session), .events = POLLIN },
			{ .fd = cn_http_fd(http), .events = POLLIN }, { .fd = signals, .events = POLLIN } };
		struct signalfd_siginfo info;
		struct cn_why why = { 0 };
		int rc;

		if (poll(ready, 3, CN_HTTP_TURN_MS) < 0 && errno != EINTR)
			return cn_fail(CN_EXIT_INCOMPLETE, "cannot wait: %s", strerror(errno));
		if (read(signals, &info, sizeof info) == sizeof info)
			return info.ssi_signo == SIGINT ? CN_EXIT_INTERRUPTED : CN_EXIT_OK;
		if (cn_session_pump(session, &why) < 0)
			return cn_fail_why(&why);
		rc = cn_http_turn(http);
		if (rc)
			return cn_fail(CN_EXIT_INCOMPLETE, "cannot serve: %s", strerror(-rc));
	}
}

static int cannot_listen(const char *where, int rc)
{
	if (rc == -EINVAL)
		return cn_fail(CN_EXIT_USAGE, "--listen takes an address and a port, as 127.0.0.1:9464 or [::1]:9464, not %s",
			cn_safe(where));
	if (rc == -EPERM)
		return cn_fail(CN_EXIT_USAGE, "%s is not of this machine alone: listen on 127.0.0.1 or [::1], and let a "
					      "proxy that asks who is there stand before it",
			cn_safe(where));
	return cn_fail(CN_EXIT_INCOMPLETE, "cannot listen on %s: %s", cn_safe(where), strerror(-rc));
}

static int serve_metrics(struct cn_cli *cli)
{
	const int wanted[] = { SIGINT, SIGTERM };
	const int signals = cn_signals_open(wanted, 2);
	struct cn_http *http = NULL;
	struct cn_session *session;
	int rc;

	if (signals < 0)
		return cn_fail(CN_EXIT_INCOMPLETE, "cannot wait for signals: %s", strerror(-signals));
	if (!(cli->given & CN_TAKES(INTERVAL)))
		cli->interval_ms = INTERVAL_MS;
	rc = cn_open(cli, 1, &session);
	if (rc == CN_EXIT_OK) {
		rc = cn_http_open(cli->listen, answer, session, &http);
		if (rc) {
			rc = cannot_listen(cli->listen, rc);
		} else {
			fprintf(stderr, "rouse: metrics of %s at http://%s/metrics\n",
				cn_safe(cn_model_target(cn_session_model(session))->program), cn_http_address(http));
			rc = serve(session, http, signals);
		}
		cn_http_close(http);
		cn_session_close(session);
	}
	close(signals);
	return rc;
}

static int export_metrics(struct cn_cli *cli)
{
	return cli->listen ? serve_metrics(cli) : print_metrics(cli);
}

static int export_folded(struct cn_cli *cli)
{
	struct cn_session *session;
	int rc = cn_open(cli, 1, &session);

	if (rc)
		return rc;
	rc = cn_chains_folded(stdout, cn_session_model(session), cli->by);
	cn_session_close(session);
	return rc ? cn_fail(CN_EXIT_INCOMPLETE, "there is no memory for the chains") : CN_EXIT_OK;
}

/* ------------------------------------------------------------------- the verb */

static const struct {
	uint64_t given;
	int (*run)(struct cn_cli *cli);
} formats[] = {
	{ CN_TAKES(OPENMETRICS), export_metrics },
	{ CN_TAKES(FOLDED), export_folded },
	{ CN_TAKES(PERFETTO), cn_export_trace },
};

int cn_verb_export(struct cn_cli *cli)
{
	int (*run)(struct cn_cli *cli) = NULL;

	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		if (!(cli->given & formats[i].given))
			continue;
		if (run)
			return cn_fail(CN_EXIT_USAGE, "export: one format at a time; see `rouse export --help`");
		run = formats[i].run;
	}
	if (!run)
		return cn_fail(CN_EXIT_USAGE,
			"export: say as what: --openmetrics, --perfetto or --folded; see `rouse export --help`");
	return run(cli);
}
