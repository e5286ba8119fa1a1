/* SPDX-License-Identifier: MIT */
/*
 * The oneshot: one value, two sides. The object lives until both have gone, in
 * whatever order; each side goes exactly once: the sender with send or
 * drop_sender, the receiver when its future ends or is dropped, or by
 * drop_receiver if it never made one.
 */
#include "sync/leaf.h"

#include <errno.h>

struct rouse_oneshot {
	struct rs_resource resource; /* value: sent; side_a, side_b: still there */
	uint64_t message;
	struct rouse_wait *waiter;
};

/* The sender goes, with a message or (NULL) without. False: the receiver was gone already. */
static bool leave_sender(struct rouse_oneshot *oneshot, const uint64_t *message)
{
	struct rs_resource *resource = &oneshot->resource;
	struct rouse_waker waker = { 0, 0 };

	rs_lock_take(&resource->lock);
	bool last = !resource->side_b;

	if (message && !last) {
		oneshot->message = *message;
		rs_record(&resource->value, 1ull);
	} else {
		rs_resource_close_locked(resource);
	}
	rs_record(&resource->last_user_a, rs_current_task_id());
	rs_record(&resource->side_a, 0ull);
	if (oneshot->waiter) {
		waker = rs_wait_grant_single_locked(oneshot->waiter);
		oneshot->waiter = NULL;
	}
	rs_lock_drop(&resource->lock);
	rs_wake_granted(&waker, ROUSE_WAKE_FOREIGN);
	if (last)
		rs_resource_retire(resource);
	return !last;
}

static void leave_receiver(struct rouse_oneshot *oneshot, struct rouse_wait *wait)
{
	struct rs_resource *resource = &oneshot->resource;
	struct rouse_waker waker = { 0, 0 };

	rs_lock_take(&resource->lock);
	if (wait && rs_wait_cancel_single_locked(wait, &waker))
		oneshot->waiter = NULL;
	rs_resource_close_locked(resource);
	rs_record(&resource->side_b, 0ull);
	bool last = !resource->side_a;

	rs_lock_drop(&resource->lock);
	rouse_waker_drop(&waker);
	if (last)
		rs_resource_retire(resource);
}

int rouse_oneshot_send(struct rouse_oneshot *oneshot, uint64_t value)
{
	int rc = rs_resource_check(&oneshot->resource);

	if (rc == -ROUSE_EFORKED)
		return rc;
	bool there = leave_sender(oneshot, rc ? NULL : &value);

	return rc ? rc : there ? 0 : -ROUSE_ECLOSED;
}

void rouse_oneshot_drop_sender(struct rouse_oneshot *oneshot)
{
	if (rs_resource_there(&oneshot->resource))
		(void)leave_sender(oneshot, NULL);
}

void rouse_oneshot_drop_receiver(struct rouse_oneshot *oneshot)
{
	if (rs_resource_there(&oneshot->resource))
		leave_receiver(oneshot, NULL);
}

static void recv_drop(struct rouse_future *f)
{
	struct rouse_oneshot_recv *self = (struct rouse_oneshot_recv *)f;
	struct rouse_oneshot *oneshot = self->oneshot;

	self->oneshot = NULL;
	if (oneshot && rs_resource_there(&oneshot->resource))
		leave_receiver(oneshot, &self->wait);
}

static struct rouse_poll recv_end(struct rouse_oneshot_recv *self, int64_t result)
{
	recv_drop(&self->future);
	return rs_leaf_end(self, result);
}

static struct rouse_poll recv_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_oneshot_recv *self = (struct rouse_oneshot_recv *)f;
	struct rouse_oneshot *oneshot = self->oneshot;
	struct rs_resource *resource = &oneshot->resource;
	int rc = rs_resource_check(resource);

	if (rc)
		return recv_end(self, rc);
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE && !rs_coop_spend(cx))
		return rouse_pending();
	rs_lock_take(&resource->lock);
	bool sent = resource->value, over = !resource->side_a;

	rs_record(&resource->last_user_b, rs_current_task_id());
	if (sent) {
		*self->ret_value = oneshot->message;
	} else if (!over) {
		rs_wait_register_single_locked(&self->wait, cx, resource->serial);
		oneshot->waiter = &self->wait;
	}
	rs_lock_drop(&resource->lock);
	if (!over)
		return rouse_pending();
	return recv_end(self, sent ? 0 : -ROUSE_ECLOSED);
}

RS_LEAF(rouse_oneshot_recv, recv_poll, recv_drop, ROUSE_OP_ONESHOT_RECV);

struct rouse_oneshot_recv *rouse_oneshot_recv(struct rouse_oneshot_recv *storage, struct rouse_oneshot *oneshot,
	uint64_t *ret_value)
{
	rs_leaf_init(storage, &rouse_oneshot_recv_rouse_type);
	storage->oneshot = oneshot;
	storage->ret_value = ret_value;
	return storage;
}

struct rouse_oneshot *rouse_oneshot_new_(const char *name, const struct rouse_site *site)
{
	struct rouse_oneshot *oneshot = rs_resource_new(sizeof *oneshot, ROUSE_RESOURCE_ONESHOT, name, site);

	if (!oneshot)
		return NULL;
	rs_record(&oneshot->resource.capacity, 1ull);
	rs_record(&oneshot->resource.side_a, 1ull);
	rs_record(&oneshot->resource.side_b, 1ull);
	return oneshot;
}
