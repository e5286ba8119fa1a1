/* SPDX-License-Identifier: MIT */
/*
 * Memory of a process or in a core file: a timer, and at each tick a look from
 * outside. The target needs no agent and runs nothing for it; it may be
 * stopped, wedged or dead.
 *
 * A core never changes. It is looked at again all the same, since one look
 * proves nothing and the next may be asked for details; but nobody has to wait
 * until there have been as many as a verdict takes.
 */
#include "source/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "export/text.h"

enum { LOOKS_AT_ONCE = 3 /* of a core */ };

struct memory_source {
	struct cn_source source;
	struct rouse_inspect *inspect;
	struct cn_wish wish;
	int pid;
	char *core; /* the file's path, NULL: it is a process */
	uint64_t next_ns;  /* when a look is due */
	uint64_t drain_ns; /* when rings are to be emptied before that; UINT64_MAX: not */
	uint32_t looks;
	uint32_t answered; /* wish.keyframe of the last whole look */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* For whatever is due first; paused: never. */
static int arm(struct memory_source *m)
{
	const uint64_t due = m->drain_ns < m->next_ns ? m->drain_ns : m->next_ns;
	struct itimerspec timer = { .it_value = { (time_t)(due / 1000000000), (long)(due % 1000000000) } };

	if (m->wish.pause)
		memset(&timer, 0, sizeof timer);
	return timerfd_settime(m->source.fd, TFD_TIMER_ABSTIME, &timer, NULL) ? -errno : 0;
}

/* A look at once, then one every interval; paused: never. */
static int set_timer(struct memory_source *m, bool at_once)
{
	m->next_ns = at_once ? 1 : now_ns() + m->wish.interval_ms * 1000000ull;
	return arm(m);
}

/* The rhythm is kept; what was missed of it is not made up for. */
static int set_next(struct memory_source *m, uint64_t now)
{
	const uint64_t interval = (m->wish.interval_ms ? m->wish.interval_ms : 1) * 1000000ull;

	if (m->next_ns + interval > now)
		m->next_ns += interval;
	else
		m->next_ns = now + interval;
	m->drain_ns = rouse_inspect_drain(m->inspect, now);
	return arm(m);
}

static int explain(int rc, int pid, struct cn_why *why)
{
	switch (rc) {
	case -ESRCH:
		return cn_why_set(
			why, rc, "there is no process %d (any more); `rouse list` shows what can be watched", pid);
	case -ENOENT:
		return cn_why_set(why, rc,
			"process %d has no rouse runtime: it was not built with rouse, or has not started one yet",
			pid);
	case -EACCES:
	case -EPERM:
		return cn_why_set(why, -EACCES,
			"not permitted to read the memory of process %d: run rouse as its user or as root "
			"(see also /proc/sys/kernel/yama/ptrace_scope), or start it with ROUSE_LISTEN=1",
			pid);
	case -EPROTO:
		return cn_why_set(why, rc,
			"process %d has another layout version than this rouse (%s) knows: use the rouse it was built "
			"with",
			pid, ROUSE_VERSION);
	default:
		return cn_why_set(why, rc, "cannot read process %d: %s", pid, strerror(-rc));
	}
}

static int explain_core(int rc, const char *path, struct cn_why *why)
{
	switch (rc) {
	case -ESRCH:
		return cn_why_set(why, rc, "there is no file %s", cn_safe(path));
	case -ENOEXEC:
		return cn_why_set(
			why, -ENOENT, "%s is not a core file (if it was compressed, unpack it first)", cn_safe(path));
	case -ENOENT:
		return cn_why_set(why, rc, "the program of core file %s had no rouse runtime", cn_safe(path));
	case -ENODATA:
		return cn_why_set(why, rc,
			"core file %s does not hold the page of its rouse runtime: it is cut, or bit 1 of the "
			"program's "
			"/proc/PID/coredump_filter was not set",
			cn_safe(path));
	case -EACCES:
		return cn_why_set(why, rc, "not permitted to read core file %s: run rouse as its owner, or as root",
			cn_safe(path));
	case -ENOTSUP:
		return cn_why_set(
			why, -EPROTO, "core file %s is of another kind of machine than this rouse", cn_safe(path));
	case -EPROTO:
		return cn_why_set(why, rc,
			"core file %s has another layout version than this rouse (%s) knows: use the rouse its program "
			"was built with",
			cn_safe(path), ROUSE_VERSION);
	case -EBADMSG:
		return cn_why_set(why, rc, "core file %s is damaged: its headers make no sense", cn_safe(path));
	default:
		return cn_why_set(why, rc, "cannot read core file %s: %s", cn_safe(path), strerror(-rc));
	}
}

static int tell(struct cn_source *source, const struct cn_wish *wish, struct cn_why *why)
{
	struct memory_source *m = (struct memory_source *)source;
	bool at_once = m->wish.pause && !wish->pause;
	int rc;

	m->wish = *wish;
	rc = set_timer(m, at_once);
	return rc ? cn_why_set(why, rc, "cannot set a timer: %s", strerror(-rc)) : 0;
}

static int read_frames(struct cn_source *source, rouse_frame_fn frame, void *arg, struct cn_why *why)
{
	struct memory_source *m = (struct memory_source *)source;
	struct rouse_look_opts opts = { .size = sizeof opts,
		.source = m->core ? "core" : "memory",
		.events = m->wish.events,
		.watch = m->wish.watch,
		.n_watch = m->wish.n_watch,
		.detail = m->wish.detail,
		.n_detail = m->wish.n_detail,
		.peers = m->wish.peers,
		.changes_only = m->looks > 0 && m->wish.keyframe == m->answered,
		.asked = m->wish.keyframe };
	uint64_t ticks, now;
	int rc;

	if (read(m->source.fd, &ticks, sizeof ticks) != (ssize_t)sizeof ticks)
		return 0; /* not yet */
	now = now_ns();
	if (now < m->next_ns) {
		m->drain_ns = rouse_inspect_drain(m->inspect, now);
		rc = arm(m);
		return rc ? cn_why_set(why, rc, "cannot set a timer: %s", strerror(-rc)) : 0;
	}
	why->code = 0;
	rc = rouse_inspect_look(m->inspect, &opts, frame, arg);
	if (rc == 0)
		m->answered = opts.asked;
	if (rc == 0)
		rc = ++m->looks < LOOKS_AT_ONCE && m->core ? set_timer(m, true) : set_next(m, now);
	if (rc && why->code == 0) /* else the consumer has said what was wrong */
		m->core ? explain_core(rc, m->core, why) : explain(rc, m->pid, why);
	if (rc == -ESRCH)
		cn_why_set(why, -EPIPE, "process %d has ended", m->pid);
	return rc ? why->code : 0;
}

static void close_memory(struct cn_source *source)
{
	struct memory_source *m = (struct memory_source *)source;

	if (m->source.fd >= 0)
		close(m->source.fd);
	rouse_inspect_close(m->inspect);
	free(m->core);
	free(m);
}

static struct memory_source *new_source(const struct cn_wish *wish)
{
	struct memory_source *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->source = (struct cn_source){ .fd = -1, .read = read_frames, .tell = tell, .close = close_memory };
	m->wish = *wish;
	m->drain_ns = UINT64_MAX;
	return m;
}

static int start(struct memory_source *m, struct cn_source **ret_source, struct cn_why *why)
{
	int rc;

	m->source.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	rc = m->source.fd < 0 ? -errno : set_timer(m, true);
	if (rc) {
		close_memory(&m->source);
		return cn_why_set(why, rc, "cannot make a timer: %s", strerror(-rc));
	}
	*ret_source = &m->source;
	return 0;
}

int cn_memory_open(int pid, const struct cn_wish *wish, struct cn_source **ret_source, struct cn_why *why)
{
	struct memory_source *m = new_source(wish);
	int rc;

	if (!m)
		return cn_why_set(why, -ENOMEM, "no memory to look at process %d", pid);
	m->pid = pid;
	rc = rouse_inspect_open_pid(pid, &m->inspect);
	if (rc) {
		close_memory(&m->source);
		return explain(rc, pid, why);
	}
	return start(m, ret_source, why);
}

int cn_core_open(const char *path, const struct cn_wish *wish, struct cn_source **ret_source, struct cn_why *why)
{
	struct memory_source *m = new_source(wish);
	int rc = -ENOMEM;

	if (m)
		m->core = strdup(path);
	if (m && m->core)
		rc = rouse_inspect_open_core(path, &m->inspect);
	if (rc) {
		if (m)
			close_memory(&m->source);
		return explain_core(rc, path, why);
	}
	return start(m, ret_source, why);
}
