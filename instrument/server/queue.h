/* SPDX-License-Identifier: MIT */
/* Bytes on their way to one client: bounded, and cut only between frames. */
#ifndef RI_SERVER_QUEUE_H
#define RI_SERVER_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct ri_queue {
	uint8_t *data;
	size_t start, end, size;
};

/* More than this is never kept for a client. */
#define RI_QUEUE_MAX ((size_t)4 << 20)

void ri_queue_fini(struct ri_queue *queue);
static inline size_t ri_queue_bytes(const struct ri_queue *queue)
{
	return queue->end - queue->start;
}
/* Appends a frame with its length prefix: all of it, or -ENOBUFS (full) or -ENOMEM. */
int ri_queue_frame(struct ri_queue *queue, const uint8_t *frame, size_t n);
/* Sends what the socket takes now. 0, or -errno when the client has gone. */
int ri_queue_send(struct ri_queue *queue, int fd);

#endif
