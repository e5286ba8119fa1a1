/* SPDX-License-Identifier: MIT */
#include "loader/faults.h"
#include "faults.skel.h"
#include "loader/libbpf.h"
#include "loader/why.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TASKS 16384u

struct bl_faults {
	struct bl_follow follow;
	struct faults *skeleton;
	struct bl_counts_result result;
};

static int load(struct bl_faults *faults, uint32_t tasks, struct bl_why *why)
{
	int rc;

	faults->skeleton = faults__open();
	if (!faults->skeleton)
		return bl_fail_by_libbpf(why, -errno, "cannot open the BPF programs");
	rc = bpf_map__set_max_entries(faults->skeleton->maps.tasks, tasks ? tasks : DEFAULT_TASKS);
	if (rc == 0)
		rc = faults__load(faults->skeleton);
	if (rc < 0)
		return bl_fail_by_libbpf(why, rc, "cannot load the BPF programs");
	return bl_follow_mark(&faults->follow, faults->skeleton->maps.targets, faults->skeleton->maps.threads,
		&faults->skeleton->bss->measuring, faults->skeleton->bss->places, why);
}

int bl_faults_open(int pid, uint32_t tasks, struct bl_faults **ret_faults, struct bl_why *why)
{
	struct bl_faults *faults = calloc(1, sizeof(*faults));
	int rc;

	if (!faults)
		return bl_fail(why, -ENOMEM, "no memory");
	rc = bl_follow_open(&faults->follow, pid, why);
	if (rc == 0)
		rc = load(faults, tasks, why);
	if (rc == 0)
		rc = bl_follow_attach(&faults->follow, &faults->skeleton->progs.faults_user, 1, false,
			"cannot attach to page faults", why);
	if (rc < 0) {
		bl_faults_close(faults);
		return rc;
	}
	*ret_faults = faults;
	return 0;
}

void bl_faults_close(struct bl_faults *faults)
{
	if (!faults)
		return;
	bl_follow_close(&faults->follow);
	faults__destroy(faults->skeleton);
	bl_counts_fini(&faults->result);
	free(faults);
}

int bl_faults_wait(struct bl_faults *faults, int timeout_ms)
{
	return bl_follow_wait(&faults->follow, timeout_ms);
}

int bl_faults_gather(struct bl_faults *faults, const struct bl_counts_result **ret_result, struct bl_why *why)
{
	struct bl_counts_result *result = &faults->result;
	struct bl_cost costs[BL_PROGRAMS_MAX];
	int rc;

	result->totals = faults->skeleton->bss->totals;
	result->workers = (const uint64_t *)faults->skeleton->bss->workers;
	result->followed = faults->follow.workers;
	result->n_workers = faults->follow.n_workers;
	rc = bl_counts_gather(result, faults->skeleton->maps.tasks, faults->skeleton->maps.sites);
	if (rc < 0)
		return bl_fail(why, rc, "cannot gather what was counted: %s", strerror(-rc));
	bl_follow_costs(&faults->follow, costs, &result->missed);
	*ret_result = result;
	return 0;
}

const struct bl_follow *bl_faults_follow(const struct bl_faults *faults)
{
	return &faults->follow;
}
