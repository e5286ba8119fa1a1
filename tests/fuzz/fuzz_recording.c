/* SPDX-License-Identifier: MIT */
/*
 * A recording that lies. The input is one byte of options, then
 *
 *     options & 1   the file itself
 *     else          where it is cut, in 1/65536 of it (2 bytes; 0: nowhere), then patches of 11 bytes
 *                   to a sound recording: offset (3 bytes), value (8 bytes); options & 2: checks of
 *                   chunks and heads are made right again, so that what is behind them is met
 *
 * Whatever the file says, it is refused, or read to an end, and no more looks
 * come out than it says to have.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <frame.h>

#include "record/recorder.h"
#include "record/recording.h"
#include "source/session.h"

enum { PATCH_BYTES = 11, LOOKS = 30 };

static uint8_t *sound;
static size_t sound_bytes;

static void put(struct cn_recorder *recorder, const Rouse__V1__Frame *frame)
{
	uint8_t bytes[4096];
	size_t n;

	FUZZ_ASSERT(rp_frame_pack(frame, bytes, sizeof bytes, &n) == 0);
	cn_recorder_frame(recorder, bytes, n);
}

static void put_look(struct cn_recorder *recorder, uint64_t look)
{
	Rouse__V1__Error error = ROUSE__V1__ERROR__INIT;
	Rouse__V1__Moment moment = ROUSE__V1__MOMENT__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	char text[600];

	if (cn_recorder_wants_keyframe(recorder))
		cn_recorder_cut(recorder);
	for (size_t i = 0; i + 1 < sizeof text; i++)
		text[i] = (char)('a' + (look * 31 + i * i) % 26);
	text[sizeof text - 1] = 0;
	error.text = text;
	frame.body_case = ROUSE__V1__FRAME__BODY_ERROR;
	frame.error = &error;
	put(recorder, &frame);
	moment.now_ns = (look + 1) * 1000000000;
	frame.body_case = ROUSE__V1__FRAME__BODY_MOMENT;
	frame.moment = &moment;
	put(recorder, &frame);
	cn_recorder_moment(recorder, moment.now_ns, 1);
}

static void build(void)
{
	const struct cn_recorder_opts opts = { .size = sizeof opts };
	char path[] = "/tmp/rouse-fuzz-XXXXXX";
	struct cn_recorder *recorder;
	struct cn_why why;
	int fd = mkstemp(path);

	FUZZ_ASSERT(fd >= 0 && cn_recorder_open(path, &opts, &recorder, &why) == 0);
	for (uint64_t i = 0; i < LOOKS; i++)
		put_look(recorder, i);
	FUZZ_ASSERT(cn_recorder_close(recorder, &why) == 0);
	sound_bytes = (size_t)lseek(fd, 0, SEEK_END);
	sound = malloc(sound_bytes);
	FUZZ_ASSERT(sound && pread(fd, sound, sound_bytes, 0) == (ssize_t)sound_bytes);
	close(fd);
	unlink(path);
}

/* As if its writer had meant it. */
static void mend(uint8_t *bytes, size_t n)
{
	for (size_t at = CN_RECORD_ALIGN; at + CN_RECORD_HEAD_BYTES <= n; at += CN_RECORD_ALIGN) {
		uint64_t words[8];
		size_t chunk = at + CN_RECORD_HEAD_BYTES;

		memcpy(words, bytes + at, sizeof words);
		if (memcmp(bytes + at, "rouseblk", 8) != 0)
			continue;
		words[7] = cn_record_check(0, words, 56);
		memcpy(bytes + at, words, sizeof words);
		for (struct cn_record_chunk head; chunk + CN_RECORD_CHUNK_HEAD_BYTES <= n;
			chunk += CN_RECORD_CHUNK_HEAD_BYTES + head.bytes) {
			if (!cn_record_chunk_decode(bytes + chunk, &head) || !head.bytes ||
				chunk + CN_RECORD_CHUNK_HEAD_BYTES + head.bytes > n)
				break;
			cn_record_chunk_encode(
				bytes + chunk, &head, words[1], bytes + chunk + CN_RECORD_CHUNK_HEAD_BYTES);
		}
	}
}

static int take(void *arg, const uint8_t *bytes, size_t n)
{
	(void)bytes;
	FUZZ_ASSERT(n > 0 && n <= RP_FRAME_MAX);
	++*(uint64_t *)arg;
	return 0;
}

static void read_it(const uint8_t *bytes, size_t n)
{
	struct cn_recording *recording;
	struct cn_why why;
	uint64_t frames = 0, looks = 0, told, first;
	char path[64];
	int fd = memfd_create("recording", MFD_CLOEXEC), rc;

	FUZZ_ASSERT(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (cn_recording_open(path, &recording, &why) == 0) {
		told = cn_recording_moments(recording);
		while ((rc = cn_recording_next(recording, take, &frames)) != 1) {
			FUZZ_ASSERT(rc == 0 || rc == -EAGAIN);
			looks += rc == 0;
			FUZZ_ASSERT(looks <= told);
		}
		FUZZ_ASSERT(looks == cn_recording_moments(recording));
		for (size_t i = 0; i < cn_recording_blocks(recording); i++) {
			const struct cn_record_block *block = cn_recording_block(recording, i, &first);

			FUZZ_ASSERT(!block->moments || cn_recording_block_of(recording, first) == i);
			FUZZ_ASSERT(cn_recording_seek(recording, i) == 0);
			(void)cn_recording_next(recording, take, &frames);
		}
		cn_recording_close(recording);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bent;

	if (!sound)
		build();
	if (size < 3)
		return 0;
	if (data[0] & 1) {
		read_it(data + 1, size - 1);
		return 0;
	}
	const bool mended = data[0] & 2;
	const uint32_t cut = data[1] | (uint32_t)data[2] << 8;
	const size_t bytes = cut ? (size_t)((uint64_t)sound_bytes * cut >> 16) : sound_bytes;

	bent = malloc(sound_bytes);
	FUZZ_ASSERT(bent);
	memcpy(bent, sound, sound_bytes);
	for (data += 3, size -= 3; size >= PATCH_BYTES; data += PATCH_BYTES, size -= PATCH_BYTES) {
		const uint32_t offset = data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;

		memcpy(bent + offset % (sound_bytes - 8), data + 3, 8);
	}
	if (mended)
		mend(bent, bytes);
	read_it(bent, bytes);
	free(bent);
	return 0;
}
