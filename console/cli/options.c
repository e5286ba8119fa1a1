/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/settings.h"
#include "config/nearest.h"
#include "export/text.h"
#include "model/kernel.h"

enum { LONG_BASE = 256, WORDS_MAX = CN_SEATS_MAX + 1 };

static const struct {
	const char *name;
	char letter;
	const char *argument, *help;
} options[] = {
#define X(name, text, letter, argument, help) { text, letter, argument, help },
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
	char *end;
	double value = *text >= '0' && *text <= '9' ? strtod(text, &end) : -1;
	const char *unit = value >= 0 && *end ? strchr(units, *end) : NULL;

	if (value < 0 || (*end && (!unit || end[1])))
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

struct wanted {
	enum cn_depth color;
	bool ascii;
};

/* Options that take nothing. */
static bool take_flag(enum cn_option option, struct cn_cli *cli, struct wanted *wanted)
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
	struct wanted wanted = { .color = CN_DEPTH_AUTO };

	return take(option, text, &scratch, &wanted);
}

/* ------------------------------------------------------------------- the table */

const char *cn_option_text(unsigned int option)
{
	return option < CN_OPTION_MAX ? options[option].name : NULL;
}

const char *cn_option_help(unsigned int option)
{
	return options[option].help;
}

char cn_option_letter(unsigned int option)
{
	return options[option].letter;
}

const char *cn_option_argument(unsigned int option)
{
	return options[option].argument;
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

/* One that takes an option of this name. */
static const char *verb_with(const char *name)
{
	size_t n;
	const struct cn_verb *verbs = cn_verbs(&n);

	for (size_t i = 0; i < n; i++)
		for (unsigned int k = 0; k < CN_OPTION_MAX; k++)
			if (verbs[i].options & 1ull << k && strcmp(options[k].name, name) == 0)
				return verbs[i].name;
	return NULL;
}

/* The option that was meant, of those that the verb takes. */
static int strange(const struct cn_verb *verb, const char *word)
{
	const char *names[CN_OPTION_MAX], *meant;
	char what[80];

	for (unsigned int i = 0; i < CN_OPTION_MAX; i++)
		names[i] = verb->options & 1ull << i ? options[i].name : NULL;
	meant = strncmp(word, "--", 2) == 0 ? cn_nearest(word + 2, names, CN_OPTION_MAX) : NULL;
	if (!meant && !*verb->name && word[0] == '-' && word[1] == '-' && verb_with(word + 2))
		return cn_fail(CN_EXIT_USAGE, "%s goes with a verb, as in `rouse %s %s`; see `rouse --help`", cn_safe(word),
			verb_with(word + 2), cn_safe(word));
	if (!meant)
		return misuse(verb, "it does not take", word);
	snprintf(what, sizeof what, "did you mean --%.20s? It does not take", meant);
	return misuse(verb, what, word);
}

/* The first pass looks for settings, which are applied before all else; the second takes the rest. */
enum pass { SETTINGS, REST };
enum { SETS_MAX = 64 };
struct line {
	enum pass pass;
	struct cn_cli *cli;
	struct wanted *wanted;
	const char *config; /* path, NULL = none was said */
	const char *sets[SETS_MAX];
	size_t n_sets;
};

static int note_setting(struct line *line, int option)
{
	if (option == CN_OPTION_CONFIG)
		line->config = optarg;
	if (option != CN_OPTION_SET)
		return CN_EXIT_OK;
	if (line->n_sets == SETS_MAX)
		return misuse(line->cli->verb, "too many settings, the first too many is", optarg);
	line->sets[line->n_sets++] = optarg;
	return CN_EXIT_OK;
}

/* Where there is a choice, it is named. */
static int refuse(const struct cn_verb *verb, int option, const char *value)
{
	char words[256] = "", what[64];
	const char *word;
	size_t used = 0;

	for (unsigned int i = 0; (word = cn_option_word((unsigned int)option, i)) && used < sizeof words; i++)
		used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i ? ", " : "", word);
	snprintf(what, sizeof what, "--%s cannot be", options[option].name);
	if (!*words)
		return misuse(verb, what, value);
	return cn_fail(CN_EXIT_USAGE, "%s%s%s %s: it is one of %s; see `rouse %s%s--help`", verb->name,
		*verb->name ? ": " : "", what, cn_safe(value), words, verb->name, *verb->name ? " " : "");
}

static int one_option(int code, char **argv, struct line *line)
{
	struct cn_cli *cli = line->cli;
	int option = option_of(code);

	if (code == ':')
		return misuse(cli->verb, "a value is missing after", argv[optind - 1]);
	if (code == '?' || option < 0)
		return strange(cli->verb, argv[optind - 1]);
	if (line->pass == SETTINGS)
		return note_setting(line, option);
	cli->given |= 1ull << option;
	if (take((enum cn_option)option, optarg, cli, line->wanted))
		return CN_EXIT_OK;
	return refuse(cli->verb, option, optarg && *optarg ? optarg : "empty");
}

static int positional(struct cn_cli *cli, char *const *words, int n)
{
	const int least = cli->verb->arguments_min - (cli->frames != NULL);

	if (n < least && !cli->help)
		return misuse(cli->verb, "it needs", cli->verb->arguments);
	if (!*cli->verb->name && n > 0 && cn_verb_of(words[0]))
		return misuse(cli->verb, "options of a verb come after it, not before", words[0]);
	if (cli->verb->arguments_max < 0)
		return CN_EXIT_OK;
	if (n > cli->verb->arguments_max)
		return misuse(cli->verb, "there is nothing to do with", words[cli->verb->arguments_max]);
	/* A file of frames stands for the target: what is said is the task. */
	cli->target = n > 0 && !cli->frames ? words[0] : NULL;
	for (int i = 1; i < n && i < CN_SEATS_MAX; i++)
		cli->more[cli->n_more++] = words[i];
	cli->task = n > 1 ? words[1] : cli->frames && n > 0 ? words[0] : NULL;
	return CN_EXIT_OK;
}

/* Options may stand before and after the arguments. */
static int walk(int argc, char **argv, struct line *line, char **words, int room, int *ret_n)
{
	struct option longs[CN_OPTION_MAX + 1];
	char letters[2 * CN_OPTION_MAX + 4];
	int rc = CN_EXIT_OK;

	tables(line->cli->verb, longs, letters);
	opterr = 0;
	optind = 0; /* anew */
	*ret_n = 0;
	while (rc == CN_EXIT_OK) {
		int code = getopt_long(argc, argv, letters, longs, NULL);

		if (code != -1)
			rc = one_option(code, argv, line);
		else if (line->cli->verb->arguments_max < 0) {
			line->cli->command = argv + optind;
			*ret_n = argc - optind;
			break;
		} else if (optind < argc && *ret_n < room)
			words[(*ret_n)++] = argv[optind++];
		else
			break;
	}
	return rc;
}

/* What is set, as if it had been said; the line itself comes after it. */
static int apply(const struct cn_config *config, struct cn_cli *cli, struct wanted *wanted)
{
	for (size_t i = 0; i < cn_setting_count(); i++) {
		const struct cn_setting *setting = cn_setting_at(i);
		const char *text = config->values[i].text;

		if (!text || setting->option < 0 || !(cli->verb->options & 1ull << setting->option))
			continue;
		if (setting->kind == CN_TOML_BOOL && strcmp(text, "false") == 0)
			continue;
		cli->given |= 1ull << setting->option;
		if (!take((enum cn_option)setting->option, text, cli, wanted))
			return misuse(cli->verb, "this cannot be set:", text);
	}
	cn_config_apply(config, &cli->diagnose, &cli->theme, cli->preferences);
	return CN_EXIT_OK;
}

static int settle(struct line *line)
{
	struct cn_cli *cli = line->cli;
	int rc;

	if (!(cli->verb->options & CN_TAKES(CONFIG)))
		return CN_EXIT_OK;
	cli->config = calloc(1, sizeof *cli->config);
	cli->preferences = calloc(1, sizeof *cli->preferences);
	if (!cli->config || !cli->preferences)
		return cn_fail(CN_EXIT_INCOMPLETE, "no memory for the settings");
	rc = cn_config_read(line->config, cli->config);
	for (size_t i = 0; rc == CN_EXIT_OK && i < line->n_sets; i++)
		rc = cn_config_set(cli->config, line->sets[i]);
	return rc ? rc : apply(cli->config, cli, line->wanted);
}

void cn_cli_free(struct cn_cli *cli)
{
	cn_config_free(cli->config);
	free(cli->config);
	free(cli->preferences);
	cli->config = NULL;
	cli->preferences = NULL;
}

int cn_options_parse(int argc, char **argv, const struct cn_verb *verb, struct cn_cli *ret_cli)
{
	struct cn_cli cli = { .verb = verb, .timeout_ms = 5000, .interval_ms = 250, .delay_ms = 1000 };
	struct wanted wanted = { .color = CN_DEPTH_AUTO };
	struct line line = { .cli = &cli, .wanted = &wanted };
	char *words[WORDS_MAX];
	int n = 0, rc;

	rc = walk(argc, argv, &line, words, WORDS_MAX, &n);
	if (rc == CN_EXIT_OK)
		rc = settle(&line);
	line.pass = REST;
	if (rc == CN_EXIT_OK)
		rc = walk(argc, argv, &line, words, WORDS_MAX, &n);
	if (rc == CN_EXIT_OK)
		rc = positional(&cli, words, n);
	if (rc) {
		cn_cli_free(&cli);
		return rc;
	}
	cn_style_use(&cli.theme);
	cn_paint_init(&cli.paint, stdout, wanted.color, wanted.ascii);
	*ret_cli = cli;
	return CN_EXIT_OK;
}
