/* SPDX-License-Identifier: MIT */
/*
 * Channels: many senders, one receiver, one lock, and the messages in between.
 *
 * A sender that finds a bounded channel full waits with its message in its own
 * frame. Who takes a message out moves that of the longest waiting sender in,
 * in the same critical section: hence
 *
 *     senders wait  =>  the queue is full          (nobody can push past them)
 *     the receiver waits  =>  the queue is empty
 *
 * The receiver is granted a look, not a message: what it was woken for stays in
 * the queue until a poll takes it, so a dropped receive loses nothing.
 *
 * The object lives until all senders and the receiver have gone. Memory for more
 * messages is allocated outside the lock.
 */
#include "sync/mpsc.h"

#include "sync/leaf.h"
#include "sync/messages.h"

#include <errno.h>
#include <inttypes.h>

struct rouse_mpsc {
	struct rs_resource resource; /* value: queued; side_a: senders; side_b: the receiver */
	struct rs_messages queue;
	struct rs_waitlist senders;
	struct rouse_wait *receiver; /* waiting */
};

/* What a critical section leaves to be done without the lock. */
struct aftermath {
	struct rouse_waker waker;
	struct rs_block *garbage;
};

static void unlock(struct rouse_mpsc *channel, struct aftermath *after)
{
	rs_lock_drop(&channel->resource.lock);
	if (after->waker.vtable)
		rs_wake_granted(&after->waker, ROUSE_WAKE_FOREIGN);
	if (after->garbage)
		rs_block_free(after->garbage);
}

static struct rouse_waker grant_receiver_locked(struct rouse_mpsc *channel)
{
	struct rouse_waker waker = { 0, 0 };

	if (channel->receiver) {
		waker = rs_wait_grant_single_locked(channel->receiver);
		channel->receiver = NULL;
	}
	return waker;
}

static void put_locked(struct rouse_mpsc *channel, const void *message)
{
	rs_messages_push(&channel->queue, message);
	rs_record(&channel->resource.value, channel->queue.count);
}

/* Takes a message out and, if a sender waits for the room, its message in. */
static void get_locked(struct rouse_mpsc *channel, void *ret_message, struct aftermath *after)
{
	struct rouse_wait *wait = channel->senders.head;

	rs_messages_pop(&channel->queue, ret_message);
	if (wait) {
		struct rouse_mpsc_send *send = (struct rouse_mpsc_send *)(void *)rs_leaf_of(wait);

		rs_messages_push(&channel->queue, send->message);
		after->waker = rs_wait_grant_locked(&channel->senders, wait);
	}
	after->garbage = rs_messages_garbage(&channel->queue);
	rs_record(&channel->resource.value, channel->queue.count);
	rs_record(&channel->resource.last_user_b, rs_current_task_id());
}

static void retire(struct rouse_mpsc *channel)
{
	struct rs_messages queue = channel->queue;

	rs_resource_retire(&channel->resource);
	rs_messages_fini(&queue);
}

/* ------------------------------------------------------------------- send */

/* Pushes if there is room: 0, else -ROUSE_EFULL, -ROUSE_ECLOSED, -ENOMEM. Takes the lock and keeps it. */
static int push_lock(struct rouse_mpsc *channel, const void *message, struct aftermath *after)
{
	struct rs_resource *resource = &channel->resource;
	struct rs_block *block;
	size_t bytes;
	int rc = 0;

	rs_lock_take(&resource->lock);
	while ((bytes = rs_messages_wanted(&channel->queue)) && !rs_resource_closed(resource)) {
		rs_lock_drop(&resource->lock);
		block = rs_messages_block(bytes);
		rs_lock_take(&resource->lock);
		if (!block)
			return -ENOMEM;
		block = rs_messages_give(&channel->queue, block);
		if (block) {
			rs_lock_drop(&resource->lock);
			rs_block_free(block);
			rs_lock_take(&resource->lock);
		}
	}
	if (rs_resource_closed(resource)) {
		rc = -ROUSE_ECLOSED;
	} else if (!rs_messages_can_push(&channel->queue)) {
		rc = -ROUSE_EFULL;
	} else {
		put_locked(channel, message);
		rs_record(&resource->last_user_a, rs_current_task_id());
		after->waker = grant_receiver_locked(channel);
	}
	return rc;
}

static void send_drop(struct rouse_future *f)
{
	struct rouse_mpsc_send *self = (struct rouse_mpsc_send *)f;
	struct rs_resource *resource = &self->channel->resource;
	struct rouse_waker waker = { 0, 0 };

	/* Granted: the message has gone in, or the channel is closed. Nothing to give back. */
	if (rs_wait_state(&self->wait) != ROUSE_WAIT_WAITING || !rs_resource_there(resource))
		return;
	rs_lock_take(&resource->lock);
	(void)rs_wait_cancel_locked(&self->channel->senders, &self->wait, &waker);
	rs_lock_drop(&resource->lock);
	rouse_waker_drop(&waker);
	(void)rs_leaf_end(self, -ECANCELED);
}

static struct rouse_poll send_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_mpsc_send *self = (struct rouse_mpsc_send *)f;
	struct rouse_mpsc *channel = self->channel;
	struct rs_resource *resource = &channel->resource;
	struct aftermath after = { .garbage = NULL };
	int rc = rs_resource_check(resource);

	if (rc) {
		send_drop(f);
		return rs_leaf_end(self, rc);
	}
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_GRANTED)
		return rs_leaf_end(self, self->result);
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE) {
		if (!rs_coop_spend(cx))
			return rouse_pending();
		rc = push_lock(channel, self->message, &after);
	} else {
		rs_lock_take(&resource->lock);
		rc = -ROUSE_EFULL;
	}
	bool granted = rs_wait_state(&self->wait) == ROUSE_WAIT_GRANTED;

	if (rc == -ROUSE_EFULL && !granted)
		rs_wait_register_locked(&channel->senders, &self->wait, cx, resource->serial);
	unlock(channel, &after);
	if (granted)
		return rs_leaf_end(self, self->result);
	return rc == -ROUSE_EFULL ? rouse_pending() : rs_leaf_end(self, rc);
}

RS_LEAF(rouse_mpsc_send, send_poll, send_drop, ROUSE_OP_SEND);

struct rouse_mpsc_send *rouse_mpsc_send(struct rouse_mpsc_send *storage, struct rouse_mpsc *channel,
	const void *message)
{
	rs_leaf_init(storage, &rouse_mpsc_send_rouse_type);
	storage->channel = channel;
	storage->message = message;
	return storage;
}

int rouse_mpsc_try_send(struct rouse_mpsc *channel, const void *message)
{
	struct aftermath after = { .garbage = NULL };
	int rc = rs_resource_check(&channel->resource);

	if (rc)
		return rc;
	rc = push_lock(channel, message, &after);
	unlock(channel, &after);
	return rc;
}

/* ---------------------------------------------------------------- receive */

static void recv_drop(struct rouse_future *f)
{
	struct rouse_mpsc_recv *self = (struct rouse_mpsc_recv *)f;
	struct rs_resource *resource = &self->channel->resource;
	struct rouse_waker waker = { 0, 0 };

	if (rs_wait_state(&self->wait) != ROUSE_WAIT_WAITING || !rs_resource_there(resource))
		return;
	rs_lock_take(&resource->lock);
	if (rs_wait_cancel_single_locked(&self->wait, &waker))
		self->channel->receiver = NULL;
	rs_lock_drop(&resource->lock);
	rouse_waker_drop(&waker);
	(void)rs_leaf_end(self, -ECANCELED);
}

/* A message if there is one: 0, else -ROUSE_EEMPTY, -ROUSE_ECLOSED. */
static int take_locked(struct rouse_mpsc *channel, void *ret_message, struct aftermath *after)
{
	if (channel->queue.count) {
		get_locked(channel, ret_message, after);
		return 0;
	}
	return channel->resource.side_a && channel->resource.side_b ? -ROUSE_EEMPTY : -ROUSE_ECLOSED;
}

static struct rouse_poll recv_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_mpsc_recv *self = (struct rouse_mpsc_recv *)f;
	struct rouse_mpsc *channel = self->channel;
	struct rs_resource *resource = &channel->resource;
	struct aftermath after = { .garbage = NULL };
	int rc = rs_resource_check(resource);

	if (rc) {
		recv_drop(f);
		return rs_leaf_end(self, rc);
	}
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE && !rs_coop_spend(cx))
		return rouse_pending();
	rs_lock_take(&resource->lock);
	if (channel->receiver && channel->receiver != &self->wait) {
		rc = -EBUSY;
	} else if ((rc = take_locked(channel, self->ret_message, &after)) == -ROUSE_EEMPTY) {
		rs_record(&resource->last_user_b, rs_current_task_id());
		rs_wait_register_single_locked(&self->wait, cx, resource->serial);
		channel->receiver = &self->wait;
	}
	unlock(channel, &after);
	return rc == -ROUSE_EEMPTY ? rouse_pending() : rs_leaf_end(self, rc);
}

RS_LEAF(rouse_mpsc_recv, recv_poll, recv_drop, ROUSE_OP_RECV);

struct rouse_mpsc_recv *rouse_mpsc_recv(struct rouse_mpsc_recv *storage, struct rouse_mpsc *channel, void *ret_message)
{
	rs_leaf_init(storage, &rouse_mpsc_recv_rouse_type);
	storage->channel = channel;
	storage->ret_message = ret_message;
	return storage;
}

int rouse_mpsc_try_recv(struct rouse_mpsc *channel, void *ret_message)
{
	struct aftermath after = { .garbage = NULL };
	int rc = rs_resource_check(&channel->resource);

	if (rc)
		return rc;
	rs_lock_take(&channel->resource.lock);
	rc = take_locked(channel, ret_message, &after);
	unlock(channel, &after);
	return rc;
}

/* ------------------------------------------------------------------ sides */

struct rouse_mpsc *rouse_mpsc_new_(const char *name, size_t message_bytes, size_t capacity,
	const struct rouse_site *site)
{
	struct rouse_mpsc *channel = rs_resource_new(sizeof *channel,
		capacity ? ROUSE_RESOURCE_MPSC : ROUSE_RESOURCE_UNBOUNDED, name, site);

	if (!channel)
		return NULL;
	int rc = rs_messages_init(&channel->queue, message_bytes, capacity);

	if (rc) {
		rs_resource_free(&channel->resource);
		errno = -rc;
		return NULL;
	}
	rs_record(&channel->resource.capacity, (uint64_t)capacity);
	rs_record(&channel->resource.side_a, 1ull);
	rs_record(&channel->resource.side_b, 1ull);
	return channel;
}

struct rouse_mpsc *rouse_mpsc_ref_sender(struct rouse_mpsc *channel)
{
	struct rs_resource *resource = &channel->resource;

	if (!rs_resource_there(resource))
		return channel;
	rs_lock_take(&resource->lock);
	rs_record(&resource->side_a, resource->side_a + 1);
	rs_lock_drop(&resource->lock);
	return channel;
}

void rouse_mpsc_drop_sender(struct rouse_mpsc *channel)
{
	struct rs_resource *resource = &channel->resource;
	struct rouse_waker waker = { 0, 0 };

	if (!rs_resource_there(resource))
		return;
	rs_lock_take(&resource->lock);
	rs_record(&resource->side_a, resource->side_a - 1);
	bool last = !resource->side_a;
	bool over = last && !resource->side_b;

	if (last) {
		rs_resource_close_locked(resource);
		waker = grant_receiver_locked(channel);
	}
	rs_lock_drop(&resource->lock);
	rs_wake_granted(&waker, ROUSE_WAKE_FOREIGN);
	if (over)
		retire(channel);
}

void rouse_mpsc_drop_receiver(struct rouse_mpsc *channel)
{
	struct rs_resource *resource = &channel->resource;
	struct rs_messages discarded;

	if (!rs_resource_there(resource))
		return;
	rs_lock_take(&resource->lock);
	rs_resource_close_locked(resource);
	rs_lock_drop(&resource->lock);
	rs_leaf_end_all(resource, &channel->senders, -ROUSE_ECLOSED);

	rs_lock_take(&resource->lock);
	rs_messages_discard(&channel->queue, &discarded);
	rs_record(&resource->value, 0ull);
	rs_record(&resource->side_b, 0ull);
	bool over = !resource->side_a;

	rs_lock_drop(&resource->lock);
	rs_messages_fini(&discarded);
	if (over)
		retire(channel);
}

size_t rouse_mpsc_len(const struct rouse_mpsc *channel)
{
	return rs_resource_there(&channel->resource) ? (size_t)rs_load(&channel->resource.value, RS_RELAXED) : 0;
}

/* --------------------------------------------------------------- checking */

static uint64_t count_senders(const struct rouse_mpsc *channel)
{
	uint64_t n = 0;

	for (const struct rouse_wait *wait = channel->senders.head; wait; wait = wait->next)
		n++;
	return n;
}

int rs_mpsc_validate(struct rouse_mpsc *channel)
{
	const struct rs_resource *resource = &channel->resource;
	const struct rs_messages *queue = &channel->queue;

	rs_lock_take(&channel->resource.lock);
	bool full = queue->capacity && queue->count == queue->capacity;
	bool good = resource->value == queue->count && (!queue->capacity || queue->count <= queue->capacity) &&
		    (!channel->senders.head || full) && (!channel->receiver || !queue->count) &&
		    (!channel->receiver || channel->receiver->state == ROUSE_WAIT_WAITING);

	for (const struct rouse_wait *wait = channel->senders.head, *prev = NULL; wait; prev = wait, wait = wait->next)
		good = good && wait->prev == prev && wait->state == ROUSE_WAIT_WAITING &&
		       (wait->next || wait == channel->senders.tail);
	rs_lock_drop(&channel->resource.lock);
	return good ? 0 : -EINVAL;
}

void rs_mpsc_dump(struct rouse_mpsc *channel, FILE *out)
{
	const struct rs_resource *resource = &channel->resource;

	rs_lock_take(&channel->resource.lock);
	fprintf(out, "channel \"%.24s\": %" PRIu64 " queued of %" PRIu64 ", %" PRIu64 " senders (%" PRIu64
		" waiting), receiver %s%s\n",
		resource->name, resource->value, resource->capacity, resource->side_a, count_senders(channel),
		!resource->side_b ? "gone" : channel->receiver ? "waiting" : "there",
		rs_resource_closed(resource) ? ", closed" : "");
	rs_lock_drop(&channel->resource.lock);
}
