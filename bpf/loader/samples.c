/* SPDX-License-Identifier: MIT */
#include "loader/samples.h"

#include <errno.h>
#include <string.h>

#define ROWS BL_FRAME_SAMPLES

int bl_samples_add(void *arg, void *record, size_t bytes)
{
	struct bl_samples *samples = arg;
	struct bl_sample *sample = &samples->rows[samples->n];
	const size_t head = sizeof(*sample) - BL_STACK_BYTES;

	if (bytes < head || bytes > sizeof(*sample))
		return -EPROTO;
	memcpy(sample, record, bytes);
	if (sample->state.stack_bytes > bytes - head)
		return -EPROTO;
	samples->n++;
	return samples->n == ROWS ? bl_samples_flush(samples) : 0;
}

int bl_samples_flush(struct bl_samples *samples)
{
	Rouse__V1__KernelSamples body = ROUSE__V1__KERNEL_SAMPLES__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	ProtobufCBinaryData registers[ROWS], stack[ROWS];
	uint64_t ns[ROWS], task[ROWS], kernel_pc[ROWS * BL_KERNEL_FRAMES];
	uint32_t site[ROWS], worker[ROWS];
	const size_t n = samples->n;
	int rc;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		struct bl_sample_state *state = &samples->rows[i].state;

		ns[i] = samples->rows[i].ns;
		task[i] = samples->rows[i].task;
		site[i] = samples->rows[i].site;
		worker[i] = samples->rows[i].tid;
		registers[i].data = (uint8_t *)state->registers;
		registers[i].len = state->has_registers ? sizeof(state->registers) : 0;
		stack[i].data = state->stack;
		stack[i].len = state->has_registers ? state->stack_bytes : 0;
		for (size_t at = 0; at < BL_KERNEL_FRAMES; at++)
			kernel_pc[i * BL_KERNEL_FRAMES + at] = state->kernel_pc[at];
	}
	samples->n = 0;
	body.n_ns = body.n_task = body.n_site = body.n_worker = body.n_registers = body.n_stack = n;
	body.n_kernel_pc = n * BL_KERNEL_FRAMES;
	body.ns = ns;
	body.task = task;
	body.site = site;
	body.worker = worker;
	body.registers = registers;
	body.stack = stack;
	body.kernel_columns = BL_KERNEL_FRAMES;
	body.kernel_pc = kernel_pc;
	frame.body_case = ROUSE__V1__FRAME__BODY_KERNEL_SAMPLES;
	frame.kernel_samples = &body;
	rc = bl_sink_symbols(samples->sink, kernel_pc, n * BL_KERNEL_FRAMES);
	return rc < 0 ? rc : bl_sink_send(samples->sink, &frame);
}
