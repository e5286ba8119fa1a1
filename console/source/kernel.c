/* SPDX-License-Identifier: MIT */
/*
 * Sums go into the model as they come. Blocks and samples bring copies of
 * stacks, whose unwinding takes time: so they are put aside, as the bytes they
 * are, and worked off a little with each pump; what finds no room is counted.
 */
#include "source/kernel.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <frame.h>
#include <splitter.h>

#include "model/kernel.h"
#include "model/model.h"
#include "source/helper.h"

enum { READ_BYTES = 64 << 10, READS_AT_ONCE = 32, ASK_BYTES = 64, UNWIND_MS = 50, ASIDE_MAX = 8 << 20 };

/* A frame of blocks or samples, of which `row` is the next. */
struct aside {
	struct aside *next;
	size_t n, row;
	uint8_t bytes[];
};

struct cn_kernel_stream {
	int pid, epoll;
	struct cn_kernel_wish wish;
	struct cn_helper helper;
	bool is_service; /* the second way to have one: there is no third */
	bool has_begun;
	int more; /* an eventfd: readable while something is put aside */
	bool more_is_set;
	struct rp_splitter splitter;
	struct rp_decoder *decoder;
	struct aside *first, *last;
	size_t aside_bytes;
	uint64_t until_ns;          /* of unwinding in this pump */
	struct cn_model *model;     /* of the pump in progress */
	struct cn_stacker *stacker; /* likewise */
	int cannot_unwind;          /* errno, or 0: likewise */
	int refused;                /* the code of an Error that has come, and its text */
	char refusal[512];
	uint8_t in[READ_BYTES];
};

/* ------------------------------------------------------------------- opening */

static int watch(const struct cn_kernel_stream *stream, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(stream->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int ask(const struct cn_kernel_stream *stream)
{
	Rouse__V1__Follow follow = ROUSE__V1__FOLLOW__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint8_t bytes[ASK_BYTES];
	size_t n = 0;
	int rc;

	follow.pid = (uint32_t)stream->pid;
	follow.groups = stream->wish.groups;
	follow.round_ms = stream->wish.round_ms;
	follow.block_ns = stream->wish.block_ns;
	follow.profile_hz = stream->wish.profile_hz;
	frame.body_case = ROUSE__V1__FRAME__BODY_FOLLOW;
	frame.follow = &follow;
	rc = rp_frame_encode(&frame, bytes, sizeof bytes, &n);
	if (rc)
		return rc;
	/* A new socket has room for so little. */
	return send(stream->helper.fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n ? 0 : -EPIPE;
}

static int begin(struct cn_kernel_stream *stream)
{
	int rc = watch(stream, stream->helper.fd);

	rp_splitter_fini(&stream->splitter);
	rp_splitter_init(&stream->splitter, 0);
	stream->has_begun = false;
	if (rc == 0)
		rc = ask(stream);
	if (rc)
		cn_helper_end(&stream->helper);
	return rc;
}

/* With why nobody can be asked: of the two ways, what the first one said. */
static int open_service(struct cn_kernel_stream *stream, struct cn_model *model, int status, const char *why)
{
	int rc = stream->is_service ? -EALREADY : cn_helper_connect(&stream->helper);

	stream->is_service = true;
	if (rc == 0)
		rc = begin(stream);
	return rc ? cn_kernel_refused(model, stream->wish.groups, status, why) : 0;
}

static int open_helper(struct cn_kernel_stream *stream, struct cn_model *model)
{
	int rc = cn_helper_start(&stream->helper);
	char text[160];

	if (rc == -ENOENT)
		return open_service(stream, model, rc,
			"there is no rouse-probe beside this rouse, nor does one serve at " CN_HELPER_SOCKET);
	if (rc == 0)
		rc = begin(stream);
	if (rc == 0)
		return 0;
	snprintf(text, sizeof text, "rouse-probe cannot be started: %s", strerror(-rc));
	return open_service(stream, model, rc, text);
}

int cn_kernel_stream_open(int pid, const struct cn_kernel_wish *wish, int epoll, struct cn_model *model,
	struct cn_kernel_stream **ret_stream)
{
	struct cn_kernel_stream *stream = calloc(1, sizeof *stream);
	int rc = 0;

	if (!stream)
		return -ENOMEM;
	stream->pid = pid;
	stream->epoll = epoll;
	stream->wish = *wish;
	stream->helper.fd = -1;
	stream->decoder = rp_decoder_new();
	stream->more = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!stream->decoder || stream->more < 0 || watch(stream, stream->more))
		rc = -ENOMEM;
	else
		rc = open_helper(stream, model);
	if (rc) {
		cn_kernel_stream_close(stream);
		return rc;
	}
	*ret_stream = stream;
	return 0;
}

void cn_kernel_stream_close(struct cn_kernel_stream *stream)
{
	if (!stream)
		return;
	cn_helper_end(&stream->helper);
	if (stream->more >= 0)
		close(stream->more);
	for (struct aside *next; stream->first; stream->first = next) {
		next = stream->first->next;
		free(stream->first);
	}
	rp_splitter_fini(&stream->splitter);
	rp_decoder_free(stream->decoder);
	free(stream);
}

bool cn_kernel_stream_ended(const struct cn_kernel_stream *stream)
{
	return stream->helper.fd < 0 && !stream->first;
}

/* -------------------------------------------------------------------- stacks */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Columns that are left out are 0. */
#define AT(rows, column, i) ((i) < (rows)->n_##column ? (rows)->column[i] : 0)

static void take_kernel_frames(const uint64_t *pc, size_t n, uint32_t columns, size_t row, struct cn_stack *stack)
{
	for (size_t i = 0; i < columns && i < CN_STACK_MAX && row * columns + i < n && pc[row * columns + i]; i++)
		stack->pc[stack->n++] = pc[row * columns + i];
	stack->sure = stack->n;
}

/* The user's frames behind those of the kernel. */
static int unwind(const struct cn_kernel_stream *stream, const ProtobufCBinaryData *registers,
	const ProtobufCBinaryData *copy, struct cn_stack *stack)
{
	uint64_t words[CN_REGISTERS];

	stack->why = stream->cannot_unwind;
	if (stack->why)
		return 0;
	stack->why = ENODATA;
	if (!registers || !copy || registers->len != sizeof words || stack->n == CN_STACK_MAX)
		return 0;
	memcpy(words, registers->data, sizeof words);
	return cn_stacker_unwind(stream->stacker, words, copy->data, copy->len, stream->model, stack);
}

/* Those that go on, of one round. */
static int put_waits(struct cn_model *model, const Rouse__V1__KernelBlocks *rows)
{
	struct cn_block wait;
	int rc = 0;

	for (size_t i = 0; i < rows->n_begin_ns && rc == 0; i++)
		if (cn_block_of_row(model, rows, i, &wait))
			rc = cn_kernel_put_wait(model, &wait);
	return rc;
}

static int put_block(const struct cn_kernel_stream *stream, const Rouse__V1__KernelBlocks *rows, size_t i)
{
	struct cn_block block;
	int rc;

	if (!cn_block_of_row(stream->model, rows, i, &block))
		return cn_kernel_lost(stream->model, 1);
	block.stack.tid = block.tid;
	block.stack.ns = block.begin_ns;
	take_kernel_frames(rows->kernel_pc, rows->n_kernel_pc, rows->kernel_columns, i, &block.stack);
	rc = unwind(stream, i < rows->n_registers ? &rows->registers[i] : NULL,
		i < rows->n_stack ? &rows->stack[i] : NULL, &block.stack);
	return rc ? rc : cn_kernel_put_block(stream->model, &block);
}

static int put_sample(const struct cn_kernel_stream *stream, const Rouse__V1__KernelSamples *rows, size_t i)
{
	struct cn_stack stack = { 0 };
	size_t runtime;
	int rc;

	if (!cn_kernel_runtime_of(stream->model, AT(rows, worker, i), &runtime))
		return cn_kernel_lost(stream->model, 1);
	take_kernel_frames(rows->kernel_pc, rows->n_kernel_pc, rows->kernel_columns, i, &stack);
	rc = unwind(stream, i < rows->n_registers ? &rows->registers[i] : NULL,
		i < rows->n_stack ? &rows->stack[i] : NULL, &stack);
	return rc ? rc
		  : cn_kernel_put_sample(
			    stream->model, runtime, AT(rows, site, i), AT(rows, task, i), stack.pc, stack.n);
}

static size_t rows_of(const Rouse__V1__Frame *frame)
{
	return frame->body_case == ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS ? frame->kernel_blocks->n_begin_ns
									: frame->kernel_samples->n_ns;
}

static int put_aside(struct cn_kernel_stream *stream, const Rouse__V1__Frame *frame, const uint8_t *bytes, size_t n)
{
	struct aside *aside;

	if (stream->aside_bytes + n > ASIDE_MAX)
		return cn_kernel_lost(stream->model, rows_of(frame));
	aside = malloc(sizeof *aside + n);
	if (!aside)
		return -ENOMEM;
	*aside = (struct aside){ .n = n };
	memcpy(aside->bytes, bytes, n);
	if (stream->first)
		stream->last->next = aside;
	else
		stream->first = aside;
	stream->last = aside;
	stream->aside_bytes += n;
	return 0;
}

/* 1 when it is done, 0 when the time is over, or -ENOMEM. It was decoded before, so it will be again. */
static int work_off(const struct cn_kernel_stream *stream, struct aside *aside)
{
	const Rouse__V1__Frame *frame;
	int rc = rp_frame_decode(stream->decoder, aside->bytes, aside->n, &frame);

	if (rc)
		return 1;
	while (aside->row < rows_of(frame)) {
		if (now_ns() >= stream->until_ns)
			return 0;
		rc = frame->body_case == ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS
			     ? put_block(stream, frame->kernel_blocks, aside->row)
			     : put_sample(stream, frame->kernel_samples, aside->row);
		if (rc)
			return rc;
		aside->row++;
	}
	return 1;
}

static int unwind_some(struct cn_kernel_stream *stream)
{
	int rc = 1;

	if (!stream->first)
		return 0;
	stream->until_ns = now_ns() + (uint64_t)UNWIND_MS * 1000000;
	stream->cannot_unwind = stream->stacker ? cn_stacker_begin(stream->stacker) : ENOMEM;
	while (stream->first && rc == 1) {
		struct aside *aside = stream->first;

		rc = work_off(stream, aside);
		if (rc != 1)
			break;
		stream->first = aside->next;
		stream->aside_bytes -= aside->n;
		free(aside);
	}
	return rc < 0 ? rc : 0;
}

/* Whoever waits for the descriptor must not wait while there is work left. */
static void tell_more(struct cn_kernel_stream *stream)
{
	uint64_t one = 1;

	if (stream->more_is_set == (stream->first != NULL))
		return;
	stream->more_is_set = stream->first != NULL;
	(void)!(stream->more_is_set ? write(stream->more, &one, sizeof one) : read(stream->more, &one, sizeof one));
}

/* --------------------------------------------------------------------- frames */

/* It ends without having been asked to: measured is no more, unless the process has ended. */
static int end(struct cn_kernel_stream *stream, int status, const char *why)
{
	const struct cn_kernel *kernel = cn_model_kernel(stream->model);

	cn_helper_end(&stream->helper);
	if (kernel && kernel->ended && status == -EPIPE)
		return 0;
	return cn_kernel_refused(stream->model, stream->wish.groups, status, why);
}

/* Who may not, or has not even begun, may be helped by the service. */
static int go_on_without(struct cn_kernel_stream *stream, int status, const char *why)
{
	const bool other_may = status == -EPERM || status == -EACCES || status == -EPIPE;

	if (!other_may || stream->has_begun || stream->is_service)
		return end(stream, status, why);
	cn_helper_end(&stream->helper);
	return open_service(stream, stream->model, status, why);
}

static int take_refusal(struct cn_kernel_stream *stream, const Rouse__V1__Error *error)
{
	stream->refused = error->code < 0 ? error->code : -EREMOTEIO;
	snprintf(stream->refusal, sizeof stream->refusal, "%s", error->text);
	return -ECANCELED; /* what comes from there is over */
}

static int take_frame(void *arg, const uint8_t *bytes, size_t n)
{
	struct cn_kernel_stream *stream = arg;
	const Rouse__V1__Frame *frame;
	int rc = rp_frame_decode(stream->decoder, bytes, n, &frame);

	if (rc)
		return rc;
	switch (frame->body_case) {
	case ROUSE__V1__FRAME__BODY_ERROR:
		return take_refusal(stream, frame->error);
	case ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS:
	case ROUSE__V1__FRAME__BODY_KERNEL_SAMPLES:
		return put_aside(stream, frame, bytes, n);
	case ROUSE__V1__FRAME__BODY_KERNEL_WAITS:
		return put_waits(stream->model, frame->kernel_waits);
	case ROUSE__V1__FRAME__BODY_LOST:
		return cn_kernel_lost(stream->model, frame->lost->events);
	case ROUSE__V1__FRAME__BODY_HELLO:
		stream->has_begun = true;
		return frame->hello->protocol == RP_PROTOCOL ? 0 : -EPROTO;
	default:
		rc = cn_kernel_apply(stream->model, frame);
		return rc < 0 ? rc : 0;
	}
}

static int read_frames(struct cn_kernel_stream *stream)
{
	for (int i = 0; stream->helper.fd >= 0 && i < READS_AT_ONCE; i++) {
		ssize_t n = recv(stream->helper.fd, stream->in, sizeof stream->in, MSG_DONTWAIT);
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return go_on_without(stream, -EPIPE, "the helper has ended");
		rc = rp_splitter_feed(&stream->splitter, stream->in, (size_t)n, take_frame, stream);
		if (rc == -ECANCELED)
			return go_on_without(stream, stream->refused, stream->refusal);
		if (rc == -ENOMEM)
			return rc;
		if (rc)
			return end(stream, rc, "rouse-probe is of another version than this rouse, or damaged");
	}
	return 0;
}

int cn_kernel_stream_pump(struct cn_kernel_stream *stream, struct cn_stacker *stacker, struct cn_model *model)
{
	int rc;

	stream->model = model;
	stream->stacker = stacker;
	rc = read_frames(stream);
	if (rc == 0)
		rc = unwind_some(stream);
	tell_more(stream);
	return rc;
}
