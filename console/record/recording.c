/* SPDX-License-Identifier: MIT */
/*
 * The index says where blocks are; where it is missing, their heads are looked
 * for. What an open block holds is found by reading it, for its head was
 * written before it had anything.
 */
#include "record/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <frame.h>

#include "export/text.h"
#include "record/reader.h"
#include "source/source.h"

enum {
	BLOCKS_MAX = 1 << 20,
	MOMENT_BYTES_MIN = CN_RECORD_CHUNK_HEAD_BYTES + 1,
	/* The tag of Frame.moment: field 41, with a length. */
	MOMENT_TAG_0 = 0xca,
	MOMENT_TAG_1 = 0x02
};

struct row {
	struct cn_record_block block;
	uint64_t offset;
	uint64_t first; /* moment */
	bool cut;       /* it is not closed, or its end is missing */
};

struct cn_recording {
	int fd;
	uint64_t bytes; /* of the file */
	uint64_t ring_bytes;
	struct row *rows;
	size_t n, room;
	struct cn_reader *reader;
	size_t at;        /* block that is being read */
	uint64_t given;   /* moments of it */
	bool begun;
	bool was_closed;
	uint64_t unreadable; /* looks in damaged blocks */
	char note[160];
	/* of the chunk in progress */
	cn_recording_fn frame;
	void *arg;
	uint64_t moments;
	uint64_t now_ns; /* of the last moment, if `decoder` */
	struct rp_decoder *decoder; /* while blocks are read through */
	/* when the moments of one block were */
	struct cn_reader *timer;
	uint64_t *times;
	size_t n_times, timed_block; /* from 1; 0 = none yet */
	bool behind; /* a frame stands behind a moment of the same chunk: nobody writes that */
};

/* ---------------------------------------------------------------- the file */

static int read_at(const struct cn_recording *r, uint64_t at, void *out, size_t n)
{
	ssize_t done;

	if (at > r->bytes || n > r->bytes - at)
		return -ENODATA;
	do
		done = pread(r->fd, out, n, (off_t)at);
	while (done < 0 && errno == EINTR);
	return done == (ssize_t)n ? 0 : done < 0 ? -errno : -ENODATA;
}

static int add(struct cn_recording *r, uint64_t offset, const struct cn_record_block *block)
{
	if (r->n == BLOCKS_MAX)
		return -E2BIG;
	if (r->n == r->room) {
		const size_t room = r->room ? 2 * r->room : 64;
		struct row *rows = reallocarray(r->rows, room, sizeof *rows);

		if (!rows)
			return -ENOMEM;
		r->rows = rows;
		r->room = room;
	}
	r->rows[r->n++] = (struct row){ .block = *block, .offset = offset };
	return 0;
}

/* Is a closed block possible that is so, in that much room? */
static bool is_possible(const struct cn_record_block *block, uint64_t room)
{
	return block->number && block->bytes >= CN_RECORD_HEAD_BYTES + CN_RECORD_CHUNK_HEAD_BYTES &&
	       block->bytes <= room && block->moments <= block->bytes / MOMENT_BYTES_MIN &&
	       block->first_ns <= block->last_ns;
}

/* 1: it is there, and right; 0: it is not. */
static int read_index(struct cn_recording *r)
{
	uint8_t tail[CN_RECORD_TAIL_BYTES], row[CN_RECORD_INDEX_ROW_BYTES];
	uint64_t offset, n, check, bytes;
	uint8_t *index;
	int rc = 0;

	if (r->bytes < CN_RECORD_TAIL_BYTES || read_at(r, r->bytes - sizeof tail, tail, sizeof tail) ||
		!cn_record_tail_decode(tail, &offset, &n, &check) || n > BLOCKS_MAX)
		return 0;
	bytes = n * CN_RECORD_INDEX_ROW_BYTES;
	if (offset > r->bytes || r->bytes - offset != bytes + CN_RECORD_TAIL_BYTES)
		return 0;
	index = malloc(bytes + 1);
	if (!index)
		return -ENOMEM;
	if (read_at(r, offset, index, bytes) ||
		!cn_record_index_is_sound(cn_record_check(0, index, bytes), offset, n, check))
		n = 0;
	for (uint64_t i = 0; i < n && rc == 0; i++) {
		struct cn_record_block block;
		uint64_t at;

		memcpy(row, index + i * sizeof row, sizeof row);
		if (!cn_record_index_row_decode(row, &at, &block) || at % CN_RECORD_ALIGN || at > offset ||
			!is_possible(&block, offset - at) || (r->n && block.number <= r->rows[r->n - 1].block.number)) {
			r->n = 0;
			break;
		}
		rc = add(r, at, &block);
	}
	free(index);
	return rc ? rc : r->n > 0;
}

static int look_for_blocks(struct cn_recording *r)
{
	uint64_t at = CN_RECORD_ALIGN;
	int rc = 0;

	while (rc == 0 && at < r->bytes) {
		uint8_t head[CN_RECORD_HEAD_BYTES];
		struct cn_record_block block;
		uint64_t next = at + CN_RECORD_ALIGN;

		if (read_at(r, at, head, sizeof head) == 0 && cn_record_block_decode(head, &block) && block.number) {
			rc = add(r, at, &block);
			if (rc == 0 && is_possible(&block, r->bytes - at))
				next = cn_record_aligned(at + block.bytes);
			else if (rc == 0)
				r->rows[r->n - 1].cut = true;
		}
		at = next;
	}
	return rc;
}

/* ------------------------------------------------------------ what is in them */

static bool is_moment(const uint8_t *bytes, size_t n)
{
	return n > 2 && bytes[0] == MOMENT_TAG_0 && bytes[1] == MOMENT_TAG_1;
}

static int count_frame(void *arg, const uint8_t *bytes, size_t n)
{
	struct cn_recording *r = arg;
	const Rouse__V1__Frame *decoded;

	r->behind = r->behind || r->moments;
	if (is_moment(bytes, n)) {
		r->moments++;
		if (r->decoder && rp_frame_decode(r->decoder, bytes, n, &decoded) == 0 &&
			decoded->body_case == ROUSE__V1__FRAME__BODY_MOMENT)
			r->now_ns = decoded->moment->now_ns;
	}
	return r->frame ? r->frame(r->arg, bytes, n) : 0;
}

/* A chunk more; a moment can only be the last of its frames. */
static int next_chunk(struct cn_recording *r)
{
	int rc;

	r->moments = 0;
	r->behind = false;
	rc = cn_reader_next(r->reader, count_frame, r);
	return rc == 0 && r->behind ? -EBADMSG : rc;
}

static int read_through(struct cn_recording *r, struct row *row)
{
	int rc = cn_reader_begin(r->reader, row->offset, r->bytes, row->block.number);
	uint64_t moments = 0, end = row->offset + CN_RECORD_HEAD_BYTES;

	if (!r->decoder)
		r->decoder = rp_decoder_new();
	if (!r->decoder)
		return -ENOMEM;
	while (rc == 0) {
		rc = next_chunk(r);
		if (rc || !r->moments)
			continue;
		if (!moments++)
			row->block.first_ns = r->now_ns;
		row->block.last_ns = r->now_ns;
		end = cn_reader_at(r->reader);
	}
	row->block.moments = moments;
	row->block.bytes = end - row->offset;
	return rc == -ENOMEM ? rc : 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static int by_number(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	return left->block.number < right->block.number ? -1 : left->block.number > right->block.number;
}

/* Of a ring: the newer one has been written over the older one. */
static void drop_overwritten(struct cn_recording *r)
{
	size_t n = 0;

	qsort(r->rows, r->n, sizeof r->rows[0], by_offset);
	for (size_t i = 0; i < r->n; i++) {
		const struct row row = r->rows[i];
		bool dropped = false;

		while (n && !dropped && r->rows[n - 1].offset + r->rows[n - 1].block.bytes > row.offset) {
			dropped = r->rows[n - 1].block.number >= row.block.number;
			n -= !dropped;
		}
		if (!dropped)
			r->rows[n++] = row;
	}
	r->n = n;
	qsort(r->rows, r->n, sizeof r->rows[0], by_number);
}

/* Places of moments; blocks without one go. */
static void number_moments(struct cn_recording *r)
{
	uint64_t first = 0;

	for (size_t i = 0; i < r->n; i++) {
		r->rows[i].first = first;
		first += r->rows[i].block.moments;
	}
}

static void drop_empty(struct cn_recording *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->rows[i].block.moments)
			r->rows[n++] = r->rows[i];
	r->n = n;
}

static void make_note(struct cn_recording *r)
{
	int used = 0;

	r->note[0] = 0;
	if (!r->was_closed)
		used = snprintf(r->note, sizeof r->note, "it was not closed: it ends with the last look that is whole");
	if (r->unreadable)
		snprintf(r->note + used, sizeof r->note - (size_t)used, "%s%" PRIu64 " looks are damaged",
			used ? "; " : "", r->unreadable);
}

static int find_blocks(struct cn_recording *r)
{
	int rc = read_index(r);

	r->was_closed = rc > 0;
	if (rc == 0)
		rc = look_for_blocks(r);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < r->n; i++) {
		rc = r->rows[i].cut ? read_through(r, &r->rows[i]) : 0;
		if (rc)
			return rc;
	}
	rp_decoder_free(r->decoder);
	r->decoder = NULL;
	if (!r->was_closed)
		drop_overwritten(r);
	drop_empty(r);
	number_moments(r);
	make_note(r);
	return r->n ? 0 : -EBADMSG;
}

/* ------------------------------------------------------------ opening, closing */

bool cn_recording_is_one(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[8] = "";
	bool is_read = fd >= 0 && pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic;

	if (fd >= 0)
		close(fd);
	return is_read && memcmp(magic, "rouserec", sizeof magic) == 0;
}

static int open_file(struct cn_recording *r, const char *path)
{
	uint8_t head[CN_RECORD_HEAD_BYTES];
	struct stat st;

	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (r->fd < 0 || fstat(r->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	r->bytes = (uint64_t)st.st_size;
	r->reader = cn_reader_new(r->fd);
	if (!r->reader)
		return -ENOMEM;
	if (read_at(r, 0, head, sizeof head))
		return -EBADMSG;
	if (!cn_record_head_decode(head, &r->ring_bytes))
		return cn_recording_is_one(path) ? -EPROTO : -EBADMSG;
	return find_blocks(r);
}

int cn_recording_open(const char *path, struct cn_recording **ret_recording, struct cn_why *why)
{
	struct cn_recording *r = calloc(1, sizeof *r);
	int rc;

	if (!r)
		return cn_why_set(why, -ENOMEM, "no memory to read %s", cn_safe(path));
	rc = open_file(r, path);
	if (rc) {
		cn_recording_close(r);
		if (rc == -EPROTO)
			return cn_why_set(why, rc, "the recording %s is of another version than this rouse (%s) reads, "
						   "or its head is damaged",
				cn_safe(path), ROUSE_VERSION);
		if (rc == -EBADMSG)
			return cn_why_set(why, rc, "%s is no recording, or has not one whole look", cn_safe(path));
		return cn_why_set(why, rc, "cannot read the recording %s: %s", cn_safe(path), strerror(-rc));
	}
	*ret_recording = r;
	return cn_recording_seek(r, 0);
}

void cn_recording_close(struct cn_recording *r)
{
	if (!r)
		return;
	cn_reader_free(r->reader);
	cn_reader_free(r->timer);
	free(r->times);
	rp_decoder_free(r->decoder);
	if (r->fd >= 0)
		close(r->fd);
	free(r->rows);
	free(r);
}

/* -------------------------------------------------------------------- reading */

int cn_recording_seek(struct cn_recording *r, size_t block)
{
	r->at = block;
	r->given = 0;
	r->begun = false;
	return 0;
}

/* Block r->at has no more moments than were given. */
static int give_up_block(struct cn_recording *r)
{
	struct row *row = &r->rows[r->at];

	r->unreadable += row->block.moments - r->given;
	row->block.moments = r->given;
	r->timed_block = 0;
	number_moments(r);
	make_note(r);
	cn_recording_seek(r, r->at + 1);
	return -EAGAIN;
}

int cn_recording_next(struct cn_recording *r, cn_recording_fn frame, void *arg)
{
	r->frame = frame;
	r->arg = arg;
	while (r->at < r->n && r->given == r->rows[r->at].block.moments)
		cn_recording_seek(r, r->at + 1);
	if (r->at >= r->n)
		return 1;
	for (;;) {
		const struct row *row = &r->rows[r->at];
		int rc = 0;

		if (!r->begun)
			rc = cn_reader_begin(r->reader, row->offset, r->bytes, row->block.number);
		r->begun = true;
		if (rc == 0)
			rc = next_chunk(r);
		if (rc == 1 || rc == -ENODATA || rc == -EBADMSG || rc == -EMSGSIZE)
			return give_up_block(r);
		if (rc)
			return rc;
		if (r->moments) {
			r->given++;
			return 0;
		}
	}
}

/* ---------------------------------------------------------------------- times */

static int note_time(void *arg, const uint8_t *bytes, size_t n)
{
	struct cn_recording *r = arg;
	const Rouse__V1__Frame *decoded;

	if (!is_moment(bytes, n) || r->n_times == r->rows[r->timed_block - 1].block.moments)
		return 0;
	if (rp_frame_decode(r->decoder, bytes, n, &decoded) || decoded->body_case != ROUSE__V1__FRAME__BODY_MOMENT)
		return -EBADMSG;
	r->times[r->n_times++] = decoded->moment->now_ns;
	return 0;
}

/* With a reader of its own, so that whoever takes in looks is not disturbed. What cannot be read has no times. */
static void read_times(struct cn_recording *r, size_t block)
{
	const struct row *row = &r->rows[block];
	uint64_t *times = realloc(r->times, row->block.moments * sizeof *times);

	r->n_times = 0;
	r->timed_block = block + 1;
	if (!r->decoder)
		r->decoder = rp_decoder_new();
	if (!r->timer)
		r->timer = cn_reader_new(r->fd);
	if (times)
		r->times = times;
	if (!times || !r->decoder || !r->timer || cn_reader_begin(r->timer, row->offset, r->bytes, row->block.number))
		return;
	while (cn_reader_next(r->timer, note_time, r) == 0)
		continue;
}

uint64_t cn_recording_time(struct cn_recording *r, uint64_t moment)
{
	const size_t block = cn_recording_block_of(r, moment);

	if (r->timed_block != block + 1)
		read_times(r, block);
	moment -= r->rows[block].first;
	return moment < r->n_times ? r->times[moment] : 0;
}

/* ------------------------------------------------------------------ accessors */

uint64_t cn_recording_moments(const struct cn_recording *r)
{
	return r->n ? r->rows[r->n - 1].first + r->rows[r->n - 1].block.moments : 0;
}

uint64_t cn_recording_first_ns(const struct cn_recording *r)
{
	return r->rows[0].block.first_ns;
}

uint64_t cn_recording_last_ns(const struct cn_recording *r)
{
	return r->rows[r->n - 1].block.last_ns;
}

const char *cn_recording_note(const struct cn_recording *r)
{
	return r->note;
}

size_t cn_recording_blocks(const struct cn_recording *r)
{
	return r->n;
}

const struct cn_record_block *cn_recording_block(const struct cn_recording *r, size_t index, uint64_t *ret_first)
{
	*ret_first = r->rows[index].first;
	return &r->rows[index].block;
}

size_t cn_recording_block_of(const struct cn_recording *r, uint64_t moment)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (r->rows[middle].first + r->rows[middle].block.moments > moment)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
