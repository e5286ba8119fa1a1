/* SPDX-License-Identifier: MIT */
/*
 * Frames on their way to the client, as many as fit: a client that is slow
 * loses some, which is counted and told, and neither costs memory nor keeps the
 * programs from being emptied. Blocks and samples may take half of the room, so
 * that sums, of which each round stands for itself, still come through.
 */
#ifndef BH_HELPER_OUTBOX_H
#define BH_HELPER_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bh_outbox {
	uint8_t *data;
	size_t start, end, capacity;
	/* Not told yet, as in the frame Lost: blocks and samples; rounds. */
	uint64_t lost_details, lost_rounds;
	bool round_is_torn; /* a frame of it is lost */
};

/* 0 or -ENOMEM. */
int bh_outbox_init(struct bh_outbox *outbox, size_t capacity);
void bh_outbox_fini(struct bh_outbox *outbox);
static inline size_t bh_outbox_bytes(const struct bh_outbox *outbox)
{
	return outbox->end - outbox->start;
}

/* A frame without its prefix, borrowed: takes it, or counts it as lost. */
void bh_outbox_put(struct bh_outbox *outbox, const uint8_t *bytes, size_t n);
/* Sends what the socket takes now. 0, or -errno when the client has gone. */
int bh_outbox_send(struct bh_outbox *outbox, int fd);

#endif
