/* SPDX-License-Identifier: MIT */
/* Chains over what evidence there is beside tasks and resources. */
#include "test.h"

#include "tables.h"

#include <string.h>

struct scene {
	struct cn_model *model;
	struct cn_chain chain;
	char drawn[8192];
};

static int make(void **state)
{
	static struct scene scene;

	scene = (struct scene){ .model = cn_model_new() };
	*state = &scene;
	return scene.model ? 0 : -1;
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	cn_chain_free(&scene->chain);
	cn_model_free(scene->model);
	return 0;
}

static void collect(void *arg, const struct cn_line *line)
{
	struct scene *scene = arg;
	size_t used = strlen(scene->drawn);

	assert_true(used + strlen(line->text) + 2 < sizeof scene->drawn);
	snprintf(scene->drawn + used, sizeof scene->drawn - used, "%s\n", line->text);
}

static const struct cn_chain *chain_of(struct scene *scene, uint64_t task)
{
	cn_chain_free(&scene->chain);
	assert_int_equal(cn_chain_build(scene->model, NULL, task, &scene->chain), 0);
	scene->drawn[0] = 0;
	cn_chain_draw(scene->model, &scene->chain, CN_CHARSET_ASCII, 100, collect, scene);
	return &scene->chain;
}

static void assert_drawn(const struct scene *scene, const char *text)
{
	if (!strstr(scene->drawn, text))
		fail_msg("\"%s\" is not in:\n%s", text, scene->drawn);
}

static void assert_not_drawn(const struct scene *scene, const char *text)
{
	if (strstr(scene->drawn, text))
		fail_msg("\"%s\" is in:\n%s", text, scene->drawn);
}

/* The first link of that kind; there must be one. */
static const struct cn_link *link_of(const struct scene *scene, enum cn_link_kind kind)
{
	for (uint32_t i = 0; i < scene->chain.n; i++)
		if (scene->chain.links[i].kind == kind)
			return &scene->chain.links[i];
	fail_msg("no such link in:\n%s", scene->drawn);
	return NULL;
}

static void names(struct look *look)
{
	static const char *const texts[] = { "", "/src/a.c", "outer", "leaf", "limit", "jobs", "alice", "bob", "flush",
		"/usr/lib/libc.so.6", "/srv/prog", "read", "10.0.0.1:555", "127.0.0.1:80" };

	for (uint32_t i = 1; i < sizeof texts / sizeof texts[0]; i++)
		look_string(look, i, texts[i]);
	look_site(look, (struct site_row){ .id = 3, .kind = ROUSE_SITE_LEAF, .name = 3, .file = 1, .line = 20 });
}
enum {
	NAME_A_C = 1,
	NAME_LIMIT = 4,
	NAME_JOBS,
	NAME_ALICE,
	NAME_BOB,
	NAME_FLUSH,
	NAME_LIBC,
	NAME_PROG,
	NAME_READ,
	NAME_PEER,
	NAME_LOCAL
};

static struct task_row task(uint64_t id, uint32_t state)
{
	return (struct task_row){ .id = id,
		.state = state,
		.name = id % 2 ? NAME_BOB : NAME_ALICE,
		.polls = 5,
		.waker_refs = 1,
		.stamp = 4,
		.spawned_ns = 1,
		.edge_ns = 7 * S,
		.valid = 1 };
}

static void waits(struct look *look, uint64_t id, uint32_t op, uint64_t resource, uint64_t arg)
{
	struct await_row await = { .type = 3,
		.op = op,
		.wait_state = ROUSE_WAIT_WAITING,
		.resource = resource,
		.arg = arg,
		.since_ns = 8 * S,
		.waker_task = id };

	look_task(look, task(id, ROUSE_TASK_PENDING));
	look_awaits(look, id, &await, 1);
}

static struct resource_row resource(uint64_t serial, uint32_t kind)
{
	return (struct resource_row){ .serial = serial, .kind = kind, .name = NAME_LIMIT };
}

/* ------------------------------------------------------------- semaphores */

static void semaphore(struct look *look, uint32_t flags, uint64_t value, uint64_t capacity)
{
	struct resource_row row = resource(50, ROUSE_RESOURCE_SEMAPHORE);

	row.flags = flags;
	row.value = value;
	row.capacity = capacity;
	row.last_user_a = 21;
	look_resource(look, row);
}

static void permits_are_followed_to_each_holder(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	const struct cn_chain *chain;

	names(&look);
	waits(&look, 20, ROUSE_OP_ACQUIRE, 50, 1);
	waits(&look, 21, ROUSE_OP_JOIN, 20, 0);
	semaphore(&look, 0, 0, 6);
	look_holders(&look,
		(struct holder_row[]){
			{ 50, 21, 2, 6 * S }, { 50, 99, 3, 8 * S }, { 50, CN_THREAD_ID + 77, 1, 7 * S } },
		3);
	look_end(&look);
	chain = chain_of(scene, 20);
	assert_drawn(scene, "0 of 6 permits free\n");
	assert_drawn(
		scene, "|-= task (99)                             has 3 permits, has ended without giving them back");
	assert_drawn(scene, "bob (21)");
	assert_drawn(scene, "has 2 permits, pending");
	assert_drawn(scene, "thread 77                             not one of the runtime's\n");
	assert_drawn(scene, "\n  A ring, as it seems");
	assert_int_equal(chain->links[3].id, 99); /* the one that cannot give back comes first */
	assert_int_equal(chain->links[3].relation, CN_RELATION_HELD_BY);
	assert_false(chain->links[3].guess);
	assert_true(chain->cycle); /* alice waits for bob's permits, who joins her: exact all the way */
}

static void untracked_permits_are_a_guess(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	const struct cn_chain *chain;

	names(&look);
	waits(&look, 20, ROUSE_OP_ACQUIRE, 50, 1);
	waits(&look, 21, ROUSE_OP_JOIN, 20, 0);
	semaphore(&look, ROUSE_RESOURCE_UNTRACKED, 0, 6);
	look_holders(&look, &(struct holder_row){ 50, 21, 2, 6 * S }, 1);
	look_end(&look);
	chain = chain_of(scene, 20);
	assert_drawn(scene, "not all who hold them are known");
	assert_drawn(scene, "held by, for 3.00s (a guess: not all who hold it are known)");
	assert_true(chain->links[3].guess);
	assert_false(chain->cycle);
}

static void permits_on_their_way_are_said(void **state)
{
	struct resource_row semaphore = resource(50, ROUSE_RESOURCE_SEMAPHORE);
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);

	names(&look);
	waits(&look, 20, ROUSE_OP_ACQUIRE, 50, 1);
	look_task(&look, task(21, ROUSE_TASK_PENDING));
	semaphore.value = 1;
	semaphore.capacity = 6;
	semaphore.granted = 4;
	look_resource(&look, semaphore);
	look_holders(&look, &(struct holder_row){ 50, 21, 5, 6 * S }, 1);
	look_end(&look);
	chain_of(scene, 20);
	assert_drawn(scene, "1 of 6 permits free, 4 given and not taken yet");
}

static void more_permits_than_there_are_come_from_nobody(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);

	names(&look);
	waits(&look, 20, ROUSE_OP_ACQUIRE, 50, 7);
	semaphore(&look, 0, 6, 6);
	look_end(&look);
	chain_of(scene, 20);
	assert_drawn(scene, "nobody: it wants 7 permits, and there are 6");
}

static void of_many_holders_the_oldest_are_shown(void **state)
{
	enum { HOLDERS = 64 };
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct holder_row holders[HOLDERS];
	const struct cn_chain *chain;
	uint32_t shown = 0;

	names(&look);
	waits(&look, 20, ROUSE_OP_ACQUIRE, 50, 1);
	for (uint64_t i = 0; i < HOLDERS; i++) {
		look_task(&look, task(100 + i, ROUSE_TASK_RUNNING));
		holders[i] = (struct holder_row){ 50, 100 + i, 1, (100 - i) * MS };
	}
	semaphore(&look, 0, 0, HOLDERS);
	look_holders(&look, holders, HOLDERS);
	look_end(&look);
	chain = chain_of(scene, 20);
	for (uint32_t i = 0; i < chain->n; i++)
		shown += chain->links[i].kind == CN_LINK_TASK && chain->links[i].permits;
	assert_int_equal(shown, 8);
	assert_int_equal(chain->links[3].id, 100 + HOLDERS - 1);
	assert_drawn(scene, "56 more hold permits");
}

/* ------------------------------------------------------------------ mutex */

static void a_lock_that_was_handed_to_a_future_nobody_polls_is_told(void **state)
{
	struct scene *scene = *state;

	for (uint32_t polls = 5; polls < 9; polls += 3) {
		struct look look = look_at(scene->model, (4 + polls) * S);
		struct resource_row mutex = resource(50, ROUSE_RESOURCE_MUTEX);
		struct task_row owner = task(21, ROUSE_TASK_PENDING);

		names(&look);
		waits(&look, 20, ROUSE_OP_LOCK, 50, 0);
		owner.polls = polls;
		look_task(&look, owner);
		mutex.flags = ROUSE_RESOURCE_OWNED | ROUSE_RESOURCE_HANDED;
		mutex.owner = 21;
		look_resource(&look, mutex);
		look_end(&look);
		chain_of(scene, 20);
		assert_drawn(scene,
			polls == 5 ? "locked: just given to its owner" : "which has not looked at it in 3 polls since");
	}
}

static void a_lock_held_by_a_thread_says_what_that_does(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct resource_row mutex = resource(50, ROUSE_RESOURCE_MUTEX);

	names(&look);
	waits(&look, 20, ROUSE_OP_LOCK, 50, 0);
	mutex.flags = ROUSE_RESOURCE_OWNED;
	mutex.owner = CN_THREAD_ID + 77;
	look_resource(&look, mutex);
	look_threads(&look,
		&(struct thread_row){ .tid = 77, .role = ROUSE_THREAD_OTHER, .state = 'S', .syscall = 1 + 35 }, 1);
	look_end(&look);
	chain_of(scene, 20);
	assert_int_equal(link_of(scene, CN_LINK_THREAD)->relation, CN_RELATION_HELD_BY);
	assert_drawn(scene, "thread 77                               not one of the runtime's, blocked in nanosleep()");
}

/* --------------------------------------------------------------- channels */

static void channel(struct look *look, uint64_t last_sender, uint64_t last_receiver)
{
	struct resource_row row = resource(60, ROUSE_RESOURCE_MPSC);

	row.capacity = 4;
	row.side_a = 2;
	row.creator = 21;
	row.last_user_a = last_sender;
	row.last_user_b = last_receiver;
	look_resource(look, row);
}

static void an_empty_channel_leads_to_those_who_have_it_in_their_frames(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	const struct cn_chain *chain;

	names(&look);
	waits(&look, 20, ROUSE_OP_RECV, 60, 0);
	look_task(&look, task(21, ROUSE_TASK_RUNNING));
	look_task(&look, task(22, ROUSE_TASK_RUNNING));
	channel(&look, 22, 0);
	look_references(&look,
		(struct reference_row[]){ { 60, 20, 1, 1 }, { 60, 21, 1, 1 }, { 60, 22, 1, 1 }, { 60, 0, 3, 1 } }, 4);
	look_end(&look);
	chain = chain_of(scene, 20);
	assert_drawn(scene, "0 of 4 queued, 2 senders, made by bob (21)");
	assert_int_equal(chain->links[3].id, 22); /* who used it last comes first, and never the one that waits */
	assert_int_equal(chain->links[3].relation, CN_RELATION_SENT_BY);
	assert_true(chain->links[3].guess);
	assert_true(chain->links[3].either);
	assert_drawn(scene, "bob (21)");
}

static void a_channel_that_nobody_else_has_is_told(void **state)
{
	struct scene *scene = *state;

	for (uint32_t complete = 0; complete < 2; complete++) {
		struct look look = look_at(scene->model, (9 + complete) * S);

		names(&look);
		waits(&look, 20, ROUSE_OP_RECV, 60, 0);
		look_task(&look, task(23, ROUSE_TASK_PENDING));
		channel(&look, 23, 0);
		look_references(&look, &(struct reference_row){ 60, 20, 2, complete }, 1);
		look_end(&look);
		chain_of(scene, 20);
		if (complete)
			assert_drawn(scene, "nobody: it stands in no memory but this task's own frames");
		else
			assert_drawn(scene, "would be sent by");
	}
}

static void a_full_channel_leads_to_its_receiver(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);

	names(&look);
	waits(&look, 20, ROUSE_OP_SEND, 60, 0);
	look_task(&look, task(22, ROUSE_TASK_RUNNING));
	channel(&look, 0, 22);
	look_end(&look);
	chain_of(scene, 20);
	assert_drawn(scene, "would be taken by (a guess: who used it last)");
	assert_drawn(scene, "alice (22)");
	assert_drawn(scene, "run by");
}

/* ----------------------------------------------------------- jobs, threads */

static void symbols(struct look *look)
{
	look_symbols(look,
		(struct symbol_row[]){ { 0x1000, NAME_FLUSH, NAME_A_C, 30, NAME_PROG },
			{ 0x2000, NAME_READ, 0, 0, NAME_LIBC }, { 0x3000, 0, 0, 0, NAME_PROG } },
		3);
}

static void a_blocking_job_leads_to_its_thread_and_code(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct resource_row job = resource(70, ROUSE_RESOURCE_BLOCKING_JOB),
			    socket = resource(71, ROUSE_RESOURCE_SOCKET);

	names(&look);
	waits(&look, 20, ROUSE_OP_BLOCKING, 70, 0);
	job.value = 1;
	job.owner = 78;
	job.side_a = 0x1000;
	look_resource(&look, job);
	socket.value = 7;
	look_resource(&look, socket);
	look_sockets(
		&look, &(struct socket_row){ .serial = 71, .local = NAME_LOCAL, .peer = NAME_PEER, .tcp_state = 1 }, 1);
	look_threads(&look,
		&(struct thread_row){
			.tid = 78, .role = ROUSE_THREAD_BLOCKING, .state = 'S', .syscall = 1 + 0, .argument = 7 },
		1);
	symbols(&look);
	look_stacks(&look, (struct stack_row[]){ { 78, 0x2000, 0 }, { 78, 0x1000, 0 }, { 78, 0x3000, 0 } }, 3);
	look_end(&look);
	chain_of(scene, 20);
	assert_drawn(scene, "flush (a.c:30)");
	assert_drawn(scene, "of the blocking pool, blocked in read(fd 7 = socket limit, peer 10.0.0.1:555)");
	assert_drawn(scene, "in flush (a.c:30)\n");
	assert_drawn(scene, "in /srv/prog+0x0\n");
	assert_not_drawn(scene, "in read ("); /* how it got into the kernel says the system call already */
	assert_int_equal(link_of(scene, CN_LINK_THREAD)->id, 78);
}

static void a_job_that_no_thread_takes_leads_to_what_the_pool_does(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct resource_row job = resource(70, ROUSE_RESOURCE_BLOCKING_JOB);

	names(&look);
	waits(&look, 20, ROUSE_OP_BLOCKING, 70, 0);
	look_resource(&look, job);
	look_threads(&look,
		(struct thread_row[]){ { .tid = 77, .role = ROUSE_THREAD_WORKER, .state = 'R' },
			{ .tid = 78, .role = ROUSE_THREAD_BLOCKING, .state = 'D' } },
		2);
	look_end(&look);
	chain_of(scene, 20);
	assert_drawn(scene, "no thread has taken the job");
	assert_drawn(scene, "of the blocking pool, blocked in the kernel, where no signal reaches it");
	assert_not_drawn(scene, "thread 77");
}

static void threads_compute_wait_for_a_cpu_or_are_blocked(void **state)
{
	static const struct {
		char at;
		uint64_t cpu_ms, queue_ms;
		uint32_t syscall;
		const char *text;
	} cases[] = {
		{ 'R', 980, 5, 0, "computes (98% of a CPU)" },
		{ 'R', 200, 700, 0, "waits for a CPU (70% of the time)" },
		{ 'R', 490, 10, 0, "would run (had a CPU 49% of the time)" },
		{ 'S', 1, 0, 1 + 202, "blocked in futex()" },
		{ 'S', 1, 0, 1 + 9999, "blocked in system call 9999" },
		{ 'S', 1, 0, 0, "blocked in the kernel" },
		{ 'T', 1, 0, 0, "stopped by a signal or a debugger" },
		{ 'Z', 1, 0, 0, "has ended" },
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (uint64_t k = 0; k < 2; k++) {
			struct look look = look_at(scene->model, (10 + 2 * i + k) * S);

			names(&look);
			look_task(&look, task(20, ROUSE_TASK_RUNNING));
			look.current_task = 20;
			look.tid = 77;
			look_threads(&look,
				&(struct thread_row){ .tid = 77,
					.role = ROUSE_THREAD_WORKER,
					.state = (uint8_t)cases[i].at,
					.cpu_ns = (100 * i + 1) * S + k * cases[i].cpu_ms * MS,
					.run_queue_ns = 100 * i * S + k * cases[i].queue_ms * MS,
					.syscall = cases[i].syscall },
				1);
			look_end(&look);
		}
		chain_of(scene, 20);
		assert_int_equal(link_of(scene, CN_LINK_THREAD)->relation, CN_RELATION_ON_THREAD);
		assert_drawn(scene, cases[i].text);
	}
}

/* ------------------------------------------------------- sockets and timers */

static void sockets_tell_who_has_to_do_something(void **state)
{
	static const struct {
		uint32_t op, kind, tcp_state;
		uint64_t rx_bytes;
		const char *view, *end;
	} cases[] = {
		{ ROUSE_OP_READ, ROUSE_RESOURCE_SOCKET, 1, 0, "peer 10.0.0.1:555, established, 0 bytes to read",
			"the peer: it has not sent" },
		{ ROUSE_OP_READ, ROUSE_RESOURCE_SOCKET, 1, 12, "12 bytes to read",
			"itself: there is something to read" },
		{ ROUSE_OP_READ, ROUSE_RESOURCE_SOCKET, 8, 0, "closed by the peer", "itself: the peer has closed" },
		{ ROUSE_OP_ACCEPT, ROUSE_RESOURCE_LISTENER, 10, 0, "0 of 128 in its backlog",
			"a client that connects" },
		{ ROUSE_OP_ACCEPT, ROUSE_RESOURCE_LISTENER, 10, 3, "3 of 128 in its backlog",
			"itself: a client has connected" },
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct look look = look_at(scene->model, (9 + i) * S);
		struct resource_row row = resource(71, cases[i].kind);

		names(&look);
		waits(&look, 20, cases[i].op, 71, 7);
		row.value = 7;
		row.capacity = 128;
		look_resource(&look, row);
		look_sockets(&look,
			&(struct socket_row){ .serial = 71,
				.local = NAME_LOCAL,
				.peer = NAME_PEER,
				.rx_bytes = cases[i].rx_bytes,
				.tcp_state = cases[i].tcp_state },
			1);
		look_end(&look);
		chain_of(scene, 20);
		assert_drawn(scene, "fd 7");
		assert_drawn(scene, cases[i].view);
		assert_drawn(scene, cases[i].end);
		assert_int_equal(link_of(scene, CN_LINK_SOCKET)->id, 71);
	}
}

/* Who has it is told where the chain ends with it; not where what it sent is there already. */
static void the_process_at_the_other_end_of_a_socket_is_named(void **state)
{
	static const struct {
		uint32_t peer, rx_bytes, is_rouse, others;
		const char *view, *end;
	} cases[] = {
		{ NAME_PEER, 0, 0, 0, "peer 10.0.0.1:555 = process 4711 (limit), established",
			"the peer: it has not sent; that is process 4711 (limit)" },
		{ NAME_PEER, 0, 1, 2, "peer 10.0.0.1:555 = process 4711 (limit) and 2 more, established",
			"process 4711 (limit), go on with: rouse why 4711 TASK" },
		{ 0, 0, 0, 0, "peer = process 4711 (limit)", "nothing has come from it; that is process 4711 (limit)" },
		{ NAME_PEER, 5, 1, 0, "= process 4711 (limit)", "and it has not been woken for it" },
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct look look = look_at(scene->model, (9 + i) * S);
		struct resource_row row = resource(71, ROUSE_RESOURCE_SOCKET);

		names(&look);
		waits(&look, 20, ROUSE_OP_READ, 71, 7);
		row.value = 7;
		look_resource(&look, row);
		look_sockets(&look,
			&(struct socket_row){ .serial = 71,
				.local = NAME_LOCAL,
				.peer = cases[i].peer,
				.rx_bytes = cases[i].rx_bytes,
				.tcp_state = 1,
				.peer_pid = 4711,
				.peer_program = NAME_LIMIT,
				.peer_is_rouse = cases[i].is_rouse,
				.peer_others = cases[i].others },
			1);
		look_end(&look);
		chain_of(scene, 20);
		assert_drawn(scene, cases[i].view);
		assert_drawn(scene, cases[i].end);
		assert_int_equal(strstr(scene->drawn, "rouse why") != NULL, cases[i].is_rouse && !cases[i].rx_bytes);
	}
}

static void an_overdue_timer_leads_to_the_worker_that_should_fire_it(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct resource_row wheel = resource(80, ROUSE_RESOURCE_TIMERS);

	names(&look);
	waits(&look, 20, ROUSE_OP_SLEEP, 80, 6 * S);
	look_task(&look, task(21, ROUSE_TASK_RUNNING));
	look.current_task = 21;
	look_resource(&look, wheel);
	look_end(&look);
	chain_of(scene, 20);
	assert_drawn(scene, "a timer, overdue by 3.00s");
	assert_drawn(scene, "would be fired by");
	assert_drawn(scene, "in bob (21) for 2.00s");
	assert_int_equal(link_of(scene, CN_LINK_ROOT)->due_ns, 6 * S);
}

/* ----------------------------------------------------------------- nobody */

static void who_dropped_the_last_waker_is_told(void **state)
{
	static const struct {
		uint64_t by;
		const char *text;
	} cases[] = {
		{ 21, "nobody: bob (21) dropped its last waker 2.00s ago, in flush (a.c:30)" },
		{ 99, "nobody: task 99, which has ended, dropped its last waker 2.00s ago" },
		{ CN_THREAD_ID + 77, "nobody: thread 77 dropped its last waker 2.00s ago" },
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct look look = look_at(scene->model, (9 + i) * S);
		struct task_row row = task(20, ROUSE_TASK_PENDING);

		names(&look);
		row.waker_refs = 0;
		look_task(&look, row);
		look_task(&look, task(21, ROUSE_TASK_PENDING));
		symbols(&look);
		look_drops(&look, &(struct drop_row){ 20, (7 + i) * S, cases[i].by, 0x1000 }, 1);
		look_end(&look);
		chain_of(scene, 20);
		assert_drawn(scene, cases[i].text);
	}
}

static void a_chain_asks_for_what_it_would_know_more_of(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	uint64_t wants[3];

	names(&look);
	waits(&look, 20, ROUSE_OP_SEND, 60, 0);
	waits(&look, 22, ROUSE_OP_SEND, 60, 0);
	channel(&look, 0, 22);
	look_end(&look);
	assert_int_equal(cn_chain_wants(chain_of(scene, 20), wants, 3), 3);
	assert_int_equal(wants[0], 20);
	assert_int_equal(wants[1], 60);
	assert_int_equal(wants[2], 22); /* each once */
	assert_int_equal(cn_chain_wants(chain_of(scene, 20), wants, 1), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(T(permits_are_followed_to_each_holder), T(untracked_permits_are_a_guess), T(permits_on_their_way_are_said),
	T(more_permits_than_there_are_come_from_nobody), T(of_many_holders_the_oldest_are_shown),
	T(a_lock_that_was_handed_to_a_future_nobody_polls_is_told), T(a_lock_held_by_a_thread_says_what_that_does),
	T(an_empty_channel_leads_to_those_who_have_it_in_their_frames), T(a_channel_that_nobody_else_has_is_told),
	T(a_full_channel_leads_to_its_receiver), T(a_blocking_job_leads_to_its_thread_and_code),
	T(a_job_that_no_thread_takes_leads_to_what_the_pool_does), T(threads_compute_wait_for_a_cpu_or_are_blocked),
	T(sockets_tell_who_has_to_do_something), T(the_process_at_the_other_end_of_a_socket_is_named),
	T(an_overdue_timer_leads_to_the_worker_that_should_fire_it), T(who_dropped_the_last_waker_is_told),
	T(a_chain_asks_for_what_it_would_know_more_of));
