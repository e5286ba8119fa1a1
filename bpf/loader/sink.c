/* SPDX-License-Identifier: MIT */
#include "loader/sink.h"

#include <errno.h>

/* With names of at most BL_SYMBOL_BYTES they stay below the 64 KiB of a frame. */
#define SYMBOLS_PER_FRAME 256

int bl_sink_send(struct bl_sink *sink, const Rouse__V1__Frame *frame)
{
	size_t n = 0;
	int rc = rp_frame_pack(frame, sink->bytes, sizeof(sink->bytes), &n);

	return rc < 0 ? rc : sink->frame(sink->arg, sink->bytes, n);
}

static int send_symbols(struct bl_sink *sink, uint64_t *pc, char **name, size_t n)
{
	Rouse__V1__KernelSymbols symbols = ROUSE__V1__KERNEL_SYMBOLS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	if (!n)
		return 0;
	symbols.n_pc = symbols.n_name = n;
	symbols.pc = pc;
	symbols.name = name;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SYMBOLS;
	frame.kernel_symbols = &symbols;
	return bl_sink_send(sink, &frame);
}

int bl_sink_symbols(struct bl_sink *sink, const uint64_t *pc, size_t n)
{
	uint64_t news[SYMBOLS_PER_FRAME];
	char *names[SYMBOLS_PER_FRAME];
	size_t found = 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *name = pc[i] ? bl_kallsyms_news(&sink->symbols, pc[i]) : NULL;

		if (!name)
			continue;
		news[found] = pc[i];
		names[found++] = (char *)name;
		if (found == SYMBOLS_PER_FRAME) {
			rc = send_symbols(sink, news, names, found);
			found = 0;
		}
	}
	return rc < 0 ? rc : send_symbols(sink, news, names, found);
}
