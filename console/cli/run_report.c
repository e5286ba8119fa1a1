/* SPDX-License-Identifier: MIT */
/* What `rouse run` tells: for people, as a document, or as JUnit has it. */
#include <string.h>
#include <sys/wait.h>

#include "cli/run.h"
#include "diagnose/shape.h"
#include "export/text.h"
#include "widget/format.h"

enum { GROUPS = 20 };

const char *cn_run_word(enum cn_run_outcome outcome)
{
	static const char *const words[] = {
#define X(name, word, text) word,
		CN_RUN_OUTCOMES(X)
#undef X
	};

	return words[outcome];
}

const char *cn_run_text(enum cn_run_outcome outcome)
{
	static const char *const texts[] = {
#define X(name, word, text) text,
		CN_RUN_OUTCOMES(X)
#undef X
	};

	return texts[outcome];
}

static bool over(const struct cn_run_longest *of, uint32_t budget_us)
{
	return budget_us && of->ns > budget_us * 1000ull;
}

/* ------------------------------------------------------------------------ text */

static void print_longest(FILE *out, const char *what, const struct cn_run_longest *of, uint32_t budget_us)
{
	char time[CN_FORMAT_BYTES], budget[CN_FORMAT_BYTES];

	if (!of->ns)
		return;
	fprintf(out, "  longest %s: at least %s (%s%s%s)", what, cn_format_ns(time, of->ns), of->task, *of->task ? ", " : "",
		of->place);
	if (budget_us)
		fprintf(out, ", of %s: %s", cn_format_ns(budget, budget_us * 1000ull), over(of, budget_us) ? "TOO LONG" : "well");
	fputc('\n', out);
}

/* Where its tasks stood in the last look: what a time-out is about. */
static void print_groups(FILE *out, const struct cn_run_result *result)
{
	const struct cn_model *model = cn_session_model(result->session);
	struct cn_shapes shapes;
	char text[CN_SAFE_BYTES];

	if (cn_shapes_build(model, cn_session_findings(result->session), &shapes))
		return;
	if (shapes.n)
		fputs("  its tasks in the last look:\n", out);
	for (size_t i = 0; i < shapes.n && i < GROUPS; i++) {
		const struct cn_shape *shape = &shapes.all[i];
		const struct cn_task *task = cn_model_task(model, shape->oldest);
		const struct cn_site *site =
			cn_model_site(model, shape->runtime, task ? cn_task_await_site(model, task) : 0);

		fprintf(out, "%8llu %s  %s", (unsigned long long)shape->count, cn_safe(cn_shape_name(model, shape)),
			cn_task_state_name(shape->state));
		if (site->line)
			fprintf(out, "  %s:%u", cn_safe(cn_path_short(cn_model_string(model, shape->runtime, site->file))),
				site->line);
		if (shape->waits[0].weight)
			fprintf(out, "  for %s", cn_shape_wait_text(text, sizeof text, model, &shape->waits[0]));
		fputc('\n', out);
	}
	if (shapes.n > GROUPS)
		fprintf(out, "         and %zu more groups\n", shapes.n - GROUPS);
	cn_shapes_free(&shapes);
}

static void print_text(FILE *out, const struct cn_run_result *result)
{
	struct cn_paint paint = result->cli->paint;
	char time[CN_FORMAT_BYTES];

	cn_paint_init(&paint, out, paint.asked, paint.charset == CN_CHARSET_ASCII);
	fprintf(out, "rouse: run: %s (%d) %s after %s, status %d; %u looks\n", cn_safe(result->cli->command[0]), result->pid,
		cn_run_text(result->outcome), cn_format_ns(time, result->duration_ns), result->exit, result->looks);
	print_longest(out, "poll", &result->poll, result->cli->max_poll_us);
	print_longest(out, "delay from wake to run", &result->scheduled, result->cli->max_scheduled_us);
	for (size_t i = 0; i < result->n_findings; i++)
		cn_finding_print(&paint, result->session, &result->findings[i]);
	if (result->more_findings)
		fprintf(out, "  and more findings, %zu times\n", result->more_findings);
	if (*result->core)
		fprintf(out, "  how it stood when it crashed is in %s: rouse dump shows it\n", cn_safe(result->core));
	if (result->session && result->timed_out)
		print_groups(out, result);
}

/* ------------------------------------------------------------------------ JSON */

static void longest_json(struct cn_json *json, const char *key, const struct cn_run_longest *of, uint32_t budget_us)
{
	cn_json_object(json, key);
	cn_json_number(json, "at_least_ns", of->ns);
	cn_json_string(json, "task", of->task);
	cn_json_string(json, "spawned_at", of->place);
	cn_json_number(json, "budget_ns", budget_us * 1000ull);
	cn_json_bool(json, "exceeded", over(of, budget_us));
	cn_json_end(json);
}

static void print_json(FILE *out, const struct cn_run_result *result)
{
	struct cn_json json;

	cn_json_init(&json, out);
	cn_json_object(&json, NULL);
	cn_json_string(&json, "schema", "rouse/run/1");
	cn_json_array(&json, "command");
	for (char **word = result->cli->command; *word; word++)
		cn_json_string(&json, NULL, *word);
	cn_json_end(&json);
	cn_json_number(&json, "pid", (uint64_t)result->pid);
	cn_json_string(&json, "outcome", cn_run_word(result->outcome));
	cn_json_number(&json, "exit", (uint64_t)result->exit);
	if (WIFSIGNALED(result->status))
		cn_json_number(&json, "signal", (uint64_t)WTERMSIG(result->status));
	else
		cn_json_number(&json, "status", (uint64_t)WEXITSTATUS(result->status));
	cn_json_number(&json, "duration_ns", result->duration_ns);
	cn_json_number(&json, "looks", result->looks);
	if (*result->core)
		cn_json_string(&json, "core", result->core);
	longest_json(&json, "poll", &result->poll, result->cli->max_poll_us);
	longest_json(&json, "scheduled", &result->scheduled, result->cli->max_scheduled_us);
	cn_json_string(&json, "on", cn_class_name(result->cli->on));
	cn_json_array(&json, "findings");
	for (size_t i = 0; i < result->n_findings; i++)
		cn_finding_json(&json, result->session, &result->findings[i]);
	cn_json_end(&json);
	cn_json_end(&json);
}

/* ----------------------------------------------------------------------- JUnit */

/* As text of XML: ASCII alone, and nothing that a parser would take for its own. */
static void xml(FILE *out, const char *text)
{
	char safe[1024];

	for (const char *p = cn_text_safe(safe, sizeof safe, text, true); *p; p++) {
		switch (*p) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*p, out);
		}
	}
}

static void test_case(FILE *out, const struct cn_run_result *result, const char *name, const char *failure)
{
	fputs("  <testcase classname=\"", out);
	xml(out, cn_path_base(result->cli->command[0]));
	fprintf(out, "\" name=\"%s\" time=\"%.3f\"", name, (double)result->duration_ns / 1e9);
	if (!failure) {
		fputs("/>\n", out);
		return;
	}
	fputs("><failure message=\"", out);
	xml(out, failure);
	fputs("\"/></testcase>\n", out);
}

static const char *of_longest(char text[256], const struct cn_run_longest *of, uint32_t budget_us)
{
	char time[CN_FORMAT_BYTES];

	snprintf(text, 256, "at least %s: %s %s", cn_format_ns(time, of->ns), of->task, of->place);
	return over(of, budget_us) ? text : NULL;
}

static const char *of_findings(char text[1024], const struct cn_run_result *result, enum cn_class least)
{
	size_t n = 0;

	for (size_t i = 0; i < result->n_findings && n < 1000; i++) {
		const struct cn_finding *f = &result->findings[i];
		int more = f->class < least ? 0
					    : snprintf(text + n, 1024 - n, "%s%s %s: %s at %s:%u", n ? "; " : "",
						      cn_class_name(f->class), cn_finding_title(f->code), cn_safe(f->task_name),
						      cn_safe(f->file), f->line);

		n += more > 0 ? (size_t)more : 0;
	}
	return n ? text : NULL;
}

static void print_junit(FILE *out, const struct cn_run_result *result)
{
	const struct cn_cli *cli = result->cli;
	const bool ended_badly = result->outcome != CN_RUN_WELL && result->outcome < CN_RUN_FINDINGS;
	char end[64], poll[256], scheduled[256], found[1024];
	const char *too_long = of_longest(poll, &result->poll, cli->max_poll_us);
	const char *too_late = of_longest(scheduled, &result->scheduled, cli->max_scheduled_us);
	const char *wrong = of_findings(found, result, cli->on);
	const bool leaks = result->outcome == CN_RUN_LEAKS;

	snprintf(end, sizeof end, "%s, status %d", cn_run_text(result->outcome), result->exit);
	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"rouse run\" tests=\"%d\" failures=\"%d\">\n",
		2 + !!cli->max_poll_us + !!cli->max_scheduled_us + cli->no_leaks,
		ended_badly + !!wrong + !!too_long + !!too_late + leaks);
	test_case(out, result, "end", ended_badly ? end : NULL);
	test_case(out, result, "findings", wrong);
	if (cli->max_poll_us)
		test_case(out, result, "max-poll", too_long);
	if (cli->max_scheduled_us)
		test_case(out, result, "max-scheduled", too_late);
	if (cli->no_leaks)
		test_case(out, result, "no-leaks", leaks ? "something leaks" : NULL);
	fputs("</testsuite>\n", out);
}

void cn_run_report(FILE *out, const struct cn_run_result *result)
{
	static void (*const print[])(FILE * out, const struct cn_run_result *result) = { [CN_FORMAT_TEXT] = print_text,
		[CN_FORMAT_JSON] = print_json,
		[CN_FORMAT_JUNIT] = print_junit };

	print[result->cli->format](out, result);
}
