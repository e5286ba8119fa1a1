/* SPDX-License-Identifier: MIT */
#include "splitter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

void rp_splitter_init(struct rp_splitter *splitter, size_t limit)
{
	*splitter = (struct rp_splitter){ .limit = limit && limit < RP_FRAME_MAX ? limit : RP_FRAME_MAX };
}

void rp_splitter_fini(struct rp_splitter *splitter)
{
	free(splitter->partial);
	splitter->partial = NULL;
	splitter->held = 0;
}

/*
 * Looks at a prefix: 1 and its value, 0 if more bytes are needed, or -errno.
 * Only the shortest spelling is accepted, so that equal streams are equal bytes.
 */
static int read_prefix(const struct rp_splitter *splitter, const uint8_t *bytes, size_t n, size_t *ret_prefix,
	size_t *ret_length)
{
	size_t length = 0;

	for (size_t i = 0; i < n && i < RP_PREFIX_MAX; i++) {
		length |= (size_t)(bytes[i] & 0x7f) << (7 * i);
		if (bytes[i] & 0x80)
			continue;
		if (length == 0 || (i > 0 && bytes[i] == 0))
			return -EBADMSG;
		if (length > splitter->limit)
			return -EMSGSIZE;
		*ret_prefix = i + 1;
		*ret_length = length;
		return 1;
	}
	return n < RP_PREFIX_MAX ? 0 : -EMSGSIZE;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Moves bytes to the held part until it has `want`: how many it took. */
static size_t hold(struct rp_splitter *splitter, const uint8_t *bytes, size_t n, size_t want)
{
	size_t take = min_size(n, want - splitter->held);

	memcpy(splitter->partial + splitter->held, bytes, take);
	splitter->held += take;
	return take;
}

/* Goes on with the frame that an earlier feed began: bytes used, or -errno. */
static int finish_partial(struct rp_splitter *splitter, const uint8_t *bytes, size_t n, rp_frame_fn fn, void *arg,
	size_t *ret_used)
{
	size_t used = 0, prefix, length;
	int rc;

	while ((rc = read_prefix(splitter, splitter->partial, splitter->held, &prefix, &length)) == 0) {
		if (used == n) {
			*ret_used = used;
			return 0;
		}
		used += hold(splitter, bytes + used, 1, splitter->held + 1);
	}
	if (rc < 0)
		return rc;
	used += hold(splitter, bytes + used, n - used, prefix + length);
	*ret_used = used;
	if (splitter->held < prefix + length)
		return 0;
	splitter->held = 0;
	return fn(arg, splitter->partial + prefix, length);
}

static int feed(struct rp_splitter *splitter, const uint8_t *bytes, size_t n, rp_frame_fn fn, void *arg)
{
	size_t prefix, length, used = 0;
	int rc = 0;

	if (splitter->held) {
		rc = finish_partial(splitter, bytes, n, fn, arg, &used);
		if (rc < 0)
			return rc;
	}
	while (used < n) {
		rc = read_prefix(splitter, bytes + used, n - used, &prefix, &length);
		if (rc < 0)
			return rc;
		if (rc == 0 || n - used - prefix < length)
			break;
		rc = fn(arg, bytes + used + prefix, length);
		if (rc < 0)
			return rc;
		used += prefix + length;
	}
	if (used == n)
		return 0;
	if (!splitter->partial && !(splitter->partial = malloc(RP_PREFIX_MAX + splitter->limit)))
		return -ENOMEM;
	hold(splitter, bytes + used, n - used, RP_PREFIX_MAX + splitter->limit);
	return 0;
}

int rp_splitter_feed(struct rp_splitter *splitter, const uint8_t *bytes, size_t n, rp_frame_fn fn, void *arg)
{
	if (!splitter->broken)
		splitter->broken = feed(splitter, bytes, n, fn, arg);
	return splitter->broken;
}
