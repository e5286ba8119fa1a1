/* SPDX-License-Identifier: MIT */
/* A frame from anywhere: an error, or something that validates, packs, and comes back the same. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include <frame.h>

static void round_trip(struct rp_decoder *again, const Rouse__V1__Frame *frame)
{
	static uint8_t first[RP_FRAME_MAX], second[RP_FRAME_MAX];
	const Rouse__V1__Frame *back;
	size_t n, m;

	if (rp_frame_pack(frame, first, sizeof first, &n) < 0 || n == 0)
		return;
	/* Columns that were not packed become packed, and empty bodies may vanish: what is left must decode. */
	FUZZ_ASSERT(rp_frame_decode(again, first, n, &back) == 0);
	FUZZ_ASSERT(back->body_case == frame->body_case);
	FUZZ_ASSERT(rp_frame_pack(back, second, sizeof second, &m) == 0);
	FUZZ_ASSERT(n == m && memcmp(first, second, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rp_decoder *decoder, *again;
	const Rouse__V1__Frame *frame;

	if (!decoder) {
		decoder = rp_decoder_new();
		again = rp_decoder_new();
	}
	int rc = rp_frame_decode(decoder, data, size, &frame);

	FUZZ_ASSERT(rc == 0 || rc == -EBADMSG || rc == -EMSGSIZE);
	if (rc < 0)
		return 0;
	FUZZ_ASSERT(rp_frame_validate(frame) == 0);
	/* Fields of a newer version are kept as bytes, in an order of their own. All bodies are messages. */
	if (frame->body_case != ROUSE__V1__FRAME__BODY__NOT_SET && frame->tasks->base.n_unknown_fields == 0)
		round_trip(again, frame);
	return 0;
}
