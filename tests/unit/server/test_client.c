/* SPDX-License-Identifier: MIT */
/* One client, stepped by hand on a clock of the test's own. */
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "program.h"
#include "server/client.h"
#include "stream.h"

#define MS 1000000ull

enum { SLEEPERS = 12000 }; /* a keyframe of them is larger than a socket and the agent's low water together */

static struct rouse_runtime *runtime;
static struct rp_decoder *decoder;

struct fixture {
	struct ri_client *client;
	int peer;
	struct rp_splitter splitter;
	struct stream stream;
};

static int setup_program(void **state)
{
	(void)state;
	runtime = program_start(SLEEPERS);
	decoder = rp_decoder_new();
	return decoder ? 0 : -1;
}

static int teardown_program(void **state)
{
	(void)state;
	rp_decoder_free(decoder);
	rouse_runtime_free(runtime);
	return 0;
}

static int setup(void **state)
{
	static struct fixture f;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	f.peer = fds[1];
	f.client = ri_client_new(fds[0], NULL, 0);
	rp_splitter_init(&f.splitter, 0);
	stream_init(&f.stream);
	*state = &f;
	return f.client ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ri_client_free(f->client);
	rp_splitter_fini(&f->splitter);
	stream_fini(&f->stream);
	close(f->peer);
	return 0;
}

static void subscribe(struct fixture *f, uint64_t now, struct subscribe what)
{
	uint8_t bytes[2048];
	size_t n = program_subscribe(bytes, sizeof bytes, &what);

	assert_int_equal(send(f->peer, bytes, n, 0), n);
	assert_int_equal(ri_client_receive(f->client, decoder, now), 0);
}

/* Reads what is there now. */
static size_t receive(struct fixture *f)
{
	static uint8_t bytes[1 << 16];
	size_t total = 0;
	ssize_t n;

	while ((n = recv(f->peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		assert_int_equal(rp_splitter_feed(&f->splitter, bytes, (size_t)n, stream_take, &f->stream), 0);
		total += (size_t)n;
	}
	return total;
}

/* Lets the client work at one moment until it has nothing more to do; the peer reads along. */
static int work_and_read(struct fixture *f, uint64_t now)
{
	int rc;

	do
		rc = ri_client_work(f->client, now);
	while (receive(f) > 0 || rc > 0);
	return rc;
}

/* The same, but the peer does not read. */
static void work_unread(struct fixture *f, uint64_t now)
{
	while (ri_client_work(f->client, now) > 0)
		;
}

static size_t generations(const struct fixture *f)
{
	return stream_count(&f->stream, ROUSE__V1__FRAME__BODY_END);
}

static void hello_comes_unasked_and_generations_do_not(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(work_and_read(f, 5 * MS), 0);
	assert_int_equal(f->stream.n, 1);
	assert_int_equal(f->stream.frames[0]->body_case, ROUSE__V1__FRAME__BODY_HELLO);
	assert_string_equal(f->stream.frames[0]->hello->source, "socket");
	assert_int_equal(f->stream.frames[0]->hello->pid, getpid());
	assert_true(ri_client_due(f->client) == UINT64_MAX);
}

static void generations_come_in_the_rhythm_asked_for(void **state)
{
	struct fixture *f = *state;

	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 100 });
	assert_int_equal(ri_client_due(f->client), 1000 * MS);
	work_and_read(f, 1000 * MS);
	assert_int_equal(generations(f), 1);
	assert_int_equal(stream_task_rows(&f->stream), SLEEPERS);
	assert_int_equal(ri_client_due(f->client), 1100 * MS);
	work_and_read(f, 1099 * MS);
	assert_int_equal(generations(f), 1);
	stream_clear(&f->stream);
	work_and_read(f, 1100 * MS);
	assert_int_equal(generations(f), 1);
	assert_int_equal(stream_task_rows(&f->stream), 0); /* nothing has changed */
	assert_false(stream_find(&f->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->keyframe);
	assert_int_equal(stream_end(&f->stream)->tasks, SLEEPERS);
	/* Another rhythm holds from now on: no waiting for the end of the old one. */
	subscribe(f, 1101 * MS, (struct subscribe){ .interval_ms = 30 });
	assert_true(ri_client_due(f->client) <= 1131 * MS);
	/* 20 ms is the fastest. */
	subscribe(f, 2000 * MS, (struct subscribe){ .interval_ms = 1 });
	work_and_read(f, 2000 * MS);
	assert_true(ri_client_due(f->client) - 2000 * MS <= 20 * MS);
}

static void rings_are_emptied_between_generations_for_who_wants_events(void **state)
{
	struct fixture *f = *state;
	uint64_t now = 1000 * MS, calls = 0;

	subscribe(f, now, (struct subscribe){ .interval_ms = 10000, .events = 1 });
	work_and_read(f, now);
	assert_int_equal(generations(f), 1);
	/* Nothing happens in this program: less and less often. */
	for (; now < 10999 * MS; calls++) {
		const uint64_t due = ri_client_due(f->client);

		assert_true(due > now);
		assert_true(due - now <= 1000 * MS);
		now = due;
		if (now < 11000 * MS)
			work_and_read(f, now);
	}
	assert_int_equal(generations(f), 1);
	assert_true(calls > 10);
	assert_true(calls < 30);
	/* Nobody is called for who wants none. */
	subscribe(f, now, (struct subscribe){ .interval_ms = 10000 });
	work_and_read(f, 11000 * MS);
	assert_int_equal(generations(f), 2);
	assert_int_equal(ri_client_due(f->client), 21000 * MS);
}

static void one_generation_is_given_and_the_stream_ended_if_so_asked(void **state)
{
	struct fixture *f = *state;

	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 0 });
	assert_int_equal(work_and_read(f, 1000 * MS), -ESHUTDOWN);
	assert_int_equal(generations(f), 1);
}

static void what_a_client_does_not_read_is_not_made_and_told_exactly(void **state)
{
	struct fixture *f = *state;

	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 100 });
	work_unread(f, 1000 * MS);
	assert_true(f->client->looking);
	for (uint64_t i = 1; i <= 50; i++)
		work_unread(f, (1000 + i * 100) * MS);
	assert_true(f->client->looking); /* the first one waits, half made */
	assert_true(ri_queue_bytes(&f->client->queue) < RI_QUEUE_MAX / 4);
	work_and_read(f, 6050 * MS); /* it reads again: the first one is finished */
	assert_int_equal(generations(f), 1);
	assert_int_equal(stream_task_rows(&f->stream), SLEEPERS);
	assert_null(stream_find(&f->stream, ROUSE__V1__FRAME__BODY_LOST, 0));
	stream_clear(&f->stream);
	program_add(runtime, "newcomer");
	work_and_read(f, 6100 * MS);
	assert_int_equal(f->stream.frames[0]->body_case, ROUSE__V1__FRAME__BODY_LOST);
	assert_int_equal(f->stream.frames[0]->lost->generations, 50);
	assert_int_equal(f->stream.frames[1]->body_case, ROUSE__V1__FRAME__BODY_BEGIN);
	assert_int_equal(f->stream.frames[1]->begin->number, 2);
	assert_int_equal(stream_task_rows(&f->stream), 1); /* the change, relative to what it was given */
	stream_clear(&f->stream);
	work_and_read(f, 6200 * MS);
	assert_null(stream_find(&f->stream, ROUSE__V1__FRAME__BODY_LOST, 0));
}

static void ticks_that_the_agent_itself_missed_are_counted_too(void **state)
{
	struct fixture *f = *state;

	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 100 });
	work_and_read(f, 1000 * MS);
	stream_clear(&f->stream);
	work_and_read(f, 1570 * MS); /* 1100 to 1500 are due: one is made */
	assert_int_equal(stream_find(&f->stream, ROUSE__V1__FRAME__BODY_LOST, 0)->lost->generations, 4);
	assert_int_equal(generations(f), 1);
	assert_int_equal(ri_client_due(f->client), 1600 * MS);
}

static void a_pause_loses_nothing(void **state)
{
	struct fixture *f = *state;

	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 100 });
	work_and_read(f, 1000 * MS);
	subscribe(f, 1050 * MS, (struct subscribe){ .interval_ms = 100, .pause = 1 });
	stream_clear(&f->stream);
	work_and_read(f, 9000 * MS);
	assert_int_equal(f->stream.n, 0);
	assert_true(ri_client_due(f->client) == UINT64_MAX);
	subscribe(f, 9000 * MS, (struct subscribe){ .interval_ms = 100 });
	work_and_read(f, 9000 * MS);
	assert_int_equal(generations(f), 1);
	assert_null(stream_find(&f->stream, ROUSE__V1__FRAME__BODY_LOST, 0));
}

static void keyframes_return_when_changes_outweigh_them(void **state)
{
	struct fixture *f = *state;
	uint64_t now = 1000 * MS;
	size_t keyframes = 0;

	subscribe(f, now, (struct subscribe){ .interval_ms = 20 });
	f->client->keyframe_bytes = 0;
	for (int i = 0; i < 3; i++, now += 20 * MS)
		work_and_read(f, now);
	f->client->keyframe_bytes = 1000; /* as if there were two tasks, not thousands */
	for (int i = 0; i < 40; i++, now += 20 * MS) {
		stream_clear(&f->stream);
		work_and_read(f, now);
		keyframes += stream_find(&f->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->keyframe;
	}
	assert_int_equal(keyframes, 1);
}

static void running_out_of_descriptors_costs_a_generation_not_the_client(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, none;

	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 100 });
	work_and_read(f, 1000 * MS);
	stream_clear(&f->stream);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0; /* what is open stays open */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int rc = work_and_read(f, 1100 * MS);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(generations(f), 0);
	work_and_read(f, 1200 * MS);
	assert_int_equal(stream_find(&f->stream, ROUSE__V1__FRAME__BODY_LOST, 0)->lost->generations, 1);
	assert_int_equal(generations(f), 1);
}

static void the_level_needed_follows_what_is_asked_for(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ri_client_level(f->client), 0);
	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 100, .events = 1 });
	assert_int_equal(ri_client_level(f->client), 2);
	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 100, .n_watch = 1 });
	assert_int_equal(ri_client_level(f->client), 2);
	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 100, .level = 2 });
	assert_int_equal(ri_client_level(f->client), 1);
	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 100 });
	assert_int_equal(ri_client_level(f->client), 0);
}

static void assert_refused(struct fixture *f)
{
	assert_int_equal(ri_client_receive(f->client, decoder, 1000 * MS), 0);
	assert_int_equal(work_and_read(f, 1000 * MS), -ESHUTDOWN);
	assert_int_equal(f->stream.frames[f->stream.n - 1]->body_case, ROUSE__V1__FRAME__BODY_ERROR);
	assert_true(f->stream.frames[f->stream.n - 1]->error->code < 0);
}

static void a_frame_that_is_no_request_ends_the_stream_with_a_reason(void **state)
{
	struct fixture *f = *state;
	const uint8_t lost[] = { 4, 13 << 3 | 2, 2, 8, 1 };

	assert_int_equal(send(f->peer, lost, sizeof lost, 0), sizeof lost);
	assert_refused(f);
}

static void a_request_longer_than_any_needs_to_be_is_refused(void **state)
{
	struct fixture *f = *state;
	const uint8_t prefix[] = { 0x81, 0x20 }; /* 4097 */

	assert_int_equal(send(f->peer, prefix, sizeof prefix, 0), sizeof prefix);
	assert_refused(f);
}

static void noise_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t noise[64];

	memset(noise, 0x7f, sizeof noise);
	assert_int_equal(send(f->peer, noise, 4, 0), 4); /* the frame is not whole yet: no verdict */
	assert_int_equal(ri_client_receive(f->client, decoder, 1000 * MS), 0);
	assert_int_equal(work_and_read(f, 1000 * MS), 0);
	assert_int_equal(send(f->peer, noise, sizeof noise, 0), sizeof noise);
	assert_int_equal(ri_client_receive(f->client, decoder, 1000 * MS), 0);
	assert_int_equal(send(f->peer, noise, sizeof noise, 0), sizeof noise);
	assert_refused(f);
}

static void wishes_beyond_the_limits_are_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[2048];
	size_t n = program_subscribe(bytes, sizeof bytes, &(struct subscribe){ .n_watch = RI_WATCH_MAX + 1 });

	assert_int_equal(send(f->peer, bytes, n, 0), n);
	assert_refused(f);
}

static void a_request_of_a_newer_version_is_passed_over(void **state)
{
	struct fixture *f = *state;
	const uint8_t newer[] = { 5, 0x82, 0x06, 2, 8, 1 };

	assert_int_equal(send(f->peer, newer, sizeof newer, 0), sizeof newer);
	assert_int_equal(ri_client_receive(f->client, decoder, 1000 * MS), 0);
	subscribe(f, 1000 * MS, (struct subscribe){ .interval_ms = 100 });
	work_and_read(f, 1000 * MS);
	assert_int_equal(generations(f), 1);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN_WITH(setup_program, teardown_program, TEST(hello_comes_unasked_and_generations_do_not),
	TEST(generations_come_in_the_rhythm_asked_for),
	TEST(one_generation_is_given_and_the_stream_ended_if_so_asked),
	TEST(ticks_that_the_agent_itself_missed_are_counted_too), TEST(a_pause_loses_nothing),
	TEST(keyframes_return_when_changes_outweigh_them),
	TEST(running_out_of_descriptors_costs_a_generation_not_the_client),
	TEST(the_level_needed_follows_what_is_asked_for),
	TEST(rings_are_emptied_between_generations_for_who_wants_events),
	TEST(a_frame_that_is_no_request_ends_the_stream_with_a_reason),
	TEST(a_request_longer_than_any_needs_to_be_is_refused), TEST(noise_is_refused),
	TEST(wishes_beyond_the_limits_are_refused), TEST(a_request_of_a_newer_version_is_passed_over),
	TEST(what_a_client_does_not_read_is_not_made_and_told_exactly));
