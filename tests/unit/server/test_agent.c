/* SPDX-License-Identifier: MIT */
/* The agent itself, over real sockets. */
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rouse/agent.h>
#include <rouse/inspect.h>
#include <splitter.h>

#include "program.h"
#include "stream.h"

enum { NOBODY = 65534, CLIENTS = 16 };

static struct rouse_runtime *runtime;
static char home[] = "/tmp/rouse-test-XXXXXX", path[108];

static int setup_program(void **state)
{
	(void)state;
	if (!mkdtemp(home))
		return -1;
	setenv("XDG_RUNTIME_DIR", home, 1);
	runtime = program_start(200);
	if (rouse_socket_path((int)getpid(), geteuid(), path, sizeof path) == 0 && !strstr(path, home))
		unlink(path); /* of a dead process that had our number */
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

static int start(void **state)
{
	(void)state;
	return rouse_agent_start(NULL);
}

static int stop(void **state)
{
	(void)state;
	rouse_agent_stop();
	return 0;
}

struct client {
	int fd;
	struct rp_splitter splitter;
	struct stream stream;
};

static int connect_to(const char *where)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, where, strlen(where) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void client_open(struct client *client)
{
	client->fd = connect_to(path);
	assert_true(client->fd >= 0);
	rp_splitter_init(&client->splitter, 0);
	stream_init(&client->stream);
}

static void client_close(struct client *client)
{
	close(client->fd);
	rp_splitter_fini(&client->splitter);
	stream_fini(&client->stream);
}

static void client_subscribe(struct client *client, struct subscribe what)
{
	uint8_t bytes[2048];
	size_t n = program_subscribe(bytes, sizeof bytes, &what);

	assert_int_equal(send(client->fd, bytes, n, MSG_NOSIGNAL), n);
}

/* Reads until `n` frames of a kind have come; false at the end of the stream. */
static bool client_await(struct client *client, Rouse__V1__Frame__BodyCase body, size_t n)
{
	static uint8_t bytes[1 << 16];

	while (stream_count(&client->stream, body) < n) {
		ssize_t got = recv(client->fd, bytes, sizeof bytes, 0);

		if (got <= 0)
			return false;
		int rc = rp_splitter_feed(&client->splitter, bytes, (size_t)got, stream_take, &client->stream);

		assert_int_equal(rc, 0);
	}
	return true;
}
#define AWAIT_GENERATIONS(CLIENT, N) assert_true(client_await((CLIENT), ROUSE__V1__FRAME__BODY_END, (N)))

static void the_socket_is_for_its_user_alone_and_goes_with_the_agent(void **state)
{
	char dir[120];
	struct stat st;

	(void)state;
	assert_int_equal(rouse_agent_start(NULL), 0);
	assert_int_equal(rouse_agent_start(NULL), -EALREADY);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(dir, sizeof dir, "%s/rouse", home);
	assert_int_equal(lstat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	rouse_agent_stop();
	assert_int_equal(lstat(path, &st), -1);
	rouse_agent_stop(); /* of nothing: nothing */
}

static void a_socket_left_by_the_dead_is_replaced_and_one_that_answers_is_not(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char dir[120];

	(void)state;
	snprintf(dir, sizeof dir, "%s/rouse", home);
	mkdir(dir, 0700);
	memcpy(address.sun_path, path, sizeof path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(rouse_agent_start(NULL), -EADDRINUSE);
	close(fd);
	assert_int_equal(rouse_agent_start(NULL), 0);
	fd = connect_to(path);
	assert_true(fd >= 0);
	close(fd);
	rouse_agent_stop();
}

static void a_directory_that_others_could_enter_is_not_used(void **state)
{
	char dir[120], elsewhere[120];

	(void)state;
	snprintf(dir, sizeof dir, "%s/rouse", home);
	snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", home);
	rmdir(dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(rouse_agent_start(NULL), -EPERM);
	rmdir(dir);
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	assert_int_equal(symlink(elsewhere, dir), 0);
	assert_int_equal(rouse_agent_start(NULL), -EPERM);
	unlink(dir);
	rmdir(elsewhere);
	if (geteuid() == 0) {
		assert_int_equal(mkdir(dir, 0700), 0);
		assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
		assert_int_equal(rouse_agent_start(NULL), -EPERM);
		rmdir(dir);
	}
}

static void a_path_of_ones_own_may_be_anywhere(void **state)
{
	char own[120];
	const struct rouse_agent_opts opts = { .size = sizeof opts, .path = own };

	(void)state;
	snprintf(own, sizeof own, "%s/own.sock", home);
	assert_int_equal(rouse_agent_start(&opts), 0);
	int fd = connect_to(own);

	assert_true(fd >= 0);
	close(fd);
	rouse_agent_stop();
	assert_int_equal(access(own, F_OK), -1);
}

static void the_environment_starts_it_with_the_first_runtime(void **state)
{
	struct rouse_runtime *another;

	(void)state;
	setenv("ROUSE_LISTEN", "0", 1);
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &another), 0);
	rouse_runtime_free(another);
	assert_int_equal(access(path, F_OK), -1);
	setenv("ROUSE_LISTEN", "1", 1);
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &another), 0);
	unsetenv("ROUSE_LISTEN");
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(rouse_agent_start(NULL), -EALREADY);
	rouse_runtime_free(another);
	rouse_agent_stop();
}

static void several_clients_are_served_and_those_too_many_told_so(void **state)
{
	struct client clients[CLIENTS + 4];

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		client_open(&clients[i]);
		client_subscribe(&clients[i], (struct subscribe){ .interval_ms = 20 + 10 * (uint32_t)i });
		assert_true(client_await(&clients[i], ROUSE__V1__FRAME__BODY_HELLO, 1));
	}
	for (int i = CLIENTS; i < CLIENTS + 4; i++) {
		client_open(&clients[i]);
		assert_true(client_await(&clients[i], ROUSE__V1__FRAME__BODY_ERROR, 1));
		assert_int_equal(clients[i].stream.frames[0]->error->code, -EBUSY);
		assert_false(client_await(&clients[i], ROUSE__V1__FRAME__BODY_HELLO, 1));
	}
	for (int i = 0; i < CLIENTS; i++) {
		AWAIT_GENERATIONS(&clients[i], 3);
		assert_int_equal(stream_task_rows(&clients[i].stream), 200);
	}
	for (int i = 0; i < CLIENTS + 4; i++)
		client_close(&clients[i]);
}

/* A search of its own memory, in steps; a second one has what the first one read in the agent's buffers. */
static void what_a_client_asks_for_is_searched_for_twice(void **state)
{
	struct client client, other;
	uint64_t id = 0;

	(void)state;
	client_open(&client);
	client_subscribe(&client, (struct subscribe){ .interval_ms = 20 });
	client_open(&other);
	client_subscribe(&other, (struct subscribe){ .interval_ms = 20 });
	AWAIT_GENERATIONS(&client, 1);
	AWAIT_GENERATIONS(&other, 2);
	const Rouse__V1__Tasks *tasks = stream_find(&client.stream, ROUSE__V1__FRAME__BODY_TASKS, 0)->tasks;

	id = tasks->id[tasks->n_id / 2];
	assert_null(stream_find(&client.stream, ROUSE__V1__FRAME__BODY_REFERENCES, 0));
	client_subscribe(&client, (struct subscribe){ .interval_ms = 20, .detail = &id, .n_detail = 1 });
	for (size_t n = 1; n <= 2; n++) {
		assert_true(client_await(&client, ROUSE__V1__FRAME__BODY_REFERENCES, n));
		const Rouse__V1__References *rows =
			stream_find(&client.stream, ROUSE__V1__FRAME__BODY_REFERENCES, n - 1)->references;

		/* It sleeps: the one waker it has is with its timer, in its own frame. The rest is a sanitizer's. */
		assert_true(rows->n_id == 1 || TEST_SANITIZED);
		assert_int_equal(rows->id[0], id);
		assert_int_equal(rows->task[0], id);
		assert_int_equal(rows->count[0], 1);
	}
	AWAIT_GENERATIONS(&client, stream_count(&client.stream, ROUSE__V1__FRAME__BODY_END) + 3);
	assert_int_equal(stream_count(&client.stream, ROUSE__V1__FRAME__BODY_REFERENCES), 2);
	assert_null(stream_find(&other.stream, ROUSE__V1__FRAME__BODY_REFERENCES, 0));
	client_close(&client);
	client_close(&other);
}

static void a_client_that_never_reads_disturbs_nobody(void **state)
{
	struct client deaf, healthy;

	(void)state;
	client_open(&deaf);
	client_subscribe(&deaf, (struct subscribe){ .interval_ms = 20, .events = 1 });
	client_open(&healthy);
	client_subscribe(&healthy, (struct subscribe){ .interval_ms = 20 });
	AWAIT_GENERATIONS(&healthy, 20);
	assert_null(stream_find(&healthy.stream, ROUSE__V1__FRAME__BODY_ERROR, 0));
	client_close(&healthy);
	client_close(&deaf);
}

static void clients_that_are_killed_in_midstream_disturb_nobody(void **state)
{
	struct client healthy;

	(void)state;
	client_open(&healthy);
	client_subscribe(&healthy, (struct subscribe){ .interval_ms = 20 });
	AWAIT_GENERATIONS(&healthy, 1);
	for (int i = 0; i < 10; i++) {
		uint8_t bytes[2048], half[100];
		size_t n = program_subscribe(bytes, sizeof bytes, &(struct subscribe){ .interval_ms = 20 });
		int fd = connect_to(path);

		assert_true(fd >= 0);
		/* Every other one goes in the middle of its own request. */
		assert_true(send(fd, bytes, i % 2 ? n : 1, MSG_NOSIGNAL) > 0);
		if (i % 2)
			assert_true(recv(fd, half, sizeof half, 0) > 0);
		close(fd); /* with unread data: a reset */
	}
	AWAIT_GENERATIONS(&healthy, stream_count(&healthy.stream, ROUSE__V1__FRAME__BODY_END) + 3);
	client_close(&healthy);
}

static bool level_is(void *arg)
{
	struct rouse_inspect *inspect;
	struct stream stream;
	uint32_t level;

	stream_init(&stream);
	assert_int_equal(rouse_inspect_open_pid((int)getpid(), &inspect), 0);
	assert_int_equal(rouse_inspect_look(inspect, NULL, stream_take, &stream), 0);
	level = stream_find(&stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->level;
	rouse_inspect_close(inspect);
	stream_fini(&stream);
	return level == *(uint32_t *)arg;
}

static void the_level_is_raised_while_somebody_needs_it(void **state)
{
	struct client wants_events, wants_nothing;
	uint32_t before = 1, raised = 2;

	(void)state;
	client_open(&wants_nothing);
	client_subscribe(&wants_nothing, (struct subscribe){ .interval_ms = 20 });
	AWAIT_GENERATIONS(&wants_nothing, 2);
	assert_true(level_is(&before));
	client_open(&wants_events);
	client_subscribe(&wants_events, (struct subscribe){ .interval_ms = 20, .events = 1 });
	AWAIT_GENERATIONS(&wants_events, 2);
	assert_true(test_eventually(level_is, &raised));
	client_close(&wants_events);
	assert_true(test_eventually(level_is, &before));
	client_close(&wants_nothing);
}

static void a_fork_has_no_agent_and_leaves_the_parents_alone(void **state)
{
	struct client client;
	int status, rc;
	pid_t pid;

	(void)state;
	client_open(&client);
	client_subscribe(&client, (struct subscribe){ .interval_ms = 20 });
	AWAIT_GENERATIONS(&client, 1);
	pid = fork();
	if (pid == 0) {
		rouse_agent_stop();
		_exit(access(path, F_OK) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	AWAIT_GENERATIONS(&client, stream_count(&client.stream, ROUSE__V1__FRAME__BODY_END) + 2);
	/* The parent's agent ends while a fork lives: its clients see the end at once. */
	int hold[2];

	assert_int_equal(pipe(hold), 0);
	pid = fork();
	if (pid == 0) {
		close(hold[1]);
		rc = (int)read(hold[0], &status, 1);
		_exit(rc);
	}
	rouse_agent_stop();
	assert_false(client_await(&client, ROUSE__V1__FRAME__BODY_ERROR, 1));
	close(hold[1]);
	close(hold[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	client_close(&client);
}

static void come_as_nobody(void)
{
	struct client client;

	if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
		_exit(1);
	client.fd = connect_to(path);
	if (client.fd < 0)
		_exit(2);
	rp_splitter_init(&client.splitter, 0);
	stream_init(&client.stream);
	if (!client_await(&client, ROUSE__V1__FRAME__BODY_ERROR, 1))
		_exit(3);
	if (client.stream.frames[0]->error->code != -EACCES || client_await(&client, ROUSE__V1__FRAME__BODY_HELLO, 1))
		_exit(4);
	_exit(0);
}

static void another_user_is_refused_even_where_the_file_would_let_him_in(void **state)
{
	char dir[120];
	int status;

	(void)state;
	if (geteuid() != 0)
		test_skip("root is needed to become somebody else");
	snprintf(dir, sizeof dir, "%s/rouse", home);
	assert_int_equal(chmod(home, 0755), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(path, 0666), 0);
	pid_t pid = fork();

	if (pid == 0)
		come_as_nobody();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(NAME) cmocka_unit_test(NAME)
#define SERVED(NAME) cmocka_unit_test_setup_teardown(NAME, start, stop)
TEST_MAIN_WITH(setup_program, teardown_program, TEST(the_socket_is_for_its_user_alone_and_goes_with_the_agent),
	TEST(a_socket_left_by_the_dead_is_replaced_and_one_that_answers_is_not),
	TEST(a_directory_that_others_could_enter_is_not_used), TEST(a_path_of_ones_own_may_be_anywhere),
	TEST(the_environment_starts_it_with_the_first_runtime),
	SERVED(several_clients_are_served_and_those_too_many_told_so),
	SERVED(what_a_client_asks_for_is_searched_for_twice), SERVED(a_client_that_never_reads_disturbs_nobody),
	SERVED(clients_that_are_killed_in_midstream_disturb_nobody),
	SERVED(the_level_is_raised_while_somebody_needs_it), SERVED(a_fork_has_no_agent_and_leaves_the_parents_alone),
	SERVED(another_user_is_refused_even_where_the_file_would_let_him_in));
