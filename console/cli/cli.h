/* SPDX-License-Identifier: MIT */
/*
 * The verbs of the command line. Data goes to stdout, all else to stderr; what
 * a person reads is drawn for the locale and the terminal, what a script reads
 * is asked for with --json.
 */
#ifndef CN_CLI_CLI_H
#define CN_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/paint.h"
#include "diagnose/chain.h"
#include "export/chains.h"
#include "export/csv.h"
#include "export/json.h"
#include "model/query.h"
#include "source/session.h"
#include "term/style.h"
#include "view/scene.h"

/* name, code, whose (NULL = every verb's, "" = of those that look at a target, else of these verbs), text */
#define CN_EXITS(X)                                                                                                    \
	X(OK, 0, NULL, "all is well; check: nothing found")                                                            \
	X(FINDINGS, 1, "check diff probe", "check: something was found; diff: they differ; probe: the target failed")  \
	X(USAGE, 2, NULL, "the command line makes no sense")                                                           \
	X(NO_TARGET, 3, "", "no such target, or no such task in it")                                                   \
	X(NOT_PERMITTED, 4, "", "not permitted, or not built in")                                                      \
	X(INCOMPATIBLE, 5, "", "the target is of another version")                                                     \
	X(INCOMPLETE, 6, NULL, "the data is not complete, or could not be written")                                    \
	X(TIMEOUT, 7, "", "no answer in time")                                                                         \
	X(RUN_ERROR, 120, "run", "run: what was asked for could not be done")                                          \
	X(RUN_FINDINGS, 121, "run", "run: the command ended well, but something was found (--on)")                     \
	X(RUN_BUDGET, 122, "run", "run: it ended well, but --max-poll or --max-scheduled was exceeded")                \
	X(RUN_LEAKS, 123, "run", "run: it ended well, but leaks (--no-leaks)")                                         \
	X(RUN_TIMEOUT, 124, "run", "run: it did not end in time, and was killed")                                      \
	X(RUN_NOT_EXECUTABLE, 126, "run", "run: the command cannot be run")                                            \
	X(RUN_NOT_FOUND, 127, "run", "run: there is no such command")                                                  \
	X(INTERRUPTED, 130, "watch export", "watch, export --listen: ended by SIGINT")
enum cn_exit {
#define X(name, code, whose, text) CN_EXIT_##name = (code),
	CN_EXITS(X)
#undef X
};

/* name, letter (0 = none), argument (NULL = none, [=...] = may be left out), help */
#define CN_OPTIONS(X)                                                                                                  \
	X(JSON, "json", 0, NULL, "print one JSON document")                                                            \
	X(SOURCE, "source", 0, "KIND", "where to look: auto, socket (of the agent), memory (of the process), core, recording") \
	X(TIMEOUT, "timeout", 0, "MS", "give up when there is no answer for so long (5000)")                           \
	X(LOOKS, "looks", 0, "N", "looks to take before judging (3, and up to 5 more that would tell more)")           \
	X(INTERVAL, "interval", 0, "MS", "time between looks (250; watch: 1000)")                                      \
	X(FOR, "for", 0, "TIME", "look for so long, in seconds or as 250ms, 2m; check: in place of --looks")            \
	X(FAIL_ON, "fail-on", 0, "CLASS", "only findings of at least this class count: suspect, likely, proven")       \
	X(THRESHOLD, "threshold", 0, "NAME=N", "set a threshold of diagnosis; may be given several times")             \
	X(BATCH, "batch", 'b', NULL, "print frames instead of opening a screen")                                       \
	X(COUNT, "count", 'n', "N", "so many frames, or edges, then end (for ever)")                                   \
	X(DELAY, "delay", 'd', "S", "seconds between frames (1)")                                                      \
	X(RETENTION, "retention", 0, "S", "seconds for which tasks that have ended stay in the table (6; 0: they go at once)") \
	X(LEVEL, "level", 0, "L", "ask the agent for tracing level 0, 1 or 2")                                         \
	X(AT, "at", 0, "TIME", "of a recording: which moment, from its start (12.5s, 1m30s) or end (-5s); else its end") \
	X(RECORD, "record", 0, "FILE", "keep what the screen sees, too; run: the last 60 s unless all is well, and cores") \
	X(LAST, "last", 0, "TIME", "keep so much in memory, and write it when there is a reason: see above")           \
	X(RING, "ring", 0, "BYTES", "never more than so many (256M), or in memory with --last: the oldest looks give way") \
	X(UNTIL, "until", 0, "finding[=CODE]", "end when there is a finding, or one of that code")                     \
	X(RING_EVENTS, "events", 0, NULL, "record ring events, too (raises the program's level to 2)")                 \
	X(COLOR, "color", 0, "WHEN", "auto, never, 8, 16 or 256 colours (NO_COLOR is heeded)")                         \
	X(ASCII, "ascii", 0, NULL, "draw with ASCII signs only")                                                       \
	X(FRAMES, "frames", 0, "FILE", "look at frames of the protocol in a file, in place of a target")               \
	X(EXEC, "exec", 0, "CMD", "run CMD (by sh -c) for each edge: see above")                                       \
	X(MIN_INTERVAL, "min-interval", 0, "S", "seconds between edges of one finding that comes and goes (10)")       \
	X(ALL, "all", 0, NULL, "each task by itself, instead of those that stand alike together")                      \
	X(KERNEL, "kernel", 0, "[=GROUPS]",                                                                            \
		"ask the kernel too, by eBPF: sched,syscalls,faults, or those and profile (all)")                      \
	X(OPENMETRICS, "openmetrics", 0, NULL, "metrics, as Prometheus and others read them")                          \
	X(FOLDED, "folded", 0, NULL, "await chains as folded stacks, a line each shape: for flamegraph.pl, speedscope")    \
	X(BY, "by", 0, "WHAT", "weight of a chain: tasks, how many have it (default), or busy, their time in polls")   \
	X(CSV, "csv", 0, "[=TABLE]", "comma-separated values, of tasks (default), groups, or resources")               \
	X(PERFETTO, "perfetto", 0, NULL, "a trace of polls, wakes, states of tasks and counters, for ui.perfetto.dev")     \
	X(OUTPUT, "output", 'o', "FILE", "write it there")                                                             \
	X(LISTEN, "listen", 0, "ADDR:PORT", "serve the metrics by HTTP, at a loopback address: 127.0.0.1:9464")        \
	X(LIMIT, "timeout", 0, "TIME", "kill the command when it has not ended after so long: 30s, 5m")                 \
	X(MAX_POLL, "max-poll", 0, "TIME", "no poll may take longer: 10ms")                                            \
	X(MAX_SCHEDULED, "max-scheduled", 0, "TIME", "no wake may wait for its poll longer: 50ms")                     \
	X(NO_LEAKS, "no-leaks", 0, NULL, "no leak of tasks, wakers or permits may be found, of whatever class")        \
	X(ON, "on", 0, "CLASS", "what is held against it: finding (any), likely, proven (default)")                    \
	X(REPORT, "report", 0, "FILE", "write the report there, in any case; else to standard error, if it is bad")    \
	X(FORMAT, "format", 0, "KIND", "of the report: text (default), json, junit")                                   \
	X(THEME, "theme", 0, "NAME", "colours: dark, light, high-contrast, tokio, mono; own ones by the configuration file")  \
	X(CONFIG, "config", 0, "FILE", "settings, in place of ~/.config/rouse/config.toml (see `rouse config --help`)")  \
	X(SET, "set", 0, "KEY=VALUE", "one setting, as in that file; may be given several times")                       \
	X(PRINT_DEFAULT, "print-default", 0, NULL, "print a file with all that can be set, in comments")               \
	X(WHERE, "where", 0, "QUERY", "only tasks that match, as in the screen's filter: see Queries")                  \
	X(NO_MOUSE, "no-mouse", 0, NULL, "leave the mouse to the terminal (which then selects text by it)")            \
	X(HELP, "help", 'h', NULL, "this text")
enum cn_option {
#define X(name, text, letter, argument, help) CN_OPTION_##name,
	CN_OPTIONS(X)
#undef X
	CN_OPTION_MAX
};
#define CN_TAKES(name) (1ull << CN_OPTION_##name)
#define CN_OF_RECORDINGS                                                                                              \
	(CN_TAKES(AT) | CN_TAKES(RECORD) | CN_TAKES(LAST) | CN_TAKES(RING) | CN_TAKES(UNTIL) | CN_TAKES(RING_EVENTS))
/* Options that are no settings: they say which program, what to do with it, or how the answer is to be this once. */
#define CN_OF_ONE_CALL												       \
	(CN_OF_RECORDINGS | CN_TAKES(JSON) | CN_TAKES(FOR) | CN_TAKES(THRESHOLD) | CN_TAKES(BATCH) | CN_TAKES(COUNT) |				       \
		CN_TAKES(FRAMES) | CN_TAKES(EXEC) | CN_TAKES(OPENMETRICS) | CN_TAKES(FOLDED) |			       \
		CN_TAKES(LIMIT) | CN_TAKES(MAX_POLL) | CN_TAKES(MAX_SCHEDULED) | CN_TAKES(NO_LEAKS) | CN_TAKES(ON) |   \
		CN_TAKES(REPORT) | CN_TAKES(FORMAT) |					       \
		CN_TAKES(PERFETTO) | CN_TAKES(OUTPUT) | CN_TAKES(NO_MOUSE) |					       \
		CN_TAKES(BY) | CN_TAKES(CSV) | CN_TAKES(LISTEN) | CN_TAKES(WHERE) |				       \
		CN_TAKES(CONFIG) | CN_TAKES(SET) | CN_TAKES(PRINT_DEFAULT) | CN_TAKES(HELP))
#define CN_TAKES_FILE (CN_TAKES(FRAMES) | CN_TAKES(AT))
#define CN_TAKES_TARGET (CN_TAKES(SOURCE) | CN_TAKES(TIMEOUT) | CN_TAKES(HELP))
#define CN_TAKES_SETTINGS (CN_TAKES(CONFIG) | CN_TAKES(SET))
#define CN_TAKES_TEXT (CN_TAKES(COLOR) | CN_TAKES(ASCII) | CN_TAKES(THEME) | CN_TAKES_SETTINGS)

enum cn_format { CN_FORMAT_TEXT, CN_FORMAT_JSON, CN_FORMAT_JUNIT };
struct cn_config;
struct cn_preferences;
struct cn_verb;

/* The command line, understood. */
struct cn_cli {
	const struct cn_verb *verb;
	const char *target; /* NULL = none */
	const char *more[CN_SEATS_MAX]; /* targets beside it, of the screen */
	size_t n_more;
	const char *task;   /* what `why` is asked about */
	uint64_t given; /* CN_TAKES() of the options that were */
	bool json, batch, help, all, print_default, no_mouse;
	enum cn_source_kind source;
	uint32_t timeout_ms, interval_ms, looks;
	uint32_t for_ms; /* 0 = not said */
	uint32_t level; /* 1 + level, 0 = leave it */
	enum cn_stacks stacks; /* native stacks that the verb wants with its looks */
	enum cn_class fail_on;
	struct cn_diagnose_opts diagnose;
	struct cn_kernel_wish kernel;
	const char *exec;   /* NULL = none */
	const char *listen; /* likewise */
	const char *where;  /* likewise */
	const char *output; /* likewise */
	bool events;        /* ring events are wanted, too */
	char **command;     /* what `run` runs, NULL at its end */
	uint32_t limit_ms, max_poll_us, max_scheduled_us; /* 0 = not said */
	bool no_leaks;
	enum cn_class on;
	const char *report; /* NULL = not said */
	enum cn_format format;
	enum cn_chains_by by;
	enum cn_csv_table csv;
	uint32_t min_interval_ms;
	unsigned long count;
	uint32_t delay_ms, retention_ms;
	const char *frames;
	const char *record, *until; /* NULL = none */
	int64_t at_ns; /* of a recording, < 0: from its end */
	uint64_t last_ns, ring_bytes;
	uint32_t stacks_ms; /* for native stacks; 0 = the timeout */
	bool plays;    /* a recording is shown look by look, and does not stand still */
	struct cn_paint paint;
	struct cn_theme theme;
	struct cn_preferences *preferences; /* of the screen; NULL = none */
	struct cn_config *config;           /* for the verb that tells of it */
};

struct cn_verb {
	const char *name;
	const char *arguments; /* as in the usage line */
	const char *summary;
	const char *help; /* more lines, may be NULL */
	uint64_t options;
	int arguments_min, arguments_max; /* -1: all that follows the options is a command */
	int (*run)(struct cn_cli *cli);
};

/* Understands the line; what is wrong with it goes to stderr. CN_EXIT_OK or CN_EXIT_USAGE. */
int cn_options_parse(int argc, char **argv, const struct cn_verb *verb, struct cn_cli *ret_cli);
void cn_cli_free(struct cn_cli *cli);
/* Whether the option could be said so. */
bool cn_option_check(enum cn_option option, const char *text);
const char *cn_option_text(unsigned int option);
const char *cn_option_help(unsigned int option);
char cn_option_letter(unsigned int option);
/* NULL = none, [=...] = may be left out. */
const char *cn_option_argument(unsigned int option);
/* The words that its argument is one of: the i-th, NULL = there are no more, or it is no choice. */
const char *cn_option_word(unsigned int option, unsigned int i);
/* The whole program, but for the locale. */
int cn_cli_main(int argc, char **argv);

const struct cn_verb *cn_verbs(size_t *ret_n);
/* NULL = there is none of that name. */
const struct cn_verb *cn_verb_of(const char *word);
void cn_help_verb(FILE *out, const struct cn_verb *verb);
void cn_help_all(FILE *out);

/* "rouse: ..." on stderr; answers `code`. */
int cn_fail(enum cn_exit code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The exit code that stands for a failure. */
enum cn_exit cn_exit_of(int code);
/* Says why, answers the exit code that stands for it. */
int cn_fail_why(const struct cn_why *why);
/* Without a look, or a word on stderr: 0, or a negative errno with *why set. */
int cn_open_target(const struct cn_cli *cli, const char *target, struct cn_session **ret_session, struct cn_why *why);
/* Opens the target and takes `looks` looks. CN_EXIT_OK, or it has been said why not. Closed by cn_session_close(). */
int cn_open(const struct cn_cli *cli, uint32_t looks, struct cn_session **ret_session);
/* Of a recording: goes to --at, or its end; what plays, to --at, or stays before its start. 0, or *why is set. */
int cn_place(const struct cn_cli *cli, struct cn_session *session, struct cn_why *why);
/* The member "recording"; nothing if it is none. */
void cn_recording_json(struct cn_json *json, const struct cn_session *session);
void cn_recording_print(const struct cn_paint *paint, const struct cn_session *session);
/* It is a recording, and its last look is shown. */
bool cn_at_end(const struct cn_session *session);
/* "1.25 MiB" */
const char *cn_bytes_text(char out[16], uint64_t bytes);
/* What a person reads is printed: an error of stdout is an error. */
int cn_finish(int code);

/* The kernel's side was asked for so long; 0 = not at all. */
uint64_t cn_kernel_span_ns(const struct cn_model *model);
/*
 * With --kernel: looks go on until the kernel has told twice, so that there is
 * a difference to judge, and check has asked it for as long as is wanted; or it
 * is clear that it will not tell. Then what does not measure is said on stderr.
 * Adds to *looks. CN_EXIT_OK, or as cn_open().
 */
int cn_await_kernel(const struct cn_cli *cli, struct cn_session *session, uint32_t *looks);
/* The member "kernel"; nothing if it was not asked. */
void cn_kernel_json(struct cn_json *json, const struct cn_model *model);
/* While findings hang on what only a further look can tell, a few more are taken. Adds to *looks; else as cn_open(). */
int cn_look_again(const struct cn_cli *cli, struct cn_session *session, uint32_t *looks);
/* The task that is meant by an id or a name: CN_EXIT_OK, NO_TARGET or USAGE (several). */
int cn_find_task(const struct cn_model *model, const char *what, const struct cn_task **ret_task);

/* Parts of documents. */
void cn_head_json(struct cn_json *json, const char *schema, const struct cn_session *session);
void cn_head_text(const struct cn_paint *paint, const struct cn_session *session);
/* Null if the site is not known. */
void cn_site_json(
	struct cn_json *json, const char *key, const struct cn_model *model, size_t runtime, uint32_t index);
void cn_task_json(struct cn_json *json, const struct cn_session *session, const struct cn_task *task, bool with_awaits);
/* The same, into an object that is open already. */
void cn_task_members_json(
	struct cn_json *json, const struct cn_session *session, const struct cn_task *task, bool with_awaits);
/* Workers in a poll and running blocking jobs, with native stacks. */
void cn_running_json(struct cn_json *json, const struct cn_model *model);
void cn_running_print(const struct cn_paint *paint, const struct cn_model *model);
void cn_finding_json(struct cn_json *json, const struct cn_session *session, const struct cn_finding *finding);
void cn_finding_member_json(
	struct cn_json *json, const char *key, const struct cn_session *session, const struct cn_finding *finding);
void cn_findings_json(struct cn_json *json, const struct cn_session *session, enum cn_class least);
void cn_chain_json(struct cn_json *json, const struct cn_model *model, const struct cn_chain *chain);
void cn_finding_print(const struct cn_paint *paint, const struct cn_session *session, const struct cn_finding *finding);
void cn_chain_print(const struct cn_paint *paint, const struct cn_model *model, const struct cn_chain *chain);

/* The threads of a runtime: nothing in text if none is known. */
void cn_threads_json(struct cn_json *json, const struct cn_model *model, size_t runtime);
void cn_threads_print(const struct cn_paint *paint, const struct cn_model *model, size_t runtime);
/*
 * The native stack of a thread, for which the verb has asked by cli->stacks
 * before cn_open(): a line each frame, innermost first, or why there is none.
 * Nothing, and null, where none was taken.
 */
void cn_stack_print(
	const struct cn_paint *paint, const struct cn_model *model, size_t runtime, uint32_t tid, int indent);
void cn_stack_json(struct cn_json *json, const char *key, const struct cn_model *model, size_t runtime, uint32_t tid);

/* The same of any stack. */
void cn_stack_frames_print(
	const struct cn_paint *paint, const struct cn_model *model, const struct cn_stack *stack, int indent);
void cn_stack_frames_json(
	struct cn_json *json, const char *key, const struct cn_model *model, const struct cn_stack *stack);

/* The query of --where, or one that every task matches. CN_EXIT_OK, or what is wrong has been said. */
int cn_where(const struct cn_cli *cli, struct cn_query *ret_query);
void cn_where_help(FILE *out);
/* The document of ps, with the tasks that match; top --json prints one a look. */
void cn_ps_json(struct cn_json *json, const struct cn_session *session, const struct cn_query *where);

/* ROUSE_COUNTERS names two in ticks; in documents they are nanoseconds. */
const char *cn_counter_name(const char *name);

int cn_verb_list(struct cn_cli *cli);
int cn_verb_ps(struct cn_cli *cli);
int cn_verb_top(struct cn_cli *cli);
int cn_verb_record(struct cn_cli *cli);
int cn_verb_replay(struct cn_cli *cli);
int cn_verb_dump(struct cn_cli *cli);
int cn_verb_why(struct cn_cli *cli);
int cn_verb_watch(struct cn_cli *cli);
int cn_verb_check(struct cn_cli *cli);
int cn_verb_sched(struct cn_cli *cli);
int cn_verb_export(struct cn_cli *cli);
int cn_verb_diff(struct cn_cli *cli);
int cn_verb_run(struct cn_cli *cli);
int cn_verb_schema(struct cn_cli *cli);
int cn_verb_doctor(struct cn_cli *cli);
int cn_verb_stacks(struct cn_cli *cli);
int cn_verb_completions(struct cn_cli *cli);
int cn_verb_man(struct cn_cli *cli);
int cn_verb_config(struct cn_cli *cli);
int cn_verb_help(struct cn_cli *cli);
int cn_verb_version(struct cn_cli *cli);

#endif
