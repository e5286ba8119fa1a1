/* SPDX-License-Identifier: MIT */
/*
 * What a client sends is the first frame only: whom to follow. From then on
 * anything but silence ends the conversation. Nothing waits for a client that
 * does not read (outbox.h), nor for one that does not ask.
 */
#include "serve.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <frame.h>
#include <splitter.h>

#include "loader/follow.h"
#include "loader/kernel.h"
#include "outbox.h"
#include "permit.h"
#include "privileges.h"

#define MS ((uint64_t)1000000)
#define LEAST_BLOCK_NS 10000u

enum {
	ASK_BYTES = 256,
	ASK_MS = 5000,
	LAST_MS = 2000, /* for a client to take what is left in the end */
	PUMP_MS = 100,
	PUMP_BUSY_MS = 10, /* while the client takes less than there is */
	OUT_BYTES = 4 << 20,
	TEXT_BYTES = 640,
	LEAST_ROUND_MS = 100,
	MOST_ROUND_MS = 60000,
	MOST_TASKS = 1 << 17,
	MOST_HZ = 1000
};

struct conversation {
	int fd;
	uint32_t client;
	bool asked;
	int pid;
	struct bl_kernel_opts opts;
	struct rp_decoder *decoder;
	struct bh_outbox out;
	struct bl_why why;
};

/* ------------------------------------------------------------------- asking */

static uint32_t within(uint32_t value, uint32_t least, uint32_t most)
{
	if (!value)
		return 0; /* the loader knows what is usual */
	return value < least ? least : value > most ? most : value;
}

static int take_follow(void *arg, const uint8_t *bytes, size_t n)
{
	struct conversation *talk = arg;
	const Rouse__V1__Frame *frame;
	const Rouse__V1__Follow *follow;

	if (talk->asked)
		return bl_fail(&talk->why, -EBADMSG, "more was sent than whom to follow");
	if (rp_frame_decode(talk->decoder, bytes, n, &frame) || frame->body_case != ROUSE__V1__FRAME__BODY_FOLLOW)
		return bl_fail(&talk->why, -EBADMSG, "the first frame must say whom to follow, and this one does not");
	follow = frame->follow;
	talk->pid = follow->pid <= INT_MAX ? (int)follow->pid : 0;
	talk->opts = (struct bl_kernel_opts){ .size = sizeof(talk->opts),
		.groups = follow->groups & ((1u << BL_GROUP_MAX) - 2),
		.round_ms = within(follow->round_ms, LEAST_ROUND_MS, MOST_ROUND_MS),
		.tasks = within(follow->tasks, 1, MOST_TASKS),
		.profile_hz = within(follow->profile_hz, 1, MOST_HZ),
		.block_ns = follow->block_ns && follow->block_ns < LEAST_BLOCK_NS ? LEAST_BLOCK_NS : follow->block_ns };
	if (talk->pid <= 0)
		return bl_fail(&talk->why, -ESRCH, "there is no process %u", follow->pid);
	if (!talk->opts.groups)
		return bl_fail(&talk->why, -EINVAL, "none of the groups that are asked for is known here");
	talk->asked = true;
	return 0;
}

/* The whole frame within the time, however it is cut. */
static int read_follow(struct conversation *talk)
{
	const uint64_t end = bl_now_ns() + ASK_MS * MS;
	struct rp_splitter splitter;
	int rc = 0;

	rp_splitter_init(&splitter, ASK_BYTES);
	while (rc == 0 && !talk->asked) {
		struct pollfd ready = { .fd = talk->fd, .events = POLLIN };
		const uint64_t now = bl_now_ns();
		uint8_t bytes[ASK_BYTES];
		ssize_t n;

		if (now >= end || poll(&ready, 1, (int)((end - now) / MS) + 1) == 0) {
			rc = bl_fail(&talk->why, -ETIMEDOUT, "nothing was asked for within %d ms", ASK_MS);
			break;
		}
		n = recv(talk->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0) {
			rc = -EPIPE;
			break;
		}
		rc = rp_splitter_feed(&splitter, bytes, (size_t)n, take_follow, talk);
		if (rc && !*talk->why.text)
			bl_fail(&talk->why, rc, "what was sent is not the rouse protocol");
	}
	if (rc == 0 && !rp_splitter_idle(&splitter))
		rc = bl_fail(&talk->why, -EBADMSG, "more was sent than whom to follow");
	rp_splitter_fini(&splitter);
	return rc;
}

/* ---------------------------------------------------------------- answering */

static size_t pack_error(uint8_t *out, size_t bytes, int code, const char *text)
{
	Rouse__V1__Error error = ROUSE__V1__ERROR__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	size_t n = 0;

	error.code = code;
	error.text = (char *)text;
	frame.body_case = ROUSE__V1__FRAME__BODY_ERROR;
	frame.error = &error;
	return rp_frame_pack(&frame, out, bytes, &n) ? 0 : n;
}

static int take_frame(void *arg, const uint8_t *bytes, size_t n)
{
	struct conversation *talk = arg;

	bh_outbox_put(&talk->out, bytes, n);
	return 0;
}

static bool client_has_gone(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN | POLLRDHUP };

	return poll(&ready, 1, 0) != 0;
}

/* All of it, if the client takes it in time. */
static void send_last(struct conversation *talk)
{
	const uint64_t end = bl_now_ns() + LAST_MS * MS;
	int rc = bh_outbox_send(&talk->out, talk->fd);

	while (rc == 0 && bh_outbox_bytes(&talk->out) && bl_now_ns() < end) {
		struct pollfd ready = { .fd = talk->fd, .events = POLLOUT };

		poll(&ready, 1, PUMP_MS);
		rc = bh_outbox_send(&talk->out, talk->fd);
	}
}

/* Nothing is handed out before it is known that whom the loader has opened is whom the client may have followed. */
static int open_kernel(struct conversation *talk, struct bl_kernel **ret_kernel)
{
	struct bl_kernel *kernel = NULL;
	char missing[128];
	int pidfd, rc;

	rc = bh_permit(talk->client, talk->pid, &pidfd, &talk->why);
	if (rc)
		return rc;
	if (bh_privileges_missing(talk->client != getuid(), missing, sizeof(missing)))
		rc = bl_fail(&talk->why, -EPERM,
			"not permitted: rouse-probe lacks %s; run rouse as root, or let root say: setcap "
			"cap_bpf,cap_perfmon,cap_sys_ptrace,cap_syslog+ep .../rouse-probe",
			missing);
	else
		rc = bl_kernel_open(talk->pid, &talk->opts, &kernel, &talk->why);
	if (rc == 0)
		rc = bh_permit_again(talk->client, talk->pid, pidfd, &talk->why);
	close(pidfd);
	if (rc) {
		bl_kernel_close(kernel);
		return rc;
	}
	*ret_kernel = kernel;
	return 0;
}

static int follow(struct conversation *talk)
{
	struct bl_kernel *kernel = NULL;
	int rc = open_kernel(talk, &kernel);

	while (rc == BL_GOES_ON && !client_has_gone(talk->fd)) {
		rc = bl_kernel_pump(kernel, bh_outbox_bytes(&talk->out) ? PUMP_BUSY_MS : PUMP_MS, take_frame, talk);
		if (rc < 0)
			bl_fail(&talk->why, rc, "cannot go on following process %d: %s", talk->pid, strerror(-rc));
		if (bh_outbox_send(&talk->out, talk->fd))
			break;
	}
	bl_kernel_close(kernel);
	return rc < 0 ? rc : 0;
}

int bh_serve(int fd, uint32_t client)
{
	struct conversation talk = { .fd = fd, .client = client, .decoder = rp_decoder_new() };
	uint8_t bytes[TEXT_BYTES];
	int rc = bh_outbox_init(&talk.out, OUT_BYTES);

	if (rc == 0 && !talk.decoder)
		rc = -ENOMEM;
	if (rc == 0)
		rc = read_follow(&talk);
	if (rc == 0)
		rc = follow(&talk);
	if (rc && *talk.why.text && talk.out.data)
		bh_outbox_put(&talk.out, bytes, pack_error(bytes, sizeof(bytes), rc, talk.why.text));
	send_last(&talk);
	close(fd);
	bh_outbox_fini(&talk.out);
	rp_decoder_free(talk.decoder);
	return rc;
}

void bh_refuse(int fd, int code, const char *text)
{
	uint8_t bytes[RP_PREFIX_MAX + TEXT_BYTES];
	const size_t n = pack_error(bytes + RP_PREFIX_MAX, TEXT_BYTES, code, text);
	uint8_t prefix[RP_PREFIX_MAX];
	const size_t prefix_bytes = rp_prefix_encode(prefix, n);

	memcpy(bytes + RP_PREFIX_MAX - prefix_bytes, prefix, prefix_bytes);
	(void)!send(fd, bytes + RP_PREFIX_MAX - prefix_bytes, prefix_bytes + n, MSG_NOSIGNAL | MSG_DONTWAIT);
}
