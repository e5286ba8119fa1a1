/* SPDX-License-Identifier: MIT */
/* The screen, for people; its frames as text, for pipes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "record/recorder.h"
#include "source/resolve.h"
#include "view/screen.h"

/* The only program there is, or why there is none to open. */
static int only_target(char pid[16])
{
	struct rouse_target *targets;
	int n = cn_targets(&targets);

	if (n < 0)
		return cn_fail(CN_EXIT_INCOMPLETE, "cannot look through /proc: %s", strerror(-n));
	if (n == 1)
		snprintf(pid, 16, "%d", targets[0].pid);
	free(targets);
	return CN_EXIT_OK;
}

/* One whole ps document after the other: a stream of JSON values. */
static int stream(struct cn_cli *cli, const struct cn_query *where)
{
	struct cn_why why = { 0 };
	struct cn_session *session;
	int rc = cn_open(cli, 1, &session);

	if (rc)
		return rc;
	cn_session_hurry(session);
	for (unsigned long i = 1; why.code == 0; i++) {
		struct cn_json json;

		cn_json_init(&json, stdout);
		cn_ps_json(&json, session, where);
		if (fflush(stdout) || i == cli->count || cn_at_end(session))
			break;
		cn_session_wait(session, (int)(cli->timeout_ms + cli->interval_ms), &why);
	}
	if (why.code && why.code != -EPIPE) /* a target that ends is no failure */
		rc = cn_fail_why(&why);
	cn_session_close(session);
	return rc;
}

/* --record: what the screen sees, and nothing else. */
static int record(const struct cn_cli *cli, struct cn_session *session, struct cn_recorder **ret_recorder)
{
	const struct cn_recorder_opts opts = { .size = sizeof opts };
	struct cn_why why = { 0 };

	if (!cli->record)
		return CN_EXIT_OK;
	if (cn_recorder_open(cli->record, &opts, ret_recorder, &why))
		return cn_fail_why(&why);
	if (cn_session_record(session, *ret_recorder))
		return cn_fail(CN_EXIT_USAGE, "what is in a file already cannot be recorded");
	return CN_EXIT_OK;
}

/* As the screen reaches programs that were not named: opened as those that were. */
static int open_one(void *arg, const char *target, struct cn_session **ret_session, struct cn_why *why)
{
	return cn_open_target(arg, target, ret_session, why);
}

static int list(void *arg, struct rouse_target **ret_targets)
{
	(void)arg;
	return cn_targets(ret_targets);
}

static int screen(struct cn_cli *cli, struct cn_screen_opts *opts)
{
	const struct cn_reach reach = { .open = open_one, .list = list, .arg = cli };
	struct cn_session *more[CN_SEATS_MAX];
	size_t n = 0;
	int rc = CN_EXIT_OK;

	for (; rc == CN_EXIT_OK && n < cli->n_more; n += rc == CN_EXIT_OK) {
		struct cn_why why = { 0 };

		if (cn_open_target(cli, cli->more[n], &more[n], &why))
			rc = cn_fail_why(&why);
	}
	if (rc == CN_EXIT_OK)
		rc = cn_screen_run_several(opts, &reach, more, n);
	while (n)
		cn_session_close(more[--n]);
	return rc;
}

int cn_verb_top(struct cn_cli *cli)
{
	struct cn_screen_opts opts = {
		.delay_ms = cli->delay_ms, .timeout_ms = cli->timeout_ms, .color = cli->paint.asked,
		.ascii = cli->paint.charset == CN_CHARSET_ASCII, .preferences = cli->preferences
	};
	const bool shown = !cli->batch && !cli->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct cn_recorder *recorder = NULL;
	struct cn_why why = { 0 };
	struct cn_query where;
	char pid[16] = "";
	int rc = cn_where(cli, &where);

	if (rc)
		return rc;
	opts.where = cli->where;
	opts.no_mouse = cli->no_mouse;
	cli->plays = true;

	cli->interval_ms = cli->delay_ms;
	if (!cli->target && !cli->frames) {
		rc = only_target(pid);
		if (rc)
			return rc;
		if (!*pid && shown)
			return screen(cli, &opts);
		if (!*pid || (!cli->batch && !isatty(STDOUT_FILENO)))
			return cn_verb_list(cli);
		cli->target = pid;
	}
	if (cli->json)
		return stream(cli, &where);
	rc = cn_open(cli, 0, &opts.session);
	if (rc)
		return rc;
	rc = record(cli, opts.session, &recorder);
	if (rc == CN_EXIT_OK)
		rc = cli->batch ? cn_screen_batch(&opts, stdout, cli->count) : screen(cli, &opts);
	cn_session_close(opts.session);
	if (recorder && cn_recorder_close(recorder, &why))
		return cn_fail_why(&why);
	return rc;
}
