/* SPDX-License-Identifier: MIT */
#include "server/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <frame.h>

void ri_queue_fini(struct ri_queue *queue)
{
	free(queue->data);
	*queue = (struct ri_queue){ 0 };
}

static int make_room(struct ri_queue *queue, size_t bytes)
{
	enum { FIRST = 64 * 1024 };
	size_t held = ri_queue_bytes(queue), size = queue->size ? queue->size : FIRST;

	if (bytes > RI_QUEUE_MAX - held)
		return -ENOBUFS;
	if (queue->end + bytes <= queue->size)
		return 0;
	if (queue->start) {
		memmove(queue->data, queue->data + queue->start, held);
		queue->start = 0;
		queue->end = held;
	}
	while (size < held + bytes)
		size *= 2;
	if (size == queue->size)
		return 0;
	uint8_t *data = realloc(queue->data, size);

	if (!data)
		return -ENOMEM;
	queue->data = data;
	queue->size = size;
	return 0;
}

int ri_queue_frame(struct ri_queue *queue, const uint8_t *frame, size_t n)
{
	int rc = make_room(queue, RP_PREFIX_MAX + n);

	if (rc < 0)
		return rc;
	queue->end += rp_prefix_encode(queue->data + queue->end, n);
	memcpy(queue->data + queue->end, frame, n);
	queue->end += n;
	return 0;
}

int ri_queue_send(struct ri_queue *queue, int fd)
{
	while (queue->start < queue->end) {
		ssize_t n = send(fd, queue->data + queue->start, ri_queue_bytes(queue), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		queue->start += (size_t)n;
	}
	queue->start = queue->end = 0;
	return 0;
}
