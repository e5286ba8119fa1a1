/* SPDX-License-Identifier: MIT */
/*
 * JSON, written as it comes. The writer puts commas and line breaks; keys are
 * ours, strings are the target's: what is not printable UTF-8 becomes \u00XX,
 * a byte at a time. Ids are strings, for a number of 64 bits is none in most
 * readers.
 *
 *     cn_json_object(&json, NULL);
 *     cn_json_id(&json, "task", 17);
 *     cn_json_array(&json, "awaits");
 *     cn_json_string(&json, NULL, "echo");
 *     cn_json_end(&json);
 *     cn_json_end(&json);
 */
#ifndef CN_EXPORT_JSON_H
#define CN_EXPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CN_JSON_DEPTH = 16 };

struct cn_json {
	FILE *out;
	bool line; /* all of a document in one */
	unsigned int depth;
	bool array[CN_JSON_DEPTH];
	bool filled[CN_JSON_DEPTH];
};

void cn_json_init(struct cn_json *json, FILE *out);
/* For one document a line. */
void cn_json_init_line(struct cn_json *json, FILE *out);
/* `key` is NULL in an array and at the top. */
void cn_json_object(struct cn_json *json, const char *key);
void cn_json_array(struct cn_json *json, const char *key);
/* Ends the innermost object or array; the outermost with a newline. */
void cn_json_end(struct cn_json *json);
void cn_json_string(struct cn_json *json, const char *key, const char *value);
void cn_json_id(struct cn_json *json, const char *key, uint64_t value);
void cn_json_number(struct cn_json *json, const char *key, uint64_t value);
void cn_json_real(struct cn_json *json, const char *key, double value);
void cn_json_bool(struct cn_json *json, const char *key, bool value);
void cn_json_null(struct cn_json *json, const char *key);

#endif
