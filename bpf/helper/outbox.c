/* SPDX-License-Identifier: MIT */
#include "outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <frame.h>

enum { LOST_BYTES = 64 /* more than a frame that tells of losses takes */ };

int bh_outbox_init(struct bh_outbox *outbox, size_t capacity)
{
	*outbox = (struct bh_outbox){ .data = malloc(capacity), .capacity = capacity };
	return outbox->data ? 0 : -ENOMEM;
}

void bh_outbox_fini(struct bh_outbox *outbox)
{
	free(outbox->data);
	*outbox = (struct bh_outbox){ 0 };
}

/* ------------------------------------------------------- what a frame holds */

static uint64_t varint(const uint8_t *bytes, size_t n, size_t *at)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; *at < n && shift < 64; shift += 7) {
		const uint8_t byte = bytes[(*at)++];

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

/* The number of the frame's one field: ROUSE__V1__FRAME__BODY_... */
static uint64_t body_of(const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	return varint(bytes, n, &at) >> 3;
}

static bool is_detail(uint64_t body)
{
	return body == ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS || body == ROUSE__V1__FRAME__BODY_KERNEL_SAMPLES;
}

/* Blocks or samples: both begin with a packed column, when each was, in which numbers end with a byte below 128. */
static uint64_t rows_of(const uint8_t *bytes, size_t n)
{
	uint64_t rows = 0, length;
	size_t at = 0;

	varint(bytes, n, &at);
	varint(bytes, n, &at);
	varint(bytes, n, &at);
	length = varint(bytes, n, &at);
	for (size_t i = at; i < n && i - at < length; i++)
		rows += !(bytes[i] & 0x80);
	return rows;
}

/* ---------------------------------------------------------------- the queue */

static void append(struct bh_outbox *outbox, const uint8_t *bytes, size_t n)
{
	if (outbox->end + RP_PREFIX_MAX + n > outbox->capacity) {
		memmove(outbox->data, outbox->data + outbox->start, bh_outbox_bytes(outbox));
		outbox->end -= outbox->start;
		outbox->start = 0;
	}
	outbox->end += rp_prefix_encode(outbox->data + outbox->end, n);
	memcpy(outbox->data + outbox->end, bytes, n);
	outbox->end += n;
}

/* Where the gap is. */
static void tell_lost(struct bh_outbox *outbox)
{
	Rouse__V1__Lost lost = ROUSE__V1__LOST__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint8_t bytes[LOST_BYTES];
	size_t n = 0;

	if (!outbox->lost_details && !outbox->lost_rounds)
		return;
	lost.events = outbox->lost_details;
	lost.generations = outbox->lost_rounds;
	frame.body_case = ROUSE__V1__FRAME__BODY_LOST;
	frame.lost = &lost;
	if (rp_frame_pack(&frame, bytes, sizeof(bytes), &n))
		return;
	append(outbox, bytes, n);
	outbox->lost_details = outbox->lost_rounds = 0;
}

void bh_outbox_put(struct bh_outbox *outbox, const uint8_t *bytes, size_t n)
{
	const uint64_t body = body_of(bytes, n);
	const size_t room = is_detail(body) ? outbox->capacity / 2 : outbox->capacity;
	const bool fits = bh_outbox_bytes(outbox) + 2 * RP_PREFIX_MAX + LOST_BYTES + n <= room;

	if (!fits && is_detail(body)) {
		outbox->lost_details += rows_of(bytes, n);
		return;
	}
	outbox->round_is_torn = outbox->round_is_torn || !fits;
	if (body == ROUSE__V1__FRAME__BODY_KERNEL) { /* it closes a round */
		outbox->lost_rounds += outbox->round_is_torn;
		outbox->round_is_torn = false;
	}
	if (!fits)
		return;
	tell_lost(outbox);
	append(outbox, bytes, n);
}

int bh_outbox_send(struct bh_outbox *outbox, int fd)
{
	while (outbox->start < outbox->end) {
		ssize_t n =
			send(fd, outbox->data + outbox->start, bh_outbox_bytes(outbox), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		outbox->start += (size_t)n;
	}
	outbox->start = outbox->end = 0;
	return 0;
}
