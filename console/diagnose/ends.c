/* SPDX-License-Identifier: MIT */
/*
 * Who would end a wait that more than one could end: holders of permits, the
 * other end of a channel, of a socket.
 */
#include <stdio.h>

#include "diagnose/links.h"
#include "diagnose/report.h"
#include "export/text.h"

enum { HOLDERS_SHOWN = 8, ENDS_SHOWN = 4 };

/* ----------------------------------------------------------------- permits */

/* Those who have ended come first, for they give nothing back; then who has had them for longest. */
static bool before(const struct cn_model *model, const struct cn_holder *a, const struct cn_holder *b)
{
	bool gone_a = cn_is_task_id(a->task) && cn_ended(model, a->task);
	bool gone_b = cn_is_task_id(b->task) && cn_ended(model, b->task);

	if (gone_a != gone_b)
		return gone_a;
	return a->since_ns != b->since_ns ? a->since_ns < b->since_ns : a->task < b->task;
}

/* The `n` first of all holders, in order. */
static size_t choose(const struct cn_model *model, const struct cn_holder *all, size_t n_all,
	const struct cn_holder *ret[HOLDERS_SHOWN])
{
	size_t n = 0;

	for (size_t i = 0; i < n_all; i++) {
		size_t at = n;

		while (at > 0 && before(model, &all[i], ret[at - 1]))
			at--;
		if (at == HOLDERS_SHOWN)
			continue;
		if (n < HOLDERS_SHOWN)
			n++;
		for (size_t k = n - 1; k > at; k--)
			ret[k] = ret[k - 1];
		ret[at] = &all[i];
	}
	return n;
}

static void add_holder(struct cn_builder *b, uint32_t link, const struct cn_resource *r, const struct cn_holder *holder,
	uint32_t i, uint32_t n)
{
	bool guess = r->flags & ROUSE_RESOURCE_UNTRACKED;
	uint32_t at = b->chain->n;

	if (holder->task & CN_THREAD_ID) {
		struct cn_spot spot = cn_spot_under(link, b, CN_RELATION_HELD_BY);

		spot.depth = (uint16_t)(spot.depth + (n > 1));
		spot.either = n > 1;
		spot.last = i + 1 == n;
		cn_add_thread(b, spot, r->runtime, (uint32_t)holder->task);
	} else {
		cn_add_branch(b, link, CN_RELATION_HELD_BY, holder->task, guess, i, n);
	}
	if (at == b->chain->n)
		return;
	b->chain->links[at].guess = guess;
	b->chain->links[at].permits = holder->permits;
	b->chain->links[at].since_ns = holder->since_ns;
	if (!(holder->task & CN_THREAD_ID) && cn_is_task_id(holder->task) && cn_ended(b->model, holder->task))
		cn_link_say(b, at, " without giving them back");
}

void cn_add_holders(struct cn_builder *b, uint32_t link, const struct cn_resource *r, uint64_t permits)
{
	const struct cn_holder *all = NULL, *shown[HOLDERS_SHOWN];
	size_t n_all = cn_model_holders(b->model, r->serial, &all), n = choose(b->model, all, n_all, shown);
	bool more = n_all > n;

	if (permits > r->capacity && r->capacity) {
		CN_ROOT(b, link, r->runtime, "nobody: it wants %llu permits, and there are %llu",
			(unsigned long long)permits, (unsigned long long)r->capacity);
		return;
	}
	if (!n && cn_is_task_id(r->last_user_a))
		cn_add_user(b, link, CN_RELATION_USED_BY, r->last_user_a, true);
	else if (!n)
		CN_ROOT(b, link, r->runtime, "whoever releases permits: who has them is not known");
	for (size_t i = 0; i < n; i++)
		add_holder(b, link, r, shown[i], (uint32_t)i, (uint32_t)(n + more));
	if (more) {
		struct cn_spot spot = cn_spot_under(link, b, CN_RELATION_HELD_BY);

		spot.depth++;
		spot.either = true;
		cn_link_say(b, cn_link_add(b, spot, CN_LINK_ROOT, 0, r->runtime), "%zu more hold permits", n_all - n);
	}
}

/* ---------------------------------------------------------------- channels */

/* The tasks in whose frames the channel stands, the waiting one aside; who used it last comes first. */
static size_t ends(const struct cn_builder *b, const struct cn_resource *r, uint64_t self, uint64_t last,
	uint64_t ret[ENDS_SHOWN], uint64_t *ret_elsewhere)
{
	const struct cn_detail *detail = cn_model_detail(b->model, r->serial);
	size_t n = 0;

	*ret_elsewhere = 0;
	for (uint32_t i = 0; detail && i < detail->n_places; i++) {
		uint64_t id = detail->places[i].task;

		if (!id)
			*ret_elsewhere += detail->places[i].count;
		if (!cn_is_task_id(id) || id == self)
			continue;
		if (id == last && n) {
			uint64_t first = ret[0];

			ret[0] = id;
			id = first;
		}
		if (n < ENDS_SHOWN)
			ret[n++] = id;
	}
	return n;
}

void cn_add_other_end(struct cn_builder *b, uint32_t link, const struct cn_resource *r, const struct cn_task *task,
	const struct cn_await *await)
{
	bool sends = await->op == ROUSE_OP_SEND;
	enum cn_relation relation = sends ? CN_RELATION_TAKEN_BY : CN_RELATION_SENT_BY;
	uint64_t last = sends ? r->last_user_b : r->last_user_a, found[ENDS_SHOWN] = { 0 }, elsewhere;
	size_t n = ends(b, r, task->id, last, found, &elsewhere);
	const struct cn_task *creator = cn_model_task(b->model, r->creator);
	const struct cn_detail *detail = cn_model_detail(b->model, r->serial);

	if (creator)
		cn_link_say(b, link, "%sby %s (%llu)", *b->chain->links[link].text ? ", made " : "made ",
			cn_safe(cn_task_name(b->model, creator)), (unsigned long long)creator->id);
	if (!n && cn_is_task_id(last) && !(detail && detail->complete && !elsewhere)) {
		cn_add_user(b, link, relation, last, true);
		return;
	}
	for (size_t i = 0; i < n; i++)
		cn_add_branch(b, link, relation, found[i], true, (uint32_t)i, (uint32_t)n);
	if (n)
		return;
	if (detail && detail->complete && !elsewhere)
		CN_ROOT(b, link, r->runtime, "nobody: it stands in no memory but this task's own frames");
	else
		CN_ROOT(b, link, r->runtime, "nobody has %s so far", sends ? "received from it" : "sent to it");
}

/* ----------------------------------------------------------------- sockets */

static const char *tcp_state(unsigned int state)
{
	static const char *const names[] = { "", "established", "connecting", "being connected", "closing", "closing",
		"over", "closed", "closed by the peer", "closing", "listening", "closing" };

	return state < sizeof names / sizeof names[0] ? names[state] : "";
}

/* " = process 4711 (redis-server)", if that is known. */
static const char *process_text(char *out, size_t bytes, const struct cn_socket *socket)
{
	*out = 0;
	if (socket->peer_pid && socket->peer_others)
		snprintf(out, bytes, " = process %u (%s) and %u more", socket->peer_pid, cn_safe(socket->peer_program),
			socket->peer_others);
	else if (socket->peer_pid)
		snprintf(out, bytes, " = process %u (%s)", socket->peer_pid, cn_safe(socket->peer_program));
	return out;
}

const char *cn_peer_text(char *out, size_t bytes, const struct cn_socket *socket)
{
	char process[128];

	*out = 0;
	process_text(process, sizeof process, socket);
	if (*socket->peer || *process)
		snprintf(out, bytes, "peer%s%s%s", *socket->peer ? " " : "", cn_safe(socket->peer), process);
	return out;
}

static void add_view(struct cn_builder *b, uint32_t link, const struct cn_resource *r, const struct cn_socket *socket)
{
	uint32_t view =
		cn_link_add(b, cn_spot_under(link, b, CN_RELATION_IN_KERNEL), CN_LINK_SOCKET, r->serial, r->runtime);
	char peer[240];

	cn_peer_text(peer, sizeof peer, socket);
	if (!*socket->peer && *socket->local)
		cn_link_say(b, view, "at %s%s", cn_safe(socket->local), *peer ? ", " : "");
	cn_link_say(b, view, "%s", *peer || *socket->local ? peer : "no address");
	if (*tcp_state(socket->tcp_state))
		cn_link_say(b, view, ", %s", tcp_state(socket->tcp_state));
	if (r->kind == ROUSE_RESOURCE_LISTENER)
		cn_link_say(b, view, ", %llu of %llu in its backlog", (unsigned long long)socket->rx_bytes,
			(unsigned long long)r->capacity);
	else
		cn_link_say(b, view, ", %llu bytes to read, %llu sent and not acknowledged",
			(unsigned long long)socket->rx_bytes, (unsigned long long)socket->tx_bytes);
}

enum { CLOSE_WAIT = 8 };

/* There is something to be read: it is not the peer that it waits for. */
static bool is_readable(const struct cn_socket *socket)
{
	return socket->rx_bytes || socket->tcp_state == CLOSE_WAIT;
}

static const char *end_of_read(const struct cn_resource *r, const struct cn_socket *socket)
{
	if (socket && socket->rx_bytes)
		return "itself: there is something to read, and it has not been woken for it";
	if (socket && socket->tcp_state == CLOSE_WAIT)
		return "itself: the peer has closed, and it has not been woken for that";
	if (socket && *socket->peer)
		return "the peer: it has not sent";
	return r->kind == ROUSE_RESOURCE_FD ? "whatever makes it readable" : "the other end: nothing has come from it";
}

/* The chain goes on in another process: who that is, and if it can be asked how. */
static void say_peer(struct cn_builder *b, uint32_t root, const struct cn_socket *socket)
{
	cn_link_say(b, root, "; that is process %u (%s)", socket->peer_pid, cn_safe(socket->peer_program));
	if (socket->peer_is_rouse)
		cn_link_say(b, root, ", go on with: rouse why %u TASK", socket->peer_pid);
}

void cn_add_socket(struct cn_builder *b, uint32_t link, const struct cn_resource *r, const struct cn_await *await)
{
	const struct cn_socket *socket = cn_model_socket(b->model, r->serial);
	const char *end;
	uint32_t root;

	if (socket)
		add_view(b, link, r, socket);
	if (await->op == ROUSE_OP_READ)
		end = end_of_read(r, socket);
	else if (await->op == ROUSE_OP_WRITE)
		end = r->kind == ROUSE_RESOURCE_FD ? "whatever makes it writable"
						   : "the other end: it does not read, and buffers are full";
	else if (await->op == ROUSE_OP_ACCEPT && socket && socket->rx_bytes)
		end = "itself: a client has connected, and it has not been woken for it";
	else if (await->op == ROUSE_OP_ACCEPT)
		end = "a client that connects";
	else
		end = "the server: it has not answered yet";
	root = cn_link_add(b, cn_spot_under(link, b, CN_RELATION_ENDS_IN), CN_LINK_ROOT, 0, r->runtime);
	cn_link_say(b, root, "%s", end);
	if (socket && socket->peer_pid && !(await->op == ROUSE_OP_READ && is_readable(socket)))
		say_peer(b, root, socket);
}
