/* SPDX-License-Identifier: MIT */
/*
 * Reads the part of TOML that a file of settings needs, strictly: whatever is
 * taken is TOML and means the same there. Debian has no parser of it for C.
 *
 *     # comment
 *     key = "text \u00e9"       strings of one line, "with escapes" or 'as they are'
 *     key = 1_000               numbers, decimal, also with a fraction
 *     key = true
 *     key = ["a", 'b']          lists of such values, also over several lines
 *     [table]                   bare and quoted keys, also dotted: a."b c" = 1
 *
 * Dates, tables in a value, arrays of tables and strings of several lines are
 * refused, and said to be.
 */
#ifndef CN_CONFIG_TOML_H
#define CN_CONFIG_TOML_H

#include <stddef.h>

enum { CN_TOML_PATH_BYTES = 128, CN_TOML_VALUE_BYTES = 4096 };

/* Both from 1; columns count characters. */
struct cn_toml_at {
	unsigned int line, column;
};

struct cn_toml_error {
	struct cn_toml_at at;
	char text[256]; /* safe to print */
};

enum cn_toml_kind { CN_TOML_STRING, CN_TOML_NUMBER, CN_TOML_BOOL, CN_TOML_LIST };

struct cn_toml_item {
	const char *table, *key; /* "" = before the first table; parts of dotted ones are joined by dots */
	enum cn_toml_kind kind;
	const char *text; /* of a list: its items, each with its NUL */
	size_t n;         /* items */
	struct cn_toml_at key_at, value_at;
};

/* Both answer 0, or -EINVAL with *error set; its place is that of what was read. */
struct cn_toml_sink {
	int (*table)(void *arg, const char *name, struct cn_toml_error *error);
	int (*item)(void *arg, const struct cn_toml_item *item, struct cn_toml_error *error);
};

/* Borrows `text`, which may be any bytes. 0, or -EINVAL with *ret_error set. What was told before it, was told. */
int cn_toml_read(const char *text, size_t n, const struct cn_toml_sink *sink, void *arg,
	struct cn_toml_error *ret_error);

#endif
