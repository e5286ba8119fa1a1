/* SPDX-License-Identifier: MIT */
/*
 * A generation is made only when the last one has nearly left: what a client
 * does not read is not looked at, costs the target nothing, and is counted.
 * The client is told how many generations it missed in front of the next one.
 * That next one need not be a keyframe: changes are relative to what was put
 * into this client's own queue, and everything in that queue arrives.
 */
#include "server/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/tcp.h"

enum {
	REQUEST_MAX = 4096,
	LOW_WATER = 256 * 1024, /* below it, a look goes on */
	INTERVAL_MIN_MS = 20,
	KEYFRAME_GENERATIONS = 32,
	KEYFRAME_FACTOR = 4
};

static int put_frame(void *arg, const uint8_t *bytes, size_t n)
{
	struct ri_client *client = arg;

	client->bytes_since += n;
	return ri_queue_frame(&client->queue, bytes, n);
}

static int put_error(struct ri_queue *queue, int code, const char *text)
{
	Rouse__V1__Error error = ROUSE__V1__ERROR__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint8_t bytes[512];
	char copy[256];
	size_t n;
	int rc;

	strncpy(copy, text, sizeof copy - 1);
	copy[sizeof copy - 1] = 0;
	error.code = code;
	error.text = copy;
	frame.body_case = ROUSE__V1__FRAME__BODY_ERROR;
	frame.error = &error;
	rc = rp_frame_pack(&frame, bytes, sizeof bytes, &n);
	return rc < 0 ? rc : ri_queue_frame(queue, bytes, n);
}

void ri_client_refuse(int fd, int code, const char *text)
{
	struct ri_queue queue = { 0 };

	/* A fresh socket has room for one frame; whoever is refused twice over is not owed more. */
	if (put_error(&queue, code, text) == 0)
		(void)ri_queue_send(&queue, fd);
	ri_queue_fini(&queue);
	close(fd);
}

/* Nothing is opened for who has not shown that they may. */
static int greet(struct ri_client *client)
{
	const int rc = ri_inspect_open((int)getpid(), &client->inspect);

	return rc < 0 ? rc : ri_look_hello(client->inspect, "socket", put_frame, client);
}

struct ri_client *ri_client_new(int fd, const uint8_t *token, uint64_t until_ns)
{
	struct ri_client *client = calloc(1, sizeof *client);

	if (!client) {
		close(fd);
		return NULL;
	}
	client->fd = fd;
	client->drain_ns = UINT64_MAX;
	client->token = token;
	client->until_ns = until_ns;
	rp_splitter_init(&client->splitter, REQUEST_MAX);
	if (!token && greet(client) < 0) {
		ri_client_free(client);
		return NULL;
	}
	return client;
}

void ri_client_free(struct ri_client *client)
{
	if (!client)
		return;
	close(client->fd);
	rp_splitter_fini(&client->splitter);
	ri_queue_fini(&client->queue);
	rouse_inspect_close(client->inspect);
	free(client);
}

/* -------------------------------------------------------------- receiving */

struct request {
	struct ri_client *client;
	struct rp_decoder *decoder;
	uint64_t now_ns;
};

static int take_token(struct ri_client *client, const Rouse__V1__Frame *frame)
{
	const Rouse__V1__Authenticate *shown = frame->authenticate;

	if (frame->body_case != ROUSE__V1__FRAME__BODY_AUTHENTICATE || shown->token.len != RI_TOKEN_BYTES ||
		!ri_token_equal(shown->token.data, client->token))
		return -EACCES;
	client->token = NULL;
	return greet(client);
}

static int take_request(void *arg, const uint8_t *bytes, size_t n)
{
	struct request *request = arg;
	struct ri_client *client = request->client;
	const Rouse__V1__Frame *frame;
	int rc = rp_frame_decode(request->decoder, bytes, n, &frame);

	if (client->token)
		return rc < 0 ? -EACCES : take_token(client, frame);
	if (rc < 0)
		return rc;
	if (frame->body_case == ROUSE__V1__FRAME__BODY__NOT_SET)
		return 0; /* of a newer version than we speak */
	if (frame->body_case != ROUSE__V1__FRAME__BODY_SUBSCRIBE)
		return -EBADMSG;
	const Rouse__V1__Subscribe *s = frame->subscribe;

	if (s->n_watch > RI_WATCH_MAX || s->n_detail > RI_DETAIL_MAX || s->level > 3)
		return -EINVAL;
	/* What is due now: the first one, and the first after a pause; no longer wait than the new interval. */
	bool at_once = !client->subscribed || client->paused;

	client->subscribed = true;
	client->once = s->interval_ms == 0;
	client->interval_ns = (s->interval_ms > INTERVAL_MIN_MS ? s->interval_ms : INTERVAL_MIN_MS) * 1000000ull;
	client->level = s->level;
	client->events = s->events;
	client->paused = s->pause;
	client->n_watch = s->n_watch;
	if (s->n_watch)
		memcpy(client->watch, s->watch, s->n_watch * sizeof *s->watch);
	client->n_detail = s->n_detail;
	if (s->n_detail)
		memcpy(client->detail, s->detail, s->n_detail * sizeof *s->detail);
	client->peers = s->peers;
	client->asked = s->keyframe;
	if (at_once || client->next_ns > request->now_ns + client->interval_ns)
		client->next_ns = request->now_ns;
	return 0;
}

int ri_client_receive(struct ri_client *client, struct rp_decoder *decoder, uint64_t now_ns)
{
	struct request request = { client, decoder, now_ns };
	uint8_t bytes[REQUEST_MAX];
	ssize_t n = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	int rc;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	if (client->closing)
		return 0;
	rc = rp_splitter_feed(&client->splitter, bytes, (size_t)n, take_request, &request);
	if (rc < 0) {
		client->closing = true;
		client->looking = false;
		return put_error(&client->queue, client->token ? -EACCES : rc,
			client->token ? "not permitted: the first frame has to bring the token of this port"
				      : "not a request this agent understands");
	}
	return 0;
}

/* ---------------------------------------------------------------- looking */

static bool keyframe_is_due(const struct ri_client *client)
{
	return client->asked != client->answered ||
	       (client->generations_since >= KEYFRAME_GENERATIONS &&
		       client->bytes_since > client->keyframe_bytes * KEYFRAME_FACTOR);
}

static int begin_look(struct ri_client *client)
{
	bool keyframe = client->keyframe_bytes == 0 || keyframe_is_due(client);
	struct rouse_look_opts opts = { .size = sizeof opts,
		.source = "socket",
		.events = client->events,
		.watch = client->watch,
		.n_watch = client->n_watch,
		.detail = client->detail,
		.n_detail = client->n_detail,
		.peers = client->peers,
		.changes_only = !keyframe,
		.asked = client->asked };

	if (client->skipped) {
		struct ri_out out = { put_frame, client, client->inspect->scratch };
		int rc = ri_out_lost(&out, 0, client->skipped);

		if (rc < 0)
			return rc;
		client->skipped = 0;
	}
	if (keyframe)
		client->bytes_since = 0;
	client->is_keyframe = keyframe;
	client->answering = client->asked;
	return ri_look_begin(client->inspect, &opts, put_frame, client);
}

static void end_look(struct ri_client *client)
{
	client->looking = false;
	if (client->is_keyframe) {
		client->keyframe_bytes = client->bytes_since ? client->bytes_since : 1;
		client->bytes_since = 0;
		client->generations_since = 0;
		client->answered = client->answering;
	} else {
		client->generations_since++;
	}
	client->closing = client->once;
	client->drain_ns = 0;
}

/* Also while one is on its way out. A client that does not read has its events kept as far as there is room. */
static void drain_if_due(struct ri_client *client, uint64_t now_ns)
{
	if (client->subscribed && !client->paused && !client->closing && now_ns >= client->drain_ns)
		client->drain_ns = rouse_inspect_drain(client->inspect, now_ns);
}

/* The process is short of something (descriptors, memory), or the look did not fit: that generation is lost. */
static int fail_look(struct ri_client *client, int rc)
{
	client->looking = false;
	client->keyframe_bytes = 0;
	if (rc != -EMFILE && rc != -ENFILE && rc != -ENOMEM && rc != -ENOBUFS)
		return rc;
	client->skipped++;
	return 0;
}

/* Time has come for a generation, or for several. */
static int begin_if_due(struct ri_client *client, uint64_t now_ns)
{
	if (!client->subscribed || client->paused || client->closing || now_ns < client->next_ns)
		return 0;
	uint64_t due = (now_ns - client->next_ns) / client->interval_ns + 1;

	client->next_ns += due * client->interval_ns;
	if (client->looking || ri_queue_bytes(&client->queue) >= LOW_WATER) {
		client->skipped += due;
		return 0;
	}
	client->skipped += due - 1;
	client->looking = true;
	int rc = begin_look(client);

	return rc < 0 ? fail_look(client, rc) : 0;
}

static int step_look(struct ri_client *client)
{
	int rc;

	if (!client->looking || ri_queue_bytes(&client->queue) >= LOW_WATER)
		return 0;
	rc = ri_look_step(client->inspect);
	if (rc == 0)
		end_look(client);
	return rc < 0 ? fail_look(client, rc) : 0;
}

int ri_client_work(struct ri_client *client, uint64_t now_ns)
{
	int rc = client->token && !client->closing && now_ns >= client->until_ns ? -ETIMEDOUT
										  : begin_if_due(client, now_ns);

	if (rc == 0)
		rc = step_look(client);
	if (rc == 0)
		drain_if_due(client, now_ns);
	if (rc == 0)
		rc = ri_queue_send(&client->queue, client->fd);
	if (rc < 0)
		return rc;
	if (client->closing && ri_queue_bytes(&client->queue) == 0)
		return -ESHUTDOWN;
	return client->looking && ri_queue_bytes(&client->queue) < LOW_WATER;
}

uint64_t ri_client_due(const struct ri_client *client)
{
	if (client->token && !client->closing)
		return client->until_ns;
	if (!client->subscribed || client->paused || client->closing)
		return UINT64_MAX;
	return client->drain_ns < client->next_ns ? client->drain_ns : client->next_ns;
}

int ri_client_level(const struct ri_client *client)
{
	int level = client->level ? (int)client->level - 1 : 0;

	return (client->events || client->n_watch) && level < 2 ? 2 : level;
}
