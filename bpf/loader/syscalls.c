/* SPDX-License-Identifier: MIT */
/*
 * Loads syscalls.bpf.c for one process and gathers what it has summed; the rest
 * is follow.h.
 *
 * A call that goes on at the end stands in its worker's slot: it is added here,
 * with its time so far. A worker of which no call was seen at all may be in one
 * since before: the system says which, but not since when.
 */
#include "loader/syscalls.h"
#include "loader/libbpf.h"
#include "loader/maps.h"
#include "loader/why.h"
#include "syscalls.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TASKS 16384u
#define TASKS_MIN 16u

struct bl_syscalls {
	struct bl_follow follow;
	struct syscalls *skeleton;
	int cpus;
	bool stopped;
	struct bl_syscalls_result result;
};

static int load(struct bl_syscalls *calls, const struct bl_syscalls_opts *opts, struct bl_why *why)
{
	uint32_t tasks = opts && opts->tasks ? opts->tasks : DEFAULT_TASKS;
	int rc;

	calls->skeleton = syscalls__open();
	if (!calls->skeleton)
		return bl_fail_by_libbpf(why, -errno, "cannot open the BPF programs");
	rc = bpf_map__set_max_entries(calls->skeleton->maps.tasks, tasks < TASKS_MIN ? TASKS_MIN : tasks);
	if (rc == 0)
		rc = syscalls__load(calls->skeleton);
	if (rc < 0)
		return bl_fail_by_libbpf(why, rc, "cannot load the BPF programs");
	return bl_follow_mark(&calls->follow, calls->skeleton->maps.targets, calls->skeleton->maps.threads,
		&calls->skeleton->bss->measuring, calls->skeleton->bss->places, why);
}

int bl_syscalls_open(int pid, const struct bl_syscalls_opts *opts, struct bl_syscalls **ret_calls, struct bl_why *why)
{
	struct bl_syscalls *calls = calloc(1, sizeof(*calls));
	int rc;

	if (!calls)
		return bl_fail(why, -ENOMEM, "no memory");
	rc = bl_follow_open(&calls->follow, pid, why);
	if (rc == 0)
		rc = load(calls, opts, why);
	if (rc == 0) {
		struct bpf_program *const programs[] = { calls->skeleton->progs.calls_enter,
			calls->skeleton->progs.calls_exit };

		rc = bl_follow_attach(
			&calls->follow, programs, 2, opts && opts->costs, "cannot attach to system calls", why);
	}
	if (rc < 0) {
		bl_syscalls_close(calls);
		return rc;
	}
	*ret_calls = calls;
	return 0;
}

void bl_syscalls_close(struct bl_syscalls *calls)
{
	if (!calls)
		return;
	bl_follow_close(&calls->follow);
	syscalls__destroy(calls->skeleton);
	free(calls->result.tasks);
	free(calls->result.sites);
	free(calls->result.workers);
	free(calls);
}

int bl_syscalls_wait(struct bl_syscalls *calls, int timeout_ms)
{
	return bl_follow_wait(&calls->follow, timeout_ms);
}

/* -------------------------------------------------------------- gathering */

static void merge(struct bl_calls *calls, const struct bl_calls *more)
{
	calls->calls += more->calls;
	calls->ns += more->ns;
	if (more->calls && more->longest_ns >= calls->longest_ns) {
		calls->longest_ns = more->longest_ns;
		calls->longest_argument = more->longest_argument;
		calls->longest_number = more->longest_number;
	}
}

static void gather_task(void *arg, const void *key, const void *value)
{
	struct bl_syscalls_result *result = arg;
	const struct bl_calls_task *found = value;
	struct bl_call_task *task = &result->tasks[result->n_tasks++];

	*task = (struct bl_call_task){
		.runtime = found->runtime, .site = found->site, .sum = { .calls = found->calls, .longest_ended = true }
	};
	memcpy(&task->id, key, sizeof(task->id));
}

static int gather_tasks(struct bl_syscalls *calls)
{
	struct bl_syscalls_result *result = &calls->result;
	const struct bpf_map *map = calls->skeleton->maps.tasks;
	size_t room = bpf_map__max_entries(map);
	int rc;

	/* And one for each worker, which may be in the first call of a task. */
	if (!result->tasks)
		result->tasks = calloc(room + BL_WORKERS_MAX, sizeof(*result->tasks));
	if (!result->tasks)
		return -ENOMEM;
	result->n_tasks = 0;
	rc = bl_map_each(map, sizeof(uint64_t), sizeof(struct bl_calls_task), room, gather_task, result);
	/* While it is measured, some are made between the count and the look. */
	result->evicted = result->totals.created > result->n_tasks ? result->totals.created - result->n_tasks : 0;
	return rc;
}

static void gather_site(void *arg, const void *key, const void *value)
{
	struct bl_syscalls *calls = arg;
	struct bl_call_site *site = &calls->result.sites[calls->result.n_sites++];
	const struct bl_calls_key *found = key;
	const struct bl_calls *by_cpu = value;

	*site = (struct bl_call_site){
		.runtime = found->runtime, .site = found->site, .number = found->number, .sum.longest_ended = true
	};
	for (int i = 0; i < calls->cpus; i++)
		merge(&site->sum.calls, &by_cpu[i]);
}

static int gather_sites(struct bl_syscalls *calls)
{
	struct bl_syscalls_result *result = &calls->result;
	const struct bpf_map *map = calls->skeleton->maps.sites;
	size_t room = bpf_map__max_entries(map);

	calls->cpus = libbpf_num_possible_cpus();
	if (calls->cpus < 0)
		return calls->cpus;
	if (!result->sites)
		result->sites = calloc(room + BL_WORKERS_MAX, sizeof(*result->sites));
	if (!result->sites)
		return -ENOMEM;
	result->n_sites = 0;
	return bl_map_each(map, sizeof(struct bl_calls_key), (size_t)calls->cpus * sizeof(struct bl_calls), room,
		gather_site, calls);
}

static struct bl_call_sum *task_sum(struct bl_syscalls_result *result, uint64_t id, uint32_t runtime, uint32_t site)
{
	for (size_t i = 0; i < result->n_tasks; i++)
		if (result->tasks[i].id == id)
			return &result->tasks[i].sum;
	result->tasks[result->n_tasks] = (struct bl_call_task){ .id = id, .runtime = runtime, .site = site };
	return &result->tasks[result->n_tasks++].sum;
}

static struct bl_call_sum *site_sum(struct bl_syscalls_result *result, uint32_t runtime, uint32_t site, uint32_t number)
{
	for (size_t i = 0; i < result->n_sites; i++)
		if (result->sites[i].runtime == runtime && result->sites[i].site == site &&
			result->sites[i].number == number)
			return &result->sites[i].sum;
	result->sites[result->n_sites] = (struct bl_call_site){ .runtime = runtime, .site = site, .number = number };
	return &result->sites[result->n_sites++].sum;
}

static void add_open(struct bl_call_sum *sum, const struct bl_call_worker *worker)
{
	const struct bl_calls open = { .calls = 1,
		.ns = worker->ns,
		.longest_ns = worker->ns,
		.longest_argument = worker->argument,
		.longest_number = worker->number };

	if (!sum->calls.calls || open.longest_ns >= sum->calls.longest_ns)
		sum->longest_ended = false;
	merge(&sum->calls, &open);
	sum->not_ended++;
}

/*
 * No call of its thread was seen: the system says in which one it is. Called
 * while the programs still watch; what is found holds if none is seen until then.
 */
static void look_for_old_call(const struct bl_syscalls *calls, uint32_t slot, struct bl_call_worker *worker)
{
	const int pid = calls->follow.pid;
	char name[64], line[256], *rest;
	unsigned long number;
	FILE *file;

	if (!worker->os_tid ||
		bl_record_task(pid, calls->follow.places[slot].record, &worker->task, &worker->site) < 0 ||
		!worker->task)
		return;
	snprintf(name, sizeof(name), "/proc/%d/task/%u/syscall", pid, worker->os_tid);
	file = fopen(name, "re");
	/* "running", or the number and the arguments; the number is -1 where it waits, but in no call. */
	if (file && fgets(line, sizeof(line), file)) {
		number = strtoul(line, &rest, 10);
		if (rest != line && *line != '-') {
			worker->now = BL_CALL_BEFORE;
			worker->number = (uint32_t)number;
			worker->argument = strtoull(rest, NULL, 16);
		}
	}
	if (file)
		fclose(file);
}

static void look_at_workers(struct bl_syscalls *calls)
{
	struct bl_thread threads[BL_WORKERS_MAX];

	bl_follow_threads(&calls->follow, threads);
	for (uint32_t i = 0; i < calls->follow.n_workers; i++) {
		calls->result.workers[i].os_tid = threads[i].os_tid;
		if (!__atomic_load_n(&calls->skeleton->bss->workers[i].seen, __ATOMIC_RELAXED))
			look_for_old_call(calls, i, &calls->result.workers[i]);
	}
}

/* While it is measured: it may be written meanwhile, so it is read until the call stayed the same. */
static struct bl_calls_worker read_worker(const struct bl_syscalls *calls, uint32_t slot)
{
	const struct bl_calls_worker *worker = &calls->skeleton->bss->workers[slot];
	struct bl_calls_worker copy;
	uint64_t entered_ns;

	do {
		entered_ns = __atomic_load_n(&worker->entered_ns, __ATOMIC_ACQUIRE);
		memcpy(&copy, worker, sizeof(copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (entered_ns != copy.entered_ns || entered_ns != __atomic_load_n(&worker->entered_ns, __ATOMIC_RELAXED));
	return copy;
}

static void finish_worker(struct bl_syscalls *calls, uint32_t slot)
{
	struct bl_syscalls_result *result = &calls->result;
	const struct bl_calls_worker w = read_worker(calls, slot);
	const uint64_t end_ns = calls->stopped ? calls->result.end_ns : bl_now_ns();
	const uint32_t runtime = calls->follow.workers[slot].runtime;
	struct bl_call_worker *worker = &result->workers[slot];

	worker->outside = w.outside;
	worker->sum = (struct bl_call_sum){ .calls = w.sum, .longest_ended = true };
	if (w.seen)
		worker->now = BL_CALL_NONE;
	if (!w.entered_ns)
		return;
	worker->now = BL_CALL_SEEN;
	worker->task = w.task;
	worker->site = w.site;
	worker->number = w.number;
	worker->argument = w.argument;
	worker->ns = end_ns > w.entered_ns ? end_ns - w.entered_ns : 0;
	add_open(&worker->sum, worker);
	add_open(task_sum(result, w.task, runtime, w.site), worker);
	add_open(site_sum(result, runtime, w.site, w.number), worker);
}

/* The sums first and the workers then: a call that ends in between is in neither, and the next look has it. */
static int gather(struct bl_syscalls *calls, const struct bl_syscalls_result **ret_result, struct bl_why *why)
{
	struct bl_syscalls_result *result = &calls->result;
	int rc;

	result->begin_ns = calls->follow.begin_ns;
	result->end_ns = calls->stopped ? calls->follow.end_ns : bl_now_ns();
	result->unfollowed_workers = calls->follow.unfollowed;
	result->late_workers = calls->follow.late;
	result->followed = calls->follow.workers;
	result->n_workers = calls->follow.n_workers;
	result->totals = calls->skeleton->bss->totals;
	rc = gather_tasks(calls);
	if (rc == 0)
		rc = gather_sites(calls);
	if (rc < 0)
		return bl_fail(why, rc, "cannot gather what was measured: %s", strerror(-rc));
	for (uint32_t i = 0; i < result->n_workers; i++)
		finish_worker(calls, i);
	bl_follow_costs(&calls->follow, result->costs, &result->missed);
	*ret_result = result;
	return 0;
}

/* Where the results of a look go: they begin anew with each. */
static int clear_workers(struct bl_syscalls *calls, struct bl_why *why)
{
	struct bl_syscalls_result *result = &calls->result;

	if (!result->workers)
		result->workers = calloc(BL_WORKERS_MAX, sizeof(*result->workers));
	if (!result->workers)
		return bl_fail(why, -ENOMEM, "no memory");
	memset(result->workers, 0, BL_WORKERS_MAX * sizeof(*result->workers));
	return 0;
}

int bl_syscalls_gather(struct bl_syscalls *calls, const struct bl_syscalls_result **ret_result, struct bl_why *why)
{
	int rc = clear_workers(calls, why);

	return rc < 0 ? rc : gather(calls, ret_result, why);
}

int bl_syscalls_stop(struct bl_syscalls *calls, const struct bl_syscalls_result **ret_result, struct bl_why *why)
{
	int rc;

	if (calls->stopped)
		return bl_fail(why, -EALREADY, "it has ended already");
	calls->stopped = true;
	rc = clear_workers(calls, why);
	if (rc < 0)
		return rc;
	look_at_workers(calls);
	bl_follow_stop(&calls->follow);
	return gather(calls, ret_result, why);
}
