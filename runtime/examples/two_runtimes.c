/* SPDX-License-Identifier: MIT */
/*
 * two_runtimes - different runtimes for different businesses.
 *
 * A shop takes orders, which must be quick, and now and then counts a report,
 * which keeps a thread busy for as long as it takes. On one runtime the report
 * would hold up the orders. Here each business has a runtime of its own, under
 * its own name in the console, and they talk over a channel.
 *
 * To prove that neither can hold up the other, the report gives no way: it
 * blocks the only worker of its runtime, in the middle of a poll, until all
 * orders have been taken.
 */
#include <pthread.h>
#include <stdio.h>

#include <rouse/rouse.h>

#define ORDERS 3

static struct rouse_runtime *orders, *reports;

static const char *here(void)
{
	return rouse_runtime_current() == orders ? "orders" : "reports";
}

/* The day's work, counted by one business and waited for, by a whole thread, in the other. */
static pthread_mutex_t day_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t day_changed = PTHREAD_COND_INITIALIZER;
static int taken;

static void take_one(void)
{
	pthread_mutex_lock(&day_lock);
	taken++;
	pthread_cond_signal(&day_changed);
	pthread_mutex_unlock(&day_lock);
}

static void block_until_all_are_taken(void)
{
	pthread_mutex_lock(&day_lock);
	while (taken < ORDERS)
		pthread_cond_wait(&day_changed, &day_lock);
	pthread_mutex_unlock(&day_lock);
}

ROUSE_ASYNC(report, int,
	struct rouse_mpsc *lines;);
ROUSE_BODY(report)
{
	const char *line = "the report is done";

	ROUSE_BEGIN;
	printf("[%s] begins the report and blocks its worker\n", here());
	if (rouse_mpsc_try_send(self->lines, &(const char *){ "the report has begun" }))
		ROUSE_RETURN(1);
	block_until_all_are_taken();
	ROUSE_RETURN(rouse_mpsc_try_send(self->lines, &line) ? 1 : 0);
	ROUSE_FINALLY: rouse_mpsc_drop_sender(self->lines);
	ROUSE_END;
}

ROUSE_ASYNC(order, int,
	int number;
	struct rouse_yield yield;);
ROUSE_BODY(order)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	printf("[%s] order %d taken\n", here(), self->number);
	take_one();
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* Orders a report from the other runtime, goes on taking orders, then reads what it said. */
ROUSE_ASYNC(shop, int,
	struct rouse_mpsc *lines;
	const char *line;
	int i;
	int64_t rc;
	union { struct rouse_join join; struct rouse_mpsc_recv recv; };);
ROUSE_BODY(shop)
{
	ROUSE_BEGIN;
	self->lines = rouse_mpsc_new("report", sizeof(const char *), 4);
	if (!self->lines)
		ROUSE_RETURN(1);
	rouse_task_detach(rouse_spawn_on(reports, report, .lines = self->lines));
	ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->lines, &self->line));
	if (self->rc)
		ROUSE_RETURN(1);
	printf("[%s] heard: %s\n", here(), self->line);
	for (self->i = 1; self->i <= ORDERS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn(order, .number = self->i), NULL));
		if (self->rc)
			ROUSE_RETURN(1);
	}
	ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->lines, &self->line));
	if (self->rc)
		ROUSE_RETURN(1);
	printf("[%s] heard: %s\n", here(), self->line);
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	if (self->lines)
		rouse_mpsc_drop_receiver(self->lines);
	ROUSE_END;
}

int main(void)
{
	int result = 1;
	int rc;

	rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "orders", .workers = 2), &orders);
	if (rc == 0)
		rc = rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "reports", .workers = 1), &reports);
	if (rc == 0)
		rc = rouse_block_on(orders, &result, shop);
	if (rc)
		fprintf(stderr, "two_runtimes: %s\n", rouse_strerror(rc));
	rouse_runtime_free(orders);
	rouse_runtime_free(reports);
	return rc ? 1 : result;
}
