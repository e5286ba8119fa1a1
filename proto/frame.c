/* SPDX-License-Identifier: MIT */
/*
 * Decoding in four steps, each of which narrows what the next can meet:
 *
 *   1. Length.
 *   2. Envelope: the bytes are exactly one length-delimited field. protobuf
 *      would also accept several bodies and merge them; nobody writes that,
 *      and merging is where decoders have their bugs.
 *   3. Unpacking by protobuf-c into an arena that ends. A byte of input can
 *      become eight of memory (packed columns) or fifty-six (a scanned empty
 *      string), which for 64 KiB is too much to accept from a stranger; frames
 *      that our own writers make stay below half of the arena.
 *   4. Validation, table-driven from the generated descriptors, so that a
 *      column added to the .proto is checked from the day it exists.
 */
#include "frame.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define ARENA_ALIGN 16u

struct rp_decoder {
	ProtobufCAllocator allocator;
	Rouse__V1__Frame *frame;
	size_t used;
	bool exhausted;
	_Alignas(ARENA_ALIGN) uint8_t arena[RP_ARENA_BYTES];
};

static void *arena_alloc(void *data, size_t bytes)
{
	struct rp_decoder *decoder = data;

	if (bytes > RP_ARENA_BYTES - decoder->used) {
		decoder->exhausted = true;
		return NULL;
	}
	void *p = decoder->arena + decoder->used;
	bytes = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	decoder->used += bytes;
	return p;
}

static void arena_free(void *data, void *p)
{
	(void)data; /* all at once, when the next frame comes */
	(void)p;
}

struct rp_decoder *rp_decoder_new(void)
{
	struct rp_decoder *decoder = malloc(sizeof *decoder);

	if (!decoder)
		return NULL;
	decoder->allocator = (ProtobufCAllocator){ arena_alloc, arena_free, decoder };
	decoder->used = 0;
	return decoder;
}

void rp_decoder_free(struct rp_decoder *decoder)
{
	free(decoder);
}

/* A varint of at most five bytes: its length, or 0. */
static size_t read_varint(const uint8_t *bytes, size_t n, uint32_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n && i < 5; i++) {
		value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
		if (bytes[i] & 0x80)
			continue;
		if (value > UINT32_MAX)
			return 0;
		*ret_value = (uint32_t)value;
		return i + 1;
	}
	return 0;
}

static bool is_one_field(const uint8_t *bytes, size_t n)
{
	uint32_t tag, length;
	size_t tag_bytes = read_varint(bytes, n, &tag);
	size_t length_bytes = tag_bytes ? read_varint(bytes + tag_bytes, n - tag_bytes, &length) : 0;

	return length_bytes && (tag & 7) == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
	       length == n - tag_bytes - length_bytes;
}

int rp_frame_decode(struct rp_decoder *decoder, const uint8_t *bytes, size_t n, const Rouse__V1__Frame **ret_frame)
{
	if (n > RP_FRAME_MAX)
		return -EMSGSIZE;
	if (!is_one_field(bytes, n))
		return -EBADMSG;
	decoder->used = 0;
	decoder->exhausted = false;
	Rouse__V1__Frame *frame = rouse__v1__frame__unpack(&decoder->allocator, n, bytes);
	if (!frame)
		return decoder->exhausted ? -EMSGSIZE : -EBADMSG;
	int rc = rp_frame_validate(frame);
	if (rc == 0)
		*ret_frame = frame;
	return rc;
}

/* ------------------------------------------------------------- validation */

/* Columns that hold `factor` entries a row, the factor being a field of the message. */
struct wide_columns {
	const char *first; /* name of the first such column: it and those after it are wide */
	size_t factor_offset;
	const char *behind; /* name of the first that is not wide again, NULL = none */
};

struct table {
	Rouse__V1__Frame__BodyCase body;
	const ProtobufCMessageDescriptor *columns; /* the first repeated field is the key: it counts the rows */
	struct wide_columns wide;
};

static const struct table tables[] = {
	{ ROUSE__V1__FRAME__BODY_SITES, &rouse__v1__sites__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_WORKERS, &rouse__v1__workers__descriptor,
		{ "counters", offsetof(Rouse__V1__Workers, counter_columns), NULL } },
	{ ROUSE__V1__FRAME__BODY_TASKS, &rouse__v1__tasks__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_AWAITS, &rouse__v1__await_frames__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_RESOURCES, &rouse__v1__resources__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_HISTOGRAMS, &rouse__v1__histograms__descriptor,
		{ "poll", offsetof(Rouse__V1__Histograms, buckets), NULL } },
	{ ROUSE__V1__FRAME__BODY_EVENTS, &rouse__v1__events__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_POLL_VERDICTS, &rouse__v1__poll_verdicts__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_THREADS, &rouse__v1__threads__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_QUEUES, &rouse__v1__queues__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_DROPS, &rouse__v1__drops__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_HOLDERS, &rouse__v1__holders__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_REFERENCES, &rouse__v1__references__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_SOCKETS, &rouse__v1__sockets__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_STACKS, &rouse__v1__stacks__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_SYMBOLS, &rouse__v1__symbols__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_KERNEL, &rouse__v1__kernel__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_KERNEL_SUMS, &rouse__v1__kernel_sums__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_KERNEL_CALLS, &rouse__v1__kernel_calls__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS, &rouse__v1__kernel_blocks__descriptor,
		{ "kernel_pc", offsetof(Rouse__V1__KernelBlocks, kernel_columns), "sure" } },
	{ ROUSE__V1__FRAME__BODY_KERNEL_WAITS, &rouse__v1__kernel_blocks__descriptor,
		{ "kernel_pc", offsetof(Rouse__V1__KernelBlocks, kernel_columns), "sure" } },
	{ ROUSE__V1__FRAME__BODY_KERNEL_SAMPLES, &rouse__v1__kernel_samples__descriptor,
		{ "kernel_pc", offsetof(Rouse__V1__KernelSamples, kernel_columns), NULL } },
	{ ROUSE__V1__FRAME__BODY_KERNEL_SYMBOLS, &rouse__v1__kernel_symbols__descriptor, { NULL, 0, NULL } },
	{ ROUSE__V1__FRAME__BODY_FOUND_STACKS, &rouse__v1__found_stacks__descriptor,
		{ "pc", offsetof(Rouse__V1__FoundStacks, columns), NULL } },
	{ ROUSE__V1__FRAME__BODY_FOUND_SYMBOLS, &rouse__v1__found_symbols__descriptor, { NULL, 0, NULL } },
};

static bool columns_agree(const struct table *table, const ProtobufCMessage *message)
{
	const uint8_t *base = (const uint8_t *)message;
	const ProtobufCFieldDescriptor *wide = NULL, *behind = NULL;
	bool have_key = false, in_wide = false;
	uint64_t rows = 0, factor = 1;

	if (table->wide.first) {
		wide = protobuf_c_message_descriptor_get_field_by_name(table->columns, table->wide.first);
		factor = *(const uint32_t *)(const void *)(base + table->wide.factor_offset);
	}
	if (table->wide.behind)
		behind = protobuf_c_message_descriptor_get_field_by_name(table->columns, table->wide.behind);
	for (unsigned i = 0; i < table->columns->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &table->columns->fields[i];
		if (field->label != PROTOBUF_C_LABEL_REPEATED)
			continue;
		size_t n = *(const size_t *)(const void *)(base + field->quantifier_offset);
		in_wide = field != behind && (in_wide || field == wide);
		if (!have_key)
			rows = n;
		else if (n != 0 && n != (in_wide ? rows * factor : rows))
			return false;
		have_key = true;
	}
	return true;
}

/* Rows of one task are consecutive, numbered from 0, each after its parent: no cycle can be written down. */
static bool chains_are_trees(const Rouse__V1__AwaitFrames *awaits)
{
	if (awaits->n_task && (!awaits->n_depth_index || !awaits->n_parent))
		return false;
	for (size_t i = 0; i < awaits->n_task; i++) {
		bool first = i == 0 || awaits->task[i] != awaits->task[i - 1] || awaits->depth_index[i] == 0;
		uint32_t expected = first ? 0 : awaits->depth_index[i - 1] + 1;

		if (awaits->depth_index[i] != expected)
			return false;
		if (first ? awaits->parent[i] != 0 : awaits->parent[i] >= awaits->depth_index[i])
			return false;
	}
	return true;
}

int rp_frame_validate(const Rouse__V1__Frame *frame)
{
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		/* All members of the body union are pointers to messages. */
		if (frame->body_case == tables[i].body && !columns_agree(&tables[i], &frame->tasks->base))
			return -EBADMSG;
	}
	if (frame->body_case == ROUSE__V1__FRAME__BODY_AWAITS && !chains_are_trees(frame->awaits))
		return -EBADMSG;
	return 0;
}

/* --------------------------------------------------------------- encoding */

size_t rp_prefix_encode(uint8_t out[RP_PREFIX_MAX], size_t n)
{
	size_t i = 0;

	for (; n >= 0x80; n >>= 7)
		out[i++] = (uint8_t)(n | 0x80);
	out[i++] = (uint8_t)n;
	return i;
}

int rp_frame_pack(const Rouse__V1__Frame *frame, uint8_t *out, size_t capacity, size_t *ret_n)
{
	size_t n = rouse__v1__frame__get_packed_size(frame);

	if (n > RP_FRAME_MAX)
		return -EMSGSIZE;
	if (n > capacity)
		return -ENOBUFS;
	*ret_n = rouse__v1__frame__pack(frame, out);
	return 0;
}

int rp_frame_encode(const Rouse__V1__Frame *frame, uint8_t *out, size_t capacity, size_t *ret_n)
{
	uint8_t prefix[RP_PREFIX_MAX];
	size_t n = rouse__v1__frame__get_packed_size(frame);

	if (n > RP_FRAME_MAX)
		return -EMSGSIZE;
	size_t prefix_bytes = rp_prefix_encode(prefix, n);
	if (prefix_bytes + n > capacity)
		return -ENOBUFS;
	for (size_t i = 0; i < prefix_bytes; i++)
		out[i] = prefix[i];
	*ret_n = prefix_bytes + rouse__v1__frame__pack(frame, out + prefix_bytes);
	return 0;
}
