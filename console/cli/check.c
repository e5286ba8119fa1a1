/* SPDX-License-Identifier: MIT */
/*
 * A verdict for scripts. What would be PROVEN but for a hand-off in the very
 * moment of the look is given a few looks more, so that a busy program gets
 * the same answer as an idle one; and so is what a search of memory would tell.
 */
#include <string.h>

#include "cli/cli.h"
#include "widget/format.h"

enum { LOOKS = 3, MORE_LOOKS = 5 };

static bool has_incomplete(const struct cn_findings *findings)
{
	for (size_t i = 0; i < cn_findings_count(findings); i++)
		if (cn_findings_at(findings, i)->class == CN_INCOMPLETE)
			return true;
	return false;
}

/* That not all could be seen is no fault of the program: then nobody can say that it has none. */
static int verdict(const struct cn_cli *cli, const struct cn_findings *findings, bool complete)
{
	bool blind = !complete || has_incomplete(findings);

	for (size_t i = 0; i < cn_findings_count(findings); i++) {
		const struct cn_finding *finding = cn_findings_at(findings, i);

		if (finding->code == CN_FINDING_INCOMPLETE_LOOK)
			blind = true;
		else if (finding->class >= cli->fail_on)
			return CN_EXIT_FINDINGS;
	}
	return blind ? CN_EXIT_INCOMPLETE : CN_EXIT_OK;
}

static bool has_open_ends(const struct cn_findings *findings)
{
	const uint64_t *wants;

	return has_incomplete(findings) || cn_findings_wants(findings, &wants) > 0;
}

int cn_look_again(const struct cn_cli *cli, struct cn_session *session, uint32_t *looks)
{
	struct cn_why why = { 0 };

	for (int i = 0; i < MORE_LOOKS && has_open_ends(cn_session_findings(session)); i++) {
		if (cn_session_wait(session, (int)(cli->timeout_ms + cli->interval_ms), &why))
			return cn_fail_why(&why);
		(*looks)++;
	}
	return CN_EXIT_OK;
}

static void print_json(const struct cn_cli *cli, const struct cn_session *session, uint32_t looks, int code)
{
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_head_json(&json, "rouse/check/1", session);
	cn_json_number(&json, "looks", looks);
	cn_json_number(&json, "interval_ms", cli->interval_ms);
	cn_json_string(&json, "fail_on", cn_class_name(cli->fail_on));
	cn_json_number(&json, "exit", (uint64_t)code);
	cn_kernel_json(&json, cn_session_model(session));
	cn_findings_json(&json, session, CN_SUSPECT);
	cn_json_end(&json);
}

/* What the kernel tells of has to happen twice in that time. */
static const char *kernel_words(const struct cn_session *session, char *words, size_t bytes)
{
	uint64_t span_ns = cn_kernel_span_ns(cn_session_model(session));
	char time[CN_FORMAT_BYTES];

	if (!span_ns)
		return "";
	snprintf(words, bytes, "; the kernel was asked for %s, longer by --for", cn_format_ns(time, span_ns));
	return words;
}

static void print_text(const struct cn_cli *cli, const struct cn_session *session, uint32_t looks)
{
	const struct cn_findings *findings = cn_session_findings(session);
	size_t n = cn_findings_count(findings), of[CN_CLASS_MAX] = { 0 };
	const char *kernel;
	char words[80];

	cn_head_text(&cli->paint, session);
	for (size_t i = 0; i < n; i++) {
		fputc('\n', stdout);
		cn_finding_print(&cli->paint, session, cn_findings_at(findings, i));
		of[cn_findings_at(findings, i)->class]++;
	}
	fputc('\n', stdout);
	if (!n)
		cn_paint(&cli->paint, CN_STYLE_GOOD, "Nothing found");
	else
		printf("%zu finding%s", n, n == 1 ? "" : "s");
	for (unsigned int i = CN_CLASS_MAX, first = 1; i-- > 0;) {
		if (!of[i])
			continue;
		printf("%s", first ? ": " : ", ");
		cn_paint(&cli->paint, cn_class_style(i), "%zu %s", of[i], cn_class_name(i));
		first = 0;
	}
	kernel = kernel_words(session, words, sizeof words);
	if (looks == 1)
		printf(" (in one look, which proves nothing of what moves%s)\n", kernel);
	else
		printf(" (%u looks, %u ms apart%s)\n", looks, cli->interval_ms, kernel);
	if (cn_findings_more(findings))
		printf("%zu more were left out.\n", cn_findings_more(findings));
}

/* At least two: nothing is known of what moves from one. */
static uint32_t looks_wanted(const struct cn_cli *cli)
{
	uint32_t looks = cli->looks ? cli->looks : LOOKS;

	if (cli->for_ms && cli->for_ms / cli->interval_ms + 1 > looks)
		looks = cli->for_ms / cli->interval_ms + 1;
	return looks;
}

int cn_verb_check(struct cn_cli *cli)
{
	uint32_t looks = looks_wanted(cli);
	struct cn_session *session;
	const struct cn_model *model;
	struct cn_playback playback;
	int rc = cn_open(cli, looks, &session);

	if (rc)
		return rc;
	if (cn_session_playback(session, &playback))
		cli->interval_ms = playback.interval_ms; /* as they were taken */
	rc = cn_await_kernel(cli, session, &looks);
	if (rc == CN_EXIT_OK && !cli->looks)
		rc = cn_look_again(cli, session, &looks);
	model = cn_session_model(session);
	if ((cli->frames || cn_session_playback(session, &playback)) && cn_model_runtime(model, 0)) /* as many as there are */
		looks = cn_model_runtime(model, 0)->looks;
	if (rc == CN_EXIT_OK) {
		rc = verdict(cli, cn_session_findings(session), cn_model_complete(model));
		if (cli->json)
			print_json(cli, session, looks, rc);
		else
			print_text(cli, session, looks);
	}
	cn_session_close(session);
	return rc;
}
