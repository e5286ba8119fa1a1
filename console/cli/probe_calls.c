/* SPDX-License-Identifier: MIT */
/*
 * rouse probe --syscalls: the system calls within polls, by spawn site and
 * number, by task and by worker.
 *
 * The kernel counts and times them; the looks are for names only. What a
 * descriptor is, is looked up once, at the end.
 */
#include "cli/probe_calls.h"
#include "cli/probe_group.h"
#include "model/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct measure {
	struct cn_group_opts opts;
	struct bl_syscalls *syscalls;
	struct cn_session *session;
	struct cn_calls calls;
};

/* ---------------------------------------------------------------- joining */

uint32_t cn_calls_runtime(const struct cn_calls *calls, uint32_t runtime)
{
	return cn_group_runtime(
		cn_session_model(calls->session), calls->result->followed, calls->result->n_workers, runtime);
}

static int by_time(const void *a, const void *b)
{
	const struct cn_call_row *x = a, *y = b;

	if (x->sum.calls.ns != y->sum.calls.ns)
		return x->sum.calls.ns > y->sum.calls.ns ? -1 : 1;
	if (x->sum.calls.calls != y->sum.calls.calls)
		return x->sum.calls.calls > y->sum.calls.calls ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int join(struct measure *m)
{
	const struct bl_syscalls_result *result = m->calls.result;
	struct cn_calls *calls = &m->calls;

	calls->session = m->session;
	calls->tasks = calloc(result->n_tasks + 1, sizeof *calls->tasks);
	calls->sites = calloc(result->n_sites + 1, sizeof *calls->sites);
	if (!calls->tasks || !calls->sites)
		return -1;
	for (size_t i = 0; i < result->n_tasks; i++)
		calls->tasks[i] = (struct cn_call_row){ .id = result->tasks[i].id,
			.task = cn_model_task(cn_session_model(m->session), result->tasks[i].id),
			.runtime = cn_calls_runtime(calls, result->tasks[i].runtime),
			.site = result->tasks[i].site,
			.sum = result->tasks[i].sum };
	for (size_t i = 0; i < result->n_sites; i++)
		calls->sites[i] = (struct cn_call_row){ .runtime = cn_calls_runtime(calls, result->sites[i].runtime),
			.site = result->sites[i].site,
			.number = result->sites[i].number,
			.sum = result->sites[i].sum };
	calls->n_tasks = result->n_tasks;
	calls->n_sites = result->n_sites;
	qsort(calls->tasks, calls->n_tasks, sizeof *calls->tasks, by_time);
	qsort(calls->sites, calls->n_sites, sizeof *calls->sites, by_time);
	return 0;
}

bool cn_calls_lossy(const struct cn_calls *calls)
{
	const struct bl_syscalls_result *r = calls->result;

	return r->totals.unreadable || r->totals.end_missed || r->totals.lost_tasks || r->totals.lost_sites ||
	       r->evicted || r->missed || r->unfollowed_workers || r->late_workers;
}

/* ------------------------------------------------------------ descriptors */

int cn_call_fd(uint32_t number, uint64_t argument)
{
	return cn_syscall_takes_fd((int)number) && (int32_t)argument >= 0 ? (int32_t)argument : -1;
}

const char *cn_call_file(const struct cn_calls *calls, int fd, char *text, size_t bytes)
{
	char name[64];
	ssize_t n = -1;

	if (fd < 0 || calls->end != BL_GOES_ON)
		return NULL;
	snprintf(name, sizeof name, "/proc/%d/fd/%d", calls->pid, fd);
	n = readlink(name, text, bytes - 1);
	/* A process whose main thread has ended has its descriptors in the others. */
	for (size_t i = 0; n < 0 && i < calls->result->n_workers; i++) {
		snprintf(name, sizeof name, "/proc/%d/task/%u/fd/%d", calls->pid, calls->result->workers[i].os_tid, fd);
		n = readlink(name, text, bytes - 1);
	}
	if (n < 0)
		return NULL;
	text[n] = '\0';
	return text;
}

/* -------------------------------------------------------------- measuring */

#define SYNOPSIS "usage: rouse probe --syscalls [OPTIONS] PID|NAME\n"

static const struct cn_group GROUP = {
	.option = "syscalls",
	.takes = CN_GROUP_SUMS,
	.follows = "system calls",
	.synopsis = SYNOPSIS,
	.help = SYNOPSIS "Shows the system calls that polls made: how many, their time and the longest one, and\n"
			 "what its descriptor is; by spawn site and call, by task and by worker. A worker that\n"
			 "parks is in no poll. The program needs no agent, and no probe is hit in it.\n"
			 "      --for SECONDS  end after that time (also --seconds); else with Ctrl-C\n"
			 "  -n, --count N      rows of tasks and of calls by spawn site (20)\n"
			 "      --tasks N      keep the sums of so many tasks (16384); more evict the oldest\n"
			 "      --json         one JSON document, rouse/probe-syscalls/1\n"
			 "      --verbose      also what it costs: runs, and ns each\n"
			 "A call counts if it begins while this looks on; one that has not ended by then counts\n"
			 "with its time so far. Descriptors are looked up at the end.\n"
			 "Exit: 0 ok, 1 failed, 2 usage, 3 no such target, 4 not permitted, 5 another version,\n"
			 "6 something could not be counted, and that is said.\n",
};

static int open_both(struct measure *m)
{
	const struct bl_syscalls_opts opts = { .size = sizeof opts, .tasks = m->opts.tasks, .costs = m->opts.verbose };
	struct bl_why why;
	int rc = cn_group_aim(&GROUP, &m->opts, &m->calls.pid);

	if (rc != CN_EXIT_OK)
		return rc;
	rc = bl_syscalls_open(m->calls.pid, &opts, &m->syscalls, &why);
	if (rc < 0)
		return cn_group_not_attached(rc, &why);
	return cn_group_look(m->calls.pid, &m->session);
}

static int wait(void *arg, int timeout_ms)
{
	return bl_syscalls_wait(arg, timeout_ms);
}

static int print(const struct measure *m)
{
	struct cn_paint paint;

	if (m->opts.json) {
		cn_calls_json(&m->calls);
	} else {
		cn_paint_init(&paint, stdout, CN_DEPTH_AUTO, false);
		cn_calls_print(&m->calls, &paint);
	}
	if (fflush(stdout) || ferror(stdout))
		return cn_group_fail(CN_EXIT_INCOMPLETE, "cannot write the answer");
	return cn_calls_lossy(&m->calls) ? CN_EXIT_INCOMPLETE : CN_EXIT_OK;
}

static int run(struct measure *m)
{
	struct cn_why why = { 0 };
	struct bl_why bl_why;
	int rc = open_both(m);

	if (rc != CN_EXIT_OK)
		return rc;
	rc = cn_group_wait(&m->opts, m->calls.pid, m->session, wait, m->syscalls, &m->calls.end);
	if (rc < 0)
		return cn_group_fail(cn_exit_of(rc), strerror(-rc));
	rc = bl_syscalls_stop(m->syscalls, &m->calls.result, &bl_why);
	if (rc < 0)
		return cn_group_fail(CN_EXIT_FINDINGS, bl_why.text);
	if (m->calls.end == BL_GOES_ON && !cn_group_last_look(m->session, &why))
		fprintf(stderr, "rouse probe: the names of new tasks are not known: %s\n", why.text);
	if (join(m) < 0)
		return cn_group_fail(CN_EXIT_FINDINGS, "no memory");
	return print(m);
}

int cn_probe_calls_main(int argc, char **argv)
{
	struct measure m = { .syscalls = NULL };
	int rc = cn_group_parse(argc, argv, &GROUP, &m.opts);

	if (rc >= 0)
		return rc;
	m.calls.limit = m.opts.rows;
	m.calls.verbose = m.opts.verbose;
	cn_group_heed_signals();
	rc = run(&m);
	bl_syscalls_close(m.syscalls);
	cn_session_close(m.session);
	free(m.calls.tasks);
	free(m.calls.sites);
	return rc;
}
