/* SPDX-License-Identifier: MIT */
/* The way out: messages become bytes, bytes go to whoever asked for the look. */
#ifndef RI_OUT_H
#define RI_OUT_H

#include <rouse/inspect.h>

#include "inspect/rows.h"
#include "inspect/strings.h"

struct ri_out {
	rouse_frame_fn fn;
	void *arg;
	uint8_t *buffer; /* RP_FRAME_MAX bytes */
};

/* All answer 0, a negative answer of fn, or -EMSGSIZE. Batches are empty afterwards. */
int ri_out_frame(struct ri_out *out, const Rouse__V1__Frame *frame);
/* Strings that have an index but were not yet sent. */
int ri_out_strings(struct ri_out *out, struct ri_strings *strings);
int ri_out_sites(struct ri_out *out, struct ri_site_batch *batch);
int ri_out_tasks(struct ri_out *out, struct ri_task_batch *batch);
int ri_out_awaits(struct ri_out *out, struct ri_await_batch *batch);
int ri_out_resources(struct ri_out *out, struct ri_resource_batch *batch);
int ri_out_references(struct ri_out *out, struct ri_reference_batch *batch);
int ri_out_holders(struct ri_out *out, struct ri_holder_batch *batch);
/* `ring`, `first`, `lost_before`, `base_ns`: see the message. */
int ri_out_events(struct ri_out *out, struct ri_event_batch *batch, uint32_t ring, uint64_t first,
	uint64_t lost_before, uint64_t base_ns);
/* Sent even if empty: a table that comes without rows says that there is nothing. */
int ri_out_queues(struct ri_out *out, struct ri_queue_batch *batch);
int ri_out_drops(struct ri_out *out, struct ri_drop_batch *batch);
int ri_out_threads(struct ri_out *out, struct ri_thread_batch *batch);
int ri_out_sockets(struct ri_out *out, struct ri_socket_batch *batch);
int ri_out_lost(struct ri_out *out, uint64_t events, uint64_t generations);

#endif
