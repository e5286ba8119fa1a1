/* SPDX-License-Identifier: MIT */
/*
 * What the kernel tells of a process, frame by frame: decodes the stream of
 * bl_kernel and prints each row as one line of JSON, until standard input ends.
 *
 *     kernel PID [groups=N] [round_ms=N] [tasks=N] [hz=N] [ring=N] [block_ns=N] [forbid=1] [stall=1]
 *
 * forbid=1: the system refuses perf events. stall=1: nothing is read until
 * standard input ends.
 */
#include "loader/kernel.h"

#include "frame.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct options {
	struct bl_kernel_opts kernel;
	uint64_t forbid, stall;
};

static struct rp_decoder *decoder;

static void text(const char *name, const char *value)
{
	printf(", \"%s\": \"", name);
	for (const char *c = value; *c; c++)
		if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ' || (unsigned char)*c > '~')
			printf("\\u%04x", (unsigned char)*c);
		else
			putchar(*c);
	putchar('"');
}

static void number(const char *name, uint64_t value)
{
	printf(", \"%s\": %" PRIu64, name, value);
}

#define CELL(TABLE, COLUMN) ((TABLE)->n_##COLUMN ? number(#COLUMN, (TABLE)->COLUMN[i]) : (void)0)

static void print_kernel(const Rouse__V1__Kernel *k)
{
	printf("{\"frame\": \"kernel\", \"groups\": [");
	for (size_t i = 0; i < k->n_group; i++) {
		printf("%s{\"group\": %u, \"status\": %d", i ? ", " : "", k->group[i], k->status[i]);
		number("uncounted", k->uncounted[i]);
		text("why", k->why[i]);
		putchar('}');
	}
	putchar(']');
	number("number", k->number);
	number("since_ns", k->since_ns);
	number("mono_ns", k->mono_ns);
	number("block_ns", k->block_ns);
	number("profile_hz", k->profile_hz);
	number("blocks", k->blocks);
	number("blocks_lost", k->blocks_lost);
	number("samples", k->samples);
	number("samples_lost", k->samples_lost);
	number("late_workers", k->late_workers);
	number("ended", k->ended);
	puts("}");
	fflush(stdout);
}

static void print_sums(const Rouse__V1__KernelSums *s)
{
	for (size_t i = 0; i < s->n_by; i++) {
		printf("{\"frame\": \"sums\"");
		CELL(s, by);
		CELL(s, id);
		CELL(s, worker);
		CELL(s, site);
		CELL(s, blocked_ns);
		CELL(s, fault_ns);
		CELL(s, run_queue_ns);
		CELL(s, preempted_ns);
		CELL(s, blocked);
		CELL(s, longest_ns);
		CELL(s, longest_kind);
		CELL(s, calls);
		CELL(s, calls_ns);
		CELL(s, faults);
		CELL(s, samples);
		puts("}");
	}
}

static void print_calls(const Rouse__V1__KernelCalls *c)
{
	for (size_t i = 0; i < c->n_site; i++) {
		printf("{\"frame\": \"calls\"");
		CELL(c, site);
		CELL(c, worker);
		CELL(c, number);
		CELL(c, calls);
		CELL(c, ns);
		CELL(c, longest_ns);
		CELL(c, longest_argument);
		text("longest_file", c->longest_file[i]);
		puts("}");
	}
}

static void print_frames(const uint64_t *pc, size_t columns)
{
	printf(", \"kernel_pc\": [");
	for (size_t i = 0; i < columns && pc[i]; i++)
		printf("%s%" PRIu64, i ? ", " : "", pc[i]);
	putchar(']');
}

static void print_blocks(const char *frame, const Rouse__V1__KernelBlocks *b)
{
	for (size_t i = 0; i < b->n_task; i++) {
		printf("{\"frame\": \"%s\"", frame);
		CELL(b, begin_ns);
		CELL(b, blocked_ns);
		CELL(b, run_queue_ns);
		CELL(b, task);
		CELL(b, site);
		CELL(b, worker);
		CELL(b, kind);
		CELL(b, number);
		CELL(b, argument);
		CELL(b, argument3);
		CELL(b, owner);
		CELL(b, waker);
		CELL(b, waker_kind);
		text("file", b->file[i]);
		text("owner_name", b->owner_name[i]);
		text("waker_name", b->waker_name[i]);
		number("register_bytes", b->registers[i].len);
		number("stack_bytes", b->stack[i].len);
		print_frames(b->kernel_pc + i * b->kernel_columns, b->kernel_columns);
		puts("}");
	}
}

static void print_samples(const Rouse__V1__KernelSamples *s)
{
	for (size_t i = 0; i < s->n_task; i++) {
		printf("{\"frame\": \"sample\"");
		CELL(s, ns);
		CELL(s, task);
		CELL(s, site);
		CELL(s, worker);
		number("register_bytes", s->registers[i].len);
		number("stack_bytes", s->stack[i].len);
		print_frames(s->kernel_pc + i * s->kernel_columns, s->kernel_columns);
		puts("}");
	}
}

static void print_symbols(const Rouse__V1__KernelSymbols *s)
{
	for (size_t i = 0; i < s->n_pc; i++) {
		printf("{\"frame\": \"symbol\"");
		CELL(s, pc);
		text("name", s->name[i]);
		puts("}");
	}
}

static int take(void *arg, const uint8_t *bytes, size_t n)
{
	const Rouse__V1__Frame *frame;
	int rc = rp_frame_decode(decoder, bytes, n, &frame);

	(void)arg;
	if (rc < 0)
		return rc;
	switch (frame->body_case) {
	case ROUSE__V1__FRAME__BODY_HELLO:
		printf("{\"frame\": \"hello\", \"protocol\": %u, \"pid\": %u", frame->hello->protocol,
			frame->hello->pid);
		text("source", frame->hello->source);
		text("program", frame->hello->program);
		puts("}");
		return 0;
	case ROUSE__V1__FRAME__BODY_KERNEL:
		print_kernel(frame->kernel);
		return 0;
	case ROUSE__V1__FRAME__BODY_KERNEL_SUMS:
		print_sums(frame->kernel_sums);
		return 0;
	case ROUSE__V1__FRAME__BODY_KERNEL_CALLS:
		print_calls(frame->kernel_calls);
		return 0;
	case ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS:
		print_blocks("block", frame->kernel_blocks);
		return 0;
	case ROUSE__V1__FRAME__BODY_KERNEL_WAITS:
		print_blocks("wait", frame->kernel_waits);
		return 0;
	case ROUSE__V1__FRAME__BODY_KERNEL_SAMPLES:
		print_samples(frame->kernel_samples);
		return 0;
	case ROUSE__V1__FRAME__BODY_KERNEL_SYMBOLS:
		print_symbols(frame->kernel_symbols);
		return 0;
	default:
		return -EBADMSG;
	}
}

/* From here on this process cannot open perf events. */
static int forbid_perf_events(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return -errno;
	return 0;
}

static int parse(struct options *options, const char *word)
{
	const char *equals = strchr(word, '=');
	const size_t length = equals ? (size_t)(equals - word) : 0;
	const uint64_t value = equals ? strtoull(equals + 1, NULL, 0) : 0;

#define OPTION(NAME, MEMBER)                                                                                           \
	if (length == strlen(NAME) && strncmp(word, NAME, length) == 0) {                                              \
		options->MEMBER = (__typeof__(options->MEMBER))value;                                                  \
		return 0;                                                                                              \
	}
	OPTION("groups", kernel.groups)
	OPTION("round_ms", kernel.round_ms)
	OPTION("tasks", kernel.tasks)
	OPTION("hz", kernel.profile_hz)
	OPTION("ring", kernel.ring_bytes)
	OPTION("block_ns", kernel.block_ns)
	OPTION("forbid", forbid)
	OPTION("stall", stall)
#undef OPTION
	return -EINVAL;
}

static int follow(struct bl_kernel *kernel, const struct options *options)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;
	int rc = 0;

	for (bool open = true; open && rc == 0;) {
		if (poll(&input, 1, options->stall ? -1 : 0) > 0)
			open = read(STDIN_FILENO, &byte, 1) > 0;
		if (!options->stall || !open)
			rc = bl_kernel_pump(kernel, 10, take, NULL);
	}
	/* What has come meanwhile, and one more round. */
	for (unsigned int ms = 0; rc == 0 && ms < 2 * options->kernel.round_ms + 200; ms += 20)
		rc = bl_kernel_pump(kernel, 20, take, NULL);
	return rc;
}

int main(int argc, char **argv)
{
	struct options options = { .kernel = { .size = sizeof(options.kernel), .groups = 30, .round_ms = 100 } };
	struct bl_kernel *kernel;
	struct bl_why why;
	int rc = argc > 1 ? 0 : -EINVAL;

	for (int i = 2; i < argc && rc == 0; i++)
		rc = parse(&options, argv[i]);
	decoder = rp_decoder_new();
	if (rc < 0 || !decoder) {
		fprintf(stderr, "usage: kernel PID [NAME=NUMBER]...\n");
		return 2;
	}
	if (options.forbid)
		rc = forbid_perf_events();
	if (rc == 0)
		rc = bl_kernel_open(atoi(argv[1]), &options.kernel, &kernel, &why);
	if (rc < 0) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	puts("{\"frame\": \"open\"}");
	fflush(stdout);
	rc = follow(kernel, &options);
	bl_kernel_close(kernel);
	rp_decoder_free(decoder);
	printf("{\"frame\": \"end\", \"rc\": %d}\n", rc);
	return rc < 0;
}
