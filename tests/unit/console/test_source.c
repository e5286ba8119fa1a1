/* SPDX-License-Identifier: MIT */
/* Sessions against agents of our own making: good, mute, lying, and gone. */
#include "test.h"

#include "looks.h"
#include "source/session.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <frame.h>

/* Listens, lets one client in, reads its subscription, sends `bytes`, and keeps the line or drops it. */
struct agent {
	char dir[64], path[96];
	int listener, client;
	pthread_t thread;
	const uint8_t *bytes;
	size_t n;
	bool hang_up, mute;
};

static void *serve(void *arg)
{
	struct agent *agent = arg;
	uint8_t in[256];
	size_t sent = 0;

	agent->client = accept(agent->listener, NULL, NULL);
	if (agent->client < 0)
		return NULL;
	if (recv(agent->client, in, sizeof in, 0) <= 0 || agent->mute)
		return NULL;
	while (sent < agent->n) {
		/* In small pieces: frames are cut anywhere. */
		size_t piece = agent->n - sent < 7 ? agent->n - sent : 7;
		ssize_t n = send(agent->client, agent->bytes + sent, piece, MSG_NOSIGNAL);

		if (n < 0)
			break;
		sent += (size_t)n;
	}
	if (agent->hang_up)
		shutdown(agent->client, SHUT_RDWR);
	return NULL;
}

static void start(struct agent *agent)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(agent->dir, sizeof agent->dir, "/tmp/rouse-test-XXXXXX");
	assert_non_null(mkdtemp(agent->dir));
	snprintf(agent->path, sizeof agent->path, "%s/agent", agent->dir);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", agent->path);
	agent->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(agent->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(agent->listener, 1), 0);
	assert_int_equal(pthread_create(&agent->thread, NULL, serve, agent), 0);
}

static void stop(struct agent *agent)
{
	shutdown(agent->listener, SHUT_RDWR);
	pthread_join(agent->thread, NULL);
	close(agent->listener);
	if (agent->client > 0)
		close(agent->client);
	unlink(agent->path);
	rmdir(agent->dir);
}

static size_t encode(uint8_t *out, size_t capacity, size_t used, const Rouse__V1__Frame *frame)
{
	size_t n = 0;

	assert_int_equal(rp_frame_encode(frame, out + used, capacity - used, &n), 0);
	return used + n;
}

static size_t one_generation(uint8_t *out, size_t capacity, uint32_t protocol)
{
	Rouse__V1__Hello hello = ROUSE__V1__HELLO__INIT;
	Rouse__V1__GenerationBegin begin = ROUSE__V1__GENERATION_BEGIN__INIT;
	Rouse__V1__GenerationEnd end = ROUSE__V1__GENERATION_END__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	char name[] = "rt", *names[] = { name };
	size_t used;

	hello.protocol = protocol;
	hello.pid = (uint32_t)getpid();
	hello.n_runtimes = 1;
	hello.runtimes = names;
	frame.body_case = ROUSE__V1__FRAME__BODY_HELLO;
	frame.hello = &hello;
	used = encode(out, capacity, 0, &frame);
	begin.keyframe = true;
	begin.mono_ns = 5 * S;
	frame.body_case = ROUSE__V1__FRAME__BODY_BEGIN;
	frame.begin = &begin;
	used = encode(out, capacity, used, &frame);
	end.complete = true;
	frame.body_case = ROUSE__V1__FRAME__BODY_END;
	frame.end = &end;
	return encode(out, capacity, used, &frame);
}

static int look_once(const struct agent *agent, struct cn_why *why)
{
	struct cn_session_opts opts = { .interval_ms = 1000 };
	struct cn_session *session;
	int rc = cn_session_open(agent->path, &opts, &session, why);

	if (rc)
		return rc;
	rc = cn_session_wait(session, 20000, why);
	if (rc == 0)
		assert_true(cn_model_complete(cn_session_model(session)));
	cn_session_close(session);
	return rc;
}

static void a_generation_arrives_however_it_is_cut(void **state)
{
	uint8_t bytes[512];
	struct agent agent = { .bytes = bytes, .n = one_generation(bytes, sizeof bytes, RP_PROTOCOL) };
	struct cn_why why = { 0 };

	(void)state;
	start(&agent);
	assert_int_equal(look_once(&agent, &why), 0);
	stop(&agent);
}

static void an_agent_that_does_not_answer_is_given_up(void **state)
{
	struct agent agent = { .mute = true };
	struct cn_why why = { 0 };

	(void)state;
	start(&agent);
	assert_int_equal(look_once(&agent, &why), -ETIMEDOUT);
	assert_non_null(strstr(why.text, agent.path));
	stop(&agent);
}

static void an_agent_that_hangs_up_is_gone(void **state)
{
	uint8_t bytes[512];
	size_t n = one_generation(bytes, sizeof bytes, RP_PROTOCOL);
	struct agent agent = { .bytes = bytes, .n = n - 3, .hang_up = true };
	struct cn_why why = { 0 };

	(void)state;
	start(&agent);
	assert_int_equal(look_once(&agent, &why), -EPIPE);
	assert_non_null(strstr(why.text, "ended"));
	stop(&agent);
}

static void garbage_is_not_our_protocol(void **state)
{
	static const uint8_t garbage[] = { 0x05, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05, 0x01, 0x02, 0x03, 0x04, 0x05 };
	struct agent agent = { .bytes = garbage, .n = sizeof garbage };
	struct cn_why why = { 0 };
	int rc;

	(void)state;
	start(&agent);
	rc = look_once(&agent, &why);
	assert_true(rc == -EBADMSG || rc == -EMSGSIZE);
	assert_int_equal(why.code, rc);
	stop(&agent);
}

static void an_endless_frame_is_refused_early(void **state)
{
	static const uint8_t endless[] = { 0xff, 0xff, 0xff, 0x7f, 0x0a };
	struct agent agent = { .bytes = endless, .n = sizeof endless };
	struct cn_why why = { 0 };
	int rc;

	(void)state;
	start(&agent);
	rc = look_once(&agent, &why);
	assert_true(rc == -EMSGSIZE || rc == -EBADMSG);
	stop(&agent);
}

static void another_protocol_says_so(void **state)
{
	uint8_t bytes[512];
	struct agent agent = { .bytes = bytes, .n = one_generation(bytes, sizeof bytes, 99) };
	struct cn_why why = { 0 };

	(void)state;
	start(&agent);
	assert_int_equal(look_once(&agent, &why), -EPROTO);
	assert_non_null(strstr(why.text, "version"));
	stop(&agent);
}

static void targets_that_are_not_there_are_named(void **state)
{
	static const struct {
		const char *target;
		int rc;
	} wrong[] = { { "/nonexistent/socket", -ESRCH }, { "999999999", -ESRCH }, { "no-such-program", -ESRCH },
		{ "", -ESRCH } };
	struct cn_session_opts opts = { 0 };
	struct cn_session *session = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct cn_why why = { 0 };

		assert_int_equal(cn_session_open(wrong[i].target, &opts, &session, &why), wrong[i].rc);
		assert_int_equal(why.code, wrong[i].rc);
		assert_non_null(strstr(why.text, wrong[i].target));
		assert_null(session);
	}
}

/* We are a process without a runtime. */
static void a_process_without_runtime_is_told_apart(void **state)
{
	struct cn_session_opts opts = { 0 };
	struct cn_session *session;
	struct cn_why why = { 0 };
	char pid[16];

	(void)state;
	snprintf(pid, sizeof pid, "%d", getpid());
	assert_int_equal(cn_session_open(pid, &opts, &session, &why), -ENOENT);
	assert_non_null(strstr(why.text, "no rouse runtime"));
	opts.kind = CN_SOURCE_SOCKET;
	assert_int_equal(cn_session_open(pid, &opts, &session, &why), -ENOENT);
	assert_non_null(strstr(why.text, "ROUSE_LISTEN=1"));
}

TEST_MAIN(cmocka_unit_test(a_generation_arrives_however_it_is_cut),
	cmocka_unit_test(an_agent_that_does_not_answer_is_given_up), cmocka_unit_test(an_agent_that_hangs_up_is_gone),
	cmocka_unit_test(garbage_is_not_our_protocol), cmocka_unit_test(an_endless_frame_is_refused_early),
	cmocka_unit_test(another_protocol_says_so), cmocka_unit_test(targets_that_are_not_there_are_named),
	cmocka_unit_test(a_process_without_runtime_is_told_apart));
