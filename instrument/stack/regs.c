/* SPDX-License-Identifier: MIT */
#include "stack/regs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ----------------------------------------------------------------- at rest */

static int read_text(int pid, uint32_t tid, const char *name, char *out, size_t bytes)
{
	char path[64];
	int fd;
	ssize_t n;
	int rc = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%u/%s", pid, tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, out, bytes - 1);
	if (n < 0)
		rc = errno == EPERM ? -EACCES : -errno;
	else
		out[n] = 0;
	close(fd);
	return rc;
}

int rn_regs_rest(int pid, uint32_t tid, struct rn_rest *ret_rest, struct rn_regs *regs)
{
	char *at;
	uint64_t fields[9]; /* number, six arguments, stack pointer, address; without a call only -1 and the last two */
	int n = 0, rc;

	*ret_rest = (struct rn_rest){ 0 };
	rc = read_text(pid, tid, "syscall", ret_rest->text, sizeof ret_rest->text);
	if (rc)
		return rc;
	(void)read_text(pid, tid, "schedstat", ret_rest->turns, sizeof ret_rest->turns); /* not every kernel has it */
	if (strncmp(ret_rest->text, "running", 7) == 0)
		return -EAGAIN;
	for (at = ret_rest->text; n < 9; n++) {
		char *end;

		fields[n] = strtoull(at, &end, 0);
		if (end == at)
			break;
		at = end;
	}
	if ((n != 3 && n != 9) || !fields[n - 1]) /* of a thread that has ended both are 0 */
		return -ESRCH;
	regs->value[RN_SP] = fields[n - 2];
	regs->value[RN_PC] = fields[n - 1];
	regs->known = 1u << RN_SP | 1u << RN_PC;
	return 0;
}

/* ----------------------------------------------------------------- sampled */

/* The ring has room for a sample or two; a third is lost, which is as good as unseen. */
enum { PERIOD_NS = 500000, COPY_BYTES = 32768, RING_BYTES = 131072, TRIES_MS = 100 };

/* Which perf register each DWARF number is: linux/perf_regs.h of x86 counts AX BX CX DX SI DI BP SP IP FLAGS. */
static const uint8_t perf_of[RN_REGS] = { 0, 3, 2, 1, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 8 };

static uint64_t perf_mask(void)
{
	uint64_t mask = 0;

	for (int i = 0; i < RN_REGS; i++)
		mask |= 1ull << perf_of[i];
	return mask;
}

/* With the kernel's own time if that is permitted: a thread that makes many calls is seen there most of the time. */
static int open_sampler(uint32_t tid)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
		.size = sizeof attr,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = PERIOD_NS,
		.sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.sample_regs_user = perf_mask(),
		.sample_stack_user = COPY_BYTES,
		.disabled = 1,
		.wakeup_events = 1 };
	long fd = -1;

	for (int without_kernel = 0; without_kernel < 2 && fd < 0; without_kernel++) {
		attr.exclude_kernel = without_kernel ? 1 : 0;
		fd = syscall(SYS_perf_event_open, &attr, (pid_t)tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	}
	if (fd < 0)
		return errno == EACCES ? -EPERM : -errno;
	return (int)fd;
}

/* A record's bytes, which may run over the ring's end. */
static void copy_out(const uint8_t *ring, uint64_t from, void *out, size_t bytes)
{
	size_t at = from % RING_BYTES, first = RING_BYTES - at < bytes ? RING_BYTES - at : bytes;

	memcpy(out, ring + at, first);
	memcpy((uint8_t *)out + first, ring, bytes - first);
}

/* abi, registers, size, copy, size that was filled. */
static int take_sample(const uint8_t *record, size_t bytes, struct rn_regs *regs)
{
	const size_t head = (1 + RN_REGS) * sizeof(uint64_t) + sizeof(uint64_t);
	uint64_t words[1 + RN_REGS + 1], filled;
	int rank;

	if (bytes < head + sizeof filled) /* a kernel thread, or one without a stack */
		return -EAGAIN;
	memcpy(words, record, head);
	if (words[0] != PERF_SAMPLE_REGS_ABI_64 || words[1 + RN_REGS] > bytes - head - sizeof filled)
		return -EAGAIN;
	memcpy(&filled, record + head + words[1 + RN_REGS], sizeof filled);
	if (filled > words[1 + RN_REGS])
		return -EAGAIN;
	for (int i = 0; i < RN_REGS; i++) { /* they come in the order of perf's numbers */
		rank = __builtin_popcountll(perf_mask() & ((1ull << perf_of[i]) - 1));
		regs->value[i] = words[1 + rank];
	}
	regs->known = (1u << RN_REGS) - 1;
	regs->own = malloc(filled + 1);
	if (!regs->own)
		return -ENOMEM;
	memcpy(regs->own, record + head, filled);
	regs->copy = regs->own;
	regs->copy_bytes = filled;
	return 0;
}

/* The first sample in the ring: 0, or -EAGAIN if there is none. */
static int first_sample(struct perf_event_mmap_page *page, const uint8_t *ring, struct rn_regs *regs)
{
	uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE), tail = page->data_tail;
	int rc = -EAGAIN;

	while (rc == -EAGAIN && head - tail >= sizeof(struct perf_event_header)) {
		struct perf_event_header header;
		uint8_t *record;

		copy_out(ring, tail, &header, sizeof header);
		if (header.size < sizeof header || header.size > head - tail)
			break;
		record = malloc(header.size);
		if (!record)
			return -ENOMEM;
		copy_out(ring, tail, record, header.size);
		if (header.type == PERF_RECORD_SAMPLE)
			rc = take_sample(record + sizeof header, header.size - sizeof header, regs);
		free(record);
		tail += header.size;
	}
	__atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
	return rc;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int sample(int fd, struct perf_event_mmap_page *page, struct rn_regs *regs)
{
	const uint8_t *ring = (const uint8_t *)page + page->data_offset;
	uint64_t end = now_ms() + TRIES_MS, now;
	int rc = -EAGAIN;

	if (ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	while (rc == -EAGAIN && (now = now_ms()) < end) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };

		if (poll(&ready, 1, (int)(end - now)) < 0 && errno != EINTR) {
			rc = -errno;
			break;
		}
		rc = first_sample(page, ring, regs);
		if (rc == -EAGAIN && (ready.revents & (POLLHUP | POLLERR)))
			rc = -ESRCH; /* it has ended */
	}
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	return rc;
}

int rn_regs_sample(uint32_t tid, struct rn_regs *regs)
{
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	struct perf_event_mmap_page *page;
	int fd = open_sampler(tid), rc;

	if (fd < 0)
		return fd;
	page = mmap(NULL, page_bytes + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		rc = -errno;
		close(fd);
		return rc;
	}
	rc = sample(fd, page, regs);
	munmap(page, page_bytes + RING_BYTES);
	close(fd);
	return rc;
}

void rn_regs_fini(struct rn_regs *regs)
{
	free(regs->own);
	*regs = (struct rn_regs){ 0 };
}
