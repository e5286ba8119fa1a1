/* SPDX-License-Identifier: MIT */
/* However a stream is cut into reads, the frames are the same. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <frame.h>
#include <splitter.h>

struct sink {
	size_t frames;
	uint64_t digest;
	int answer;      /* of the callback, once `answer_at` frames have come */
	size_t answer_at;
};

static int take(void *arg, const uint8_t *bytes, size_t n)
{
	struct sink *sink = arg;

	sink->frames++;
	sink->digest = sink->digest * 31 + n;
	for (size_t i = 0; i < n; i++)
		sink->digest = sink->digest * 31 + bytes[i];
	return sink->answer_at == sink->frames ? sink->answer : 0;
}

static uint8_t stream[600000];
static size_t stream_bytes;

/* Frames of all interesting lengths: where the prefix grows, and the longest. */
static int build_stream(void **state)
{
	const size_t lengths[] = { 1, 2, 127, 128, 129, 300, 16383, 16384, 1, 65535, 65536, 5 };

	(void)state;
	stream_bytes = 0;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		stream_bytes += rp_prefix_encode(stream + stream_bytes, lengths[i]);
		for (size_t j = 0; j < lengths[i]; j++)
			stream[stream_bytes++] = (uint8_t)(i * 7 + j);
	}
	return 0;
}

static struct sink feed_in_pieces(size_t (*next_piece)(void *arg), void *arg)
{
	struct rp_splitter splitter;
	struct sink sink = { 0 };
	size_t at = 0;

	rp_splitter_init(&splitter, 0);
	while (at < stream_bytes) {
		size_t piece = next_piece(arg);

		piece = piece < stream_bytes - at ? piece : stream_bytes - at;
		uint8_t *copy = malloc(piece);

		memcpy(copy, stream + at, piece);
		assert_int_equal(rp_splitter_feed(&splitter, copy, piece, take, &sink), 0);
		free(copy);
		at += piece;
	}
	assert_true(rp_splitter_idle(&splitter));
	rp_splitter_fini(&splitter);
	return sink;
}

static size_t fixed_piece(void *arg)
{
	return *(size_t *)arg;
}

static size_t random_piece(void *arg)
{
	uint64_t r = test_random(arg);

	return 1 + (r >> 8) % (r % 3 == 0 ? 4 : r % 3 == 1 ? 300 : 100000);
}

static void frames_do_not_depend_on_how_the_stream_was_cut(void **state)
{
	size_t whole = sizeof stream, small[] = { 1, 2, 3, 4, 5, 127, 4096, 65536, 65539, 70000 };
	struct sink expected = feed_in_pieces(fixed_piece, &whole);
	uint64_t random = test_seed();

	(void)state;
	assert_int_equal(expected.frames, 12);
	for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
		struct sink sink = feed_in_pieces(fixed_piece, &small[i]);

		assert_int_equal(sink.frames, expected.frames);
		assert_true(sink.digest == expected.digest);
	}
	for (int i = 0; i < 200; i++) {
		struct sink sink = feed_in_pieces(random_piece, &random);

		assert_true(sink.digest == expected.digest);
	}
}

static int feed_once(size_t limit, const uint8_t *bytes, size_t n)
{
	struct rp_splitter splitter;
	struct sink sink = { 0 };

	rp_splitter_init(&splitter, limit);
	int rc = rp_splitter_feed(&splitter, bytes, n, take, &sink);

	/* In any cut the same verdict. */
	struct rp_splitter bytewise;
	int rc_bytewise = 0;

	rp_splitter_init(&bytewise, limit);
	for (size_t i = 0; i < n && rc_bytewise == 0; i++)
		rc_bytewise = rp_splitter_feed(&bytewise, bytes + i, 1, take, &sink);
	assert_int_equal(rc, rc_bytewise);
	rp_splitter_fini(&splitter);
	rp_splitter_fini(&bytewise);
	return rc;
}

static void lengths_over_the_limit_are_refused_before_their_bytes_come(void **state)
{
	const uint8_t just[] = { 0x80, 0x80, 0x04 }, over[] = { 0x81, 0x80, 0x04 }, endless[] = { 0xff, 0xff, 0xff };
	const uint8_t small_over[] = { 0x81, 0x20 };

	(void)state;
	assert_int_equal(feed_once(0, just, 3), 0);
	assert_int_equal(feed_once(0, over, 3), -EMSGSIZE);
	assert_int_equal(feed_once(0, endless, 3), -EMSGSIZE);
	assert_int_equal(feed_once(4096, small_over, 2), -EMSGSIZE);
	assert_int_equal(feed_once(4097, small_over, 2), 0);
}

static void empty_frames_and_padded_lengths_are_refused(void **state)
{
	const uint8_t empty[] = { 0 }, padded[] = { 0x81, 0x00, 1 };

	(void)state;
	assert_int_equal(feed_once(0, empty, 1), -EBADMSG);
	assert_int_equal(feed_once(0, padded, 3), -EBADMSG);
}

static void errors_are_final(void **state)
{
	const uint8_t empty[] = { 0 }, good[] = { 1, 'x' };
	struct rp_splitter splitter;
	struct sink sink = { .answer = -EPIPE, .answer_at = 1 };

	(void)state;
	rp_splitter_init(&splitter, 0);
	assert_int_equal(rp_splitter_feed(&splitter, empty, 1, take, &sink), -EBADMSG);
	assert_int_equal(rp_splitter_feed(&splitter, good, 2, take, &sink), -EBADMSG);
	assert_false(rp_splitter_idle(&splitter));
	assert_int_equal(sink.frames, 0);
	rp_splitter_fini(&splitter);
	rp_splitter_init(&splitter, 0);
	assert_int_equal(rp_splitter_feed(&splitter, good, 2, take, &sink), -EPIPE);
	assert_int_equal(rp_splitter_feed(&splitter, good, 2, take, &sink), -EPIPE);
	assert_int_equal(sink.frames, 1);
	rp_splitter_fini(&splitter);
}

static void a_cut_stream_is_told_from_one_that_ended(void **state)
{
	const uint8_t good[] = { 2, 'x', 'y' };
	struct rp_splitter splitter;
	struct sink sink = { 0 };

	(void)state;
	rp_splitter_init(&splitter, 0);
	assert_true(rp_splitter_idle(&splitter));
	assert_int_equal(rp_splitter_feed(&splitter, good, 2, take, &sink), 0);
	assert_false(rp_splitter_idle(&splitter));
	assert_int_equal(rp_splitter_feed(&splitter, good + 2, 1, take, &sink), 0);
	assert_true(rp_splitter_idle(&splitter));
	assert_int_equal(sink.frames, 1);
	rp_splitter_fini(&splitter);
}

TEST_MAIN_WITH(build_stream, NULL, cmocka_unit_test(frames_do_not_depend_on_how_the_stream_was_cut),
	cmocka_unit_test(lengths_over_the_limit_are_refused_before_their_bytes_come),
	cmocka_unit_test(empty_frames_and_padded_lengths_are_refused), cmocka_unit_test(errors_are_final),
	cmocka_unit_test(a_cut_stream_is_told_from_one_that_ended));
