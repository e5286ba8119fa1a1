/* SPDX-License-Identifier: MIT */
/* Thresholds by name: how they are written, and what they are if nobody says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/finding.h"

static const struct {
	const char *text, *help;
	enum cn_threshold_unit unit;
	uint64_t standard;
} thresholds[] = {
#define X(name, text, unit, standard, help) { text, help, CN_UNIT_##unit, (standard) },
	CN_THRESHOLDS(X)
#undef X
};

static uint64_t *member(struct cn_diagnose_opts *opts, unsigned int threshold)
{
	switch (threshold) {
#define X(name, text, unit, standard, help)                                                                            \
	case CN_THRESHOLD_##name:                                                                                      \
		return &opts->name;
		CN_THRESHOLDS(X)
#undef X
	default:
		return NULL;
	}
}

/* Nanoseconds of a unit's name; 0 = there is none of that name. */
static double scale_of(const char *unit)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "", 1e9 }, { "m", 60e9 },
		{ "h", 3600e9 } };

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(unit, units[i].name) == 0)
			return units[i].ns;
	return 0;
}

static int parse(const char *text, enum cn_threshold_unit unit, uint64_t *ret_value)
{
	char *end;
	double value;

	if (!(*text >= '0' && *text <= '9') && *text != '.')
		return -EINVAL;
	value = strtod(text, &end);
	if (unit == CN_UNIT_NS)
		value *= scale_of(end);
	else if (*end)
		return -EINVAL;
	if (!(value >= 1 && value < 1e19))
		return -EINVAL;
	*ret_value = (uint64_t)value;
	return 0;
}

int cn_time_parse(const char *text, uint64_t *ret_ns)
{
	return parse(text, CN_UNIT_NS, ret_ns);
}

int cn_threshold_set(struct cn_diagnose_opts *opts, const char *text)
{
	const char *equals = strchr(text, '=');

	for (unsigned int i = 0; equals && i < CN_THRESHOLD_MAX; i++)
		if (strlen(thresholds[i].text) == (size_t)(equals - text) &&
			strncmp(thresholds[i].text, text, (size_t)(equals - text)) == 0)
			return parse(equals + 1, thresholds[i].unit, member(opts, i));
	return -EINVAL;
}

uint64_t cn_threshold_get(const struct cn_diagnose_opts *opts, unsigned int threshold)
{
	switch (threshold) {
#define X(name, text, unit, standard, help)                                                                            \
	case CN_THRESHOLD_##name:                                                                                      \
		return opts->name;
		CN_THRESHOLDS(X)
#undef X
	default:
		return 0;
	}
}

const char *cn_threshold_text(unsigned int threshold)
{
	return threshold < CN_THRESHOLD_MAX ? thresholds[threshold].text : "unknown";
}

const char *cn_threshold_help(unsigned int threshold)
{
	return threshold < CN_THRESHOLD_MAX ? thresholds[threshold].help : "";
}

enum cn_threshold_unit cn_threshold_unit(unsigned int threshold)
{
	return threshold < CN_THRESHOLD_MAX ? thresholds[threshold].unit : CN_UNIT_COUNT;
}

uint64_t cn_threshold_standard(unsigned int threshold)
{
	return threshold < CN_THRESHOLD_MAX ? thresholds[threshold].standard : 0;
}
