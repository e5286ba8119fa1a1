/* SPDX-License-Identifier: MIT */
/* The packets of a trace, kept until they can be put in order of time, then written: see perfetto.h. */
#ifndef CN_EXPORT_TRACE_PACKETS_H
#define CN_EXPORT_TRACE_PACKETS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "export/names.h"

enum cn_packet_type { CN_PACKET_BEGIN = 1, CN_PACKET_END, CN_PACKET_INSTANT, CN_PACKET_COUNTER };
#define CN_PACKET_NO_SITE UINT32_MAX

struct cn_packet {
	uint64_t ns;
	uint64_t track;
	uint64_t flow;  /* 0 = none; of a BEGIN it ends there, else it begins */
	uint64_t task;  /* 0 = none */
	uint64_t value; /* of a COUNTER; of others a number that `what` names, 0 = none */
	const char *what, *category; /* static; NULL = none */
	uint32_t name;  /* of the names; not of END and COUNTER */
	uint32_t site;  /* of the sites, CN_PACKET_NO_SITE = none */
	uint32_t order; /* among those of one time: as they were put in */
	uint32_t type; /* enum cn_packet_type; 0 = not to be written */
};

struct cn_packet_site {
	uint32_t file, function, line; /* of the names */
};

struct cn_packets {
	struct cn_packet *all;
	size_t n, capacity;
	struct cn_packet_site *sites;
	size_t n_sites;
	const struct cn_names *names;
};

/* 0 or -ENOMEM. The packet stays where it is put until cn_packets_write(). */
int cn_packets_put(struct cn_packets *packets, const struct cn_packet *packet, size_t *ret_index);
void cn_packets_fini(struct cn_packets *packets);

/* A track; `pid` and `tid` make it a process or thread, `counter` a counter. */
struct cn_track {
	uint64_t uuid, parent;
	const char *name;
	uint32_t pid, tid;
	int counter;
};
int cn_track_write(FILE *out, const struct cn_track *track);
/* In order of time: 0 or -errno. */
int cn_packets_write(FILE *out, struct cn_packets *packets);

#endif
