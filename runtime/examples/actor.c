/* SPDX-License-Identifier: MIT */
/*
 * actor - state that only one task can touch.
 *
 * The actor owns an account and the receiving side of a channel. Whoever wants
 * something sends a message; if an answer is wanted, the message brings a
 * oneshot to put it into. No lock is needed, since nothing is shared; and the
 * messages are served one after the other, so none sees half of another.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <rouse/rouse.h>

struct request {
	enum { DEPOSIT, WITHDRAW } kind;
	int64_t amount;
	struct rouse_oneshot *reply; /* the sender's side belongs to the message */
};

/* What the actor answers: the new balance, or that there is too little. */
#define TOO_LITTLE UINT64_MAX

static uint64_t serve(int64_t *balance, const struct request *request)
{
	switch (request->kind) {
	case DEPOSIT:
		*balance += request->amount;
		break;
	case WITHDRAW:
		if (*balance < request->amount)
			return TOO_LITTLE;
		*balance -= request->amount;
		break;
	}
	return (uint64_t)*balance;
}

/* Lives until the last sender of its mailbox is gone; returns the balance. */
ROUSE_ASYNC(account, int64_t,
	struct rouse_mpsc *mailbox;
	int64_t balance, rc;
	struct request request;
	struct rouse_mpsc_recv recv;);
ROUSE_BODY(account)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->mailbox, &self->request));
		if (self->rc)
			break;
		/* A client that no longer waits is no error: its answer is for nobody. */
		(void)rouse_oneshot_send(self->request.reply, serve(&self->balance, &self->request));
	}
	ROUSE_RETURN(self->balance);
	ROUSE_FINALLY:
	while (rouse_mpsc_try_recv(self->mailbox, &self->request) == 0)
		rouse_oneshot_drop_sender(self->request.reply); /* cancelled: those who wait shall hear it */
	rouse_mpsc_drop_receiver(self->mailbox);
	ROUSE_END;
}

/* Asks the actor and awaits its answer: 0 with *answer set, or a negative error. */
ROUSE_ASYNC(ask, int64_t,
	struct rouse_mpsc *mailbox;
	struct request request;
	uint64_t *answer;
	int64_t rc;
	struct rouse_oneshot *reply;
	union { struct rouse_mpsc_send send; struct rouse_oneshot_recv recv; };);
ROUSE_BODY(ask)
{
	ROUSE_BEGIN;
	self->reply = rouse_oneshot_new("reply");
	if (!self->reply)
		ROUSE_RETURN(-errno);
	self->request.reply = self->reply;
	ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, self->mailbox, &self->request));
	if (self->rc)
		ROUSE_RETURN(self->rc);
	self->request.reply = NULL; /* the message has it now */
	ROUSE_AWAIT(self->rc, rouse_oneshot_recv(&self->recv, self->reply, self->answer));
	self->reply = NULL; /* taken by the receive */
	ROUSE_RETURN(self->rc);
	ROUSE_FINALLY:
	if (self->request.reply)
		rouse_oneshot_drop_sender(self->request.reply);
	if (self->reply)
		rouse_oneshot_drop_receiver(self->reply);
	ROUSE_END;
}

static const struct request script[] = {
	{ DEPOSIT, 100, NULL },
	{ WITHDRAW, 30, NULL },
	{ WITHDRAW, 100, NULL },
	{ DEPOSIT, 5, NULL },
};
#define SCRIPT_STEPS (sizeof script / sizeof script[0])

static void report(const struct request *request, uint64_t answer)
{
	const char *verb = request->kind == DEPOSIT ? "deposit" : "withdraw";

	if (answer == TOO_LITTLE)
		printf("%s %" PRId64 ": refused\n", verb, request->amount);
	else
		printf("%s %" PRId64 ": balance %" PRIu64 "\n", verb, request->amount, answer);
}

ROUSE_ASYNC(app, int,
	struct rouse_mpsc *mailbox;
	struct rouse_task *actor;
	size_t i;
	uint64_t answer;
	int64_t balance, rc;
	union { struct ask ask; struct rouse_join join; };);
ROUSE_BODY(app)
{
	ROUSE_BEGIN;
	self->mailbox = rouse_mpsc_new("account", sizeof(struct request), 8);
	if (!self->mailbox)
		ROUSE_RETURN(1);
	self->actor = rouse_spawn(account, .mailbox = self->mailbox);
	for (self->i = 0; self->i < SCRIPT_STEPS; self->i++) {
		ROUSE_AWAIT(self->rc, ROUSE_CALL(&self->ask, ask, .mailbox = self->mailbox,
			.request = script[self->i], .answer = &self->answer));
		if (self->rc)
			ROUSE_RETURN(1);
		report(&script[self->i], self->answer);
	}
	rouse_mpsc_drop_sender(self->mailbox); /* the last one: the actor's loop ends */
	self->mailbox = NULL;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->actor, &self->balance));
	self->actor = NULL; /* taken by the join */
	if (self->rc)
		ROUSE_RETURN(1);
	printf("the actor ended with %" PRId64 "\n", self->balance);
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	if (self->mailbox)
		rouse_mpsc_drop_sender(self->mailbox);
	rouse_task_detach(self->actor);
	ROUSE_END;
}

int main(void)
{
	return ROUSE_MAIN(app);
}
