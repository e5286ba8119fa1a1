/* SPDX-License-Identifier: MIT */
#include "widget/format.h"

#include <stdio.h>

/*
 * `value` units of which `unit` make one shown, in three digits, rounded down:
 * a duration is never shown as longer than it was, and 999.99 of one unit never
 * becomes 1000.
 */
static void three_digits(char *out, uint64_t value, uint64_t unit, const char *suffix)
{
	const uint64_t whole = value / unit;
	const uint64_t rest = value % unit;

	if (whole < 10)
		snprintf(out, CN_FORMAT_BYTES, "%u.%02u%s", (unsigned int)whole, (unsigned int)(rest / (unit / 100)),
			suffix);
	else if (whole < 100)
		snprintf(out, CN_FORMAT_BYTES, "%u.%u%s", (unsigned int)whole, (unsigned int)(rest / (unit / 10)),
			suffix);
	else
		snprintf(out, CN_FORMAT_BYTES, "%u%s", (unsigned int)whole, suffix);
}

static void two_units(char *out, uint64_t seconds, uint64_t big, char big_name, uint64_t small, char small_name)
{
	snprintf(out, CN_FORMAT_BYTES, "%u%c%02u%c", (unsigned int)(seconds / big), big_name,
		(unsigned int)(seconds % big / small), small_name);
}

const char *cn_format_ns(char out[CN_FORMAT_BYTES], uint64_t ns)
{
	const uint64_t s = ns / 1000000000u;

	if (ns == 0)
		snprintf(out, CN_FORMAT_BYTES, "0");
	else if (ns < 1000)
		snprintf(out, CN_FORMAT_BYTES, "%uns", (unsigned int)ns);
	else if (ns < 1000000)
		three_digits(out, ns, 1000, "us");
	else if (s == 0)
		three_digits(out, ns, 1000000, "ms");
	else if (s < 60)
		three_digits(out, ns, 1000000000u, "s");
	else if (s < 3600)
		two_units(out, s, 60, 'm', 1, 's');
	else if (s < 86400)
		two_units(out, s, 3600, 'h', 60, 'm');
	else if (s < 100 * 86400)
		two_units(out, s, 86400, 'd', 3600, 'h');
	else
		snprintf(out, CN_FORMAT_BYTES, "%ud", (unsigned int)(s / 86400));
	return out;
}

const char *cn_format_count(char out[CN_FORMAT_BYTES], uint64_t count)
{
	static const struct {
		uint64_t unit;
		const char *suffix;
	} scale[] = { { 1000, "k" }, { 1000000, "M" }, { 1000000000u, "G" }, { 1000000000000u, "T" },
		{ 1000000000000000u, "P" }, { 1000000000000000000u, "E" } };
	unsigned int i = 0;

	if (count < 10000) {
		snprintf(out, CN_FORMAT_BYTES, "%u", (unsigned int)count);
		return out;
	}
	while (i + 1 < sizeof scale / sizeof scale[0] && count >= scale[i + 1].unit)
		i++;
	three_digits(out, count, scale[i].unit, scale[i].suffix);
	return out;
}

const char *cn_format_share(char out[CN_FORMAT_BYTES], uint64_t part, uint64_t whole)
{
	const double share = whole ? 100.0 * (double)part / (double)whole : 0;

	if (whole == 0)
		snprintf(out, CN_FORMAT_BYTES, "-");
	else if (part >= whole)
		snprintf(out, CN_FORMAT_BYTES, "100%%");
	else if (share > 99)
		snprintf(out, CN_FORMAT_BYTES, ">99%%");
	else if (part && share < 1)
		snprintf(out, CN_FORMAT_BYTES, "<1%%");
	else
		snprintf(out, CN_FORMAT_BYTES, "%u%%", (unsigned int)share);
	return out;
}
