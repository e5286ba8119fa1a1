/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "waits.h"

#include <string.h>

enum { SELECT_SITE = 100, ALL_SITE = 101, LOOKS = 4 };

int play_begin(void **state)
{
	static struct play play;

	play = (struct play){ .model = cn_model_new(), .findings = cn_findings_new(), .now_ns = 100 * S };
	*state = &play;
	return play.model && play.findings ? 0 : -1;
}

int play_end(void **state)
{
	struct play *play = *state;

	cn_findings_free(play->findings);
	cn_model_free(play->model);
	return 0;
}

static void send_awaits(struct look *look, const struct actor *a)
{
	struct await_row rows[1 + 3] = { { .at = (uint32_t)a->id } };
	size_t n = 1;

	for (size_t i = 0; i < 3 && a->waits[i].op; i++, n++) {
		const struct wait *w = &a->waits[i];

		rows[n] = (struct await_row){ .op = w->op,
			.wait_state = w->granted ? ROUSE_WAIT_GRANTED : ROUSE_WAIT_WAITING,
			.resource = w->on,
			.arg = w->arg,
			.since_ns = w->since_ns ? w->since_ns : 1 * S,
			.waker_task = a->id };
	}
	if (n > 2)
		rows[0].at = a->all ? ALL_SITE : SELECT_SITE;
	look_awaits(look, a->id, rows, n);
}

static void send_actor(struct look *look, const struct actor *a)
{
	look_site(look,
		(struct site_row){
			.id = (uint32_t)a->id, .kind = ROUSE_SITE_AWAIT, .file = 1, .line = (uint32_t)(10 * a->id) });
	look_task(look, (struct task_row){ .id = a->id,
				.state = a->state ? a->state : ROUSE_TASK_PENDING,
				.flags = a->flags,
				.kind = a->kind,
				.name = 3,
				.stamp = a->stamp ? a->stamp : 5,
				.polls = a->polls ? a->polls : 2,
				.waker_refs = a->wakers ? a->wakers - 1 : 1,
				.own_wakers = a->own_wakers,
				.spawned_ns = 1,
				.edge_ns = a->edge_ns ? a->edge_ns : 1 * S,
				.enqueue_ns = a->enqueue_ns,
				.valid = !a->torn });
	send_awaits(look, a);
}

static void send_thing(struct look *look, const struct thing *t)
{
	struct holder_row rows[HOLDERS_MAX] = { { .serial = t->serial } };
	size_t n = 0;

	look_resource(look, (struct resource_row){ .serial = t->serial,
				    .kind = t->kind,
				    .flags = t->flags,
				    .name = 2,
				    .owner = t->owner,
				    .owner_since_ns = t->since_ns,
				    .value = t->value,
				    .capacity = t->capacity,
				    .side_a = t->side_a,
				    .side_b = t->side_b,
				    .last_user_a = t->last_a,
				    .last_user_b = t->last_b,
				    .granted = t->granted });
	for (; n < HOLDERS_MAX && t->holders[n].task; n++)
		rows[n] = (struct holder_row){
			t->serial, t->holders[n].task, t->holders[n].permits, t->holders[n].since_ns
		};
	if (t->kind == ROUSE_RESOURCE_SEMAPHORE) /* one of task 0 is "nobody" */
		look_holders(look, rows, n ? n : 1);
}

/* One of count 0 is "nowhere". */
static void send_found(struct look *look, const struct found *f)
{
	struct reference_row rows[PLACES_MAX] = { { .id = f->id, .complete = !f->partial } };

	for (size_t i = 0; i < f->n; i++)
		rows[i] = (struct reference_row){ f->id, f->places[i].task, f->places[i].count, !f->partial };
	look_references(look, rows, f->n ? f->n : 1);
}

static void look_once(struct play *play)
{
	struct look look = look_at(play->model, play->now_ns);

	look_string(&look, 1, "play.c");
	look_string(&look, 2, "thing");
	look_string(&look, 3, "actor");
	look_site(&look, (struct site_row){ .id = SELECT_SITE, .kind = ROUSE_SITE_SELECT, .file = 1, .line = 5 });
	look_site(&look, (struct site_row){ .id = ALL_SITE, .kind = ROUSE_SITE_JOIN, .file = 1, .line = 6 });
	for (size_t i = 0; i < RESOURCES_MAX && play->things[i].serial; i++)
		send_thing(&look, &play->things[i]);
	for (size_t i = 0; i < TASKS_MAX && play->actors[i].id; i++)
		send_actor(&look, &play->actors[i]);
	for (size_t i = 0; i < 4; i++) {
		const struct found *f = &play->found[i];

		if (f->id && (!play->wanted || play_wants(play, f->id)))
			send_found(&look, f);
	}
	look.in_transit = play->in_transit;
	look.incomplete = play->incomplete;
	look_end(&look);
	assert_int_equal(cn_diagnose(play->model, &play->opts, play->findings), 0);
	play->now_ns += S;
}

void play_look(struct play *play, int times)
{
	while (times-- > 0)
		look_once(play);
}

const struct cn_finding *play_finding(const struct play *play, enum cn_finding_code code)
{
	return finding_of(play->findings, code);
}

const struct cn_finding *play_out(struct play *play, enum cn_finding_code code)
{
	play_look(play, LOOKS);
	return play_finding(play, code);
}

bool play_wants(const struct play *play, uint64_t id)
{
	const uint64_t *ids;
	size_t n = cn_findings_wants(play->findings, &ids);

	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}
