/* SPDX-License-Identifier: MIT */
/* Tokio's sync_mpsc.rs and sync_mpsc_oneshot.rs. */
#include "bench.h"

static const uint64_t MESSAGES = (uint64_t)BENCH_SENDERS * BENCH_SENDS;

ROUSE_ASYNC(sender, int, struct rouse_mpsc *channel; uint64_t i; struct rouse_mpsc_send send; int rc;);
ROUSE_BODY(sender)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < BENCH_SENDS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, self->channel, &self->i));
		bench_must(self->rc == 0, "send");
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_sender(self->channel);
	ROUSE_END;
}

/* Capacity 0: unbounded. */
ROUSE_ASYNC(contention, int, size_t capacity; struct rouse_mpsc *channel; uint64_t i, value;
	struct rouse_mpsc_recv recv; int rc;);
ROUSE_BODY(contention)
{
	ROUSE_BEGIN;
	self->channel = rouse_mpsc_new("bench", sizeof self->value, self->capacity);
	bench_must(self->channel != NULL, "channel");
	for (int i = 0; i < BENCH_SENDERS; i++) {
		rouse_mpsc_ref_sender(self->channel);
		bench_must(rouse_spawn_detached(sender, .channel = self->channel) == 0, "spawn");
	}
	for (self->i = 0; self->i < MESSAGES; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->channel, &self->value));
		bench_must(self->rc == 0, "receive");
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	rouse_mpsc_drop_sender(self->channel);
	rouse_mpsc_drop_receiver(self->channel);
	ROUSE_END;
}

static struct bench_done contend(struct rouse_runtime *runtime, size_t capacity)
{
	bench_must(rouse_block_on(runtime, NULL, contention, .capacity = capacity) == 0, "block on");
	return (struct bench_done){ .ops = MESSAGES };
}

static struct bench_done contention_bounded(struct rouse_runtime *runtime)
{
	return contend(runtime, 1000000);
}

static struct bench_done contention_full(struct rouse_runtime *runtime)
{
	return contend(runtime, 100);
}

static struct bench_done contention_unbounded(struct rouse_runtime *runtime)
{
	return contend(runtime, 0);
}

/* ------------------------------------------------------------------ alone */

ROUSE_ASYNC(alone, int, size_t capacity; struct rouse_mpsc *channel; uint64_t i, value; struct rouse_mpsc_send send;
	struct rouse_mpsc_recv recv; int rc;);
ROUSE_BODY(alone)
{
	ROUSE_BEGIN;
	self->channel = rouse_mpsc_new("bench", sizeof self->value, self->capacity);
	bench_must(self->channel != NULL, "channel");
	for (self->i = 0; self->i < MESSAGES; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, self->channel, &self->i));
		bench_must(self->rc == 0, "send");
	}
	for (self->i = 0; self->i < MESSAGES; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->channel, &self->value));
		bench_must(self->rc == 0 && self->value == self->i, "receive");
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	rouse_mpsc_drop_sender(self->channel);
	rouse_mpsc_drop_receiver(self->channel);
	ROUSE_END;
}

/* One task sends all, then receives all: the channel without contention. */
static struct bench_done send_alone(struct rouse_runtime *runtime, size_t capacity)
{
	bench_must(rouse_block_on(runtime, NULL, alone, .capacity = capacity) == 0, "block on");
	return (struct bench_done){ .ops = MESSAGES };
}

static struct bench_done alone_bounded(struct rouse_runtime *runtime)
{
	return send_alone(runtime, 1000000);
}

static struct bench_done alone_unbounded(struct rouse_runtime *runtime)
{
	return send_alone(runtime, 0);
}

/* ----------------------------------------------------------- making, sending once */

enum { MEDIUM_BYTES = 512, LARGE_BYTES = 32768, CREATE_ROUNDS = 100, ROOM = 1000 };

static struct bench_done create(struct rouse_runtime *runtime, size_t capacity)
{
	struct rouse_guard guard = rouse_enter(runtime);

	for (int i = 0; i < CREATE_ROUNDS; i++) {
		struct rouse_mpsc *channel = rouse_mpsc_new("bench", MEDIUM_BYTES, capacity);

		bench_must(channel != NULL, "channel");
		rouse_mpsc_drop_sender(channel);
		rouse_mpsc_drop_receiver(channel);
	}
	rouse_leave(&guard);
	return (struct bench_done){ .ops = CREATE_ROUNDS };
}

static struct bench_done create_medium_1(struct rouse_runtime *runtime)
{
	return create(runtime, 1);
}

static struct bench_done create_medium_100(struct rouse_runtime *runtime)
{
	return create(runtime, 100);
}

static struct bench_done create_medium_100000(struct rouse_runtime *runtime)
{
	return create(runtime, 100000);
}

ROUSE_ASYNC(send_one, int, struct rouse_mpsc *channel; const void *message; struct rouse_mpsc_send send; int rc;);
ROUSE_BODY(send_one)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, self->channel, self->message));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

ROUSE_ASYNC(receive_one, int, struct rouse_mpsc *channel; void *message; struct rouse_mpsc_recv recv; int rc;);
ROUSE_BODY(receive_one)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->channel, self->message));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

/* A new channel, one message through it, by two calls of block_on as Tokio's does. */
static struct bench_done send_sized(struct rouse_runtime *runtime, size_t bytes)
{
	static char out[LARGE_BYTES], in[LARGE_BYTES];
	struct rouse_guard guard = rouse_enter(runtime);
	struct rouse_mpsc *channel = rouse_mpsc_new("bench", bytes, ROOM);
	int sent = -1, received = -1;

	bench_must(channel != NULL, "channel");
	bench_must(rouse_block_on(runtime, &sent, send_one, .channel = channel, .message = out) == 0 && sent == 0, "send");
	bench_must(rouse_block_on(runtime, &received, receive_one, .channel = channel, .message = in) == 0 &&
			received == 0, "receive");
	rouse_mpsc_drop_sender(channel);
	rouse_mpsc_drop_receiver(channel);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = 1 };
}

static struct bench_done send_medium(struct rouse_runtime *runtime)
{
	return send_sized(runtime, MEDIUM_BYTES);
}

static struct bench_done send_large(struct rouse_runtime *runtime)
{
	return send_sized(runtime, LARGE_BYTES);
}

/* ---------------------------------------------------------- request, reply */

ROUSE_ASYNC(replier, int, struct rouse_mpsc *channel; struct rouse_oneshot *reply; struct rouse_mpsc_recv recv;
	int rc;);
ROUSE_BODY(replier)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->channel, &self->reply));
		if (self->rc < 0)
			break;
		bench_must(rouse_oneshot_send(self->reply, 1) == 0, "reply");
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_receiver(self->channel);
	ROUSE_END;
}

ROUSE_ASYNC(requester, int, struct rouse_mpsc *channel; struct rouse_oneshot *reply; int i, rc; uint64_t value;
	struct rouse_mpsc_send send; struct rouse_oneshot_recv recv;);
ROUSE_BODY(requester)
{
	ROUSE_BEGIN;
	self->channel = rouse_mpsc_new("bench", sizeof self->reply, 10);
	bench_must(self->channel != NULL, "channel");
	bench_must(rouse_spawn_detached(replier, .channel = self->channel) == 0, "spawn");
	for (self->i = 0; self->i < BENCH_REQUESTS; self->i++) {
		self->reply = rouse_oneshot_new(NULL);
		bench_must(self->reply != NULL, "oneshot");
		ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, self->channel, &self->reply));
		bench_must(self->rc == 0, "request");
		ROUSE_AWAIT(self->rc, rouse_oneshot_recv(&self->recv, self->reply, &self->value));
		bench_must(self->rc == 0, "reply");
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_sender(self->channel);
	ROUSE_END;
}

static struct bench_done request_reply(struct rouse_runtime *runtime)
{
	bench_must(rouse_block_on(runtime, NULL, requester) == 0, "block on");
	return (struct bench_done){ .ops = BENCH_REQUESTS };
}

const struct bench_case bench_channel_cases[] = {
	{ "sync_mpsc/create_medium_1", create_medium_1, false, false },
	{ "sync_mpsc/create_medium_100", create_medium_100, false, false },
	{ "sync_mpsc/create_medium_100000", create_medium_100000, false, false },
	{ "sync_mpsc/send_medium_1000", send_medium, false, false },
	{ "sync_mpsc/send_large_1000", send_large, false, false },
	{ "sync_mpsc/contention_bounded", contention_bounded, false, false },
	{ "sync_mpsc/contention_bounded_full", contention_full, false, false },
	{ "sync_mpsc/contention_unbounded", contention_unbounded, false, false },
	{ "sync_mpsc/uncontented_bounded", alone_bounded, false, false },
	{ "sync_mpsc/uncontented_unbounded", alone_unbounded, false, false },
	{ "sync_mpsc_oneshot/request_reply_current_thread", request_reply, true, false },
	{ "sync_mpsc_oneshot/request_reply_multi_threaded", request_reply, false, false },
	{ NULL, NULL, false, false },
};
