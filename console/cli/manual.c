/* SPDX-License-Identifier: MIT */
/*
 * The manual pages, in the man(7) language, made of the tables that the
 * program itself goes by: verbs, options, keys, findings, thresholds, settings.
 */
#include "cli/manual.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/environment.h"
#include "cli/probe_table.h"
#include "cli/settings.h"
#include "view/keymap.h"

/* ------------------------------------------------------------------ writing */

/* As it stands: nothing in it is a request or an escape. */
static void text(const char *from)
{
	bool first = true;

	for (; *from; from++) {
		if (first && (*from == '.' || *from == '\''))
			fputs("\\&", stdout);
		if (*from == '\\')
			fputs("\\e", stdout);
		else if (*from == '-')
			fputs("\\-", stdout);
		else if (*from == '`')
			fputs("\\(ga", stdout);
		else
			putchar(*from);
		first = *from == '\n';
	}
}

static void line(const char *from)
{
	text(from);
	putchar('\n');
}

static void bold(const char *from)
{
	fputs("\\fB", stdout);
	text(from);
	fputs("\\fR", stdout);
}

static void head(const char *page, const char *section, const char *what)
{
	printf(".TH \"%s\" \"%s\" \"\" \"rouse %s\" \"rouse\"\n.SH NAME\n", page, section, ROUSE_VERSION);
	text(page);
	fputs(" \\- ", stdout);
	line(what);
}

static void section(const char *title)
{
	printf(".SH %s\n", title);
}

/* A term and what it means. */
static void term(const char *name, const char *argument, const char *help)
{
	puts(".TP");
	bold(name);
	if (argument)
		printf("%s\\fI", *argument == '[' ? "" : " ");
	if (argument) {
		text(argument);
		fputs("\\fR", stdout);
	}
	putchar('\n');
	line(*help ? help : "(see above)");
}

/* Lines that stay lines; blank ones part paragraphs. */
static void paragraphs(const char *from)
{
	while (*from) {
		const size_t n = strcspn(from, "\n");
		char copy[256];

		snprintf(copy, sizeof copy, "%.*s", (int)n, from);
		if (n)
			line(copy);
		else
			puts(".PP");
		from += n + (from[n] == '\n');
	}
}

/* What a shell is told. */
static void example(const char *command, const char *help)
{
	puts(".TP");
	bold(command);
	putchar('\n');
	line(help);
}

/* ------------------------------------------------------------------ rouse(1) */

static void options_of(const struct cn_verb *verb)
{
	for (unsigned int i = 0; i < CN_OPTION_MAX; i++) {
		char name[64];

		if (!(verb->options & 1ull << i))
			continue;
		snprintf(name, sizeof name, "--%s", cn_option_text(i));
		if (cn_option_letter(i))
			snprintf(name, sizeof name, "-%c, --%s", cn_option_letter(i), cn_option_text(i));
		term(name, cn_option_argument(i), cn_option_help(i));
	}
}

static void verbs(void)
{
	size_t n;
	const struct cn_verb *all = cn_verbs(&n);

	section("VERBS");
	for (size_t i = 0; i < n; i++) {
		fputs(".SS rouse ", stdout);
		text(all[i].name);
		printf("%s", *all[i].name ? " " : "");
		line(all[i].arguments);
		line(all[i].summary);
		if (all[i].help) {
			puts(".PP");
			paragraphs(all[i].help);
		}
		options_of(&all[i]);
	}
}

static void keys(void)
{
	section("KEYS");
	line("Of the screen. Those that are not for what is shown do nothing there; the bar at the bottom names some of "
	     "those that are.");
	for (int i = 1; i < CN_ACTION_COUNT; i++)
		term(cn_action_keys((enum cn_action)i), NULL, cn_action_help((enum cn_action)i));
}

static void findings(void)
{
	section("FINDINGS");
	line("What rouse check, rouse watch and the screen find. A finding is PROVEN when it follows from ownership and "
	     "counts in two equal looks, LIKELY when it rests on a strong sign, SUSPECT on a threshold, INCOMPLETE where it "
	     "would be PROVEN, had the look been whole.");
	for (unsigned int i = 0; i < CN_FINDING_CODE_MAX; i++)
		term(cn_finding_text(i), NULL, cn_finding_help(i));
	section("THRESHOLDS");
	line("Set by --threshold NAME=N, or in the file of settings. Times are in seconds, or with a unit: 250ms, 2m.");
	for (unsigned int i = 0; i < CN_THRESHOLD_MAX; i++) {
		const bool time = cn_threshold_unit(i) == CN_UNIT_NS;
		char help[256];

		snprintf(help, sizeof help, "%s (%g%s)", cn_threshold_help(i),
			(double)cn_threshold_standard(i) / (time ? 1e9 : 1), time ? " s" : "");
		term(cn_threshold_text(i), NULL, help);
	}
}

static void exits(void)
{
	section("EXIT STATUS");
#define X(name, code, whose, help) term(#code, NULL, help);
	CN_EXITS(X)
#undef X
}

static void environment(unsigned int of)
{
	section("ENVIRONMENT");
#define X(name, whose, help)                                                                                           \
	if ((whose) & of)                                                                                              \
		term(name, NULL, help);
	CN_ENVIRONMENT(X)
#undef X
}

static void page_rouse(void)
{
	head("rouse", "1", "see into the tasks of programs that run on rouse");
	section("SYNOPSIS");
	puts("\\fBrouse\\fR [\\fIOPTION\\fR]... [\\fITARGET\\fR]\n.br\n"
	     "\\fBrouse\\fR \\fIVERB\\fR [\\fIOPTION\\fR]... [\\fITARGET\\fR] [\\fITASK\\fR]");
	section("DESCRIPTION");
	line("Shows the tasks of a program, its workers, queues, locks and channels, what is wrong with them, and why a task "
	     "does not run. Without TARGET it lists what can be watched.");
	puts(".PP");
	line("TARGET is a pid, the name of a program or of its runtime, the path of an agent's socket or its port "
	     "(127.0.0.1:6669), a core file, or a recording. Any program can be read by its memory, without preparation; "
	     "started with ROUSE_LISTEN=1 it has an agent, which can tell more often and keeps event counts.");
	puts(".PP");
	line("Data goes to standard output, all else to standard error.");
	verbs();
	keys();
	findings();
	exits();
	environment(CN_OF_CONSOLE);
	section("FILES");
	term("~/.config/rouse/config.toml", NULL, "settings: see rouse-config(5)");
	term("$XDG_RUNTIME_DIR/rouse/", NULL, "sockets of agents");
	section("EXAMPLES");
	example("rouse why mini_redis serve", "Why does the task serve of that program not run?");
	example("rouse check --fail-on proven 4711", "For scripts: the exit status says whether something is surely stuck.");
	example("rouse --kernel mini_redis", "The screen, with what the kernel knows of where polls spend their time.");
	example("source <(rouse completions bash)", "Completions in this shell, if they are not installed.");
	section("SEE ALSO");
	puts("\\fBrouse\\-probe\\fR(1), \\fBrouse\\-config\\fR(5), \\fBrouse\\-runtime\\fR(7), \\fBbpftrace\\fR(8), "
	     "\\fBgdb\\fR(1)");
}

/* ------------------------------------------------------------ rouse-probe(1) */

static void page_probe(void)
{
	head("rouse-probe", "1", "what tasks do, as the kernel sees it");
	section("SYNOPSIS");
	puts("\\fBrouse probe\\fR \\fIMODE\\fR [\\fIOPTION\\fR]... \\fIPID\\fR|\\fINAME\\fR\n.br\n"
	     "\\fBrouse probe \\-\\-events\\fR [\\fIOPTION\\fR]... \\-\\- \\fICOMMAND\\fR [\\fIARGUMENT\\fR]...\n.br\n"
	     "\\fBrouse\\-probe\\fR \\fB\\-\\-fd\\fR \\fIN\\fR | \\fB\\-\\-listen\\fR \\fIPATH\\fR");
	section("DESCRIPTION");
	line("rouse probe watches a program that runs on rouse by eBPF: the program needs no agent, and may be running since "
	     "long. It needs root, or the capabilities below.");
	puts(".PP");
	line("rouse-probe is the part of rouse that needs privileges, in a process of its own: `rouse --kernel` starts it with "
	     "a socket as descriptor N, systemd with a PATH to listen at. It keeps CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and "
	     "CAP_SYSLOG, drops the rest, and follows for a user that user's processes alone, for root all.");
	section("MODES");
#define X(name, mode, help) term("--" mode, NULL, help);
	CN_PROBE_MODES(X)
#undef X
	section("OPTIONS");
#define X(name, letter, argument, modes, help) term((letter) != 0 ? "-n, --" name : "--" name, argument, help);
	CN_PROBE_OPTIONS(X)
#undef X
	section("EXIT STATUS");
	line("As those of rouse(1); 6 also where something could not be counted, or records were lost, which is said.");
	section("SEE ALSO");
	puts("\\fBrouse\\fR(1), \\fBrouse\\-runtime\\fR(7), \\fBcapabilities\\fR(7)");
}

/* ----------------------------------------------------------- rouse-config(5) */

static void settings_of(const char *table)
{
	for (size_t i = 0; i < cn_setting_count(); i++) {
		const struct cn_setting *setting = cn_setting_at(i);
		char help[512];

		if (strcmp(setting->table, table) != 0)
			continue;
		snprintf(help, sizeof help, "%s%s%s%s", setting->help, *setting->help && *setting->standard ? ". " : "",
			*setting->standard ? "Default: " : "", setting->standard);
		term(setting->key, NULL, *help ? help : "Default: what the theme says.");
	}
}

static void page_config(void)
{
	head("rouse-config", "5", "settings of rouse");
	section("DESCRIPTION");
	line("rouse reads settings from the file that --config or ROUSE_CONFIG names, else from rouse/config.toml in "
	     "$XDG_CONFIG_HOME, else from ~/.config/rouse/config.toml. An empty ROUSE_CONFIG means that none is read. What is "
	     "said on the command line beats --set KEY=VALUE, which beats the environment, which beats the file.");
	puts(".PP");
	line("`rouse config` prints what is in force, and from where; `rouse config --print-default` a file with all that can "
	     "be set, in comments.");
	puts(".PP");
	line("The file is TOML, of which are read: comments, tables, bare, quoted and dotted keys, strings of one line, decimal "
	     "numbers, true and false, and lists of those. Whatever else is in it, and a key that is not known, is an error, "
	     "which is told with line and column.");
	section("SETTINGS");
	line("Those called as an option of rouse(1) mean what it does, for every verb that takes it.");
	settings_of("");
	section("[thresholds]");
	settings_of("thresholds");
	section("[sort]");
	line("The column by which each view is ordered to begin with; - before it turns the order round. These are the columns:");
	settings_of("sort");
	section("[colors]");
	line("How meanings look, in place of what the theme says: bold, dim, underline, reverse, a colour, and `on` a colour. "
	     "Colours are 0 to 255, default, or black, red, green, yellow, blue, magenta, cyan, white, also with bright- "
	     "before them. Where a terminal has fewer colours, the nearest is taken. These are the themes:");
	for (unsigned int i = 0; i < CN_THEME_COUNT; i++)
		term(cn_theme_name(i), NULL, cn_theme_help(i));
	line("And these are the meanings:");
	settings_of("colors");
	section("EXAMPLE");
	puts(".nf\n"
	     "theme = \"light\"\n"
	     "view = \"groups\"\n"
	     "\n"
	     "[thresholds]\n"
	     "poll = \"250ms\"\n"
	     "\n"
	     "[sort]\n"
	     "tasks = \"\\-busy\"\n"
	     "\n"
	     "[colors]\n"
	     "proven = \"bold 208\"\n"
	     ".fi");
	section("SEE ALSO");
	puts("\\fBrouse\\fR(1)");
}

/* ---------------------------------------------------------- rouse-runtime(7) */

static void page_runtime(void)
{
	head("rouse-runtime", "7", "programs that run on rouse, and how they are watched");
	section("DESCRIPTION");
	line("A program that uses librouse keeps what its tasks do in memory of a fixed layout, so that rouse(1) can look at it "
	     "whatever it does: running, spinning, stopped, dead. The headers of librouse are the manual for those who write "
	     "one; this page is for those who run one.");
	section("LEVELS");
	term("0", NULL, "Counts, and what each worker polls now.");
	term("1", NULL, "Also time stamps: durations, delays, ages. The default.");
	term("2", NULL, "Also a record of each poll and each wake, in rings that overwrite themselves.");
	section("AGENT");
	line("A program whose agent listens (ROUSE_LISTEN, or rouse_agent_start()) serves a socket in $XDG_RUNTIME_DIR/rouse, "
	     "which is its user's alone: to that user and to root it tells its state, changes only, as often as each asks. One "
	     "without is read by its memory, which takes the permission to trace it.");
	section("CRASHES");
	line("With ROUSE_RECORD=DIR, or after rouse_record_on_crash(), a program that dies by SIGSEGV, SIGBUS, SIGILL, SIGFPE "
	     "or SIGABRT first writes DIR/PROGRAM.PID.core, readable by its user alone, of at most 256 MiB of memory, and "
	     "names it on its standard error; rouse(1) and gdb open it. Its handlers, its exit status and the kernel's core "
	     "stay as they were. Its threads are stopped by ptrace meanwhile; where that is forbidden the file says so, and "
	     "nothing is proven from it.");
	environment(CN_OF_RUNTIME | CN_OF_AGENT);
	section("SEE ALSO");
	puts("\\fBrouse\\fR(1), \\fBrouse\\-probe\\fR(1)");
}

/* --------------------------------------------------------------------- verb */

static const struct {
	const char *name;
	void (*print)(void);
} pages[] = { { "rouse", page_rouse }, { "rouse-probe", page_probe }, { "rouse-config", page_config },
	{ "rouse-runtime", page_runtime } };

enum { PAGES = sizeof pages / sizeof pages[0] };

const char *cn_manual_page(unsigned int i)
{
	return i < PAGES ? pages[i].name : NULL;
}

/* A terminal gets it from man, if that is there; else, and in files, it is as it is written. */
static void show(void (*print)(void))
{
	int ends[2];
	pid_t writer;

	fflush(stdout);
	if (!isatty(STDOUT_FILENO) || pipe2(ends, O_CLOEXEC)) {
		print();
		return;
	}
	writer = fork();
	if (writer == 0) {
		dup2(ends[1], STDOUT_FILENO);
		print();
		_exit(fflush(stdout) != 0);
	}
	if (writer > 0) {
		dup2(ends[0], STDIN_FILENO);
		close(ends[1]); /* or there would be no end to read */
		execlp("man", "man", "-l", "-", (char *)NULL);
	}
	close(ends[0]);
	print();
}

int cn_verb_man(struct cn_cli *cli)
{
	const char *name = cli->target ? cli->target : "rouse";

	for (size_t i = 0; i < PAGES; i++)
		if (strcmp(name, pages[i].name) == 0) {
			show(pages[i].print);
			return CN_EXIT_OK;
		}
	return cn_fail(CN_EXIT_USAGE, "there are pages rouse, rouse-probe, rouse-config and rouse-runtime; see `rouse man "
				      "--help`");
}
