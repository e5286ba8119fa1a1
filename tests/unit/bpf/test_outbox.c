/* SPDX-License-Identifier: MIT */
/* A client that does not read: what it loses is counted, and nothing grows. */
#include "outbox.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <frame.h>
#include <splitter.h>

#include "test.h"

enum { CAPACITY = 64 << 10, ROWS = 3, COPY = 1000, MANY = 200 };

struct seen {
	struct rp_decoder *decoder;
	uint64_t blocks, samples, sums, rounds;
	uint64_t lost_details, lost_rounds;
	int last; /* body */
};

static int see(void *arg, const uint8_t *bytes, size_t n)
{
	struct seen *seen = arg;
	const Rouse__V1__Frame *frame;

	assert_int_equal(rp_frame_decode(seen->decoder, bytes, n, &frame), 0);
	seen->last = (int)frame->body_case;
	if (frame->body_case == ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS)
		seen->blocks += frame->kernel_blocks->n_begin_ns;
	if (frame->body_case == ROUSE__V1__FRAME__BODY_KERNEL_SAMPLES)
		seen->samples += frame->kernel_samples->n_ns;
	if (frame->body_case == ROUSE__V1__FRAME__BODY_LOST) {
		seen->lost_details += frame->lost->events;
		seen->lost_rounds += frame->lost->generations;
	}
	seen->sums += frame->body_case == ROUSE__V1__FRAME__BODY_KERNEL_SUMS;
	seen->rounds += frame->body_case == ROUSE__V1__FRAME__BODY_KERNEL;
	return 0;
}

static void put(struct bh_outbox *outbox, const Rouse__V1__Frame *frame)
{
	static uint8_t bytes[RP_FRAME_MAX];
	size_t n;

	assert_int_equal(rp_frame_pack(frame, bytes, sizeof(bytes), &n), 0);
	bh_outbox_put(outbox, bytes, n);
}

/* Times beyond one byte of a varint, which must not be counted as several rows. */
static uint64_t times[ROWS] = { 1, 300, UINT64_MAX };
static uint8_t copy[COPY];

static void put_blocks(struct bh_outbox *outbox)
{
	Rouse__V1__KernelBlocks rows = ROUSE__V1__KERNEL_BLOCKS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	ProtobufCBinaryData stacks[ROWS] = { { COPY, copy }, { COPY, copy }, { COPY, copy } };

	rows.n_begin_ns = rows.n_stack = ROWS;
	rows.begin_ns = times;
	rows.stack = stacks;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS;
	frame.kernel_blocks = &rows;
	put(outbox, &frame);
}

static void put_samples(struct bh_outbox *outbox)
{
	Rouse__V1__KernelSamples rows = ROUSE__V1__KERNEL_SAMPLES__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	rows.n_ns = ROWS;
	rows.ns = times;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SAMPLES;
	frame.kernel_samples = &rows;
	put(outbox, &frame);
}

static void put_round(struct bh_outbox *outbox, size_t rows_n)
{
	Rouse__V1__KernelSums rows = ROUSE__V1__KERNEL_SUMS__INIT;
	Rouse__V1__Kernel kernel = ROUSE__V1__KERNEL__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t by[2048];

	assert_true(rows_n <= 2048);
	memset(by, 1, sizeof(by));
	rows.n_by = rows_n;
	rows.by = by;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SUMS;
	frame.kernel_sums = &rows;
	put(outbox, &frame);
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL;
	frame.kernel = &kernel;
	put(outbox, &frame);
}

static void drain(struct bh_outbox *outbox, struct seen *seen)
{
	struct rp_splitter splitter;
	uint8_t bytes[4096];
	int ends[2];
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	rp_splitter_init(&splitter, 0);
	do {
		assert_int_equal(bh_outbox_send(outbox, ends[0]), 0);
		while ((n = recv(ends[1], bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
			assert_int_equal(rp_splitter_feed(&splitter, bytes, (size_t)n, see, seen), 0);
	} while (bh_outbox_bytes(outbox));
	while ((n = recv(ends[1], bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		assert_int_equal(rp_splitter_feed(&splitter, bytes, (size_t)n, see, seen), 0);
	assert_true(rp_splitter_idle(&splitter));
	rp_splitter_fini(&splitter);
	close(ends[0]);
	close(ends[1]);
}

static struct seen new_seen(void)
{
	struct seen seen = { .decoder = rp_decoder_new() };

	assert_non_null(seen.decoder);
	return seen;
}

static void all_arrives_while_there_is_room(void **state)
{
	struct bh_outbox outbox;
	struct seen seen = new_seen();

	(void)state;
	assert_int_equal(bh_outbox_init(&outbox, CAPACITY), 0);
	for (int i = 0; i < MANY; i++) { /* more than fits at once, and so around its end */
		put_blocks(&outbox);
		put_samples(&outbox);
		put_round(&outbox, 5);
		drain(&outbox, &seen);
	}
	assert_int_equal(seen.blocks, MANY * ROWS);
	assert_int_equal(seen.samples, MANY * ROWS);
	assert_int_equal(seen.sums, MANY);
	assert_int_equal(seen.rounds, MANY);
	assert_int_equal(seen.lost_details + seen.lost_rounds, 0);
	bh_outbox_fini(&outbox);
	rp_decoder_free(seen.decoder);
}

static void blocks_without_room_are_counted_and_told_and_sums_come_through(void **state)
{
	struct bh_outbox outbox;
	struct seen seen = new_seen();

	(void)state;
	assert_int_equal(bh_outbox_init(&outbox, CAPACITY), 0);
	for (int i = 0; i < MANY; i++)
		put_blocks(&outbox);
	for (int i = 0; i < MANY; i++)
		put_samples(&outbox);
	assert_true(bh_outbox_bytes(&outbox) <= CAPACITY / 2);
	put_round(&outbox, 5);
	drain(&outbox, &seen);
	assert_int_equal(seen.rounds, 1);
	assert_int_equal(seen.sums, 1);
	assert_true(seen.lost_details > 0);
	assert_int_equal(seen.blocks + seen.samples + seen.lost_details, 2 * MANY * ROWS);
	assert_int_equal(seen.lost_rounds, 0);
	bh_outbox_fini(&outbox);
	rp_decoder_free(seen.decoder);
}

static void torn_rounds_are_counted_once_each_and_told_when_there_is_room(void **state)
{
	enum { ROUNDS = 60 };
	struct bh_outbox outbox;
	struct seen seen = new_seen();
	uint64_t whole;

	(void)state;
	assert_int_equal(bh_outbox_init(&outbox, CAPACITY), 0);
	for (int i = 0; i < ROUNDS; i++) {
		put_round(&outbox, 2048);
		assert_true(bh_outbox_bytes(&outbox) <= CAPACITY);
	}
	drain(&outbox, &seen);
	whole = seen.sums;
	assert_true(whole > 0 && whole < ROUNDS);
	put_round(&outbox, 5);
	drain(&outbox, &seen);
	assert_int_equal(seen.lost_rounds, ROUNDS - whole);
	assert_int_equal(seen.lost_details, 0);
	assert_int_equal(seen.last, ROUSE__V1__FRAME__BODY_KERNEL);
	bh_outbox_fini(&outbox);
	rp_decoder_free(seen.decoder);
}

static void client_that_has_gone_is_an_error(void **state)
{
	struct bh_outbox outbox;
	int ends[2];

	(void)state;
	assert_int_equal(bh_outbox_init(&outbox, CAPACITY), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	close(ends[1]);
	put_round(&outbox, 5);
	assert_int_equal(bh_outbox_send(&outbox, ends[0]), -EPIPE);
	close(ends[0]);
	bh_outbox_fini(&outbox);
}

TEST_MAIN(cmocka_unit_test(all_arrives_while_there_is_room),
	cmocka_unit_test(blocks_without_room_are_counted_and_told_and_sums_come_through),
	cmocka_unit_test(torn_rounds_are_counted_once_each_and_told_when_there_is_room),
	cmocka_unit_test(client_that_has_gone_is_an_error));
