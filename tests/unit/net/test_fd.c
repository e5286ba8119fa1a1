/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors that are not ours. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <rouse/rouse.h>

#include "net/socket.h"

static struct rouse_runtime *runtime;
static struct rouse_fd *fd;
static int ends[2];

static int setup(void **state)
{
	(void)state;
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) || rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2), &runtime))
		return -1;
	struct rouse_guard guard = rouse_enter(runtime);
	int rc = rouse_fd_new(ends[0], "pipe", &fd);
	rouse_leave(&guard);
	return rc;
}

static int teardown(void **state)
{
	(void)state;
	rouse_fd_free(fd);
	close(ends[0]);
	close(ends[1]);
	rouse_runtime_free(runtime);
	return 0;
}

/* Reads until the pipe is empty, as the header tells users to. */
ROUSE_ASYNC(take, int64_t,
	struct rouse_fd *fd; int from; size_t wanted;
	size_t got; int64_t rc; struct rouse_fd_ready ready;);
ROUSE_BODY(take)
{
	ROUSE_BEGIN;
	while (self->got < self->wanted) {
		char buffer[64];
		ssize_t n;

		ROUSE_AWAIT(self->rc, rouse_fd_readable(&self->ready, self->fd));
		if (self->rc)
			ROUSE_RETURN(self->rc);
		while ((n = read(self->from, buffer, sizeof buffer)) > 0)
			self->got += (size_t)n;
		if (n == 0)
			break;
		rouse_fd_clear_readable(self->fd);
	}
	ROUSE_RETURN((int64_t)self->got);
	ROUSE_END;
}

ROUSE_ASYNC(ready, int64_t,
	struct rouse_fd *fd; bool to_write;
	int64_t rc; struct rouse_fd_ready ready;);
ROUSE_BODY(ready)
{
	ROUSE_BEGIN;
	if (self->to_write)
		ROUSE_AWAIT(self->rc, rouse_fd_writable(&self->ready, self->fd));
	else
		ROUSE_AWAIT(self->rc, rouse_fd_readable(&self->ready, self->fd));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

static bool is_pending(void *task)
{
	return rouse_task_get_state(task) == ROUSE_TASK_PENDING;
}

static void a_pipe_is_read_as_it_fills(void **state)
{
	(void)state;
	struct rouse_task *task = rouse_spawn_on(runtime, take, .fd = fd, .from = ends[0], .wanted = 12);
	for (int i = 0; i < 3; i++) {
		assert_true(test_eventually(is_pending, task));
		assert_int_equal(write(ends[1], "data", 4), 4);
	}
	assert_int_equal(rouse_block_until_idle(runtime), 0);
	assert_int_equal(rouse_task_get_state(task), ROUSE_TASK_COMPLETE);
	rouse_task_detach(task);
}

static void the_end_of_a_pipe_is_seen(void **state)
{
	int64_t got = -1;

	(void)state;
	assert_int_equal(write(ends[1], "last", 4), 4);
	close(ends[1]);
	ends[1] = -1;
	assert_int_equal(rouse_block_on(runtime, &got, take, .fd = fd, .from = ends[0], .wanted = 100), 0);
	assert_int_equal(got, 4);
}

static bool is_readable(void *resource)
{
	return rs_load(&((struct rs_resource *)resource)->flags, RS_RELAXED) & ROUSE_RESOURCE_READABLE;
}

/* What arrived after the last "ready" is not forgotten by the clear that belongs to it. */
static void clearing_keeps_what_came_since(void **state)
{
	char buffer[16];
	int64_t rc = -1;

	(void)state;
	assert_int_equal(rouse_block_on(runtime, &rc, ready, .fd = fd), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(read(ends[0], buffer, sizeof buffer), -1);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_true(test_eventually(is_readable, fd));
	rouse_fd_clear_readable(fd);
	assert_true(is_readable(fd));
	assert_int_equal(rouse_block_on(runtime, &rc, ready, .fd = fd), 0);
	assert_int_equal(rc, 0);
	rouse_fd_clear_readable(fd);
	assert_false(is_readable(fd));
}

static bool is_writable(void *resource)
{
	return rs_load(&((struct rs_resource *)resource)->flags, RS_RELAXED) & ROUSE_RESOURCE_WRITABLE;
}

static void a_writer_waits_for_room(void **state)
{
	struct rouse_fd *out = NULL;
	char block[4096] = { 0 };
	int64_t rc = -1;

	(void)state;
	struct rouse_guard guard = rouse_enter(runtime);
	assert_int_equal(rouse_fd_new(ends[1], NULL, &out), 0);
	rouse_leave(&guard);
	assert_true(test_eventually(is_writable, out));
	assert_int_equal(rouse_block_on(runtime, &rc, ready, .fd = out, .to_write = true), 0);
	assert_int_equal(rc, 0);
	while (write(ends[1], block, sizeof block) > 0)
		;
	rouse_fd_clear_writable(out);
	struct rouse_task *task = rouse_spawn_on(runtime, ready, .fd = out, .to_write = true);
	assert_true(test_eventually(is_pending, task));
	while (read(ends[0], block, sizeof block) > 0)
		;
	assert_int_equal(rouse_block_until_idle(runtime), 0);
	assert_int_equal(rouse_task_get_state(task), ROUSE_TASK_COMPLETE);
	rouse_task_detach(task);
	rouse_fd_free(out);
}

static void freeing_leaves_the_descriptor_open(void **state)
{
	struct rs_resource *r = (struct rs_resource *)fd;

	(void)state;
	assert_string_equal(r->name, "pipe");
	assert_int_equal(r->kind, ROUSE_RESOURCE_FD);
	assert_int_equal(r->value, ends[0]);
	rouse_fd_free(fd);
	assert_int_not_equal(fcntl(ends[0], F_GETFD), -1);
	/* And it can be registered anew. */
	struct rouse_guard guard = rouse_enter(runtime);
	assert_int_equal(rouse_fd_new(ends[0], "again", &fd), 0);
	rouse_leave(&guard);
}

static void what_epoll_cannot_watch_is_refused(void **state)
{
	struct rouse_fd *none = NULL;
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	assert_int_equal(rouse_fd_new(ends[1], NULL, &none), -ROUSE_ENORUNTIME);
	struct rouse_guard guard = rouse_enter(runtime);
	assert_int_equal(rouse_fd_new(fileno(file), NULL, &none), -EPERM);
	assert_int_equal(rouse_fd_new(-1, NULL, &none), -EBADF);
	assert_int_equal(rouse_fd_new(ends[0], NULL, &none), -EEXIST);
	assert_int_equal(rouse_fd_new(ends[1], NULL, NULL), -EINVAL);
	rouse_leave(&guard);
	assert_null(none);
	rouse_fd_free(NULL);
	fclose(file);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(T(a_pipe_is_read_as_it_fills), T(the_end_of_a_pipe_is_seen), T(clearing_keeps_what_came_since),
	T(a_writer_waits_for_room), T(freeing_leaves_the_descriptor_open), T(what_epoll_cannot_watch_is_refused));
