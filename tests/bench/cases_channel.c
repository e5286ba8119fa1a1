/* SPDX-License-Identifier: MIT */
/* Channels: five senders and one receiver, nobody else, and request with reply. */
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

static struct bench_done channel_bounded(struct rouse_runtime *runtime)
{
	return contend(runtime, 1000000);
}

static struct bench_done channel_full(struct rouse_runtime *runtime)
{
	return contend(runtime, 100);
}

static struct bench_done channel_unbounded(struct rouse_runtime *runtime)
{
	return contend(runtime, 0);
}

/* ------------------------------------------------------------------ alone */

ROUSE_ASYNC(alone, int, struct rouse_mpsc *channel; uint64_t i, value; struct rouse_mpsc_send send;
	struct rouse_mpsc_recv recv; int rc;);
ROUSE_BODY(alone)
{
	ROUSE_BEGIN;
	self->channel = rouse_mpsc_new("bench", sizeof self->value, 1000000);
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
static struct bench_done channel_alone(struct rouse_runtime *runtime)
{
	bench_must(rouse_block_on(runtime, NULL, alone) == 0, "block on");
	return (struct bench_done){ .ops = MESSAGES };
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
	{ "channel_bounded", channel_bounded },
	{ "channel_full", channel_full },
	{ "channel_unbounded", channel_unbounded },
	{ "channel_alone", channel_alone },
	{ "request_reply", request_reply },
	{ NULL, NULL },
};
