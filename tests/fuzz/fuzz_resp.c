/* SPDX-License-Identifier: MIT */
/*
 * mini_redis's request parser in two cuttings: the requests, and where it
 * gives up, must be the same. Every call gets a copy of exactly its bytes, so
 * that a look past them is seen. First byte: the seed of the second cutting;
 * the rest: what a client sends.
 */
#include "fuzz.h"

#include <string.h>

#include <mini_redis/resp.h>

struct reader {
	struct resp_parser parser;
	size_t start;
	uint64_t digest;
	const char *error;
};

static void digest(struct reader *reader, const char *bytes)
{
	reader->digest = reader->digest * 1000003 + reader->parser.argc;
	for (uint32_t i = 0; i < reader->parser.argc; i++) {
		const struct resp_arg *arg = &reader->parser.argv[i];

		FUZZ_ASSERT(arg->at <= reader->parser.used && arg->bytes <= reader->parser.used - arg->at);
		reader->digest = reader->digest * 31 + arg->bytes;
		for (uint32_t j = 0; j < arg->bytes; j++)
			reader->digest = reader->digest * 31 + (unsigned char)bytes[arg->at + j];
	}
}

/* Parses what has come, up to `end`. */
static void feed(struct reader *reader, const uint8_t *data, size_t end)
{
	enum resp_status status = RESP_REQUEST;

	while (status == RESP_REQUEST && !reader->error) {
		const size_t n = end - reader->start;
		char *bytes = malloc(n ? n : 1);

		FUZZ_ASSERT(bytes);
		memcpy(bytes, data + reader->start, n);
		status = resp_parse(&reader->parser, bytes, n);
		if (status == RESP_REQUEST) {
			FUZZ_ASSERT(reader->parser.used > 0 && reader->parser.used <= n);
			digest(reader, bytes);
			reader->start += reader->parser.used;
		} else if (status == RESP_MALFORMED) {
			reader->error = reader->parser.error;
		}
		free(bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reader whole, pieces;
	uint32_t random;

	if (size == 0)
		return 0;
	random = data[0] * 2654435761u + 1;
	data++;
	size--;
	memset(&whole, 0, sizeof whole);
	memset(&pieces, 0, sizeof pieces);
	feed(&whole, data, size);
	for (size_t at = 0; at < size;) {
		random = random * 1664525 + 1013904223;
		size_t piece = 1 + (random >> 16) % (random & 1 ? 3 : 40);

		at += piece < size - at ? piece : size - at;
		feed(&pieces, data, at);
	}
	FUZZ_ASSERT(whole.digest == pieces.digest && whole.start == pieces.start);
	FUZZ_ASSERT((whole.error == NULL) == (pieces.error == NULL));
	FUZZ_ASSERT(!whole.error || !strcmp(whole.error, pieces.error));
	return 0;
}
