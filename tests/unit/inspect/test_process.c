/* SPDX-License-Identifier: MIT */
/* Real processes: this one, another, a stopped one, a dead one, a foreign one. */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rouse/inspect.h>
#include <rouse/rouse.h>

#include "stream.h"

enum { SLEEPERS = 50, NOBODY = 65534 };

ROUSE_ASYNC(nap, int, struct rouse_sleep sleep; int64_t rc;);
ROUSE_BODY(nap)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_sleep(&self->sleep, 1000 * ROUSE_S));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(sleeper, int, struct nap nap; int rc;);
ROUSE_BODY(sleeper)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, ROUSE_CALL(&self->nap, nap));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(brief, int, struct rouse_yield yield;);
ROUSE_BODY(brief)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* Spawns the sleepers and some that end at once, and waits until all have come to rest. */
ROUSE_ASYNC(app, int, int i; struct rouse_task *task; struct rouse_join join; int64_t rc;);
ROUSE_BODY(app)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < SLEEPERS; self->i++)
		rouse_spawn_detached_named("a sleeper", sleeper);
	for (self->i = 0; self->i < SLEEPERS; self->i++) {
		self->task = rouse_spawn(brief);
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->task, NULL));
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

static struct rouse_runtime *start_program(void)
{
	struct rouse_runtime *runtime;
	int result = -1;

	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "watched", .workers = 2), &runtime) < 0 ||
		rouse_block_on(runtime, &result, app) < 0)
		abort();
	return runtime;
}

static void look_at(int pid, struct stream *stream)
{
	struct rouse_inspect *inspect;

	stream_clear(stream);
	assert_int_equal(rouse_inspect_open_pid(pid, &inspect), 0);
	assert_int_equal(rouse_inspect_look(inspect, NULL, stream_take, stream), 0);
	rouse_inspect_close(inspect);
}

static uint64_t counter_sum(const struct stream *stream, size_t column)
{
	const Rouse__V1__Workers *w = stream_find(stream, ROUSE__V1__FRAME__BODY_WORKERS, 0)->workers;
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n_index; i++)
		sum += w->counters[i * w->counter_columns + column];
	return sum;
}

enum column {
#define X(NAME, TEXT) COLUMN_##NAME,
	ROUSE_COUNTERS(X)
#undef X
};

/* Sleepers that were seen suspended in the nap, with a chain that can be trusted. */
static size_t count_sleepers(const struct stream *stream)
{
	size_t n = 0;

	for (size_t i = 0; i < stream->n; i++) {
		const Rouse__V1__AwaitFrames *a = stream->frames[i]->awaits;

		if (stream->frames[i]->body_case != ROUSE__V1__FRAME__BODY_AWAITS)
			continue;
		for (size_t j = 0; j < a->n_task; j++) {
			size_t row;
			const Rouse__V1__Tasks *tasks = stream_task(stream, a->task[j], &row);

			n += a->op[j] == ROUSE_OP_SLEEP && a->depth_index[j] == 2 && a->waker_task[j] == a->task[j] &&
			     tasks->valid[row] && strcmp(stream_text(stream, tasks->name[row]), "a sleeper") == 0;
		}
	}
	return n;
}

static bool sleepers_rest(void *arg)
{
	struct stream *stream = arg;

	look_at((int)getpid(), stream);
	return count_sleepers(stream) == SLEEPERS;
}

static void a_look_at_oneself_equals_the_programs_own_totals(void **state)
{
	struct rouse_runtime *runtime = start_program();
	struct rouse_totals totals;
	struct stream stream;

	(void)state;
	stream_init(&stream);
	assert_true(test_eventually(sleepers_rest, &stream));
	rouse_runtime_totals(runtime, &totals);
	assert_int_equal(counter_sum(&stream, COLUMN_spawned), totals.spawned);
	assert_int_equal(counter_sum(&stream, COLUMN_completed), totals.completed);
	assert_int_equal(counter_sum(&stream, COLUMN_cancelled), totals.cancelled);
	assert_int_equal(counter_sum(&stream, COLUMN_panicked), totals.panicked);
	assert_int_equal(counter_sum(&stream, COLUMN_polls), totals.polls);
	assert_int_equal(stream_end(&stream)->tasks, totals.live);
	assert_int_equal(totals.live, SLEEPERS);
	assert_int_equal(totals.completed, SLEEPERS + 1);
	assert_int_equal(stream_end(&stream)->torn, 0);
	assert_true(stream_end(&stream)->complete);
	stream_fini(&stream);
	rouse_runtime_free(runtime);
}

static void emitted_events_equal_the_programs_own_count(void **state)
{
	const struct rouse_look_opts opts = { .size = sizeof opts, .events = true };
	struct rouse_runtime *runtime;
	struct rouse_inspect *inspect;
	struct stream stream;
	int result;

	(void)state;
	stream_init(&stream);
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.level = 3, .workers = 2), &runtime), 0);
	assert_int_equal(rouse_inspect_open_pid((int)getpid(), &inspect), 0);
	assert_int_equal(rouse_block_on(runtime, &result, app), 0);
	assert_int_equal(rouse_runtime_shutdown(runtime, 5 * ROUSE_S, NULL, NULL), 0);
	assert_int_equal(rouse_inspect_look(inspect, &opts, stream_take, &stream), 0);
	const Rouse__V1__GenerationEnd *end = stream_end(&stream);
	uint64_t spawns = 0;

	for (size_t i = 0; i < stream.n; i++) {
		const Rouse__V1__Events *e = stream.frames[i]->events;

		if (stream.frames[i]->body_case != ROUSE__V1__FRAME__BODY_EVENTS)
			continue;
		for (size_t j = 0; j < e->n_kind; j++)
			spawns += e->kind[j] == ROUSE_EVENT_SPAWN;
	}
	assert_int_equal(end->emitted_events, counter_sum(&stream, COLUMN_emitted));
	assert_int_equal(end->emitted_events, end->delivered_events + end->lost_events);
	assert_int_equal(end->lost_events, 0);
	assert_int_equal(spawns, counter_sum(&stream, COLUMN_spawned));
	rouse_inspect_close(inspect);
	stream_fini(&stream);
	rouse_runtime_free(runtime);
}

/* --------------------------------------------------------- other processes */

struct child {
	pid_t pid;
	int hold; /* closing it ends the child */
};

/* A child that runs `body`, then says so and lives until the parent lets go. */
static struct child start_child(void (*body)(void))
{
	int ready[2], hold[2];
	struct child child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(hold), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		close(hold[1]);
		body();
		if (write(ready[1], "!", 1) == 1)
			(void)!read(hold[0], &byte, 1);
		_exit(0);
	}
	close(ready[1]);
	close(hold[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	child.hold = hold[1];
	return child;
}

static void end_child(struct child *child)
{
	close(child->hold);
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
}

static bool child_sleepers_rest(void *arg)
{
	struct {
		struct stream stream;
		int pid;
	} *look = arg;

	look_at(look->pid, &look->stream);
	return count_sleepers(&look->stream) == SLEEPERS;
}

static void program(void)
{
	start_program();
}

static void nothing(void)
{
}

static void a_stopped_process_answers_as_a_running_one(void **state)
{
	struct child child = start_child(program);
	struct {
		struct stream stream;
		int pid;
	} look = { .pid = child.pid };
	int status;

	(void)state;
	stream_init(&look.stream);
	assert_true(test_eventually(child_sleepers_rest, &look));
	assert_false(stream_find(&look.stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->target_stopped);
	assert_int_equal(kill(child.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(child.pid, &status, WUNTRACED), child.pid);
	look_at(child.pid, &look.stream);
	assert_true(stream_find(&look.stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->target_stopped);
	assert_int_equal(count_sleepers(&look.stream), SLEEPERS);
	assert_int_equal(stream_find(&look.stream, ROUSE__V1__FRAME__BODY_HELLO, 0)->hello->pid, child.pid);
	kill(child.pid, SIGCONT);
	end_child(&child);
	stream_fini(&look.stream);
}

static void a_process_that_died_is_gone_not_empty(void **state)
{
	struct child child = start_child(program);
	struct rouse_inspect *inspect, *late;
	struct stream stream;

	(void)state;
	stream_init(&stream);
	assert_int_equal(rouse_inspect_open_pid(child.pid, &inspect), 0);
	kill(child.pid, SIGKILL);
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(rouse_inspect_look(inspect, NULL, stream_take, &stream), -ESRCH); /* a zombie still */
	end_child(&child);
	assert_int_equal(rouse_inspect_look(inspect, NULL, stream_take, &stream), -ESRCH);
	assert_int_equal(rouse_inspect_open_pid(child.pid, &late), -ESRCH);
	rouse_inspect_close(inspect);
	stream_fini(&stream);
}

static void a_process_without_a_runtime_has_none(void **state)
{
	struct child child = start_child(nothing);
	struct rouse_inspect *inspect;

	(void)state;
	assert_int_equal(rouse_inspect_open_pid(child.pid, &inspect), -ENOENT);
	end_child(&child);
}

static void a_fork_of_a_program_has_none_of_its_own(void **state)
{
	struct rouse_runtime *runtime = start_program();
	struct child child = start_child(nothing);
	struct rouse_inspect *inspect;

	(void)state;
	assert_int_equal(rouse_inspect_open_pid(child.pid, &inspect), -ENOENT);
	end_child(&child);
	rouse_runtime_free(runtime);
}

static void become_nobody_and_look_at_parent(void)
{
	struct rouse_inspect *inspect;
	struct rouse_target targets[64];

	if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
		_exit(1);
	if (rouse_inspect_open_pid((int)getppid(), &inspect) != -EACCES)
		_exit(2);
	int n = rouse_inspect_list(targets, 64);

	for (int i = 0; i < n && i < 64; i++)
		if (targets[i].pid == (int)getppid())
			_exit(3); /* nothing says that it has a runtime */
	_exit(0);
}

static void another_users_process_is_not_permitted(void **state)
{
	struct rouse_runtime *runtime;
	int status;

	(void)state;
	if (geteuid() != 0)
		test_skip("root is needed to become somebody else");
	runtime = start_program();
	pid_t pid = fork();

	if (pid == 0)
		become_nobody_and_look_at_parent();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	rouse_runtime_free(runtime);
}

static void the_list_names_program_runtime_and_live_tasks(void **state)
{
	struct child child = start_child(program);
	char program_name[32], dir[] = "/tmp/rouse-test-XXXXXX";
	struct rouse_target targets[256];
	bool found = false;

	(void)state;
	/* A program that had its number, and died, may have left a socket in the usual place. */
	assert_non_null(mkdtemp(dir));
	setenv("XDG_RUNTIME_DIR", dir, 1);
	int n = rouse_inspect_list(targets, 256);

	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(prctl(PR_GET_NAME, program_name), 0); /* under an emulator it is the emulator's */
	assert_true(n >= 1);
	for (int i = 0; i < n && i < 256; i++) {
		assert_true(i == 0 || targets[i].pid > targets[i - 1].pid);
		if (targets[i].pid != child.pid)
			continue;
		found = true;
		assert_true(targets[i].readable);
		assert_false(targets[i].agent);
		assert_string_equal(targets[i].runtime, "watched");
		assert_string_equal(targets[i].program, program_name);
		assert_int_equal(targets[i].runtimes, 1);
		assert_int_equal(targets[i].tasks, SLEEPERS);
	}
	assert_true(found);
	assert_true(rouse_inspect_list(targets, 0) >= 1); /* others come and go meanwhile: no equality */
	end_child(&child);
}

static void map_a_page_of_a_later_version(void)
{
	struct rouse_page page = { .magic = ROUSE_LAYOUT_MAGIC, .version = ROUSE_LAYOUT_VERSION + 1 };
	int fd = memfd_create(ROUSE_MEMFD_NAME, 0);

	if (write(fd, &page, sizeof page) != sizeof page ||
		mmap(NULL, sizeof page, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		_exit(1);
}

static void a_program_of_another_version_is_told_from_a_forbidden_one(void **state)
{
	struct child child = start_child(map_a_page_of_a_later_version);
	struct rouse_target targets[256];
	struct rouse_inspect *inspect;
	int n = rouse_inspect_list(targets, 256), found = 0;

	(void)state;
	assert_int_equal(rouse_inspect_open_pid(child.pid, &inspect), -EPROTO);
	for (int i = 0; i < n && i < 256; i++) {
		if (targets[i].pid != child.pid)
			continue;
		found++;
		assert_true(targets[i].other_version);
		assert_false(targets[i].readable);
	}
	assert_int_equal(found, 1);
	end_child(&child);
}

static void arguments_that_make_no_sense_are_refused(void **state)
{
	struct rouse_runtime *runtime = start_program();
	const struct rouse_look_opts small = { .size = 4 }, no_watch = { .size = sizeof no_watch, .n_watch = 1 };
	struct rouse_inspect *inspect;
	struct stream stream;

	(void)state;
	stream_init(&stream);
	assert_int_equal(rouse_inspect_open_pid((int)getpid(), &inspect), 0);
	assert_int_equal(rouse_inspect_look(inspect, &small, stream_take, &stream), -EINVAL);
	assert_int_equal(rouse_inspect_look(inspect, &no_watch, stream_take, &stream), -EINVAL);
	assert_int_equal(rouse_inspect_open_memory(NULL, NULL, NULL, 0, &inspect), -EINVAL);
	rouse_inspect_close(inspect);
	stream_fini(&stream);
	rouse_runtime_free(runtime);
}

/* ------------------------------------------------------------ socket paths */

static void the_socket_is_where_the_environment_says_or_in_tmp(void **state)
{
	char path[108], expected[108], dir[] = "/tmp/rouse-test-XXXXXX";
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("XDG_RUNTIME_DIR", dir, 1);
	snprintf(expected, sizeof expected, "%s/rouse/123.sock", dir);
	assert_int_equal(rouse_socket_path(123, geteuid(), path, sizeof path), 0);
	assert_string_equal(path, expected);
	assert_int_equal(rouse_socket_path(123, geteuid(), path, 20), -ENAMETOOLONG);
	/* Of others we know the usual places only. */
	assert_int_equal(rouse_socket_path(123, NOBODY, path, sizeof path), 0);
	assert_string_equal(path, "/tmp/rouse-65534/123.sock");
	setenv("XDG_RUNTIME_DIR", "/nonexistent/place", 1);
	assert_int_equal(rouse_socket_path(123, geteuid(), path, sizeof path), 0);
	assert_null(strstr(path, "nonexistent"));
	/* A socket that is there is found; something else under its name is not taken for one. */
	setenv("XDG_RUNTIME_DIR", dir, 1);
	snprintf(path, sizeof path, "%s/rouse", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	memcpy(address.sun_path, expected, sizeof expected);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(rouse_socket_path(123, geteuid(), path, sizeof path), 0);
	assert_string_equal(path, expected);
	close(fd);
	unlink(expected);
	snprintf(path, sizeof path, "%s/rouse", dir);
	rmdir(path);
	rmdir(dir);
	unsetenv("XDG_RUNTIME_DIR");
}

TEST_MAIN(cmocka_unit_test(a_look_at_oneself_equals_the_programs_own_totals),
	cmocka_unit_test(emitted_events_equal_the_programs_own_count),
	cmocka_unit_test(a_stopped_process_answers_as_a_running_one),
	cmocka_unit_test(a_process_that_died_is_gone_not_empty),
	cmocka_unit_test(a_process_without_a_runtime_has_none),
	cmocka_unit_test(a_fork_of_a_program_has_none_of_its_own),
	cmocka_unit_test(another_users_process_is_not_permitted),
	cmocka_unit_test(the_list_names_program_runtime_and_live_tasks),
	cmocka_unit_test(a_program_of_another_version_is_told_from_a_forbidden_one),
	cmocka_unit_test(arguments_that_make_no_sense_are_refused),
	cmocka_unit_test(the_socket_is_where_the_environment_says_or_in_tmp));
