/* SPDX-License-Identifier: MIT */
/* The queue of a client: bounded, whole frames only, in order. */
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <splitter.h>

#include "server/queue.h"

struct reader {
	uint32_t next;
	bool in_order;
};

static int take(void *arg, const uint8_t *bytes, size_t n)
{
	struct reader *reader = arg;
	uint32_t number;

	memcpy(&number, bytes, sizeof number);
	reader->in_order &= number == reader->next++ && n == 4 + number % 5000;
	return 0;
}

static int put(struct ri_queue *queue, uint32_t number)
{
	static uint8_t bytes[5004];

	memcpy(bytes, &number, sizeof number);
	return ri_queue_frame(queue, bytes, 4 + number % 5000);
}

static void frames_come_out_whole_and_in_order_whatever_the_socket_takes(void **state)
{
	struct ri_queue queue = { 0 };
	struct rp_splitter splitter;
	struct reader reader = { 0, true };
	uint8_t bytes[3000];
	int fds[2];
	uint32_t number = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	rp_splitter_init(&splitter, 0);
	while (reader.next < 5000) {
		for (int i = 0; i < 7 && number < 5000 && ri_queue_bytes(&queue) < 300000; i++)
			assert_int_equal(put(&queue, number++), 0);
		assert_int_equal(ri_queue_send(&queue, fds[0]), 0);
		ssize_t n = recv(fds[1], bytes, sizeof bytes, MSG_DONTWAIT);

		if (n > 0)
			assert_int_equal(rp_splitter_feed(&splitter, bytes, (size_t)n, take, &reader), 0);
	}
	assert_true(reader.in_order);
	assert_int_equal(ri_queue_bytes(&queue), 0);
	rp_splitter_fini(&splitter);
	ri_queue_fini(&queue);
	close(fds[0]);
	close(fds[1]);
}

static void a_full_queue_takes_no_part_of_a_frame(void **state)
{
	struct ri_queue queue = { 0 };
	uint32_t number = 0;
	int rc;

	(void)state;
	while ((rc = put(&queue, number)) == 0)
		number++;
	assert_int_equal(rc, -ENOBUFS);
	assert_true(ri_queue_bytes(&queue) <= RI_QUEUE_MAX);
	assert_true(queue.size <= RI_QUEUE_MAX);
	size_t before = ri_queue_bytes(&queue);

	assert_int_equal(put(&queue, number), -ENOBUFS);
	assert_int_equal(ri_queue_bytes(&queue), before);
	ri_queue_fini(&queue);
}

static void a_peer_that_went_is_an_error(void **state)
{
	struct ri_queue queue = { 0 };
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(fds[1]);
	assert_int_equal(put(&queue, 1), 0);
	assert_int_equal(ri_queue_send(&queue, fds[0]), -EPIPE);
	ri_queue_fini(&queue);
	close(fds[0]);
}

TEST_MAIN(cmocka_unit_test(frames_come_out_whole_and_in_order_whatever_the_socket_takes),
	cmocka_unit_test(a_full_queue_takes_no_part_of_a_frame), cmocka_unit_test(a_peer_that_went_is_an_error));
