/* SPDX-License-Identifier: MIT */
/*
 * Loads events.bpf.c for one process, attaches it, and turns its ring buffer
 * into frames.
 *
 * Attaching is by pid and file, so the kernel puts its breakpoints into that
 * one address space and counts up the semaphores there; other processes that
 * run the same file feel nothing. The ring is drained by time (every 20 ms) and
 * the kernel wakes us only when 64 KiB are waiting: a wake-up per record would
 * cost the target more than the record.
 */
#include "loader/loader.h"
#include "events.h"
#include "events.skel.h"
#include "loader/frames.h"
#include "loader/libbpf.h"
#include "loader/notes.h"
#include "loader/why.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_LONG_POLL_NS 10000000ull
#define DEFAULT_RING_BYTES (16u << 20)
#define DRAIN_MS 20
#define OBJECTS_MAX 8
#define PROBES_MAX 8
#define DESCRIPTORS_MAX 1024

struct bl_source {
	struct events *skeleton;
	struct ring_buffer *ring;
	struct bpf_link *links[OBJECTS_MAX * PROBES_MAX];
	size_t n_links;
	struct bl_object objects[OBJECTS_MAX];
	size_t n_objects;
	int pid, pidfd;
	char program[16];
	bool greeted;
	struct bl_frames frames;
};

/* Reads the first line of /proc/PID/`file` that begins with `prefix`, without it and without its newline. */
static int read_proc_line(int pid, const char *file, const char *prefix, char *text, size_t n)
{
	char name[64], line[512];
	FILE *f;
	int rc = -ENOENT;

	snprintf(name, sizeof(name), "/proc/%d/%s", pid, file);
	f = fopen(name, "re");
	if (!f)
		return -errno;
	while (rc < 0 && fgets(line, sizeof(line), f)) {
		if (strncmp(line, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(text, n, "%.*s", (int)strcspn(line + strlen(prefix), "\n"), line + strlen(prefix));
		rc = 0;
	}
	fclose(f);
	return rc;
}

/* The pid as the target itself knows it (the last of NStgid), and the namespace where that holds. */
static int identify(struct events *skeleton, int pid)
{
	char name[64], ids[256], *last;
	struct stat ns;
	int rc;

	snprintf(name, sizeof(name), "/proc/%d/ns/pid", pid);
	if (stat(name, &ns) != 0)
		return -errno;
	rc = read_proc_line(pid, "status", "NStgid:", ids, sizeof(ids));
	if (rc < 0)
		return rc;
	last = strrchr(ids, '\t');
	skeleton->rodata->target_tgid = (uint32_t)strtoul(last ? last + 1 : ids, NULL, 10);
	/* The kernel's own dev_t, which is not what user space sees. */
	skeleton->rodata->target_ns_dev = (uint64_t)major(ns.st_dev) << 20 | minor(ns.st_dev);
	skeleton->rodata->target_ns_ino = ns.st_ino;
	return 0;
}

static int load(struct bl_source *source, const struct bl_opts *opts, struct bl_why *why)
{
	size_t ring_bytes = opts && opts->ring_bytes ? opts->ring_bytes : DEFAULT_RING_BYTES;
	int rc;

	source->skeleton = events__open();
	if (!source->skeleton)
		return bl_fail_by_libbpf(why, -errno, "cannot open the BPF programs");
	source->skeleton->rodata->long_poll_ns = opts && opts->long_poll_ns ? opts->long_poll_ns : DEFAULT_LONG_POLL_NS;
	rc = identify(source->skeleton, source->pid);
	if (rc < 0)
		return bl_fail(why, rc, "cannot read process %d: %s", source->pid, strerror(-rc));
	rc = bpf_map__set_max_entries(source->skeleton->maps.ring, (uint32_t)ring_bytes);
	if (rc == 0)
		rc = events__load(source->skeleton);
	if (rc < 0)
		return bl_fail_by_libbpf(why, rc, "cannot load the BPF programs");
	return 0;
}

static int keep_link(struct bl_source *source, struct bpf_link *link)
{
	if (!link)
		return -errno;
	source->links[source->n_links++] = link;
	return 0;
}

static int attach_probe(struct bl_source *source, const struct bl_object *object, struct bpf_program *program,
	const char *probe, struct bl_why *why)
{
	char what[sizeof(object->path) + 96];
	int rc;

	rc = keep_link(source, bpf_program__attach_usdt(program, source->pid, object->file, BL_PROVIDER, probe, NULL));
	if (rc == 0)
		return 0;
	snprintf(what, sizeof(what), "cannot attach to probe %s of %s", probe, object->path);
	return bl_fail_by_libbpf(why, rc, what);
}

static int attach_object(struct bl_source *source, const struct bl_object *object, struct bl_why *why)
{
	int rc;

#define X(PROGRAM, PROBE, ARGUMENTS, TEXT)                                                                             \
	rc = attach_probe(source, object, source->skeleton->progs.PROGRAM, PROBE, why);                                \
	if (rc < 0)                                                                                                    \
		return rc;
	BL_PROBES(X)
#undef X
	return 0;
}

static int find_objects(struct bl_source *source, struct bl_why *why)
{
	int n = bl_objects_find(source->pid, BL_PROVIDER, source->objects, OBJECTS_MAX);

	if (n == -EACCES || n == -EPERM)
		return bl_fail(why, -EPERM, "not permitted to read process %d: missing CAP_SYS_PTRACE; run it as root",
			source->pid);
	if (n < 0)
		return bl_fail(why, n, "cannot read process %d: %s", source->pid, strerror(-n));
	if (n == 0)
		return bl_fail(why, -ENOENT, "process %d has no rouse runtime, or one that was built without probes",
			source->pid);
	if (n > OBJECTS_MAX)
		return bl_fail(why, -E2BIG, "process %d has %d copies of the runtime, more than %d", source->pid, n,
			OBJECTS_MAX);
	source->n_objects = (size_t)n;
	return 0;
}

/* The scheduler first: a poll that begins meanwhile must not lose its switches. */
static int attach(struct bl_source *source, struct bl_why *why)
{
	int rc;

	rc = keep_link(source, bpf_program__attach(source->skeleton->progs.sched_switch));
	if (rc == 0)
		rc = keep_link(source, bpf_program__attach(source->skeleton->progs.sched_wakeup));
	if (rc < 0)
		return bl_fail_by_libbpf(why, rc, "cannot attach to the scheduler");
	for (size_t i = 0; i < source->n_objects && rc == 0; i++)
		rc = attach_object(source, &source->objects[i], why);
	return rc;
}

static int take(void *arg, void *record, size_t n)
{
	return bl_frames_add(&((struct bl_source *)arg)->frames, record, n);
}

static int open_target(struct bl_source *source, struct bl_why *why)
{
	int rc;

	source->pidfd = (int)syscall(SYS_pidfd_open, source->pid, 0);
	if (source->pidfd < 0) {
		rc = errno == EINVAL ? -ESRCH : -errno; /* EINVAL: a thread's id */
		return bl_fail(why, rc, "no process %d: %s", source->pid, strerror(-rc));
	}
	rc = bl_check_privileges(why);
	if (rc < 0)
		return rc;
	rc = read_proc_line(source->pid, "comm", "", source->program, sizeof(source->program));
	if (rc < 0)
		return bl_fail(why, rc, "cannot read process %d: %s", source->pid, strerror(-rc));
	return find_objects(source, why);
}

int bl_open(int pid, const struct bl_opts *opts, struct bl_source **ret_source, struct bl_why *why)
{
	struct bl_source *source;
	int rc;

	source = calloc(1, sizeof(*source));
	if (!source)
		return bl_fail(why, -ENOMEM, "no memory");
	source->pid = pid;
	bl_listen_to_libbpf();
	rc = open_target(source, why);
	if (rc == 0)
		rc = load(source, opts, why);
	if (rc == 0) {
		source->ring = ring_buffer__new(bpf_map__fd(source->skeleton->maps.ring), take, source, NULL);
		rc = source->ring ? attach(source, why) : bl_fail_by_libbpf(why, -errno, "cannot map the ring buffer");
	}
	if (rc < 0) {
		bl_close(source);
		return rc;
	}
	/* Not earlier: polls would be counted as they begin whose end is not seen. */
	__atomic_store_n(&source->skeleton->bss->measuring, 1, __ATOMIC_RELEASE);
	*ret_source = source;
	return 0;
}

/*
 * The last one to close a perf event waits for the kernel's grace period, and
 * the events queue up behind one mutex. So a grandchild (nobody's to reap)
 * holds copies of the descriptors until we have closed ours, and then ends. It
 * keeps nothing else: somebody may be waiting for the end of our pipes. The
 * descriptors of BPF links and perf events are the ones without a file type.
 */
static void outlive(int parent)
{
	struct stat st;
	char byte;

	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
		if (fd != parent && fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) != 0)
			close(fd);
	while (read(parent, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/* Returns a descriptor to be closed when ours are, or -1: then closing takes its time. */
static int hand_over_descriptors(void)
{
	int pipe[2], child;

	if (pipe2(pipe, O_CLOEXEC) != 0)
		return -1;
	child = fork();
	if (child == 0) {
		close(pipe[1]);
		if (fork() == 0)
			outlive(pipe[0]);
		_exit(0);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	close(pipe[0]);
	return pipe[1];
}

void bl_close(struct bl_source *source)
{
	int heir;

	if (!source)
		return;
	heir = source->n_links ? hand_over_descriptors() : -1;
	while (source->n_links > 0)
		bpf_link__destroy(source->links[--source->n_links]);
	ring_buffer__free(source->ring);
	events__destroy(source->skeleton);
	if (source->pidfd >= 0)
		close(source->pidfd);
	if (heir >= 0)
		close(heir);
	free(source);
}

static uint64_t lost(const struct bl_source *source)
{
	return __atomic_load_n(&source->skeleton->bss->totals.lost, __ATOMIC_RELAXED);
}

int bl_finish(struct bl_source *source, bl_frame_fn frame, void *arg)
{
	int rc;

	__atomic_store_n(&source->skeleton->bss->measuring, 0, __ATOMIC_RELEASE);
	bl_await_programs();
	bl_frames_to(&source->frames, frame, arg);
	rc = ring_buffer__consume(source->ring);
	return rc < 0 ? rc : bl_frames_end(&source->frames, lost(source));
}

int bl_poll(struct bl_source *source, int timeout_ms, bl_frame_fn frame, void *arg)
{
	struct pollfd fds[] = {
		{ .fd = ring_buffer__epoll_fd(source->ring), .events = POLLIN },
		{ .fd = source->pidfd, .events = POLLIN },
	};
	int rc;

	bl_frames_to(&source->frames, frame, arg);
	if (!source->greeted) {
		source->greeted = true;
		return bl_frames_hello(&source->frames, source->pid, source->program);
	}
	if (poll(fds, 2, timeout_ms >= 0 && timeout_ms < DRAIN_MS ? timeout_ms : DRAIN_MS) < 0 && errno != EINTR)
		return -errno;
	if (fds[1].revents & POLLIN) {
		/* All the target did happened before its end, so a drain after that finds everything. */
		rc = bl_finish(source, frame, arg);
		return rc < 0 ? rc : 1;
	}
	rc = ring_buffer__consume(source->ring);
	return rc < 0 ? rc : bl_frames_flush(&source->frames);
}

void bl_counts(const struct bl_source *source, struct bl_counts *ret_counts)
{
	const struct bl_totals *totals = &source->skeleton->bss->totals;

	/* Bumped by the BPF programs of any CPU; each by itself is exact. */
	*ret_counts = (struct bl_counts){
		.spawned = __atomic_load_n(&totals->spawned, __ATOMIC_RELAXED),
		.wakes = __atomic_load_n(&totals->wakes, __ATOMIC_RELAXED),
		.polls = __atomic_load_n(&totals->polls, __ATOMIC_RELAXED),
		.completed = __atomic_load_n(&totals->completed, __ATOMIC_RELAXED),
		.long_polls = __atomic_load_n(&totals->long_polls, __ATOMIC_RELAXED),
		.emitted = __atomic_load_n(&totals->submitted, __ATOMIC_RELAXED) + lost(source),
		.delivered = source->frames.delivered,
		.lost = lost(source),
	};
}
