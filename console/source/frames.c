/* SPDX-License-Identifier: MIT */
/*
 * A file of frames as they came from an agent: each read() hands out one
 * generation, so that a timer, or a script, sets the pace and what is shown
 * does not depend on it.
 */
#include "source/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <frame.h>

/* A Frame begins with the tag of its body: generation end is field 12, with a length. */
enum { TAG_GENERATION_END = 12 << 3 | 2 };

struct frames_source {
	struct cn_source source;
	FILE *file;
	uint8_t frame[RP_FRAME_MAX];
};

static int set_timer(const struct frames_source *f, const struct cn_wish *wish)
{
	const bool stopped = wish->pause || f->source.ended;
	const struct timespec interval = { wish->interval_ms / 1000, (long)(wish->interval_ms % 1000) * 1000000 };
	const struct itimerspec timer = { interval, interval }, none = { 0 };

	return timerfd_settime(f->source.fd, 0, stopped ? &none : &timer, NULL) ? -errno : 0;
}

static int tell(struct cn_source *source, const struct cn_wish *wish, struct cn_why *why)
{
	const int rc = set_timer((struct frames_source *)source, wish);

	return rc ? cn_why_set(why, rc, "cannot set a timer: %s", strerror(-rc)) : 0;
}

/* The next frame's length; 0 at the end of the file, -EBADMSG for what is no prefix. */
static int read_prefix(FILE *file)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < RP_PREFIX_MAX; i++) {
		const int byte = getc(file);

		if (byte == EOF)
			return i ? -EBADMSG : 0;
		n |= ((unsigned int)byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return n && n <= RP_FRAME_MAX ? (int)n : -EBADMSG;
	}
	return -EBADMSG;
}

static int read_frames(struct cn_source *source, rouse_frame_fn frame, void *arg, struct cn_why *why)
{
	struct frames_source *f = (struct frames_source *)source;
	uint64_t ticks;

	/* Empty when a script asks before its time. */
	if (read(f->source.fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
		return cn_why_set(why, -errno, "cannot read a timer: %s", strerror(errno));
	while (!f->source.ended) {
		const int n = read_prefix(f->file);
		int rc;

		if (n == 0) {
			f->source.ended = true;
			return set_timer(f, &(struct cn_wish){ .pause = true });
		}
		if (n < 0 || fread(f->frame, 1, (size_t)n, f->file) != (size_t)n)
			return cn_why_set(why, -EBADMSG, "the file of frames is damaged, or is none");
		rc = frame(arg, f->frame, (size_t)n);
		if (rc < 0 || f->frame[0] == TAG_GENERATION_END)
			return rc;
	}
	return 0;
}

static void close_frames(struct cn_source *source)
{
	struct frames_source *f = (struct frames_source *)source;

	if (f->source.fd >= 0)
		close(f->source.fd);
	if (f->file)
		fclose(f->file);
	free(f);
}

int cn_frames_open(const char *path, const struct cn_wish *wish, struct cn_source **ret_source, struct cn_why *why)
{
	struct frames_source *f = calloc(1, sizeof *f);
	int rc = 0;

	if (!f)
		return cn_why_set(why, -ENOMEM, "no memory to read frames");
	f->source = (struct cn_source){ .read = read_frames, .tell = tell, .close = close_frames };
	f->source.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	f->file = fopen(path, "rbe");
	if (!f->file)
		rc = cn_why_set(why, -errno, "cannot read frames from %.200s: %s", path, strerror(errno));
	else if (f->source.fd < 0 || set_timer(f, wish) < 0)
		rc = cn_why_set(why, -errno, "cannot make a timer: %s", strerror(errno));
	if (rc) {
		close_frames(&f->source);
		return rc;
	}
	*ret_source = &f->source;
	return 0;
}
