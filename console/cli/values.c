/* SPDX-License-Identifier: MIT */
#include "cli/values.h"

#include <stdlib.h>
#include <string.h>

#include "model/kernel.h"

/* Decimal, with a fraction if `scale` > 1: the number times scale, within bounds. */
static bool number(const char *text, double scale, double least, double most, double *ret_value)
{
	char *end;
	double value = strtod(text, &end) * scale;

	if (!*text || *end || !(value >= least && value <= most))
		return false;
	*ret_value = value;
	return true;
}

static bool take_u32(const char *text, double scale, double least, double most, uint32_t *ret_value)
{
	double value;

	if (!number(text, scale, least, most, &value))
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

static const char *const sources[] = { [CN_SOURCE_ANY] = "auto", [CN_SOURCE_SOCKET] = "socket",
	[CN_SOURCE_MEMORY] = "memory", [CN_SOURCE_CORE] = "core",
	[CN_SOURCE_RECORDING] = "recording" };

static bool take_source(const char *text, enum cn_source_kind *ret_kind)
{
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		if (strcmp(text, sources[i]) == 0) {
			*ret_kind = (enum cn_source_kind)i;
			return true;
		}
	}
	return false;
}

static bool take_class(const char *text, enum cn_class *ret_class)
{
	for (unsigned int i = 0; i < CN_CLASS_MAX; i++) {
		if (strcmp(text, cn_class_name(i)) == 0) {
			*ret_class = (enum cn_class)i;
			return true;
		}
	}
	return false;
}

/* Words of groups; NULL: those that cost little. */
static bool take_groups(const char *text, uint32_t *ret_groups)
{
	uint32_t groups = 0;

	if (!text)
		text = "sched,syscalls,faults";
	for (size_t n; *text; text += text[n] == ',' ? n + 1 : n) {
		uint32_t before = groups;

		n = strcspn(text, ",");
		for (unsigned int i = CN_KERNEL_NONE + 1; i < CN_KERNEL_GROUP_MAX; i++) {
			const char *word = cn_kernel_group_word((enum cn_kernel_group)i);

			if ((n == strlen(word) && strncmp(text, word, n) == 0) ||
				(n == 3 && strncmp(text, "all", n) == 0))
				groups |= 1u << i;
		}
		if (groups == before)
			return false;
	}
	*ret_groups = groups;
	return groups;
}

/* With its unit; without one it is in seconds. In units of so many ns, within bounds. */
static bool take_time(const char *text, uint64_t unit_ns, double least, double most, uint32_t *ret_value)
{
	uint64_t ns;

	if (cn_time_parse(text, &ns) || !((double)ns / (double)unit_ns >= least && (double)ns / (double)unit_ns <= most))
		return false;
	*ret_value = (uint32_t)(ns / unit_ns);
	return true;
}

static const char *const formats[] = { [CN_FORMAT_TEXT] = "text", [CN_FORMAT_JSON] = "json", [CN_FORMAT_JUNIT] = "junit" };

static bool take_format(const char *text, enum cn_format *ret_format)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		if (strcmp(text, formats[i]) == 0) {
			*ret_format = (enum cn_format)i;
			return true;
		}
	}
	return false;
}

static bool take_table(const char *text, enum cn_csv_table *ret_table)
{
	for (unsigned int i = 0; i < CN_CSV_TABLE_MAX; i++) {
		if (!text || strcmp(text, cn_csv_table_text(i)) == 0) {
			*ret_table = (enum cn_csv_table)i;
			return true;
		}
	}
	return false;
}

static bool take_at(const char *text, int64_t *ret_ns)
{
	uint64_t ns;

	const char *span = text + (*text == '-');

	if (strcmp(span, "0") == 0 || strcmp(span, "0s") == 0)
		ns = 0;
	else if (cn_time_parse(span, &ns) || ns > INT64_MAX / 2)
		return false;
	*ret_ns = *text == '-' ? -(int64_t)ns - 1 : (int64_t)ns; /* -0 is the end, too */
	return true;
}

/* "256M": with or without a unit. */
static bool take_bytes(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	const bool begins = *text >= '0' && *text <= '9'; /* strtod() takes blanks and signs, too */
	char *end = (char *)text;
	double value = strtod(text, &end);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (!begins || (*end && (!unit || end[1])))
		return false;
	for (const char *at = units; unit && at <= unit; at++)
		value *= 1024;
	if (value < 1 << 20 || value > 1e15)
		return false;
	*ret_bytes = (uint64_t)value;
	return true;
}

static bool is_reason(const char *text)
{
	if (strcmp(text, "finding") == 0)
		return true;
	for (unsigned int i = 0; strncmp(text, "finding=", 8) == 0 && i < CN_FINDING_CODE_MAX; i++)
		if (strcmp(text + 8, cn_finding_text(i)) == 0)
			return true;
	return false;
}

/* Options that take nothing. */
static bool take_flag(enum cn_option option, struct cn_cli *cli, struct cn_wanted *wanted)
{
	switch (option) {
	case CN_OPTION_JSON:
		return cli->json = true;
	case CN_OPTION_BATCH:
		return cli->batch = true;
	case CN_OPTION_ASCII:
		return wanted->ascii = true;
	case CN_OPTION_NO_MOUSE:
		return cli->no_mouse = true;
	case CN_OPTION_ALL:
		return cli->all = true;
	case CN_OPTION_PRINT_DEFAULT:
		return cli->print_default = true;
	case CN_OPTION_HELP:
		return cli->help = true;
	case CN_OPTION_OPENMETRICS:
	case CN_OPTION_FOLDED:
	case CN_OPTION_PERFETTO:
		return true;
	default:
		return false;
	}
}

/* Those of recordings. */
static bool take_of_recordings(enum cn_option option, const char *text, struct cn_cli *cli)
{
	switch (option) {
	case CN_OPTION_AT:
		return take_at(text, &cli->at_ns);
	case CN_OPTION_RECORD:
		cli->record = text;
		return *text;
	case CN_OPTION_LAST:
		return cn_time_parse(text, &cli->last_ns) == 0 && cli->last_ns;
	case CN_OPTION_RING:
		return take_bytes(text, &cli->ring_bytes);
	case CN_OPTION_UNTIL:
		cli->until = text;
		return is_reason(text);
	case CN_OPTION_RING_EVENTS:
		return cli->events = true;
	default:
		return false;
	}
}

bool cn_option_take(enum cn_option option, const char *text, struct cn_cli *cli, struct cn_wanted *wanted)
{
	double value = 0;

	switch (option) {
	case CN_OPTION_SOURCE:
		return take_source(text, &cli->source);
	case CN_OPTION_TIMEOUT:
		return take_u32(text, 1, 1, 3600e3, &cli->timeout_ms);
	case CN_OPTION_LOOKS:
		return take_u32(text, 1, 1, 1000, &cli->looks);
	case CN_OPTION_INTERVAL:
		return take_u32(text, 1, 10, 3600e3, &cli->interval_ms);
	case CN_OPTION_FAIL_ON:
		return take_class(text, &cli->fail_on);
	case CN_OPTION_THRESHOLD:
		return cn_threshold_set(&cli->diagnose, text) == 0;
	case CN_OPTION_COUNT:
		if (!number(text, 1, 1, 1e9, &value))
			return false;
		cli->count = (unsigned long)value;
		return true;
	case CN_OPTION_DELAY:
		return take_u32(text, 1000, 10, 3600e3, &cli->delay_ms);
	case CN_OPTION_RETENTION:
		return take_u32(text, 1000, 0, 3600e3, &cli->retention_ms);
	case CN_OPTION_LEVEL:
		if (!take_u32(text, 1, 0, 2, &cli->level))
			return false;
		cli->level++;
		return true;
	case CN_OPTION_COLOR:
		return cn_term_parse_depth(text, &wanted->color) == 0;
	case CN_OPTION_FRAMES:
		cli->frames = text;
		return true;
	case CN_OPTION_WHERE:
		cli->where = text;
		return true;
	case CN_OPTION_EXEC:
		cli->exec = text;
		return *text;
	case CN_OPTION_BY:
		cli->by = strcmp(text, "busy") == 0 ? CN_CHAINS_BY_BUSY : CN_CHAINS_BY_TASKS;
		return cli->by == CN_CHAINS_BY_BUSY || strcmp(text, "tasks") == 0;
	case CN_OPTION_CSV:
		return take_table(text, &cli->csv);
	case CN_OPTION_LIMIT:
		return take_time(text, 1000000, 1, 24 * 3600e3, &cli->limit_ms);
	case CN_OPTION_MAX_POLL:
		return take_time(text, 1000, 1, 3600e6, &cli->max_poll_us);
	case CN_OPTION_MAX_SCHEDULED:
		return take_time(text, 1000, 1, 3600e6, &cli->max_scheduled_us);
	case CN_OPTION_NO_LEAKS:
		return cli->no_leaks = true;
	case CN_OPTION_ON:
		return take_class(strcmp(text, "finding") == 0 ? cn_class_name(CN_SUSPECT) : text, &cli->on);
	case CN_OPTION_REPORT:
		cli->report = text;
		return *text;
	case CN_OPTION_FORMAT:
		return take_format(text, &cli->format);
	case CN_OPTION_OUTPUT:
		cli->output = text;
		return *text;
	case CN_OPTION_FOR:
		return take_time(text, 1000000, 10, 24 * 3600e3, &cli->for_ms);
	case CN_OPTION_LISTEN:
		cli->listen = text;
		return *text;
	case CN_OPTION_MIN_INTERVAL:
		return take_u32(text, 1000, 0, 3600e3, &cli->min_interval_ms);
	case CN_OPTION_KERNEL:
		return take_groups(text, &cli->kernel.groups);
	case CN_OPTION_THEME:
		return cn_theme_parse(text, &cli->theme.base) == 0;
	case CN_OPTION_CONFIG:
	case CN_OPTION_SET:
		return *text; /* taken in the first pass */
	default:
		return take_flag(option, cli, wanted) || take_of_recordings(option, text, cli);
	}
}

bool cn_option_check(enum cn_option option, const char *text)
{
	struct cn_cli scratch = { 0 };
	struct cn_wanted wanted = { .color = CN_DEPTH_AUTO };

	return cn_option_take(option, text, &scratch, &wanted);
}

const char *cn_option_word(unsigned int option, unsigned int i)
{
	switch (option) {
	case CN_OPTION_SOURCE:
		return i < sizeof sources / sizeof sources[0] ? sources[i] : NULL;
	case CN_OPTION_FAIL_ON:
		return i < CN_CLASS_MAX ? cn_class_name(i) : NULL;
	case CN_OPTION_COLOR:
		return cn_term_depth_word(i);
	case CN_OPTION_THEME:
		return cn_theme_name(i);
	case CN_OPTION_LEVEL:
		return i < 3 ? (const char *const[]){ "0", "1", "2" }[i] : NULL;
	case CN_OPTION_FORMAT:
		return i < sizeof formats / sizeof formats[0] ? formats[i] : NULL;
	case CN_OPTION_CSV:
		return i < CN_CSV_TABLE_MAX ? cn_csv_table_text(i) : NULL;
	case CN_OPTION_BY:
		return i < 2 ? (const char *const[]){ "tasks", "busy" }[i] : NULL;
	case CN_OPTION_ON:
		return i < 3 ? (const char *const[]){ "finding", cn_class_name(CN_LIKELY), cn_class_name(CN_PROVEN) }[i] : NULL;
	case CN_OPTION_KERNEL:
		return i + 1 < CN_KERNEL_GROUP_MAX ? cn_kernel_group_word((enum cn_kernel_group)(i + 1))
		       : i + 1 == CN_KERNEL_GROUP_MAX ? "all"
						      : NULL;
	default:
		return NULL;
	}
}
