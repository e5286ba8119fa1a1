/* SPDX-License-Identifier: MIT */
/*
 * A session that asks the kernel, for a test to look into its model.
 *
 *     kernel_session PID MS      lines: "block TASK CALL WAKER FRAME;FRAME...", "sample TASK COUNT FRAME;FRAME...",
 *                                "lost N" of blocks, samples and stacks, "longest US" of a pump
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/kernel.h"
#include "source/session.h"

static void print_frames(const struct cn_model *model, const uint64_t *pc, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct cn_symbol *symbol = cn_model_symbol(model, pc[i]);

		printf("%s%s", i ? ";" : " ", symbol && *symbol->function ? symbol->function : "?");
	}
	printf("\n");
}

static void print_model(const struct cn_model *model)
{
	const struct cn_kernel *kernel = cn_model_kernel(model);
	const struct cn_block *block;

	for (size_t i = 0; (block = cn_kernel_block(model, i)); i++) {
		printf("block %llu %u %s", (unsigned long long)block->task, block->call,
			*block->waker_name ? block->waker_name : "-");
		print_frames(model, block->stack.pc, block->stack.n);
	}
	for (size_t i = 0; i < cn_profile_rows(model); i++) {
		const struct cn_profile_row row = cn_profile_row_at(model, i);

		printf("sample %llu %u", (unsigned long long)row.task, row.count);
		print_frames(model, row.pc, row.n);
	}
	if (kernel)
		printf("lost %" PRIu64 "\n", kernel->blocks_lost + kernel->samples_lost + kernel->stacks_lost);
}

int main(int argc, char **argv)
{
	const struct cn_session_opts opts = { .interval_ms = 200,
		.kernel = { .round_ms = 200,
			.groups = 1u << CN_KERNEL_SCHED | 1u << CN_KERNEL_SYSCALLS | 1u << CN_KERNEL_FAULTS |
				  1u << CN_KERNEL_PROFILE } };
	const uint64_t patience_ns = argc > 2 ? strtoull(argv[2], NULL, 10) * 1000000 : 0;
	struct cn_session *session;
	struct cn_why why = { 0 };
	uint64_t end_ns = 0, longest_ns = 0;

	if (argc != 3 || cn_session_open(argv[1], &opts, &session, &why)) {
		fprintf(stderr, "%s\n", argc == 3 ? why.text : "usage: kernel_session PID MS");
		return 1;
	}
	while (cn_session_asks_kernel(session) && (!end_ns || cn_session_clock_ns() < end_ns)) {
		struct pollfd ready = { .fd = cn_session_fd(session), .events = POLLIN };
		const struct cn_kernel *kernel = cn_model_kernel(cn_session_model(session));
		uint64_t begin_ns;

		if (!end_ns && kernel && kernel->rounds) {
			printf("measuring\n");
			fflush(stdout);
			end_ns = cn_session_clock_ns() + patience_ns;
		}
		poll(&ready, 1, 100);
		begin_ns = cn_session_clock_ns();
		if (cn_session_pump(session, &why) < 0)
			break;
		if (cn_session_clock_ns() - begin_ns > longest_ns)
			longest_ns = cn_session_clock_ns() - begin_ns;
	}
	print_model(cn_session_model(session));
	printf("longest %llu\n", (unsigned long long)(longest_ns / 1000));
	cn_session_close(session);
	return 0;
}
