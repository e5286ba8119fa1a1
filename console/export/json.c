/* SPDX-License-Identifier: MIT */
#include "export/json.h"

#include <inttypes.h>
#include <math.h>

#include "widget/utf8.h"

enum { ROWS_DEPTH = 2 }; /* rows of the outer arrays stand on lines of their own */

void cn_json_init(struct cn_json *json, FILE *out)
{
	*json = (struct cn_json){ .out = out };
}

void cn_json_init_line(struct cn_json *json, FILE *out)
{
	*json = (struct cn_json){ .out = out, .line = true };
}

static void write_unit(FILE *out, uint32_t unit)
{
	fprintf(out, "\\u%04" PRIx32, unit);
}

static void write_character(FILE *out, const char *from, uint32_t code_point)
{
	char text[8] = "";

	if (code_point == CN_UTF8_BROKEN) {
		write_unit(out, (unsigned char)*from);
	} else if (code_point == '"' || code_point == '\\') {
		fprintf(out, "\\%c", (char)code_point);
	} else if (cn_utf8_width(code_point) >= 0 && code_point < 0x80) {
		fputc((char)code_point, out);
	} else if (code_point < 0x100 || (code_point < 0x10000 && cn_utf8_width(code_point) < 0)) {
		write_unit(out, code_point);
	} else if (cn_utf8_width(code_point) < 0) {
		write_unit(out, 0xd800 + ((code_point - 0x10000) >> 10));
		write_unit(out, 0xdc00 + ((code_point - 0x10000) & 0x3ff));
	} else {
		cn_utf8_put(text, code_point);
		fputs(text, out);
	}
}

static void write_string(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text) {
		const char *from = text;

		write_character(out, from, cn_utf8_next(&text));
	}
	fputc('"', out);
}

static void line_break(const struct cn_json *json)
{
	if (json->line || json->depth > ROWS_DEPTH)
		return;
	fputc('\n', json->out);
	for (unsigned int i = 0; i < json->depth; i++)
		fputs("  ", json->out);
}

/* Whatever must stand before a value. */
static void lead(struct cn_json *json, const char *key)
{
	if (json->depth) {
		bool *filled = &json->filled[json->depth - 1];

		if (*filled)
			fputs(json->line || json->depth > ROWS_DEPTH ? ", " : ",", json->out);
		*filled = true;
		line_break(json);
	}
	if (key) {
		write_string(json->out, key);
		fputs(": ", json->out);
	}
}

static void open_level(struct cn_json *json, const char *key, bool array)
{
	lead(json, key);
	fputc(array ? '[' : '{', json->out);
	json->array[json->depth] = array;
	json->filled[json->depth++] = false;
}

void cn_json_object(struct cn_json *json, const char *key)
{
	open_level(json, key, false);
}

void cn_json_array(struct cn_json *json, const char *key)
{
	open_level(json, key, true);
}

void cn_json_end(struct cn_json *json)
{
	bool filled = json->filled[--json->depth];

	if (filled && json->depth < ROWS_DEPTH)
		line_break(json);
	fputc(json->array[json->depth] ? ']' : '}', json->out);
	if (!json->depth)
		fputc('\n', json->out);
}

void cn_json_string(struct cn_json *json, const char *key, const char *value)
{
	lead(json, key);
	write_string(json->out, value);
}

void cn_json_id(struct cn_json *json, const char *key, uint64_t value)
{
	lead(json, key);
	fprintf(json->out, "\"%" PRIu64 "\"", value);
}

void cn_json_number(struct cn_json *json, const char *key, uint64_t value)
{
	lead(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void cn_json_real(struct cn_json *json, const char *key, double value)
{
	lead(json, key);
	if (isfinite(value))
		fprintf(json->out, "%.6g", value);
	else
		fputs("null", json->out);
}

void cn_json_bool(struct cn_json *json, const char *key, bool value)
{
	lead(json, key);
	fputs(value ? "true" : "false", json->out);
}

void cn_json_null(struct cn_json *json, const char *key)
{
	lead(json, key);
	fputs("null", json->out);
}
