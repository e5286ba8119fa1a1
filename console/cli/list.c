/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "source/resolve.h"

static void print_json(const struct rouse_target *targets, int n)
{
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_json_string(&json, "schema", "rouse/list/1");
	cn_json_array(&json, "targets");
	for (int i = 0; i < n; i++) {
		const struct rouse_target *t = &targets[i];

		cn_json_object(&json, NULL);
		cn_json_number(&json, "pid", (uint64_t)t->pid);
		cn_json_string(&json, "program", t->program);
		cn_json_bool(&json, "readable", t->readable);
		cn_json_bool(&json, "agent", t->agent);
		if (t->agent)
			cn_json_string(&json, "socket", t->socket);
		if (t->readable) {
			cn_json_string(&json, "runtime", t->runtime);
			cn_json_number(&json, "runtimes", t->runtimes);
			cn_json_number(&json, "tasks", t->tasks);
		}
		cn_json_end(&json);
	}
	cn_json_end(&json);
	cn_json_end(&json);
}

static void print_text(const struct cn_paint *paint, const struct rouse_target *targets, int n)
{
	cn_paint(
		paint, CN_STYLE_HEADER, "%8s  %-16s %-20s %9s  %s", "PID", "PROGRAM", "RUNTIME", "TASKS", "WATCHED BY");
	fputc('\n', paint->out);
	for (int i = 0; i < n; i++) {
		const struct rouse_target *t = &targets[i];

		fprintf(paint->out, "%8d  ", t->pid);
		cn_paint_cell(paint, CN_STYLE_NAME, 16, t->program);
		fputc(' ', paint->out);
		cn_paint_cell(paint, CN_STYLE_PLAIN, 20, t->readable ? t->runtime : "?");
		if (t->readable)
			fprintf(paint->out, " %9llu", (unsigned long long)t->tasks);
		else
			fprintf(paint->out, " %9s", "?");
		fprintf(paint->out, "  %s\n",
			t->agent      ? "its agent"
			: t->readable ? "its memory"
				      : "cannot be read: `rouse ps PID` says why");
	}
}

int cn_verb_list(struct cn_cli *cli)
{
	struct rouse_target *targets;
	int n = cn_targets(&targets);

	if (n < 0)
		return cn_fail(CN_EXIT_INCOMPLETE, "cannot look through /proc: %s", strerror(-n));
	if (cli->json)
		print_json(targets, n);
	else if (n)
		print_text(&cli->paint, targets, n);
	else
		fputs("Nothing that runs on rouse was found here.\n\n"
		      "Start a program that was built with rouse, and it can be watched:\n\n"
		      "    ROUSE_LISTEN=1 ./yourprogram &     with an agent, which answers on a socket\n"
		      "    ./yourprogram &                    without: then rouse reads its memory\n"
		      "    rouse                              opens the screen on it\n\n"
		      "Programs of other users are seen only by root.\n",
			stderr);
	free(targets);
	return CN_EXIT_OK;
}
