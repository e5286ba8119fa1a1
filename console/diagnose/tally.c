/* SPDX-License-Identifier: MIT */
/* One pass that counts for all rules about load; and the memory of the looks before. See load.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/load.h"
#include "diagnose/sift.h"

/* The watchdog looks ten times a second, or twice in a "long poll". */
#define PULSE_NS 1000000000ull
#define RESTS_NS 1000000000ull

void cn_longest_add(struct cn_longest *longest, const struct cn_task *task, uint64_t since_ns)
{
	uint32_t kept = longest->n < CN_FINDING_TASKS ? longest->n : CN_FINDING_TASKS, at = kept;

	longest->n++;
	while (at && longest->since_ns[at - 1] > since_ns)
		at--;
	if (at == CN_FINDING_TASKS)
		return;
	if (kept == CN_FINDING_TASKS)
		kept--;
	memmove(&longest->tasks[at + 1], &longest->tasks[at], (kept - at) * sizeof longest->tasks[0]);
	memmove(&longest->since_ns[at + 1], &longest->since_ns[at], (kept - at) * sizeof longest->since_ns[0]);
	longest->tasks[at] = task;
	longest->since_ns[at] = since_ns;
}

void cn_longest_name(const struct cn_longest *longest, struct cn_finding *finding)
{
	for (uint32_t i = 0; i < longest->n && i < CN_FINDING_TASKS && finding->n_tasks < CN_FINDING_TASKS; i++)
		finding->tasks[finding->n_tasks++] = longest->tasks[i]->id;
	if (finding->n_tasks < longest->n)
		finding->n_tasks = longest->n;
}

/* -------------------------------------------------------------------- time */

/* The last time at which the program is known to have run as it should; 0 = not known. */
static uint64_t lived_until(const struct cn_runtime *runtime)
{
	uint64_t pulse = 2 * runtime->long_poll_ns > PULSE_NS ? 2 * runtime->long_poll_ns : PULSE_NS;

	if (runtime->watchdog_ns && (runtime->target_stopped || runtime->now_ns > runtime->watchdog_ns + pulse))
		return runtime->watchdog_ns < runtime->now_ns ? runtime->watchdog_ns : runtime->now_ns;
	return runtime->target_stopped ? 0 : runtime->now_ns;
}

struct cn_runtime_tally *cn_tally(const struct cn_diagnosis *diagnosis, size_t runtime)
{
	const struct cn_load *load = diagnosis->load;

	return runtime < load->n_runtimes && cn_model_runtime(diagnosis->model, runtime) ? load->runtimes[runtime]
											 : NULL;
}

uint64_t cn_lasted(const struct cn_diagnosis *diagnosis, size_t runtime, uint64_t since_ns)
{
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, runtime);
	uint64_t until;

	if (!tally || !since_ns)
		return 0;
	until = lived_until(cn_model_runtime(diagnosis->model, runtime));
	if (since_ns < tally->fair_since_ns)
		since_ns = tally->fair_since_ns;
	return until > since_ns ? until - since_ns : 0;
}

uint64_t cn_calm_ns(const struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, task->runtime);
	bool stamped = runtime && runtime->level && task->edge_ns;

	return cn_lasted(diagnosis, task->runtime, stamped ? task->edge_ns : task->changed_ns);
}

bool cn_stood_still(const struct cn_diagnosis *diagnosis, size_t runtime, uint32_t changed_look)
{
	const struct cn_runtime *shown = cn_model_runtime(diagnosis->model, runtime);

	return shown && (shown->looks > changed_look || cn_target_is_core(cn_model_target(diagnosis->model)));
}

uint64_t cn_scheduled_since(const struct cn_task *task)
{
	return task->enqueue_ns ? task->enqueue_ns : task->changed_ns;
}

struct cn_report cn_report_of_runtime(
	enum cn_finding_code code, enum cn_class class, size_t runtime, const struct cn_task *at)
{
	struct cn_report report = cn_report_about(code, class, NULL);

	report.finding.runtime = (uint8_t)runtime;
	report.about = runtime;
	report.at = at;
	return report;
}

/* ------------------------------------------------------------------- begin */

/* Of an earlier look only what is said to be remembered stays. */
static void forget_sites(struct cn_runtime_tally *tally)
{
	for (size_t i = 0; i < tally->n_sites; i++) {
		struct cn_site_tally *site = &tally->sites[i];

		site->live = site->aged = site->resting = site->reading = site->survivors = site->large = 0;
		site->large_bytes = site->running_ns = 0;
		site->oldest = site->largest = site->slowest = NULL;
		site->slowest_mean = -1;
	}
}

static int room_for_sites(struct cn_runtime_tally *tally, size_t n)
{
	struct cn_site_tally *sites;

	if (n <= tally->n_sites)
		return 0;
	sites = realloc(tally->sites, n * sizeof *sites);
	if (!sites)
		return -ENOMEM;
	memset(sites + tally->n_sites, 0, (n - tally->n_sites) * sizeof *sites);
	tally->sites = sites;
	tally->n_sites = n;
	return 0;
}

static bool threads_want_a_cpu(const struct cn_model *model, const struct cn_runtime *runtime)
{
	uint64_t cpu, queue, span;

	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		const struct cn_thread *thread = cn_model_thread(model, runtime->index, runtime->workers[i].tid);

		if (thread && cn_thread_delta(model, runtime->index, thread, &cpu, &queue, &span) && 2 * queue > span)
			return true;
	}
	return false;
}

static int begin_runtime(struct cn_diagnosis *diagnosis, size_t index)
{
	struct cn_load *load = diagnosis->load;
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, index);
	struct cn_runtime_tally *tally = load->runtimes[index];
	bool unfair;
	int rc;

	if (!runtime)
		return 0;
	if (!tally)
		tally = load->runtimes[index] = calloc(1, sizeof *tally);
	if (!tally)
		return -ENOMEM;
	tally->advanced = runtime->looks != tally->looks;
	rc = room_for_sites(tally, cn_model_sites(diagnosis->model, index));
	if (rc)
		return rc;
	forget_sites(tally);
	tally->looks = runtime->looks;
	unfair = lived_until(runtime) < runtime->now_ns;
	if (tally->was_unfair && !unfair)
		tally->fair_since_ns = runtime->now_ns;
	tally->was_unfair = unfair;
	tally->overloaded = threads_want_a_cpu(diagnosis->model, runtime);
	tally->n_scheduled = tally->stuck_workers = tally->slow_workers = 0;
	tally->scheduled.n = tally->starved.n = tally->cancelled.n = tally->running.n = tally->overdue.n = 0;
	memset(&tally->jobs, 0, sizeof tally->jobs);
	return 0;
}

void cn_load_begin(struct cn_diagnosis *diagnosis)
{
	struct cn_load *load = diagnosis->load;
	size_t n = cn_model_runtimes(diagnosis->model);

	load->n_polls = load->descriptor_searches = 0;
	if (n > load->n_runtimes) {
		struct cn_runtime_tally **runtimes = realloc(load->runtimes, n * sizeof(struct cn_runtime_tally *));

		if (!runtimes) {
			diagnosis->rc = -ENOMEM;
			return;
		}
		memset(runtimes + load->n_runtimes, 0, (n - load->n_runtimes) * sizeof(struct cn_runtime_tally *));
		load->runtimes = runtimes;
		load->n_runtimes = n;
	}
	for (size_t i = 0; i < n && diagnosis->rc == 0; i++)
		diagnosis->rc = begin_runtime(diagnosis, i);
}

/* ------------------------------------------------------------------- tasks */

/* The worker that says of itself that it polls the task. */
static const struct cn_worker *poller(const struct cn_runtime *runtime, const struct cn_task *task)
{
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		if (!runtime->workers[i].foreign && runtime->workers[i].current_task == task->id)
			return &runtime->workers[i];
	return NULL;
}

/*
 * How long the poll in progress has lasted. The task is read at another instant
 * than its worker, and may be read in the middle of the stores that begin a
 * poll, for as long as the machine keeps its worker from going on: then its
 * stamp is that of the end of its last poll, which can be hours ago. So the
 * worker's is asked as well; and of one that no worker polls, or that has no
 * stamps (L0), it is only known that it was the same poll in the look before.
 */
static uint64_t poll_age(const struct cn_diagnosis *diagnosis, const struct cn_task *task, const struct cn_worker *worker)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, task->runtime);
	uint64_t since = task->edge_ns;

	if (runtime->level && since && worker) {
		since = worker->poll_start_ns > since ? worker->poll_start_ns : since;
		return cn_lasted(diagnosis, task->runtime, since);
	}
	return cn_task_settled(diagnosis->model, task) ? cn_lasted(diagnosis, task->runtime, task->changed_ns) : 0;
}

static void tally_running(struct cn_diagnosis *diagnosis, struct cn_runtime_tally *tally, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, task->runtime);
	const struct cn_worker *worker = poller(runtime, task);
	const struct cn_diagnose_opts *opts = &diagnosis->opts;
	struct cn_load *load = diagnosis->load;
	uint64_t age = poll_age(diagnosis, task, worker);
	struct cn_poll *poll;

	cn_longest_add(&tally->running, task, task->edge_ns);
	if (age < opts->poll || age < runtime->long_poll_ns || load->n_polls == CN_POLLS_MAX)
		return;
	poll = &load->polls[load->n_polls++];
	*poll = (struct cn_poll){ .task = task, .worker = worker, .age_ns = age };
	cn_judge_poll(diagnosis, poll);
	if (!poll->worker)
		return;
	tally->slow_workers++;
	tally->stuck_workers += age >= opts->poll_surely && poll->kind != CN_POLL_PREEMPTED;
}

static void tally_scheduled(struct cn_diagnosis *diagnosis, struct cn_runtime_tally *tally, const struct cn_task *task)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	uint64_t since = cn_scheduled_since(task);

	tally->n_scheduled++;
	if (!cn_stood_still(diagnosis, task->runtime, task->changed_look))
		return;
	cn_longest_add(&tally->scheduled, task, since);
	if (task->flags & ROUSE_CANCELLED || cn_lasted(diagnosis, task->runtime, since) < diagnosis->opts.starved)
		return;
	if (cn_model_queues_known(model, task->runtime) && !cn_task_queued(model, task) && !runtime->inject_depth)
		return; /* in no queue at all: a matter of its own */
	cn_longest_add(&tally->starved, task, since);
}

/* When the abort was, as far as that is known. */
static uint64_t cancelled_since(const struct cn_task *task)
{
	if (task->state == ROUSE_TASK_SCHEDULED && task->last_waker == ROUSE_WAKE_ABORT && task->enqueue_ns)
		return task->enqueue_ns;
	return task->changed_ns;
}

static void tally_sleeps(struct cn_diagnosis *diagnosis, struct cn_runtime_tally *tally, const struct cn_task *task)
{
	for (uint16_t i = task->leaf; i < task->n_awaits; i++) {
		const struct cn_await *await = &task->awaits[i];

		if (await->op != ROUSE_OP_SLEEP || await->wait_state != ROUSE_WAIT_WAITING ||
			cn_lasted(diagnosis, task->runtime, await->arg) < diagnosis->opts.timer)
			continue;
		cn_longest_add(&tally->overdue, task, await->arg);
		return;
	}
}

static void tally_site(struct cn_diagnosis *diagnosis, struct cn_site_tally *site, const struct cn_task *task)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_await *leaf = cn_task_leaf(task);
	uint64_t now = cn_model_runtime(model, task->runtime)->now_ns;
	double mean = task->polls ? (double)cn_task_busy_ns(model, task) / task->polls : 0;

	if (task->state == ROUSE_TASK_RUNNING && task->edge_ns && now > task->edge_ns)
		site->running_ns += now - task->edge_ns;
	if (mean > site->slowest_mean) {
		site->slowest_mean = mean;
		site->slowest = task;
	}
	if (task->frame_bytes >= diagnosis->opts.frame_bytes && task->state < ROUSE_TASK_COMPLETE) {
		site->large++;
		site->large_bytes += task->frame_bytes;
		if (!site->largest || task->frame_bytes > site->largest->frame_bytes)
			site->largest = task;
	}
	if (task->state >= ROUSE_TASK_COMPLETE || task->kind != ROUSE_KIND_TASK || !task->spawned_ns)
		return;
	site->live++;
	site->survivors += task->spawned_ns <= site->checkpoint_ns;
	if (!site->oldest || task->spawned_ns < site->oldest->spawned_ns)
		site->oldest = task;
	if (now < task->spawned_ns + RESTS_NS)
		return;
	site->aged++;
	if (task->state != ROUSE_TASK_PENDING || now < task->edge_ns + RESTS_NS)
		return;
	site->resting++;
	site->reading += leaf && (leaf->op == ROUSE_OP_READ || leaf->op == ROUSE_OP_WRITE);
}

void cn_rules_of_task_load(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	struct cn_runtime_tally *tally = cn_tally(diagnosis, task->runtime);

	if (!tally)
		return;
	if (task->spawn_site && task->spawn_site < tally->n_sites)
		tally_site(diagnosis, &tally->sites[task->spawn_site], task);
	if (task->state >= ROUSE_TASK_COMPLETE)
		return;
	if (task->state == ROUSE_TASK_RUNNING)
		tally_running(diagnosis, tally, task);
	if (task->state == ROUSE_TASK_SCHEDULED)
		tally_scheduled(diagnosis, tally, task);
	if (task->flags & ROUSE_CANCELLED && cn_stood_still(diagnosis, task->runtime, task->changed_look) &&
		cn_lasted(diagnosis, task->runtime, cancelled_since(task)) >= diagnosis->opts.cancel)
		cn_longest_add(&tally->cancelled, task, cancelled_since(task));
	if (task->state == ROUSE_TASK_PENDING && task->waiting) {
		if (cn_stood_still(diagnosis, task->runtime, task->changed_look))
			tally_sleeps(diagnosis, tally, task);
		cn_tally_herd(diagnosis, task);
	}
	cn_rule_storm(diagnosis, task);
}

/* --------------------------------------------------------------- resources */

static uint64_t begun(const struct cn_resource *job)
{
	return job->owner_since_ns ? job->owner_since_ns : job->created_ns;
}

static void tally_job(struct cn_diagnosis *diagnosis, const struct cn_resource *job)
{
	struct cn_runtime_tally *tally = cn_tally(diagnosis, job->runtime);
	struct cn_jobs *jobs = tally ? &tally->jobs : NULL;
	uint32_t at;

	if (!jobs || job->value > 1)
		return;
	if (job->value == 0) {
		jobs->queued++;
		if (!jobs->oldest_queued_ns || job->created_ns < jobs->oldest_queued_ns)
			jobs->oldest_queued_ns = job->created_ns;
		return;
	}
	jobs->running++;
	jobs->old += cn_stood_still(diagnosis, job->runtime, job->changed_look) &&
		     cn_lasted(diagnosis, job->runtime, begun(job)) >= diagnosis->opts.pool;
	if (begun(job) > jobs->newest_ns)
		jobs->newest_ns = begun(job);
	at = jobs->n < CN_FINDING_TASKS ? jobs->n++ : CN_FINDING_TASKS;
	for (; at && begun(jobs->oldest[at - 1]) > begun(job); at--)
		if (at < CN_FINDING_TASKS)
			jobs->oldest[at] = jobs->oldest[at - 1];
	if (at < CN_FINDING_TASKS)
		jobs->oldest[at] = job;
}

/* Between the passes and the rules. */
void cn_tally_finish(struct cn_diagnosis *diagnosis)
{
	const struct cn_model *model = diagnosis->model;

	for (size_t i = 0; i < cn_model_resource_slots(model); i++) {
		const struct cn_resource *resource = cn_model_resource_at(model, i);

		if (resource && resource->kind == ROUSE_RESOURCE_BLOCKING_JOB)
			tally_job(diagnosis, resource);
	}
}

/* Behind the rules: what the next look will be compared with. */
void cn_tally_end(struct cn_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->load->n_runtimes; i++) {
		const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, i);
		struct cn_runtime_tally *tally = cn_tally(diagnosis, i);

		if (!tally || !tally->advanced)
			continue;
		tally->past[tally->n_past++ % CN_LOOKS_KEPT] =
			(struct cn_past_look){ runtime->now_ns, runtime->total.polls, tally->n_scheduled };
		tally->before_running_jobs = tally->jobs.running;
		tally->before_watchdog_ns = runtime->watchdog_ns;
		tally->before_lost = runtime->lost_events;
		tally->before_emitted = runtime->emitted_events;
	}
}

/* ------------------------------------------------------------------ memory */

struct cn_load *cn_load_new(void)
{
	struct cn_load *load = calloc(1, sizeof *load);

	if (load)
		cn_herds_init(load);
	if (load) {
		cn_kernel_windows_init(load);
		cn_delays_init(load);
	}
	return load;
}

void cn_load_free(struct cn_load *load)
{
	if (!load)
		return;
	for (size_t i = 0; i < load->n_runtimes; i++) {
		if (load->runtimes[i])
			free(load->runtimes[i]->sites);
		free(load->runtimes[i]);
	}
	free(load->runtimes);
	cn_slots_fini(&load->herds);
	cn_slots_fini(&load->windows);
	cn_slots_fini(&load->delays);
	free(load);
}

/* --------------------------------------------------------------- all rules */

void cn_rules_of_load(struct cn_diagnosis *diagnosis)
{
	static void (*const rules[])(struct cn_diagnosis *, size_t) = { cn_rule_shutdown, cn_rule_cancelled,
		cn_rule_stuck, cn_rule_starved, cn_rule_imbalance, cn_rule_churn, cn_rule_pool, cn_rule_leaks,
		cn_rule_frames, cn_rule_blind };
	const struct cn_task *task;

	if (diagnosis->rc)
		return;
	cn_tally_finish(diagnosis);
	for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++)
		for (size_t i = 0; i < diagnosis->load->n_runtimes; i++)
			if (cn_tally(diagnosis, i))
				rules[r](diagnosis, i);
	cn_rule_polls(diagnosis);
	cn_rules_of_kernel(diagnosis);
	cn_rule_long_polls(diagnosis);
	for (size_t i = 0; i < diagnosis->load->n_runtimes; i++)
		if (cn_tally(diagnosis, i)) {
			cn_rule_timers(diagnosis, i);
			cn_rule_wakeups(diagnosis, i);
		}
	cn_rule_thundering(diagnosis);
	for (size_t i = 0; (task = cn_marked(diagnosis, CN_MARK_OWED, &i));)
		cn_rule_pending(diagnosis, task);
	cn_tally_end(diagnosis);
}
