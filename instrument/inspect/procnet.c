/* SPDX-License-Identifier: MIT */
#include "inspect/procnet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_BYTES = 4 << 20, LINE_BYTES = 512 };

static bool take_number(const char **at, int base, uint64_t *ret)
{
	char *end;

	*ret = strtoull(*at, &end, base);
	if (end == *at)
		return false;
	*at = end;
	return true;
}

static bool take_digits(const char **at, size_t n, uint32_t *ret)
{
	char digits[9] = "";

	if (strspn(*at, "0123456789abcdefABCDEF") < n)
		return false;
	memcpy(digits, *at, n);
	*ret = (uint32_t)strtoul(digits, NULL, 16);
	*at += n;
	return true;
}

/* The kernel prints an address as 32-bit words of its memory: eight hexadecimal digits each, then the port. */
static bool take_address(const char **at, bool is_v6, char out[RI_NET_TEXT], bool *ret_any)
{
	uint32_t words[4] = { 0 };
	char text[INET6_ADDRSTRLEN];
	size_t n = is_v6 ? 4 : 1;
	uint32_t port;

	for (size_t i = 0; i < n; i++)
		if (!take_digits(at, 8, &words[i]))
			return false;
	if (*(*at)++ != ':' || !take_digits(at, 4, &port))
		return false;
	if (!inet_ntop(is_v6 ? AF_INET6 : AF_INET, words, text, sizeof text))
		return false;
	snprintf(out, RI_NET_TEXT, is_v6 ? "[%s]:%u" : "%s:%u", text, port);
	*ret_any = port == 0 && (words[0] | words[1] | words[2] | words[3]) == 0;
	return true;
}

/* sl: local:port remote:port state tx:rx timer:when retransmits uid timeout inode ... */
static bool parse_inet(const char *line, bool is_v6, struct ri_net_socket *socket)
{
	enum { STATE, TX, RX, TIMER, WHEN, RETRANSMITS, UID, TIMEOUT, INODE, FIELDS };
	const char *at = strchr(line, ':');
	uint64_t fields[FIELDS];
	bool any;

	if (!at || at[1] != ' ')
		return false;
	at += 2;
	if (!take_address(&at, is_v6, socket->local, &any) || *at++ != ' ' ||
		!take_address(&at, is_v6, socket->peer, &any))
		return false;
	if (any)
		socket->peer[0] = 0;
	for (int i = 0; i < FIELDS; i++)
		if (((i == RX || i == WHEN) && *at++ != ':') || !take_number(&at, i < UID ? 16 : 10, &fields[i]))
			return false;
	socket->tcp_state = (uint32_t)fields[STATE];
	socket->tx_bytes = fields[TX];
	socket->rx_bytes = fields[RX];
	socket->inode = fields[INODE];
	return true;
}

/* address: references protocol flags type state inode path; the path may be missing, or contain anything. */
static bool parse_unix(const char *line, struct ri_net_socket *socket)
{
	enum { ADDRESS, REFERENCES, PROTOCOL, FLAGS, TYPE, STATE, FIELDS };
	const char *at = line;
	uint64_t ignored;

	for (int i = 0; i < FIELDS; i++)
		if ((i == REFERENCES && *at++ != ':') || !take_number(&at, 16, &ignored))
			return false;
	if (!take_number(&at, 10, &socket->inode))
		return false;
	at += *at == ' ';
	snprintf(socket->local, sizeof socket->local, *at ? "unix:%s" : "unix", at);
	return true;
}

bool ri_net_parse(enum ri_net_table table, const char *line, struct ri_net_socket *ret_socket)
{
	struct ri_net_socket socket = { 0 };
	bool is_v6 = table == RI_NET_TCP6 || table == RI_NET_UDP6;

	if (table == RI_NET_UNIX ? !parse_unix(line, &socket) : !parse_inet(line, is_v6, &socket))
		return false;
	if (socket.inode == 0) /* it has no descriptor any more */
		return false;
	if (table != RI_NET_TCP && table != RI_NET_TCP6)
		socket.tcp_state = 0;
	*ret_socket = socket;
	return true;
}

/* A socket of version 6 writes an address of version 4 in its own way: "[::ffff:10.0.0.1]:80" is "10.0.0.1:80". */
static void plain_address(const char *text, char out[RI_NET_TEXT])
{
	static const char mapped[] = "[::ffff:";
	const char *from = text + sizeof mapped - 1, *end = strchr(text, ']');

	if (strncmp(text, mapped, sizeof mapped - 1) == 0 && end && memchr(from, '.', (size_t)(end - from)))
		snprintf(out, RI_NET_TEXT, "%.*s%s", (int)(end - from), from, end + 1);
	else
		snprintf(out, RI_NET_TEXT, "%s", text);
}

bool ri_net_is_pair(const struct ri_net_socket *a, const struct ri_net_socket *b)
{
	const char *const texts[] = { a->local, b->peer, a->peer, b->local };
	char plain[4][RI_NET_TEXT];

	if (!*a->peer || !*b->peer)
		return false;
	for (size_t i = 0; i < 4; i++)
		plain_address(texts[i], plain[i]);
	return strcmp(plain[0], plain[1]) == 0 && strcmp(plain[2], plain[3]) == 0;
}

static size_t match(const struct ri_net_socket *found, struct ri_net_socket *sockets, size_t n)
{
	size_t matches = 0;

	for (size_t i = 0; i < n; i++) {
		if (sockets[i].inode != found->inode)
			continue;
		sockets[i] = *found;
		matches++;
	}
	return matches;
}

/* One that is connected to itself is its own peer. */
static size_t match_peer(const struct ri_net_socket *found, struct ri_net_socket *sockets, size_t n)
{
	size_t matches = 0;

	for (size_t i = 0; i < n; i++) {
		if (!sockets[i].tcp_state || sockets[i].peer_inode || !ri_net_is_pair(found, &sockets[i]))
			continue;
		sockets[i].peer_inode = found->inode;
		matches++;
	}
	return matches;
}

typedef size_t (*match_fn)(const struct ri_net_socket *found, struct ri_net_socket *sockets, size_t n);

/* As long as some are wanted; answers how many of them it has filled. */
static size_t search(
	FILE *file, enum ri_net_table table, match_fn fn, struct ri_net_socket *sockets, size_t n, size_t wanted)
{
	struct ri_net_socket socket;
	char line[LINE_BYTES];
	size_t matches = 0, bytes = 0;

	while (matches < wanted && bytes < TABLE_BYTES && fgets(line, sizeof line, file)) {
		bytes += strlen(line);
		line[strcspn(line, "\n")] = 0;
		if (ri_net_parse(table, line, &socket))
			matches += fn(&socket, sockets, n);
	}
	return matches;
}

/* The first `tables` of all tables. */
static void search_tables(int pid, size_t tables, match_fn fn, struct ri_net_socket *sockets, size_t n, size_t wanted)
{
	static const char *const names[RI_NET_TABLES] = { [RI_NET_TCP] = "tcp",
		[RI_NET_TCP6] = "tcp6",
		[RI_NET_UDP] = "udp",
		[RI_NET_UDP6] = "udp6",
		[RI_NET_UNIX] = "unix" };

	for (size_t table = 0; table < tables && wanted > 0; table++) {
		char path[48], buffer[16384]; /* the C library would read a kilobyte at a time */

		snprintf(path, sizeof path, "/proc/%d/net/%s", pid, names[table]);
		FILE *file = fopen(path, "re");

		if (!file)
			continue;
		setvbuf(file, buffer, _IOFBF, sizeof buffer);
		wanted -= search(file, (enum ri_net_table)table, fn, sockets, n, wanted);
		fclose(file);
	}
}

void ri_net_find(int pid, struct ri_net_socket *sockets, size_t n)
{
	size_t wanted = 0;

	for (size_t i = 0; i < n; i++)
		wanted += sockets[i].inode != 0;
	search_tables(pid, RI_NET_TABLES, match, sockets, n, wanted);
}

void ri_net_find_peers(int pid, struct ri_net_socket *sockets, size_t n)
{
	size_t wanted = 0;

	for (size_t i = 0; i < n; i++)
		wanted += sockets[i].tcp_state && *sockets[i].peer && !sockets[i].peer_inode;
	search_tables(pid, RI_NET_TCP6 + 1, match_peer, sockets, n, wanted);
}
