/* SPDX-License-Identifier: MIT */
#include "inspect/sockdiag.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
	struct nlmsghdr head;
	struct unix_diag_req body;
};

static bool shares_network(int pid)
{
	struct stat own, other;
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
	return stat("/proc/thread-self/ns/net", &own) == 0 && stat(path, &other) == 0 && own.st_dev == other.st_dev &&
	       own.st_ino == other.st_ino;
}

/* The peer's inode as an answer of `bytes` has it; 0: there is none, it is an error, or nobody has accepted it yet. */
static uint64_t peer_of(const struct nlmsghdr *head, size_t bytes)
{
	const size_t fixed = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct unix_diag_msg));
	const char *at = (const char *)head + fixed;

	if (bytes < fixed || head->nlmsg_len > bytes || head->nlmsg_len < fixed ||
		head->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	for (size_t left = head->nlmsg_len - fixed; left >= sizeof(struct rtattr);) {
		struct rtattr attribute;
		uint32_t inode;

		memcpy(&attribute, at, sizeof attribute);
		if (attribute.rta_len < sizeof attribute || attribute.rta_len > left)
			break;
		if (attribute.rta_type == UNIX_DIAG_PEER && attribute.rta_len >= RTA_LENGTH(sizeof inode)) {
			memcpy(&inode, at + RTA_LENGTH(0), sizeof inode);
			return inode;
		}
		if (RTA_ALIGN(attribute.rta_len) > left)
			break;
		at += RTA_ALIGN(attribute.rta_len);
		left -= RTA_ALIGN(attribute.rta_len);
	}
	return 0;
}

/* The kernel answers before send() returns: nothing here waits. */
static uint64_t ask(int diag, uint64_t inode)
{
	struct request request = { .head = { .nlmsg_len = sizeof request,
					   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
					   .nlmsg_flags = NLM_F_REQUEST },
		.body = { .sdiag_family = AF_UNIX,
			.udiag_states = ~0u,
			.udiag_ino = (uint32_t)inode,
			.udiag_show = UDIAG_SHOW_PEER,
			.udiag_cookie = { ~0u, ~0u } } };
	union {
		struct nlmsghdr head;
		char bytes[1024];
	} answer;
	ssize_t n;

	if (send(diag, &request, sizeof request, MSG_DONTWAIT) != sizeof request)
		return 0;
	n = recv(diag, &answer, sizeof answer, MSG_DONTWAIT);
	return n > 0 ? peer_of(&answer.head, (size_t)n) : 0;
}

static bool is_unix(const struct ri_net_socket *socket)
{
	return socket->inode && strncmp(socket->local, "unix", 4) == 0;
}

void ri_sockdiag_find_peers(int pid, struct ri_net_socket *sockets, size_t n)
{
	size_t wanted = 0;
	int diag;

	for (size_t i = 0; i < n; i++)
		wanted += is_unix(&sockets[i]);
	if (!wanted || !shares_network(pid))
		return;
	diag = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (diag < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (is_unix(&sockets[i]))
			sockets[i].peer_inode = ask(diag, sockets[i].inode);
	close(diag);
}
