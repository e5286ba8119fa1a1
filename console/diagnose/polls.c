/* SPDX-License-Identifier: MIT */
/*
 * Polls that last: a poll in progress that keeps its worker, and those of the
 * past that did.
 *
 * What the thread does meanwhile tells computing from blocking, if the poll
 * has taken all of the time between two looks: then what the system counted
 * for the thread in that time is the poll's. A thread that had to wait for a
 * CPU would run if it could: that is the machine's fault, and no time of it is
 * held against the program.
 */
#include <string.h>

#include "diagnose/load.h"
#include "export/text.h"
#include "widget/format.h"
#include "widget/graph.h"

enum {
	LONG_BUCKET = 27, /* polls of 2^27 ns = 134 ms or more */
	LONG_POLLS_AT_LEAST = 2,
	LONG_ONE_IN = 1000, /* polls of that site */
	SEARCHES_MAX = 4,   /* of all resources, for a descriptor */
};
#define LONG_POLL_NS (1ull << LONG_BUCKET)
#define SHORTEST_SPAN_NS 10000000ull /* counts of the system are as fine as its clock tick */

static uint64_t long_polls(const struct cn_histogram *histogram)
{
	uint64_t n = 0;

	for (uint32_t i = LONG_BUCKET; histogram && i < ROUSE_HISTOGRAM_BUCKETS; i++)
		n += histogram->poll[i];
	return n;
}

/*
 * On a machine that kept its workers from running for a large part of what they
 * ran, and for long enough to make these polls as long as they were, they may
 * well have been short. Unless it was seen that they were not: polls that became
 * long in a look in which no worker waited for a CPU for so long.
 */
static bool explained_by_machine(
	const struct cn_diagnosis *diagnosis, const struct cn_runtime *runtime, uint32_t site, uint64_t long_ones)
{
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, runtime->index);
	uint64_t cpu = 0, queue = 0;

	if (site < tally->n_sites && tally->sites[site].own_long_polls >= LONG_POLLS_AT_LEAST)
		return false;
	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		const struct cn_thread *thread =
			cn_model_thread(diagnosis->model, runtime->index, runtime->workers[i].tid);

		cpu += thread ? thread->cpu_ns : 0;
		queue += thread ? thread->run_queue_ns : 0;
	}
	return queue > cpu / 4 && queue > long_ones * LONG_POLL_NS / 2;
}

/* How long the worker that waited most for a CPU did so in this look, UINT64_MAX: not known. */
static uint64_t waited(const struct cn_model *model, const struct cn_runtime *runtime)
{
	uint64_t most = 0, cpu, queue, span;

	for (uint32_t i = 0; i < runtime->n_workers; i++) {
		const struct cn_worker *worker = &runtime->workers[i];
		const struct cn_thread *thread = cn_model_thread(model, runtime->index, worker->tid);

		if (worker->foreign)
			continue;
		if (!thread || !cn_thread_delta(model, runtime->index, thread, &cpu, &queue, &span))
			return UINT64_MAX;
		most = queue > most ? queue : most;
	}
	return most;
}

/* The same of this look and those within the length of a long poll before it. */
static uint64_t waited_lately(struct cn_runtime_tally *tally, const struct cn_model *model, const struct cn_runtime *runtime)
{
	uint64_t sum = 0, now = waited(model, runtime);
	uint64_t from = (runtime->prev_ns ? runtime->prev_ns : runtime->now_ns) - 4 * LONG_POLL_NS;

	tally->waits[tally->n_waits % CN_WAITS_KEPT].ns = runtime->now_ns;
	tally->waits[tally->n_waits++ % CN_WAITS_KEPT].queue_ns = now;
	for (uint32_t i = 0; i < CN_WAITS_KEPT && i < tally->n_waits; i++) {
		if (tally->waits[i].ns < from)
			continue;
		if (tally->waits[i].queue_ns == UINT64_MAX)
			return UINT64_MAX;
		sum += tally->waits[i].queue_ns;
	}
	return sum;
}

/* Which of the new long polls cannot be the machine's doing? */
static void follow_long_polls(struct cn_diagnosis *diagnosis, const struct cn_runtime *runtime)
{
	struct cn_runtime_tally *tally = cn_tally(diagnosis, runtime->index);
	uint64_t queue;

	if (!tally->advanced)
		return;
	queue = waited_lately(tally, diagnosis->model, runtime);
	for (uint32_t site = 1; site < tally->n_sites; site++) {
		struct cn_site_tally *row = &tally->sites[site];
		uint64_t n = long_polls(cn_model_site_histogram(diagnosis->model, runtime->index, site));

		if (runtime->looks > 1 && n > row->long_polls && queue < (n - row->long_polls) * LONG_POLL_NS / 2)
			row->own_long_polls += n - row->long_polls;
		row->long_polls = n;
	}
}

/* ------------------------------------------------------------ running now */

static bool sleeps(const struct cn_thread *thread)
{
	return thread->state == 'S' || thread->state == 'D';
}

static const char *syscall_of(const struct cn_poll *poll)
{
	const char *name = NULL;

	if (poll->wait && poll->wait->kind == CN_BLOCK_CALL)
		name = cn_syscall_name((int)poll->wait->call);
	else if (poll->thread && sleeps(poll->thread))
		name = cn_syscall_name(poll->thread->syscall);
	return name ? name : "";
}

static bool on_descriptor(const struct cn_poll *poll)
{
	return poll->thread && sleeps(poll->thread) && cn_thread_on_descriptor(poll->thread);
}

/* Waits in the kernel, and has called nothing: for memory, that is, which the machine is short of. */
static bool waits_for_memory(const struct cn_poll *poll)
{
	return poll->thread && poll->thread->state == 'D' && poll->thread->syscall < 0;
}

bool cn_poll_in_futex(const struct cn_poll *poll)
{
	return poll->kind == CN_POLL_BLOCKS && strcmp(syscall_of(poll), "futex") == 0;
}

/* In tenths of the time. A thread's wait for a CPU is counted when it is over: what wants one now has waited longer. */
static enum cn_poll_kind kind_of(const struct cn_poll *poll)
{
	uint64_t tenth = poll->span_ns / 10, wanted = poll->cpu_ns + poll->run_queue_ns;

	if (poll->run_queue_ns > poll->cpu_ns && poll->run_queue_ns >= 3 * tenth)
		return CN_POLL_PREEMPTED;
	if (wanted >= 8 * tenth || (poll->thread->state == 'R' && wanted >= 5 * tenth))
		return CN_POLL_COMPUTES;
	return poll->cpu_ns <= 2 * tenth && sleeps(poll->thread) ? CN_POLL_BLOCKS : CN_POLL_UNKNOWN;
}

/* As of the kernel's last round: it may have run since. */
static const struct cn_block *wait_of(const struct cn_model *model, const struct cn_poll *poll)
{
	const struct cn_task *task = poll->task;
	const struct cn_block *wait =
		poll->worker ? cn_kernel_wait_of(model, task->runtime, poll->worker->tid) : NULL;

	if (!wait || wait->task != task->id)
		return NULL;
	if (cn_model_kernel(model)->now_ns < task->edge_ns + wait->blocked_ns)
		return NULL; /* it was an earlier poll that waited */
	return poll->thread && !sleeps(poll->thread) ? NULL : wait;
}

void cn_judge_poll(struct cn_diagnosis *diagnosis, struct cn_poll *poll)
{
	const struct cn_model *model = diagnosis->model;
	size_t runtime = poll->task->runtime;

	poll->thread = poll->worker ? cn_model_thread(model, runtime, poll->worker->tid) : NULL;
	if (poll->thread && cn_target_is_core(cn_model_target(model))) {
		poll->kind = sleeps(poll->thread) ? CN_POLL_BLOCKS : CN_POLL_UNKNOWN;
		return; /* nothing moves */
	}
	if (!poll->thread || !cn_thread_delta(model, runtime, poll->thread, &poll->cpu_ns, &poll->run_queue_ns,
				     &poll->span_ns))
		poll->span_ns = 0;
	else if (poll->span_ns < SHORTEST_SPAN_NS)
		poll->span_ns = 0;
	else if (poll->age_ns >= poll->span_ns)
		poll->kind = kind_of(poll);
	else if (2 * poll->run_queue_ns > poll->span_ns)
		poll->kind = CN_POLL_PREEMPTED;
	poll->wait = wait_of(model, poll);
	if (poll->wait && poll->kind == CN_POLL_UNKNOWN)
		poll->kind = CN_POLL_BLOCKS;
}

/* Of its age, the time it can have run. */
static uint64_t own_time(const struct cn_poll *poll)
{
	uint64_t wanted = poll->cpu_ns + poll->run_queue_ns;

	if (poll->kind != CN_POLL_PREEMPTED || !wanted)
		return poll->age_ns;
	return (uint64_t)((double)poll->age_ns * (double)poll->cpu_ns / (double)wanted);
}

void cn_evidence_of_poll(struct cn_report *report, const struct cn_model *model, const struct cn_poll *poll)
{
	char cpu[CN_FORMAT_BYTES], queue[CN_FORMAT_BYTES], span[CN_FORMAT_BYTES];
	const char *call = syscall_of(poll);

	if (poll->kind == CN_POLL_COMPUTES || poll->kind == CN_POLL_PREEMPTED)
		cn_evidence(report, ", and computes: thread %u had a CPU for %s of the last %s, and waited %s for one%s",
			poll->thread->tid, cn_format_ns(cpu, poll->cpu_ns), cn_format_ns(span, poll->span_ns),
			cn_format_ns(queue, poll->run_queue_ns),
			poll->kind == CN_POLL_PREEMPTED ? " (the machine is overloaded)" : "");
	else if (poll->wait) {
		cn_evidence(report, ", and is blocked");
		cn_evidence_of_wait(report, model, poll->wait);
	} else if (*call && on_descriptor(poll))
		cn_evidence(report, ", and sleeps in %s(%llu)", call, (unsigned long long)poll->thread->argument);
	else if (strcmp(call, "futex") == 0)
		cn_evidence(report, ", and sleeps in futex: a lock or condition of threads");
	else if (*call)
		cn_evidence(report, ", and sleeps in %s", call);
	else if (poll->thread && sleeps(poll->thread) && poll->thread->syscall >= 0)
		cn_evidence(report, ", and sleeps in system call %d", poll->thread->syscall);
	else if (waits_for_memory(poll))
		cn_evidence(report, ", and waits in the kernel outside of any system call, as for memory");
	else if (poll->kind == CN_POLL_BLOCKS)
		cn_evidence(report, ", and sleeps in the kernel");
}

/* The resource that stands for a descriptor of the process. */
static uint64_t resource_of_descriptor(struct cn_diagnosis *diagnosis, uint64_t descriptor)
{
	const struct cn_model *model = diagnosis->model;

	if (diagnosis->load->descriptor_searches++ >= SEARCHES_MAX)
		return 0;
	for (size_t i = 0; i < cn_model_resource_slots(model); i++) {
		const struct cn_resource *r = cn_model_resource_at(model, i);

		if (r && r->value == descriptor && !(r->flags & ROUSE_RESOURCE_CLOSED) &&
			(r->kind == ROUSE_RESOURCE_SOCKET || r->kind == ROUSE_RESOURCE_FD ||
				r->kind == ROUSE_RESOURCE_LISTENER))
			return r->serial;
	}
	return 0;
}

/*
 * Another look will tell what its thread does: it would run now, and has not
 * been seen before (or just before: looks that are late follow each other at
 * once), or has had little of a CPU. Then it was woken just now, or waits for a
 * CPU, which is counted when it has got one.
 */
static bool is_told_soon(const struct cn_model *model, const struct cn_poll *poll)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, poll->task->runtime);

	if (!poll->thread || poll->thread->state != 'R' || !poll->thread->cpu_ns || runtime->target_stopped)
		return false;
	return poll->thread->first_look == runtime->looks || !poll->span_ns ||
	       (poll->kind == CN_POLL_UNKNOWN && 2 * (poll->cpu_ns + poll->run_queue_ns) < poll->span_ns);
}

/*
 * Is it plain what its thread does? One that runs, or would, does not block now,
 * even if it was seen to have had little of a CPU: how long it waits for one is
 * only counted when it has got it. Where threads are not known, time has to do.
 */
static bool is_plain(const struct cn_model *model, const struct cn_poll *poll)
{
	if (!cn_model_threads(model, poll->task->runtime))
		return true;
	if (cn_target_is_core(cn_model_target(model)))
		return poll->kind == CN_POLL_BLOCKS;
	if (!poll->thread || !poll->thread->cpu_ns)
		return false;
	if (waits_for_memory(poll))
		return false;
	return poll->kind != CN_POLL_UNKNOWN || (sleeps(poll->thread) && poll->thread->syscall >= 0);
}

static void rule_poll(struct cn_diagnosis *diagnosis, const struct cn_poll *poll)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_task *task = poll->task;
	uint64_t before = long_polls(cn_model_site_histogram(model, task->runtime, task->spawn_site));
	bool preempted = poll->kind == CN_POLL_PREEMPTED, computes = preempted || poll->kind == CN_POLL_COMPUTES;
	bool sure = !preempted || own_time(poll) >= 2 * diagnosis->opts.poll_surely;
	char time[CN_FORMAT_BYTES];
	struct cn_report report;

	if (own_time(poll) < diagnosis->opts.poll_surely &&
		(before < LONG_POLLS_AT_LEAST || preempted ||
			explained_by_machine(diagnosis, cn_model_runtime(model, task->runtime), task->spawn_site, before)))
		return;
	if (is_told_soon(model, poll))
		return;
	report = cn_report_about(computes ? CN_FINDING_BUSY_WORKER : CN_FINDING_BLOCKED_WORKER,
		poll->told || !sure || !is_plain(model, poll) ? CN_SUSPECT : CN_LIKELY, task);
	report.finding.worker = task->worker;
	report.finding.since_ns = task->edge_ns;
	if (on_descriptor(poll))
		report.finding.resource = resource_of_descriptor(diagnosis, poll->thread->argument);
	cn_evidence(&report, "worker %u has been in poll %u of %s (%llu) for %s", task->worker, task->polls,
		cn_safe(cn_task_name(model, task)), (unsigned long long)task->id, cn_format_ns(time, poll->age_ns));
	cn_evidence_of_poll(&report, model, poll);
	if (before)
		cn_evidence(
			&report, "; %llu earlier polls of its kind took 134 ms or more", (unsigned long long)before);
	cn_report(diagnosis, &report);
}

void cn_rule_polls(struct cn_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->load->n_runtimes; i++)
		if (cn_tally(diagnosis, i))
			follow_long_polls(diagnosis, cn_model_runtime(diagnosis->model, i));
	for (uint32_t i = 0; i < diagnosis->load->n_polls; i++)
		rule_poll(diagnosis, &diagnosis->load->polls[i]);
}

/* -------------------------------------------------------- running too long */

/* What else was found of it says why its polls are long, or the main task may take its time. */
static bool is_told_otherwise(const struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	return task->kind == ROUSE_KIND_MAIN || cn_reported(diagnosis, CN_FINDING_BUSY_WORKER, task->id) ||
	       cn_reported(diagnosis, CN_FINDING_BLOCKED_WORKER, task->id);
}

/* The kernel says what they wait for. */
static bool is_told_by_kernel(const struct cn_diagnosis *diagnosis, size_t runtime, uint32_t site)
{
	uint64_t about = ((uint64_t)runtime + 1) << 32 | site;

	return cn_reported(diagnosis, CN_FINDING_BLOCKING_CALL, about) ||
	       cn_reported(diagnosis, CN_FINDING_PAGE_FAULTS, about);
}

static void long_polls_of_site(struct cn_diagnosis *diagnosis, const struct cn_runtime *runtime, uint32_t site)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_histogram *histogram = cn_model_site_histogram(model, runtime->index, site);
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, runtime->index);
	const struct cn_task *task = site < tally->n_sites ? tally->sites[site].slowest : NULL;
	uint64_t n = long_polls(histogram), all;
	struct cn_report report;
	char time[CN_FORMAT_BYTES];

	if (n < LONG_POLLS_AT_LEAST)
		return;
	all = cn_histogram_total(histogram->poll, ROUSE_HISTOGRAM_BUCKETS);
	if (n * LONG_ONE_IN < all || explained_by_machine(diagnosis, runtime, site, n) ||
		(task && is_told_otherwise(diagnosis, task)))
		return;
	/* How long threads waited for a CPU is not in a core file: the machine may have made them long. */
	report = cn_report_about(CN_FINDING_LONG_POLLS,
		cn_target_is_core(cn_model_target(model)) || is_told_by_kernel(diagnosis, runtime->index, site)
			? CN_SUSPECT
			: CN_LIKELY,
		task);
	report.finding.runtime = (uint8_t)runtime->index;
	report.about = (uint64_t)runtime->index << 32 | site;
	report.site = site;
	if (task)
		report.finding.worker = task->worker;
	cn_evidence(&report, "%llu of %llu polls of tasks spawned here took 134 ms or more (the longest at most %s)",
		(unsigned long long)n, (unsigned long long)all,
		cn_format_ns(time, cn_histogram_percentile(histogram->poll, ROUSE_HISTOGRAM_BUCKETS, 1000)));
	if (task)
		cn_evidence(&report, "; task %llu was busy for %s in %u polls", (unsigned long long)task->id,
			cn_format_ns(time, cn_task_busy_ns(model, task)), task->polls);
	cn_report(diagnosis, &report);
}

void cn_rule_long_polls(struct cn_diagnosis *diagnosis)
{
	const struct cn_model *model = diagnosis->model;

	for (size_t i = 0; i < diagnosis->load->n_runtimes; i++)
		for (size_t site = 1; cn_tally(diagnosis, i) && site < cn_model_sites(model, i); site++)
			long_polls_of_site(diagnosis, cn_model_runtime(model, i), (uint32_t)site);
}
