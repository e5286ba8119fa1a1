/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* Two milliseconds between two bracketed readings give the rate to about 10 ppm. */
enum { CALIBRATION_NS = 2000000 };

__extension__ typedef unsigned __int128 wide;

bool rs_clock_is_tsc;
uint64_t rs_clock_rate;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t base_ticks, base_ns; /* of rs_clock_init */

struct reading {
	uint64_t ticks, ns;
};

/* The best of eight: the reading whose two tick counts lie closest around the kernel's time. */
static struct reading read_both(void)
{
	struct reading best = { 0, 0 };
	uint64_t width = UINT64_MAX;

	for (int i = 0; i < 8; i++) {
		uint64_t before = rs_ticks(), ns = rs_mono_ns(), after = rs_ticks();

		if (after - before < width) {
			width = after - before;
			best.ticks = before + width / 2;
			best.ns = ns;
		}
	}
	return best;
}

static bool kernel_trusts_tsc(void)
{
#if defined(__x86_64__)
	char name[16] = "";
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof name - 1);

	if (fd >= 0)
		close(fd);
	return n >= 3 && memcmp(name, "tsc", 3) == 0;
#else
	return false;
#endif
}

static uint64_t fixed_rate(uint64_t ns, uint64_t ticks)
{
	return (uint64_t)(((wide)ns << 32) / ticks);
}

static void init(void)
{
	rs_clock_is_tsc = kernel_trusts_tsc();
	struct reading first = read_both(), last;

	base_ticks = first.ticks;
	base_ns = first.ns;
	if (!rs_clock_is_tsc) {
		rs_store(&rs_clock_rate, 1ull << 32, RS_RELAXED);
		return;
	}
	do
		last = read_both();
	while (last.ns - first.ns < CALIBRATION_NS);
	rs_store(&rs_clock_rate, fixed_rate(last.ns - first.ns, last.ticks - first.ticks), RS_RELAXED);
}

void rs_clock_init(void)
{
	pthread_once(&once, init);
}

void rs_clock_anchor(struct rouse_clock_anchor *anchor)
{
	struct reading now = read_both();
	struct timespec real;
	uint32_t seq = rs_load(&anchor->seq, RS_RELAXED);

	if (rs_clock_is_tsc && now.ns - base_ns >= CALIBRATION_NS)
		rs_store(&rs_clock_rate, fixed_rate(now.ns - base_ns, now.ticks - base_ticks), RS_RELAXED);
	clock_gettime(CLOCK_REALTIME, &real);

	/* A sequence lock: readers retry while seq is odd or has changed. */
	rs_store(&anchor->seq, seq + 1, RS_RELAXED);
	rs_fence(RS_RELEASE);
	rs_store(&anchor->kind, rs_clock_is_tsc ? ROUSE_CLOCK_TSC : ROUSE_CLOCK_MONOTONIC, RS_RELAXED);
	rs_store(&anchor->ticks, now.ticks, RS_RELAXED);
	rs_store(&anchor->mono_ns, now.ns, RS_RELAXED);
	rs_store(&anchor->real_ns, (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec, RS_RELAXED);
	rs_store(&anchor->mult, rs_load(&rs_clock_rate, RS_RELAXED), RS_RELAXED);
	rs_store(&anchor->seq, seq + 2, RS_RELEASE);
}

uint64_t rs_ns_to_ticks(uint64_t ns_duration)
{
	return (uint64_t)(((wide)ns_duration << 32) / rs_load(&rs_clock_rate, RS_RELAXED));
}
