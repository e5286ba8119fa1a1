/* SPDX-License-Identifier: MIT */
#include "loader/follow.h"
#include "loader/libbpf.h"
#include "loader/why.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REFRESH_MS 100

uint64_t bl_now_ns(void)
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
static uint32_t runtime_of(struct bl_follow *follow, uint64_t page)
{
	size_t i = 0;

	while (i < follow->n_pages && follow->pages[i] != page)
		i++;
	if (i == follow->n_pages && i < BL_RUNTIMES_MAX)
		follow->pages[follow->n_pages++] = page;
	return (uint32_t)i;
}

/* A record keeps its slot; its thread may change. */
static int take_record(struct bl_follow *follow, const struct bl_record *record)
{
	struct bl_followed *worker;
	uint32_t slot = 0;

	while (slot < follow->n_workers && follow->places[slot].record != record->address)
		slot++;
	if (slot == BL_WORKERS_MAX) {
		follow->unfollowed++;
		return 0;
	}
	worker = &follow->workers[slot];
	if (slot == follow->n_workers) {
		worker->runtime = runtime_of(follow, record->page);
		worker->index = record->index;
		follow->places[slot] = (struct bl_place){
			.record = record->address, .runtime = worker->runtime, .index = worker->index
		};
		follow->n_workers++;
	} else if (worker->tid == record->tid) {
		return 0;
	} else {
		bpf_map_delete_elem(follow->threads_fd, &worker->tid);
	}
	worker->tid = record->tid;
	follow->late++;
	if (bpf_map_update_elem(follow->threads_fd, &worker->tid, &slot, BPF_ANY) < 0)
		return -errno;
	if (follow->known)
		follow->known(follow->arg, slot);
	return 0;
}

static int look_for_workers(struct bl_follow *follow)
{
	int n = bl_records_find(follow->pid, follow->records, BL_WORKERS_MAX), rc = 0;

	if (n < 0)
		return n;
	follow->unfollowed = n > BL_WORKERS_MAX ? (uint32_t)(n - BL_WORKERS_MAX) : 0;
	for (int i = 0; i < n && i < BL_WORKERS_MAX && rc == 0; i++)
		rc = take_record(follow, &follow->records[i]);
	return rc < 0 ? rc : n;
}

/* ---------------------------------------------------------------- opening */

int bl_follow_open(struct bl_follow *follow, int pid, struct bl_why *why)
{
	int rc, n;

	follow->pid = pid;
	follow->stats_fd = -1;
	follow->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	bl_listen_to_libbpf();
	if (follow->pidfd < 0) {
		rc = errno == EINVAL ? -ESRCH : -errno; /* EINVAL: a thread's id */
		return bl_fail(why, rc, "no process %d: %s", pid, strerror(-rc));
	}
	rc = bl_check_tracing(why);
	if (rc < 0)
		return rc;
	n = bl_records_find(pid, follow->records, BL_WORKERS_MAX);
	if (n == -EPERM)
		return bl_fail(why, n, "not permitted to read process %d: missing CAP_SYS_PTRACE; run it as root", pid);
	if (n == -EPROTO)
		return bl_fail(
			why, n, "process %d has another layout version: use the rouse that it was built with", pid);
	if (n == 0)
		return bl_fail(why, -ENOENT, "process %d has no rouse runtime with workers", pid);
	rc = n < 0 ? n : stack_start(pid, &follow->stack_start);
	return rc < 0 ? bl_fail(why, rc, "cannot read process %d: %s", pid, strerror(-rc)) : 0;
}

int bl_follow_mark(struct bl_follow *follow, const struct bpf_map *targets, const struct bpf_map *threads,
	volatile uint32_t *measuring, struct bl_place *places, struct bl_why *why)
{
	uint32_t marked = 1;

	follow->measuring = measuring;
	follow->places = places;
	follow->threads_fd = bpf_map__fd(threads);
	if (bpf_map_update_elem(bpf_map__fd(targets), &follow->pidfd, &marked, BPF_ANY) == 0)
		return 0;
	return bl_fail(why, -errno, "cannot mark process %d: %s", follow->pid, strerror(errno));
}

int bl_follow_attach(struct bl_follow *follow, struct bpf_program *const *programs, size_t n, bool costs,
	const char *failed, struct bl_why *why)
{
	int rc;

	if (costs) {
		follow->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
		if (follow->stats_fd < 0)
			return bl_fail(why, -errno, "cannot measure the cost of the BPF programs: %s", strerror(errno));
	}
	for (size_t i = 0; i < n && i < BL_LINKS_MAX; i++) {
		follow->programs[i] = programs[i];
		follow->links[i] = bpf_program__attach(programs[i]);
		if (!follow->links[i])
			return bl_fail_by_libbpf(why, -errno, failed);
		follow->n_programs++;
	}
	__atomic_store_n(follow->measuring, 1, __ATOMIC_RELEASE);
	follow->begin_ns = bl_now_ns();
	rc = look_for_workers(follow);
	follow->late = 0;
	return rc < 0 ? bl_fail(why, rc, "cannot read process %d: %s", follow->pid, strerror(-rc)) : 0;
}

static void detach(struct bl_follow *follow)
{
	for (size_t i = 0; i < BL_LINKS_MAX; i++) {
		bpf_link__destroy(follow->links[i]);
		follow->links[i] = NULL;
	}
}

void bl_follow_close(struct bl_follow *follow)
{
	detach(follow);
	if (follow->pidfd >= 0)
		close(follow->pidfd);
	if (follow->stats_fd >= 0)
		close(follow->stats_fd);
}

/* ---------------------------------------------------------------- waiting */

int bl_follow_wait(struct bl_follow *follow, int timeout_ms)
{
	struct pollfd end = { .fd = follow->pidfd, .events = POLLIN };
	uint64_t stack = 0;
	int rc;

	rc = poll(&end, 1, timeout_ms >= 0 && timeout_ms < REFRESH_MS ? timeout_ms : REFRESH_MS);
	if (rc < 0)
		return errno == EINTR ? BL_GOES_ON : -errno;
	if (rc > 0)
		return BL_EXITED;
	rc = stack_start(follow->pid, &stack);
	if (rc == 0 && stack && stack != follow->stack_start)
		return BL_REPLACED;
	/* It is in the middle of ending, or of exec; the next look tells. */
	if (rc == 0)
		rc = look_for_workers(follow);
	return rc == -EPERM ? rc : BL_GOES_ON;
}

void bl_follow_stop(struct bl_follow *follow)
{
	__atomic_store_n(follow->measuring, 0, __ATOMIC_RELEASE);
	follow->end_ns = bl_now_ns();
	detach(follow);
	bl_await_programs();
}

void bl_follow_costs(const struct bl_follow *follow, struct bl_cost *costs, uint64_t *ret_missed)
{
	uint64_t missed = 0;

	for (size_t i = 0; i < follow->n_programs; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t bytes = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(follow->programs[i]), &info, &bytes) < 0)
			info = (struct bpf_prog_info){ 0 };
		missed += info.recursion_misses;
		if (i < BL_PROGRAMS_MAX)
			costs[i] = (struct bl_cost){ bpf_program__name(follow->programs[i]), info.run_cnt,
				info.run_time_ns };
	}
	*ret_missed = missed;
}

/* ---------------------------------------------------------------- threads */

/* One thread by a text of its status: the last of its ids is the one in its own namespace. */
static void note_thread(const struct bl_follow *follow, uint32_t os_tid, const char *status, struct bl_thread *threads)
{
	const char *state = strstr(status, "\nState:\t"), *ids = strstr(status, "\nNSpid:"), *last;
	uint32_t tid = 0;

	for (last = ids ? strchr(ids, '\t') : NULL; last && *last == '\t'; last += 1 + strcspn(last + 1, "\t\n"))
		tid = (uint32_t)strtoul(last + 1, NULL, 10);
	for (size_t i = 0; state && tid && i < follow->n_workers; i++)
		if (follow->workers[i].tid == tid)
			threads[i] =
				(struct bl_thread){ tid, os_tid, strchr("SDTt", state[strlen("\nState:\t")]) != NULL };
}

void bl_follow_threads(const struct bl_follow *follow, struct bl_thread threads[BL_WORKERS_MAX])
{
	char name[320], status[4096];
	struct dirent *entry;
	DIR *all;

	memset(threads, 0, BL_WORKERS_MAX * sizeof(*threads));
	snprintf(name, sizeof(name), "/proc/%d/task", follow->pid);
	all = opendir(name);
	while (all && (entry = readdir(all))) {
		FILE *file;

		snprintf(name, sizeof(name), "/proc/%d/task/%s/status", follow->pid, entry->d_name);
		file = *entry->d_name != '.' ? fopen(name, "re") : NULL;
		if (!file)
			continue;
		status[fread(status, 1, sizeof(status) - 1, file)] = '\0';
		fclose(file);
		note_thread(follow, (uint32_t)strtoul(entry->d_name, NULL, 10), status, threads);
	}
	if (all)
		closedir(all);
}
