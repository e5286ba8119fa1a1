/* SPDX-License-Identifier: MIT */
/* What a look says of the threads behind a runtime: of this process, of one in another PID namespace. */
#include "test.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rouse/agent.h>
#include <rouse/inspect.h>
#include <rouse/rouse.h>

#include "inspect/procfs.h"
#include "inspect/procthread.h"
#include "stream.h"

enum { WORKERS = 2 };

/* A program whose single task, or job, does something that can be seen, until it is let go. */
struct program {
	struct rouse_runtime *runtime;
	struct rouse_inspect *inspect;
	struct stream stream;
	int pipe[2];
	_Atomic bool stop;
	_Atomic int tid; /* of the thread that is in it */
};

static int64_t read_pipe(void *arg)
{
	struct program *p = arg;
	char byte;

	p->tid = gettid();
	return read(p->pipe[0], &byte, 1);
}

static int64_t nap(void *arg)
{
	struct program *p = arg;
	const struct timespec while_ = { 0, 20000000 };

	p->tid = gettid();
	while (!p->stop)
		nanosleep(&while_, NULL);
	return 0;
}

static int64_t spin(void *arg)
{
	struct program *p = arg;

	p->tid = gettid();
	while (!p->stop)
		continue;
	return 0;
}

ROUSE_ASYNC(in_a_poll, int, rouse_blocking_fn fn; struct program *program;);
ROUSE_BODY(in_a_poll)
{
	ROUSE_BEGIN;
	self->fn(self->program);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(on_the_pool, int, rouse_blocking_fn fn; struct program *program; struct rouse_blocking job; int64_t rc;);
ROUSE_BODY(on_the_pool)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_blocking(&self->job, self->fn, self->program));
	ROUSE_RETURN(0);
	ROUSE_END;
}

static struct rouse_runtime *new_runtime(void)
{
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "watched", .workers = WORKERS,
						   .blocking_keep_ns = 1000 * ROUSE_S), &runtime), 0);
	return runtime;
}

static void let_go(struct program *p)
{
	p->stop = true;
	if (p->pipe[1] >= 0)
		close(p->pipe[1]);
	p->pipe[1] = -1;
}

static int teardown(void **state)
{
	struct program *p = *state;

	let_go(p);
	rouse_runtime_free(p->runtime);
	close(p->pipe[0]);
	rouse_inspect_close(p->inspect);
	stream_fini(&p->stream);
	free(p);
	return 0;
}

/* Looks; answers the table of threads. */
static const Rouse__V1__Threads *look(struct program *p)
{
	const Rouse__V1__Frame *frame;

	stream_clear(&p->stream);
	assert_int_equal(rouse_inspect_look(p->inspect, NULL, stream_take, &p->stream), 0);
	assert_int_equal(stream_count(&p->stream, ROUSE__V1__FRAME__BODY_THREADS),
		stream_count(&p->stream, ROUSE__V1__FRAME__BODY_BEGIN));
	frame = stream_find(&p->stream, ROUSE__V1__FRAME__BODY_THREADS, 0);
	return frame->threads;
}

static bool all_have_started(void *arg)
{
	return look(arg)->n_tid == WORKERS + 1;
}

static int setup(void **state)
{
	struct program *p = calloc(1, sizeof *p);

	stream_init(&p->stream);
	p->runtime = new_runtime();
	assert_int_equal(pipe(p->pipe), 0);
	assert_int_equal(rouse_inspect_open_pid((int)getpid(), &p->inspect), 0);
	*state = p;
	return test_eventually(all_have_started, p) ? 0 : -1;
}

/* Where a thread stands in the table; its length if it does not. */
static size_t row_of(const Rouse__V1__Threads *threads, uint32_t tid)
{
	size_t i = 0;

	while (i < threads->n_tid && threads->tid[i] != tid)
		i++;
	return i;
}

static size_t count_role(const Rouse__V1__Threads *threads, enum rouse_thread_role role)
{
	size_t n = 0;

	for (size_t i = 0; i < threads->n_tid; i++)
		n += threads->role[i] == role;
	return n;
}

static void run(struct program *p, rouse_blocking_fn fn, bool on_pool)
{
	struct rouse_guard guard = rouse_enter(p->runtime);

	if (on_pool)
		assert_int_equal(rouse_spawn_detached(on_the_pool, .fn = fn, .program = p), 0);
	else
		assert_int_equal(rouse_spawn_detached(in_a_poll, .fn = fn, .program = p), 0);
	rouse_leave(&guard);
}

/* ----------------------------------------------------------- who is listed */

static bool is_rest(uint32_t syscall)
{
	static const uint32_t calls[] = { SYS_futex, SYS_epoll_pwait,
#ifdef SYS_epoll_wait
		SYS_epoll_wait,
#endif
#ifdef SYS_epoll_pwait2
		SYS_epoll_pwait2,
#endif
	};

	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (syscall == calls[i] + 1)
			return true;
	return false;
}

static bool workers_and_watchdog_rest(void *arg)
{
	const Rouse__V1__Threads *threads = look(arg);
	size_t resting = 0;

	for (size_t i = 0; i < threads->n_tid; i++)
		resting += threads->state[i] == 'S' && threads->pc[i] != 0 && is_rest(threads->syscall[i]);
	return threads->n_tid == WORKERS + 1 && resting == WORKERS + 1;
}

static void an_idle_runtimes_threads_sleep_in_futex_or_epoll(void **state)
{
	struct program *p = *state;
	size_t row;

	assert_true(test_eventually(workers_and_watchdog_rest, p));
	const Rouse__V1__Threads *threads = look(p);
	const Rouse__V1__Workers *workers = stream_find(&p->stream, ROUSE__V1__FRAME__BODY_WORKERS, 0)->workers;

	for (uint32_t i = 0; i < WORKERS; i++) {
		row = row_of(threads, workers->tid[i]);
		assert_true(row < threads->n_tid);
		assert_int_equal(threads->role[row], ROUSE_THREAD_WORKER);
		assert_int_equal(threads->worker[row], i);
		assert_int_equal(threads->os_tid[row], threads->tid[row]);
		assert_true(threads->cpu_ns[row] > 0);
	}
	assert_int_equal(count_role(threads, ROUSE_THREAD_WATCHDOG), 1);
	assert_int_equal(row_of(threads, (uint32_t)gettid()), threads->n_tid); /* who looks is not of the runtime */
}

static void the_agents_own_thread_is_not_listed(void **state)
{
	struct program *p = *state;
	char dir[] = "/tmp/rouse-test-XXXXXX", path[64];
	const struct rouse_agent_opts opts = { .size = sizeof opts, .path = path };

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/agent.sock", dir);
	assert_int_equal(rouse_agent_start(&opts), 0);
	const Rouse__V1__Threads *threads = look(p);

	assert_int_equal(threads->n_tid, WORKERS + 1);
	for (size_t i = 0; i < threads->n_tid; i++) {
		char name[RI_THREAD_NAME];

		assert_int_equal(ri_proc_thread_name((int)getpid(), threads->os_tid[i], name), 0);
		assert_string_not_equal(name, "rouse-agent");
	}
	rouse_agent_stop();
	rmdir(dir);
}

/* ------------------------------------------------------- what they are doing */

static size_t busy_row(struct program *p, const Rouse__V1__Threads **ret_threads)
{
	*ret_threads = look(p);
	return row_of(*ret_threads, (uint32_t)p->tid);
}

static bool reads_the_pipe(void *arg)
{
	struct program *p = arg;
	const Rouse__V1__Threads *threads;
	size_t row = busy_row(p, &threads);

	return row < threads->n_tid && threads->state[row] == 'S' && threads->syscall[row] == SYS_read + 1 &&
	       threads->argument[row] == (uint64_t)p->pipe[0] && threads->pc[row] != 0;
}

static void a_worker_that_reads_shows_the_call_and_the_descriptor(void **state)
{
	struct program *p = *state;

	run(p, read_pipe, false);
	assert_true(test_eventually(reads_the_pipe, p));
	const Rouse__V1__Threads *threads;
	size_t row = busy_row(p, &threads);

	assert_int_equal(threads->role[row], ROUSE_THREAD_WORKER);
	const Rouse__V1__Workers *workers = stream_find(&p->stream, ROUSE__V1__FRAME__BODY_WORKERS, 0)->workers;

	assert_int_not_equal(workers->current_task[threads->worker[row]], 0);
}

static bool naps(void *arg)
{
	const Rouse__V1__Threads *threads;
	size_t row = busy_row(arg, &threads);

	return row < threads->n_tid && threads->state[row] == 'S' &&
	       (threads->syscall[row] == SYS_clock_nanosleep + 1 || threads->syscall[row] == SYS_nanosleep + 1);
}

static void a_worker_that_sleeps_shows_the_call(void **state)
{
	struct program *p = *state;

	run(p, nap, false);
	assert_true(test_eventually(naps, p));
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * ROUSE_S + (uint64_t)t.tv_nsec;
}

static bool spins(void *arg)
{
	const Rouse__V1__Threads *threads;
	size_t row = busy_row(arg, &threads);

	return row < threads->n_tid && threads->state[row] == 'R' && threads->cpu_ns[row] > 0;
}

struct growth {
	struct program *program;
	uint64_t from_ns; /* on a CPU */
	uint64_t cpu_ns, run_queue_ns;
};

static bool has_run_for_a_while(void *arg)
{
	struct growth *g = arg;
	const Rouse__V1__Threads *threads;
	size_t row = busy_row(g->program, &threads);

	if (row == threads->n_tid)
		return false;
	g->cpu_ns = threads->cpu_ns[row];
	g->run_queue_ns = threads->run_queue_ns[row];
	return g->cpu_ns - g->from_ns > 100 * ROUSE_MS;
}

static void a_spinning_worker_gathers_cpu_time_but_not_more_than_has_passed(void **state)
{
	struct program *p = *state;
	const Rouse__V1__Threads *threads;
	struct growth g = { .program = p };

	run(p, spin, false);
	assert_true(test_eventually(spins, p));
	uint64_t begin = now_ns();
	size_t row = busy_row(p, &threads);

	g.from_ns = threads->cpu_ns[row];
	uint64_t waited = threads->run_queue_ns[row];

	assert_int_equal(threads->syscall[row], 0);
	assert_true(test_eventually(has_run_for_a_while, &g));
	uint64_t passed = now_ns() - begin;

	/* The kernel adds up at its ticks: what it had not counted yet at the first look comes on top. */
	assert_true(g.cpu_ns - g.from_ns + (g.run_queue_ns - waited) <= passed + 20 * ROUSE_MS);
}

/* --------------------------------------------------------- the blocking pool */

static bool a_job_runs(void *arg)
{
	struct program *p = arg;
	const Rouse__V1__Threads *threads;
	size_t row = busy_row(p, &threads);

	return row < threads->n_tid && threads->role[row] == ROUSE_THREAD_BLOCKING &&
	       threads->syscall[row] == SYS_read + 1;
}

static bool the_pool_idles(void *arg)
{
	struct program *p = arg;
	const Rouse__V1__Threads *threads;
	size_t row = busy_row(p, &threads);

	return stream_find(&p->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->blocking_idle == 1 &&
	       row < threads->n_tid && threads->role[row] == ROUSE_THREAD_BLOCKING &&
	       threads->syscall[row] == SYS_futex + 1;
}

static void a_pool_thread_is_listed_with_a_job_and_without(void **state)
{
	struct program *p = *state;

	run(p, read_pipe, true);
	assert_true(test_eventually(a_job_runs, p));
	assert_int_equal(count_role(look(p), ROUSE_THREAD_BLOCKING), 1);
	let_go(p);
	assert_true(test_eventually(the_pool_idles, p));
	assert_int_equal(look(p)->n_tid, WORKERS + 2);
	/* Who comes later has not seen it at work, and has to search. */
	rouse_inspect_close(p->inspect);
	assert_int_equal(rouse_inspect_open_pid((int)getpid(), &p->inspect), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(the_pool_idles(p));
		assert_int_equal(look(p)->n_tid, WORKERS + 2);
	}
}

static bool no_job_runs(void *arg)
{
	struct program *p = arg;

	look(p);
	return stream_find(&p->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->blocking_idle == 1;
}

static bool both_have_started(void *arg)
{
	struct program *p = arg;

	look(p);
	return stream_find(&p->stream, ROUSE__V1__FRAME__BODY_THREADS, 0)->threads->n_tid == WORKERS + 1 &&
	       stream_find(&p->stream, ROUSE__V1__FRAME__BODY_THREADS, 1)->threads->n_tid == WORKERS + 1;
}

/* Two runtimes' pool threads have the same name: an idle one could be either's. */
static void an_idle_pool_thread_of_one_of_two_runtimes_is_nobodys(void **state)
{
	struct program *p = *state;
	struct rouse_runtime *other = new_runtime();

	assert_true(test_eventually(both_have_started, p));
	run(p, read_pipe, true);
	assert_true(test_eventually(a_job_runs, p));
	let_go(p);
	assert_true(test_eventually(no_job_runs, p));
	look(p);
	for (size_t i = 0; i < 2; i++) {
		const Rouse__V1__Threads *threads =
			stream_find(&p->stream, ROUSE__V1__FRAME__BODY_THREADS, i)->threads;

		assert_int_equal(threads->n_tid, WORKERS + 1);
		assert_int_equal(count_role(threads, ROUSE_THREAD_BLOCKING), 0);
	}
	rouse_runtime_free(other);
}

/* ------------------------------------------------------- gone, or elsewhere */

static void threads_that_have_ended_are_not_listed(void **state)
{
	struct program *p = *state;

	assert_int_equal(look(p)->n_tid, WORKERS + 1);
	assert_int_equal(rouse_runtime_shutdown(p->runtime, 5 * ROUSE_S, NULL, NULL), 0);
	assert_int_equal(look(p)->n_tid, 0);
}

/* The page and records are the program's: it can say anything. */
static void thread_numbers_that_lie_name_nobody(void **state)
{
	struct program *p = *state;
	struct ri_mapping mapping;

	assert_int_equal(ri_proc_mappings((int)getpid(), &mapping, 1), 1);
	struct rouse_page *page = (struct rouse_page *)(uintptr_t)mapping.address;
	struct rouse_worker_record *record =
		(struct rouse_worker_record *)(uintptr_t)(mapping.address + page->off_workers);
	const uint32_t lies[] = { 1, UINT32_MAX, INT32_MAX, (uint32_t)getppid() };
	uint32_t tid = __atomic_load_n(&record[0].tid, __ATOMIC_RELAXED);

	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		__atomic_store_n(&record[0].tid, lies[i], __ATOMIC_RELAXED);
		assert_int_equal(look(p)->n_tid, WORKERS);
	}
	uint32_t other = __atomic_load_n(&record[1].tid, __ATOMIC_RELAXED);

	__atomic_store_n(&record[0].tid, other, __ATOMIC_RELAXED); /* one thread has one row */
	assert_int_equal(look(p)->n_tid, WORKERS);
	__atomic_store_n(&record[0].tid, tid, __ATOMIC_RELAXED);
	assert_int_equal(look(p)->n_tid, WORKERS + 1);
}

/* Runs as process 1 of a PID namespace of its own. */
static void live_elsewhere(int ready, int hold)
{
	char byte = '!';

	new_runtime();
	if (getpid() != 1 || write(ready, &byte, 1) != 1)
		_exit(1);
	(void)!read(hold, &byte, 1);
	_exit(0);
}

/* 0, or the errno of unshare(). */
static int start_elsewhere(int ready[2], int hold[2], pid_t *ret_pid)
{
	int pid_pipe[2], status;
	pid_t pid = -1;

	assert_int_equal(pipe(pid_pipe), 0);
	pid_t middle = fork();

	if (middle == 0) {
		close(hold[1]);
		if (unshare(CLONE_NEWPID) < 0)
			_exit(77);
		pid = fork();
		if (pid == 0)
			live_elsewhere(ready[1], hold[0]);
		_exit(write(pid_pipe[1], &pid, sizeof pid) == sizeof pid ? 0 : 1);
	}
	close(pid_pipe[1]);
	ssize_t n = read(pid_pipe[0], &pid, sizeof pid);

	close(pid_pipe[0]);
	assert_int_equal(waitpid(middle, &status, 0), middle);
	*ret_pid = pid;
	return n == sizeof pid ? 0 : WEXITSTATUS(status);
}

static void threads_of_another_pid_namespace_have_both_their_numbers(void **state)
{
	struct program p = { .pipe = { -1, -1 } };
	int ready[2], hold[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(hold), 0);
	int rc = start_elsewhere(ready, hold, &pid);

	close(ready[1]);
	close(hold[0]);
	if (rc == 0) {
		assert_int_equal(read(ready[0], &byte, 1), 1);
		stream_init(&p.stream);
		assert_int_equal(rouse_inspect_open_pid(pid, &p.inspect), 0);
		assert_true(test_eventually(all_have_started, &p));
		for (int i = 0; i < 2; i++) { /* asked for, then remembered */
			const Rouse__V1__Threads *threads = look(&p);

			assert_int_equal(threads->n_tid, WORKERS + 1);
			for (size_t k = 0; k < threads->n_tid; k++) {
				/* main, workers, watchdog; a sanitizer may have one of its own */
				assert_true(threads->tid[k] > 1 && threads->tid[k] <= WORKERS + 2 + TEST_SANITIZED);
				assert_true(threads->os_tid[k] > (uint32_t)pid);
				assert_int_equal(ri_proc_ns_tid(pid, (int)threads->os_tid[k]), threads->tid[k]);
			}
		}
		rouse_inspect_close(p.inspect);
		stream_fini(&p.stream);
	}
	close(ready[0]);
	close(hold[1]);
	if (rc)
		test_skip("making a PID namespace is not permitted");
}

/* -------------------------------------------------------------------- texts */

static void a_name_may_look_like_the_rest_of_the_line(void **state)
{
	struct ri_proc_thread t = { .state = 0 };
	uint64_t tick_ns = ROUSE_S / (uint64_t)sysconf(_SC_CLK_TCK);

	(void)state;
	assert_true(ri_parse_thread_stat("7 (a) R (b) D 1 2 3 4 5 6 7 8 9 10 11 3 4 0 0 20 0 1 0 9\n", &t));
	assert_string_equal(t.name, "a) R (b");
	assert_int_equal(t.state, 'D');
	assert_int_equal(t.cpu_ns, 14 * tick_ns);
	assert_false(ri_parse_thread_stat("", &t));
	assert_false(ri_parse_thread_stat("7 )x(", &t));
	assert_false(ri_parse_thread_stat("7 (x)", &t));
	assert_false(ri_parse_thread_stat("7 (x) ", &t));
	assert_true(ri_parse_thread_stat("7 (x) S", &t)); /* cut: what was there is told */
	assert_int_equal(t.cpu_ns, 0);
}

static void a_kernel_that_does_not_count_leaves_the_coarser_time(void **state)
{
	struct ri_proc_thread t = { .cpu_ns = 5 };

	(void)state;
	ri_parse_schedstat("0 0 0\n", &t);
	assert_int_equal(t.cpu_ns, 5);
	ri_parse_schedstat("123 45 6\n", &t);
	assert_int_equal(t.cpu_ns, 123);
	assert_int_equal(t.run_queue_ns, 45);
}

static void a_system_call_is_told_from_running_and_from_blocked_elsewhere(void **state)
{
	struct ri_proc_thread t = { .state = 0 };

	(void)state;
	ri_parse_syscall("0 0x3 0x7f 0x20 0x7e 0xff 0x0 0x7ffd4fbefd78 0x7feaeab3f2ad\n", &t);
	assert_int_equal(t.syscall, 1);
	assert_int_equal(t.argument, 3);
	assert_int_equal(t.pc, 0x7feaeab3f2ad);
	t = (struct ri_proc_thread){ .state = 0 };
	ri_parse_syscall("-1 0x7ffd4fbefd78 0x401000\n", &t);
	assert_int_equal(t.syscall, 0);
	assert_int_equal(t.argument, 0);
	assert_int_equal(t.pc, 0x401000);
	t = (struct ri_proc_thread){ .state = 0 };
	ri_parse_syscall("running\n", &t);
	ri_parse_syscall("", &t);
	ri_parse_syscall("12", &t);
	assert_int_equal(t.syscall, 0);
	assert_int_equal(t.pc, 0);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(an_idle_runtimes_threads_sleep_in_futex_or_epoll), TEST(the_agents_own_thread_is_not_listed),
	TEST(a_worker_that_reads_shows_the_call_and_the_descriptor), TEST(a_worker_that_sleeps_shows_the_call),
	TEST(a_spinning_worker_gathers_cpu_time_but_not_more_than_has_passed),
	TEST(a_pool_thread_is_listed_with_a_job_and_without),
	TEST(an_idle_pool_thread_of_one_of_two_runtimes_is_nobodys), TEST(threads_that_have_ended_are_not_listed),
	TEST(thread_numbers_that_lie_name_nobody),
	cmocka_unit_test(threads_of_another_pid_namespace_have_both_their_numbers),
	cmocka_unit_test(a_name_may_look_like_the_rest_of_the_line),
	cmocka_unit_test(a_kernel_that_does_not_count_leaves_the_coarser_time),
	cmocka_unit_test(a_system_call_is_told_from_running_and_from_blocked_elsewhere));
