/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/settings.h"
#include "cli/values.h"
#include "config/nearest.h"
#include "export/text.h"

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
	struct cn_wanted *wanted;
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
	if (cn_option_take((enum cn_option)option, optarg, cli, line->wanted))
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
static int apply(const struct cn_config *config, struct cn_cli *cli, struct cn_wanted *wanted)
{
	for (size_t i = 0; i < cn_setting_count(); i++) {
		const struct cn_setting *setting = cn_setting_at(i);
		const char *text = config->values[i].text;

		if (!text || setting->option < 0 || !(cli->verb->options & 1ull << setting->option))
			continue;
		if (setting->kind == CN_TOML_BOOL && strcmp(text, "false") == 0)
			continue;
		cli->given |= 1ull << setting->option;
		if (!cn_option_take((enum cn_option)setting->option, text, cli, wanted))
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
	struct cn_cli cli = { .verb = verb, .timeout_ms = 5000, .interval_ms = 250, .delay_ms = 1000, .retention_ms = 6000 };
	struct cn_wanted wanted = { .color = CN_DEPTH_AUTO };
	struct line line = { .cli = &cli, .wanted = &wanted };
	char *words[WORDS_MAX] = { NULL };
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
