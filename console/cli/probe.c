/* SPDX-License-Identifier: MIT */
/*
 * rouse probe: what tasks do, told by the kernel, for programs that have no
 * agent or that one does not want to ask.
 *
 * The bpf source hands out frames; they are decoded like anybody else's and
 * printed, as lines or as JSON, and with --frames also written as they came,
 * so that a recording of a probe replays like any other.
 */
#include "cli/probe.h"
#include "cli/probe_calls.h"
#include "cli/probe_lines.h"
#include "cli/probe_sched.h"
#include "export/text.h"
#include "loader/loader.h"
#include "source/resolve.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_TARGET = 3, EXIT_NOT_PERMITTED = 4, EXIT_INCOMPLETE = 6 };

struct options {
	const char *target;   /* pid or name; NULL with a command */
	char *const *command; /* NULL with a target */
	uint64_t for_ns;      /* 0 = no end */
	uint64_t long_poll_ns;
	const char *frames; /* file, "-" = standard output, NULL = none */
};

struct probe {
	struct options opts;
	struct rp_decoder *decoder;
	FILE *frames;
	struct cn_probe_lines lines;
	int pid;
	char program[64]; /* fit to print */
	int status;       /* of the command, as waitpid gives it */
	bool ended;       /* the target has */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ----------------------------------------------------------------- frames */

/* The name of a process is its own choice: only what neither a terminal nor JSON could mistake gets through. */
static void make_printable(const char *text, char *out, size_t n)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < n; i++)
		out[i] = isprint((unsigned char)text[i]) && !strchr("\"\\", text[i]) ? text[i] : '?';
	out[i] = '\0';
}

static int write_frame(FILE *file, const uint8_t *bytes, size_t n)
{
	uint8_t prefix[RP_PREFIX_MAX];
	size_t prefix_bytes = rp_prefix_encode(prefix, n);

	errno = 0;
	if (fwrite(prefix, 1, prefix_bytes, file) != prefix_bytes || fwrite(bytes, 1, n, file) != n)
		return errno ? -errno : -EIO;
	return 0;
}

static int take_frame(void *arg, const uint8_t *bytes, size_t n)
{
	struct probe *probe = arg;
	const Rouse__V1__Frame *frame;
	int rc;

	if (probe->frames) {
		rc = write_frame(probe->frames, bytes, n);
		if (rc < 0)
			return rc;
	}
	rc = rp_frame_decode(probe->decoder, bytes, n, &frame);
	if (rc < 0)
		return rc;
	if (frame->body_case == ROUSE__V1__FRAME__BODY_HELLO)
		make_printable(frame->hello->program, probe->program, sizeof(probe->program));
	cn_probe_lines_frame(&probe->lines, frame);
	return 0;
}

/* ---------------------------------------------------------------- summary */

static void print_summary_json(const struct probe *probe, const struct bl_counts *counts, double seconds)
{
	printf("{\"event\":\"summary\",\"pid\":%d,\"program\":\"%s\",\"seconds\":%.3f,\"ended\":%s,", probe->pid,
		probe->program, seconds, probe->ended ? "true" : "false");
	if (probe->opts.command && probe->ended && WIFEXITED(probe->status))
		printf("\"exit\":%d,", WEXITSTATUS(probe->status));
	printf("\"spawned\":%" PRIu64 ",\"wakes\":%" PRIu64 ",\"polls\":%" PRIu64 ",\"completed\":%" PRIu64 ",",
		counts->spawned, counts->wakes, counts->polls, counts->completed);
	printf("\"long_polls\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"lost\":%" PRIu64 "}\n", counts->long_polls,
		counts->delivered, counts->lost);
}

static void print_summary_text(FILE *out, const struct probe *probe, const struct bl_counts *counts, double seconds)
{
	fprintf(out, "%s (%d), %.3f s: ", probe->program, probe->pid, seconds);
	fprintf(out, "%" PRIu64 " spawned, %" PRIu64 " wakes, %" PRIu64 " polls, %" PRIu64 " completed; ",
		counts->spawned, counts->wakes, counts->polls, counts->completed);
	fprintf(out, "%" PRIu64 " long polls; %" PRIu64 " records, %" PRIu64 " lost\n", counts->long_polls,
		counts->delivered, counts->lost);
	if (!probe->ended || !probe->opts.command)
		return;
	if (WIFSIGNALED(probe->status))
		fprintf(stderr, "rouse probe: %s was killed by signal %d\n", probe->program, WTERMSIG(probe->status));
	else if (WEXITSTATUS(probe->status) != 0)
		fprintf(stderr, "rouse probe: %s exited with status %d\n", probe->program, WEXITSTATUS(probe->status));
}

static void print_summary(const struct probe *probe, const struct bl_counts *counts)
{
	double seconds = (double)(now_ns() - probe->lines.started_ns) / 1e9;

	if (probe->lines.print && probe->lines.json)
		print_summary_json(probe, counts, seconds);
	else
		print_summary_text(probe->lines.print ? stdout : stderr, probe, counts, seconds);
}

/* ----------------------------------------------------------------- target */

/* The process that was named, or a negative error after having said what is wrong. */
static int find_target(const char *target)
{
	struct cn_why why;
	struct cn_aim aim;
	int rc;

	rc = cn_resolve(target, CN_SOURCE_MEMORY, &aim, &why);
	if (rc < 0) {
		fprintf(stderr, "rouse probe: %s\n", why.text);
		return rc;
	}
	if (aim.pid == 0) {
		fprintf(stderr, "rouse probe: %s is a socket: name the process behind it\n", cn_safe(target));
		return -ESRCH;
	}
	return aim.pid;
}

static int exit_code_of(int rc)
{
	switch (rc) {
	case -ESRCH:
	case -ENOENT:
	case -ENOTUNIQ:
		return EXIT_NO_TARGET;
	case -EPERM:
	case -EACCES:
	case -EOPNOTSUPP:
		return EXIT_NOT_PERMITTED;
	default:
		return EXIT_FAILED;
	}
}

static int open_source(struct probe *probe, struct bl_source **ret_source)
{
	const struct bl_opts opts = { .size = sizeof(opts), .long_poll_ns = probe->opts.long_poll_ns };
	struct bl_why why;
	int rc;

	if (probe->opts.command) {
		/* Standard output carries data; the program's own goes where ours does when we talk. */
		rc = bl_start(probe->opts.command, STDERR_FILENO, &probe->pid, &why);
		if (rc < 0)
			goto failed;
	} else {
		probe->pid = find_target(probe->opts.target);
		if (probe->pid < 0)
			return exit_code_of(probe->pid);
	}
	probe->lines.started_ns = now_ns();
	rc = bl_open(probe->pid, &opts, ret_source, &why);
	if (rc == 0 && probe->opts.command)
		rc = bl_go(probe->pid);
	if (rc == 0)
		return EXIT_OK;
	if (probe->opts.command)
		bl_kill(probe->pid);
failed:
	fprintf(stderr, "rouse probe: %s\n", why.text);
	return exit_code_of(rc);
}

/* ------------------------------------------------------------------- main */

static bool is_over(const struct probe *probe)
{
	if (probe->lines.limit && probe->lines.printed >= probe->lines.limit)
		return true;
	return interrupted || (probe->opts.for_ns && now_ns() - probe->lines.started_ns >= probe->opts.for_ns);
}

static int flush(const struct probe *probe)
{
	if (fflush(stdout) != 0 || (probe->frames && fflush(probe->frames) != 0))
		return -errno;
	return 0;
}

static int watch(struct probe *probe, struct bl_source *source)
{
	int rc = 0, flushed;

	while (rc == 0 && !is_over(probe)) {
		rc = bl_poll(source, 100, take_frame, probe);
		flushed = flush(probe);
		if (flushed < 0)
			return flushed;
	}
	probe->ended = rc == 1;
	if (rc == 0)
		rc = bl_finish(source, take_frame, probe);
	return rc < 0 ? rc : 0;
}

/* A program that we started ends with us. */
static void end_command(struct probe *probe)
{
	if (!probe->opts.command)
		return;
	if (!probe->ended)
		kill(probe->pid, SIGTERM);
	else
		while (waitpid(probe->pid, &probe->status, 0) < 0 && errno == EINTR)
			;
}

static int run(struct probe *probe)
{
	struct bl_source *source = NULL;
	struct bl_counts counts;
	int rc;

	rc = open_source(probe, &source);
	if (rc != EXIT_OK)
		return rc;
	rc = watch(probe, source);
	end_command(probe);
	bl_counts(source, &counts);
	bl_close(source);
	print_summary(probe, &counts);
	if (rc == 0)
		rc = flush(probe);
	if (rc < 0 && rc != -EPIPE) { /* who reads us may stop when they have seen enough */
		fprintf(stderr, "rouse probe: %s\n", strerror(-rc));
		return EXIT_FAILED;
	}
	return counts.lost ? EXIT_INCOMPLETE : EXIT_OK;
}

#define SYNOPSIS                                                                                                       \
	"usage: rouse probe --events [OPTIONS] PID|NAME\n"                                                             \
	"       rouse probe --events [OPTIONS] -- COMMAND [ARGUMENTS]\n"                                               \
	"       rouse probe --sched [OPTIONS] PID|NAME     (see rouse probe --sched --help)\n"                         \
	"       rouse probe --syscalls [OPTIONS] PID|NAME  (see rouse probe --syscalls --help)\n"                      \
	"       rouse probe --blocks [OPTIONS] PID|NAME    (see rouse probe --blocks --help)\n"                        \
	"       rouse probe --faults [OPTIONS] PID|NAME    (see rouse probe --faults --help)\n"                        \
	"       rouse probe --profile [OPTIONS] PID|NAME   (see rouse probe --profile --help)\n"

static const char HELP[] =
	SYNOPSIS "Shows every spawn, wake, poll and end of a task, as the kernel sees them at the\n"
		 "program's USDT probes, and for each long poll where its time went.\n"
		 "  -n, --count N      end after N lines\n"
		 "      --for SECONDS  end after that time\n"
		 "      --long MS      a poll is long from this time on (default 10)\n"
		 "      --json         one JSON object a line, the last is the summary\n"
		 "      --frames FILE  write the frames of the protocol to FILE as well; - is standard\n"
		 "                     output, instead of lines\n"
		 "With a COMMAND nothing is missed, its standard output goes to standard error, and it\n"
		 "is ended (SIGTERM) if the probe ends first. Ctrl-C ends with the summary.\n"
		 "Exit: 0 ok, 1 failed, 2 usage, 3 no such target, 4 not permitted, 6 records were lost.\n";

static int usage(const char *problem, const char *what)
{
	fprintf(stderr, "rouse probe: %s%s\n%s", problem, what, SYNOPSIS);
	return EXIT_USAGE;
}

static bool parse_number(const char *text, double *ret_number)
{
	char *end;

	*ret_number = strtod(text, &end);
	return end != text && *end == '\0' && *ret_number > 0 && *ret_number < 1e9;
}

enum { OPTION_EVENTS = 256, OPTION_FOR, OPTION_LONG, OPTION_JSON, OPTION_FRAMES, OPTION_HELP };
static const struct option OPTIONS[] = {
	{ "events", no_argument, NULL, OPTION_EVENTS },
	{ "count", required_argument, NULL, 'n' },
	{ "for", required_argument, NULL, OPTION_FOR },
	{ "long", required_argument, NULL, OPTION_LONG },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "frames", required_argument, NULL, OPTION_FRAMES },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

/* -1 to go on, or the exit code. */
static int parse(int argc, char **argv, struct options *opts, struct cn_probe_lines *lines)
{
	int words = 0, option;
	bool events = false;
	double number;

	/* Everything behind "--" is the command's, whatever it looks like. */
	while (words < argc && strcmp(argv[words], "--") != 0)
		words++;
	opts->command = words + 1 < argc ? argv + words + 1 : NULL;
	optind = 0; /* start anew: the verb was found by another getopt */
	opterr = 0;
	while ((option = getopt_long(words, argv, "n:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case OPTION_EVENTS:
			events = true;
			break;
		case 'n':
		case OPTION_FOR:
		case OPTION_LONG:
			if (!parse_number(optarg, &number))
				return usage("not a positive number: ", optarg);
			if (option == 'n')
				lines->limit = (uint64_t)number;
			else if (option == OPTION_FOR)
				opts->for_ns = (uint64_t)(number * 1e9);
			else
				opts->long_poll_ns = (uint64_t)(number * 1e6);
			break;
		case OPTION_JSON:
			lines->json = true;
			break;
		case OPTION_FRAMES:
			opts->frames = optarg;
			break;
		case OPTION_HELP:
			fputs(HELP, stdout);
			return EXIT_OK;
		default:
			return usage("unknown option, or one without its argument: ", argv[optind - 1]);
		}
	}
	opts->target = optind < words ? argv[optind] : NULL;
	if (!events)
		return usage("say what to probe: --events, --sched, --syscalls, --blocks, --faults or --profile", "");
	if (optind + 1 < words)
		return usage("one target at a time: ", argv[optind + 1]);
	if (!opts->target == !opts->command)
		return usage("name a process, or a command behind --", "");
	return -1;
}

static int open_frames(struct probe *probe)
{
	const char *file = probe->opts.frames;

	probe->lines.print = !file || strcmp(file, "-") != 0;
	if (!file)
		return 0;
	probe->frames = probe->lines.print ? fopen(file, "we") : stdout;
	return probe->frames ? 0 : -errno;
}

int cn_probe_main(int argc, char **argv)
{
	const struct sigaction on_interrupt = { .sa_handler = interrupt };
	struct probe probe = { .pid = 0 };
	int rc;

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--sched") == 0)
			return cn_probe_sched_main(argc, argv);
		if (strcmp(argv[i], "--syscalls") == 0)
			return cn_probe_calls_main(argc, argv);
		if (strcmp(argv[i], "--blocks") == 0)
			return cn_probe_blocks_main(argc, argv);
		if (strcmp(argv[i], "--faults") == 0)
			return cn_probe_faults_main(argc, argv);
		if (strcmp(argv[i], "--profile") == 0)
			return cn_probe_profile_main(argc, argv);
	}
	rc = parse(argc, argv, &probe.opts, &probe.lines);
	if (rc >= 0)
		return rc;
	rc = open_frames(&probe);
	if (rc < 0) {
		fprintf(stderr, "rouse probe: cannot write %s: %s\n", probe.opts.frames, strerror(-rc));
		return EXIT_FAILED;
	}
	probe.decoder = rp_decoder_new();
	if (!probe.decoder) {
		fprintf(stderr, "rouse probe: no memory\n");
		return EXIT_FAILED;
	}
	sigaction(SIGINT, &on_interrupt, NULL);
	sigaction(SIGTERM, &on_interrupt, NULL);
	/* Handled, not ignored: a command would inherit that. */
	sigaction(SIGPIPE, &on_interrupt, NULL);
	rc = run(&probe);
	rp_decoder_free(probe.decoder);
	if (probe.frames && probe.frames != stdout)
		fclose(probe.frames);
	return rc;
}
