/* SPDX-License-Identifier: MIT */
#include "cli/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void free_run(struct cn_run *run)
{
	for (size_t i = 0; i < run->n_environment; i++)
		free(run->environment[i].value);
	free(run->input);
	*run = (struct cn_run){ 0 };
}

void cn_run_set(struct cn_run *run, const char *name, const char *format, ...)
{
	va_list args;
	char *value;

	va_start(args, format);
	if (vasprintf(&value, format, args) < 0)
		value = NULL;
	va_end(args);
	if (!value || run->n_environment == CN_RUNNER_VARIABLES) {
		free(value);
		return;
	}
	run->environment[run->n_environment].name = name;
	run->environment[run->n_environment++].value = value;
}

bool cn_runner_add(struct cn_runner *runner, struct cn_run run)
{
	if (runner->n == CN_RUNNER_WAITING) {
		runner->dropped++;
		free_run(&run);
		return false;
	}
	runner->waiting[(runner->first + runner->n++) % CN_RUNNER_WAITING] = run;
	return true;
}

/* In memory, so that a command that does not read it keeps nobody waiting. A descriptor, or -errno. */
static int input_of(const struct cn_run *run)
{
	size_t n = run->input ? strlen(run->input) : 0, done = 0;
	int fd = memfd_create("rouse-edge", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (done < n) {
		ssize_t written = write(fd, run->input + done, n - done);

		if (written < 0 && errno != EINTR) {
			int error = errno;

			close(fd);
			return -error;
		}
		done += written > 0 ? (size_t)written : 0;
	}
	if (lseek(fd, 0, SEEK_SET) != 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

/* In the child. Its output goes where messages go: what is printed here stays one edge a line. */
static void become(const struct cn_runner *runner, const struct cn_run *run, int input)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < run->n_environment; i++)
		setenv(run->environment[i].name, run->environment[i].value, 1);
	if (dup2(input, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", runner->command, (char *)NULL);
	_exit(127);
}

static int start(struct cn_runner *runner)
{
	struct cn_run run = runner->waiting[runner->first];
	int input = input_of(&run);
	pid_t pid;

	runner->first = (runner->first + 1) % CN_RUNNER_WAITING;
	runner->n--;
	if (input < 0) {
		free_run(&run);
		return input;
	}
	pid = fork();
	if (pid == 0)
		become(runner, &run, input);
	close(input);
	free_run(&run);
	if (pid < 0)
		return -errno;
	runner->running = pid;
	return 0;
}

int cn_runner_turn(struct cn_runner *runner)
{
	int status;

	if (runner->running) {
		pid_t pid = waitpid(runner->running, &status, WNOHANG);

		if (pid == 0 || (pid < 0 && errno == EINTR))
			return 0;
		runner->failed = pid < 0 || status != 0;
		runner->status = pid < 0 ? 0 : status;
		runner->running = 0;
	}
	return runner->n ? start(runner) : 0;
}

void cn_runner_fini(struct cn_runner *runner)
{
	while (runner->n) {
		free_run(&runner->waiting[runner->first]);
		runner->first = (runner->first + 1) % CN_RUNNER_WAITING;
		runner->n--;
	}
}
