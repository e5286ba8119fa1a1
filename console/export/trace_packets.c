/* SPDX-License-Identifier: MIT */
/* Traces that follow each other in a file are one: so each packet is written as one of its own. */
#include "export/trace_packets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export/text.h"
#include "perfetto.pb-c.h"

enum { MESSAGE_BYTES = 4096, SEQUENCE = 1, ANNOTATIONS = 2 };

int cn_packets_put(struct cn_packets *packets, const struct cn_packet *packet, size_t *ret_index)
{
	if (packets->n == packets->capacity) {
		size_t capacity = packets->capacity ? 2 * packets->capacity : 4096;
		struct cn_packet *all = reallocarray(packets->all, capacity, sizeof *all);

		if (!all)
			return -ENOMEM;
		packets->all = all;
		packets->capacity = capacity;
	}
	packets->all[packets->n] = *packet;
	packets->all[packets->n].order = (uint32_t)packets->n;
	if (ret_index)
		*ret_index = packets->n;
	packets->n++;
	return 0;
}

void cn_packets_fini(struct cn_packets *packets)
{
	free(packets->all);
	*packets = (struct cn_packets){ .all = NULL };
}

static int emit(FILE *out, Perfetto__Protos__TracePacket *packet)
{
	Perfetto__Protos__Trace trace = PERFETTO__PROTOS__TRACE__INIT;
	uint8_t bytes[MESSAGE_BYTES];
	size_t n;

	packet->has_trusted_packet_sequence_id = true;
	packet->trusted_packet_sequence_id = SEQUENCE;
	trace.n_packet = 1;
	trace.packet = &packet;
	n = perfetto__protos__trace__get_packed_size(&trace);
	if (n > sizeof bytes)
		return -E2BIG;
	perfetto__protos__trace__pack(&trace, bytes);
	errno = 0;
	return fwrite(bytes, 1, n, out) == n ? 0 : -(errno ? errno : EIO);
}

int cn_track_write(FILE *out, const struct cn_track *track)
{
	Perfetto__Protos__TracePacket packet = PERFETTO__PROTOS__TRACE_PACKET__INIT;
	Perfetto__Protos__TrackDescriptor descriptor = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
	Perfetto__Protos__ProcessDescriptor process = PERFETTO__PROTOS__PROCESS_DESCRIPTOR__INIT;
	Perfetto__Protos__ThreadDescriptor thread = PERFETTO__PROTOS__THREAD_DESCRIPTOR__INIT;
	Perfetto__Protos__CounterDescriptor counter = PERFETTO__PROTOS__COUNTER_DESCRIPTOR__INIT;
	char name[CN_SAFE_BYTES];

	packet.track_descriptor = &descriptor;
	descriptor.has_uuid = true;
	descriptor.uuid = track->uuid;
	descriptor.has_parent_uuid = track->parent != 0;
	descriptor.parent_uuid = track->parent;
	descriptor.name = cn_text_safe(name, sizeof name, track->name, false);
	if (track->tid) {
		thread.has_pid = thread.has_tid = true;
		thread.pid = (int32_t)track->pid;
		thread.tid = (int32_t)track->tid;
		thread.thread_name = name;
		descriptor.thread = &thread;
	} else if (track->pid) {
		process.has_pid = true;
		process.pid = (int32_t)track->pid;
		process.process_name = name;
		descriptor.process = &process;
	}
	if (track->counter) {
		counter.has_unit = true;
		counter.unit = PERFETTO__PROTOS__COUNTER_DESCRIPTOR__UNIT__UNIT_COUNT;
		descriptor.counter = &counter;
	}
	return emit(out, &packet);
}

static Perfetto__Protos__DebugAnnotation annotation(const char *name, uint64_t value)
{
	Perfetto__Protos__DebugAnnotation made = PERFETTO__PROTOS__DEBUG_ANNOTATION__INIT;

	made.name = (char *)name;
	made.has_uint_value = true;
	made.uint_value = value;
	return made;
}

static void locate(
	const struct cn_packets *packets, const struct cn_packet *from, Perfetto__Protos__SourceLocation *ret_location)
{
	const struct cn_packet_site *site = &packets->sites[from->site];

	ret_location->file_name = (char *)cn_names_text(packets->names, site->file);
	ret_location->function_name = (char *)cn_names_text(packets->names, site->function);
	ret_location->has_line_number = true;
	ret_location->line_number = site->line;
}

static int write_packet(FILE *out, const struct cn_packets *packets, const struct cn_packet *from)
{
	Perfetto__Protos__TracePacket packet = PERFETTO__PROTOS__TRACE_PACKET__INIT;
	Perfetto__Protos__TrackEvent event = PERFETTO__PROTOS__TRACK_EVENT__INIT;
	Perfetto__Protos__SourceLocation location = PERFETTO__PROTOS__SOURCE_LOCATION__INIT;
	Perfetto__Protos__DebugAnnotation annotations[ANNOTATIONS], *pointers[ANNOTATIONS];
	char *category = (char *)from->category;
	uint64_t flow = from->flow;

	packet.has_timestamp = true;
	packet.timestamp = from->ns;
	packet.track_event = &event;
	event.has_type = event.has_track_uuid = true;
	event.type = (Perfetto__Protos__TrackEvent__Type)from->type;
	event.track_uuid = from->track;
	event.debug_annotations = pointers;
	if (from->type == CN_PACKET_COUNTER) {
		event.has_counter_value = true;
		event.counter_value = (int64_t)from->value;
		return emit(out, &packet);
	}
	if (from->type == CN_PACKET_END)
		return emit(out, &packet);
	event.name = (char *)cn_names_text(packets->names, from->name);
	event.n_categories = category != NULL;
	event.categories = &category;
	if (from->task)
		annotations[event.n_debug_annotations++] = annotation("task", from->task);
	if (from->what)
		annotations[event.n_debug_annotations++] = annotation(from->what, from->value);
	for (size_t i = 0; i < event.n_debug_annotations; i++)
		pointers[i] = &annotations[i];
	if (from->site != CN_PACKET_NO_SITE) {
		locate(packets, from, &location);
		event.source_location = &location;
	}
	event.n_terminating_flow_ids = flow && from->type == CN_PACKET_BEGIN;
	event.terminating_flow_ids = &flow;
	event.n_flow_ids = flow && from->type != CN_PACKET_BEGIN;
	event.flow_ids = &flow;
	return emit(out, &packet);
}

static int by_time(const void *left, const void *right)
{
	const struct cn_packet *a = left, *b = right;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

int cn_packets_write(FILE *out, struct cn_packets *packets)
{
	int rc = 0;

	if (packets->n)
		qsort(packets->all, packets->n, sizeof packets->all[0], by_time);
	for (size_t i = 0; i < packets->n && rc == 0; i++)
		if (packets->all[i].type) /* 0: it was taken back */
			rc = write_packet(out, packets, &packets->all[i]);
	return rc;
}
