/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "export/text.h"
#include "model/kernel.h"

enum { LONG_BASE = 256 };

static const struct {
	const char *name;
	char letter;
	const char *argument;
} options[] = {
#define X(name, text, letter, argument, help) { text, letter, argument },
	CN_OPTIONS(X)
#undef X
};

static int argument_of(int option)
{
	const char *argument = options[option].argument;

	return !argument ? no_argument : *argument == '[' ? optional_argument : required_argument;
}

/* ------------------------------------------------------------------ values */

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

static bool take_source(const char *text, enum cn_source_kind *ret_kind)
{
	static const char *const kinds[] = {
		[CN_SOURCE_ANY] = "auto", [CN_SOURCE_SOCKET] = "socket", [CN_SOURCE_MEMORY] = "memory",
		[CN_SOURCE_CORE] = "core"
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(text, kinds[i]) == 0) {
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

struct wanted {
	enum cn_depth color;
	bool ascii;
};

static bool take(enum cn_option option, const char *text, struct cn_cli *cli, struct wanted *wanted)
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
	case CN_OPTION_JSON:
		return cli->json = true;
	case CN_OPTION_BATCH:
		return cli->batch = true;
	case CN_OPTION_ASCII:
		return wanted->ascii = true;
	case CN_OPTION_EXEC:
		cli->exec = text;
		return *text;
	case CN_OPTION_OPENMETRICS:
		return true;
	case CN_OPTION_LISTEN:
		cli->listen = text;
		return *text;
	case CN_OPTION_MIN_INTERVAL:
		return take_u32(text, 1000, 0, 3600e3, &cli->min_interval_ms);
	case CN_OPTION_KERNEL:
		return take_groups(text, &cli->kernel.groups);
	case CN_OPTION_ALL:
		return cli->all = true;
	case CN_OPTION_HELP:
		return cli->help = true;
	default:
		return false;
	}
}

/* ----------------------------------------------------------------- the line */

/* The tables of getopt, for what this verb takes. */
static void tables(const struct cn_verb *verb, struct option *longs, char *letters)
{
	*letters++ = '+'; /* in order: what follows the target may look like an option to others */
	*letters++ = ':';
	for (int i = 0; i < CN_OPTION_MAX; i++) {
		if (!(verb->options & 1ull << i))
			continue;
		*longs++ = (struct option){ options[i].name, argument_of(i), NULL, LONG_BASE + i };
		if (!options[i].letter)
			continue;
		*letters++ = options[i].letter;
		if (options[i].argument)
			*letters++ = ':';
	}
	*longs = (struct option){ 0 };
	*letters = 0;
}

static int option_of(int code)
{
	if (code >= LONG_BASE)
		return code - LONG_BASE;
	for (int i = 0; i < CN_OPTION_MAX; i++)
		if (options[i].letter && options[i].letter == code)
			return i;
	return -1;
}

static int misuse(const struct cn_verb *verb, const char *what, const char *which)
{
	const bool named = *verb->name;

	return cn_fail(CN_EXIT_USAGE, "%s%s%s %s; see `rouse %s%s--help`", verb->name, named ? ": " : "", what,
		cn_safe(which), verb->name, named ? " " : "");
}

static int one_option(int code, char **argv, struct cn_cli *cli, struct wanted *wanted)
{
	int option = option_of(code);
	char refused[64];

	if (code == ':')
		return misuse(cli->verb, "a value is missing after", argv[optind - 1]);
	if (code == '?' || option < 0)
		return misuse(cli->verb, "it does not take", argv[optind - 1]);
	cli->given |= 1ull << option;
	if (take((enum cn_option)option, optarg, cli, wanted))
		return CN_EXIT_OK;
	snprintf(refused, sizeof refused, "--%s cannot be", options[option].name);
	return misuse(cli->verb, refused, optarg && *optarg ? optarg : "empty");
}

static int positional(struct cn_cli *cli, char *const *words, int n)
{
	const int least = cli->verb->arguments_min - (cli->frames != NULL);

	if (n < least && !cli->help)
		return misuse(cli->verb, "it needs", cli->verb->arguments);
	if (n > cli->verb->arguments_max)
		return misuse(cli->verb, "there is nothing to do with", words[cli->verb->arguments_max]);
	/* A file of frames stands for the target: what is said is the task. */
	cli->target = n > 0 && !cli->frames ? words[0] : NULL;
	cli->task = n > 1 ? words[1] : cli->frames && n > 0 ? words[0] : NULL;
	return CN_EXIT_OK;
}

/* Options may stand before and after the arguments. */
int cn_options_parse(int argc, char **argv, const struct cn_verb *verb, struct cn_cli *ret_cli)
{
	struct cn_cli cli = { .verb = verb, .timeout_ms = 5000, .interval_ms = 250, .delay_ms = 1000 };
	struct wanted wanted = { .color = CN_DEPTH_AUTO };
	struct option longs[CN_OPTION_MAX + 1];
	char letters[2 * CN_OPTION_MAX + 4];
	char *words[4];
	int n = 0, rc;

	tables(verb, longs, letters);
	opterr = 0;
	optind = 1;
	while (optind < argc) {
		int code = getopt_long(argc, argv, letters, longs, NULL);

		if (code == -1 && optind < argc) {
			if (n == (int)(sizeof words / sizeof words[0]))
				break;
			words[n++] = argv[optind++];
			continue;
		}
		if (code == -1)
			break;
		rc = one_option(code, argv, &cli, &wanted);
		if (rc)
			return rc;
	}
	rc = positional(&cli, words, n);
	if (rc)
		return rc;
	cn_paint_init(&cli.paint, stdout, wanted.color, wanted.ascii);
	*ret_cli = cli;
	return CN_EXIT_OK;
}
