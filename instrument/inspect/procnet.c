/* SPDX-License-Identifier: MIT */
#include "inspect/procnet.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_BYTES = 4 << 20, LINE_BYTES = 512 };

/* The kernel prints an address as 32-bit words of its memory: eight hexadecimal digits each, then the port. */
static bool take_address(const char **at, bool is_v6, char out[RI_NET_TEXT], bool *ret_any)
{
	uint32_t words[4] = { 0 };
	char text[INET6_ADDRSTRLEN];
	size_t n = is_v6 ? 4 : 1;
	unsigned int port;
	int used = 0;

	for (size_t i = 0; i < n; i++) {
		if (sscanf(*at, "%8" SCNx32 "%n", &words[i], &used) != 1 || used != 8)
			return false;
		*at += used;
	}
	if (sscanf(*at, ":%4x%n", &port, &used) != 1 || used != 5)
		return false;
	*at += used;
	if (!inet_ntop(is_v6 ? AF_INET6 : AF_INET, words, text, sizeof text))
		return false;
	snprintf(out, RI_NET_TEXT, is_v6 ? "[%s]:%u" : "%s:%u", text, port);
	*ret_any = port == 0 && (words[0] | words[1] | words[2] | words[3]) == 0;
	return true;
}

/* sl: local:port remote:port state tx:rx timer:when retransmits uid timeout inode ... */
static bool parse_inet(const char *line, bool is_v6, struct ri_net_socket *socket)
{
	const char *at = strchr(line, ':');
	bool any;

	if (!at || at[1] != ' ')
		return false;
	at += 2;
	if (!take_address(&at, is_v6, socket->local, &any) || *at++ != ' ' ||
		!take_address(&at, is_v6, socket->peer, &any))
		return false;
	if (any)
		socket->peer[0] = 0;
	return sscanf(at, " %" SCNx32 " %" SCNx64 ":%" SCNx64 " %*x:%*x %*x %*u %*d %" SCNu64, &socket->tcp_state,
		       &socket->tx_bytes, &socket->rx_bytes, &socket->inode) == 4;
}

/* address: references protocol flags type state inode path; the path may be missing, or contain anything. */
static bool parse_unix(const char *line, struct ri_net_socket *socket)
{
	int used = 0;

	if (sscanf(line, "%*x: %*x %*x %*x %*x %*x %" SCNu64 "%n", &socket->inode, &used) != 1 || used == 0)
		return false;
	const char *path = line + used + (line[used] == ' ');

	snprintf(socket->local, sizeof socket->local, *path ? "unix:%s" : "unix", path);
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

/* As long as some are wanted; answers how many of them it has filled. */
static size_t search(FILE *file, enum ri_net_table table, struct ri_net_socket *sockets, size_t n, size_t wanted)
{
	struct ri_net_socket socket;
	char line[LINE_BYTES];
	size_t matches = 0, bytes = 0;

	while (matches < wanted && bytes < TABLE_BYTES && fgets(line, sizeof line, file)) {
		bytes += strlen(line);
		line[strcspn(line, "\n")] = 0;
		if (ri_net_parse(table, line, &socket))
			matches += match(&socket, sockets, n);
	}
	return matches;
}

void ri_net_find(int pid, struct ri_net_socket *sockets, size_t n)
{
	static const char *const names[RI_NET_TABLES] = { [RI_NET_TCP] = "tcp",
		[RI_NET_TCP6] = "tcp6",
		[RI_NET_UDP] = "udp",
		[RI_NET_UDP6] = "udp6",
		[RI_NET_UNIX] = "unix" };
	size_t wanted = 0;

	for (size_t i = 0; i < n; i++)
		wanted += sockets[i].inode != 0;
	for (size_t table = 0; table < RI_NET_TABLES && wanted > 0; table++) {
		char path[48], buffer[16384]; /* the C library would read a kilobyte at a time */

		snprintf(path, sizeof path, "/proc/%d/net/%s", pid, names[table]);
		FILE *file = fopen(path, "re");

		if (!file)
			continue;
		setvbuf(file, buffer, _IOFBF, sizeof buffer);
		wanted -= search(file, (enum ri_net_table)table, sockets, n, wanted);
		fclose(file);
	}
}
