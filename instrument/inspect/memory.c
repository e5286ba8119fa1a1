/* SPDX-License-Identifier: MIT */
#include "inspect/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "inspect/procfs.h"

/* Ten million tasks are 4 GiB in two looks; a chain outside its cell costs a read a frame. */
#define LOOK_BYTES (16ull << 30)
#define LOOK_READS (8ull << 20)

void ri_memory_refill(struct ri_memory *memory)
{
	memory->bytes_left = LOOK_BYTES;
	memory->reads_left = LOOK_READS;
}

int ri_memory_read(struct ri_memory *memory, uint64_t address, void *buffer, size_t bytes)
{
	if (bytes == 0)
		return 0;
	if (address == 0 || address + bytes < address)
		return -EFAULT;
	if (memory->reads_left == 0 || bytes > memory->bytes_left)
		return -EDQUOT;
	memory->reads_left--;
	memory->bytes_left -= bytes;
	return memory->read(memory->arg, address, buffer, bytes);
}

int ri_memory_fetch(struct ri_memory *memory, const struct ri_window *window, uint64_t address, void *buffer,
	size_t bytes)
{
	const uint8_t *at = ri_window_at(window, address, bytes);

	if (!at)
		return ri_memory_read(memory, address, buffer, bytes);
	memcpy(buffer, at, bytes);
	return 0;
}

int ri_process_open(struct ri_process *process, int pid)
{
	struct ri_proc_stat stat;
	int rc = ri_proc_stat(pid, &stat);

	if (rc < 0)
		return rc;
	rc = ri_proc_memory_tid(pid);
	if (rc < 0)
		return rc;
	*process = (struct ri_process){ .pid = pid, .tid = rc, .mem_fd = -1, .pagemap_fd = -1, .start_time = stat.start_time };
	return 0;
}

int ri_process_renew(struct ri_process *process)
{
	struct ri_proc_stat stat;
	int rc = ri_proc_stat(process->pid, &stat);

	if (rc < 0 || stat.start_time != process->start_time)
		return rc < 0 ? rc : -ESRCH;
	rc = ri_proc_memory_tid(process->pid);
	if (rc < 0)
		return rc;
	process->tid = rc;
	return 0;
}

void ri_process_close(struct ri_process *process)
{
	if (process->mem_fd >= 0)
		close(process->mem_fd);
	if (process->pagemap_fd >= 0)
		close(process->pagemap_fd);
	process->mem_fd = process->pagemap_fd = -1;
}

/* Seccomp filters of containers take process_vm_readv away and leave /proc; the permission asked for is the same. */
static int read_by_file(struct ri_process *process, uint64_t address, void *buffer, size_t bytes)
{
	if (process->mem_fd < 0) {
		char path[32];

		snprintf(path, sizeof path, "/proc/%d/mem", process->tid);
		process->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
		if (process->mem_fd < 0)
			return errno == ENOENT ? -ESRCH : -EACCES;
	}
	ssize_t n = pread(process->mem_fd, buffer, bytes, (off_t)address);

	return n == (ssize_t)bytes ? 0 : -EFAULT;
}

static int read_by_thread(struct ri_process *process, uint64_t address, void *buffer, size_t bytes)
{
	struct iovec here = { buffer, bytes };
	struct iovec there = { (void *)(uintptr_t)address, bytes };

	if (process->mem_fd >= 0)
		return read_by_file(process, address, buffer, bytes);
	ssize_t n = process_vm_readv(process->tid, &here, 1, &there, 1, 0);

	if (n == (ssize_t)bytes)
		return 0;
	if (n >= 0 || errno == EFAULT || errno == ENOMEM)
		return -EFAULT;
	if (errno == ESRCH)
		return -ESRCH;
	return read_by_file(process, address, buffer, bytes);
}

/* The thread may end at any time, and its process go on. An open /proc/PID/mem holds the memory itself. */
int ri_process_read(void *arg, uint64_t address, void *buffer, size_t bytes)
{
	struct ri_process *process = arg;
	int before = process->tid, rc = read_by_thread(process, address, buffer, bytes);

	if (rc == -ESRCH && ri_process_renew(process) == 0 && process->tid != before)
		rc = read_by_thread(process, address, buffer, bytes);
	return rc;
}
