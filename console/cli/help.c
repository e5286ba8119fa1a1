/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/cli.h"
#include "export/metrics.h"

static const struct {
	const char *name, *argument, *help;
	char letter;
} options[] = {
#define X(name, text, letter, argument, help) { text, argument, help, letter },
	CN_OPTIONS(X)
#undef X
};

static void print_options(FILE *out, uint64_t taken)
{
	fputs("\nOptions:\n", out);
	for (int i = 0; i < CN_OPTION_MAX; i++) {
		char name[32];

		if (!(taken & 1ull << i) || !options[i].help)
			continue;
		snprintf(name, sizeof name, "--%s%s%s", options[i].name,
			options[i].argument && *options[i].argument != '[' ? " " : "",
			options[i].argument ? options[i].argument : "");
		if (options[i].letter)
			fprintf(out, "  -%c, %-20s %s\n", options[i].letter, name, options[i].help);
		else
			fprintf(out, "      %-20s %s\n", name, options[i].help);
	}
}

/* As CN_EXITS() says it. `run` has a command where others have a target. */
static bool ends_so(const struct cn_verb *verb, const char *whose)
{
	const size_t n = strlen(verb->name);

	if (!whose)
		return true;
	if (!*whose)
		return verb->options & (CN_TAKES(SOURCE) | CN_TAKES(AT)) && !(verb->options & CN_TAKES(LIMIT));
	for (const char *at = whose; n && (at = strstr(at, verb->name)); at += n)
		if ((at == whose || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
			return true;
	return false;
}

/* Of one verb; NULL = of all. */
static void print_exits(FILE *out, const struct cn_verb *verb)
{
	fputs("\nExit status:\n", out);
#define X(name, code, whose, text)                                                                                     \
	if (!verb || ends_so(verb, whose))                                                                             \
		fprintf(out, "  %d  %s\n", code, text);
	CN_EXITS(X)
#undef X
}

static void print_thresholds(FILE *out)
{
	fputs("\nThresholds (--threshold NAME=N):\n", out);
	for (unsigned int i = 0; i < CN_THRESHOLD_MAX; i++) {
		bool is_time = cn_threshold_unit(i) == CN_UNIT_NS;
		double standard = (double)cn_threshold_standard(i) / (is_time ? 1e9 : 1);

		fprintf(out, "  %-14s %6g%-2s %s\n", cn_threshold_text(i), standard, is_time ? "s" : "",
			cn_threshold_help(i));
	}
	fputs("Times are in seconds, or with a unit: 250ms, 2m.\n", out);
}

static void print_findings(FILE *out)
{
	fputs("\nFindings:\n", out);
	for (unsigned int i = 0; i < CN_FINDING_CODE_MAX; i++)
		fprintf(out, "  %-17s %s\n", cn_finding_text(i), cn_finding_help(i));
}

void cn_help_verb(FILE *out, const struct cn_verb *verb)
{
	const bool more = verb->options & ~CN_TAKES(HELP) && strncmp(verb->arguments, "[OPTION]", 8) != 0;

	fprintf(out, "usage: rouse%s%s%s%s%s\n\n%s\n", *verb->name ? " " : "", verb->name, more ? " [OPTION]..." : "",
		*verb->arguments ? " " : "", verb->arguments, verb->summary);
	if (verb->help)
		fprintf(out, "\n%s\n", verb->help);
	if (verb->options)
		print_options(out, verb->options);
	if (strcmp(verb->name, "check") == 0)
		print_findings(out);
	if (verb->options & CN_TAKES(OPENMETRICS)) {
		fputs("\nMetrics:\n", out);
		cn_metrics_help(out);
	}
	if (verb->options & CN_TAKES(WHERE))
		cn_where_help(out);
	if (verb->options & CN_TAKES(THRESHOLD))
		print_thresholds(out);
	print_exits(out, verb);
}

void cn_help_all(FILE *out)
{
	size_t n;
	const struct cn_verb *verbs = cn_verbs(&n);

	fputs("rouse - see into the tasks of programs that run on rouse\n"
	      "\n"
	      "usage: rouse                     what can be watched, to choose from; the screen, if it is just one\n"
	      "       rouse TARGET...           the screen, of one program or several\n"
	      "       rouse VERB [OPTION]... [TARGET] [TASK]\n"
	      "\n"
	      "TARGET is a pid, the name of a program or of its runtime, the path of an agent's\n"
	      "socket or its port (127.0.0.1:6669), a core file, or a recording. Any program can be\n"
	      "read by its memory, without preparation; started with ROUSE_LISTEN=1 it has an agent,\n"
	      "which can tell more often and keeps event counts.\n"
	      "\n"
	      "Verbs:\n",
		out);
	for (size_t i = 0; i < n; i++) {
		static const char options_first[] = "[OPTION]... ";
		const char *arguments = verbs[i].arguments;

		if (strncmp(arguments, options_first, sizeof options_first - 1) == 0)
			arguments += sizeof options_first - 1;
		if (*verbs[i].name)
			fprintf(out, "  %-11s %-11s %s\n", verbs[i].name, arguments, verbs[i].summary);
	}
	print_exits(out, NULL);
	fputs("\n`rouse VERB --help` tells more.\n", out);
}

int cn_verb_help(struct cn_cli *cli)
{
	size_t n;
	const struct cn_verb *verbs = cn_verbs(&n);

	if (!cli->target) {
		cn_help_all(stdout);
		return CN_EXIT_OK;
	}
	for (size_t i = 0; i < n; i++) {
		if (strcmp(verbs[i].name, cli->target) == 0) {
			cn_help_verb(stdout, &verbs[i]);
			return CN_EXIT_OK;
		}
	}
	return cn_fail(CN_EXIT_USAGE, "there is no verb %s; `rouse help` names them all", cli->target);
}

int cn_verb_version(struct cn_cli *cli)
{
	if (!cli->json) {
		printf("rouse %s (protocol %d, layout %u)\n", ROUSE_VERSION, 1, ROUSE_LAYOUT_VERSION);
		return CN_EXIT_OK;
	}
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_json_string(&json, "schema", "rouse/version/1");
	cn_json_string(&json, "version", ROUSE_VERSION);
	cn_json_number(&json, "protocol", 1);
	cn_json_number(&json, "layout", ROUSE_LAYOUT_VERSION);
	cn_json_end(&json);
	return CN_EXIT_OK;
}
