/* SPDX-License-Identifier: MIT */
/*
 * One client of the agent: what it asked for, what it has been told, what
 * waits to be sent. It looks for itself: its rows, cursors and string table
 * are its own, so that it can be slow, paused or gone without anybody noticing.
 */
#ifndef RI_SERVER_CLIENT_H
#define RI_SERVER_CLIENT_H

#include <frame.h>
#include <splitter.h>

#include "inspect/look.h"
#include "server/queue.h"

struct ri_client {
	int fd;
	struct rp_splitter splitter;
	struct ri_queue queue;
	struct rouse_inspect *inspect;

	const uint8_t *token; /* that it has yet to bring, NULL = it need not; borrowed */
	uint64_t until_ns;    /* when that has to have come */

	/* as of the last Subscribe */
	bool subscribed, paused, once, events;
	uint32_t level; /* 1 + wanted, 0 = whatever */
	uint64_t interval_ns;
	uint64_t watch[RI_WATCH_MAX];
	size_t n_watch;
	uint64_t detail[RI_DETAIL_MAX];
	size_t n_detail;
	bool peers;
	uint32_t asked;     /* Subscribe.keyframe */

	uint64_t next_ns;   /* when the next generation is due */
	uint64_t drain_ns;  /* when rings have to be looked at before that, UINT64_MAX = not */
	bool looking;       /* one is being made */
	bool closing;       /* once the queue is empty */
	uint64_t skipped;   /* generations that were due, and were not made */
	/* A keyframe comes again when the changes since the last one outweigh it. */
	uint64_t keyframe_bytes, bytes_since;
	uint32_t generations_since;
	bool is_keyframe;   /* the one being made */
	uint32_t answered;  /* the newest `asked` that a whole keyframe has followed */
	uint32_t answering; /* the one that the look being made has heard of */
};

/*
 * Takes the descriptor. Says Hello, at once or, if it has to bring a token
 * (RI_TOKEN_BYTES; NULL = none) until then, after that. NULL: no memory; fd is closed.
 */
struct ri_client *ri_client_new(int fd, const uint8_t *token, uint64_t until_ns);
void ri_client_free(struct ri_client *client);

/* Reads what came. 0, or -errno: the client is to be freed. */
int ri_client_receive(struct ri_client *client, struct rp_decoder *decoder, uint64_t now_ns);
/* Sends, looks a little, sends. 1: there is more to do at once; 0; or -errno: to be freed. */
int ri_client_work(struct ri_client *client, uint64_t now_ns);
/* When it has to be called again by time, UINT64_MAX = not. */
uint64_t ri_client_due(const struct ri_client *client);
/* The tracing level it needs. */
int ri_client_level(const struct ri_client *client);

/* Says why, and closes: for those that are turned away. */
void ri_client_refuse(int fd, int code, const char *text);

#endif
