/* SPDX-License-Identifier: MIT */
/*
 * A clock for each CPU, whatever runs there: a worker's thread may be on any.
 * They count CPU time, so a machine that sleeps is left asleep.
 */
#include "loader/profile.h"
#include "loader/libbpf.h"
#include "loader/why.h"
#include "profile.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_TASKS 16384u

struct bl_profile {
	struct bl_follow follow;
	struct profile *skeleton;
	struct ring_buffer *ring;
	struct bpf_link **links; /* by CPU; they own their events */
	int cpus;
	struct bl_counts_result result;
};

static int load(struct bl_profile *profile, const struct bl_profile_opts *opts, struct bl_why *why)
{
	int rc;

	profile->skeleton = profile__open();
	if (!profile->skeleton)
		return bl_fail_by_libbpf(why, -errno, "cannot open the BPF programs");
	rc = bpf_map__set_max_entries(profile->skeleton->maps.tasks, opts->tasks ? opts->tasks : DEFAULT_TASKS);
	if (rc == 0)
		rc = bpf_map__set_max_entries(profile->skeleton->maps.ring, opts->ring_bytes);
	if (rc == 0)
		rc = profile__load(profile->skeleton);
	if (rc < 0)
		return bl_fail_by_libbpf(why, rc, "cannot load the BPF programs");
	profile->ring = ring_buffer__new(bpf_map__fd(profile->skeleton->maps.ring), opts->sample, opts->arg, NULL);
	if (!profile->ring)
		return bl_fail_by_libbpf(why, -errno, "cannot map the ring buffer");
	return bl_follow_mark(&profile->follow, profile->skeleton->maps.targets, profile->skeleton->maps.threads,
		&profile->skeleton->bss->measuring, profile->skeleton->bss->places, why);
}

/* 0 also for a CPU that is not online: nothing runs there. */
static int attach_clock(struct bl_profile *profile, int cpu, uint32_t hz)
{
	struct perf_event_attr attributes = { .size = sizeof(attributes),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = hz,
		.freq = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC), rc;

	if (fd < 0)
		return errno == ENODEV || errno == ENXIO ? 0 : -errno;
	profile->links[cpu] = bpf_program__attach_perf_event(profile->skeleton->progs.profile_tick, fd);
	if (profile->links[cpu])
		return 0;
	rc = -errno;
	close(fd);
	return rc;
}

static int attach(struct bl_profile *profile, uint32_t hz, struct bl_why *why)
{
	int rc = 0;

	profile->cpus = libbpf_num_possible_cpus();
	if (profile->cpus > 0)
		profile->links = calloc((size_t)profile->cpus, sizeof(struct bpf_link *));
	if (!profile->links)
		return bl_fail(why, -ENOMEM, "no memory");
	for (int cpu = 0; cpu < profile->cpus && rc == 0; cpu++)
		rc = attach_clock(profile, cpu, hz);
	if (rc < 0)
		return bl_fail_by_libbpf(why, rc, "cannot open clocks to sample by");
	return bl_follow_attach(&profile->follow, NULL, 0, false, "", why);
}

int bl_profile_open(int pid, const struct bl_profile_opts *opts, struct bl_profile **ret_profile, struct bl_why *why)
{
	struct bl_profile *profile = calloc(1, sizeof(*profile));
	int rc;

	if (!profile)
		return bl_fail(why, -ENOMEM, "no memory");
	rc = bl_follow_open(&profile->follow, pid, why);
	if (rc == 0)
		rc = load(profile, opts, why);
	if (rc == 0)
		rc = attach(profile, opts->hz, why);
	if (rc < 0) {
		bl_profile_close(profile);
		return rc;
	}
	*ret_profile = profile;
	return 0;
}

void bl_profile_close(struct bl_profile *profile)
{
	if (!profile)
		return;
	for (int cpu = 0; profile->links && cpu < profile->cpus; cpu++)
		bpf_link__destroy(profile->links[cpu]);
	free(profile->links);
	bl_follow_close(&profile->follow);
	ring_buffer__free(profile->ring);
	profile__destroy(profile->skeleton);
	bl_counts_fini(&profile->result);
	free(profile);
}

int bl_profile_wait(struct bl_profile *profile, int timeout_ms)
{
	return bl_follow_wait(&profile->follow, timeout_ms);
}

int bl_profile_drain(struct bl_profile *profile)
{
	int rc = ring_buffer__consume(profile->ring);

	return rc < 0 ? rc : 0;
}

/* How often the kernel left the program out. */
static uint64_t missed(const struct bl_profile *profile)
{
	struct bpf_prog_info info = { 0 };
	uint32_t bytes = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(profile->skeleton->progs.profile_tick), &info, &bytes) < 0)
		return 0;
	return info.recursion_misses;
}

int bl_profile_gather(struct bl_profile *profile, const struct bl_counts_result **ret_result, struct bl_why *why)
{
	struct bl_counts_result *result = &profile->result;
	int rc;

	result->totals = profile->skeleton->bss->totals;
	result->workers = (const uint64_t *)profile->skeleton->bss->workers;
	result->followed = profile->follow.workers;
	result->n_workers = profile->follow.n_workers;
	rc = bl_counts_gather(result, profile->skeleton->maps.tasks, profile->skeleton->maps.sites);
	if (rc < 0)
		return bl_fail(why, rc, "cannot gather what was counted: %s", strerror(-rc));
	result->missed = missed(profile);
	*ret_result = result;
	return 0;
}

const struct bl_follow *bl_profile_follow(const struct bl_profile *profile)
{
	return &profile->follow;
}
