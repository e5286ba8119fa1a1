/* SPDX-License-Identifier: MIT */
/*
 * A stream in two cuttings: the frames, and where it breaks, must be the same.
 * First byte: the seed of the second cutting; the rest: the stream.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include <splitter.h>

struct sink {
	uint64_t frames, digest;
};

static int take(void *arg, const uint8_t *bytes, size_t n)
{
	struct sink *sink = arg;

	sink->frames++;
	sink->digest = sink->digest * 1000003 + n;
	for (size_t i = 0; i < n; i++)
		sink->digest = sink->digest * 31 + bytes[i];
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_splitter whole, pieces;
	struct sink a = { 0, 0 }, b = { 0, 0 };
	uint32_t random;
	int rc = 0;

	if (size == 0)
		return 0;
	random = data[0] * 2654435761u + 1;
	data++;
	size--;
	rp_splitter_init(&whole, 0);
	rp_splitter_init(&pieces, 0);
	int expected = rp_splitter_feed(&whole, data, size, take, &a);

	for (size_t at = 0; at < size && rc == 0;) {
		random = random * 1664525 + 1013904223;
		size_t piece = 1 + (random >> 16) % (random & 1 ? 3 : 700);

		piece = piece < size - at ? piece : size - at;
		rc = rp_splitter_feed(&pieces, data + at, piece, take, &b);
		at += piece;
	}
	FUZZ_ASSERT(expected == 0 || expected == -EBADMSG || expected == -EMSGSIZE);
	FUZZ_ASSERT(rc == expected);
	FUZZ_ASSERT(a.frames == b.frames && a.digest == b.digest);
	FUZZ_ASSERT(rp_splitter_idle(&whole) == rp_splitter_idle(&pieces));
	rp_splitter_fini(&whole);
	rp_splitter_fini(&pieces);
	return 0;
}
