/* SPDX-License-Identifier: MIT */
/* The kernel's view of descriptors that were asked for, and the tables it is read from. */
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rouse/inspect.h>
#include <rouse/rouse.h>

#include "inspect/peers.h"
#include "inspect/procfs.h"
#include "inspect/procnet.h"
#include "stream.h"

enum { ESTABLISHED = 1, LISTENS = 10 /* as in /proc/net/tcp */ };

/*
 * A runtime with one resource whose record is made by hand: of any kind, with
 * any descriptor as its value.
 */
struct target {
	struct rouse_runtime *runtime;
	struct rouse_notify *notify;
	struct rouse_resource_record *record;
	struct rouse_inspect *inspect;
	struct stream stream;
	struct rouse_resource_record kept;
};

static struct rouse_resource_record *find_record(enum rouse_resource_kind kind)
{
	struct ri_mapping mapping;

	assert_int_equal(ri_proc_mappings((int)getpid(), &mapping, 1), 1);
	const struct rouse_page *page = (const struct rouse_page *)(uintptr_t)mapping.address;
	const struct rouse_chunk_entry *chunks =
		(const struct rouse_chunk_entry *)(uintptr_t)(mapping.address + page->off_chunks);

	for (uint32_t i = 0; i < page->chunk_count; i++) {
		for (uint32_t k = 0; chunks[i].kind == ROUSE_CHUNK_RESOURCE && k < chunks[i].cells; k++) {
			uintptr_t address = (uintptr_t)(chunks[i].address + (uint64_t)k * chunks[i].stride);
			struct rouse_resource_record *record = (struct rouse_resource_record *)address;

			if (record->serial && record->kind == kind)
				return record;
		}
	}
	return NULL;
}

static int setup(void **state)
{
	struct target *t = calloc(1, sizeof *t);

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &t->runtime), 0);
	struct rouse_guard guard = rouse_enter(t->runtime);

	t->notify = rouse_notify_new("one");
	rouse_leave(&guard);
	assert_non_null(t->notify);
	t->record = find_record(ROUSE_RESOURCE_NOTIFY);
	assert_non_null(t->record);
	t->kept = *t->record;
	t->record->kind = ROUSE_RESOURCE_SOCKET;
	stream_init(&t->stream);
	assert_int_equal(rouse_inspect_open_pid((int)getpid(), &t->inspect), 0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct target *t = *state;

	*t->record = t->kept;
	rouse_inspect_close(t->inspect);
	stream_fini(&t->stream);
	rouse_notify_free(t->notify);
	rouse_runtime_free(t->runtime);
	free(t);
	return 0;
}

/* Says that the resource is about `fd`, asks for it, and answers its row, or NULL. */
static const Rouse__V1__Sockets *look_for(struct target *t, uint64_t fd, bool peers)
{
	const uint64_t wanted[] = { t->record->serial + 1000, t->record->serial };
	const struct rouse_look_opts opts = { .size = sizeof opts, .detail = wanted, .n_detail = 2, .peers = peers };
	const Rouse__V1__Frame *frame;

	t->record->value = fd;
	stream_clear(&t->stream);
	assert_int_equal(rouse_inspect_look(t->inspect, &opts, stream_take, &t->stream), 0);
	frame = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_SOCKETS, 0);
	if (frame) {
		assert_int_equal(frame->sockets->n_serial, 1);
		assert_int_equal(frame->sockets->serial[0], t->record->serial);
	}
	return frame ? frame->sockets : NULL;
}

static const Rouse__V1__Sockets *look(struct target *t, uint64_t fd)
{
	return look_for(t, fd, true);
}

static void nothing_is_looked_up_unless_asked_for(void **state)
{
	struct target *t = *state;
	const uint64_t other = t->record->serial + 1;
	int fd = eventfd(0, EFD_CLOEXEC);

	t->record->value = (uint64_t)fd;
	for (size_t n = 0; n < 2; n++) {
		const struct rouse_look_opts opts = { .size = sizeof opts, .detail = &other, .n_detail = n };

		assert_int_equal(rouse_inspect_look(t->inspect, &opts, stream_take, &t->stream), 0);
		assert_null(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_SOCKETS, 0));
	}
	close(fd);
}

/* ------------------------------------------------------------------ sockets */

struct tcp {
	int listener, client, served;
	char listener_name[64], client_name[64];
};

static void name_of(int fd, int family, char out[64])
{
	struct sockaddr_storage address = { 0 };
	socklen_t bytes = sizeof address;
	char text[INET6_ADDRSTRLEN];

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
	if (family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&address;

		snprintf(out, 64, "%s:%u", inet_ntop(AF_INET, &in->sin_addr, text, sizeof text), ntohs(in->sin_port));
	} else {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&address;

		snprintf(out, 64, "[%s]:%u", inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text), ntohs(in->sin6_port));
	}
}

static void connect_tcp(int family, struct tcp *tcp)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_storage bound;
	socklen_t bytes = sizeof bound;
	const struct sockaddr *any = family == AF_INET ? (const struct sockaddr *)&in : (const struct sockaddr *)&in6;

	tcp->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	tcp->client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (tcp->listener < 0 || bind(tcp->listener, any, family == AF_INET ? sizeof in : sizeof in6) < 0)
		test_skip("no loopback of this family");
	assert_int_equal(listen(tcp->listener, 8), 0);
	assert_int_equal(getsockname(tcp->listener, (struct sockaddr *)&bound, &bytes), 0);
	assert_int_equal(connect(tcp->client, (struct sockaddr *)&bound, bytes), 0);
	name_of(tcp->listener, family, tcp->listener_name);
	name_of(tcp->client, family, tcp->client_name);
}

static void close_tcp(struct tcp *tcp)
{
	close(tcp->listener);
	close(tcp->client);
	close(tcp->served);
}

static void check_tcp(struct target *t, int family)
{
	struct tcp tcp;
	const Rouse__V1__Sockets *row;

	connect_tcp(family, &tcp);
	row = look(t, (uint64_t)tcp.listener); /* a connection waits to be accepted */
	assert_non_null(row);
	assert_string_equal(stream_text(&t->stream, row->local[0]), tcp.listener_name);
	assert_int_equal(row->peer[0], 0);
	assert_int_equal(row->tcp_state[0], LISTENS);
	assert_int_equal(row->rx_bytes[0], 1);
	tcp.served = accept(tcp.listener, NULL, NULL);
	assert_int_equal(look(t, (uint64_t)tcp.listener)->rx_bytes[0], 0);

	assert_int_equal(write(tcp.client, "seven b", 7), 7);
	row = look(t, (uint64_t)tcp.served);
	assert_string_equal(stream_text(&t->stream, row->local[0]), tcp.listener_name);
	assert_string_equal(stream_text(&t->stream, row->peer[0]), tcp.client_name);
	assert_int_equal(row->tcp_state[0], ESTABLISHED);
	assert_int_equal(row->rx_bytes[0], 7);
	assert_int_equal(look(t, (uint64_t)tcp.client)->rx_bytes[0], 0);
	close_tcp(&tcp);
}

static void a_tcp_socket_shows_both_ends_and_what_waits(void **state)
{
	check_tcp(*state, AF_INET);
}

static void so_does_one_of_version_6(void **state)
{
	check_tcp(*state, AF_INET6);
}

/* What nobody reads stays with the sender once the receiver's buffer is full. */
static void what_was_not_acknowledged_is_counted_at_the_sender(void **state)
{
	struct target *t = *state;
	static const char block[1 << 16];
	struct tcp tcp;
	int small = 4096;

	connect_tcp(AF_INET, &tcp);
	tcp.served = accept(tcp.listener, NULL, NULL);
	setsockopt(tcp.served, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	assert_int_equal(fcntl(tcp.client, F_SETFL, O_NONBLOCK), 0);
	while (write(tcp.client, block, sizeof block) > 0)
		continue;
	assert_true(look(t, (uint64_t)tcp.client)->tx_bytes[0] > 0);
	assert_true(look(t, (uint64_t)tcp.served)->rx_bytes[0] > 0);
	close_tcp(&tcp);
}

static void a_unix_socket_shows_its_path_if_it_has_one(void **state)
{
	struct target *t = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/rouse-test-XXXXXX", expected[128];
	int pair[2], fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_non_null(mkdtemp(dir));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/a b:c]", dir);
	snprintf(expected, sizeof expected, "unix:%s", address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_string_equal(stream_text(&t->stream, look(t, (uint64_t)fd)->local[0]), expected);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	const Rouse__V1__Sockets *row = look(t, (uint64_t)pair[0]);

	assert_string_equal(stream_text(&t->stream, row->local[0]), "unix");
	assert_int_equal(row->tcp_state[0], 0);
	close(pair[0]);
	close(pair[1]);
	close(fd);
	unlink(address.sun_path);
	rmdir(dir);
}

static void a_datagram_socket_shows_where_it_is_bound(void **state)
{
	struct target *t = *state;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char name[64];

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	name_of(fd, AF_INET, name);
	const Rouse__V1__Sockets *row = look(t, (uint64_t)fd);

	assert_string_equal(stream_text(&t->stream, row->local[0]), name);
	assert_int_equal(row->peer[0], 0);
	assert_int_equal(row->tcp_state[0], 0);
	close(fd);
}

/* -------------------------------------------------------------------- peers */

/* A reader searches now and then only, a new one at once. */
static const Rouse__V1__Sockets *look_anew(struct target *t, int fd)
{
	rouse_inspect_close(t->inspect);
	stream_fini(&t->stream);
	stream_init(&t->stream);
	assert_int_equal(rouse_inspect_open_pid((int)getpid(), &t->inspect), 0);
	return look(t, (uint64_t)fd);
}

static void assert_is_this_process(struct target *t, const Rouse__V1__Sockets *row)
{
	struct ri_proc_stat stat;

	assert_non_null(row);
	assert_int_equal(ri_proc_stat((int)getpid(), &stat), 0);
	assert_int_equal(row->peer_pid[0], getpid());
	assert_string_equal(stream_text(&t->stream, row->peer_program[0]), stat.program);
	assert_int_equal(row->peer_is_rouse[0], 1);
	assert_int_equal(row->peer_others[0], 0);
}

static void assert_nobody(const Rouse__V1__Sockets *row)
{
	assert_non_null(row);
	assert_int_equal(row->peer_pid[0], 0);
	assert_int_equal(row->peer_program[0], 0);
	assert_int_equal(row->peer_is_rouse[0], 0);
	assert_int_equal(row->peer_others[0], 0);
}

static void who_has_the_other_end_of_a_connection_is_known(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct target *t = *state;

	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		struct tcp tcp;

		connect_tcp(families[i], &tcp);
		tcp.served = accept(tcp.listener, NULL, NULL);
		assert_nobody(
			look_for(t, (uint64_t)tcp.client, false)); /* a search that nobody asked for is not made */
		assert_is_this_process(t, look_anew(t, tcp.client));
		assert_is_this_process(t, look_anew(t, tcp.served));
		assert_nobody(look_anew(t, tcp.listener));
		close(tcp.served);
		tcp.served = -1;
		assert_nobody(look_anew(t, tcp.client));
		close_tcp(&tcp);
	}
}

static void so_is_who_has_the_other_end_of_a_unix_socket(void **state)
{
	struct target *t = *state;
	int pair[2], alone = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_is_this_process(t, look_anew(t, pair[0]));
	assert_nobody(look_anew(t, alone));
	close(pair[1]);
	assert_nobody(look_anew(t, pair[0]));
	close(pair[0]);
	close(alone);
}

static void of_several_that_share_it_the_first_is_named_and_the_others_counted(void **state)
{
	enum { CHILDREN = 3 };
	struct target *t = *state;
	pid_t children[CHILDREN];
	const Rouse__V1__Sockets *row;
	int pair[2], hold[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe(hold), 0);
	for (int i = 0; i < CHILDREN; i++) {
		char byte;

		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			close(hold[1]);
			_exit(read(hold[0], &byte, 1) != 0);
		}
	}
	row = look_anew(t, pair[0]);
	assert_int_equal(row->peer_others[0], CHILDREN);
	assert_true((int)row->peer_pid[0] <= getpid());
	close(hold[1]);
	for (int i = 0; i < CHILDREN; i++)
		assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
	close(hold[0]);
	close(pair[0]);
	close(pair[1]);
}

/* Within two seconds of a search what it found stands, and nothing else is searched for. */
static void it_is_not_searched_for_in_every_look(void **state)
{
	struct ri_peers peers = { .searched_ns = 0 };
	struct ri_net_socket socket = { .inode = 0 };
	struct ri_peer peer = { .pid = 1 };
	uint64_t first;

	(void)state;
	ri_peers_find(&peers, (int)getpid(), &socket, 1, &peer);
	assert_int_equal(peer.pid, 0);
	first = peers.searched_ns;
	assert_true(first > 0);
	socket.inode = peers.inodes[0] = 77;
	peers.found[0].pid = 4711;
	ri_peers_find(&peers, (int)getpid(), &socket, 1, &peer);
	if (peers.searched_ns == first) /* else two seconds were over in between */
		assert_int_equal(peer.pid, 4711);
	peers.searched_ns -= 2000000000u;
	ri_peers_find(&peers, (int)getpid(), &socket, 1, &peer);
	assert_true(peers.searched_ns >= first);
	assert_int_equal(peer.pid, 0);
}

static void ends_that_belong_together_are_told(void **state)
{
	static const struct {
		const char *local, *peer, *other_local, *other_peer;
		bool pair;
	} cases[] = {
		{ "10.0.0.1:80", "10.0.0.2:555", "10.0.0.2:555", "10.0.0.1:80", true },
		{ "10.0.0.1:80", "10.0.0.2:555", "10.0.0.1:80", "10.0.0.2:555", false },
		{ "10.0.0.1:80", "10.0.0.2:555", "10.0.0.2:556", "10.0.0.1:80", false },
		{ "[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.2]:555", "10.0.0.2:555", "10.0.0.1:80", true },
		{ "[::1]:80", "[::1]:555", "[::1]:555", "[::1]:80", true },
		{ "[::ffff:0:1]:80", "[::1]:555", "[::1]:555", "0:1:80", false },
		{ "10.0.0.1:80", "", "", "10.0.0.1:80", false },
		{ "[::ffff:", "[::ffff:1", "[::ffff:1", "[::ffff:", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ri_net_socket a = { .inode = 1 }, b = { .inode = 2 };

		snprintf(a.local, sizeof a.local, "%s", cases[i].local);
		snprintf(a.peer, sizeof a.peer, "%s", cases[i].peer);
		snprintf(b.local, sizeof b.local, "%s", cases[i].other_local);
		snprintf(b.peer, sizeof b.peer, "%s", cases[i].other_peer);
		assert_int_equal(ri_net_is_pair(&a, &b), cases[i].pair);
		assert_int_equal(ri_net_is_pair(&b, &a), cases[i].pair);
	}
}

/* ----------------------------------------------------- other, gone, hostile */

static void what_is_no_socket_says_what_it_is(void **state)
{
	struct target *t = *state;
	int event = eventfd(0, EFD_CLOEXEC), file = open("/dev/null", O_RDONLY | O_CLOEXEC), ends[2];

	assert_int_equal(pipe(ends), 0);
	t->record->kind = ROUSE_RESOURCE_FD;
	assert_string_equal(stream_text(&t->stream, look(t, (uint64_t)event)->local[0]), "anon_inode:[eventfd]");
	assert_string_equal(stream_text(&t->stream, look(t, (uint64_t)file)->local[0]), "/dev/null");
	assert_memory_equal(stream_text(&t->stream, look(t, (uint64_t)ends[0])->local[0]), "pipe:[", 6);
	close(event);
	close(file);
	close(ends[0]);
	close(ends[1]);
}

static void a_socket_of_no_table_keeps_its_number(void **state)
{
	struct target *t = *state;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_memory_equal(stream_text(&t->stream, look(t, (uint64_t)fd)->local[0]), "socket:[", 8);
	close(fd);
}

static void a_descriptor_that_was_closed_or_never_was_has_no_row(void **state)
{
	struct target *t = *state;
	int fd = eventfd(0, EFD_CLOEXEC);

	assert_non_null(look(t, (uint64_t)fd));
	close(fd);
	assert_null(look(t, (uint64_t)fd));
	assert_null(look(t, UINT64_MAX));
	assert_null(look(t, 1ull << 32)); /* not descriptor 0 */
}

static void kinds_without_a_descriptor_are_not_looked_up(void **state)
{
	struct target *t = *state;

	uint64_t fd = (uint64_t)eventfd(0, EFD_CLOEXEC);

	t->record->kind = ROUSE_RESOURCE_SEMAPHORE;
	assert_null(look(t, fd));
	t->record->kind = ROUSE_RESOURCE_LISTENER;
	assert_non_null(look(t, fd));
	close((int)fd);
}

/* -------------------------------------------------------------------- lines */

static void lines_of_the_tables_are_taken_apart(void **state)
{
	struct ri_net_socket s;

	(void)state;
	assert_true(ri_net_parse(RI_NET_TCP, "  12: 0100007F:18EB 0200007F:C001 08 0000000A:00000FFF 00:00000000 00000000 "
					     " 1000        0 4242 1 0000000000000000 20 4 30 10 -1", &s));
	assert_string_equal(s.local, "127.0.0.1:6379");
	assert_string_equal(s.peer, "127.0.0.2:49153");
	assert_int_equal(s.tcp_state, 8);
	assert_int_equal(s.tx_bytes, 10);
	assert_int_equal(s.rx_bytes, 4095);
	assert_int_equal(s.inode, 4242);
	assert_true(ri_net_parse(RI_NET_TCP6, "   0: 00000000000000000000000001000000:0050 "
					      "00000000000000000000000000000000:0000 0A 00000000:00000003 00:00000000 "
					      "00000000     0        0 77 1", &s));
	assert_string_equal(s.local, "[::1]:80");
	assert_string_equal(s.peer, "");
	assert_int_equal(s.rx_bytes, 3);
	assert_true(ri_net_parse(RI_NET_UNIX, "00000000aabbccdd: 00000002 00000000 00010000 0001 01 21032 @a b", &s));
	assert_string_equal(s.local, "unix:@a b");
	assert_int_equal(s.inode, 21032);
}

static void lines_that_are_none_are_passed_over(void **state)
{
	static const char *const lines[] = { "", ":", ": ", "  sl  local_address rem_address   st tx_queue rx_queue",
		"Num       RefCount Protocol Flags    Type St Inode Path", "0: 0100007F", "0: 0100007F:", "0: 0100007F:18EB",
		"0: 0100007F:18EB 0200007F:C001", "0: 0100007F:18EB 0200007F:C001 08 0000000A",
		"0: 100007F:18EB 0200007F:C001 08 0:0 00:0 0 0 0 4242", "0: 0100007F:18EB 0200007F:C001 08 0:0 00:0 0 0 0",
		"0: 0100007F:18EB 0200007F:C001 06 0:0 00:0 0 0 0 0 3", "0: 00000002 00000000 00010000 0001 01",
		"0: 00000002 00000000 00010000 0001 01 0" };
	struct ri_net_socket s = { .inode = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		for (int table = 0; table < RI_NET_TABLES; table++)
			assert_false(ri_net_parse((enum ri_net_table)table, lines[i], &s));
	assert_int_equal(s.inode, 1); /* untouched */
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(nothing_is_looked_up_unless_asked_for), TEST(a_tcp_socket_shows_both_ends_and_what_waits),
	TEST(so_does_one_of_version_6), TEST(what_was_not_acknowledged_is_counted_at_the_sender),
	TEST(a_unix_socket_shows_its_path_if_it_has_one), TEST(a_datagram_socket_shows_where_it_is_bound),
	TEST(who_has_the_other_end_of_a_connection_is_known), TEST(so_is_who_has_the_other_end_of_a_unix_socket),
	TEST(of_several_that_share_it_the_first_is_named_and_the_others_counted),
	cmocka_unit_test(it_is_not_searched_for_in_every_look), cmocka_unit_test(ends_that_belong_together_are_told),
	TEST(what_is_no_socket_says_what_it_is), TEST(a_socket_of_no_table_keeps_its_number),
	TEST(a_descriptor_that_was_closed_or_never_was_has_no_row), TEST(kinds_without_a_descriptor_are_not_looked_up),
	cmocka_unit_test(lines_of_the_tables_are_taken_apart), cmocka_unit_test(lines_that_are_none_are_passed_over));
