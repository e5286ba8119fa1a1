/* SPDX-License-Identifier: MIT */
#include "loader/waits.h"
#include "loader/records.h"

#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

bool bl_waits_call(const char *text, uint32_t *ret_number, uint64_t ret_arguments[3])
{
	uint64_t arguments[3];
	int32_t number;

	/* Else "running", or "-1 SP PC". */
	if (sscanf(text, "%" SCNd32 " %" SCNx64 " %" SCNx64 " %" SCNx64, &number, &arguments[0], &arguments[1],
		    &arguments[2]) != 4 ||
		number < 0)
		return false;
	*ret_number = (uint32_t)number;
	memcpy(ret_arguments, arguments, sizeof(arguments));
	return true;
}

static bool read_call(int pid, uint32_t os_tid, uint32_t *ret_number, uint64_t ret_arguments[3])
{
	char name[64], text[256];
	FILE *file;
	bool is_read;

	snprintf(name, sizeof(name), "/proc/%d/task/%u/syscall", pid, os_tid);
	file = fopen(name, "re");
	if (!file)
		return false;
	is_read = fgets(text, sizeof(text), file) != NULL;
	fclose(file);
	return is_read && bl_waits_call(text, ret_number, ret_arguments);
}

/* As owner_of() in sched.bpf.c. */
static uint32_t read_owner(uint32_t os_tid, uint32_t number, const uint64_t arguments[3])
{
	uint32_t owner;

	if (number != SYS_futex || (arguments[1] & FUTEX_CMD_MASK) != FUTEX_WAIT ||
		(uint32_t)arguments[2] != BL_MUTEX_CONTENDED)
		return 0;
	if (bl_records_peek((int)os_tid, arguments[0] + BL_MUTEX_OWNER, &owner, sizeof(owner)) < 0)
		return 0;
	return owner;
}

/* What was found out is of this absence only if that goes on afterwards. */
static int add(struct bl_blocks *waits, const struct bl_sched *sched, uint32_t slot,
	const struct bl_sched_worker *worker, uint64_t now_ns)
{
	struct bl_block block = { .begin_ns = worker->had_begun ? 0 : worker->since_ns,
		.blocked_ns = now_ns - worker->since_ns,
		.task = worker->in_progress,
		.site = worker->site,
		.tid = worker->tid,
		.kind = worker->kind == BL_OFF_FAULT ? BL_BLOCK_FAULT : BL_BLOCK_OTHER };
	uint64_t arguments[3];

	if (block.kind == BL_BLOCK_OTHER && read_call(waits->sink->pid, worker->os_tid, &block.number, arguments)) {
		block.kind = BL_BLOCK_CALL;
		block.owner = read_owner(worker->os_tid, block.number, arguments);
		for (int i = 0; i < 3; i++)
			block.arguments[i] = arguments[i];
	}
	if (!bl_sched_waits_since(sched, slot, worker->since_ns))
		return 0;
	return bl_blocks_add(waits, &block, sizeof(block) - BL_STACK_BYTES);
}

int bl_waits_send(struct bl_blocks *waits, const struct bl_sched *sched, const struct bl_sched_result *result,
	uint64_t now_ns, uint64_t block_ns)
{
	int rc = 0;

	for (uint32_t i = 0; i < result->n_workers && rc == 0; i++) {
		const struct bl_sched_worker *worker = &result->workers[i];

		if (worker->since_ns && now_ns >= worker->since_ns + block_ns)
			rc = add(waits, sched, i, worker, now_ns);
	}
	return rc < 0 ? rc : bl_blocks_flush(waits);
}
