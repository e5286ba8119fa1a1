/* SPDX-License-Identifier: MIT */
/*
 * Cuts a byte stream into frames, however the bytes arrive. Frames that lie
 * whole in what is fed are handed out in place; only one that is cut by the
 * end of a read is copied.
 */
#ifndef RP_SPLITTER_H
#define RP_SPLITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A frame without its prefix, borrowed for the call. 0 to go on, or a negative error. */
typedef int (*rp_frame_fn)(void *arg, const uint8_t *bytes, size_t n);

struct rp_splitter {
	uint8_t *partial; /* prefix and beginning of the frame that is not whole yet */
	size_t held;
	size_t limit;
	int broken; /* after an error a stream cannot be cut any more */
};

/* `limit`: longest frame that is accepted; 0 = RP_FRAME_MAX. Allocates nothing. */
void rp_splitter_init(struct rp_splitter *splitter, size_t limit);
void rp_splitter_fini(struct rp_splitter *splitter);

/*
 * Feeds bytes; calls `fn` for every frame that is whole now. 0; -EMSGSIZE: a
 * frame over the limit; -EBADMSG: a prefix that is none; -ENOMEM; or what fn
 * answered. Errors are final: the stream has no frame boundary any more.
 */
int rp_splitter_feed(struct rp_splitter *splitter, const uint8_t *bytes, size_t n, rp_frame_fn fn, void *arg);

/* At a frame boundary: a stream that ends here was not cut. */
static inline bool rp_splitter_idle(const struct rp_splitter *splitter)
{
	return splitter->held == 0 && !splitter->broken;
}

#endif
