/* SPDX-License-Identifier: MIT */
#include "source/session_private.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <frame.h>

#include "export/text.h"
#include "model/ended.h"
#include "model/events.h"
#include "model/kernel.h"
#include "record/recording.h"
#include "source/kernel.h"
#include "source/replay.h"
#include "source/resolve.h"
#include "source/tee.h"

enum { ANSWER_MS = 500, DEFAULT_STACKS_MS = 1000, DEFAULT_INTERVAL_MS = 1000, MIN_INTERVAL_MS = 10, RUNTIMES_MAX = 64 };

/* ------------------------------------------------------------------ opening */

/* An agent that has much to do is waited for if there is nothing else to look at. */
static uint32_t answer_ms(const struct cn_aim *aim, const struct cn_session_opts *opts)
{
	bool only = opts->kind == CN_SOURCE_SOCKET || !aim->pid;

	return only && opts->answer_ms > ANSWER_MS ? opts->answer_ms : ANSWER_MS;
}

static int open_source(const struct cn_aim *aim, const struct cn_session_opts *opts, const struct cn_wish *wish,
	struct cn_source **ret_source, struct cn_why *why)
{
	const enum cn_source_kind kind = opts->kind;
	struct cn_why why_not_socket = { 0 };
	int rc = -ENOENT;

	if (*aim->tcp)
		return cn_tcp_open(aim->tcp, wish, answer_ms(aim, opts), ret_source, why);
	if (kind != CN_SOURCE_MEMORY && *aim->socket) {
		rc = cn_socket_open(aim->socket, aim->pid, wish, answer_ms(aim, opts), ret_source, &why_not_socket);
		if (rc == 0)
			return 0;
		if (kind == CN_SOURCE_SOCKET || !aim->pid) {
			*why = why_not_socket;
			return rc;
		}
	}
	if (kind == CN_SOURCE_SOCKET)
		return cn_why_set(why, -ENOENT,
			"process %d has no agent: start it with ROUSE_LISTEN=1, or read its memory (--source memory)",
			aim->pid);
	if (!aim->pid)
		return cn_why_set(why, -EINVAL, "%s is a socket: to read memory, name a process", cn_safe(aim->socket));
	return cn_memory_open(aim->pid, wish, ret_source, why);
}

/* Who is named by a socket alone is whom the kernel says is at its other end. */
static int pid_of(const struct cn_session *session, const struct cn_aim *aim)
{
	struct ucred peer;
	socklen_t bytes = sizeof peer;

	if (aim->pid || aim->core)
		return aim->pid;
	return getsockopt(session->source->fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) ? 0 : peer.pid;
}

static void name_target(struct cn_session *session, const struct cn_aim *aim, const char *target)
{
	session->pid = pid_of(session, aim);
	if (aim->pid)
		snprintf(session->target, sizeof session->target, "%d", aim->pid);
	else
		snprintf(session->target, sizeof session->target, "%s", target);
}

/* Only of a process that lives is there anything to ask. */
static int prepare_kernel(struct cn_session *session, struct cn_why *why)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = session->source->fd };

	if (session->own_time)
		session->kernel.groups = 0;
	if (!session->kernel.groups)
		return 0;
	session->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (session->epoll < 0 || epoll_ctl(session->epoll, EPOLL_CTL_ADD, session->source->fd, &event))
		return cn_why_set(why, -errno, "cannot wait for %s: %s", cn_safe(session->target), strerror(errno));
	return 0;
}

static int open_frames(
	struct cn_session *session, const char *path, struct cn_session **ret_session, struct cn_why *why)
{
	const int rc = cn_frames_open(path, &session->wish, &session->source, why);

	if (rc) {
		cn_session_close(session);
		return rc;
	}
	session->frames = session->own_time = true;
	session->kernel.groups = 0;
	snprintf(session->target, sizeof session->target, "%s", path);
	*ret_session = session;
	return 0;
}

static int open_recording(
	struct cn_session *session, const char *path, struct cn_session **ret_session, struct cn_why *why)
{
	const int rc = cn_replay_open(path, session, &session->replay, why);

	if (rc) {
		cn_session_close(session);
		return rc;
	}
	session->source = cn_replay_source(session->replay);
	session->frames = session->own_time = true;
	session->kernel.groups = 0;
	snprintf(session->target, sizeof session->target, "%s", path);
	*ret_session = session;
	return 0;
}

int cn_session_open(
	const char *target, const struct cn_session_opts *opts, struct cn_session **ret_session, struct cn_why *why)
{
	struct cn_session *session = calloc(1, sizeof *session);
	struct cn_aim aim = { 0 };
	int rc;

	if (!session)
		return cn_why_set(why, -ENOMEM, "no memory to watch %s", cn_safe(target));
	session->decoder = rp_decoder_new();
	session->model = cn_model_new();
	session->findings = cn_findings_new();
	session->diagnose = opts->diagnose;
	session->stacks = opts->stacks;
	session->stacks_ms = opts->stacks_ms ? opts->stacks_ms : DEFAULT_STACKS_MS;
	session->kernel = opts->kernel;
	session->epoll = -1;
	session->wish =
		(struct cn_wish){ .interval_ms = opts->interval_ms, .level = opts->level, .events = opts->events };
	if (!session->wish.interval_ms)
		session->wish.interval_ms = DEFAULT_INTERVAL_MS;
	if (session->model) {
		cn_model_keep_events(session->model, opts->events || opts->kind == CN_SOURCE_FRAMES);
		cn_model_keep_ended(session->model, opts->retention_ms * 1000000ull);
	}
	if (!session->decoder || !session->model || !session->findings)
		rc = cn_why_set(why, -ENOMEM, "no memory to watch %s", cn_safe(target));
	else if (opts->kind == CN_SOURCE_FRAMES)
		return open_frames(session, target, ret_session, why);
	else if (opts->kind == CN_SOURCE_RECORDING || (opts->kind == CN_SOURCE_ANY && cn_recording_is_one(target)))
		return open_recording(session, target, ret_session, why);
	else
		rc = cn_resolve(target, opts->kind, &aim, why);
	/* A core's rings have the last that was written, and cost nobody anything. */
	if (rc == 0 && aim.core) {
		session->wish.events = true;
		cn_model_keep_events(session->model, true);
	}
	if (rc == 0 && aim.core)
		rc = cn_core_open(target, &session->wish, &session->source, why);
	else if (rc == 0)
		rc = open_source(&aim, opts, &session->wish, &session->source, why);
	if (rc == 0) {
		assert(session->source);
		session->own_time = aim.core;
		name_target(session, &aim, target);
		rc = prepare_kernel(session, why);
	}
	if (rc) {
		cn_session_close(session);
		return rc;
	}
	*ret_session = session;
	return 0;
}

void cn_session_close(struct cn_session *session)
{
	if (!session)
		return;
	cn_tee_free(session->tee);
	free(session->hello);
	cn_kernel_stream_close(session->kernel_stream);
	if (session->source)
		session->source->close(session->source);
	if (session->epoll >= 0)
		close(session->epoll);
	cn_stacker_free(session->stacker);
	cn_findings_free(session->findings);
	cn_model_free(session->model);
	rp_decoder_free(session->decoder);
	free(session);
}

/* ------------------------------------------------------------------ pumping */

static int said_error(const struct cn_session *session, struct cn_why *why)
{
	const char *text;
	int code = cn_model_error(session->model, &text);

	return cn_why_set(why, code < 0 ? code : -EREMOTEIO, "the target says: %s", cn_safe(text));
}

static void tell(struct cn_session *session);

static bool wishes(const struct cn_wish *wish, uint64_t id)
{
	for (uint32_t i = 0; i < wish->n_detail; i++)
		if (wish->detail[i] == id)
			return true;
	return false;
}

/* What diagnosis would know more of, and what was asked for: told to the source when it has changed. */
static void wish_details(struct cn_session *session)
{
	struct cn_wish wish = session->wish;
	const uint64_t *wants;
	size_t n = cn_findings_wants(session->findings, &wants);

	wish.n_detail = 0;
	for (size_t i = 0; i < n; i++)
		wish.detail[wish.n_detail++] = wants[i];
	for (size_t i = 0; i < session->n_detail && wish.n_detail < CN_WANTS_MAX; i++)
		if (!wishes(&wish, session->detail[i]))
			wish.detail[wish.n_detail++] = session->detail[i];
	wish.peers = session->n_detail > 0;
	if (wish.n_detail == session->wish.n_detail && wish.peers == session->wish.peers &&
		memcmp(wish.detail, session->wish.detail, wish.n_detail * sizeof wish.detail[0]) == 0)
		return;
	session->wish = wish;
	tell(session);
}

/* Made when it is needed. NULL: no memory. */
static struct cn_stacker *stacker_of(struct cn_session *session)
{
	if (!session->stacker)
		session->stacker =
			session->own_time ? cn_stacker_of_core(session->target) : cn_stacker_of_process(session->pid);
	return session->stacker;
}

/* With the look that has just become whole, before it is judged. */
static int take_stacks(struct cn_session *session)
{
	const bool only_drops = session->stacks == CN_STACKS_NONE;

	if (session->frames || (only_drops && !cn_stacker_has_unnamed_drops(session->model)))
		return 0;
	if (!stacker_of(session))
		return -ENOMEM;
	return only_drops ? cn_stacker_name_drops(session->stacker, session->model)
			  : cn_stacker_take(session->stacker, session->stacks, session->stacks_ms, session->model);
}

/* Without memory there will be no recording: cn_session_record() says so. */
static void keep_hello(struct cn_session *session, const uint8_t *bytes, size_t n)
{
	free(session->hello);
	session->hello = malloc(n);
	session->hello_bytes = session->hello ? n : 0;
	if (session->hello)
		memcpy(session->hello, bytes, n);
}

static int take_frame(void *arg, const uint8_t *bytes, size_t n)
{
	struct cn_session *session = arg;
	const Rouse__V1__Frame *frame;
	int rc = rp_frame_decode(session->decoder, bytes, n, &frame);

	if (rc)
		return cn_why_set(session->why, rc, "a frame from %s is malformed: not our protocol, or damaged",
			cn_safe(session->target));
	if (frame->body_case == ROUSE__V1__FRAME__BODY_HELLO)
		keep_hello(session, bytes, n);
	if (session->tee)
		cn_tee_frame(session->tee, bytes, n, frame);
	rc = cn_model_apply(session->model, frame);
	if (rc == CN_APPLIED_ERROR)
		return said_error(session, session->why);
	if (session->frames)
		snprintf(session->target, sizeof session->target, "%u", cn_model_target(session->model)->pid);
	if (rc == CN_APPLIED_GENERATION) {
		session->generations++;
		rc = take_stacks(session);
		if (rc == 0)
			rc = cn_diagnose(session->model, &session->diagnose, session->findings);
		if (rc == 0)
			wish_details(session);
	}
	if (rc == -EPROTO)
		return cn_why_set(session->why, rc, "%s speaks another version of the protocol than this rouse (%s)",
			cn_safe(session->target), ROUSE_VERSION);
	if (rc < 0)
		return cn_why_set(session->why, rc, "cannot keep what comes from %s: %s", cn_safe(session->target),
			strerror(-rc));
	return 0;
}

/* Every runtime was looked at since `before`; or one twice, and the others seem to be gone. */
static bool all_looked(const struct cn_session *session, const uint32_t *before)
{
	uint32_t known = cn_model_target(session->model)->n_runtimes;
	bool all = true, twice = false;

	for (size_t i = 0; i < RUNTIMES_MAX && (i < known || i < cn_model_runtimes(session->model)); i++) {
		const struct cn_runtime *runtime = cn_model_runtime(session->model, i);
		uint32_t looks = runtime ? runtime->looks - before[i] : 0;

		all = all && (looks || (runtime && runtime->state == ROUSE_RUNTIME_STOPPED));
		twice = twice || looks > 1;
	}
	return twice || (all && cn_model_runtimes(session->model) > 0);
}

/* Rows of runtimes that are not known would be dropped, so they come first. */
static int pump_kernel(struct cn_session *session)
{
	static const uint32_t never[RUNTIMES_MAX];
	int rc = 0;

	if (!session->kernel.groups || !all_looked(session, never))
		return 0;
	if (!session->kernel_stream && !session->pid) {
		rc = cn_kernel_refused(session->model, session->kernel.groups, -ESRCH,
			"it is not known which process of this system it is");
		session->kernel.groups = 0;
		return rc;
	}
	if (!session->kernel_stream)
		rc = cn_kernel_stream_open(
			session->pid, &session->kernel, session->epoll, session->model, &session->kernel_stream);
	if (rc == 0)
		rc = cn_kernel_stream_pump(session->kernel_stream, stacker_of(session), session->model);
	return rc;
}

/* What was taken in is shown now; and the recorder may want a keyframe. */
static void end_pump(struct cn_session *session, int rc, const struct cn_why *why)
{
	if (rc || session->generations)
		cn_tee_moment(
			session->tee, session->pumped_ns, (uint32_t)session->generations, rc, rc ? why->text : "");
	if (cn_tee_asks(session->tee, &session->wish.keyframe))
		tell(session);
}

int cn_session_pump(struct cn_session *session, struct cn_why *why)
{
	int rc;

	session->why = why;
	session->generations = 0;
	if (session->replay)
		return cn_replay_pump(session->replay, why);
	rc = session->source->read(session->source, take_frame, session, why);
	if (pump_kernel(session) && rc == 0)
		rc = cn_why_set(why, -ENOMEM, "no memory to keep what the kernel says of %s", cn_safe(session->target));
	session->pumped_ns = cn_session_clock_ns();
	if (session->tee)
		end_pump(session, rc, why);
	return rc ? rc : session->generations;
}

int cn_session_record(struct cn_session *session, struct cn_recorder *recorder)
{
	const struct cn_tee_head head = { session->target, session->wish.interval_ms, &session->diagnose };

	if (session->frames)
		return -EINVAL;
	if (recorder && cn_model_generations(session->model) && !session->hello)
		return -ENOMEM;
	cn_tee_free(session->tee);
	session->tee = NULL;
	if (!recorder)
		return 0;
	session->tee = cn_tee_new(recorder, session->model, &head, session->hello, session->hello_bytes);
	return session->tee ? 0 : -ENOMEM;
}

int cn_session_wait(struct cn_session *session, int timeout_ms, struct cn_why *why)
{
	uint64_t end = cn_session_clock_ns() + (uint64_t)timeout_ms * 1000000;
	uint32_t before[RUNTIMES_MAX] = { 0 };

	for (size_t i = 0; i < RUNTIMES_MAX; i++) {
		const struct cn_runtime *runtime = cn_model_runtime(session->model, i);

		before[i] = runtime ? runtime->looks : 0;
	}
	for (;;) {
		uint64_t now = cn_session_clock_ns();
		struct pollfd ready = { .fd = cn_session_fd(session), .events = POLLIN };
		int rc;

		if (session->source->ended) /* there are no more looks: those that were taken have to do */
			return cn_model_generations(session->model)
				       ? 0
				       : cn_why_set(why, -EBADMSG, "there is no whole look in %s",
						 cn_safe(session->target));
		if (now >= end)
			return cn_why_set(why, -ETIMEDOUT, "no answer from %s within %d ms", cn_safe(session->target),
				timeout_ms);
		rc = poll(&ready, 1, (int)((end - now) / 1000000) + 1);
		if (rc < 0 && errno != EINTR)
			return cn_why_set(
				why, -errno, "cannot wait for %s: %s", cn_safe(session->target), strerror(errno));
		rc = cn_session_pump(session, why);
		if (rc < 0)
			return rc;
		if (rc > 0 && all_looked(session, before))
			return 0;
	}
}

/* ---------------------------------------------------------------- accessors */

int cn_session_fd(const struct cn_session *session)
{
	return session->epoll >= 0 ? session->epoll : session->source->fd;
}

const struct cn_model *cn_session_model(const struct cn_session *session)
{
	return session->model;
}

const struct cn_findings *cn_session_findings(const struct cn_session *session)
{
	return session->findings;
}

/* If the source has gone, the next pump says so. */
static void tell(struct cn_session *session)
{
	struct cn_why why;

	(void)session->source->tell(session->source, &session->wish, &why);
}

void cn_session_pause(struct cn_session *session, bool pause)
{
	session->wish.pause = pause;
	tell(session);
}

void cn_session_interval(struct cn_session *session, uint32_t interval_ms)
{
	session->wish.interval_ms = interval_ms < MIN_INTERVAL_MS ? MIN_INTERVAL_MS : interval_ms;
	tell(session);
}

void cn_session_watch(struct cn_session *session, const uint64_t *tasks, size_t n)
{
	session->wish.n_watch = (uint32_t)(n < CN_WATCH_MAX ? n : CN_WATCH_MAX);
	memcpy(session->wish.watch, tasks, session->wish.n_watch * sizeof tasks[0]);
	tell(session);
}

bool cn_session_events(struct cn_session *session, bool wanted)
{
	if (session->own_time)
		return false;
	cn_model_keep_events(session->model, wanted);
	if (session->tee)
		cn_tee_keeps(session->tee);
	session->wish.events = wanted;
	tell(session);
	return true;
}

void cn_session_detail(struct cn_session *session, const uint64_t *ids, size_t n)
{
	session->n_detail = n < CN_WANTS_MAX ? n : CN_WANTS_MAX;
	memcpy(session->detail, ids, session->n_detail * sizeof ids[0]);
	wish_details(session);
}

void cn_session_stacks(struct cn_session *session, enum cn_stacks wanted)
{
	session->stacks = wanted;
}

bool cn_session_asks_kernel(const struct cn_session *session)
{
	return session->kernel.groups && !(session->kernel_stream && cn_kernel_stream_ended(session->kernel_stream));
}

bool cn_session_paused(const struct cn_session *session)
{
	return session->wish.pause;
}

uint64_t cn_session_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t cn_session_now_ns(const struct cn_session *session)
{
	if (session->replay)
		return cn_replay_now_ns(session->replay);
	if (session->own_time)
		return cn_model_now_ns(session->model);
	return session->tee && !session->wish.pause ? session->pumped_ns : cn_session_clock_ns();
}

const char *cn_session_target(const struct cn_session *session)
{
	return session->target;
}
