/* SPDX-License-Identifier: MIT */
/* What is written into a recording comes out of it, as far as it is whole. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <frame.h>

#include "record/recorder.h"
#include "record/recording.h"
#include "source/session.h"

#define S 1000000000ull

enum { FRAMES_OF_LOOK = 3, TEXT_BYTES = 400 };

static char folder[64], path[80], other[80];

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/rouse-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/rec", folder);
	snprintf(other, sizeof other, "%s/cut", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	return rmdir(folder);
}

/* ------------------------------------------------------------------- writing */

static void put(struct cn_recorder *recorder, const Rouse__V1__Frame *frame)
{
	uint8_t bytes[1024];
	size_t n = 0;

	assert_int_equal(rp_frame_pack(frame, bytes, sizeof bytes, &n), 0);
	cn_recorder_frame(recorder, bytes, n);
}

/* Text of which little repeats, so that sizes are those of real things. */
static void make_text(char text[TEXT_BYTES], uint64_t frame)
{
	uint64_t x = frame + 1;

	for (size_t i = 0; i + 1 < TEXT_BYTES; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		text[i] = (char)('a' + (x >> 58) % 26);
	}
	text[TEXT_BYTES - 1] = 0;
}

static void put_frame(struct cn_recorder *recorder, uint64_t look, unsigned int number)
{
	Rouse__V1__Error error = ROUSE__V1__ERROR__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	char text[TEXT_BYTES];

	make_text(text, look * FRAMES_OF_LOOK + number);
	error.code = (int32_t)(look * FRAMES_OF_LOOK + number);
	error.text = text;
	frame.body_case = ROUSE__V1__FRAME__BODY_ERROR;
	frame.error = &error;
	put(recorder, &frame);
}

static void put_look(struct cn_recorder *recorder, uint64_t look)
{
	Rouse__V1__Moment moment = ROUSE__V1__MOMENT__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	if (cn_recorder_wants_keyframe(recorder))
		cn_recorder_cut(recorder);
	for (unsigned int i = 0; i < FRAMES_OF_LOOK; i++)
		put_frame(recorder, look, i);
	moment.now_ns = (look + 1) * S;
	frame.body_case = ROUSE__V1__FRAME__BODY_MOMENT;
	frame.moment = &moment;
	put(recorder, &frame);
	cn_recorder_moment(recorder, moment.now_ns, 1);
}

static struct cn_recorder *recorder_of(uint64_t ring_bytes, uint64_t last_ns)
{
	const struct cn_recorder_opts opts = { .size = sizeof opts, .ring_bytes = ring_bytes, .last_ns = last_ns };
	struct cn_recorder *recorder;
	struct cn_why why;

	assert_int_equal(cn_recorder_open(path, &opts, &recorder, &why), 0);
	return recorder;
}

static void write_looks(uint64_t n)
{
	struct cn_recorder *recorder = recorder_of(0, 0);
	struct cn_why why;

	for (uint64_t i = 0; i < n; i++)
		put_look(recorder, i);
	assert_int_equal(cn_recorder_close(recorder, &why), 0);
}

/* ------------------------------------------------------------------- reading */

struct seen {
	struct rp_decoder *decoder;
	uint64_t looks, first; /* whole ones, in a row, and which was the first */
	unsigned int frames;   /* of the look in progress */
};

static int see(void *arg, const uint8_t *bytes, size_t n)
{
	struct seen *seen = arg;
	const Rouse__V1__Frame *frame;
	char text[TEXT_BYTES];

	assert_int_equal(rp_frame_decode(seen->decoder, bytes, n, &frame), 0);
	if (frame->body_case == ROUSE__V1__FRAME__BODY_MOMENT) {
		assert_int_equal(seen->frames, FRAMES_OF_LOOK);
		assert_int_equal(frame->moment->now_ns, (seen->first + seen->looks + 1) * S);
		seen->looks++;
		seen->frames = 0;
		return 0;
	}
	assert_int_equal(frame->body_case, ROUSE__V1__FRAME__BODY_ERROR);
	if (!seen->looks && !seen->frames)
		seen->first = (uint64_t)frame->error->code / FRAMES_OF_LOOK;
	assert_int_equal(frame->error->code, (seen->first + seen->looks) * FRAMES_OF_LOOK + seen->frames);
	make_text(text, (uint64_t)frame->error->code);
	assert_string_equal(frame->error->text, text);
	seen->frames++;
	return 0;
}

/* Every look from its first to its last one, none twice, none missing between them. */
static struct seen read_file(const char *file, char note[160])
{
	struct seen seen = { .decoder = rp_decoder_new() };
	struct cn_recording *recording;
	struct cn_why why;
	int rc = cn_recording_open(file, &recording, &why);

	if (rc) {
		assert_int_equal(rc, -EBADMSG);
		snprintf(note, 160, "%.100s", why.text);
	} else {
		const uint64_t told = cn_recording_moments(recording);

		while ((rc = cn_recording_next(recording, see, &seen)) == 0)
			continue;
		assert_int_equal(rc, 1);
		assert_int_equal(seen.looks, told);
		snprintf(note, 160, "%s", cn_recording_note(recording));
		cn_recording_close(recording);
	}
	rp_decoder_free(seen.decoder);
	return seen;
}

static uint8_t *bytes_of(const char *file, size_t *ret_n)
{
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	uint8_t *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_n = (size_t)st.st_size;
	return bytes;
}

static void write_file(const char *file, const uint8_t *bytes, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* --------------------------------------------------------------------- tests */

static void what_is_written_comes_out_again(void **state)
{
	struct seen seen;
	char note[160];

	(void)state;
	write_looks(200);
	seen = read_file(path, note);
	assert_int_equal(seen.looks, 200);
	assert_int_equal(seen.first, 0);
	assert_string_equal(note, "");
}

static void any_block_can_be_read_by_itself(void **state)
{
	struct cn_recording *recording;
	struct cn_why why;

	(void)state;
	write_looks(60);
	assert_int_equal(cn_recording_open(path, &recording, &why), 0);
	assert_true(cn_recording_blocks(recording) >= 4);
	for (size_t i = cn_recording_blocks(recording); i-- > 0;) {
		struct seen seen = { .decoder = rp_decoder_new() };
		uint64_t first;
		const struct cn_record_block *block = cn_recording_block(recording, i, &first);

		assert_int_equal(cn_recording_block_of(recording, first), i);
		assert_int_equal(cn_recording_block_of(recording, first + block->moments - 1), i);
		assert_int_equal(cn_recording_seek(recording, i), 0);
		assert_int_equal(cn_recording_next(recording, see, &seen), 0);
		assert_int_equal(seen.first, first);
		assert_int_equal(block->first_ns, (first + 1) * S);
		rp_decoder_free(seen.decoder);
	}
	cn_recording_close(recording);
}

/* Where the last block begins, and where what is in it ends. */
static void bounds_of_last_block(const uint8_t *bytes, size_t n, size_t *ret_from, size_t *ret_to)
{
	struct cn_record_block block;

	*ret_from = *ret_to = 0;
	for (size_t at = CN_RECORD_ALIGN; at + CN_RECORD_HEAD_BYTES <= n; at += CN_RECORD_ALIGN) {
		if (!cn_record_block_decode(bytes + at, &block))
			continue;
		*ret_from = at;
		*ret_to = at + block.bytes;
	}
	assert_true(*ret_from > CN_RECORD_ALIGN && *ret_to <= n);
}

/* Wherever the last block is cut, all looks before it are there, and of its own those that are whole. */
static void a_file_that_is_cut_anywhere_gives_its_whole_looks(void **state)
{
	uint64_t before = 0, first;
	size_t n, from, to;
	uint8_t *bytes;
	char note[160];

	(void)state;
	write_looks(24);
	bytes = bytes_of(path, &n);
	bounds_of_last_block(bytes, n, &from, &to);
	write_file(other, bytes, from);
	first = read_file(other, note).looks;
	assert_true(first >= 10 && first < 24);
	for (size_t at = from; at <= to; at++) {
		struct seen seen;

		write_file(other, bytes, at);
		seen = read_file(other, note);
		assert_true(seen.looks >= first && seen.looks >= before && seen.looks <= 24);
		assert_non_null(strstr(note, "not closed"));
		before = seen.looks;
	}
	assert_int_equal(before, 24);
	free(bytes);
}

/* No flipped bit gives out a look that was not written, nor costs one without a word. */
static void a_flipped_byte_costs_looks_and_invents_none(void **state)
{
	unsigned int noted = 0;
	size_t n, from, to;
	uint8_t *bytes;

	(void)state;
	write_looks(24);
	bytes = bytes_of(path, &n);
	bounds_of_last_block(bytes, n, &from, &to);
	for (size_t i = from; i < to; i += 3) {
		struct seen seen = { .decoder = rp_decoder_new() };
		struct cn_recording *recording;
		struct cn_why why;
		int rc;

		bytes[i] ^= 0x10;
		write_file(other, bytes, n);
		assert_int_equal(cn_recording_open(other, &recording, &why), 0);
		while ((rc = cn_recording_next(recording, see, &seen)) == 0 || rc == -EAGAIN)
			continue;
		assert_int_equal(rc, 1);
		assert_true(seen.looks <= 24);
		assert_true(seen.looks == 24 || *cn_recording_note(recording));
		noted += seen.looks < 24;
		cn_recording_close(recording);
		rp_decoder_free(seen.decoder);
		bytes[i] ^= 0x10;
	}
	assert_true(noted > 100);
	free(bytes);
}

static void a_damaged_block_in_the_middle_is_passed_over(void **state)
{
	struct seen seen = { .decoder = rp_decoder_new() };
	struct cn_recording *recording;
	struct cn_why why;
	uint64_t first, skipped;
	uint8_t *bytes;
	size_t n;

	(void)state;
	write_looks(60);
	bytes = bytes_of(path, &n);
	assert_int_equal(cn_recording_open(path, &recording, &why), 0);
	skipped = cn_recording_block(recording, 1, &first)->moments;
	cn_recording_close(recording);
	for (size_t at = CN_RECORD_ALIGN, blocks = 0; at < n; at += CN_RECORD_ALIGN)
		if (memcmp(bytes + at, "rouseblk", 8) == 0 && ++blocks == 2)
			bytes[at + CN_RECORD_HEAD_BYTES + CN_RECORD_CHUNK_HEAD_BYTES + 5] ^= 1;
	write_file(other, bytes, n);
	assert_int_equal(cn_recording_open(other, &recording, &why), 0);
	for (uint64_t i = 0; i < first; i++)
		assert_int_equal(cn_recording_next(recording, see, &seen), 0);
	assert_int_equal(cn_recording_next(recording, see, &seen), -EAGAIN);
	seen.looks += skipped;
	while (cn_recording_next(recording, see, &seen) == 0)
		continue;
	assert_int_equal(seen.looks, 60);
	assert_int_equal(cn_recording_moments(recording), 60 - skipped);
	assert_non_null(strstr(cn_recording_note(recording), "damaged"));
	cn_recording_close(recording);
	rp_decoder_free(seen.decoder);
	free(bytes);
}

static void a_block_that_has_just_begun_takes_nothing_from_what_is_told(void **state)
{
	struct cn_recorder *recorder = recorder_of(0, 0);
	struct cn_recorder_stats before, after;
	struct cn_why why;

	(void)state;
	put_look(recorder, 0);
	put_look(recorder, 1);
	cn_recorder_stats(recorder, &before);
	cn_recorder_cut(recorder);
	put_frame(recorder, 2, 0);
	cn_recorder_stats(recorder, &after);
	assert_true(before.last_ns > before.first_ns);
	assert_int_equal(after.first_ns, before.first_ns);
	assert_int_equal(after.last_ns, before.last_ns);
	assert_int_equal(after.kept_moments, 2);
	assert_int_equal(cn_recorder_close(recorder, &why), 0);
}

static void a_ring_never_grows_beyond_its_bound_and_keeps_the_newest(void **state)
{
	struct cn_recorder *recorder = recorder_of(CN_RECORDER_RING_MIN, 0);
	struct cn_recorder_stats stats;
	struct cn_why why;
	struct seen seen;
	struct stat st;
	char note[160];

	(void)state;
	for (uint64_t i = 0; i < 5000; i++) {
		put_look(recorder, i);
		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_size <= CN_RECORDER_RING_MIN);
	}
	/* As who is killed leaves it: to be found without an index. */
	seen = read_file(path, note);
	assert_int_equal(seen.first + seen.looks, 5000);
	assert_true(seen.first > 0 && seen.looks > 500);
	assert_non_null(strstr(note, "not closed"));
	cn_recorder_stats(recorder, &stats);
	assert_int_equal(stats.moments, 5000);
	assert_int_equal(stats.lost_moments, 0);
	assert_true(stats.dropped_blocks > 0);
	assert_int_equal(cn_recorder_close(recorder, &why), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= CN_RECORDER_RING_MIN);
	seen = read_file(path, note);
	assert_int_equal(seen.looks, stats.kept_moments);
	assert_int_equal(seen.first + seen.looks, 5000);
	assert_string_equal(note, "");
}

static void memory_keeps_the_last_seconds_and_writes_them_when_asked(void **state)
{
	struct cn_recorder *recorder = recorder_of(0, 30 * S);
	struct cn_recorder_stats stats;
	struct cn_why why;
	struct seen seen;
	char note[160];

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		put_look(recorder, i);
		cn_recorder_stats(recorder, &stats);
		assert_true(i < 31 || stats.last_ns - stats.first_ns >= 30 * S);
	}
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(cn_recorder_write(recorder, &why), 0);
	seen = read_file(path, note);
	assert_int_equal(seen.first + seen.looks, 1000);
	assert_true(seen.looks >= 30 && seen.looks < 60);
	assert_string_equal(note, "");
	/* And goes on: the next one takes its place. */
	for (uint64_t i = 1000; i < 1100; i++)
		put_look(recorder, i);
	assert_int_equal(cn_recorder_write(recorder, &why), 0);
	seen = read_file(path, note);
	assert_int_equal(seen.first + seen.looks, 1100);
	assert_int_equal(cn_recorder_close(recorder, &why), 0);
}

static void what_is_no_recording_is_refused_with_a_reason(void **state)
{
	uint8_t bytes[CN_RECORD_HEAD_BYTES];
	struct cn_recording *recording;
	struct cn_why why;

	(void)state;
	write_file(path, (const uint8_t *)"something else", 14);
	assert_int_equal(cn_recording_open(path, &recording, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "no recording"));
	cn_record_head_encode(bytes, 0);
	bytes[8]++; /* of a later version */
	write_file(path, bytes, sizeof bytes);
	assert_int_equal(cn_recording_open(path, &recording, &why), -EPROTO);
	assert_int_equal(cn_recording_open("/nonexistent", &recording, &why), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
TEST_MAIN(TEST(what_is_written_comes_out_again), TEST(any_block_can_be_read_by_itself),
	TEST(a_file_that_is_cut_anywhere_gives_its_whole_looks), TEST(a_flipped_byte_costs_looks_and_invents_none),
	TEST(a_damaged_block_in_the_middle_is_passed_over),
	TEST(a_block_that_has_just_begun_takes_nothing_from_what_is_told),
	TEST(a_ring_never_grows_beyond_its_bound_and_keeps_the_newest),
	TEST(memory_keeps_the_last_seconds_and_writes_them_when_asked),
	TEST(what_is_no_recording_is_refused_with_a_reason));
