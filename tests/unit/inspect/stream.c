/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void stream_init(struct stream *stream)
{
	*stream = (struct stream){ .decoder = rp_decoder_new() };
	if (!stream->decoder)
		abort();
}

void stream_clear(struct stream *stream)
{
	for (size_t i = 0; i < stream->n; i++)
		rouse__v1__frame__free_unpacked(stream->frames[i], NULL);
	free(stream->frames);
	stream->frames = NULL;
	stream->n = 0;
}

void stream_fini(struct stream *stream)
{
	stream_clear(stream);
	rp_decoder_free(stream->decoder);
}

int stream_take(void *arg, const uint8_t *bytes, size_t n)
{
	struct stream *stream = arg;
	const Rouse__V1__Frame *frame;
	int rc = rp_frame_decode(stream->decoder, bytes, n, &frame);

	if (rc < 0)
		return rc;
	stream->frames = realloc(stream->frames, (stream->n + 1) * sizeof(void *));
	stream->frames[stream->n] = rouse__v1__frame__unpack(NULL, n, bytes);
	if (!stream->frames[stream->n])
		abort();
	stream->n++;
	if (n > stream->largest)
		stream->largest = n;
	return 0;
}

const Rouse__V1__Frame *stream_find(const struct stream *stream, Rouse__V1__Frame__BodyCase body, size_t nth)
{
	for (size_t i = 0; i < stream->n; i++)
		if (stream->frames[i]->body_case == body && nth-- == 0)
			return stream->frames[i];
	return NULL;
}

size_t stream_count(const struct stream *stream, Rouse__V1__Frame__BodyCase body)
{
	size_t count = 0;

	for (size_t i = 0; i < stream->n; i++)
		count += stream->frames[i]->body_case == body;
	return count;
}

#define FIND_ROW(STREAM, BODY, MEMBER, KEY, VALUE, RET_ROW)                                        \
	do {                                                                                       \
		for (size_t i_ = 0; i_ < (STREAM)->n; i_++) {                                      \
			if ((STREAM)->frames[i_]->body_case != (BODY))                             \
				continue;                                                          \
			for (size_t j_ = 0; j_ < (STREAM)->frames[i_]->MEMBER->n_##KEY; j_++) {    \
				if ((STREAM)->frames[i_]->MEMBER->KEY[j_] == (VALUE)) {            \
					*(RET_ROW) = j_;                                           \
					return (STREAM)->frames[i_]->MEMBER;                       \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
		return NULL;                                                                       \
	} while (0)

const Rouse__V1__Tasks *stream_task(const struct stream *stream, uint64_t id, size_t *ret_row)
{
	FIND_ROW(stream, ROUSE__V1__FRAME__BODY_TASKS, tasks, id, id, ret_row);
}

const Rouse__V1__Resources *stream_resource(const struct stream *stream, uint64_t serial, size_t *ret_row)
{
	FIND_ROW(stream, ROUSE__V1__FRAME__BODY_RESOURCES, resources, serial, serial, ret_row);
}

static const Rouse__V1__AwaitFrames *first_await(const struct stream *stream, uint64_t task, size_t *ret_row)
{
	FIND_ROW(stream, ROUSE__V1__FRAME__BODY_AWAITS, awaits, task, task, ret_row);
}

const Rouse__V1__AwaitFrames *stream_awaits(const struct stream *stream, uint64_t task, size_t *ret_row,
	size_t *ret_rows)
{
	const Rouse__V1__AwaitFrames *awaits = first_await(stream, task, ret_row);
	size_t end = awaits ? *ret_row : 0;

	while (awaits && end < awaits->n_task && awaits->task[end] == task)
		end++;
	*ret_rows = awaits ? end - *ret_row : 0;
	return awaits;
}

const char *stream_text(const struct stream *stream, uint32_t index)
{
	static char text[2048];

	text[0] = 0;
	for (size_t i = 0; i < stream->n; i++) {
		const Rouse__V1__Strings *s = stream->frames[i]->strings;

		if (stream->frames[i]->body_case != ROUSE__V1__FRAME__BODY_STRINGS || index < s->first ||
			index - s->first >= s->n_text)
			continue;
		size_t n = s->text[index - s->first].len;

		n = n < sizeof text ? n : sizeof text - 1;
		memcpy(text, s->text[index - s->first].data, n);
		text[n] = 0;
	}
	return text;
}

bool stream_removed(const struct stream *stream, uint64_t task)
{
	for (size_t i = 0; i < stream->n; i++) {
		if (stream->frames[i]->body_case != ROUSE__V1__FRAME__BODY_REMOVED)
			continue;
		for (size_t j = 0; j < stream->frames[i]->removed->n_task; j++)
			if (stream->frames[i]->removed->task[j] == task)
				return true;
	}
	return false;
}

size_t stream_task_rows(const struct stream *stream)
{
	size_t rows = 0;

	for (size_t i = 0; i < stream->n; i++)
		if (stream->frames[i]->body_case == ROUSE__V1__FRAME__BODY_TASKS)
			rows += stream->frames[i]->tasks->n_id;
	return rows;
}

const Rouse__V1__GenerationEnd *stream_end(const struct stream *stream)
{
	const Rouse__V1__Frame *frame = stream_find(stream, ROUSE__V1__FRAME__BODY_END,
		stream_count(stream, ROUSE__V1__FRAME__BODY_END) - 1);

	return frame ? frame->end : NULL;
}

int64_t stream_references(const struct stream *stream, uint64_t id, uint64_t task, bool *ret_complete)
{
	for (size_t i = 0; i < stream->n; i++) {
		const Rouse__V1__References *r = stream->frames[i]->references;

		if (stream->frames[i]->body_case != ROUSE__V1__FRAME__BODY_REFERENCES)
			continue;
		for (size_t k = 0; k < r->n_id; k++) {
			if (r->id[k] != id || r->task[k] != task)
				continue;
			if (ret_complete)
				*ret_complete = r->complete[k];
			return (int64_t)r->count[k];
		}
	}
	return -1;
}
