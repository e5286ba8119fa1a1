/* SPDX-License-Identifier: MIT */
/*
 * rouse probe --sched: the CPU time of polls, and their time off it, by task.
 *
 * The kernel says when workers were off their CPU, and for which task; the
 * runtime says how long its polls took (its level 1). What remains of a poll
 * is CPU. Both windows begin and end with a look, so they differ by no more
 * than the looks take: clock_error_ns.
 */
#include "cli/probe_sched.h"
#include "cli/probe_group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was spent before the window. */
struct before {
	uint64_t id; /* of a task; of a worker, runtime << 32 | index */
	uint64_t busy_ns;
	uint32_t polls;
};
struct baseline {
	struct before *tasks, *workers;
	size_t n_tasks, n_workers;
	uint64_t ended[256]; /* tasks, by runtime */
	uint64_t look_ns;    /* when the last of the first looks ended */
};

struct measure {
	struct cn_group_opts opts;
	int pid;
	struct bl_sched *sched;
	struct cn_session *session;
	struct baseline baseline;
	struct cn_splits splits;
	bool looked; /* at the end as well */
};

uint64_t cn_off_total(const struct bl_off *off)
{
	uint64_t total = 0;

	for (int kind = 0; kind < BL_OFF_KIND_MAX; kind++)
		total += off->ns[kind];
	return total;
}

/* --------------------------------------------------------------- baseline */

static uint64_t ended_tasks(const struct cn_runtime *runtime)
{
	return runtime->total.completed + runtime->total.cancelled + runtime->total.panicked;
}

/* In all polls, with the one in progress. */
static uint64_t worker_busy_ns(const struct cn_runtime *runtime, const struct cn_worker *worker)
{
	uint64_t busy = worker->counters.busy_ticks;

	if (worker->current_task && worker->poll_start_ns && runtime->now_ns > worker->poll_start_ns)
		busy += runtime->now_ns - worker->poll_start_ns;
	return busy;
}

static int by_id(const void *a, const void *b)
{
	const uint64_t x = ((const struct before *)a)->id, y = ((const struct before *)b)->id;

	return x < y ? -1 : x > y;
}

static const struct before *find_before(const struct before *rows, size_t n, uint64_t id)
{
	const struct before key = { .id = id };

	return n ? bsearch(&key, rows, n, sizeof *rows, by_id) : NULL;
}

static int keep_workers(struct baseline *b, const struct cn_runtime *runtime)
{
	struct before *more = realloc(b->workers, (b->n_workers + runtime->n_workers + 1) * sizeof *more);

	if (!more)
		return -ENOMEM;
	b->workers = more;
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		b->workers[b->n_workers++] =
			(struct before){ .id = (uint64_t)runtime->index << 32 | runtime->workers[i].index,
				.busy_ns = worker_busy_ns(runtime, &runtime->workers[i]),
				.polls = (uint32_t)runtime->workers[i].counters.polls };
	return 0;
}

static int keep_baseline(struct baseline *b, const struct cn_model *model)
{
	b->tasks = calloc(cn_model_tasks(model) + 1, sizeof *b->tasks);
	if (!b->tasks)
		return -ENOMEM;
	for (size_t i = 0; i < cn_model_task_slots(model) && b->n_tasks < cn_model_tasks(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);

		if (task)
			b->tasks[b->n_tasks++] = (struct before){
				.id = task->id, .busy_ns = cn_task_busy_ns(model, task), .polls = task->polls
			};
	}
	qsort(b->tasks, b->n_tasks, sizeof *b->tasks, by_id);
	for (size_t r = 0; r < cn_model_runtimes(model); r++) {
		const struct cn_runtime *runtime = cn_model_runtime(model, r);

		if (!runtime)
			continue;
		if (keep_workers(b, runtime))
			return -ENOMEM;
		if (r < sizeof b->ended / sizeof b->ended[0])
			b->ended[r] = ended_tasks(runtime);
		if (runtime->end_ns > b->look_ns)
			b->look_ns = runtime->end_ns;
	}
	qsort(b->workers, b->n_workers, sizeof *b->workers, by_id);
	return 0;
}

/* ---------------------------------------------------------------- joining */

static uint32_t model_runtime(const struct measure *m, uint32_t runtime)
{
	const struct bl_sched_result *result = m->splits.result;

	return cn_group_runtime(cn_session_model(m->session), result->followed, result->n_workers, runtime);
}

static bool is_timed(const struct measure *m, uint32_t runtime)
{
	const struct cn_runtime *known = cn_model_runtime(cn_session_model(m->session), runtime);

	return m->looked && known && known->level > 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void join_task(const struct measure *m, struct cn_split_row *split)
{
	const struct cn_model *model = cn_session_model(m->session);
	const struct before *before = find_before(m->baseline.tasks, m->baseline.n_tasks, split->id);

	split->task = cn_model_task(model, split->id);
	if (!split->task)
		return;
	split->runtime = split->task->runtime;
	split->site = split->task->spawn_site;
	split->polls = split->task->polls - (before ? before->polls : 0);
	split->cpu_known = is_timed(m, split->runtime);
	if (split->cpu_known)
		split->cpu_ns = less(cn_task_busy_ns(model, split->task) - (before ? before->busy_ns : 0),
			cn_off_total(&split->off));
}

static int by_time(const void *a, const void *b)
{
	const struct cn_split_row *x = a, *y = b;
	uint64_t off_x = cn_off_total(&x->off), off_y = cn_off_total(&y->off);

	if (off_x != off_y)
		return off_x > off_y ? -1 : 1;
	if (x->cpu_ns != y->cpu_ns)
		return x->cpu_ns > y->cpu_ns ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Those that were off a CPU, and those that were polled without that. */
static int join_tasks(struct measure *m)
{
	const struct cn_model *model = cn_session_model(m->session);
	const struct bl_sched_result *result = m->splits.result;
	struct cn_splits *s = &m->splits;
	struct before *seen = calloc(result->n_tasks + 1, sizeof *seen);

	s->tasks = calloc(result->n_tasks + cn_model_tasks(model) + 1, sizeof *s->tasks);
	for (size_t i = 0; seen && s->tasks && i < result->n_tasks; i++) {
		s->tasks[i] = (struct cn_split_row){ .id = result->tasks[i].id,
			.runtime = model_runtime(m, result->tasks[i].task.runtime),
			.site = result->tasks[i].task.site,
			.off = result->tasks[i].task.off };
		join_task(m, &s->tasks[i]);
		seen[i].id = result->tasks[i].id;
	}
	if (!seen || !s->tasks) {
		free(seen);
		return -ENOMEM;
	}
	s->n_tasks = result->n_tasks;
	qsort(seen, result->n_tasks, sizeof *seen, by_id);
	for (size_t i = 0; i < cn_model_task_slots(model) && s->n_tasks < result->n_tasks + cn_model_tasks(model);
		i++) {
		const struct cn_task *task = cn_model_task_at(model, i);
		struct cn_split_row split = { .id = task ? task->id : 0 };

		if (!task || find_before(seen, result->n_tasks, task->id))
			continue;
		join_task(m, &split);
		if (split.polls || split.cpu_ns)
			s->tasks[s->n_tasks++] = split;
	}
	free(seen);
	qsort(s->tasks, s->n_tasks, sizeof *s->tasks, by_time);
	return 0;
}

static struct cn_split_row *site_split(struct cn_splits *s, uint32_t runtime, uint32_t site)
{
	for (size_t i = 0; i < s->n_sites; i++)
		if (s->sites[i].runtime == runtime && s->sites[i].site == site)
			return &s->sites[i];
	s->sites[s->n_sites] = (struct cn_split_row){ .runtime = runtime, .site = site };
	return &s->sites[s->n_sites++];
}

/* Off-CPU time is the kernel's, whole; CPU time is known of tasks that live. */
static int join_sites(struct measure *m)
{
	const struct cn_model *model = cn_session_model(m->session);
	const struct bl_sched_result *result = m->splits.result;
	struct cn_splits *s = &m->splits;
	size_t room = result->n_sites + 1;

	for (size_t r = 0; r < cn_model_runtimes(model); r++)
		room += cn_model_sites(model, r) + 1;
	s->sites = calloc(room, sizeof *s->sites);
	if (!s->sites)
		return -ENOMEM;
	for (size_t i = 0; i < result->n_sites; i++) {
		struct cn_split_row *site =
			site_split(s, model_runtime(m, result->sites[i].runtime), result->sites[i].site);

		site->off = result->sites[i].off;
	}
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct cn_split_row *task = &s->tasks[i];
		struct cn_split_row *site;

		if (!task->task || task->site >= cn_model_sites(model, task->runtime))
			continue;
		site = site_split(s, task->runtime, task->site);
		site->cpu_ns += task->cpu_ns;
		site->polls += task->polls;
	}
	for (size_t i = 0; i < s->n_sites; i++) {
		struct cn_split_row *site = &s->sites[i];
		const struct cn_runtime *runtime = cn_model_runtime(model, site->runtime);

		site->cpu_known = is_timed(m, site->runtime) && site->runtime < 256 &&
				  ended_tasks(runtime) == m->baseline.ended[site->runtime];
	}
	qsort(s->sites, s->n_sites, sizeof *s->sites, by_time);
	return 0;
}

static void join_worker(const struct measure *m, struct cn_split_row *split)
{
	const struct cn_runtime *runtime = cn_model_runtime(cn_session_model(m->session), split->runtime);
	const struct before *before =
		find_before(m->baseline.workers, m->baseline.n_workers, (uint64_t)split->runtime << 32 | split->id);

	for (uint32_t i = 0; runtime && i < runtime->n_workers; i++) {
		const struct cn_worker *worker = &runtime->workers[i];

		if (worker->foreign || worker->index != split->id)
			continue;
		split->polls = (uint32_t)worker->counters.polls - (before ? before->polls : 0);
		split->cpu_known = is_timed(m, split->runtime);
		if (split->cpu_known)
			split->cpu_ns = less(worker_busy_ns(runtime, worker) - (before ? before->busy_ns : 0),
				cn_off_total(&split->off));
	}
}

static int join_workers(struct measure *m)
{
	const struct bl_sched_result *result = m->splits.result;
	struct cn_splits *s = &m->splits;

	s->workers = calloc(result->n_workers + 1, sizeof *s->workers);
	if (!s->workers)
		return -ENOMEM;
	for (size_t i = 0; i < result->n_workers; i++) {
		s->workers[i] = (struct cn_split_row){ .id = result->workers[i].index,
			.tid = result->workers[i].tid,
			.runtime = model_runtime(m, result->workers[i].runtime),
			.in_progress = result->workers[i].in_progress,
			.off = result->workers[i].off };
		join_worker(m, &s->workers[i]);
	}
	s->n_workers = result->n_workers;
	return 0;
}

static int join(struct measure *m)
{
	const uint64_t begin = m->splits.result->begin_ns, end = m->splits.result->end_ns;
	const uint64_t last_ns = cn_model_now_ns(cn_session_model(m->session));
	int rc = join_tasks(m);

	if (rc == 0)
		rc = join_sites(m);
	if (rc == 0)
		rc = join_workers(m);
	m->splits.session = m->session;
	m->splits.clock_error_ns = less(m->baseline.look_ns, begin) + less(end, last_ns);
	return rc;
}

bool cn_splits_lossy(const struct cn_splits *splits)
{
	const struct bl_sched_result *r = splits->result;

	return r->totals.unreadable || r->totals.lost_tasks || r->totals.lost_sites || r->evicted || r->missed ||
	       r->unfollowed_workers || r->late_workers;
}

/* -------------------------------------------------------------- measuring */

#define SYNOPSIS "usage: rouse probe --sched [OPTIONS] PID|NAME\n"

static const struct cn_group GROUP = {
	.option = "sched",
	.takes = CN_GROUP_SUMS,
	.follows = "the scheduler",
	.synopsis = SYNOPSIS,
	.help = SYNOPSIS "Shows where the time of polls went: on a CPU, blocked (a system call, a lock), in\n"
			 "the run queue (woken, waiting for a CPU), preempted by other threads, or waiting for\n"
			 "a page that was not there (fault); by task, spawn site and worker. The program needs\n"
			 "no agent, and no probe is hit in it.\n"
			 "      --for SECONDS  end after that time (also --seconds); else with Ctrl-C\n"
			 "  -n, --count N      rows of tasks and of spawn sites (20)\n"
			 "      --tasks N      keep the sums of so many tasks (16384); more evict the oldest\n"
			 "      --json         one JSON document, rouse/probe-sched/1\n"
			 "      --verbose      also what it costs: runs, and ns each\n"
			 "CPU time is what remains of the poll time that the runtime has stamped (its level 1).\n"
			 "Exit: 0 ok, 1 failed, 2 usage, 3 no such target, 4 not permitted, 5 another version,\n"
			 "6 something could not be counted, and that is said.\n",
};

static int open_both(struct measure *m)
{
	const struct bl_sched_opts opts = { .size = sizeof opts, .tasks = m->opts.tasks, .costs = m->opts.verbose };
	struct bl_why why;
	int rc = cn_group_aim(&GROUP, &m->opts, &m->pid);

	if (rc != CN_EXIT_OK)
		return rc;
	rc = bl_sched_open(m->pid, &opts, &m->sched, &why);
	if (rc < 0)
		return cn_group_not_attached(rc, &why);
	rc = cn_group_look(m->pid, &m->session);
	if (rc == CN_EXIT_OK && keep_baseline(&m->baseline, cn_session_model(m->session)))
		return cn_group_fail(CN_EXIT_FINDINGS, "no memory");
	return rc;
}

static int wait(void *arg, int timeout_ms)
{
	return bl_sched_wait(arg, timeout_ms);
}

/* Until the time is over or the target has ended; then a last look, if it can be had. */
static int wait_for_end(struct measure *m)
{
	struct cn_why why = { 0 };
	int rc = cn_group_wait(&m->opts, m->pid, m->session, wait, m->sched, &m->splits.end);

	if (rc < 0 || m->splits.end != BL_GOES_ON)
		return rc;
	m->looked = cn_group_last_look(m->session, &why);
	if (!m->looked)
		fprintf(stderr, "rouse probe: CPU time is not known: %s\n", why.text);
	return 0;
}

static int print(const struct measure *m)
{
	struct cn_paint paint;

	if (m->opts.json) {
		cn_splits_json(&m->splits);
	} else {
		cn_paint_init(&paint, stdout, CN_DEPTH_AUTO, false);
		cn_splits_print(&m->splits, &paint);
	}
	if (fflush(stdout) || ferror(stdout))
		return cn_group_fail(CN_EXIT_INCOMPLETE, "cannot write the answer");
	return cn_splits_lossy(&m->splits) ? CN_EXIT_INCOMPLETE : CN_EXIT_OK;
}

static int run(struct measure *m)
{
	struct bl_why why;
	int rc = open_both(m);

	if (rc != CN_EXIT_OK)
		return rc;
	rc = wait_for_end(m);
	if (rc < 0)
		return cn_group_fail(cn_exit_of(rc), strerror(-rc));
	rc = bl_sched_stop(m->sched, &m->splits.result, &why);
	if (rc < 0)
		return cn_group_fail(CN_EXIT_FINDINGS, why.text);
	if (join(m) < 0)
		return cn_group_fail(CN_EXIT_FINDINGS, "no memory");
	return print(m);
}

int cn_probe_sched_main(int argc, char **argv)
{
	struct measure m = { .pid = 0 };
	int rc = cn_group_parse(argc, argv, &GROUP, &m.opts);

	if (rc >= 0)
		return rc;
	m.splits.limit = m.opts.rows;
	m.splits.verbose = m.opts.verbose;
	cn_group_heed_signals();
	rc = run(&m);
	bl_sched_close(m.sched);
	cn_session_close(m.session);
	free(m.baseline.tasks);
	free(m.baseline.workers);
	free(m.splits.tasks);
	free(m.splits.sites);
	free(m.splits.workers);
	return rc;
}
