/* SPDX-License-Identifier: MIT */
/* The agent's port: who has the token, and who has not. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <frame.h>
#include <rouse/agent.h>
#include <rouse/inspect.h>
#include <splitter.h>

#include "program.h"
#include "server/tcp.h"
#include "stream.h"

enum { STRANGERS = 4 };

static struct rouse_runtime *runtime;
static char home[] = "/tmp/rouse-test-XXXXXX", path[108];

static int setup_program(void **state)
{
	(void)state;
	if (!mkdtemp(home))
		return -1;
	setenv("XDG_RUNTIME_DIR", home, 1);
	runtime = program_start(20);
	return rouse_socket_path((int)getpid(), geteuid(), path, sizeof path);
}

static int teardown_program(void **state)
{
	char dir[120];

	(void)state;
	rouse_runtime_free(runtime);
	snprintf(dir, sizeof dir, "%s/rouse", home);
	rmdir(dir);
	return rmdir(home);
}

static int stop(void **state)
{
	(void)state;
	rouse_agent_stop();
	return 0;
}

/* A port that is free now: asked for at port 0, and given back. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
	close(fd);
	return ntohs(address.sin_port);
}

struct port {
	uint16_t number;
	char file[160], text[65];
	uint8_t token[RI_TOKEN_BYTES];
};

static struct port start(void)
{
	struct rouse_agent_opts opts = { .size = sizeof opts };
	struct port port = { .number = free_port() };
	char address[32];
	int fd;

	snprintf(address, sizeof address, "127.0.0.1:%u", port.number);
	opts.tcp = address;
	assert_int_equal(rouse_agent_start(&opts), 0);
	snprintf(port.file, sizeof port.file, "%s/rouse/tcp-%u.token", home, port.number);
	fd = open(port.file, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, port.text, 65), 65);
	assert_int_equal(port.text[64], '\n');
	port.text[64] = 0;
	close(fd);
	for (size_t i = 0; i < RI_TOKEN_BYTES; i++) {
		char two[3] = { port.text[2 * i], port.text[2 * i + 1], 0 };

		port.token[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return port;
}

static int connect_to(const struct port *port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port->number) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void show(int fd, const uint8_t *token, size_t n)
{
	Rouse__V1__Authenticate authenticate = ROUSE__V1__AUTHENTICATE__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint8_t bytes[256];
	size_t used;

	authenticate.token = (ProtobufCBinaryData){ n, (uint8_t *)token };
	frame.body_case = ROUSE__V1__FRAME__BODY_AUTHENTICATE;
	frame.authenticate = &authenticate;
	assert_int_equal(rp_frame_encode(&frame, bytes, sizeof bytes, &used), 0);
	assert_int_equal(send(fd, bytes, used, MSG_NOSIGNAL), used);
}

static void subscribe_to(int fd)
{
	uint8_t bytes[2048];
	size_t n = program_subscribe(bytes, sizeof bytes, &(struct subscribe){ .interval_ms = 20 });

	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
}

/* Reads until a frame of that kind has come, or the end. */
static bool await(int fd, struct stream *stream, Rouse__V1__Frame__BodyCase body)
{
	struct rp_splitter splitter;
	uint8_t bytes[8192];

	rp_splitter_init(&splitter, 0);
	while (stream_count(stream, body) == 0) {
		ssize_t got = recv(fd, bytes, sizeof bytes, 0);

		if (got <= 0)
			break;
		assert_int_equal(rp_splitter_feed(&splitter, bytes, (size_t)got, stream_take, stream), 0);
	}
	rp_splitter_fini(&splitter);
	return stream_count(stream, body) > 0;
}

static void the_token_is_for_the_user_alone_and_goes_with_the_agent(void **state)
{
	struct port first, second;
	struct stat st;

	(void)state;
	first = start();
	assert_int_equal(lstat(first.file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(lstat(path, &st), 0); /* the socket is there as well */
	rouse_agent_stop();
	assert_int_equal(lstat(first.file, &st), -1);
	second = start();
	assert_string_not_equal(first.text, second.text);
}

static void the_right_token_opens_the_stream(void **state)
{
	struct stream stream;
	struct port port = start();
	int fd = connect_to(&port);

	(void)state;
	stream_init(&stream);
	show(fd, port.token, sizeof port.token);
	subscribe_to(fd);
	assert_true(await(fd, &stream, ROUSE__V1__FRAME__BODY_END));
	assert_int_equal(stream.frames[0]->body_case, ROUSE__V1__FRAME__BODY_HELLO);
	assert_int_equal(stream.frames[0]->hello->pid, getpid());
	close(fd);
	stream_fini(&stream);
}

/* All that comes is why. */
static void expect_refusal(int fd)
{
	struct stream stream;

	stream_init(&stream);
	assert_true(await(fd, &stream, ROUSE__V1__FRAME__BODY_ERROR));
	assert_int_equal(stream.frames[0]->body_case, ROUSE__V1__FRAME__BODY_ERROR);
	assert_int_equal(stream.frames[0]->error->code, -EACCES);
	assert_false(await(fd, &stream, ROUSE__V1__FRAME__BODY_HELLO));
	close(fd);
	stream_fini(&stream);
}

static void without_the_token_nothing_is_said(void **state)
{
	static const uint8_t noise[] = { 3, 0xff, 0xff, 0xff };
	struct port port = start();
	uint8_t wrong[2 * RI_TOKEN_BYTES] = { 0 };
	int fd;

	(void)state;
	memcpy(wrong, port.token, RI_TOKEN_BYTES);
	wrong[RI_TOKEN_BYTES - 1] ^= 1;
	show(fd = connect_to(&port), wrong, RI_TOKEN_BYTES);
	expect_refusal(fd);
	wrong[RI_TOKEN_BYTES - 1] ^= 1;
	show(fd = connect_to(&port), wrong, RI_TOKEN_BYTES - 1);
	expect_refusal(fd);
	show(fd = connect_to(&port), wrong, 2 * RI_TOKEN_BYTES);
	expect_refusal(fd);
	show(fd = connect_to(&port), wrong, 0);
	expect_refusal(fd);
	subscribe_to(fd = connect_to(&port));
	expect_refusal(fd);
	fd = connect_to(&port);
	assert_int_equal(send(fd, noise, sizeof noise, MSG_NOSIGNAL), sizeof noise);
	expect_refusal(fd);
}

static void strangers_do_not_crowd_out_those_with_a_token(void **state)
{
	struct port port = start();
	struct stream stream;
	int fds[STRANGERS], fd;

	(void)state;
	for (int i = 0; i < STRANGERS; i++)
		fds[i] = connect_to(&port);
	fd = connect_to(&port);
	stream_init(&stream);
	assert_true(await(fd, &stream, ROUSE__V1__FRAME__BODY_ERROR));
	assert_int_equal(stream.frames[0]->error->code, -EBUSY);
	close(fd);
	stream_fini(&stream);
	/* One that shows it makes room for the next. */
	show(fds[0], port.token, sizeof port.token);
	stream_init(&stream);
	assert_true(await(fds[0], &stream, ROUSE__V1__FRAME__BODY_HELLO));
	stream_fini(&stream);
	fd = connect_to(&port);
	show(fd, port.token, sizeof port.token);
	stream_init(&stream);
	assert_true(await(fd, &stream, ROUSE__V1__FRAME__BODY_HELLO));
	stream_fini(&stream);
	close(fd);
	/* And who says nothing is gone after a while: the end comes without a word. */
	stream_init(&stream);
	assert_false(await(fds[1], &stream, ROUSE__V1__FRAME__BODY_HELLO));
	assert_int_equal(stream.n, 0);
	stream_fini(&stream);
	for (int i = 0; i < STRANGERS; i++)
		close(fds[i]);
}

static void addresses_that_others_reach_are_refused(void **state)
{
	static const struct {
		const char *address;
		int rc;
	} cases[] = { { "0.0.0.0:6669", -EACCES }, { "192.168.1.1:6669", -EACCES }, { "[::]:6669", -EACCES },
		{ "[2001:db8::1]:6669", -EACCES }, { "[::ffff:127.0.0.1]:6669", -EACCES }, { "localhost:6669", -EINVAL },
		{ "127.0.0.1", -EINVAL }, { "127.0.0.1:", -EINVAL }, { "127.0.0.1:65536", -EINVAL },
		{ "127.0.0.1:-1", -EINVAL }, { "127.0.0.1:1x", -EINVAL }, { ":6669", -EINVAL }, { "", -EINVAL },
		{ "[::1:6669", -EINVAL } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ri_tcp tcp = { .fd = -1 };

		assert_int_equal(ri_tcp_listen(cases[i].address, home, &tcp), cases[i].rc);
		assert_int_equal(tcp.fd, -1);
	}
}

static void tokens_are_compared_to_their_last_byte(void **state)
{
	uint8_t a[RI_TOKEN_BYTES] = { 1, 2, 3 }, b[RI_TOKEN_BYTES] = { 1, 2, 3 };

	(void)state;
	assert_true(ri_token_equal(a, b));
	for (size_t i = 0; i < RI_TOKEN_BYTES; i++) {
		b[i] ^= 0x80;
		assert_false(ri_token_equal(a, b));
		b[i] ^= 0x80;
	}
}

TEST_MAIN_WITH(setup_program, teardown_program,
	cmocka_unit_test_teardown(the_token_is_for_the_user_alone_and_goes_with_the_agent, stop),
	cmocka_unit_test_teardown(the_right_token_opens_the_stream, stop),
	cmocka_unit_test_teardown(without_the_token_nothing_is_said, stop),
	cmocka_unit_test_teardown(strangers_do_not_crowd_out_those_with_a_token, stop),
	cmocka_unit_test(addresses_that_others_reach_are_refused), cmocka_unit_test(tokens_are_compared_to_their_last_byte));
