/* SPDX-License-Identifier: MIT */
/*
 * states - one task, led by hand through every state it can be in.
 *
 *                         start            its turn comes
 *     (create) Created ---------> Scheduled --------------> Running
 *                                  ^     |                  | | | |
 *                             wake |     | abort       pend | | | +--> Complete   (finish)
 *                                  |     v                  | | +----> Panicked   (panic)
 *                      Cancelled <-|---- Pending <----------+ +------> Cancelled  (abort, pend)
 *                          ^    abort      |
 *                          +---------------+
 *
 * Commands come on stdin, one a line; each is answered on stdout with one
 * line, "ok STATE ID", once the task has come to rest in that state, or with
 * "error ...". In between one can look at the task with the console for as
 * long as one likes. There is one thread that polls, and `hold` keeps it busy:
 * what is scheduled stays scheduled until `release`.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rouse/rouse.h>

/* What the task shall do with its next poll. */
enum order {
	ORDER_WAIT,   /* answer pending */
	ORDER_STAY,   /* stay in the poll until another order comes */
	ORDER_FINISH, /* end */
	ORDER_PANIC   /* end badly */
};

/* Shared by the thread that reads commands and the one that polls. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum order order;
	bool held;    /* `hold` wants the polling thread */
	bool holding; /* and has it */
	bool aborted; /* the subject's end has been asked for */
	struct rouse_waker waker; /* of the subject, while it is pending */
} stage = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* ----------------------------------------------------------- on the stage */

/* The leaf that the subject awaits: pending until it is ordered to end. */
struct orders {
	struct rouse_future future;
	int64_t result; /* enum order: how to end */
};

static struct rouse_poll orders_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct orders *orders = (struct orders *)future;
	struct rouse_waker old = { 0 };
	enum order order;

	pthread_mutex_lock(&stage.lock);
	while (stage.order == ORDER_STAY)
		pthread_cond_wait(&stage.changed, &stage.lock);
	order = stage.order;
	if (order == ORDER_WAIT && !rouse_waker_will_wake(&stage.waker, &cx->waker)) {
		old = stage.waker;
		stage.waker = rouse_waker_clone(&cx->waker);
	}
	pthread_mutex_unlock(&stage.lock);
	rouse_waker_drop(&old);
	if (order == ORDER_WAIT)
		return rouse_pending();
	orders->result = order;
	return rouse_ready();
}

static void orders_drop(struct rouse_future *future)
{
	struct rouse_waker waker;

	(void)future;
	pthread_mutex_lock(&stage.lock);
	waker = stage.waker;
	stage.waker = (struct rouse_waker){ 0 };
	pthread_mutex_unlock(&stage.lock);
	rouse_waker_drop(&waker);
}

ROUSE_LEAF(orders, orders_poll, orders_drop);

ROUSE_ASYNC(subject, int,
	int64_t order;
	struct orders orders;);
ROUSE_BODY(subject)
{
	ROUSE_BEGIN;
	self->orders = (struct orders){ .future = ROUSE_FUTURE_INIT(orders) };
	ROUSE_AWAIT(self->order, &self->orders);
	if (self->order == ORDER_PANIC)
		rouse_panic("as ordered");
	ROUSE_RETURN(0);
	/* A finished leaf may still have a waker on the stage. */
	ROUSE_FINALLY: orders_drop(&self->orders.future);
	ROUSE_END;
}

/* Keeps the polling thread from polling anything else. */
ROUSE_ASYNC(hog, int, ROUSE_NO_FIELDS);
ROUSE_BODY(hog)
{
	ROUSE_BEGIN;
	pthread_mutex_lock(&stage.lock);
	stage.holding = true;
	pthread_cond_broadcast(&stage.changed);
	while (stage.held)
		pthread_cond_wait(&stage.changed, &stage.lock);
	stage.holding = false;
	pthread_cond_broadcast(&stage.changed);
	pthread_mutex_unlock(&stage.lock);
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* ---------------------------------------------------------------- commands */

static struct rouse_task *task; /* the subject, from `create` to `forget` */

static void set_order(enum order order)
{
	pthread_mutex_lock(&stage.lock);
	stage.order = order;
	pthread_cond_broadcast(&stage.changed);
	pthread_mutex_unlock(&stage.lock);
}

static void wake(void)
{
	struct rouse_waker waker = { 0 };

	pthread_mutex_lock(&stage.lock);
	if (stage.waker.vtable)
		waker = rouse_waker_clone(&stage.waker);
	pthread_mutex_unlock(&stage.lock);
	rouse_waker_wake(&waker);
}

static const char *create(void)
{
	if (task)
		return "there is a task already: forget it first";
	set_order(ORDER_WAIT);
	stage.aborted = false;
	task = rouse_task_prepare(subject);
	return task ? NULL : "cannot prepare a task";
}

static const char *start(void)
{
	rouse_task_start(task);
	return NULL;
}

static const char *hold(void)
{
	if (stage.held)
		return "held already";
	if (task && rouse_task_get_state(task) == ROUSE_TASK_RUNNING)
		return "the task itself keeps the thread: pend it first";
	pthread_mutex_lock(&stage.lock);
	stage.held = true;
	pthread_mutex_unlock(&stage.lock);
	if (rouse_spawn_detached_named("hog", hog)) {
		stage.held = false;
		return "cannot spawn";
	}
	pthread_mutex_lock(&stage.lock);
	while (!stage.holding)
		pthread_cond_wait(&stage.changed, &stage.lock);
	pthread_mutex_unlock(&stage.lock);
	return NULL;
}

static const char *release(void)
{
	pthread_mutex_lock(&stage.lock);
	stage.held = false;
	pthread_cond_broadcast(&stage.changed);
	while (stage.holding)
		pthread_cond_wait(&stage.changed, &stage.lock);
	pthread_mutex_unlock(&stage.lock);
	return NULL;
}

static const char *run(void)
{
	set_order(ORDER_STAY);
	wake();
	return NULL;
}

static const char *pend(void)
{
	set_order(ORDER_WAIT);
	return NULL;
}

static const char *wake_it(void)
{
	wake();
	return NULL;
}

static const char *finish(void)
{
	set_order(ORDER_FINISH);
	wake();
	return NULL;
}

static const char *panic_it(void)
{
	set_order(ORDER_PANIC);
	wake();
	return NULL;
}

static const char *abort_it(void)
{
	stage.aborted = true;
	rouse_task_abort(task);
	return NULL;
}

static const char *forget(void)
{
	enum rouse_task_state state = rouse_task_get_state(task);

	if (state == ROUSE_TASK_SCHEDULED || state == ROUSE_TASK_RUNNING || state == ROUSE_TASK_PENDING)
		return "it has not ended";
	rouse_task_detach(task);
	task = NULL;
	return NULL;
}

/* name, needs a task, function, what it does */
#define COMMANDS(X)                                                                                \
	X("create", false, create, "prepare a task: created")                                      \
	X("start", true, start, "created -> scheduled, then pending when its turn has come")       \
	X("hold", false, hold, "keep the polling thread busy")                                     \
	X("release", false, release, "let it go on")                                               \
	X("wake", true, wake_it, "pending -> scheduled, then pending again")                       \
	X("run", true, run, "at its next turn: running, and staying so")                           \
	X("pend", true, pend, "running -> pending")                                                \
	X("finish", true, finish, "-> complete")                                                   \
	X("panic", true, panic_it, "-> panicked")                                                  \
	X("abort", true, abort_it, "-> cancelled; a running one when its poll ends")               \
	X("forget", true, forget, "give the handle back, once it has ended")

static const struct command {
	const char *name;
	bool needs_task;
	const char *(*run)(void); /* NULL, or what is wrong */
	const char *help;
} commands[] = {
#define X(name, needs_task, function, help) { name, needs_task, function, help },
	COMMANDS(X)
#undef X
};

/* At rest: nothing moves it until the next command. */
static bool at_rest(enum rouse_task_state state)
{
	bool rest;

	pthread_mutex_lock(&stage.lock);
	switch (state) {
	case ROUSE_TASK_SCHEDULED:
		rest = stage.held;
		break;
	case ROUSE_TASK_PENDING:
		rest = stage.held || !stage.aborted;
		break;
	case ROUSE_TASK_RUNNING:
		rest = stage.order == ORDER_STAY;
		break;
	default:
		rest = true;
		break;
	}
	pthread_mutex_unlock(&stage.lock);
	return rest;
}

/* Waits for the task to come to rest; the runtime tells nobody of every change, so this looks. */
static enum rouse_task_state settle(void)
{
	const struct timespec moment = { .tv_nsec = 100000 };

	for (;;) {
		enum rouse_task_state state = rouse_task_get_state(task);

		if (at_rest(state) && rouse_task_get_state(task) == state)
			return state;
		nanosleep(&moment, NULL);
	}
}

static const char *state_text(enum rouse_task_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		ROUSE_TASK_STATES(X)
#undef X
	};
	return texts[state];
}

static void answer(const char *line)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		const struct command *command = &commands[i];
		const char *wrong;

		if (strcmp(line, command->name) != 0)
			continue;
		wrong = command->needs_task && !task ? "there is no task: create one first" : command->run();
		if (wrong)
			printf("error %s\n", wrong);
		else if (task)
			printf("ok %s %" PRIu64 "\n", state_text(settle()), rouse_task_id(task));
		else
			printf("ok\n");
		return;
	}
	printf("error unknown command; there are:");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		printf(" %s", commands[i].name);
	printf(" quit\n");
}

/* ------------------------------------------------------------------- main */

static struct rouse_runtime *runtime;
static struct rouse_oneshot *the_end;

static void *read_commands(void *arg)
{
	struct rouse_guard guard = rouse_enter(runtime);
	char line[256];

	(void)arg;
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "quit"))
			break;
		answer(line);
		fflush(stdout);
	}
	set_order(ORDER_WAIT);
	release();
	rouse_task_detach(task);
	rouse_oneshot_send(the_end, 0);
	rouse_leave(&guard);
	return NULL;
}

/* The main task only waits: its runtime polls for as long as it does. */
ROUSE_ASYNC(play, int,
	uint64_t value;
	pthread_t thread;
	struct rouse_oneshot_recv recv;);
ROUSE_BODY(play)
{
	ROUSE_BEGIN;
	the_end = rouse_oneshot_new("the end");
	if (!the_end)
		ROUSE_RETURN(1);
	if (pthread_create(&self->thread, NULL, read_commands, NULL)) {
		rouse_oneshot_drop_sender(the_end);
		rouse_oneshot_drop_receiver(the_end);
		ROUSE_RETURN(1);
	}
	ROUSE_AWAIT_ONLY(rouse_oneshot_recv(&self->recv, the_end, &self->value));
	pthread_join(self->thread, NULL);
	ROUSE_RETURN(0);
	ROUSE_END;
}

int main(int argc, char **argv)
{
	int result = 1;
	int rc;

	if (argc > 1) {
		fprintf(stderr, "usage: %s   (commands on stdin, one a line)\n", argv[0]);
		for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
			fprintf(stderr, "  %-8s %s\n", commands[i].name, commands[i].help);
		return 2;
	}
	rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "states", .current_thread = true), &runtime);
	if (rc == 0)
		rc = rouse_block_on(runtime, &result, play);
	if (rc)
		fprintf(stderr, "states: %s\n", rouse_strerror(rc));
	rouse_runtime_free(runtime);
	return rc ? 1 : result;
}
