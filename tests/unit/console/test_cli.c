/* SPDX-License-Identifier: MIT */
/* The program as a shell sees it: what it prints where, and its exit status. */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
	int status; /* exit status, or -signal */
	char out[32768], err[4096];
};

static void drain(int fd, char *text, size_t bytes)
{
	size_t used = 0;
	ssize_t n;

	while (used + 1 < bytes && (n = read(fd, text + used, bytes - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = 0;
	close(fd);
}

static void start(const char *line, int out, int err)
{
	char program[1024], command[2048];

	snprintf(program, sizeof program, "%s/console/rouse", getenv("ROUSE_BUILD_ROOT"));
	snprintf(command, sizeof command, "exec '%s' %s", program, line);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	setenv("LC_ALL", "C.UTF-8", 1);
	unsetenv("COLUMNS");
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static struct run *rouse(const char *line)
{
	static struct run run;
	int out[2], err[2], status;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(err), 0);
	pid = fork();
	if (pid == 0)
		start(line, out[1], err[1]);
	assert_true(pid > 0);
	close(out[1]);
	close(err[1]);
	drain(out[0], run.out, sizeof run.out);
	drain(err[0], run.err, sizeof run.err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	return &run;
}

static void nonsense_is_refused_with_2_and_says_where_to_look(void **state)
{
	static const char *const lines[] = { "ps", "why 1", "why 1 2 3", "ps --nonsense 1",
		"check --fail-on sometimes 1", "check --looks 0 1", "check --looks x 1", "ps --timeout",
		"ps --timeout -5 1", "top -n 1.5x 1", "help nonsense", "list extra", "version extra", "--nonsense",
		"ps --source telepathy 1", "help a b" };

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		const struct run *run = rouse(lines[i]);

		if (run->status != 2)
			print_error("rouse %s: %d\n", lines[i], run->status);
		assert_int_equal(run->status, 2);
		assert_string_equal(run->out, "");
		assert_int_equal(strncmp(run->err, "rouse: ", 7), 0);
		assert_non_null(strstr(run->err, "help"));
	}
}

static void targets_that_are_not_there_are_3(void **state)
{
	static const char *const lines[] = { "ps 999999999", "why no-such-program 1", "check /no/such/socket",
		"dump 999999999 --json", "sched no-such-program", "no-such-program", "top -b -n 1 999999999" };

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		const struct run *run = rouse(lines[i]);

		assert_int_equal(run->status, 3);
		assert_string_equal(run->out, "");
		assert_non_null(strstr(run->err, "rouse list"));
	}
}

static void a_target_without_permission_is_4(void **state)
{
	(void)state;
	if (geteuid() != 0)
		assert_int_equal(rouse("ps 1")->status, 4);
	else /* as root: drop to a user who may read nothing of it */
		test_skip("kernel: run as root, who may read everything");
}

static void every_verb_has_a_help_that_names_its_exits(void **state)
{
	static const struct {
		const char *name;
		bool looks; /* at a target */
	} verbs[] = { { "", true }, { "list", false }, { "ps", true }, { "top", true }, { "dump", true }, { "why", true },
		{ "check", true }, { "watch", true }, { "sched", true }, { "doctor", true }, { "stacks", true },
		{ "version", false }, { "help", false } };
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		const struct run *run;

		snprintf(line, sizeof line, "%s --help", verbs[i].name);
		run = rouse(line);
		assert_int_equal(run->status, 0);
		assert_string_equal(run->err, "");
		assert_non_null(strstr(run->out, "usage: rouse"));
		assert_non_null(strstr(run->out, "  2  the command line makes no sense"));
		assert_int_equal(strstr(run->out, "  7  no answer in time") != NULL, verbs[i].looks);
		assert_non_null(strstr(rouse("help")->out, verbs[i].name));
	}
	assert_non_null(strstr(rouse("check --help")->out, "wait-cycle"));
	assert_non_null(strstr(rouse("check --help")->out, "--frames"));
}

/* What an agent said, kept in a file: every verb answers as it would have then. */
static void a_file_of_frames_stands_for_a_target(void **state)
{
	char line[512], file[256];
	const struct run *run;

	(void)state;
	snprintf(file, sizeof file, "--frames %s/tests/tui/trouble.frames", getenv("ROUSE_SOURCE_ROOT"));
	snprintf(line, sizeof line, "check --looks 1000 --interval 10 %s", file); /* more than there are */
	run = rouse(line);
	assert_int_equal(run->status, 1);
	assert_non_null(strstr(run->out, "PROVEN wait cycle"));
	assert_null(strstr(run->out, "1000 looks"));
	snprintf(line, sizeof line, "why %s trouble:deadlock-a", file);
	run = rouse(line);
	assert_int_equal(run->status, 0);
	assert_non_null(strstr(run->out, "back to where it stood: a ring"));
	snprintf(line, sizeof line, "ps --json %s", file);
	assert_non_null(strstr(rouse(line)->out, "\"trouble:deadlock-b\""));
	snprintf(line, sizeof line, "why %s", file);
	assert_int_equal(rouse(line)->status, 2); /* which task? */
	snprintf(line, sizeof line, "check --frames %s/README.md", getenv("ROUSE_SOURCE_ROOT"));
	run = rouse(line);
	assert_int_equal(run->status, 5);
	assert_non_null(strstr(run->err, "README.md"));
	assert_int_equal(rouse("check --frames /no/such/file")->status, 3);
}

/* Of both documents, and of the screen's frames, only the tasks that match; nonsense is shown where it stands. */
static void where_chooses_tasks(void **state)
{
	char line[1024], frames[512];
	const struct run *run;

	(void)state;
	snprintf(frames, sizeof frames, "--frames '%s/tests/tui/trouble.frames'", getenv("ROUSE_SOURCE_ROOT"));
	snprintf(line, sizeof line, "ps %s --where 'waits:lock name~deadlock'", frames);
	run = rouse(line);
	assert_int_equal(run->status, 0);
	assert_non_null(strstr(run->out, "trouble:deadlock-a"));
	assert_null(strstr(run->out, "trouble:never-registered"));
	snprintf(line, sizeof line, "ps %s --json --where finding:proven", frames);
	run = rouse(line);
	assert_int_equal(run->status, 0);
	assert_non_null(strstr(run->out, "trouble:never-registered"));
	assert_null(strstr(run->out, "trouble:self-wake"));
	snprintf(line, sizeof line, "top -b -n 1 %s --where waits:lock", frames);
	run = rouse(line);
	assert_int_equal(run->status, 0);
	assert_non_null(strstr(run->out, "filter waits:lock: 2 of 12"));
	assert_null(strstr(run->out, "trouble:never-registered  "));
	snprintf(line, sizeof line, "ps %s --where 'name:x age>soon'", frames);
	run = rouse(line);
	assert_int_equal(run->status, 2);
	assert_string_equal(run->out, "");
	assert_non_null(strstr(run->err, "--where: age wants a time"));
	assert_non_null(strstr(run->err, "    name:x age>soon\n               ^^^^\n"));
}

static void the_version_is_text_or_json(void **state)
{
	(void)state;
	assert_int_equal(strncmp(rouse("version")->out, "rouse ", 6), 0);
	assert_int_equal(strncmp(rouse("--version")->out, "rouse ", 6), 0);
	assert_non_null(strstr(rouse("version --json")->out, "\"schema\": \"rouse/version/1\""));
}

static void a_list_is_data_and_an_empty_one_says_how_to_start(void **state)
{
	const struct run *run = rouse("list");

	(void)state;
	assert_int_equal(run->status, 0);
	if (*run->out)
		assert_non_null(strstr(run->out, "PROGRAM"));
	else
		assert_non_null(strstr(run->err, "ROUSE_LISTEN=1 ./yourprogram"));
	assert_non_null(strstr(rouse("list --json")->out, "\"schema\": \"rouse/list/1\""));
}

static void pipes_get_no_colour_unless_it_is_asked_for(void **state)
{
	(void)state;
	assert_null(strchr(rouse("list")->out, '\033'));
	assert_null(strchr(rouse("list --color never")->out, '\033'));
}

/* The reader has gone: an end without a word, as `head` expects. */
static void a_closed_pipe_is_no_error(void **state)
{
	int out[2], err[2], status;
	char text[256];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(err), 0);
	close(out[0]);
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		start("help", out[1], err[1]);
	}
	close(out[1]);
	close(err[1]);
	drain(err[0], text, sizeof text);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_string_equal(text, "");
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void a_full_disk_is_told(void **state)
{
	const struct run *run = rouse("help > /dev/full");

	(void)state;
	assert_int_equal(run->status, 6);
	assert_non_null(strstr(run->err, "cannot write"));
}

TEST_MAIN(cmocka_unit_test(nonsense_is_refused_with_2_and_says_where_to_look),
	cmocka_unit_test(targets_that_are_not_there_are_3), cmocka_unit_test(a_target_without_permission_is_4),
	cmocka_unit_test(every_verb_has_a_help_that_names_its_exits),
	cmocka_unit_test(a_file_of_frames_stands_for_a_target), cmocka_unit_test(where_chooses_tasks),
	cmocka_unit_test(the_version_is_text_or_json),
	cmocka_unit_test(a_list_is_data_and_an_empty_one_says_how_to_start),
	cmocka_unit_test(pipes_get_no_colour_unless_it_is_asked_for), cmocka_unit_test(a_closed_pipe_is_no_error),
	cmocka_unit_test(a_full_disk_is_told));
