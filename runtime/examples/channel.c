/* SPDX-License-Identifier: MIT */
/*
 * channel - a producer and a consumer over a channel with room for 32.
 *
 * The producer has more to say than fits: when 32 messages wait, its send
 * suspends until the consumer has taken one. Dropping the last sender closes
 * the channel: the consumer still gets what is queued, then -ROUSE_ECLOSED.
 */
#include <inttypes.h>
#include <stdio.h>

#include <rouse/rouse.h>

#define ROOM 32
#define MESSAGES 40

struct message {
	char text[24];
};

/* Owns one sender of the channel. */
ROUSE_ASYNC(producer, int,
	struct rouse_mpsc *channel;
	struct message message;
	int64_t rc;
	int i;
	struct rouse_mpsc_send send;);
ROUSE_BODY(producer)
{
	ROUSE_BEGIN;
	for (self->i = 1; self->i <= MESSAGES; self->i++) {
		snprintf(self->message.text, sizeof self->message.text, "Hello %d", self->i);
		ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, self->channel, &self->message));
		if (self->rc)
			break; /* nobody listens any more */
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_sender(self->channel);
	ROUSE_END;
}

/* Owns the receiver. */
ROUSE_ASYNC(consumer, int,
	struct rouse_mpsc *channel;
	struct message message;
	int64_t rc;
	int received;
	size_t most;
	struct rouse_mpsc_recv recv;);
ROUSE_BODY(consumer)
{
	ROUSE_BEGIN;
	for (;;) {
		size_t waiting = rouse_mpsc_len(self->channel);

		if (waiting > self->most)
			self->most = waiting;
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->channel, &self->message));
		if (self->rc)
			break;
		printf("received: %s\n", self->message.text);
		self->received++;
	}
	printf("closed after %d messages; never more than %d waited: %s\n", self->received, ROOM,
		self->most <= ROOM ? "yes" : "no");
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_receiver(self->channel);
	ROUSE_END;
}

ROUSE_ASYNC(app, int,
	struct rouse_mpsc *channel;
	struct rouse_task *task;
	int64_t rc;
	struct rouse_join join;);
ROUSE_BODY(app)
{
	ROUSE_BEGIN;
	self->channel = rouse_mpsc_new("greetings", sizeof(struct message), ROOM);
	if (!self->channel)
		ROUSE_RETURN(1);
	/* From here on each side belongs to its task, also when a spawn fails: the frame's FINALLY drops it. */
	self->task = rouse_spawn(consumer, .channel = self->channel);
	rouse_spawn_detached(producer, .channel = self->channel);
	if (!self->task)
		ROUSE_RETURN(1);
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->task, NULL));
	ROUSE_RETURN(self->rc ? 1 : 0);
	ROUSE_END;
}

int main(void)
{
	return ROUSE_MAIN(app);
}
