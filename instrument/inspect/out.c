/* SPDX-License-Identifier: MIT */
#include "inspect/out.h"

int ri_out_frame(struct ri_out *out, const Rouse__V1__Frame *frame)
{
	size_t n;
	int rc = rp_frame_pack(frame, out->buffer, RP_FRAME_MAX, &n);

	return rc < 0 ? rc : out->fn(out->arg, out->buffer, n);
}

/* As many as surely fit: 8 bytes cover the tag and the length of any text that fits at all. */
int ri_out_strings(struct ri_out *out, struct ri_strings *strings)
{
	enum { TEXTS = 512, TEXT_HEAD = 8 };
	ProtobufCBinaryData texts[TEXTS];
	int rc = 0;

	while (rc == 0 && strings->published < strings->count) {
		Rouse__V1__Strings message = ROUSE__V1__STRINGS__INIT;
		Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
		size_t bytes = 64, n = 0;
		uint32_t index = strings->published;

		for (; index < strings->count && n < TEXTS; index++, n++) {
			const struct ri_string *s = &strings->entries[index];

			if (bytes + s->bytes + TEXT_HEAD > RP_FRAME_MAX)
				break;
			bytes += s->bytes + TEXT_HEAD;
			texts[n] = (ProtobufCBinaryData){ s->bytes, (uint8_t *)strings->text + s->offset };
		}
		message.first = strings->published;
		message.n_text = n;
		message.text = texts;
		frame.body_case = ROUSE__V1__FRAME__BODY_STRINGS;
		frame.strings = &message;
		rc = ri_out_frame(out, &frame);
		strings->published = index;
	}
	return rc;
}

/* A table is one message; all members of the body union are pointers to messages. */
static int send_table(struct ri_out *out, size_t *n, Rouse__V1__Frame__BodyCase body, ProtobufCMessage *message)
{
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	*n = 0;
	frame.body_case = body;
	frame.tasks = (Rouse__V1__Tasks *)message;
	return ri_out_frame(out, &frame);
}

static int send_rows(struct ri_out *out, size_t *n, Rouse__V1__Frame__BodyCase body, ProtobufCMessage *message)
{
	return *n ? send_table(out, n, body, message) : 0;
}

#define TAKE_COLUMN(TYPE, NAME)                                                                    \
	message.n_##NAME = batch->n;                                                               \
	message.NAME = batch->NAME;

int ri_out_sites(struct ri_out *out, struct ri_site_batch *batch)
{
	Rouse__V1__Sites message = ROUSE__V1__SITES__INIT;

	RI_SITE_COLUMNS(TAKE_COLUMN)
	return send_rows(out, &batch->n, ROUSE__V1__FRAME__BODY_SITES, &message.base);
}

int ri_out_tasks(struct ri_out *out, struct ri_task_batch *batch)
{
	Rouse__V1__Tasks message = ROUSE__V1__TASKS__INIT;

	RI_TASK_COLUMNS(TAKE_COLUMN)
	return send_rows(out, &batch->n, ROUSE__V1__FRAME__BODY_TASKS, &message.base);
}

int ri_out_awaits(struct ri_out *out, struct ri_await_batch *batch)
{
	Rouse__V1__AwaitFrames message = ROUSE__V1__AWAIT_FRAMES__INIT;

	RI_AWAIT_COLUMNS(TAKE_COLUMN)
	return send_rows(out, &batch->n, ROUSE__V1__FRAME__BODY_AWAITS, &message.base);
}

int ri_out_resources(struct ri_out *out, struct ri_resource_batch *batch)
{
	Rouse__V1__Resources message = ROUSE__V1__RESOURCES__INIT;

	RI_RESOURCE_COLUMNS(TAKE_COLUMN)
	return send_rows(out, &batch->n, ROUSE__V1__FRAME__BODY_RESOURCES, &message.base);
}

int ri_out_references(struct ri_out *out, struct ri_reference_batch *batch)
{
	Rouse__V1__References message = ROUSE__V1__REFERENCES__INIT;

	RI_REFERENCE_COLUMNS(TAKE_COLUMN)
	return send_rows(out, &batch->n, ROUSE__V1__FRAME__BODY_REFERENCES, &message.base);
}

int ri_out_holders(struct ri_out *out, struct ri_holder_batch *batch)
{
	Rouse__V1__Holders message = ROUSE__V1__HOLDERS__INIT;

	RI_HOLDER_COLUMNS(TAKE_COLUMN)
	return send_rows(out, &batch->n, ROUSE__V1__FRAME__BODY_HOLDERS, &message.base);
}

int ri_out_events(struct ri_out *out, struct ri_event_batch *batch, uint32_t ring, uint64_t first,
	uint64_t lost_before, uint64_t base_ns)
{
	Rouse__V1__Events message = ROUSE__V1__EVENTS__INIT;

	message.ring = ring;
	message.first = first;
	message.lost_before = lost_before;
	message.base_ns = base_ns;
	RI_EVENT_COLUMNS(TAKE_COLUMN)
	return send_rows(out, &batch->n, ROUSE__V1__FRAME__BODY_EVENTS, &message.base);
}

int ri_out_queues(struct ri_out *out, struct ri_queue_batch *batch)
{
	Rouse__V1__Queues message = ROUSE__V1__QUEUES__INIT;

	RI_QUEUE_COLUMNS(TAKE_COLUMN)
	return send_table(out, &batch->n, ROUSE__V1__FRAME__BODY_QUEUES, &message.base);
}

int ri_out_drops(struct ri_out *out, struct ri_drop_batch *batch)
{
	Rouse__V1__Drops message = ROUSE__V1__DROPS__INIT;

	RI_DROP_COLUMNS(TAKE_COLUMN)
	return send_table(out, &batch->n, ROUSE__V1__FRAME__BODY_DROPS, &message.base);
}

int ri_out_threads(struct ri_out *out, struct ri_thread_batch *batch)
{
	Rouse__V1__Threads message = ROUSE__V1__THREADS__INIT;

	RI_THREAD_COLUMNS(TAKE_COLUMN)
	return send_table(out, &batch->n, ROUSE__V1__FRAME__BODY_THREADS, &message.base);
}

int ri_out_sockets(struct ri_out *out, struct ri_socket_batch *batch)
{
	Rouse__V1__Sockets message = ROUSE__V1__SOCKETS__INIT;

	RI_SOCKET_COLUMNS(TAKE_COLUMN)
	return send_rows(out, &batch->n, ROUSE__V1__FRAME__BODY_SOCKETS, &message.base);
}

int ri_out_lost(struct ri_out *out, uint64_t events, uint64_t generations)
{
	Rouse__V1__Lost message = ROUSE__V1__LOST__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	message.events = events;
	message.generations = generations;
	frame.body_case = ROUSE__V1__FRAME__BODY_LOST;
	frame.lost = &message;
	return ri_out_frame(out, &frame);
}
