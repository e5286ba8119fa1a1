/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "inspect/hidden.h"
#include "inspect/look.h"
#include "inspect/references.h"
#include "inspect/regions.h"
#include "inspect/registers.h"

static struct rouse_inspect *new_inspect(void)
{
	struct rouse_inspect *inspect = ri_hidden_alloc(sizeof *inspect);

	if (!inspect)
		return NULL;
	inspect->process.mem_fd = inspect->process.pagemap_fd = -1;
	inspect->first_look = ri_hidden_alloc(RI_WINDOW_BYTES);
	inspect->second_look = ri_hidden_alloc(RI_WINDOW_BYTES);
	if (inspect->first_look && inspect->second_look)
		return inspect;
	rouse_inspect_close(inspect);
	return NULL;
}

void rouse_inspect_close(struct rouse_inspect *inspect)
{
	if (!inspect)
		return;
	for (size_t i = 0; i < RI_RUNTIMES_MAX; i++)
		ri_runtime_fini(&inspect->runtimes[i]);
	ri_process_close(&inspect->process);
	ri_core_close(inspect->core);
	ri_references_free(inspect->references);
	ri_hidden_free(inspect->first_look);
	ri_hidden_free(inspect->second_look);
	ri_hidden_free(inspect);
}

int ri_inspect_open(int pid, struct rouse_inspect **ret_inspect)
{
	struct rouse_inspect *inspect = new_inspect();
	int rc;

	if (!inspect)
		return -ENOMEM;
	rc = ri_process_open(&inspect->process, pid);
	if (rc < 0) {
		rouse_inspect_close(inspect);
		return rc;
	}
	inspect->is_process = true;
	inspect->memory.read = ri_process_read;
	inspect->memory.regions = ri_process_regions;
	inspect->memory.held = ri_process_held;
	inspect->memory.hands = ri_process_hands;
	inspect->memory.hand = ri_process_hand;
	inspect->memory.arg = &inspect->process;
	*ret_inspect = inspect;
	return 0;
}

/* There has to be a runtime, of our version. */
static int finish_open(struct rouse_inspect *inspect, struct rouse_inspect **ret_inspect)
{
	int rc = ri_look_find(inspect);

	if (rc > 0) {
		*ret_inspect = inspect;
		return 0;
	}
	rouse_inspect_close(inspect);
	return rc < 0 ? rc : -ENOENT;
}

int rouse_inspect_open_pid(int pid, struct rouse_inspect **ret_inspect)
{
	struct rouse_inspect *inspect;
	int rc = ri_inspect_open(pid, &inspect);

	return rc < 0 ? rc : finish_open(inspect, ret_inspect);
}

int ri_inspect_open_core(struct ri_core *core, struct rouse_inspect **ret_inspect)
{
	struct rouse_inspect *inspect = new_inspect();
	struct ri_mapping mapping;

	if (!inspect) {
		ri_core_close(core);
		return -ENOMEM;
	}
	inspect->core = core;
	inspect->memory.read = ri_core_read;
	inspect->memory.regions = ri_core_regions;
	inspect->memory.hands = ri_core_hands;
	inspect->memory.arg = core;
	bool is_mapped = ri_core_mappings(core, &mapping, 1) > 0;
	int rc = finish_open(inspect, ret_inspect);

	return rc == -ENOENT && is_mapped ? -ENODATA : rc;
}

int rouse_inspect_open_core(const char *path, struct rouse_inspect **ret_inspect)
{
	struct ri_core *core;
	int rc = path ? ri_core_open(path, &core) : -EINVAL;

	return rc < 0 ? rc : ri_inspect_open_core(core, ret_inspect);
}

int rouse_inspect_open_memory(rouse_read_fn read, void *arg, const uint64_t *pages, size_t n_pages,
	struct rouse_inspect **ret_inspect)
{
	struct rouse_inspect *inspect;

	if (!read || (n_pages && !pages) || n_pages > RI_RUNTIMES_MAX)
		return -EINVAL;
	inspect = new_inspect();
	if (!inspect)
		return -ENOMEM;
	inspect->memory.read = read;
	inspect->memory.arg = arg;
	for (size_t i = 0; i < n_pages; i++)
		inspect->pages[i] = pages[i];
	inspect->n_pages = n_pages;
	return finish_open(inspect, ret_inspect);
}

uint64_t rouse_inspect_drain(struct rouse_inspect *inspect, uint64_t now_ns)
{
	return ri_early_drain(inspect, now_ns);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int rouse_inspect_look(struct rouse_inspect *inspect, const struct rouse_look_opts *opts, rouse_frame_fn frame,
	void *arg)
{
	const struct rouse_look_opts everything = { .size = sizeof everything };
	int rc = ri_look_begin(inspect, opts ? opts : &everything, frame, arg);

	if (rc < 0)
		return rc;
	do {
		rc = ri_look_step(inspect);
		if (rc > 0 && inspect->look.phase == RI_PHASE_RINGS)
			(void)ri_early_drain(inspect, now_ns());
	} while (rc > 0);
	return rc;
}
