/* SPDX-License-Identifier: MIT */
/*
 * Four groups of programs on one process, each loaded and attached by itself,
 * and one stream of frames. Rings are drained by time, every 20 ms: a wake-up
 * per record would cost the target's switches more than the record.
 */
#include "loader/kernel.h"
#include "loader/blocks.h"
#include "loader/faults.h"
#include "loader/profile.h"
#include "loader/samples.h"
#include "loader/sched.h"
#include "loader/sink.h"
#include "loader/sums.h"
#include "loader/syscalls.h"
#include "loader/waits.h"
#include "loader/why.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DRAIN_MS 20
#define LOOK_NS 100000000ull /* between looks for new workers */
#define ALL_ROUNDS 10        /* each such one has all rows */
#define DEFAULT_ROUND_MS 1000u
#define DEFAULT_HZ 99u
#define HZ_MAX 1000u
#define DEFAULT_RING_BYTES (1u << 20)
#define RING_BYTES_MIN 16384u /* holds one record */
#define RING_BYTES_MAX (1u << 28)
#define DEFAULT_BLOCK_NS 1000000ull

struct group_state {
	int status;
	struct bl_why why;
	uint64_t uncounted;
	struct bl_rows rows;
};

struct bl_kernel {
	struct bl_kernel_opts opts;
	int pid, pidfd;
	char program[16];
	struct bl_sched *sched;
	struct bl_syscalls *syscalls;
	struct bl_faults *faults;
	struct bl_profile *profile;
	struct group_state groups[BL_GROUP_MAX];
	struct bl_rows calls;
	bool greeted;
	uint32_t ended; /* as in Kernel */
	uint64_t number, looked_ns, round_ns;

	/* What the Kernel frame of this round says. */
	uint64_t since_ns, mono_ns;
	uint64_t blocks_told, blocks_lost, samples_told, samples_lost;
	uint32_t late, unfollowed;

	struct bl_sink sink;
	struct bl_blocks blocks, waits;
	struct bl_samples samples;
};

/* ---------------------------------------------------------------- opening */

static bool asked(const struct bl_kernel *kernel, enum bl_group group)
{
	return kernel->opts.groups >> group & 1;
}

static bool measures(const struct bl_kernel *kernel, enum bl_group group)
{
	return asked(kernel, group) && kernel->groups[group].status == 0;
}

/* A ring's size must be a power of two. */
static uint32_t ring_size(uint32_t wanted)
{
	uint32_t bytes = RING_BYTES_MIN;

	while (bytes < wanted && bytes < RING_BYTES_MAX)
		bytes *= 2;
	return bytes;
}

static struct bl_kernel_opts complete(const struct bl_kernel_opts *opts)
{
	struct bl_kernel_opts all = *opts;

	if (!all.round_ms)
		all.round_ms = DEFAULT_ROUND_MS;
	if (!all.profile_hz)
		all.profile_hz = DEFAULT_HZ;
	if (all.profile_hz > HZ_MAX)
		all.profile_hz = HZ_MAX;
	if (!all.block_ns)
		all.block_ns = DEFAULT_BLOCK_NS;
	all.ring_bytes = ring_size(all.ring_bytes ? all.ring_bytes : DEFAULT_RING_BYTES);
	return all;
}

static int open_group(struct bl_kernel *kernel, enum bl_group group, struct bl_why *why)
{
	const struct bl_kernel_opts *opts = &kernel->opts;
	const struct bl_sched_opts sched = { .size = sizeof(sched),
		.tasks = opts->tasks,
		.block_ns = opts->block_ns,
		.ring_bytes = opts->ring_bytes,
		.block = bl_blocks_add,
		.arg = &kernel->blocks };
	const struct bl_syscalls_opts syscalls = { .size = sizeof(syscalls), .tasks = opts->tasks };
	const struct bl_profile_opts profile = { .tasks = opts->tasks,
		.hz = opts->profile_hz,
		.ring_bytes = opts->ring_bytes,
		.sample = bl_samples_add,
		.arg = &kernel->samples };

	switch (group) {
	case BL_GROUP_SCHED:
		return bl_sched_open(kernel->pid, &sched, &kernel->sched, why);
	case BL_GROUP_SYSCALLS:
		return bl_syscalls_open(kernel->pid, &syscalls, &kernel->syscalls, why);
	case BL_GROUP_FAULTS:
		return bl_faults_open(kernel->pid, opts->tasks, &kernel->faults, why);
	default:
		return bl_profile_open(kernel->pid, &profile, &kernel->profile, why);
	}
}

/* Fails if none can be: as the first one did. */
static int open_groups(struct bl_kernel *kernel, struct bl_why *why)
{
	int first = 0;
	bool any = false;

	for (enum bl_group group = BL_GROUP_SCHED; group < BL_GROUP_MAX; group++) {
		struct group_state *state = &kernel->groups[group];

		if (!asked(kernel, group))
			continue;
		state->status = open_group(kernel, group, &state->why);
		any |= state->status == 0;
		if (state->status < 0 && first == 0) {
			first = state->status;
			*why = state->why;
		}
	}
	if (!any && first == 0)
		return bl_fail(why, -EINVAL, "no group of BPF programs was asked for");
	return any ? 0 : first;
}

static void read_program(struct bl_kernel *kernel)
{
	char name[32];
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/comm", kernel->pid);
	file = fopen(name, "re");
	if (!file)
		return;
	if (fgets(kernel->program, sizeof(kernel->program), file))
		kernel->program[strcspn(kernel->program, "\n")] = '\0';
	fclose(file);
}

int bl_kernel_open(int pid, const struct bl_kernel_opts *opts, struct bl_kernel **ret_kernel, struct bl_why *why)
{
	struct bl_kernel *kernel = calloc(1, sizeof(*kernel));
	int rc;

	if (!kernel)
		return bl_fail(why, -ENOMEM, "no memory");
	kernel->pid = kernel->sink.pid = pid;
	kernel->opts = complete(opts);
	kernel->blocks.sink = kernel->waits.sink = kernel->samples.sink = &kernel->sink;
	kernel->waits.go_on = true;
	kernel->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (kernel->pidfd < 0) {
		rc = errno == EINVAL ? -ESRCH : -errno; /* EINVAL: a thread's id */
		bl_fail(why, rc, "no process %d: %s", pid, strerror(-rc));
	} else {
		read_program(kernel);
		rc = open_groups(kernel, why);
	}
	if (rc < 0) {
		bl_kernel_close(kernel);
		return rc;
	}
	*ret_kernel = kernel;
	return 0;
}

void bl_kernel_close(struct bl_kernel *kernel)
{
	if (!kernel)
		return;
	bl_profile_close(kernel->profile);
	bl_faults_close(kernel->faults);
	bl_syscalls_close(kernel->syscalls);
	bl_sched_close(kernel->sched);
	for (int group = 0; group < BL_GROUP_MAX; group++)
		bl_rows_fini(&kernel->groups[group].rows);
	bl_rows_fini(&kernel->calls);
	bl_kallsyms_fini(&kernel->sink.symbols);
	bl_names_fini(&kernel->sink.names);
	if (kernel->pidfd >= 0)
		close(kernel->pidfd);
	free(kernel);
}

/* ----------------------------------------------------------------- rounds */

static int send_hello(struct bl_kernel *kernel)
{
	Rouse__V1__Hello hello = ROUSE__V1__HELLO__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	hello.protocol = RP_PROTOCOL;
	hello.pid = (uint32_t)kernel->pid;
	hello.program = kernel->program;
	hello.source = (char *)"kernel";
	hello.hz = 1000000000;
	hello.version = (char *)ROUSE_VERSION;
	frame.body_case = ROUSE__V1__FRAME__BODY_HELLO;
	frame.hello = &hello;
	return bl_sink_send(&kernel->sink, &frame);
}

/* The window is that of the first group that measures. */
static void note_window(struct bl_kernel *kernel, uint64_t begin_ns, uint32_t late, uint32_t unfollowed)
{
	if (!kernel->since_ns)
		kernel->since_ns = begin_ns;
	if (late > kernel->late)
		kernel->late = late;
	if (unfollowed > kernel->unfollowed)
		kernel->unfollowed = unfollowed;
}

static int round_sched(struct bl_kernel *kernel, bool all, struct bl_why *why)
{
	struct group_state *state = &kernel->groups[BL_GROUP_SCHED];
	const struct bl_sched_result *result;
	int rc = bl_sched_gather(kernel->sched, &result, why);

	if (rc < 0)
		return rc;
	note_window(kernel, result->begin_ns, result->late_workers, result->unfollowed_workers);
	kernel->blocks_told = result->totals.blocks;
	kernel->blocks_lost = result->totals.lost_blocks;
	state->uncounted = result->totals.unreadable + result->totals.lost_tasks + result->totals.lost_sites +
			   result->evicted + result->missed;
	rc = bl_sums_sched(&kernel->sink, &state->rows, result, all);
	return rc < 0 ? rc : bl_waits_send(&kernel->waits, kernel->sched, result, kernel->mono_ns,
					kernel->opts.block_ns);
}

static int round_syscalls(struct bl_kernel *kernel, bool all, struct bl_why *why)
{
	struct group_state *state = &kernel->groups[BL_GROUP_SYSCALLS];
	const struct bl_syscalls_result *result;
	int rc = bl_syscalls_gather(kernel->syscalls, &result, why);

	if (rc < 0)
		return rc;
	note_window(kernel, result->begin_ns, result->late_workers, result->unfollowed_workers);
	state->uncounted = result->totals.unreadable + result->totals.end_missed + result->totals.lost_tasks +
			   result->totals.lost_sites + result->evicted + result->missed;
	return bl_sums_syscalls(&kernel->sink, &state->rows, &kernel->calls, result, all);
}

static int round_counts(struct bl_kernel *kernel, enum bl_group group, bool all, struct bl_why *why)
{
	struct group_state *state = &kernel->groups[group];
	const struct bl_follow *follow;
	const struct bl_counts_result *result;
	int rc;

	if (group == BL_GROUP_FAULTS) {
		follow = bl_faults_follow(kernel->faults);
		rc = bl_faults_gather(kernel->faults, &result, why);
	} else {
		follow = bl_profile_follow(kernel->profile);
		rc = bl_profile_gather(kernel->profile, &result, why);
	}
	if (rc < 0)
		return rc;
	note_window(kernel, follow->begin_ns, follow->late, follow->unfollowed);
	if (group == BL_GROUP_PROFILE) {
		kernel->samples_told = result->totals.emitted;
		kernel->samples_lost = result->totals.lost;
	}
	state->uncounted = result->totals.unreadable + result->totals.lost_tasks + result->totals.lost_sites +
			   result->evicted + result->missed;
	return bl_sums_counts(&kernel->sink, &state->rows, group, result, all);
}

static int send_kernel(struct bl_kernel *kernel)
{
	Rouse__V1__Kernel body = ROUSE__V1__KERNEL__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t groups[BL_GROUP_MAX];
	uint64_t uncounted[BL_GROUP_MAX];
	int32_t status[BL_GROUP_MAX];
	char *why[BL_GROUP_MAX];
	size_t n = 0;

	for (enum bl_group group = BL_GROUP_SCHED; group < BL_GROUP_MAX; group++) {
		if (!asked(kernel, group))
			continue;
		groups[n] = group;
		status[n] = kernel->groups[group].status;
		why[n] = kernel->groups[group].why.text;
		uncounted[n++] = kernel->groups[group].uncounted;
	}
	body.number = kernel->number;
	body.since_ns = kernel->since_ns;
	body.mono_ns = kernel->mono_ns;
	body.n_group = body.n_status = body.n_why = body.n_uncounted = n;
	body.group = groups;
	body.status = status;
	body.why = why;
	body.uncounted = uncounted;
	body.block_ns = kernel->opts.block_ns;
	body.profile_hz = kernel->opts.profile_hz;
	body.blocks = kernel->blocks_told;
	body.blocks_lost = kernel->blocks_lost;
	body.samples = kernel->samples_told;
	body.samples_lost = kernel->samples_lost;
	body.late_workers = kernel->late;
	body.unfollowed_workers = kernel->unfollowed;
	body.ended = kernel->ended;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL;
	frame.kernel = &body;
	return bl_sink_send(&kernel->sink, &frame);
}

static int round_of(struct bl_kernel *kernel)
{
	bool all = ++kernel->number % ALL_ROUNDS == 1;
	struct bl_why why;
	int rc = 0;

	kernel->mono_ns = bl_now_ns();
	for (enum bl_group group = BL_GROUP_SCHED; group < BL_GROUP_MAX && rc == 0; group++) {
		if (!measures(kernel, group))
			continue;
		if (group == BL_GROUP_SCHED)
			rc = round_sched(kernel, all, &why);
		else if (group == BL_GROUP_SYSCALLS)
			rc = round_syscalls(kernel, all, &why);
		else
			rc = round_counts(kernel, group, all, &why);
	}
	return rc < 0 ? rc : send_kernel(kernel);
}

/* ---------------------------------------------------------------- pumping */

static int drain(struct bl_kernel *kernel)
{
	int rc = 0;

	if (measures(kernel, BL_GROUP_SCHED))
		rc = bl_sched_drain(kernel->sched);
	if (rc == 0)
		rc = bl_blocks_flush(&kernel->blocks);
	if (rc == 0 && measures(kernel, BL_GROUP_PROFILE))
		rc = bl_profile_drain(kernel->profile);
	return rc < 0 ? rc : bl_samples_flush(&kernel->samples);
}

/* For workers that have begun, and the end. enum bl_end, or a negative error. */
static int look(struct bl_kernel *kernel)
{
	int rc = BL_GOES_ON;

	if (measures(kernel, BL_GROUP_SCHED))
		rc = bl_sched_wait(kernel->sched, 0);
	if (rc == BL_GOES_ON && measures(kernel, BL_GROUP_SYSCALLS))
		rc = bl_syscalls_wait(kernel->syscalls, 0);
	if (rc == BL_GOES_ON && measures(kernel, BL_GROUP_FAULTS))
		rc = bl_faults_wait(kernel->faults, 0);
	if (rc == BL_GOES_ON && measures(kernel, BL_GROUP_PROFILE))
		rc = bl_profile_wait(kernel->profile, 0);
	return rc;
}

/* enum bl_end, or a negative error. */
static int wait_for_end(struct bl_kernel *kernel, int timeout_ms)
{
	struct pollfd end = { .fd = kernel->pidfd, .events = POLLIN };
	int rc = poll(&end, 1, timeout_ms >= 0 && timeout_ms < DRAIN_MS ? timeout_ms : DRAIN_MS);
	uint64_t now = bl_now_ns();

	if (rc < 0)
		return errno == EINTR ? BL_GOES_ON : -errno;
	if (rc > 0)
		return BL_EXITED;
	if (now - kernel->looked_ns < LOOK_NS)
		return BL_GOES_ON;
	kernel->looked_ns = now;
	return look(kernel);
}

int bl_kernel_pump(struct bl_kernel *kernel, int timeout_ms, bl_kernel_frame frame, void *arg)
{
	int rc, end;

	kernel->sink.frame = frame;
	kernel->sink.arg = arg;
	if (kernel->ended)
		return (int)kernel->ended;
	if (!kernel->greeted) {
		kernel->greeted = true;
		rc = send_hello(kernel);
		if (rc < 0)
			return rc;
	}
	end = wait_for_end(kernel, timeout_ms);
	if (end < 0)
		return end;
	kernel->ended = (uint32_t)end;
	rc = drain(kernel); /* all that the process did was before its end: what is found now is everything */
	if (rc == 0 && (kernel->ended || bl_now_ns() >= kernel->round_ns)) {
		rc = round_of(kernel);
		kernel->round_ns = bl_now_ns() + kernel->opts.round_ms * 1000000ull;
	}
	return rc < 0 ? rc : end;
}
