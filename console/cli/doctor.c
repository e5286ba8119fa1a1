/* SPDX-License-Identifier: MIT */
/* What this machine lets one see, and of a target by which source. */
#include "cli/doctor.h"

#include <stdarg.h>
#include <string.h>

#include "export/text.h"

enum { NAME_COLUMNS = 12 };

const char *cn_health_name(enum cn_health health)
{
	static const char *const names[] = {
#define X(name, text) text,
		CN_HEALTHS(X)
#undef X
	};

	return names[health];
}

void cn_check_set(struct cn_check *check, enum cn_health health, const char *format, ...)
{
	va_list args;

	check->health = health;
	va_start(args, format);
	vsnprintf(check->text, sizeof check->text, format, args);
	va_end(args);
}

void cn_check_advise(struct cn_check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->advice, sizeof check->advice, format, args);
	va_end(args);
}

/* ---------------------------------------------------------------- printing */

static void print_check(const struct cn_paint *paint, const struct cn_check *check)
{
	static const struct {
		enum cn_style style;
		enum cn_glyph glyph;
	} signs[] = {
		[CN_HEALTH_YES] = { CN_STYLE_GOOD, CN_GLYPH_COMPLETE },
		[CN_HEALTH_PARTLY] = { CN_STYLE_SUSPECT, CN_GLYPH_SUSPECT },
		[CN_HEALTH_NO] = { CN_STYLE_PROVEN, CN_GLYPH_PANICKED },
		[CN_HEALTH_FACT] = { CN_STYLE_DIM, CN_GLYPH_DOT },
	};
	const int indent = 2 + 2 + NAME_COLUMNS;

	fputs("  ", paint->out);
	cn_paint_glyph(paint, signs[check->health].style, signs[check->health].glyph);
	fputc(' ', paint->out);
	cn_paint(paint, CN_STYLE_STRONG, "%-*s", NAME_COLUMNS, check->name);
	cn_paint_words(paint, CN_STYLE_PLAIN, indent, indent, cn_safe(check->text));
	if (!*check->advice)
		return;
	fprintf(paint->out, "%*s", indent, "");
	cn_paint_glyph(paint, CN_STYLE_DIM, CN_GLYPH_ARROW);
	fputc(' ', paint->out);
	cn_paint_words(paint, CN_STYLE_DIM, indent + 2, indent + 2, cn_safe(check->advice));
}

static void print_checks(const struct cn_paint *paint, const char *title, const struct cn_check *checks, size_t n)
{
	cn_paint(paint, CN_STYLE_TITLE, "%s", title);
	fputc('\n', paint->out);
	for (size_t i = 0; i < n; i++)
		print_check(paint, &checks[i]);
}

static void checks_json(struct cn_json *json, const char *key, const struct cn_check *checks, size_t n)
{
	cn_json_array(json, key);
	for (size_t i = 0; i < n; i++) {
		cn_json_object(json, NULL);
		cn_json_string(json, "name", checks[i].name);
		cn_json_string(json, "works", cn_health_name(checks[i].health));
		cn_json_string(json, "text", checks[i].text);
		cn_json_string(json, "advice", checks[i].advice);
		cn_json_end(json);
	}
	cn_json_end(json);
}

struct visit {
	struct cn_check machine[CN_CHECKS_MAX], target[CN_CHECKS_MAX];
	size_t n_machine, n_target;
};

static void print_json(const struct cn_cli *cli, const struct visit *visit, int code)
{
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_json_string(&json, "schema", "rouse/doctor/1");
	cn_json_string(&json, "version", ROUSE_VERSION);
	cn_json_number(&json, "layout", ROUSE_LAYOUT_VERSION);
	cn_json_number(&json, "exit", (uint64_t)code);
	checks_json(&json, "machine", visit->machine, visit->n_machine);
	if (cli->target) {
		cn_json_string(&json, "target", cli->target);
		checks_json(&json, "sources", visit->target, visit->n_target);
	}
	cn_json_end(&json);
}

int cn_verb_doctor(struct cn_cli *cli)
{
	struct visit visit = { .n_target = 0 };
	char title[256];
	int rc = CN_EXIT_OK;

	if (cli->target)
		rc = (int)cn_doctor_target(cli, visit.target, &visit.n_target);
	if (cli->target && !visit.n_target)
		return rc;
	visit.n_machine = cn_doctor_machine(visit.machine);
	if (!cli->target && visit.machine[0].health == CN_HEALTH_NO)
		rc = CN_EXIT_NOT_PERMITTED;
	if (cli->json) {
		print_json(cli, &visit, rc);
		return rc;
	}
	print_checks(&cli->paint, "This machine, and you", visit.machine, visit.n_machine);
	if (cli->target) {
		snprintf(title, sizeof title, "\n%s", cn_safe(cli->target));
		print_checks(&cli->paint, title, visit.target, visit.n_target);
	}
	return rc;
}
