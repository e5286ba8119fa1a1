/* SPDX-License-Identifier: MIT */
#include "sync/leaf.h"

void rs_leaf_end_all(struct rs_resource *resource, struct rs_waitlist *list, int64_t result)
{
	struct rs_wake_batch batch; /* its room need not be cleared */
	bool more;

	batch.n = 0;
	do {
		rs_lock_take(&resource->lock);
		while (list->head && !rs_wake_batch_full(&batch)) {
			struct rouse_wait *wait = list->head;

			rs_leaf_of(wait)->result = result;
			rs_wake_batch_add(&batch, rs_wait_grant_locked(list, wait));
		}
		more = list->head;
		rs_lock_drop(&resource->lock);
		rs_wake_batch_flush(&batch, ROUSE_WAKE_FOREIGN);
	} while (more);
}

void rs_resource_retire(struct rs_resource *resource)
{
	rs_lock_take(&resource->lock);
	rs_lock_drop(&resource->lock);
	rs_resource_free(resource);
}
