/* SPDX-License-Identifier: MIT */
#include "record/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	INDEX_SHARE = 32, /* of a ring, for its index: a block has 4096 bytes or more, its row in it 72 */
	WRAP_SHARE = 8    /* the last part of a ring, in which no block begins: most fit into what is left */
};

static int write_at(int fd, uint64_t offset, const uint8_t *bytes, size_t n)
{
	while (n) {
		ssize_t done = pwrite(fd, bytes, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		bytes += done;
		offset += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

static int write_head(int fd, uint64_t ring_bytes)
{
	uint8_t head[CN_RECORD_HEAD_BYTES];

	cn_record_head_encode(head, ring_bytes);
	return write_at(fd, 0, head, sizeof head);
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

int cn_store_init(struct cn_store *store, const char *path, uint64_t ring_bytes, uint64_t last_ns)
{
	*store = (struct cn_store){ .path = path, .fd = -1, .ring_bytes = ring_bytes, .last_ns = last_ns,
		.at = CN_RECORD_ALIGN };
	if (last_ns)
		return 0;
	store->fd = make_file(path);
	if (store->fd < 0)
		return store->fd;
	if (ring_bytes)
		store->area = (ring_bytes - ring_bytes / INDEX_SHARE) / CN_RECORD_ALIGN * CN_RECORD_ALIGN;
	store->end = CN_RECORD_HEAD_BYTES;
	return write_head(store->fd, ring_bytes);
}

void cn_store_fini(struct cn_store *store)
{
	for (size_t i = 0; i < store->n; i++)
		free(store->blocks[i].bytes);
	free(store->blocks);
	if (store->fd >= 0)
		close(store->fd);
}

uint64_t cn_store_bytes(const struct cn_store *store)
{
	uint64_t bytes = 0;

	if (store->fd >= 0)
		return store->end;
	for (size_t i = 0; i < store->n; i++)
		bytes += cn_record_aligned(store->blocks[i].block.bytes);
	return bytes + CN_RECORD_ALIGN;
}

struct cn_record_block *cn_store_open_block(struct cn_store *store)
{
	return store->open ? &store->blocks[store->n - 1].block : NULL;
}

/* ---------------------------------------------------------------- giving way */

static void drop(struct cn_store *store, size_t i)
{
	store->dropped++;
	store->dropped_moments += store->blocks[i].block.moments;
	free(store->blocks[i].bytes);
	memmove(&store->blocks[i], &store->blocks[i + 1], (store->n - i - 1) * sizeof store->blocks[0]);
	store->n--;
}

/* Of a file: blocks that lie where the open one has come to. */
static void drop_under(struct cn_store *store, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i + 1 < store->n;) {
		const struct cn_stored *stored = &store->blocks[i];

		if (stored->offset < to && stored->offset + stored->block.bytes > from)
			drop(store, i);
		else
			i++;
	}
}

/* Of memory: blocks that nobody asks for any more, because what follows is long enough. */
static void drop_old(struct cn_store *store)
{
	while (store->n > 1 && store->blocks[store->n - 1].block.last_ns >=
				       store->blocks[1].block.first_ns + store->last_ns)
		drop(store, 0);
	while (store->n > 1 && store->ring_bytes && cn_store_bytes(store) > store->ring_bytes)
		drop(store, 0);
}

/* ------------------------------------------------------------------- writing */

static int put_head(struct cn_store *store, const struct cn_record_block *block)
{
	const struct cn_stored *stored = &store->blocks[store->n - 1];
	uint8_t head[CN_RECORD_HEAD_BYTES];

	cn_record_block_encode(head, block);
	if (store->fd >= 0)
		return write_at(store->fd, stored->offset, head, sizeof head);
	memcpy(stored->bytes, head, sizeof head);
	return 0;
}

int cn_store_begin(struct cn_store *store, uint64_t number, uint64_t first_ns)
{
	struct cn_record_block head = { .number = number, .first_ns = first_ns };
	struct cn_stored *stored;

	if (store->n == store->room) {
		const size_t room = store->room ? 2 * store->room : 16;
		struct cn_stored *blocks = reallocarray(store->blocks, room, sizeof *blocks);

		if (!blocks)
			return -ENOMEM;
		store->blocks = blocks;
		store->room = room;
	}
	if (store->area && store->at + store->area / WRAP_SHARE > store->area)
		store->at = CN_RECORD_ALIGN;
	stored = &store->blocks[store->n];
	*stored = (struct cn_stored){ .offset = store->at, .block = head };
	stored->block.bytes = CN_RECORD_HEAD_BYTES;
	if (store->fd < 0) {
		stored->room = CN_RECORD_ALIGN;
		stored->bytes = malloc(stored->room);
		if (!stored->bytes)
			return -ENOMEM;
	}
	store->n++;
	store->open = true;
	drop_under(store, store->at, store->at + CN_RECORD_ALIGN);
	return put_head(store, &head);
}

static int append_to_memory(struct cn_stored *stored, const uint8_t *bytes, size_t n)
{
	const size_t used = (size_t)stored->block.bytes;

	if (used + n > stored->room) {
		const size_t room = used + n > 2 * stored->room ? used + n : 2 * stored->room;
		uint8_t *larger = realloc(stored->bytes, room);

		if (!larger)
			return -ENOMEM;
		stored->bytes = larger;
		stored->room = room;
	}
	memcpy(stored->bytes + used, bytes, n);
	return 0;
}

int cn_store_append(struct cn_store *store, const uint8_t *bytes, size_t n)
{
	struct cn_stored *stored = &store->blocks[store->n - 1];
	const uint64_t at = stored->offset + stored->block.bytes;
	int rc;

	if (store->fd < 0) {
		if (store->ring_bytes && stored->block.bytes + n > store->ring_bytes)
			return -ENOSPC;
		rc = append_to_memory(stored, bytes, n);
		if (rc == 0)
			stored->block.bytes += n;
		if (rc == 0)
			drop_old(store);
		return rc;
	}
	/* The chunk that closes it has to find room, too. */
	if (store->area && at + n + CN_RECORD_CHUNK_HEAD_BYTES > store->area)
		return -ENOSPC;
	drop_under(store, stored->offset, at + n);
	stored = &store->blocks[store->n - 1];
	rc = write_at(store->fd, at, bytes, n);
	if (rc == 0)
		stored->block.bytes += n;
	if (rc == 0 && at + n > store->end)
		store->end = at + n;
	return rc;
}

int cn_store_end(struct cn_store *store)
{
	struct cn_record_chunk none = { 0 };
	uint8_t end[CN_RECORD_CHUNK_HEAD_BYTES] = { 0 };
	struct cn_record_block *block = cn_store_open_block(store);
	int rc;

	cn_record_chunk_encode(end, &none, block->number, NULL);
	rc = cn_store_append(store, end, sizeof end);
	block = cn_store_open_block(store);
	if (rc == 0)
		rc = put_head(store, block);
	store->at = cn_record_aligned(store->blocks[store->n - 1].offset + block->bytes);
	store->open = false;
	return rc;
}

/* Its head says that it is not closed, and a lower number than the next one has: nobody takes it for a whole one. */
void cn_store_forget(struct cn_store *store)
{
	struct cn_stored *stored = &store->blocks[store->n - 1];

	store->at = store->area ? CN_RECORD_ALIGN : stored->offset;
	free(stored->bytes);
	store->n--;
	store->open = false;
}

/* ------------------------------------------------------------------ the index */

static int write_index(int fd, uint64_t at, const struct cn_stored *blocks, size_t n)
{
	const size_t bytes = n * CN_RECORD_INDEX_ROW_BYTES + CN_RECORD_TAIL_BYTES;
	uint8_t *index = malloc(bytes);
	int rc;

	if (!index)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		cn_record_index_row_encode(index + i * CN_RECORD_INDEX_ROW_BYTES, blocks[i].offset,
			&blocks[i].block);
	cn_record_tail_encode(index + bytes - CN_RECORD_TAIL_BYTES, at, n,
		cn_record_check(0, index, bytes - CN_RECORD_TAIL_BYTES));
	rc = write_at(fd, at, index, bytes);
	free(index);
	if (rc == 0 && ftruncate(fd, (off_t)(at + bytes)))
		rc = -errno;
	return rc;
}

int cn_store_finish(struct cn_store *store)
{
	const uint64_t at = cn_record_aligned(store->end);
	int rc = write_index(store->fd, at, store->blocks, store->n);

	if (rc == 0)
		store->end = at + store->n * CN_RECORD_INDEX_ROW_BYTES + CN_RECORD_TAIL_BYTES;
	return rc;
}

/* One that is open is closed in the file only. */
static int write_block(int fd, uint64_t at, const struct cn_stored *stored, bool open, struct cn_stored *ret_written)
{
	struct cn_record_chunk none = { 0 };
	uint8_t end[CN_RECORD_CHUNK_HEAD_BYTES] = { 0 }, head[CN_RECORD_HEAD_BYTES];
	int rc = write_at(fd, at, stored->bytes, (size_t)stored->block.bytes);

	*ret_written = *stored;
	ret_written->offset = at;
	if (!open || rc)
		return rc;
	cn_record_chunk_encode(end, &none, stored->block.number, NULL);
	rc = write_at(fd, at + stored->block.bytes, end, sizeof end);
	ret_written->block.bytes += sizeof end;
	cn_record_block_encode(head, &ret_written->block);
	return rc ? rc : write_at(fd, at, head, sizeof head);
}

static int write_all(const struct cn_store *store, int fd)
{
	struct cn_stored *written = calloc(store->n + 1, sizeof *written);
	uint64_t at = CN_RECORD_ALIGN;
	int rc = written ? write_head(fd, store->ring_bytes) : -ENOMEM;

	for (size_t i = 0; i < store->n && rc == 0; i++) {
		rc = write_block(fd, at, &store->blocks[i], store->open && i + 1 == store->n, &written[i]);
		at = cn_record_aligned(at + written[i].block.bytes);
	}
	if (rc == 0)
		rc = write_index(fd, at, written, store->n);
	free(written);
	return rc;
}

int cn_store_write(const struct cn_store *store)
{
	const size_t bytes = strlen(store->path) + sizeof ".part";
	char *part = malloc(bytes);
	int fd, rc;

	if (!part)
		return -ENOMEM;
	snprintf(part, bytes, "%s.part", store->path);
	fd = make_file(part);
	rc = fd < 0 ? fd : write_all(store, fd);
	if (fd >= 0 && close(fd) && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(part, store->path))
		rc = -errno;
	if (rc && fd >= 0)
		unlink(part);
	free(part);
	return rc;
}
