/* SPDX-License-Identifier: MIT */
#include "inspect/peers.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "inspect/procfs.h"
#include "inspect/sockdiag.h"

enum { PROCESSES_MAX = 4096 };
#define SEARCH_NS 100000000ull /* at most */
#define EVERY_NS 2000000000ull

struct search {
	const struct ri_net_socket *sockets;
	size_t n;
	struct ri_peer *found;
	uint64_t end_ns;
};

static uint64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The inode of a socket among the descriptors of a process, 0 = it is none. */
static uint64_t inode_of(int folder, const char *name)
{
	static const char of_socket[] = "socket:[";
	char link[48];
	ssize_t n = readlinkat(folder, name, link, sizeof link - 1);

	if (n <= 0)
		return 0;
	link[n] = 0;
	return strncmp(link, of_socket, sizeof of_socket - 1) == 0 ? strtoull(link + sizeof of_socket - 1, NULL, 10)
								   : 0;
}

/* A process counts once, however many descriptors of the socket it has. */
static void take(struct ri_peer *peer, int pid, bool *counted)
{
	if (*counted)
		return;
	*counted = true;
	peer->others += peer->pid != 0;
	if (!peer->pid || pid < peer->pid)
		peer->pid = pid;
}

/* One that may not be read, or has gone, is passed over. */
static void search_process(struct search *search, int pid)
{
	bool counted[RI_PEERS_MAX] = { false };
	struct dirent *entry;
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *folder = opendir(path);

	if (!folder)
		return;
	while (clock_now() < search->end_ns && (entry = readdir(folder))) {
		uint64_t inode = inode_of(dirfd(folder), entry->d_name);

		for (size_t i = 0; inode && i < search->n; i++)
			if (search->sockets[i].peer_inode == inode)
				take(&search->found[i], pid, &counted[i]);
	}
	closedir(folder);
}

static void search_processes(struct search *search)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	if (!proc)
		return;
	while (n < PROCESSES_MAX && clock_now() < search->end_ns && (entry = readdir(proc))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (*end || pid <= 0)
			continue;
		search_process(search, (int)pid);
		n++;
	}
	closedir(proc);
}

static void describe(struct ri_peer *peer)
{
	struct ri_mapping mapping;
	struct ri_proc_stat stat;
	int tid = ri_proc_memory_tid(peer->pid);

	if (ri_proc_stat(peer->pid, &stat) == 0)
		snprintf(peer->program, sizeof peer->program, "%s", stat.program);
	peer->is_rouse = tid > 0 && ri_proc_mappings(tid, &mapping, 1) > 0;
}

static void search_anew(struct ri_peers *peers, int pid, struct ri_net_socket *sockets, size_t n)
{
	struct search search = { .sockets = sockets, .n = n, .found = peers->found };
	size_t wanted = 0;

	ri_net_find_peers(pid, sockets, n);
	ri_sockdiag_find_peers(pid, sockets, n);
	memset(peers->found, 0, sizeof peers->found);
	for (size_t i = 0; i < n; i++) {
		peers->inodes[i] = sockets[i].inode;
		wanted += sockets[i].peer_inode != 0;
	}
	peers->n = n;
	peers->searched_ns = clock_now();
	search.end_ns = peers->searched_ns + SEARCH_NS;
	if (wanted)
		search_processes(&search);
	for (size_t i = 0; i < n; i++)
		if (peers->found[i].pid)
			describe(&peers->found[i]);
}

void ri_peers_find(struct ri_peers *peers, int pid, struct ri_net_socket *sockets, size_t n, struct ri_peer *ret_peers)
{
	if (!peers->searched_ns || clock_now() - peers->searched_ns >= EVERY_NS)
		search_anew(peers, pid, sockets, n);
	for (size_t i = 0; i < n; i++) {
		ret_peers[i] = (struct ri_peer){ .pid = 0 };
		for (size_t k = 0; sockets[i].inode && k < peers->n; k++)
			if (peers->inodes[k] == sockets[i].inode)
				ret_peers[i] = peers->found[k];
	}
}
