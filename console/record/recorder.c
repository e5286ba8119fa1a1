/* SPDX-License-Identifier: MIT */
/*
 * Cuts what comes into blocks. A block costs a keyframe, so there is a new one
 * only when the one that is open has grown to a few times its own, or when it
 * has lasted long enough that a reader would have far to go.
 */
#include "record/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export/text.h"
#include "record/chunks.h"
#include "record/store.h"
#include "source/source.h"

#define S 1000000000ull
#define BLOCK_NS (10 * S)

enum { BLOCK_BYTES = 1 << 20, KEYFRAME_FACTOR = 4, PARTS = 8 /* blocks that a bound is divided into, at least */ };

struct cn_recorder {
	struct cn_recorder_opts opts;
	struct cn_store store;
	struct cn_chunks *chunks;
	char *path;
	uint64_t number;         /* of the newest block */
	uint64_t block_bytes, block_ns;
	uint64_t keyframe_bytes; /* of the open block at its first moment, 0 = that has not come */
	uint64_t now_ns;         /* of the newest moment */
	struct cn_recorder_stats stats;
	bool wants_keyframe;
	int error;
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int cannot(const struct cn_recorder *recorder, int rc, struct cn_why *why)
{
	return cn_why_set(why, rc, "cannot record into %s: %s", cn_safe(recorder->path), strerror(-rc));
}

static int start(struct cn_recorder *recorder, const char *path)
{
	recorder->path = strdup(path);
	recorder->chunks = cn_chunks_new();
	if (!recorder->path || !recorder->chunks)
		return -ENOMEM;
	if (recorder->opts.last_ns && access(path, W_OK) && (errno != ENOENT))
		return -errno;
	return cn_store_init(&recorder->store, recorder->path, recorder->opts.ring_bytes, recorder->opts.last_ns);
}

static void free_recorder(struct cn_recorder *recorder)
{
	cn_store_fini(&recorder->store);
	cn_chunks_free(recorder->chunks);
	free(recorder->path);
	free(recorder);
}

int cn_recorder_open(const char *path, const struct cn_recorder_opts *opts, struct cn_recorder **ret_recorder,
	struct cn_why *why)
{
	struct cn_recorder *recorder;
	int rc;

	if (opts->size < sizeof *opts || (opts->ring_bytes && opts->ring_bytes < CN_RECORDER_RING_MIN))
		return cn_why_set(why, -EINVAL, "a ring of less than %d bytes is too small for a recording",
			CN_RECORDER_RING_MIN);
	recorder = calloc(1, sizeof *recorder);
	if (!recorder)
		return cn_why_set(why, -ENOMEM, "no memory to record into %s", cn_safe(path));
	recorder->opts = *opts;
	recorder->store.fd = -1;
	recorder->wants_keyframe = true;
	recorder->block_bytes = opts->ring_bytes ? least(opts->ring_bytes / (2 * PARTS), BLOCK_BYTES) : BLOCK_BYTES;
	recorder->block_ns = opts->last_ns ? least(opts->last_ns / PARTS + 1, BLOCK_NS) : BLOCK_NS;
	rc = start(recorder, path);
	if (rc) {
		rc = recorder->path ? cannot(recorder, rc, why)
				    : cn_why_set(why, rc, "no memory to record into %s", cn_safe(path));
		free_recorder(recorder);
		return rc;
	}
	*ret_recorder = recorder;
	return 0;
}

/* ------------------------------------------------------------------- taking in */

static void fail(struct cn_recorder *recorder, int rc)
{
	struct cn_record_block *block = cn_store_open_block(&recorder->store);

	if (!rc)
		return;
	if (rc == -ENOSPC && recorder->opts.ring_bytes && block) {
		recorder->stats.lost_moments += block->moments;
		cn_store_forget(&recorder->store);
		recorder->wants_keyframe = true;
	} else if (!recorder->error) {
		recorder->error = rc;
	}
}

static int take_chunk(void *arg, const uint8_t *bytes, size_t n)
{
	struct cn_recorder *recorder = arg;

	return cn_store_append(&recorder->store, bytes, n);
}

static void close_block(struct cn_recorder *recorder)
{
	if (cn_store_open_block(&recorder->store))
		fail(recorder, cn_chunks_flush(recorder->chunks, take_chunk, recorder));
	if (cn_store_open_block(&recorder->store))
		fail(recorder, cn_store_end(&recorder->store));
}

bool cn_recorder_wants_keyframe(const struct cn_recorder *recorder)
{
	return recorder->wants_keyframe && !recorder->error;
}

void cn_recorder_cut(struct cn_recorder *recorder)
{
	int rc;

	close_block(recorder);
	if (recorder->error)
		return;
	rc = cn_chunks_begin(recorder->chunks, ++recorder->number);
	if (rc == 0)
		rc = cn_store_begin(&recorder->store, recorder->number, recorder->now_ns);
	recorder->wants_keyframe = false;
	recorder->keyframe_bytes = 0;
	fail(recorder, rc);
}

void cn_recorder_frame(struct cn_recorder *recorder, const uint8_t *bytes, size_t n)
{
	struct cn_record_block *block = cn_store_open_block(&recorder->store);

	if (recorder->error || !block)
		return;
	block->raw_bytes += n;
	fail(recorder, cn_chunks_frame(recorder->chunks, bytes, n, take_chunk, recorder));
}

static bool is_full(const struct cn_recorder *recorder, const struct cn_record_block *block)
{
	const uint64_t enough = recorder->keyframe_bytes * KEYFRAME_FACTOR;

	if (block->bytes >= (recorder->block_bytes > enough ? recorder->block_bytes : enough))
		return true;
	return block->last_ns - block->first_ns >= recorder->block_ns &&
	       (recorder->opts.last_ns || recorder->keyframe_bytes < recorder->block_bytes);
}

void cn_recorder_moment(struct cn_recorder *recorder, uint64_t now_ns, uint32_t generations)
{
	struct cn_record_block *block = cn_store_open_block(&recorder->store);

	recorder->now_ns = now_ns;
	if (!block || recorder->error) {
		recorder->stats.lost_moments++;
		return;
	}
	if (!block->moments)
		block->first_ns = now_ns;
	block->last_ns = now_ns;
	block->moments++;
	fail(recorder, cn_chunks_flush(recorder->chunks, take_chunk, recorder));
	block = cn_store_open_block(&recorder->store);
	if (!block)
		return;
	recorder->stats.moments++;
	recorder->stats.generations += generations;
	if (!recorder->keyframe_bytes)
		recorder->keyframe_bytes = block->bytes;
	recorder->wants_keyframe = recorder->wants_keyframe || is_full(recorder, block);
}

void cn_recorder_lost(struct cn_recorder *recorder, uint64_t generations, uint64_t events)
{
	recorder->stats.lost_generations += generations;
	recorder->stats.lost_events += events;
}

/* --------------------------------------------------------------------- ending */

int cn_recorder_write(struct cn_recorder *recorder, struct cn_why *why)
{
	struct cn_recorder_stats stats;
	int rc = recorder->opts.last_ns ? 0 : -EINVAL;

	cn_recorder_stats(recorder, &stats);
	if (rc == 0 && !stats.kept_moments)
		return cn_why_set(why, -ENODATA, "there is no whole look yet to write into %s", cn_safe(recorder->path));
	if (rc == 0)
		rc = cn_store_write(&recorder->store);
	return rc ? cannot(recorder, rc, why) : 0;
}

int cn_recorder_close(struct cn_recorder *recorder, struct cn_why *why)
{
	int rc;

	if (!recorder)
		return 0;
	if (!recorder->opts.last_ns && !recorder->error)
		close_block(recorder);
	if (!recorder->opts.last_ns && !recorder->error)
		recorder->error = cn_store_finish(&recorder->store);
	rc = recorder->error ? cannot(recorder, recorder->error, why) : 0;
	free_recorder(recorder);
	return rc;
}

int cn_recorder_error(const struct cn_recorder *recorder)
{
	return recorder->error;
}

void cn_recorder_stats(const struct cn_recorder *recorder, struct cn_recorder_stats *ret_stats)
{
	const struct cn_store *store = &recorder->store;

	*ret_stats = recorder->stats;
	ret_stats->bytes = cn_store_bytes(store);
	ret_stats->dropped_blocks = store->dropped;
	for (size_t i = 0; i < store->n; i++) {
		ret_stats->kept_moments += store->blocks[i].block.moments;
		ret_stats->raw_bytes += store->blocks[i].block.raw_bytes;
		if (store->blocks[i].block.moments)
			ret_stats->last_ns = store->blocks[i].block.last_ns; /* one that has just begun has none */
	}
	if (store->n)
		ret_stats->first_ns = store->blocks[0].block.first_ns;
}
