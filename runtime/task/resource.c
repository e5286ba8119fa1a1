/* SPDX-License-Identifier: MIT */
#include "task/resource.h"

#include "sched/runtime.h"
#include "trace/sites.h"

#include <errno.h>
#include <string.h>

#define SAME_OFFSET(FIELD)                                                                         \
	_Static_assert(offsetof(struct rs_resource, FIELD) == offsetof(struct rouse_resource_record, FIELD), #FIELD)
SAME_OFFSET(serial);
SAME_OFFSET(kind);
SAME_OFFSET(flags);
SAME_OFFSET(site);
SAME_OFFSET(name);
SAME_OFFSET(owner);
SAME_OFFSET(owner_since);
SAME_OFFSET(creator);
SAME_OFFSET(created_ticks);
SAME_OFFSET(value);
SAME_OFFSET(capacity);
SAME_OFFSET(side_a);
SAME_OFFSET(side_b);
SAME_OFFSET(last_user_a);
SAME_OFFSET(last_user_b);
SAME_OFFSET(holders);
SAME_OFFSET(holder_capacity);
SAME_OFFSET(granted);
_Static_assert(offsetof(struct rs_resource, runtime) == ROUSE_RESOURCE_BYTES, "private part");

uint64_t rs_current_task_id(void)
{
	return rs_self.task ? rs_self.task->id : 0;
}

uint64_t rs_stamp(void)
{
	struct rouse_runtime *runtime = rs_self.runtime;

	return runtime && rs_load(&runtime->level, RS_RELAXED) ? rs_ticks() : 0;
}

void *rs_resource_new_on(struct rouse_runtime *runtime, size_t bytes, enum rouse_resource_kind kind, const char *name,
	const struct rouse_site *site)
{
	if (rs_forked) {
		errno = ROUSE_EFORKED;
		return NULL;
	}
	bool visiting = rs_visit_begin(runtime);

	if (rs_visit_late(runtime)) {
		rs_visit_end(runtime, visiting);
		errno = ROUSE_ESHUTDOWN;
		return NULL;
	}
	struct rs_shard *shard = rs_shard_enter(runtime);
	struct rs_resource *r = rs_slab_take_owner(shard, ROUSE_CHUNK_RESOURCE, bytes);
	uint64_t serial = r ? rs_slab_next_id_owner(shard) : 0;

	rs_shard_leave(shard);
	if (!r) {
		rs_visit_end(runtime, visiting);
		errno = ENOMEM;
		return NULL;
	}
	if (bytes > sizeof *r)
		memset(r + 1, 0, bytes - sizeof *r);
	/* Who had the slot before may have left something behind the bytes that the slab clears. */
	rs_record(&r->holder_capacity, 0u);
	rs_record(&r->granted, 0u);
	rs_record(&r->kind, (uint8_t)kind);
	rs_record(&r->site, site ? rs_site_index(site) : 0);
	if (name)
		strncpy(r->name, name, sizeof r->name - 1);
	rs_record(&r->creator, rs_current_task_id());
	rs_record(&r->created_ticks, rs_ticks());
	r->runtime = runtime;
	r->lock.word = 0;
	rs_store(&r->serial, serial, RS_RELEASE);
	rs_visit_end(runtime, visiting);
	return r;
}

void *rs_resource_new(size_t bytes, enum rouse_resource_kind kind, const char *name, const struct rouse_site *site)
{
	if (!rs_self.runtime) {
		errno = ROUSE_ENORUNTIME;
		return NULL;
	}
	return rs_resource_new_on(rs_self.runtime, bytes, kind, name, site);
}

void rs_resource_free(struct rs_resource *r)
{
	if (!r || rs_forked)
		return;
	struct rouse_runtime *runtime = rs_chunk_of(r)->runtime;
	struct rs_worker *w = rs_worker_here(runtime);
	bool visiting = rs_visit_begin(runtime);

	rs_store(&r->serial, 0ull, RS_RELEASE); /* V5 */
	rs_record(&r->kind, (uint8_t)ROUSE_RESOURCE_FREE);
	rs_slab_give_any(r, w ? &w->shard : NULL);
	rs_visit_end(runtime, visiting);
}

int rs_resource_check(const struct rs_resource *r)
{
	if (rs_forked)
		return -ROUSE_EFORKED;
	return rs_load(&r->flags, RS_RELAXED) & ROUSE_RESOURCE_ORPHANED ? -ROUSE_EORPHAN : 0;
}
