/* SPDX-License-Identifier: MIT */
/*
 * Where blocks go: to the end of a file, round and round in one, or into
 * memory, from where they are written to a file when somebody asks.
 */
#ifndef CN_RECORD_STORE_H
#define CN_RECORD_STORE_H

#include "record/format.h"

struct cn_stored {
	struct cn_record_block block;
	uint64_t offset;
	uint8_t *bytes; /* NULL: they are in the file */
	size_t used, room;
};

struct cn_store {
	const char *path; /* borrowed */
	int fd;           /* -1 = memory */
	uint64_t ring_bytes, last_ns;
	uint64_t area;    /* end of what blocks may use, 0 = there is none */
	uint64_t at;      /* where the next block begins */
	uint64_t end;     /* of what was ever written */
	struct cn_stored *blocks; /* oldest first; the last one is open, if `open` */
	size_t n, room;
	bool open;
	uint64_t dropped, dropped_moments;
};

/* Both sizes may be 0: see struct cn_recorder_opts. 0 or -errno. */
int cn_store_init(struct cn_store *store, const char *path, uint64_t ring_bytes, uint64_t last_ns);
void cn_store_fini(struct cn_store *store);
/* A block begins: its number, and when. */
int cn_store_begin(struct cn_store *store, uint64_t number, uint64_t first_ns);
/* A chunk of it. -ENOSPC with `ring_bytes`: it has no room, cn_store_forget() it. */
int cn_store_append(struct cn_store *store, const uint8_t *bytes, size_t n);
/* The one that is open, NULL = none. Its members but number, bytes and first_ns are set by whoever feeds it. */
struct cn_record_block *cn_store_open_block(struct cn_store *store);
/* It is whole: closes it. */
int cn_store_end(struct cn_store *store);
/* It cannot become whole. */
void cn_store_forget(struct cn_store *store);
/* The index. */
int cn_store_finish(struct cn_store *store);
/* Of memory: all of it, the open block too, into the file. */
int cn_store_write(const struct cn_store *store);
/* Bytes that are kept. */
uint64_t cn_store_bytes(const struct cn_store *store);

#endif
