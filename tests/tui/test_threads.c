/* SPDX-License-Identifier: MIT */
/* The workers' threads on the screen: the recorded stream, with what the system would have said of them put in. */
#include "stage.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <frame.h>

enum { LOOK_NS = 500000000 };

/* One that computes three quarters of the time, one in a system call: the workers of the recording. */
static void put_threads(FILE *out, uint64_t look)
{
	uint32_t tid[] = { 13808, 13809 }, role[] = { ROUSE_THREAD_WORKER, ROUSE_THREAD_WORKER }, worker[] = { 0, 1 },
		 state[] = { 'R', 'S' }, syscall[] = { 0, SYS_fsync + 1 };
	uint64_t cpu_ns[] = { 1000 + look * (LOOK_NS / 4 * 3), 1000 };
	Rouse__V1__Threads threads = ROUSE__V1__THREADS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint8_t bytes[512];
	size_t n;

	threads.n_tid = threads.n_role = threads.n_worker = threads.n_state = threads.n_syscall = threads.n_cpu_ns = 2;
	threads.tid = tid;
	threads.role = role;
	threads.worker = worker;
	threads.state = state;
	threads.syscall = syscall;
	threads.cpu_ns = cpu_ns;
	frame.body_case = ROUSE__V1__FRAME__BODY_THREADS;
	frame.threads = &threads;
	assert_int_equal(rp_frame_encode(&frame, bytes, sizeof bytes, &n), 0);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
}

/* The next frame of a file: its length, 0 at the end. */
static size_t next_frame(FILE *in, uint8_t *frame)
{
	size_t n = 0;
	int c, shift = 0;

	while ((c = fgetc(in)) != EOF) {
		n |= (size_t)(c & 0x7f) << shift;
		shift += 7;
		if (!(c & 0x80))
			break;
	}
	assert_true(n <= RP_FRAME_MAX);
	assert_int_equal(fread(frame, 1, n, in), n);
	return n;
}

/* A copy of the recording with threads before the end of each generation. */
static void write_copy(FILE *out)
{
	enum { END_TAG = 12 << 3 | 2 };
	static uint8_t frame[RP_FRAME_MAX];
	char path[512];
	FILE *in = fopen(stage_path(path, "trouble.frames"), "re");
	size_t n;

	assert_non_null(in);
	for (uint64_t look = 0; (n = next_frame(in, frame)) > 0;) {
		uint8_t prefix[RP_PREFIX_MAX];
		size_t prefix_bytes = rp_prefix_encode(prefix, n);

		if (frame[0] == END_TAG)
			put_threads(out, look++);
		assert_int_equal(fwrite(prefix, 1, prefix_bytes, out), prefix_bytes);
		assert_int_equal(fwrite(frame, 1, n, out), n);
	}
	fclose(in);
}

static void beside_each_worker_stands_what_its_thread_does(void **state)
{
	char path[] = "/tmp/rouse-test-XXXXXX";
	int fd = mkstemp(path);
	FILE *out = fdopen(fd, "w");
	struct stage stage;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	assert_non_null(out);
	write_copy(out);
	assert_int_equal(fclose(out), 0);
	stage_open_file(&stage, path, 24, 80, false);
	stage_wait(&stage, 1);
	stage_keys(&stage, "2");
	stage_find(&stage, "S fsync");
	assert_false(stage_has(&stage, "R cpu")); /* one look knows no share */
	stage_wait(&stage, 3);
	stage_find(&stage, "R cpu 7"); /* of looks that were not exactly half a second apart */
	stage_find(&stage, "S fsync");
	stage_keys(&stage, "f 'fsync' Enter");
	assert_false(stage_has(&stage, "R cpu"));
	stage_find(&stage, "S fsync");
	stage_close(&stage);
	unlink(path);
}

TEST_MAIN(cmocka_unit_test(beside_each_worker_stands_what_its_thread_does));
