/* SPDX-License-Identifier: MIT */
/*
 * Loads sched.bpf.c for one process, tells it where the workers' records are,
 * and gathers what it has summed.
 *
 * A thread may be off its CPU already when we come; its first switch that is
 * seen is then its return. So each slot says since when no switch is missed and
 * what the worker polled right after that: if the thread was away the whole
 * time, that is what it is away from. A thread without any switch until the end
 * either had its CPU all the time or was away all the time; its state tells.
 *
 * At the end the programs are told to stop, and one grace period of RCU later
 * none of them runs any more: what they wrote stands still and can be read
 * without care.
 */
#include "loader/sched.h"
#include "loader/libbpf.h"
#include "loader/records.h"
#include "loader/why.h"
#include "sched.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_TASKS 16384u
#define TASKS_MIN 16u
#define REFRESH_MS 100

struct bl_sched {
	struct sched *skeleton;
	struct bpf_link *links[2];
	int pid, pidfd, stats_fd;
	uint64_t stack_start; /* another one: the process has called exec */
	uint64_t pages[BL_RUNTIMES_MAX];
	size_t n_pages, n_workers;
	bool stopped;
	struct bl_record records[BL_WORKERS_MAX]; /* scratch */
	struct bl_sched_result result;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Where its stack was put when it was started: field 28 of its stat. */
static int stack_start(int pid, uint64_t *ret_address)
{
	char name[32], line[1024], *at;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	file = fopen(name, "re");
	if (!file)
		return -errno;
	line[fread(line, 1, sizeof(line) - 1, file)] = '\0';
	fclose(file);
	at = strrchr(line, ')'); /* behind the name, in which anything may stand */
	for (int field = 3; at && field <= 28; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -ESRCH;
	*ret_address = strtoull(at + 1, NULL, 10);
	return 0;
}

/* ---------------------------------------------------------------- workers */

/* The page's number, in the order in which they were met. */
static uint32_t runtime_of(struct bl_sched *sched, uint64_t page)
{
	size_t i = 0;

	while (i < sched->n_pages && sched->pages[i] != page)
		i++;
	if (i == sched->n_pages && i < BL_RUNTIMES_MAX)
		sched->pages[sched->n_pages++] = page;
	return (uint32_t)i;
}

/* Known to the programs first, looked at then: what is read is true from known_ns on. */
static int follow(struct bl_sched *sched, uint32_t slot, uint32_t tid)
{
	struct bl_off_worker *worker = &sched->skeleton->bss->workers[slot];
	uint64_t task = 0;
	uint32_t site = 0;
	int rc = bpf_map_update_elem(bpf_map__fd(sched->skeleton->maps.threads), &tid, &slot, BPF_ANY);

	if (rc < 0)
		return rc;
	worker->known_ns = now_ns();
	if (bl_record_task(sched->pid, worker->record, &task, &site) < 0)
		return 0; /* it has just ended: there is nothing that we could miss */
	worker->start_site = site;
	__atomic_store_n(&worker->start_task, task, __ATOMIC_RELEASE);
	return 0;
}

/* A record keeps its slot; its thread may change. */
static int take_record(struct bl_sched *sched, const struct bl_record *record, uint32_t *tids)
{
	struct bl_off_worker *workers = sched->skeleton->bss->workers;
	uint32_t slot = 0;

	while (slot < sched->n_workers && workers[slot].record != record->address)
		slot++;
	if (slot == BL_WORKERS_MAX) {
		sched->result.unfollowed_workers++;
		return 0;
	}
	if (slot == sched->n_workers) {
		workers[slot].record = record->address;
		workers[slot].runtime = runtime_of(sched, record->page);
		workers[slot].index = record->index;
		sched->n_workers++;
	} else if (tids[slot] == record->tid) {
		return 0;
	} else {
		bpf_map_delete_elem(bpf_map__fd(sched->skeleton->maps.threads), &tids[slot]);
	}
	tids[slot] = record->tid;
	return follow(sched, slot, record->tid);
}

static int look_for_workers(struct bl_sched *sched, uint32_t *tids)
{
	int n = bl_records_find(sched->pid, sched->records, BL_WORKERS_MAX), rc = 0;

	if (n < 0)
		return n;
	sched->result.unfollowed_workers = n > BL_WORKERS_MAX ? (uint32_t)(n - BL_WORKERS_MAX) : 0;
	for (int i = 0; i < n && i < BL_WORKERS_MAX && rc == 0; i++)
		rc = take_record(sched, &sched->records[i], tids);
	return rc < 0 ? rc : n;
}

/* ---------------------------------------------------------------- opening */

static int open_target(struct bl_sched *sched, struct bl_why *why)
{
	int rc, n;

	sched->pidfd = (int)syscall(SYS_pidfd_open, sched->pid, 0);
	if (sched->pidfd < 0) {
		rc = errno == EINVAL ? -ESRCH : -errno; /* EINVAL: a thread's id */
		return bl_fail(why, rc, "no process %d: %s", sched->pid, strerror(-rc));
	}
	rc = bl_check_tracing(why);
	if (rc < 0)
		return rc;
	n = bl_records_find(sched->pid, sched->records, BL_WORKERS_MAX);
	if (n == -EPERM)
		return bl_fail(
			why, n, "not permitted to read process %d: missing CAP_SYS_PTRACE; run it as root", sched->pid);
	if (n == -EPROTO)
		return bl_fail(why, n, "process %d has another layout version: use the rouse that it was built with",
			sched->pid);
	if (n == 0)
		return bl_fail(why, -ENOENT, "process %d has no rouse runtime with workers", sched->pid);
	rc = n < 0 ? n : stack_start(sched->pid, &sched->stack_start);
	return rc < 0 ? bl_fail(why, rc, "cannot read process %d: %s", sched->pid, strerror(-rc)) : 0;
}

static int load(struct bl_sched *sched, const struct bl_sched_opts *opts, struct bl_why *why)
{
	uint32_t tasks = opts && opts->tasks ? opts->tasks : DEFAULT_TASKS, marked = 1;
	int rc;

	sched->skeleton = sched__open();
	if (!sched->skeleton)
		return bl_fail_by_libbpf(why, -errno, "cannot open the BPF programs");
	rc = bpf_map__set_max_entries(sched->skeleton->maps.tasks, tasks < TASKS_MIN ? TASKS_MIN : tasks);
	if (rc == 0)
		rc = sched__load(sched->skeleton);
	if (rc < 0)
		return bl_fail_by_libbpf(why, rc, "cannot load the BPF programs");
	rc = bpf_map_update_elem(bpf_map__fd(sched->skeleton->maps.targets), &sched->pidfd, &marked, BPF_ANY);
	if (rc < 0)
		return bl_fail(why, rc, "cannot mark process %d: %s", sched->pid, strerror(-rc));
	if (opts && opts->costs) {
		sched->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
		if (sched->stats_fd < 0)
			return bl_fail(why, -errno, "cannot measure the cost of the BPF programs: %s", strerror(errno));
	}
	return 0;
}

static int attach(struct bl_sched *sched, struct bl_why *why)
{
	struct bpf_program *programs[] = { sched->skeleton->progs.off_cpu_switch,
		sched->skeleton->progs.off_cpu_wakeup };
	uint32_t tids[BL_WORKERS_MAX] = { 0 };
	int rc;

	for (int i = 0; i < 2; i++) {
		sched->links[i] = bpf_program__attach(programs[i]);
		if (!sched->links[i])
			return bl_fail_by_libbpf(why, -errno, "cannot attach to the scheduler");
	}
	__atomic_store_n(&sched->skeleton->bss->measuring, 1, __ATOMIC_RELEASE);
	sched->result.begin_ns = now_ns();
	rc = look_for_workers(sched, tids);
	return rc < 0 ? bl_fail(why, rc, "cannot read process %d: %s", sched->pid, strerror(-rc)) : 0;
}

int bl_sched_open(int pid, const struct bl_sched_opts *opts, struct bl_sched **ret_sched, struct bl_why *why)
{
	struct bl_sched *sched = calloc(1, sizeof(*sched));
	int rc;

	if (!sched)
		return bl_fail(why, -ENOMEM, "no memory");
	sched->pid = pid;
	sched->stats_fd = -1;
	bl_listen_to_libbpf();
	rc = open_target(sched, why);
	if (rc == 0)
		rc = load(sched, opts, why);
	if (rc == 0)
		rc = attach(sched, why);
	if (rc < 0) {
		bl_sched_close(sched);
		return rc;
	}
	*ret_sched = sched;
	return 0;
}

static void detach(struct bl_sched *sched)
{
	for (int i = 0; i < 2; i++) {
		bpf_link__destroy(sched->links[i]);
		sched->links[i] = NULL;
	}
}

void bl_sched_close(struct bl_sched *sched)
{
	if (!sched)
		return;
	detach(sched);
	sched__destroy(sched->skeleton);
	if (sched->pidfd >= 0)
		close(sched->pidfd);
	if (sched->stats_fd >= 0)
		close(sched->stats_fd);
	free(sched->result.tasks);
	free(sched->result.sites);
	free(sched->result.workers);
	free(sched);
}

/* ---------------------------------------------------------------- waiting */

/* The threads that the slots stand for. */
static void followed(const struct bl_sched *sched, uint32_t tids[BL_WORKERS_MAX])
{
	int threads = bpf_map__fd(sched->skeleton->maps.threads);
	uint32_t tid, next, slot;
	void *at = NULL;

	while (bpf_map_get_next_key(threads, at, &next) == 0) {
		tid = next;
		at = &tid;
		if (bpf_map_lookup_elem(threads, &tid, &slot) == 0 && slot < BL_WORKERS_MAX)
			tids[slot] = tid;
	}
}

static int refresh(struct bl_sched *sched)
{
	uint32_t tids[BL_WORKERS_MAX] = { 0 };

	followed(sched, tids);
	return look_for_workers(sched, tids);
}

int bl_sched_wait(struct bl_sched *sched, int timeout_ms)
{
	struct pollfd end = { .fd = sched->pidfd, .events = POLLIN };
	uint64_t stack = 0;
	int rc;

	rc = poll(&end, 1, timeout_ms >= 0 && timeout_ms < REFRESH_MS ? timeout_ms : REFRESH_MS);
	if (rc < 0)
		return errno == EINTR ? BL_SCHED_GOES_ON : -errno;
	if (rc > 0)
		return BL_SCHED_EXITED;
	rc = stack_start(sched->pid, &stack);
	if (rc == 0 && stack && stack != sched->stack_start)
		return BL_SCHED_REPLACED;
	/* It is in the middle of ending, or of exec; the next look tells. */
	if (rc == 0)
		rc = refresh(sched);
	return rc == -EPERM ? rc : BL_SCHED_GOES_ON;
}

/* -------------------------------------------------------------- gathering */

static void add(struct bl_off *off, enum bl_off_kind kind, uint64_t ns)
{
	off->ns[kind] += ns;
	off->times[kind]++;
	if (ns > off->longest_ns) {
		off->longest_ns = ns;
		off->longest_kind = kind;
	}
}

static void merge(struct bl_off *off, const struct bl_off *more)
{
	for (int kind = 0; kind < BL_OFF_KIND_MAX; kind++) {
		off->ns[kind] += more->ns[kind];
		off->times[kind] += more->times[kind];
	}
	if (more->longest_ns > off->longest_ns) {
		off->longest_ns = more->longest_ns;
		off->longest_kind = more->longest_kind;
	}
}

static int gather_tasks(struct bl_sched *sched)
{
	struct bl_sched_result *result = &sched->result;
	int map = bpf_map__fd(sched->skeleton->maps.tasks);
	uint64_t key, next;
	void *at = NULL;

	/* And one for each worker, which may be away in the first poll of a task. */
	result->tasks =
		calloc(bpf_map__max_entries(sched->skeleton->maps.tasks) + BL_WORKERS_MAX, sizeof(*result->tasks));
	if (!result->tasks)
		return -ENOMEM;
	while (result->n_tasks < bpf_map__max_entries(sched->skeleton->maps.tasks) &&
		bpf_map_get_next_key(map, at, &next) == 0) {
		struct bl_sched_task *task = &result->tasks[result->n_tasks];

		key = next;
		at = &key;
		task->id = key;
		if (bpf_map_lookup_elem(map, &key, &task->task) == 0)
			result->n_tasks++;
	}
	result->evicted = result->totals.created - result->n_tasks;
	return 0;
}

static int gather_sites(struct bl_sched *sched)
{
	struct bl_sched_result *result = &sched->result;
	int map = bpf_map__fd(sched->skeleton->maps.sites), cpus = libbpf_num_possible_cpus();
	size_t room = bpf_map__max_entries(sched->skeleton->maps.sites);
	struct bl_off *by_cpu;
	uint64_t key, next;
	void *at = NULL;

	if (cpus < 0)
		return cpus;
	by_cpu = calloc((size_t)cpus, sizeof(*by_cpu));
	result->sites = calloc(room + BL_WORKERS_MAX, sizeof(*result->sites));
	while (by_cpu && result->sites && result->n_sites < room && bpf_map_get_next_key(map, at, &next) == 0) {
		struct bl_sched_site *site = &result->sites[result->n_sites];

		key = next;
		at = &key;
		if (bpf_map_lookup_elem(map, &key, by_cpu) < 0)
			continue;
		site->runtime = (uint32_t)(key >> 32);
		site->site = (uint32_t)key;
		for (int i = 0; i < cpus; i++)
			merge(&site->off, &by_cpu[i]);
		result->n_sites++;
	}
	free(by_cpu);
	return by_cpu && result->sites ? 0 : -ENOMEM;
}

static struct bl_off *task_sum(struct bl_sched_result *result, uint64_t id, uint32_t runtime, uint32_t site)
{
	for (size_t i = 0; i < result->n_tasks; i++)
		if (result->tasks[i].id == id)
			return &result->tasks[i].task.off;
	result->tasks[result->n_tasks] =
		(struct bl_sched_task){ .id = id, .task = { .runtime = runtime, .site = site } };
	return &result->tasks[result->n_tasks++].task.off;
}

static struct bl_off *site_sum(struct bl_sched_result *result, uint32_t runtime, uint32_t site)
{
	for (size_t i = 0; i < result->n_sites; i++)
		if (result->sites[i].runtime == runtime && result->sites[i].site == site)
			return &result->sites[i].off;
	result->sites[result->n_sites] = (struct bl_sched_site){ .runtime = runtime, .site = site };
	return &result->sites[result->n_sites++].off;
}

/* A stretch that goes on counts up to the end. */
static void add_open(struct bl_sched_result *result, const struct bl_off_worker *w, struct bl_off *worker,
	enum bl_off_kind kind, uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns <= from_ns)
		return;
	add(worker, kind, to_ns - from_ns);
	add(task_sum(result, w->task, w->runtime, w->site), kind, to_ns - from_ns);
	add(site_sum(result, w->runtime, w->site), kind, to_ns - from_ns);
}

static void finish_worker(struct bl_sched *sched, uint32_t slot, uint32_t tid, bool sleeps)
{
	struct bl_sched_result *result = &sched->result;
	struct bl_off_worker w = sched->skeleton->bss->workers[slot];
	struct bl_sched_worker *worker = &result->workers[slot];
	uint64_t end = result->end_ns;

	*worker = (struct bl_sched_worker){ .runtime = w.runtime, .index = w.index, .tid = tid, .off = w.off };
	if (!w.seen && w.start_task && (sleeps || w.woken_ns)) { /* away all the time */
		w.task = w.start_task;
		w.site = w.start_site;
		w.left_ns = w.known_ns;
	}
	if (!w.left_ns)
		return;
	worker->in_progress = w.task;
	if (w.runnable) {
		add_open(result, &w, &worker->off, BL_OFF_PREEMPTED, w.left_ns, end);
		return;
	}
	add_open(result, &w, &worker->off, BL_OFF_BLOCKED, w.left_ns, w.woken_ns ? w.woken_ns : end);
	if (w.woken_ns)
		add_open(result, &w, &worker->off, BL_OFF_RUN_QUEUE, w.woken_ns, end);
}

static void gather_costs(struct bl_sched *sched)
{
	struct bpf_program *programs[] = { sched->skeleton->progs.off_cpu_switch,
		sched->skeleton->progs.off_cpu_wakeup };

	for (int i = 0; i < 2; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t bytes = sizeof(info);

		sched->result.costs[i].program = bpf_program__name(programs[i]);
		if (bpf_obj_get_info_by_fd(bpf_program__fd(programs[i]), &info, &bytes) < 0)
			continue;
		sched->result.costs[i].runs = info.run_cnt;
		sched->result.costs[i].ns = info.run_time_ns;
		sched->result.missed += info.recursion_misses;
	}
}

/* One thread by a text of its status: the last of its ids is the one in its own namespace. */
static void note_sleeper(const char *status, const uint32_t *tids, size_t n, bool *sleeps)
{
	const char *state = strstr(status, "\nState:\t"), *ids = strstr(status, "\nNSpid:"), *last;
	uint32_t tid = 0;

	for (last = ids ? strchr(ids, '\t') : NULL; last && *last == '\t'; last += 1 + strcspn(last + 1, "\t\n"))
		tid = (uint32_t)strtoul(last + 1, NULL, 10);
	for (size_t i = 0; state && tid && i < n; i++)
		if (tids[i] == tid)
			sleeps[i] = strchr("SDTt", state[strlen("\nState:\t")]) != NULL;
}

/* Called while the programs still watch. */
static void find_sleepers(const struct bl_sched *sched, const uint32_t *tids, bool *sleeps)
{
	char name[320], status[4096];
	struct dirent *entry;
	DIR *threads;

	snprintf(name, sizeof(name), "/proc/%d/task", sched->pid);
	threads = opendir(name);
	while (threads && (entry = readdir(threads))) {
		FILE *file;

		snprintf(name, sizeof(name), "/proc/%d/task/%s/status", sched->pid, entry->d_name);
		file = *entry->d_name != '.' ? fopen(name, "re") : NULL;
		if (!file)
			continue;
		status[fread(status, 1, sizeof(status) - 1, file)] = '\0';
		fclose(file);
		note_sleeper(status, tids, sched->n_workers, sleeps);
	}
	if (threads)
		closedir(threads);
}

int bl_sched_stop(struct bl_sched *sched, const struct bl_sched_result **ret_result, struct bl_why *why)
{
	struct bl_sched_result *result = &sched->result;
	uint32_t tids[BL_WORKERS_MAX] = { 0 };
	bool sleeps[BL_WORKERS_MAX] = { false };
	int rc;

	if (sched->stopped)
		return bl_fail(why, -EALREADY, "it has ended already");
	sched->stopped = true;
	followed(sched, tids);
	find_sleepers(sched, tids, sleeps);
	__atomic_store_n(&sched->skeleton->bss->measuring, 0, __ATOMIC_RELEASE);
	result->end_ns = now_ns();
	detach(sched);
	/* A grace period: the programs run with preemption disabled. Without the call, 10 ms have to do. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	result->totals = sched->skeleton->bss->totals;
	rc = gather_tasks(sched);
	if (rc == 0)
		rc = gather_sites(sched);
	if (rc == 0 && !(result->workers = calloc(BL_WORKERS_MAX, sizeof(*result->workers))))
		rc = -ENOMEM;
	if (rc < 0)
		return bl_fail(why, rc, "cannot gather what was measured: %s", strerror(-rc));
	result->n_workers = sched->n_workers;
	for (uint32_t i = 0; i < sched->n_workers; i++)
		finish_worker(sched, i, tids[i], sleeps[i]);
	gather_costs(sched);
	*ret_result = result;
	return 0;
}
