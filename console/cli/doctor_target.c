/* SPDX-License-Identifier: MIT */
/* Each source is really opened, and looked through once. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor.h"
#include "export/text.h"
#include "source/resolve.h"

/* ------------------------------------------------------------------ process */

static char state_of(const char *stat_path)
{
	FILE *file = fopen(stat_path, "re");
	char text[512] = "", *end;

	if (file && !fgets(text, sizeof text, file))
		text[0] = 0;
	if (file)
		fclose(file);
	end = strrchr(text, ')');
	return end && end[1] == ' ' ? end[2] : 0;
}

static size_t living_threads(int pid)
{
	char path[64];
	struct dirent *entry;
	size_t n = 0;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *threads = opendir(path);

	while (threads && (entry = readdir(threads))) {
		snprintf(path, sizeof path, "/proc/%d/task/%.10s/stat", pid, entry->d_name);
		n += entry->d_name[0] != '.' && !strchr("ZX", state_of(path));
	}
	if (threads)
		closedir(threads);
	return n;
}

/* How many namespaces of processes it is in that we see, and what it is in the innermost. */
static int namespaces(int pid, int *ret_inside)
{
	char path[48], line[256];
	int n = 0;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *status = fopen(path, "re");

	while (status && fgets(line, sizeof line, status)) {
		char *word, *rest = line + strlen("NSpid:");

		if (strncmp(line, "NSpid:", strlen("NSpid:")) != 0)
			continue;
		for (; (word = strtok_r(rest, " \t\n", &rest)); n++)
			*ret_inside = (int)strtol(word, NULL, 10);
	}
	if (status)
		fclose(status);
	return n;
}

static void check_process(struct cn_check *check, int pid)
{
	char path[48], where[64] = "";
	int inside = pid;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	char state = state_of(path);
	size_t threads = living_threads(pid);

	if (namespaces(pid, &inside) > 1)
		snprintf(where, sizeof where, ", in another PID namespace, as %d", inside);
	if (state == 'Z' && threads)
		cn_check_set(check, CN_HEALTH_FACT, "process %d: its main thread has ended, %zu others live%s", pid,
			threads, where);
	else
		cn_check_set(check, CN_HEALTH_FACT, "process %d, %zu thread%s, %s%s", pid, threads,
			threads == 1 ? "" : "s",
			state == 'T' || state == 't' ? "stopped"
			: state == 'Z'               ? "dead"
						     : "alive",
			where);
}

/* Would it leave a core that can be read? */
static void check_core_to_come(struct cn_check *check, int pid)
{
	char path[48], line[256] = "", limit[64] = "unknown";
	unsigned long filter;
	char *end;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/limits", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "Max core file size %63s", limit) == 1)
			break;
	if (file)
		fclose(file);
	snprintf(path, sizeof path, "/proc/%d/coredump_filter", pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof line, file) || (filter = strtoul(line, &end, 16), end == line)) {
		cn_check_set(check, CN_HEALTH_FACT, "its coredump_filter cannot be read");
	} else {
		bool is_whole = (filter & 3) == 3, is_written = strcmp(limit, "unlimited") == 0;

		cn_check_set(check, is_whole && is_written ? CN_HEALTH_YES : CN_HEALTH_PARTLY,
			"should it die: its limit of core files is %s, its coredump_filter 0x%lx", limit, filter);
		if (!is_whole)
			cn_check_advise(check, "echo 0x33 > /proc/%d/coredump_filter", pid);
		else if (!is_written)
			cn_check_advise(check, "prlimit --pid %d --core=unlimited; or gcore %d.", pid, pid);
	}
	if (file)
		fclose(file);
}

/* ------------------------------------------------------------------ sources */

/* Opens it and takes one look. What failed is in words already. */
static enum cn_exit check_source(const struct cn_cli *cli, enum cn_source_kind kind, struct cn_check *check)
{
	const struct cn_session_opts opts = { .kind = kind, .interval_ms = cli->interval_ms };
	struct cn_session *session = NULL;
	struct cn_why why = { 0 };
	int rc = cn_session_open(cli->target, &opts, &session, &why);

	if (rc == 0)
		rc = cn_session_wait(session, (int)cli->timeout_ms, &why);
	if (rc == 0) {
		const struct cn_model *model = cn_session_model(session);
		const struct cn_target *target = cn_model_target(model);
		uint64_t tasks = 0;

		for (size_t i = 0; i < cn_model_runtimes(model); i++)
			tasks += cn_model_runtime(model, i) ? cn_model_runtime(model, i)->live_tasks : 0;
		cn_check_set(check, cn_model_complete(model) ? CN_HEALTH_YES : CN_HEALTH_PARTLY,
			"a look at %s found %zu runtime%s, %llu task%s, layout version %u, %s%s%s", target->program,
			cn_model_runtimes(model), cn_model_runtimes(model) == 1 ? "" : "s", (unsigned long long)tasks,
			tasks == 1 ? "" : "s", target->layout, cn_model_complete(model) ? "complete" : "not complete",
			*target->note ? ": " : "", target->note);
	} else {
		cn_check_set(check, CN_HEALTH_NO, "%s", why.text);
	}
	cn_session_close(session);
	return rc ? cn_exit_of(why.code) : CN_EXIT_OK;
}

static enum cn_exit check_by(
	const struct cn_cli *cli, const char *name, enum cn_source_kind kind, struct cn_check *checks, size_t *n)
{
	struct cn_check *check = &checks[(*n)++];

	*check = (struct cn_check){ .name = name };
	return check_source(cli, kind, check);
}

/* Memory last: what it says of a process that cannot be watched at all is the better reason. */
enum cn_exit cn_doctor_target(const struct cn_cli *cli, struct cn_check checks[CN_CHECKS_MAX], size_t *ret_n)
{
	enum cn_exit socket = CN_EXIT_NO_TARGET, memory = CN_EXIT_NO_TARGET;
	struct cn_aim aim;
	struct cn_why why;
	size_t n = 0;

	*ret_n = 0;
	if (cn_resolve(cli->target, cli->source, &aim, &why))
		return (enum cn_exit)cn_fail_why(&why);
	if (aim.core) {
		socket = check_by(cli, "core", CN_SOURCE_CORE, checks, &n);
		*ret_n = n;
		return socket;
	}
	if (aim.pid) {
		checks[n] = (struct cn_check){ .name = "process" };
		check_process(&checks[n++], aim.pid);
	}
	if (cli->source != CN_SOURCE_MEMORY)
		socket = check_by(cli, "socket", CN_SOURCE_SOCKET, checks, &n);
	if (cli->source != CN_SOURCE_SOCKET && aim.pid)
		memory = check_by(cli, "memory", CN_SOURCE_MEMORY, checks, &n);
	if (aim.pid) {
		checks[n] = (struct cn_check){ .name = "a core" };
		check_core_to_come(&checks[n++], aim.pid);
	}
	*ret_n = n;
	if (socket == CN_EXIT_OK || memory == CN_EXIT_OK)
		return CN_EXIT_OK;
	return aim.pid && cli->source != CN_SOURCE_SOCKET ? memory : socket;
}
