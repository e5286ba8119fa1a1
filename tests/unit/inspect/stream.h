/* SPDX-License-Identifier: MIT */
/* Everything a look or a socket gave, decoded and kept, with questions to ask of it. */
#ifndef STREAM_H
#define STREAM_H

#include <frame.h>
#include <stdbool.h>

struct stream {
	struct rp_decoder *decoder;
	Rouse__V1__Frame **frames;
	size_t n;
	size_t largest; /* bytes of the largest frame */
};

void stream_init(struct stream *stream);
void stream_fini(struct stream *stream);
void stream_clear(struct stream *stream);
/* rouse_frame_fn: -EBADMSG unless the frame decodes. */
int stream_take(void *stream, const uint8_t *bytes, size_t n);

/* The n-th frame of a kind, or NULL. */
const Rouse__V1__Frame *stream_find(const struct stream *stream, Rouse__V1__Frame__BodyCase body, size_t nth);
size_t stream_count(const struct stream *stream, Rouse__V1__Frame__BodyCase body);

/* A row, and where it is. */
const Rouse__V1__Tasks *stream_task(const struct stream *stream, uint64_t id, size_t *ret_row);
const Rouse__V1__Resources *stream_resource(const struct stream *stream, uint64_t serial, size_t *ret_row);
/* The first await row of a task; its others follow. *ret_rows: how many. */
const Rouse__V1__AwaitFrames *stream_awaits(const struct stream *stream, uint64_t task, size_t *ret_row,
	size_t *ret_rows);
/* The text of a string index, as the stream had it last. "" if unknown. */
const char *stream_text(const struct stream *stream, uint32_t index);
bool stream_removed(const struct stream *stream, uint64_t task);
size_t stream_task_rows(const struct stream *stream);
const Rouse__V1__GenerationEnd *stream_end(const struct stream *stream);

/* How often `id` was found in frames of `task` (0: elsewhere); -1: there is no such row. ret_complete may be NULL. */
int64_t stream_references(const struct stream *stream, uint64_t id, uint64_t task, bool *ret_complete);

#endif
