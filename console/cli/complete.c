/* SPDX-License-Identifier: MIT */
/*
 * Completions for shells, made of the tables of verbs and options.
 *
 * Names of programs are their own choice, and shells would obey some of them
 * (`compgen -W` expands its words): only plain ones are handed out, and no
 * script here expands what it was handed.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/manual.h"
#include "cli/probe_table.h"
#include "source/resolve.h"

/* The rows of one verb, or of one mode of `probe`. */
struct row {
	const char *text, *argument, *help;
	char letter;
	int option; /* enum cn_option, -1 = one of `probe` */
};

static const struct {
	const char *text;
	char letter;
	const char *argument;
	unsigned int modes;
	const char *help;
} probe_options[] = {
#define X(text, letter, argument, modes, help) { text, letter, argument, modes, help },
	CN_PROBE_OPTIONS(X)
#undef X
};

static const struct {
	const char *text, *help;
} probe_modes[] = {
#define X(name, text, help) { text, help },
	CN_PROBE_MODES(X)
#undef X
};

enum { ROWS_MAX = CN_OPTION_MAX + 64 };

static size_t rows_of(const struct cn_verb *verb, struct row rows[ROWS_MAX])
{
	size_t n = 0;

	if (verb->run) {
		for (unsigned int i = 0; i < CN_OPTION_MAX; i++)
			if (verb->options & 1ull << i)
				rows[n++] = (struct row){ cn_option_text(i), cn_option_argument(i), cn_option_help(i),
					cn_option_letter(i), (int)i };
		return n;
	}
	for (size_t i = 0; i < sizeof probe_modes / sizeof probe_modes[0]; i++)
		rows[n++] = (struct row){ probe_modes[i].text, NULL, probe_modes[i].help, 0, -1 };
	for (size_t i = 0; i < sizeof probe_options / sizeof probe_options[0]; i++)
		rows[n++] = (struct row){ probe_options[i].text, probe_options[i].argument, probe_options[i].help,
			probe_options[i].letter, -1 };
	return n;
}

static const char *word_of(const struct row *row, unsigned int i)
{
	return row->option < 0 ? NULL : cn_option_word((unsigned int)row->option, i);
}

static bool is_needed(const struct row *row)
{
	return row->argument && *row->argument != '[';
}

/* ------------------------------------------------------------- positionals */

enum kind { NOTHING, TARGET, FILENAME, VERB, SHELL, PAGE };
enum { POSITIONS_MAX = 4 };

/* Of a verb's arguments, "TARGET TASK": what stands where. The last goes on if it is so written, "TARGET...". */
static int positions(const struct cn_verb *verb, enum kind kinds[POSITIONS_MAX])
{
	static const struct {
		const char *word;
		enum kind kind;
	} known[] = { { "TARGET", TARGET }, { "PID", TARGET }, { "FILE", FILENAME }, { "VERB", VERB }, { "SHELL", SHELL },
		{ "PAGE", PAGE } };
	const char *text = verb->arguments;
	int n = 0;

	while (*text && n < POSITIONS_MAX) {
		const size_t length = strcspn(text, " ");
		char word[32];

		snprintf(word, sizeof word, "%.*s", (int)length, text);
		if (!strstr(word, "OPTION")) {
			kinds[n] = strcmp(word, "A") == 0 || strcmp(word, "[B]") == 0 ? TARGET : NOTHING;
			for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
				if (strstr(word, known[i].word))
					kinds[n] = known[i].kind;
			n++;
		}
		text += length + (text[length] == ' ');
	}
	return n;
}

static void print_verbs(const char *before, const char *after)
{
	size_t n;
	const struct cn_verb *verbs = cn_verbs(&n);

	for (size_t i = 0; i < n; i++)
		if (*verbs[i].name)
			printf("%s%s%s", before, verbs[i].name, after);
}

static void print_pages(const char *before, const char *after)
{
	const char *page;

	for (unsigned int i = 0; (page = cn_manual_page(i)); i++)
		printf("%s%s%s", before, page, after);
}

/* In single quotes for a shell; fish and zsh take it as bash does. */
static void quote(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
	putchar('\'');
}

/* -------------------------------------------------------------------- bash */

static void bash_options(const struct cn_verb *verb)
{
	struct row rows[ROWS_MAX];
	const size_t n = rows_of(verb, rows);

	for (size_t i = 0; i < n; i++) {
		printf("%s--%s", i ? " " : "", rows[i].text);
		if (rows[i].letter)
			printf(" -%c", rows[i].letter);
	}
}

/* What follows an option: of all verbs together, for a name means the same everywhere. */
static void bash_values(void)
{
	for (unsigned int i = 0; i < CN_OPTION_MAX; i++) {
		const struct row row = { .text = cn_option_text(i), .argument = cn_option_argument(i), .option = (int)i };

		if (!is_needed(&row))
			continue;
		printf("\t--%s", row.text);
		if (cn_option_letter(i))
			printf("|-%c", cn_option_letter(i));
		fputs(")\n\t\t", stdout);
		if (strcmp(row.argument, "FILE") == 0)
			puts("mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")");
		else if (word_of(&row, 0)) {
			fputs("mapfile -t COMPREPLY < <(compgen -W '", stdout);
			for (unsigned int w = 0; word_of(&row, w); w++)
				printf("%s%s", w ? " " : "", word_of(&row, w));
			puts("' -- \"$cur\")");
		} else {
			puts(":");
		}
		puts("\t\treturn ;;");
	}
	puts("\t--folded|--pprof)\n\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n\t\treturn ;;\n"
	     "\t--for|--long|--tasks|--hz)\n\t\treturn ;;");
}

static void bash_verb(const struct cn_verb *verb)
{
	static const char *const words[] = { [NOTHING] = "-", [TARGET] = "target", [FILENAME] = "file", [VERB] = "verb",
		[SHELL] = "shell", [PAGE] = "page" };
	enum kind kinds[POSITIONS_MAX];
	const int n = positions(verb, kinds);

	if (*verb->name)
		printf("\t%s)\n", verb->name);
	else
		puts("\t*)");
	fputs("\t\toptions='", stdout);
	bash_options(verb);
	fputs("'\n\t\tkinds=(", stdout);
	for (int i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", words[kinds[i]]);
	puts(") ;;");
}

static void bash(void)
{
	size_t n;
	const struct cn_verb *verbs = cn_verbs(&n);

	puts("# bash completion for rouse: made by `rouse completions bash`\n"
	     "_rouse_targets() {\n"
	     "\tlocal line\n"
	     "\twhile IFS=$'\\t' read -r line _; do\n"
	     "\t\t[[ $line != \"$cur\"* ]] || COMPREPLY+=(\"$line\")\n"
	     "\tdone < <(\"$1\" completions targets 2>/dev/null)\n"
	     "}\n"
	     "\n"
	     "_rouse() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb='' options kinds i position=0\n"
	     "\tCOMPREPLY=()\n"
	     "\tcase $prev in");
	bash_values();
	puts("\tesac\n"
	     "\t((COMP_CWORD == 1)) || verb=${COMP_WORDS[1]}\n"
	     "\tcase $verb in");
	for (size_t i = 1; i < n; i++)
		bash_verb(&verbs[i]);
	bash_verb(&verbs[0]);
	puts("\tesac\n"
	     "\tif [[ $cur == -* ]]; then\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	     "\t\t[[ ${COMP_WORDS[i]} == -* || ${COMP_WORDS[i-1]} == --* ]] || ((++position))\n"
	     "\tdone");
	fputs("\tif ((COMP_CWORD == 1)); then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W '",
		stdout);
	print_verbs("", " ");
	puts("' -- \"$cur\")\n"
	     "\t\t_rouse_targets \"$1\"\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tcase ${kinds[position]-} in\n"
	     "\ttarget) _rouse_targets \"$1\" ;;\n"
	     "\tfile) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	     "\tshell) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- \"$cur\") ;;");
	fputs("\tverb) mapfile -t COMPREPLY < <(compgen -W '", stdout);
	print_verbs("", " ");
	puts("' -- \"$cur\") ;;");
	fputs("\tpage) mapfile -t COMPREPLY < <(compgen -W '", stdout);
	print_pages("", " ");
	puts("' -- \"$cur\") ;;\n"
	     "\tesac\n"
	     "}\n"
	     "complete -o filenames -F _rouse rouse");
}

/* --------------------------------------------------------------------- zsh */

/* Within brackets and quotes: these would end them, or part a message. */
static void zsh_text(const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			putchar('\\');
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
}

static void zsh_value(const struct row *row)
{
	putchar(':');
	zsh_text(row->argument);
	putchar(':');
	if (strcmp(row->argument, "FILE") == 0)
		fputs("_files", stdout);
	else if (word_of(row, 0)) {
		putchar('(');
		for (unsigned int i = 0; word_of(row, i); i++)
			printf("%s%s", i ? " " : "", word_of(row, i));
		putchar(')');
	}
}

static void zsh_row(const struct row *row)
{
	for (int letter = 0; letter < (row->letter ? 2 : 1); letter++) {
		fputs(" \\\n\t\t'", stdout);
		if (letter)
			printf("-%c", row->letter);
		else
			printf("--%s%s", row->text, is_needed(row) ? "=" : "");
		putchar('[');
		zsh_text(row->help);
		putchar(']');
		if (is_needed(row))
			zsh_value(row);
		putchar('\'');
	}
}

static void zsh_verb(const struct cn_verb *verb)
{
	static const char *const actions[] = { [NOTHING] = "", [TARGET] = "_rouse_targets", [FILENAME] = "_files",
		[VERB] = "_rouse_verbs", [SHELL] = "(bash zsh fish)" };
	enum kind kinds[POSITIONS_MAX];
	const int n_positions = positions(verb, kinds);
	struct row rows[ROWS_MAX];
	const size_t n = rows_of(verb, rows);

	printf("\t%s)\n\t\t_arguments -s", *verb->name ? verb->name : "*");
	for (size_t i = 0; i < n; i++)
		zsh_row(&rows[i]);
	for (int i = 0; i < n_positions; i++) {
		printf(" \\\n\t\t'%d: :", i + 1);
		if (kinds[i] == PAGE) {
			putchar('(');
			print_pages("", " ");
			putchar(')');
		} else {
			fputs(actions[kinds[i]], stdout);
		}
		putchar('\'');
	}
	puts(" ;;");
}

static void zsh(void)
{
	size_t n;
	const struct cn_verb *verbs = cn_verbs(&n);

	puts("#compdef rouse\n"
	     "# zsh completion for rouse: made by `rouse completions zsh`\n"
	     "_rouse_targets() {\n"
	     "\tlocal -a lines\n"
	     "\tlines=(\"${(@f)$(rouse completions targets 2>/dev/null)}\")\n"
	     "\tlines=(\"${(@)lines//$'\\t'/:}\")\n"
	     "\t_describe target lines\n"
	     "}\n"
	     "\n"
	     "_rouse_verbs() {\n"
	     "\tlocal -a verbs=(");
	for (size_t i = 1; i < n; i++) {
		printf("\t\t'%s:", verbs[i].name);
		zsh_text(verbs[i].summary);
		puts("'");
	}
	puts("\t)\n"
	     "\t_describe verb verbs\n"
	     "}\n"
	     "\n"
	     "_rouse() {\n"
	     "\tif ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n"
	     "\t\t_rouse_verbs\n"
	     "\t\t_rouse_targets\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tlocal verb=$words[2]\n"
	     "\tif [[ $verb != -* ]]; then\n"
	     "\t\tshift words\n"
	     "\t\t((CURRENT--))\n"
	     "\tfi\n"
	     "\tcase $verb in");
	for (size_t i = 1; i < n; i++)
		zsh_verb(&verbs[i]);
	zsh_verb(&verbs[0]);
	puts("\tesac\n"
	     "}\n"
	     "\n"
	     "_rouse \"$@\"");
}

/* -------------------------------------------------------------------- fish */

static void fish_condition(const struct cn_verb *verb)
{
	if (*verb->name)
		printf("complete -c rouse -n '__fish_seen_subcommand_from %s'", verb->name);
	else
		fputs("complete -c rouse -n '__rouse_no_verb'", stdout);
}

static void fish_row(const struct cn_verb *verb, const struct row *row)
{
	fish_condition(verb);
	printf(" -l %s", row->text);
	if (row->letter)
		printf(" -s %c", row->letter);
	if (is_needed(row))
		fputs(strcmp(row->argument, "FILE") == 0 ? " -r -F" : " -x", stdout);
	if (is_needed(row) && word_of(row, 0)) {
		fputs(" -a '", stdout);
		for (unsigned int i = 0; word_of(row, i); i++)
			printf("%s%s", i ? " " : "", word_of(row, i));
		putchar('\'');
	}
	fputs(" -d ", stdout);
	quote(row->help);
	putchar('\n');
}

static void fish_verb(const struct cn_verb *verb)
{
	enum kind kinds[POSITIONS_MAX];
	const int n_positions = positions(verb, kinds);
	struct row rows[ROWS_MAX];
	const size_t n = rows_of(verb, rows);

	for (size_t i = 0; i < n; i++)
		fish_row(verb, &rows[i]);
	if (!n_positions)
		return;
	fish_condition(verb);
	switch (kinds[0]) {
	case TARGET:
		puts(" -a '(rouse completions targets)'");
		break;
	case FILENAME:
		puts(" -F");
		break;
	case VERB:
		fputs(" -a '", stdout);
		print_verbs("", " ");
		puts("'");
		break;
	case SHELL:
		puts(" -a 'bash zsh fish'");
		break;
	case PAGE:
		fputs(" -a '", stdout);
		print_pages("", " ");
		puts("'");
		break;
	default:
		puts("");
		break;
	}
}

static void fish(void)
{
	size_t n;
	const struct cn_verb *verbs = cn_verbs(&n);

	fputs("# fish completion for rouse: made by `rouse completions fish`\n"
	      "function __rouse_no_verb\n"
	      "\tnot __fish_seen_subcommand_from",
		stdout);
	print_verbs(" ", "");
	puts("\nend\n"
	     "complete -c rouse -f");
	for (size_t i = 1; i < n; i++) {
		printf("complete -c rouse -n __rouse_no_verb -a %s -d ", verbs[i].name);
		quote(verbs[i].summary);
		putchar('\n');
	}
	for (size_t i = 0; i < n; i++)
		fish_verb(&verbs[i]);
}

/* --------------------------------------------------------------------- verb */

/* Nothing that a shell, or who reads a line, could mistake. */
static bool is_plain(const char *name)
{
	if (!isalnum((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._+-@", *name))
			return false;
	return true;
}

/* "4711<tab>mini_redis": as fish takes it; the others part it. */
static int targets(void)
{
	struct rouse_target *all;
	const int n = cn_targets(&all);

	if (n < 0)
		return cn_fail(CN_EXIT_INCOMPLETE, "cannot look through /proc: %s", strerror(-n));
	for (int i = 0; i < n; i++) {
		const bool plain = is_plain(all[i].program);
		bool first = true;

		for (int before = 0; before < i; before++)
			first = first && strcmp(all[before].program, all[i].program) != 0;
		printf("%d\t%s\n", all[i].pid, plain ? all[i].program : "a program");
		if (plain && first)
			printf("%s\tprocess %d\n", all[i].program, all[i].pid);
	}
	free(all);
	return CN_EXIT_OK;
}

int cn_verb_completions(struct cn_cli *cli)
{
	if (strcmp(cli->target, "targets") == 0)
		return targets();
	if (strcmp(cli->target, "bash") == 0)
		bash();
	else if (strcmp(cli->target, "zsh") == 0)
		zsh();
	else if (strcmp(cli->target, "fish") == 0)
		fish();
	else
		return cn_fail(CN_EXIT_USAGE, "there are completions for bash, zsh and fish; see `rouse completions --help`");
	return CN_EXIT_OK;
}
