/* SPDX-License-Identifier: MIT */
/* The table of verbs, and what they share: failing, opening, finding a task. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_BPF
#include "cli/probe.h"
#endif
#include "config/nearest.h"
#include "export/text.h"

static const struct cn_verb verbs[] = {
	{ "", "[TARGET]...", "Open the screen on a program, or on several.",
		"Of several, C-n and C-p lead from one to the next. Without TARGET: the programs that can be\n"
		"watched, as they come and go, to choose from; if there is just one, it is opened at once.",
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES(DELAY) | CN_TAKES(RETENTION) | CN_TAKES(LEVEL) |
			CN_TAKES(THRESHOLD) | CN_TAKES_FILE | CN_TAKES(KERNEL) | CN_TAKES(WHERE) |
			CN_TAKES(NO_MOUSE) | CN_TAKES(RECORD),
		0, CN_SEATS_MAX, cn_verb_top },
	{ "list", "", "List the programs that can be watched.", NULL, CN_TAKES(JSON) | CN_TAKES(HELP) | CN_TAKES_TEXT,
		0, 0, cn_verb_list },
	{ "ps", "TARGET", "Print its tasks, workers and totals.",
		"--csv prints a table with a line of names: times in nanoseconds; text that a spreadsheet\n"
		"would take for a formula has an apostrophe before it.",
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES_FILE | CN_TAKES(JSON) | CN_TAKES(WHERE) | CN_TAKES(CSV), 1, 1,
		cn_verb_ps },
	{ "top", "[TARGET]", "The screen; with -b its frames as text.", NULL,
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES(JSON) | CN_TAKES(BATCH) | CN_TAKES(COUNT) | CN_TAKES(DELAY) |
			CN_TAKES(RETENTION) | CN_TAKES(LEVEL) | CN_TAKES(THRESHOLD) | CN_TAKES_FILE |
			CN_TAKES(KERNEL) | CN_TAKES(WHERE) | CN_TAKES(NO_MOUSE) | CN_TAKES(RECORD),
		0, 1, cn_verb_top },
	{ "record", "TARGET", "Keep what can be seen of it in a file, to be replayed.",
		"Each look goes to the file -o as it comes, compressed: who is killed loses none that was\n"
		"whole. It ends with the target, with SIGINT or SIGTERM, after --for, at the finding of\n"
		"--until (exit 0; 7 if --for came first).\n\n"
		"With --last TIME it is a flight recorder: looks are kept in memory, the last TIME of them,\n"
		"and are written when it ends, for whichever of these reasons, and at each SIGUSR2.",
		CN_TAKES_TARGET | CN_TAKES_SETTINGS | CN_TAKES(OUTPUT) | CN_TAKES(LAST) | CN_TAKES(RING) | CN_TAKES(UNTIL) |
			CN_TAKES(FOR) | CN_TAKES(INTERVAL) | CN_TAKES(RING_EVENTS) | CN_TAKES(LEVEL) | CN_TAKES(KERNEL) |
			CN_TAKES(FAIL_ON) | CN_TAKES(THRESHOLD),
		1, 1, cn_verb_record },
	{ "replay", "FILE", "The screen on a recording: halt, step, go back.",
		"Below the first row it is the screen as it was. [ and ] step, { and } leap ten looks, ( and )\n"
		"go to its ends, Space halts, comma and point are for the speed. All verbs with a TARGET\n"
		"take a recording: its end, or what --at says.",
		CN_TAKES(HELP) | CN_TAKES_TEXT | CN_TAKES(AT) | CN_TAKES(THRESHOLD) | CN_TAKES(WHERE) | CN_TAKES(NO_MOUSE), 1, 1,
		cn_verb_replay },
	{ "dump", "TARGET", "Print all tasks with their await chains, those that stand alike together.",
		"Nothing runs in the target for it: it may be stopped or wedged. Tasks of one spawn site\n"
		"that wait at the same places for the same sort of things are one entry, with their number,\n"
		"how long the oldest has waited, and the ids of three. Then come the native stacks of what\n"
		"runs, the findings, and what the dump has cost.",
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES_FILE | CN_TAKES(JSON) | CN_TAKES(ALL) |
			CN_TAKES(INTERVAL) | CN_TAKES(THRESHOLD),
		1, 1, cn_verb_dump },
	{ "why", "TARGET TASK", "Say why a task does not run.",
		"TASK is an id or a name. The chain goes from the task over what it awaits to who would\n"
		"wake that, down to a root: a timer, the network, a busy worker, a ring, nobody.",
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES_FILE | CN_TAKES(JSON) | CN_TAKES(INTERVAL) |
			CN_TAKES(THRESHOLD) | CN_TAKES(KERNEL),
		2, 2, cn_verb_why },
	{ "check", "TARGET", "Look for tasks that are stuck or slow, and tell by the exit status.",
		"PROVEN follows from ownership and counts in two equal looks; LIKELY rests on a strong\n"
		"sign, SUSPECT on a threshold; INCOMPLETE would be PROVEN, had the look been whole.\n"
		"What the kernel tells of is found if it happens twice while it is asked: 5 s, or --for.",
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES_FILE | CN_TAKES(JSON) | CN_TAKES(LOOKS) |
			CN_TAKES(INTERVAL) | CN_TAKES(FOR) | CN_TAKES(FAIL_ON) | CN_TAKES(THRESHOLD) | CN_TAKES(LEVEL) |
			CN_TAKES(KERNEL),
		1, 1, cn_verb_check },
	{ "watch", "TARGET", "Wait, and tell when a finding appears, grows stronger, goes.",
		"A line each; with --json, a document each on a line of its own. A finding has gone when\n"
		"it was not seen for a while (threshold `stays`). Of one that comes and goes, an edge is\n"
		"told at most once in --min-interval, which doubles up to ten minutes while that goes on;\n"
		"the next one says how many were not.\n\n"
		"--exec CMD is run for each edge that is told, one at a time, with its document on\n"
		"standard input, and in the environment ROUSE_EDGE (appears, grows, goes), ROUSE_FINDING,\n"
		"ROUSE_CLASS, ROUSE_PID, ROUSE_TASK, ROUSE_TASK_NAME, ROUSE_FUNCTION, ROUSE_FILE,\n"
		"ROUSE_LINE, ROUSE_EVIDENCE, ROUSE_SUPPRESSED. Texts in it come from the program: quote\n"
		"them. What it prints goes to standard error. It ends with the target (exit 3), with\n"
		"SIGTERM (0), SIGINT (130), or after --count edges (0).",
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES(JSON) | CN_TAKES(INTERVAL) | CN_TAKES(FAIL_ON) |
			CN_TAKES(THRESHOLD) | CN_TAKES(LEVEL) | CN_TAKES(EXEC) | CN_TAKES(MIN_INTERVAL) |
			CN_TAKES(COUNT) | CN_TAKES(KERNEL),
		1, 1, cn_verb_watch },
	{ "sched", "TARGET", "Print how its scheduler does: delays from wake to run, steals, parks.", NULL,
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES_FILE | CN_TAKES(JSON) | CN_TAKES(INTERVAL), 1, 1,
		cn_verb_sched },
	{ "export", "TARGET", "Print what it knows in the format of another tool.",
		"--openmetrics prints metrics once; with --listen they are served at /metrics until the\n"
		"target ends, or a signal comes, also in the older text format of Prometheus to who asks\n"
		"for no other. No label has the id or name of a task: per runtime there are some 50 series,\n"
		"30 a worker, one a kind of resource, one a kind of finding, 30 a spawn site (128 at most).\n\n"
		"--folded prints a line for each shape of await chain: program; spawn site; futures, each\n"
		"with the await it stands at; [what it waits for]; and how many tasks have it. By --by busy\n"
		"it is their time in polls, in microseconds.\n\n"
		"--perfetto -o FILE writes what happened in the next 5 s (--for), in time: polls of each\n"
		"worker, by the name of their task and with its spawn site; a track for each of the first\n"
		"1000 tasks: scheduled, running, waiting; arrows from wakes to the polls that follow; queues.\n"
		"Events that were lost stand as such. It raises the level to 2 for that time.",
		CN_TAKES_TARGET | CN_TAKES_FILE | CN_TAKES(PERFETTO) | CN_TAKES(OUTPUT) | CN_TAKES(FOR) | CN_TAKES(FOLDED) |
			CN_TAKES(BY) | CN_TAKES(OPENMETRICS) | CN_TAKES(LISTEN) | CN_TAKES(INTERVAL) | CN_TAKES(THRESHOLD) |
			CN_TAKES(LEVEL),
		1, 1, cn_verb_export },
	{ "diff", "A [B]", "Compare two programs, or one at two times (--for): what is new, more, less, gone.",
		"Groups of tasks by await chain, resources by kind, name and where they were made, findings;\n"
		"ids make no difference. Exit 0: these are the same on both sides; 1: they differ. Counters\n"
		"are told, and of one process as rates, but make no difference either. With --for the\n"
		"second look comes so much later; without B it is at A again.",
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES(JSON) | CN_TAKES(FOR) | CN_TAKES(INTERVAL) | CN_TAKES(THRESHOLD),
		1, 2, cn_verb_diff },
	{ "run", "[OPTION]... -- CMD...", "Run a test program, watch it, and tell by the exit status how it did.",
		"CMD is run with ROUSE_LISTEN=1, in a process group of its own; signals are handed on to it.\n"
		"The exit status is, of these, the first that fits: 124 at a time-out (it is looked at, then\n"
		"killed, with its group), 128 + N if signal N ended it, its own if that is not 0, 121 for a\n"
		"finding, 122 for a budget, 123 for a leak, and 0. A finding does not end it: that is for\n"
		"--timeout.\n\n"
		"A poll in progress, and of a task polled once between two looks, is measured exactly; of all\n"
		"others histograms tell, in powers of two: what is told as too long was, and what goes\n"
		"unnoticed took less than twice the budget. The last --interval before its end is not seen.",
		CN_TAKES(LIMIT) | CN_TAKES(MAX_POLL) | CN_TAKES(MAX_SCHEDULED) | CN_TAKES(NO_LEAKS) | CN_TAKES(ON) |
			CN_TAKES(RECORD) | CN_TAKES(REPORT) | CN_TAKES(FORMAT) | CN_TAKES(INTERVAL) |
			CN_TAKES(THRESHOLD) | CN_TAKES(LEVEL) | CN_TAKES(SOURCE) | CN_TAKES(HELP) | CN_TAKES_TEXT,
		1, -1, cn_verb_run },
	{ "doctor", "[TARGET]", "Say what this machine lets you see, and of TARGET by which source.",
		"Nothing is concluded that was not tried or read. With TARGET it ends with 0 if one of\n"
		"its sources works; without, if memory of other processes can be read at all.",
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES(JSON), 0, 1, cn_verb_doctor },
	{ "stacks", "TARGET", "Print where its threads stand: native stacks.",
		"By elfutils, from outside: no thread is stopped. Those that sleep are read, those that\n"
		"run are sampled (needs CAP_PERFMON, or perf_event_paranoid <= 2 and a process of yours).",
		CN_TAKES_TARGET | CN_TAKES_TEXT | CN_TAKES(JSON), 1, 1, cn_verb_stacks },
	{ "probe", "[OPTION]... PID", "Watch a program without agent through eBPF; see `rouse probe --help`.", NULL, 0,
		0, 64, NULL },
	{ "config", "", "Print what is set, and by whom.",
		"Settings are read from $XDG_CONFIG_HOME/rouse/config.toml, else ~/.config/rouse/config.toml;\n"
		"ROUSE_CONFIG or --config names another file. --print-default prints one to begin with. What\n"
		"can be set there is called as the options are; --set KEY=VALUE sets it for once.",
		CN_TAKES_SETTINGS | CN_TAKES(PRINT_DEFAULT) | CN_TAKES(JSON) | CN_TAKES(HELP), 0, 0, cn_verb_config },
	{ "completions", "SHELL", "Print completions for bash, zsh or fish.",
		"They are installed with rouse; without that: source <(rouse completions bash).\n"
		"`rouse completions targets` prints what can be watched, a pid or a name on each line.",
		CN_TAKES(HELP), 1, 1, cn_verb_completions },
	{ "man", "[PAGE]", "Show a page of the manual; where there is no terminal, print it as man reads it.",
		"PAGE is rouse, rouse-probe, rouse-config or rouse-runtime. They are installed with rouse.",
		CN_TAKES(HELP), 0, 1, cn_verb_man },
	{ "schema", "", "Print a JSON schema of what --json prints.",
		"Each document says by its member \"schema\" which of the definitions it follows.", CN_TAKES(HELP), 0, 0,
		cn_verb_schema },
	{ "version", "", "Print the version.", NULL, CN_TAKES(JSON) | CN_TAKES(HELP), 0, 0, cn_verb_version },
	{ "help", "[VERB]", "Print what there is.", NULL, CN_TAKES(HELP), 0, 1, cn_verb_help },
};

const struct cn_verb *cn_verbs(size_t *ret_n)
{
	*ret_n = sizeof verbs / sizeof verbs[0];
	return verbs;
}

const struct cn_verb *cn_verb_of(const char *word)
{
	for (size_t i = 1; word && i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].name, word) == 0)
			return &verbs[i];
	return NULL;
}

/* ------------------------------------------------------------------ failing */

int cn_fail(enum cn_exit code, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("rouse: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

enum cn_exit cn_exit_of(int code)
{
	switch (code) {
	case -ESRCH:
	case -ENOENT:
	case -EPIPE:
	case -ENAMETOOLONG:
		return CN_EXIT_NO_TARGET;
	case -ENOTUNIQ:
	case -EINVAL:
		return CN_EXIT_USAGE;
	case -EACCES:
	case -EPERM:
		return CN_EXIT_NOT_PERMITTED;
	case -EPROTO:
	case -EBADMSG:
	case -EMSGSIZE:
		return CN_EXIT_INCOMPATIBLE;
	case -ETIMEDOUT:
		return CN_EXIT_TIMEOUT;
	default:
		return CN_EXIT_INCOMPLETE;
	}
}

int cn_fail_why(const struct cn_why *why)
{
	return cn_fail(cn_exit_of(why->code), "%s", why->text);
}

int cn_finish(int code)
{
	if (fflush(stdout) || ferror(stdout))
		return cn_fail(CN_EXIT_INCOMPLETE, "cannot write the answer: %s", strerror(errno));
	return code;
}

/* ------------------------------------------------------------------ opening */

int cn_open_target(const struct cn_cli *cli, const char *target, struct cn_session **ret_session, struct cn_why *why)
{
	struct cn_session_opts opts = { .kind = cli->frames ? CN_SOURCE_FRAMES : cli->source,
		.interval_ms = cli->interval_ms,
		.level = cli->level,
		.events = cli->events,
		.retention_ms = cli->verb->options & CN_TAKES(RETENTION) ? cli->retention_ms : 0,
		.stacks = cli->stacks,
		.stacks_ms = cli->stacks_ms ? cli->stacks_ms : cli->timeout_ms,
		.answer_ms = cli->timeout_ms,
		.diagnose = cli->diagnose,
		.kernel = cli->kernel };

	if (cli->given & CN_TAKES(INTERVAL))
		opts.kernel.round_ms = cli->interval_ms;
	return cn_session_open(target, &opts, ret_session, why);
}

/* A word that is no program may be a verb, not quite. */
static int fail_open(const struct cn_cli *cli, const struct cn_why *why)
{
	const char *names[sizeof verbs / sizeof verbs[0]], *meant = NULL;

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		names[i] = *verbs[i].name ? verbs[i].name : NULL;
	if (!*cli->verb->name && why->code == -ESRCH && cli->target)
		meant = cn_nearest(cli->target, names, sizeof verbs / sizeof verbs[0]);
	return meant ? cn_fail(CN_EXIT_NO_TARGET, "%s; did you mean the verb %s?", why->text, meant) : cn_fail_why(why);
}

int cn_open(const struct cn_cli *cli, uint32_t looks, struct cn_session **ret_session)
{
	struct cn_session *session;
	struct cn_why why = { 0 };

	if (cn_open_target(cli, cli->frames ? cli->frames : cli->target, &session, &why))
		return fail_open(cli, &why);
	if (cn_place(cli, session, &why)) {
		cn_session_close(session);
		return cn_fail_why(&why);
	}
	for (uint32_t i = 0; i < looks; i++) {
		if (cn_session_wait(session, (int)(cli->timeout_ms + cli->interval_ms), &why)) {
			cn_session_close(session);
			return cn_fail_why(&why);
		}
	}
	*ret_session = session;
	return CN_EXIT_OK;
}

/* The oldest whose name has that text in it, if there is one, may be meant. */
static int no_task(const struct cn_model *model, const char *what)
{
	const struct cn_task *like = NULL;
	char meant[192] = "";

	for (size_t i = 0; *what && i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);

		if (task && (!like || task->id < like->id) && strcasestr(cn_task_name(model, task), what))
			like = task;
	}
	if (like)
		snprintf(meant, sizeof meant, "; did you mean %s (%llu)?",
			cn_safe(cn_task_name(model, like)), (unsigned long long)like->id);
	return cn_fail(CN_EXIT_NO_TARGET, "no task %s lives there now%s `rouse ps %u` names all that do", cn_safe(what),
		*meant ? meant : ";", cn_model_target(model)->pid);
}

int cn_find_task(const struct cn_model *model, const char *what, const struct cn_task **ret_task)
{
	const struct cn_task *found = NULL;
	size_t n = 0;
	char *end;
	uint64_t id;

	errno = 0;
	id = strtoull(what, &end, 10);
	if (*what && !*end && !errno && cn_model_task(model, id)) {
		*ret_task = cn_model_task(model, id);
		return CN_EXIT_OK;
	}
	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);

		if (!task || strcmp(cn_task_name(model, task), what) != 0)
			continue;
		n++;
		if (!found || task->id < found->id)
			found = task;
	}
	if (!found)
		return no_task(model, what);
	if (n > 1)
		return cn_fail(CN_EXIT_USAGE, "%zu tasks are called %s: say which by its id (the oldest is %llu)", n,
			cn_safe(what), (unsigned long long)found->id);
	*ret_task = found;
	return CN_EXIT_OK;
}

/* --------------------------------------------------------------------- main */

static int probe(int argc, char **argv)
{
#ifdef HAVE_BPF
	return cn_probe_main(argc, argv);
#else
	(void)argc;
	(void)argv;
	return cn_fail(CN_EXIT_NOT_PERMITTED, "this rouse was built without eBPF: build it with -Dbpf=enabled "
					      "(needs clang, bpftool, libbpf and libelf)");
#endif
}

int cn_cli_main(int argc, char **argv)
{
	const struct cn_verb *verb = cn_verb_of(argv[1]);
	struct cn_cli cli;
	int rc;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		verb = cn_verb_of("help");
	else if (argc > 1 && strcmp(argv[1], "--version") == 0)
		verb = cn_verb_of("version");
	if (verb && !verb->run)
		return probe(argc - 1, argv + 1);
	if (verb) {
		argc--;
		argv++;
	} else {
		verb = &verbs[0];
	}
	rc = cn_options_parse(argc, argv, verb, &cli);
	if (rc)
		return rc;
	if (cli.help)
		cn_help_verb(stdout, verb);
	else
		rc = verb->run(&cli);
	cn_cli_free(&cli);
	return cn_finish(rc);
}
